/** Servers on 127.0.0.1 for tests of sockets. Everything waits for events, nothing for time. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as Net from "node:net"
import * as Tls from "node:tls"
import type { Pair } from "./certificates.ts"

export interface Loopback {
  readonly port: number
  /** The next connection that has not been taken yet. */
  readonly accept: Effect.Effect<Net.Socket>
  /** Waits until no connection is open, whether it was taken or not, or its handshake ended. */
  readonly idle: Effect.Effect<void>
}

/** Each connection is handed to `accept`; those that a test does not take are destroyed with the scope, as all are. */
const listening = (
  server: Net.Server,
  event: "connection" | "secureConnection",
  where: Net.ListenOptions
): Effect.Effect<Loopback, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<{ readonly loopback: Loopback; readonly open: Set<Net.Socket> }>((resume) => {
      const open = new Set<Net.Socket>()
      const ready: Array<Net.Socket> = []
      const waiting: Array<(socket: Net.Socket) => void> = []
      server.on("connection", (socket: Net.Socket) => {
        open.add(socket)
        socket.on("error", () => {}).on("close", () => {
          open.delete(socket)
          if (open.size === 0) server.emit("idle")
        })
      })
      server.on("tlsClientError", () => {})
      server.on(event, (socket: Net.Socket) => {
        socket.on("error", () => {})
        const taker = waiting.shift()
        if (taker === undefined) ready.push(socket)
        else taker(socket)
      })
      server.listen(where, () => {
        const address = server.address()
        const port = typeof address === "object" && address !== null ? address.port : 0
        const accept = Effect.callback<Net.Socket>((resume) => {
          const socket = ready.shift()
          if (socket === undefined) waiting.push((socket) => resume(Effect.succeed(socket)))
          else resume(Effect.succeed(socket))
        })
        const idle = Effect.callback<void>((resume) => {
          if (open.size === 0) resume(Effect.void)
          else server.once("idle", () => resume(Effect.void))
        })
        resume(Effect.succeed({ loopback: { port, accept, idle }, open }))
      })
    }),
    ({ open }) =>
      Effect.sync(() => {
        for (const socket of open) socket.destroy()
        server.close()
      })
  ).pipe(Effect.map(({ loopback }) => loopback))

export const serve: Effect.Effect<Loopback, never, Scope.Scope> = Effect.suspend(() =>
  listening(Net.createServer({ pauseOnConnect: true }), "connection", { host: "127.0.0.1", port: 0 })
)

export const serveUnix = (path: string): Effect.Effect<Loopback, never, Scope.Scope> =>
  Effect.suspend(() => listening(Net.createServer({ pauseOnConnect: true }), "connection", { path }))

/** `accept` gives connections whose handshake has ended. */
export const serveTls = (pair: Pair, options?: Tls.TlsOptions): Effect.Effect<Loopback, never, Scope.Scope> =>
  Effect.suspend(() =>
    listening(Tls.createServer({ ...options, ...pair }), "secureConnection", { host: "127.0.0.1", port: 0 })
  )

/** A port on which nothing listens. */
export const closedPort: Effect.Effect<number> = Effect.scoped(Effect.map(serve, ({ port }) => port))

/** The server's side of STARTTLS; ends when the handshake has ended, well or not. */
export const startTls = (socket: Net.Socket, pair: Pair): Effect.Effect<Tls.TLSSocket | undefined> =>
  Effect.callback((resume) => {
    const secure = new Tls.TLSSocket(socket, { ...pair, isServer: true })
    secure.once("secure", () => resume(Effect.succeed(secure)))
    secure.on("error", () => resume(Effect.succeed(undefined))).on("close", () => resume(Effect.succeed(undefined)))
  })

export const write = (socket: Net.Socket, text: string | Uint8Array): Effect.Effect<void> =>
  Effect.callback((resume) => {
    socket.write(text, () => resume(Effect.void))
  })

/** What comes next, up to `length` octets or the end. */
export const read = (socket: Net.Socket, length: number): Effect.Effect<string> =>
  Effect.callback((resume) => {
    let text = ""
    const done = () => {
      socket.off("readable", take).off("end", done).off("close", done)
      resume(Effect.succeed(text))
    }
    const take = () => {
      while (text.length < length) {
        const chunk: Uint8Array | null = socket.read()
        if (chunk === null) return
        text += new TextDecoder("latin1").decode(chunk)
      }
      done()
    }
    socket.on("readable", take).on("end", done).on("close", done)
    take()
  })

/** How the connection ended, seen from here: in order, or broken. Reads what is left. */
export const ended = (socket: Net.Socket): Effect.Effect<"closed" | "broken"> =>
  Effect.callback((resume) => {
    if (socket.destroyed) return resume(Effect.succeed(socket.errored === null ? "closed" : "broken"))
    socket.once("close", (broken) => resume(Effect.succeed(broken ? "broken" : "closed")))
    socket.resume()
  })

/** Interrupts, and waits until the server has seen the end of its connection. */
export const interrupted = <A, E>(fiber: Fiber.Fiber<A, E>, socket: Net.Socket) =>
  Effect.andThen(Fiber.interrupt(fiber), ended(socket))
