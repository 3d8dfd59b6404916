/**
 * The first line of every file: whose log this is and how to read it (docs/design.md).
 *
 * `instance` names the run of the program: files that share it share one sequence, and merge by counter. It belongs to
 * the sequence, and is drawn from Effect's `Random`, so that tests can fix it.
 */
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import { type LogEvent, ProcessId, Sequence } from "../../LogEvent.ts"
import { localZone } from "../log/time.ts"
import { program } from "../version.ts"

const instances = new WeakMap<Sequence, string>()

const instanceOf = (sequence: Sequence): Effect.Effect<string> =>
  Effect.suspend(() => {
    const known = instances.get(sequence)
    if (known !== undefined) return Effect.succeed(known)
    return Effect.map(Random.nextIntBetween(36 ** 7, 36 ** 8), (number) => {
      const instance = number.toString(36)
      instances.set(sequence, instance)
      return instance
    })
  })

/** The zone that a log names: as told, else that of the context, else the machine's. */
export const zoneOr = (zone: string | undefined): Effect.Effect<string> =>
  zone === undefined
    ? Effect.map(
      Effect.serviceOption(DateTime.CurrentTimeZone),
      (current) => Option.isSome(current) ? DateTime.zoneToString(current.value) : localZone()
    )
    : Effect.succeed(zone)

/** Makes the event anew for each file that is opened. */
export const make = Effect.fnUntraced(function*(zone: string) {
  const clock = yield* Clock.Clock
  const sequence = yield* Sequence
  const process = yield* ProcessId
  const instance = yield* instanceOf(sequence)
  return (): LogEvent => ({
    _tag: "Opened",
    counter: sequence.nextCounterUnsafe(),
    time: clock.currentTimeMillisUnsafe(),
    process,
    session: 0,
    format: 1,
    program,
    instance,
    zone
  })
})
