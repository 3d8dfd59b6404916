/**
 * The replies of an SMTP server (RFC 5321 §4.2), with enhanced status codes (RFC 2034, RFC 3463).
 *
 * A reply is one code and at least one line. All lines of a reply carry the same code: a server that breaks this is out
 * of step, and the session that read it must be closed. So a parser that has met an error stays broken.
 *
 * Octets in, replies out: this module reads no socket and does not know which command a reply answers. Where real
 * servers are sloppy it is tolerant (no text, no blank after the code, a bare LF as line end, octets that are not UTF-8);
 * where safety needs it, it is strict (code, mixed codes, lengths).
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { excerpt, quoted } from "./internal/excerpt.ts"
import * as octets from "./internal/octets.ts"

/**
 * One reply.
 *
 * `code` is 200 to 599. `lines` hold what the server said, line by line, without the code and the separator: an enhanced
 * status code stays part of the text (`"2.1.5 Ok"`). `enhanced` is that code (`"2.1.5"`), from the first line that begins
 * with one whose class agrees with the reply's (RFC 3463 §2). Octets that are not UTF-8 are U+DC80 to U+DCFF.
 */
export class Reply extends Schema.Class<Reply>("@colloquy/core/Reply")({
  code: Schema.Int.check(Schema.isBetween({ minimum: 200, maximum: 599 })),
  enhanced: Schema.optionalKey(Schema.String),
  lines: Schema.NonEmptyArray(Schema.String)
}) {
  /** 2yz or 3yz. */
  get isPositive(): boolean {
    return this.code < 400
  }
  /** 3yz: the server waits for more (354, 334). */
  get isIntermediate(): boolean {
    return this.code >= 300 && this.code < 400
  }
  /** 4yz: the same may succeed later. */
  get isTransient(): boolean {
    return this.code >= 400 && this.code < 500
  }
  /** 5yz: the same will be refused again. */
  get isPermanent(): boolean {
    return this.code >= 500
  }
  get text(): string {
    return this.lines.join("\n")
  }
}

/** The longest reply line, in octets with its line end (RFC 5321 §4.5.3.1.5 has 512; servers exceed it). */
export const maxLineOctets = 4_096
/** The most lines of one reply. */
export const maxLines = 512
/** The longest reply, in octets with its line ends. */
export const maxReplyOctets = 65_536

export interface Limits {
  readonly lineOctets: number
  readonly lines: number
  readonly replyOctets: number
}

export const defaultLimits: Limits = { lineOctets: maxLineOctets, lines: maxLines, replyOctets: maxReplyOctets }

/**
 * What was read is no reply. `line` is the offending line, decoded, at most 200 characters of it.
 *
 * - `syntax`: the line does not begin with a code from 200 to 599.
 * - `mixedCodes`: the line's code is not the one that the reply began with.
 * - `limit`: `what` was exceeded, whose `limit` is in octets (`replyLine`, `reply`) or lines (`replyLines`).
 */
export class ReplyError extends Schema.TaggedError<ReplyError>()("ReplyError", {
  kind: Schema.Literals(["syntax", "mixedCodes", "limit"]),
  problem: Schema.String,
  line: Schema.String,
  what: Schema.optionalKey(Schema.Literals(["replyLine", "replyLines", "reply"])),
  limit: Schema.optionalKey(Schema.Int)
}) {
  override get message(): string {
    return `${this.problem}: ${quoted(this.line)}`
  }
}

/**
 * The reply that a server gives. An enhanced status code is written at the beginning of the text:
 * `make(550, "5.1.1 No such mailbox")`. Throws where `code` is not 200 to 599: a bug of whoever writes the server.
 */
export const make = (code: number, text = "", ...more: ReadonlyArray<string>): Reply => {
  const enhanced = enhancedOf(code, [text, ...more])
  return new Reply({ code, lines: [text, ...more], ...(enhanced === undefined ? undefined : { enhanced }) })
}

/** The reply's lines as they travel, without line ends: `250-…`, `250 …`. CR, LF and NUL of a text are blanks here. */
export const toLines = (reply: Reply): ReadonlyArray<string> =>
  reply.lines.map((text, index) => {
    const separator = index === reply.lines.length - 1 ? " " : "-"
    // oxlint-disable-next-line no-control-regex
    return `${reply.code}${separator}${text.replaceAll(/[\r\n\0]/g, " ")}`
  })

