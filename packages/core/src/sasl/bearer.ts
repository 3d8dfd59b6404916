/**
 * What XOAUTH2 and OAUTHBEARER share: the token's form, and a server that says why it refuses before it refuses.
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { checkSecret, type SaslError, type Secret, type Step } from "./mechanism.ts"

const utf8 = new TextDecoder()

/** "Refused": the error challenge came; only the final reply may follow. */
export type BearerState = "Sent" | "Refused"

/** The answer to OAuth's error challenge, with the server's words kept. */
export const acknowledge = (
  acknowledgement: { readonly response: Secret; readonly public?: boolean },
  challenge: Uint8Array
): Effect.Effect<Step<BearerState>, SaslError> =>
  Effect.succeed({
    ...acknowledgement,
    state: "Refused",
    ...(challenge.length === 0 ? undefined : { failure: utf8.decode(challenge) })
  })

/** A bearer token is visible ASCII (RFC 6750 §2.1): anything else, a final line end for instance, is a mistake. */
export const checkToken = (token: Secret): string | undefined =>
  checkSecret(token) ??
    (/^[\x21-\x7e]+$/.test(Redacted.value(token))
      ? undefined
      : "the access token is empty, or holds a blank or a character outside of ASCII (RFC 6750 §2.1)")

/** Both bearer mechanisms end their fields with %x01. */
export const checkSeparator = (user: string): string | undefined =>
  user.includes("\x01") ? "the user name holds a control character (%x01)" : undefined
