/**
 * A transporter's options, read once: defaults filled in, the URL taken apart, contradictions refused.
 *
 * Nothing of a URL or an option that may hold a secret is repeated in an error: `new URL`'s own error carries its input
 * and is never passed on.
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Struct from "effect/Struct"
import * as Command from "../Command.ts"
import type { Target } from "../Connector.ts"
import type { Phase } from "../LogEvent.ts"
import { OAuth2Error } from "../OAuth2Error.ts"
import type { Redaction } from "../Redaction.ts"
import * as Sasl from "../Sasl.ts"
import { CredentialsUnavailable, InvalidConfiguration } from "../SmtpError.ts"
import type { TlsMode, TlsOptions } from "../Tls.ts"
import type { Options, TimeOut } from "../Transporter.ts"
import { defaultLimits, type Limits } from "./engine.ts"
import { line } from "./pipeline.ts"

type SecretSource = Redacted.Redacted | Effect.Effect<Redacted.Redacted, unknown>

export interface Settings {
  readonly target: Target
  readonly server: { readonly host: string; readonly port: number }
  readonly mode: TlsMode
  readonly tls: TlsOptions
  /** A Unix socket: no wire to listen on. */
  readonly local: boolean
  readonly user: string | undefined
  readonly password: SecretSource | undefined
  readonly token: SecretSource | undefined
  readonly authenticationMode: string | Sasl.Mechanism | undefined
  readonly saslInitialResponse: boolean
  readonly dangerouslyAuthInClear: boolean
  readonly limits: Limits
  readonly sendTimeOut: number
  readonly keepAlive: boolean
  readonly name: string | undefined
  readonly lmtp: boolean
  readonly requireAll: boolean
  readonly redaction: Redaction | undefined
  readonly conversation: boolean
  readonly resendUnknown: boolean
  readonly pipelining: "auto" | "safe" | "off"
  readonly ignoreExtensions: ReadonlyArray<string>
  readonly force8bit: boolean
  readonly maxSessions: number
  /** How long a session rests, lives (milliseconds), and how many messages it takes. */
  readonly sessionLimits: { readonly idle: number; readonly age: number; readonly messages: number }
}

type Problem = Result.Result<never, InvalidConfiguration>
const invalid = (option: string, problem: string): Problem => Result.fail(new InvalidConfiguration({ option, problem }))

/** What a URL can say. */
type UrlOptions = { -readonly [K in keyof Options]?: Options[K] | undefined } & { scheme?: string }

const yesNo = (name: string, text: string): Result.Result<boolean, InvalidConfiguration> =>
  text === "true" || text === "1" || text === ""
    ? Result.succeed(true)
    : text === "false" || text === "0"
    ? Result.succeed(false)
    : invalid(`url: ${name}`, "say true or false")

const oneOf = <const T extends string>(
  name: string,
  text: string,
  values: ReadonlyArray<T>
): Result.Result<T, InvalidConfiguration> => {
  const found = values.find((value) => value === text)
  return found === undefined ? invalid(`url: ${name}`, `say one of ${values.join(", ")}`) : Result.succeed(found)
}

const timeUnits: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, min: 60_000, h: 3_600_000 }

/** `30s`, `500ms`, `2m`, or Effect's `30 seconds`. */
export const parseTimeOut = (name: string, text: string): Result.Result<Duration.Duration, InvalidConfiguration> => {
  const short = /^(\d{1,9})(ms|s|m|min|h)$/.exec(text)
  const unit = timeUnits[short?.[2] ?? ""]
  if (short !== null && unit !== undefined) return Result.succeed(Duration.millis(Number(short[1]) * unit))
  const long = /^\d{1,9} (millis|seconds?|minutes?|hours?)$/.test(text)
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the pattern is Duration's own
    ? Duration.fromInput(text as Duration.Input)
    : undefined
  return long === undefined || long._tag === "None"
    ? invalid(name, "say a time with its unit, as 30s or \"30 seconds\"")
    : Result.succeed(long.value)
}

