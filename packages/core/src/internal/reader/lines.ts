/** Octets to lines, however they are cut: LF or CRLF ends a line, a byte-order mark is dropped, and length is bounded. */
import * as Octets from "../octets.ts"

/** A longer line is given in pieces, and said to be too long. In octets. */
export const maxLine = 1_048_576

/** "whole", or of a line that is too long: a "piece" of it, and its "rest". */
export type Part = "whole" | "piece" | "rest"

export interface Lines {
  readonly push: (chunk: Uint8Array, line: (text: string, part: Part) => void) => void
  /** A last line without end. */
  readonly end: (line: (text: string, part: Part) => void) => void
}

export const make = (): Lines => {
  let held: Array<Uint8Array> = []
  let size = 0
  let cut = false
  let first = true

  const take = (last: Uint8Array): string => {
    if (held.length === 0) return text(last)
    const whole = new Uint8Array(size + last.length)
    let at = 0
    for (const piece of [...held, last]) {
      whole.set(piece, at)
      at += piece.length
    }
    held = []
    size = 0
    return text(whole)
  }
  const text = (octets: Uint8Array): string => {
    const decoded = Octets.decode(octets)
    if (!first) return decoded
    first = false
    return decoded.startsWith("\ufeff") ? decoded.slice(1) : decoded
  }

  return {
    push: (chunk, line) => {
      const end = chunk.lastIndexOf(0x0a)
      if (end >= 0) {
        for (const each of take(chunk.subarray(0, end)).split("\n")) {
          line(each.endsWith("\r") ? each.slice(0, -1) : each, cut ? "rest" : "whole")
          cut = false
        }
      }
      if (end + 1 === chunk.length) return
      held.push(chunk.slice(end + 1))
      size += chunk.length - end - 1
      if (size < maxLine) return
      line(take(new Uint8Array(0)), "piece")
      cut = true
    },
    end: (line) => {
      if (size > 0) line(take(new Uint8Array(0)), cut ? "rest" : "whole")
    }
  }
}
