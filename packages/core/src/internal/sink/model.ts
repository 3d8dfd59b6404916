/**
 * The nouns of the log's sinks: here, and not in `LogSink`, so that the sinks' parts can share them without a cycle.
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { ContentLevel, LogEvent } from "../../LogEvent.ts"
import type { Redaction } from "../../Redaction.ts"
import { escape } from "../log/escape.ts"

/** A log that could not be opened: which, and why in words. */
export class LogError extends Schema.TaggedError<LogError>()("LogError", {
  path: Schema.String,
  problem: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    return `the log "${escape(this.path)}" cannot be opened: ${escape(this.problem)}`
  }
}

export const TypeId = "~@colloquy/core/LogSink"

/** Where log events end. The only part of the log a user implements. */
export interface LogSink {
  readonly [TypeId]: unknown
  /** How much of the content it is given. */
  readonly content: ContentLevel
  /** `false`: the buffer is past its high-water mark; the session awaits `flush` before it goes on. Never throws. */
  readonly recordUnsafe: (event: LogEvent) => boolean
  /** What was recorded is with the operating system (or the sink's `write`) when this returns. Never fails, gives up after `flushTimeout`. */
  readonly flush: Effect.Effect<void>
}

export interface Options {
  /** Default "summary". A "full" log holds the mail, attachments included, and is as confidential as the mail. */
  readonly content?: ContentLevel | undefined
  /** Besides the transporter's; a sink cannot take away from that. */
  readonly redaction?: Redaction | undefined
  /** How long a flush waits for a sink that writes nothing at all. Default 1 second; then mail goes on, and what is dropped is counted. */
  readonly flushTimeout?: Duration.Input | undefined
  /** Events in the buffer past which sessions wait (in memory: events that are kept). Default 16,384 (in memory 10,000). */
  readonly capacity?: number | undefined
}

/** Why a batch was not written, or only in part. */
export interface WriteProblem {
  readonly problem: string
  /** Events of the batch, from its start, that were written all the same. */
  readonly written: number
}
