import { Reply, type SmtpError, SmtpLog } from "@colloquy/core"
import { CaptureServer, Script, TestPlatform } from "@colloquy/core/testing"
import { assert, describe, it } from "@effect/vitest"
import { Cause, ConfigProvider, Effect, Exit, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import { memoryFiles } from "../core/memoryFiles.ts"
import { Accounts, App, AppLog, BulkShort, explain } from "./application.ts"
import { run, served } from "./run.ts"

const environment = ConfigProvider.layer(ConfigProvider.fromUnknown({
  TRANSACTIONAL: { SMTP_URL: "smtp://mail.shop.example?tls=none&name=shop.example" },
  BULK: { SMTP_HOST: "bulk.shop.example" }
}))
const platform = (files = memoryFiles()) => Layer.mergeAll(TestPlatform.layer, files.layer)

/** The application, with this server in front of it. */
const withServer = <Server, E>(server: Layer.Layer<Server, E>, files = memoryFiles()) =>
  App.pipe(Layer.provideMerge(AppLog), Layer.provideMerge(Layer.mergeAll(server, platform(files), environment)))

const capture = (options: CaptureServer.Options = {}) => withServer(CaptureServer.layerMemory(options))
const welcome = Accounts.use((accounts) => accounts.welcome("ann@example.org"))

describe("an application", () => {
  it.effect("welcomes who signed up", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* welcome, "sent")
      const [message] = yield* CaptureServer.CaptureServer.use((server) => server.messages)
      assert.deepStrictEqual(message?.envelope, { from: "hello@shop.example", to: ["ann@example.org"] })
      assert.include(message?.text, "<p>Welcome!</p>")
    }).pipe(Effect.provide(capture())))

  it.effect("tells a bad address from a server that is busy", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* welcome, "bad address")
    }).pipe(Effect.provide(capture({ rcpt: () => Effect.fail(Reply.make(550, "5.1.1 No such user")) }))))

  it.effect("tries again three times, then later", () => {
    const attempts: Array<number> = []
    return Effect.gen(function*() {
      const welcoming = yield* Effect.forkChild(welcome)
      yield* TestClock.adjust("7 seconds")
      assert.strictEqual(yield* Fiber.join(welcoming), "later")
      assert.deepStrictEqual(attempts, [0, 1_000, 3_000, 7_000])
    }).pipe(Effect.provide(capture({
      mail: () =>
        Effect.flatMap(Effect.clockWith((clock) => clock.currentTimeMillis), (time) => {
          attempts.push(time)
          return Effect.fail(Reply.make(451, "4.3.0 Busy"))
        })
    })))
  })

  it.effect("does not send twice what may have been delivered", () =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(welcome)
      const defect = Exit.isFailure(exit) ? exit.cause.reasons.find(Cause.isDieReason)?.defect : undefined
      const error = defect as SmtpError.SmtpError
      assert.deepStrictEqual([error.reason._tag, error.delivery], ["ConnectionLost", "Unknown"])
      yield* Script.ScriptServer.use((server) => server.assertFinished)
    }).pipe(Effect.provide(withServer(Script.layer([
      Script.greet("220 mail.shop.example ESMTP"),
      Script.on("EHLO shop.example", "250 mail.shop.example"),
      Script.on("MAIL FROM:<hello@shop.example>", "250 2.1.0 Ok"),
      Script.on("RCPT TO:<ann@example.org>", "250 2.1.5 Ok"),
      Script.on("DATA", "354 Go ahead"),
      Script.content(),
      Script.close
    ])))))

  it.effect("explains every reason in one place", () =>
    Effect.gen(function*() {
      const explained = yield* explain
      assert.match(typeof explained === "string" ? explained : "sent", /^\d+ > 10$/)
    }).pipe(Effect.provide(capture({ size: 10 }))))

  it.effect("has the phase at hand for the reasons that it does not name", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* explain, "SenderRefused in mail")
    }).pipe(Effect.provide(capture({ mail: () => Effect.fail(Reply.make(550, "5.7.1 No")) }))))

  it.effect("has a log that is off, and a file of its own for Bulk", () => {
    const files = memoryFiles()
    return Effect.gen(function*() {
      yield* welcome
      yield* SmtpLog.LogSwitch.use((log) => log.start)
      yield* welcome
      yield* SmtpLog.flush
      assert.deepStrictEqual([...files.files.keys()].map((path) => path.slice(process.cwd().length)), [
        "/logs/bulk.log",
        "/logs/ColloquySMTPLog_1.txt"
      ])
      const lines = files.text(`${process.cwd()}/logs/ColloquySMTPLog_1.txt`)
      assert.include(lines, `C > "RCPT TO:<a***@example.org>`)
      assert.notInclude(lines, "ann")
      assert.notInclude(lines, "EHLO")
    }).pipe(Effect.provide(withServer(CaptureServer.layerMemory(), files)))
  })

  it.effect("opens a transporter's own file, given as an option, beside the log", () => {
    const files = memoryFiles()
    return Effect.gen(function*() {
      yield* Effect.scoped(Layer.build(BulkShort))
      assert.deepStrictEqual([...files.files.keys()], [`${process.cwd()}/logs/bulk.log`])
    }).pipe(Effect.provide(Layer.mergeAll(CaptureServer.layerMemory(), platform(files), SmtpLog.layerNone)))
  })
})

describe("its program", () => {
  it.live("reads the environment, sends, and leaves the conversation in its log", () =>
    Effect.gen(function*() {
      const { port } = yield* CaptureServer.CaptureServer
      const { output, read, status } = yield* run("applicationMain.ts", {
        TRANSACTIONAL_SMTP_URL: `smtp://127.0.0.1:${port}?tls=none&name=client.test`,
        BULK_SMTP_HOST: "bulk.example",
        COLLOQUY_LOG: "1"
      })
      assert.strictEqual(status, 0, output)
      assert.match(output, /^\S+ INFO \(#\d+\): sent\n$/)
      assert.lengthOf(yield* CaptureServer.CaptureServer.use((server) => server.messages), 1)
      const lines = (yield* read("logs/ColloquySMTPLog_1.txt")).trimEnd().split("\n")
      assert.match(lines[0] ?? "", /^\d+ \S+ \d+ 0 ### Log opened\. /)
      assert.include(lines.join("\n"), `C > "MAIL FROM:<h***@shop.example>`)
      assert.match(lines.at(-1) ?? "", / ### SMTP Connection closed\. /)
      assert.lengthOf((yield* read("logs/bulk.log")).trimEnd().split("\n"), 1)
    }).pipe(Effect.scoped, Effect.provide(served())), 30_000)
})
