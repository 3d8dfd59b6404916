/**
 * A conversation as its exchanges: which reply answers which command (RFC 5321 §4.2, RFC 2920 §3.1).
 *
 * Events of one session in, exchanges out. Replies are matched in the order of the commands, so pipelined conversations
 * read as any other. It is tolerant: the beginning may be missing (the tail of an error), the log may be another
 * program's (content as client lines, no content at all), and a reply that nothing waits for is kept as such.
 *
 * It judges nothing: what an exchange means is `troubles` and the rules.
 */
import type { ClientLine, Content, LogEvent, Phase, ServerLine } from "../../LogEvent.ts"
import { openingNote } from "../log/foreignNotes.ts"

/** A reply as it was seen: like `Reply`, with the events that carried it, and perhaps without its last line. */
export interface SeenReply {
  readonly code: number
  readonly enhanced: string | undefined
  /** Without code and separator. */
  readonly lines: ReadonlyArray<string>
  readonly events: ReadonlyArray<typeof ServerLine.Type>
  /** The last line was seen. */
  readonly complete: boolean
}

export interface Exchange {
  readonly phase: Phase
  /** In upper case; "" for the greeting, "." for the end of data, "*" for a step of an authentication. */
  readonly verb: string
  readonly sent: typeof ClientLine.Type | typeof Content.Type | undefined
  /** `undefined`: it was never answered. */
  readonly reply: SeenReply | undefined
  /** 1, 2, … for each MAIL of the session; 0 before the first. */
  readonly transaction: number
  /** Nothing had been asked. */
  readonly unasked: boolean
}

export interface Dialogue {
  readonly exchanges: ReadonlyArray<Exchange>
  /** The events that are neither command nor reply nor a line of the content. */
  readonly done: ReadonlyArray<LogEvent>
  /** Where the session stood at the end. */
  readonly stage: Phase
  readonly secured: boolean
  readonly authenticated: boolean
  /** Host that was dialled, greeting and EHLO's first line: where a provider shows itself. */
  readonly host: string | undefined
  readonly port: number | undefined
  /** AUTH's parameters, and the keywords of the last EHLO reply, in upper case. */
  readonly keywords: ReadonlyMap<string, string>
}

interface Open {
  phase: Phase
  verb: string
  sent: Exchange["sent"]
  reply: SeenReply | undefined
  transaction: number
  unasked: boolean
}

const phases: Readonly<Record<string, Phase>> = {
  EHLO: "ehlo",
  HELO: "ehlo",
  LHLO: "ehlo",
  STARTTLS: "starttls",
  AUTH: "auth",
  MAIL: "mail",
  RCPT: "rcpt",
  DATA: "data",
  BDAT: "content",
  RSET: "rset",
  QUIT: "quit"
}

