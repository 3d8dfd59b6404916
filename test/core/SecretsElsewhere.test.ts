/**
 * Secrets, on the ways by which they leaked elsewhere: a URL that is none, a password's Effect that fails, errors of a
 * platform, certificates, scripts that are departed from, our own server, and words of the protocol as passwords.
 */
import {
  LogEvent,
  LogReader,
  LogText,
  Reply,
  Sasl,
  Server,
  Session,
  SmtpError,
  SmtpLog,
  Transporter
} from "@colloquy/core"
import { Connector } from "@colloquy/core/Connector"
import { CaptureServer, Script, TestPlatform } from "@colloquy/core/testing"
import * as MemoryPipe from "@colloquy/core/testing/internal/memoryPipe"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Data, Effect, Layer, Redacted, Stream } from "effect"
import {
  base,
  differences,
  message,
  observe,
  type Run,
  type Seen,
  show,
  showExit,
  user,
  watch,
  windowsIn
} from "./secrets.ts"
import { cases, greeting, hello, script, transaction } from "./secretsScripts.ts"

/** Alike in what a URL is made of, so that it is told alike. */
const one = "first;s3cret+of%two~"
const other = "other;w0rd+and%six_more~"

const unseen = Effect.fnUntraced(function*(observed: (secret: string) => Effect.Effect<Seen>) {
  const first = yield* observed(one)
  const second = yield* observed(other)
  for (const place of differences(first, second)) assert.strictEqual(first[place], second[place], place)
  assert.deepStrictEqual(windowsIn(first, one), [])
  return first
})

const [plain] = cases
const login = (secret: string) => ({ user, password: Redacted.make(secret) })
const refused = plain === undefined
  ? []
  : script(plain, "535", { secret: "", oneLine: true, act: "send" })

const certificate = (secret: string) => ({
  subject: `CN=${secret}`,
  names: ["mail.test", `${Buffer.from(secret).toString("hex")}.test`],
  issuer: `CN=Authority of ${encodeURIComponent(secret)}`,
  validFrom: 0,
  validTo: 1,
  fingerprint256: "AB:CD"
})

const info = (secret: string) => ({
  protocol: "TLSv1.3",
  cipher: "TLS_AES_256_GCM_SHA384",
  servername: "mail.test",
  verified: false,
  problem: `the certificate is for '${secret}'`,
  chain: [certificate(secret)]
})

