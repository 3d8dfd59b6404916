/**
 * Base64 as a body's transfer encoding (RFC 2045 §6.8): lines of 76 characters, each ended by CRLF, the last one too.
 *
 * The invariant: `encodedSize(n)` octets come out of n octets, however the input is cut into chunks. Two characters are
 * stored at once from a table of 12-bit groups, so every store is 16-bit aligned: a line is 57 octets in, 78 octets out.
 */
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

/** Octets of content in a line. */
export const lineOctets = 57
const lineChars = 76

const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1
const pair = (first: number, second: number): number => littleEndian ? first | (second << 8) : (first << 8) | second
const pairs = new Uint16Array(4096)
for (let i = 0; i < 4096; i++) pairs[i] = pair(alphabet.charCodeAt(i >> 6), alphabet.charCodeAt(i & 63))
const crlf = pair(13, 10)
const padded = pair(61, 61)

/** Octets that `size` octets become, line ends included; an empty content is one empty line. */
export const encodedSize = (size: number): number => {
  if (size === 0) return 2
  const chars = Math.ceil(size / 3) * 4
  return chars + 2 * Math.ceil(chars / lineChars)
}

/** Encodes `bytes[start, end)` into `out` from `at` (16-bit units); returns the unit behind. Full lines and one last line. */
const encodeInto = (bytes: Uint8Array, start: number, end: number, out: Uint16Array, at: number): number => {
  const table = pairs
  let i = start
  let o = at
  for (let full = end - lineOctets; i <= full;) {
    for (let line = i + lineOctets; i < line; i += 3) {
      const group = ((bytes[i] ?? 0) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0)
      out[o] = table[group >> 12] ?? 0
      out[o + 1] = table[group & 4095] ?? 0
      o += 2
    }
    out[o++] = crlf
  }
  if (i === end) return o
  for (; i + 3 <= end; i += 3) {
    const group = ((bytes[i] ?? 0) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0)
    out[o++] = table[group >> 12] ?? 0
    out[o++] = table[group & 4095] ?? 0
  }
  if (end - i === 1) {
    out[o++] = table[(bytes[i] ?? 0) << 4] ?? 0
    out[o++] = padded
  } else if (end - i === 2) {
    const group = ((bytes[i] ?? 0) << 10) | ((bytes[i + 1] ?? 0) << 2)
    out[o++] = table[group >> 6] ?? 0
    out[o++] = pair(alphabet.charCodeAt(group & 63), 61)
  }
  out[o++] = crlf
  return o
}

export const encode = (bytes: Uint8Array): Uint8Array => {
  if (bytes.length === 0) return new Uint8Array([13, 10])
  const out = new Uint16Array(encodedSize(bytes.length) >> 1)
  encodeInto(bytes, 0, bytes.length, out, 0)
  return new Uint8Array(out.buffer)
}

/** An encoder for content that comes in chunks: what does not fill a line waits for the next chunk. */
export const makeEncoder = (): {
  readonly push: (chunk: Uint8Array) => Uint8Array
  readonly end: () => Uint8Array
} => {
  const carry = new Uint8Array(lineOctets)
  let carried = 0
  let any = false
  return {
    push: (chunk) => {
      any ||= chunk.length > 0
      const lines = Math.floor((carried + chunk.length) / lineOctets)
      if (lines === 0) {
        carry.set(chunk, carried)
        carried += chunk.length
        return new Uint8Array(0)
      }
      const out = new Uint16Array(lines * (lineChars / 2 + 1))
      let start = 0
      let at = 0
      if (carried > 0) {
        start = lineOctets - carried
        carry.set(chunk.subarray(0, start), carried)
        at = encodeInto(carry, 0, lineOctets, out, 0)
      }
      const end = chunk.length - ((carried + chunk.length) % lineOctets)
      encodeInto(chunk, start, end, out, at)
      carry.set(chunk.subarray(end))
      carried = chunk.length - end
      return new Uint8Array(out.buffer)
    },
    end: () => carried > 0 || !any ? encode(carry.subarray(0, carried)) : new Uint8Array(0)
  }
}

/** Base64 in one line, for encoded words and signatures. */
export const encodeText = (bytes: Uint8Array): string => {
  let text = ""
  let i = 0
  for (; i + 3 <= bytes.length; i += 3) {
    const group = ((bytes[i] ?? 0) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0)
    text += `${alphabet[group >> 18]}${alphabet[(group >> 12) & 63]}${alphabet[(group >> 6) & 63]}${
      alphabet[group & 63]
    }`
  }
  const left = bytes.length - i
  if (left === 1) {
    const group = (bytes[i] ?? 0) << 4
    text += `${alphabet[group >> 6]}${alphabet[group & 63]}==`
  } else if (left === 2) {
    const group = ((bytes[i] ?? 0) << 10) | ((bytes[i + 1] ?? 0) << 2)
    text += `${alphabet[group >> 12]}${alphabet[(group >> 6) & 63]}${alphabet[group & 63]}=`
  }
  return text
}
