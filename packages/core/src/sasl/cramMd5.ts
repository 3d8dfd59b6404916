/**
 * CRAM-MD5 (RFC 2195): the password keys a digest of the server's challenge.
 *
 * The password does not travel, but whoever reads challenge and response can guess it off line.
 */
import * as Digest from "effect/crypto/Digest"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import * as Redacted from "effect/Redacted"
import { checkSecret, checkUser, make, type Mechanism, noMoreToSay, refuseFor, type Secret } from "./mechanism.ts"

const name = "CRAM-MD5"
const utf8 = new TextEncoder()

export const cramMd5 = (options: { readonly user: string; readonly password: Secret }): Mechanism =>
  make<"Challenge" | "Done">({
    name,
    cleartext: false,
    secrets: [options.password],
    refusal: refuseFor(name, checkUser(options.user), checkSecret(options.password)),
    start: () => ({ state: "Challenge" }),
    step: (state, challenge) =>
      state === "Done"
        ? noMoreToSay(name)
        : Effect.map(hmacMd5(utf8.encode(Redacted.value(options.password)), challenge), (digest) => ({
          state: "Done",
          response: Redacted.make(`${options.user} ${Hex.encode(digest)}`)
        })),
    complete: () => true
  })

const blockLength = 64

/** HMAC (RFC 2104) over MD5, which `effect/crypto/Mac` does not offer. Any key length, 0 included. */
export const hmacMd5 = Effect.fnUntraced(function*(
  key: Uint8Array,
  data: Uint8Array
): Effect.fn.Return<Uint8Array, never, Digest.Digest> {
  const { digest } = yield* Digest.Digest
  const block = new Uint8Array(blockLength)
  block.set(key.length > blockLength ? yield* digest(Digest.md5, key) : key)
  const inner = yield* digest(Digest.md5, concat(block.map((octet) => octet ^ 0x36), data))
  return yield* digest(Digest.md5, concat(block.map((octet) => octet ^ 0x5c), inner))
})

const concat = (a: Uint8Array, b: Uint8Array): Uint8Array => {
  const joined = new Uint8Array(a.length + b.length)
  joined.set(a)
  joined.set(b, a.length)
  return joined
}
