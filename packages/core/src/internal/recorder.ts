/**
 * One a session: numbers what is said and done, takes secrets out of it, applies the transporter's redaction,
 * keeps the tail for errors, and hands the events to `SmtpLog`.
 *
 * Invariants: nothing reaches a log, an error or a receipt but through here; the scrub of known secrets runs before
 * any redaction, and on decoded text only (P1); `fail` is the only maker of an `SmtpError` inside a session, and
 * what was said before it is with the log when it fails (P2).
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { type ContentLevel, type LogEvent, type Phase, ProcessId, secret, Sequence } from "../LogEvent.ts"
import type { RecipientVerdict } from "../Receipt.ts"
import type { Redaction } from "../Redaction.ts"
import { Reply } from "../Reply.ts"
import {
  CertificateRejected,
  ConnectionFailed,
  ConnectionLost,
  ContentSourceFailed,
  describe,
  SmtpError,
  type SmtpErrorReason,
  TlsFailed
} from "../SmtpError.ts"
import { SmtpLog } from "../SmtpLog.ts"
import type { Certificate, TlsInfo } from "../Tls.ts"
import { delivery } from "./delivery.ts"
import { escape } from "./log/escape.ts"
import { decode } from "./octets.ts"
import { makeScrub } from "./scrub.ts"

type Body<E> = E extends LogEvent ? Omit<E, "counter" | "time" | "process" | "session"> : never
/** An event without its head: the recorder numbers and dates it. */
export type EventBody = Body<LogEvent>

/** The newest events that an error carries (P3). */
export const tailEvents = 50
/** Characters of one event's text in the tail. */
export const tailText = 2_000
/** Characters of all events' text in the tail. */
export const tailSize = 16_384

export interface Recorder {
  readonly session: number
  /** Milliseconds on the monotonic clock: what elapsed. */
  readonly elapsedNow: () => number
  /** Reads the clocks for the lines of one read or one write, which are dated alike. Gives `elapsedNow`. */
  readonly tick: () => number
  /** `elapsedNow` at the last `tick`. */
  readonly ticked: () => number
  readonly record: (event: EventBody) => void
  readonly clientLine: (line: string) => void
  /** A reply line as received; the scrub has run (`scrub`). */
  readonly serverLine: (line: string) => void
  /** The known secrets taken out of decoded text that a peer said. */
  readonly scrub: (text: string) => string
  /** The same for a reply line, whose code stays as it is. */
  readonly scrubLine: (line: string) => string
  readonly scrubReply: (reply: Reply) => Reply
  /** The text of a peer's certificate, too, is what a peer says. */
  readonly scrubTls: (tls: TlsInfo) => TlsInfo
  /**
   * What a peer or the platform put into a reason, without known secrets. Of a cause only words and code are kept: what
   * else it holds (options, requests) nobody knows.
   */
  readonly scrubReason: (reason: SmtpErrorReason) => SmtpErrorReason
  /** A secret is known that could be echoed. */
  readonly hasSecrets: () => boolean
  readonly addSecret: (secret: Redacted.Redacted) => void
  /** A line that carried a secret while authenticating, as it was on the wire. */
  readonly addLine: (line: Redacted.Redacted) => void
  /** Between AUTH and its final reply short secrets are masked too. */
  authenticating: boolean
  /** The most content that any sink wants now. */
  readonly contentLevel: () => ContentLevel
  /** A sink's buffer is past its mark: `flush` before going on. */
  readonly blocked: () => boolean
  readonly flush: Effect.Effect<void>
  readonly tail: () => ReadonlyArray<LogEvent>
  /** To Effect's loggers: what a handler died of, which may hold the password that it was given. */
  readonly logDefect: (what: string, defect: unknown) => Effect.Effect<void>
  /** Records `Failed`, waits for the log, fails. */
  readonly fail: (
    reason: SmtpErrorReason,
    phase: Phase,
    recipients?: ReadonlyArray<RecipientVerdict>
  ) => Effect.Effect<never, SmtpError>
  /** Records `Failed` (unless told not to) and makes the error. */
  readonly error: (
    reason: SmtpErrorReason,
    phase: Phase,
    recipients?: ReadonlyArray<RecipientVerdict>,
    options?: { readonly record: boolean }
  ) => SmtpError
}

const cut = (text: string): string => text.length <= tailText ? text : `${text.slice(0, tailText)}…`

const sizeOf = (event: LogEvent): number => {
  switch (event._tag) {
    case "ClientLine":
    case "ServerLine":
      return event.line.length
    case "Note":
      return event.text.length
    case "Failed":
      return event.message.length
    case "Secured":
      return 200 + event.tls.chain.length * 200
    default:
      return 80
  }
}

