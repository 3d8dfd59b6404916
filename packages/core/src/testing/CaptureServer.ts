/**
 * A mail server that keeps what it is sent, for tests and demonstrations: `Server` with an inbox.
 *
 * Over TCP (`layer`) any client can talk to it; in memory (`layerMemory`) it comes as the `Connector` that leads to it, and
 * the whole dialogue, STARTTLS and login included, runs without I/O. It delivers nothing anywhere, and keeps everything that
 * it got until its layer is released: each message is in memory as a whole.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Redacted from "effect/Redacted"
import { SocketServer } from "effect/socket/SocketServer"
import * as Stream from "effect/Stream"
import { Connector } from "../Connector.ts"
import type { Envelope } from "../Envelope.ts"
import * as Reply from "../Reply.ts"
import * as Server from "../Server.ts"
import { SmtpLog } from "../SmtpLog.ts"
import type { TlsInfo } from "../Tls.ts"
import * as MemoryPipe from "./internal/memoryPipe.ts"
import { concat } from "./internal/scriptOps.ts"

/** A message as it arrived. */
export interface Captured {
  readonly envelope: Envelope
  /** Octet for octet, without stuffed dots. */
  readonly content: Uint8Array
  /** The content as UTF-8. */
  readonly text: string
}

export interface Options extends
  Pick<
    Server.Options,
    "authenticationRequired" | "dangerouslyAuthInClear" | "name" | "secured" | "size" | "timeLimit" | "tls"
  >,
  Partial<Pick<Server.Handlers, "mail" | "rcpt">>
{
  /** Who may log in, with their passwords. Given users, MAIL is refused before AUTH unless `authenticationRequired` is false. */
  readonly users?: Readonly<Record<string, Redacted.Redacted>> | undefined
  /** The answer to a message, which is kept if the answer is positive. Default: 250, with a queue id. */
  readonly message?: ((captured: Captured) => Effect.Effect<Reply.Reply, Reply.Reply>) | undefined
}

export class CaptureServer extends Context.Service<CaptureServer, {
  /** All that came, oldest first. */
  readonly messages: Effect.Effect<ReadonlyArray<Captured>>
  /** The oldest that was not taken yet; waits for it. It stays among `messages`. */
  readonly take: Effect.Effect<Captured>
  /** 0 in memory, and on a Unix socket. */
  readonly port: number
}>()("@colloquy/core/testing/CaptureServer") {}

const decoder = new TextDecoder()

const inbox = Effect.fnUntraced(function*(options: Options) {
  const messages: Array<Captured> = []
  const untaken = yield* Queue.unbounded<Captured>()
  const accepted = () => Effect.succeed(Reply.make(250, `2.0.0 Ok: queued as C${messages.length + 1}`))
  const answer = options.message ?? accepted

  const handlers: Server.Handlers = {
    authenticate: options.users === undefined ? undefined : Server.users(options.users),
    mail: options.mail,
    rcpt: options.rcpt,
    message: Effect.fnUntraced(function*(envelope, stream) {
      const content = concat(yield* Stream.runCollect(stream))
      const captured: Captured = { envelope, content, text: decoder.decode(content) }
      const reply = yield* answer(captured)
      if (reply.isPositive) {
        messages.push(captured)
        yield* Queue.offer(untaken, captured)
      }
      return reply
    })
  }
  const service = (port: number) =>
    CaptureServer.of({ messages: Effect.sync(() => [...messages]), take: Queue.take(untaken), port })
  return { handlers, service }
})

const serverOptions = (options: Options): Server.Options => ({
  ...options,
  name: options.name ?? "mail.test",
  authenticationRequired: options.authenticationRequired ?? options.users !== undefined
})

/** Listens where the `SocketServer` does. `secured`: for one over TLS. */
export const layer = (options: Options = {}): Layer.Layer<CaptureServer, never, SocketServer | SmtpLog> =>
  Layer.effect(
    CaptureServer,
    Effect.gen(function*() {
      const { address } = yield* SocketServer
      const { handlers, service } = yield* inbox(options)
      yield* Effect.forkScoped(Server.run(handlers, serverOptions(options)))
      return service("port" in address ? address.port : 0)
    })
  )

/** What a handshake in memory finds out. */
const tlsInfo = (servername: string | undefined): TlsInfo => ({
  protocol: "TLSv1.3",
  cipher: "TLS_AES_256_GCM_SHA384",
  ...(servername === undefined ? {} : { servername }),
  verified: true,
  chain: []
})

/** It stands for a key that nobody needs: the handshake is acted. */
const noKey = { key: Redacted.make(""), cert: "" }

const noLog = SmtpLog.of({
  content: () => "summary",
  isListening: () => false,
  recordUnsafe: () => true,
  flush: Effect.void,
  stream: Stream.empty
})

/**
 * Client and server in one process, no socket: the dialogue runs in full, whatever host and port are dialled.
 *
 * **Details**
 *
 * STARTTLS is always offered, and implicit TLS always there; both end well, as TLSv1.3 with a certificate that is in order.
 * Connections have the addresses 192.0.2.1 (client) and 203.0.113.25. The server keeps no log of its own: the client's has
 * the same lines.
 */
export const layerMemory = (options: Options = {}): Layer.Layer<CaptureServer | Connector> =>
  Layer.effectContext(Effect.gen(function*() {
    const { handlers, service } = yield* inbox(options)
    const scope = yield* Effect.scope
    const connector = Connector.of({
      connect: Effect.fnUntraced(function*(target, hooks) {
        const implicit = "path" in target ? undefined : target.tls
        const isImplicit = implicit !== undefined && (implicit.mode ?? "implicit") === "implicit"
        const host = "path" in target ? undefined : target.host
        const pipe = MemoryPipe.make({
          secured: isImplicit,
          tls: (servername) => tlsInfo(servername ?? implicit?.servername ?? host),
          clientAddress: "192.0.2.1",
          serverAddress: "203.0.113.25"
        })
        hooks?.onAttempt?.({ address: "203.0.113.25", port: "path" in target ? 0 : target.port })
        yield* Effect.addFinalizer(() => pipe.close("client"))
        yield* Server.serve(pipe.server, handlers, { tls: noKey, ...serverOptions(options) }).pipe(
          Effect.ensuring(pipe.close("server")),
          Effect.provideService(SmtpLog, noLog),
          Effect.forkIn(scope, { startImmediately: true })
        )
        return pipe.client
      })
    })
    return Context.make(CaptureServer, service(0)).pipe(Context.add(Connector, connector))
  }))
