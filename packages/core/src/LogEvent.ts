/**
 * The events of the log: what was said and done, as data (P2).
 *
 * An event is a plain struct that names an error by tag and text and never holds one. Its direction is absolute (client,
 * server), so that a server's log of a conversation reads as the client's. No event holds a secret: what a mechanism
 * sends is {@link secret} from the start (P1).
 *
 * Not here: the text form (`LogText`) and where events go (`LogSink`, `SmtpLog`).
 */
import * as Context from "effect/Context"
import * as Schema from "effect/Schema"
import { TlsInfo } from "./Tls.ts"

export { secret } from "./internal/secret.ts"

/** Where a session stands. The one list of phases: LogEvent, SmtpError, Receipt and Diagnosis use it. */
export const Phase = Schema.Literals([
  "connect",
  "tls",
  "greeting",
  "ehlo",
  "starttls",
  "auth",
  "mail",
  "rcpt",
  "data",
  "content",
  "verdict",
  "rset",
  "quit"
])
export type Phase = typeof Phase.Type

const head = {
  counter: Schema.Int, // one sequence for all logs of the process
  time: Schema.Int, // Clock, ms since epoch
  process: Schema.Int,
  session: Schema.Int // 0: of no session. The transaction is not a field: it follows from the order, and the five columns have no place for it
}
const ms = Schema.Finite

// done: "###"
/** A dial begins. `tls` is the transporter's mode. */
export const Connecting = Schema.TaggedStruct("Connecting", {
  ...head,
  host: Schema.String,
  port: Schema.Int,
  tls: Schema.Literals(["implicit", "required", "opportunistic", "none"])
})
/** An address that did not answer; another may still. */
export const AttemptFailed = Schema.TaggedStruct("AttemptFailed", {
  ...head,
  address: Schema.String,
  port: Schema.Int,
  problem: Schema.String,
  elapsed: ms
})
/** `secured`: TLS came first (implicit). */
export const Connected = Schema.TaggedStruct("Connected", {
  ...head,
  host: Schema.String,
  port: Schema.Int,
  address: Schema.optionalKey(Schema.String),
  secured: Schema.Boolean
})
/** A TLS handshake ended well. `elapsed`: its own time; with implicit TLS also the dial's, where the connector did not tell them apart. */
export const Secured = Schema.TaggedStruct("Secured", { ...head, tls: TlsInfo, elapsed: ms })
/** The content travelled; its lines are events of their own at levels above `summary`. */
export const Content = Schema.TaggedStruct("Content", { ...head, octets: Schema.Int, lines: Schema.Int, elapsed: ms })
/** A limit of ours passed; in milliseconds. */
export const TimedOut = Schema.TaggedStruct("TimedOut", { ...head, phase: Phase, limit: ms })
/** `reason` is the tag of the `SmtpError`'s reason, `message` its message. */
export const Failed = Schema.TaggedStruct("Failed", {
  ...head,
  phase: Phase,
  reason: Schema.String,
  message: Schema.String
})
/** Who closed the connection; `network`: it was reset. The last event of a session. */
export const Closed = Schema.TaggedStruct("Closed", {
  ...head,
  by: Schema.Literals(["client", "server", "network"]),
  elapsed: ms
})
/** A warning, or what we decided and why. */
export const Note = Schema.TaggedStruct("Note", { ...head, text: Schema.String })
// said: "C >", "S <": absolute, so that a server's log of a conversation reads as the client's
/** A command, without CRLF; what a mechanism says is `secret`. */
export const ClientLine = Schema.TaggedStruct("ClientLine", { ...head, line: Schema.String })
/** A line of a reply, without CRLF. */
export const ServerLine = Schema.TaggedStruct("ServerLine", { ...head, line: Schema.String })
/** A line of the message's header section (level `headers`). */
export const HeaderLine = Schema.TaggedStruct("HeaderLine", { ...head, line: Schema.String })
/** A line of the message's body (level `full`). */
export const BodyLine = Schema.TaggedStruct("BodyLine", { ...head, line: Schema.String })
// about the log itself
/** First line of every file, also after rotation: whose file this is and how to read it. A file without it is 4D's. */
export const Opened = Schema.TaggedStruct("Opened", {
  ...head,
  format: Schema.Int,
  program: Schema.String,
  instance: Schema.String,
  zone: Schema.String
})
/** The log was switched. */
export const LogState = Schema.TaggedStruct("LogState", {
  ...head,
  state: Schema.Literals(["started", "stopped", "paused", "resumed"])
})
/** Here `count` events are missing. */
export const Lost = Schema.TaggedStruct("Lost", { ...head, count: Schema.Int, problem: Schema.String })
/** A line of a foreign log that the reader did not understand. */
export const Unread = Schema.TaggedStruct("Unread", {
  ...head,
  source: Schema.String,
  lineNumber: Schema.Int,
  text: Schema.String
})

/** All have `counter` (one sequence for all logs of the process), `time` (ms since the epoch), `process`, `session` (0: of none). */
export const LogEvent = Schema.Union([
  Connecting,
  AttemptFailed,
  Connected,
  Secured,
  Content,
  TimedOut,
  Failed,
  Closed,
  Note,
  ClientLine,
  ServerLine,
  HeaderLine,
  BodyLine,
  Opened,
  LogState,
  Lost,
  Unread
])
export type LogEvent = typeof LogEvent.Type

/** How much of the content a log is given: `summary` its size, `headers` the header section too, `full` all: as confidential as the mail. */
export const ContentLevel = Schema.Literals(["summary", "headers", "full"])
export type ContentLevel = typeof ContentLevel.Type

const rank: Readonly<Record<ContentLevel, number>> = { summary: 0, headers: 1, full: 2 }

/** Is this event one that a log of this level is given? Only lines of the content depend on the level. */
export const isWithin = (event: LogEvent, level: ContentLevel): boolean =>
  event._tag === "BodyLine" ? level === "full" : event._tag !== "HeaderLine" || level !== "summary"

/** The level that gives both what they want. */
export const maxContent = (a: ContentLevel, b: ContentLevel): ContentLevel => rank[a] >= rank[b] ? a : b

/** One sequence for all logs of the process: the default value is made once. Tests provide a fresh one. */
export interface Sequence {
  readonly nextCounterUnsafe: () => number
  readonly nextSessionUnsafe: () => number
}
export const Sequence: Context.Reference<Sequence> = Context.Reference<Sequence>("@colloquy/core/LogEvent/Sequence", {
  defaultValue: () => {
    let counter = 0
    let session = 0
    return { nextCounterUnsafe: () => ++counter, nextSessionUnsafe: () => ++session }
  }
})
/** 0 where the platform has none; `NodeColloquy.layer` sets `process.pid`. */
export const ProcessId: Context.Reference<number> = Context.Reference<number>("@colloquy/core/LogEvent/ProcessId", {
  defaultValue: () => 0
})
