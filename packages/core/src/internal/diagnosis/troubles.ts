/**
 * What went wrong in a conversation, as facts: each refusal, break and time-out, with the events it rests on.
 *
 * A trouble that the session got over is not one: a mechanism that was not supported before another succeeded, a HELO
 * behind a refused EHLO, a 421 in an idle session. Neither is what only follows from another: `503` to RCPT behind a
 * refused MAIL, `554 no valid recipients` to DATA, a refused HELO behind a refused EHLO, the end of the connection behind
 * a refusal.
 *
 * What our own `Failed` says outranks what the server said on the way to it: the `501` to our `*` is no refusal, and a
 * reply that broke the protocol is evidence of that and nothing else.
 */
import type { LogEvent, Phase } from "../../LogEvent.ts"
import { isClosingNote, openingNote } from "../log/foreignNotes.ts"
import type { Dialogue, Exchange } from "./dialogue.ts"
import { serverOf, withReply } from "./provider.ts"
import type { Facts, Kind } from "./rule.ts"

export interface Trouble {
  readonly facts: Facts
  readonly evidence: ReadonlyArray<LogEvent>
  /** 0: of no transaction. */
  readonly transaction: number
  /** Some of the same message's recipients were accepted. */
  readonly partial: boolean
}

/** More greetings than these say nothing new. */
const maxGreetings = 8

/** Greeting and EHLO's first line, without code. */
export const greetingsOf = ({ exchanges }: Dialogue): ReadonlyArray<string> =>
  exchanges.filter(({ phase }) => phase === "greeting" || phase === "ehlo").slice(0, maxGreetings).flatMap(
    ({ phase, reply }) => {
      if (reply === undefined || (phase !== "greeting" && phase !== "ehlo")) return []
      return phase === "greeting" ? [reply.lines.join(" ")] : reply.lines.slice(0, 1)
    }
  )

const isNegative = ({ reply }: Exchange): boolean => reply !== undefined && reply.code >= 400
const isPositive = ({ reply }: Exchange): boolean => reply !== undefined && reply.code < 400

/** What is known of the whole session, so that each refusal is judged in constant time. */
interface Outline {
  /** Where the last of these stands: -1 for never. */
  readonly helloAt: number
  readonly loginAt: number
  readonly onwardAt: number
  readonly transactions: ReadonlyMap<number, Transaction>
}

interface Transaction {
  mailRefused: boolean
  recipients: number
  refused: number
  accepted: boolean
}

const outline = (exchanges: ReadonlyArray<Exchange>): Outline => {
  const transactions = new Map<number, Transaction>()
  let helloAt = -1
  let loginAt = -1
  let onwardAt = -1
  exchanges.forEach((exchange, at) => {
    const { phase, reply, transaction, unasked } = exchange
    if (isPositive(exchange)) {
      if (phase === "ehlo") helloAt = at
      if (phase === "mail" || phase === "auth") onwardAt = at
      if (reply?.code === 235) loginAt = at
    }
    if (transaction === 0 || unasked) return
    const seen = transactions.get(transaction) ?? { mailRefused: false, recipients: 0, refused: 0, accepted: false }
    transactions.set(transaction, seen)
    if (phase === "mail") seen.mailRefused ||= isNegative(exchange)
    if (phase === "rcpt") {
      seen.recipients++
      if (isNegative(exchange)) seen.refused++
    }
    if (phase === "verdict") seen.accepted ||= reply !== undefined && reply.code < 300
  })
  return { helloAt, loginAt, onwardAt, transactions }
}

const noPart = /^(?:NOOP|VRFY|EXPN|HELP|XCLIENT|XFORWARD|CLIENTID)$/

/** Was this refusal got over, or does it matter to nobody? */
const isOvercome = (exchange: Exchange, at: number, all: ReadonlyArray<Exchange>, session: Outline): boolean => {
  const code = exchange.reply?.code ?? 0
  if (code === 421) return exchange.unasked && at === all.length - 1 && isIdle(all)
  switch (exchange.phase) {
    case "ehlo":
      return session.helloAt > at || (exchange.verb === "HELO" && isEhloRefused(all[at - 1]))
    case "auth":
      return session.loginAt > at
    case "starttls":
      return session.onwardAt > at
    case "rset":
    case "quit":
      return true
    case "mail":
    case "rcpt":
    case "data":
    case "content":
    case "verdict":
      return noPart.test(exchange.verb)
    default:
      return false
  }
}