describe("a peer or a platform", () => {
  it.effect.each<readonly [string, (secret: string) => Run]>([
    ["a certificate", (secret) => ({
      options: { ...login(secret), tls: { mode: "implicit", dangerouslyAcceptInvalidCertificates: true } },
      script: [Script.tls({ info: info(secret) }), ...refused]
    })],
    ["a certificate, in the receipt", (secret) => ({
      options: { port: 587, ...login(secret), tls: { mode: "required", dangerouslyAcceptInvalidCertificates: true } },
      script: [
        ...greeting,
        Script.on("EHLO client.test", "250-mail.test", "250 STARTTLS"),
        Script.on("STARTTLS", "220 go"),
        Script.startTlsWith({ info: info(secret) }),
        Script.on("EHLO client.test", "250-mail.test", "250 AUTH PLAIN"),
        Script.on(/^AUTH PLAIN /, "235 ok"),
        ...transaction,
        Script.bye
      ]
    })],
    ["a certificate, to a check", (secret) => ({
      act: "check",
      options: { ...login(secret), tls: { mode: "implicit", dangerouslyAcceptInvalidCertificates: true } },
      script: [
        Script.tls({ info: info(secret) }),
        ...greeting,
        ...(plain === undefined ? [] : [hello(plain)]),
        Script.on(/^AUTH PLAIN /, "235 ok"),
        Script.bye
      ]
    })],
    ["a certificate that is refused", (secret) => ({
      options: login(secret),
      script: [
        Script.tls({
          fails: new SmtpError.CertificateRejected({
            problem: `the certificate is for '${secret}'`,
            servername: "mail.test",
            chain: [certificate(secret)]
          })
        })
      ]
    })],
    ["a certificate that is refused after STARTTLS", (secret) => ({
      options: { port: 587, ...login(secret) },
      script: [
        ...greeting,
        Script.on("EHLO client.test", "250-mail.test", "250 STARTTLS"),
        Script.on("STARTTLS", "220 go"),
        Script.startTlsWith({
          fails: new SmtpError.CertificateRejected({
            problem: `the certificate is for '${secret}'`,
            servername: "mail.test",
            chain: [certificate(secret)]
          })
        })
      ]
    })],
    ["a failed handshake", (secret) => ({
      options: login(secret),
      script: [
        Script.tls({
          fails: new SmtpError.TlsFailed({
            kind: "PlainServerOnTlsPort",
            seen: `220 hello ${secret}`,
            cause: Object.assign(new Error(`not TLS: ${secret}`), { options: { password: secret } })
          })
        })
      ]
    })],
    ["a dial that fails", (secret) => ({
      options: login(secret),
      script: [
        Script.refuse(
          new SmtpError.ConnectionFailed({
            kind: "Proxy",
            host: "mail.test",
            port: 465,
            attempts: [{ address: "192.0.2.7", problem: `the proxy says: no ${secret}` }],
            cause: Object.assign(new Error(`proxy: ${secret}`), { url: `http://x:${secret}@proxy`, cause: secret })
          })
        )
      ]
    })]
  ])("does not bring it back: %s", ([, run]) => unseen((secret) => observe(run(secret))))

  it.effect("that forgets TLS is told nothing", () =>
    Effect.gen(function*() {
      const said: Array<Uint8Array> = []
      const connector = Layer.succeed(
        Connector,
        Connector.of({
          connect: () =>
            Effect.succeed({
              pull: Effect.never,
              writeAll: (chunks) => Effect.sync(() => void said.push(...chunks)),
              upgrade: () => Effect.die("no upgrade"),
              tls: undefined,
              address: undefined,
              localAddress: undefined,
              channelBinding: undefined
            })
        })
      )
      const seen = yield* observe({ options: login(one), script: [], connector })
      assert.include(seen["the error's message"], "the TLS handshake failed")
      assert.deepStrictEqual(said, [])
    }))

  it.effect("does not bring it back: a connection that breaks", () =>
    unseen((secret) => {
      const lost = new SmtpError.ConnectionLost({
        kind: "Reset",
        cause: Object.assign(new Error(`reset while ${secret}`), { sent: secret, code: "ECONNRESET" })
      })
      const connector = Layer.succeed(
        Connector,
        Connector.of({
          connect: () =>
            Effect.succeed({
              pull: Effect.fail(lost),
              writeAll: () => Effect.fail(lost),
              upgrade: () => Effect.die("no upgrade"),
              tls: undefined,
              address: undefined,
              localAddress: undefined,
              channelBinding: undefined
            })
        })
      )
      return observe({ options: { ...login(secret), tls: "none" }, script: [], connector })
    }))
})

const seenOf = (options: Transporter.Options) =>
  watch(Effect.gen(function*() {
    const exit = yield* Effect.exit(Effect.scoped(Transporter.make(options))).pipe(
      Effect.provide(
        Layer.mergeAll(CaptureServer.layerMemory(), SmtpLog.layerNone, TestPlatform.layer)
      )
    )
    return { ...show("the options", options), ...showExit(exit) }
  }))

/** The options are not shown: an Effect that fails with a text is the user's own. */
const observed = (options: Partial<Transporter.Options>) =>
  Effect.map(
    observe({ options, script: [] }),
    (seen) => Object.fromEntries(Object.entries(seen).filter(([place]) => !place.startsWith("the options")))
  )

