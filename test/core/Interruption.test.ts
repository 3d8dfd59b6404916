import type { Message, Transporter } from "@colloquy/core"
import { Script } from "@colloquy/core/testing"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Redacted, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import {
  chunkings,
  contents,
  events,
  finished,
  layer,
  lines,
  log,
  mail,
  nothingLeft,
  script,
  text,
  transporter as make,
  turnOfLoop
} from "./dialogue.ts"

const turns = Effect.forEach(Array.from({ length: 8 }), () => turnOfLoop, { discard: true })

/** It ends by itself, without any time passing. */
const atOnce = Effect.fnUntraced(function*<A, E, R>(effect: Effect.Effect<A, E, R>) {
  const fiber = yield* Effect.forkChild(effect)
  yield* turns
  const exit = fiber.pollUnsafe()
  if (exit === undefined) assert.fail(`it waits for something:\n${yield* log}`)
  return yield* exit
})

/** Sends on a transporter of its own; the scope is the transporter's. */
const begin = Effect.fnUntraced(function*(
  options: Transporter.Options = {},
  message: Effect.Effect<Message.Composed> = mail()
) {
  const scope = yield* Scope.make()
  const transporter = yield* Scope.provide(make(options), scope)
  const fiber = yield* Effect.forkChild(transporter.send(yield* message))
  yield* turns
  return { fiber, scope, transporter }
})

/** One thing that the server says, or expects, or does. */
type Turn = { readonly s: string } | { readonly step: Script.Step }
const step = (line: string | RegExp): Turn => ({ step: Script.on(line) })
const crlf = (said: string) => `${said.replaceAll("\n", "\r\n")}\r\n`
const until = (turns: ReadonlyArray<Turn>, at: number, end: Script.Step) => {
  const steps: Array<Script.Step> = []
  let left = at
  for (const turn of turns) {
    if ("step" in turn) {
      steps.push(turn.step)
      continue
    }
    const said = crlf(turn.s)
    if (left < said.length) {
      if (left > 0) steps.push(Script.raw(said.slice(0, left)))
      steps.push(end)
      return steps
    }
    steps.push(Script.raw(said))
    left -= said.length
  }
  steps.push(end)
  return steps
}
const total = (turns: ReadonlyArray<Turn>) =>
  turns.reduce((sum, turn) => sum + ("s" in turn ? crlf(turn.s).length : 0), 0)

const from = step("MAIL FROM:<ann@mail.test>")
const to = step("RCPT TO:<bob@mail.test>")
const content: Turn = { step: Script.swallow(text.length + 3) }
const chunk: Turn = { step: Script.swallow(`BDAT ${text.length} LAST\r\n`.length + text.length) }

/** Up to the last octet before the send succeeds. */
const dialogues: ReadonlyArray<readonly [name: string, turns: ReadonlyArray<Turn>, options: Transporter.Options]> = [
  [
    "DATA",
    [
      { s: "220 mail.test" },
      step("EHLO client.test"),
      { s: "250 mail.test" },
      from,
      { s: "250 Ok" },
      to,
      { s: "250 Ok" },
      step("DATA"),
      { s: "354 Go" },
      content,
      { s: "250 Queued" }
    ],
    {}
  ],
  [
    "DATA in a group",
    [
      { s: "220 mail.test" },
      step("EHLO client.test"),
      { s: "250-mail.test\n250 PIPELINING" },
      from,
      to,
      step("DATA"),
      { s: "250 Ok" },
      { s: "250 Ok" },
      { s: "354 Go" },
      content,
      { s: "250 Queued" }
    ],
    {}
  ],
  [
    "BDAT",
    [
      { s: "220 mail.test" },
      step("EHLO client.test"),
      { s: "250-mail.test\n250-PIPELINING\n250 CHUNKING" },
      from,
      to,
      { s: "250 Ok" },
      { s: "250 Ok" },
      chunk,
      { s: "250 Queued" }
    ],
    {}
  ],
  [
    "STARTTLS and AUTH",
    [
      { s: "220 mail.test" },
      step("EHLO client.test"),
      { s: "250-mail.test\n250 STARTTLS" },
      step("STARTTLS"),
      { s: "220 Go" },
      { step: Script.startTls },
      step("EHLO client.test"),
      { s: "250-mail.test\n250 AUTH PLAIN" },
      step(/^AUTH PLAIN /),
      { s: "235 Welcome" },
      from,
      { s: "250 Ok" }
    ],
    { port: 587, tls: "required", user: "ann", password: Redacted.make("a-secret-word") }
  ]
]

