import { Reply, SmtpLog, Transporter } from "@colloquy/core"
import { CaptureServer, TestPlatform } from "@colloquy/core/testing"
import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { newsletter } from "./sendAll.ts"

const Mail = Transporter.layer({ host: "mail.test", tls: "none", name: "client.test" }).pipe(
  Layer.provideMerge(CaptureServer.layerMemory({
    rcpt: (to) => to.startsWith("nobody") ? Effect.fail(Reply.make(550, "5.1.1 No such user")) : Effect.void
  })),
  Layer.provide([SmtpLog.layerNone, TestPlatform.layer])
)

it.effect("tallies what became of each message of a stream", () =>
  Effect.gen(function*() {
    assert.deepStrictEqual(yield* newsletter, { sent: 2, unknown: 0, refused: 2 })
    const messages = yield* CaptureServer.CaptureServer.use((server) => server.messages)
    assert.deepStrictEqual(
      new Map(messages.map(({ envelope, text }) => [envelope.to[0], /^Subject: (.*)\r$/m.exec(text)?.[1]])),
      new Map([["ann@example.org", "News for Ann"], ["bob@example.org", "News for Bob"]])
    )
  }).pipe(Effect.provide(Mail)))
