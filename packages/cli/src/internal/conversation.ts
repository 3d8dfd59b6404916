/**
 * A conversation for a person: number, time of day, and what was said or done, one a line. The log's own form, which
 * programs read back, has two more columns and every detail: that is `LogText.encode`.
 */
import type * as LogEvent from "@colloquy/core/LogEvent"
import * as LogText from "@colloquy/core/LogText"
import * as DateTime from "effect/DateTime"

const timeOfDay = (time: number) => DateTime.formatIso(DateTime.makeUnsafe(time)).slice(11, 23)

export const lines = (events: ReadonlyArray<LogEvent.LogEvent>): ReadonlyArray<string> => {
  const width = String(events.at(-1)?.counter ?? 0).length
  return events.map((event) =>
    `${String(event.counter).padStart(width)}  ${timeOfDay(event.time)}  ${
      LogText.format([event], { columns: "statement" })
    }`
  )
}
