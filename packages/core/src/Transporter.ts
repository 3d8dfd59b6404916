/**
 * A configured way to one mail server: its sessions, credentials and policies. What applications use.
 *
 * Building one never dials: mail that is down is not an application that is down. Sessions are opened when there is
 * something to send, up to `maxSessions`, and kept for 30 s (`keepAlive`); they end with the transporter's scope. The log
 * is `SmtpLog`, taken when the transporter is built, so that it can be swapped by a layer and not be forgotten. Password and
 * token can't be read back from a transporter.
 *
 * Two transporters in one application are two tags: `class Bulk extends Transporter.Service<Bulk>()("app/Bulk") {}`.
 *
 * The dialogue step by step is `Session`; messages are `Message`; what a send came to is `Receipt` or `SmtpError`.
 */
import * as Arr from "effect/Array"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import type { Signature } from "effect/crypto/Signature"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { FileSystem } from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { Path } from "effect/Path"
import type { CircuitBreaker } from "effect/persistence/CircuitBreaker"
import type { RateLimiter } from "effect/persistence/RateLimiter"
import type * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import type { Connector } from "./Connector.ts"
import type * as Dkim from "./Dkim.ts"
import type { Envelope } from "./Envelope.ts"
import type { Extensions } from "./Extensions.ts"
import * as Decorators from "./internal/decorators.ts"
import { makeSteps } from "./internal/send.ts"
import { sendAll as sendAllOf } from "./internal/sendAll.ts"
import { make as makeSessions } from "./internal/sessions.ts"
import * as Settings from "./internal/settings.ts"
import { makeSigning } from "./internal/signing.ts"
import { unsent } from "./internal/unsent.ts"
import { fullWindow } from "./internal/window.ts"
import type { Phase } from "./LogEvent.ts"
import * as LogSink from "./LogSink.ts"
import type { Composed, Draft, Prepared } from "./Message.ts"
import type * as Message from "./Message.ts"
import type { Receipt } from "./Receipt.ts"
import type { Redaction } from "./Redaction.ts"
import type * as Sasl from "./Sasl.ts"
import type { SmtpError } from "./SmtpError.ts"
import * as SmtpLog from "./SmtpLog.ts"
import type { TlsInfo, TlsMode, TlsOptions } from "./Tls.ts"

/** `"30 seconds"` or a Duration. A bare number is refused: 4D means seconds, Effect milliseconds. */
export type TimeOut = Exclude<Duration.Input, number>

