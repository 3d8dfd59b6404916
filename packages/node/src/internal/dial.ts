/**
 * Opens TCP connections and Unix sockets, one address of a host after another, and closes them.
 *
 * Node's own family selection tries the addresses (RFC 8305 in order, not in parallel) and gives up on each but the last
 * after 250 ms, which never reaches a dual-stack host behind a slow link; here each has `attemptTimeout`.
 */
import { type ConnectOptions, explain, type Target } from "@colloquy/core/Connector"
import { ConnectionFailed } from "@colloquy/core/SmtpError"
import * as Effect from "effect/Effect"
import * as Net from "node:net"

/** Milliseconds for each address but the last. */
const attemptTimeout = 2_500
/** Milliseconds that a closing connection has to send what was written. */
const closeTimeout = 1_000
/** Milliseconds without an octet after which a plain greeting is not waited for. */
const greetingTimeout = 2_000

const noop = () => {}

const endOf = (target: Target) => "path" in target ? { host: target.path, port: 0 } : target

/**
 * Begins to dial. The socket's errors never go unheard, which would end the process. Fails at once for what no dial can
 * be made of, as a port beyond 65535.
 */
export const open = (
  target: Target,
  lookup: Net.LookupFunction | undefined
): Effect.Effect<Net.Socket, ConnectionFailed> =>
  Effect.try({
    try: () => {
      const socket = "path" in target ? Net.connect({ path: target.path }) : Net.connect({
        host: unbracketed(target.host),
        port: target.port,
        noDelay: true,
        autoSelectFamily: true,
        autoSelectFamilyAttemptTimeout: attemptTimeout,
        ...(lookup === undefined ? {} : { lookup })
      })
      return socket.on("error", noop)
    },
    catch: (cause) => {
      const { host, port } = endOf(target)
      return new ConnectionFailed({ kind: "Other", host, port, attempts: [], cause })
    }
  })

/** `[::1]` as in a URL. */
export const unbracketed = (host: string): string =>
  host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host

/** Waits until one address has answered. */
export const connected = (
  socket: Net.Socket,
  target: Target,
  options: ConnectOptions | undefined
): Effect.Effect<void, ConnectionFailed> =>
  Effect.callback((resume) => {
    const { host, port } = endOf(target)
    const attempts: Array<{ readonly address: string; readonly problem: string }> = []
    const kinds = new Set<ConnectionFailed["kind"]>()

    const failed = (address: string, cause: unknown) => {
      const { kind, problem } = explain(cause)
      kinds.add(kind)
      attempts.push({ address, problem })
      options?.onAttempt?.({ address, port, problem })
    }
    const onAttemptFailed = (address: string, _port: number, _family: number, cause: Error) => failed(address, cause)
    const onAttemptTimeout = (address: string) => failed(address, { code: "ETIMEDOUT" })
    const onConnect = () => {
      cleanup()
      resume(Effect.void)
    }
    const onError = (cause: Error) => {
      cleanup()
      // no address was tried: the name is the trouble
      if (attempts.length === 0) failed(host, cause)
      const kind = severity.find((kind) => kinds.has(kind)) ?? "Other"
      resume(Effect.fail(new ConnectionFailed({ kind, host, port, attempts, cause })))
    }
    const cleanup = () => {
      socket.off("connectionAttemptFailed", onAttemptFailed).off("connectionAttemptTimeout", onAttemptTimeout)
        .off("connect", onConnect).off("error", onError)
    }
    socket.on("connectionAttemptFailed", onAttemptFailed).on("connectionAttemptTimeout", onAttemptTimeout)
      .on("connect", onConnect).on("error", onError)
    return Effect.sync(cleanup)
  })

/** Of several addresses' failures the one that says most: somebody answered, if only to refuse. */
const severity: ReadonlyArray<ConnectionFailed["kind"]> = ["Refused", "Unreachable", "HostNotFound"]

/**
 * Closes in order (what was written, TLS's close_notify, FIN); by force what takes longer, was not open yet, or stands
 * still because the peer does not read. The peer's goodbye is not waited for. `raw` carries `socket` where TLS is on, else
 * it is the same.
 */
export const close = (socket: Net.Socket, raw: Net.Socket): Effect.Effect<void> =>
  Effect.callback((resume) => {
    if (raw.closed) return resume(Effect.void)
    raw.once("close", () => resume(Effect.void))
    if (raw.connecting || socket.writableNeedDrain) {
      socket.destroy()
      raw.destroy()
      return
    }
    const limit = AbortSignal.timeout(closeTimeout)
    limit.addEventListener("abort", () => {
      socket.destroy()
      raw.destroy()
    })
    socket.destroySoon()
  })

/**
 * The first line that a server says unasked, asked for on a connection of its own: what TLS choked on is lost inside
 * OpenSSL. Sends nothing, waits for one packet only.
 */
export const plainGreeting = (
  target: { readonly host: string; readonly port: number }
): Effect.Effect<string | undefined> =>
  Effect.callback((resume) => {
    const socket = Net.connect({ ...target, timeout: greetingTimeout })
    const done = (greeting: string | undefined) => {
      socket.destroy()
      resume(Effect.succeed(greeting))
    }
    socket.on("error", () => done(undefined)).on("timeout", () => done(undefined)).on("end", () => done(undefined))
      .once("data", (octets) => done(firstLine(octets)))
    return Effect.sync(() => socket.destroy())
  })

const firstLine = (octets: Uint8Array): string | undefined => {
  const [line = ""] = new TextDecoder().decode(octets.subarray(0, 512)).split(/\r?\n/)
  return line === "" ? undefined : line
}
