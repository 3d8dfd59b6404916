/**
 * For the tests of the dialogue: a scripted server, the log in memory, and a test that runs three times, with the server's
 * octets whole, line by line and one by one.
 */
import { LogEvent, LogText, Message, SmtpError, SmtpLog, Transporter } from "@colloquy/core"
import type { Connector } from "@colloquy/core/Connector"
import { Script, TestPlatform } from "@colloquy/core/testing"
import { assert, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Layer, type Scope } from "effect"
import { TestClock } from "effect/testing"

export type Chunks = "whole" | "line" | "byte"
export const chunkings: ReadonlyArray<Chunks> = ["whole", "line", "byte"]

/** Counters and session numbers of one test, from 1. */
const sequence = () =>
  Layer.sync(LogEvent.Sequence, () => {
    let counter = 0
    let session = 0
    return { nextCounterUnsafe: () => ++counter, nextSessionUnsafe: () => ++session }
  })

export type Provided = Connector | Script.ScriptServer | SmtpLog.SmtpLog | SmtpLog.LogMemory | Transporter.Platform

export type Scripted = string | ReadonlyArray<Script.Step> | ReadonlyArray<ReadonlyArray<Script.Step>>

export const layer = (script: Scripted, options?: Script.Options): Layer.Layer<Provided> =>
  Layer.mergeAll(
    Script.layer(typeof script === "string" ? Script.fromText(script) : script, options),
    SmtpLog.layerMemory,
    TestPlatform.layer
  ).pipe(Layer.provideMerge(sequence()))

/** One test for each way in which the server's octets can arrive. */
export const each = <E>(
  name: string,
  script: Scripted,
  test: (chunks: Chunks) => Effect.Effect<void, E, Provided | Scope.Scope>,
  options?: Omit<Script.Options, "chunks">
) => {
  for (const chunks of chunkings) {
    it.effect(
      `${name} (${chunks})`,
      () => Effect.scoped(test(chunks)).pipe(Effect.provide(layer(script, { ...options, chunks })))
    )
  }
}

/** No TLS, no login: the transaction is what matters. */
export const plain: Transporter.Options = { host: "mail.test", port: 2525, tls: "none", name: "client.test" }

export const text = "Subject: Hi\r\n\r\nHi\r\n"

/** Raw content, so that its octets are known. */
export const mail = (content = text, ...to: ReadonlyArray<string>) =>
  Effect.orDie(
    Message.raw(
      { from: "ann@mail.test", to: to.length === 0 ? ["bob@mail.test"] : [to[0] ?? "", ...to.slice(1)] },
      content
    )
  )

export const transporter = (options?: Transporter.Options) =>
  Effect.catchTag(Transporter.make({ ...plain, ...options }), "LogError", Effect.die)

/** A transporter that is built, sends and is closed again. */
export const sending = (
  options?: Transporter.Options,
  message: Effect.Effect<Message.Composed> = mail()
) =>
  Effect.scoped(
    Effect.flatMap(
      transporter(options),
      (transporter) => Effect.flatMap(message, transporter.send)
    )
  )

export const events = Effect.flatMap(SmtpLog.LogMemory, (memory) => memory.events)

/** The log's statements. */
export const log = Effect.map(events, (events) => LogText.format(events, { columns: "statement" }))

/** A turn of the event loop. */
export const turnOfLoop = Effect.callback<void>((resume) => {
  setImmediate(() => resume(Effect.void))
})

/** Lets the clock run until the effect has ended, at most an hour of it; what needs no time comes first. */
export const toEnd = Effect.fnUntraced(function*<A, E, R>(effect: Effect.Effect<A, E, R>, turns = 300) {
  const fiber = yield* Effect.forkChild(effect, { startImmediately: true })
  for (let minutes = 0; minutes <= 60; minutes += 5) {
    for (let turn = 0; turn < turns && fiber.pollUnsafe() === undefined; turn++) yield* turnOfLoop
    if (fiber.pollUnsafe() !== undefined) return yield* Fiber.join(fiber)
    yield* TestClock.adjust("5 minutes")
  }
  return yield* Effect.die(new Error(`no answer within an hour:\n${yield* log}`))
})

/** The error that an effect ends with, once the clock has run. */
export const failureOf = Effect.fnUntraced(function*<A, E, R>(effect: Effect.Effect<A, E, R>) {
  const exit = yield* Effect.exit(toEnd(effect))
  if (Exit.isSuccess(exit)) return assert.fail(`it succeeded: ${JSON.stringify(exit.value)}`)
  const error = Cause.squash(exit.cause)
  if (!(error instanceof SmtpError.SmtpError)) throw error
  return error
})

export const wire = Script.ScriptServer.use((server) => server.wire)
export const finished = Script.ScriptServer.use((server) => server.assertFinished)

export const contents = Effect.map(
  Script.ScriptServer.use((server) => server.contents),
  (contents) => contents.map((octets) => new TextDecoder("latin1").decode(octets))
)

/** No connection is left, and the log says so. */
export const nothingLeft = Effect.gen(function*() {
  const connections = yield* Script.ScriptServer.use((server) => server.connections)
  assert.deepStrictEqual(connections.map(({ open }) => open), connections.map(() => false), "a connection is open")
  const all = yield* events
  const connected = all.filter(({ _tag }) => _tag === "Connected").map(({ session }) => session)
  for (const session of connected) {
    const own = all.filter((event) => event.session === session)
    assert.strictEqual(own.at(-1)?._tag, "Closed", LogText.format(own))
    assert.strictEqual(own.filter(({ _tag }) => _tag === "Closed").length, 1, LogText.format(own))
  }
})

/** What an error says that a program decides by. */
export interface Summary {
  readonly reason: string
  readonly phase: string
  readonly delivery: string
  readonly retryable: boolean
  readonly recipients: ReadonlyArray<string>
}
export const summary = (error: SmtpError.SmtpError): Summary => ({
  reason: error.reason._tag,
  phase: error.phase,
  delivery: error.delivery,
  retryable: error.isRetryable,
  recipients: error.recipients.map((verdict) => verdict._tag)
})

export const lines = (...parts: ReadonlyArray<string | ReadonlyArray<string>>): string => parts.flat().join("\n")

export const opening = [
  "### SMTP Connecting to 'mail.test' on port 2525. (none)",
  "### SMTP Connected to 'mail.test' on port 2525. (unsecured)"
]
/** Up to a session that is ready, without extensions. */
export const ready = [...opening, "S < \"220 mail.test\"", "C > \"EHLO client.test\"", "S < \"250 mail.test\""]
export const goodbye = ["C > \"QUIT\"", "S < \"221 2.0.0 Bye\"", "### SMTP Connection closed. (client)"]
export const envelope = [
  "C > \"MAIL FROM:<ann@mail.test>\"",
  "S < \"250 Ok\"",
  "C > \"RCPT TO:<bob@mail.test>\"",
  "S < \"250 Ok\""
]

const hello = "S: 220 mail.test\nC: EHLO client.test\nS: 250 mail.test\n"
const from = "C: MAIL FROM:<ann@mail.test>\n"
const to = "C: RCPT TO:<bob@mail.test>\n"
/** Pieces of scripts. */
export const script = {
  hello,
  from,
  to,
  envelope: `${from}S: 250 Ok\n${to}S: 250 Ok\n`,
  bye: "C: QUIT\nS: 221 2.0.0 Bye\n-- close\n"
}
