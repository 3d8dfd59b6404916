import type { LogEvent } from "@colloquy/core/LogEvent"
import * as LogSink from "@colloquy/core/LogSink"
import * as SmtpLog from "@colloquy/core/SmtpLog"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Stream } from "effect"
import { TestConsole } from "effect/testing"

const head = (counter: number) => ({ counter, time: 1_000, process: 5, session: 1 })
const said = (counter: number, line: string): LogEvent => ({ _tag: "ServerLine", ...head(counter), line })
const header = (counter: number, line: string): LogEvent => ({ _tag: "HeaderLine", ...head(counter), line })
const body = (counter: number, line: string): LogEvent => ({ _tag: "BodyLine", ...head(counter), line })

const collect = (content: "summary" | "headers" | "full") => {
  const events: Array<LogEvent> = []
  return { events, sink: LogSink.fromFunction((event) => events.push(event), { content }) }
}

const record = (...events: ReadonlyArray<LogEvent>) =>
  SmtpLog.SmtpLog.useSync((log) => events.map((event) => log.recordUnsafe(event)))

describe("a log in memory", () => {
  it.effect("keeps events as data and as text, and reading takes nothing away", () =>
    Effect.gen(function*() {
      yield* record(said(1, "220 mail.test ESMTP"), said(2, "250 \"ok\""))
      const memory = yield* SmtpLog.LogMemory
      assert.deepStrictEqual(yield* memory.events, [said(1, "220 mail.test ESMTP"), said(2, "250 \"ok\"")])
      const text = [
        `1 1970-01-01T00:00:01.000Z 5 1 S < "220 mail.test ESMTP"`,
        String.raw`2 1970-01-01T00:00:01.000Z 5 1 S < "250 \"ok\""`
      ].join("\n")
      assert.strictEqual(yield* memory.text, text)
      assert.strictEqual(yield* memory.text, text)
      yield* memory.clear
      assert.deepStrictEqual(yield* memory.events, [])
    }).pipe(Effect.provide(SmtpLog.layerMemory)))

  it.effect("keeps the newest events and counts the others where they were", () =>
    Effect.gen(function*() {
      yield* record(...[1, 2, 3, 4, 5].map((n) => said(n, `250 ${n}`)))
      const { events } = yield* SmtpLog.LogMemory
      assert.deepStrictEqual(yield* events, [
        {
          _tag: "Lost",
          counter: 2,
          time: 1_000,
          process: 5,
          session: 0,
          count: 2,
          problem: "the memory keeps the newest events only"
        },
        said(3, "250 3"),
        said(4, "250 4"),
        said(5, "250 5")
      ])
    }).pipe(Effect.provide(SmtpLog.layerMemoryWith({ capacity: 3 }))))
})

describe("content levels", () => {
  it.effect("give each sink what it asked for, and the session the most that any wants", () =>
    Effect.gen(function*() {
      const summary = collect("summary")
      const headers = collect("headers")
      const full = collect("full")
      const log = yield* SmtpLog.make([summary.sink, headers.sink, full.sink])
      assert.strictEqual(log.content(), "full")
      for (const event of [said(1, "354"), header(2, "From: a@b.c"), body(3, "Hi")]) log.recordUnsafe(event)
      assert.deepStrictEqual(summary.events.map(({ counter }) => counter), [1])
      assert.deepStrictEqual(headers.events.map(({ counter }) => counter), [1, 2])
      assert.deepStrictEqual(full.events.map(({ counter }) => counter), [1, 2, 3])
    }))

  it.effect("of a log beneath are its own: content that a tee wants stays out of it and of its live stream", () =>
    Effect.gen(function*() {
      const beneath = collect("summary")
      const above = collect("full")
      const base = yield* SmtpLog.make([beneath.sink])
      const log = yield* SmtpLog.tee(base, [above.sink])
      const live = yield* Effect.forkChild(Stream.runCollect(Stream.take(base.stream, 2)), { startImmediately: true })
      assert.strictEqual(log.content(), "full")
      assert.strictEqual(base.content(), "summary")
      for (const event of [said(1, "354"), body(2, "Hi"), said(3, "250")]) log.recordUnsafe(event)
      assert.deepStrictEqual(above.events.map(({ counter }) => counter), [1, 2, 3])
      assert.deepStrictEqual(beneath.events.map(({ counter }) => counter), [1, 3])
      assert.deepStrictEqual((yield* Fiber.join(live)).map(({ counter }) => counter), [1, 3])
    }))
})

