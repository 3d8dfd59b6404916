import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
export const Certificate = Schema.Struct({
  subject: Schema.String,
  names: Schema.Array(Schema.String),
  issuer: Schema.String,
  validFrom: Schema.Int,
  validTo: Schema.Int,
  fingerprint256: Schema.String
})
export interface Certificate extends Schema.Schema.Type<typeof Certificate> {}
export const TlsInfo = Schema.Struct({
  protocol: Schema.String,
  cipher: Schema.String,
  servername: Schema.optionalKey(Schema.String),
  verified: Schema.Boolean,
  problem: Schema.optionalKey(Schema.String),
  chain: Schema.Array(Certificate)
})
export interface TlsInfo extends Schema.Schema.Type<typeof TlsInfo> {}
export type TlsMode = "implicit" | "required" | "opportunistic" | "none"
export interface TlsOptions {
  readonly mode?: TlsMode | undefined
  readonly servername?: string | undefined
  readonly ca?: string | ReadonlyArray<string> | undefined
  readonly cert?: string | undefined
  readonly key?: Redacted.Redacted | undefined
  readonly minVersion?:
    | "TLSv1.2"
    | "TLSv1.3"
    | undefined /** SHA-256 of the SubjectPublicKeyInfo, base64: accepted besides, or instead of, the CA. */
  readonly pin?: string | ReadonlyArray<string> | undefined
  readonly dangerouslyAcceptInvalidCertificates?: boolean | undefined
}
