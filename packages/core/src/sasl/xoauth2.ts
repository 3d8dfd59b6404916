/**
 * XOAUTH2: Google's and Microsoft's bearer token mechanism, older than OAUTHBEARER and without a standard.
 *
 * A server that refuses the token says why in one more challenge; the empty answer to it fetches the final reply.
 */
import * as Redacted from "effect/Redacted"
import { acknowledge, type BearerState, checkSeparator, checkToken } from "./bearer.ts"
import { checkUser, make, type Mechanism, noMoreToSay, refuseFor, type Secret } from "./mechanism.ts"

const name = "XOAUTH2"

export const xoauth2 = (options: { readonly user: string; readonly token: Secret }): Mechanism => {
  const { token, user } = options
  return make<BearerState>({
    name,
    cleartext: true,
    secrets: [token],
    refusal: refuseFor(name, checkUser(user), checkSeparator(user), checkToken(token)),
    start: () => ({
      state: "Sent",
      initial: Redacted.make(`user=${user}\x01auth=Bearer ${Redacted.value(token)}\x01\x01`)
    }),
    step: (state, challenge) =>
      state === "Refused" ? noMoreToSay(name) : acknowledge({ response: Redacted.make("") }, challenge),
    complete: (state) => state === "Sent"
  })
}
