/**
 * What a peer or a foreign log said, as a person may see it: controls, what turns text round, what has no width and
 * octets that are no text are written out in the log's own way (`\xHH`, `\u{…}`), and no text is endless.
 */
import type { LogEvent } from "@colloquy/core/LogEvent"
import * as LogText from "@colloquy/core/LogText"
import * as Printable from "../internal/printable.ts"

/** In characters; of a longer text the rest is counted. */
export const longest = 4_000

const grouped = (n: number) => String(n).replaceAll(/\B(?=(?:\d{3})+$)/g, ",")

const cut = (text: string): string => {
  if (text.length <= longest) return text
  // not between the halves of a character
  const end = /[\ud800-\udbff]/.test(text.charAt(longest - 1)) ? longest - 1 : longest
  return `${text.slice(0, end)}… (${grouped(text.length - end)} more characters)`
}

export const visible = (text: string): string => {
  const quoted = LogText.format(
    [{ _tag: "ServerLine", counter: 0, time: 0, process: 0, session: 0, line: cut(text) }],
    { columns: "statement" }
  )
  return Printable.line(quoted.slice(5, -1).replaceAll(/\\(["\\])/g, "$1"))
}

/** A time that a calendar has, or `null`: 0 is what a log does not tell. */
export const told = (time: number): number | null => time === 0 || Math.abs(time) > 8.64e15 ? null : time

type Said = Extract<LogEvent, { readonly line: string }>

/** What was done, in the log's sentence. */
export const sentence = (event: Exclude<LogEvent, Said>): string =>
  event._tag === "Note"
    ? visible(event.text)
    : visible(LogText.format([event], { columns: "statement" }).replace(/^### (?:SMTP )?/, ""))
