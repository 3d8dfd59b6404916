/**
 * Who answers what: the order of a session's replies (RFC 2920), as a state machine without I/O.
 *
 * Bytes come in by `feed`, bytes to write are fetched by `take`; nothing here suspends, sleeps or knows a socket. One
 * fifo holds an `Exchange` for each thing that waits for replies (a command, or a whole mail transaction), in the
 * order in which their commands are written; a reply belongs to the head. A reply that nobody waits for, or that
 * cannot be an answer to what was asked, puts the two ends out of step: the session is cut, and never used again.
 *
 * Invariants:
 * - the lines of a read are recorded before whatever the read finished is resumed, and the lines of a group of
 *   commands when they are taken to be written, not when they are queued: the log has the order of the wire;
 * - `cut` happens once, and tells every waiting exchange, head first;
 * - an exchange is told its replies one by one and says itself when it has had its last.
 *
 * What a transaction makes of its replies is `transaction.ts`, who drives this is `engine.ts`.
 */
import * as Result from "effect/Result"
import * as Command from "../Command.ts"
import type { Phase } from "../LogEvent.ts"
import { type Limits, makeParser, type Reply, type ReplyError, toLines } from "../Reply.ts"
import { LimitExceeded, ProtocolViolation, ServerRefused, type SmtpErrorReason, TlsFailed } from "../SmtpError.ts"
import { excerpt } from "./excerpt.ts"
import { type Recorder, secretChallenge } from "./recorder.ts"

/** A command in its two renderings. `wire` ends in CRLF. */
export interface Line {
  readonly wire: string
  readonly log: string
}

/** Both renderings of a command; fails where an argument cannot travel. */
export const line = (command: Command.Command): Result.Result<Line, Command.CommandError> =>
  Result.map(Command.encode(command), (wire) => ({ wire, log: Command.toLog(command) }))

/** For commands whose arguments are the engine's own. */
export const fixedLine = (command: Command.Command): Line => Result.getOrThrow(line(command))

/** Why a session ended before its time. */
export interface Cut {
  readonly reason: SmtpErrorReason
  readonly phase: Phase
  /** "closing": a 421 said that the server hangs up (RFC 5321 §3.8). "aborted": we ended it, nothing went wrong. */
  readonly kind: "closing" | "broken" | "aborted"
  readonly by: "client" | "server" | "network"
  /** A bug of ours, of a source or of a connection: whoever waits dies of it. */
  readonly defect?: Defect | undefined
}

export interface Defect {
  readonly defect: unknown
}

/** Something that waits for one reply or more. */
export interface Exchange {
  /** What is waited for now: the error's phase, and the time limit. */
  readonly phase: () => Phase
  /**
   * The next reply. True: it was the last one. `lines` are the reply's lines where `holdsLines`. `said` is the reply before
   * the scrub, to be parsed and never to be shown.
   */
  readonly onReply: (reply: Reply, lines: ReadonlyArray<string>, said: Reply) => boolean
  readonly onCut: (cut: Cut) => void
  /** The exchange records its reply lines itself (a challenge whose secrecy is known only afterwards). */
  readonly holdsLines?: boolean
  /** Nothing may follow its positive reply in plain text (STARTTLS: RFC 3207 §4.2). */
  readonly seals?: boolean
  /** On the monotonic clock, in milliseconds; holds for replies up to the end of data. */
  readonly deadline?: { readonly at: number; readonly limit: number } | undefined
}

export type Output<B> =
  | { readonly _tag: "Octets"; readonly octets: ReadonlyArray<Uint8Array> }
  | { readonly _tag: "Body"; readonly body: B }

type Item<B> =
  | { readonly _tag: "Line"; readonly line: Line; readonly written: (() => void) | undefined }
  | { readonly _tag: "Octets"; readonly octets: ReadonlyArray<Uint8Array>; readonly written: (() => void) | undefined }
  | { readonly _tag: "Body"; readonly body: B }