const shortened = (event: LogEvent): LogEvent => {
  switch (event._tag) {
    case "ClientLine":
    case "ServerLine":
      return event.line.length <= tailText ? event : { ...event, line: cut(event.line) }
    case "Note":
      return event.text.length <= tailText ? event : { ...event, text: cut(event.text) }
    case "Failed":
      return event.message.length <= tailText ? event : { ...event, message: cut(event.message) }
    default:
      return event
  }
}

/** A line in the making: what differs from one line of a session to the next. */
interface Line {
  readonly _tag: "ClientLine" | "ServerLine"
  readonly line: string
  readonly counter: number
  readonly time: number
}

export interface Options {
  readonly redaction: Redaction | undefined
  readonly server: { readonly host: string; readonly port: number } | undefined
}

export const make = Effect.fnUntraced(function*(options: Options) {
  const log = yield* SmtpLog
  const clock = yield* Clock.Clock
  const sequence = yield* Sequence
  const process = yield* ProcessId
  const session = sequence.nextSessionUnsafe()
  const scrub = makeScrub()
  const redact = options.redaction?.applier()
  /** The newest events; of lines that nobody else sees only what an event is made of. */
  const ring: Array<LogEvent | Line> = []
  let position = 0
  let blocked = false
  let time = clock.currentTimeMillisUnsafe()
  let ticked = 0
  let hasSecrets = false

  const elapsedNow = () => Number(clock.monotonicTimeNanosUnsafe() / 1_000n) / 1_000

  const emit = (raw: LogEvent): LogEvent => {
    const event = redact === undefined ? raw : redact(raw)
    if (event._tag !== "HeaderLine" && event._tag !== "BodyLine") ring[position++ % tailEvents] = event
    if (!log.recordUnsafe(event)) blocked = true
    return event
  }

  const said = (_tag: "ClientLine" | "ServerLine", line: string): void => {
    const counter = sequence.nextCounterUnsafe()
    if (redact === undefined && !log.isListening()) ring[position++ % tailEvents] = { _tag, line, counter, time }
    else emit({ _tag, line, counter, time, process, session })
  }
  const record = (event: EventBody): LogEvent =>
    emit({
      ...event,
      ...("elapsed" in event ? { elapsed: Math.round(event.elapsed * 1_000) / 1_000 } : {}),
      counter: sequence.nextCounterUnsafe(),
      time: clock.currentTimeMillisUnsafe(),
      process,
      session
    })

  const tail = (): ReadonlyArray<LogEvent> => {
    const events: Array<LogEvent> = []
    let size = 0
    for (let at = position - 1; at >= 0 && at > position - 1 - tailEvents; at--) {
      const event = ring[at % tailEvents]
      if (event === undefined) break
      const short = shortened("session" in event ? event : { ...event, process, session })
      size += sizeOf(short)
      if (size > tailSize) break
      events.push(short)
    }
    return events.toReversed()
  }

  const scrubText = (text: string): string => scrub.scrub(text, self.authenticating)

  const scrubTls = ({ chain, cipher, problem, protocol, resumed, servername, verified }: TlsInfo): TlsInfo => ({
    protocol,
    cipher,
    ...(servername === undefined ? {} : { servername }),
    verified,
    ...(problem === undefined ? {} : { problem: scrubText(problem) }),
    ...(resumed === undefined ? {} : { resumed }),
    chain: chain.map(scrubCertificate)
  })

  const scrubCertificate = (
    { fingerprint256, issuer, names, subject, validFrom, validTo }: Certificate
  ): Certificate => ({
    subject: scrubText(subject),
    names: names.map(scrubText),
    issuer: scrubText(issuer),
    validFrom,
    validTo,
    fingerprint256
  })

  const inWords = ({ cause }: { readonly cause?: unknown }): { readonly cause?: Error } => {
    if (cause === undefined) return {}
    const words = cause instanceof Error ? cause.message : typeof cause === "string" ? cause : "a failure without words"
    const error = new Error(scrubText(words))
    const code = typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined
    return { cause: typeof code === "string" ? Object.assign(error, { code }) : error }
  }

  const scrubReason = (reason: SmtpErrorReason): SmtpErrorReason => {
    switch (reason._tag) {
      case "ConnectionFailed": {
        const { host, kind, port } = reason
        const attempts = reason.attempts.map(({ address, problem }) => ({
          address: scrubText(address),
          problem: scrubText(problem)
        }))
        return new ConnectionFailed({ kind, host, port, attempts, ...inWords(reason) })
      }
      case "ConnectionLost":
        return reason.cause === undefined ? reason : new ConnectionLost({ kind: reason.kind, ...inWords(reason) })
      case "CertificateRejected": {
        const { chain, problem, servername } = reason
        return new CertificateRejected({ servername, problem: scrubText(problem), chain: chain.map(scrubCertificate) })
      }
      case "TlsFailed": {
        const { kind, seen } = reason
        return new TlsFailed({ kind, ...(seen === undefined ? {} : { seen: scrubText(seen) }), ...inWords(reason) })
      }
      case "ContentSourceFailed": {
        // the cause is the user's own error, which is kept where it says no secret
        const problem = scrubText(reason.problem)
        return problem === reason.problem ? reason : new ContentSourceFailed({ problem, cause: new Error(problem) })
      }
      default:
        return reason
    }
  }

  const error: Recorder["error"] = (given, phase, recipients = [], settings) => {
    const reason = scrubReason(given)
    const made = (summary: string | undefined) =>
      new SmtpError({
        reason,
        phase,
        delivery: delivery(recipients) ?? "NotAccepted",
        recipients,
        conversation: tail(),
        ...(options.server === undefined ? {} : { server: options.server }),
        ...(summary === undefined ? {} : { summary })
      })
    const message = describe(made(undefined))
    if (settings?.record === false) return made(message)
    const event = record({ _tag: "Failed", phase, reason: reason._tag, message })
    return made(event._tag === "Failed" ? event.message : message)
  }

  const flush = Effect.suspend(() => {
    blocked = false
    return log.flush
  })

  const self: Recorder = {
    session,
    elapsedNow,
    tick: () => {
      time = clock.currentTimeMillisUnsafe()
      ticked = elapsedNow()
      return ticked
    },
    ticked: () => ticked,
    record,
    clientLine: (line) => said("ClientLine", line),
    serverLine: (line) => said("ServerLine", line),
    scrub: scrubText,
    scrubLine: (line) => {
      const code = replyCode.exec(line)?.[0] ?? ""
      return code + scrubText(line.slice(code.length))
    },
    scrubTls,
    scrubReason,
    scrubReply: (reply) => {
      let changed = false
      const [first, ...rest] = reply.lines
      const one = (line: string) => {
        const scrubbed = scrubText(line)
        if (scrubbed !== line) changed = true
        return scrubbed
      }
      const lines: [string, ...Array<string>] = [one(first), ...rest.map(one)]
      return changed ? withLines(reply, lines) : reply
    },
    hasSecrets: () => hasSecrets,
    addSecret: (value) => {
      hasSecrets = true
      scrub.addSecret(Redacted.value(value))
    },
    addLine: (value) => {
      hasSecrets = true
      scrub.addLine(Redacted.value(value))
    },
    authenticating: false,
    contentLevel: log.content,
    blocked: () => blocked,
    flush,
    tail,
    logDefect: (what, defect) => {
      const lines = scrubText(Cause.pretty(Cause.die(defect))).split("\n")
      return Effect.logError(`${what}: ${lines.map(escape).join("\n")}`)
    },
    error,
    fail: (reason, phase, recipients) =>
      Effect.suspend(() => {
        const failure = error(reason, phase, recipients)
        return Effect.andThen(flush, Effect.fail(failure))
      })
  }
  return self
})

