import { Reply } from "@colloquy/core"
import { CaptureServer } from "@colloquy/core/testing"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { run, served } from "./run.ts"

const script = CaptureServer.CaptureServer.use(({ port }) =>
  run("script.ts", { SMTP_URL: `smtp://127.0.0.1:${port}?tls=none&name=client.test` })
)

describe("a script", () => {
  it.live("sends a message and tells the queue id", () =>
    Effect.gen(function*() {
      const { output, status } = yield* script
      assert.strictEqual(status, 0, output)
      assert.match(output, /^\S+ INFO \(#\d+\): queued as C1\n$/)
      const [message, ...others] = yield* CaptureServer.CaptureServer.use((server) => server.messages)
      assert.lengthOf(others, 0)
      assert.deepStrictEqual(message?.envelope, { from: "me@example.com", to: ["you@example.org"] })
      assert.include(message?.text, "Subject: Hello\r\n")
      assert.match(message?.text ?? "", /\r\n\r\nIt works\.\r\n$/)
    }).pipe(Effect.scoped, Effect.provide(served())), 30_000)

  it.live("ends with status 1 and the server's words where the server refuses", () =>
    Effect.gen(function*() {
      const { output, status } = yield* script
      assert.strictEqual(status, 1, output)
      assert.include(output, "the server refused 1 of 1 recipients: 550 5.1.1 No such user")
      assert.notInclude(output, "you@example.org")
    }).pipe(
      Effect.scoped,
      Effect.provide(served({ rcpt: () => Effect.fail(Reply.make(550, "5.1.1 No such user <you@example.org>")) }))
    ), 30_000)
})
