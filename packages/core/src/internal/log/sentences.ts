/**
 * The one table of what `###` lines say: writer and reader share it (DESIGN §5).
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
  readonly pattern: string
  readonly write: (value: unknown) => string
  readonly read: (text: string) => unknown
}

const pathOf = (name: string): Field["path"] => {
  const [first = "", second] = name.split(".")
  return second === undefined ? [first] : [first, second]
}

const text = (name: string): Field => ({
  path: pathOf(name),
  pattern: "([^'()]*)",
  write: (value) => escapeInSentence(String(value)),
  read: unescape
})
const quoted = (name: string): Field => ({
  path: pathOf(name),
  pattern: String.raw`"((?:[^"\\]|\\.)*)"`,
  write: (value) => `"${escape(String(value))}"`,
  read: unescape
})
const number = (name: string): Field => ({
  path: pathOf(name),
  pattern: "([-+.0-9e]+)",
  write: String,
  read: Number
})
const either = (name: string, yes: string, no: string): Field => ({
  path: pathOf(name),
  pattern: `(${yes}|${no})`,
  write: (value) => value === true ? yes : no,
  read: (text) => text === yes
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
    const literal = (at: number): string => (strings[at] ?? "").replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
    const pattern = new RegExp(
      `^${literal(0)}${fields.map((field, at) => field.pattern + literal(at + 1)).join("")}(?: (\\{.*\\}))?$`,
      "s"
    )
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
        const found = pattern.exec(statement)
        if (found === null) return undefined
        const event: Record<string, unknown> = { ...parseObject(found[fields.length + 1]) }
        fields.forEach((field, at) => {
          const [outer, inner] = field.path
          const value = field.read(found[at + 1] ?? "")
          const within = event[outer]
          event[outer] = inner === undefined ? value : { ...(isObject(within) ? within : {}), [inner]: value }
        })
        return Option.getOrUndefined(validate({ ...event, _tag: tag, ...head }))
      }
    }
  }
}

const parseObject = (json: string | undefined): Readonly<Record<string, unknown>> => {
  if (json === undefined) return {}
  try {
    const value: unknown = JSON.parse(json)
    return isObject(value) ? value : {}
  } catch {
    return {}
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
