import { Transporter } from "@colloquy/core"
import { make, parseTimeOut } from "@colloquy/core/internal/settings"
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, ConfigProvider, Duration, Effect, Redacted, Result, Schema } from "effect"
import { layer, transporter } from "./dialogue.ts"

const settings = (options: Transporter.Options) => Result.getOrThrow(make(options))
const problem = (options: Transporter.Options) => {
  const made = make(options)
  return Result.isFailure(made) ? `${made.failure.option}: ${made.failure.problem}` : assert.fail("it was accepted")
}
const url = (text: string): Transporter.Options => ({ url: Redacted.make(text) })
const password = Redacted.make("a-secret-word")

describe("the way to the server", () => {
  it("is taken from port, scheme and options", () => {
    const table: ReadonlyArray<readonly [options: Transporter.Options, port: number, mode: string, lmtp?: boolean]> = [
      [{ host: "mail.test" }, 587, "required"],
      [{ host: "mail.test", port: 25 }, 25, "required"],
      [{ host: "mail.test", port: 465 }, 465, "implicit"],
      [{ host: "mail.test", port: 465, tls: "required" }, 465, "required"],
      [{ host: "mail.test", tls: "none" }, 587, "none"],
      [{ host: "mail.test", tls: { mode: "opportunistic" } }, 587, "opportunistic"],
      [{ host: "mail.test", acceptUnsecureConnection: true }, 587, "opportunistic"],
      [{ host: "mail.test", acceptUnsecureConnection: false }, 587, "required"],
      [{ host: "mail.test", acceptUnsecureConnection: true, tls: "none" }, 587, "none"],
      [{ socketPath: "/run/lmtp" }, 0, "none"],
      [url("smtps://mail.test"), 465, "implicit"],
      [url("smtps://mail.test:2465"), 2465, "implicit"],
      [url("smtp://mail.test"), 587, "required"],
      [url("smtp://mail.test:465"), 465, "required"],
      [url("smtp://mail.test?tls=none"), 587, "none"],
      [url("smtp://mail.test?acceptUnsecureConnection=true"), 587, "opportunistic"],
      [url("lmtp://mail.test:24"), 24, "required", true],
      [url("lmtp:///run/dovecot/lmtp"), 0, "none", true],
      [{ ...url("smtps://mail.test"), port: 4465 }, 4465, "implicit"],
      [{ ...url("smtps://mail.test"), tls: "required" }, 465, "required"]
    ]
    for (const [options, port, mode, lmtp = false] of table) {
      const made = settings(options)
      assert.deepStrictEqual([made.server.port, made.mode, made.lmtp], [port, mode, lmtp], JSON.stringify(options))
    }
  })

  it("is checked against the host that is dialled", () => {
    assert.strictEqual(settings({ host: "mail.test" }).tls.servername, "mail.test")
    assert.strictEqual(settings({ host: "192.0.2.1", tls: { servername: "mail.test" } }).tls.servername, "mail.test")
    assert.deepStrictEqual(settings(url("smtp://[2001:db8::1]:25")).server, { host: "2001:db8::1", port: 25 })
  })

  it("is refused where options contradict each other or are out of range", () => {
    const table: ReadonlyArray<readonly [Transporter.Options, option: string]> = [
      [{}, "host"],
      [{ host: "" }, "host"],
      [{ host: "mail\r\n.test" }, "host"],
      [{ host: "mail.test", socketPath: "/run/lmtp" }, "socketPath"],
      [{ host: "mail.test", port: 0 }, "port"],
      [{ host: "mail.test", port: 65_536 }, "port"],
      [{ host: "mail.test", port: 2.5 }, "port"],
      [{ host: "mail.test", port: 25, lmtp: true }, "port"],
      [{ host: "mail.test", tls: "required", acceptUnsecureConnection: true }, "acceptUnsecureConnection"],
      [{ host: "mail.test", tls: "none", acceptUnsecureConnection: false }, "acceptUnsecureConnection"],
      [{ ...url("smtps://mail.test"), acceptUnsecureConnection: true }, "acceptUnsecureConnection"],
      [{ socketPath: "/run/lmtp", tls: "implicit" }, "tls"],
      [url("smtps://mail.test?tls=none"), "url"],
      [url("smtp://mail.test?tls=implicit"), "url"],
      [url("http://mail.test"), "url"],
      [url("smtp://"), "url"],
      [url("lmtp://mail.test"), "url"],
      [url("smtp://mail.test/path"), "url"],
      [url("smtp://mail.test#hash"), "url"],
      [url("smtp://mail.test?tls=maybe"), "url: tls"],
      [url("smtp://mail.test?keepAlive=perhaps"), "url: keepAlive"],
      [url("smtp://mail.test?sendTimeOut=10"), "url: sendTimeOut"],
      [url("smtp://mail.test?maxSessions=many"), "url: maxSessions"],
      [url("smtp://mail.test?dangerouslyAuthInClear=true"), "url"],
      [url("smtp://mail.test?logFile=x"), "url"],
      [url("smtp://mail.test?other=1"), "url"],
      [{ host: "mail.test", user: "ann" }, "password"],
      [{ host: "mail.test", password }, "user"],
      [{ host: "mail.test", user: "a\nnn", password }, "user"],
      [{ host: "mail.test", user: "ann", password: Redacted.make("a\r\nb") }, "password"],
      [{ host: "mail.test", user: "ann", password: Redacted.make("a\0b") }, "password"],
      [{ host: "mail.test", user: "ann", accessTokenOAuth2: Redacted.make("a\nb") }, "accessTokenOAuth2"],
      [{ host: "mail.test", user: "ann", password, authenticationMode: "ROT13" }, "authenticationMode"],
      [{ host: "mail.test", name: "a\r\nb" }, "name"],
      [{ host: "mail.test", maxSessions: 0 }, "maxSessions"],
      [{ host: "mail.test", sendTimeOut: "0 seconds" }, "sendTimeOut"],
      [{ host: "mail.test", connectionTimeOut: "0 seconds" }, "connectionTimeOut"],
      [{ host: "mail.test", timeLimits: { rcpt: "0 seconds" } }, "timeLimits.rcpt"]
    ]
    for (const [options, option] of table) {
      assert.strictEqual(problem(options).slice(0, option.length + 2), `${option}: `, JSON.stringify(options))
    }
  })

  it("has the defaults of the documentation", () => {
    const { keepAlive, limits, maxSessions, pipelining, saslInitialResponse, sendTimeOut } = settings({
      host: "mail.test"
    })
    assert.deepStrictEqual({ keepAlive, maxSessions, pipelining, saslInitialResponse, sendTimeOut }, {
      keepAlive: true,
      maxSessions: 3,
      pipelining: "auto",
      saslInitialResponse: true,
      sendTimeOut: 100_000
    })
    assert.deepStrictEqual(limits, {
      connect: 30_000,
      tls: 60_000,
      greeting: 60_000,
      ehlo: 60_000,
      starttls: 60_000,
      auth: 60_000,
      mail: 60_000,
      rcpt: 120_000,
      data: 120_000,
      content: 180_000,
      verdict: 600_000,
      rset: 60_000,
      quit: 5_000
    })
  })
})

