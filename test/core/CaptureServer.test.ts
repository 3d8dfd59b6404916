import * as Connection from "@colloquy/core/Connection"
import { Connector } from "@colloquy/core/Connector"
import * as LogText from "@colloquy/core/LogText"
import * as Reply from "@colloquy/core/Reply"
import { ConnectionLost, TlsFailed } from "@colloquy/core/SmtpError"
import * as SmtpLog from "@colloquy/core/SmtpLog"
import { CaptureServer } from "@colloquy/core/testing"
import * as MemoryPipe from "@colloquy/core/testing/internal/memoryPipe"
import * as NodeSocket from "@effect/platform-node/NodeSocket"
import * as NodeSocketServer from "@effect/platform-node/NodeSocketServer"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Redacted, Scope } from "effect"
import { certificates } from "../node/certificates.ts"

const encoder = new TextEncoder()
const decoder = new TextDecoder()
const captureServer = CaptureServer.CaptureServer

/** Says, and gives what comes until a last line of a reply has come for each of `replies`. */
const ask = Effect.fnUntraced(function*(
  connection: Connection.Connection,
  text: string,
  replies = 1
) {
  if (text !== "") yield* connection.writeAll([encoder.encode(`${text}\r\n`)])
  let heard = ""
  while ((heard.match(/^\d{3} .*\r\n/gm) ?? []).length < replies) {
    for (const chunk of yield* connection.pull) heard += decoder.decode(chunk)
  }
  return heard
})
const deliver = Effect.fnUntraced(function*(connection: Connection.Connection, text: string) {
  yield* ask(connection, "EHLO client.test")
  yield* ask(connection, "MAIL FROM:<ann@mail.test>\r\nRCPT TO:<bob@mail.test>\r\nDATA", 3)
  return yield* ask(connection, `${text}\r\n.`)
})
const dial = Effect.gen(function*() {
  const connector = yield* Connector
  const connection = yield* connector.connect({ host: "mail.test", port: 25 })
  assert.strictEqual(yield* ask(connection, ""), "220 mail.test ESMTP\r\n")
  return connection
})

const make = () =>
  MemoryPipe.make({
    secured: false,
    tls: () => ({ protocol: "TLSv1.3", cipher: "AES", verified: true, chain: [] }),
    clientAddress: "192.0.2.1",
    serverAddress: "203.0.113.25"
  })

const overTcp = (options?: CaptureServer.Options) =>
  CaptureServer.layer(options).pipe(
    Layer.provide(NodeSocketServer.layer({ host: "127.0.0.1", port: 0 })),
    Layer.provideMerge(SmtpLog.layerMemory)
  )
/** Any client: a plain socket. */
const overSocket = captureServer.use(({ port }) =>
  Effect.flatMap(
    NodeSocket.makeNet({ host: "127.0.0.1", port }),
    (socket) => Connection.fromSocket(socket, { host: "localhost" })
  )
)

