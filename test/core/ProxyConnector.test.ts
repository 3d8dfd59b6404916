import { Connector, ProxyConnector, SmtpError, type Tls } from "@colloquy/core"
import type { Connection } from "@colloquy/core/Connection"
import { Script } from "@colloquy/core/testing"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Redacted, Result, Schema } from "effect"
import { TestClock } from "effect/testing"
import { differences, encodeAll, forms, observe, windowsIn } from "./secrets.ts"

const latin1 = (octets: Uint8Array) => Buffer.from(octets).toString("latin1")
const octets = (text: string) => new Uint8Array(Buffer.from(text, "latin1"))
const whole = (text: string) => [octets(text)]
const byByte = (text: string) => Array.from(octets(text), (octet) => Uint8Array.of(octet))

type Upgrade = (tls: Tls.TlsOptions) => Effect.Effect<Tls.TlsInfo, SmtpError.TlsFailed>

/** A proxy that says what it is told to, whatever it hears, and then nothing, or ends the connection. */
const acted = (
  chunks: ReadonlyArray<Uint8Array>,
  options?: { readonly ends?: boolean; readonly upgrade?: Upgrade }
) => {
  const seen = { dialled: [] as Array<Connector.Target>, written: "", upgrades: [] as Array<unknown>, closed: 0 }
  const left = [...chunks]
  const connect = (target: Connector.Target) =>
    Effect.acquireRelease(
      Effect.sync((): Connection => {
        seen.dialled.push(target)
        let tls: Tls.TlsInfo | undefined
        return {
          pull: Effect.suspend(() => {
            const next = left.shift()
            if (next !== undefined) return Effect.succeed([next] as const)
            return options?.ends === true ? new SmtpError.ConnectionLost({ kind: "Closed" }) : Effect.never
          }),
          writeAll: (all) => Effect.sync(() => void (seen.written += all.map(latin1).join(""))),
          upgrade: (given) =>
            Effect.tap(
              Effect.suspend(() => {
                seen.upgrades.push(given)
                return options?.upgrade?.(given) ??
                  Effect.succeed({ protocol: "TLSv1.3", cipher: "unknown", verified: true, chain: [] })
              }),
              (info) => Effect.sync(() => void (tls = info))
            ),
          get tls() {
            return tls
          },
          address: "127.0.0.1",
          localAddress: "127.0.0.1",
          channelBinding: undefined
        }
      }),
      () => Effect.sync(() => void seen.closed++)
    )
  return { seen, layer: Layer.succeed(Connector.Connector, Connector.Connector.of({ connect })) }
}

const through = Effect.fnUntraced(function*(
  url: string,
  proxy: ReturnType<typeof acted>,
  target: Connector.Target = { host: "mail.test", port: 587 }
) {
  const told: Array<unknown> = []
  const secrets: Array<string> = []
  const connector = yield* Effect.provide(ProxyConnector.make({ url: Redacted.make(url) }), proxy.layer)
  const outcome = yield* Effect.result(connector.connect(target, {
    onAttempt: (attempt) => void told.push(attempt),
    onNote: (text) => void told.push(text),
    onSecret: (secret) => void secrets.push(Redacted.value(secret))
  }))
  return { outcome, told, secrets }
})

const problem = (outcome: Result.Result<Connection, unknown>): string => {
  assert.isTrue(Result.isFailure(outcome))
  const error = Result.isFailure(outcome) ? outcome.failure : undefined
  assert.instanceOf(error, SmtpError.ConnectionFailed)
  assert.deepStrictEqual([error.kind, error.host, error.port], ["Proxy", "mail.test", 587])
  assert.deepStrictEqual(error.attempts.map(({ address }) => address), ["proxy.test:3128"])
  return error.attempts[0]?.problem ?? ""
}

const established = "HTTP/1.1 200 Connection established\r\nProxy-Agent: test\r\n\r\n"
const granted = "\x05\x00\x05\x00\x00\x01\x7f\x00\x00\x01\x04\x38"

