/** A conversation in plain words, step by step: the walk-through that a support engineer would give. */
import type { LogEvent, Phase } from "../../LogEvent.ts"
import { escape } from "../log/escape.ts"
import { isClosingNote, openingNote } from "../log/foreignNotes.ts"
import type { Dialogue, Exchange } from "./dialogue.ts"

interface Step {
  readonly from: number
  readonly to: number
  readonly phase: Phase
  readonly text: string
  readonly isTrouble: boolean
}

const shorten = (text: string): string => escape(text.length <= 120 ? text : `${text.slice(0, 119)}…`)

const asked = ({ phase, sent, verb }: Exchange): string => {
  const line = sent?._tag === "ClientLine" ? sent.line : ""
  switch (verb) {
    case "":
      return "The server spoke"
    case "*":
      return "The client sent its credentials"
    case ".":
      return sent?._tag === "Content" ? `The content was sent (${sent.octets} octets)` : "The content was sent"
    case "EHLO":
    case "HELO":
    case "LHLO":
      return `The client introduced itself as ${shorten(line.slice(5))}`
    case "STARTTLS":
      return "The client asked for TLS"
    case "AUTH":
      return `The client began to log in (${shorten(line.slice(5).split(" ")[0] ?? "")})`
    case "MAIL":
    case "RCPT": {
      const path = shorten(line.slice(line.indexOf(":") + 1).trim())
      return verb === "MAIL" ? `The client named the sender ${path}` : `The client named the recipient ${path}`
    }
    case "DATA":
      return "The client asked to send the content"
    case "QUIT":
      return "The client said goodbye"
    default:
      return phase === "verdict"
        ? "The last chunk of the content was sent"
        : `The client said ${shorten(verb === "" ? line : verb)}`
  }
}

const extensions = (count: number): string =>
  count === 0 ? "no extension" : count === 1 ? "1 extension" : `${count} extensions`

const answered = ({ phase, reply, verb }: Exchange): string => {
  if (reply === undefined) return "; no answer is in the log"
  const { code, lines } = reply
  const said = shorten(lines.join(" / "))
  if (verb === "" && phase === "greeting") {
    return code < 400
      ? `: it greeted as ${said}`
      : `: it refused, ${code} ${said}`
  }
  if (code >= 400) return `; the server refused: ${code} ${said}`
  if (phase === "ehlo" && verb !== "HELO") return `; the server offers ${extensions(lines.length - 1)}`
  if (code === 334) return "; the server asked on"
  if (code === 235) return "; the server accepted the login"
  if (code === 354) return "; the server waits for it"
  return phase === "verdict" ? `; the server accepted the message: ${said}` : "; the server agreed"
}

const done = (event: LogEvent): string | undefined => {
  switch (event._tag) {
    case "Connecting":
      return `Connecting to ${shorten(event.host)} on port ${event.port}, TLS ${event.tls}`
    case "AttemptFailed":
      return `The address ${shorten(event.address)} did not answer: ${shorten(event.problem)}`
    case "Connected":
      return `Connected to ${shorten(event.host)} on port ${event.port}, ${
        event.secured ? "protected by TLS" : "in plain text"
      }`
    case "Secured":
      return `TLS is on (${shorten(event.tls.protocol)}, the certificate is ${
        event.tls.verified ? "verified" : "not verified"
      })`
    case "TimedOut":
      return `Nothing came for ${event.limit / 1_000} s`
    case "Failed":
      return `It failed: ${shorten(event.message)}`
    case "Closed":
      return event.by === "network" ? "The connection broke" : `The ${event.by} closed the connection`
    case "Note": {
      const opened = openingNote(event.text)
      if (opened !== undefined) {
        return `Connected to ${shorten(opened.host)} on port ${opened.port}, ${
          opened.secured ? "protected by TLS" : "in plain text"
        }`
      }
      return isClosingNote(event.text) ? "The connection was closed" : shorten(event.text)
    }
    case "Lost":
      return `The log lost ${event.count} events here`
    case "Unread":
      return `Line ${event.lineNumber} of ${shorten(event.source)} could not be read`
    default:
      return undefined
  }
}

const troublesome: ReadonlySet<LogEvent["_tag"]> = new Set(["AttemptFailed", "TimedOut", "Failed", "Lost", "Unread"])

export const make = (dialogue: Dialogue): ReadonlyArray<Step> => {
  const steps: Array<Step> = []
  for (const exchange of dialogue.exchanges) {
    const carriers: ReadonlyArray<LogEvent> = [
      ...(exchange.sent === undefined ? [] : [exchange.sent]),
      ...(exchange.reply?.events ?? [])
    ]
    const [first] = carriers
    const last = carriers.at(-1)
    if (first === undefined || last === undefined) continue
    steps.push({
      from: first.counter,
      to: last.counter,
      phase: exchange.phase,
      text: `${asked(exchange)}${answered(exchange)}`,
      isTrouble: exchange.reply === undefined || exchange.reply.code >= 400
    })
  }
  for (const event of dialogue.done) {
    const text = done(event)
    if (text === undefined) continue
    const phase = event._tag === "Failed" || event._tag === "TimedOut"
      ? event.phase
      : event._tag === "Secured"
      ? "tls"
      : "connect"
    steps.push({ from: event.counter, to: event.counter, phase, text, isTrouble: troublesome.has(event._tag) })
  }
  return steps.toSorted((a, b) => a.from - b.from)
}