const decode = (part: string, name: string): Result.Result<string, InvalidConfiguration> =>
  Result.mapError(
    Result.try(() => decodeURIComponent(part)),
    () => new InvalidConfiguration({ option: "url", problem: `its ${name} has a % that begins no octet; write %25` })
  )

const fromUrl = (url: Redacted.Redacted): Result.Result<UrlOptions, InvalidConfiguration> => {
  if (!Redacted.isRedacted(url)) return invalid("url", "it may hold a password: write Redacted.make(…)")
  const text = Redacted.value(url)
  if (!URL.canParse(text)) {
    return invalid("url", "it is not a URL; write smtps://user:password@host:465, user and password percent-encoded")
  }
  const parsed = new URL(text)
  const scheme = parsed.protocol.slice(0, -1)
  if (scheme !== "smtp" && scheme !== "smtps" && scheme !== "lmtp") {
    return invalid("url", "its scheme is none of smtp, smtps, lmtp")
  }
  const options: UrlOptions = { scheme }
  return Result.gen(function*() {
    if (parsed.username !== "") options.user = yield* decode(parsed.username, "user")
    if (parsed.password !== "") options.password = Redacted.make(yield* decode(parsed.password, "password"))
    if (parsed.hash !== "") return yield* invalid("url", "it has a #; write %23")
    if (parsed.hostname === "") {
      if (scheme !== "lmtp" || parsed.pathname.length < 2) return yield* invalid("url", "it names no host")
      options.socketPath = yield* decode(parsed.pathname, "path")
    } else {
      if (parsed.pathname !== "" && parsed.pathname !== "/") return yield* invalid("url", "a path has no meaning here")
      options.host = yield* decode(parsed.hostname.replace(/^\[(.*)\]$/, "$1"), "host")
      if (parsed.port !== "") options.port = Number(parsed.port)
      else if (scheme === "lmtp") return yield* invalid("url", "lmtp:// needs a port")
      else options.port = scheme === "smtps" ? 465 : 587
    }
    if (scheme === "lmtp") options.lmtp = true
    for (const [name, value] of parsed.searchParams) {
      switch (name) {
        case "name":
          options.name = value
          break
        case "authenticationMode":
        case "auth":
          options.authenticationMode = value
          break
        case "tls":
          options.tls = yield* oneOf(name, value, ["implicit", "required", "opportunistic", "none"])
          break
        case "connectionTimeOut":
        case "sendTimeOut":
          options[name] = yield* parseTimeOut(`url: ${name}`, value)
          break
        case "keepAlive":
        case "acceptUnsecureConnection":
        case "saslInitialResponse":
        case "lmtp":
        case "force8bit":
          options[name] = yield* yesNo(name, value)
          break
        case "allRecipients":
          options.allRecipients = yield* oneOf(name, value, ["required", "best-effort"])
          break
        case "conversation":
          options.conversation = yield* oneOf(name, value, ["errors", "always"])
          break
        case "onUnknown":
          options.onUnknown = yield* oneOf(name, value, ["fail", "retry"])
          break
        case "pipelining":
          options.pipelining = yield* oneOf(name, value, ["auto", "safe", "off"])
          break
        case "ignoreExtensions":
          options.ignoreExtensions = value.split(",").filter((keyword) => keyword !== "")
          break
        case "maxSessions":
          if (!/^\d{1,5}$/.test(value)) return yield* invalid("url: maxSessions", "say a number")
          options.maxSessions = Number(value)
          break
        default:
          return yield* invalid(
            "url",
            name.startsWith("dangerously") || name === "logFile"
              ? "logFile and what begins with dangerously are not taken from a URL: give them as options"
              // its name is not repeated: behind a ? in a password that should be %3F stands the rest of the password
              : "it has a parameter that is none (and a ? in user or password is written %3F)"
          )
      }
    }
    return options
  })
}

const milliseconds = (
  option: string,
  input: TimeOut | undefined,
  fallback: number
): Result.Result<number, InvalidConfiguration> => {
  if (input === undefined) return Result.succeed(fallback)
  if (typeof input === "number") return invalid(option, "a bare number has no unit: write \"30 seconds\"")
  const duration = Duration.fromInput(input)
  if (duration._tag === "None") return invalid(option, "it is no duration: write \"30 seconds\"")
  const value = Duration.toMillis(duration.value)
  return value > 0 ? Result.succeed(value) : invalid(option, "it must be more than nothing")
}

