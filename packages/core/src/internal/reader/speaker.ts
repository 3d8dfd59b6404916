/**
 * Who says what in a foreign transcript: the state that tells a command from a line of the content, and a secret from
 * both.
 *
 * Other programs write passwords in base64 (swaks) or put the message among the commands (MailKit). So what a client says
 * between AUTH and the final reply becomes asterisks here, by state and not by looks (P1), and what it says between
 * 354 and the lone dot, or as octets of a chunk, becomes lines of the content.
 */
import { type LogEvent, secret } from "../../LogEvent.ts"
import { isAuth, secretsOf } from "../maskedLine.ts"
import * as Octets from "../octets.ts"
import { makeScrub } from "../scrub.ts"

export interface Head {
  readonly counter: number
  readonly time: number
  readonly process: number
  readonly session: number
}

export interface Speaker {
  /** What the client says now is content. */
  readonly isContent: () => boolean
  readonly client: (line: string, head: Head) => LogEvent
  readonly server: (line: string, head: Head) => LogEvent
  /** What the program itself says, without what the client said to log in. */
  readonly scrub: (text: string) => string
}

const authCommand = /^(AUTH +[\w-]{1,20})(?: +(.*))?$/is
const chunkCommand = /^BDAT +(\d{1,15})/i

/** A SCRAM server's last challenge, `v=…`, lets its reader guess the password off line. */
const verifier = /^334[ -](?:dj0|v=)/

export const makeSpeaker = (): Speaker => {
  let login = false
  let dataAsked = false
  let content: "none" | "header" | "body" = "none"
  let chunk = 0
  /** What the client told the server, which may say it back. */
  const told = makeScrub()

  /** LOGIN's user comes next. */
  let isUser = false
  const hear = (line: string): void => {
    const isLogin = /^AUTH +LOGIN(?: |$)/i.test(line)
    const isName = isLogin || isUser
    isUser = isLogin && !/^AUTH +LOGIN +\S/i.test(line)
    if (isName) return
    told.addLine(line)
    for (const known of secretsOf(line)) told.addSecret(known)
  }

  const contentLine = (line: string, head: Head): LogEvent => {
    if (content === "header" && line === "") {
      content = "body"
      return { _tag: "HeaderLine", ...head, line }
    }
    return content === "header" ? { _tag: "HeaderLine", ...head, line } : { _tag: "BodyLine", ...head, line }
  }

  return {
    isContent: () => chunk > 0 || (content !== "none" && dataAsked),
    scrub: (text) => told.scrub(text, login),
    client: (line, head) => {
      if (chunk > 0) {
        if (content === "none") content = "header"
        chunk -= Octets.encode(line).length + 2
        const event = contentLine(line, head)
        if (chunk <= 0) chunk = 0
        return event
      }
      if (content !== "none" && dataAsked) {
        if (line !== ".") return contentLine(line, head)
        content = "none"
        dataAsked = false
        return { _tag: "ClientLine", ...head, line }
      }
      if (login || isAuth(line)) hear(line)
      if (login) return { _tag: "ClientLine", ...head, line: line === "*" || line === "" ? line : secret }
      if (isAuth(line)) {
        login = true
        const auth = authCommand.exec(line)
        if (auth === null) return { _tag: "ClientLine", ...head, line: `AUTH ${secret}` }
        const [, command = "", initial] = auth
        return {
          _tag: "ClientLine",
          ...head,
          line: initial === undefined || initial === "=" ? line : `${command} ${secret}`
        }
      }
      const announced = chunkCommand.exec(line)
      if (announced !== null) chunk = Number(announced[1])
      else content = "none"
      dataAsked = /^DATA\s*$/i.test(line)
      return { _tag: "ClientLine", ...head, line }
    },
    server: (said, head) => {
      const line = said.slice(0, 4) + told.scrub(said.slice(4), login)
      const code = line.slice(0, 3)
      chunk = 0
      if (code === "334") {
        login = true
        return { _tag: "ServerLine", ...head, line: verifier.test(line) ? line.slice(0, 4) + secret : line }
      }
      if (/^[245]\d\d/.test(code)) login = false
      if (dataAsked && code === "354") content = "header"
      else if (dataAsked && /^[245]\d\d/.test(code) && (content !== "none" || !code.startsWith("2"))) {
        // not every log has the dot
        content = "none"
        dataAsked = false
      }
      return { _tag: "ServerLine", ...head, line }
    }
  }
}
