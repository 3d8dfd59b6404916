import * as Connection from "@colloquy/core/Connection"
import { CertificateRejected, ConnectionLost, TlsFailed } from "@colloquy/core/SmtpError"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Queue, Redacted, Scope } from "effect"
import * as Socket from "effect/socket/Socket"

const closed = (code = 1000) => new Socket.SocketError({ reason: new Socket.SocketCloseError({ code }) })
const octets = (text: string) => new TextEncoder().encode(text)

/** A socket without I/O: what it is told to receive, and a record of what was done to it. */
const makeFake = Effect.gen(function*() {
  const inbound = yield* Queue.unbounded<string | Uint8Array, Socket.SocketError>()
  const done: Array<unknown> = []
  const fake = {
    inbound,
    done,
    upgrade: (_options?: Socket.TlsUpgradeOptions): Effect.Effect<void, Socket.SocketError> => Effect.void,
    write: (): Effect.Effect<void, Socket.SocketError> => Effect.void
  }
  const socket = Socket.make({
    reader: Effect.gen(function*() {
      done.push("open")
      yield* Effect.addFinalizer(() =>
        Effect.andThen(Effect.sync(() => done.push("close")), Queue.fail(inbound, closed(1006)))
      )
      return {
        pull: Queue.takeAll(inbound),
        upgrade: (options) =>
          Effect.suspend(() => {
            done.push(options)
            return fake.upgrade(options)
          })
      }
    }),
    writer: Effect.succeed({
      write: () => Effect.die("writeAll is the way"),
      writeAll: (chunks) =>
        Effect.suspend(() => {
          done.push(chunks)
          return fake.write()
        })
    })
  })
  return { ...fake, fake, socket }
})

describe("Connection.fromSocket", () => {
  it.effect("gives what arrives as octets, also where the socket has text", () =>
    Effect.gen(function*() {
      const { inbound, socket } = yield* makeFake
      const connection = yield* Connection.fromSocket(socket)
      yield* Queue.offerAll(inbound, ["220 é\r\n", octets("250 ok\r\n")])
      assert.deepStrictEqual(yield* connection.pull, [octets("220 é\r\n"), octets("250 ok\r\n")])
    }))

  it.effect("opens once, writes chunks as they are, and closes with the scope", () =>
    Effect.gen(function*() {
      const { done, socket } = yield* makeFake
      const scope = yield* Scope.make()
      const connection = yield* Scope.provide(Connection.fromSocket(socket), scope)
      yield* connection.writeAll([octets("EHLO a\r\n"), octets("MAIL")])
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(done, ["open", [octets("EHLO a\r\n"), octets("MAIL")], "close"])
    }))

  it.effect("delivers what came before the end, then the end, for ever, to reader and writer", () =>
    Effect.gen(function*() {
      const { done, inbound, socket } = yield* makeFake
      const connection = yield* Connection.fromSocket(socket)
      yield* Queue.offer(inbound, "421 bye\r\n")
      yield* Queue.fail(inbound, closed())
      const lost = new ConnectionLost({ kind: "Closed" })
      assert.deepStrictEqual(yield* connection.pull, [octets("421 bye\r\n")])
      assert.deepStrictEqual(yield* Effect.flip(connection.pull), lost)
      assert.deepStrictEqual(yield* Effect.flip(connection.pull), lost)
      assert.deepStrictEqual(yield* Effect.flip(connection.writeAll([octets("QUIT\r\n")])), lost)
      assert.deepStrictEqual(done, ["open"])
    }))

  it.effect.each([
    { error: closed(), lost: new ConnectionLost({ kind: "Closed" }) },
    { error: closed(1006), lost: new ConnectionLost({ kind: "Reset" }) },
    {
      error: new Socket.SocketError({ reason: new Socket.SocketReadError({ cause: "cut" }) }),
      lost: new ConnectionLost({ kind: "Reset", cause: "cut" })
    }
  ])("tells a closed connection from a broken one: $lost.kind", ({ error, lost }) =>
    Effect.gen(function*() {
      const { inbound, socket } = yield* makeFake
      const connection = yield* Connection.fromSocket(socket)
      yield* Queue.fail(inbound, error)
      assert.deepStrictEqual(yield* Effect.flip(connection.pull), lost)
    }))

  it.effect("fails a write that the socket parks when the reader sees the end", () =>
    Effect.gen(function*() {
      const { fake, inbound, socket } = yield* makeFake
      fake.write = () => Effect.never
      const connection = yield* Connection.fromSocket(socket)
      const write = yield* Effect.forkChild(Effect.flip(connection.writeAll([octets("x")])), { startImmediately: true })
      yield* Queue.fail(inbound, closed(1006))
      yield* Effect.flip(connection.pull)
      assert.deepStrictEqual(yield* Fiber.join(write), new ConnectionLost({ kind: "Reset" }))
    }))

  it.effect("fails when the socket cannot be opened, with the reason as cause", () =>
    Effect.gen(function*() {
      const cause = new Error("refused")
      const socket = Socket.make({
        reader: Effect.fail(
          new Socket.SocketError({ reason: new Socket.SocketOpenError({ kind: "Unknown", cause }) })
        ),
        writer: Effect.die("not reached")
      })
      assert.deepStrictEqual(
        yield* Effect.flip(Connection.fromSocket(socket)),
        new ConnectionLost({ kind: "Closed", cause })
      )
    }))
})

