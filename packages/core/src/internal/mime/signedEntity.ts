/**
 * `multipart/signed` (RFC 1847 §2.1, RFC 8551 §3.5.3): an entity as it is, and a signature over its octets.
 *
 * What is signed is the entity without the CRLF in front of the delimiter behind it, which belongs to the delimiter.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { MessageError } from "../../MessageError.ts"
import type { Signer } from "../../SmimeSigner.ts"
import type { Hash } from "../sha256.ts"
import * as Base64 from "./base64.ts"
import { concat } from "./bytes.ts"
import type { Rendered } from "./entity.ts"
import * as Field from "./field.ts"
import type { Piece } from "./piece.ts"
import * as Pieces from "./piece.ts"

/** Hashes all but the last two octets of what passes. */
const makeTail = (hash: Hash) => {
  let held = new Uint8Array(0)
  return {
    update: (chunk: Uint8Array) => {
      const all = concat([held, chunk.length > 2 ? chunk.subarray(-2) : chunk])
      if (chunk.length > 2) {
        hash.update(held)
        hash.update(chunk.subarray(0, -2))
      } else hash.update(all.subarray(0, Math.max(all.length - 2, 0)))
      held = all.slice(-2)
    },
    digest: () => hash.digest()
  }
}

export const sign = Effect.fnUntraced(function*(
  entity: Rendered,
  signer: Signer,
  boundary: string,
  time: number,
  hasher: () => Hash
): Effect.fn.Return<Rendered, MessageError> {
  const inside = Pieces.render([`${entity.head}\r\n`, ...entity.body])
  const head = `${
    Field.fold(
      "Content-Type",
      Field.withParameters("multipart/signed", [
        ["protocol=\"application/pkcs7-signature\""],
        ["micalg=sha-256"],
        [`boundary="${boundary}"`]
      ])
    )
  }Content-Transfer-Encoding: 7bit\r\n`
  const body: Array<Piece> = [`--${boundary}\r\n`]
  const before = `--${boundary}\r\nContent-Type: application/pkcs7-signature; name=smime.p7s\r\n`
    + "Content-Disposition: attachment; filename=smime.p7s\r\nContent-Transfer-Encoding: base64\r\n\r\n"
  const after = `--${boundary}--\r\n`
  if (inside.chunks !== undefined) {
    const tail = makeTail(hasher())
    inside.chunks.forEach(tail.update)
    const signature = yield* signer.sign(tail.digest(), time)
    body.push(...inside.chunks, before, Base64.encode(signature), after)
    return { head, body, need: "7BIT" }
  }
  const size = inside.size === undefined || signer.signatureSize === undefined
    ? undefined
    : inside.size + before.length + Base64.encodedSize(signer.signatureSize)
  const stream = Stream.suspend(() => {
    const tail = makeTail(hasher())
    const content = Pieces.transform(inside.content, () => ({
      push: (chunk) => {
        tail.update(chunk)
        return chunk
      },
      end: () => new TextEncoder().encode(before)
    }))
    const signature = Effect.suspend(() => Effect.map(signer.sign(tail.digest(), time), Base64.encode))
    return Stream.concat(content, Stream.fromEffect(signature))
  })
  body.push({ _tag: "Lazy", size, stream, repeatable: inside.repeatable && signer.signatureSize !== undefined }, after)
  return { head, body, need: "7BIT" }
})
