import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { Connector, Target } from "./Connector.ts"
import type { Extensions } from "./Extensions.ts"
import type { RecipientVerdict } from "./Receipt.ts"
import type { Reply } from "./Reply.ts"
import type { Mechanism, Services } from "./Sasl.ts"
import type { SmtpError } from "./SmtpError.ts"
import type { SmtpLog } from "./SmtpLog.ts"
import type { TlsOptions } from "./Tls.ts"
import type { TlsInfo } from "./Tls.ts"
/** Clear | Tls is the channel; the phase is the type's name. A handle is good while its phase lasts: one from before STARTTLS or AUTH, or from inside an ended transaction, is refused at run time; `Ready`/`Authenticated` is good again when its transaction has ended. */
export type Channel = "Clear" | "Tls"
interface Handle<C extends Channel> {
  readonly channel: C
  readonly id: number
  readonly tls: C extends "Tls" ? TlsInfo : undefined
}
export interface Connected<C extends Channel = Channel> extends Handle<C> {
  readonly _tag: "Connected"
  readonly greeting: Reply
}
export interface Ready<C extends Channel = Channel> extends Handle<C> {
  readonly _tag: "Ready"
  readonly extensions: Extensions
}
export interface Authenticated<C extends Channel = Channel> extends Handle<C> {
  readonly _tag: "Authenticated"
  readonly extensions: Extensions
  readonly mechanism: string
}
export interface Transaction {
  readonly _tag: "Transaction"
  readonly id: number
  readonly from: Ready | Authenticated
}
export declare const connect: (
  target: Target
) => Effect.Effect<Connected<"Clear">, SmtpError, Connector | SmtpLog | Scope.Scope>
export declare const connectTls: (
  target: Target
) => Effect.Effect<Connected<"Tls">, SmtpError, Connector | SmtpLog | Scope.Scope>
export declare const ehlo: <C extends Channel>(self: Connected<C>, name: string) => Effect.Effect<Ready<C>, SmtpError>
export declare const lhlo: <C extends Channel>(self: Connected<C>, name: string) => Effect.Effect<Ready<C>, SmtpError>
/** RFC 3207 §4.2: what was known before is forgotten, so this gives `Connected`, and EHLO must be said again. */
export declare const startTls: (
  self: Ready<"Clear">,
  options?: TlsOptions
) => Effect.Effect<Connected<"Tls">, SmtpError>
export declare const auth: (
  self: Ready<"Tls">,
  mechanism: Mechanism
) => Effect.Effect<Authenticated<"Tls">, SmtpError, Services>
export declare const dangerouslyAuthInClear: (
  self: Ready<"Clear">,
  mechanism: Mechanism
) => Effect.Effect<Authenticated<"Clear">, SmtpError, Services>
export declare const mail: (
  self: Ready | Authenticated,
  reversePath: string,
  parameters?: Record<string, string>
) => Effect.Effect<Transaction, SmtpError>
export declare const rcpt: (
  self: Transaction,
  forwardPath: string,
  parameters?: Record<string, string>
) => Effect.Effect<RecipientVerdict, SmtpError>
export declare const data: <E>(
  self: Transaction,
  content: Stream.Stream<Uint8Array, E> | string
) => Effect.Effect<Reply, SmtpError | E>
export declare const rset: (self: Transaction) => Effect.Effect<Ready | Authenticated, SmtpError>
export declare const quit: (self: Connected | Ready | Authenticated) => Effect.Effect<void>
