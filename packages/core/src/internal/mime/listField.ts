/**
 * The fields of mailing lists (RFC 2369, RFC 2919, RFC 8058) and message identifiers (RFC 5322 §3.6.4).
 *
 * Nothing here is free text but comments, which become quoted or encoded: a URL or an identifier that holds anything that
 * could end it (angle brackets, blanks, controls) is refused.
 */
import { MessageError } from "../../MessageError.ts"
import type { CharsetPolicy } from "./charset.ts"
import * as EncodedWord from "./encodedWord.ts"
import * as Field from "./field.ts"
import type { List, ListUrls } from "./model.ts"
import { describe, line } from "./text.ts"

const scheme = /^[A-Za-z][A-Za-z0-9+.-]*:/
const urlText = /^[\x21-\x3B\x3D\x3F-\x7E]+$/

const url = (field: string, value: unknown): MessageError | undefined => {
  if (typeof value !== "string") return new MessageError({ field, problem: `is ${describe(value)}, not a URL` })
  if (!scheme.test(value)) {
    return new MessageError({
      field,
      problem: "is no URL: it must begin with https:, mailto: or another scheme",
      input: value
    })
  }
  const at = value.search(/[^\x21-\x3B\x3D\x3F-\x7E]/)
  return urlText.test(value)
    ? undefined
    : new MessageError({ field, problem: "holds a character that a URL must percent-encode", input: value, offset: at })
}

const comment = (text: string, policy: CharsetPolicy | undefined): Array<string> =>
  /^[\x20-\x7E]*$/.test(text) && !text.includes("=?") && text.length < 60
    ? [`(${text.replaceAll(/[()\\]/g, "\\$&")})`]
    : EncodedWord.encode(text, policy, 20).map((word, i, all) =>
      `${i === 0 ? "(" : ""}${word}${i === all.length - 1 ? ")" : ""}`
    )

const urls = (
  field: string,
  name: string,
  value: ListUrls,
  policy: CharsetPolicy | undefined
): string | MessageError => {
  const all = Array.isArray(value) ? value : [value]
  const tokens: Array<string> = []
  for (const [i, entry] of all.entries()) {
    const where = all.length > 1 ? `${field}[${i}]` : field
    const given: unknown = typeof entry === "string" ? entry : entry?.url
    if (typeof given !== "string") {
      return new MessageError({ field: where, problem: `is ${describe(entry)}, not a URL` })
    }
    if (field === "list.post" && given === "NO") {
      tokens.push("NO")
      continue
    }
    const error = url(where, given)
    if (error !== undefined) return error
    if (given.length > 900) {
      return new MessageError({ field: where, problem: "is longer than 900 characters", input: given })
    }
    tokens.push(`<${given}>`)
    const note: unknown = typeof entry === "string" ? undefined : entry.comment
    if (note !== undefined) {
      const words = line(`${where}.comment`, note)
      if (words instanceof MessageError) return words
      Field.append(tokens, comment(words, policy))
    }
    if (i < all.length - 1) tokens[tokens.length - 1] += ","
  }
  return Field.fold(name, tokens)
}

const listId = /^[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+(?:\.[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+)*$/

const identifier = (
  value: NonNullable<List["id"]>,
  policy: CharsetPolicy | undefined
): string | MessageError => {
  const field = "list.id"
  let id: unknown
  let name: unknown
  if (typeof value === "string") {
    const found = /^([^<>]*)<([^<>]*)>\s*$/.exec(value)
    id = found?.[2] ?? value
    name = found?.[1]?.trim().replaceAll(/^"|"$/g, "") || undefined
  } else if (typeof value === "object" && value !== null) {
    id = value.id
    name = value.name
  }
  if (typeof id !== "string" || !listId.test(id) || id.length > 255) {
    return new MessageError({
      field,
      problem: "is no list identifier: it must be like a domain, such as news.example.com (RFC 2919)",
      ...(typeof id === "string" ? { input: id } : {})
    })
  }
  if (name === undefined) return `List-Id: <${id}>\r\n`
  const words = line(`${field}.name`, name)
  return words instanceof MessageError
    ? words
    : Field.fold("List-Id", [...Field.phrase(words, policy), `<${id}>`])
}

export const fields = (list: List, policy: CharsetPolicy | undefined): string | MessageError => {
  if (typeof list !== "object" || list === null) {
    return new MessageError({ field: "list", problem: `is ${describe(list)}, not the fields of a list` })
  }
  let text = ""
  if (list.id !== undefined) {
    const field = identifier(list.id, policy)
    if (typeof field !== "string") return field
    text += field
  }
  for (
    const [key, name] of [
      ["help", "List-Help"],
      ["unsubscribe", "List-Unsubscribe"],
      ["subscribe", "List-Subscribe"],
      ["post", "List-Post"],
      ["owner", "List-Owner"],
      ["archive", "List-Archive"]
    ] as const
  ) {
    const value = list[key]
    if (value === undefined) continue
    const field = urls(`list.${key}`, name, value, policy)
    if (typeof field !== "string") return field
    text += field
  }
  if (list.oneClick === true) {
    const given = list.unsubscribe ?? []
    const secure = (Array.isArray(given) ? given : [given]).some((entry) =>
      /^https:/i.test(typeof entry === "string" ? entry : entry.url)
    )
    if (!secure) {
      return new MessageError({
        field: "list.oneClick",
        problem: "needs an https: URL in list.unsubscribe (RFC 8058 §3.1)"
      })
    }
    text += "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
  }
  return text
}

const messageId = /^[\x21-\x3B\x3D\x3F-\x7E]+@[\x21-\x3B\x3D\x3F-\x7E]+$/

/** One identifier, its angle brackets made right. */
export const id = (field: string, value: unknown): string | MessageError => {
  if (typeof value !== "string") return new MessageError({ field, problem: `is ${describe(value)}, not a text` })
  const trimmed = value.trim()
  const bare = trimmed.startsWith("<") && trimmed.endsWith(">") ? trimmed.slice(1, -1) : trimmed
  if (bare.length <= 900 && messageId.test(bare)) return `<${bare}>`
  return new MessageError({
    field,
    problem: "is no message identifier: it must be like <left@right>, without blanks (RFC 5322 §3.6.4)",
    input: value.length > 200 ? `${value.slice(0, 200)}…` : value
  })
}

/** Many identifiers: a list, or one text with several in angle brackets. */
export const ids = (field: string, value: unknown): Array<string> | MessageError => {
  const given: ReadonlyArray<unknown> = Array.isArray(value)
    ? value
    : typeof value === "string"
    ? value.trim().split(/(?<=>)[\s,]*(?=<)/)
    : [value]
  const out: Array<string> = []
  for (const [i, one] of given.entries()) {
    const found = id(given.length > 1 ? `${field}[${i}]` : field, one)
    if (typeof found !== "string") return found
    out.push(found)
  }
  return out
}
