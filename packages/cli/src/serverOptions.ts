/**
 * The flags that `send` and `check` share, and how they become the options of a transporter.
 *
 * Invariant: a password is a `Redacted` from where it is read. It comes, first found first taken, from `--password-file`,
 * from COLLOQUY_PASSWORD where the URL has a user, from the URL (with a warning: other users of the machine see it in the list of processes), or
 * from a prompt where the URL has a user without a password and there is a terminal to ask at.
 */
import { Connector } from "@colloquy/core/Connector"
import * as ProxyConnector from "@colloquy/core/ProxyConnector"
import type * as Transporter from "@colloquy/core/Transporter"
import * as Flag from "effect/cli/Flag"
import * as Prompt from "effect/cli/Prompt"
import * as TerminalCapabilities from "effect/cli/TerminalCapabilities"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { readText } from "./internal/files.ts"

const units: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

/** `30s`, `500ms`, `2m`, `1h`; a bare number is seconds. */
export const parseTimeout = (text: string): Option.Option<Duration.Duration> => {
  const [, count, unit = "s"] = /^(\d{1,9}(?:\.\d{1,3})?) ?(ms|s|m|h)?$/.exec(text.trim()) ?? []
  const milliseconds = Number(count) * (units[unit] ?? Number.NaN)
  return milliseconds > 0 ? Option.some(Duration.millis(milliseconds)) : Option.none()
}

/** For the help of both commands. */
export const about = `
  The server's URL is smtps://user@host (TLS from the start, port 465), smtp://user@host (STARTTLS, port 587),
  lmtp://host:port or lmtp:///socket. User and password are percent-encoded; options may follow, as in ?tls=none.
  The password (with an OAuth mechanism: the access token) comes from --password-file, from COLLOQUY_PASSWORD in the
  environment, or from a prompt. In the URL everybody on the machine can read it.
  --proxy, or COLLOQUY_PROXY in the environment, is http://host:3128 or socks5://host:1080; a login in it goes best into
  the environment.`

export const flags = {
  server: Flag.Redacted("server").pipe(
    Flag.withMetavar("URL"),
    Flag.withDescription("Which server: see above")
  ),
  passwordFile: Flag.String("password-file").pipe(
    Flag.withMetavar("FILE"),
    Flag.withDescription("A file with the password; one line end at its end is taken off"),
    Flag.optional
  ),
  tls: Flag.Literals("tls", ["implicit", "required", "opportunistic", "none"]).pipe(
    Flag.withDescription("TLS from the start, or by STARTTLS: required, or where the server has it; or none"),
    Flag.optional
  ),
  ca: Flag.String("ca").pipe(
    Flag.withMetavar("FILE"),
    Flag.withDescription("Certificates (PEM) that are trusted in place of the system's"),
    Flag.optional
  ),
  auth: Flag.String("auth").pipe(
    Flag.withMetavar("MECHANISM"),
    Flag.withDescription("PLAIN, LOGIN, CRAM-MD5, SCRAM-SHA-256, OAUTHBEARER…; otherwise the strongest that both have"),
    Flag.optional
  ),
  proxy: Flag.Redacted("proxy").pipe(
    Flag.withMetavar("URL"),
    Flag.withDescription("Connect through this HTTP or SOCKS5 proxy, which finds the server's address"),
    Flag.optional
  ),
  name: Flag.String("name").pipe(
    Flag.withMetavar("EHLO-NAME"),
    Flag.withDescription("The name to introduce oneself by"),
    Flag.optional
  ),
  timeout: Flag.String("timeout").pipe(
    Flag.withMetavar("T"),
    Flag.withDescription("30s, 500ms, 2m: how long to wait for the server; for the connection 30s at most"),
    Flag.filterMap(parseTimeout, () => "expected a time like 30s, 500ms or 2m"),
    Flag.optional
  )
}

export interface Input {
  readonly server: Redacted.Redacted
  readonly passwordFile: Option.Option<string>
  readonly tls: Option.Option<"implicit" | "required" | "opportunistic" | "none">
  readonly ca: Option.Option<string>
  readonly auth: Option.Option<string>
  readonly proxy: Option.Option<Redacted.Redacted>
  readonly name: Option.Option<string>
  readonly timeout: Option.Option<Duration.Duration>
}

