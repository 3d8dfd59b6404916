/**
 * Octets in and out of a Node stream that can be exchanged under the hands of who reads: plain text first, TLS later.
 *
 * The stream is read only when somebody pulls, so Node's buffer fills, the receive window closes and the peer waits:
 * nothing is buffered above Node. What Node had received before an error is still delivered before the error is.
 */
import { ConnectionLost } from "@colloquy/core/SmtpError"
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Effect from "effect/Effect"
import type { Duplex } from "node:stream"
import { codeOf, plainWords } from "./tlsErrors.ts"

export interface Pipe {
  readonly pull: Effect.Effect<NonEmptyReadonlyArray<Uint8Array>, ConnectionLost>
  readonly writeAll: (chunks: NonEmptyReadonlyArray<Uint8Array>) => Effect.Effect<void, ConnectionLost>
  readonly attach: (stream: Duplex) => void
  /** Leaves the stream alone. Who pulls waits for the next `attach`, writes fail. */
  readonly detach: () => void
  /** Ends the pipe for good. Leaves the stream alone. */
  readonly end: () => void
  readonly isEnded: () => boolean
}

type Resume<A> = (effect: Effect.Effect<A, ConnectionLost>) => void

export const make = (): Pipe => {
  let stream: Duplex | undefined
  let lost: ConnectionLost | undefined
  let reader: Resume<NonEmptyReadonlyArray<Uint8Array>> | undefined
  const writers = new Set<Resume<void>>()

  /** The only place where a reader is resumed: first what was received, then the end. */
  const deliver = () => {
    if (reader === undefined) return
    const chunk: Uint8Array | null = stream?.read() ?? null
    const result = chunk !== null
      ? Effect.succeed([chunk] as const)
      : lost !== undefined
      ? Effect.fail(lost)
      : undefined
    if (result === undefined) return
    const resume = reader
    reader = undefined
    resume(result)
  }
  const resumeWriters = (result: Effect.Effect<void, ConnectionLost>) => {
    const waiting = [...writers]
    writers.clear()
    for (const resume of waiting) resume(result)
  }
  const onDrain = () => resumeWriters(Effect.void)
  /** The peer writes no more, and all it wrote was read. Node ends our side too. */
  const onEnd = () => {
    lost ??= new ConnectionLost({ kind: "Closed" })
    deliver()
  }
  const lose = (error: ConnectionLost) => {
    lost ??= error
    resumeWriters(Effect.fail(lost))
    deliver()
  }
  const onError = (cause: Error) => lose(fromError(cause))
  const onClose = () => lose(new ConnectionLost({ kind: "Closed" }))

  const detach = () => {
    stream?.off("readable", deliver).off("end", onEnd).off("drain", onDrain).off("error", onError).off("close", onClose)
    stream = undefined
  }

  return {
    pull: Effect.callback((resume) => {
      reader = resume
      deliver()
      return Effect.sync(() => {
        if (reader === resume) reader = undefined
      })
    }),
    writeAll: (chunks) =>
      Effect.suspend(() => {
        if (lost !== undefined) return Effect.fail(lost)
        const to = stream
        if (to === undefined || !to.writable) return Effect.fail(new ConnectionLost({ kind: "Closed" }))
        to.cork()
        for (const chunk of chunks) to.write(chunk)
        to.uncork()
        if (!to.writableNeedDrain) return Effect.void
        return Effect.callback<void, ConnectionLost>((resume) => {
          writers.add(resume)
          return Effect.sync(() => writers.delete(resume))
        })
      }),
    attach: (next) => {
      stream = next
      next.on("readable", deliver).on("end", onEnd).on("drain", onDrain).on("error", onError).on("close", onClose)
      if (next.errored !== null) onError(next.errored)
      else if (next.destroyed) onClose()
      else deliver()
    },
    detach,
    end: () => {
      detach()
      lose(new ConnectionLost({ kind: "Closed" }))
    },
    isEnded: () => lost !== undefined
  }
}

/** A TLS alert is the peer's goodbye (`certificate required`, after the handshake of TLS 1.3); all else is a break. */
const fromError = (cause: Error): ConnectionLost =>
  codeOf(cause)?.startsWith("ERR_SSL_")
    ? new ConnectionLost({ kind: "Closed", cause: plainWords(cause) })
    : new ConnectionLost({ kind: "Reset", cause })
