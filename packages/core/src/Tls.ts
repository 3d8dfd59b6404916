/**
 * What TLS was asked for, and what it found out.
 *
 * Options are plain values: a platform's connector turns them into its own. A verdict is plain data too, so that logs
 * and errors can keep it; every text in it that came from the peer is untouched and has to be escaped where a person
 * sees it.
 *
 * RFC 8446 (TLS 1.3), RFC 5246 (TLS 1.2; nothing older is spoken), RFC 9525 (service identity), RFC 6066 §3 (SNI).
 *
 * This module opens nothing and verifies nothing.
 */
import * as DateTime from "effect/DateTime"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"

/** One certificate of a chain. Subject and issuer as `CN=mail.example.com, O=Example`. */
export const Certificate = Schema.Struct({
  subject: Schema.String,
  /** Host names and IP addresses that it is for; the common name where it has no alternative names. */
  names: Schema.Array(Schema.String),
  issuer: Schema.String,
  /** Milliseconds since the epoch. */
  validFrom: Schema.Int,
  /** Milliseconds since the epoch. */
  validTo: Schema.Int,
  /** SHA-256 of the whole certificate, `AB:CD:…`. Not what `TlsOptions.pin` takes, which is of the key. */
  fingerprint256: Schema.String
})
export interface Certificate extends Schema.Schema.Type<typeof Certificate> {}

/** The outcome of a handshake. `unknown` stands where the platform does not tell. */
export const TlsInfo = Schema.Struct({
  /** `TLSv1.3`. */
  protocol: Schema.String,
  /** The IANA name, `TLS_AES_256_GCM_SHA384`. */
  cipher: Schema.String,
  /** The name that the certificate was checked against. */
  servername: Schema.optionalKey(Schema.String),
  /** Chain and name are good, or a pin vouches for the key. */
  verified: Schema.Boolean,
  /** Why it is not verified, in plain words. */
  problem: Schema.optionalKey(Schema.String),
  /** A session was resumed (RFC 8446 §2.2): verdict and chain are those of the handshake that began it. */
  resumed: Schema.optionalKey(Schema.Boolean),
  /** The server's own certificate first. */
  chain: Schema.Array(Certificate)
})
export interface TlsInfo extends Schema.Schema.Type<typeof TlsInfo> {}

/**
 * - `implicit`: TLS from the first octet (port 465; RFC 8314).
 * - `required`: STARTTLS, or fail (RFC 3207).
 * - `opportunistic`: STARTTLS where it is offered, over any certificate; `TlsInfo.verified` says what it is worth.
 * - `none`: plain text.
 */
export type TlsMode = "implicit" | "required" | "opportunistic" | "none"

/**
 * How to speak TLS, and whom to believe.
 *
 * **Who vouches for the server**
 *
 * - Neither `ca` nor `pin`: the platform's certification authorities.
 * - `ca`: these authorities instead of the platform's.
 * - `pin`: the pins alone. A matching key is accepted whatever its certificate says (name, dates, issuer); any other is
 *   refused, even if a public authority vouches for it.
 * - `ca` and `pin`: either suffices.
 */
export interface TlsOptions {
  readonly mode?: TlsMode | undefined
  /** The name that is sent (SNI) and that the certificate must have. Default: the host that was dialled. */
  readonly servername?: string | undefined
  /** Certificates of authorities, PEM, any number in each text. */
  readonly ca?: string | ReadonlyArray<string> | undefined
  /** The client's own certificate chain, PEM; `key` goes with it. */
  readonly cert?: string | undefined
  /** The private key of `cert`, PEM, without passphrase. */
  readonly key?: Redacted.Redacted | undefined
  /** Default `TLSv1.2`. */
  readonly minVersion?: "TLSv1.2" | "TLSv1.3" | undefined
  /** SHA-256 of the server's SubjectPublicKeyInfo, base64. */
  readonly pin?: string | ReadonlyArray<string> | undefined
  /** Go on over any certificate. `TlsInfo` tells the verdict nevertheless. */
  readonly dangerouslyAcceptInvalidCertificates?: boolean | undefined
}

/**
 * Whether these octets are the head of a TLS record rather than the beginning of a reply: a client that waits in plain
 * text for a greeting and reads an alert (`15 03 …`) has met a TLS server (RFC 8446 §5.1). Three octets suffice.
 */
export const looksLikeRecord = (octets: Uint8Array): boolean => {
  const [type = 0, major, minor = 255] = octets
  return type >= 20 && type <= 24 && major === 3 && minor <= 4
}

const date = (ms: number) => DateTime.formatIsoDateUtc(DateTime.makeUnsafe(ms))
const list = (names: ReadonlyArray<string>) =>
  names.slice(0, 10).map((name) => `'${name}'`).join(", ") + (names.length > 10 ? ` and ${names.length - 10} more` : "")

/**
 * What a code of the verification says, in plain words: OpenSSL's (the names of `X509_V_ERR_…`, as in
 * `CERT_HAS_EXPIRED`) and Node's. `undefined`: not the code of a certificate.
 */
export const certificateProblem = (code: string, chain: ReadonlyArray<Certificate>): string | undefined => {
  const [first, ...others] = chain
  const issuer = chain.length === 0 ? "" : ` '${chain[chain.length - 1]?.issuer}'`
  const whose = (certificate: Certificate) =>
    certificate === first ? "the certificate" : `the certificate of the authority '${certificate.subject}'`
  switch (code) {
    case "CERT_HAS_EXPIRED": {
      if (first === undefined) return "the certificate has expired"
      const expired = others.reduce((a, b) => b.validTo < a.validTo ? b : a, first)
      return `${whose(expired)} expired on ${date(expired.validTo)}`
    }
    case "CERT_NOT_YET_VALID": {
      if (first === undefined) return "the certificate is not valid yet"
      const early = others.reduce((a, b) => b.validFrom > a.validFrom ? b : a, first)
      return `${whose(early)} is not valid before ${date(early.validFrom)}`
    }
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
      return "the certificate is self-signed: no authority vouches for it"
    case "SELF_SIGNED_CERT_IN_CHAIN":
      return `the certificate's chain ends in an authority${issuer} that is not trusted here`
    case "UNABLE_TO_GET_ISSUER_CERT":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
    case "CERT_UNTRUSTED":
      return `the certificate's issuer${issuer} is not trusted here, or the server does not send the certificates in between`
    case "CERT_REVOKED":
      return "the certificate was revoked"
    case "CERT_REJECTED":
    case "INVALID_PURPOSE":
      return "the certificate is not meant for servers"
    case "INVALID_CA":
      return `the certificate's issuer${issuer} is no authority`
    case "CERT_SIGNATURE_FAILURE":
      return "the certificate's signature is wrong"
    case "CERT_CHAIN_TOO_LONG":
      return "the certificate's chain is too long"
    case "HOSTNAME_MISMATCH":
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return first === undefined ? "the certificate is for another name" : `the certificate is for ${list(first.names)}`
    default:
      return undefined
  }
}

/** `the certificate is for 'a.example', 'b.example', not for 'c.example'`. */
export const nameProblem = (wanted: string, certificate: Certificate): string =>
  certificate.names.length === 0
    ? `the certificate is for no name, so not for '${wanted}'`
    : `the certificate is for ${list(certificate.names)}, not for '${wanted}'`