describe("in memory", () => {
  it.effect("keeps what it is sent, in order", () =>
    Effect.gen(function*() {
      const server = yield* captureServer
      assert.strictEqual(server.port, 0)
      const first = yield* Effect.forkChild(server.take)
      assert.strictEqual(yield* deliver(yield* dial, "one"), "250 2.0.0 Ok: queued as C1\r\n")
      const connection = yield* dial
      yield* deliver(connection, "two")
      yield* deliver(connection, "three ☃")
      const envelope = { from: "ann@mail.test", to: ["bob@mail.test"] as const }
      assert.deepStrictEqual(yield* Fiber.join(first), {
        envelope,
        content: encoder.encode("one\r\n"),
        text: "one\r\n"
      })
      assert.strictEqual((yield* server.take).text, "two\r\n")
      assert.deepStrictEqual((yield* server.messages).map((message) => message.text), [
        "one\r\n",
        "two\r\n",
        "three ☃\r\n"
      ])
    }).pipe(Effect.scoped, Effect.provide(CaptureServer.layerMemory())))

  it.effect("offers STARTTLS and implicit TLS, and a login to those who have a password", () =>
    Effect.gen(function*() {
      const connection = yield* dial
      assert.notInclude(yield* ask(connection, "EHLO client.test"), "AUTH")
      assert.strictEqual(yield* ask(connection, "STARTTLS"), "220 2.0.0 Ready to start TLS\r\n")
      const info = yield* connection.upgrade({ servername: "mail.test" })
      assert.deepStrictEqual(info, {
        protocol: "TLSv1.3",
        cipher: "TLS_AES_256_GCM_SHA384",
        servername: "mail.test",
        verified: true,
        chain: []
      })
      assert.strictEqual(connection.tls, info)
      assert.include(yield* ask(connection, "EHLO client.test"), "250-AUTH PLAIN LOGIN\r\n")
      assert.match(yield* ask(connection, "MAIL FROM:<ann@mail.test>"), /^530 /)
      assert.match(yield* ask(connection, "AUTH PLAIN AGFubgB3cm9uZw=="), /^535 /)
      assert.match(yield* ask(connection, "AUTH PLAIN AGFubgBzM2NyZXQ="), /^235 /)
      assert.match(yield* ask(connection, "MAIL FROM:<ann@mail.test>"), /^250 /)

      const connector = yield* Connector
      const implicit = yield* connector.connect({ host: "mail.test", port: 465, tls: { mode: "implicit" } })
      assert.strictEqual(implicit.tls?.servername, "mail.test")
      yield* ask(implicit, "")
      assert.include(yield* ask(implicit, "EHLO client.test"), "250-AUTH PLAIN LOGIN\r\n")
    }).pipe(
      Effect.scoped,
      Effect.provide(CaptureServer.layerMemory({ users: { ann: Redacted.make("s3cret") } }))
    ))

  it.effect("refuses what a test has it refuse", () =>
    Effect.gen(function*() {
      const server = yield* captureServer
      const connection = yield* dial
      yield* ask(connection, "EHLO client.test")
      assert.match(yield* ask(connection, "MAIL FROM:<mallory@mail.test>"), /^550 5\.7\.1 No\r\n/)
      assert.match(yield* ask(connection, "MAIL FROM:<ann@mail.test>\r\nRCPT TO:<nobody@mail.test>", 2), /550 5\.1\.1 /)
      assert.match(yield* ask(connection, "RSET"), /^250 /)
      assert.strictEqual(yield* deliver(connection, "spam"), "554 5.7.1 Spam\r\n")
      assert.strictEqual(yield* deliver(connection, "ham"), "250 2.0.0 Thanks\r\n")
      assert.match(yield* ask(connection, "MAIL FROM:<ann@mail.test> SIZE=101"), /^552 /)
      assert.deepStrictEqual((yield* server.messages).map((message) => message.text), ["ham\r\n"])
    }).pipe(
      Effect.scoped,
      Effect.provide(CaptureServer.layerMemory({
        size: 100,
        mail: (from) => from.startsWith("mallory") ? Effect.fail(Reply.make(550, "5.7.1 No")) : Effect.void,
        rcpt: (to) => to.startsWith("nobody") ? Effect.fail(Reply.make(550, "5.1.1 No such user")) : Effect.void,
        message: ({ text }) =>
          text.startsWith("spam")
            ? Effect.fail(Reply.make(554, "5.7.1 Spam"))
            : Effect.succeed(Reply.make(250, "2.0.0 Thanks"))
      }))
    ))

  it.effect("ends a session with its scope, and all of them with the layer", () =>
    Effect.gen(function*() {
      const layerScope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(CaptureServer.layerMemory(), layerScope)
      const inner = yield* Scope.make()
      const one = yield* dial.pipe(Scope.provide(inner), Effect.provide(context))
      const two = yield* dial.pipe(Effect.provide(context))
      yield* Scope.close(inner, Exit.void)
      assert.deepStrictEqual(yield* Effect.flip(one.pull), new ConnectionLost({ kind: "Closed" }))
      assert.match(yield* ask(two, "NOOP"), /^250 /)
      yield* Scope.close(layerScope, Exit.void)
      assert.strictEqual(yield* ask(two, ""), "421 4.3.2 Service shutting down\r\n")
      assert.deepStrictEqual(yield* Effect.flip(two.pull), new ConnectionLost({ kind: "Closed" }))
    }))
})

