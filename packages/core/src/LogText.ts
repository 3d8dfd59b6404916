/**
 * The log's text form (docs/design.md): five columns, one record a line, and the same events as JSON lines.
 *
 * Laws: event → text → event and event → JSON → event are exact; text → events → text is exact, with no `Unread`, for
 * what this module wrote. Reading never fails: a line that cannot be read is an `Unread` event. 4D's own dialect (which
 * escapes nothing, names no zone, leaves out columns and glues records) is read, never written.
 *
 * Not here: redaction (it has already happened) and the formats of other programs.
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Channel from "effect/Channel"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Pull from "effect/Pull"
import * as Schema from "effect/Schema"
import { escape, toJson } from "./internal/log/escape.ts"
import { type Dialect, readLine } from "./internal/log/reader.ts"
import { keys, rest, sentence } from "./internal/log/sentences.ts"
import { formatTime, type TimeForm } from "./internal/log/time.ts"
import * as Octets from "./internal/octets.ts"
import { LogEvent } from "./LogEvent.ts"

export interface EncodeOptions {
  /** "utc" (default) ends in `Z`; "offset" is local time with `+hh:mm`; "4d" is 4D's local time without zone. */
  readonly time?: TimeForm | undefined
  /** IANA name of the zone of local times. Default: the machine's. */
  readonly zone?: string | undefined
}

const write = (event: LogEvent, whole: boolean): string => {
  switch (event._tag) {
    case "ServerLine":
      return `S < "${escape(event.line)}"`
    case "ClientLine":
      return `C > "${escape(event.line)}"`
    case "HeaderLine":
      return `C >> "${escape(event.line)}"`
    case "BodyLine":
      return `C >>> "${escape(event.line)}"`
    default:
      return whole ? `### ${sentence(event)}${rest(event)}` : `### ${sentence(event)}`
  }
}

/** The last column by itself, with the JSON object of the rest. */
export const statement = (event: LogEvent): string => write(event, true)

/** One record, without line end. */
export const encode = (event: LogEvent, options?: EncodeOptions): string =>
  `${event.counter} ${
    formatTime(event.time, options?.time ?? "utc", options?.zone)
  } ${event.process} ${event.session} ${write(event, true)}`

/** `statement`: the last column only, and of it the sentence without the JSON object of the rest. */
export const format = (
  events: ReadonlyArray<LogEvent>,
  options?: { readonly columns?: "full" | "statement" | undefined }
): string => events.map((event) => options?.columns === "statement" ? write(event, false) : encode(event)).join("\n")

/** The event as JSON on one line, with what a terminal would obey escaped. */
export const encodeJson = (event: LogEvent): string => {
  if (!("line" in event)) return toJson(event, keys)
  // the hot ones, in the same order of members
  const { _tag, counter, line, process, session, time } = event
  return toJson({ _tag, counter, time, process, session, line })
}

export interface DecodeOptions {
  /** IANA name of the zone of times that name none. Default: UTC; a log's first line overrides it. */
  readonly zone?: string | undefined
  /** Whose escapes: "4d" has none. Default: ours, and what does not fit as 4D's. */
  readonly dialect?: Dialect | undefined
  /** For `Unread` events: what is being read. */
  readonly source?: string | undefined
}

const unread = (
  text: string,
  options: DecodeOptions | undefined,
  lineNumber: number,
  near: LogEvent | undefined
): LogEvent => ({
  _tag: "Unread",
  counter: near?.counter ?? 0,
  time: near?.time ?? 0,
  process: near?.process ?? 0,
  session: 0,
  source: options?.source ?? "log",
  lineNumber,
  text
})

const ofJson = Schema.decodeUnknownOption(Schema.fromJsonString(LogEvent))

const decodeAt = (
  line: string,
  options: DecodeOptions | undefined,
  lineNumber: number,
  near: LogEvent | undefined
): NonEmptyReadonlyArray<LogEvent> => {
  if (line.startsWith("{")) {
    return [Option.getOrElse(ofJson(line), () => unread(line, options, lineNumber, near))]
  }
  return Arr.map(
    readLine(line, { zone: options?.zone, dialect: options?.dialect }),
    (found) => typeof found === "string" ? unread(found, options, lineNumber, near) : found
  )
}

