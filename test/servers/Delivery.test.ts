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
/** Always as long, so that sizes in a conversation are the same in each run. */
const nextMarker = () => `message-${String(process.pid).padStart(8, "0")}-${String(++made).padStart(3, "0")}`

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

const lmtp = (server: DovecotServer.DovecotServer["Service"]): Transporter.Options => ({
  host: server.host,
  port: server.lmtpPort,
  lmtp: true,
  tls: "none",
  keepAlive: false,
  name: "client.test"
})

type Message = Parameters<Transporter.Transporter["send"]>[0]

/** Sends each message, closes the transporter, and gives the outcomes with the whole conversation. */
const sendingAll = Effect.fnUntraced(function*(options: Transporter.Options, messages: ReadonlyArray<Message>) {
  const log = yield* SmtpLog.LogMemory
  const outcomes = yield* Effect.scoped(Effect.gen(function*() {
    const transporter = yield* Transporter.make(options)
    return yield* Effect.forEach(messages, (message) => Effect.result(transporter.send(message)))
  }))
  return { outcomes, conversation: statements(yield* log.events) }
}, (self) => Effect.provide(self, Layer.fresh(SmtpLog.layerMemory)))

const sending = Effect.fnUntraced(function*(options: Transporter.Options, message: Message) {
  const { conversation, outcomes: [outcome] } = yield* sendingAll(options, [message])
  return { outcome: outcome ?? (yield* Effect.die("nothing was sent")), conversation }
})

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