/** Options that programs without types, and configurations read as they are, may get wrong. */
const choices = {
  allRecipients: ["required", "best-effort"],
  conversation: ["errors", "always"],
  onUnknown: ["fail", "retry"],
  pipelining: ["auto", "safe", "off"]
} as const
const modes: ReadonlyArray<TlsMode> = ["implicit", "required", "opportunistic", "none"]

const hostProblem = (host: string): string | undefined =>
  host.includes("/")
    ? "it is a name or an IP address; a URL goes into url, the path of a Unix socket into socketPath"
    : /^[^:]*:\d+$/.test(host)
    ? "it has a port; give that as port"
    : /\s/.test(host) || !isIdentity(host)
    ? "it is empty, or has a blank or a control character"
    : undefined

/** An empty one is a variable that nobody set. */
const secretProblem = (secret: Redacted.Redacted): string | undefined =>
  Redacted.value(secret) === "" ? "it is empty" : Sasl.checkSecret(secret)

/** What can be seen of a file's text that is none, or a path in its place. */
const tlsProblem = (tls: TlsOptions): { readonly option: string; readonly problem: string } | undefined => {
  if (!Arr.ensure(tls.ca ?? []).every((text) => /-----BEGIN [A-Z0-9 ]*CERTIFICATE-----/.test(text))) {
    return { option: "tls.ca", problem: "it is no certificate in PEM form; give the file's text, not its path" }
  }
  if ((tls.cert === undefined) !== (tls.key === undefined)) {
    return {
      option: tls.cert === undefined ? "tls.cert" : "tls.key",
      problem: "it is missing: cert and key go together"
    }
  }
  if (!Arr.ensure(tls.pin ?? []).every((pin) => /^[A-Za-z0-9+/]{43}=$/.test(pin))) {
    return { option: "tls.pin", problem: "a pin is a SHA-256 in base64: 44 characters, the last of them =" }
  }
  return undefined
}

const isIdentity = (text: string): boolean => {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < 32 || code === 127) return false
  }
  return text !== ""
}

