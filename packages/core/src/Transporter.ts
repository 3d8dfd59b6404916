import type { NonEmptyReadonlyArray } from "effect/Array"
import type * as Config from "effect/Config"
import * as Context from "effect/Context"
import type { Signature } from "effect/crypto/Signature"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type { FileSystem } from "effect/FileSystem"
import type * as Layer from "effect/Layer"
import type { Path } from "effect/Path"
import type { CircuitBreaker } from "effect/persistence/CircuitBreaker"
import type { RateLimiter } from "effect/persistence/RateLimiter"
import type * as Redacted from "effect/Redacted"
import type * as Result from "effect/Result"
import type * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { Connector } from "./Connector.ts"
import type { Extensions } from "./Extensions.ts"
import type { Phase } from "./LogEvent.ts"
import type { FileOptions, LogError } from "./LogSink.ts"
import type { Composed, Draft } from "./Message.ts"
import type { Receipt } from "./Receipt.ts"
import type { Redaction } from "./Redaction.ts"
import type * as Sasl from "./Sasl.ts"
import type { SmtpError } from "./SmtpError.ts"
import type { SmtpLog } from "./SmtpLog.ts"
import type { TlsMode, TlsOptions } from "./Tls.ts"
import type { TlsInfo } from "./Tls.ts"

/** `"30 seconds"` or a Duration. A bare number is refused: 4D means seconds, Effect milliseconds. */
export type TimeOut = Exclude<Duration.Input, number>
export interface Options {
  /** `smtps://user:pass@host:465?…`; the fields below override its parts. */
  readonly url?: Redacted.Redacted | undefined
  /** A Unix socket instead of host and port; events and errors then have the path as host and 0 as port. */
  readonly socketPath?: string | undefined
  readonly host?: string | undefined
  readonly port?: number | undefined
  readonly user?: string | undefined
  /** Static, or an Effect asked once per authentication (and once more when the server says it expired). */
  readonly password?: Redacted.Redacted | Effect.Effect<Redacted.Redacted, unknown> | undefined
  readonly accessTokenOAuth2?: Redacted.Redacted | Effect.Effect<Redacted.Redacted, unknown> | undefined
  readonly authenticationMode?: string | Sasl.Mechanism | undefined
  readonly tls?: TlsMode | TlsOptions | undefined
  readonly acceptUnsecureConnection?: boolean | undefined
  readonly saslInitialResponse?: boolean | undefined
  readonly dangerouslyAuthInClear?: boolean | undefined
  readonly connectionTimeOut?: TimeOut | undefined
  readonly sendTimeOut?: TimeOut | undefined
  /** Per phase; defaults in protocol.md §3. */
  readonly timeLimits?: { readonly [P in Phase]?: TimeOut | undefined } | undefined
  readonly keepAlive?: boolean | undefined
  readonly name?: string | undefined
  readonly lmtp?: boolean | undefined
  readonly allRecipients?: "required" | "best-effort" | undefined
  readonly logFile?: string | (FileOptions & { readonly path: string }) | undefined
  readonly redaction?: Redaction | undefined
  /** Whether receipts carry the redacted conversation too; errors always do. */
  readonly conversation?: "errors" | "always" | undefined
  /** After `Unknown`: fail (default), or send again as RFC 5321 §3.8 has it: a duplicate rather than a loss. */
  readonly onUnknown?: "fail" | "retry" | undefined
  /** "safe": DATA and BDAT wait for the RCPT replies. */
  readonly pipelining?: "auto" | "safe" | "off" | undefined
  /** Treated as not offered, and logged so. */
  readonly ignoreExtensions?: ReadonlyArray<string> | undefined
  readonly force8bit?: boolean | undefined
  readonly maxSessions?: number | undefined
}
/** What a transporter needs of its platform. `NodeColloquy.layer` and `TestPlatform.layer` provide it. */
export type Platform = FileSystem | Path | Sasl.Services | Signature
export type Requirements = Connector | SmtpLog | Platform
export interface CheckReport {
  readonly extensions: Extensions
  readonly tls: TlsInfo | undefined
  readonly mechanism: string | undefined
}
export interface Sent<M> {
  readonly index: number
  readonly message: M
  readonly result: Result.Result<Receipt, SmtpError>
}

export interface Transporter {
  readonly "~@colloquy/core/Transporter": unknown
  readonly host: string
  readonly port: number
  readonly send: (message: Draft | Composed) => Effect.Effect<Receipt, SmtpError>
  readonly sendAll: <M extends Draft | Composed, E, R>(messages: Stream.Stream<M, E, R>) => Stream.Stream<Sent<M>, E, R>
  readonly checkConnection: Effect.Effect<CheckReport, SmtpError>
}
export declare const Transporter: Context.Service<Transporter, Transporter>
export declare const make: (
  options: Options
) => Effect.Effect<Transporter, SmtpError | LogError, Requirements | Scope.Scope>
export declare const layer: (options: Options) => Layer.Layer<Transporter, SmtpError | LogError, Requirements>
export declare const layerConfig: (
  options: Config.Wrap<Options>
) => Layer.Layer<Transporter, SmtpError | LogError | Config.ConfigError, Requirements>
/** SMTP_URL, or SMTP_HOST, SMTP_PORT, SMTP_USER, SMTP_PASSWORD, …; `Config.nested` for a second one. */
export declare const config: Config.Config<Options>
export declare const send: (message: Draft | Composed) => Effect.Effect<Receipt, SmtpError, Transporter>
export declare const sendAll: <M extends Draft | Composed, E, R>(
  messages: Stream.Stream<M, E, R>
) => Stream.Stream<Sent<M>, E, R | Transporter>

export interface TagClass<Self, Id extends string> extends Context.ServiceClass<Self, Id, Transporter> {
  readonly layer: (options: Options) => Layer.Layer<Self, SmtpError | LogError, Requirements>
  readonly layerConfig: (
    options: Config.Wrap<Options>
  ) => Layer.Layer<Self, SmtpError | LogError | Config.ConfigError, Requirements>
  readonly send: (message: Draft | Composed) => Effect.Effect<Receipt, SmtpError, Self>
  readonly sendAll: <M extends Draft | Composed, E, R>(
    messages: Stream.Stream<M, E, R>
  ) => Stream.Stream<Sent<M>, E, R | Self>
}
export declare const Service: <Self>() => <const Id extends string>(id: Id) => TagClass<Self, Id>

// Decorators: a Transporter in, a Transporter out. What they need appears in their own type, not in everybody's.
export declare const failover: (transporters: NonEmptyReadonlyArray<Transporter>) => Transporter
export declare const balance: (
  transporters: NonEmptyReadonlyArray<{ readonly transporter: Transporter; readonly weight?: number }>
) => Transporter
export declare const withRateLimit: (
  self: Transporter,
  options: {
    readonly limit: number
    readonly window: Duration.Input
    readonly unit?: "messages" | "recipients" | "octets"
  }
) => Effect.Effect<Transporter, never, RateLimiter>
export declare const withCircuitBreaker: (self: Transporter, breaker: CircuitBreaker) => Transporter
export declare const withRetry: (self: Transporter, schedule: Schedule.Schedule<unknown, SmtpError>) => Transporter
