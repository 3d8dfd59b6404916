/**
 * One writer fiber a sink: recording pushes to an array, the fiber takes the whole array and writes it as one batch.
 *
 * Invariants: batches keep the order of recording; `recordUnsafe` never throws and never waits; `flush` never fails and
 * gives up on a dead sink; what is not written is counted, and a `Lost` event says so in front of what is written next; when the scope
 * closes, all that is left is written first. A batch goes out 10 ms after its first event, or at 1 MiB, or when somebody
 * flushes.
 *
 * Slow is not dead: whoever waits gives up only when nothing at all was written for `flushTimeout`. From then on, until
 * that write returns, flushing does not wait and a full buffer drops. So a slow disk slows mail, a dead one delays it once,
 * and both cost bounded memory.
 */
import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Result from "effect/Result"
import { type LogEvent, ProcessId, Sequence } from "../../LogEvent.ts"
import { escape } from "../log/escape.ts"
import type { WriteProblem } from "./model.ts"
import * as Problem from "./problem.ts"

const defaultCapacity = 16_384
const defaultFlushTimeout: Duration.Input = "1 second"
const pause: Duration.Input = "10 millis"
/** Characters in the buffer at which it is written at once. */
const fullSize = 1_048_576
/** Characters in the buffer past which sessions wait. */
const maxSize = 4 * fullSize
/** Sessions look at the mark only between reads and chunks; what one of these may add is never dropped. */
const overshoot = 65_536

export interface Writer {
  readonly recordUnsafe: (event: LogEvent) => boolean
  readonly flush: Effect.Effect<void>
}

const sizeOf = (event: LogEvent): number => "line" in event ? event.line.length + 64 : 256

interface Waiter {
  readonly target: number
  readonly resume: (effect: Effect.Effect<void>) => void
}

export const make = Effect.fnUntraced(function*<R>(options: {
  /** For the one warning: "The log … cannot be written". */
  readonly name: string
  readonly capacity?: number | undefined
  readonly flushTimeout?: Duration.Input | undefined
  /** Calls `progress` when a part of the batch is written. */
  readonly write: (
    events: Arr.NonEmptyReadonlyArray<LogEvent>,
    progress: () => void
  ) => Effect.Effect<void, WriteProblem, R>
}) {
  const clock = yield* Clock.Clock
  const sequence = yield* Sequence
  const process = yield* ProcessId
  const capacity = Math.max(1, options.capacity ?? defaultCapacity)
  const flushTimeout = options.flushTimeout ?? defaultFlushTimeout

  const some = Latch.makeUnsafe()
  const urgent = Latch.makeUnsafe()
  let pending: Array<LogEvent> = []
  let size = 0
  let recorded = 0
  let settled = 0
  let steps = 0
  let waiters: Array<Waiter> = []
  let stalled = false
  let closed = false
  let warned = false
  let lost = 0
  let problem = ""

  const lose = (count: number, why: string) => {
    lost += count
    problem = why
  }

  const recordUnsafe = (event: LogEvent): boolean => {
    if (closed) return true
    if (pending.length >= (stalled ? capacity : capacity + overshoot)) {
      lose(1, "the buffer is full")
      return true
    }
    pending.push(event)
    recorded++
    size += sizeOf(event)
    if (pending.length === 1) some.openUnsafe()
    if (size >= fullSize) urgent.openUnsafe()
    return stalled || (pending.length < capacity && size < maxSize)
  }

  const progress = () => {
    steps++
    stalled = false
  }

  const settle = (count: number) => {
    settled += count
    progress()
    if (waiters.length === 0) return
    const ready = waiters.filter(({ target }) => target <= settled)
    waiters = waiters.filter(({ target }) => target > settled)
    if (waiters.length > 0) urgent.openUnsafe()
    for (const { resume } of ready) resume(Effect.void)
  }

  const warn = (why: string) =>
    Effect.suspend(() => {
      if (warned) return Effect.void
      warned = true
      return Effect.logWarning(`The log ${options.name} cannot be written: ${escape(why)}. Mail goes on without it.`)
    })

  const lostEvent = (): LogEvent => ({
    _tag: "Lost",
    counter: sequence.nextCounterUnsafe(),
    time: clock.currentTimeMillisUnsafe(),
    process,
    session: 0,
    count: lost,
    problem
  })

  const attempt = (events: Arr.NonEmptyReadonlyArray<LogEvent>) =>
    Effect.suspend(() => options.write(events, progress)).pipe(
      Effect.catchDefect((defect) => Effect.fail({ problem: Problem.of(defect), written: 0 })),
      Effect.result
    )

  const writeBatch = Effect.fnUntraced(function*(batch: ReadonlyArray<LogEvent>) {
    const before = lost
    const events = before > 0 ? [lostEvent(), ...batch] : batch
    if (!Arr.isReadonlyArrayNonEmpty(events)) return
    const outcome = yield* attempt(events)
    if (Result.isSuccess(outcome)) {
      lost -= before
    } else {
      const { problem: why, written } = outcome.failure
      if (written > 0) lost -= before
      lose(events.length - Math.max(written, before > 0 ? 1 : 0), why)
      yield* warn(why)
    }
  })

  const run = Effect.gen(function*() {
    while (true) {
      yield* some.await
      if (!urgent.isOpen()) yield* Effect.raceFirst(urgent.await, Effect.sleep(pause))
      urgent.closeUnsafe()
      const batch = pending
      pending = []
      size = 0
      if (!closed) some.closeUnsafe()
      yield* writeBatch(batch)
      settle(batch.length)
      if (closed && pending.length === 0) return
    }
  })

  const fiber = yield* Effect.forkDetach(run)

  /** Waits as long as something is written now and then. */
  const patiently = (effect: Effect.Effect<unknown>, orElse: Effect.Effect<unknown>): Effect.Effect<void> =>
    Effect.suspend(() => {
      const before = steps
      return Effect.asVoid(Effect.timeoutOrElse(effect, {
        duration: flushTimeout,
        orElse: () => steps === before ? orElse : patiently(effect, orElse)
      }))
    })

  yield* Effect.addFinalizer(() =>
    Effect.gen(function*() {
      closed = true
      urgent.openUnsafe()
      some.openUnsafe()
      yield* patiently(
        Fiber.await(fiber),
        Effect.andThen(warn("it did not take its last events"), Effect.forkDetach(Fiber.interrupt(fiber)))
      )
    })
  )

  const wait = (target: number) =>
    Effect.callback<void>((resume) => {
      if (settled >= target) return resume(Effect.void)
      const waiter = { target, resume }
      waiters.push(waiter)
      urgent.openUnsafe()
      return Effect.sync(() => {
        waiters = waiters.filter((other) => other !== waiter)
      })
    })

  const flush = Effect.suspend(() => {
    if (settled >= recorded || stalled || fiber.pollUnsafe() !== undefined) return Effect.void
    return patiently(
      wait(recorded),
      Effect.suspend(() => {
        stalled = true
        return warn("it takes no more events")
      })
    )
  })

  return { recordUnsafe, flush } satisfies Writer
})

/** For writes that fail with anything: what failed in words, nothing of the batch written. */
export const asProblem = <E, R>(effect: Effect.Effect<unknown, E, R>): Effect.Effect<void, WriteProblem, R> =>
  Effect.matchCauseEffect(effect, {
    onFailure: (cause) => Effect.fail({ problem: Problem.ofCause(cause), written: 0 }),
    onSuccess: () => Effect.void
  })
