/**
 * Who dials: one connection per call.
 *
 * The one seam between the dialogue and the network. `NodeConnector` (package node) dials for real, `Script` plays a
 * server, `layerSocket` takes whatever effect `Socket` there is. A transporter opens many connections through one
 * connector, and each ends with the scope of its call.
 *
 * This module knows no time limits: who dials interrupts, and an interrupted dial leaves nothing open.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { Socket } from "effect/socket/Socket"
import { type Connection, fromSocket } from "./Connection.ts"
import { type CertificateRejected, ConnectionFailed, type ConnectionLost, type TlsFailed } from "./SmtpError.ts"
import type { TlsOptions } from "./Tls.ts"

/** A host (name or IP address) and port, or the path of a Unix socket. With `tls.mode` "implicit", TLS comes first. */
export type Target =
  | { readonly host: string; readonly port: number; readonly tls?: TlsOptions | undefined }
  | { readonly path: string }

/** An address that did not answer. */
export interface FailedAttempt {
  readonly address: string
  readonly port: number
  /** In plain words: `connection refused`. */
  readonly problem?: string
}

export interface ConnectOptions {
  /**
   * Called once for each address that failed, when it failed, in the order of trying: also where another address then
   * answers.
   */
  readonly onAttempt?: ((attempt: FailedAttempt) => void) | undefined
  /**
   * Called when the way is there and an implicit handshake begins, so that the log can tell the two apart; of several calls
   * the last counts. Who never calls it makes the handshake as long as both.
   */
  readonly onConnected?: (() => void) | undefined
  /** Called with what the log should tell of the way, before anybody is dialled: `through the HTTP proxy …`. */
  readonly onNote?: ((text: string) => void) | undefined
  /** Called with each secret that is said on the way (a proxy's password), so that it is looked for in all that follows. */
  readonly onSecret?: ((secret: Redacted.Redacted) => void) | undefined
}

/** Dials. One connection per call, closed with the scope. */
export class Connector extends Context.Service<Connector, {
  readonly connect: (
    target: Target,
    options?: ConnectOptions
  ) => Effect.Effect<Connection, ConnectionFailed | CertificateRejected | TlsFailed, Scope.Scope>
}>()("@colloquy/core/Connector") {}

/**
 * The machine's name, for EHLO; `undefined` where the platform has none. It may be unqualified: who uses it checks.
 * `NodeColloquy.layer` sets it.
 */
export const HostName: Context.Reference<string | undefined> = Context.Reference<string | undefined>(
  "@colloquy/core/Connector/HostName",
  { defaultValue: () => undefined }
)

/**
 * Dials with an effect `Socket`.
 *
 * **Details**
 *
 * Every connect acquires the socket's reader anew, which dials again, to wherever the socket was made for: of the target,
 * only the TLS options and the name to check count. `implicit` upgrades at once.
 *
 * **Gotchas**
 *
 * A `Socket` has one current connection. A transporter over this layer must not open two (`maxSessions: 1`). A socket
 * that speaks TLS by itself (`NodeSocket.layerTls`) goes with mode `none`.
 */
export const layerSocket: Layer.Layer<Connector, never, Socket> = Layer.effect(
  Connector,
  Effect.map(Socket, (socket) =>
    Connector.of({
      connect: Effect.fnUntraced(function*(target, options) {
        const host = "path" in target ? undefined : target.host
        const connection = yield* Effect.mapError(fromSocket(socket, { host }), (lost) => {
          const failed = connectionFailed(target, lost)
          for (const { address, problem } of failed.attempts) {
            options?.onAttempt?.({ address, port: failed.port, problem })
          }
          return failed
        })
        options?.onConnected?.()
        if ("tls" in target && target.tls?.mode === "implicit") yield* connection.upgrade(target.tls)
        return connection
      })
    }))
)

const connectionFailed = (target: Target, { cause }: ConnectionLost) => {
  const [address, port] = "path" in target ? [target.path, 0] : [target.host, target.port]
  const { kind, problem } = explain(cause)
  return new ConnectionFailed({
    kind,
    host: address,
    port,
    attempts: [{ address, problem }],
    ...(cause === undefined ? {} : { cause })
  })
}

type Explained = { readonly kind: ConnectionFailed["kind"]; readonly problem: string }

/** What an operating system's error of a dial (`{ code: "ECONNREFUSED" }`) means: its kind, and plain words. */
export const explain = (cause: unknown): Explained => {
  const code = typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined
  if (typeof code === "string") return codes[code] ?? { kind: "Other", problem: code }
  return { kind: "Other", problem: cause instanceof Error ? cause.message : "no connection came about" }
}

const codes: { readonly [code: string]: Explained } = {
  ENOTFOUND: { kind: "HostNotFound", problem: "there is no host of this name" },
  ENODATA: { kind: "HostNotFound", problem: "the name has no address" },
  EAI_AGAIN: { kind: "HostNotFound", problem: "the name server does not answer" },
  EAI_FAIL: { kind: "HostNotFound", problem: "the name server failed" },
  ECONNREFUSED: { kind: "Refused", problem: "connection refused" },
  ECONNRESET: { kind: "Refused", problem: "connection reset" },
  ETIMEDOUT: { kind: "Unreachable", problem: "no answer" },
  EHOSTUNREACH: { kind: "Unreachable", problem: "host unreachable" },
  EHOSTDOWN: { kind: "Unreachable", problem: "host down" },
  ENETUNREACH: { kind: "Unreachable", problem: "network unreachable" },
  ENETDOWN: { kind: "Unreachable", problem: "network down" },
  EADDRNOTAVAIL: { kind: "Unreachable", problem: "no address of our own to dial from" },
  EAFNOSUPPORT: { kind: "Unreachable", problem: "this machine does not speak that kind of address" },
  EACCES: { kind: "Other", problem: "permission denied" },
  EPERM: { kind: "Other", problem: "not permitted here" },
  ENOENT: { kind: "Other", problem: "there is no such socket" },
  ENOTSOCK: { kind: "Other", problem: "this is not a socket" },
  EMFILE: { kind: "Other", problem: "too many open files in this process" },
  ENFILE: { kind: "Other", problem: "too many open files on this machine" }
}
