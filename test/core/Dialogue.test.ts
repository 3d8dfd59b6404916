import { LogText, SmtpLog, Transporter } from "@colloquy/core"
import { Script, TestPlatform } from "@colloquy/core/testing"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Redacted } from "effect"
import { TestClock } from "effect/testing"

const login = Transporter.layer({
  host: "mail.test", port: 465, name: "client.test", user: "ann", password: Redacted.make("s3cret-words"), authenticationMode: "PLAIN"
})
const mail = { from: "ann@mail.test", to: "bob@mail.test", subject: "Hi", text: "Hi" }

const on = (script: ReadonlyArray<Script.Step>) =>
  login.pipe(Layer.provideMerge(Layer.mergeAll(Script.layer(script, { chunks: "byte" }), SmtpLog.layerMemory, TestPlatform.layer)))

describe("authentication", () => {
  it.effect("tells a wrong password, and shows nothing of it", () =>
    Effect.gen(function*() {
      const error = yield* Transporter.send(mail).pipe(Effect.flip)
      assert.strictEqual(error.reason._tag, "AuthenticationFailed")
      assert.strictEqual(error.delivery, "NotAccepted")

      const log = yield* SmtpLog.LogMemory
      const events = yield* log.events
      console.log(error.message)
      console.log(LogText.format(events))
      assert.notInclude(JSON.stringify([events, error]), "s3cret")
      yield* Script.ScriptServer.use((server) => server.assertFinished)
    }).pipe(Effect.provide(on([
      Script.greet("220 mail.test ESMTP"),
      Script.on("EHLO client.test", "250-mail.test", "250 AUTH PLAIN"),
      Script.on(/^AUTH PLAIN /, "535 5.7.8 Bad credentials"),
      Script.on("QUIT", "221 2.0.0 Bye"),
      Script.close
    ]))))
  it.effect("sends", () =>
    Effect.gen(function*() {
      const receipt = yield* Transporter.send(mail)
      const log = yield* SmtpLog.LogMemory
      const events = yield* log.events
      console.log(receipt)
      console.log(LogText.format(events))
    }).pipe(Effect.provide(on([
      Script.greet("220 mail.test ESMTP"),
      Script.on("EHLO client.test", "250-mail.test", "250-PIPELINING", "250 AUTH PLAIN"),
      Script.on(/^AUTH PLAIN /, "235 ok"),
      Script.on(/^MAIL/, "250 ok"),
      Script.on(/^RCPT/, "250 ok"),
      Script.on(/^DATA/, "354 ok"),
      Script.content("250 2.0.0 Ok: queued as 4ZxYYYYYY"),
      Script.on("QUIT", "221 2.0.0 Bye"),
      Script.close
    ]))))

  it.effect("gives up on a server that says nothing", () =>
    Effect.gen(function*() {
      const sending = yield* Effect.forkChild(Transporter.send(mail))
      yield* TestClock.adjust("60 seconds")
      const error = yield* Effect.flip(Fiber.join(sending))
      assert.strictEqual(error.reason._tag, "TimedOut")
      assert.strictEqual(error.phase, "greeting")
    }).pipe(Effect.provide(on([Script.silence]))))
})