describe("an interrupted send", () => {
  for (const [name, dialogue, options] of dialogues) {
    it.effect(`leaves nothing behind, after whatever octet of the server's: ${name}`, () =>
      Effect.gen(function*() {
        for (let at = 0; at < total(dialogue); at++) {
          const end = at % 2 === 0 ? Script.silence : Script.stall
          yield* Effect.gen(function*() {
            const { fiber, scope } = yield* begin(options)
            assert.isUndefined(fiber.pollUnsafe(), yield* log)
            const written = (yield* log).includes("### SMTP Content sent.")
            if (written) {
              const interrupting = yield* Effect.forkChild(Fiber.interrupt(fiber))
              yield* turns
              yield* TestClock.adjust(4_999)
              assert.isUndefined(interrupting.pollUnsafe(), yield* log)
              yield* TestClock.adjust(1)
              yield* atOnce(Fiber.join(interrupting))
              assert.deepStrictEqual((yield* log).split("\n").slice(-3), [
                "### SMTP Content sent. (19 octets, 3 lines)",
                "### SMTP Failed while verdict. (ConnectionLost)",
                "### SMTP Connection closed. (client)"
              ])
              const failed = (yield* events).find(({ _tag }) => _tag === "Failed")
              assert.include(failed?._tag === "Failed" ? failed.message : "", "the message may have been delivered")
            } else {
              yield* atOnce(Fiber.interrupt(fiber))
              assert.strictEqual((yield* log).split("\n").at(-1), "### SMTP Connection closed. (client)")
              assert.notInclude(yield* log, "### SMTP Failed")
              assert.deepStrictEqual(yield* contents, [])
            }
            yield* nothingLeft
            yield* atOnce(Scope.close(scope, Exit.void))
          }).pipe(Effect.provide(layer(until(dialogue, at, end), { chunks: chunkings[at % 3] }), { local: true }))
        }
      }), 30_000)

    it.effect(`leaves nothing behind when its transporter closes instead: ${name}`, () =>
      Effect.gen(function*() {
        for (let at = 0; at < total(dialogue); at += 3) {
          yield* Effect.gen(function*() {
            const { fiber, scope } = yield* begin(options)
            const written = (yield* log).includes("### SMTP Content sent.")
            const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
            yield* turns
            yield* TestClock.adjust("5 seconds")
            yield* turns
            yield* TestClock.adjust("5 seconds")
            yield* atOnce(Fiber.join(closing))
            const error = yield* atOnce(Effect.flip(Fiber.join(fiber)))
            assert.strictEqual(error.delivery, written ? "Unknown" : "NotAccepted", yield* log)
            assert.strictEqual((yield* log).split("\n").at(-1), "### SMTP Connection closed. (client)")
            yield* nothingLeft
          }).pipe(
            Effect.provide(layer(until(dialogue, at, Script.silence), { chunks: chunkings[at % 3] }), { local: true })
          )
        }
      }), 30_000)
  }

  it.effect("that dials is a dial that is given up", () =>
    Effect.gen(function*() {
      const { fiber, scope } = yield* begin()
      yield* atOnce(Fiber.interrupt(fiber))
      assert.strictEqual(
        yield* log,
        lines("### SMTP Connecting to 'mail.test' on port 2525. (none)", "### SMTP Connection closed. (client)")
      )
      yield* atOnce(Scope.close(scope, Exit.void))
    }).pipe(Effect.provide(layer(
      "-- delay for ever\n" +
        "-- refuse {\"_tag\":\"ConnectionFailed\",\"kind\":\"Refused\",\"host\":\"mail.test\",\"port\":2525,\"attempts\":[]}\n"
    ))))

  it.effect("that waits for its credentials has not connected", () =>
    Effect.gen(function*() {
      const { fiber, scope } = yield* begin({ user: "ann", password: Effect.never })
      yield* atOnce(Fiber.interrupt(fiber))
      assert.strictEqual(yield* log, "")
      yield* atOnce(Scope.close(scope, Exit.void))
    }).pipe(Effect.provide(layer("-- silence\n"))))

  for (const how of ["DATA", "BDAT"] as const) {
    it.effect(`whose content is still to come closes the connection (${how})`, () =>
      Effect.gen(function*() {
        let released = false
        const source = Effect.map(mail(), (composed): Message.Composed => ({
          ...composed,
          size: undefined,
          content: Stream.concat(Stream.make(new Uint8Array(70_000).fill(97)), Stream.never).pipe(
            Stream.ensuring(Effect.sync(() => {
              released = true
            }))
          )
        }))
        const { fiber, scope } = yield* begin({}, source)
        yield* atOnce(Fiber.interrupt(fiber))
        assert.isTrue(released)
        assert.deepStrictEqual((yield* log).split("\n").slice(-2), [
          "### Note: \"the send was interrupted before its end of data: the connection is closed\"",
          "### SMTP Connection closed. (client)"
        ])
        assert.deepStrictEqual(yield* contents, [])
        yield* nothingLeft
        yield* atOnce(Scope.close(scope, Exit.void))
      }).pipe(Effect.provide(layer(
        how === "DATA"
          ? `${script.hello}${script.envelope}C: DATA\nS: 354 Go on\n-- silence\n`
          : `S: 220 mail.test\nC: EHLO client.test\nS: 250-mail.test\nS: 250 CHUNKING\n${script.envelope}-- silence\n`
      ))))
  }

  it.effect("reads a verdict that comes within 5 s, and its session stays", () =>
    Effect.gen(function*() {
      const { fiber, scope, transporter } = yield* begin()
      const interrupting = yield* Effect.forkChild(Fiber.interrupt(fiber))
      yield* turns
      yield* TestClock.adjust("3 seconds")
      yield* atOnce(Fiber.join(interrupting))
      assert.strictEqual((yield* log).split("\n").at(-1), "S < \"250 Queued\"")
      yield* atOnce(Effect.flatMap(mail(), transporter.send))
      yield* atOnce(Scope.close(scope, Exit.void))
      yield* nothingLeft
      yield* finished
    }).pipe(Effect.provide(layer(
      `${script.hello}${script.envelope}C: DATA\nS: 354 Go on\n-- content\n-- delay 3 seconds\nS: 250 Queued\n` +
        `${script.envelope}C: DATA\nS: 354 Go on\n-- content\nS: 250 Queued\n${script.bye}`
    ))))

  it.effect("that waits in the queue leaves the others alone", () =>
    Effect.gen(function*() {
      const { fiber, scope, transporter } = yield* begin({ maxSessions: 1 })
      const second = yield* Effect.forkChild(Effect.flatMap(mail(), transporter.send))
      yield* turns
      yield* atOnce(Fiber.interrupt(second))
      yield* TestClock.adjust("60 seconds")
      yield* atOnce(Fiber.join(fiber))
      yield* atOnce(Scope.close(scope, Exit.void))
      assert.deepStrictEqual(yield* contents, [text])
      yield* nothingLeft
      yield* finished
    }).pipe(Effect.provide(layer(
      `${script.hello}${script.envelope}C: DATA\nS: 354 Go on\n-- content\n-- delay 60 seconds\nS: 250 Queued\n${script.bye}`
    ))))

  it.effect("with neighbours in flight leaves them their session, and its outcome to the log", () =>
    Effect.gen(function*() {
      const { fiber, scope, transporter } = yield* begin({ maxSessions: 1 })
      yield* atOnce(Fiber.join(fiber))
      const second = yield* Effect.forkChild(Effect.flatMap(mail(), transporter.send))
      yield* turns
      const third = yield* Effect.forkChild(Effect.flatMap(mail(), transporter.send))
      yield* turns
      const interrupting = yield* Effect.forkChild(Fiber.interrupt(second))
      yield* turns
      yield* TestClock.adjust(4_999)
      assert.isUndefined(interrupting.pollUnsafe())
      yield* TestClock.adjust(1)
      yield* atOnce(Fiber.join(interrupting))
      assert.strictEqual(
        (yield* log).split("\n").at(-1),
        "### Note: \"a send was interrupted before its verdict: its outcome is unknown\""
      )
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual((yield* atOnce(Fiber.join(third))).reply.text, "Three")
      assert.include(yield* log, "S < \"250 Two\"")
      yield* atOnce(Scope.close(scope, Exit.void))
      yield* nothingLeft
      yield* finished
    }).pipe(Effect.provide(layer(
      "S: 220 mail.test\nC: EHLO client.test\nS: 250-mail.test\nS: 250-PIPELINING\nS: 250 CHUNKING\n" +
        `${script.from}${script.to}S: 250 Ok\nS: 250 Ok\n-- bdat\nS: 250 One\n` +
        `${script.from}${script.to}-- bdat\nC: RSET\n${script.from}${script.to}-- bdat\n-- delay 10 seconds\n` +
        `S: 250 Ok\nS: 250 Ok\nS: 250 Two\nS: 250 Ok\nS: 250 Ok\nS: 250 Ok\nS: 250 Three\n${script.bye}`
    ))))

  it.effect("is not sent again by another session, where its own is closed by 421", () =>
    Effect.gen(function*() {
      const { fiber, scope, transporter } = yield* begin({ maxSessions: 1 })
      yield* atOnce(Fiber.join(fiber))
      const second = yield* Effect.forkChild(Effect.flatMap(mail(), transporter.send))
      yield* turns
      const third = yield* Effect.forkChild(Effect.flatMap(mail(), transporter.send))
      yield* turns
      const interrupting = yield* Effect.forkChild(Fiber.interrupt(second))
      yield* turns
      yield* TestClock.adjust("3 seconds")
      yield* atOnce(Fiber.join(interrupting))
      assert.strictEqual((yield* atOnce(Fiber.join(third))).reply.text, "Three")
      yield* atOnce(Scope.close(scope, Exit.void))
      yield* nothingLeft
      yield* finished
    }).pipe(Effect.provide(layer([
      Script.fromText(
        "S: 220 mail.test\nC: EHLO client.test\nS: 250-mail.test\nS: 250-PIPELINING\nS: 250 CHUNKING\n" +
          `${script.from}${script.to}S: 250 Ok\nS: 250 Ok\n-- bdat\nS: 250 One\n` +
          `${script.from}${script.to}-- bdat\nC: RSET\n${script.from}${script.to}-- bdat\n-- delay 3 seconds\n` +
          "S: 421 Closing\n-- close\n"
      ),
      Script.fromText(`${script.hello}${script.envelope}C: DATA\nS: 354 Go on\n-- content\nS: 250 Three\n${script.bye}`)
    ]))))

  it.effect("of a session that went stale is not sent by another one", () =>
    Effect.gen(function*() {
      const { fiber, scope, transporter } = yield* begin()
      yield* atOnce(Fiber.join(fiber))
      const second = yield* Effect.forkChild(Effect.flatMap(mail(), transporter.send))
      yield* turns
      yield* atOnce(Fiber.interrupt(second))
      assert.notInclude(yield* log, "goes to another session")
      yield* atOnce(Scope.close(scope, Exit.void))
      yield* nothingLeft
    }).pipe(Effect.provide(layer([
      Script.fromText(
        `${script.hello}${script.envelope}C: DATA\nS: 354 Go on\n-- content\nS: 250 Queued\n${script.from}-- silence\n`
      )
    ]))))
})

