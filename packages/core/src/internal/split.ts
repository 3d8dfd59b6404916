/**
 * One message in more than one transaction (RFC 5321 §4.5.3.1.10, RFC 9422 §4.2): the outcomes made one.
 *
 * A recipient's last verdict counts. Somebody accepted and nobody in doubt is a receipt; a doubt is an error with all
 * verdicts.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { Receipt, type RecipientVerdict } from "../Receipt.ts"
import { describe, SmtpError } from "../SmtpError.ts"
import { delivery } from "./delivery.ts"

type Outcome = Effect.Effect<Receipt, SmtpError>

/** Each later verdict takes the place of one that its recipient had, unless by that one they have the message or may have it. */
const join = (
  before: ReadonlyArray<RecipientVerdict>,
  after: ReadonlyArray<RecipientVerdict>
): ReadonlyArray<RecipientVerdict> => {
  const joined = [...before]
  const replaced = new Set<number>()
  for (const verdict of after) {
    const at = before.findIndex(({ _tag, recipient }, index) =>
      recipient === verdict.recipient && (_tag === "Refused" || _tag === "NotSent") && !replaced.has(index)
    )
    if (at < 0) joined.push(verdict)
    else {
      joined[at] = verdict
      replaced.add(at)
    }
  }
  return joined
}

const withRecipients = (receipt: Receipt, recipients: ReadonlyArray<RecipientVerdict>): Receipt => {
  const [first, ...rest] = recipients
  if (first === undefined) return receipt
  const fields: ConstructorParameters<typeof Receipt>[0] = receipt
  return new Receipt({ ...fields, recipients: [first, ...rest] })
}

/** The message where a redaction had something to hide in it; else the new verdicts make a better one. */
const redacted = (error: SmtpError): { readonly summary?: string } =>
  error.summary === undefined || error.summary === describe(error) ? {} : { summary: error.summary }

const withVerdicts = (error: SmtpError, recipients: ReadonlyArray<RecipientVerdict>): SmtpError =>
  new SmtpError({
    reason: error.reason,
    phase: error.phase,
    delivery: delivery(recipients) ?? "Partial",
    recipients,
    conversation: error.conversation,
    ...(error.server === undefined ? {} : { server: error.server }),
    ...redacted(error)
  })

const verdictsOf = (outcome: Result.Result<Receipt, SmtpError>): ReadonlyArray<RecipientVerdict> =>
  Result.isSuccess(outcome) ? outcome.success.recipients : outcome.failure.recipients

const notSent = (recipient: string): RecipientVerdict => ({ _tag: "NotSent", recipient })

/** `second` was for `recipients`; one that failed before there was a session has no verdicts. */
export const merge = (first: Outcome, second: Outcome, recipients: ReadonlyArray<string>): Outcome =>
  Effect.gen(function*() {
    const before = yield* Effect.result(first)
    const after = yield* Effect.result(second)
    const later = verdictsOf(after)
    const all = join(verdictsOf(before), later.length > 0 ? later : recipients.map(notSent))
    if (delivery(all) === undefined) {
      if (Result.isSuccess(before)) return withRecipients(before.success, all)
      if (Result.isSuccess(after)) return withRecipients(after.success, all)
    }
    const errors = [before, after].filter(Result.isFailure).map(({ failure }) => failure)
    const error = errors.find((error) => error.delivery !== "NotAccepted") ?? errors.at(-1)
    return yield* error === undefined
      ? Effect.die(new Error("two receipts that leave a doubt"))
      : Effect.fail(withVerdicts(error, all))
  })
