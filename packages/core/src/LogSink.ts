import type { NonEmptyReadonlyArray } from "effect/Array"
import type * as ByteSize from "effect/ByteSize"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type { FileSystem } from "effect/FileSystem"
import type { Path } from "effect/Path"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { ContentLevel, LogEvent } from "./LogEvent.ts"
import type { Redaction } from "./Redaction.ts"
export class LogError extends Schema.TaggedError<LogError>("@colloquy/core/LogError")("LogError", {
  path: Schema.String,
  problem: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {}
/** Where log events end. The only part of the log a user implements. */
export interface LogSink {
  readonly "~@colloquy/core/LogSink": unknown
  readonly content: ContentLevel
  /** `false`: the buffer is past its high-water mark; the session awaits `flush` before it goes on. Never throws. */
  readonly recordUnsafe: (event: LogEvent) => boolean
  /** What was recorded is with the operating system (or the sink's `write`) when this returns. Never fails, bounded by `flushTimeout`. */
  readonly flush: Effect.Effect<void>
}
export interface Options {
  readonly content?: ContentLevel | undefined
  readonly redaction?: Redaction | undefined
  readonly flushTimeout?: Duration.Input | undefined
  readonly capacity?: number | undefined
}
export interface FileOptions extends Options {
  readonly format?: "text" | "ndjson" | undefined
  readonly mode?:
    | number
    | undefined /** "utc" (default) ends in Z; "offset" is local time with +hh:mm; "4d" is 4D's local time without zone. */
  readonly time?: "utc" | "offset" | "4d" | undefined
  readonly folder?: string | undefined
}
export interface RotatingOptions extends Omit<FileOptions, "format"> {
  readonly prefix?: string | undefined
  readonly maxSize?: ByteSize.Input | undefined
  readonly maxFiles?: number | undefined
}
/** An effectful sink: one fiber, batches in order; a failing `write` is warned about once and counted as `Lost`. */
export declare const make: <E, R>(
  options: Options & { readonly write: (events: NonEmptyReadonlyArray<LogEvent>) => Effect.Effect<void, E, R> }
) => Effect.Effect<LogSink, never, R | Scope.Scope>
export declare const fromFunction: (record: (event: LogEvent) => void, options?: Options) => LogSink
export declare const file: (
  path: string,
  options?: FileOptions
) => Effect.Effect<LogSink, LogError, FileSystem | Path | Scope.Scope>
export declare const rotating: (
  options?: RotatingOptions
) => Effect.Effect<LogSink, LogError, FileSystem | Path | Scope.Scope>
export declare const logger: (
  options?: Options & { readonly level?: "Trace" | "Debug" | "Info" | undefined }
) => Effect.Effect<LogSink>
/** Flight recorder: keeps each conversation and hands it to `sink` only if it failed. */
export declare const onFailure: <E, R>(
  sink: Effect.Effect<LogSink, E, R>,
  options?: { readonly maxEvents?: number | undefined }
) => Effect.Effect<LogSink, E, R>
export declare const filter: <E, R>(
  sink: Effect.Effect<LogSink, E, R>,
  predicate: (event: LogEvent) => boolean
) => Effect.Effect<LogSink, E, R>