describe("a configuration", () => {
  it.effect.each<readonly [string, (secret: string) => string]>([
    ["no URL at all", (secret) => secret],
    ["no scheme", (secret) => `ann:${secret}@mail.test`],
    ["a foreign scheme", (secret) => `https://ann:${encodeURIComponent(secret)}@mail.test`],
    ["a blank", (secret) => `smtps://ann:${encodeURIComponent(secret)}@mail test`],
    ["no host", (secret) => `smtps://ann:${secret}`],
    ["a wrong port", (secret) => `smtps://ann:${encodeURIComponent(secret)}@mail.test:99999`],
    ["a ? in the password", (secret) => `smtp://ann:12?${secret}@mail.test`],
    ["a ? and a known parameter", (secret) => `smtp://ann:12?tls=${secret}@mail.test`],
    ["a # in the password", (secret) => `smtp://ann:12#${secret}@mail.test`],
    ["a / in the password", (secret) => `smtp://ann:12/${secret}@mail.test`],
    ["a path", (secret) => `smtp://ann:${encodeURIComponent(secret)}@mail.test/${encodeURIComponent(secret)}`],
    ["a % alone", (secret) => `smtps://ann:%zz${encodeURIComponent(secret)}@mail.test`],
    [
      "an unknown parameter",
      (secret) => `smtps://ann:${encodeURIComponent(secret)}@mail.test?${encodeURIComponent(secret)}`
    ],
    ["a parameter for code only", (secret) => `smtps://ann:${encodeURIComponent(secret)}@mail.test?logFile=x`],
    ["a contradiction", (secret) => `smtps://ann:${encodeURIComponent(secret)}@mail.test?tls=none`],
    ["a password without user", (secret) => `smtps://:${encodeURIComponent(secret)}@mail.test`],
    ["a line break", (secret) => `smtps://ann:${encodeURIComponent(`${secret}\n`)}@mail.test`]
  ])("whose URL has %s says so without it", ([, url]) =>
    Effect.gen(function*() {
      const seen = yield* unseen((secret) => seenOf({ url: Redacted.make(url(secret)) }))
      assert.include(seen["the error's reason as JSON"], "InvalidConfiguration")
      yield* unseen((secret) =>
        watch(Effect.gen(function*() {
          const read = yield* Transporter.config.pipe(
            Effect.provideService(
              ConfigProvider.ConfigProvider,
              ConfigProvider.fromEnv({ env: { SMTP_URL: url(secret) } })
            ),
            Effect.exit
          )
          return showExit(read)
        }))
      )
    }))

  it.effect.each<readonly [string, (secret: string) => Partial<Transporter.Options>]>([
    ["a password with a line break", (secret) => ({ user, password: Redacted.make(`${secret}\r\nRSET`) })],
    ["a password with half a character", (secret) => ({ user, password: Redacted.make(`${secret}\ud800`) })],
    ["a password that SCRAM cannot carry", (secret) => ({
      user,
      password: Redacted.make(`${secret}\u0007`),
      authenticationMode: "SCRAM-SHA-256"
    })],
    [
      "a token with a blank",
      (secret) => ({ user, accessTokenOAuth2: Redacted.make(`${secret} `), authenticationMode: "XOAUTH2" })
    ],
    ["a password without user", (secret) => ({ password: Redacted.make(secret) })],
    ["a key and a contradiction", (secret) => ({
      ...login(secret),
      tls: { mode: "implicit", key: Redacted.make(secret), cert: "x" },
      acceptUnsecureConnection: true
    })],
    [
      "a mode of one's own that cannot be",
      (secret) => ({ authenticationMode: Sasl.plain({ user: "", password: Redacted.make(secret) }) })
    ]
  ])(
    "with %s is shown without it",
    ([, options]) => unseen((secret) => seenOf({ host: "mail.test", port: 465, ...options(secret) }))
  )

  class Refused extends Data.TaggedError("Refused")<{ readonly answer: string }> {}

  it.effect.each<readonly [string, (secret: string) => Effect.Effect<Redacted.Redacted, unknown>]>([
    ["fails with an error that has it", (secret) => Effect.fail(new Refused({ answer: secret }))],
    ["fails with a text", (secret) => Effect.fail(`refresh_token=${secret}`)],
    ["fails with an object", (secret) => Effect.fail({ request: { headers: { authorization: `Bearer ${secret}` } } })],
    ["dies", (secret) => Effect.die(new Error(`no JSON: ${secret}`))],
    ["throws", (secret) =>
      Effect.sync(() => {
        throw new Error(secret)
      })],
    ["gives one that cannot be used", (secret) => Effect.succeed(Redacted.make(`${secret}\n`))]
  ])(
    "whose password's Effect %s does not show it",
    ([, password]) => unseen((secret) => observed({ user, password: password(secret) }))
  )
})

describe("the dialogue by hand", () => {
  it.effect.each(
    [
      ["PLAIN", (secret: string) => Sasl.plain({ user, password: Redacted.make(secret) })],
      ["XOAUTH2", (secret: string) => Sasl.xoauth2({ user, token: Redacted.make(secret) })]
    ] as const
  )("knows the secret of %s when the server says it back", ([name, mechanism]) =>
    unseen((secret) =>
      watch(
        Effect.gen(function*() {
          const connected = yield* Session.connectTls({ host: "mail.test", port: 465 })
          const ready = yield* Session.ehlo(connected, "client.test")
          return yield* Session.auth(ready, mechanism(secret))
        }).pipe(
          Effect.scoped,
          Effect.exit,
          Effect.map(showExit),
          Effect.provide(
            Layer.mergeAll(
              Script.layer([
                ...greeting,
                Script.on("EHLO client.test", "250-mail.test", `250 AUTH ${name}`),
                Script.on(/^AUTH /, `535 not ${secret}`, `535 nor ${Buffer.from(secret).toString("hex")}`),
                Script.expectEnd
              ]),
              SmtpLog.layerNone,
              TestPlatform.layer
            )
          ),
          Effect.provideService(LogEvent.Sequence, { nextCounterUnsafe: () => 1, nextSessionUnsafe: () => 1 })
        )
      )
    ))
})

