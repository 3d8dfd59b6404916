/**
 * Content that is a message already: its header section is read for an envelope, and Bcc is kept from it.
 *
 * Nothing else is changed here; line ends are made right where content leaves (`internal/stuffing`).
 */
import { MessageError } from "../../MessageError.ts"
import * as Addresses from "./addresses.ts"
import { isAscii } from "./charset.ts"

export interface Field {
  /** Lower case. */
  readonly name: string
  /** With its line end, folds as they are. */
  readonly start: number
  readonly end: number
  /** Unfolded. */
  readonly value: string
}

/** A header section longer than this is not looked through. */
export const headerLimit = 1024 * 1024

const decoder = new TextDecoder("utf-8")

/**
 * Finds where the body begins: behind the first blank line, whatever its line ends. `push` gives the offset from the start
 * of all that was pushed, or -1 where the blank line has not come, or only its CR.
 */
export const makeBodyStart = (): { readonly push: (chunk: Uint8Array) => number } => {
  let offset = 0
  let lineOctets = 0
  let cr = false
  let found = false
  return {
    push: (chunk) => {
      for (let i = 0; i < chunk.length; i++) {
        const octet = chunk[i]
        if (cr) {
          cr = false
          if (found) return offset + i + (octet === 10 ? 1 : 0)
          if (octet === 10) continue
        }
        if (octet === 10 || octet === 13) {
          found = lineOctets === 0
          lineOctets = 0
          cr = octet === 13
          if (found && !cr) return offset + i + 1
        } else lineOctets++
      }
      offset += chunk.length
      return -1
    }
  }
}

/** Where the body of a whole message begins, or -1. */
export const bodyStart = (bytes: Uint8Array): number => makeBodyStart().push(bytes)

/** The fields of a header section, in order. Lines that are none are skipped. */
export const fields = (header: Uint8Array): ReadonlyArray<Field> => {
  const found: Array<{ name: string; start: number; end: number; value: string }> = []
  let start = 0
  while (start < header.length) {
    let stop = start
    while (stop < header.length && header[stop] !== 10 && header[stop] !== 13) stop++
    const end = header[stop] === 13 && header[stop + 1] === 10 ? stop + 2 : Math.min(stop + 1, header.length)
    const line = decoder.decode(header.subarray(start, stop))
    const last = found[found.length - 1]
    if (line.startsWith(" ") || line.startsWith("\t")) {
      if (last !== undefined && last.end === start) {
        last.value += line
        last.end = end
      }
    } else {
      const colon = line.indexOf(":")
      const name = line.slice(0, Math.max(colon, 0)).trimEnd()
      if (/^[\x21-\x7E]+$/.test(name)) {
        found.push({ name: name.toLowerCase(), start, end, value: line.slice(colon + 1) })
      }
    }
    start = end
  }
  return found
}

/** The header section without its Bcc fields; the array itself where it has none. */
export const withoutBcc = (header: Uint8Array): Uint8Array => {
  const bcc = fields(header).filter(({ name }) => name === "bcc")
  if (bcc.length === 0) return header
  const out = new Uint8Array(header.length)
  let from = 0
  let o = 0
  for (const { end, start } of bcc) {
    out.set(header.subarray(from, start), o)
    o += start - from
    from = end
  }
  out.set(header.subarray(from), o)
  return out.subarray(0, o + header.length - from)
}

const clean = (value: string): string => value.replaceAll(/[\r\n\0]/g, " ").trim()

/** Sender and recipients as the header section has them. */
export const envelope = (
  list: ReadonlyArray<Field>
): { readonly from: string; readonly to: readonly [string, ...Array<string>] } | MessageError => {
  if (list.some(({ name }) => name.startsWith("resent-"))) {
    return new MessageError({
      field: "envelope",
      problem: "must be given: the header section holds Resent- fields, so it doesn't say clearly who gets this copy"
    })
  }
  const of = (names: ReadonlyArray<string>): ReadonlyArray<Addresses.Address> | MessageError => {
    const out: Array<Addresses.Address> = []
    for (const { name, value } of list) {
      if (!names.includes(name)) continue
      const entries = Addresses.entries(name, clean(value))
      if (entries instanceof MessageError) return entries
      for (const address of Addresses.flatten(entries)) out.push(address)
    }
    return out
  }
  const sender = of(["sender"])
  if (sender instanceof MessageError) return sender
  const from = of(["from"])
  if (from instanceof MessageError) return from
  const recipients = of(["to", "cc", "bcc"])
  if (recipients instanceof MessageError) return recipients
  const author = sender[0] ?? from[0]
  if (author === undefined) {
    return new MessageError({ field: "from", problem: "is missing in the header section, and no envelope was given" })
  }
  const [first, ...rest] = Addresses.distinct(recipients)
  return first === undefined
    ? new MessageError({
      field: "to",
      problem: "no recipient: the header section names none, and no envelope was given"
    })
    : { from: author.address, to: [first, ...rest] }
}

export const isUtf8 = (header: Uint8Array): boolean => !isAscii(decoder.decode(header))
