/**
 * S/MIME signatures (RFC 8551): a service, since reading certificates and building CMS is a platform's library's work.
 *
 * Core makes `multipart/signed` and the digest of what is signed, as it streams by; the service turns a digest into a
 * detached signature. `NodeSmimeSigner` is Node's. Messages are signed, not encrypted.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type { MessageError } from "./MessageError.ts"

export interface Options {
  /** Certificate with its private key: PKCS#12 octets, or PEM text that holds both (further certificates are sent along). */
  readonly certificate: Uint8Array | Redacted.Redacted
  /** Of the PKCS#12 file, or of the encrypted key in PEM. */
  readonly certificatePassword?: Redacted.Redacted | undefined
}

/** Signs by one certificate. */
export interface Signer {
  readonly "~@colloquy/core/SmimeSigner/Signer": unknown
  /**
   * A detached CMS SignedData (RFC 5652 §5) in DER, with signed attributes: content type, signing time, message digest.
   * `digest`: SHA-256 of the content; `time`: milliseconds since the epoch.
   */
  readonly sign: (digest: Uint8Array, time: number) => Effect.Effect<Uint8Array, MessageError>
  /** Octets of a signature, where each has as many (RSA). */
  readonly signatureSize: number | undefined
}

export class SmimeSigner extends Context.Service<SmimeSigner, {
  /** Reads the certificate. Fails with `certificate` or `certificatePassword` as the field, and none of their content. */
  readonly make: (options: Options) => Effect.Effect<Signer, MessageError>
}>()("@colloquy/core/SmimeSigner") {}

/** A signer by the platform's service. */
export const make = (options: Options): Effect.Effect<Signer, MessageError, SmimeSigner> =>
  SmimeSigner.use((service) => service.make(options))
