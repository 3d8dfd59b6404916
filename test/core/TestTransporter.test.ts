import { Message, Reply, SmtpError, Transporter } from "@colloquy/core"
import { TestTransporter } from "@colloquy/core/testing"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule, Stream } from "effect"

const mail = { from: "ann@mail.test", to: "bob@mail.test", subject: "Hi", text: "Hi" }
const sent = TestTransporter.SentMail
const busy = new SmtpError.ContentRefused({ reply: Reply.make(451, "4.3.0 Busy") })

class Bulk extends Transporter.Service<Bulk>()("test/Bulk") {}

describe("a transporter for tests", () => {
  it.effect("keeps what was sent, and says that everybody has it", () =>
    Effect.gen(function*() {
      const receipt = yield* Transporter.send({ ...mail, cc: "Carol <carol@mail.test>", bcc: "dave@mail.test" })
      const reply = Reply.make(250, "2.0.0 Ok: queued as T1")
      assert.deepStrictEqual(receipt.recipients, [
        { _tag: "Accepted", recipient: "bob@mail.test", reply },
        { _tag: "Accepted", recipient: "carol@mail.test", reply },
        { _tag: "Accepted", recipient: "dave@mail.test", reply }
      ])
      assert.strictEqual(receipt.queueId, "T1")
      const composed = yield* Message.raw({ from: "", to: ["bob@mail.test"] }, "Subject: Ho\r\n\r\nHo\r\n")
      yield* Transporter.send(composed)
      const withFile = { ...mail, attachments: [Message.file("/no/such/file.pdf")] }
      yield* Transporter.send(withFile)
      assert.deepStrictEqual(yield* sent.use((mail) => mail.messages), [
        { ...mail, cc: "Carol <carol@mail.test>", bcc: "dave@mail.test" },
        composed,
        withFile
      ])
      yield* sent.use((mail) => mail.clear)
      assert.deepStrictEqual(yield* sent.use((mail) => mail.messages), [])
      yield* Transporter.Transporter.use((transporter) => transporter.checkConnection)
    }).pipe(Effect.provide(TestTransporter.layer)))

  it.effect("refuses what no transporter would send", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Transporter.send({ ...mail, to: "nobody" }))
      assert.strictEqual(error.reason._tag, "InvalidMessage")
      assert.deepStrictEqual(yield* sent.use((mail) => mail.messages), [])
    }).pipe(Effect.provide(TestTransporter.layer)))

  it.effect("fails as the test says, as often as it says so", () =>
    Effect.gen(function*() {
      const { failNext, messages } = yield* sent
      yield* failNext(busy)
      yield* failNext(new SmtpError.ConnectionLost({ kind: "Reset" }), { delivery: "Unknown" })
      const first = yield* Effect.flip(Transporter.send(mail))
      assert.strictEqual(first.reason, busy)
      assert.deepStrictEqual([first.phase, first.delivery, first.isRetryable], ["verdict", "NotAccepted", true])
      assert.deepStrictEqual(first.recipients, [{ _tag: "Refused", recipient: "bob@mail.test", reply: busy.reply }])
      const second = yield* Effect.flip(Transporter.send(mail))
      assert.deepStrictEqual([second.delivery, second.isRetryable], ["Unknown", false])
      assert.deepStrictEqual(second.recipients, [{ _tag: "Unknown", recipient: "bob@mail.test" }])
      yield* Transporter.send(mail)
      assert.deepStrictEqual(yield* messages, [mail])
    }).pipe(Effect.provide(TestTransporter.layer)))

  it.effect("can be decorated, and stand in for one of an application's own", () =>
    Effect.gen(function*() {
      const { failNext, messages } = yield* sent
      yield* failNext(busy)
      yield* failNext(busy)
      const transporter = Transporter.withRetry(yield* Bulk, Schedule.recurs(2))
      const receipts = yield* Stream.runCollect(transporter.sendAll(Stream.make(mail, { ...mail, subject: "Ho" })))
      assert.deepStrictEqual(receipts.map(({ index, result }) => [index, result._tag]), [[0, "Success"], [
        1,
        "Success"
      ]])
      assert.deepStrictEqual(yield* messages, [mail, { ...mail, subject: "Ho" }])
    }).pipe(Effect.provide(TestTransporter.layerFor(Bulk))))
})
