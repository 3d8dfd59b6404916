/**
 * SMTP's commands as values, and their two renderings (RFC 5321 §4.1, RFC 4954, RFC 3030, RFC 3207, RFC 2033).
 *
 * `encode` gives what travels and is the only place that writes a command's CRLF; it refuses every argument that could
 * end a line or begin another argument. `toLog` gives what a log may see, and has no way to see more: what a SASL
 * mechanism sends is asterisks there (P1). `parse` reads a client's line, for the server's side, and keeps nothing
 * of a line that is no command.
 *
 * This module does not know in which order commands come, which extensions are offered, or what parameters mean:
 * that is Session's, Extensions' and Envelope's.
 */
import * as Base64 from "effect/encoding/Base64"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as commandLine from "./internal/commandLine.ts"
import { excerpt, quoted } from "./internal/excerpt.ts"
import * as octets from "./internal/octets.ts"
import * as path from "./internal/path.ts"
import { secret } from "./internal/secret.ts"
import * as xtext from "./internal/xtext.ts"

/** ESMTP parameters of MAIL and RCPT (RFC 5321 §4.1.2): the keyword in upper case, with its value or `true` for none. */
export type Parameters = Readonly<Record<string, string | true>>

/** `domain`: a fully qualified name, or an address literal (`[192.0.2.1]`, `[IPv6:…]`). */
export interface Ehlo {
  readonly _tag: "EHLO"
  readonly domain: string
}
export interface Helo {
  readonly _tag: "HELO"
  readonly domain: string
}
export interface Lhlo {
  readonly _tag: "LHLO"
  readonly domain: string
}
export interface StartTls {
  readonly _tag: "STARTTLS"
}
/** `initial`: the initial response as the mechanism made it, not base64; undefined: none; empty travels as `=`. */
export interface Auth {
  readonly _tag: "AUTH"
  readonly mechanism: string
  readonly initial: Redacted.Redacted | undefined
}
/**
 * The answer to a 334, not base64. `isPublic` where the engine itself, not a mechanism, says it; then the one octet 0x01,
 * by which a client acknowledges OAUTHBEARER's error (RFC 7628 §3.2.3), is shown in the log.
 */
export interface AuthResponse {
  readonly _tag: "AuthResponse"
  readonly response: Redacted.Redacted
  readonly isPublic: boolean
}
/** `*`: the client gives the authentication up (RFC 4954 §4). */
export interface AuthCancel {
  readonly _tag: "AuthCancel"
}
/** `reversePath`: `local-part@domain` as it travels, without brackets; `""` is the null reverse-path. */
export interface Mail {
  readonly _tag: "MAIL"
  readonly reversePath: string
  readonly parameters: Parameters
}
/** `smtpUtf8`: the path may hold non-ASCII characters, since the transaction's MAIL said SMTPUTF8. */
export interface Rcpt {
  readonly _tag: "RCPT"
  readonly forwardPath: string
  readonly parameters: Parameters
  readonly smtpUtf8: boolean
}
export interface Data {
  readonly _tag: "DATA"
}
/** `octets` of content follow the command's line end; `last`: they end the message (RFC 3030 §2). */
export interface Bdat {
  readonly _tag: "BDAT"
  readonly octets: number
  readonly last: boolean
}
export interface Rset {
  readonly _tag: "RSET"
}
export interface Noop {
  readonly _tag: "NOOP"
  readonly text: string | undefined
}
export interface Vrfy {
  readonly _tag: "VRFY"
  readonly text: string
  readonly smtpUtf8: boolean
}
export interface Expn {
  readonly _tag: "EXPN"
  readonly text: string
  readonly smtpUtf8: boolean
}
export interface Help {
  readonly _tag: "HELP"
  readonly text: string | undefined
}
export interface Quit {
  readonly _tag: "QUIT"
}
/** `node`: a domain, `@domain` with what is below it, or `#queue` (RFC 1985). */
export interface Etrn {
  readonly _tag: "ETRN"
  readonly node: string
}
/** Postfix's way to say for whom a proxy speaks: names in upper case, values as they are meant (they travel as xtext). */
export interface Xclient {
  readonly _tag: "XCLIENT"
  readonly attributes: Readonly<Record<string, string>>
}

export type Command =
  | Ehlo
  | Helo
  | Lhlo
  | StartTls
  | Auth
  | AuthResponse
  | AuthCancel
  | Mail
  | Rcpt
  | Data
  | Bdat
  | Rset
  | Noop
  | Vrfy
  | Expn
  | Help
  | Quit
  | Etrn
  | Xclient

