/**
 * The parts of a client's MAIL and RCPT line: path and ESMTP parameters (RFC 5321 §4.1.1.2, §4.1.1.3, §4.1.2).
 *
 * It finds where the parts are and does not check what is in them. Tolerated: blanks before the path, and a path without
 * angle brackets. A source route is left out, as RFC 5321 §4.1.1.3 asks.
 */
import { localPartEnd } from "./path.ts"

export interface PathAndParameters {
  readonly path: string
  readonly parameters: ReadonlyMap<string, string | true>
}

/** Without the blanks (space and tab) at both ends. */
export const trim = (text: string): string => {
  let start = 0
  let end = text.length
  while (start < end && isBlank(text, start)) start++
  while (end > start && isBlank(text, end - 1)) end--
  return text.slice(start, end)
}

export const words = (text: string): ReadonlyArray<string> => text.split(/[ \t]+/).filter((word) => word !== "")

/** `text` is what stands behind `FROM:` or `TO:`. A string is what is wrong with it. */
export const pathAndParameters = (text: string): PathAndParameters | string => {
  const line = trim(text)
  const isBracketed = line.startsWith("<")
  const start = isBracketed ? routeEnd(line, 1) : 0
  const end = pathEnd(line, start, isBracketed)
  if (end < 0) return isBracketed ? "no \">\" at the end of the path" : "no end of the quoted local part"
  if (!isBracketed && end === 0) return "no path"
  const rest = isBracketed ? end + 1 : end
  if (rest < line.length && !isBlank(line, rest)) return "no blank behind the path"
  const parameters = new Map<string, string | true>()
  for (const word of words(line.slice(rest))) {
    const equals = word.indexOf("=")
    const keyword = (equals < 0 ? word : word.slice(0, equals)).toUpperCase()
    if (parameters.has(keyword)) return "a parameter that is given twice"
    parameters.set(keyword, equals < 0 ? true : word.slice(equals + 1))
  }
  return { path: line.slice(start, end), parameters }
}

/** Behind a source route, `@a,@b:`, or `start` where there is none. */
const routeEnd = (line: string, start: number): number => {
  if (line[start] !== "@") return start
  const colon = line.indexOf(":", start)
  return colon < 0 ? start : colon + 1
}

/** The closing bracket, or the blank or end of line behind a path without brackets; -1 where there is none. */
const pathEnd = (line: string, start: number, isBracketed: boolean): number => {
  let position = start
  if (line[start] === "\"") {
    const length = localPartEnd(line.slice(start))
    if (length < 0) return -1
    position += length
  }
  if (isBracketed) return line.indexOf(">", position)
  while (position < line.length && !isBlank(line, position)) position++
  return position
}

const isBlank = (text: string, position: number): boolean => text[position] === " " || text[position] === "\t"