/** All have defaults but `host` (or `url`, or `socketPath`). What cannot be is `InvalidConfiguration`, when the transporter is built. */
export interface Options {
  /**
   * `smtps://user:password@host:465?name=…`; the fields below override its parts. `smtps` is TLS from the first octet
   * (465), `smtp` STARTTLS required (587), `lmtp` needs a port, `lmtp:///path` is a Unix socket. User and password are
   * percent-encoded. Parameters: `tls`, `auth` (`authenticationMode`), `name`, `connectionTimeOut`, `sendTimeOut` (as
   * `30s`), `keepAlive`, `acceptUnsecureConnection`, `saslInitialResponse`, `lmtp`, `force8bit`, `allRecipients`,
   * `conversation`, `onUnknown`, `pipelining`, `ignoreExtensions` (with commas), `maxSessions`. Not taken from a URL:
   * `logFile` and whatever begins with `dangerously`.
   */
  readonly url?: Redacted.Redacted | undefined
  /** A Unix socket instead of host and port; events and errors then have the path as host and 0 as port. */
  readonly socketPath?: string | undefined
  /** Name or IP address. */
  readonly host?: string | undefined
  /** Default 587. */
  readonly port?: number | undefined
  readonly user?: string | undefined
  /** Static, or an Effect asked once per authentication (and once more when the server refuses what it gave). */
  readonly password?: Redacted.Redacted | Effect.Effect<Redacted.Redacted, unknown> | undefined
  /** As `password`; OAUTHBEARER or XOAUTH2 are then used. */
  readonly accessTokenOAuth2?: Redacted.Redacted | Effect.Effect<Redacted.Redacted, unknown> | undefined
  /** One mechanism, by its SASL name or 4D's `OAUTH2`, or one of your own. Default: the strongest that the server offers. */
  readonly authenticationMode?: string | Sasl.Mechanism | undefined
  /** Default: "implicit" on 465, "none" on a Unix socket, "required" (STARTTLS or fail) on every other port. */
  readonly tls?: TlsMode | TlsOptions | undefined
  /** True is short for `tls: "opportunistic"`: clear text where the server offers no TLS. Default false. */
  readonly acceptUnsecureConnection?: boolean | undefined
  /** False: `AUTH PLAIN`, `334`, then the response, in two steps. Default true. */
  readonly saslInitialResponse?: boolean | undefined
  /** Sends credentials over a wire that anybody can read. Default false. */
  readonly dangerouslyAuthInClear?: boolean | undefined
  /** DNS, all addresses and implicit TLS together. Default 30 seconds. */
  readonly connectionTimeOut?: TimeOut | undefined
  /** What a send waits for a session, and for replies up to the end of data. It cuts short no content in motion and no verdict. Default 100 seconds. */
  readonly sendTimeOut?: TimeOut | undefined
  /**
   * Per phase (RFC 5321 §4.5.3.2); defaults: greeting, ehlo, starttls, tls (the handshake after STARTTLS), auth, mail, rset 60 s; rcpt, data 120 s; content
   * 180 s without progress; verdict 600 s (shorter means duplicates); quit 5 s.
   */
  readonly timeLimits?: { readonly [P in Phase]?: TimeOut | undefined } | undefined
  /** Sessions stay open for 30 s between sends. False: QUIT after each send. Default true. */
  readonly keepAlive?: boolean | undefined
  /** What EHLO says. Default: the machine's name if it is fully qualified, else the socket's own address. */
  readonly name?: string | undefined
  /** Speak LMTP (RFC 2033): a verdict for each recipient. Default false. */
  readonly lmtp?: boolean | undefined
  /** "required": nobody gets the message unless every RCPT is accepted. Default "best-effort". */
  readonly allRecipients?: "required" | "best-effort" | undefined
  /** A log of this transporter alone, besides the one it is given: the same as providing `SmtpLog.layerTee([LogSink.file(path)])`. */
  readonly logFile?: string | (LogSink.FileOptions & { readonly path: string }) | undefined
  /** For the text of all that leaves the sessions: logs, live stream, messages and conversations of errors; the typed fields of errors and receipts (verdicts, replies) stay as they are, since the application acts on them. A sink can add to it, none can take away. */
  readonly redaction?: Redaction | undefined
  /** Whether receipts carry the redacted conversation too; errors always do. Default "errors". */
  readonly conversation?: "errors" | "always" | undefined
  /** After `Unknown`: fail (default), or send once more as RFC 5321 §3.8 has it: a duplicate rather than a loss. */
  readonly onUnknown?: "fail" | "retry" | undefined
  /** "safe": DATA and BDAT wait for the RCPT replies. "off": one command at a time. Default "auto". */
  readonly pipelining?: "auto" | "safe" | "off" | undefined
  /** Treated as not offered, and logged so. */
  readonly ignoreExtensions?: ReadonlyArray<string> | undefined
  /** Raw content with octets over 127 is sent to servers that do not offer 8BITMIME. Default false. */
  readonly force8bit?: boolean | undefined
  /**
   * DKIM signatures (RFC 6376) for every message that is composed here: signers of `Dkim.make`, or what it takes. Raw content
   * (`Composed`) is sent as it is.
   */
  readonly dkim?: Dkim.Signer | Dkim.Options | ReadonlyArray<Dkim.Signer | Dkim.Options> | undefined
  /** S/MIME signature (RFC 8551) for every message that is composed here: certificate with its private key, PKCS#12 or PEM. Needs the `SmimeSigner` of `NodeColloquy.layer`. */
  readonly certificate?: Uint8Array | Redacted.Redacted | undefined
  /** Of the PKCS#12 file, or of the encrypted key. */
  readonly certificatePassword?: Redacted.Redacted | undefined
  /** Where a message does not say: the charset and encoding of its header fields, and of its bodies (4D's values; `Message.CharsetPolicy`). */
  readonly headerCharset?: Message.Message["headerCharset"]
  readonly bodyCharset?: Message.Message["bodyCharset"]
  /** Sessions at a time. Default 3. */
  readonly maxSessions?: number | undefined
  /**
   * When a session is retired: after so long without a message (`idle`, default 30 seconds), so long after it was opened
   * (`age`) or after so many messages (by default neither). What is in flight is finished first.
   */
  readonly sessionLimits?: {
    readonly idle?: TimeOut | undefined
    readonly age?: TimeOut | undefined
    readonly messages?: number | undefined
  } | undefined
}

