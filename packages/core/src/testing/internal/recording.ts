/**
 * A recorded conversation read back: which reply answered which command, in the order of the protocol.
 *
 * The interleaving of a pipelined conversation is left behind: replies are matched in the order of the commands (RFC 2920
 * §3.1), and so are the final replies of LMTP. Content is an exchange of its own: what was sent, and the verdict.
 *
 * What is played from it, and how the conversation ends, is `recordedOps`.
 */
import type { LogEvent } from "../../LogEvent.ts"
import type { TlsInfo } from "../../Tls.ts"

type ServerLine = LogEvent & { readonly _tag: "ServerLine" }

export interface Exchange {
  /**
   * - `unasked`: nobody asked.
   * - `login`: a response within AUTH.
   * - `chunk`: BDAT with its octets.
   */
  readonly kind: "greeting" | "command" | "login" | "content" | "chunk" | "unasked"
  /** The client's line as it was recorded, empty where there was none. */
  readonly line: string
  readonly verb: string
  readonly time: number
  readonly counter: number
  /** Reply lines in order; final replies of LMTP one after the other. */
  readonly reply: ReadonlyArray<ServerLine>
  readonly isAnswered: boolean
  /** What the handshake behind this reply to STARTTLS found out. */
  readonly tls: TlsInfo | undefined
}

interface Open extends Exchange {
  reply: Array<ServerLine>
  isAnswered: boolean
  tls: TlsInfo | undefined
  readonly transaction: { accepted: number }
  /** Replies that are still due. */
  due: number | undefined
}

export const codeOf = (line: string): number => Number(/^[2-5]\d\d(?=$|[ -])/.exec(line)?.[0] ?? 0)
export const verbOf = (line: string): string => /^[A-Za-z]{3,12}(?=$|[ :\t])/.exec(line)?.[0].toUpperCase() ?? ""
const isLastChunk = (line: string): boolean => /\sLAST\s*$/i.test(line)

/** `isBroken`: the connection did not survive the content, so a reply before its end was said in the middle of it. */
export const exchangesOf = (events: ReadonlyArray<LogEvent>, isBroken: boolean): ReadonlyArray<Exchange> => {
  const all: Array<Open> = []
  const pending: Array<Open> = []
  let inLogin = false
  let contentIsDue = false
  let isLmtp = false
  let transaction = { accepted: 0 }

  const open = (kind: Exchange["kind"], line: string, { counter, time }: LogEvent): Open => {
    const exchange: Open = {
      kind,
      line,
      verb: kind === "command" ? verbOf(line) : "",
      time,
      counter,
      reply: [],
      isAnswered: false,
      tls: undefined,
      transaction,
      due: undefined
    }
    all.push(exchange)
    pending.push(exchange)
    return exchange
  }
  const content = (event: LogEvent) => {
    contentIsDue = false
    return open("content", "", event)
  }

  const command = (event: LogEvent & { readonly _tag: "ClientLine" }) => {
    const { line } = event
    if (inLogin) {
      inLogin = false
      return open("login", line, event)
    }
    if (contentIsDue) {
      content(event)
      if (line === ".") return
    }
    const verb = verbOf(line)
    if (verb === "LHLO") isLmtp = true
    if (verb === "MAIL") transaction = { accepted: 0 }
    open(verb === "BDAT" ? "chunk" : "command", line, event)
  }

  const answered = (exchange: Open, line: string) => {
    const code = codeOf(line)
    const isVerdict = exchange.kind === "content" || (exchange.kind === "chunk" && isLastChunk(exchange.line))
    exchange.due = (exchange.due ?? (isLmtp && isVerdict ? Math.max(1, exchange.transaction.accepted) : 1)) - 1
    if (exchange.due > 0) return
    exchange.isAnswered = true
    pending.shift()
    if (exchange.verb === "AUTH" || exchange.kind === "login") inLogin = code === 334
    if (exchange.verb === "RCPT" && code > 0 && code < 300) exchange.transaction.accepted++
    if (exchange.verb === "DATA" && code === 354) contentIsDue = true
  }

  for (const event of events) {
    switch (event._tag) {
      case "ClientLine":
        command(event)
        break
      case "Content":
        if (contentIsDue) content(event)
        break
      case "Secured": {
        const asked = all.findLast(({ verb }) => verb === "STARTTLS")
        if (asked?.isAnswered === true) asked.tls ??= event.tls
        break
      }
      case "ServerLine": {
        const waiting = pending[0] ??
          (all.length === 0
            ? open("greeting", "", event)
            : contentIsDue && !isBroken
            ? content(event)
            : open("unasked", "", event))
        waiting.reply.push(event)
        if (codeOf(event.line) === 0 || event.line.charAt(3) !== "-") answered(waiting, event.line)
        break
      }
      default:
        break
    }
  }
  return all
}
