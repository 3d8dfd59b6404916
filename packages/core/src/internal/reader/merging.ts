/** Several streams of events as one. Each keeps its own order; one array of each is held at a time. */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"
import * as Stream from "effect/Stream"
import type { LogEvent } from "../../LogEvent.ts"

interface Source<E, R> {
  readonly pull: Pull.Pull<Arr.NonEmptyReadonlyArray<LogEvent>, E, void, R>
  held: ReadonlyArray<LogEvent>
  at: number
  isOver: boolean
}

const maxBatch = 1_024

export const merge = <E, R>(
  logs: ReadonlyArray<Stream.Stream<LogEvent, E, R>>,
  by: "counter" | "time" | undefined
): Stream.Stream<LogEvent, E, R> =>
  Stream.unwrap(Effect.gen(function*() {
    const sources: ReadonlyArray<Source<E, R>> = yield* Effect.forEach(
      logs,
      (log) => Effect.map(Stream.toPull(log), (pull): Source<E, R> => ({ pull, held: [], at: 0, isOver: false }))
    )
    let key = by

    /** Reads on until something is held; false where nothing was needed. */
    const fill = (source: Source<E, R>): Effect.Effect<void, E, R> =>
      Pull.matchEffect(source.pull, {
        onSuccess: (events) =>
          Effect.sync(() => {
            source.held = events
            source.at = 0
          }),
        onFailure: Effect.failCause,
        onDone: () =>
          Effect.sync(() => {
            source.held = []
            source.at = 0
            source.isOver = true
          })
      })

    const isEmpty = ({ at, held, isOver }: Source<E, R>): boolean => !isOver && at >= held.length

    const next = (): LogEvent | undefined => {
      let first: Source<E, R> | undefined
      let found: LogEvent | undefined
      for (const source of sources) {
        const event = source.held[source.at]
        if (event === undefined) continue
        if (found === undefined || (key === "counter" ? event.counter < found.counter : event.time < found.time)) {
          first = source
          found = event
        }
      }
      if (first !== undefined) first.at++
      return found
    }

    const pull: Pull.Pull<Arr.NonEmptyReadonlyArray<LogEvent>, E, void, R> = Effect.gen(function*() {
      const events: Array<LogEvent> = []
      for (;;) {
        const empty = sources.filter(isEmpty)
        if (empty.length > 0) {
          // what is ready goes first: a source may be slow
          if (Arr.isArrayNonEmpty(events)) return events
          yield* Effect.forEach(empty, fill, { discard: true })
          continue
        }
        key ??= sharedInstance(sources) ? "counter" : "time"
        const event = next()
        if (event === undefined) break
        events.push(event)
        if (events.length >= maxBatch) break
      }
      return Arr.isArrayNonEmpty(events) ? events : yield* Cause.done()
    })
    return Stream.fromPull(Effect.succeed(pull))
  }))

const sharedInstance = (sources: ReadonlyArray<{ readonly held: ReadonlyArray<LogEvent> }>): boolean => {
  const instances = sources.map(({ held: [first] }) => first?._tag === "Opened" ? first.instance : undefined)
  return instances.every((instance) => instance !== undefined && instance === instances[0])
}