describe("a transporter that closes", () => {
  it.effect("says QUIT on sessions that are idle", () =>
    Effect.gen(function*() {
      const { fiber, scope, transporter } = yield* begin()
      yield* atOnce(Fiber.join(fiber))
      yield* atOnce(Scope.close(scope, Exit.void))
      assert.deepStrictEqual((yield* log).split("\n").slice(-3), [
        "C > \"QUIT\"",
        "S < \"221 2.0.0 Bye\"",
        "### SMTP Connection closed. (client)"
      ])
      const error = yield* Effect.flip(Effect.flatMap(mail(), transporter.send))
      assert.deepStrictEqual([error.reason._tag, error.phase, error.delivery], [
        "TransporterClosed",
        "connect",
        "NotAccepted"
      ])
      assert.isUndefined(error.server)
      yield* nothingLeft
      yield* finished
    }).pipe(
      Effect.provide(
        layer(`${script.hello}${script.envelope}C: DATA\nS: 354 Go on\n-- content\nS: 250 Ok\n${script.bye}`)
      )
    ))

  it.effect("lets a verdict come that is on its way, and refuses what waits", () =>
    Effect.gen(function*() {
      const { fiber, scope, transporter } = yield* begin({ maxSessions: 1 })
      const second = yield* Effect.forkChild(Effect.flatMap(mail(), transporter.send))
      yield* turns
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
      yield* turns
      const error = yield* atOnce(Effect.flip(Fiber.join(second)))
      assert.strictEqual(error.reason._tag, "TransporterClosed")
      yield* TestClock.adjust("4 seconds")
      yield* atOnce(Fiber.join(closing))
      assert.strictEqual((yield* Fiber.join(fiber)).reply.text, "Queued")
      yield* nothingLeft
      yield* finished
    }).pipe(Effect.provide(layer(
      `${script.hello}${script.envelope}C: DATA\nS: 354 Go on\n-- content\n-- delay 4 seconds\nS: 250 Queued\n${script.bye}`
    ))))
})
