/**
 * The log form of a client's line as it is seen from the server's side, where secrets come *from* the wire (P1).
 *
 * What is masked is decided by the state of the dialogue, never by what the line looks like: between AUTH and its final
 * reply everything is asterisks but the four answers that hold no secret by construction. Outside of it a line whose verb
 * is no SMTP command is shown by its first word of at most 12 letters only: a client that is out of step sends its password
 * as a "command".
 *
 * It does not scrub secrets out of replies, and knows nothing of what a client's own encoder renders.
 */
import * as Base64 from "effect/encoding/Base64"
import * as Result from "effect/Result"
import { secret } from "../LogEvent.ts"
import { decode } from "./octets.ts"

const verbs = new Set(
  // not BURL, whose argument is a bearer secret (RFC 4467), nor others that no server of ours understands
  "EHLO HELO LHLO STARTTLS MAIL RCPT DATA BDAT RSET NOOP VRFY EXPN HELP QUIT ETRN XCLIENT".split(" ")
)

/** What the engine itself says while authenticating: cancel, the empty response, and the answer to an OAuth challenge (RFC 7628 §3.2.3). */
const withoutSecret = new Set(["*", "=", "", "AQ=="])

/** Control characters, and those that drive a terminal or turn text round, as `\xHH` and `\u{…}`. */
export const escape = (text: string): string =>
  // oxlint-disable-next-line no-control-regex
  text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, (char) => {
    const code = char.charCodeAt(0)
    return code < 0x80 ? `\\x${code.toString(16).toUpperCase().padStart(2, "0")}` : `\\u{${code.toString(16)}}`
  })

/** The verb of a line in upper case, if it is one of SMTP's; AUTH is not among them: its arguments are secret. */
export const knownVerb = (line: string): string | undefined => {
  const verb = /^[A-Za-z]{4,8}(?=$|[ :])/.exec(line)?.[0].toUpperCase()
  return verb !== undefined && verbs.has(verb) ? verb : undefined
}

export const isAuth = (line: string): boolean => /^AUTH(?=$|\s)/i.test(line)

/** `line` without its line end; control characters are as they came: whoever shows it to a person escapes them. */
export const maskClientLine = (line: string, authenticating: boolean): string => {
  if (authenticating) return withoutSecret.has(line) ? line : secret
  if (isAuth(line)) {
    const parts = /^(AUTH [A-Za-z0-9_-]{1,20})(?: (.*))?$/is.exec(line)
    if (parts === null) return `AUTH ${secret}`
    const [, head, initial] = parts
    return initial === undefined ? `${head}` : `${head} ${withoutSecret.has(initial) ? initial : secret}`
  }
  if (knownVerb(line) !== undefined) return line
  const word = /^[A-Za-z]{1,12}(?=$|\s)/.exec(line)?.[0]
  return word === undefined ? secret : word.length === line.length ? word : `${word} …`
}

/** What a line of an AUTH exchange may have told: PLAIN's password, an OAuth token, or the whole of a response. */
export const secretsOf = (line: string): ReadonlyArray<string> => {
  const encoded = isAuth(line) ? line.split(/[ \t]+/)[2] : line
  const decoded = encoded === undefined ? undefined : Result.getOrUndefined(Base64.decode(encoded))
  if (decoded === undefined) return []
  const response = decode(decoded)
  // oxlint-disable-next-line no-control-regex
  const bearer = /\u0001auth=Bearer ([^\u0001]+)/i.exec(response)?.[1]
  return [bearer ?? response.split("\0").at(-1) ?? ""]
}
