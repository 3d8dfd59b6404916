import type { NonEmptyReadonlyArray } from "effect/Array"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Socket from "effect/socket/Socket"
import type { CertificateRejected, ConnectionLost, TlsFailed } from "./SmtpError.ts"
import type { TlsInfo } from "./Tls.ts"
import type { TlsOptions } from "./Tls.ts"
/** An open byte pipe that can turn into TLS: effect's Socket with reader and writer acquired, plus what TLS found out. */
export interface Connection {
  readonly pull: Effect.Effect<NonEmptyReadonlyArray<Uint8Array>, ConnectionLost>
  readonly writeAll: (chunks: NonEmptyReadonlyArray<Uint8Array>) => Effect.Effect<void, ConnectionLost>
  readonly upgrade: (options: TlsOptions) => Effect.Effect<TlsInfo, TlsFailed | CertificateRejected>
  readonly tls: TlsInfo | undefined
  /** The peer's. */
  readonly address: string | undefined
  /** Our own end: the EHLO literal where no name is known. */
  readonly localAddress: string | undefined
  readonly channelBinding: Uint8Array | undefined
}
export declare const fromSocket: (socket: Socket.Socket) => Effect.Effect<Connection, ConnectionLost, Scope.Scope>
