/**
 * Reads logs, whoever wrote them: octets → events → conversations, streaming and in bounded memory.
 *
 * Our own two forms and 4D's files are `LogText`'s; the transcripts of other programs have a file each in `reader/`. The
 * format is found by looking, or named. Reading never fails, whatever the octets are: what cannot be read is an `Unread`
 * event with its line number and source, and nothing but empty lines is left out. What a client said to log in becomes
 * asterisks, since other programs don't keep passwords back.
 *
 * Of a foreign log the counter of an event is the number of its line, the process is 0, and a time that is not told is 0.
 *
 * Not here: what a conversation means (`Diagnosis`), and playing it back (`testing/Replay`).
 */
import * as Arr from "effect/Array"
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Cause from "effect/Cause"
import * as Channel from "effect/Channel"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import type { PlatformError } from "effect/PlatformError"
import * as Pull from "effect/Pull"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { type Format as Foreign, maxRecognised } from "./internal/reader/format.ts"
import * as Grouping from "./internal/reader/grouping.ts"
import * as Lines from "./internal/reader/lines.ts"
import * as Merging from "./internal/reader/merging.ts"
import type { LogEvent } from "./LogEvent.ts"
import * as LogText from "./LogText.ts"
import * as exchange from "./reader/exchange.ts"
import * as mailkit from "./reader/mailkit.ts"
import * as nodemailer from "./reader/nodemailer.ts"
import * as phpmailer from "./reader/phpmailer.ts"
import * as swaks from "./reader/swaks.ts"

/** `colloquy`: our text form, NDJSON, and 4D's files, which one reader tells apart line by line. */
export type Format = "colloquy" | "swaks" | "mailkit" | "nodemailer" | "phpmailer" | "exchange"

const foreign: Readonly<Record<Exclude<Format, "colloquy">, Foreign>> = {
  exchange: exchange.format,
  phpmailer: phpmailer.format,
  nodemailer: nodemailer.format,
  swaks: swaks.format,
  mailkit: mailkit.format
}

const isForeign = (name: string): name is Exclude<Format, "colloquy"> => name in foreign
const foreignNames = Object.keys(foreign).filter(isForeign)

export const formats: ReadonlyArray<Format> = ["colloquy", ...foreignNames]

export interface ReadOptions {
  /** Default: found by looking. */
  readonly format?: Format | undefined
  /** IANA name of the zone of times that name none (4D's). Default: UTC. */
  readonly zone?: string | undefined
  /** For `Unread` events: what is being read. Default "log". */
  readonly source?: string | undefined
}

