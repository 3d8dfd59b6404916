/** What a program, a tracker and a person see of a failure, wherever it is printed. */
import { Reply, SmtpError, SmtpLog, Transporter } from "@colloquy/core"
import { Script, TestPlatform } from "@colloquy/core/testing"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Equal, Exit, Layer, Redacted, Schema } from "effect"
import { inspect } from "node:util"

const Mail = (...script: ReadonlyArray<Script.Step>) =>
  Transporter.layer({
    host: "mail.test",
    port: 465,
    name: "client.test",
    user: "ann",
    password: Redacted.make("s3cret-words")
  }).pipe(Layer.provide([
    Script.layer([
      Script.greet("220 mail.test ESMTP"),
      Script.on("EHLO client.test", "250-mail.test", "250 AUTH PLAIN"),
      ...script
    ]),
    SmtpLog.layerNone,
    TestPlatform.layer
  ]))

const send = Transporter.send({ from: "ann@mail.test", to: "bob@mail.test", text: "Hi" })

const message = `mail.test:465: the server refused 1 of 1 recipients: 550 5.1.1 <b***@mail.test> is "unknown" here`

describe("an uncaught failure", () => {
  it.effect("prints the message, and neither addresses nor conversation", () =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(send)
      const cause = Exit.isFailure(exit) ? exit.cause : Cause.empty
      const error = Cause.squash(cause)
      assert.isTrue(error instanceof SmtpError.SmtpError)
      const printed = {
        string: String(error),
        pretty: Cause.pretty(cause),
        json: JSON.stringify(error),
        causeAsJson: JSON.stringify(cause),
        inspected: inspect(error, { depth: 10 }),
        within: inspect({ error, cause }, { depth: 10 }),
        // what Node prints of an error that nobody caught
        uncaught: inspect(error, { customInspect: false, depth: 5 })
      }
      for (const [how, text] of Object.entries(printed)) {
        assert.include(text.replaceAll("\\\"", "\""), message, how)
        assert.notMatch(text, /(?:ann|bob)@|EHLO|MAIL FROM|s3cret/, how)
      }
      assert.strictEqual(printed.string, `SmtpError: ${message}`)
      assert.match(
        printed.uncaught,
        /\{\s+_tag: 'SmtpError',\s+phase: 'rcpt',\s+delivery: 'NotAccepted',\s+server: \{ host: 'mail.test', port: 465 \}\s+\}$/
      )
      assert.include(SmtpError.render(error as SmtpError.SmtpError), `C > "RCPT TO:<bob@mail.test>"`)
    }).pipe(Effect.provide(Mail(
      Script.on(/^AUTH PLAIN /, "235 2.7.0 Welcome"),
      Script.on("MAIL FROM:<ann@mail.test>", "250 2.1.0 Ok"),
      Script.on("RCPT TO:<bob@mail.test>", `550 5.1.1 <bob@mail.test> is "unknown" here`),
      Script.on("RSET", "250 2.0.0 Ok"),
      Script.bye
    ))))

  it.effect("of a test's script is a defect that shows both conversations, without what is secret", () =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(send)
      const pretty = Exit.isFailure(exit) ? Cause.pretty(exit.cause) : ""
      assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      assert.include(pretty, "The client departed from the script (connection 1).")
      assert.include(pretty, "> C: AUTH LOGIN")
      assert.include(pretty, "| C: AUTH PLAIN ********************************")
    }).pipe(Effect.provide(Mail(Script.on("AUTH LOGIN", "334 VXNlcm5hbWU6"), Script.bye))))
})

describe("an error as data", () => {
  const error = new SmtpError.SmtpError({
    reason: new SmtpError.RecipientsRefused({ reply: Reply.make(550, "5.1.1 No such user") }),
    phase: "rcpt",
    delivery: "NotAccepted",
    recipients: [{ _tag: "Refused", recipient: "bob@mail.test", reply: Reply.make(550, "5.1.1 No such user") }],
    conversation: [{ _tag: "ServerLine", counter: 1, time: 0, process: 0, session: 1, line: "550 5.1.1 No such user" }],
    summary: "no"
  })

  it("goes through JSON and comes back whole", () => {
    const codec = Schema.toCodecJson(SmtpError.SmtpError)
    const back = Schema.decodeUnknownSync(codec)(JSON.parse(JSON.stringify(Schema.encodeSync(codec)(error))))
    assert.isTrue(Equal.equals(back, error))
    assert.deepStrictEqual(
      [back.reason._tag, back.reply?.code, back.recipients, back.conversation, back.message],
      ["RecipientsRefused", 550, error.recipients, error.conversation, "no"]
    )
    assert.deepStrictEqual(Object.keys(back), ["_tag", "phase", "delivery"])
  })
})