const isOAuth = (mechanism: string) => ["OAUTH2", "OAUTHBEARER", "XOAUTH2"].includes(mechanism.toUpperCase())

/** One line end at the end of a password file belongs to the editor, not to the password. */
const withoutFinalLineEnd = (text: string) => text.replace(/\r?\n$/, "")

/** What the URL says of who logs in. One that is no URL is the transporter's to complain about. */
const credentialsOf = (server: Redacted.Redacted) => {
  const url = URL.parse(Redacted.value(server))
  return {
    user: url !== null && url.username !== "",
    password: url === null || url.password === "" ? undefined : Redacted.make(url.password, { label: "password" })
  }
}

/** Percent-decoded; what can't be is the transporter's to complain about. */
const decoded = (secret: Redacted.Redacted) =>
  Result.getOrUndefined(Result.try(() => Redacted.make(decodeURIComponent(Redacted.value(secret)))))

const secretOf = Effect.fnUntraced(function*(input: Input) {
  if (Option.isSome(input.passwordFile)) {
    return Redacted.make(withoutFinalLineEnd(yield* readText(input.passwordFile.value)), { label: "password" })
  }
  const { password, user } = credentialsOf(input.server)
  // The environment may hold the password of another server: it is not for a URL without a user.
  const environment = yield* Effect.orDie(Config.option(Config.Redacted("COLLOQUY_PASSWORD")))
  if (user && Option.isSome(environment)) return environment.value
  if (password !== undefined) {
    yield* Console.error(
      "colloquy: the password in the URL shows in the list of processes; --password-file or COLLOQUY_PASSWORD hide it."
    )
    // As a password the transporter takes it from the URL itself; as a token it does not.
    return Option.exists(input.auth, isOAuth) ? decoded(password) : undefined
  }
  const { canPrompt } = yield* TerminalCapabilities.TerminalCapabilities
  if (!user || !canPrompt || Option.contains(input.auth, "EXTERNAL")) return undefined
  return yield* Effect.catchTag(
    Prompt.run(Prompt.Password({ message: "Password" })),
    "QuitError",
    () => Effect.interrupt
  )
})

const proxyOf = Effect.fnUntraced(function*({ proxy }: Input) {
  if (Option.isNone(proxy)) return yield* Effect.orDie(Config.option(Config.Redacted("COLLOQUY_PROXY")))
  const url = URL.parse(Redacted.value(proxy.value))
  if (url !== null && url.password !== "") {
    yield* Console.error(
      "colloquy: the proxy's password shows in the list of processes; COLLOQUY_PROXY in the environment hides it."
    )
  }
  return proxy
})

/** Who dials: directly, or through the proxy that the flag names, else the environment. */
export const connector = Effect.fnUntraced(function*(input: Input) {
  const proxy = yield* proxyOf(input)
  return Option.isNone(proxy) || Redacted.value(proxy.value) === ""
    ? yield* Connector
    : yield* ProxyConnector.make({ url: proxy.value })
})

const limits = (timeout: Option.Option<Duration.Duration>) =>
  Option.match(timeout, {
    onNone: () => ({}),
    onSome: (sendTimeOut) => ({
      sendTimeOut,
      connectionTimeOut: Duration.min(sendTimeOut, Duration.seconds(30))
    })
  })

/** The transporter's options; a session is closed after its one use. */
export const resolve = Effect.fnUntraced(function*(input: Input) {
  const ca = Option.isSome(input.ca) ? yield* readText(input.ca.value) : undefined
  const mode = Option.getOrUndefined(input.tls)
  const mechanism = Option.getOrUndefined(input.auth)
  const secret = yield* secretOf(input)
  const options: Transporter.Options = {
    url: input.server,
    ...(mode === undefined && ca === undefined ? {} : { tls: ca === undefined ? mode : { mode, ca } }),
    ...(mechanism === undefined ? {} : { authenticationMode: mechanism }),
    ...(secret === undefined
      ? {}
      : mechanism !== undefined && isOAuth(mechanism)
      ? { accessTokenOAuth2: secret }
      : { password: secret }),
    ...(Option.isSome(input.name) ? { name: input.name.value } : {}),
    ...limits(input.timeout),
    keepAlive: false
  }
  return options
})
