/**
 * One message in more than one transaction (RFC 5321 §4.5.3.1.10, RFC 9422 §4.2): the outcomes made one.
 *
 * A recipient's last verdict counts. Somebody accepted and nobody in doubt is a receipt; a doubt is an error with all
 * verdicts.
 */
import * as Effect from "effect/Effect"
import { Receipt, type RecipientVerdict } from "../Receipt.ts"
import { SmtpError } from "../SmtpError.ts"
import { delivery } from "./delivery.ts"

type Outcome = Effect.Effect<Receipt, SmtpError>

const join = (
  before: ReadonlyArray<RecipientVerdict>,
  after: ReadonlyArray<RecipientVerdict>
): ReadonlyArray<RecipientVerdict> => {
  const latest = new Map(after.map((verdict) => [verdict.recipient, verdict]))
  const known = new Set(before.map((verdict) => verdict.recipient))
  return [
    ...before.map((verdict) => latest.get(verdict.recipient) ?? verdict),
    ...after.filter((verdict) => !known.has(verdict.recipient))
  ]
}

const withRecipients = (receipt: Receipt, recipients: ReadonlyArray<RecipientVerdict>): Receipt => {
  const [first, ...rest] = recipients
  if (first === undefined) return receipt
  const fields: ConstructorParameters<typeof Receipt>[0] = receipt
  return new Receipt({ ...fields, recipients: [first, ...rest] })
}

const withVerdicts = (error: SmtpError, recipients: ReadonlyArray<RecipientVerdict>): SmtpError =>
  new SmtpError({
    reason: error.reason,
    phase: error.phase,
    delivery: delivery(recipients) ?? "Partial",
    recipients,
    conversation: error.conversation,
    ...(error.server === undefined ? {} : { server: error.server })
  })

export const merge = (first: Outcome, second: Outcome): Outcome =>
  Effect.flatMap(Effect.result(first), (before) =>
    Effect.matchEffect(second, {
      onSuccess: (receipt) =>
        Effect.succeed(
          before._tag === "Success"
            ? withRecipients(before.success, join(before.success.recipients, receipt.recipients))
            : withRecipients(receipt, join(before.failure.recipients, receipt.recipients))
        ),
      onFailure: (error) => {
        if (before._tag === "Failure") {
          return Effect.fail(withVerdicts(error, join(before.failure.recipients, error.recipients)))
        }
        const recipients = join(before.success.recipients, error.recipients)
        return delivery(recipients) === undefined
          ? Effect.succeed(withRecipients(before.success, recipients))
          : Effect.fail(withVerdicts(error, recipients))
      }
    }))
