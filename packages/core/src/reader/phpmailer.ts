/**
 * What PHPMailer prints with `SMTPDebug`: `CLIENT -> SERVER: ` and `SERVER -> CLIENT: ` before what was said, in its three
 * forms. `echo` has times (UTC, to the second) and indents the further lines of a reply; `html` has `-&gt;` and `<br>`,
 * and the lines of a reply stand without anything between them; what goes to a logger or to `error_log` has whatever that
 * puts before it. A page that was copied from a browser has several records on one line.
 *
 * Only from level 3 on is the dial in it, and why a handshake failed; below that, a `Could not connect` behind the `220` to
 * STARTTLS says that it did. At level 1 nothing is in it that the server said.
 */
import type { Format } from "../internal/reader/format.ts"
import { makeSpeaker } from "../internal/reader/speaker.ts"
import { type LogEvent, secret } from "../LogEvent.ts"

const said = /\b(?:(CLIENT) -(?:>|&gt;) SERVER|SERVER -(?:>|&gt;) CLIENT):(?: |$)/
const time = /(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)[ \t]+$/
const nextRecord = /(?<=\S)\s+(?=\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[ \t](?:(?:CLIENT|SERVER) -|SMTP |Connection))/
const another = /\d:\d\d[ \t](?:(?:CLIENT|SERVER) -|SMTP |Connection)/
/** The shortest that can stand before another record, in characters. */
const firstRecord = 32
const opening = /Connection: opening to (?:(ssl|tls):\/\/)?(\S{1,255}):(\d{1,5}), timeout=/
/** What it says of itself, and the exception's text that programs print behind it. */
const remark =
  /\b(?:SMTP (?:Error|ERROR|NOTICE|INBOUND|connect\(\)|->)|Connection(?::| failed)|Mailer Error|Message could not be sent|Auth method|Requested auth method)/
const opensslError = /^\s*error:[\dA-F]{8,}:/
/** What stands before a further line, in the forms that keep line ends. */
const margin = /^[\s↪]*/
const reply = /^([2-5]\d\d)(?:([ -])|$)/
const failedDial = /SMTP ERROR: Failed to connect to server(?:: (.*))?$/
const failedHandshake = /stream_socket_enable_crypto\(\)|Could not connect to SMTP host/
const hidden = /[<[]credentials hidden[>\]]/
const maxPrefix = 200

const entities: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: "\"", "#039": "'" }

const withoutBreak = (text: string): string => {
  const end = text.trimEnd()
  return /<br ?\/?>$/.test(end) ? end.slice(0, end.lastIndexOf("<br")).trimEnd() : text
}

