import * as SmtpLog from "@colloquy/core/SmtpLog"
import * as Transporter from "@colloquy/core/Transporter"
import * as NodeColloquy from "@colloquy/node/NodeColloquy"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { statements } from "./Conversation.ts"
import * as DovecotServer from "./DovecotServer.ts"
import * as Maildir from "./Maildir.ts"
import * as Messages from "./Messages.ts"
import * as PostfixServer from "./PostfixServer.ts"

const Servers = DovecotServer.layer.pipe(
  Layer.provideMerge(PostfixServer.layer),
  Layer.provideMerge(NodeServices.layer),
  Layer.merge(NodeColloquy.layer)
)

const mechanisms = ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"]
let made = 0
const nextMarker = () => `message-${process.pid}-${++made}`

const postfix = Effect.fnUntraced(function*(mode: "implicit" | "required") {
  const server = yield* PostfixServer.PostfixServer
  const options: Transporter.Options = {
    host: "localhost",
    port: mode === "implicit" ? server.tlsPort : server.port,
    tls: { mode, ca: server.certificates.ca },
    user: server.user,
    password: Redacted.make(server.password),
    keepAlive: false,
    name: "client.test"
  }
  return options
})

type Message = Parameters<Transporter.Transporter["send"]>[0]

/** Sends, and gives the outcome with the conversation. */
const sending = Effect.fnUntraced(function*(options: Transporter.Options, message: Message) {
  const log = yield* SmtpLog.LogMemory
  const transporter = yield* Transporter.make(options)
  const outcome = yield* Effect.result(transporter.send(message))
  return { outcome, conversation: statements(yield* log.events) }
}, (self) => Effect.provide(Effect.scoped(self), Layer.fresh(SmtpLog.layerMemory)))

const from = "ann@mail.test"
const bob = "bob@mail.test"

/** Sends a difficult message, and asserts that it arrived, once, octet by octet. */
const delivers = Effect.fnUntraced(
  function*(options: Transporter.Options, maildir: string, to: ReadonlyArray<string> = [bob]) {
    const marker = nextMarker()
    const text = Messages.difficult(marker)
    const [first = bob, ...others] = to
    const { conversation, outcome } = yield* sending(options, Messages.composed({ from, to: [first, ...others] }, text))
    const receipt = yield* Effect.fromResult(outcome)
    const files = yield* Maildir.holding(maildir, marker)
    assert.deepStrictEqual(files.map(Maildir.withoutTrace), [Messages.onTheWire(text)])
    return { receipt, conversation }
  }
)

