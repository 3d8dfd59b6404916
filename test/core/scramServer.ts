/**
 * The server's side of SCRAM, written from RFC 5802 §3, §5 and §7 for the tests of the client's: strict in all that it reads.
 */
import { assert } from "@effect/vitest"
import { Effect, Result } from "effect"
import { Digest, Kdf, Mac } from "effect/crypto"
import { Base64 } from "effect/encoding"
import { base64, octetsOf } from "./saslVectors.ts"

export interface Account {
  /** As the server has them: prepared. */
  readonly user: string
  readonly password: string
  readonly salt: Uint8Array
  readonly iterations: number
}

export const algorithms = {
  "SCRAM-SHA-1": Mac.hmacSha1,
  "SCRAM-SHA-256": Mac.hmacSha256,
  "SCRAM-SHA-512": Mac.hmacSha512
}

export type Hash = keyof typeof algorithms

const hmac = Effect.fnUntraced(function*(algorithm: Mac.Algorithm, key: Uint8Array, data: Uint8Array) {
  const mac = yield* Mac.Mac
  return yield* mac.sign(yield* Mac.key(algorithm, key), data)
})

/** Reads the client's first message; gives its own first, and what to do with the client's last. */
export const answer = (options: {
  readonly hash: Hash
  readonly account: Account
  readonly serverNonce: string
  readonly channelBinding?: Uint8Array
  readonly clientFirst: string
}) => {
  const { account, channelBinding, clientFirst, hash, serverNonce } = options
  const parsed = /^((?:p=([A-Za-z0-9.-]+)|n|y),(?:a=([^,]+))?,)n=([^,]+),r=([!-+\--~]+)$/.exec(clientFirst)
  assert.isNotNull(parsed, "the client's first message has RFC 5802's form")
  const [, gs2 = "", bindingName, authorizationId, name = "", clientNonce = ""] = parsed ?? []
  assert.isNull(/=(?!2C|3D)/.exec(name), "= in a name is =2C or =3D only")
  const serverFirst = [
    `r=${clientNonce}${serverNonce}`,
    `s=${Base64.encode(account.salt)}`,
    `i=${account.iterations}`
  ].join(",")

  /** The server's signature, if the client's proof holds. */
  const judge = Effect.fnUntraced(function*(clientFinal: string) {
    const final = /^(c=([A-Za-z0-9+/=]+),r=([!-+\--~]+)),p=([A-Za-z0-9+/=]+)$/.exec(clientFinal)
    assert.isNotNull(final, "the client's last message has RFC 5802's form")
    const [, withoutProof = "", binding, nonce, proof = ""] = final ?? []
    const channel = bindingName === undefined ? new Uint8Array() : channelBinding ?? new Uint8Array()
    if (binding !== Base64.encode(Uint8Array.from([...octetsOf(gs2), ...channel]))) return undefined
    if (nonce !== `${clientNonce}${serverNonce}`) return undefined
    if (name.replaceAll("=2C", ",").replaceAll("=3D", "=") !== account.user) return undefined

    const algorithm = algorithms[hash]
    const digest = yield* Digest.Digest
    const kdf = yield* Kdf.Kdf
    const salted = yield* kdf.derive(
      Kdf.pbkdf2({ hash: algorithm.hash, iterations: account.iterations }),
      octetsOf(account.password),
      { salt: account.salt, length: algorithm.hash.outputLength }
    )
    const storedKey = yield* digest.digest(algorithm.hash, yield* hmac(algorithm, salted, octetsOf("Client Key")))
    const authMessage = octetsOf(`${clientFirst.slice(gs2.length)},${serverFirst},${withoutProof}`)
    const clientSignature = yield* hmac(algorithm, storedKey, authMessage)
    const clientKey = Result.getOrThrow(Base64.decode(proof)).map((octet, i) => octet ^ (clientSignature[i] ?? 0))
    if (Base64.encode(yield* digest.digest(algorithm.hash, clientKey)) !== Base64.encode(storedKey)) return undefined
    const serverKey = yield* hmac(algorithm, salted, octetsOf("Server Key"))
    return Base64.encode(yield* hmac(algorithm, serverKey, authMessage))
  })

  return { gs2, bindingName, authorizationId, serverFirst, judge }
}

export const wrongSignature = base64("no signature at all.")