/** One line, of text or JSON; more than one event only where 4D glued records. Never fails: see `Unread`. */
export const decode = (line: string, options?: DecodeOptions): NonEmptyReadonlyArray<LogEvent> =>
  decodeAt(line, options, 1, undefined)

/** One line of JSON. */
export const decodeJson = decode

/** A longer line is no log's: it is given as `Unread` events of at most this many octets. */
const longestLine = 16_777_216

/**
 * Octets of a log to its events, line by line, in bounded memory. Lines end in LF or CRLF, chunks may cut characters, and
 * octets that are not UTF-8 are kept. Until a line says `Log opened`, times without zone are taken for 4D's dialect.
 */
export const decodeChannel = <E = never, Done = void>(
  options?: DecodeOptions
): Channel.Channel<
  NonEmptyReadonlyArray<LogEvent>,
  E,
  Done,
  NonEmptyReadonlyArray<Uint8Array>,
  E,
  Done
> => Channel.fromTransform((upstream) => Effect.sync(() => makeDecoder(upstream, options)))

const zoneless = /^\S+[ \t]+\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?[ \t]/

const makeDecoder = <E, Done>(
  upstream: Pull.Pull<NonEmptyReadonlyArray<Uint8Array>, E, Done>,
  options: DecodeOptions | undefined
): Pull.Pull<NonEmptyReadonlyArray<LogEvent>, E, Done> => {
  let known: DecodeOptions = { ...options }
  let lineNumber = 0
  let near: LogEvent | undefined
  let isTooLong = false
  let held: Array<Uint8Array> = []
  let size = 0

  const readOne = (line: string, events: Array<LogEvent>) => {
    lineNumber++
    if (isTooLong) {
      isTooLong = false
      events.push(unread(line, known, lineNumber, near))
      return
    }
    if (line === "") return
    const dialect = known.dialect ?? (zoneless.test(line) && !line.includes("### Log opened. {") ? "4d" : undefined)
    const read = decodeAt(line, { ...known, dialect }, lineNumber, near)
    for (const event of read) {
      if (event._tag === "Opened" && read.length === 1) known = { ...known, zone: event.zone, dialect: "colloquy" }
      if (event._tag !== "Unread") near = event
      events.push(event)
    }
  }

  const take = (last: Uint8Array): string => {
    if (held.length === 0) return Octets.decode(last)
    const whole = new Uint8Array(size + last.length)
    let at = 0
    for (const piece of [...held, last]) {
      whole.set(piece, at)
      at += piece.length
    }
    held = []
    size = 0
    return Octets.decode(whole)
  }

  const push = (chunk: Uint8Array, events: Array<LogEvent>) => {
    const end = chunk.lastIndexOf(0x0a)
    if (end >= 0) {
      const text = take(chunk.subarray(0, end))
      for (const line of (lineNumber === 0 ? text.replace(/^\ufeff/, "") : text).split("\n")) {
        readOne(line.endsWith("\r") ? line.slice(0, -1) : line, events)
      }
    }
    if (end + 1 === chunk.length) return
    held.push(chunk.subarray(end + 1))
    size += chunk.length - end - 1
    if (size < longestLine) return
    events.push(unread(take(new Uint8Array(0)), known, lineNumber + 1, near))
    isTooLong = true
  }

  const pull: Pull.Pull<NonEmptyReadonlyArray<LogEvent>, E, Done> = Effect.suspend(() =>
    Pull.matchEffect(upstream, {
      onSuccess: (chunks) => {
        const events: Array<LogEvent> = []
        for (const chunk of chunks) push(chunk, events)
        return Arr.isReadonlyArrayNonEmpty(events) ? Effect.succeed(events) : pull
      },
      onFailure: Effect.failCause,
      onDone: (done) => {
        const events: Array<LogEvent> = []
        if (size > 0) readOne(take(new Uint8Array(0)), events)
        return Arr.isReadonlyArrayNonEmpty(events) ? Effect.succeed(events) : Cause.done(done)
      }
    })
  )
  return pull
}
