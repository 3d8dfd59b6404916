import * as LogText from "@colloquy/core/LogText"
import { ConnectionFailed, SmtpError } from "@colloquy/core/SmtpError"
import * as SmtpLog from "@colloquy/core/SmtpLog"
import * as CaptureServer from "@colloquy/core/testing/CaptureServer"
import * as Transporter from "@colloquy/core/Transporter"
import * as NodeColloquy from "@colloquy/node/NodeColloquy"
import * as NodeConnector from "@colloquy/node/NodeConnector"
import * as NodeTransporter from "@colloquy/node/NodeTransporter"
import * as NodeSocketServer from "@effect/platform-node/NodeSocketServer"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Fiber, Layer, Redacted } from "effect"
import { certificates } from "./certificates.ts"
import { closedPort, ended, read, serve, write } from "./loopback.ts"
import * as Proxies from "./proxies.ts"

const login = { user: "ann", password: "vexing/quartz:jumps" }
const withLogin = `${login.user}:${encodeURIComponent(login.password)}@`

/** Whose certificate is for `mail.example.com`, a name that the proxy alone resolves. */
const withStartTls = Layer.suspend(() => {
  const { cert, key } = certificates().otherName
  return CaptureServer.layer({ tls: { cert, key: Redacted.make(key) } })
}).pipe(Layer.provide(NodeSocketServer.layer({ host: "127.0.0.1", port: 0 })), Layer.provide(SmtpLog.layerNone))
const withTlsFirst = Layer.suspend(() =>
  CaptureServer.layer({ secured: true }).pipe(
    Layer.provide(NodeSocketServer.layerTls({ ...certificates().otherName, host: "127.0.0.1", port: 0 })),
    Layer.provide(SmtpLog.layerNone)
  )
)

/** Names are not for this machine to resolve. */
const lookup = () => {
  throw new Error("a name was looked up")
}
const through = (url: string) =>
  Layer.mergeAll(NodeConnector.layerWith({ proxy: Redacted.make(url), lookup }), SmtpLog.layerMemory).pipe(
    Layer.provideMerge(NodeColloquy.layer)
  )
const mail = { from: "me@example.com", to: "you@example.org", subject: "Hello", text: "It works." }
const options = (port: number, mode: "required" | "implicit" = "required") => ({
  host: "mail.example.com",
  port,
  tls: { mode, ca: certificates().ca },
  name: "client.test",
  keepAlive: false
})
const send = (settings: Transporter.Options) =>
  Effect.scoped(Effect.flatMap(Transporter.make(settings), (transporter) => transporter.send(mail)))

const log = Effect.gen(function*() {
  const events = yield* Effect.flatMap(SmtpLog.LogMemory, (memory) => memory.events)
  return LogText.format(events, { columns: "statement" })
})

describe("mail through a proxy", () => {
  for (const [scheme, kind, proxy] of [["http", "HTTP", Proxies.http], ["socks5", "SOCKS5", Proxies.socks5]] as const) {
    for (
      const [how, given, user] of [["without a login", undefined, ""], ["with a login", login, withLogin]] as const
    ) {
      for (const [mode, server] of [["required", withStartTls], ["implicit", withTlsFirst]] as const) {
        it.live(`of ${kind}, ${how}, arrives over verified TLS (${mode}), and the log says so without the password`, () =>
          Effect.gen(function*() {
            const { port, take } = yield* CaptureServer.CaptureServer
            const way = yield* proxy(given)
            const text = yield* Effect.gen(function*() {
              yield* send(options(port, mode))
              return yield* log
            }).pipe(Effect.provide(through(`${scheme}://${user}127.0.0.1:${way.port}`)))
            assert.match((yield* take).text, /It works\./)
            assert.deepStrictEqual(way.asked, [`mail.example.com:${port}`])
            assert.deepStrictEqual(text.split("\n").slice(0, 3).map((line) => line.replace(/ \{.*/, "")), [
              `### SMTP Connecting to 'mail.example.com' on port ${port}. (${mode})`,
              `### Note: "through the ${kind} proxy 127.0.0.1:${way.port}"`,
              `### SMTP Connected to 'mail.example.com' on port ${port}. (${
                mode === "implicit" ? "secured" : "unsecured"
              })`
            ])
            assert.match(text, /"servername":"mail\.example\.com"|verified/)
            assert.notInclude(text, "quartz")
            yield* way.idle
          }).pipe(Effect.provide(server)))
      }
    }
  }

  it.live("is an option of NodeTransporter too", () =>
    Effect.gen(function*() {
      const { port, take } = yield* CaptureServer.CaptureServer
      const way = yield* Proxies.http(login)
      const proxy = Redacted.make(`http://${withLogin}127.0.0.1:${way.port}`)
      yield* Transporter.send(mail).pipe(
        Effect.provide(NodeTransporter.layer({ ...options(port), proxy })),
        Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown({}))
      )
      assert.match((yield* take).text, /It works\./)
      assert.deepStrictEqual(way.asked, [`mail.example.com:${port}`])
    }).pipe(Effect.provide(withStartTls)))
})

