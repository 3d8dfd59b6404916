/**
 * Checks that every text of a message passes before it is used: what they find is a `MessageError` that says where.
 */
import { MessageError } from "../../MessageError.ts"
import { unpairedSurrogate } from "./charset.ts"

/** A piece of the input around where it broke, for people. */
const excerpt = (text: string): string => text.length > 200 ? `${text.slice(0, 200)}…` : text

const illFormed = (field: string, text: string): MessageError =>
  new MessageError({
    field,
    problem: "holds an unpaired surrogate, which no charset can encode",
    input: excerpt(text.toWellFormed()),
    offset: unpairedSurrogate(text)
  })

// oxlint-disable-next-line no-control-regex
const lineBreak = /[\r\n\0]/

/** Text of a header field: one line. CR, LF and NUL would end the field and begin another. */
export const line = (field: string, text: unknown): string | MessageError => {
  if (typeof text !== "string") return notText(field, text)
  const at = text.search(lineBreak)
  if (at >= 0) {
    const what = text.charCodeAt(at) === 0 ? "a NUL character" : "a line break"
    return new MessageError({
      field,
      problem: `holds ${what}, which a header field can't`,
      input: excerpt(text),
      offset: at
    })
  }
  return text.isWellFormed() ? text : illFormed(field, text)
}

/** Text of a body. */
export const wellFormed = (field: string, text: unknown): string | MessageError => {
  if (typeof text !== "string") return notText(field, text)
  return text.isWellFormed() ? text : illFormed(field, text)
}

const notText = (field: string, value: unknown): MessageError =>
  new MessageError({ field, problem: `is ${describe(value)}, not a text` })

/** What a value is, for people. */
export const describe = (value: unknown): string => {
  if (value === null) return "null"
  if (Array.isArray(value)) return "a list"
  return typeof value === "object" ? "an object" : `a ${typeof value}`
}

/** Line ends become CRLF: a canonical text (RFC 2046 §4.1.1). */
export const canonical = (text: string): string =>
  text.includes("\n") || text.includes("\r") ? text.replaceAll(/\r\n|\r|\n/g, "\r\n") : text

/** A text as an error's `input`, shortened; nothing where it is none. */
export const inputOf = (value: unknown): { readonly input?: string } =>
  typeof value === "string" ? { input: excerpt(value) } : {}