/** What a transporter needs of its platform. `NodeColloquy.layer` and `TestPlatform.layer` provide it. */
export type Platform = FileSystem | Path | Sasl.Services | Signature
/** And what it needs besides: who dials, and a log (`SmtpLog.layerNone` is none). */
export type Requirements = Connector | SmtpLog.SmtpLog | Platform

/** What connecting found. Times in milliseconds. */
export interface CheckReport {
  readonly host: string
  readonly port: number
  /** The address that answered. */
  readonly address: string | undefined
  /** The text of the server's greeting, without its code. */
  readonly greeting: string
  readonly extensions: Extensions
  readonly tls: TlsInfo | undefined
  readonly mechanism: string | undefined
  readonly timings: {
    readonly connect: number
    readonly tls: number | undefined
    readonly greeting: number
    readonly auth: number | undefined
    readonly total: number
  }
}

/** What a transporter is doing now, for dashboards. Of transporters behind a decorator: the first one's. */
export interface Stats {
  /** Sessions that take mail. */
  readonly sessions: number
  /** Of these, how many have nothing in flight. */
  readonly idle: number
  /** Sessions that are being opened. */
  readonly opening: number
  /** Messages that wait for a session. */
  readonly queued: number
  /** Messages whose transaction has begun. */
  readonly inFlight: number
}

/** What became of one message of `sendAll`; `index` counts from 0 in the order in which they came. */
export interface Sent<M> {
  readonly index: number
  readonly message: M
  readonly result: Result.Result<Receipt, SmtpError>
}

const TypeId = "~@colloquy/core/Transporter"

/** What `send` does, in its two steps: decorators wrap the second, so that every attempt carries the same Message-ID. */
export interface Steps {
  readonly prepare: (message: Draft | Composed) => Effect.Effect<Composed | Prepared, SmtpError>
  readonly deliver: (message: Composed | Prepared) => Effect.Effect<Receipt, SmtpError>
  /** Sends in flight at a time in `sendAll`. */
  readonly concurrency: number
}

/** See the module. Made by `make`, by the layers, or by `fromParts`; prints as host and port alone. */
export interface Transporter {
  readonly [TypeId]: Steps
  readonly host: string
  readonly port: number
  /**
   * Sends one message. Succeeds when somebody has it, with a verdict for each recipient. Run again after a failure (by
   * `Effect.retry`), it sends the same message: same Message-ID, Date and boundaries.
   */
  readonly send: (message: Draft | Composed) => Effect.Effect<Receipt, SmtpError>
  /** Sends as they come, as many at a time as there are sessions; results in order of completion. A failed message does not fail the stream. */
  readonly sendAll: <M extends Draft | Composed, E, R>(
    messages: Stream.Stream<M, E, R>
  ) => Stream.Stream<Sent<M>, E, R>
  /** Connects and authenticates; sends nothing. */
  readonly checkConnection: Effect.Effect<CheckReport, SmtpError>
  readonly stats: Effect.Effect<Stats>
}
/** The default transporter's tag: `Transporter.send` and its like use it. */
export const Transporter: Context.Service<Transporter, Transporter> = Context.Service<Transporter>(
  "@colloquy/core/Transporter"
)

/** What a transporter is made of: for those who write a decorator, or a transporter for tests. */
export interface Parts extends Steps {
  readonly host: string
  readonly port: number
  readonly checkConnection: Transporter["checkConnection"]
  /** Default: nothing is going on. */
  readonly stats?: Transporter["stats"] | undefined
}