describe("a password that is a word of the protocol", () => {
  it.effect.each(["STARTTLS", "PIPELINING", "AUTH PLAIN", "CHUNKING", "235", "250", "354", "mail.test", "2.1.0"])(
    "does not change what is understood: %s",
    (secret) =>
      Effect.gen(function*() {
        const seen = yield* observe({
          options: { port: 587, user, password: Redacted.make(secret) },
          script: [
            ...greeting,
            Script.on("EHLO client.test", "250-mail.test", "250-PIPELINING", "250 STARTTLS"),
            Script.on("STARTTLS", "220 go"),
            Script.startTls,
            Script.on("EHLO client.test", "250-mail.test", "250-PIPELINING", "250-CHUNKING", "250 AUTH PLAIN"),
            Script.on(/^AUTH PLAIN /, "235 2.7.0 ok"),
            Script.on(/^MAIL FROM:/, "250 2.1.0 ok"),
            Script.on(/^RCPT TO:/, "250 2.1.5 ok"),
            Script.bdat("250 2.0.0 ok"),
            Script.bye
          ]
        })
        assert.include(seen["the receipt as JSON"], `"code":250`, seen["the cause printed"])
        assert.include(seen["the memory's text"], `S < "235 `)
      })
  )
})

describe("a script that is departed from", () => {
  it.effect("shows neither what the client said nor what the script has of it", () =>
    unseen((secret) => {
      const line = Buffer.from(`\0${user}\0${secret}`).toString("base64")
      return observe({
        options: login(secret),
        script: [
          ...greeting,
          Script.on("EHLO client.test", "250-mail.test", "250 AUTH PLAIN"),
          Script.on(`AUTH PLAIN ${line}`, `235 welcome ${secret}`),
          Script.on("MAIL FROM:<nobody@mail.test>", "250 ok")
        ]
      })
    }))

  it.effect("that has AUTH in another form", () =>
    unseen((secret) =>
      observe({
        options: login(secret),
        script: [
          ...greeting,
          Script.on("EHLO client.test", "250-mail.test", "250 AUTH PLAIN"),
          Script.on("AUTH LOGIN", "334 VXNlcm5hbWU6")
        ]
      })
    ))
})

const base64 = (text: string) => Buffer.from(text).toString("base64")

const plainLine = (secret: string) => base64(`\0ann\0${secret}`)

/** What a server logs of a client that says this, whatever it answers. */
const served = (lines: ReadonlyArray<string>, handlers: Partial<Server.Handlers> = {}) =>
  watch(
    Effect.gen(function*() {
      const pipe = MemoryPipe.make({
        secured: true,
        tls: () => ({ protocol: "TLSv1.3", cipher: "AES", verified: true, chain: [] }),
        clientAddress: "192.0.2.1",
        serverAddress: "203.0.113.25"
      })
      yield* Effect.ignore(pipe.client.writeAll([Buffer.from([...lines, "QUIT", ""].join("\r\n"))]))
      yield* Server.serve(pipe.server, { message: () => Effect.succeed(Reply.make(250)), ...handlers })
      const log = yield* SmtpLog.LogMemory
      return { ...show("the log", yield* log.events), "the log's text": yield* log.text }
    }).pipe(
      Effect.provide(SmtpLog.layerMemory),
      Effect.provideService(LogEvent.Sequence, { nextCounterUnsafe: () => 1, nextSessionUnsafe: () => 1 })
    )
  )

