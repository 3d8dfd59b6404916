import { LogText, SmtpLog, Transporter } from "@colloquy/core"
import { Script, TestPlatform } from "@colloquy/core/testing"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Redacted } from "effect"
import { TestClock } from "effect/testing"

const login = Transporter.layer({
  host: "mail.test",
  port: 465,
  name: "client.test",
  user: "ann",
  password: Redacted.make("s3cret-words"),
  authenticationMode: "PLAIN"
})
const mail = { from: "ann@mail.test", to: "bob@mail.test", subject: "Hi", text: "Hi" }

const on = (script: ReadonlyArray<Script.Step>) =>
  login.pipe(
    Layer.provideMerge(
      Layer.mergeAll(Script.layer(script, { chunks: "byte" }), SmtpLog.layerMemory, TestPlatform.layer)
    )
  )

describe("authentication", () => {
  it.effect("tells a wrong password, and shows nothing of it", () =>
    Effect.gen(function*() {
      const error = yield* Transporter.send(mail).pipe(Effect.flip)
      assert.strictEqual(error.reason._tag, "AuthenticationFailed")
      assert.strictEqual(error.delivery, "NotAccepted")

      const log = yield* SmtpLog.LogMemory
      const events = yield* log.events
      assert.strictEqual(
        LogText.format(events, { columns: "statement" }),
        [
          `### SMTP Connecting to 'mail.test' on port 465. (implicit)`,
          `### SMTP Connected to 'mail.test' on port 465. (secured)`,
          `### SMTP TLS is on. (TLSv1.3, verified)`,
          `S < "220 mail.test ESMTP"`,
          `C > "EHLO client.test"`,
          `S < "250-mail.test"`,
          `S < "250 AUTH PLAIN"`,
          `C > "AUTH PLAIN ********************************"`,
          `S < "535 5.7.8 Bad credentials"`,
          `### SMTP Failed while auth. (AuthenticationFailed)`,
          `C > "QUIT"`,
          `S < "221 2.0.0 Bye"`,
          `### SMTP Connection closed. (client)`
        ].join("\n")
      )
      assert.notInclude(JSON.stringify([events, error]), "s3cret")
      yield* Script.ScriptServer.use((server) => server.assertFinished)
    }).pipe(Effect.provide(on([
      Script.greet("220 mail.test ESMTP"),
      Script.on("EHLO client.test", "250-mail.test", "250 AUTH PLAIN"),
      Script.on(/^AUTH PLAIN /, "535 5.7.8 Bad credentials"),
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