/** The parts of a transporter, to make another of. */
export const toParts = (self: Transporter): Parts => ({
  host: self.host,
  port: self.port,
  checkConnection: self.checkConnection,
  stats: self.stats,
  ...self[TypeId]
})

/** A transporter from its parts. */
export const fromParts = (parts: Parts): Transporter => {
  const send: Transporter["send"] = (message) => {
    /** Of a run that failed: the next run is another attempt of the same message. */
    let failed: Composed | Prepared | undefined
    return Effect.suspend(() => {
      const before = failed
      failed = undefined
      return Effect.flatMap(
        before === undefined ? parts.prepare(message) : Effect.succeed(before),
        (prepared) =>
          Effect.tapError(parts.deliver(prepared), () =>
            Effect.sync(() => {
              failed = prepared
            }))
      )
    })
  }
  const transporter: Transporter = {
    [TypeId]: { prepare: parts.prepare, deliver: parts.deliver, concurrency: parts.concurrency },
    host: parts.host,
    port: parts.port,
    send,
    checkConnection: parts.checkConnection,
    stats: parts.stats ?? Effect.succeed({ sessions: 0, idle: 0, opening: 0, queued: 0, inFlight: 0 }),
    sendAll: (messages) =>
      sendAllOf(messages, { prepare: parts.prepare, deliver: parts.deliver, limit: parts.concurrency })
  }
  const shown = { value: () => ({ _id: "Transporter", host: parts.host, port: parts.port }) }
  return Object.defineProperties(transporter, {
    toJSON: shown,
    [Symbol.for("nodejs.util.inspect.custom")]: shown
  })
}

/** Two full windows: while one is on the wire the next is ready. */
const sendsASession = 2 * fullWindow

/** Builds a transporter in the current scope. Fails with `InvalidConfiguration`, or with `LogError` where `logFile` can't be opened. Never dials. */
export const make = Effect.fnUntraced(function*(
  options: Options
): Effect.fn.Return<Transporter, SmtpError | LogSink.LogError, Requirements | Scope.Scope> {
  const settings = yield* Result.match(Settings.make(options), {
    onFailure: (reason) => Effect.fail(unsent(reason)),
    onSuccess: Effect.succeed
  })
  const { logFile } = options
  const above = yield* SmtpLog.SmtpLog
  const log = logFile === undefined
    ? above
    : yield* SmtpLog.tee(above, [
      typeof logFile === "string" ? LogSink.file(logFile) : LogSink.file(logFile.path, logFile)
    ])
  const sessions = yield* Effect.provideService(makeSessions(settings), SmtpLog.SmtpLog, log)
  const signing = yield* makeSigning(options)
  const steps = yield* makeSteps(settings, sessions, signing)
  const checkConnection = Effect.scoped(Effect.gen(function*() {
    const begun = sessions.now()
    const session = yield* sessions.open
    const { connection } = session.engine
    const report: CheckReport = {
      ...settings.server,
      address: connection.address,
      greeting: session.greeting.text,
      extensions: session.extensions,
      tls: session.tls,
      mechanism: session.mechanism,
      timings: { connect: session.connectTime, ...session.timings, total: sessions.now() - begun }
    }
    yield* session.engine.quit
    return report
  })).pipe(Effect.withSpan("Transporter.checkConnection"))
  const { stats } = sessions
  return fromParts({
    ...settings.server,
    ...steps,
    checkConnection,
    stats,
    concurrency: settings.maxSessions * sendsASession
  })
})

/**
 * The default transporter, for `Transporter.send`. Needs a log beneath it: `Layer.provide(SmtpLog.layerFile("mail.log"))`, and
 * a platform: `Layer.provide(NodeColloquy.layer)`.
 */
export const layer = (
  options: Options
): Layer.Layer<Transporter, SmtpError | LogSink.LogError, Requirements> => Layer.effect(Transporter, make(options))

const makeConfig = (
  options: Config.Wrap<Options>
): Effect.Effect<
  Transporter,
  SmtpError | LogSink.LogError | Config.ConfigError,
  Requirements | Scope.Scope
> => Effect.flatMap(Config.unwrap(options), make)