/** EHLO's reply is the one that counts: HELO was only tried because of it. */
const isEhloRefused = (exchange: Exchange | undefined): boolean =>
  exchange?.verb === "EHLO" && isNegative(exchange) && exchange.reply?.complete === true

/** The last transaction was done with, and nothing was open. */
const isIdle = (exchanges: ReadonlyArray<Exchange>): boolean => {
  const last = exchanges.findLast(({ unasked }) => !unasked)
  return last !== undefined && last.reply !== undefined && last.phase === "verdict" && last.reply.code < 400
}

/** Only follows from an earlier refusal of the same transaction. */
const isConsequence = ({ phase, transaction }: Exchange, { transactions }: Outline): boolean => {
  const same = transactions.get(transaction)
  if (same === undefined) return false
  if (phase === "rcpt") return same.mailRefused
  const nobody = same.mailRefused || (same.recipients > 0 && same.recipients === same.refused)
  return nobody && (phase === "data" || phase === "content" || phase === "verdict")
}

const words = (exchange: Exchange): string => exchange.reply?.lines.join(" ") ?? ""

/** In the words of our own connector, of Node, of libc, of .NET: why a dial failed. */
export const dialKind = (problem: string): Kind => {
  const text = problem.toLowerCase()
  const has = (...signs: ReadonlyArray<string>) => signs.some((sign) => text.includes(sign))
  if (
    has(
      "enotfound",
      "eai_again",
      "eai_fail",
      "enodata",
      "getaddrinfo",
      "no host of this name",
      "name server",
      "no address",
      "not known",
      "no such host",
      "nxdomain",
      "name or service",
      "could not be resolved"
    )
  ) return "ConnectionFailed/HostNotFound"
  if (has("econnrefused", "refused", "econnreset", "connection reset")) return "ConnectionFailed/Refused"
  if (
    has("etimedout", "unreach", "timed out", "timeout", "no answer", "no way", "network down", "host down", "no route")
  ) {
    return "ConnectionFailed/Unreachable"
  }
  if (has("proxy", "socks")) return "ConnectionFailed/Proxy"
  if (has("wrong version number", "packet length too long", "ssl3_get_record", "unknown protocol", "plain text")) {
    return "TlsFailed/PlainServerOnTlsPort"
  }
  if (has("certificate", "self-signed", "self signed", "cert_", "altname", "unable to verify")) {
    return "CertificateRejected"
  }
  if (has("handshake", "tls", "ssl", "eproto")) return "TlsFailed/Handshake"
  return "ConnectionFailed/Other"
}

/** A `Failed` event names its reason by tag; the kind within shows in our own words, which do not change. */
export const failedKind = (reason: string, message: string): Kind => {
  const has = (sign: string) => message.includes(sign)
  switch (reason) {
    case "ConnectionFailed":
      return has("no way through the proxy")
        ? "ConnectionFailed/Proxy"
        : has("name is not known")
        ? "ConnectionFailed/HostNotFound"
        : has("nothing listens there")
        ? "ConnectionFailed/Refused"
        : has("there is no way to the host")
        ? "ConnectionFailed/Unreachable"
        : dialKind(message)
    case "ConnectionLost":
      return has("was reset") ? "ConnectionLost/Reset" : "ConnectionLost/Closed"
    case "TimedOut":
      return has("sendTimeOut") ? "TimedOut/send" : "TimedOut/phase"
    case "TlsFailed":
      return has("not TLS from the first octet")
        ? "TlsFailed/PlainServerOnTlsPort"
        : has("speaks TLS from the first octet on this port")
        ? "TlsFailed/TlsServerOnPlainPort"
        : has("behind the reply to STARTTLS")
        ? "TlsFailed/PlaintextInjected"
        : "TlsFailed/Handshake"
    case "AuthenticationUnavailable":
      return has("no mechanism in common")
        ? "AuthenticationUnavailable/NoCommonMechanism"
        : has("without verified TLS")
        ? "AuthenticationUnavailable/ClearTextForbidden"
        : "AuthenticationUnavailable/NotOffered"
    default:
      return reason
  }
}

