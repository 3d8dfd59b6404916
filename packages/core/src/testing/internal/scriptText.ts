/**
 * The text form of a script, the same for people who write one and for the display of a departure.
 *
 * One operation a line, but that server lines which follow each other are one: `S: `, `C: ` or `-- ` and what the server
 * sends, expects or does. `S:` and `C:` lines keep everything behind the first blank, trailing blanks included.
 * Parsing what was printed gives the same operations; what `answer` computes has no text form.
 *
 * Masked, it is a log form: what a client says from AUTH to its final reply is asterisks in it.
 */
import { decode as decodeBase64 } from "effect/encoding/Base64"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { escape, isAuth, maskClientLine } from "../../internal/maskedLine.ts"
import { secret } from "../../LogEvent.ts"
import { CertificateRejected, ConnectionFailed, TlsFailed } from "../../SmtpError.ts"
import { TlsInfo } from "../../Tls.ts"
import { encodeLines, type Op, ScriptMistake, type TlsOutcome } from "./scriptOps.ts"

const refusal = Schema.fromJsonString(Schema.toCodecJson(ConnectionFailed))
const info = Schema.fromJsonString(TlsInfo)
const failure = Schema.fromJsonString(Schema.toCodecJson(Schema.Union([CertificateRejected, TlsFailed])))

/** A server's line: escaped, and SCRAM's `v=` masked, which lets whoever reads it guess the password off line (RFC 5802 §5.1). */
export const maskServerLine = (line: string): string => {
  const challenge = /^334[ -](.+)$/.exec(line)?.[1]
  if (challenge !== undefined) {
    const decoded = Result.getOrUndefined(decodeBase64(challenge))
    if (decoded !== undefined && decoded[0] === 0x76 && decoded[1] === 0x3d) return `${line.slice(0, 4)}${secret}`
  }
  return escape(line)
}

const latin1 = (octets: Uint8Array) => Array.from(octets, (octet) => String.fromCharCode(octet)).join("")

/** The lines of what is sent, if they can stand in a text as they are. */
const plainLines = (octets: Uint8Array): ReadonlyArray<string> | undefined => {
  if (octets.length < 2 || octets[octets.length - 2] !== 13 || octets[octets.length - 1] !== 10) return undefined
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(octets)
  if (text.includes("\ufffd")) return undefined
  const lines = text.slice(0, -2).split("\r\n")
  return lines.every((line) => escape(line) === line) ? lines : undefined
}

const printRaw = (octets: Uint8Array) =>
  `-- raw ${
    JSON.stringify(latin1(octets)).replace(
      /[\x7f-\xff]/g,
      (char) => `\\u00${char.charCodeAt(0).toString(16)}`
    )
  }`

const printLine = (line: string | RegExp): string =>
  typeof line !== "string" ? `C: /${line.source}/${line.flags}` : /^[/\\]/.test(line) ? `C: \\${line}` : `C: ${line}`

const maskLine = (line: string | RegExp, authenticating: boolean): string => {
  if (typeof line === "string") return `C: ${escape(maskClientLine(line, authenticating))}`
  if (!authenticating && !/AUTH/i.test(line.source)) return printLine(line)
  const head = /^\^?AUTH(?: [A-Z0-9_-]{1,20}(?= |$))?/.exec(line.source)?.[0]
  return head === undefined ? `C: ${secret}` : `C: /${head} …/`
}

const printOutcome = (name: string, outcome: TlsOutcome | undefined): string => {
  if (outcome === undefined) return name
  return "info" in outcome ?
    `${name} ${Schema.encodeSync(info)(outcome.info)}` :
    `${name} fails ${Schema.encodeSync(failure)(outcome.fails)}`
}

