/**
 * An open pipe of octets that can turn into TLS, and what TLS found out.
 *
 * It is effect's `Socket` with reader and writer acquired once, plus the verdict that `Socket` does not give. The
 * invariants, whoever makes one:
 *
 * - What arrived before the end is delivered before the end is reported; every end is a `ConnectionLost`.
 * - After an end, writes fail. They do not hang.
 * - A `pull` that waits while `upgrade` runs goes on with the first octets from inside TLS. Octets that came in plain
 *   text were delivered before, or make the handshake fail: who calls `upgrade` must have nothing unread (RFC 3207 §4.2).
 * - `upgrade` works once. A failed or interrupted one ends the connection and never falls back to plain text.
 * - The pipe ends with the scope in which it was opened.
 *
 * One fiber reads at a time. Nothing here knows lines, replies or time limits.
 */
import * as Arr from "effect/Array"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Socket from "effect/socket/Socket"
import { CertificateRejected, ConnectionLost, TlsFailed } from "./SmtpError.ts"
import { certificateProblem, type TlsInfo, type TlsOptions } from "./Tls.ts"

export interface Connection {
  /** What arrived; waits for something. */
  readonly pull: Effect.Effect<Arr.NonEmptyReadonlyArray<Uint8Array>, ConnectionLost>
  /** Writes all chunks as one; returns when the platform will take more. */
  readonly writeAll: (chunks: Arr.NonEmptyReadonlyArray<Uint8Array>) => Effect.Effect<void, ConnectionLost>
  /** The client's side of the handshake (STARTTLS). */
  readonly upgrade: (options: TlsOptions) => Effect.Effect<TlsInfo, TlsFailed | CertificateRejected>
  /** Defined once TLS is on. */
  readonly tls: TlsInfo | undefined
  /** The peer's. */
  readonly address: string | undefined
  /** Our own end: the EHLO literal where no name is known. */
  readonly localAddress: string | undefined
  /** `tls-exporter` (RFC 9266), for the -PLUS mechanisms; TLS 1.3 only. */
  readonly channelBinding: Uint8Array | undefined
}

/**
 * A connection over any effect `Socket`.
 *
 * **Details**
 *
 * Acquiring the socket's reader dials; both ends are released with the scope. A socket's own `upgrade` says nothing about
 * protocol, cipher or certificate, so `TlsInfo` has `unknown` and an empty chain, and there is no channel binding.
 *
 * **Gotchas**
 *
 * What a socket cannot check is refused, not ignored: `minVersion: "TLSv1.3"`, a `pin` without a `ca`, and an upgrade
 * without any name to check (neither `tls.servername` nor `options.host`).
 */
export const fromSocket = Effect.fnUntraced(function*(
  socket: Socket.Socket,
  options?: {
    /** The host that the socket dials: what a certificate is checked against unless `tls.servername` says otherwise. */
    readonly host?: string | undefined
  }
): Effect.fn.Return<Connection, ConnectionLost, Scope.Scope> {
  let lost: ConnectionLost | undefined
  let tls: TlsInfo | undefined
  const ended = Deferred.makeUnsafe<never, ConnectionLost>()
  const lose = (error: ConnectionLost): ConnectionLost => {
    lost ??= error
    Deferred.doneUnsafe(ended, Effect.fail(lost))
    return lost
  }

  const fails = (error: Socket.SocketError) => lose(connectionLost(error))

  const reader = yield* Effect.mapError(socket.reader, connectionLost)
  const writer = yield* socket.writer
  const received = reader.pull.pipe(
    Effect.map(Arr.map((chunk) => typeof chunk === "string" ? encoder.encode(chunk) : chunk)),
    Effect.mapError(fails)
  )

  const upgrade = Effect.fnUntraced(function*(tlsOptions: TlsOptions) {
    const servername = tlsOptions.servername ?? options?.host
    const unchecked = tlsOptions.mode === "opportunistic" || tlsOptions.dangerouslyAcceptInvalidCertificates === true
    const impossible = unchecked ? undefined : cannotCheck(tlsOptions, servername)
    if (impossible !== undefined) {
      lose(new ConnectionLost({ kind: "Closed" }))
      return yield* new TlsFailed({ kind: "Handshake", cause: new Error(impossible) })
    }
    yield* reader.upgrade({
      servername,
      ca: tlsOptions.ca,
      cert: tlsOptions.cert,
      key: tlsOptions.key,
      rejectUnauthorized: !unchecked
    }).pipe(
      Effect.mapError((error) => upgradeError(error, servername ?? "")),
      Effect.onError(() => Effect.sync(() => lose(new ConnectionLost({ kind: "Closed" }))))
    )
    tls = {
      protocol: "unknown",
      cipher: "unknown",
      ...(servername === undefined ? {} : { servername }),
      verified: !unchecked,
      ...(unchecked ? { problem: "the certificate was not checked" } : {}),
      chain: []
    }
    return tls
  })

  return {
    pull: Effect.suspend(() => lost === undefined ? received : Effect.fail(lost)),
    // a socket may park a write that comes after its end
    writeAll: (chunks) =>
      Effect.suspend(() =>
        lost === undefined
          ? Effect.raceFirst(
            Effect.mapError(writer.writeAll(chunks), fails),
            Deferred.await(ended)
          )
          : Effect.fail(lost)
      ),
    upgrade,
    get tls() {
      return tls
    },
    address: undefined,
    localAddress: undefined,
    channelBinding: undefined
  }
})

const encoder = new TextEncoder()

const cannotCheck = (options: TlsOptions, servername: string | undefined): string | undefined => {
  if (options.minVersion === "TLSv1.3") return "a Socket cannot be held to TLS 1.3 (tls.minVersion)"
  if (options.pin !== undefined && options.ca === undefined) return "a Socket cannot check a key (tls.pin)"
  if (servername === undefined) return "there is no name to check the certificate against (tls.servername)"
  return undefined
}

const withCause = (cause: unknown) => cause === undefined ? {} : { cause }

const connectionLost = ({ reason }: Socket.SocketError): ConnectionLost =>
  reason._tag === "SocketCloseError"
    ? new ConnectionLost({ kind: reason.code === abnormalClosure ? "Reset" : "Closed" })
    : new ConnectionLost({
      kind: reason._tag === "SocketReadError" || reason._tag === "SocketWriteError" ? "Reset" : "Closed",
      ...withCause(reason.cause)
    })

/** RFC 6455 §7.4.1; effect's sockets use it for any end without the other side's goodbye. */
const abnormalClosure = 1006

const upgradeError = ({ reason }: Socket.SocketError, servername: string): TlsFailed | CertificateRejected => {
  const cause = reason._tag === "SocketCloseError" ? undefined : reason.cause
  const code = typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined
  const problem = typeof code === "string" ? certificateProblem(code, []) : undefined
  return problem === undefined
    ? new TlsFailed({ kind: "Handshake", ...withCause(cause) })
    : new CertificateRejected({ problem, servername, chain: [] })
}
