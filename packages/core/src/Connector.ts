import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type * as Socket from "effect/socket/Socket"
import type { Connection } from "./Connection.ts"
import type { CertificateRejected, ConnectionFailed, TlsFailed } from "./SmtpError.ts"
import type { TlsOptions } from "./Tls.ts"
export type Target = { readonly host: string; readonly port: number; readonly tls?: TlsOptions | undefined } | {
  readonly path: string
}
/** Dials. One connection per call, closed with the scope. */
export class Connector extends Context.Service<Connector, {
  readonly connect: (target: Target, options?: {
    readonly onAttempt?:
      | ((attempt: { readonly address: string; readonly port: number; readonly problem?: string }) => void)
      | undefined
  }) => Effect.Effect<Connection, ConnectionFailed | CertificateRejected | TlsFailed, Scope.Scope>
}>()("@colloquy/core/Connector") {}
/** Every connect acquires `Socket`'s reader anew, which dials again. */
export declare const layerSocket: Layer.Layer<Connector, never, Socket.Socket>
