/**
 * Header fields as text (RFC 5322 §2.2, §3.2): folding, unstructured text, phrases, parameters (RFC 2045 §5.1, RFC 2231).
 *
 * A field is its name and *tokens*: pieces that are never cut, separated by one blank or by a fold. No line is longer than
 * 78 characters unless one token is, and no token is longer than `longestToken`: so no line reaches 998. Callers have
 * checked that no value holds CR, LF or NUL and that it is well formed: whatever else it holds is encoded here.
 */
import type { CharsetPolicy } from "./charset.ts"
import { toUtf8 } from "./charset.ts"
import * as EncodedWord from "./encodedWord.ts"

const fill = 78
/** ASCII words up to here travel as they are; longer ones become encoded words, which can be folded. */
const longestToken = 500

/** One field, with its CRLF. The first token stays on the first line: some readers stumble over an empty one. */
export const fold = (name: string, tokens: ReadonlyArray<string>): string => {
  let text = `${name}:`
  let column = text.length
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i] ?? ""
    if (i > 0 && column + 1 + token.length > fill) {
      text += `\r\n ${token}`
      column = token.length + 1
    } else {
      text += ` ${token}`
      column += token.length + 1
    }
  }
  return `${text}\r\n`
}

const plainText = /^[\x21-\x7E]+(?: [\x21-\x7E]+)*$/

const needsEncoding = (token: string): boolean =>
  token.length > longestToken || token.includes("=?") || !/^[\x21-\x7E]+$/.test(token)

/** Free text (RFC 5322 §2.2.1): words that need it, and the text between them, as encoded words. */
export const unstructured = (name: string, value: string, policy: CharsetPolicy | undefined): string => {
  if (value.length + name.length + 2 <= fill && plainText.test(value) && !value.includes("=?")) {
    return `${name}: ${value}\r\n`
  }
  if (value === "") return `${name}:\r\n`
  const words = value.split(/(?<=[^ ]) (?=[^ ])/)
  let first = 0
  while (first < words.length && !needsEncoding(words[first] ?? "")) first++
  if (first === words.length) return fold(name, words)
  let last = words.length - 1
  while (!needsEncoding(words[last] ?? "")) last--
  const column = first === 0 ? name.length + 2 : 1
  return fold(name, [
    ...words.slice(0, first),
    ...EncodedWord.encode(words.slice(first, last + 1).join(" "), policy, column),
    ...words.slice(last + 1)
  ])
}