export interface Pipeline<B> {
  /** The head has had its last reply, as it finds out between two reads. */
  readonly drop: (exchange: Exchange) => void
  /** Waits for replies from here on, behind those that wait already. */
  readonly expect: (exchange: Exchange) => void
  /** Queues a command. `written` is called when it is taken to be handed to the socket. */
  readonly line: (line: Line, written?: () => void) => void
  readonly octets: (octets: ReadonlyArray<Uint8Array>, written?: () => void) => void
  readonly body: (body: B) => void
  /** What the server said. */
  readonly feed: (chunk: Uint8Array) => void
  /** What to write next: everything up to the next content that must be run. Records its C lines. */
  readonly take: () => Output<B> | undefined
  readonly cut: (cut: Cut) => void
  readonly isCut: () => Cut | undefined
  readonly head: () => Exchange | undefined
  readonly waiting: () => number
  /** What is waited for now, or was last. */
  readonly stage: () => Phase
  /** Plain text came where TLS was due. */
  readonly injected: () => void
  /** How long a reply's lines may be from now on. */
  readonly limitReplies: (limits: Limits) => void
}

export interface Hooks {
  readonly recorder: Recorder
  /** Something was queued to be written. */
  readonly onOutput: () => void
  /** A reply was consumed, or another exchange is at the head. */
  readonly onProgress: () => void
  readonly onCut: (cut: Cut) => void
  /** A reply was read: for the metrics. */
  readonly onReply: (reply: Reply) => void
}

const encoder = new TextEncoder()

const slabSize = 65_536
/** Copying as much costs less than handing it to the socket apart. */
const smallPiece = 8_192

const smallOctets = <B>(items: ReadonlyArray<Item<B>>): number => {
  let sum = 0
  for (const item of items) {
    if (item._tag === "Body") break
    if (item._tag === "Line") sum += item.line.wire.length
    else for (const piece of item.octets) if (piece.length <= smallPiece) sum += piece.length
  }
  return sum
}

/** `line`: the offending line, whole, without secrets. The parser's own excerpt may hold a piece of one. */
const fromParser = (error: ReplyError, line: string): SmtpErrorReason =>
  error.kind === "limit"
    ? new LimitExceeded({ what: error.what ?? "reply", limit: error.limit ?? 0 })
    : new ProtocolViolation({
      problem: error.kind === "mixedCodes"
        ? "lines of one reply carry different codes"
        : "what came is not a reply",
      line: excerpt(line)
    })

/** The first octet of a TLS record, alert or handshake (RFC 8446 §5.1), where a greeting is due: no reply begins so. */
const isTlsRecord = (chunk: Uint8Array): boolean => chunk[0] === 0x15 || chunk[0] === 0x16

