/** Effects that are done already: what `Effect.succeed` and `Effect.fail` make is an `Exit`, and need not be run. */
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"

export const exitNow = <A, E, R>(effect: Effect.Effect<A, E, R>): Exit.Exit<A, E> | undefined =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- an Exit that is an Effect<A, E> is an Exit<A, E>
  Exit.isExit(effect) ? effect as Exit.Exit<A, E> : undefined
