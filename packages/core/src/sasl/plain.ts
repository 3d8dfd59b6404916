/**
 * PLAIN (RFC 4616): user and password in one message, readable by whoever reads the message.
 *
 * Nothing is prepared here: RFC 4616 §2 leaves SASLprep to the server.
 */
import * as Redacted from "effect/Redacted"
import { checkSecret, checkUser, make, type Mechanism, noMoreToSay, refuseFor, type Secret } from "./mechanism.ts"

const name = "PLAIN"

/** `authorizationId`: act as somebody else than `user` (RFC 4616 §2, `authzid`). */
export const plain = (options: {
  readonly user: string
  readonly password: Secret
  readonly authorizationId?: string | undefined
}): Mechanism => {
  const { authorizationId, password, user } = options
  return make<void>({
    name,
    cleartext: true,
    secrets: [password],
    refusal: refuseFor(
      name,
      checkUser(user),
      authorizationId === undefined ? undefined : checkUser(authorizationId),
      checkSecret(password),
      Redacted.value(password) === "" ? "the password is empty" : undefined
    ),
    start: () => ({
      state: undefined,
      initial: Redacted.make(`${authorizationId ?? ""}\0${user}\0${Redacted.value(password)}`)
    }),
    step: () => noMoreToSay(name),
    complete: () => true
  })
}