/** `2.1.5` at the beginning of a reply's text, of the reply's own class (RFC 2034 §4, RFC 3463 §2). */
const enhancedCode = /^([245])\.\d{1,3}\.\d{1,3}(?![\d.])/
/** `#5.7.1`, `(5.7.1)`: the old ways of Qmail and Exchange. */
const looseCode = /^[^\w]{0,3}\(?#?([45]\.\d{1,3}\.\d{1,3})(?![\d.])/

export const enhancedOf = (code: number, lines: ReadonlyArray<string>): string | undefined => {
  const own = String(Math.floor(code / 100))
  for (const line of lines) {
    const found = (enhancedCode.exec(line) ?? looseCode.exec(line))?.[0].replace(/^[^\d]+/, "")
    if (found !== undefined && found.startsWith(own)) return found
  }
  return undefined
}

const stars = /^\*{4,}$/

const verbOf = (line: string): string => /^[A-Za-z]{3,12}(?=$|[ :\t])/.exec(line)?.[0].toUpperCase() ?? ""

/** The code of a reply line, 0 where it is none; and whether another line follows. */
const codeOf = (line: string): number => {
  const found = /^[2-5]\d\d(?=$|[ -])/.exec(line)
  return found === null ? 0 : Number(found[0])
}

export const read = (events: ReadonlyArray<LogEvent>): Dialogue => {
  const exchanges: Array<Open> = []
  const pending: Array<Open> = []
  const done: Array<LogEvent> = []
  let partial: { code: number; lines: Array<string>; events: Array<typeof ServerLine.Type> } | undefined
  let stage: Phase = "connect"
  let transaction = 0
  let inContent = false
  let inLogin = false
  let lmtp = false
  /** STARTTLS got its 220: what comes next is under TLS, also in logs that don't tell of the handshake. */
  let tlsAgreed = false
  let acceptedRecipients = 0
  let secured = false
  let authenticated = false
  let host: string | undefined
  let port: number | undefined
  let keywords = new Map<string, string>()

  const open = (phase: Phase, verb: string, sent: Exchange["sent"]): void => {
    const exchange: Open = { phase, verb, sent, reply: undefined, transaction, unasked: false }
    exchanges.push(exchange)
    pending.push(exchange)
    stage = phase
  }

  const endOfData = (sent: Exchange["sent"]): void => {
    inContent = false
    contentSeenFor = transaction
    const replies = lmtp ? Math.max(1, acceptedRecipients) : 1
    for (let n = 0; n < replies; n++) open("verdict", ".", sent)
  }

  const command = (event: typeof ClientLine.Type): void => {
    const { line } = event
    if (tlsAgreed) secured = true
    if (inContent) {
      if (line === ".") endOfData(event)
      return
    }
    if (line === "." && exchanges.at(-1)?.verb === "DATA") return endOfData(event)
    if (inLogin || stars.test(line)) {
      inLogin = false
      return open("auth", "*", event)
    }
    const verb = verbOf(line)
    const phase = phases[verb]
    if (verb === "LHLO") lmtp = true
    if (verb === "MAIL") {
      transaction++
      acceptedRecipients = 0
    }
    if (verb === "BDAT" && /\sLAST\s*$/i.test(line)) return open("verdict", "BDAT", event)
    open(phase ?? (stage === "connect" ? "greeting" : stage), verb, event)
  }

  const answered = (exchange: Open, reply: SeenReply): void => {
    const positive = reply.code < 400
    if (exchange.verb === "" && exchange.phase === "greeting") return
    if (exchange.phase === "ehlo" && positive) {
      keywords = new Map(
        reply.lines.slice(1).map((line) => {
          const [keyword = "", ...parameters] = line.trim().split(/[ =]+/)
          return [keyword.toUpperCase(), parameters.join(" ").toUpperCase()]
        })
      )
    } else if (exchange.phase === "auth") {
      inLogin = reply.code === 334
      if (reply.code === 235) authenticated = true
    } else if (exchange.phase === "starttls") tlsAgreed = positive
    else if (exchange.phase === "rcpt" && positive) acceptedRecipients++
    else if (exchange.verb === "DATA" && reply.code === 354) inContent = contentSeenFor !== exchange.transaction
  }

  /** Pipelined logs may have the content before the 354 that it answers. */
  let contentSeenFor = 0

  const reply = (event: typeof ServerLine.Type): void => {
    const code = codeOf(event.line)
    if (code === 0) {
      if (partial === undefined) done.push(event)
      else {
        partial.lines.push(event.line)
        partial.events.push(event)
      }
      return
    }
    if (partial !== undefined && partial.code !== code) finish(false)
    partial ??= { code, lines: [], events: [] }
    partial.lines.push(event.line.slice(4))
    partial.events.push(event)
    if (event.line.charAt(3) !== "-") finish(true)
  }

  const finish = (complete: boolean): void => {
    if (partial === undefined) return
    const { code, events: carriers, lines } = partial
    partial = undefined
    const seen: SeenReply = { code, lines, events: carriers, complete, enhanced: enhancedOf(code, lines) }
    if (pending.length === 0 && inContent) {
      const last = exchanges.findLast((exchange) => exchange.verb === "DATA")
      inContent = false
      exchanges.push({
        phase: "verdict",
        verb: ".",
        sent: undefined,
        reply: seen,
        transaction,
        unasked: last === undefined
      })
      stage = "verdict"
      return
    }
    const waiting = pending.shift()
    if (waiting !== undefined) {
      waiting.reply = seen
      return answered(waiting, seen)
    }
    const first = exchanges.length === 0
    const phase: Phase = !first ? stage : code === 220 || code >= 400 ? "greeting" : guessPhase(code)
    const exchange: Open = {
      phase,
      verb: "",
      sent: undefined,
      reply: seen,
      transaction,
      unasked: !first || phase !== "greeting"
    }
    if (first) stage = phase
    exchanges.push(exchange)
    answered(exchange, seen)
  }

  for (const event of events) {
    switch (event._tag) {
      case "ClientLine":
        finish(false)
        command(event)
        break
      case "ServerLine":
        reply(event)
        break
      case "HeaderLine":
      case "BodyLine":
        break
      case "Content": {
        const last = exchanges.at(-1)
        if (last?.verb !== "BDAT") endOfData(event)
        inContent = false
        done.push(event)
        break
      }
      case "Connecting":
        host = event.host
        port = event.port
        done.push(event)
        break
      case "Connected":
        host = event.host
        port = event.port
        secured = event.secured
        if (exchanges.length === 0) open("greeting", "", undefined)
        done.push(event)
        break
      case "Secured":
        secured = true
        if (beforeTls.has(stage)) stage = "tls"
        done.push(event)
        break
      case "Note": {
        const opened = openingNote(event.text)
        if (opened !== undefined) {
          host = opened.host
          port = opened.port
          secured = opened.secured
          if (exchanges.length === 0) open("greeting", "", undefined)
        }
        done.push(event)
        break
      }
      default:
        if (event._tag !== "Opened" && event._tag !== "LogState") finish(false)
        done.push(event)
    }
  }
  finish(false)
  return { exchanges, done, stage, secured, authenticated, host, port, keywords }
}

const beforeTls: ReadonlySet<Phase> = new Set<Phase>(["connect", "starttls"])

const guessPhase = (code: number): Phase =>
  code === 334 || code === 235 ? "auth" : code === 354 ? "data" : code === 221 ? "quit" : "ehlo"