describe("the pipe between them", () => {
  it.effect("is one connection with two ends", () =>
    Effect.gen(function*() {
      const { client, close, server } = make()
      assert.deepStrictEqual([client.address, client.localAddress], ["203.0.113.25", "192.0.2.1"])
      assert.deepStrictEqual([server.address, server.localAddress], ["192.0.2.1", "203.0.113.25"])
      const reading = yield* Effect.forkChild(server.pull, { startImmediately: true })
      yield* client.writeAll([encoder.encode("a"), encoder.encode("b")])
      yield* client.writeAll([encoder.encode("c")])
      assert.deepStrictEqual((yield* Fiber.join(reading)).map((chunk) => decoder.decode(chunk)), ["a", "b"])
      yield* close("client")
      assert.deepStrictEqual((yield* server.pull).map((chunk) => decoder.decode(chunk)), ["c"])
      assert.deepStrictEqual(yield* Effect.flip(server.pull), new ConnectionLost({ kind: "Closed" }))
      assert.deepStrictEqual(
        yield* Effect.flip(server.writeAll([encoder.encode("d")])),
        new ConnectionLost({ kind: "Closed" })
      )
    }))

  it.effect("holds no more than it has room for", () =>
    Effect.gen(function*() {
      const { client, server } = make()
      yield* client.writeAll([new Uint8Array(65_536)])
      const writing = yield* Effect.forkChild(client.writeAll([encoder.encode("x")]), { startImmediately: true })
      assert.isUndefined(writing.pollUnsafe())
      yield* server.pull
      yield* Fiber.join(writing)
    }))

  it.effect("secures both ends together, or neither", () =>
    Effect.gen(function*() {
      const failure = new TlsFailed({ kind: "Handshake" })
      const good = make()
      const serving = yield* Effect.forkChild(good.server.upgrade({}), { startImmediately: true })
      assert.isUndefined(serving.pollUnsafe())
      const info = yield* good.client.upgrade({})
      assert.strictEqual(yield* Fiber.join(serving), info)
      assert.strictEqual(good.server.tls, info)

      const clear = make()
      const handshake = yield* Effect.forkChild(Effect.flip(clear.server.upgrade({})), { startImmediately: true })
      yield* clear.client.writeAll([encoder.encode("EHLO\r\n")])
      assert.deepStrictEqual(yield* Fiber.join(handshake), failure)
      assert.deepStrictEqual(yield* Effect.flip(clear.client.upgrade({})), failure)

      const interrupted = make()
      const waiting = yield* Effect.forkChild(interrupted.client.upgrade({}), { startImmediately: true })
      yield* Fiber.interrupt(waiting)
      assert.deepStrictEqual(yield* Effect.flip(interrupted.server.upgrade({})), failure)
      assert.deepStrictEqual(yield* Effect.flip(interrupted.client.pull), new ConnectionLost({ kind: "Closed" }))
    }))
})

describe("over TCP", () => {
  it.live("takes a message from any client, and logs the conversation", () =>
    Effect.gen(function*() {
      const server = yield* captureServer
      const connection = yield* overSocket
      const say = (text: string, replies?: number) => ask(connection, text, replies)
      assert.strictEqual(yield* say(""), "220 mail.test ESMTP\r\n")
      assert.include(yield* say("EHLO client.test"), "250-STARTTLS\r\n")
      assert.match(yield* say("STARTTLS"), /^220 /)
      yield* connection.upgrade({ ca: certificates().ca })
      assert.include(yield* say("EHLO client.test"), "250-AUTH PLAIN LOGIN\r\n")
      assert.match(yield* say("AUTH PLAIN AGFubgBzM2NyZXQ="), /^235 /)
      const content = "x".repeat(998).concat("\r\n").repeat(1_000)
      yield* say("MAIL FROM:<ann@mail.test>\r\nRCPT TO:<bob@mail.test>\r\nDATA", 3)
      assert.match(yield* say(`${content}.`), /^250 /)
      assert.match(yield* say("QUIT"), /^221 /)
      yield* Effect.flip(connection.pull)
      assert.strictEqual((yield* server.take).text, content)
      assert.lengthOf(yield* server.messages, 1)
      const log = yield* SmtpLog.LogMemory
      const text = LogText.format(yield* log.events, { columns: "statement" })
      assert.include(
        text,
        `C > "AUTH PLAIN ********************************"\nS < "235 2.7.0 Authentication successful"`
      )
      assert.include(text, "### SMTP Content sent. (1000000 octets, 1000 lines)")
    }).pipe(
      Effect.scoped,
      Effect.provide(overTcp({
        users: { ann: Redacted.make("s3cret") },
        tls: { key: Redacted.make(certificates().server.key), cert: certificates().server.cert }
      }))
    ))

  it.live("says goodbye when it is released", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(overTcp(), scope)
      const connection = yield* Effect.provide(overSocket, context)
      yield* ask(connection, "")
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(yield* ask(connection, ""), "421 4.3.2 Service shutting down\r\n")
      assert.deepStrictEqual(yield* Effect.flip(connection.pull), new ConnectionLost({ kind: "Closed" }))
    }))
})