/**
 * A line that is no command of ours. `verb` is its first word in upper case if that is at most 12 letters, otherwise
 * empty: a client that is out of step sends its password as a "command", so nothing else of the line is kept.
 */
export interface Unknown {
  readonly _tag: "Unknown"
  readonly verb: string
}

/**
 * An argument that a command cannot have. `input` is that argument, at most 200 characters of it; never one of AUTH.
 */
export class CommandError extends Schema.TaggedError<CommandError>()("CommandError", {
  command: Schema.String,
  argument: Schema.String,
  problem: Schema.String,
  input: Schema.optionalKey(Schema.String)
}) {
  override get message(): string {
    const input = this.input === undefined ? "" : `: ${quoted(this.input)}`
    return `${this.command}, ${this.argument}: ${this.problem}${input}`
  }
}

const none: Parameters = {}

export const ehlo = (domain: string): Ehlo => ({ _tag: "EHLO", domain })
export const helo = (domain: string): Helo => ({ _tag: "HELO", domain })
export const lhlo = (domain: string): Lhlo => ({ _tag: "LHLO", domain })
export const startTls: StartTls = { _tag: "STARTTLS" }
export const auth = (mechanism: string, initial?: Redacted.Redacted): Auth => ({
  _tag: "AUTH",
  mechanism: mechanism.toUpperCase(),
  initial
})
export const authResponse = (
  response: Redacted.Redacted,
  options?: { readonly isPublic?: boolean | undefined }
): AuthResponse => ({ _tag: "AuthResponse", response, isPublic: options?.isPublic ?? false })
export const authCancel: AuthCancel = { _tag: "AuthCancel" }
/** Keywords in any case. */
export const mail = (reversePath: string, parameters: Parameters = none): Mail => ({
  _tag: "MAIL",
  reversePath,
  parameters: upperCase(parameters)
})
/** Keywords in any case. */
export const rcpt = (
  forwardPath: string,
  parameters: Parameters = none,
  options?: { readonly smtpUtf8?: boolean | undefined }
): Rcpt => ({
  _tag: "RCPT",
  forwardPath,
  parameters: upperCase(parameters),
  smtpUtf8: options?.smtpUtf8 ?? false
})
export const data: Data = { _tag: "DATA" }
export const bdat = (octets: number, options?: { readonly last?: boolean | undefined }): Bdat => ({
  _tag: "BDAT",
  octets,
  last: options?.last ?? false
})
export const rset: Rset = { _tag: "RSET" }
export const noop = (text?: string): Noop => ({ _tag: "NOOP", text })
export const vrfy = (text: string, options?: { readonly smtpUtf8?: boolean | undefined }): Vrfy => ({
  _tag: "VRFY",
  text,
  smtpUtf8: options?.smtpUtf8 ?? false
})
export const expn = (text: string, options?: { readonly smtpUtf8?: boolean | undefined }): Expn => ({
  _tag: "EXPN",
  text,
  smtpUtf8: options?.smtpUtf8 ?? false
})
export const help = (text?: string): Help => ({ _tag: "HELP", text })
export const quit: Quit = { _tag: "QUIT" }
export const etrn = (node: string): Etrn => ({ _tag: "ETRN", node })
export const xclient = (attributes: Readonly<Record<string, string>>): Xclient => ({ _tag: "XCLIENT", attributes })

const upperCase = (parameters: Parameters): Parameters => {
  for (const keyword in parameters) {
    if (keyword !== keyword.toUpperCase()) {
      return Object.fromEntries(Object.entries(parameters).map(([key, value]) => [key.toUpperCase(), value]))
    }
  }
  return parameters
}

/**
 * What travels, with CRLF: ASCII, or, where the command says SMTPUTF8, text whose UTF-8 form travels.
 *
 * Fails where an argument is not what the grammar has: a path, a keyword or a value out of form, a control character (CR,
 * LF and NUL above all), non-ASCII without SMTPUTF8.
 */
export const encode = (command: Command): Result.Result<string, CommandError> => {
  const error = errorOf(command)
  return error === undefined ? Result.succeed(`${render(command, base64)}\r\n`) : Result.fail(error)
}

/** What a log may see of a command: as it travels, without CRLF, and `LogEvent.secret` for what a mechanism says. */
export const toLog = (command: Command): string => render(command, masked)

