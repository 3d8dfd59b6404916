import { LogSink, SmtpLog, Transporter } from "@colloquy/core"
import { Script, TestPlatform } from "@colloquy/core/testing"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Stream } from "effect"
import { TestClock, TestConsole } from "effect/testing"
import { live, record, tail } from "./switchAndLive.ts"

const refused = Script.layer([
  Script.greet("220 mail.test ESMTP"),
  Script.on(/^EHLO /, "250 mail.test"),
  Script.on(/^MAIL /, "550 5.7.1 We know \"you\""),
  Script.on("QUIT", "221 2.0.0 Bye"),
  Script.expectEnd
])
const Mail = Transporter.layer({ host: "mail.test", tls: "none", keepAlive: false }).pipe(
  Layer.provide([refused, TestPlatform.layer])
)
/** Refused, and a second later the session has ended. */
const send = Effect.flip(Transporter.send({ from: "ann@mail.test", to: "bob@mail.test", text: "Hi" })).pipe(
  Effect.andThen(TestClock.adjust("1 second"))
)

describe("the switch", () => {
  it.effect("has the log record for five minutes", () => {
    const lines: Array<string> = []
    const opened: Array<string> = []
    const sink = Effect.acquireRelease(
      Effect.sync(() => {
        opened.push("opened")
        return LogSink.fromFunction((event) => {
          if (event._tag === "ServerLine") lines.push(event.line)
        })
      }),
      () => Effect.sync(() => opened.push("closed"))
    )
    return Effect.gen(function*() {
      const { changes, state } = yield* SmtpLog.LogSwitch
      const seen = yield* Effect.forkChild(Stream.runCollect(Stream.take(changes, 5)), { startImmediately: true })
      yield* send
      assert.deepStrictEqual({ lines, opened }, { lines: [], opened: [] })

      const recording = yield* Effect.forkChild(record, { startImmediately: true })
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* state, "on")
      yield* send
      assert.deepStrictEqual(lines, [
        "220 mail.test ESMTP",
        "250 mail.test",
        "550 5.7.1 We know \"you\"",
        "221 2.0.0 Bye"
      ])

      yield* TestClock.adjust("4 minutes")
      yield* Fiber.join(recording)
      yield* send
      assert.lengthOf(lines, 4)
      assert.deepStrictEqual(opened, ["opened", "closed"])
      assert.strictEqual(yield* state, "off")
      assert.deepStrictEqual([...yield* Fiber.join(seen)], ["off", "on", "paused", "on", "off"])
      assert.include(JSON.stringify(yield* TestConsole.logLines), "the log is on")
    }).pipe(Effect.provide(Mail.pipe(Layer.provideMerge(SmtpLog.layerSwitched(sink)))))
  })
})

describe("the live stream", () => {
  it.effect("shows refusals as they happen, whatever the log", () =>
    Effect.gen(function*() {
      const seen = yield* Effect.forkChild(Stream.runCollect(Stream.take(live, 2)), { startImmediately: true })
      const tailing = yield* Effect.forkChild(tail, { startImmediately: true })
      yield* Effect.yieldNow
      yield* send
      yield* send
      const lines = yield* Fiber.join(seen)
      assert.deepStrictEqual(
        lines.map((line) => line.replace(/^\d+ (\S+) \d+ \d+ /, "$1 ")),
        [
          `1970-01-01T00:00:00.000Z S < "550 5.7.1 We know \\"you\\""`,
          `1970-01-01T00:00:01.000Z S < "550 5.7.1 We know \\"you\\""`
        ]
      )
      yield* Effect.yieldNow
      assert.lengthOf((yield* TestConsole.logLines).filter((line) => String(line).includes("550 5.7.1")), 2)
      yield* Fiber.interrupt(tailing)
    }).pipe(Effect.provide(Mail.pipe(Layer.provideMerge(SmtpLog.layerNone)))))
})
