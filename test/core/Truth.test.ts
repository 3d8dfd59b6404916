import { LogText, Message, SmtpError, SmtpLog, Transporter } from "@colloquy/core"
import { TestPlatform } from "@colloquy/core/testing"
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Cause, Effect, Exit, Fiber, Layer, Result, Schema } from "effect"
import * as Chaos from "./chaosServer.ts"
import { toEnd } from "./dialogue.ts"

const character = Arbitrary.schema(Schema.Struct({
  seed: Schema.Natural,
  /** With both extensions transactions cross. */
  extensions: Schema.Literals(["CROSSING", "CROSSING", "CROSSING", "PIPELINING", "CHUNKING", "NONE"]),
  lmtp: Schema.Literals([false, false, true]),
  keepsRefused: Schema.Boolean,
  requireAll: Schema.Literals([false, false, true]),
  maxSessions: Schema.Literals([1, 2]),
  trouble: Schema.Literals([0, 5, 15, 30]),
  hangsUp: Schema.Boolean,
  /** Some of the senders give up, after so many turns. */
  impatience: Schema.Literals([0, 0, 7, 40, 120])
}))

const messages = 12
/** So many at a time; the next when they are done. */
const wave = 4

/** What each recipient was told, and what the server knows. */
const run = (options: typeof character extends Arbitrary.Arbitrary<infer A> ? A : never) =>
  Effect.gen(function*() {
    const server = Chaos.make({
      ...options,
      extensions: options.extensions === "CROSSING"
        ? ["PIPELINING", "CHUNKING"]
        : options.extensions === "NONE"
        ? []
        : [options.extensions]
    })
    const layer = Layer.mergeAll(server.layer, SmtpLog.layerMemory, TestPlatform.layer)
    yield* Effect.gen(function*() {
      const outcomes = yield* toEnd(
        Effect.scoped(Effect.gen(function*() {
          const transporter = yield* Transporter.make({
            host: "chaos.test",
            port: 2525,
            tls: "none",
            name: "client.test",
            lmtp: options.lmtp,
            allRecipients: options.requireAll ? "required" : "best-effort",
            maxSessions: options.maxSessions
          })
          const waves = Array.from(
            { length: messages / wave },
            (_, first) => Array.from({ length: wave }, (_, at) => first * wave + at)
          )
          const send = Effect.fnUntraced(function*(at: number) {
            const to = Array.from({ length: 1 + (at % 3) }, (_, n) => `to${n}@chaos.test`)
            const message = yield* Message.raw(
              { from: `from${at}@client.test`, to: [to[0] ?? "", ...to.slice(1)] },
              `Subject: ${at}\r\n\r\n${"x".repeat(at * 50)}\r\n`
            )
            const sending = yield* Effect.forkChild(Effect.result(transporter.send(message)))
            if (options.impatience > 0 && at % 3 === 1) {
              for (let turn = 0; turn < options.impatience; turn++) yield* Effect.yieldNow
              yield* Fiber.interrupt(sending)
            }
            const exit = yield* Fiber.await(sending)
            return { at, to, result: Exit.isSuccess(exit) ? exit.value : undefined, exit }
          })
          return (yield* Effect.forEach(waves, (wave) => Effect.forEach(wave, send, { concurrency: "unbounded" })))
            .flat()
        })),
        3_000
      )
      const memory = yield* SmtpLog.LogMemory
      const shown = `${JSON.stringify(options)}\n${LogText.format(yield* memory.events, { columns: "statement" })}`
      assert.strictEqual(outcomes.length, messages)
      assert.strictEqual(server.open(), 0, `a connection is left: ${shown}`)
      for (const { id, sender } of server.truth) assert.strictEqual(sender, `from${id}@client.test`, shown)
      for (const { at, exit, result, to } of outcomes) {
        const has = (recipient: string) =>
          server.truth.filter((delivery) => delivery.id === String(at) && delivery.recipient === recipient)
        const gaveUp = Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)
        assert.isTrue(result !== undefined || gaveUp, shown)
        const error = result !== undefined && Result.isFailure(result) ? result.failure : undefined
        if (error !== undefined) assert.instanceOf(error, SmtpError.SmtpError, shown)
        const verdicts = result === undefined
          ? []
          : Result.isSuccess(result)
          ? result.success.recipients
          : error instanceof SmtpError.SmtpError
          ? error.recipients
          : []
        for (const recipient of to) {
          const verdict = verdicts.find((verdict) => verdict.recipient === recipient)?._tag ??
            (gaveUp ? "nobody's business" : "NotSent")
          const deliveries = has(recipient)
          const about =
            `message ${at} to ${recipient} is ${verdict}, the server has it ${deliveries.length} times\n${shown}`
          assert.isAtMost(deliveries.length, 1, about)
          if (verdict === "Accepted") {
            assert.deepStrictEqual(deliveries.map(({ sender }) => sender), [`from${at}@client.test`], about)
          }
          if (verdict === "NotSent" || verdict === "Refused") assert.strictEqual(deliveries.length, 0, about)
          if (options.trouble === 0 && options.impatience === 0) assert.strictEqual(verdict, "Accepted", about)
        }
      }
    }).pipe(Effect.provide(layer, { local: true }))
  })

describe("what a sender is told", () => {
  it.effect.prop(
    "is the truth: who has the message has it once, under its own sender, and who is told not to have it has it not",
    [character],
    ([options]) => run(options),
    { arbitrary: { runs: 400 }, timeout: 60_000 }
  )
})
