/**
 * Content on its way out: line ends made CRLF, dots stuffed (RFC 5321 §2.3.8, §4.5.2).
 *
 * Invariant: what leaves `repair` holds no CR without LF and no LF without CR, however the content was cut into
 * chunks; so no octets of a message can be taken for its end (SMTP smuggling). It holds for DATA and BDAT alike,
 * since a relay may turn one into the other. A chunk that needs no change is passed on, not copied.
 *
 * It does not limit the length of lines and does not look at the meaning of what passes.
 */

const CR = 13
const LF = 10
const DOT = 46

const empty = new Uint8Array(0)

export interface Repair {
  /** The chunk with whole line ends. A CR that ends it is kept back until the next chunk tells what it was. */
  readonly push: (chunk: Uint8Array) => Uint8Array
  /** What was kept back, and a CRLF if the last line has none. */
  readonly end: () => Uint8Array
  /** How many line ends were not CRLF. */
  readonly repaired: () => number
  /** Line ends that were given. */
  readonly lines: () => number
}

/** Whether any of four octets is below 14, so that it may be CR or LF: ((x - n) & ~x & 0x80…) per octet. */
const mayEndLine = (word: number): boolean => ((word - 0x0e0e0e0e) & ~word & 0x80808080) !== 0

/**
 * One look at a chunk: -1 where a line end is not CRLF (or may not be), else the number of line ends. Four octets at a time
 * where none of them can be part of a line end: every message passes here.
 */
const wholeLines = (chunk: Uint8Array): number => {
  let lines = 0
  let afterCr = false
  /** False: a line end that is not CRLF. */
  const look = (from: number, to: number): boolean => {
    for (let i = from; i < to; i++) {
      const octet = chunk[i] ?? 0
      if (octet === LF) {
        if (!afterCr) return false
        lines++
        afterCr = false
      } else {
        if (afterCr) return false
        afterCr = octet === CR
      }
    }
    return true
  }
  const start = Math.min(chunk.length, -chunk.byteOffset & 3)
  const count = (chunk.length - start) >> 2
  if (!look(0, start)) return -1
  // a short chunk may end before the first whole word, and views of words begin at one
  const words = new Uint32Array(chunk.buffer, count === 0 ? 0 : chunk.byteOffset + start, count)
  for (let i = 0; i < count; i++) {
    if (!afterCr && !mayEndLine(words[i] ?? 0)) continue
    if (!look(start + i * 4, start + i * 4 + 4)) return -1
  }
  return look(start + count * 4, chunk.length) && !afterCr ? lines : -1
}

/** The lines of content that is whole as it is, or undefined. */
export const linesIfWhole = (chunks: ReadonlyArray<Uint8Array>): number | undefined => {
  let lines = 0
  for (const chunk of chunks) {
    const count = wholeLines(chunk)
    if (count < 0) return undefined
    lines += count
  }
  const last = chunks.findLast((chunk) => chunk.length > 0)
  return last === undefined || last[last.length - 1] === LF ? lines : undefined
}

/** Makes each CR, LF and CRLF one CRLF. */
export const makeRepair = (): Repair => {
  let heldCr = false
  let atLineStart = true
  let repaired = 0
  let lines = 0

  const rewrite = (chunk: Uint8Array): Uint8Array => {
    const out = new Uint8Array(chunk.length * 2 + 2)
    let length = 0
    const lineEnd = () => {
      lines++
      out[length++] = CR
      out[length++] = LF
    }
    for (let i = 0; i < chunk.length; i++) {
      const octet = chunk[i] ?? 0
      if (heldCr) {
        heldCr = false
        lineEnd()
        if (octet === LF) continue
        repaired++
      }
      if (octet === CR) heldCr = true
      else if (octet === LF) {
        repaired++
        lineEnd()
      } else out[length++] = octet
    }
    return out.subarray(0, length)
  }

  const push = (chunk: Uint8Array): Uint8Array => {
    if (chunk.length === 0) return chunk
    const whole = heldCr ? -1 : wholeLines(chunk)
    const out = whole >= 0 ? chunk : rewrite(chunk)
    if (whole >= 0) lines += whole
    if (out.length > 0) atLineStart = out[out.length - 1] === LF
    return out
  }

  const end = (): Uint8Array => {
    if (!heldCr && atLineStart) return empty
    if (heldCr) repaired++
    heldCr = false
    atLineStart = true
    lines++
    return Uint8Array.of(CR, LF)
  }

  return { push, end, repaired: () => repaired, lines: () => lines }
}

export interface Stuffing {
  /** Takes whole lines' octets (CRLF only, cut anywhere); gives the pieces to write. */
  readonly push: (chunk: Uint8Array) => ReadonlyArray<Uint8Array>
}

const dot = Uint8Array.of(DOT)

/** One more dot before each line that begins with one (RFC 5321 §4.5.2). For DATA only. */
export const makeStuffing = (): Stuffing => {
  let atLineStart = true
  return {
    push: (chunk) => {
      if (chunk.length === 0) return []
      const pieces: Array<Uint8Array> = []
      let from = 0
      for (let at = chunk.indexOf(DOT); at >= 0; at = chunk.indexOf(DOT, at + 1)) {
        if (at === 0 ? !atLineStart : chunk[at - 1] !== LF) continue
        if (at > from) pieces.push(chunk.subarray(from, at))
        pieces.push(dot)
        from = at
      }
      pieces.push(from === 0 ? chunk : chunk.subarray(from))
      atLineStart = chunk[chunk.length - 1] === LF
      return pieces
    }
  }
}

/** The end of data after content that ends in CRLF (RFC 5321 §4.1.1.4). */
export const endOfData = Uint8Array.of(DOT, CR, LF)

/** The lines that end in a chunk of repaired content. */
export const countLines = (chunk: Uint8Array): number => {
  let lines = 0
  for (let at = chunk.indexOf(LF); at >= 0; at = chunk.indexOf(LF, at + 1)) lines++
  return lines
}

export const hasEightBit = (chunk: Uint8Array): boolean => {
  for (let i = 0; i < chunk.length; i++) {
    if ((chunk[i] ?? 0) > 127) return true
  }
  return false
}
