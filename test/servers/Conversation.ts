/** A conversation as lines that are the same in each run: what a server makes up is replaced by its kind. */
import type * as LogEvent from "@colloquy/core/LogEvent"
import * as LogText from "@colloquy/core/LogText"

const madeUp: ReadonlyArray<readonly [RegExp, string]> = [
  [/on port \d+/g, "on port PORT"],
  [/queued as \w+/g, "queued as QUEUE-ID"],
  [/> \S+ Saved/g, "> DELIVERY-ID Saved"]
]

export const statements = (events: ReadonlyArray<LogEvent.LogEvent>): ReadonlyArray<string> =>
  LogText.format(events, { columns: "statement" }).trimEnd().split("\n").map((statement) =>
    madeUp.reduce((text, [pattern, kind]) => text.replaceAll(pattern, kind), statement)
  )
