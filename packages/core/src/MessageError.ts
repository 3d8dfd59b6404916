/** Why a message cannot be composed or sent: the field, as its path in the message (`attachments[0].path`), and what is wrong. */
import * as Schema from "effect/Schema"

/** `input` is the offending text, cut to an excerpt, and `offset` the place in it. Neither is in `message`: they may be personal. */
export class MessageError extends Schema.TaggedError<MessageError>()("MessageError", {
  field: Schema.String,
  problem: Schema.String,
  input: Schema.optionalKey(Schema.String),
  offset: Schema.optionalKey(Schema.Int)
}) {
  override get message() {
    return `${this.field}: ${this.problem}`
  }
}
