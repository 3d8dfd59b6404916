import * as Schema from "effect/Schema"
export class MessageError extends Schema.TaggedError<MessageError>("@colloquy/core/MessageError")("MessageError", {
  field: Schema.String,
  problem: Schema.String,
  input: Schema.optionalKey(Schema.String),
  offset: Schema.optionalKey(Schema.Int)
}) {
  override get message() {
    return `${this.field}: ${this.problem}`
  }
}