/** The octets of a reply, for the server's side: each line ends in CRLF, and no text can forge another line. */
export const encode = (reply: Reply): Uint8Array => octets.encode(`${toLines(reply).join("\r\n")}\r\n`)

/** A text that is exactly one reply; its last line end may be missing. */
export const parse = (text: string | Uint8Array): Result.Result<Reply, ReplyError> => {
  const parser = makeParser()
  const whole = typeof text === "string" ? octets.encode(text) : text
  const fed = parser.feed(whole)
  const rest = parser.pending > 0 ? parser.feed(lineEnd) : nothing
  const error = fed.error ?? rest.error
  if (error !== undefined) return Result.fail(error)
  const [first, second] = [...fed.replies, ...rest.replies]
  if (first !== undefined && second === undefined && parser.isIdle) return Result.succeed(first.reply)
  const problem = first === undefined ? "Not a whole reply" : "More than one reply"
  return Result.fail(
    new ReplyError({ kind: "syntax", problem, line: excerpt(fed.lines.at(-1) ?? rest.lines.at(-1) ?? "") })
  )
}

const lineEnd = Uint8Array.of(13, 10)

/** A reply, and how many of the feed's lines had been read when it was complete: its last line is `lines[lineEnd - 1]`. */
export interface Parsed {
  readonly reply: Reply
  readonly lineEnd: number
}

/**
 * What came of one read. `lines` are the complete reply lines as received, decoded, without line end: the log's `S <`
 * records, also of replies that began or end in another read. A line that is refused for what it says is among them, one
 * that is too long is not.
 */
export interface Fed {
  readonly lines: ReadonlyArray<string>
  readonly replies: ReadonlyArray<Parsed>
  readonly error: ReplyError | undefined
}

const nothing: Fed = { lines: [], replies: [], error: undefined }

/** Reads replies from octets, however they are cut: any cut of a stream gives the same lines, replies and error. */
export interface Parser {
  /** After an error every further feed gives that error and nothing else. */
  readonly feed: (chunk: Uint8Array) => Fed
  /** Octets that are not yet a whole line. */
  readonly pending: number
  /** Those octets as text, at most 200 characters: what a connection said last when it broke in mid-line. */
  readonly pendingText: string
  /** No error, no partial line and no unfinished reply is held: required after the reply to STARTTLS (RFC 3207 §4.2). */
  readonly isIdle: boolean
  /** Other limits, from the next line on. */
  readonly limit: (limits: Limits) => void
}

export const makeParser = (limits: Limits = defaultLimits): Parser => new ReplyParser(limits)

class ReplyParser implements Parser {
  #limits: Limits
  /** The octets of a line whose end has not come, in a buffer that is kept. */
  #partial = new Uint8Array(0)
  #pending = 0
  /** The unfinished reply: its code (0: there is none), its texts, and its octets so far. */
  #code = 0
  #texts: Array<string> = []
  #octets = 0
  #error: ReplyError | undefined

  constructor(limits: Limits) {
    this.#limits = limits
  }

  limit(limits: Limits): void {
    this.#limits = limits
  }

  get pending(): number {
    return this.#pending
  }

