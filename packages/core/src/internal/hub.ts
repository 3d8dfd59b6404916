/**
 * The live side of a log: whoever listens gets the events as they happen.
 *
 * Publishing never waits. A reader that does not keep up loses the oldest events of its own buffer and finds a `Lost`
 * event in their place: with the number of the last one lost, so that its place in the order is right.
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type * as Pull from "effect/Pull"
import * as Stream from "effect/Stream"
import type { LogEvent } from "../LogEvent.ts"

const capacity = 4_096

interface Reader {
  events: Array<LogEvent>
  /** Where `events` begins: older ones are lost and cut off in one go. */
  first: number
  lost: number
  readonly some: Latch.Latch
}

export interface Hub {
  readonly publishUnsafe: (event: LogEvent) => void
  readonly isListening: () => boolean
  /** Readers end when they have read what there is. */
  readonly endUnsafe: () => void
  readonly stream: Stream.Stream<LogEvent>
}

export const make = (): Hub => {
  const readers = new Set<Reader>()
  let ended = false

  const publishUnsafe = (event: LogEvent): void => {
    if (readers.size === 0) return
    for (const reader of readers) {
      reader.events.push(event)
      if (reader.events.length - reader.first > capacity) {
        reader.first++
        reader.lost++
        if (reader.first === capacity) {
          reader.events = reader.events.slice(reader.first - 1)
          reader.first = 1
        }
      }
      reader.some.openUnsafe()
    }
  }

  const take = (reader: Reader): ReadonlyArray<LogEvent> => {
    const { events, first, lost } = reader
    reader.events = []
    reader.first = 0
    reader.lost = 0
    reader.some.closeUnsafe()
    const last = events[first - 1]
    if (last === undefined) return events
    const { counter, process, time } = last
    const problem = "the reader of the live log is too slow"
    return [{ _tag: "Lost", counter, time, process, session: 0, count: lost, problem }, ...events.slice(first)]
  }

  const pullFrom = (reader: Reader): Pull.Pull<NonEmptyReadonlyArray<LogEvent>> =>
    Effect.suspend((): Pull.Pull<NonEmptyReadonlyArray<LogEvent>> => {
      const events = take(reader)
      if (Arr.isReadonlyArrayNonEmpty(events)) return Effect.succeed(events)
      return ended ? Cause.done() : Effect.andThen(reader.some.await, pullFrom(reader))
    })

  return {
    publishUnsafe,
    isListening: () => readers.size > 0,
    endUnsafe: () => {
      ended = true
      for (const reader of readers) reader.some.openUnsafe()
    },
    stream: Stream.unwrap(Effect.map(
      Effect.acquireRelease(
        Effect.sync((): Reader => {
          const reader = { events: [], first: 0, lost: 0, some: Latch.makeUnsafe() }
          readers.add(reader)
          return reader
        }),
        (reader) => Effect.sync(() => readers.delete(reader))
      ),
      (reader) => Stream.fromPull(Effect.succeed(pullFrom(reader)))
    ))
  }
}
