/**
 * Where log events end: a function, a batch writer of one's own, a file, a ring of files, Effect's logger.
 *
 * A sink is given events one by one, synchronously, and flushes on demand; it never fails and never throws, since a log
 * that breaks must not stop mail (P2). Its redaction comes on top of the transporter's.
 *
 * Not here: which sinks a log has, and who is given what content (`SmtpLog`).
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as ByteSize from "effect/ByteSize"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { FileSystem } from "effect/FileSystem"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import { Path } from "effect/Path"
import type { PlatformError } from "effect/PlatformError"
import * as References from "effect/References"
import type * as Scope from "effect/Scope"
import { escape } from "./internal/log/escape.ts"
import type { TimeForm } from "./internal/log/time.ts"
import * as File from "./internal/sink/file.ts"
import * as FlightRecorder from "./internal/sink/flightRecorder.ts"
import { LogError, type LogSink, type Options, TypeId } from "./internal/sink/model.ts"
import * as Opened from "./internal/sink/opened.ts"
import * as Place from "./internal/sink/path.ts"
import * as Problem from "./internal/sink/problem.ts"
import * as Ring from "./internal/sink/rotating.ts"
import * as Shared from "./internal/sink/shared.ts"
import * as Writer from "./internal/sink/writer.ts"
import type { LogEvent } from "./LogEvent.ts"
import * as LogText from "./LogText.ts"

export { LogError }
export type { LogSink, Options } from "./internal/sink/model.ts"

/** An effectful sink: one fiber, batches in order; a failing `write` is warned about once and counted as `Lost`. */
export const make = Effect.fnUntraced(function*<E, R>(
  options: Options & { readonly write: (events: NonEmptyReadonlyArray<LogEvent>) => Effect.Effect<unknown, E, R> }
): Effect.fn.Return<LogSink, never, R | Scope.Scope> {
  const writer = yield* Writer.make({
    name: "of a sink",
    capacity: options.capacity,
    flushTimeout: options.flushTimeout,
    write: (events) => Writer.asProblem(options.write(events))
  })
  return fromWriter(writer, options)
})

const fromWriter = (writer: Writer.Writer, options: Options | undefined): LogSink => {
  const redact = options?.redaction?.applier()
  return {
    [TypeId]: TypeId,
    content: options?.content ?? "summary",
    recordUnsafe: redact === undefined ? writer.recordUnsafe : (event) => writer.recordUnsafe(redact(event)),
    flush: writer.flush
  }
}

/** A sink that is done with each event at once. What `record` throws is warned about once, at the next flush. */
export const fromFunction = (record: (event: LogEvent) => void, options?: Options): LogSink => {
  const redact = options?.redaction?.applier()
  let problem: string | undefined
  let warned = false
  return {
    [TypeId]: TypeId,
    content: options?.content ?? "summary",
    recordUnsafe: (event) => {
      try {
        record(redact === undefined ? event : redact(event))
      } catch (failure) {
        problem ??= Problem.of(failure)
      }
      return true
    },
    flush: Effect.suspend(() => {
      if (problem === undefined || warned) return Effect.void
      warned = true
      return Effect.logWarning(`The log of a function throws: ${escape(problem)}. Mail goes on without it.`)
    })
  }
}
export interface FileOptions extends Options {
  /** Default "text" (docs/design.md); "ndjson" is one JSON object a line. */
  readonly format?: "text" | "ndjson" | undefined
  /** Of a file that is made. Default 0600: a log is personal. */
  readonly mode?: number | undefined
  /** "utc" (default) ends in `Z`; "offset" is local time with `+hh:mm`; "4d" is 4D's local time without zone. */
  readonly time?: TimeForm | undefined
  /** IANA name of the zone that the first line names. Default: `DateTime.CurrentTimeZone`, else the machine's. */
  readonly zone?: string | undefined
  /** Where relative paths begin, and end. Default "logs". */
  readonly folder?: string | undefined
}

export interface RotatingOptions extends Omit<FileOptions, "format"> {
  /** Files are `<prefix><number>.txt`. Default "ColloquySMTPLog_". */
  readonly prefix?: string | undefined
  /** Octets of a file. Default 10,000,000. */
  readonly maxSize?: ByteSize.Input | undefined
  /** How many of the newest files are kept; 0 keeps all. Default 50. */
  readonly maxFiles?: number | undefined
  /** The lowest number that a file may get. Default 1. */
  readonly first?: number | undefined
}

const defaultMode = 0o600
const defaultPrefix = "ColloquySMTPLog_"
const defaultMaxSize = ByteSize.bytes(10_000_000)
const defaultMaxFiles = 50

const cannotOpen = (path: string) => (error: PlatformError): LogError =>
  new LogError({ path, problem: Problem.ofPlatform(error) })

const makeFolder = (fileSystem: FileSystem, folder: string, path: string): Effect.Effect<void, LogError> =>
  Effect.mapError(
    fileSystem.makeDirectory(folder, { recursive: true }),
    (error) =>
      error.reason._tag === "AlreadyExists"
        ? new LogError({
          path,
          problem: folder === path ? "it is not a folder" : "what should be its folder is not one"
        })
        : cannotOpen(path)(error)
  )

