import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { FileSystem } from "effect/FileSystem"
import type * as Layer from "effect/Layer"
import type { Path } from "effect/Path"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { ContentLevel, LogEvent } from "./LogEvent.ts"
import type { FileOptions, LogError, LogSink, Options, RotatingOptions } from "./LogSink.ts"
/** What sessions record to: a set of sinks and a live hub. */
export class SmtpLog extends Context.Service<SmtpLog, {
  /** The most content that any sink wants now. Read once per transaction. */
  readonly content: () => ContentLevel
  readonly recordUnsafe: (event: LogEvent) => boolean
  readonly flush: Effect.Effect<void>
  readonly stream: Stream.Stream<LogEvent>
}>()("@colloquy/core/SmtpLog") {}
export type Sink<E, R> = LogSink | Effect.Effect<LogSink, E, R>
type E1<S> = S extends Effect.Effect<unknown, infer E, unknown> ? E : never
type R1<S> = S extends Effect.Effect<unknown, unknown, infer R> ? Exclude<R, Scope.Scope> : never

export declare const make: <const S extends ReadonlyArray<Sink<unknown, unknown>>>(
  sinks: S
) => Effect.Effect<SmtpLog["Service"], E1<S[number]>, R1<S[number]> | Scope.Scope>
/** A log that records to these sinks and to `log` besides. */
export declare const tee: <const S extends ReadonlyArray<Sink<unknown, unknown>>>(
  log: SmtpLog["Service"],
  sinks: S
) => Effect.Effect<SmtpLog["Service"], E1<S[number]>, R1<S[number]> | Scope.Scope>
export declare const layer: <const S extends ReadonlyArray<Sink<unknown, unknown>>>(
  sinks: S
) => Layer.Layer<SmtpLog, E1<S[number]>, R1<S[number]>>
/** The log beneath, and these sinks besides. */
export declare const layerTee: <const S extends ReadonlyArray<Sink<unknown, unknown>>>(
  sinks: S
) => Layer.Layer<SmtpLog, E1<S[number]>, R1<S[number]> | SmtpLog>

export declare const layerNone: Layer.Layer<SmtpLog>
export declare const layerMemory: Layer.Layer<SmtpLog | LogMemory>
export declare const layerMemoryWith: (options: Options) => Layer.Layer<SmtpLog | LogMemory>
export declare const layerFile: (
  path: string,
  options?: FileOptions
) => Layer.Layer<SmtpLog, LogError, FileSystem | Path>
export declare const layerNdjson: (
  path: string,
  options?: Omit<FileOptions, "format">
) => Layer.Layer<SmtpLog, LogError, FileSystem | Path>
export declare const layerLogger: Layer.Layer<SmtpLog>
/** The application's log, off until switched on (4D). */
export declare const layerGlobal: (
  options?: RotatingOptions & {
    readonly initially?: "on" | "off" | undefined
    readonly configFile?: string | undefined
  }
) => Layer.Layer<SmtpLog | LogSwitch, LogError, FileSystem | Path>
export declare const layerSwitched: <E, R>(
  sink: Effect.Effect<LogSink, E, R>,
  options?: { readonly initially?: "on" | "off" | undefined }
) => Layer.Layer<SmtpLog | LogSwitch, E, Exclude<R, Scope.Scope>>
/** Events as they happen. Bounded: a slow reader loses the oldest and reads a `Lost` event in their place. */
export declare const stream: Stream.Stream<LogEvent, never, SmtpLog>
export declare const flush: Effect.Effect<void, never, SmtpLog>

export class LogMemory extends Context.Service<LogMemory, {
  readonly events: Effect.Effect<ReadonlyArray<LogEvent>>
  readonly text: Effect.Effect<string>
  readonly clear: Effect.Effect<void>
}>()("@colloquy/core/SmtpLog/LogMemory") {}
export type SwitchState = "off" | "on" | "paused"
export class LogSwitch extends Context.Service<LogSwitch, {
  readonly start: Effect.Effect<SwitchState, LogError> // opens the sink; the state that results (a forced configuration wins)
  readonly stop: Effect.Effect<SwitchState> // flushes and closes it
  readonly pause: Effect.Effect<SwitchState>
  readonly resume: Effect.Effect<SwitchState>
  readonly state: Effect.Effect<SwitchState>
  readonly changes: Stream.Stream<SwitchState>
  readonly forced: boolean
}>()("@colloquy/core/SmtpLog/LogSwitch") {}