/** As `layer`, with options that are read from the configuration: `layerConfig({ url: Config.Redacted("SMTP_URL") })`, or `layerConfig(config)`. */
export const layerConfig = (
  options: Config.Wrap<Options>
): Layer.Layer<Transporter, SmtpError | LogSink.LogError | Config.ConfigError, Requirements> =>
  Layer.effect(Transporter, makeConfig(options))

const timeOut = (name: string): Config.Config<Option.Option<Duration.Duration>> => Config.option(Config.Duration(name))

/**
 * From the environment: SMTP_URL, or SMTP_HOST, SMTP_PORT, SMTP_USER, SMTP_PASSWORD, SMTP_TOKEN (an OAuth2 access token),
 * SMTP_AUTH (`authenticationMode`), SMTP_TLS (implicit, required, opportunistic, none), SMTP_NAME, SMTP_CONNECTION_TIMEOUT,
 * SMTP_SEND_TIMEOUT (as `30 seconds`), SMTP_KEEP_ALIVE, SMTP_MAX_SESSIONS, SMTP_LOG_FILE. What is given apart overrides
 * the URL's part. `Config.nested(Transporter.config, "BULK")` reads BULK_SMTP_URL and so on.
 */
export const config: Config.Config<Options> = Config.all({
  url: Config.option(Config.Redacted("SMTP_URL")),
  host: Config.option(Config.NonEmptyString("SMTP_HOST")),
  port: Config.option(Config.Port("SMTP_PORT")),
  user: Config.option(Config.NonEmptyString("SMTP_USER")),
  password: Config.option(Config.Redacted("SMTP_PASSWORD")),
  accessTokenOAuth2: Config.option(Config.Redacted("SMTP_TOKEN")),
  authenticationMode: Config.option(Config.NonEmptyString("SMTP_AUTH")),
  tls: Config.option(Config.Literals(["implicit", "required", "opportunistic", "none"], "SMTP_TLS")),
  name: Config.option(Config.NonEmptyString("SMTP_NAME")),
  connectionTimeOut: timeOut("SMTP_CONNECTION_TIMEOUT"),
  sendTimeOut: timeOut("SMTP_SEND_TIMEOUT"),
  keepAlive: Config.option(Config.Boolean("SMTP_KEEP_ALIVE")),
  maxSessions: Config.option(Config.Int("SMTP_MAX_SESSIONS")),
  logFile: Config.option(Config.NonEmptyString("SMTP_LOG_FILE"))
}).pipe(Config.map((found) => {
  const options: { -readonly [K in keyof Options]: Options[K] } = {}
  return Object.assign(
    options,
    Object.fromEntries(
      Object.entries(found).flatMap(([name, value]) => Option.isSome<unknown>(value) ? [[name, value.value]] : [])
    )
  )
}))

/** `Transporter.send` of the default transporter. */
export const send = (message: Draft | Composed): Effect.Effect<Receipt, SmtpError, Transporter> =>
  Transporter.use((transporter) => transporter.send(message))

/** `Transporter.sendAll` of the default transporter. */
export const sendAll = <M extends Draft | Composed, E, R>(
  messages: Stream.Stream<M, E, R>
): Stream.Stream<Sent<M>, E, R | Transporter> =>
  Stream.unwrap(Transporter.useSync((transporter) => transporter.sendAll(messages)))

/** Connects and authenticates; sends nothing. Run it at the start where mail that is down must stop the application. */
export const checkConnection: Effect.Effect<CheckReport, SmtpError, Transporter> = Transporter.use((transporter) =>
  transporter.checkConnection
)

/** What `Service` gives: a tag with layers of its own. */
export interface TagClass<Self, Id extends string> extends Context.ServiceClass<Self, Id, Transporter> {
  readonly layer: (options: Options) => Layer.Layer<Self, SmtpError | LogSink.LogError, Requirements>
  readonly layerConfig: (
    options: Config.Wrap<Options>
  ) => Layer.Layer<Self, SmtpError | LogSink.LogError | Config.ConfigError, Requirements>
  readonly send: (message: Draft | Composed) => Effect.Effect<Receipt, SmtpError, Self>
  readonly sendAll: <M extends Draft | Composed, E, R>(
    messages: Stream.Stream<M, E, R>
  ) => Stream.Stream<Sent<M>, E, R | Self>
  readonly checkConnection: Effect.Effect<CheckReport, SmtpError, Self>
}

