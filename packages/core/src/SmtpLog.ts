/**
 * What sessions record to: a set of sinks and a live hub.
 *
 * A transporter requires this service and takes it when it is built, so that no log is forgotten without the compiler
 * saying so, and no conversation is split between two logs. Recording is synchronous and never fails; `flush` is the
 * barrier. Sinks are given the events that their content level admits, in the order in which they were recorded.
 *
 * Not here: numbering, scrub and the transporter's redaction, which have happened when an event arrives.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { FileSystem } from "effect/FileSystem"
import * as Layer from "effect/Layer"
import type { Path } from "effect/Path"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Hub from "./internal/hub.ts"
import * as LogConfig from "./internal/logConfig.ts"
import { makeMemory } from "./internal/sink/memory.ts"
import { TypeId } from "./internal/sink/model.ts"
import * as Switch from "./internal/sink/switch.ts"
import { type ContentLevel, isWithin, type LogEvent, maxContent } from "./LogEvent.ts"
import * as LogSink from "./LogSink.ts"
import type { FileOptions, LogError, Options, RotatingOptions } from "./LogSink.ts"
import * as LogText from "./LogText.ts"

/**
 * What sessions record to. Provide it *beneath* a transporter (`Layer.provide`), which takes it when it is built; beside
 * it, the compiler says that `SmtpLog` is missing. No log is `layerNone`.
 */
export class SmtpLog extends Context.Service<SmtpLog, {
  /** The most content that any sink wants now. Read once per transaction. */
  readonly content: () => ContentLevel
  /** Whether a sink or a reader of the stream would be given an event now. */
  readonly isListening: () => boolean
  /** `false`: await `flush` before recording more. */
  readonly recordUnsafe: (event: LogEvent) => boolean
  /** When this returns, what was recorded is where the sinks end. Never fails, bounded by the sinks' `flushTimeout`. */
  readonly flush: Effect.Effect<void>
  /** Events as they happen. Bounded: a slow reader loses the oldest and reads a `Lost` event in their place. */
  readonly stream: Stream.Stream<LogEvent>
}>()("@colloquy/core/SmtpLog") {}

export type Sink<E, R> = LogSink.LogSink | Effect.Effect<LogSink.LogSink, E, R>
type E1<S> = S extends Effect.Effect<unknown, infer E, unknown> ? E : never
type R1<S> = S extends Effect.Effect<unknown, unknown, infer R> ? Exclude<R, Scope.Scope> : never
type Sinks = ReadonlyArray<Sink<unknown, unknown>>

const recordTo = (sink: LogSink.LogSink, event: LogEvent): boolean => {
  try {
    return !isWithin(event, sink.content) || sink.recordUnsafe(event)
  } catch {
    return true // a sink's own bug must not stop mail or the other sinks
  }
}

const fromSinks = (sinks: ReadonlyArray<LogSink.LogSink>): Effect.Effect<SmtpLog["Service"], never, Scope.Scope> =>
  Effect.gen(function*() {
    const hub = yield* Effect.acquireRelease(
      Effect.sync(Hub.make),
      (hub) => Effect.sync(hub.endUnsafe)
    )
    const [only, ...others] = sinks
    return SmtpLog.of({
      content: () => sinks.reduce<ContentLevel>((level, sink) => maxContent(level, sink.content), "summary"),
      isListening: () => sinks.length > 0 || hub.isListening(),
      recordUnsafe: only !== undefined && others.length === 0
        ? (event) => {
          hub.publishUnsafe(event)
          return recordTo(only, event)
        }
        : (event) => {
          hub.publishUnsafe(event)
          let goOn = true
          for (const sink of sinks) goOn = recordTo(sink, event) && goOn
          return goOn
        },
      flush: only !== undefined && others.length === 0
        ? only.flush
        : Effect.forEach(sinks, (sink) => sink.flush, { concurrency: "unbounded", discard: true }),
      stream: hub.stream
    })
  })

const open = (sink: Sink<unknown, unknown>): Effect.Effect<LogSink.LogSink, unknown, unknown> =>
  Effect.isEffect(sink) ? sink : Effect.succeed(sink)

/** A log that records to these sinks. Its scope flushes and closes them. */
export function make<const S extends Sinks>(
  sinks: S
): Effect.Effect<SmtpLog["Service"], E1<S[number]>, R1<S[number]> | Scope.Scope>
export function make(sinks: Sinks): Effect.Effect<SmtpLog["Service"], unknown, unknown> {
  return Effect.flatMap(Effect.forEach(sinks, open), fromSinks)
}

/** A log as a sink of another one. */
const asSink = (log: SmtpLog["Service"]): LogSink.LogSink => ({
  [TypeId]: TypeId,
  get content() {
    return log.content()
  },
  recordUnsafe: log.recordUnsafe,
  flush: log.flush
})

/** A log that records to these sinks and to `log` besides. */
export function tee<const S extends Sinks>(
  log: SmtpLog["Service"],
  sinks: S
): Effect.Effect<SmtpLog["Service"], E1<S[number]>, R1<S[number]> | Scope.Scope>
export function tee(
  log: SmtpLog["Service"],
  sinks: Sinks
): Effect.Effect<SmtpLog["Service"], unknown, unknown> {
  return make([asSink(log), ...sinks])
}

