/** What a send came to, as a line of the results, and what a batch of them comes to. */
import * as Receipt from "@colloquy/core/Receipt"
import type * as SmtpError from "@colloquy/core/SmtpError"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Exit from "../exit.ts"
import type { Outcome, Record } from "./results.ts"

type Told = Pick<Record, "outcome" | "queueId" | "recipients" | "error">

const encodeVerdicts = Schema.encodeSync(Schema.toCodecJson(Schema.Array(Receipt.RecipientVerdict)))

/** The server's own no to this message, or what it can't take of it. */
const refusals: ReadonlySet<SmtpError.SmtpErrorReason["_tag"]> = new Set([
  "SenderRefused",
  "RecipientsRefused",
  "ContentRefused",
  "MessageTooLarge",
  "ExtensionUnavailable"
])

const outcomeOf = (error: SmtpError.SmtpError): Outcome => {
  if (error.delivery === "Unknown") return "unknown"
  if (error.delivery === "Partial") return "partial"
  if (error.reason._tag === "InvalidMessage") return "invalid"
  return refusals.has(error.reason._tag) ? "refused" : "not accepted"
}

export const told = (result: Result.Result<Receipt.Receipt, SmtpError.SmtpError>): Told => {
  if (Result.isSuccess(result)) {
    const { queueId, recipients, refused } = result.success
    return {
      outcome: refused.length > 0 ? "partial" : "accepted",
      ...(queueId === undefined ? {} : { queueId }),
      recipients: encodeVerdicts(recipients)
    }
  }
  const { failure } = result
  return {
    outcome: outcomeOf(failure),
    ...(failure.recipients.length === 0 ? {} : { recipients: encodeVerdicts(failure.recipients) }),
    error: {
      reason: failure.reason._tag,
      phase: failure.phase,
      message: failure.message,
      retryable: failure.isRetryable
    }
  }
}

export const isRetryable = (told: Told): boolean =>
  typeof told.error === "object" && told.error !== null && "retryable" in told.error && told.error.retryable === true

const early = new Set(["connect", "tls", "greeting", "ehlo", "starttls", "auth"])

/** It says nothing of the message: no session came about. */
export const isOfServer = (error: SmtpError.SmtpError): boolean =>
  error.delivery === "NotAccepted" && early.has(error.phase) && error.reason._tag !== "InvalidMessage"

/** How many messages have which outcome; `temporary` of those refused or not accepted may succeed later. */
export interface Tally {
  readonly counts: { [O in Outcome]: number }
  temporary: number
}

export const makeTally = (): Tally => ({
  counts: { begun: 0, accepted: 0, partial: 0, refused: 0, "not accepted": 0, unknown: 0, invalid: 0 },
  temporary: 0
})

export const add = (tally: Tally, outcome: Outcome, isRetryable: boolean) => {
  tally.counts[outcome === "begun" ? "unknown" : outcome]++
  if (isRetryable && (outcome === "refused" || outcome === "not accepted")) tally.temporary++
}

/** The first that fits: somebody may have a message; some refused for good; lines that are no messages; later, perhaps. */
export const statusOf = ({ counts, temporary }: Tally): Exit.Status => {
  const failed = counts.refused + counts["not accepted"]
  if (counts.unknown + counts.begun > 0) return Exit.status.unknown
  if (counts.partial > 0 || failed > temporary) return Exit.status.recipients
  if (counts.invalid > 0) return Exit.status.data
  return temporary > 0 ? Exit.status.temporary : Exit.status.accepted
}