describe("a time-out", () => {
  it("has a unit", () => {
    const table = [["30s", 30_000], ["500ms", 500], ["2m", 120_000], ["2min", 120_000], ["1h", 3_600_000], [
      "30 seconds",
      30_000
    ]] as const
    for (const [text, millis] of table) {
      assert.strictEqual(Duration.toMillis(Result.getOrThrow(parseTimeOut("x", text))), millis)
    }
    for (const text of ["", "30", "s", "-1s", "1.5s", "30 fortnights", "1e9s"]) {
      assert.isTrue(Result.isFailure(parseTimeOut("x", text)), text)
    }
  })
})

const visible = Arbitrary.map(
  Arbitrary.array(Arbitrary.schema(Schema.Literals(Array.from("abc:/?#[]@!$&'()*+,;=%\"<>\\^`{|} ~\u00e9\u20ac.-_0")))),
  (characters) => characters.join("")
)
/** A password that a person would recognise in a message. */
const secret = Arbitrary.map(visible, (noise) => `Zq7xKw9${noise}Vt3mPy5`)

describe("a URL", () => {
  it.prop("gives user and password back as they were percent-encoded", [visible, visible], ([user, word]) => {
    const made = settings(url(`smtps://u${encodeURIComponent(user)}:p${encodeURIComponent(word)}@mail.test:2465`))
    assert.strictEqual(made.user, `u${user}`)
    assert.isTrue(Redacted.isRedacted(made.password))
    if (Redacted.isRedacted(made.password)) assert.strictEqual(Redacted.value(made.password), `p${word}`)
    assert.deepStrictEqual(made.server, { host: "mail.test", port: 2465 })
  })

  it("leaves + a plus", () => {
    const made = settings(url("smtps://a+b:c+d@mail.test"))
    assert.strictEqual(made.user, "a+b")
    if (Redacted.isRedacted(made.password)) assert.strictEqual(Redacted.value(made.password), "c+d")
  })

  it("gives the other options", () => {
    const made = settings(url(
      "smtp://ann:a-secret-word@mail.test?name=client.test&auth=plain&connectionTimeOut=5s&sendTimeOut=2m&keepAlive=false" +
        "&saslInitialResponse=0&force8bit&allRecipients=required&conversation=always&onUnknown=retry&pipelining=off" +
        "&ignoreExtensions=chunking,DSN&maxSessions=7"
    ))
    assert.deepInclude(made, {
      name: "client.test",
      authenticationMode: "plain",
      sendTimeOut: 120_000,
      keepAlive: false,
      saslInitialResponse: false,
      force8bit: true,
      requireAll: true,
      conversation: true,
      resendUnknown: true,
      pipelining: "off",
      ignoreExtensions: ["CHUNKING", "DSN"],
      maxSessions: 7
    })
    assert.strictEqual(made.limits.connect, 5_000)
  })

  const shapes: ReadonlyArray<(secret: string) => string> = [
    (secret) => secret,
    (secret) => `smtps://ann:${secret}@mail.test:465`,
    (secret) => `smtps://ann:${secret}@mail.test:nonsense`,
    (secret) => `smtps://ann:${secret}@`,
    (secret) => `smtps://${secret}`,
    (secret) => `smtps:ann:${secret}@mail.test`,
    (secret) => `ftp://ann:${secret}@mail.test`,
    (secret) => `smtp://ann:12?${secret}@mail.test`,
    (secret) => `smtp://ann:12/${secret}@mail.test`,
    (secret) => `smtp://mail.test?password=${secret}`,
    (secret) => `smtp://mail.test?tls=${secret}`,
    (secret) => `smtp://mail.test?dangerously${secret}=1`,
    (secret) => `smtp://mail.test?sendTimeOut=${secret}`,
    (secret) => `smtp://mail.test?maxSessions=${secret}`,
    (secret) => `smtp://ann:${secret}%@mail.test`,
    (secret) => `smtp://ann:x@mail.test#${secret}`,
    (secret) => `smtp://ann:a%00${secret}@mail.test`
  ]
  it.effect.prop("that is bad leaves no trace of itself", [secret], ([secret]) =>
    Effect.gen(function*() {
      for (const shape of shapes) {
        const exit = yield* Effect.exit(transporter(url(shape(secret))))
        if (exit._tag === "Success") continue
        const error = yield* Effect.flip(exit)
        const seen = `${String(error)}${JSON.stringify(error)}${JSON.stringify(error.reason)}${error.stack}`
        for (const piece of ["Zq7xKw9", "Vt3mPy5"]) assert.notInclude(seen.toLowerCase(), piece.toLowerCase())
        assert.strictEqual(error.reason._tag, "InvalidConfiguration")
      }
    }).pipe(Effect.scoped, Effect.provide(layer("-- silence\n"), { local: true })))
})

