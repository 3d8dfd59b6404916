/**
 * What MailKit's `ProtocolLogger` writes: `Connected to smtps://host:port/`, then `C: ` and `S: ` lines (or `>> ` and `<< `,
 * which programs set), each perhaps behind a time. The message travels among the commands. That TLS began by STARTTLS is not told.
 */
import type { Format } from "../internal/reader/format.ts"
import { makeSpeaker } from "../internal/reader/speaker.ts"

const record =
  /^(?:(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?) )?(Connected to |(?:[CS]:|<<|>>)(?: |$))(.*)$/s
const url = /^(smtps?):\/\/(?:\[([^\]]*)\]|([^:/?]+))(?::(\d{1,5}))?/i

const timeOf = (text: string | undefined): number => {
  if (text === undefined) return 0
  const time = Date.parse(/(?:Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`)
  return Number.isNaN(time) ? 0 : time
}

const isServer = (mark: string): boolean => mark.startsWith("S") || mark.startsWith("<")

export const format: Format = {
  recognises: (line) => {
    const [, , mark = "", rest = ""] = record.exec(line) ?? []
    if (mark.startsWith("Connected")) return url.test(rest)
    return isServer(mark) ? /^[2-5]\d\d[ -]/.test(rest) : mark.startsWith("C") || /^(?:EHLO|HELO|LHLO) /.test(rest)
  },
  make: () => {
    let session = 0
    let speaker = makeSpeaker()
    return (line, lineNumber) => {
      const parts = record.exec(line)
      if (parts === null) return undefined
      const [, time, mark = "", rest = ""] = parts
      if (mark.startsWith("Connected")) {
        const [, scheme = "", literal, name = "", port] = url.exec(rest) ?? []
        if (scheme === "") return undefined
        session++
        speaker = makeSpeaker()
        const secured = scheme.toLowerCase() === "smtps"
        return [{
          _tag: "Connected",
          counter: lineNumber,
          time: timeOf(time),
          process: 0,
          session,
          host: literal ?? name,
          port: port === undefined ? (secured ? 465 : 25) : Number(port),
          secured
        }]
      }
      if (session === 0) session = 1
      const head = { counter: lineNumber, time: timeOf(time), process: 0, session }
      return [isServer(mark) ? speaker.server(rest, head) : speaker.client(rest, head)]
    }
  }
}