/** A tag of one's own: a mass mailing can never go out through the transactional transporter. */
export const Service = <Self>() => <const Id extends string>(id: Id): TagClass<Self, Id> => {
  const tag = Context.Service<Self, Transporter>()(id)
  return Object.assign(tag, {
    layer: (options: Options) => Layer.effect(tag, make(options)),
    layerConfig: (options: Config.Wrap<Options>) => Layer.effect(tag, makeConfig(options)),
    send: (message: Draft | Composed) => tag.use((transporter) => transporter.send(message)),
    sendAll: <M extends Draft | Composed, E, R>(messages: Stream.Stream<M, E, R>) =>
      Stream.unwrap(tag.useSync((transporter) => transporter.sendAll(messages))),
    checkConnection: tag.use((transporter) => transporter.checkConnection)
  })
}

// Decorators: a Transporter in, a Transporter out. What they need appears in their own type, not in everybody's.

/**
 * The next transporter is tried where the one before failed and nobody can have the message; an `InvalidMessage` stands for
 * all. Fails with `EveryServerFailed` where more than one was tried. Messages are prepared once, by the first: its `dkim`,
 * `certificate` and charsets are every server's. `checkConnection` is content with one that answers.
 */
export const failover = (transporters: Arr.NonEmptyReadonlyArray<Transporter>): Transporter =>
  fromParts(Decorators.failover(Arr.map(transporters, toParts)))

/**
 * Spreads messages by weight (default 1 each): of `{ weight: 2 }` and `{}` the first gets two of three. Messages are prepared
 * by the first transporter (its `dkim`, `certificate` and charsets are every server's), and `checkConnection` checks that one.
 */
export const balance = (
  transporters: Arr.NonEmptyReadonlyArray<{ readonly transporter: Transporter; readonly weight?: number }>
): Transporter =>
  fromParts(
    Decorators.balance(Arr.map(transporters, (place) => ({ ...place, transporter: toParts(place.transporter) })))
  )

/**
 * Waits where the limit is reached; fails with `Throttled` where the limiter itself fails. `unit`: default messages; one
 * message never counts as more than `limit`.
 * `key`: what shares a limit: default the server (`host:port`); a function of the envelope for a limit by sender, user or
 * domain.
 */
export const withRateLimit = (
  self: Transporter,
  options: {
    readonly limit: number
    readonly window: Duration.Input
    readonly unit?: "messages" | "recipients" | "octets"
    readonly key?: string | ((envelope: Envelope) => string)
  }
): Effect.Effect<Transporter, never, RateLimiter> =>
  Effect.map(Decorators.withRateLimit(toParts(self), options), fromParts)

/** So many messages at a time; with a semaphore, shared by every transporter that is given it (a limit for a host). */
export const withConcurrency = (self: Transporter, limit: number | Semaphore.Semaphore): Transporter =>
  fromParts(Decorators.withConcurrency(toParts(self), limit))

/**
 * Keeps the pause that a server asked for by 421, or by a temporary refusal of session, login or sender: `seconds` (default
 * 10 seconds) or `hours` (default 1 hour), as `Diagnosis` reads it. While it lasts, sends wait up to `maxWait` (default 1
 * minute); where it lasts longer they fail with `Throttled`, which says for how long.
 */
export const withPauses = (
  self: Transporter,
  options?: {
    readonly seconds?: Duration.Input | undefined
    readonly hours?: Duration.Input | undefined
    readonly maxWait?: Duration.Input | undefined
  }
): Transporter => fromParts(Decorators.withPauses(toParts(self), options))

/** Does not try a host that failed to connect too often: fails with `Throttled` until the circuit closes. */
export const withCircuitBreaker = (self: Transporter, breaker: CircuitBreaker): Transporter =>
  fromParts(Decorators.withCircuitBreaker(toParts(self), breaker))

/** Sends again what `isRetryable`, by a schedule; never past `Unknown`. */
export const withRetry = (self: Transporter, schedule: Schedule.Schedule<unknown, SmtpError>): Transporter =>
  fromParts(Decorators.withRetry(toParts(self), schedule))