describe("CONNECT (RFC 9110 §9.3.6)", () => {
  for (const [how, chunks] of [["whole", whole], ["by byte", byByte]] as const) {
    it.effect(`leaves what the server says behind the proxy's answer to the session, read ${how}`, () =>
      Effect.gen(function*() {
        const proxy = acted(chunks(`${established}220 mail.test\r\n`))
        const { outcome, secrets, told } = yield* through("http://proxy.test:3128", proxy)
        const connection = yield* Effect.fromResult(outcome)
        let greeting = ""
        while (!greeting.endsWith("\n")) greeting += (yield* connection.pull).map(latin1).join("")
        assert.strictEqual(greeting, "220 mail.test\r\n")
        assert.deepStrictEqual(proxy.seen.dialled, [{ host: "proxy.test", port: 3128 }])
        assert.strictEqual(proxy.seen.written, "CONNECT mail.test:587 HTTP/1.1\r\nHost: mail.test:587\r\n\r\n")
        assert.deepStrictEqual([told, secrets], [["through the HTTP proxy proxy.test:3128"], []])
      }))
  }

  it.effect("logs in by Basic with what the URL has percent-encoded (RFC 7617)", () =>
    Effect.gen(function*() {
      const proxy = acted(whole(established))
      const { outcome, secrets } = yield* through("http://ann:open%20s%C3%A9same@proxy.test:3128", proxy)
      assert.isTrue(Result.isSuccess(outcome))
      assert.include(
        proxy.seen.written,
        `\r\nProxy-Authorization: Basic ${Buffer.from("ann:open sésame").toString("base64")}\r\n\r\n`
      )
      assert.deepStrictEqual(secrets, ["open sésame"])
    }))

  it.effect("waits past an interim response", () =>
    Effect.gen(function*() {
      const { outcome } = yield* through(
        "http://proxy.test:3128",
        acted(whole(`HTTP/1.1 102 Processing\r\n\r\n${established}`))
      )
      assert.isTrue(Result.isSuccess(outcome))
    }))

  for (
    const [answer, url, expected] of [
      [
        "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=x\r\n\r\n",
        "",
        "407 Proxy Authentication Required; it wants a login, and its URL has none"
      ],
      [
        "HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=x\r\n\r\n",
        "ann:x@",
        "407 No; it does not accept the login of its URL"
      ],
      [
        "HTTP/1.1 407 No\r\nProxy-Authenticate: NTLM\r\nProxy-Authenticate: Negotiate\r\n\r\n",
        "ann:x@",
        "407 No; it takes logins by NTLM, Negotiate only, we know Basic"
      ],
      ["HTTP/1.0 502 Bad Gateway\r\n\r\n<html>", "", "502 Bad Gateway"],
      ["HTTP/1.1 403\r\n\r\n", "", "403"],
      ["220 mail.test ESMTP\r\n", "", "it does not answer as an HTTP proxy: \"220 mail.test ESMTP\""],
      ["HTTP/1.1 600 Odd\r\n\r\n", "", "it does not answer as an HTTP proxy: \"HTTP/1.1 600 Odd\""],
      ["HTTP/1.1 200 OK\r\nProxy-", "", "it closed the connection"],
      ["x".repeat(10_000), "", "it sends a line without end"],
      [`HTTP/1.1 200 OK\r\n${"A: b\r\n".repeat(200)}`, "", "it sends header fields without end"]
    ] as const
  ) {
    it.effect(`fails in the proxy's own words, and closes: ${expected}`, () =>
      Effect.gen(function*() {
        for (const chunks of [whole(answer), byByte(answer)]) {
          const proxy = acted(chunks, { ends: true })
          const { outcome, told } = yield* through(`http://${url}proxy.test:3128`, proxy)
          assert.strictEqual(problem(outcome), expected)
          assert.deepStrictEqual(told.slice(1), [{ address: "proxy.test", port: 3128, problem: expected }])
          assert.strictEqual(proxy.seen.closed, 1)
        }
      }))
  }

  it.effect("an interruption while the proxy is silent closes the connection", () =>
    Effect.gen(function*() {
      const proxy = acted([])
      const fiber = yield* Effect.forkChild(through("http://proxy.test:3128", proxy), { startImmediately: true })
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(proxy.seen.closed, 0)
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(proxy.seen.closed, 1)
    }))
})