const atoms = /^[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+(?: [A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+)*$/

/** A phrase (RFC 5322 §3.2.5), such as a display name: atoms, a quoted string, or encoded words. */
export const phrase = (value: string, policy: CharsetPolicy | undefined): Array<string> => {
  if (value.includes("=?") || !plainText.test(value)) return EncodedWord.encode(value, policy, 14)
  const words = value.split(" ")
  if (words.some((word) => word.length > longestToken)) return EncodedWord.encode(value, policy, 14)
  if (atoms.test(value)) return words
  const quoted = `"${value.replaceAll(/["\\]/g, "\\$&")}"`
  return quoted.length < fill - 14 ? [quoted] : quoted.split(" ")
}

/** Adds tokens, of which there may be more than a call takes arguments. */
export const append = (tokens: Array<string>, more: ReadonlyArray<string>): void => {
  for (const token of more) tokens.push(token)
}

/** Puts a special behind a phrase: an encoded word stands apart from it (RFC 2047 §5 (3)). */
export const behind = (tokens: Array<string>, special: string): void => {
  const last = tokens[tokens.length - 1]
  if (last === undefined || last.endsWith("?=")) tokens.push(special)
  else tokens[tokens.length - 1] = last + special
}

const mimeToken = /^[A-Za-z0-9!#$%&'*+.^_`{|}~-]+$/
export const isToken = (value: string): boolean => mimeToken.test(value)

const quotable = /^[\x20-\x21\x23-\x5B\x5D-\x7E]*$/
const attributeChar = /[A-Za-z0-9!#$&+.^_`{|}~-]/

const percent = (char: string): string => {
  if (char.length === 1 && attributeChar.test(char)) return char
  let text = ""
  for (const octet of toUtf8(char)) text += `%${octet < 16 ? "0" : ""}${octet.toString(16).toUpperCase()}`
  return text
}

/** One parameter as tokens without semicolons: plain, quoted, or in the extended form, cut into sections between characters. */
export const parameter = (name: string, value: string): Array<string> => {
  if (value.length <= 60) {
    if (mimeToken.test(value)) return [`${name}=${value}`]
    if (quotable.test(value) && !value.includes("=?")) return [`${name}="${value}"`]
  }
  const sections: Array<string> = []
  let section = "UTF-8''"
  const room = fill - name.length - 12
  for (const char of value) {
    const encoded = percent(char)
    if (section.length + encoded.length > room) {
      sections.push(section)
      section = ""
    }
    section += encoded
  }
  sections.push(section)
  return sections.length === 1
    ? [`${name}*=${sections[0] ?? ""}`]
    : sections.map((text, i) => `${name}*${i}*=${text}`)
}

/** A parameter whose value old mail programs read: encoded words in a quoted string (against RFC 2047 §5 (3), and common). */
export const parameterForOldClients = (
  name: string,
  value: string,
  policy: CharsetPolicy | undefined
): Array<string> => {
  if (value.length <= 60 && quotable.test(value) && !value.includes("=?")) return [`${name}="${value}"`]
  const words = EncodedWord.encode(value, policy, name.length + 4)
  return words.map((word, i) => `${i === 0 ? `${name}="` : ""}${word}${i === words.length - 1 ? "\"" : ""}`)
}

/** A value with parameters, each token but the last ended by a semicolon where a parameter follows. */
export const withParameters = (value: string, parameters: ReadonlyArray<ReadonlyArray<string>>): Array<string> => {
  const tokens = [value]
  for (const parameter of parameters) {
    tokens[tokens.length - 1] += ";"
    // only extended sections are parameters of their own; encoded words in a quoted string are one
    const separate = parameter.length > 1 && (parameter[0] ?? "").includes("*0*=")
    parameter.forEach((token, i) => {
      tokens.push(separate && i < parameter.length - 1 ? `${token};` : token)
    })
  }
  return tokens
}

const twoDigits = (n: number): string => n < 10 ? `0${n}` : `${n}`
const days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

/** `date-time` (RFC 5322 §3.3) of an instant, at an offset in minutes from UTC. The Gregorian calendar, by counting days. */
export const dateTime = (epochMillis: number, offsetMinutes: number): string => {
  const seconds = Math.floor(epochMillis / 1000) + offsetMinutes * 60
  const day = Math.floor(seconds / 86_400)
  const second = seconds - day * 86_400
  // years that begin in March, eras of 400 years that begin at 0000-03-01
  const fromEra = day + 719_468
  const era = Math.floor(fromEra / 146_097)
  const ofEra = fromEra - era * 146_097
  const yearOfEra = Math.floor(
    (ofEra - Math.floor(ofEra / 1460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) / 365
  )
  const dayOfYear = ofEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const fromMarch = Math.floor((5 * dayOfYear + 2) / 153)
  const dayOfMonth = dayOfYear - Math.floor((153 * fromMarch + 2) / 5) + 1
  const month = fromMarch < 10 ? fromMarch + 2 : fromMarch - 10
  const year = yearOfEra + era * 400 + (month < 2 ? 1 : 0)
  const offset = Math.abs(offsetMinutes)
  return `${days[((day % 7) + 7) % 7]}, ${dayOfMonth} ${months[month]} ${year.toString().padStart(4, "0")} ${
    twoDigits(Math.floor(second / 3600))
  }:${twoDigits(Math.floor(second / 60) % 60)}:${twoDigits(second % 60)} ${offsetMinutes < 0 ? "-" : "+"}${
    twoDigits(Math.floor(offset / 60))
  }${twoDigits(offset % 60)}`
}
