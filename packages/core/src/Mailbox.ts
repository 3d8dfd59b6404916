import type * as Result from "effect/Result"
import * as Schema from "effect/Schema"
export class Mailbox extends Schema.Class<Mailbox>("@colloquy/core/Mailbox")({
  localPart: Schema.String,
  domain: Schema.String,
  displayName: Schema.optionalKey(Schema.String)
}) {}
export class MailboxError extends Schema.TaggedError<MailboxError>()("MailboxError", {
  input: Schema.String,
  offset: Schema.Int,
  problem: Schema.String
}) {}
export declare const parse: (text: string) => Result.Result<Mailbox, MailboxError>
