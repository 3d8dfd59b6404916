import { SmtpLog, Transporter } from "@colloquy/core"
import { Replay, TestPlatform } from "@colloquy/core/testing"
import { assert, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import { readFileSync } from "node:fs"

const account = { host: "smtp.gmail.com", name: "[192.168.18.9]", user: "ann", password: Redacted.make("x") }
const Mail = Transporter.layer({ ...account, port: 465 })

// These three lines are the test of a customer's log.
const Customer = Replay.layer(readFileSync("test/fixtures/customer.log", "utf8"))
const sent = Effect.flip(Transporter.send({ from: "ann@mail.test", to: "bob@mail.test", text: "Hi" }))
it.effect("fails as it did there", () =>
  sent.pipe(
    Effect.map(({ reason }) => assert.strictEqual(reason._tag, "AuthenticationFailed")),
    Effect.provide(Mail.pipe(Layer.provide([Customer, SmtpLog.layerNone, TestPlatform.layer])))
  ))
