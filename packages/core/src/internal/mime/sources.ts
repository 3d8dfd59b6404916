/**
 * Files and streams of a draft: looked at before anything is sent, and read while the message travels.
 *
 * A file that is missing, or is none, fails here. One that then gives more or fewer octets than it had fails its stream,
 * and so does a stream that breaks: whoever sends must not end the message (protocol: the connection is destroyed).
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as Path from "effect/Path"
import type * as PlatformError from "effect/PlatformError"
import * as Stream from "effect/Stream"
import type { MediaTypes } from "../../MediaTypes.ts"
import { MessageError } from "../../MessageError.ts"
import { makeRepair } from "../stuffing.ts"
import { lineOctets } from "./base64.ts"
import { concat } from "./bytes.ts"
import * as LineEnds from "./lineEnds.ts"
import { AttachmentSource } from "./model.ts"
import type { Resolved } from "./part.ts"
import { unfit } from "./part.ts"
import { transform } from "./piece.ts"

const chunkSize = 64 * 1024

/** A message that may have to be converted to 7-bit is read to memory, up to here. */
const convertibleSize = 8 * 1024 * 1024

/** A file through one buffer: what streams by for a gigabyte should leave little behind to be collected. */
const throughOneBuffer = (
  fs: FileSystem.FileSystem,
  path: string
): Stream.Stream<Uint8Array, PlatformError.PlatformError> =>
  Stream.unwrap(Effect.map(fs.open(path, { flag: "r" }), (file) => {
    const buffer = new Uint8Array(lineOctets * 1152)
    return Stream.fromPull(Effect.succeed(Effect.flatMap(
      Effect.suspend(() => file.read(buffer)),
      (read) => read === 0 ? Cause.done() : Effect.succeed(Arr.of(buffer.subarray(0, read)))
    )))
  }))

export const readFailed = (field: string, path: string, error: PlatformError.PlatformError): MessageError =>
  new MessageError({
    field,
    problem: error.reason._tag === "NotFound"
      ? "no such file"
      : error.reason._tag === "PermissionDenied"
      ? "the file may not be read"
      : `the file can't be read: ${error.reason._tag}`,
    input: path
  })

const exact = (
  field: string,
  size: number,
  what: string,
  stream: Stream.Stream<Uint8Array, MessageError>
): Stream.Stream<Uint8Array, MessageError> =>
  transform(stream, () => {
    let read = 0
    return {
      push: (chunk) => {
        read += chunk.length
        return read <= size
          ? chunk
          : new MessageError({ field, problem: `${what} gave more octets than the ${size} that were announced` })
      },
      end: () =>
        read === size
          ? new Uint8Array(0)
          : new MessageError({ field, problem: `${what} ended after ${read} of ${size} octets` })
    }
  })

/** Lines for a part that may not be encoded: repaired, and refused where they can't travel as they are. */
const asLines = (
  field: string,
  stream: Stream.Stream<Uint8Array, MessageError>
): Stream.Stream<Uint8Array, MessageError> =>
  transform(stream, () => {
    const by = makeRepair()
    const scanner = LineEnds.makeScanner()
    return {
      push: (chunk) => {
        const out = by.push(chunk)
        scanner.push(out)
        return unfit(field, scanner.facts()) ?? out
      },
      end: by.end
    }
  })

const isMessage = (source: AttachmentSource, name: string | undefined, mediaTypes: MediaTypes): boolean =>
  (source.type ?? (name === undefined ? undefined : mediaTypes.typeOf(name)) ?? "").toLowerCase().startsWith(
    "message/rfc822"
  )