describe("our own server", () => {
  const users = Server.users({ ann: Redacted.make("another one") })

  it.effect.each<readonly [string, (secret: string) => ReadonlyArray<string>]>([
    ["in PLAIN", (secret) => ["EHLO c", `AUTH PLAIN ${plainLine(secret)}`]],
    ["in PLAIN, in two steps", (secret) => ["EHLO c", "AUTH PLAIN", plainLine(secret)]],
    ["in LOGIN", (secret) => ["EHLO c", "AUTH LOGIN", base64("ann"), base64(secret)]],
    ["in LOGIN with the user in front", (secret) => ["EHLO c", `AUTH LOGIN ${base64("ann")}`, base64(secret)]],
    ["in a mechanism that it doesn't have", (secret) => ["EHLO c", `AUTH XOAUTH2 ${base64(secret)}`]],
    ["not in base64", (secret) => ["EHLO c", `AUTH PLAIN ${secret}`, "AUTH LOGIN", base64("ann"), secret]],
    ["in too many words", (secret) => ["EHLO c", `AUTH PLAIN ${plainLine(secret)} ${secret}`]],
    ["behind a tab", (secret) => ["EHLO c", `AUTH\tPLAIN ${plainLine(secret)}`, `auth plain\t${plainLine(secret)}`]],
    ["before EHLO", (secret) => [`AUTH PLAIN ${plainLine(secret)}`]],
    ["as a command", (secret) => ["EHLO c", base64(secret), secret, `${secret} ${secret}`]],
    ["as a command of another protocol", (secret) => [
      "EHLO c",
      `a1 LOGIN ann ${secret}`,
      `PASS ${secret}`,
      `Authorization: Bearer ${secret}`,
      `BURL imap://ann@mail.test/x;urlauth=submit:internal:${secret} LAST`
    ]],
    ["in an argument that is none", (secret) => ["EHLO c", `AUTH PLAIN=${secret}`, `AUTHPLAIN ${secret}`]]
  ])("does not log a password %s", ([, lines]) => unseen((secret) => served(lines(secret), { authenticate: users })))

  it.effect("hangs up on who goes on to authenticate with nonsense", () =>
    Effect.gen(function*() {
      const attempts = Array.from({ length: 200 }, (_, at) => `AUTH PLAIN ${base64(`nonsense ${at}`)}`)
      const seen = yield* served(["EHLO c", ...attempts], { authenticate: users })
      assert.include(seen["the log's text"], `S < "421 4.7.0 Too many errors`)
    }))

  it.effect("does not log what a handler died of, or repeats", () =>
    Effect.all([
      unseen((secret) =>
        served(["EHLO c", `AUTH PLAIN ${plainLine(secret)}`], {
          authenticate: (_, password) => Effect.die(new Error(`no such password: ${Redacted.value(password)}`))
        })
      ),
      unseen((secret) =>
        served(["EHLO c", `AUTH PLAIN ${plainLine(secret)}`], {
          authenticate: (_, password) => Effect.fail(Reply.make(535, `5.7.8 not ${Redacted.value(password)}`))
        })
      )
    ]))
})

describe("what is made of a transporter", () => {
  it.effect("a decorated one, and its tag", () =>
    unseen((secret) =>
      watch(
        Effect.gen(function*() {
          const transporter = yield* Transporter.make({ ...base, ...login(secret) })
          const both = Transporter.failover([transporter, transporter])
          const exit = yield* Effect.exit(both.send(message))
          return { ...show("failover", both), ...show("parts", Transporter.toParts(both)), ...showExit(exit) }
        }).pipe(
          Effect.scoped,
          Effect.provide(Layer.mergeAll(
            Script.layer(refused.map((step) => step)),
            SmtpLog.layerNone,
            TestPlatform.layer
          )),
          Effect.provideService(LogEvent.Sequence, { nextCounterUnsafe: () => 1, nextSessionUnsafe: () => 1 }),
          Effect.orDie
        )
      )
    ))
})

const swaks = (...lines: ReadonlyArray<string>) =>
  ["=== Trying mail.test:25...", "=== Connected to mail.test.", "<-  220 mail.test ESMTP", " -> EHLO c", ...lines]
    .join("\n")

describe("a log of another program", () => {
  it.effect.each<readonly [string, (secret: string) => string]>([
    ["PLAIN", (secret) => swaks(` -> AUTH PLAIN ${plainLine(secret)}`, `<** 535 no ${secret}`)],
    [
      "LOGIN",
      (secret) =>
        swaks(
          " -> AUTH LOGIN",
          "<-  334 VXNlcm5hbWU6",
          ` -> ${base64(user)}`,
          "<-  334 UGFzc3dvcmQ6",
          ` -> ${base64(secret)}`,
          `<** 535 no ${base64(secret)} for ${user}`
        )
    ],
    ["a tab", (secret) => swaks(` -> AUTH\tPLAIN\t${plainLine(secret)}`, `<** 501 ${plainLine(secret)}`)],
    ["a word of its own", (secret) => swaks(` -> AUTH ${plainLine(secret)}`, "<** 501 what")]
  ])("is read without the secrets that it holds: %s", ([name, log]) =>
    Effect.gen(function*() {
      const seen = yield* unseen((secret) =>
        Effect.map(Stream.runCollect(LogReader.readText(log(secret))), (events) => ({
          ...show("the events", events),
          text: LogText.format(events)
        }))
      )
      if (name === "LOGIN") assert.include(seen["text"], `for ${user}`)
    }))
})