/** Of our own sentence about a certificate, what its verification found. */
const verdictIn = (message: string): string =>
  /vouch for .*?: (.*?)(?:; if the certificate|$)/s.exec(message.slice(0, 2_000))?.[1] ?? message

const ofReply: ReadonlySet<string> = new Set([
  "ServerRefused",
  "AuthenticationFailed",
  "SenderRefused",
  "RecipientsRefused",
  "ContentRefused"
])

const isSecured = (event: LogEvent): boolean =>
  event._tag === "Secured" || (event._tag === "Connected" && event.secured) ||
  (event._tag === "Note" && openingNote(event.text)?.secured === true)

/** How the connection ended, in our own words or 4D's, which don't say who ended it. */
const closing = (
  done: ReadonlyArray<LogEvent>
): { readonly by: "client" | "server" | "network"; readonly event: LogEvent } | undefined => {
  const event = done.findLast((each) => each._tag === "Closed" || (each._tag === "Note" && isClosingNote(each.text)))
  return event === undefined ? undefined : { event, by: event._tag === "Closed" ? event.by : "client" }
}

const localTime = 5_000

export const find = (dialogue: Dialogue): ReadonlyArray<Trouble> => {
  const { authenticated, done, exchanges, host, port } = dialogue
  const server = serverOf(host, greetingsOf(dialogue))
  const troubles: Array<Trouble> = []
  const securedAt = done.find(isSecured) ??
    exchanges.find(({ phase, reply }) => phase === "starttls" && reply?.code === 220)?.reply?.events.at(-1)
  const loginAt = exchanges.find(({ reply }) => reply?.code === 235)?.reply?.events.at(-1)

  const facts = (kind: Kind, phase: Phase, text: string, exchange?: Exchange): Facts => {
    const seen = exchange?.reply
    const first = seen?.events[0]
    return {
      kind,
      phase,
      code: seen?.code,
      enhanced: seen?.enhanced,
      text,
      providers: withReply(server, text),
      secured: first === undefined || securedAt === undefined
        ? securedAt !== undefined
        : securedAt.counter < first.counter,
      authenticated: first === undefined || loginAt === undefined ? authenticated : loginAt.counter < first.counter,
      port
    }
  }

  const session = outline(exchanges)
  const failed = done.filter((event) =>
    event._tag === "Failed" || event._tag === "TimedOut" || event._tag === "AttemptFailed"
  )
  const failure = failed.findLast((event) => event._tag === "Failed")
  /** Replies that are the violation itself, or only answer that the client gave up because of it. */
  const violating: Array<LogEvent> = []
  exchanges.forEach((exchange, at) => {
    if (failure !== undefined && isOutranked(exchange, failure)) {
      violating.push(...challengeBefore(exchanges, at), ...carriers(exchange))
      return
    }
    if (!isNegative(exchange) || isOvercome(exchange, at, exchanges, session) || isConsequence(exchange, session)) {
      return
    }
    const evidence = [...challengeBefore(exchanges, at), ...carriers(exchange)]
    troubles.push({
      facts: facts("reply", exchange.phase, words(exchange), exchange),
      evidence,
      transaction: exchange.transaction,
      partial: session.transactions.get(exchange.transaction)?.accepted === true
    })
  })

  const closed = closing(done)
  if (failure !== undefined) {
    const { message, phase, reason } = failure
    const about = failed.filter((event) => event._tag !== "Failed")
    const last = troubles.at(-1)
    if (ofReply.has(reason) && last !== undefined) {
      troubles[troubles.length - 1] = { ...last, evidence: [...last.evidence, failure] }
    } else if (reason === "TlsUnavailable" && last?.facts.phase === "starttls") {
      troubles[troubles.length - 1] = { ...last, evidence: [...last.evidence, failure] }
    } else {
      const pending = exchanges.findLast((exchange) => exchange.reply === undefined)
      troubles.push({
        facts: facts(
          failedKind(reason, message),
          phase,
          reason === "CertificateRejected" ? verdictIn(message) : message
        ),
        evidence: [
          ...new Set([...violating, ...about, ...(pending?.sent === undefined ? [] : [pending.sent]), failure])
        ],
        transaction: pending?.transaction ?? 0,
        partial: false
      })
    }
    return troubles
  }

  const timedOut = failed.findLast((event) => event._tag === "TimedOut")
  const unanswered = exchanges.findLast((exchange) => exchange.reply === undefined)
  if (timedOut !== undefined) {
    const evidence = [...(unanswered?.sent === undefined ? [] : [unanswered.sent]), timedOut]
    troubles.push({ facts: facts("TimedOut/phase", timedOut.phase, ""), evidence, transaction: 0, partial: false })
    return troubles
  }
  if (exchanges.length === 0) {
    const attempts = failed.filter((event) => event._tag === "AttemptFailed")
    const attempt = attempts.at(-1)
    if (attempt !== undefined) {
      const text = attempts.map(({ problem }) => problem).join("; ")
      troubles.push({
        facts: facts(dialKind(text), "connect", text),
        evidence: attempts,
        transaction: 0,
        partial: false
      })
      return troubles
    }
  }
  const said = done.findLast((event) => event._tag === "Note" && troublesome.test(event.text))
  if (said?._tag === "Note" && troubles.length === 0 && (unanswered !== undefined || exchanges.length === 0)) {
    const kind = dialKind(said.text)
    const dialling = exchanges.every((exchange) => exchange.reply === undefined)
    if (dialling || !kind.startsWith("ConnectionFailed")) {
      troubles.push({
        facts: facts(kind, dialling ? "connect" : dialogue.stage, said.text),
        evidence: [said],
        transaction: 0,
        partial: false
      })
      return troubles
    }
  }
  if (closed !== undefined && unanswered !== undefined && unanswered.phase !== "quit" && troubles.length === 0) {
    const before = unanswered.sent ?? done.find((event) => event._tag === "Connected")
    const waited = before === undefined ? 0 : closed.event.time - before.time
    const kind = closed.by === "network"
      ? "ConnectionLost/Reset"
      : closed.by === "client" && waited >= localTime
      ? "TimedOut/phase"
      : "ConnectionLost/Closed"
    troubles.push({
      facts: facts(kind, unanswered.phase, ""),
      evidence: [...(before === undefined ? [] : [before]), closed.event],
      transaction: unanswered.transaction,
      partial: false
    })
  }
  return troubles
}