const own = /^\s*-?\d{1,16}[ \t]+\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d|^\{"_tag":/

const formatOfLine = (line: string): Format | undefined => {
  const start = line.slice(0, maxRecognised)
  return own.test(start) ? "colloquy" : foreignNames.find((name) => foreign[name].recognises(start))
}

/** How far is looked for a line that only one format has, in octets. */
const maxLookedAt = 65_536

/** Whose log begins so; `undefined`: nothing in its first 64 KiB says it. */
export const detect = (start: string | Uint8Array): Format | undefined => {
  const lines = Lines.make()
  let found: Format | undefined
  const look = (line: string) => {
    found ??= formatOfLine(line)
  }
  const octets = typeof start === "string" ? new TextEncoder().encode(start.slice(0, maxLookedAt)) : start
  lines.push(octets.subarray(0, maxLookedAt), look)
  lines.end(look)
  return found
}

/** Octets of one log to its events. Ends when its input ends; fails only when that fails. */
export const decodeChannel = <E = never, Done = void>(
  options?: ReadOptions
): Channel.Channel<NonEmptyReadonlyArray<LogEvent>, E, Done, NonEmptyReadonlyArray<Uint8Array>, E, Done> =>
  Channel.fromTransform((upstream, scope) => Effect.sync(() => makeDecoder(upstream, scope, options)))

type Octets<E, Done> = Pull.Pull<NonEmptyReadonlyArray<Uint8Array>, E, Done>
type Events<E, Done> = Pull.Pull<NonEmptyReadonlyArray<LogEvent>, E, Done>

const makeDecoder = <E, Done>(
  upstream: Octets<E, Done>,
  scope: Scope.Scope,
  options: ReadOptions | undefined
): Events<E, Done> => {
  let inner: Events<E, Done> | undefined
  const begin = (format: Format, input: Octets<E, Done>): Effect.Effect<Events<E, Done>> =>
    Effect.map(
      format === "colloquy"
        ? Channel.toTransform(LogText.decodeChannel<E, Done>({ zone: options?.zone, source: options?.source }))(
          input,
          scope
        )
        : Effect.succeed(makeForeign(foreign[format], input, options?.source ?? "log")),
      (pull) => inner = pull
    )
  return Effect.suspend(() =>
    inner ?? Effect.flatMap(
      options?.format === undefined
        ? Effect.flatMap(lookAhead(upstream), ({ format, input }) => begin(format, input))
        : begin(options.format, upstream),
      (pull) => pull
    )
  )
}

/** Reads until a line tells the format, and gives the same input again, from its beginning. */
const lookAhead = <E, Done>(
  upstream: Octets<E, Done>
): Effect.Effect<{ readonly format: Format; readonly input: Octets<E, Done> }> =>
  Effect.suspend(() => {
    const seen: Array<Uint8Array> = []
    const lines = Lines.make()
    let size = 0
    let format: Format | undefined
    const look = (line: string) => {
      format ??= formatOfLine(line)
    }
    const decided = (rest: Octets<E, Done>) => {
      let given = false
      const input: Octets<E, Done> = Effect.suspend(() => {
        if (given || !Arr.isArrayNonEmpty(seen)) return rest
        given = true
        return Effect.succeed(seen)
      })
      return { format: format ?? "colloquy", input }
    }
    const next: Effect.Effect<{ readonly format: Format; readonly input: Octets<E, Done> }> = Effect.suspend(() =>
      Pull.matchEffect(upstream, {
        onSuccess: (chunks) => {
          for (const chunk of chunks) {
            seen.push(chunk)
            if (size < maxLookedAt) lines.push(chunk.subarray(0, maxLookedAt - size), look)
            size += chunk.length
          }
          return format !== undefined || size >= maxLookedAt ? Effect.succeed(decided(upstream)) : next
        },
        onFailure: (cause) => Effect.succeed(decided(Effect.failCause(cause))),
        onDone: (done) => {
          lines.end(look)
          return Effect.succeed(decided(Cause.done(done)))
        }
      })
    )
    return next
  })

const makeForeign = <E, Done>(format: Foreign, upstream: Octets<E, Done>, source: string): Events<E, Done> => {
  const lines = Lines.make()
  const read = format.make()
  let lineNumber = 0
  let isInside = false
  const readOne = (events: Array<LogEvent>) => (line: string, part: Lines.Part) => {
    if (!isInside) lineNumber++
    isInside = part === "piece"
    if (line === "") return
    const found = part === "whole" ? read(line, lineNumber) : undefined
    if (found !== undefined) { for (const event of found) events.push(event) }
    else {events.push({
        _tag: "Unread",
        counter: lineNumber,
        time: 0,
        process: 0,
        session: 0,
        source,
        lineNumber,
        text: line
      })}
  }
  const pull: Events<E, Done> = Effect.suspend(() =>
    Pull.matchEffect(upstream, {
      onSuccess: (chunks) => {
        const events: Array<LogEvent> = []
        for (const chunk of chunks) lines.push(chunk, readOne(events))
        return Arr.isArrayNonEmpty(events) ? Effect.succeed(events) : pull
      },
      onFailure: Effect.failCause,
      onDone: (done) => {
        const events: Array<LogEvent> = []
        lines.end(readOne(events))
        return Arr.isArrayNonEmpty(events) ? Effect.succeed(events) : Cause.done(done)
      }
    })
  )
  return pull
}

/** The events of one log. */
export const read =
  (options?: ReadOptions) => <E, R>(octets: Stream.Stream<Uint8Array, E, R>): Stream.Stream<LogEvent, E, R> =>
    Stream.pipeThroughChannel(octets, decodeChannel<E, unknown>(options))

/** The events of a log that is a text already. */
export const readText = (text: string, options?: ReadOptions): Stream.Stream<LogEvent> =>
  read(options)(Stream.make(new TextEncoder().encode(text)))

/** A run of digits counts by its value: `Log_9` before `Log_10`. */
const naturally = (a: string, b: string): number => {
  const left = a.split(/(\d+)/)
  const right = b.split(/(\d+)/)
  for (let at = 0; at < Math.min(left.length, right.length); at++) {
    const [x = "", y = ""] = [left[at], right[at]]
    if (x === y) continue
    const byNumber = at % 2 === 1 ? Number(x) - Number(y) : 0
    return byNumber !== 0 ? byNumber : x < y ? -1 : 1
  }
  return left.length - right.length
}

/** Does the name fit a pattern in which `*` stands for any characters? Linear in name and pattern together. */
const fits = (pattern: string, name: string): boolean => {
  const pieces = pattern.split("*")
  const [first = ""] = pieces
  const last = pieces.at(-1) ?? ""
  if (pieces.length === 1) return name === pattern
  if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last)) return false
  let at = first.length
  for (const piece of pieces.slice(1, -1)) {
    at = name.indexOf(piece, at)
    if (at < 0) return false
    at += piece.length
  }
  return at <= name.length - last.length
}