const read = (environment: Record<string, string>) => Transporter.config.parse(ConfigProvider.fromUnknown(environment))

describe("the environment", () => {
  it.effect("gives all options, and keeps the secret ones redacted", () =>
    Effect.gen(function*() {
      const options = yield* read({
        SMTP_HOST: "mail.test",
        SMTP_PORT: "465",
        SMTP_USER: "ann",
        SMTP_PASSWORD: "a-secret-word",
        SMTP_AUTH: "PLAIN",
        SMTP_TLS: "implicit",
        SMTP_NAME: "client.test",
        SMTP_SEND_TIMEOUT: "30 seconds",
        SMTP_KEEP_ALIVE: "false",
        SMTP_MAX_SESSIONS: "5"
      })
      const made = settings(options)
      assert.deepInclude(made, {
        mode: "implicit",
        name: "client.test",
        sendTimeOut: 30_000,
        keepAlive: false,
        maxSessions: 5
      })
      assert.notInclude(JSON.stringify(options), "a-secret-word")
    }))

  it.effect("may be empty of all but the URL", () =>
    Effect.gen(function*() {
      const options = yield* read({ SMTP_URL: "smtps://ann:a-secret-word@mail.test", SMTP_PORT: "2465" })
      assert.deepStrictEqual(settings(options).server, { host: "mail.test", port: 2465 })
    }))
})
