/**
 * Signed JWTs (RFC 7519, RFC 7515): the assertions of RFC 7523.
 *
 * A private key is `Redacted` until it is imported, and no error holds any of it; an assertion is a bearer's secret too.
 */
import * as KeyFormat from "effect/crypto/KeyFormat"
import type { SecureRandom } from "effect/crypto/SecureRandom"
import * as Signature from "effect/crypto/Signature"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Hex from "effect/encoding/Hex"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { OAuth2Error } from "../../OAuth2Error.ts"

export interface Key {
  /** PEM without passphrase: PKCS#8, or PKCS#1 (RSA), or SEC1 (EC). */
  readonly privateKey: Redacted.Redacted
  /** ES256 wants a key on P-256. Default "RS256". */
  readonly algorithm?: "RS256" | "PS256" | "ES256" | undefined
  /** `kid`, where the endpoint knows several keys. */
  readonly keyId?: string | undefined
  /** SHA-256 of the key's certificate in hex, colons allowed: `x5t#S256`, which Microsoft asks for. */
  readonly certificateSha256?: string | undefined
}

/** `issuer` and `subject` are whom the endpoint knows; `audience` is the endpoint itself (RFC 7523 §3). */
export interface Claims {
  readonly iss: string
  readonly sub?: string | undefined
  readonly aud: string
  readonly [claim: string]: unknown
}

/** Seconds that an assertion is good for: long enough for clocks that differ. */
const lifetime = 300

const algorithms = {
  RS256: Signature.rsaPkcs1v15Sha256,
  PS256: Signature.rsaPssSha256,
  ES256: Signature.ecdsaP256
} as const

const wrong = (host: string, problem: string) => new OAuth2Error({ kind: "Configuration", host, problem })

const formatOf = (pem: string) =>
  pem.includes("BEGIN RSA PRIVATE KEY")
    ? KeyFormat.pkcs1
    : pem.includes("BEGIN EC PRIVATE KEY")
    ? KeyFormat.sec1
    : KeyFormat.pkcs8

export interface Signer {
  readonly sign: (claims: Claims, milliseconds: number) => Effect.Effect<Redacted.Redacted, OAuth2Error>
}

const part = (value: unknown): string => Base64Url.encode(JSON.stringify(value))

/** Reads the key once; `host` is for errors. */
export const makeSigner = Effect.fnUntraced(function*(
  key: Key,
  host: string,
  signature: Signature.Signature["Service"],
  random: SecureRandom["Service"]
): Effect.fn.Return<Signer, OAuth2Error> {
  const alg = key.algorithm ?? "RS256"
  const notOne = `privateKey is no key for ${alg} in PEM (PKCS#8, ${
    alg === "ES256" ? "SEC1" : "PKCS#1"
  }), without passphrase`
  const thumbprint = key.certificateSha256 === undefined
    ? undefined
    : Result.getOrUndefined(Hex.decode(key.certificateSha256.replaceAll(":", "").toLowerCase()))
  if (key.certificateSha256 !== undefined && thumbprint?.length !== 32) {
    return yield* wrong(host, "certificateSha256 is no SHA-256 in hex (64 digits)")
  }
  const privateKey = yield* Effect.suspend(() => {
    const pem = Redacted.value(key.privateKey)
    return KeyFormat.decodePrivate(KeyFormat.pem(formatOf(pem)), algorithms[alg], pem)
  }).pipe(Effect.mapError(() => wrong(host, notOne)))
  const head = part({
    alg,
    typ: "JWT",
    ...(key.keyId === undefined ? {} : { kid: key.keyId }),
    ...(thumbprint === undefined ? {} : { "x5t#S256": Base64Url.encode(thumbprint) })
  })
  return {
    sign: Effect.fnUntraced(function*(claims, milliseconds) {
      const iat = Math.floor(milliseconds / 1_000)
      const jti = yield* random.uuidV4()
      const signed = `${head}.${part({ ...claims, iat, exp: iat + lifetime, jti })}`
      const octets = yield* signature.sign(privateKey, new TextEncoder().encode(signed)).pipe(
        Effect.mapError(() => wrong(host, notOne))
      )
      return Redacted.make(`${signed}.${Base64Url.encode(octets)}`, { label: "assertion" })
    })
  }
})