/** The same reply with other texts. */
export const withLines = ({ code, enhanced }: Reply, lines: readonly [string, ...Array<string>]): Reply =>
  new Reply({ code, ...(enhanced === undefined ? {} : { enhanced }), lines })

const replyCode = /^[2-5]\d\d(?:[ -]|$)/

/** What stands for a challenge that a mechanism calls secret: its code, and 32 asterisks. */
export const secretChallenge = (line: string): string => `${line.slice(0, 4)}${secret}`

/** A longer line of content is logged in pieces of this many octets, so that memory stays bounded. */
const longestLine = 65_536

/** Splits content into lines for a log that wants header section or body, in the order in which it is written. */
export const makeContentLines = (recorder: Recorder, level: ContentLevel) => {
  let inBody = false
  let partial: Array<Uint8Array> = []
  let held = 0
  const line = (octets: Uint8Array) => {
    const text = decode(octets)
    if (!inBody) {
      recorder.record({ _tag: "HeaderLine", line: text })
      if (octets.length === 0) inBody = true
    } else if (level === "full") recorder.record({ _tag: "BodyLine", line: text })
  }
  const join = (last: Uint8Array): Uint8Array => {
    if (partial.length === 0) return last
    const pieces = [...partial, last]
    partial = []
    held = 0
    const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
    let at = 0
    for (const piece of pieces) {
      whole.set(piece, at)
      at += piece.length
    }
    return whole
  }
  /** Repaired content: every line ends in CRLF. */
  const push = (chunk: Uint8Array): void => {
    if (level === "summary" || (inBody && level === "headers")) return
    let from = 0
    for (let lf = chunk.indexOf(10); lf >= 0; lf = chunk.indexOf(10, from)) {
      const whole = join(chunk.subarray(from, lf + 1))
      line(whole.subarray(0, Math.max(0, whole.length - 2)))
      from = lf + 1
      if (inBody && level === "headers") return
    }
    if (from < chunk.length) {
      partial.push(chunk.slice(from))
      held += chunk.length - from
      if (held >= longestLine) line(join(new Uint8Array(0)))
    }
  }
  return { push }
}
