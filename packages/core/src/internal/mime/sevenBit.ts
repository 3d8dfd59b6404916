/**
 * A whole message in 7-bit form: what a gateway does for a server that does not offer 8BITMIME (RFC 6152 §3).
 *
 * A forwarded message may not be encoded as a whole (RFC 2046 §5.2.1), so its leaves are: texts as quoted-printable, the
 * rest as base64, and what encloses them is declared 7bit. A part that somebody signed is not touched, nor is a message
 * that can't be read as MIME: then there is no such form. Line ends are CRLF.
 */
import { MessageError } from "../../MessageError.ts"
import * as Base64 from "./base64.ts"
import { concat, hasEightBit, indexOf } from "./bytes.ts"
import * as MediaType from "./mediaType.ts"
import * as QuotedPrintable from "./quotedPrintable.ts"
import type { Field } from "./rawMessage.ts"
import * as RawMessage from "./rawMessage.ts"

const maxDepth = 20
const encoder = new TextEncoder()
const crlf = encoder.encode("\r\n")
const dashes = encoder.encode("--")

/** Undefined where there is no such form. */
export const convert = (message: Uint8Array): Uint8Array | undefined => entity(message, 0)

const entity = (bytes: Uint8Array, depth: number): Uint8Array | undefined => {
  if (!hasEightBit(bytes)) return bytes
  const start = RawMessage.bodyStart(bytes)
  const header = start < 0 ? bytes : bytes.subarray(0, start)
  if (depth > maxDepth || start < 0 || hasEightBit(header)) return undefined
  const fields = RawMessage.fields(header)
  const given = fields.find(({ name }) => name === "content-type")?.value.replaceAll(/[\r\n]/g, "").trim()
  const type = given === undefined ? plain : MediaType.parse("", given)
  if (type instanceof MessageError) return undefined
  const encoding = fields.find(({ name }) => name === "content-transfer-encoding")?.value.trim().toLowerCase() ?? "7bit"
  if (encoding !== "7bit" && encoding !== "8bit" && encoding !== "binary") return undefined
  const body = bytes.subarray(start)
  if (type.type === "multipart/signed") return undefined
  if (type.type.startsWith("multipart/")) {
    const boundary = type.parameters.find(([name]) => name === "boundary")?.[1]
    const inside = boundary === undefined || boundary === "" ? undefined : multipart(body, boundary, depth)
    return inside === undefined ? undefined : concat([declare(header, fields, "7bit"), inside])
  }
  if (type.type === "message/rfc822") {
    const inside = entity(body, depth + 1)
    return inside === undefined ? undefined : concat([declare(header, fields, "7bit"), inside])
  }
  return type.type.startsWith("text/")
    ? concat([declare(header, fields, "quoted-printable"), QuotedPrintable.encode(body)])
    : concat([declare(header, fields, "base64"), Base64.encode(body)])
}

const plain: MediaType.MediaType = { type: "text/plain", parameters: [] }

/** The header section with this transfer encoding, and the blank line. */
const declare = (header: Uint8Array, fields: ReadonlyArray<Field>, encoding: string): Uint8Array => {
  const kept: Array<Uint8Array> = []
  let from = 0
  for (const { end, name, start } of fields) {
    if (name !== "content-transfer-encoding") continue
    kept.push(header.subarray(from, start))
    from = end
  }
  return concat([
    ...kept,
    header.subarray(from, header.length - 2),
    encoder.encode(`Content-Transfer-Encoding: ${encoding}\r\n\r\n`)
  ])
}

/** The parts between the delimiters, each in its 7-bit form; undefined where the last delimiter is missing. */
const multipart = (body: Uint8Array, boundary: string, depth: number): Uint8Array | undefined => {
  const delimiter = encoder.encode(`--${boundary}`)
  const out: Array<Uint8Array> = []
  let at = 0
  let partStart = -1
  while (at >= 0 && at < body.length) {
    const found = indexOf(body, delimiter, at)
    if (found < 0) return undefined
    const lineStart = found === 0 || (body[found - 1] === 10 && body[found - 2] === 13)
    const lineEnd = indexOf(body, crlf, found)
    const stop = lineEnd < 0 ? body.length : lineEnd
    const behind = body.subarray(found + delimiter.length, stop)
    const closes = behind[0] === dashes[0] && behind[1] === dashes[1]
    const rest = closes ? behind.subarray(2) : behind
    if (!lineStart || !rest.every((octet) => octet === 32 || octet === 9)) {
      at = found + 1
      continue
    }
    // the CRLF in front belongs to the delimiter
    const contentEnd = Math.max(found - 2, 0)
    if (partStart < 0) {
      const preamble = body.subarray(0, found)
      if (hasEightBit(preamble)) return undefined
      out.push(preamble)
    } else {
      const part = entity(body.subarray(partStart, Math.max(contentEnd, partStart)), depth + 1)
      if (part === undefined) return undefined
      out.push(part, crlf)
    }
    const next = Math.min(stop + 2, body.length)
    out.push(body.subarray(found, next))
    if (closes) {
      const epilogue = body.subarray(next)
      if (hasEightBit(epilogue)) return undefined
      out.push(epilogue)
      return concat(out)
    }
    partStart = next
    at = next
  }
  return undefined
}
