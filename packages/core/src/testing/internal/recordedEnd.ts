/**
 * How a recorded conversation began and ended: the dial that failed, the handshake that was refused, the silence, the cut.
 *
 * A log names a failure by its tag and our own words for it; the reason is made anew from these.
 */
import { dialKind, failedKind } from "../../internal/diagnosis/troubles.ts"
import type { LogEvent } from "../../LogEvent.ts"
import { CertificateRejected, ConnectionFailed, TlsFailed } from "../../SmtpError.ts"
import type { TlsInfo } from "../../Tls.ts"
import { type Exchange } from "./recording.ts"
import { encodeLines, type Op } from "./scriptOps.ts"

export interface Opening {
  readonly host: string
  readonly port: number
  readonly address: string | undefined
  readonly isConnected: boolean
  readonly isImplicit: boolean
  readonly tls: TlsInfo | undefined
}

type Failed = LogEvent & { readonly _tag: "Failed" }

const lastFailure = (events: ReadonlyArray<LogEvent>): Failed | undefined =>
  events.findLast((event) => event._tag === "Failed")

const dialKinds = ["HostNotFound", "Refused", "Unreachable", "Proxy", "Other"] as const

const forEver: Op = { _tag: "Delay", millis: Infinity }

/** A dial that did not end in a connection; `undefined`: the log does not say what became of it. */
export const notDialled = (events: ReadonlyArray<LogEvent>, { host, port }: Opening): ReadonlyArray<Op> | undefined => {
  const attempts = events.flatMap((event) =>
    event._tag === "AttemptFailed" ? [{ address: event.address, problem: event.problem }] : []
  )
  const failure = lastFailure(events)
  const named = failure === undefined
    ? dialKind(attempts.at(-1)?.problem ?? "")
    : failedKind(failure.reason, failure.message)
  const kind = dialKinds.find((kind) => named === `ConnectionFailed/${kind}`) ?? "Other"
  const refuse: Op = { _tag: "Refuse", reason: new ConnectionFailed({ kind, host, port, attempts }) }
  if (events.some((event) => event._tag === "TimedOut")) return [forEver, refuse]
  const fails = handshakeFailure(events)
  if (fails !== undefined) return [{ _tag: "Tls", outcome: { fails } }]
  if (failure?.reason === "ConnectionFailed" || (failure === undefined && attempts.length > 0)) return [refuse]
  // the client gave up
  return failure !== undefined || events.some((event) => event._tag === "Closed") ? [forEver, refuse] : undefined
}

const seenInMessage = (message: string): { readonly seen?: string } => {
  const seen = /\("(.*)"\)/s.exec(message)?.[1]
  return seen === undefined ? {} : { seen }
}

/** Of the handshake, implicit or by STARTTLS. */
export const handshakeFailure = (events: ReadonlyArray<LogEvent>): CertificateRejected | TlsFailed | undefined => {
  const failure = lastFailure(events)
  if (failure === undefined) return undefined
  const { message, reason } = failure
  if (reason === "CertificateRejected") {
    const [, servername = "", problem = ""] =
      /vouch for (\S+): (.*?)(?:; if the certificate is your own.*)?$/s.exec(message) ?? []
    return new CertificateRejected({ servername, problem: problem === "" ? message : problem, chain: [] })
  }
  if (reason !== "TlsFailed") return undefined
  switch (failedKind(reason, message)) {
    case "TlsFailed/PlainServerOnTlsPort":
      return new TlsFailed({ kind: "PlainServerOnTlsPort", ...seenInMessage(message) })
    case "TlsFailed/TlsServerOnPlainPort":
    case "TlsFailed/PlaintextInjected":
      return undefined
    default:
      return new TlsFailed({ kind: "Handshake" })
  }
}

export interface Ending {
  readonly ops: ReadonlyArray<Op>
  /** The server reads no more: what was under way never reaches it. */
  readonly isDeaf: boolean
}

/** A TLS alert, where a greeting in clear text is waited for (RFC 8446 §6). */
const alert = Uint8Array.of(0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x46)

/** Octets past the limit that the client reported. */
const tooMuch = (message: string): ReadonlyArray<Op> => {
  const [, what, count] = /\b(replyLines?|reply) (\d{1,7})\b/.exec(message) ?? []
  const limit = Number(count)
  switch (what) {
    case "replyLine":
      return [{ _tag: "Send", octets: encodeLines([`250 ${"x".repeat(limit)}`]) }]
    case "replyLines":
    case "reply":
      return [{
        _tag: "Send",
        octets: encodeLines(Array.from({ length: Math.min(limit, 64) }, () => `250-${"x".repeat(1_000)}`))
      }]
    default:
      return []
  }
}

const quit: ReadonlyArray<Op> = [
  { _tag: "Expect", line: "QUIT", optional: true },
  { _tag: "Send", octets: encodeLines(["221 2.0.0 Bye"]) },
  { _tag: "Close" }
]

const heard = (...ops: ReadonlyArray<Op>): Ending => ({ ops, isDeaf: false })

export const endingOf = (events: ReadonlyArray<LogEvent>, exchanges: ReadonlyArray<Exchange>): Ending => {
  const lastSaid = events.findLastIndex(({ _tag }) => _tag === "ServerLine")
  const after = events.slice(lastSaid + 1)
  const failure = lastFailure(after)
  const closed = after.findLast((event) => event._tag === "Closed")
  const inContent = (ops: ReadonlyArray<Op>, phase: string | undefined): ReadonlyArray<Op> =>
    phase === "content" && isReceiving(exchanges) ? [{ _tag: "Swallow", octets: 1 }, ...ops] : ops
  const timedOut = after.findLast((event) => event._tag === "TimedOut")
  if (timedOut !== undefined || failure?.reason === "TimedOut") {
    const phase = timedOut?.phase ?? failure?.phase
    return phase === "content" ? { ops: [{ _tag: "Stall" }], isDeaf: true } : heard({ _tag: "Silence" })
  }
  switch (failure?.reason) {
    case "ConnectionLost": {
      const isReset = failedKind(failure.reason, failure.message) === "ConnectionLost/Reset"
      return heard(...inContent([{ _tag: isReset ? "Reset" : "Close" }], failure.phase))
    }
    case "CertificateRejected":
      return heard()
    case "TlsFailed":
      return failedKind(failure.reason, failure.message) === "TlsFailed/TlsServerOnPlainPort"
        ? heard({ _tag: "Send", octets: alert }, { _tag: "End" })
        : heard(...(handshakeFailure(events) === undefined ? quit : []))
    case "LimitExceeded":
      return heard(...tooMuch(failure.message), ...quit)
    default:
  }
  if (exchanges.some(({ verb }) => verb === "QUIT")) return heard({ _tag: "Close" })
  if (closed?.by === "server") return heard({ _tag: "Close" })
  if (closed?.by === "network") return heard({ _tag: "Reset" })
  const isCutOff = exchanges.some(({ isAnswered }) => !isAnswered) && failure === undefined && closed === undefined
  // a reply in the middle of the content: whatever else comes is content
  const isInContent = exchanges.at(-1)?.kind === "unasked" &&
    events.some((event) => event._tag === "Failed" && event.phase === "content")
  return isCutOff || isInContent ? heard({ _tag: "Silence" }) : heard(...quit)
}

/** 354 was said, and the content is not in the log. */
const isReceiving = (exchanges: ReadonlyArray<Exchange>): boolean => exchanges.at(-1)?.verb === "DATA"