export const make = (given: Options): Result.Result<Settings, InvalidConfiguration> =>
  Result.gen(function*() {
    const url: UrlOptions = given.url === undefined ? {} : yield* fromUrl(given.url)
    const defined = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
    const options: Options & { readonly scheme?: string } = { ...url, ...defined }
    const { host, socketPath } = options
    if (socketPath !== undefined && given.host !== undefined) {
      return yield* invalid("socketPath", "host is given too")
    }
    if (socketPath === undefined && host === undefined) return yield* invalid("host", "it is missing (host, or url)")
    if (host !== undefined) {
      const problem = hostProblem(host)
      if (problem !== undefined) return yield* invalid("host", problem)
    }
    const port = options.port ?? 587
    if (!Number.isInteger(port) || port < 1 || port > 65_535) {
      return yield* invalid("port", "it is no port (1 to 65535)")
    }
    const local = socketPath !== undefined
    const lmtp = options.lmtp ?? false
    if (lmtp && !local && port === 25) return yield* invalid("port", "LMTP is not spoken on port 25 (RFC 2033 §5)")

    const tlsOptions: TlsOptions = typeof given.tls === "object" ? given.tls : {}
    // Options that say nothing of the mode (a CA, a pin) leave it to the URL.
    const givenMode = typeof given.tls === "string" ? given.tls : tlsOptions.mode
    const asked = givenMode ?? (typeof url.tls === "string" ? url.tls : undefined)
    if (asked !== undefined && !modes.includes(asked)) {
      return yield* invalid("tls", `say one of ${modes.join(", ")}, or an object with a mode of these`)
    }
    const wrong = tlsProblem(tlsOptions)
    if (wrong !== undefined) return yield* invalid(wrong.option, wrong.problem)
    for (const option of Struct.keys(choices)) {
      const value: unknown = options[option]
      if (value !== undefined && !choices[option].some((each) => each === value)) {
        return yield* invalid(option, `say one of ${choices[option].join(", ")}`)
      }
    }
    const accept = options.acceptUnsecureConnection
    const clear = asked === "opportunistic" || asked === "none"
    if (asked !== undefined && accept !== undefined && accept !== clear) {
      return yield* invalid("acceptUnsecureConnection", `it contradicts tls: "${asked}"`)
    }
    const fromScheme = givenMode === undefined ? url.scheme : undefined
    if (fromScheme === "smtps" && asked !== undefined && asked !== "implicit") {
      return yield* invalid("url", `smtps:// contradicts tls=${asked}; write smtp://`)
    }
    if (fromScheme === "smtp" && asked === "implicit") {
      return yield* invalid("url", "smtp:// contradicts tls=implicit; write smtps://")
    }
    if (fromScheme === "smtps" && accept === true) {
      return yield* invalid("acceptUnsecureConnection", "it contradicts smtps://")
    }
    const mode: TlsMode = asked ?? (local
      ? "none"
      : accept === true
      ? "opportunistic"
      : fromScheme === "smtps"
      ? "implicit"
      : fromScheme === "smtp" || fromScheme === "lmtp"
      ? "required"
      : port === 465
      ? "implicit"
      : "required")
    if (local && mode === "implicit") return yield* invalid("tls", "a Unix socket has no TLS from the first octet")

    const { user } = options
    if (user !== undefined && !isIdentity(user)) return yield* invalid("user", "it is empty or has a control character")
    for (
      const [option, secret] of [["password", options.password], [
        "accessTokenOAuth2",
        options.accessTokenOAuth2
      ]] as const
    ) {
      if (secret === undefined || Effect.isEffect(secret)) continue
      if (!Redacted.isRedacted(secret)) {
        return yield* invalid(option, "a secret is Redacted.make(…), or an Effect that gives one")
      }
      const problem = secretProblem(secret)
      if (problem !== undefined) return yield* invalid(option, problem)
    }
    if (options.name !== undefined) {
      const hello = line(Command.ehlo(options.name))
      if (Result.isFailure(hello)) return yield* invalid("name", hello.failure.message)
    }

    const connect = yield* milliseconds("connectionTimeOut", options.connectionTimeOut, defaultLimits.connect)
    const limits: { [P in Phase]: number } = { ...defaultLimits, connect }
    const timeLimits = options.timeLimits ?? {}
    const noPhase = Object.keys(timeLimits).find((name) => !Object.hasOwn(limits, name))
    if (noPhase !== undefined) return yield* invalid("timeLimits", `${JSON.stringify(noPhase)} is no phase`)
    for (const phase of Struct.keys(limits)) {
      limits[phase] = yield* milliseconds(`timeLimits.${phase}`, timeLimits[phase], limits[phase])
    }
    const sendTimeOut = yield* milliseconds("sendTimeOut", options.sendTimeOut, 100_000)
    const sessionMessages = options.sessionLimits?.messages ?? Number.POSITIVE_INFINITY
    if (!(sessionMessages >= 1)) return yield* invalid("sessionLimits.messages", "it is no number from 1")
    const maxSessions = options.maxSessions ?? 3
    if (!Number.isInteger(maxSessions) || maxSessions < 1) {
      return yield* invalid(
        "maxSessions",
        "it is no number from 1"
      )
    }

    const tls: TlsOptions = {
      ...tlsOptions,
      mode,
      ...(tlsOptions.servername === undefined && host !== undefined ? { servername: host } : {})
    }
    const target: Target = socketPath === undefined ? { host: host ?? "", port, tls } : { path: socketPath }
    const settings: Settings = {
      target,
      server: socketPath === undefined ? { host: host ?? "", port } : { host: socketPath, port: 0 },
      mode,
      tls,
      local,
      user,
      password: options.password,
      token: options.accessTokenOAuth2,
      authenticationMode: options.authenticationMode,
      saslInitialResponse: options.saslInitialResponse ?? true,
      dangerouslyAuthInClear: options.dangerouslyAuthInClear ?? false,
      limits,
      sendTimeOut,
      keepAlive: options.keepAlive ?? true,
      name: options.name,
      lmtp,
      requireAll: options.allRecipients === "required",
      redaction: options.redaction,
      conversation: options.conversation === "always",
      resendUnknown: options.onUnknown === "retry",
      pipelining: options.pipelining ?? "auto",
      ignoreExtensions: (options.ignoreExtensions ?? []).map((keyword) => keyword.toUpperCase()),
      force8bit: options.force8bit ?? false,
      maxSessions,
      sessionLimits: {
        idle: yield* milliseconds("sessionLimits.idle", options.sessionLimits?.idle, 30_000),
        age: yield* milliseconds("sessionLimits.age", options.sessionLimits?.age, Number.POSITIVE_INFINITY),
        messages: sessionMessages
      }
    }
    // What can be known of the credentials before anybody dials.
    const known = Sasl.candidates(knownOf(settings))
    if (Result.isFailure(known)) {
      const { kind, message, problem } = known.failure
      return yield* invalid(
        kind === "unsupported" ? "authenticationMode" : unusableOf(settings),
        settings.authenticationMode === undefined ? problem : message
      )
    }
    return settings
  })

