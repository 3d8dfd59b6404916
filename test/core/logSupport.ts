/** Events for the log's tests: short makers, and an arbitrary whose texts are as hostile as a peer's. */
import { LogEvent } from "@colloquy/core/LogEvent"
import { Arbitrary, Schema } from "effect"

export const head = (counter: number, session = 7) => ({ counter, time: 1_000 * counter, process: 5, session })

export const client = (counter: number, line: string, session?: number): LogEvent => ({
  _tag: "ClientLine",
  ...head(counter, session),
  line
})
export const server = (counter: number, line: string, session?: number): LogEvent => ({
  _tag: "ServerLine",
  ...head(counter, session),
  line
})
export const header = (counter: number, line: string, session?: number): LogEvent => ({
  _tag: "HeaderLine",
  ...head(counter, session),
  line
})
export const body = (counter: number, line: string, session?: number): LogEvent => ({
  _tag: "BodyLine",
  ...head(counter, session),
  line
})

const pieces = [
  "\"",
  "\\",
  "'",
  "(",
  ")",
  "{",
  "}",
  ", verified)",
  " ",
  "\t",
  "\r",
  "\n",
  "\r\n8 2026-02-06T15:03:11.586Z 5 7 S < \"250 forged\"",
  "\"9 2019-02-06T15:03:11.586 5 7 ### SMTP Connection closed. (client)",
  "### Log opened. {\"format\":1}",
  " {\"elapsed\":1}",
  "\\x41\\u{42}",
  "\0",
  "\u001b[31m",
  "\u007f",
  "\u0085",
  "\u009b",
  "\u2028",
  "\u2029",
  "\u061c",
  "\u202e",
  "\u2066",
  "\ufeff",
  "\udc80",
  "\udcff",
  "\ud800",
  "\udfff",
  "😀",
  "é",
  "SMTP TLS is on.",
  "abc"
] as const

const hostile = (event: LogEvent, text: string): LogEvent => {
  switch (event._tag) {
    case "ClientLine":
    case "ServerLine":
    case "HeaderLine":
    case "BodyLine":
      return { ...event, line: text }
    case "Connecting":
    case "Connected":
      return { ...event, host: text }
    case "AttemptFailed":
      return { ...event, address: text, problem: text }
    case "Failed":
      return { ...event, reason: text, message: text }
    case "Secured":
      return { ...event, tls: { ...event.tls, protocol: text, problem: text, cipher: text } }
    case "Note":
      return { ...event, text }
    case "Lost":
      return { ...event, problem: text }
    case "Unread":
      return { ...event, text, source: text }
    case "Opened":
      return { ...event, program: text }
    default:
      return event
  }
}

/** JSON and decimal digits have no negative zero. */
const withoutNegativeZero = <A>(value: A): A =>
  (Object.is(value, -0)
    ? 0
    : Array.isArray(value)
    ? value.map(withoutNegativeZero)
    : typeof value === "object" && value !== null
    ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutNegativeZero(inner)]))
    : value) as A

const texts = Arbitrary.map(
  Arbitrary.schema(Schema.Array(Schema.Literals(pieces))),
  (pieces) => pieces.join("")
)

/** Any event; half of them with hostile texts. */
export const anyEvent: Arbitrary.Arbitrary<LogEvent> = Arbitrary.map(
  Arbitrary.all([Arbitrary.schema(LogEvent), texts, Arbitrary.schema(Schema.Boolean)]),
  ([event, text, isHostile]) => withoutNegativeZero(isHostile ? hostile(event, text) : event)
)