/** How a SASL message is written: encoded for the wire, or masked. */
type Sasl = (message: Redacted.Redacted, isPublic: boolean) => string

const base64: Sasl = (message) => Base64.encode(octets.encode(Redacted.value(message)))

const masked: Sasl = (message, isPublic) => {
  const value = Redacted.value(message)
  if (value === "") return ""
  return isPublic && value === "\u0001" ? "AQ==" : secret
}

const render = (command: Command, sasl: Sasl): string => {
  switch (command._tag) {
    case "MAIL":
      return `MAIL FROM:<${command.reversePath}>${parametersText(command.parameters)}`
    case "RCPT":
      return `RCPT TO:<${command.forwardPath}>${parametersText(command.parameters)}`
    case "BDAT":
      return `BDAT ${command.octets}${command.last ? " LAST" : ""}`
    case "EHLO":
    case "HELO":
    case "LHLO":
      return `${command._tag} ${command.domain}`
    case "AUTH": {
      const initial = command.initial
      return initial === undefined
        ? `AUTH ${command.mechanism}`
        : `AUTH ${command.mechanism} ${sasl(initial, false) || "="}`
    }
    case "AuthResponse":
      return sasl(command.response, command.isPublic)
    case "AuthCancel":
      return "*"
    case "NOOP":
    case "HELP":
      return command.text === undefined ? command._tag : `${command._tag} ${command.text}`
    case "VRFY":
    case "EXPN":
      return `${command._tag} ${command.text}${command.smtpUtf8 ? " SMTPUTF8" : ""}`
    case "ETRN":
      return `ETRN ${command.node}`
    case "XCLIENT":
      return `XCLIENT${
        Object.entries(command.attributes).map(([name, value]) => ` ${name}=${xtext.encode(value)}`).join("")
      }`
    case "STARTTLS":
    case "DATA":
    case "RSET":
    case "QUIT":
      return command._tag
  }
}

const parametersText = (parameters: Parameters): string => {
  let text = ""
  for (const keyword in parameters) {
    const value = parameters[keyword]
    text += value === true ? ` ${keyword}` : ` ${keyword}=${value}`
  }
  return text
}

/** What a response is on the wire, in base64: what the log's scrub must look for when a peer echoes it. */
export const authLine = (response: Redacted.Redacted): Redacted.Redacted => Redacted.make(base64(response, false))

/** The longest AUTH line with an initial response, in octets with CRLF (RFC 4954 §4). */
export const maxAuthLine = 512

/** Whether `AUTH mechanism initial` is short enough; if not, the response has to wait for the 334 (RFC 4954 §4). */
export const fitsAuthLine = (mechanism: string, initial: Redacted.Redacted): boolean => {
  const raw = octets.encode(Redacted.value(initial)).length
  const encoded = raw === 0 ? 1 : 4 * Math.ceil(raw / 3)
  return "AUTH ".length + mechanism.length + 1 + encoded + "\r\n".length <= maxAuthLine
}

const errorOf = (command: Command): CommandError | undefined => {
  switch (command._tag) {
    case "MAIL": {
      const { parameters, reversePath } = command
      const smtpUtf8 = parameters.SMTPUTF8 === true
      const problem = reversePath === "" ? undefined : path.pathProblem(reversePath, smtpUtf8)
      if (problem !== undefined) return failure("MAIL", "reverse-path", problem, reversePath)
      return parametersError("MAIL", parameters, smtpUtf8)
    }
    case "RCPT": {
      const { forwardPath, parameters, smtpUtf8 } = command
      const problem = isPostmaster(forwardPath) ? undefined : path.pathProblem(forwardPath, smtpUtf8)
      if (problem !== undefined) return failure("RCPT", "forward-path", problem, forwardPath)
      return parametersError("RCPT", parameters, smtpUtf8)
    }
    case "BDAT": {
      const { last, octets } = command
      if (!Number.isSafeInteger(octets) || octets < 0) return failure("BDAT", "octets", "not a number of octets")
      return octets === 0 && !last ? failure("BDAT", "octets", "an empty chunk that is not the last one") : undefined
    }
    case "EHLO":
    case "HELO":
    case "LHLO": {
      const problem = path.domainProblem(command.domain, false)
      return problem === undefined ? undefined : failure(command._tag, "domain", problem, command.domain)
    }
    case "AUTH":
      return mechanismName.test(command.mechanism)
        ? undefined
        : failure("AUTH", "mechanism", "not a SASL mechanism's name (RFC 4422 §3.1)")
    case "NOOP":
    case "HELP":
      return command.text === undefined ? undefined : textError(command._tag, command.text, false)
    case "VRFY":
    case "EXPN":
      return endsInSmtpUtf8.test(command.text)
        ? failure(command._tag, "text", "ends in the parameter SMTPUTF8", command.text)
        : textError(command._tag, command.text, command.smtpUtf8)
    case "ETRN":
      return printableWord.test(command.node)
        ? undefined
        : failure("ETRN", "node", "not one word of printable ASCII characters", command.node)
    case "XCLIENT":
      return attributesError(command.attributes)
    default:
      return undefined
  }
}