describe("SOCKS5 (RFC 1928)", () => {
  for (const [how, chunks] of [["whole", whole], ["by byte", byByte]] as const) {
    it.effect(`gives the proxy the name to resolve, and leaves the greeting to the session, read ${how}`, () =>
      Effect.gen(function*() {
        const proxy = acted(chunks(`${granted}220 mail.test\r\n`))
        const { outcome, told } = yield* through("socks5h://proxy.test", proxy)
        const connection = yield* Effect.fromResult(outcome)
        let greeting = ""
        while (!greeting.endsWith("\n")) greeting += (yield* connection.pull).map(latin1).join("")
        assert.strictEqual(greeting, "220 mail.test\r\n")
        assert.deepStrictEqual(proxy.seen.dialled, [{ host: "proxy.test", port: 1080 }])
        assert.strictEqual(proxy.seen.written, "\x05\x01\x00\x05\x01\x00\x03\x09mail.test\x02\x4b")
        assert.deepStrictEqual(told, ["through the SOCKS5 proxy proxy.test:1080"])
      }))
  }

  it.effect("logs in by user and password where the proxy asks for it (RFC 1929)", () =>
    Effect.gen(function*() {
      const proxy = acted(whole("\x05\x02\x01\x00\x05\x00\x00\x03\x02ab\x00\x01"))
      const { outcome } = yield* through("socks5://ann:s%3Asame@proxy.test:3128", proxy)
      assert.isTrue(Result.isSuccess(outcome))
      assert.strictEqual(
        proxy.seen.written,
        "\x05\x02\x00\x02\x01\x03ann\x06s:same\x05\x01\x00\x03\x09mail.test\x02\x4b"
      )
    }))

  it.effect("says addresses as addresses", () =>
    Effect.gen(function*() {
      for (
        const [host, said] of [
          ["192.0.2.1", "\x01\xc0\x00\x02\x01"],
          ["[2001:db8::1:2]", "\x04\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x02"],
          ["::ffff:192.0.2.1", "\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xc0\x00\x02\x01"],
          ["1:2:3:4:5:6:7:8", "\x04\x00\x01\x00\x02\x00\x03\x00\x04\x00\x05\x00\x06\x00\x07\x00\x08"],
          ["bücher.test", "\x03\x12xn--bcher-kva.test"]
        ] as const
      ) {
        const proxy = acted(whole(granted))
        assert.isTrue(Result.isSuccess((yield* through("socks5://proxy.test", proxy, { host, port: 25 })).outcome))
        assert.strictEqual(proxy.seen.written, `\x05\x01\x00\x05\x01\x00${said}\x00\x19`)
      }
    }))

  for (
    const [answer, login, expected] of [
      ["\x05\x00\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00", "", "connection refused (SOCKS5 reply 5)"],
      ["\x05\x00\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00", "", "connection not allowed by its rules (SOCKS5 reply 2)"],
      ["\x05\x00\x05\x63\x00\x01\x00\x00\x00\x00\x00\x00", "", "unknown failure (SOCKS5 reply 99)"],
      ["\x05\xff", "", "it wants a login, and its URL has none"],
      ["\x05\xff", "ann:x@", "it takes neither user and password nor a connection without login"],
      ["\x05\x01", "ann:x@", "it chose a way to log in that it was not offered"],
      ["\x05\x02", "", "it chose a way to log in that it was not offered"],
      ["\x05\x02\x01\x01", "ann:x@", "it does not accept the login of its URL"],
      ["HTTP/1.1 400 Bad Request\r\n\r\n", "", "it does not answer as a SOCKS5 proxy"],
      ["\x05\x00\x04\x00\x00\x01", "", "it does not answer as a SOCKS5 proxy"],
      ["\x05\x00\x05\x00\x00\x09\x00\x00", "", "it does not answer as a SOCKS5 proxy"],
      ["\x05\x00\x05\x00", "", "it closed the connection"]
    ] as const
  ) {
    it.effect(`fails, and closes: ${JSON.stringify(answer)} with ${login === "" ? "no" : "a"} login: ${expected}`, () =>
      Effect.gen(function*() {
        const proxy = acted(byByte(answer), { ends: true })
        const { outcome } = yield* through(`socks5://${login}proxy.test:3128`, proxy)
        assert.strictEqual(problem(outcome), expected)
        assert.strictEqual(proxy.seen.closed, 1)
      }))
  }
})

