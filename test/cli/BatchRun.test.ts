/** Batches in a process of their own, over TCP: what a signal, a second run and a full disk leave behind. */
import { Reply } from "@colloquy/core/Reply"
import * as SmtpLog from "@colloquy/core/SmtpLog"
import * as CaptureServer from "@colloquy/core/testing/CaptureServer"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as NodeSocketServer from "@effect/platform-node/NodeSocketServer"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FileSystem from "effect/FileSystem"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import { ChildProcess } from "effect/process"
import * as Stream from "effect/Stream"
import { fileURLToPath } from "node:url"

const program = fileURLToPath(new URL("../../packages/cli/src/bin.ts", import.meta.url))
/** More than two sessions have in flight. */
const messages = 600
const seconds = 60_000

/** After so many messages the server says nothing, until the gate is opened: the middle of the batch. */
const middle = 30

class Gate extends Context.Service<Gate, Latch.Latch>()("test/cli/BatchRun/Gate") {}

const Gated = Layer.unwrap(Effect.gen(function*() {
  const gate = yield* Latch.make()
  let count = 0
  const message = () =>
    Effect.as(++count > middle ? gate.await : Effect.void, new Reply({ code: 250, lines: ["2.0.0 Ok"] }))
  return CaptureServer.layer({ message }).pipe(
    Layer.provide([NodeSocketServer.layer({ host: "127.0.0.1", port: 0 }), SmtpLog.layerNone]),
    Layer.merge(Layer.succeed(Gate, gate)),
    Layer.merge(NodeServices.layer)
  )
}))

const text = (stream: Stream.Stream<Uint8Array, unknown>) => Stream.mkString(Stream.decodeText(stream))

const there = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const server = yield* CaptureServer.CaptureServer
  const cwd = yield* fs.makeTempDirectoryScoped()
  const lines = Array.from(
    { length: messages },
    (_, i) => `${JSON.stringify({ from: "ann@mail.test", to: `b${i}@mail.test`, text: "Hi" })}\n`
  )
  yield* fs.writeFileString(`${cwd}/b.ndjson`, lines.join(""))
  const url = `smtp://127.0.0.1:${server.port}?tls=none&maxSessions=2`
  const args = ["send", "--server", url, "--batch", "b.ndjson", "--results", "r.ndjson"]
  const environment = { NO_COLOR: "1", COLLOQUY_PASSWORD: "" }
  const start = (...more: ReadonlyArray<string>) =>
    ChildProcess.make(process.execPath, [program, ...args, ...more], {
      cwd,
      env: environment,
      extendEnv: true,
      stdin: "ignore"
    })
  const run = Effect.fnUntraced(function*(child: ReturnType<typeof start>) {
    const { exitCode, stderr, stdout } = yield* child
    const [output, errors] = yield* Effect.all([text(stdout), text(stderr)], { concurrency: 2 })
    return { status: Number(yield* exitCode), output, errors }
  }, Effect.scoped)
  /** How often each recipient has the message. */
  const received = Effect.map(server.messages, (all) => {
    const counts = new Map<string, number>()
    for (const { envelope } of all) {
      for (const to of envelope.to) {
        const address = typeof to === "string" ? to : to.address
        counts.set(address, (counts.get(address) ?? 0) + 1)
      }
    }
    return counts
  })
  /** The last outcome of each message that has one. */
  const outcomes = Effect.map(fs.readFileString(`${cwd}/r.ndjson`), (file) => {
    const last = new Map<string, string>()
    for (const line of file.split("\n")) {
      try {
        const { index, outcome } = JSON.parse(line)
        last.set(`b${index}@mail.test`, outcome)
      } catch {
        // the torn line that a kill leaves
      }
    }
    return last
  })
  const untilMiddle = Effect.gen(function*() {
    while ((yield* server.messages).length < middle) yield* Effect.sleep("5 millis")
  })
  const open = Effect.andThen(Gate.use((gate) => gate.open), Effect.void)
  return { fs, cwd, start, run, received, outcomes, untilMiddle, open, args }
})