/** A log that records to these sinks, as `make`. */
export const layer = <const S extends Sinks>(sinks: S): Layer.Layer<SmtpLog, E1<S[number]>, R1<S[number]>> =>
  Layer.effect(SmtpLog, make(sinks))

/** The log beneath, and these sinks besides. */
export const layerTee = <const S extends Sinks>(
  sinks: S
): Layer.Layer<SmtpLog, E1<S[number]>, R1<S[number]> | SmtpLog> =>
  Layer.effect(SmtpLog, SmtpLog.use((log) => tee(log, sinks)))

/** No log: its live stream works all the same. */
export const layerNone: Layer.Layer<SmtpLog> = layer([])

/** What `layerMemory` keeps: the newest events, as data and as text; reading takes nothing away. */
export class LogMemory extends Context.Service<LogMemory, {
  readonly events: Effect.Effect<ReadonlyArray<LogEvent>>
  readonly text: Effect.Effect<string>
  readonly clear: Effect.Effect<void>
}>()("@colloquy/core/SmtpLog/LogMemory") {}

/** `capacity`: how many events are kept, 10,000 by default. */
export const layerMemoryWith = (options: Options): Layer.Layer<SmtpLog | LogMemory> =>
  Layer.effectContext(Effect.gen(function*() {
    const memory = makeMemory(options)
    const log = yield* make([memory.sink])
    const events = Effect.sync(memory.events)
    return Context.make(SmtpLog, log).pipe(Context.add(LogMemory, {
      events,
      text: Effect.map(events, (events) => LogText.format(events)),
      clear: Effect.sync(memory.clear)
    }))
  }))

/** Keeps the newest 10,000 events; a `Lost` event counts the others. */
export const layerMemory: Layer.Layer<SmtpLog | LogMemory> = layerMemoryWith({})

/** Events as they happen. Bounded: a slow reader loses the oldest and reads a `Lost` event in their place. */
export const stream: Stream.Stream<LogEvent, never, SmtpLog> = Stream.unwrap(SmtpLog.useSync((log) => log.stream))

/** When this returns, what was recorded is where the sinks end. Never fails. */
export const flush: Effect.Effect<void, never, SmtpLog> = SmtpLog.use((log) => log.flush)

/** One file, without limit: the extended log of a transporter (4D's `logFile`). */
export const layerFile = (
  path: string,
  options?: FileOptions
): Layer.Layer<SmtpLog, LogError, FileSystem | Path> => layer([LogSink.file(path, options)])

/** The same as JSON lines. */
export const layerNdjson = (
  path: string,
  options?: Omit<FileOptions, "format">
): Layer.Layer<SmtpLog, LogError, FileSystem | Path> => layerFile(path, { ...options, format: "ndjson" })

/** To Effect's loggers at debug level. */
export const layerLogger: Layer.Layer<SmtpLog> = layer([LogSink.logger()])

export type { SwitchState } from "./internal/sink/switch.ts"

/** Switches a log on and off while the program runs; each operation returns the state that results. */
export class LogSwitch extends Context.Service<LogSwitch, Switch.Switch>()("@colloquy/core/SmtpLog/LogSwitch") {}

const switched = Effect.fnUntraced(function*<E, R>(
  sink: Effect.Effect<LogSink.LogSink, E, R>,
  options: { readonly initially: "on" | "off"; readonly forced: boolean }
) {
  const made = yield* Switch.make(sink, options)
  return Context.make(SmtpLog, yield* make([made.sink])).pipe(Context.add(LogSwitch, made.service))
})

/** A log that is opened and closed at run time; `initially` "off", and then it opens nothing. */
export const layerSwitched = <E, R>(
  sink: Effect.Effect<LogSink.LogSink, E, R>,
  options?: { readonly initially?: "on" | "off" | undefined }
): Layer.Layer<SmtpLog | LogSwitch, E, Exclude<R, Scope.Scope>> =>
  Layer.effectContext(switched(sink, { initially: options?.initially ?? "off", forced: false }))

export interface GlobalOptions extends RotatingOptions {
  /** Default "off". */
  readonly initially?: "on" | "off" | undefined
  /** Default "./logConfig.json"; `COLLOQUY_LOG_CONFIG` goes before it. */
  readonly configFile?: string | undefined
}

/** The application's log, off until switched on: by code, by `logConfig.json`, or by `COLLOQUY_LOG=1` (4D). */
export const layerGlobal = (
  options?: GlobalOptions
): Layer.Layer<SmtpLog | LogSwitch, LogError, FileSystem | Path> =>
  Layer.effectContext(Effect.gen(function*() {
    const config = yield* LogConfig.read(options?.configFile)
    return yield* switched(LogSink.rotating({ ...options, first: config.first ?? options?.first }), {
      initially: config.initially ?? options?.initially ?? "off",
      forced: config.forced
    })
  }))
