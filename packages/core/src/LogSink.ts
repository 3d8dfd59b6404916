/**
 * Where log events end: a function, a batch writer of one's own, a file, a ring of files, Effect's logger.
 *
 * A sink is given events one by one, synchronously, and flushes on demand; it never fails and never throws, since a log
 * that breaks must not stop mail (P2). Its redaction comes on top of the transporter's.
 *
 * Not here: which sinks a log has, and who is given what content (`SmtpLog`).
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import type * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import type { FileSystem } from "effect/FileSystem"
import type { Path } from "effect/Path"
import type * as Scope from "effect/Scope"
import { escape } from "./internal/log/escape.ts"
import { type LogError, type LogSink, type Options, TypeId } from "./internal/sink/model.ts"
import * as Problem from "./internal/sink/problem.ts"
import * as Writer from "./internal/sink/writer.ts"
import type { LogEvent } from "./LogEvent.ts"

export { LogError } from "./internal/sink/model.ts"
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
  const redact = options.redaction?.applier()
  return {
    [TypeId]: TypeId,
    content: options.content ?? "summary",
    recordUnsafe: redact === undefined ? writer.recordUnsafe : (event) => writer.recordUnsafe(redact(event)),
    flush: writer.flush
  }
})

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
  readonly format?: "text" | "ndjson" | undefined
  readonly mode?: number | undefined
  /** "utc" (default) ends in `Z`; "offset" is local time with `+hh:mm`; "4d" is 4D's local time without zone. */
  readonly time?: "utc" | "offset" | "4d" | undefined
  readonly folder?: string | undefined
}
export interface RotatingOptions extends Omit<FileOptions, "format"> {
  readonly prefix?: string | undefined
  readonly maxSize?: ByteSize.Input | undefined
  readonly maxFiles?: number | undefined
}
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
export declare const onFailure: <E, R>(
  sink: Effect.Effect<LogSink, E, R>,
  options?: { readonly maxEvents?: number | undefined }
) => Effect.Effect<LogSink, E, R>
export declare const filter: <E, R>(
  sink: Effect.Effect<LogSink, E, R>,
  predicate: (event: LogEvent) => boolean
) => Effect.Effect<LogSink, E, R>