const plain = (text: string): string =>
  withoutBreak(text).replace(/&(lt|gt|amp|quot|#039);/g, (all, name: string) => entities[name] ?? all)

interface Parsed {
  readonly time: number | undefined
  readonly who: "C" | "S" | undefined
  readonly text: string
}

const timeOf = (prefix: string): number | undefined => {
  const found = time.exec(prefix)
  if (found === null) return undefined
  const told = Date.parse(`${found[1]}T${found[2]}Z`)
  return Number.isNaN(told) ? undefined : told
}

const parse = (line: string): Parsed | undefined => {
  const start = line.slice(0, maxPrefix + 40)
  const speech = said.exec(start)
  if (speech !== null && speech.index <= maxPrefix) {
    const rest = line.slice(speech.index + speech[0].length)
    const isHtml = speech[0].includes("&gt;") || withoutBreak(rest) !== rest
    const who = speech[1] === undefined ? "S" : "C"
    return { time: timeOf(line.slice(0, speech.index)), who, text: isHtml ? plain(rest) : rest }
  }
  const note = remark.exec(start)
  if (note !== null) {
    return { time: timeOf(line.slice(0, note.index)), who: undefined, text: plain(line.slice(note.index)) }
  }
  const bare = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[ \t]*/.exec(start)
  return bare === null
    ? undefined
    : { time: timeOf(`${bare[0].trimEnd()} `), who: undefined, text: plain(line.slice(bare[0].length)) }
}

/** The lines of a reply that was put on one: `250-a250-SIZE 100250 DSN`. */
const linesOf = (text: string): ReadonlyArray<string> => {
  const [, code, separator] = reply.exec(text) ?? []
  if (code === undefined || separator !== "-") return [text]
  const lines: Array<string> = []
  let from = 0
  for (const { 0: mark, index } of text.matchAll(new RegExp(`${code}[- ]`, "g"))) {
    if (index === 0) continue
    lines.push(text.slice(from, index).trimEnd())
    from = index
    if (mark.endsWith(" ")) break
  }
  return [...lines, text.slice(from)]
}

/** Of a client certificate's key, among the options of the dial. */
const withoutPassphrase = (text: string): string => text.replace(/('passphrase' => )'.*'/, `$1'${secret}'`)

export const format: Format = {
  recognises: (line) => {
    const start = line.slice(0, maxPrefix + 40)
    const speech = said.exec(start)
    return (speech !== null && speech.index <= maxPrefix) || opening.test(start)
  },
  make: () => {
    let session = 0
    let isOpen = false
    let hasSpoken = false
    let speaker = makeSpeaker()
    let now = 0
    let host = ""
    let port = 0
    let secured = false
    /** A command waits for its reply. */
    let isAsked = false
    let startTls: "none" | "asked" | "agreed" | "failed" = "none"
    /** What the line before was part of. */
    let last: "reply" | "note" | undefined
    /** The code of a reply whose last line is still to come. */
    let goesOn: string | undefined

    const begin = () => {
      session++
      isOpen = true
      hasSpoken = false
      isAsked = false
      startTls = "none"
      speaker = makeSpeaker()
    }
    const at = (lineNumber: number, isOf = session) => ({ counter: lineNumber, time: now, process: 0, session: isOf })

    const client = (text: string, lineNumber: number): LogEvent => {
      if (!isOpen) begin()
      hasSpoken = true
      isAsked = true
      last = undefined
      goesOn = undefined
      if (startTls !== "failed") startTls = /^STARTTLS\s*$/i.test(text) ? "asked" : "none"
      return speaker.client(speaker.isContent() ? text : text.replace(hidden, secret), at(lineNumber))
    }

    const server = (text: string, lineNumber: number): ReadonlyArray<LogEvent> => {
      const code = reply.exec(text)?.[1]
      const isGreeting = code === "220" && !isAsked && hasSpoken && goesOn === undefined
      if (!isOpen || isGreeting) begin()
      hasSpoken = true
      // it read nothing: the connection had ended, or the time had passed
      if (text === "") return [{ _tag: "Note", ...at(lineNumber), text: "the server said nothing" }]
      const lines = linesOf(text)
      const end = reply.exec(lines.at(-1) ?? "")
      last = "reply"
      goesOn = end?.[2] === "-" ? end[1] : undefined
      if (goesOn === undefined) {
        isAsked = false
        if (startTls === "asked") startTls = code === "220" ? "agreed" : "none"
      }
      return lines.map((line) => speaker.server(line, at(lineNumber)))
    }

    const note = (text: string, lineNumber: number): LogEvent => {
      last = "note"
      goesOn = undefined
      const dial = opening.exec(text)
      if (dial !== null) {
        begin()
        host = dial[2] ?? ""
        port = Number(dial[3])
        secured = dial[1] !== undefined
        return { _tag: "Connecting", ...at(lineNumber), host, port, tls: secured ? "implicit" : "opportunistic" }
      }
      const failed = failedDial.exec(text)
      if (failed !== null) {
        if (!isOpen) begin()
        isOpen = false
        const address = host === "" ? "not told" : host
        return { _tag: "AttemptFailed", ...at(lineNumber), address, port, problem: failed[1] ?? "", elapsed: 0 }
      }
      if (!isOpen) return { _tag: "Note", ...at(lineNumber, 0), text: speaker.scrub(withoutPassphrase(text)) }
      if (text === "Connection: opened") return { _tag: "Connected", ...at(lineNumber), host, port, secured }
      if (text === "Connection: closed" || text.startsWith("SMTP NOTICE: EOF caught")) {
        isOpen = false
        return { _tag: "Closed", ...at(lineNumber), by: text.startsWith("SMTP") ? "server" : "client", elapsed: 0 }
      }
      const isCertificate = /certificate/i.test(text)
      const tellsWhy = startTls === "failed" && opensslError.test(text) && isCertificate
      if (tellsWhy || (startTls === "agreed" && failedHandshake.test(text))) {
        startTls = "failed"
        const reason = isCertificate ? "CertificateRejected" : "TlsFailed"
        return { _tag: "Failed", ...at(lineNumber), phase: "tls", reason, message: speaker.scrub(text) }
      }
      return { _tag: "Note", ...at(lineNumber), text: speaker.scrub(withoutPassphrase(text)) }
    }

    const record = (line: string, lineNumber: number): ReadonlyArray<LogEvent> | undefined => {
      const found = parse(line)
      if (found !== undefined) {
        now = found.time ?? now
        if (found.who === "S") return server(found.text, lineNumber)
        if (found.who === "C") return [client(found.text, lineNumber)]
        return [note(found.text, lineNumber)]
      }
      const bare = plain(line.replace(margin, ""))
      if (last === "reply" && goesOn !== undefined && reply.exec(bare)?.[1] === goesOn) return server(bare, lineNumber)
      const isMore = last === "note" && (/^[\s↪)]/.test(line) || opensslError.test(line) || reply.test(line))
      return isMore ? [note(bare, lineNumber)] : undefined
    }

    return (line, lineNumber) => {
      // most lines are one record
      const records = line.length > firstRecord && another.test(line.slice(firstRecord))
        ? line.split(nextRecord)
        : [line]
      if (records.length === 1) return record(line, lineNumber)
      return records.flatMap((each) => record(each, lineNumber) ?? [note(each, lineNumber)])
    }
  }
}
