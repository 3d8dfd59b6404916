/**
 * What a send came to: who has the message, by which reply, how long it took.
 *
 * A receipt exists where at least one recipient has the message; the others have a verdict each. Where nobody has it, or
 * nobody knows, there is an `SmtpError` instead.
 */
import * as Schema from "effect/Schema"
import { LogEvent } from "./LogEvent.ts"
import { Reply } from "./Reply.ts"
import { TlsInfo } from "./Tls.ts"

const ms = Schema.DurationFromMillis

/**
 * A recipient's outcome. `Accepted` and `Refused` by the server's reply (to RCPT, or to the content); `NotSent`: nobody said
 * no, the transaction ended before (cut, timed out, RSET, never started); `Unknown`: the recipient may have the message.
 */
export const RecipientVerdict = Schema.Union([
  Schema.TaggedStruct("Accepted", { recipient: Schema.String, reply: Reply }),
  Schema.TaggedStruct("Refused", { recipient: Schema.String, reply: Reply }),
  Schema.TaggedStruct("NotSent", { recipient: Schema.String }),
  Schema.TaggedStruct("Unknown", { recipient: Schema.String })
])
export type RecipientVerdict = typeof RecipientVerdict.Type

/** See the module. Print `queueId` and `messageId` where people will look for the message in the server's log. */
export class Receipt extends Schema.Class<Receipt>("@colloquy/core/Receipt")({
  /** The session's number in the log. */
  session: Schema.Int,
  /** The transaction's number in its session, from 1. */
  transaction: Schema.Int,
  /** The Message-ID field, where the message was composed here. */
  messageId: Schema.optionalKey(Schema.String),
  server: Schema.Struct({ host: Schema.String, port: Schema.Int }),
  /** Not there: the message travelled in clear text. */
  tls: Schema.optionalKey(TlsInfo),
  /** The reply that accepted the content. */
  reply: Reply,
  /** The server's name for the message, from the forms of Postfix, Exim, SES, Exchange and Gmail. */
  queueId: Schema.optionalKey(Schema.String),
  /** In the order of the envelope. */
  recipients: Schema.NonEmptyArray(RecipientVerdict),
  /** Of the content, as it was sent. */
  octets: Schema.Int,
  /** Only with the transporter's option `conversation: "always"`: 100,000 receipts would otherwise hold 5,000,000 events. */
  conversation: Schema.optionalKey(Schema.Array(LogEvent)),
  /**
   * The session's opening (`connect`, `tls`, `greeting`, `auth`), which the first of its messages waited for, and the
   * message's own: waiting for a session (`queue`), MAIL and RCPT (`envelope`), `content`, `verdict`, and `total` from `queue` on.
   */
  timings: Schema.Struct({
    connect: Schema.optionalKey(ms),
    tls: Schema.optionalKey(ms),
    greeting: Schema.optionalKey(ms),
    auth: Schema.optionalKey(ms),
    queue: ms,
    envelope: ms,
    content: ms,
    verdict: ms,
    total: ms
  })
}) {
  /** Those who do not have the message, by the server's word. */
  get refused() {
    return this.recipients.filter((r) => r._tag === "Refused")
  }
}
