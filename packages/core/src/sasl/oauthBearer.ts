/**
 * OAUTHBEARER (RFC 7628): a bearer token (RFC 6750) as SASL.
 *
 * A server that refuses the token says why in one more challenge; the answer `%x01` (`AQ==` in base64, RFC 7628 §3.2.3)
 * fetches the final reply.
 */
import * as Redacted from "effect/Redacted"
import { acknowledge, type BearerState, checkSeparator, checkToken } from "./bearer.ts"
import { checkUser, make, type Mechanism, noMoreToSay, refuseFor, type Secret } from "./mechanism.ts"
import { saslName } from "./saslName.ts"

const name = "OAUTHBEARER"

/** `user` may be left out where the token names its owner (RFC 7628 §3.1). */
export const oauthBearer = (options: { readonly user?: string | undefined; readonly token: Secret }): Mechanism => {
  const { token, user } = options
  return make<BearerState>({
    name,
    cleartext: true,
    secrets: [token],
    refusal: refuseFor(
      name,
      user === undefined ? undefined : checkUser(user) ?? checkSeparator(user),
      checkToken(token)
    ),
    start: ({ host, port }) => ({
      state: "Sent",
      initial: Redacted.make(
        [
          `n,${user === undefined ? "" : `a=${saslName(user)}`},`,
          ...(/^[\x21-\x7e]+$/.test(host) && port > 0 ? [`host=${host}`, `port=${port}`] : []),
          `auth=Bearer ${Redacted.value(token)}`,
          "\x01"
        ].join("\x01")
      )
    }),
    step: (state, challenge) =>
      state === "Refused"
        ? noMoreToSay(name)
        : acknowledge({ response: Redacted.make("\x01"), public: true }, challenge),
    complete: (state) => state === "Sent"
  })
}
