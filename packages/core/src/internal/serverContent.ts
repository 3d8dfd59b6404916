/**
 * A message's content on its way from the wire to the handler.
 *
 * The handler runs beside the dialogue and pulls; a few pieces are held, no more. A content that breaks off, or is refused
 * for its size, never looks complete to the handler: it is interrupted in the middle. A handler that has answered is given
 * no more, the rest is read and dropped.
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import type { Reply } from "../Reply.ts"
import { makeContentLines, type Recorder } from "./recorder.ts"
import * as replies from "./serverReplies.ts"
import { countLines } from "./stuffing.ts"

/** Pieces that wait for the handler. */
const held = 4

export interface Transfer {
  /** Hands the next pieces over; waits for the handler. */
  readonly push: (pieces: ReadonlyArray<Uint8Array>) => Effect.Effect<void>
  /** The content is whole: the handler's answer. */
  readonly finish: Effect.Effect<Reply>
  /** The handler is interrupted, if it hasn't answered. */
  readonly abort: Effect.Effect<void>
  /** The handler's answer, if it has answered already. */
  readonly answer: () => Reply | undefined
  readonly octets: () => number
  readonly tooLarge: () => boolean
}

/** `limit`: of the whole content, in octets. */
export const make = Effect.fnUntraced(function*<R>(options: {
  readonly message: (content: Stream.Stream<Uint8Array>) => Effect.Effect<Reply, Reply, R>
  readonly limit: number
  readonly recorder: Recorder
}): Effect.fn.Return<Transfer, never, R> {
  const queue = yield* Queue.bounded<Uint8Array, Cause.Done>(held)
  const { recorder } = options
  const lines = makeContentLines(recorder, recorder.contentLevel())
  const start = recorder.elapsedNow()
  let octets = 0
  let lineEnds = 0
  let answer: Reply | undefined

  const handler = yield* Effect.suspend(() => options.message(Stream.fromQueue(queue))).pipe(
    Effect.catch(Effect.succeed),
    Effect.catchDefect((defect) =>
      Effect.as(recorder.logDefect("The handler of a message died", defect), replies.localError)
    ),
    Effect.tap((reply) =>
      Effect.sync(() => {
        answer = reply
      })
    ),
    Effect.ensuring(Queue.shutdown(queue)),
    Effect.forkChild({ startImmediately: true })
  )
  const abort = Effect.asVoid(Fiber.interrupt(handler))
  const record = Effect.sync(() =>
    recorder.record({ _tag: "Content", octets, lines: lineEnds, elapsed: recorder.elapsedNow() - start })
  )

  return {
    push: Effect.fnUntraced(function*(pieces) {
      for (const piece of pieces) {
        octets += piece.length
        lineEnds += countLines(piece)
        if (octets > options.limit) yield* abort
        else {
          lines.push(piece)
          yield* Queue.offer(queue, piece)
        }
      }
    }),
    finish: Effect.suspend(() =>
      Effect.andThen(
        record,
        octets > options.limit
          ? Effect.succeed(replies.tooLarge)
          : Queue.end(queue).pipe(
            Effect.andThen(Fiber.await(handler)),
            Effect.map((exit) => Exit.isSuccess(exit) ? exit.value : replies.localError)
          )
      )
    ),
    abort,
    answer: () => answer,
    octets: () => octets,
    tooLarge: () => octets > options.limit
  }
})
