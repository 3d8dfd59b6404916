/**
 * What a client sends, taken apart: command lines, content up to the end of data, counted octets (RFC 5321 §2.3.8, §4.5.2,
 * RFC 3030 §2).
 *
 * Invariants: a line ends in CRLF and nothing else does, the end of data is CRLF.CRLF and nothing else is, however the
 * octets are cut; so no octets of a message can be taken for its end (SMTP smuggling). A line without end takes no more
 * memory than its limit. Content passes as pieces of the chunks that came, not copied.
 *
 * It changes no line ends in the content and does not judge bare CR or LF there. The way out is `stuffing.ts`.
 */

const CR = 13
const LF = 10
const DOT = 46

/** Stands for a line beyond its limit. */
export const tooLong: unique symbol = Symbol("@colloquy/core/internal/framing/tooLong")

/** Octets that came and were not yet used, and how they are used up: as lines, as content, or counted. */
export class Inbound {
  readonly #chunks: Array<Uint8Array> = []
  /** The beginning of a line whose end has not come. */
  #partial: Array<Uint8Array> = []
  #partialLength = 0
  /** The line is beyond its limit: nothing of it is kept, its end is waited for. */
  #overlong = false
  #endsInCr = false

  feed(chunk: Uint8Array): void {
    if (chunk.length > 0) this.#chunks.push(chunk)
  }

  /** Octets that are held, those of an unfinished line included. */
  get length(): number {
    return this.#chunks.reduce((sum, chunk) => sum + chunk.length, this.#partialLength)
  }

  /** Drops all (what came behind STARTTLS, RFC 3207 §4.2); gives how many octets that were. */
  clear(): number {
    const dropped = this.length
    this.#chunks.length = 0
    this.#forget()
    this.#overlong = false
    return dropped
  }

  /**
   * The next line without its CRLF; `tooLong` in its place if it has more than `limit` octets with CRLF, once it has
   * ended; undefined if it hasn't.
   */
  line(limit: number): Uint8Array | typeof tooLong | undefined {
    for (let chunk = this.#chunks.shift(); chunk !== undefined; chunk = this.#chunks.shift()) {
      const end = this.#lineEnd(chunk)
      const part = end < 0 ? chunk : chunk.subarray(0, end)
      if (end >= 0 && end < chunk.length) this.#chunks.unshift(chunk.subarray(end))
      if (this.#partialLength + part.length > limit) {
        this.#overlong = true
        this.#forget()
      }
      if (!this.#overlong) {
        this.#partial.push(part)
        this.#partialLength += part.length
      }
      this.#endsInCr = part[part.length - 1] === CR
      if (end < 0) continue
      if (this.#overlong) {
        this.#overlong = false
        return tooLong
      }
      const line = this.#join()
      this.#forget()
      return line.subarray(0, line.length - 2)
    }
    return undefined
  }

  /** The next octets, as they came, at most so many. */
  take(most: number): Uint8Array | undefined {
    const chunk = this.#chunks.shift()
    if (chunk === undefined || chunk.length <= most) return chunk
    this.#chunks.unshift(chunk.subarray(most))
    return chunk.subarray(0, most)
  }

  /** Gives back what was taken too much, to be the next. */
  untake(rest: Uint8Array): void {
    if (rest.length > 0) this.#chunks.unshift(rest)
  }

  /** Where the line ends in this chunk, behind its LF; -1: not in it. */
  #lineEnd(chunk: Uint8Array): number {
    for (let lf = chunk.indexOf(LF); lf >= 0; lf = chunk.indexOf(LF, lf + 1)) {
      if (lf === 0 ? this.#endsInCr : chunk[lf - 1] === CR) return lf + 1
    }
    return -1
  }

  #join(): Uint8Array {
    const [first] = this.#partial
    if (this.#partial.length === 1 && first !== undefined) return first
    const whole = new Uint8Array(this.#partialLength)
    let at = 0
    for (const part of this.#partial) {
      whole.set(part, at)
      at += part.length
    }
    return whole
  }

  #forget(): void {
    this.#partial = []
    this.#partialLength = 0
    this.#endsInCr = false
  }
}

export interface Unstuffed {
  /** The content of the chunk, without the dots that were stuffed. */
  readonly pieces: ReadonlyArray<Uint8Array>
  /** Where the chunk goes on behind the end of data; undefined: it has not come. */
  readonly end: number | undefined
}

/** Takes off what transparency added (RFC 5321 §4.5.2) until CRLF.CRLF; the CRLF in front of the dot is the content's. */
export const makeUnstuffing = (): (chunk: Uint8Array) => Unstuffed => {
  /** What came last: something, a CR, a line end; or what is held back: a dot that begins a line, that dot with a CR. */
  let state: "some" | "cr" | "start" | "dot" | "dotCr" = "start"

  return (chunk) => {
    const pieces: Array<Uint8Array> = []
    if (chunk.length === 0) return { pieces, end: undefined }
    let from = 0
    if (state === "dot") {
      if (chunk[0] === CR) {
        state = "dotCr"
        from = 1
        if (chunk.length === 1) return { pieces, end: undefined }
      } else state = "some"
    }
    if (state === "dotCr") {
      if (chunk[from] === LF) {
        state = "start"
        return { pieces, end: from + 1 }
      }
      pieces.push(Uint8Array.of(CR))
      state = "cr"
    }

    /** `state` is that in front of this octet. */
    let base = from
    const startsLine = (at: number): boolean =>
      at - base >= 2
        ? chunk[at - 2] === CR && chunk[at - 1] === LF
        : at === base
        ? state === "start"
        : state === "cr" && chunk[base] === LF
    for (let dot = chunk.indexOf(DOT, from); dot >= 0; dot = chunk.indexOf(DOT, dot + 1)) {
      if (!startsLine(dot)) continue
      if (dot > from) pieces.push(chunk.subarray(from, dot))
      if (dot + 1 === chunk.length) {
        state = "dot"
        return { pieces, end: undefined }
      }
      if (chunk[dot + 1] === CR) {
        if (dot + 2 === chunk.length) {
          state = "dotCr"
          return { pieces, end: undefined }
        }
        if (chunk[dot + 2] === LF) {
          state = "start"
          return { pieces, end: dot + 3 }
        }
      }
      from = dot + 1
      base = from
      state = "some"
    }
    if (from < chunk.length) pieces.push(from === 0 ? chunk : chunk.subarray(from))
    state = startsLine(chunk.length) ? "start" : chunk[chunk.length - 1] === CR ? "cr" : "some"
    return { pieces, end: undefined }
  }
}
