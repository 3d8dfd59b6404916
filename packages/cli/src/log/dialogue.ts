/**
 * A conversation as a person reads it: who said what, when, and where nobody said anything for a while.
 *
 * One line a record of the log, with the number that it has there. What came from a peer or a foreign log is escaped.
 */
import type { LogEvent } from "@colloquy/core/LogEvent"
import type { Conversation } from "@colloquy/core/LogReader"
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import { colourOf } from "../logOptions.ts"
import { type Told } from "../report/conversation.ts"
import { sentence, visible } from "../report/text.ts"

export interface Style {
  readonly colours: boolean
}

export const dateTime = (time: number): string =>
  Option.match(DateTime.make(time), {
    onNone: () => "?",
    onSome: (date) => DateTime.formatIso(date).replace("T", " ").replace("Z", "")
  })

export const coloured = (style: Style, colour: number, text: string): string =>
  style.colours ? `\u001b[${colour}m${text}\u001b[0m` : text

const bold = 1
const grey = 90

const who: Partial<Record<LogEvent["_tag"], string>> = {
  ClientLine: "C:",
  ServerLine: "S:",
  HeaderLine: "C|",
  BodyLine: "C|"
}

const words = (event: LogEvent): string =>
  "line" in event
    ? visible(event.line)
    : event._tag === "Failed"
    ? `${sentence(event)} ${visible(event.message)}`
    : event._tag === "Unread"
    ? `line ${event.lineNumber} of ${visible(event.source)} could not be read: ${visible(event.text)}`
    : sentence(event)

/** `S: 250 Ok`, `-- Connected to …`. */
export const spoken = (event: LogEvent): string => `${who[event._tag] ?? "--"} ${words(event)}`.trimEnd()

const seconds = (milliseconds: number): string => (milliseconds / 1_000).toFixed(3)

export const took = (milliseconds: number): string =>
  milliseconds < 1_000
    ? `${Math.round(milliseconds)} ms`
    : milliseconds < 120_000
    ? `${(milliseconds / 1_000).toFixed(1)} s`
    : `${Math.floor(milliseconds / 60_000)} min ${Math.round(milliseconds % 60_000 / 1_000)} s`

/** From here on a silence has a line of its own, in milliseconds. */
const longSilence = 1_000

export const serverOf = ({ host, port }: Told["row"]): string =>
  host === "" ? "" : port === null || port === 0 ? host : `${host}:${port}`

/** `Session 7 with mail.example:25, 2026-02-06 15:03:11.586, failed`. */
export const heading = ({ row }: Told): string =>
  [
    `Session ${row.session}${serverOf(row) === "" ? "" : ` with ${serverOf(row)}`}`,
    ...(row.time === null ? [] : [dateTime(row.time)]),
    row.outcome === "fine" ? "nothing went wrong" : row.outcome === "unclear" ? "unclear" : row.outcome
  ].join(", ")

export const lines = ({ dropped, events }: Conversation, style: Style): ReadonlyArray<string> => {
  const width = Math.max(...events.map(({ counter }) => String(counter).length))
  const start = events.find(({ time }) => time !== 0)?.time
  const half = Math.ceil(events.length / 2)
  let before = start ?? 0
  return events.flatMap((event, at) => {
    const silence = event.time === 0 ? 0 : event.time - before
    if (event.time !== 0) before = event.time
    const offset = start === undefined || event.time === 0 ? "" : `+${seconds(event.time - start)}`
    const line = `${String(event.counter).padStart(width)} ${offset.padStart(9)}  ${spoken(event)}`
    const blank = " ".repeat(width + 12)
    return [
      ...(dropped > 0 && at === half ? [coloured(style, grey, `${blank}… ${dropped} lines are left out`)] : []),
      ...(silence >= longSilence ? [coloured(style, grey, `${blank}… ${took(silence)} …`)] : []),
      coloured(style, colourOf(event), line)
    ]
  })
}

export const title = (told: Told, style: Style): string => coloured(style, bold, heading(told))

/** One line of a log that is followed, where several sessions may run at once. */
export const followed = (event: LogEvent, style: Style): string => {
  const time = event.time === 0 ? "" : dateTime(event.time).slice(11)
  return coloured(
    style,
    colourOf(event),
    `${String(event.counter).padStart(6)} ${time}  [${event.session}] ${spoken(event)}`
  )
}
