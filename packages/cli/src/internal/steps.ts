/**
 * The steps of connecting, told from the log events of one session: each with the time it took.
 *
 * Invariant: it says nothing that the log does not say, so it holds no secret. A step is complete when the server has
 * answered; what a broken connection leaves incomplete is in the error.
 */
import type * as LogEvent from "@colloquy/core/LogEvent"
import type * as Tls from "@colloquy/core/Tls"

export type Step =
  | { readonly step: "server"; readonly host: string; readonly port: number; readonly tls: string }
  | {
    readonly step: "attempt"
    readonly ms: number
    readonly address: string
    readonly port: number
    readonly problem: string
  }
  | { readonly step: "connect"; readonly ms: number; readonly address: string | undefined; readonly port: number }
  | { readonly step: "tls"; readonly ms: number; readonly tls: Tls.TlsInfo }
  | { readonly step: "greeting" | "starttls"; readonly ms: number; readonly reply: string }
  | { readonly step: "ehlo"; readonly ms: number; readonly name: string; readonly extensions: ReadonlyArray<string> }
  | { readonly step: "auth"; readonly ms: number; readonly mechanism: string; readonly reply: string }
  | { readonly step: "note"; readonly text: string }

const isLastLine = (line: string) => line[3] !== "-"
const isChallenge = (line: string) => line.startsWith("334")

/** Give it every event in order; it gives back the steps that are complete. */
export const make = () => {
  /** When the step that is going on began. */
  let since = 0
  let command: string | undefined
  let reply: Array<string> = []

  const answered = (line: string, time: number): ReadonlyArray<Step> => {
    reply.push(line)
    if (!isLastLine(line)) return []
    const lines = reply
    reply = []
    const ms = time - since
    const last = lines.join(" / ")
    const [verb = "", argument = ""] = (command ?? "").split(" ")
    if (command === undefined) {
      since = time
      return [{ step: "greeting", ms, reply: last }]
    }
    switch (verb) {
      case "EHLO":
      case "LHLO":
      case "HELO":
        return [{ step: "ehlo", ms, name: argument, extensions: lines.slice(1).map((each) => each.slice(4)) }]
      case "STARTTLS":
        since = time
        return [{ step: "starttls", ms, reply: last }]
      case "AUTH":
        return isChallenge(line) ? [] : [{ step: "auth", ms, mechanism: argument, reply: last }]
      default:
        return []
    }
  }

  return (event: LogEvent.LogEvent): ReadonlyArray<Step> => {
    switch (event._tag) {
      case "Connecting":
        since = event.time
        return [{ step: "server", host: event.host, port: event.port, tls: event.tls }]
      case "AttemptFailed":
        return [{
          step: "attempt",
          ms: event.elapsed,
          address: event.address,
          port: event.port,
          problem: event.problem
        }]
      case "Connected": {
        const ms = event.time - since
        since = event.time
        return [{ step: "connect", ms, address: event.address, port: event.port }]
      }
      case "Secured": {
        since = event.time
        return [{ step: "tls", ms: event.elapsed, tls: event.tls }]
      }
      case "ClientLine":
        if (command?.startsWith("AUTH") && !/^(QUIT|AUTH|MAIL|RSET|NOOP)\b/.test(event.line)) return []
        command = event.line
        since = event.time
        return []
      case "ServerLine":
        return answered(event.line, event.time)
      case "Note":
        return [{ step: "note", text: event.text }]
      default:
        return []
    }
  }
}
