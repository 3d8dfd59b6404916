/**
 * DKIM over a rendered message: its body is hashed, and the signatures stand in front of its header section.
 *
 * In memory that is one pass; a body that reads the same each time is read once to hash and again to send, and fails if it
 * was another then; any other body goes to a temporary file (to memory up to `spoolLimit`), in each attempt anew, and the
 * file is gone when the attempt ends.
 */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as PlatformError from "effect/PlatformError"
import * as Stream from "effect/Stream"
import type { Signer } from "../../Dkim.ts"
import { MessageError } from "../../MessageError.ts"
import type { Rendered } from "../mime/piece.ts"
import * as Piece from "../mime/piece.ts"
import type { Hash } from "../sha256.ts"
import type { Canonicalization } from "./canonical.ts"
import * as Canonical from "./canonical.ts"

/** Octets that are kept in memory before a temporary file is made. */
export const spoolLimit = 1024 * 1024

interface Input {
  /** Fields, each with its CRLF. */
  readonly header: string
  readonly body: Rendered
  readonly signers: ReadonlyArray<Signer>
  readonly seconds: number
  readonly hasher: () => Hash
  readonly fs: FileSystem.FileSystem | undefined
}

type Digests = ReadonlyMap<Canonicalization, Uint8Array>

const makeHashes = ({ hasher, signers }: Input) => {
  const hashes = new Map(
    signers.map(({ bodyCanonicalization: form }) => [form, Canonical.makeBodyHash(form, hasher())] as const)
  )
  return {
    update: (chunk: Uint8Array) => hashes.forEach((hash) => hash.update(chunk)),
    digests: (): Digests => new Map([...hashes].map(([form, hash]) => [form, hash.digest()]))
  }
}

/** The header section with its signatures and the blank line. */
const head = ({ header, seconds, signers }: Input, digests: Digests): Effect.Effect<string, MessageError> =>
  Effect.map(
    Effect.forEach(signers, (signer) =>
      signer.sign(header, digests.get(signer.bodyCanonicalization) ?? new Uint8Array(32), seconds)),
    (fields) =>
      `${fields.toReversed().join("")}${header}\r\n`
  )

const same = (a: Digests, b: Digests): boolean =>
  [...a].every(([form, digest]) => digest.every((octet, i) => b.get(form)?.[i] === octet))

export const sign = (input: Input): Effect.Effect<Rendered, MessageError> =>
  input.body.chunks !== undefined
    ? inMemory(input, input.body.chunks)
    : input.body.repeatable
    ? readTwice(input)
    : spooled(input)

const inMemory = Effect.fnUntraced(function*(input: Input, chunks: ReadonlyArray<Uint8Array>) {
  const hashes = makeHashes(input)
  chunks.forEach(hashes.update)
  return Piece.render([yield* head(input, hashes.digests()), ...chunks])
})

const readTwice = Effect.fnUntraced(function*(input: Input) {
  const hashes = makeHashes(input)
  yield* Stream.runForEach(input.body.content, (chunk) => Effect.sync(() => hashes.update(chunk)))
  const digests = hashes.digests()
  const stream = Piece.transform(input.body.content, () => {
    const again = makeHashes(input)
    return {
      push: (chunk) => {
        again.update(chunk)
        return chunk
      },
      end: () =>
        same(digests, again.digests())
          ? new Uint8Array(0)
          : new MessageError({ field: "content", problem: "the content changed after it was signed" })
    }
  })
  return Piece.render([yield* head(input, digests), { _tag: "Lazy", size: input.body.size, stream, repeatable: true }])
})

const spooled = Effect.fnUntraced(function*(input: Input) {
  const { body, fs } = input
  // every signature by one key has one length
  const length = (yield* head(input, new Map())).length
  const content = Stream.unwrap(Effect.gen(function*() {
    const hashes = makeHashes(input)
    const kept: Array<Uint8Array> = []
    let octets = 0
    let spool: { readonly path: string; readonly file: FileSystem.File } | undefined
    yield* Stream.runForEach(body.content, (chunk) =>
      Effect.gen(function*() {
        hashes.update(chunk)
        octets += chunk.length
        if (spool === undefined && (octets <= spoolLimit || fs === undefined)) {
          kept.push(chunk)
          return
        }
        if (spool === undefined && fs !== undefined) {
          const path = yield* fs.makeTempFileScoped({ prefix: "colloquy-" })
          spool = { path, file: yield* fs.open(path, { flag: "w", mode: 0o600 }) }
          for (const early of kept.splice(0)) yield* spool.file.writeAll(early)
        }
        yield* spool?.file.writeAll(chunk) ?? Effect.void
      }).pipe(Effect.catchTag("PlatformError", (error) => Effect.fail(spoolFailed(error)))))
    const signed = new TextEncoder().encode(yield* head(input, hashes.digests()))
    const rest = spool === undefined || fs === undefined
      ? Stream.fromArray(kept)
      : Stream.mapError(fs.stream(spool.path), spoolFailed)
    return Stream.concat(Stream.make(signed), rest)
  }))
  return {
    size: body.size === undefined ? undefined : body.size + length,
    chunks: undefined,
    content,
    repeatable: false
  } satisfies Rendered
})

const spoolFailed = (error: PlatformError.PlatformError): MessageError =>
  new MessageError({
    field: "content",
    problem: `the temporary file that signing needs can't be used: ${error.reason._tag}`
  })
