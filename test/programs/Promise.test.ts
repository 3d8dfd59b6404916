import { CaptureServer } from "@colloquy/core/testing"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Layer, Path, Redacted } from "effect"
import { certificates } from "../node/certificates.ts"
import { run, served } from "./run.ts"

/** Logs in over STARTTLS, with an authority that Node is told of as an administrator would. */
const promise = Effect.fnUntraced(function*(password: string) {
  const fs = yield* FileSystem.FileSystem
  const { join } = yield* Path.Path
  const { port } = yield* CaptureServer.CaptureServer
  const authority = join(yield* fs.makeTempDirectoryScoped(), "ca.pem")
  yield* fs.writeFileString(authority, certificates().ca)
  return yield* run("promise.ts", {
    SMTP_PORT: String(port),
    SMTP_PASSWORD: password,
    NODE_EXTRA_CA_CERTS: authority
  })
})

const server = Layer.unwrap(Effect.sync(() => {
  const { cert, key } = certificates().server
  return served({ tls: { cert, key: Redacted.make(key) }, users: { me: Redacted.make("s3cret-words") } })
}))

describe("a program of promises", () => {
  it.live("logs in over STARTTLS, sends a message and tells the queue id", () =>
    Effect.gen(function*() {
      const { output, status } = yield* promise("s3cret-words")
      assert.deepStrictEqual({ output, status }, { output: "C1\n", status: 0 })
      const messages = yield* CaptureServer.CaptureServer.use((server) => server.messages)
      assert.deepStrictEqual(messages.map(({ envelope }) => envelope), [
        { from: "me@example.com", to: ["you@example.org"] }
      ])
    }).pipe(Effect.scoped, Effect.provide(server)), 30_000)

  it.live("catches an SmtpError with its message, and the conversation in it", () =>
    Effect.gen(function*() {
      const { output, status } = yield* promise("wrong-words")
      assert.strictEqual(status, 0, output)
      assert.match(
        output,
        /^localhost:\d+: the server refused the login \(AUTH PLAIN\): 535 5\.7\.8 .*; check user and password .* false \d+\n$/
      )
      assert.notInclude(output, "words")
    }).pipe(Effect.scoped, Effect.provide(server)), 30_000)
})