describe("a proxy that does not let mail through", () => {
  const refused = Effect.fnUntraced(function*(url: string, port = 25) {
    const error = yield* Effect.flip(send(options(port))).pipe(Effect.provide(through(url)))
    assert.instanceOf(error, SmtpError)
    assert.instanceOf(error.reason, ConnectionFailed)
    assert.deepStrictEqual([error.reason.kind, error.reason.host, error.reason.port], [
      "Proxy",
      "mail.example.com",
      port
    ])
    return error.message.replace(/127\.0\.0\.1:\d+/, "PROXY")
  })
  const advice = "check its address and login, and whether it allows this port"
  const said = (port: number, words: string) =>
    `mail.example.com:${port}: cannot connect: there is no way through the proxy; ${advice} (PROXY: ${words})`

  it.live("wants a login, or another one", () =>
    Effect.gen(function*() {
      const [http, socks5] = [yield* Proxies.http(login), yield* Proxies.socks5(login)]
      assert.strictEqual(
        yield* refused(`http://127.0.0.1:${http.port}`),
        said(25, "407 Proxy Authentication Required; it wants a login, and its URL has none")
      )
      assert.strictEqual(
        yield* refused(`http://ann:wrong@127.0.0.1:${http.port}`),
        said(25, "407 Proxy Authentication Required; it does not accept the login of its URL")
      )
      assert.strictEqual(
        yield* refused(`socks5://127.0.0.1:${socks5.port}`),
        said(25, "it wants a login, and its URL has none")
      )
      assert.strictEqual(
        yield* refused(`socks5://ann:wrong@127.0.0.1:${socks5.port}`),
        said(25, "it does not accept the login of its URL")
      )
      yield* Effect.andThen(http.idle, socks5.idle)
    }))

  it.live("finds no way to the server", () =>
    Effect.gen(function*() {
      const port = yield* closedPort
      const [http, socks5] = [yield* Proxies.http(), yield* Proxies.socks5()]
      assert.strictEqual(yield* refused(`http://127.0.0.1:${http.port}`, port), said(port, "502 Bad Gateway"))
      assert.strictEqual(
        yield* refused(`socks5://127.0.0.1:${socks5.port}`, port),
        said(port, "connection refused (SOCKS5 reply 5)")
      )
    }))

  it.live("is not there", () =>
    Effect.gen(function*() {
      const port = yield* closedPort
      assert.strictEqual(
        yield* refused(`http://127.0.0.1:${port}`),
        said(25, "the proxy cannot be reached: connection refused")
      )
    }))

  it.live("is something else", () =>
    Effect.gen(function*() {
      const server = yield* serve
      const error = yield* Effect.forkChild(refused(`http://127.0.0.1:${server.port}`), { startImmediately: true })
      const peer = yield* server.accept
      yield* write(peer, "220 mail.test \u001b[2J ESMTP\r\n")
      assert.strictEqual(
        yield* Fiber.join(error),
        said(25, "it does not answer as an HTTP proxy: \"220 mail.test \\x1b[2J ESMTP\"")
      )
      assert.strictEqual(yield* ended(peer), "closed")
    }))

  for (const scheme of ["http", "socks5"]) {
    it.live(`is silent: the time limit and an interruption leave no socket (${scheme})`, () =>
      Effect.gen(function*() {
        const server = yield* serve
        const layer = through(`${scheme}://127.0.0.1:${server.port}`)
        const limited = yield* Effect.forkChild(
          Effect.flip(send({ ...options(25), connectionTimeOut: "50 millis" })).pipe(Effect.provide(layer)),
          { startImmediately: true }
        )
        const peer = yield* server.accept
        assert.strictEqual(
          (yield* Fiber.join(limited)).message,
          "mail.example.com:25: no answer within 0.1 s while connecting"
        )
        assert.strictEqual(yield* ended(peer), "closed")

        const waiting = yield* Effect.forkChild(Effect.provide(send(options(25)), layer), { startImmediately: true })
        const other = yield* server.accept
        yield* read(other, 3)
        yield* Fiber.interrupt(waiting)
        assert.strictEqual(yield* ended(other), "closed")
        yield* server.idle
      }))
  }
})