export const make = <B>(hooks: Hooks): Pipeline<B> => {
  const { recorder } = hooks
  const parser = makeParser()
  let fifo: Array<Exchange> = []
  let out: Array<Item<B>> = []
  let cutBy: Cut | undefined
  let begun = false
  let last: Phase = "greeting"
  const stage = (): Phase => fifo[0]?.phase() ?? last
  /** Lines of a reply that is not whole yet, kept back for an exchange that records its own. */
  let held: Array<string> = []
  /** A secret was taken out of a line of the reply that is being read. */
  let scrubbed = false
  let lastLine = ""

  const cut = (why: Cut): void => {
    if (cutBy !== undefined) return
    cutBy = why
    out = []
    for (const line of held) recorder.serverLine(line.startsWith("334") ? secretChallenge(line) : line)
    held = []
    const waiting = fifo
    fifo = []
    for (const exchange of waiting) exchange.onCut(why)
    hooks.onCut(why)
  }

  const outOfStep = (problem: string, line: string | undefined, phase: Phase): void =>
    cut({
      reason: new ProtocolViolation({ problem, ...(line === undefined ? {} : { line }) }),
      phase,
      kind: "broken",
      by: "client"
    })

  const dispatch = (reply: Reply, lines: ReadonlyArray<string>, said: Reply): void => {
    const head = fifo[0]
    hooks.onReply(reply)
    if (head === undefined) {
      if (reply.code === 421) {
        return cut({ reason: new ServerRefused({ reply }), phase: last, kind: "closing", by: "server" })
      }
      return outOfStep("a reply came that nothing waits for", toLines(reply)[0], last)
    }
    const phase = head.phase()
    last = phase
    const done = head.onReply(reply, lines, said)
    if (cutBy !== undefined) return
    if (done) fifo.shift()
    if (reply.code === 421) {
      cut({ reason: new ServerRefused({ reply }), phase, kind: "closing", by: "server" })
    }
    hooks.onProgress()
  }

  const feed = (chunk: Uint8Array): void => {
    if (cutBy !== undefined) return
    if (!begun && isTlsRecord(chunk)) {
      return cut({
        reason: new TlsFailed({ kind: "TlsServerOnPlainPort" }),
        phase: stage(),
        kind: "broken",
        by: "client"
      })
    }
    begun ||= chunk.length > 0
    const parsed = parser.feed(chunk)
    const { lines } = parsed
    let from = 0
    /** Puts the lines up to there on record; held back where the head records its own. */
    const record = (to: number): void => {
      for (; from < to; from++) {
        const raw = lines[from] ?? ""
        const line = lastLine = recorder.hasSecrets() ? recorder.scrubLine(raw) : raw
        if (line !== raw) scrubbed = true
        if (fifo[0]?.holdsLines === true) held.push(line)
        else recorder.serverLine(line)
      }
    }
    for (const { lineEnd, reply } of parsed.replies) {
      record(lineEnd)
      const shown = scrubbed ? recorder.scrubReply(reply) : reply
      scrubbed = false
      const own = held
      if (own.length > 0) held = []
      const seals = fifo[0]?.seals === true && reply.code === 220
      dispatch(shown, own, reply)
      if (cutBy !== undefined) break
      if (seals && (lineEnd < lines.length || parsed.error !== undefined || parser.pending > 0)) {
        record(lines.length)
        return injected()
      }
    }
    record(lines.length)
    if (parsed.error !== undefined && cutBy === undefined) {
      cut({ reason: fromParser(parsed.error, lastLine), phase: stage(), kind: "broken", by: "client" })
    }
  }

  const injected = () =>
    cut({ reason: new TlsFailed({ kind: "PlaintextInjected" }), phase: "starttls", kind: "broken", by: "client" })

  const queue = (item: Item<B>): void => {
    if (cutBy !== undefined) return
    out.push(item)
    hooks.onOutput()
  }

  const take = (): Output<B> | undefined => {
    const first = out[0]
    if (first === undefined) return undefined
    if (first._tag === "Body") {
      out.shift()
      return { _tag: "Body", body: first.body }
    }
    const octets: Array<Uint8Array> = []
    // Small pieces are copied into one: the socket's cost is by the piece. Large content is passed on as it is.
    let room = smallOctets(out)
    let slab = new Uint8Array(Math.min(room, slabSize))
    let filled = 0
    let text = ""
    const flush = () => {
      if (filled > 0) octets.push(slab.subarray(0, filled))
      room -= filled
      slab = slab.subarray(filled)
      filled = 0
    }
    const need = (length: number) => {
      if (filled + length <= slab.length) return
      flush()
      if (slab.length < length) slab = new Uint8Array(Math.max(length, Math.min(room, slabSize)))
    }
    const say = () => {
      if (text === "") return
      need(text.length)
      const { read, written } = encoder.encodeInto(text, slab.subarray(filled))
      filled += written
      if (read < text.length) {
        // not ASCII: longer than it was taken for
        flush()
        octets.push(encoder.encode(text.slice(read)))
      }
      text = ""
    }
    let count = 0
    for (const item of out) {
      if (item._tag === "Body") break
      count++
      if (item._tag === "Line") {
        recorder.clientLine(item.line.log)
        text += item.line.wire
      } else {
        say()
        for (const piece of item.octets) {
          if (piece.length > smallPiece) {
            flush()
            octets.push(piece)
          } else {
            need(piece.length)
            slab.set(piece, filled)
            filled += piece.length
          }
        }
      }
      item.written?.()
    }
    say()
    flush()
    out = count === out.length ? [] : out.slice(count)
    return { _tag: "Octets", octets }
  }

  return {
    expect: (exchange) => {
      if (cutBy !== undefined) return exchange.onCut(cutBy)
      fifo.push(exchange)
      if (fifo.length === 1) hooks.onProgress()
    },
    drop: (exchange) => {
      fifo = fifo.filter((waiting) => waiting !== exchange)
      hooks.onProgress()
    },
    line: (line, written) => queue({ _tag: "Line", line, written }),
    octets: (octets, written) => queue({ _tag: "Octets", octets, written }),
    body: (body) => queue({ _tag: "Body", body }),
    feed,
    take,
    cut,
    isCut: () => cutBy,
    head: () => fifo[0],
    waiting: () => fifo.length,
    stage,
    injected,
    limitReplies: (limits) => parser.limit(limits)
  }
}