/** What other programs write where ours has events. */
const troublesome =
  /\b(?:E(?:CONN|NOTFOUND|AI_|TIMEDOUT|HOST|NET|PROTO|SOCKET|DNS|TLS|PIPE)\w*|ERR_\w+|getaddrinfo|tim(?:ed |e)out|refused|unreachable|reset by|handshake fail\w*|certificate (?:verify|verification|has expired)|self.signed|wrong version number)\b/i

const carriers = ({ reply, sent }: Exchange): ReadonlyArray<LogEvent> => [
  ...(sent === undefined ? [] : [sent]),
  ...(reply?.events ?? [])
]

/** Is this what made us give up, or the answer to that? */
const isOutranked = (
  { phase, reply, sent, unasked, verb }: Exchange,
  failure: Extract<LogEvent, { readonly _tag: "Failed" }>
): boolean => {
  const isBroken = failure.reason === "ProtocolViolation" || failure.reason === "LimitExceeded"
  if (!isBroken || reply === undefined || phase !== failure.phase) return false
  const [first] = reply.events
  if (first === undefined || first.counter > failure.counter) return false
  return !reply.complete || unasked || (verb === "*" && sent?._tag === "ClientLine" && sent.line === "*")
}

/** The commands and challenges of the login that a refusal ends: the AUTH line is evidence too. */
const challengeBefore = (exchanges: ReadonlyArray<Exchange>, at: number): ReadonlyArray<LogEvent> => {
  const exchange = exchanges[at]
  if (exchange?.phase !== "auth" || exchange.verb !== "*") return []
  let from = at
  while (from > 0 && exchanges[from]?.verb === "*") from--
  const begun = exchanges[from]?.sent
  return begun === undefined ? [] : [begun]
}