/** The lines of each operation. */
export const printOps = (
  ops: ReadonlyArray<Op>,
  options?: { readonly masked?: boolean | undefined }
): ReadonlyArray<ReadonlyArray<string>> => {
  const masked = options?.masked === true
  let authenticating = false
  return ops.map((op): ReadonlyArray<string> => {
    switch (op._tag) {
      case "Send": {
        const lines = plainLines(op.octets)
        if (authenticating && lines?.some((line) => /^(?!334)\d{3}(?!-)/.test(line)) === true) authenticating = false
        if (lines === undefined) return [printRaw(op.octets)]
        return lines.map((line) => `S: ${masked ? maskServerLine(line) : line}`)
      }
      case "Expect": {
        const line = masked ? maskLine(op.line, authenticating) : printLine(op.line)
        authenticating ||= typeof op.line === "string" ? isAuth(op.line) : /AUTH/i.test(op.line.source)
        return op.answer === undefined ? [line] : [line, "-- answers"]
      }
      case "Delay":
        return [Number.isFinite(op.millis) ? `-- delay ${op.millis} millis` : "-- delay for ever"]
      case "Swallow":
        return [`-- swallow ${op.octets}`]
      case "Refuse":
        return [`-- refuse ${Schema.encodeSync(refusal)(op.reason)}`]
      case "Tls":
        return [printOutcome("-- tls", op.outcome)]
      case "StartTls":
        return [printOutcome("-- starttls", op.outcome)]
      default:
        return [`-- ${op._tag.toLowerCase()}`]
    }
  })
}

const simple: Readonly<Record<string, Op>> = {
  content: { _tag: "Content" },
  bdat: { _tag: "Bdat" },
  hold: { _tag: "Hold" },
  release: { _tag: "Release" },
  silence: { _tag: "Silence" },
  stall: { _tag: "Stall" },
  close: { _tag: "Close" },
  reset: { _tag: "Reset" },
  end: { _tag: "End" }
}

const units: Readonly<Record<string, number>> = { milli: 1, second: 1000, minute: 60_000, hour: 3_600_000 }

const octetsOf = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0))

const parseExpect = (text: string): Op => {
  const pattern = /^\/(.*)\/([a-z]*)$/.exec(text)
  if (pattern !== null) return { _tag: "Expect", line: new RegExp(pattern[1] ?? "", pattern[2]) }
  return { _tag: "Expect", line: text.startsWith("\\") ? text.slice(1) : text }
}

const parseOutcome = (rest: string): TlsOutcome | undefined => {
  if (rest === "") return undefined
  return rest.startsWith("fails ") ?
    { fails: Schema.decodeUnknownSync(failure)(rest.slice(6)) } :
    { info: Schema.decodeUnknownSync(info)(rest) }
}

const parseDirective = (text: string): Op => {
  const [, name = "", rest = ""] = /^([a-z]+) ?(.*)$/.exec(text.trimEnd()) ?? []
  const known = simple[name]
  if (known !== undefined && rest === "") return known
  switch (name) {
    case "raw": {
      const octets = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.String))(rest)
      if (/[^\0-\xff]/.test(octets)) throw new ScriptMistake("raw has octets: characters up to \\u00ff")
      return { _tag: "Send", octets: octetsOf(octets) }
    }
    case "delay": {
      if (rest === "for ever") return { _tag: "Delay", millis: Infinity }
      const [, amount, unit = ""] = /^(\d+(?:\.\d+)?) (milli|second|minute|hour)s?$/.exec(rest) ?? []
      const millis = units[unit]
      if (millis === undefined) break
      return { _tag: "Delay", millis: Number(amount) * millis }
    }
    case "swallow":
      if (!/^\d{1,15}$/.test(rest)) break
      return { _tag: "Swallow", octets: Number(rest) }
    case "refuse":
      return { _tag: "Refuse", reason: Schema.decodeUnknownSync(refusal)(rest) }
    case "tls": {
      const outcome = parseOutcome(rest)
      if (outcome === undefined) break
      return { _tag: "Tls", outcome }
    }
    case "starttls":
      return { _tag: "StartTls", outcome: parseOutcome(rest) }
  }
  throw new ScriptMistake(`"-- ${text}" is none of the directives`)
}

const parseLine = (line: string): Op | undefined => {
  const found = /^(S:|C:|--) ?(.*)$/s.exec(line)
  if (found === null) {
    if (line === "" || line.startsWith("#")) return undefined
    throw new ScriptMistake("a line starts with S:, C:, -- or #")
  }
  const [, kind, text = ""] = found
  return kind === "S:" ?
    { _tag: "Send", octets: encodeLines([text]) } :
    kind === "C:" ?
    parseExpect(text) :
    parseDirective(text)
}

/** Throws where a line says nothing that a script can do. */
export const parse = (text: string): ReadonlyArray<Op> =>
  text.split(/\r?\n/).flatMap((line, index) => {
    try {
      const op = parseLine(line.trimStart())
      return op === undefined ? [] : [op]
    } catch (error) {
      throw new ScriptMistake(
        `line ${index + 1} of the script: ${error instanceof Error ? error.message : String(error)}`
      )
    }
  })