/** A secret that is still to be had counts as one that is there. */
const placeholder = Redacted.make("x")
const knownOf = (settings: Settings): Sasl.Credentials => ({
  user: settings.user,
  password: settings.password === undefined
    ? undefined
    : Redacted.isRedacted(settings.password)
    ? settings.password
    : placeholder,
  token: settings.token === undefined ? undefined : Redacted.isRedacted(settings.token) ? settings.token : placeholder,
  authenticationMode: settings.authenticationMode
})

/** The option that a failure of `Sasl.candidates` is about. */
const unusableOf = ({ authenticationMode: mode, password, token, user }: Settings): string =>
  typeof mode === "object"
    ? "authenticationMode"
    : /^(oauth2|oauthbearer|xoauth2)$/i.test(mode ?? "")
    ? token === undefined ? "accessTokenOAuth2" : "user"
    : user === undefined && password !== undefined
    ? "user"
    : "password"

/** Names the failure, never holds it: whoever gives secrets may have put one into the error. */
const nameOf = (error: unknown): string => {
  if (typeof error !== "object" || error === null) return "an error without a name"
  if ("_tag" in error && typeof error._tag === "string") return error._tag
  return error instanceof Error ? error.name : "an error without a name"
}

const secretOf = (
  source: SecretSource | undefined,
  option: string
): Effect.Effect<Redacted.Redacted | undefined, CredentialsUnavailable | InvalidConfiguration> => {
  if (source === undefined) return Effect.succeed(undefined)
  if (Redacted.isRedacted(source)) return Effect.succeed(source)
  return source.pipe(
    Effect.catchCause((cause) => {
      const error = Cause.squash(cause)
      return Effect.fail(
        new CredentialsUnavailable({
          cause: new Error(`the Effect of ${option} failed with ${nameOf(error)}`),
          ...(error instanceof OAuth2Error ? { problem: error.message, isTransient: error.isTransient } : {})
        })
      )
    }),
    Effect.flatMap((secret) => {
      const problem = secretProblem(secret)
      return problem === undefined
        ? Effect.succeed(secret)
        : Effect.fail(new InvalidConfiguration({ option, problem }))
    })
  )
}

/** Asked once an authentication, before anybody dials. */
export const credentials = (
  settings: Settings
): Effect.Effect<Sasl.Credentials, CredentialsUnavailable | InvalidConfiguration> =>
  Effect.map(
    Effect.all([secretOf(settings.password, "password"), secretOf(settings.token, "accessTokenOAuth2")]),
    ([password, token]) => ({
      user: settings.user,
      password,
      token,
      authenticationMode: settings.authenticationMode
    })
  )

/** The token is not a constant: after a refusal it is worth asking again. */
export const canAskAgain = (settings: Settings): boolean =>
  (settings.token !== undefined && !Redacted.isRedacted(settings.token)) ||
  (settings.token === undefined && settings.password !== undefined && !Redacted.isRedacted(settings.password))
