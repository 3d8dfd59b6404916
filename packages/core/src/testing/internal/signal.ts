/**
 * Waiting for a change: a waiter asks, and asks again after each change, until there is an answer.
 *
 * A change between asking and waiting is not missed, and a waiter that is interrupted has taken nothing.
 */
import * as Effect from "effect/Effect"

export interface Signal {
  readonly changed: () => void
  readonly until: <A, E, R>(
    answer: () => Effect.Effect<A, E, R> | undefined
  ) => Effect.Effect<A, E, R>
}

export const make = (): Signal => {
  let version = 0
  const waiters = new Set<() => void>()
  const past = (seen: number) =>
    Effect.callback<void>((resume) => {
      const wake = () => resume(Effect.void)
      if (version !== seen) return wake()
      waiters.add(wake)
      return Effect.sync(() => waiters.delete(wake))
    })
  const until: Signal["until"] = (answer) =>
    Effect.suspend(() => {
      const seen = version
      return answer() ?? Effect.andThen(past(seen), until(answer))
    })
  const changed = () => {
    version++
    const all = [...waiters]
    waiters.clear()
    for (const wake of all) wake()
  }
  return { changed, until }
}
