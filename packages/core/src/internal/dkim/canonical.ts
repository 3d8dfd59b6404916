/**
 * DKIM's canonical forms (RFC 6376 §3.4): what may change on the way without breaking a signature.
 *
 * The body comes in pieces cut anywhere, its line ends CRLF, and goes to a hash; nothing of it is kept but counts. Header
 * fields are texts: one character an octet.
 */
import type { Hash } from "../sha256.ts"

export type Canonicalization = "simple" | "relaxed"

export interface BodyHash {
  readonly update: (bytes: Uint8Array) => void
  /** Once. */
  readonly digest: () => Uint8Array
}

const crlf = new Uint8Array([13, 10])
const blankLines = new Uint8Array(1024).map((_, i) => i % 2 === 0 ? 13 : 10)

/** `limit`: only so many octets of the canonical body count (the `l=` tag, which only verifiers meet). */
export const makeBodyHash = (canonicalization: Canonicalization, hash: Hash, limit = Infinity): BodyHash => {
  const relaxed = canonicalization === "relaxed"
  let lineEnds = 0
  let blank = false
  let cr = false
  let any = false
  let left = limit

  const write = (bytes: Uint8Array): void => {
    if (bytes.length === 0) return
    hash.update(bytes.length > left ? bytes.subarray(0, left) : bytes)
    left = Math.max(left - bytes.length, 0)
  }
  const writeLineEnds = (): void => {
    for (; lineEnds > 0; lineEnds -= Math.min(lineEnds, 512)) write(blankLines.subarray(0, Math.min(lineEnds, 512) * 2))
  }

  const update = (bytes: Uint8Array): void => {
    // a held CR, a blank or line ends of this piece become at most three octets more than it has
    const out = new Uint8Array(bytes.length + 4)
    let o = 0
    for (let i = 0; i < bytes.length; i++) {
      const octet = bytes[i] ?? 0
      if (cr) {
        cr = false
        if (octet === 10) {
          blank = false
          lineEnds++
          continue
        }
        if (lineEnds > 0) {
          write(out.slice(0, o))
          o = 0
          writeLineEnds()
        }
        if (blank) out[o++] = 32
        blank = false
        any = true
        out[o++] = 13
      }
      if (octet === 13) {
        cr = true
        continue
      }
      if (relaxed && (octet === 32 || octet === 9)) {
        blank = true
        continue
      }
      if (lineEnds === 1) {
        out[o++] = 13
        out[o++] = 10
        lineEnds = 0
        if (o + bytes.length - i + 4 > out.length) {
          write(out.slice(0, o))
          o = 0
        }
      } else if (lineEnds > 1) {
        write(out.slice(0, o))
        o = 0
        writeLineEnds()
      }
      if (blank) {
        out[o++] = 32
        blank = false
      }
      any = true
      out[o++] = octet
    }
    write(out.subarray(0, o))
  }

  return {
    update,
    digest: () => {
      if (cr) {
        writeLineEnds()
        write(crlf.subarray(0, 1))
        any = true
      }
      if (any || !relaxed) write(crlf)
      return hash.digest()
    }
  }
}

/** One field: its name, and the whole text with its folds but without the CRLF at its end. */
export interface Field {
  readonly name: string
  readonly text: string
}

export const header = (canonicalization: Canonicalization, { text }: Field): string => {
  if (canonicalization === "simple") return text
  const colon = text.indexOf(":")
  return `${text.slice(0, colon).trimEnd().toLowerCase()}:${
    text.slice(colon + 1).replaceAll("\r\n", "").replaceAll(/[ \t]+/g, " ").replaceAll(/^ | $/g, "")
  }`
}

/** The fields of a header section, in order; lines that are none are skipped. */
export const fields = (section: string): ReadonlyArray<Field> => {
  const found: Array<Field> = []
  for (const text of section.split(/\r\n(?![ \t])/)) {
    const colon = text.indexOf(":")
    if (colon > 0) found.push({ name: text.slice(0, colon).trimEnd().toLowerCase(), text })
  }
  return found
}

/**
 * The fields that `h=` names, in its order: of several with one name the last first, and none where all are used up
 * (RFC 6376 §5.4.2).
 */
export const select = (all: ReadonlyArray<Field>, names: ReadonlyArray<string>): ReadonlyArray<Field> => {
  const left = new Map<string, Array<Field>>()
  for (const field of all) {
    const same = left.get(field.name)
    if (same === undefined) left.set(field.name, [field])
    else same.push(field)
  }
  return names.flatMap((name) => left.get(name)?.pop() ?? [])
}
