/**
 * ANONYMOUS (RFC 4505): no identity, only a trace for the server's log: a mail address, or a token without `@`.
 */
import * as Redacted from "effect/Redacted"
import { make, type Mechanism, noMoreToSay, refuseFor } from "./mechanism.ts"
import { isTrace } from "./saslprep.ts"

const name = "ANONYMOUS"

/** RFC 4505 §2, for a token; an address is shorter anyway. */
const maxTraceCharacters = 255

export const anonymous = (options?: { readonly trace?: string | undefined }): Mechanism => {
  const trace = options?.trace ?? ""
  return make<void>({
    name,
    cleartext: false,
    secrets: [],
    refusal: refuseFor(
      name,
      Array.from(trace).length > maxTraceCharacters
        ? `the trace is longer than ${maxTraceCharacters} characters (RFC 4505 §2)`
        : undefined,
      isTrace(trace) ? undefined : "the trace holds a control character or another that RFC 4505 §3 does not allow"
    ),
    start: () => ({ state: undefined, initial: Redacted.make(trace) }),
    step: () => noMoreToSay(name),
    complete: () => true
  })
}
