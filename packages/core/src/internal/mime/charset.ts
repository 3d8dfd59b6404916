/**
 * Characters to octets: US-ASCII where it suffices, UTF-8, ISO-8859-1, ISO-2022-JP (RFC 1468).
 *
 * Platforms encode to UTF-8 only; ISO-2022-JP is made from the platform's *decoder*, whose table is read backwards once.
 * Where the platform has no such decoder, `iso2022jp` is undefined, and the caller says so.
 */
const utf8 = new TextEncoder()

export const toUtf8 = (text: string): Uint8Array => utf8.encode(text)

/** The offset of the first unpaired surrogate, or -1. */
export const unpairedSurrogate = (text: string): number => {
  if (text.isWellFormed()) return -1
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0xD800 || unit > 0xDFFF) continue
    const next = text.charCodeAt(i + 1)
    if (unit > 0xDBFF || !(next >= 0xDC00 && next <= 0xDFFF)) return i
    i++
  }
  return -1
}

export const isAscii = (text: string): boolean => {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return false
  return true
}

/** Undefined where a character is not in ISO-8859-1. */
export const toLatin1 = (text: string): Uint8Array | undefined => {
  const out = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit > 255) return undefined
    out[i] = unit
  }
  return out
}

let jisTable: ReadonlyMap<string, number> | null | undefined
const jis0208 = (): ReadonlyMap<string, number> | null => {
  if (jisTable !== undefined) return jisTable
  jisTable = readJis0208()
  return jisTable
}
const readJis0208 = (): ReadonlyMap<string, number> | null => {
  let decoder: TextDecoder
  try {
    decoder = new TextDecoder("iso-2022-jp", { fatal: false })
  } catch {
    return null
  }
  if (decoder.encoding !== "iso-2022-jp") return null
  const table = new Map<string, number>()
  for (let row = 0x21; row <= 0x7E; row++) {
    for (let cell = 0x21; cell <= 0x7E; cell++) {
      const char = decoder.decode(new Uint8Array([0x1B, 0x24, 0x42, row, cell, 0x1B, 0x28, 0x42]))
      if (char.length === 1 && char !== "\uFFFD" && !table.has(char)) table.set(char, row << 8 | cell)
    }
  }
  return table.get("\u3042") === 0x2422 ? table : null
}

/** "Unsupported": the platform can't; undefined: a character is not in JIS X 0208. Each line ends in ASCII (RFC 1468). */
export const toIso2022Jp = (text: string): Uint8Array | undefined | "Unsupported" => {
  const table = jis0208()
  if (table === null) return "Unsupported"
  const out: Array<number> = []
  let double = false
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 128) {
      if (unit === 0x1B || unit === 0x0E || unit === 0x0F) return undefined
      if (double) out.push(0x1B, 0x28, 0x42)
      double = false
      out.push(unit)
      continue
    }
    const code = table.get(text.charAt(i))
    if (code === undefined) return undefined
    if (!double) out.push(0x1B, 0x24, 0x42)
    double = true
    out.push(code >> 8, code & 255)
  }
  if (double) out.push(0x1B, 0x28, 0x42)
  return new Uint8Array(out)
}

/** 4D's four values; undefined chooses by the content. Each takes US-ASCII where it suffices, UTF-8 where it does not fit. */
export type CharsetPolicy =
  | "US-ASCII_UTF8_QP"
  | "US-ASCII_UTF8_B64"
  | "ISO-8859-1"
  | "US-ASCII_ISO-2022-JP_UTF8_QP"

export interface EncodedText {
  readonly bytes: Uint8Array
  readonly charset: "us-ascii" | "utf-8" | "iso-8859-1" | "iso-2022-jp"
}

/** `text` must be well formed. "Unsupported": see `toIso2022Jp`. */
export const encodeText = (text: string, policy: CharsetPolicy | undefined): EncodedText | "Unsupported" => {
  const bytes = utf8.encode(text)
  if (bytes.length === text.length) return { bytes, charset: "us-ascii" }
  if (policy === "ISO-8859-1") {
    const latin1 = toLatin1(text)
    if (latin1 !== undefined) return { bytes: latin1, charset: "iso-8859-1" }
  } else if (policy === "US-ASCII_ISO-2022-JP_UTF8_QP") {
    const jis = toIso2022Jp(text)
    if (jis === "Unsupported") return jis
    if (jis !== undefined) return { bytes: jis, charset: "iso-2022-jp" }
  }
  return { bytes, charset: "utf-8" }
}