export interface Wait {
  /** What was waited for. "client": the client let the server wait. */
  readonly what: "connect" | "tls" | "reply" | "content" | "client"
  readonly phase: Phase
  readonly milliseconds: number
  /** Counters of the events between which the time passed. */
  readonly from: number
  readonly to: number
}

/** Where the time went, in the order in which it passed. Each moment is counted once, as what it was waited for. */
export const waits = (events: ReadonlyArray<LogEvent>, { exchanges }: Dialogue): ReadonlyArray<Wait> => {
  const found: Array<Wait> = []
  const places = new Map(events.map((event, at) => [event, at]))
  const placeOf = (event: LogEvent | undefined) => event === undefined ? -1 : places.get(event) ?? -1
  const later = (a: LogEvent | undefined, b: LogEvent | undefined) => placeOf(a) >= placeOf(b) ? a : b
  const add = (what: Wait["what"], phase: Phase, from: LogEvent | undefined, to: LogEvent | undefined, ms?: number) => {
    if (from === undefined || to === undefined) return
    const milliseconds = ms ?? to.time - from.time
    if (milliseconds >= 0) found.push({ what, phase, milliseconds, from: from.counter, to: to.counter })
  }

  const connecting = events.find((event) => event._tag === "Connecting")
  const connected = events.find((event) =>
    event._tag === "Connected" || (event._tag === "Note" && openingNote(event.text) !== undefined)
  )
  const unconnected = connected ?? events.findLast((event) => event._tag === "AttemptFailed") ??
    events.find((event) => event._tag === "TimedOut" || event._tag === "Failed")
  // TLS comes before `Connected` is told, where it is implicit
  const isImplicit = connected?._tag === "Connected" && connected.secured
  const secured = isImplicit ? events.find((event) => event._tag === "Secured") : undefined
  const handshake = secured?.elapsed ?? 0
  if (connecting !== undefined && unconnected !== undefined) {
    add("connect", "connect", connecting, unconnected, Math.max(0, unconnected.time - connecting.time - handshake))
  }

  /** Handshakes and contents: what ends with one of these was no silence, and no wait for a reply. */
  const done = events.filter((event) => event._tag === "Secured" || event._tag === "Content")
  for (const event of done) {
    const phase = event._tag === "Secured" ? "tls" : "content"
    add(phase, phase, event, event, event.elapsed)
  }
  const end = events.find((event) => event._tag === "TimedOut") ??
    events.findLast((event) => event._tag === "Failed" || event._tag === "Closed")
  let before: LogEvent | undefined = connected ?? connecting
  let next = 0
  /** The last of those that came before this. */
  const passed = (place: number): void => {
    for (; next < done.length && placeOf(done[next]) < place; next++) before = later(before, done[next])
  }
  for (const { phase, reply, sent, verb } of exchanges) {
    const first = reply?.events[0]
    const last = reply?.events.at(-1)
    if (sent?._tag === "ClientLine") {
      passed(placeOf(sent))
      if (before !== undefined && placeOf(before) < placeOf(sent) && sent.time > before.time) {
        // of a program whose log has the message's lines, and no event for them
        if (verb === ".") add("content", "content", before, sent)
        else add("client", phase, before, sent)
      }
    }
    if (first !== undefined) passed(placeOf(first))
    const since = later(before, sent)
    if (last !== undefined) {
      add("reply", phase, since, last)
      before = last
    } else if (sent !== undefined) add("reply", phase, since, end)
    else if (phase === "greeting") add("reply", phase, since, end)
  }
  const broken = events.find((event) => (event._tag === "TimedOut" || event._tag === "Failed") && event.phase === "tls")
  if (broken !== undefined && exchanges.some(({ reply }) => reply !== undefined)) add("tls", "tls", before, broken)
  return found
}
