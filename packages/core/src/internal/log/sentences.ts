/**
 * The one table of what `###` lines say: writer and reader share it (docs/design.md).
 *
 * A sentence shows some of an event's fields; the others follow it as one JSON object. Adding an event is adding a row.
 * Order matters only where one sentence could be read as another.
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as LogEvent from "../../LogEvent.ts"
import { Certificate, TlsInfo } from "../../Tls.ts"
import { escape, escapeInSentence, toJson, unescape } from "./escape.ts"

interface Head {
  readonly counter: number
  readonly time: number
  readonly process: number
  readonly session: number
}

/** A field of the event as the sentence shows it. */
interface Field {
  readonly path: readonly [string] | readonly [string, string]
  readonly write: (value: unknown) => string
  /** Where the field that begins at `from` ends; `next` is what the sentence says behind it. */
  readonly scan: (statement: string, from: number, next: string) => number
  readonly read: (text: string) => unknown
}

const pathOf = (name: string): Field["path"] => {
  const [first = "", second] = name.split(".")
  return second === undefined ? [first] : [first, second]
}

const endOf = (pattern: RegExp) => (statement: string, from: number): number => {
  pattern.lastIndex = from
  return pattern.exec(statement)?.index ?? statement.length
}
const endOfText = endOf(/['()]/g)
const endOfNumber = endOf(/[^-+.0-9e]/g)
const endOfPlain = endOf(/["\\]/g)

/** Back to where the sentence goes on, where its words could be the field's too. */
const before = (endOf: (statement: string, from: number) => number): Field["scan"] => (statement, from, next) => {
  const end = endOf(statement, from)
  return statement.startsWith(next, end) ? end : Math.max(from, statement.lastIndexOf(next, end))
}

const text = (name: string): Field => ({
  path: pathOf(name),
  write: (value) => escapeInSentence(String(value)),
  scan: before(endOfText),
  read: unescape
})
const quoted = (name: string): Field => ({
  path: pathOf(name),
  write: (value) => `"${escape(String(value))}"`,
  scan: (statement, from) => {
    if (!statement.startsWith("\"", from)) return from
    let end = endOfPlain(statement, from + 1)
    while (statement.startsWith("\\", end)) end = endOfPlain(statement, end + 2)
    return end + 1
  },
  read: (text) => unescape(text.slice(1, -1))
})
const number = (name: string): Field => ({
  path: pathOf(name),
  write: String,
  scan: before(endOfNumber),
  read: Number
})
const either = (name: string, yes: string, no: string): Field => ({
  path: pathOf(name),
  write: (value) => value === true ? yes : no,
  scan: (statement, from) =>
    statement.startsWith(yes, from) ? from + yes.length : statement.startsWith(no, from) ? from + no.length : from,
  read: (text) => text === yes ? true : text === no ? false : undefined
})

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const get = (value: object, [outer, inner]: Field["path"]): unknown => {
  const found: unknown = Reflect.get(value, outer)
  return inner === undefined ? found : isObject(found) ? found[inner] : undefined
}

/** The order of members in JSON, so that equal events have equal texts. */
export const keys: ReadonlyArray<string> = Array.from(
  new Set([
    ...LogEvent.LogEvent.members.flatMap((member) => Object.keys(member.fields)),
    ...Object.keys(TlsInfo.fields),
    ...Object.keys(Certificate.fields)
  ])
)

interface Row {
  readonly start: string
  readonly write: (event: LogEvent.LogEvent) => string
  readonly rest: (event: LogEvent.LogEvent) => string
  readonly read: (statement: string, head: Head) => LogEvent.LogEvent | undefined
}

const ofHead: ReadonlySet<string> = new Set(["_tag", "counter", "time", "process", "session"])

const row = (tag: LogEvent.LogEvent["_tag"], schema: Schema.Codec<LogEvent.LogEvent, unknown>) => {
  const validate = Schema.decodeUnknownOption(schema)
  return (strings: TemplateStringsArray, ...fields: ReadonlyArray<Field>): Row => {
    const start = strings[0] ?? ""
    const withoutShown = (event: LogEvent.LogEvent): Record<string, unknown> => {
      const rest: Record<string, unknown> = {}
      for (const [key, value] of Object.entries(event)) {
        if (ofHead.has(key) || fields.some(({ path }) => path.length === 1 && path[0] === key)) continue
        const inner = fields.flatMap(({ path }) => path.length === 2 && path[0] === key ? [path[1]] : [])
        rest[key] = inner.length > 0 && isObject(value)
          ? Object.fromEntries(Object.entries(value).filter(([name]) => !inner.includes(name)))
          : value
      }
      return rest
    }
    return {
      start,
      write: (event) =>
        start + fields.map((field, at) => field.write(get(event, field.path)) + (strings[at + 1] ?? "")).join(""),
      rest: (event) => {
        const rest = withoutShown(event)
        return Object.keys(rest).length === 0 ? "" : ` ${toJson(rest, keys)}`
      },
      read: (statement, head) => {
        const found: Array<string> = []
        let at = start.length
        for (const [index, field] of fields.entries()) {
          const next = strings[index + 1] ?? ""
          const end = field.scan(statement, at, next)
          if (!statement.startsWith(next, end)) return undefined
          found.push(statement.slice(at, end))
          at = end + next.length
        }
        const rest = parseRest(statement.slice(at))
        if (rest === undefined) return undefined
        const event: Record<string, unknown> = { ...rest }
        for (const [index, field] of fields.entries()) {
          const [outer, inner] = field.path
          const value = field.read(found[index] ?? "")
          const within = event[outer]
          event[outer] = inner === undefined ? value : { ...(isObject(within) ? within : {}), [inner]: value }
        }
        return Option.getOrUndefined(validate({ ...event, _tag: tag, ...head }))
      }
    }
  }
}

/** Nothing, or a blank and one JSON object. */
const parseRest = (rest: string): Readonly<Record<string, unknown>> | undefined => {
  if (rest === "") return {}
  if (!rest.startsWith(" {")) return undefined
  try {
    const value: unknown = JSON.parse(rest)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

type Said = "ClientLine" | "ServerLine" | "HeaderLine" | "BodyLine"

const { AttemptFailed, Closed, Connected, Connecting, Content, Failed, LogState, Lost } = LogEvent
const { Note, Opened, Secured, TimedOut, Unread } = LogEvent

const table: Readonly<Record<Exclude<LogEvent.LogEvent["_tag"], Said>, Row>> = {
  Opened: row("Opened", Opened)`Log opened.`,
  LogState: row("LogState", LogState)`Log ${text("state")}.`,
  Lost: row("Lost", Lost)`Log lost ${number("count")} events. (${text("problem")})`,
  Unread: row("Unread", Unread)`Unread line ${number("lineNumber")}: ${quoted("text")}`,
  Note: row("Note", Note)`Note: ${quoted("text")}`,
  Connecting: row("Connecting", Connecting)`SMTP Connecting to '${text("host")}' on port ${number("port")}. (${
    text("tls")
  })`,
  AttemptFailed: row("AttemptFailed", AttemptFailed)`SMTP Attempt at '${text("address")}' on port ${
    number("port")
  } failed. (${text("problem")})`,
  Connected: row("Connected", Connected)`SMTP Connected to '${text("host")}' on port ${number("port")}. (${
    either("secured", "secured", "unsecured")
  })`,
  Secured: row("Secured", Secured)`SMTP TLS is on. (${text("tls.protocol")}, ${
    either("tls.verified", "verified", "not verified")
  })`,
  Content: row("Content", Content)`SMTP Content sent. (${number("octets")} octets, ${number("lines")} lines)`,
  TimedOut: row("TimedOut", TimedOut)`SMTP Timed out while ${text("phase")}. (${number("limit")} ms)`,
  Failed: row("Failed", Failed)`SMTP Failed while ${text("phase")}. (${text("reason")})`,
  Closed: row("Closed", Closed)`SMTP Connection closed. (${text("by")})`
}

type Done = Exclude<LogEvent.LogEvent, { readonly _tag: Said }>

/** The sentence of what was done, without the `###`. */
export const sentence = (event: Done): string => table[event._tag].write(event)

/** The JSON object of the fields that the sentence doesn't show, with a blank before it; empty where it shows all. */
export const rest = (event: Done): string => table[event._tag].rest(event)

const rows: ReadonlyArray<Row> = Object.values(table)

/** `undefined`: not one of our sentences. */
export const readSentence = (statement: string, head: Head): LogEvent.LogEvent | undefined => {
  for (const row of rows) {
    if (statement.startsWith(row.start)) {
      const event = row.read(statement, head)
      if (event !== undefined) return event
    }
  }
  return undefined
}
