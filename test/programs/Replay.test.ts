import { SmtpLog, Transporter } from "@colloquy/core"
import { Replay, TestPlatform } from "@colloquy/core/testing"
import { NodeFileSystem } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Layer, Redacted } from "effect"
import { fileURLToPath } from "node:url"

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url))

const customersServer = (file: string) =>
  Layer.unwrap(
    FileSystem.FileSystem.use((fs) => Effect.map(fs.readFileString(file), (log) => Replay.layer(log)))
  ).pipe(Layer.provide(NodeFileSystem.layer))

describe("a customer's log", () => {
  for (
    const [file, kind] of [
      ["customer.log", "ours"],
      ["4d-smtp-log.fr.txt", "4D's, in French, with a damaged last line and a login in two steps"]
    ] as const
  ) {
    it.effect(`fails as it did at the customer's (${kind})`, () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(
          Transporter.send({ from: "ann@mail.test", to: "bob@mail.test", text: "Hi" })
        )
        assert.strictEqual(error.reason._tag, "AuthenticationFailed")
        assert.strictEqual(error.reply?.enhanced, "5.7.8")
      }).pipe(Effect.provide(
        Transporter.layer({
          host: "smtp.gmail.com",
          port: 465,
          name: "[192.168.18.9]",
          user: "ann",
          password: Redacted.make("x")
        }).pipe(Layer.provide([customersServer(fixture(file)), SmtpLog.layerNone, TestPlatform.layer]))
      )))
  }
})