describe("a set of sinks", () => {
  it.effect("goes on when one of them throws, and warns once", () =>
    Effect.gen(function*() {
      const events: Array<LogEvent> = []
      const log = yield* SmtpLog.make([
        LogSink.fromFunction(() => {
          throw new Error("broken")
        }),
        LogSink.fromFunction((event) => events.push(event))
      ])
      assert.isTrue(log.recordUnsafe(said(1, "220")))
      yield* log.flush
      yield* log.flush
      assert.deepStrictEqual(events, [said(1, "220")])
      const warnings = (yield* TestConsole.logLines).join("\n")
      assert.strictEqual(warnings.split("The log of a function throws: broken. Mail goes on without it.").length, 2)
    }))

  it.effect("is flushed whole, and a layer over a log records to both", () =>
    Effect.gen(function*() {
      const written: Array<LogEvent> = []
      const sink = LogSink.make({ write: (events) => Effect.sync(() => written.push(...events)) })
      yield* Effect.gen(function*() {
        yield* record(said(1, "220"))
        yield* SmtpLog.flush
        assert.deepStrictEqual(written, [said(1, "220")])
        yield* record(said(2, "221"))
        assert.deepStrictEqual(yield* (yield* SmtpLog.LogMemory).events, [said(1, "220"), said(2, "221")])
      }).pipe(Effect.provide(SmtpLog.layerTee([sink]).pipe(Layer.provideMerge(SmtpLog.layerMemory))))
      assert.deepStrictEqual(written, [said(1, "220"), said(2, "221")])
    }))
})

describe("the live stream", () => {
  it.effect("shows a log without sinks too, and ends when the log closes", () =>
    Effect.gen(function*() {
      const reading = yield* Effect.scoped(Effect.gen(function*() {
        const log = yield* SmtpLog.make([])
        const reading = yield* Effect.forkDetach(Stream.runCollect(log.stream), { startImmediately: true })
        log.recordUnsafe(said(1, "220"))
        return reading
      }))
      assert.deepStrictEqual(yield* Fiber.join(reading), [said(1, "220")])
    }))

  it.effect("never waits for a slow reader, who reads how many it lost in their place", () =>
    Effect.gen(function*() {
      const log = yield* SmtpLog.make([])
      const batches: Array<ReadonlyArray<LogEvent>> = []
      const reading = yield* Effect.forkChild(
        Stream.runForEachArray(Stream.take(log.stream, 4_098), (events) =>
          Effect.andThen(Effect.sync(() => batches.push(events)), Effect.yieldNow)),
        { startImmediately: true }
      )
      for (let n = 1; n <= 10_000; n++) {
        assert.isTrue(log.recordUnsafe(said(n, `250 ${n}`)))
      }
      yield* Fiber.join(reading)
      const events = batches.flat()
      const lost = events.find(({ _tag }) =>
        _tag === "Lost"
      )
      assert.strictEqual(events.length, 4_098)
      assert.strictEqual(lost?._tag === "Lost" ? lost.count + events.length - 1 : 0, 10_000)
      assert.deepStrictEqual(
        events.map(({ counter }) => counter),
        events.map(({ counter }) => counter).toSorted((a, b) => a - b)
      )
      assert.strictEqual(events.at(-1)?.counter, 10_000)
    }))
})
