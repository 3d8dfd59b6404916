/** Media types as fields write them (RFC 2045 §5.1): `type/subtype` and parameters. */
import { MessageError } from "../../MessageError.ts"
import { isToken } from "./field.ts"

export interface MediaType {
  /** Lower case. */
  readonly type: string
  /** Names in lower case. */
  readonly parameters: ReadonlyArray<readonly [name: string, value: string]>
}

const bad = (field: string, input: string): MessageError =>
  new MessageError({
    field,
    problem: "is no media type: it must be like text/csv, perhaps with ; name=value",
    input: input.slice(0, 200)
  })

export const parse = (field: string, text: unknown): MediaType | MessageError => {
  if (typeof text !== "string") return new MessageError({ field, problem: "is no text" })
  const semicolon = text.indexOf(";")
  const essence = (semicolon < 0 ? text : text.slice(0, semicolon)).trim().toLowerCase()
  const [type = "", subtype = "", extra] = essence.split("/")
  if (!isToken(type) || !isToken(subtype) || extra !== undefined || essence.length > 127) return bad(field, text)
  if (semicolon < 0) return { type: essence, parameters: [] }
  const parameters: Array<readonly [string, string]> = []
  const pattern = /;\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\\r\n]|\\[^\r\n])*)"|([^\s;"]*))\s*/y
  pattern.lastIndex = semicolon
  while (pattern.lastIndex < text.length) {
    const at = pattern.lastIndex
    const found = pattern.exec(text)
    const name = found?.[1]?.toLowerCase()
    if (found === null || name === undefined || !isToken(name)) {
      return /^;\s*$/.test(text.slice(at)) ? { type: essence, parameters } : bad(field, text)
    }
    parameters.push([name, found[2]?.replaceAll(/\\(.)/g, "$1") ?? found[3] ?? ""])
  }
  return { type: essence, parameters }
}