const failure = (command: string, argument: string, problem: string, input?: string): CommandError =>
  new CommandError({ command, argument, problem, ...(input === undefined ? undefined : { input: excerpt(input) }) })

/** The one forward-path without a domain (RFC 5321 §4.5.1). */
const isPostmaster = (forwardPath: string): boolean =>
  forwardPath.length === 10 && forwardPath.toLowerCase() === "postmaster"

const mechanismName = /^[A-Z0-9_-]{1,20}$/
/** esmtp-keyword (RFC 5321 §4.1.2): not a hyphen first. */
const keywordCharacters = path.charactersOf(`${path.alphanumeric}-`)
/** esmtp-value (RFC 5321 §4.1.2), and with SMTPUTF8 what RFC 6531 §3.3 adds to it. */
const valueCharacters = path.charactersOf(`${path.alphanumeric}!"#$%&'()*+,-./:;<>?@[\\]^_\`{|}~`)
// oxlint-disable-next-line no-control-regex
const utf8ValueForm = /^[^\u0000-\u0020=\u007f]+$/
const printableWord = /^[!-~]+$/
const endsInSmtpUtf8 = /(?:^| )SMTPUTF8$/i

const parametersError = (command: string, parameters: Parameters, smtpUtf8: boolean): CommandError | undefined => {
  for (const keyword in parameters) {
    if (!isMadeOf(keywordCharacters, keyword) || keyword.startsWith("-")) {
      return failure(command, "parameters", "not an esmtp-keyword", keyword)
    }
    const value = parameters[keyword]
    if (value === true || (value !== undefined && isMadeOf(valueCharacters, value))) continue
    const isUtf8 = smtpUtf8 && value !== undefined && utf8ValueForm.test(value) && !path.forbidden.test(value)
    if (!isUtf8) return failure(command, keyword, "not an esmtp-value", value)
  }
  return undefined
}

/** One character at least, and all of them of the set. */
const isMadeOf = (set: path.Characters, text: string): boolean =>
  text !== "" && path.runOf(set, text, 0) === text.length

const textError = (command: string, text: string, smtpUtf8: boolean): CommandError | undefined => {
  const problem = text === "" || text.startsWith(" ") || text.endsWith(" ")
    ? "empty, or with a blank at an end"
    : path.forbidden.test(text)
    ? "with a control character"
    : !smtpUtf8 && !path.isAscii(text)
    ? "with a non-ASCII character, which only SMTPUTF8 allows"
    : undefined
  return problem === undefined ? undefined : failure(command, "text", problem, text)
}

const attributesError = (attributes: Readonly<Record<string, string>>): CommandError | undefined => {
  const entries = Object.entries(attributes)
  if (entries.length === 0) return failure("XCLIENT", "attributes", "none")
  for (const [name, value] of entries) {
    if (!/^[A-Z][A-Z0-9]*$/.test(name)) return failure("XCLIENT", "attributes", "not an attribute's name", name)
    if (value === "" || path.forbidden.test(value)) return failure("XCLIENT", name, "empty, or with a control", value)
  }
  return undefined
}

/**
 * A client's line, without its line end, as octets are decoded (U+DC80 to U+DCFF for what is not UTF-8).
 *
 * Verbs, keywords and mechanisms in any case; `MAIL FROM: <a@b>` and `MAIL FROM:a@b` are tolerated, a source route is
 * dropped, and the name in EHLO is any word. A line between AUTH and its final reply is for `parseAuthResponse`: this
 * function cannot tell it from a command.
 */
