/**
 * `Transporter.sendAll`: one feeder fiber takes messages from the stream and queues them, one pull gives the results.
 *
 * Bounded: what is in flight and what nobody has taken yet together are at most `limit`; beyond that the source waits.
 * No fiber is made for a message whose way is the transporter's own. Closing the stream takes back what is still queued
 * and ends what is in flight as an interrupted `send` ends.
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { Composed, Prepared } from "../Message.ts"
import type { Receipt } from "../Receipt.ts"
import type { SmtpError } from "../SmtpError.ts"
import type { Sent } from "../Transporter.ts"
import { exitNow } from "./now.ts"

type Deliver = (message: Composed | Prepared) => Effect.Effect<Receipt, SmtpError>

/** Queues a message and calls back with its outcome; gives the way to take it back. */
export type Enqueue = (
  message: Composed | Prepared,
  resume: (outcome: Effect.Effect<Receipt, SmtpError>) => void
) => Effect.Effect<void>

const direct = new WeakMap<Deliver, Enqueue>()

/** `deliver` as the transporter itself has it can be used without a fiber; one that was decorated cannot. */
export const withEnqueue = (deliver: Deliver, enqueue: Enqueue): Deliver => {
  direct.set(deliver, enqueue)
  return deliver
}

export const sendAll = <M, E, R>(
  messages: Stream.Stream<M, E, R>,
  options: {
    readonly prepare: (message: M) => Effect.Effect<Composed | Prepared, SmtpError>
    readonly deliver: Deliver
    readonly limit: number
  }
): Stream.Stream<Sent<M>, E, R> =>
  Stream.unwrap(Effect.gen(function*() {
    const { deliver, limit, prepare } = options
    const scope = yield* Effect.scope
    const fork = Effect.runForkWith(yield* Effect.context())
    const enqueue: Enqueue = direct.get(deliver) ?? ((message, resume) => {
      const fiber = fork(Effect.onExit(deliver(message), (exit) => Effect.sync(() => resume(exit))))
      return Effect.asVoid(Fiber.interrupt(fiber))
    })
    const room = yield* Latch.make()
    const available = yield* Latch.make()
    const inFlight = new Map<number, Effect.Effect<void>>()
    let results: Array<Sent<M>> = []
    let next = 0
    let ended: Exit.Exit<void, E> | undefined

    /** All that one read settles is given in one pull. */
    let telling = false
    const tell = () => {
      telling = false
      available.openUnsafe()
    }
    const settle = (index: number, message: M, result: Result.Result<Receipt, SmtpError>) => {
      inFlight.delete(index)
      results.push({ index, message, result })
      if (telling) return
      telling = true
      queueMicrotask(tell)
    }

    const begin = (index: number, message: M, prepared: Composed | Prepared) => {
      let settled = false
      const cancel = enqueue(prepared, (outcome) => {
        settled = true
        const exit = exitNow(outcome)
        if (exit !== undefined && Exit.isSuccess(exit)) return settle(index, message, Result.succeed(exit.value))
        fork(Effect.flatMap(Effect.result(outcome), (result) => Effect.sync(() => settle(index, message, result))))
      })
      if (!settled) inFlight.set(index, cancel)
    }

    const feed = Effect.fnUntraced(function*(chunk: NonEmptyReadonlyArray<M>) {
      for (const message of chunk) {
        while (inFlight.size + results.length >= limit) {
          room.closeUnsafe()
          yield* room.await
        }
        const index = next++
        const preparing = prepare(message)
        const prepared = exitNow(preparing) ?? (yield* Effect.exit(preparing))
        if (Exit.isSuccess(prepared)) begin(index, message, prepared.value)
        else {
          const failed = yield* Effect.result(prepared)
          if (Result.isFailure(failed)) settle(index, message, Result.fail(failed.failure))
        }
      }
    })

    yield* Effect.addFinalizer(() =>
      Effect.forEach(inFlight.values(), (cancel) => cancel, { concurrency: "unbounded", discard: true })
    )
    yield* Effect.forkIn(
      Effect.onExit(Stream.runForEachArray(messages, feed), (exit) =>
        Effect.sync(() => {
          ended = exit
          available.openUnsafe()
        })),
      scope
    )

    const pull: Effect.Effect<NonEmptyReadonlyArray<Sent<M>>, E | Cause.Done> = Effect.suspend(() => {
      const taken = results
      if (Arr.isReadonlyArrayNonEmpty(taken)) {
        results = []
        room.openUnsafe()
        return Effect.succeed(taken)
      }
      if (ended !== undefined && inFlight.size === 0) {
        return Exit.isFailure(ended) ? Effect.failCause(ended.cause) : Cause.done()
      }
      available.closeUnsafe()
      return Effect.andThen(available.await, pull)
    })
    return Stream.fromPull(Effect.succeed(pull))
  }))
