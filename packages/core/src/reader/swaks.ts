/**
 * The transcript that swaks prints: `=== ` and `*** ` for what happened, ` -> ` and `<-  ` for what was said, `~` in place
 * of `-` under TLS, `**` where a reply was not the one that was hoped for. It has no times.
 */
import type { Format } from "../internal/reader/format.ts"
import { makeSpeaker } from "../internal/reader/speaker.ts"
import type { LogEvent } from "../LogEvent.ts"

const client = /^ {1,2}(?:->|~>|\*\*>|\*->|\*~>)(?: |$)/
const server = /^<(?:- |~ |\*\*|-\*|~\*|\* )(?: |$)/
const trying = /^=== Trying (.+):(\d{1,5})\.{3}$/
const connected = /^=== Connected to (.+?)\.$/
const started = /^=== TLS started (?:with|w\/) cipher ([^:\s]+):([^:\s]+)/
const connectFailed = /^\*\*\* (?:\t| {2,})(?:IO::\S+: )?(.*)$/
const tlsFailed = /^\*\*\* TLS startup failed \(?(.*?)\)?$/

export const format: Format = {
  recognises: (line) =>
    trying.test(line) || connected.test(line) || /^<(?:- |~ |\*\*|~\*) [2-5]\d\d[ -]/.test(line) ||
    /^ [-~]> (?:EHLO|HELO|LHLO) /.test(line),
  make: () => {
    let session = 0
    let host = ""
    let port = 0
    let isTrying = false
    let isOpen = false
    let speaker = makeSpeaker()

    const begin = () => {
      session++
      isOpen = true
      speaker = makeSpeaker()
    }

    return (line, lineNumber) => {
      const head = () => ({ counter: lineNumber, time: 0, process: 0, session })
      const speech = client.exec(line) ?? server.exec(line)
      if (speech !== null) {
        if (!isOpen) begin()
        const said = line.slice(speech[0].length)
        return [line.startsWith("<") ? speaker.server(said, head()) : speaker.client(said, head())]
      }
      const dial = trying.exec(line)
      if (dial !== null) {
        begin()
        isTrying = true
        host = dial[1] ?? ""
        port = Number(dial[2])
        return [{ _tag: "Connecting", ...head(), host, port, tls: port === 465 ? "implicit" : "opportunistic" }]
      }
      const open = connected.exec(line)
      if (open !== null) {
        if (!isTrying) begin()
        isTrying = false
        return [{ _tag: "Connected", ...head(), host: open[1] ?? host, port, secured: false }]
      }
      const tls = started.exec(line)
      if (tls !== null) {
        const [, protocol = "", cipher = ""] = tls
        const info = { protocol, cipher, verified: false, problem: "not told by swaks", chain: [] }
        return [{ _tag: "Secured", ...head(), tls: info, elapsed: 0 }]
      }
      if (line.startsWith("*** ")) return [happened(line, head())]
      if (line.startsWith("=== Connection closed")) {
        isOpen = false
        return [{ _tag: "Closed", ...head(), by: "client", elapsed: 0 }]
      }
      return line.startsWith("=== ") ? [{ _tag: "Note", ...head(), text: line.slice(4) }] : undefined
    }

    function happened(
      line: string,
      head: { counter: number; time: number; process: number; session: number }
    ): LogEvent {
      if (line.startsWith("*** Remote host closed")) {
        isOpen = false
        return { _tag: "Closed", ...head, by: "server", elapsed: 0 }
      }
      const handshake = tlsFailed.exec(line)
      if (handshake !== null) {
        return { _tag: "Failed", ...head, phase: "tls", reason: "TlsFailed", message: handshake[1] ?? "" }
      }
      const dial = connectFailed.exec(line)
      if (dial !== null && isTrying) {
        isOpen = false
        return { _tag: "AttemptFailed", ...head, address: host, port, problem: dial[1] ?? "", elapsed: 0 }
      }
      return { _tag: "Note", ...head, text: line.slice(4) }
    }
  }
}
