/**
 * What Nodemailer writes with `logger: true` and `debug: true`: `[2026-02-06 15:03:12] DEBUG [id] S: 220 …`, times in UTC
 * to the second, an id a connection, and notes of its own. Whatever a log collector puts before the bracket is passed over.
 */
import { type Format, makeSessions } from "../internal/reader/format.ts"
import { makeSpeaker, type Speaker } from "../internal/reader/speaker.ts"
import type { LogEvent } from "../LogEvent.ts"

const record =
  /\[(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)\] (?:TRACE|DEBUG|INFO|WARN|ERROR|FATAL) +(?:\[#([^\]\s]{1,64})\] ?)?(?:\[([^\]\s]{1,64})\] ?)?(?:([SC]):(?: |$))?(.*)$/s
const maxPrefix = 200

interface Session {
  readonly session: number
  readonly speaker: Speaker
  host: string | undefined
  isClosing: boolean
}

const resolved = /^Resolved (\S+) as (\S+)/
const established = /^(Secure c|C)onnection established to \[?([^\]\s]+?)\]?:(\d{1,5})$/i
const size = /^<(\d{1,15}) bytes encoded mime message/

const parse = (line: string): RegExpExecArray | null => {
  const at = line.indexOf("[")
  if (at < 0 || at > maxPrefix) return null
  const found = record.exec(line)
  return found !== null && found.index <= maxPrefix ? found : null
}

export const format: Format = {
  recognises: (line) => parse(line) !== null,
  make: () => {
    const sessions = makeSessions((session): Session => ({
      session,
      speaker: makeSpeaker(),
      host: undefined,
      isClosing: false
    }))
    return (line, lineNumber) => {
      const parts = parse(line)
      if (parts === null) return undefined
      const [, date = "", hour = "", , id, who, text = ""] = parts
      const time = Date.parse(`${date}T${hour}Z`)
      const at = { counter: lineNumber, time: Number.isNaN(time) ? 0 : time, process: 0 }
      if (id === undefined) return [{ _tag: "Note", ...at, session: 0, text }]
      const known = sessions.of(id)
      const head = { ...at, session: known.session }
      if (who === "S") return [known.speaker.server(text, head)]
      if (who === "C") return [known.speaker.client(text, head)]
      return [happened(text, head, known, () => sessions.forget(id))]
    }
  }
}

const happened = (
  text: string,
  head: { readonly counter: number; readonly time: number; readonly process: number; readonly session: number },
  known: Session,
  forget: () => void
): LogEvent => {
  const name = resolved.exec(text)
  if (name !== null) known.host = name[1]
  const open = established.exec(text)
  if (open !== null) {
    const [, secure = "", address = "", port = ""] = open
    const secured = secure.toLowerCase() === "secure c"
    return { _tag: "Connected", ...head, host: known.host ?? address, port: Number(port), address, secured }
  }
  const octets = size.exec(text)
  if (octets !== null) return { _tag: "Content", ...head, octets: Number(octets[1]), lines: 0, elapsed: 0 }
  if (text.startsWith("Closing connection")) known.isClosing = true
  if (/^Connection closed\b/i.test(text)) {
    forget()
    return { _tag: "Closed", ...head, by: known.isClosing ? "client" : "server", elapsed: 0 }
  }
  return { _tag: "Note", ...head, text }
}
