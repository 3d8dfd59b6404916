/** The newest events in memory; a `Lost` event stands for the others, with the number of the last one lost. */
import * as Effect from "effect/Effect"
import type { LogEvent } from "../../LogEvent.ts"
import { type LogSink, type Options, TypeId } from "./model.ts"

const defaultCapacity = 10_000

export interface Memory {
  readonly sink: LogSink
  readonly events: () => ReadonlyArray<LogEvent>
  readonly clear: () => void
}

export const makeMemory = (options: Options): Memory => {
  const capacity = Math.max(1, options.capacity ?? defaultCapacity)
  const redact = options.redaction?.applier()
  const ring: Array<LogEvent> = []
  let position = 0
  let last: LogEvent | undefined

  return {
    sink: {
      [TypeId]: TypeId,
      content: options.content ?? "summary",
      recordUnsafe: (event) => {
        const at = position++ % capacity
        last = ring[at]
        ring[at] = redact === undefined ? event : redact(event)
        return true
      },
      flush: Effect.void
    },
    events: () => {
      const count = position - ring.length
      if (count === 0 || last === undefined) return ring.slice()
      const from = position % capacity
      const { counter, process, time } = last
      const problem = "the memory keeps the newest events only"
      return [
        { _tag: "Lost", counter, time, process, session: 0, count, problem },
        ...ring.slice(from),
        ...ring.slice(0, from)
      ]
    },
    clear: () => {
      ring.length = 0
      position = 0
      last = undefined
    }
  }
}