const postfixOverTls = [
  `S < "250-mx.mail.test"`,
  `S < "250-PIPELINING"`,
  `S < "250-SIZE 10240000"`,
  `S < "250-VRFY"`,
  `S < "250-ETRN"`,
  `S < "250-AUTH PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256"`,
  `S < "250-ENHANCEDSTATUSCODES"`,
  `S < "250-8BITMIME"`,
  `S < "250-DSN"`,
  `S < "250-SMTPUTF8"`,
  `S < "250 CHUNKING"`
]

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

  it.effect.each([
    ["DATA, in a pipeline", ["CHUNKING"]],
    ["DATA, command by command", ["CHUNKING", "PIPELINING"]],
    ["BDAT, command by command", ["PIPELINING"]]
  ] as ReadonlyArray<readonly [string, ReadonlyArray<string>]>)(
    "Postfix takes a message by %s, and it arrives octet by octet",
    ([way, ignoreExtensions]) =>
      Effect.gen(function*() {
        const server = yield* PostfixServer.PostfixServer
        const { conversation } = yield* delivers({ ...(yield* postfix("required")), ignoreExtensions }, server.maildir)
        assert.strictEqual(conversation.includes(`C > "DATA"`), way.startsWith("DATA"))
      })
  )

  it.effect("Postfix: the log of a delivery over STARTTLS is the whole conversation", () =>
    Effect.gen(function*() {
      const server = yield* PostfixServer.PostfixServer
      const options = { ...(yield* postfix("required")), authenticationMode: "PLAIN" }
      const { conversation } = yield* delivers(options, server.maildir)
      assert.deepStrictEqual(conversation, [
        "### SMTP Connecting to 'localhost' on port PORT. (required)",
        "### SMTP Connected to 'localhost' on port PORT. (unsecured)",
        `S < "220 mx.mail.test ESMTP Postfix"`,
        `C > "EHLO client.test"`,
        `S < "250-mx.mail.test"`,
        `S < "250-PIPELINING"`,
        `S < "250-SIZE 10240000"`,
        `S < "250-VRFY"`,
        `S < "250-ETRN"`,
        `S < "250-STARTTLS"`,
        `S < "250-ENHANCEDSTATUSCODES"`,
        `S < "250-8BITMIME"`,
        `S < "250-DSN"`,
        `S < "250-SMTPUTF8"`,
        `S < "250 CHUNKING"`,
        `C > "STARTTLS"`,
        `S < "220 2.0.0 Ready to start TLS"`,
        "### SMTP TLS is on. (TLSv1.3, verified)",
        `C > "EHLO client.test"`,
        ...postfixOverTls,
        `C > "AUTH PLAIN ********************************"`,
        `S < "235 2.7.0 Authentication successful"`,
        `C > "MAIL FROM:<ann@mail.test> SIZE=1456 BODY=8BITMIME"`,
        `C > "RCPT TO:<bob@mail.test>"`,
        `S < "250 2.1.0 Ok"`,
        `S < "250 2.1.5 Ok"`,
        `C > "BDAT 1462 LAST"`,
        "### SMTP Content sent. (1462 octets, 24 lines)",
        `S < "250 2.0.0 Ok: 1462 bytes queued as QUEUE-ID"`,
        `C > "QUIT"`,
        `S < "221 2.0.0 Bye"`,
        "### SMTP Connection closed. (client)"
      ])
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
      assert.deepStrictEqual(conversation, [
        "### SMTP Connecting to 'localhost' on port PORT. (implicit)",
        "### SMTP Connected to 'localhost' on port PORT. (secured)",
        "### SMTP TLS is on. (TLSv1.3, verified)",
        `S < "220 mx.mail.test ESMTP Postfix"`,
        `C > "EHLO client.test"`,
        ...postfixOverTls,
        `C > "AUTH PLAIN ********************************"`,
        `S < "535 5.7.8 Error: authentication failed: authentication failure"`,
        "### SMTP Failed while auth. (AuthenticationFailed)",
        `C > "QUIT"`,
        `S < "221 2.0.0 Bye"`,
        "### SMTP Connection closed. (client)"
      ])
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
      const markers = [nextMarker(), nextMarker()]
      const { conversation } = yield* sendingAll(
        { ...(yield* postfix("implicit")), keepAlive: true },
        markers.map((marker) => Messages.composed({ from, to: [bob] }, Messages.difficult(marker)))
      )
      for (const marker of markers) {
        const files = yield* Maildir.holding(server.maildir, marker)
        assert.deepStrictEqual(files.map(Maildir.withoutTrace), [Messages.onTheWire(Messages.difficult(marker))])
      }
      const count = (pattern: RegExp) => conversation.filter((statement) => pattern.test(statement)).length
      assert.deepStrictEqual([count(/"EHLO /), count(/"MAIL FROM/), count(/"QUIT"/)], [1, 2, 1])
    }))

  it.effect("Dovecot's LMTP takes a message by DATA, and it arrives octet by octet", () =>
    Effect.gen(function*() {
      const server = yield* DovecotServer.DovecotServer
      const options = { ...lmtp(server), ignoreExtensions: ["CHUNKING"] }
      yield* delivers(options, server.lmtpMaildir)
    }))

  it.effect("Dovecot's LMTP takes a message for each recipient, and the log is the whole conversation", () =>
    Effect.gen(function*() {
      const server = yield* DovecotServer.DovecotServer
      const marker = nextMarker()
      const text = Messages.difficult(marker)
      const { conversation, outcome } = yield* sending(
        lmtp(server),
        Messages.composed({ from, to: [bob, "eve@mail.test"] }, text)
      )
      const receipt = yield* Effect.fromResult(outcome)
      assert.deepStrictEqual(receipt.recipients.map((verdict) => verdict._tag), ["Accepted", "Accepted"])
      const files = yield* Maildir.holding(server.lmtpMaildir, marker, 2)
      assert.deepStrictEqual(files.map(Maildir.withoutTrace), [Messages.onTheWire(text), Messages.onTheWire(text)])
      assert.deepStrictEqual(conversation, [
        "### SMTP Connecting to '127.0.0.1' on port PORT. (none)",
        "### SMTP Connected to '127.0.0.1' on port PORT. (unsecured)",
        `S < "220 mx.mail.test Dovecot (Debian) ready."`,
        `C > "LHLO client.test"`,
        `S < "250-mx.mail.test"`,
        `S < "250-8BITMIME"`,
        `S < "250-CHUNKING"`,
        `S < "250-ENHANCEDSTATUSCODES"`,
        `S < "250-PIPELINING"`,
        `S < "250 STARTTLS"`,
        `C > "MAIL FROM:<ann@mail.test> BODY=8BITMIME"`,
        `C > "RCPT TO:<bob@mail.test>"`,
        `C > "RCPT TO:<eve@mail.test>"`,
        `S < "250 2.1.0 OK"`,
        `S < "250 2.1.5 OK"`,
        `S < "250 2.1.5 OK"`,
        `C > "BDAT 1462 LAST"`,
        "### SMTP Content sent. (1462 octets, 24 lines)",
        `S < "250 2.0.0 <bob@mail.test> DELIVERY-ID Saved"`,
        `S < "250 2.0.0 <eve@mail.test> DELIVERY-ID Saved"`,
        `C > "QUIT"`,
        `S < "221 2.0.0 Bye"`,
        "### SMTP Connection closed. (client)"
      ])
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
            ...(mechanism === "EXTERNAL" ? {} : { user: server.user, accessTokenOAuth2: Redacted.make(server.token) }),
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
