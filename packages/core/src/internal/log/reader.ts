/**
 * Reads records of the text form: our own, which escape, and 4D's, which do not.
 *
 * 4D's dialect as public samples show it: blanks or tabs between columns, the fourth column may be missing, numbers may be
 * negative, times name no zone, quotes stand in quotes, sentences are translated (they become notes), and records may be
 * glued to each other without a line break. Linear time on any text.
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Arr from "effect/Array"
import type { LogEvent } from "../../LogEvent.ts"
import { unescape } from "./escape.ts"
import { readSentence } from "./sentences.ts"
import { parseTime } from "./time.ts"

export type Dialect = "colloquy" | "4d"

interface Head {
  readonly counter: number
  readonly time: number
  readonly process: number
  readonly session: number
}

const integer = (text: string): number | undefined => {
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : undefined
}

const headOf = (
  counter: string,
  time: string,
  process: string,
  session: string,
  zone: string | undefined
): Head | undefined => {
  const head = {
    counter: integer(counter),
    time: parseTime(time, zone),
    process: integer(process),
    session: integer(session)
  }
  return head.counter === undefined || head.time === undefined || head.process === undefined ||
      head.session === undefined
    ? undefined
    : { counter: head.counter, time: head.time, process: head.process, session: head.session }
}

type Mark = "C >" | "C >>" | "C >>>" | "S <"

const tags: Readonly<Record<Mark, "ClientLine" | "HeaderLine" | "BodyLine" | "ServerLine">> = {
  "C >": "ClientLine",
  "C >>": "HeaderLine",
  "C >>>": "BodyLine",
  "S <": "ServerLine"
}
const isMark = (text: string): text is Mark => text in tags

const ownRecord = /^(-?\d{1,16}) (\S{1,32}) (-?\d{1,16}) (-?\d{1,16}) (###|C >{1,3}|S <) (.*)$/s

/** Is each quote in it escaped? */
const isOwnQuoted = (text: string): boolean => {
  for (let at = text.indexOf("\""); at >= 0; at = text.indexOf("\"", at + 1)) {
    let from = at
    while (text.charCodeAt(from - 1) === 0x5c) from--
    if ((at - from) % 2 === 0) return false
  }
  return true
}

const said = (mark: Mark, line: string, { counter, process, session, time }: Head): LogEvent => ({
  _tag: tags[mark],
  counter,
  time,
  process,
  session,
  line
})

const note = (text: string, { counter, process, session, time }: Head): LogEvent => ({
  _tag: "Note",
  counter,
  time,
  process,
  session,
  text
})

/** A record as we write it; `undefined` for any other text. */
export const readOwn = (record: string, zone: string | undefined): LogEvent | undefined => {
  const parts = ownRecord.exec(record)
  if (parts === null) return undefined
  const [, counter = "", time = "", process = "", session = "", mark = "", statement = ""] = parts
  const head = headOf(counter, time, process, session, zone)
  if (head === undefined) return undefined
  if (!isMark(mark)) return readSentence(statement, head)
  if (statement.length < 2 || !statement.startsWith("\"") || !statement.endsWith("\"")) return undefined
  const quoted = statement.slice(1, -1)
  if (!isOwnQuoted(quoted)) return undefined
  const line = unescape(quoted)
  return line === undefined ? undefined : said(mark, line, head)
}

const date = String.raw`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:\d\d)?`
const columns = String.raw`(\d{1,15})[ \t]+(${date})[ \t]+(-?\d{1,15})(?:[ \t]+(-?\d{1,15}))?[ \t]+(###|C >{1,3}|S <)`
const foreignRecord = new RegExp(String.raw`^[ \t]*(-?)${columns}(.*)$`, "s")
const nextRecord = new RegExp(String.raw`(?<!\d)${columns}`, "g")

/** Texts of the records that one line holds: more than one where they are glued. */
const separate = (line: string): NonEmptyReadonlyArray<string> => {
  const records: Array<string> = []
  let from = 0
  let statement = -1
  for (const found of line.matchAll(nextRecord)) {
    const isFirst = statement < 0
    if (isFirst ? !ofNothing.test(line.slice(0, found.index)) : isWhole(line, statement, found.index)) {
      records.push(line.slice(from, found.index))
      from = found.index
    } else if (!isFirst) {
      continue
    }
    statement = found.index + found[0].length
  }
  records.push(line.slice(from))
  return Arr.isArrayNonEmpty(records) ? records : [line]
}

const ofNothing = /^[ \t]*-?$/

/** Does a record whose statement begins at `from` end at `to`? Its text may hold what looks like another record. */
const isWhole = (line: string, from: number, to: number): boolean => {
  const quote = line.charCodeAt(from) === 0x20 || line.charCodeAt(from) === 0x09 ? from + 1 : from
  if (line.charCodeAt(quote) !== 0x22 || line.charCodeAt(from - 1) === 0x23) return true
  let end = to
  while (line.charCodeAt(end - 1) === 0x20 || line.charCodeAt(end - 1) === 0x09) end--
  return end - 1 > quote && line.charCodeAt(end - 1) === 0x22
}

const foreignQuoted = /^"(.*)"[ \t]*$/s

const readForeign = (record: string, zone: string | undefined): LogEvent | undefined => {
  const parts = foreignRecord.exec(record)
  if (parts === null) return undefined
  const [, sign = "", counter = "", time = "", process = "", session = "0", mark = "", rest = ""] = parts
  const head = headOf(sign + counter, time.replace(" ", "T").replace(",", "."), process, session, zone)
  if (head === undefined) return undefined
  const statement = rest.replace(/^[ \t]/, "")
  if (!isMark(mark)) return readSentence(statement, head) ?? note(statement, head)
  const quoted = foreignQuoted.exec(statement)
  return said(mark, quoted === null ? statement.replace(/^"/, "") : quoted[1] ?? "", head)
}

/** The events of one line; `undefined` in their place where a record cannot be read. */
export const readLine = (
  line: string,
  options: { readonly zone: string | undefined; readonly dialect: Dialect | undefined }
): NonEmptyReadonlyArray<LogEvent | string> => {
  const { dialect, zone } = options
  if (dialect !== "4d") {
    const event = readOwn(line, zone)
    if (event !== undefined) return [event]
  }
  return Arr.map(separate(line), (record) =>
    (dialect === "4d" ? undefined : readOwn(record, zone)) ??
      (dialect === "colloquy" ? undefined : readForeign(record, zone)) ?? record)
}
