/**
 * Encoded words (RFC 2047): non-ASCII text in header fields.
 *
 * No word is longer than 75 characters; each decodes by itself, so a word is cut between characters, and between graphemes
 * where the platform can tell them (an emoji with its modifiers, a letter with its accents). Callers guarantee well-formed
 * text without CR, LF and NUL.
 */
import * as Base64 from "./base64.ts"
import type { CharsetPolicy } from "./charset.ts"
import { toIso2022Jp, toLatin1, toUtf8 } from "./charset.ts"

const maxWord = 75

let segmenter: Intl.Segmenter | null | undefined
const graphemes = (): Intl.Segmenter | null => {
  if (segmenter === undefined) {
    segmenter = typeof Intl === "object" && typeof Intl.Segmenter === "function"
      ? new Intl.Segmenter(undefined, { granularity: "grapheme" })
      : null
  }
  return segmenter
}

const isLowSurrogate = (text: string, i: number): boolean => (text.charCodeAt(i) & 0xFC00) === 0xDC00

/** The largest grapheme boundary in (start, cut], or, if the grapheme is longer than that, a character's. */
const boundary = (text: string, start: number, cut: number): number => {
  if (cut >= text.length) return text.length
  const code = isLowSurrogate(text, cut) ? cut - 1 : cut
  const by = graphemes()
  if (by === null || (text.charCodeAt(code) < 0x300 && text.charCodeAt(code - 1) < 0x300)) {
    return code > start
      ? code
      : cut + 1
  }
  const from = Math.max(start, code - 64)
  const near = by.segment(text.slice(from, code + 64)).containing(code - from)
  const at = near === undefined ? code : from + near.index
  if (at > start) return at
  return code > start ? code : cut + 1
}

/** Q without escapes is safe in unstructured text and in phrases alike (RFC 2047 §5 (3)). */
const safe = new Uint8Array(128)
for (const char of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/") safe[char.charCodeAt(0)] = 1

const hex = "0123456789ABCDEF"
const q = (bytes: Uint8Array): string => {
  let text = ""
  for (const octet of bytes) {
    if (octet === 32) text += "_"
    else if (octet < 128 && safe[octet] === 1) text += String.fromCharCode(octet)
    else text += `=${hex.charAt(octet >> 4)}${hex.charAt(octet & 15)}`
  }
  return text
}
const qLength = (bytes: Uint8Array): number => {
  let length = 0
  for (const octet of bytes) length += octet === 32 || (octet < 128 && safe[octet] === 1) ? 1 : 3
  return length
}

interface Coder {
  readonly charset: string
  readonly bytes: (text: string) => Uint8Array
}
const utf8Coder: Coder = { charset: "UTF-8", bytes: toUtf8 }

const coder = (text: string, policy: CharsetPolicy | undefined): Coder => {
  if (policy === "ISO-8859-1" && toLatin1(text) !== undefined) {
    return { charset: "ISO-8859-1", bytes: (piece) => toLatin1(piece) ?? toUtf8(piece) }
  }
  if (policy === "US-ASCII_ISO-2022-JP_UTF8_QP" && toIso2022Jp(text) instanceof Uint8Array) {
    return {
      charset: "ISO-2022-JP",
      bytes: (piece) => {
        const jis = toIso2022Jp(piece)
        return jis instanceof Uint8Array ? jis : toUtf8(piece)
      }
    }
  }
  return utf8Coder
}

/**
 * The words for `text`, to be separated by one blank or a fold. `first` is how many columns are taken in the line that the
 * first word joins: RFC 2047 §2 allows 76 in a line with encoded words. Q, which people can read, unless B is much shorter.
 */
export const encode = (text: string, policy: CharsetPolicy | undefined, first: number): Array<string> => {
  const by = coder(text, policy)
  const whole = by.bytes(text)
  const useB = policy === "US-ASCII_UTF8_B64" || by.charset === "ISO-2022-JP"
    || (policy === undefined && qLength(whole) * 3 > Math.ceil(whole.length / 3) * 16)
  const prefix = `=?${by.charset}?${useB ? "B" : "Q"}?`
  const width = (bytes: Uint8Array): number => useB ? Math.ceil(bytes.length / 3) * 4 : qLength(bytes)
  const word = (bytes: Uint8Array): string => `${prefix}${useB ? Base64.encodeText(bytes) : q(bytes)}?=`
  const words: Array<string> = []
  const overhead = prefix.length + 2
  let room = Math.max(Math.min(maxWord, 76 - first) - overhead, 16)
  if (width(whole) <= room) return [word(whole)]
  let start = 0
  while (start < text.length) {
    // the most units that may fit, then fewer until they do: at most `room` steps a word
    let end = boundary(text, start, Math.min(text.length, start + room))
    let bytes = by.bytes(text.slice(start, end))
    while (width(bytes) > room) {
      const units = Math.max(Math.floor((end - start) * room / width(bytes)), 1)
      const shorter = boundary(text, start, start + Math.min(units, end - start - 1))
      if (shorter >= end) break
      end = shorter
      bytes = by.bytes(text.slice(start, end))
    }
    words.push(word(bytes))
    start = end
    room = maxWord - overhead
  }
  return words
}