layer(Servers, { excludeTestServices: true, timeout: "5 minutes" })("real servers", (it) => {
  for (const mode of ["required", "implicit"] as const) {
    for (const mechanism of mechanisms) {
      it.effect(`Postfix takes a message over TLS (${mode}) after ${mechanism}, and it arrives octet by octet`, () =>
        Effect.gen(function*() {
          const server = yield* PostfixServer.PostfixServer
          const options = { ...(yield* postfix(mode)), authenticationMode: mechanism }
          const { conversation, receipt } = yield* delivers(options, server.maildir)
          assert.deepStrictEqual(receipt.recipients.map((verdict) => verdict._tag), ["Accepted"])
          assert.match(receipt.queueId ?? "", /^\w+$/)
          assert.notInclude(conversation.join("\n"), server.password)
          assert.include(conversation.join("\n"), "S < \"235 2.7.0 Authentication successful\"")
        }))
    }
  }

  it.effect("Postfix: the log of a delivery over STARTTLS is the whole conversation", () =>
    Effect.gen(function*() {
      const server = yield* PostfixServer.PostfixServer
      const options = { ...(yield* postfix("required")), authenticationMode: "PLAIN" }
      const { conversation } = yield* delivers(options, server.maildir)
      assert.deepStrictEqual(conversation, [])
    }))

  it.effect("Postfix: a wrong password is told as the server tells it, and shown nowhere", () =>
    Effect.gen(function*() {
      const password = "not-the-password-of-ann"
      const options = {
        ...(yield* postfix("implicit")),
        password: Redacted.make(password),
        authenticationMode: "PLAIN"
      }
      const { conversation, outcome } = yield* sending(
        options,
        Messages.composed({ from, to: [bob] }, "Subject: No\r\n\r\n")
      )
      const error = yield* Effect.fromResult(Result.flip(outcome))
      assert.deepStrictEqual(
        [error.reason._tag, error.phase, error.delivery, error.reply?.code, error.reply?.enhanced],
        [
          "AuthenticationFailed",
          "auth",
          "NotAccepted",
          535,
          "5.7.8"
        ]
      )
      assert.notInclude(JSON.stringify([conversation, error, error.conversation]), password)
      assert.deepStrictEqual(conversation, [])
    }))

  it.effect("Postfix: a refused recipient does not lose the message for the one beside it", () =>
    Effect.gen(function*() {
      const server = yield* PostfixServer.PostfixServer
      const { receipt } = yield* delivers(yield* postfix("required"), server.maildir, [
        "refused@mail.test",
        bob,
        "later@mail.test"
      ])
      assert.deepStrictEqual(
        receipt.recipients.map((
          verdict
        ) => [verdict.recipient, verdict._tag, "reply" in verdict ? verdict.reply.code : undefined]),
        [["refused@mail.test", "Refused", 550], [bob, "Accepted", 250], ["later@mail.test", "Refused", 450]]
      )
    }))

  it.effect("Postfix: two messages go through one session when it is kept", () =>
    Effect.gen(function*() {
      const server = yield* PostfixServer.PostfixServer
      const [first, second] = [nextMarker(), nextMarker()]
      const conversation = yield* Effect.gen(function*() {
        const log = yield* SmtpLog.LogMemory
        yield* Effect.scoped(Effect.gen(function*() {
          const transporter = yield* Transporter.make({ ...(yield* postfix("implicit")), keepAlive: true })
          for (const marker of [first, second]) {
            yield* transporter.send(Messages.composed({ from, to: [bob] }, Messages.difficult(marker)))
          }
        }))
        return statements(yield* log.events)
      }).pipe(Effect.provide(Layer.fresh(SmtpLog.layerMemory)))
      for (const marker of [first, second]) {
        const files = yield* Maildir.holding(server.maildir, marker)
        assert.deepStrictEqual(files.map(Maildir.withoutTrace), [Messages.onTheWire(Messages.difficult(marker))])
      }
      const count = (pattern: RegExp) => conversation.filter((statement) => pattern.test(statement)).length
      assert.deepStrictEqual([count(/"EHLO /), count(/"MAIL FROM/), count(/"QUIT"/)], [1, 2, 1])
    }))

  it.effect("Dovecot's LMTP takes a message for each recipient, and the log is the whole conversation", () =>
    Effect.gen(function*() {
      const server = yield* DovecotServer.DovecotServer
      const marker = nextMarker()
      const text = Messages.difficult(marker)
      const { conversation, outcome } = yield* sending(
        { host: server.host, port: server.lmtpPort, lmtp: true, tls: "none", keepAlive: false, name: "client.test" },
        Messages.composed({ from, to: [bob, "eve@mail.test"] }, text)
      )
      const receipt = yield* Effect.fromResult(outcome)
      assert.deepStrictEqual(receipt.recipients.map((verdict) => verdict._tag), ["Accepted", "Accepted"])
      const files = yield* Maildir.holding(server.lmtpMaildir, marker, 2)
      assert.deepStrictEqual(files.map(Maildir.withoutTrace), [Messages.onTheWire(text), Messages.onTheWire(text)])
      assert.deepStrictEqual(conversation, [])
    }))

  for (const mechanism of ["OAUTHBEARER", "XOAUTH2", "EXTERNAL"]) {
    it.effect(`Dovecot's submission takes a message after ${mechanism}`, () =>
      Effect.gen(function*() {
        const postfix = yield* PostfixServer.PostfixServer
        const server = yield* DovecotServer.DovecotServer
        const marker = nextMarker()
        const { client } = server.certificates
        const { outcome } = yield* sending(
          {
            host: "localhost",
            port: server.submissionPort,
            tls: {
              mode: "implicit",
              ca: server.certificates.ca,
              ...(mechanism === "EXTERNAL" ? { cert: client.cert, key: Redacted.make(client.key) } : {})
            },
            user: server.user,
            ...(mechanism === "EXTERNAL" ? {} : { accessTokenOAuth2: Redacted.make(server.token) }),
            authenticationMode: mechanism,
            keepAlive: false,
            name: "client.test"
          },
          Messages.composed({ from, to: [bob] }, Messages.difficult(marker))
        )
        yield* Effect.fromResult(outcome)
        const files = yield* Maildir.holding(postfix.maildir, marker)
        assert.deepStrictEqual(files.map(Maildir.withoutTrace), [Messages.onTheWire(Messages.difficult(marker))])
      }))
  }
})
