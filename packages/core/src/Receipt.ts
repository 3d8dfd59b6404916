import * as Schema from "effect/Schema"
import { LogEvent } from "./LogEvent.ts"
import { Reply } from "./Reply.ts"
import { TlsInfo } from "./Tls.ts"
const ms = Schema.DurationFromMillis
export const RecipientVerdict = Schema.Union([
  Schema.TaggedStruct("Accepted", { recipient: Schema.String, reply: Reply }),
  Schema.TaggedStruct("Refused", { recipient: Schema.String, reply: Reply }),
  /** Nobody said no: the transaction ended before (cut, timed out, RSET, never started). */
  Schema.TaggedStruct("NotSent", { recipient: Schema.String }),
  Schema.TaggedStruct("Unknown", { recipient: Schema.String })
])
export type RecipientVerdict = typeof RecipientVerdict.Type

export class Receipt extends Schema.Class<Receipt>("@colloquy/core/Receipt")({
  session: Schema.Int,
  transaction: Schema.Int,
  messageId: Schema.optionalKey(Schema.String),
  server: Schema.Struct({ host: Schema.String, port: Schema.Int }),
  tls: Schema.optionalKey(TlsInfo),
  reply: Reply,
  queueId: Schema.optionalKey(Schema.String),
  recipients: Schema.NonEmptyArray(RecipientVerdict),
  octets: Schema.Int,
  /** Only with the transporter's option `conversation: "always"`: 100,000 receipts would otherwise hold 5,000,000 events. */
  conversation: Schema.optionalKey(Schema.Array(LogEvent)),
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
  get refused() {
    return this.recipients.filter((r) => r._tag === "Refused")
  }
}
