import type { Digest } from "effect/crypto/Digest"
import type { Kdf } from "effect/crypto/Kdf"
import type { Mac } from "effect/crypto/Mac"
import type { SecureRandom } from "effect/crypto/SecureRandom"
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
export class SaslError extends Schema.TaggedError<SaslError>("@colloquy/core/SaslError")("SaslError", {
  mechanism: Schema.String,
  problem: Schema.String
}) {}
export type Services = Digest | Mac | Kdf | SecureRandom
export type Secret = Redacted.Redacted<string>
/** A mechanism is a state and a step; whatever it sends is Redacted, so a custom one cannot leak either. */
export interface Mechanism<S = unknown> {
  readonly name: string
  /** The secret can be read from what is sent: last in the order of choice. (Without verified TLS no mechanism is used at all.) */
  readonly cleartext: boolean
  readonly start: (
    context: {
      readonly nonce: string
      readonly host: string
      readonly port: number /** `tls-exporter` (RFC 9266), where the connection gives it: -PLUS */
      readonly channelBinding?: Uint8Array | undefined
      /** Mechanisms that the server offers, upper case: decides SCRAM's GS2 flag. */
      readonly offered?: ReadonlyArray<string> | undefined
    }
  ) => { readonly state: S; readonly initial?: Secret }
  /** `secretChallenge`: this challenge is asterisks in the log too (SCRAM's `v=` lets whoever reads it guess the password off line). */
  step(
    state: S,
    challenge: Uint8Array
  ): Effect.Effect<
    { readonly state: S; readonly response: Secret; readonly secretChallenge?: boolean },
    SaslError,
    Services
  >
  /** True when the server has proven itself, or need not: a 235 before that is an error (SCRAM). */
  complete(state: S): boolean
}
export declare const make: <S>(mechanism: Mechanism<S>) => Mechanism
export declare const plain: (options: { readonly user: string; readonly password: Secret }) => Mechanism
export declare const scramSha256: (options: { readonly user: string; readonly password: Secret }) => Mechanism
