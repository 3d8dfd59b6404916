import * as Schema from "effect/Schema"
export class Reply extends Schema.Class<Reply>("@colloquy/core/Reply")({
  code: Schema.Int,
  enhanced: Schema.optionalKey(Schema.String),
  lines: Schema.NonEmptyArray(Schema.String)
}) {
  get isPositive() {
    return this.code < 400
  }
  get isTransient() {
    return this.code >= 400 && this.code < 500
  }
  get text() {
    return this.lines.join("\n")
  }
}