describe("TLS through a proxy", () => {
  it.effect("is with the mail server: the name to check is the target's", () =>
    Effect.gen(function*() {
      const proxy = acted(whole(established))
      const tls: Tls.TlsOptions = { mode: "implicit" }
      const { outcome } = yield* through("http://proxy.test:3128", proxy, { host: "mail.test", port: 465, tls })
      const connection = yield* Effect.fromResult(outcome)
      assert.strictEqual(connection.tls?.protocol, "TLSv1.3")
      assert.deepStrictEqual(proxy.seen.upgrades, [{ mode: "implicit", servername: "mail.test" }])

      const later = acted(whole(established))
      const plain = yield* Effect.flatMap(
        through("http://proxy.test:3128", later),
        ({ outcome }) => Effect.fromResult(outcome)
      )
      const named: Tls.TlsOptions = { mode: "required", servername: "other.test" }
      yield* plain.upgrade(named)
      assert.strictEqual(later.seen.upgrades[0], named)
    }))

  it.effect("a server that greets in plain text where TLS comes first is shown, and the connection closed", () =>
    Effect.gen(function*() {
      const target = { host: "mail.test", port: 465, tls: { mode: "implicit" } } as const
      const proxy = acted(whole(`${established}220 mail.test\r\n`))
      const { outcome } = yield* through("http://proxy.test:3128", proxy, target)
      assert.deepStrictEqual(
        outcome,
        Result.fail(new SmtpError.TlsFailed({ kind: "PlainServerOnTlsPort", seen: "220 mail.test" }))
      )
      assert.deepStrictEqual([proxy.seen.closed, proxy.seen.upgrades], [1, []])

      const cause = new Error("plain text came where TLS was expected")
      const late = acted(whole(established), {
        upgrade: () => new SmtpError.TlsFailed({ kind: "PlaintextInjected", cause })
      })
      assert.deepStrictEqual(
        (yield* through("http://proxy.test:3128", late, target)).outcome,
        Result.fail(new SmtpError.TlsFailed({ kind: "PlainServerOnTlsPort", cause }))
      )
    }))

  it.effect("what a proxy puts in front of STARTTLS is not taken for the server's", () =>
    Effect.gen(function*() {
      const proxy = acted(whole(`${established}250 injected\r\n`))
      const { outcome } = yield* through("http://proxy.test:3128", proxy)
      const connection = yield* Effect.fromResult(outcome)
      const error = yield* Effect.flip(connection.upgrade({}))
      assert.deepStrictEqual(error, new SmtpError.TlsFailed({ kind: "PlaintextInjected", seen: "250 injected" }))
      assert.deepStrictEqual([proxy.seen.closed, proxy.seen.upgrades], [1, []])
    }))
})

describe("through a proxy", () => {
  it.effect("our address is not that of the way to a proxy on this machine", () =>
    Effect.gen(function*() {
      for (const [host, expected] of [["mail.test", undefined], ["127.0.0.1", "127.0.0.1"]] as const) {
        const { outcome } = yield* through("socks5://localhost", acted(whole(granted)), { host, port: 25 })
        assert.strictEqual((yield* Effect.fromResult(outcome)).localAddress, expected)
      }
    }))

  it.effect("a Unix socket is dialled directly", () =>
    Effect.gen(function*() {
      const proxy = acted([])
      const { outcome, told } = yield* through("socks5://proxy.test", proxy, { path: "/run/lmtp" })
      assert.isTrue(Result.isSuccess(outcome))
      assert.deepStrictEqual([proxy.seen.dialled, proxy.seen.written, told], [[{ path: "/run/lmtp" }], "", []])
    }))

  it.effect("tells that the proxy cannot be reached, with the addresses that were tried", () =>
    Effect.gen(function*() {
      const cause = new Error("ECONNREFUSED")
      const beneath = Layer.succeed(
        Connector.Connector,
        Connector.Connector.of({
          connect: () =>
            new SmtpError.ConnectionFailed({
              kind: "Refused",
              host: "proxy.test",
              port: 3128,
              attempts: [{ address: "192.0.2.7", problem: "connection refused" }],
              cause
            })
        })
      )
      const connector = yield* Effect.provide(
        ProxyConnector.make({ url: Redacted.make("http://proxy.test:3128") }),
        beneath
      )
      assert.deepStrictEqual(
        yield* Effect.flip(connector.connect({ host: "mail.test", port: 587 })),
        new SmtpError.ConnectionFailed({
          kind: "Proxy",
          host: "mail.test",
          port: 587,
          attempts: [{
            address: "192.0.2.7:3128",
            problem: "the proxy cannot be reached: connection refused"
          }],
          cause
        })
      )
    }))

  const oddHosts = Schema.Array(
    Schema.Literals([
      "a",
      "Z",
      ".",
      "-",
      "\r",
      "\n",
      "\0",
      "\t",
      " ",
      "/",
      "@",
      "%0d%0a",
      "%",
      "[",
      "]",
      ":",
      "ü",
      "?",
      "#"
    ])
  ).check(Schema.isMinLength(1), Schema.isMaxLength(12))
  for (const scheme of ["http", "socks5"]) {
    it.effect.prop(`no host makes more than one request of ${scheme}`, [oddHosts], ([parts]) =>
      Effect.gen(function*() {
        const host = parts.join("")
        const proxy = acted(whole(scheme === "http" ? established : granted))
        const { outcome } = yield* through(`${scheme}://proxy.test`, proxy, { host, port: 25 })
        const { written } = proxy.seen
        if (Result.isFailure(outcome)) {
          assert.instanceOf(outcome.failure, SmtpError.ConnectionFailed)
          assert.deepStrictEqual([outcome.failure.kind, written], ["Other", ""])
        } else if (scheme === "http") {
          assert.match(written, /^CONNECT ([A-Za-z0-9._[\]:-]+:25) HTTP\/1\.1\r\nHost: \1\r\n\r\n$/)
        } else {
          const name = written.slice(8, -2)
          assert.include(["\x05\x01\x00\x05\x01\x00\x03", "\x05\x01\x00\x05\x01\x00\x04"], written.slice(0, 7))
          if (written.charCodeAt(6) === 3) {
            assert.match(name, /^[A-Za-z0-9._-]+$/)
            assert.strictEqual(written.charCodeAt(7), name.length)
          }
        }
      }))
  }
})

