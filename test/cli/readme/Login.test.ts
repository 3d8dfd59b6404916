import { SmtpLog, Transporter } from "@colloquy/core"
import { Script, TestPlatform } from "@colloquy/core/testing"
import { assert, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"

const Server = Script.layer(Script.fromText(`
  S: 220 mail.test ESMTP
  C: EHLO client.test
  S: 250-mail.test
  S: 250 AUTH PLAIN
  C: AUTH PLAIN ********************************
  S: 535 5.7.8 Wrong password
  C: QUIT
  S: 221 Bye
`))
const account = { host: "mail.test", port: 465, name: "client.test", user: "ann", password: Redacted.make("pencil") }
const Mail = Transporter.layer(account).pipe(Layer.provideMerge([Server, SmtpLog.layerMemory, TestPlatform.layer]))

it.effect("a wrong password is told, and never shown", () =>
  Effect.gen(function*() {
    const error = yield* Effect.flip(Transporter.send({ from: "ann@mail.test", to: "bob@mail.test", text: "Hi" }))
    assert.strictEqual(error.reason._tag, "AuthenticationFailed")
    assert.include(yield* SmtpLog.LogMemory.use((log) => log.text), `C > "AUTH PLAIN ********************************"`)
  }).pipe(Effect.provide(Mail)))