export const parse = (line: string): Result.Result<Command | Unknown, CommandError> => {
  const [word = ""] = line.split(/[ \t]/, 1)
  const rest = commandLine.trim(line.slice(word.length))
  const verb = word.toUpperCase()
  switch (verb) {
    case "MAIL":
    case "RCPT":
      return checked(parsePath(verb, rest))
    case "BDAT":
      return parseBdat(rest)
    case "EHLO":
    case "HELO":
    case "LHLO": {
      const [domain = ""] = commandLine.words(rest)
      return printableWord.test(domain)
        ? Result.succeed({ _tag: verb, domain })
        : Result.fail(failure(verb, "domain", "none, or not of printable ASCII characters"))
    }
    case "AUTH":
      return checked(parseAuth(rest))
    case "NOOP":
    case "HELP":
      return checked({ _tag: verb, text: rest === "" ? undefined : rest })
    case "VRFY":
    case "EXPN":
      return checked(
        endsInSmtpUtf8.test(rest)
          ? { _tag: verb, text: commandLine.trim(rest.slice(0, -8)), smtpUtf8: true }
          : { _tag: verb, text: rest, smtpUtf8: false }
      )
    case "ETRN":
      return checked({ _tag: verb, node: rest })
    case "XCLIENT":
      return checked(parseXclient(rest))
    case "STARTTLS":
    case "DATA":
    case "RSET":
    case "QUIT":
      return rest === "" ? Result.succeed({ _tag: verb }) : Result.fail(failure(verb, "arguments", "it has none"))
    default:
      return Result.succeed({ _tag: "Unknown", verb: /^[A-Z]{1,12}$/.test(verb) ? verb : "" })
  }
}

/** A client's line in answer to a 334. Its error holds nothing of the line. */
export const parseAuthResponse = (line: string): Result.Result<AuthResponse | AuthCancel, CommandError> => {
  if (line === "*") return Result.succeed(authCancel)
  const response = fromBase64(line)
  return response === undefined
    ? Result.fail(failure("AUTH", "response", "not base64"))
    : Result.succeed(authResponse(response))
}

const checked = (command: Command | CommandError): Result.Result<Command, CommandError> => {
  if (command._tag === "CommandError") return Result.fail(command)
  const error = errorOf(command)
  return error === undefined ? Result.succeed(command) : Result.fail(error)
}

const parsePath = (verb: "MAIL" | "RCPT", rest: string): Command | CommandError => {
  const lead = verb === "MAIL" ? "FROM:" : "TO:"
  const argument = verb === "MAIL" ? "reverse-path" : "forward-path"
  if (rest.slice(0, lead.length).toUpperCase() !== lead) return failure(verb, argument, `no ${lead}`)
  const parts = commandLine.pathAndParameters(rest.slice(lead.length))
  if (typeof parts === "string") return failure(verb, argument, parts)
  const parameters = Object.fromEntries(parts.parameters)
  if (verb === "MAIL") return { _tag: verb, reversePath: parts.path, parameters }
  return { _tag: verb, forwardPath: parts.path, parameters, smtpUtf8: !path.isAscii(rest) }
}

const parseBdat = (rest: string): Result.Result<Bdat, CommandError> => {
  const match = /^(\d{1,15})([ \t]+LAST)?$/i.exec(rest)
  return match === null
    ? Result.fail(failure("BDAT", "octets", "not a number of octets, and LAST or nothing"))
    : Result.succeed(bdat(Number(match[1]), { last: match[2] !== undefined }))
}

const parseAuth = (rest: string): Command | CommandError => {
  const [mechanism = "", initial, surplus] = commandLine.words(rest)
  if (surplus !== undefined) return failure("AUTH", "initial response", "more than one word")
  if (initial === undefined) return auth(mechanism)
  const response = initial === "=" ? Redacted.make("") : fromBase64(initial)
  return response === undefined ? failure("AUTH", "initial response", "not base64") : auth(mechanism, response)
}

const parseXclient = (rest: string): Command | CommandError => {
  const attributes: Record<string, string> = {}
  for (const word of commandLine.words(rest)) {
    const equals = word.indexOf("=")
    const value = equals < 0 ? undefined : xtext.decode(word.slice(equals + 1))
    if (value === undefined) return failure("XCLIENT", "attributes", "not name=xtext")
    attributes[word.slice(0, equals).toUpperCase()] = value
  }
  return xclient(attributes)
}

const fromBase64 = (encoded: string): Redacted.Redacted | undefined => {
  const decoded = Base64.decode(encoded)
  return Result.isSuccess(decoded) ? Redacted.make(octets.decode(decoded.success)) : undefined
}