/**
 * The files of a rotated set in the order in which they were written: `Logs/4DSMTPLog_*.txt`, numbers by their value. `*`
 * stands for any characters and counts in the file's name only; a path without it is itself.
 */
export const filesOf = (
  pattern: string
): Effect.Effect<ReadonlyArray<string>, PlatformError, FileSystem.FileSystem | Path.Path> =>
  Effect.gen(function*() {
    const path = yield* Path.Path
    const name = path.basename(pattern)
    if (!name.includes("*")) return [pattern]
    const fs = yield* FileSystem.FileSystem
    const folder = path.dirname(pattern)
    const names = yield* fs.readDirectory(folder)
    return names.filter((each) => fits(name, each)).toSorted(naturally).map((each) => path.join(folder, each))
  })

/** The events of a file, or of a rotated set one file after the other (`filesOf`). Each file's format is found by itself. */
export const readFiles = (
  pattern: string,
  options?: ReadOptions
): Stream.Stream<LogEvent, PlatformError, FileSystem.FileSystem | Path.Path> =>
  Stream.unwrap(Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const files = yield* filesOf(pattern)
    return Stream.fromIterable(files).pipe(
      Stream.flatMap((file) => read({ ...options, source: options?.source ?? file })(fs.stream(file)))
    )
  }))

/**
 * Several logs as one, each in its own order.
 *
 * `by: "counter"` is exact for the files of one process, whose counter is one for all of them; `"time"` is for several.
 * Default: by counter if all begin with `Log opened` of the same instance (4D's files: by time, which is the same there).
 */
export const merge = <E, R>(
  logs: ReadonlyArray<Stream.Stream<LogEvent, E, R>>,
  options?: { readonly by?: "counter" | "time" | undefined }
): Stream.Stream<LogEvent, E, R> => Merging.merge(logs, options?.by)

/** The events of one session, in order. */
export interface Conversation {
  readonly process: number
  readonly session: number
  /**
   * - `whole`: from the opening to the end.
   * - `partial`: beginning or end is not in the log.
   * - `apart`: of no session: about the log itself, or not read. One event.
   */
  readonly kind: "whole" | "partial" | "apart"
  readonly events: NonEmptyReadonlyArray<LogEvent>
  /** Events that were left out of the middle, because the conversation is longer than `maxEvents`. */
  readonly dropped: number
}

export interface ConversationOptions {
  /** Of a longer conversation its first and last halves are kept. Default 10,000. */
  readonly maxEvents?: number | undefined
  /** When more sessions are open at once, the one that was silent longest is given as `partial`. Default 10,000. */
  readonly maxOpen?: number | undefined
}

/**
 * Events to conversations, told apart by process and session, in the order in which they end.
 *
 * A session that opens again under the same numbers is another conversation. 4D's logs have no session in them (its
 * fourth column is of the process): there a conversation goes from one opening to the next, and two that ran at once in
 * one 4D process cannot be told apart.
 */
export const conversations =
  (options?: ConversationOptions) => <E, R>(events: Stream.Stream<LogEvent, E, R>): Stream.Stream<Conversation, E, R> =>
    Stream.pipeThroughChannel(events, Grouping.channel<E, unknown>(options))

/** The same for events that are at hand. */
export const conversationsOf = (
  events: Iterable<LogEvent>,
  options?: ConversationOptions
): ReadonlyArray<Conversation> => Grouping.all(events, options)
