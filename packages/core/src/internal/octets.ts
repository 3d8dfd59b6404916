/**
 * Octets as text, without loss.
 *
 * What a peer says is nearly always UTF-8, and sometimes Latin-1 or noise. Octets that are valid UTF-8 become their
 * characters; every other octet 0xHH becomes the lone surrogate U+DCHH (0x80 to 0xFF: U+DC80 to U+DCFF), which valid
 * UTF-8 cannot produce. So for every sequence of octets `encode(decode(octets))` is `octets`.
 *
 * A byte-order mark is kept. Nothing is escaped for a reader's eyes here: that is the log's text form.
 */

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
const toUtf8 = new TextEncoder()

/** Every sequence of octets has a text of its own. */
export const decode = (octets: Uint8Array): string => {
  try {
    return utf8.decode(octets)
  } catch {
    return decodeEscaping(octets)
  }
}

/** The octets that `decode` made this text from. A lone surrogate that stands for no octet becomes U+FFFD. */
export const encode = (text: string): Uint8Array => text.isWellFormed() ? toUtf8.encode(text) : encodeEscapes(text)

const decodeEscaping = (octets: Uint8Array): string => {
  let text = ""
  let valid = 0
  let position = 0
  while (position < octets.length) {
    const length = sequenceLength(octets, position)
    if (length > 0) {
      position += length
      continue
    }
    if (valid < position) text += utf8.decode(octets.subarray(valid, position))
    text += String.fromCharCode(0xdc00 + at(octets, position))
    position++
    valid = position
  }
  return valid < position ? text + utf8.decode(octets.subarray(valid, position)) : text
}

const encodeEscapes = (text: string): Uint8Array => {
  const out = new Uint8Array(text.length * 3)
  let length = 0
  let plain = 0
  for (let position = 0; position < text.length; position++) {
    const unit = text.charCodeAt(position)
    if (unit < 0xd800 || unit > 0xdfff) continue
    if (unit < 0xdc00 && isLow(text.charCodeAt(position + 1))) {
      position++
      continue
    }
    if (unit < 0xdc80 || unit > 0xdcff) continue
    length += toUtf8.encodeInto(text.slice(plain, position), out.subarray(length)).written
    out[length++] = unit - 0xdc00
    plain = position + 1
  }
  length += toUtf8.encodeInto(text.slice(plain), out.subarray(length)).written
  return out.slice(0, length)
}

const isLow = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff

const at = (octets: Uint8Array, position: number): number => octets[position] ?? 0

const isTail = (octets: Uint8Array, position: number): boolean => (at(octets, position) & 0xc0) === 0x80

/** Octets of the well-formed sequence that begins here, or 0 (Unicode 16, table 3-7; RFC 3629 §4). */
const sequenceLength = (octets: Uint8Array, position: number): 0 | 1 | 2 | 3 | 4 => {
  const first = at(octets, position)
  if (first < 0x80) return 1
  if (first < 0xc2 || first > 0xf4) return 0
  if (!isTail(octets, position + 1)) return 0
  if (first < 0xe0) return 2
  const second = at(octets, position + 1)
  if (!isTail(octets, position + 2)) return 0
  if (first < 0xf0) {
    if (first === 0xe0 && second < 0xa0) return 0
    return first === 0xed && second > 0x9f ? 0 : 3
  }
  if (!isTail(octets, position + 3)) return 0
  if (first === 0xf0 && second < 0x90) return 0
  return first === 0xf4 && second > 0x8f ? 0 : 4
}