/** How an upgrade fails, after which writes fail too. */
const fails = Effect.fnUntraced(function*(cause: unknown) {
  const { fake, socket } = yield* makeFake
  fake.upgrade = () => Effect.fail(new Socket.SocketError({ reason: new Socket.SocketUpgradeError({ cause }) }))
  const connection = yield* Connection.fromSocket(socket, { host: "mail.test" })
  const error = yield* Effect.flip(connection.upgrade({}))
  const lost = yield* Effect.flip(connection.writeAll([octets("EHLO a\r\n")]))
  assert.deepStrictEqual(lost, new ConnectionLost({ kind: "Closed" }))
  return error
})

describe("Connection.fromSocket upgrade", () => {
  it.effect("hands certificates and key to the socket, checks the host's name, and says what it cannot know", () =>
    Effect.gen(function*() {
      const { done, socket } = yield* makeFake
      const connection = yield* Connection.fromSocket(socket, { host: "mail.test" })
      assert.isUndefined(connection.tls)
      const key = Redacted.make("key")
      const info = yield* connection.upgrade({ ca: "ca", cert: "cert", key })
      assert.deepStrictEqual(done, [
        "open",
        { servername: "mail.test", ca: "ca", cert: "cert", key, rejectUnauthorized: true }
      ])
      assert.deepStrictEqual(info, {
        protocol: "unknown",
        cipher: "unknown",
        servername: "mail.test",
        verified: true,
        chain: []
      })
      assert.strictEqual(connection.tls, info)
    }))

  it.effect.each([{ mode: "opportunistic" as const }, { dangerouslyAcceptInvalidCertificates: true }])(
    "goes on over any certificate, and calls it unverified, with %o",
    (options) =>
      Effect.gen(function*() {
        const { socket } = yield* makeFake
        const connection = yield* Connection.fromSocket(socket, { host: "mail.test" })
        assert.deepStrictEqual(yield* connection.upgrade(options), {
          protocol: "unknown",
          cipher: "unknown",
          servername: "mail.test",
          verified: false,
          problem: "the certificate was not checked",
          chain: []
        })
      })
  )

  it.effect.each([
    { options: { servername: "a.test", pin: "x" }, problem: "a Socket cannot check a key (tls.pin)" },
    {
      options: { servername: "a.test", minVersion: "TLSv1.3" as const },
      problem: "a Socket cannot be held to TLS 1.3 (tls.minVersion)"
    },
    { options: {}, problem: "there is no name to check the certificate against (tls.servername)" }
  ])("refuses what the socket cannot check: $problem", ({ options, problem }) =>
    Effect.gen(function*() {
      const { done, socket } = yield* makeFake
      const connection = yield* Connection.fromSocket(socket)
      const error = yield* Effect.flip(connection.upgrade(options))
      assert.deepStrictEqual(error, new TlsFailed({ kind: "Handshake", cause: new Error(problem) }))
      assert.deepStrictEqual(yield* Effect.flip(connection.pull), new ConnectionLost({ kind: "Closed" }))
      assert.deepStrictEqual(done, ["open"])
    }))

  it.effect("tells a certificate that was refused from a handshake that failed, and ends either way", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(
        yield* fails({ code: "CERT_HAS_EXPIRED" }),
        new CertificateRejected({ problem: "the certificate has expired", servername: "mail.test", chain: [] })
      )
      assert.deepStrictEqual(
        yield* fails({ code: "ECONNRESET" }),
        new TlsFailed({ kind: "Handshake", cause: { code: "ECONNRESET" } })
      )
    }))
})
