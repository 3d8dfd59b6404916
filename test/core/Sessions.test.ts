import * as Connector from "@colloquy/core/Connector"
import { ConnectionFailed } from "@colloquy/core/SmtpError"
import * as SmtpLog from "@colloquy/core/SmtpLog"
import { Script, TestPlatform } from "@colloquy/core/testing"
import * as Transporter from "@colloquy/core/Transporter"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import { toEnd } from "./dialogue.ts"

const options = { host: "mail.test", tls: "none", name: "client.test", maxSessions: 1 } as const
const mail = { from: "ann@mail.test", to: "bob@mail.test", text: "Hi" }

const delivery = [
  Script.on(/^MAIL/, "250 Ok"),
  Script.on(/^RCPT/, "250 Ok"),
  Script.on("DATA", "354 Go on"),
  Script.content(),
  Script.delay("60 seconds"),
  Script.raw("250 Ok\r\n")
]

describe("messages that are fed ahead", () => {
  it.effect("wait as long as the session goes on taking messages", () =>
    Effect.gen(function*() {
      const sent = yield* toEnd(Effect.scoped(Effect.gen(function*() {
        const transporter = yield* Transporter.make(options)
        return yield* Stream.runCollect(transporter.sendAll(Stream.fromIterable([mail, mail, mail, mail])))
      })))
      assert.deepStrictEqual(sent.map(({ index, result }) => [index, result._tag]), [
        [0, "Success"],
        [1, "Success"],
        [2, "Success"],
        [3, "Success"]
      ])
    }).pipe(Effect.provide(Layer.mergeAll(
      Script.layer([
        Script.greet("220 mail.test ESMTP"),
        Script.on("EHLO client.test", "250 mail.test"),
        ...delivery,
        ...delivery,
        ...delivery,
        ...delivery,
        Script.bye
      ]),
      SmtpLog.layerMemory,
      TestPlatform.layer
    ))))
})

describe("a server that cannot be reached", () => {
  it.effect("is dialled once for each message that waits, not more", () =>
    Effect.gen(function*() {
      let dials = 0
      const Refusing = Layer.succeed(
        Connector.Connector,
        Connector.Connector.of({
          connect: () => {
            dials++
            return Effect.fail(new ConnectionFailed({ kind: "Refused", host: "mail.test", port: 587, attempts: [] }))
          }
        })
      )
      const tags = yield* Effect.scoped(Effect.gen(function*() {
        const transporter = yield* Transporter.make({ ...options, maxSessions: 3 })
        const all = yield* Effect.all(
          Array.from({ length: 30 }, () => Effect.flip(transporter.send(mail))),
          { concurrency: "unbounded" }
        )
        return new Set(all.map(({ reason }) => reason._tag))
      })).pipe(Effect.provide(Layer.mergeAll(Refusing, SmtpLog.layerNone, TestPlatform.layer)))
      assert.deepStrictEqual([dials, ...tags], [30, "ConnectionFailed"])
    }))
})
