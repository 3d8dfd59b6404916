/**
 * EXTERNAL (RFC 4422 appendix A): the client is who the connection says it is, by a TLS client certificate for instance.
 */
import * as Redacted from "effect/Redacted"
import { checkUser, make, type Mechanism, noMoreToSay, refuseFor } from "./mechanism.ts"

const name = "EXTERNAL"

/** Without `authorizationId` the server derives the identity, and the initial response is empty (`=`). */
export const external = (options?: { readonly authorizationId?: string | undefined }): Mechanism => {
  const authorizationId = options?.authorizationId
  return make<void>({
    name,
    cleartext: false,
    secrets: [],
    refusal: refuseFor(name, authorizationId === undefined ? undefined : checkUser(authorizationId)),
    start: () => ({ state: undefined, initial: Redacted.make(authorizationId ?? "") }),
    step: () => noMoreToSay(name),
    complete: () => true
  })
}