const file = Effect.fnUntraced(function*(
  field: string,
  source: AttachmentSource,
  path: string,
  fs: FileSystem.FileSystem,
  paths: Path.Path,
  mediaTypes: MediaTypes
): Effect.fn.Return<Resolved, MessageError> {
  const info = yield* Effect.mapError(fs.stat(path), (error) => readFailed(field, path, error))
  if (info.type !== "File") {
    return yield* Effect.fail(
      new MessageError({ field, problem: `is no regular file but a ${info.type}`, input: path })
    )
  }
  yield* Effect.mapError(fs.access(path, { readable: true }), (error) => readFailed(field, path, error))
  const size = Number(info.size)
  const name = source.name ?? paths.basename(path)
  const whole = (stream: Stream.Stream<Uint8Array, PlatformError.PlatformError>) =>
    exact(
      field,
      size,
      "the file changed while it was read: it",
      Stream.mapError(stream, (error) => readFailed(field, path, error))
    )
  const octets = whole(fs.stream(path, { chunkSize }))
  if (!isMessage(source, name, mediaTypes)) {
    const transient = whole(throughOneBuffer(fs, path))
    return { name, content: { _tag: "Source", size, stream: octets, transient, repeatable: true } }
  }
  const scanner = LineEnds.makeScanner()
  yield* Stream.runForEach(octets, (chunk) => Effect.sync(() => scanner.push(chunk)))
  const facts = scanner.facts()
  const error = unfit(field, facts)
  if (error !== undefined) return yield* Effect.fail(error)
  return {
    name,
    content: {
      _tag: "Message",
      size: facts.size,
      eightBit: facts.eightBit,
      body: facts.eightBit && size <= convertibleSize
        ? LineEnds.repair(concat(yield* Stream.runCollect(octets)))
        : exact(field, facts.size, "the file changed while it was read: it", asLines(field, octets)),
      repeatable: true
    }
  }
})

const stream = (
  field: string,
  source: AttachmentSource,
  origin: { readonly stream: Stream.Stream<Uint8Array, unknown>; readonly repeatable: boolean },
  mediaTypes: MediaTypes
): Resolved => {
  const { size } = source
  const mapped = Stream.mapError(
    origin.stream,
    (error) =>
      error instanceof MessageError
        ? error
        : new MessageError({
          field,
          problem: `the stream failed: ${error instanceof Error ? error.message : String(error)}`
        })
  )
  const octets = size === undefined ? mapped : exact(field, size, "the stream", mapped)
  // what a stream holds is not known ahead: a message in it must be 7-bit, which is checked as it passes
  return isMessage(source, source.name, mediaTypes)
    ? {
      name: source.name,
      content: {
        _tag: "Message",
        size: undefined,
        eightBit: false,
        body: sevenBit(field, asLines(field, octets)),
        repeatable: origin.repeatable
      }
    }
    : { name: source.name, content: { _tag: "Source", size, stream: octets, repeatable: origin.repeatable } }
}

const sevenBit = (
  field: string,
  octets: Stream.Stream<Uint8Array, MessageError>
): Stream.Stream<Uint8Array, MessageError> =>
  transform(octets, () => ({
    push: (chunk) =>
      LineEnds.scan(chunk).eightBit
        ? new MessageError({ field, problem: "a message from a stream must be 7-bit: give it as octets or as a file" })
        : chunk,
    end: () => new Uint8Array(0)
  }))

/** The sources among attachments and the parts of a tree, each with the field that it stands in. */
export const collect = (
  attachments: unknown,
  bodyStructure: unknown
): ReadonlyArray<readonly [field: string, source: AttachmentSource]> => {
  const found: Array<readonly [string, AttachmentSource]> = []
  const visit = (field: string, u: unknown, depth: number): void => {
    if (u instanceof AttachmentSource) found.push([field, u])
    else if (typeof u === "object" && u !== null && "subParts" in u && Array.isArray(u.subParts) && depth < 51) {
      u.subParts.forEach((part, i) => visit(`${field}.subParts[${i}]`, part, depth + 1))
    }
  }
  if (Array.isArray(attachments)) attachments.forEach((part, i) => visit(`attachments[${i}]`, part, 0))
  visit("bodyStructure", bodyStructure, 0)
  return found
}

export const resolve = Effect.fnUntraced(function*(
  sources: ReadonlyArray<readonly [field: string, source: AttachmentSource]>,
  fs: FileSystem.FileSystem,
  paths: Path.Path,
  mediaTypes: MediaTypes
): Effect.fn.Return<ReadonlyMap<unknown, Resolved>, MessageError> {
  const resolved = new Map<unknown, Resolved>()
  for (const [field, source] of sources) {
    const origin = AttachmentSource.origin(source)
    if (origin === undefined) continue
    resolved.set(
      source,
      origin._tag === "File"
        ? yield* file(field, source, origin.path, fs, paths, mediaTypes)
        : stream(field, source, origin, mediaTypes)
    )
  }
  return resolved
})