describe("the proxy's URL", () => {
  for (
    const [url, expected] of [
      ["proxy.test:3128", "its scheme is none of http, socks5"],
      ["https://ann:swordfish@proxy.test", "its scheme is none of http, socks5"],
      ["swordfish", "it is not a URL; write http://user:password@host:3128, user and password percent-encoded"],
      [
        "http://ann:sword/fish@proxy.test",
        "it is not a URL; write http://user:password@host:3128, user and password percent-encoded"
      ],
      [
        "http://proxy.test:3128/swordfish",
        "there is something behind host and port (in user and password / ? # are written %2F %3F %23)"
      ],
      ["http://ann:%swordfish@proxy.test", "its user or password has a % that begins no octet; write %25"],
      ["http://ann%3Abob:swordfish@proxy.test", "its user has a colon, which Basic cannot say"],
      ["http://ann:sword%0D%0Afish@proxy.test", "its user or password has a control character"],
      ["socks5://ann@proxy.test", "user and password of a SOCKS5 proxy have 1 to 255 octets each (RFC 1929)"],
      [
        `socks5://ann:${"x".repeat(256)}@proxy.test`,
        "user and password of a SOCKS5 proxy have 1 to 255 octets each (RFC 1929)"
      ],
      ["socks5://", "it names no host"],
      ["socks5://pro%20xy:1080", "its host is none"]
    ] as const
  ) {
    it.effect(`is refused before anybody dials, and not repeated: ${url.slice(0, 50)}`, () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(
          Effect.provide(ProxyConnector.make({ url: Redacted.make(url) }), acted([]).layer)
        )
        assert.deepStrictEqual(error.reason, new SmtpError.InvalidConfiguration({ option: "proxy", problem: expected }))
      }))
  }
})

const refusal = (said: string) => `HTTP/1.1 407 ${said}\r\nProxy-Authenticate: Basic\r\n\r\n`
const watched = (secret: string, answer: string) =>
  observe({
    script: Script.fromText("S: 220 never said"),
    options: {},
    connector: Layer.provide(
      ProxyConnector.layer({ url: Redacted.make(`http://ann:${encodeAll(secret, "%")}@proxy.test:3128`) }),
      acted(whole(answer), { ends: true }).layer
    ).pipe(Layer.orDie)
  })

describe("the proxy's password", () => {
  it.effect("is not seen when the proxy says it back, however that is written", () =>
    Effect.gen(function*() {
      const secret = "zQ7-quartz/vexing&jumps"
      const plain = yield* watched(secret, refusal("Access denied"))
      for (const form of [...forms(secret), Buffer.from(`ann:${secret}`).toString("base64")]) {
        for (const answer of [refusal(form), `220 ${form}\r\n`]) {
          assert.deepStrictEqual(windowsIn(yield* watched(secret, answer), secret), [])
        }
      }
      assert.isNotEmpty(windowsIn({ ...plain, there: secret }, secret))
    }))

  it.effect("two passwords are seen alike, also short ones", () =>
    Effect.gen(function*() {
      for (const [one, other] of [["pw", "a much longer passphrase"], ["vexing", "quartz"]] as const) {
        for (
          const answer of [(secret: string) => refusal(`no ${secret} here`), () => "HTTP/1.1 502 Bad Gateway\r\n\r\n"]
        ) {
          const [a, b] = [yield* watched(one, answer(one)), yield* watched(other, answer(other))]
          assert.deepStrictEqual(differences(a, b), [])
        }
      }
      assert.isNotEmpty(
        differences(yield* watched("pw", refusal("one")), yield* watched("pw", refusal("other")))
      )
    }))
})
