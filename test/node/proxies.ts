/** Small proxies on 127.0.0.1 that work, for tests: whatever host they are asked for is this machine. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Http from "node:http"
import * as Net from "node:net"

export interface Proxy {
  readonly port: number
  /** What was asked for: `mail.test:587`. */
  readonly asked: ReadonlyArray<string>
  /** Waits until no connection of a client is open. */
  readonly idle: Effect.Effect<void>
}

interface Login {
  readonly user: string
  readonly password: string
}

const listening = (
  server: Net.Server,
  asked: ReadonlyArray<string>,
  open: Set<Net.Socket>
): Effect.Effect<Proxy, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback((resume) => {
      server.on("connection", (socket) => {
        open.add(socket)
        socket.on("error", () => {}).on("close", () => {
          open.delete(socket)
          if (open.size === 0) server.emit("idle")
        })
      })
      server.listen({ host: "127.0.0.1", port: 0 }, () => {
        const address = server.address()
        const idle = Effect.callback<void>((resume) => {
          if (open.size === 0) resume(Effect.void)
          else server.once("idle", () => resume(Effect.void))
        })
        resume(Effect.succeed({
          port: typeof address === "object" && address !== null ? address.port : 0,
          asked,
          idle
        }))
      })
    }),
    () =>
      Effect.sync(() => {
        for (const socket of open) socket.destroy()
        server.close()
      })
  )

/** Joins the two, once the way to the target is there. */
const joined = (client: Net.Socket, port: number, ready: () => void, refused: () => void) => {
  let connected = false
  const target = Net.connect({ host: "127.0.0.1", port }, () => {
    connected = true
    ready()
    client.pipe(target)
    target.pipe(client)
  })
  target.on("error", () => connected ? client.destroy() : refused()).on("close", () => client.resume())
  client.on("close", () => target.destroy())
}

/** HTTP CONNECT, by Node's own server. */
export const http = (login?: Login): Effect.Effect<Proxy, never, Scope.Scope> =>
  Effect.suspend(() => {
    const asked: Array<string> = []
    const wanted = login === undefined
      ? undefined
      : `Basic ${Buffer.from(`${login.user}:${login.password}`).toString("base64")}`
    const server = Http.createServer()
    server.on("connect", (request: Http.IncomingMessage, socket: Net.Socket) => {
      asked.push(String(request.url))
      if (request.headers["proxy-authorization"] !== wanted) {
        return socket.end(
          "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"test\"\r\n\r\n"
        )
      }
      joined(
        socket,
        Number(String(request.url).split(":").at(-1)),
        () => socket.write("HTTP/1.1 200 Connection established\r\n\r\n"),
        () => socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n")
      )
    })
    return listening(server, asked, new Set())
  })

const answer = (reply: number) => Buffer.of(5, reply, 0, 1, 127, 0, 0, 1, 0, 0)

/** SOCKS5 for host names, with user and password where there is a login. */
export const socks5 = (login?: Login): Effect.Effect<Proxy, never, Scope.Scope> =>
  Effect.suspend(() => {
    const asked: Array<string> = []
    const server = Net.createServer((socket) => {
      let step: "methods" | "login" | "request" = "methods"
      let held = Buffer.alloc(0)
      const take = (chunk: Buffer) => {
        held = Buffer.concat([held, chunk])
        const [, second = 0, , kind, length = 0] = held
        if (step === "methods" && held.length >= 2 + second) {
          const method = login === undefined ? 0 : 2
          const offered = held.subarray(2, 2 + second).includes(method)
          held = held.subarray(2 + second)
          if (!offered) return socket.end(Buffer.of(5, 0xff))
          step = login === undefined ? "request" : "login"
          socket.write(Buffer.of(5, method))
        } else if (
          step === "login" && held.length >= 3 + second && held.length >= 3 + second + (held[2 + second] ?? 0)
        ) {
          const user = held.subarray(2, 2 + second).toString()
          const password = held.subarray(3 + second, 3 + second + (held[2 + second] ?? 0)).toString()
          held = held.subarray(3 + user.length + password.length)
          const good = user === login?.user && password === login.password
          if (!good) return socket.end(Buffer.of(1, 1))
          step = "request"
          socket.write(Buffer.of(1, 0))
        } else if (step === "request" && kind === 3 && held.length >= 7 + length) {
          const port = held.readUInt16BE(5 + length)
          asked.push(`${held.subarray(5, 5 + length).toString()}:${port}`)
          socket.off("data", take)
          joined(socket, port, () => socket.write(answer(0)), () => socket.end(answer(5)))
        }
      }
      socket.on("data", take)
    })
    return listening(server, asked, new Set())
  })