/** A file that grows without limit. Sinks on one path share one writer; a relative path stays below `folder`. */
export const file = Effect.fnUntraced(function*(path: string, options?: FileOptions): Effect.fn.Return<
  LogSink,
  LogError,
  FileSystem | Path | Scope.Scope
> {
  const fileSystem = yield* FileSystem
  const paths = yield* Path
  const place = yield* Place.resolve(paths, options?.folder ?? Place.defaultFolder, path)
  const zone = yield* Opened.zoneOr(options?.zone)
  const format = options?.format ?? "text"
  const time = options?.time ?? "utc"
  const encode = format === "ndjson" ? LogText.encodeJson : (event: LogEvent) => LogText.encode(event, { time, zone })

  const open = Effect.gen(function*() {
    if (place.folder !== undefined) yield* makeFolder(fileSystem, place.folder, place.path)
    const opened = yield* Opened.make(zone)
    const mode = options?.mode ?? defaultMode
    return yield* Effect.mapError(
      File.open({ path: place.path, flag: "a", mode, encode, opened }),
      cannotOpen(place.path)
    )
  })

  const writer = yield* Shared.acquire({
    fileSystem,
    path: place.path,
    form: format === "ndjson" ? format : `${format} with ${time} times of ${zone}`,
    make: Effect.flatMap(open, (file) =>
      Writer.make({
        name: `"${escape(place.path)}"`,
        capacity: options?.capacity,
        flushTimeout: options?.flushTimeout,
        write: (events, progress) => file.write(events.map(encode), progress)
      }))
  })
  const redact = options?.redaction?.applier()
  return {
    [TypeId]: TypeId,
    content: options?.content ?? "summary",
    recordUnsafe: redact === undefined
      ? (event) => writer.recordUnsafe(event, event)
      : (event) => writer.recordUnsafe(event, redact(event)),
    flush: writer.flush
  }
})

/** A ring of numbered files; each sink takes the next free number. */
export const rotating = Effect.fnUntraced(function*(options?: RotatingOptions): Effect.fn.Return<
  LogSink,
  LogError,
  FileSystem | Path | Scope.Scope
> {
  const fileSystem = yield* FileSystem
  const paths = yield* Path
  const folder = paths.resolve(options?.folder ?? Place.defaultFolder)
  const prefix = options?.prefix ?? defaultPrefix
  if (/[/\\\0]/.test(prefix)) {
    return yield* new LogError({ path: folder, problem: "the prefix of its files names a folder" })
  }
  const wanted = options?.maxSize
  const maxSize = wanted === undefined ? Option.some(defaultMaxSize) : ByteSize.fromInput(wanted)
  const maxFiles = options?.maxFiles ?? defaultMaxFiles
  const first = options?.first ?? 1
  if (
    Option.isNone(maxSize) || !Number.isSafeInteger(maxFiles) || maxFiles < 0 || !Number.isSafeInteger(first) ||
    first < 0
  ) {
    return yield* new LogError({
      path: folder,
      problem: "the size, the number of its files or the first number is none"
    })
  }
  const zone = yield* Opened.zoneOr(options?.zone)
  const time = options?.time ?? "utc"
  const encode = (event: LogEvent) => LogText.encode(event, { time, zone })
  const opened = yield* Opened.make(zone)
  yield* makeFolder(fileSystem, folder, folder)
  const write = yield* Effect.mapError(
    Ring.open({
      paths,
      folder,
      prefix,
      first,
      maxSize: Number(ByteSize.toBigInt(maxSize.value)),
      maxFiles,
      mode: options?.mode ?? defaultMode,
      encode,
      opened
    }),
    cannotOpen(folder)
  )
  const writer = yield* Writer.make({
    name: `in "${escape(folder)}"`,
    capacity: options?.capacity,
    flushTimeout: options?.flushTimeout,
    write: (events, progress) => write(events.map(encode), progress)
  })
  return fromWriter(writer, options)
})

/** To Effect's loggers, one message an event, escaped; session and counter are annotations. */
export const logger = (
  options?: Options & { readonly level?: "Trace" | "Debug" | "Info" | undefined }
): Effect.Effect<LogSink> =>
  Effect.contextWith((context: Context.Context<never>) => {
    const level = options?.level ?? "Debug"
    const run = Effect.runForkWith(context)
    const log = Effect.logWithLevel(level)
    const isOff = LogLevel.isGreaterThan(Context.get(context, References.MinimumLogLevel), level)
    return Effect.succeed(fromFunction(
      isOff ? () => {} : (event) => {
        run(Effect.annotateLogs(log(LogText.statement(event)), { session: event.session, counter: event.counter }))
      },
      options
    ))
  })

/** Flight recorder: keeps each conversation and hands it to `sink` only if it failed. `maxEvents` of one: 2,000 by default. */
export const onFailure = <E, R>(
  sink: Effect.Effect<LogSink, E, R>,
  options?: { readonly maxEvents?: number | undefined }
): Effect.Effect<LogSink, E, R> => Effect.map(sink, (sink) => FlightRecorder.make(sink, options))

/** Gives `sink` only the events that the predicate admits; one that throws admits. */
export const filter = <E, R>(
  sink: Effect.Effect<LogSink, E, R>,
  predicate: (event: LogEvent) => boolean
): Effect.Effect<LogSink, E, R> =>
  Effect.map(sink, (sink) => ({
    [TypeId]: TypeId,
    get content() {
      return sink.content
    },
    recordUnsafe: (event) => !admits(predicate, event) || sink.recordUnsafe(event),
    flush: sink.flush
  }))

const admits = (predicate: (event: LogEvent) => boolean, event: LogEvent): boolean => {
  try {
    return predicate(event)
  } catch {
    return true
  }
}