describe("a batch", () => {
  it.live(
    "that is interrupted waits for its verdicts, and the next run sends the rest: each message once",
    () =>
      Effect.gen(function*() {
        const { cwd, fs, open, outcomes, received, run, start, untilMiddle } = yield* there
        const child = yield* start()
        const errors = yield* Effect.forkChild(text(child.stderr), { startImmediately: true })
        yield* untilMiddle
        yield* Effect.forkChild(Effect.delay(open, "300 millis"))
        yield* child.kill({ killSignal: "SIGINT" })
        assert.strictEqual(Number(yield* child.exitCode), 130)
        const told = yield* Fiber.join(errors)
        assert.match(told, /^colloquy: interrupted\. \d+ messages: \d+ accepted\.\n/)
        const before = yield* received
        const known = yield* outcomes
        assert.isBelow(before.size, messages)
        assert.deepStrictEqual([...known.keys()].toSorted(), [...before.keys()].toSorted())
        assert.deepStrictEqual(new Set(known.values()), new Set(["accepted"]))
        assert.isFalse(yield* fs.exists(`${cwd}/r.ndjson.lock`))
        const again = yield* run(start())
        assert.deepStrictEqual([again.status, again.errors], [0, ""])
        const counts = yield* received
        assert.strictEqual(counts.size, messages)
        assert.deepStrictEqual(new Set(counts.values()), new Set([1]))
      }).pipe(Effect.scoped, Effect.provide(Gated)),
    seconds
  )

  it.live("that is killed leaves a few unknown, and the next run doubles none", () =>
    Effect.gen(function*() {
      const { open, outcomes, received, run, start, untilMiddle } = yield* there
      const child = yield* start()
      yield* untilMiddle
      yield* child.kill({ killSignal: "SIGKILL" })
      yield* Effect.exit(child.exitCode)
      yield* open
      const again = yield* run(start())
      const known = yield* outcomes
      const counts = yield* received
      const unknown = [...known].filter(([, outcome]) => outcome === "begun").map(([to]) => to)
      assert.isNotEmpty(unknown)
      assert.strictEqual(again.status, 79)
      assert.strictEqual(known.size, messages)
      for (const [to, outcome] of known) {
        if (outcome === "begun") assert.isAtMost(counts.get(to) ?? 0, 1, to)
        else assert.deepStrictEqual([outcome, counts.get(to)], ["accepted", 1], to)
      }
      const asked = yield* run(start("--resend-unknown"))
      assert.strictEqual(asked.status, 0)
      const all = yield* received
      assert.strictEqual(all.size, messages)
      for (const [to, count] of all) assert.isAtMost(count, unknown.includes(to) ? 2 : 1, to)
    }).pipe(Effect.scoped, Effect.provide(Gated)), seconds)

  it.live("that is at work is not begun a second time", () =>
    Effect.gen(function*() {
      const { open, received, run, start, untilMiddle } = yield* there
      const child = yield* start()
      yield* untilMiddle
      const second = yield* run(start())
      yield* open
      assert.strictEqual(second.status, 74)
      assert.match(second.errors, /process \d+ is at work with it/)
      assert.strictEqual(Number(yield* child.exitCode), 0)
      assert.deepStrictEqual(new Set((yield* received).values()), new Set([1]))
    }).pipe(Effect.scoped, Effect.provide(Gated)), seconds)

  it.live("whose results can't be written sends nothing that is not in them", () =>
    Effect.gen(function*() {
      const { args, cwd, open, outcomes, received, run, start } = yield* there
      yield* open
      const limited = ChildProcess.make(
        "sh",
        ["-c", "ulimit -f 16; exec \"$@\"", "sh", process.execPath, program, ...args],
        { cwd, env: { NO_COLOR: "1" }, extendEnv: true, stdin: "ignore" }
      )
      const ran = yield* run(limited)
      assert.include([74, 79], ran.status)
      assert.include(ran.errors, "'r.ndjson' can't be written")
      assert.notMatch(ran.errors, /^\s+at .*:\d+/m)
      const known = yield* outcomes
      const before = yield* received
      assert.isBelow(before.size, messages)
      for (const to of before.keys()) assert.isTrue(known.has(to), to)
      yield* run(start())
      const counts = yield* received
      assert.deepStrictEqual(new Set(counts.values()), new Set([1]))
      yield* run(start("--resend-unknown"))
      assert.strictEqual((yield* received).size, messages)
    }).pipe(Effect.scoped, Effect.provide(Gated)), seconds)
})