  get pendingText(): string {
    return excerpt(octets.decode(this.#partial.subarray(0, this.#pending)))
  }

  get isIdle(): boolean {
    return this.#error === undefined && this.#pending === 0 && this.#code === 0
  }

  feed(chunk: Uint8Array): Fed {
    if (this.#error !== undefined) return { lines: [], replies: [], error: this.#error }
    const lines: Array<string> = []
    const replies: Array<Parsed> = []
    let start = 0
    if (this.#pending > 0) {
      const end = chunk.indexOf(LF)
      start = end < 0 ? chunk.length : end + 1
      this.#hold(chunk, 0, start)
      if (end >= 0 && this.#error === undefined) {
        const length = this.#pending
        this.#pending = 0
        this.#line(this.#partial, 0, length - 1, undefined, 0, lines, replies)
      }
    }
    const last = chunk.lastIndexOf(LF)
    if (start <= last && this.#error === undefined) {
      // One decode for the whole read. Of valid UTF-8, only ASCII has as many UTF-16 units as octets: then lines are slices.
      const block = chunk.subarray(start, last + 1)
      const decoded = octets.decode(block)
      const text = decoded.length === block.length ? decoded : undefined
      const base = start
      while (start <= last && this.#error === undefined) {
        let end = start
        while (chunk[end] !== LF) end++
        this.#line(chunk, start, end, text, base, lines, replies)
        start = end + 1
      }
    }
    if (start < chunk.length && this.#error === undefined) this.#hold(chunk, start, chunk.length)
    return { lines, replies, error: this.#error }
  }

  /** How long the line that is being read may be, with its line end. */
  #room(): number {
    return Math.min(this.#limits.lineOctets, this.#limits.replyOctets - this.#octets)
  }

  /** Keeps a part of a line. A line without end is refused as soon as it is too long, and no more of it is kept. */
  #hold(chunk: Uint8Array, start: number, end: number): void {
    const room = this.#room()
    const length = Math.min(this.#pending + end - start, room)
    if (this.#partial.length < length) {
      const larger = new Uint8Array(Math.max(128, Math.min(2 * length, this.#limits.lineOctets)))
      larger.set(this.#partial.subarray(0, this.#pending))
      this.#partial = larger
    }
    this.#partial.set(chunk.subarray(start, start + length - this.#pending), this.#pending)
    const whole = this.#pending + end - start
    this.#pending = length
    if (whole > room || (whole === room && chunk[end - 1] !== LF)) this.#refuseLength(this.#partial.subarray(0, room))
  }

  /** A whole line: `source[start]` to before `source[end]`, which is its LF. `text` is the decoded block, if it is ASCII. */
  #line(
    source: Uint8Array,
    start: number,
    end: number,
    text: string | undefined,
    base: number,
    lines: Array<string>,
    replies: Array<Parsed>
  ): void {
    const room = this.#room()
    if (end + 1 - start > room) return this.#refuseLength(source.subarray(start, start + room))
    const stop = end > start && source[end - 1] === CR ? end - 1 : end
    const line = text === undefined
      ? octets.decode(source.subarray(start, stop))
      : text.slice(start - base, stop - base)
    lines.push(line)

    const code = codeAt(source, start, stop)
    if (code === 0) return this.#refuse({ kind: "syntax", problem: "Not a line of a reply", line: excerpt(line) })
    if (this.#code !== 0 && this.#code !== code) {
      const problem = `Mixed codes in one reply, which began with ${this.#code}`
      return this.#refuse({ kind: "mixedCodes", problem, line: excerpt(line) })
    }

    const separator = stop - start === 3 ? SP : source[start + 3]
    const said = line.slice(separator === SP || separator === HYPHEN ? 4 : 3)
    if (separator === HYPHEN) {
      this.#code = code
      this.#texts.push(said)
      this.#octets += end + 1 - start
      const limit = this.#limits.lines
      if (this.#texts.length >= limit) {
        const problem = `A reply of more than ${limit} lines`
        this.#refuse({ kind: "limit", what: "replyLines", limit, problem, line: excerpt(line) })
      }
    } else if (this.#code === 0) {
      replies.push({ reply: trusted(code, [said]), lineEnd: lines.length })
    } else {
      const [first = "", ...more] = this.#texts
      replies.push({ reply: trusted(code, [first, ...more, said]), lineEnd: lines.length })
      this.#code = 0
      this.#texts = []
      this.#octets = 0
    }
  }

  #refuseLength(beginning: Uint8Array): void {
    const { lineOctets, replyOctets } = this.#limits
    const line = excerpt(octets.decode(beginning))
    this.#refuse(
      beginning.length === lineOctets
        ? {
          kind: "limit",
          what: "replyLine",
          limit: lineOctets,
          problem: `A reply line of more than ${lineOctets} octets`,
          line
        }
        : {
          kind: "limit",
          what: "reply",
          limit: replyOctets,
          problem: `A reply of more than ${replyOctets} octets`,
          line
        }
    )
  }

  #refuse(fields: ConstructorParameters<typeof ReplyError>[0]): void {
    this.#error = new ReplyError(fields)
  }
}

const LF = 10
const CR = 13
const SP = 32
const HYPHEN = 45

const digit = (octet: number | undefined): number => octet === undefined || octet < 48 || octet > 57 ? -1 : octet - 48

/** The code that begins this line, or 0. A fourth digit makes it no code; any other octet after the third is let pass. */
const codeAt = (source: Uint8Array, start: number, stop: number): number => {
  if (stop - start < 3 || (stop - start > 3 && digit(source[start + 3]) >= 0)) return 0
  const severity = digit(source[start])
  const category = digit(source[start + 1])
  const detail = digit(source[start + 2])
  if (severity < 2 || severity > 5 || category < 0 || detail < 0) return 0
  return severity * 100 + category * 10 + detail
}

type Lines = readonly [string, ...Array<string>]

/** A reply whose fields are known to be right: the Schema's constructor costs fifteen times as much. */
const trusted = (code: number, lines: Lines): Reply => {
  const reply: { -readonly [K in keyof Reply]: Reply[K] } = Object.create(Reply.prototype)
  reply.code = code
  const enhanced = enhancedOf(code, lines)
  if (enhanced !== undefined) reply.enhanced = enhanced
  reply.lines = lines
  return reply
}

const enhancedOf = (code: number, lines: Lines): string | undefined => {
  if (code >= 300 && code < 400) return undefined
  const severity = 48 + Math.floor(code / 100)
  for (const line of lines) {
    const status = statusAt(line, severity)
    if (status !== undefined) return status
  }
  return undefined
}

/** `class "." subject "." detail` at the beginning of a text (RFC 3463 §2), also behind the `#` of some gateways. */
const statusAt = (text: string, severity: number): string | undefined => {
  const start = text.charCodeAt(0) === 35 ? 1 : 0
  if (text.charCodeAt(start) !== severity || text.charCodeAt(start + 1) !== 46) return undefined
  const subject = digitsEnd(text, start + 2)
  if (subject === undefined || text.charCodeAt(subject) !== 46) return undefined
  const detail = digitsEnd(text, subject + 1)
  if (detail === undefined || !endsStatus(text.charCodeAt(detail))) return undefined
  return text.slice(start, detail)
}

/** Where one to three digits end, or undefined. */
const digitsEnd = (text: string, start: number): number | undefined => {
  let end = start
  while (end < start + 3 && digit(text.charCodeAt(end)) >= 0) end++
  return end === start ? undefined : end
}

/** End of text, a blank, or what some servers write instead of one. */
const endsStatus = (unit: number): boolean => Number.isNaN(unit) || unit === SP || unit === 9 || unit === 58 // ":"

/**
 * The id under which the server queued or stored the message, as far as the reply to the end of data names one in a form
 * that is known: Postfix, Exim, Sendmail and OpenSMTPD, Amazon SES, Exchange and Microsoft 365 (`InternalId`), Gmail,
 * Dovecot's LMTP. The reply's text is there for all others.
 */
export const queueId = (reply: Reply): string | undefined => {
  if (reply.code < 200 || reply.code > 299) return undefined
  for (const line of reply.lines) {
    for (const form of queueIdForms) {
      const id = form.exec(line)?.[1]
      if (id !== undefined) return id
    }
  }
  return undefined
}

// Each is anchored, or led by a literal, so that a hostile line costs linear time.
const queueIdForms: ReadonlyArray<RegExp> = [
  /\bqueued as ([^\s,;)\]]{1,255})/i,
  /^OK id=(\S{1,255})/i,
  /\[InternalId=(\d{1,40})/i,
  /^(?:2\.\d{1,3}\.\d{1,3}:? )?(\S{1,255}) Message accepted for delivery/i,
  /^(?:2\.\d{1,3}\.\d{1,3} )?Ok:? ([0-9a-f]{8,40}(?:-[0-9a-f]{1,40}){5,7})$/i,
  / (\S{1,255}) - gsmtp$/i,
  /^(?:2\.\d{1,3}\.\d{1,3} )?<.{0,320}> (\S{1,255}) Saved$/i
]
