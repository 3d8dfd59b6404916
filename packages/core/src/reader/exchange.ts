/**
 * Exchange's protocol logs: CSV with `#` lines that say what is in it, a record an event, sessions by id.
 *
 * In a send log `>` is what Exchange said as the client; in a receive log Exchange is the server, and the directions are
 * the other way round. Without its header the log is taken for a send log until a `>` record carries a reply.
 */
import { type Format, makeSessions } from "../internal/reader/format.ts"
import { type Head, makeSpeaker, type Speaker } from "../internal/reader/speaker.ts"
import type { LogEvent } from "../LogEvent.ts"

const usual = [
  "date-time",
  "connector-id",
  "session-id",
  "sequence-number",
  "local-endpoint",
  "remote-endpoint",
  "event",
  "data",
  "context"
]

/** The fields of one line (RFC 4180); `undefined` where a quote is never closed. Linear. */
export const fields = (line: string): ReadonlyArray<string> | undefined => {
  const found: Array<string> = []
  let at = 0
  while (at <= line.length) {
    if (line.charAt(at) !== "\"") {
      const comma = line.indexOf(",", at)
      const end = comma < 0 ? line.length : comma
      found.push(line.slice(at, end))
      at = end + 1
      continue
    }
    let text = ""
    let from = at + 1
    for (;;) {
      const quote = line.indexOf("\"", from)
      if (quote < 0) return undefined
      text += line.slice(from, quote)
      at = quote + 1
      if (line.charAt(at) !== "\"") break
      text += "\""
      from = at + 1
    }
    found.push(text)
    if (at < line.length && line.charAt(at) !== ",") return undefined
    at++
  }
  return found
}

interface Session {
  readonly session: number
  readonly speaker: Speaker
}

const endpoint = (text: string): { readonly host: string; readonly port: number } => {
  const colon = text.lastIndexOf(":")
  const host = (colon < 0 ? text : text.slice(0, colon)).replace(/^\[|\]$/g, "")
  const port = colon < 0 ? 0 : Number(text.slice(colon + 1))
  return { host, port: Number.isSafeInteger(port) ? port : 0 }
}

const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/
const negotiated = /TLS protocol (\S+) negotiation succeeded(?:.*?algorithm (\S+))?/i
const reply = /^[2-5]\d\d[ -]/

export const format: Format = {
  recognises: (line) => {
    if (line.startsWith("#")) {
      return /^#Software: Microsoft Exchange|^#Log-type: SMTP (?:Send|Receive) Protocol Log|^#Fields: date-time,connector-id/i
        .test(line)
    }
    const found = fields(line)
    return found !== undefined && found.length >= 8 && time.test(found[0] ?? "") && /^[-+*<>]$/.test(found[6] ?? "")
  },
  make: () => {
    let columns: ReadonlyArray<string> = usual
    let isReceive = false
    const sessions = makeSessions((session): Session => ({ session, speaker: makeSpeaker() }))

    return (line, lineNumber) => {
      if (line.startsWith("#")) {
        if (/^#log-type:/i.test(line)) isReceive = /receive/i.test(line)
        if (/^#fields:/i.test(line)) columns = line.slice(8).split(",").map((name) => name.trim())
        return [{ _tag: "Note", counter: lineNumber, time: 0, process: 0, session: 0, text: line.slice(1) }]
      }
      const found = fields(line)
      if (found === undefined) return undefined
      const of = (name: string): string => found[columns.indexOf(name)] ?? ""
      const at = of("date-time")
      const id = of("session-id")
      const kind = of("event")
      if (!time.test(at) || id === "" || !/^[-+*<>]$/.test(kind)) return undefined
      const { session, speaker } = sessions.of(id)
      const head: Head = { counter: lineNumber, time: Date.parse(at), process: 0, session }
      const data = of("data")
      if (kind === ">" && reply.test(data)) isReceive = true
      switch (kind) {
        case ">":
          return [isReceive ? speaker.server(data, head) : speaker.client(data, head)]
        case "<":
          return [isReceive ? speaker.client(data, head) : speaker.server(data, head)]
        case "+": {
          const { host, port } = endpoint(isReceive ? of("local-endpoint") : of("remote-endpoint"))
          return [{ _tag: "Connected", ...head, host, port, secured: false }]
        }
        case "-":
          sessions.forget(id)
          return [{ _tag: "Closed", ...head, by: closedBy(`${data} ${of("context")}`, isReceive), elapsed: 0 }]
        default:
          return [remark(head, data, of("context"), of("remote-endpoint"))]
      }
    }
  }
}

/** `Local`: whose log it is. */
const closedBy = (who: string, isReceive: boolean): "client" | "server" | "network" =>
  /local/i.test(who) === isReceive ? "server" : "client"

const remark = (head: Head, data: string, context: string, remote: string): LogEvent => {
  const text = [data, context].filter((part) => part !== "").join(" ")
  const tls = negotiated.exec(text)
  if (tls !== null) {
    const [, protocol = "", cipher = "unknown"] = tls
    const info = { protocol, cipher, verified: false, problem: "not told by Exchange", chain: [] }
    return { _tag: "Secured", ...head, tls: info, elapsed: 0 }
  }
  if (/^attempting to connect/i.test(context) || /^attempting to connect/i.test(data)) {
    return { _tag: "Connecting", ...head, ...endpoint(remote), tls: "opportunistic" }
  }
  return { _tag: "Note", ...head, text }
}
