/**
 * Quoted-printable as a body's transfer encoding (RFC 2045 §6.7), on octets.
 *
 * Input is canonical text: its line ends are CRLF, and they stay line ends; any other CR or LF is encoded. No output line
 * is longer than 76 characters, none ends in white space, none starts with `From ` (mbox files would change it).
 */
const hex = new Uint8Array(new TextEncoder().encode("0123456789ABCDEF"))

const maxLine = 76
const space = 32
const tab = 9

const startsFrom = (bytes: Uint8Array, i: number): boolean =>
  bytes[i] === 70 && bytes[i + 1] === 114 && bytes[i + 2] === 111 && bytes[i + 3] === 109 && bytes[i + 4] === space

export const encode = (bytes: Uint8Array): Uint8Array => {
  const out = new Uint8Array(bytes.length * 3 + Math.ceil(bytes.length * 3 / (maxLine - 3)) * 3 + 3)
  let o = 0
  let column = 0
  let lineStart = true
  for (let i = 0; i < bytes.length; i++) {
    const octet = bytes[i] ?? 0
    if (octet === 13 && bytes[i + 1] === 10) {
      out[o++] = 13
      out[o++] = 10
      i++
      column = 0
      lineStart = true
      continue
    }
    const next = bytes[i + 1]
    const endsLine = next === undefined || (next === 13 && bytes[i + 2] === 10)
    const literal =
      (octet > space && octet < 127 && octet !== 61 && !(lineStart && octet === 70 && startsFrom(bytes, i)))
      || ((octet === space || octet === tab) && !endsLine)
    lineStart = false
    const width = literal ? 1 : 3
    if (column + width > (endsLine ? maxLine : maxLine - 1)) {
      out[o++] = 61
      out[o++] = 13
      out[o++] = 10
      column = 0
    }
    column += width
    if (literal) out[o++] = octet
    else {
      out[o++] = 61
      out[o++] = hex[octet >> 4] ?? 0
      out[o++] = hex[octet & 15] ?? 0
    }
  }
  return out.slice(0, o)
}

/** What decides about a text's transfer encoding, found in one pass. */
export interface Survey {
  /** Octets over 127. */
  readonly eightBit: number
  /** Octets that quoted-printable must write as `=XX`. */
  readonly quoted: number
  readonly longestLine: number
  /** NUL, or a CR or LF that is not part of a CRLF: neither 7bit nor 8bit can carry these (RFC 2045 §2.7). */
  readonly binary: boolean
  /** White space before a line end, or a line that starts with `From `: relays may change these, and break a signature. */
  readonly fragile: boolean
}

export const survey = (bytes: Uint8Array): Survey => {
  let eightBit = 0
  let quoted = 0
  let longestLine = 0
  let binary = false
  let fragile = false
  let start = 0
  const length = bytes.length
  for (let i = 0; i < length; i++) {
    const octet = bytes[i] ?? 0
    if (octet > 127) eightBit++
    else if (octet > 61) {
      if (octet === 127) quoted++
      else if (octet === 70 && i === start && startsFrom(bytes, i)) fragile = true
    } else if (octet === 61) quoted++
    else if (octet < space) {
      if (octet === 13 && bytes[i + 1] === 10) {
        if (i - start > longestLine) longestLine = i - start
        const before = i > start ? bytes[i - 1] : undefined
        if (before === space || before === tab) fragile = true
        i++
        start = i + 1
      } else if (octet !== tab) {
        quoted++
        if (octet === 0 || octet === 13 || octet === 10) binary = true
      }
    }
  }
  if (length - start > longestLine) longestLine = length - start
  const last = length > start ? bytes[length - 1] : undefined
  if (last === space || last === tab) fragile = true
  return { eightBit, quoted: quoted + eightBit, longestLine, binary, fragile }
}
