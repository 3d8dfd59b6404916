/**
 * What Nodemailer writes with `logger: true` and `debug: true`: `[2026-02-06 15:03:12] DEBUG [id] S: 220 …`, times in UTC
 * to the second, an id a connection, and notes of its own. Its server (smtp-server) writes the same with `[#id]`.
 *
 * Whatever a log collector puts before a record is passed over, and the time may be missing. Older versions put a colon
 * behind the level, and the further lines of a reply without anything before them. The content stands there without
 * `C: `.
 */
import { type Format, makeSessions } from "../internal/reader/format.ts"
import { makeSpeaker, type Speaker } from "../internal/reader/speaker.ts"
import type { LogEvent } from "../LogEvent.ts"

const record =
  /(?:\[(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)\] )?\b(?:TRACE|DEBUG|INFO|WARN|ERROR|FATAL):? +(?:\[#([^\]\s]{1,64})\] ?)?(?:\[([^\]\s]{1,64})\] ?)?(?:([SC]):(?: |$))?(.*)$/s
const maxPrefix = 200

interface Session {
  readonly session: number
  readonly speaker: Speaker
  host: string | undefined
  isClosing: boolean
  /** The reply goes on in the next line. */
  isReplying: boolean
}

const resolved = /^Resolved (\S+) as (\S+)/
const established = /^(Secure c|C)onnection established to \[?([^\]\s]+?)\]?:(\d{1,5})$/i
const size = /^<(\d{1,15}) bytes encoded mime message/

const parse = (line: string): RegExpExecArray | null => {
  const found = record.exec(line)
  if (found === null || found.index > maxPrefix) return null
  const [, date, , cid, id, who] = found
  // without a time, only what a connection says can be told from another program's lines
  return date !== undefined || (who !== undefined && (id ?? cid) !== undefined) ? found : null
}

const reply = /^[2-5]\d\d[ -]/
const goesOn = /^[2-5]\d\d-/

export const format: Format = {
  recognises: (line) => parse(line) !== null,
  make: () => {
    const sessions = makeSessions((session): Session => ({
      session,
      speaker: makeSpeaker(),
      host: undefined,
      isClosing: false,
      isReplying: false
    }))
    let last: Session | undefined
    let lastCid: string | undefined
    let time = 0
    return (line, lineNumber) => {
      const parts = parse(line) ?? (last?.speaker.isContent() === true ? record.exec(line) : null)
      const at = () => ({ counter: lineNumber, time, process: 0 })
      if (parts === null) {
        // a further line of a reply, as older versions write it
        if (last?.isReplying !== true || !reply.test(line)) return undefined
        last.isReplying = goesOn.test(line)
        return [last.speaker.server(line, { ...at(), session: last.session })]
      }
      const [, date, hour = "", cid, sid, who, text = ""] = parts
      if (date !== undefined) {
        const said = Date.parse(`${date}T${hour}Z`)
        time = Number.isNaN(said) ? time : said
      }
      const isKnown = sid !== undefined || who !== undefined || (last !== undefined && cid === lastCid)
      const id = sid ?? (isKnown && cid !== undefined ? `#${cid}` : undefined)
      if (id === undefined) return [{ _tag: "Note", ...at(), session: 0, text }]
      const known = sessions.of(id)
      last = known
      lastCid = sid === undefined ? cid : undefined
      const head = { ...at(), session: known.session }
      if (who === "S" || (who === undefined && known.isReplying && reply.test(text))) {
        known.isReplying = goesOn.test(text)
        return [known.speaker.server(text, head)]
      }
      if (who === "C" || (known.speaker.isContent() && !size.test(text))) return [known.speaker.client(text, head)]
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
