import { type LogEvent, ProcessId, Sequence } from "@colloquy/core/LogEvent"
import * as LogSink from "@colloquy/core/LogSink"
import * as LogText from "@colloquy/core/LogText"
import * as Redaction from "@colloquy/core/Redaction"
import * as SmtpLog from "@colloquy/core/SmtpLog"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, type FileSystem, Latch, Layer, Logger, type Path, References } from "effect"
import { TestClock, TestConsole } from "effect/testing"
import { body, client, head, header, server } from "./logSupport.ts"
import { memoryFiles } from "./memoryFiles.ts"

const sequence = (): Sequence => {
  let counter = 100
  let session = 0
  return { nextCounterUnsafe: () => ++counter, nextSessionUnsafe: () => ++session }
}

/** A program of its own: its counters, its process, its disk. */
const on = (files: ReturnType<typeof memoryFiles>) => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  effect.pipe(
    Effect.provide(files.layer),
    Effect.provideService(Sequence, sequence()),
    Effect.provideService(ProcessId, 5)
  ) as Effect.Effect<A, E, Exclude<R, FileSystem.FileSystem | Path.Path>>

const statements = (lines: ReadonlyArray<string>) => lines.map((line) => line.split(" ").slice(4).join(" "))
const opening = "### Log opened."
const withoutOpened = (lines: ReadonlyArray<string>) => {
  assert.isTrue(statements(lines)[0]?.startsWith(opening))
  return statements(lines.slice(1))
}
/** Each warning from its text on. */
const warnings = Effect.map(
  TestConsole.logLines,
  (lines) =>
    lines.map(String).flatMap((line, at, all) => line.includes("WARN") ? [all.slice(at, at + 2).join(" ")] : [])
)

describe("a sink of one's own", () => {
  it.effect("gets batches in order: after 10 ms, or at once when somebody flushes", () =>
    Effect.gen(function*() {
      const batches: Array<ReadonlyArray<number>> = []
      const sink = yield* LogSink.make({
        write: (events) => Effect.sync(() => batches.push(events.map(({ counter }) => counter)))
      })
      sink.recordUnsafe(server(1, "220"))
      sink.recordUnsafe(client(2, "EHLO x"))
      yield* TestClock.adjust("9 millis")
      assert.deepStrictEqual(batches, [])
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(batches, [[1, 2]])
      sink.recordUnsafe(server(3, "250"))
      yield* sink.flush
      yield* sink.flush
      assert.deepStrictEqual(batches, [[1, 2], [3]])
    }))

  it.effect("is written what is left when its scope closes", () =>
    Effect.gen(function*() {
      const written: Array<LogEvent> = []
      yield* Effect.scoped(Effect.gen(function*() {
        const sink = yield* LogSink.make({ write: (events) => Effect.sync(() => written.push(...events)) })
        sink.recordUnsafe(server(1, "221"))
      }))
      assert.deepStrictEqual(written, [server(1, "221")])
    }))

  it.effect("applies its redaction before anything is kept", () =>
    Effect.gen(function*() {
      const written: Array<LogEvent> = []
      const sink = yield* LogSink.make({
        redaction: Redaction.and(Redaction.addresses, Redaction.subject),
        content: "headers",
        write: (events) => Effect.sync(() => written.push(...events))
      })
      for (const event of [client(1, "MAIL FROM:<ann@b.c>"), header(2, "Subject: x"), header(3, " y")]) {
        sink.recordUnsafe(event)
      }
      yield* sink.flush
      assert.deepStrictEqual(written, [client(1, "MAIL FROM:<a***@b.c>"), header(2, "Subject: ***"), header(3, " ***")])
    }))

  it.effect("that fails, or dies, is warned about once; what it lost is counted, and said when it writes again", () =>
    Effect.gen(function*() {
      const written: Array<LogEvent> = []
      let trouble: Effect.Effect<void, string> | undefined = Effect.fail("no table\u001b[31m")
      const sink = yield* LogSink.make({
        write: (events) => trouble ?? Effect.sync(() => written.push(...events))
      })
      sink.recordUnsafe(server(1, "220"))
      sink.recordUnsafe(server(2, "250"))
      yield* sink.flush
      trouble = Effect.die("worse")
      sink.recordUnsafe(server(3, "250"))
      yield* sink.flush
      trouble = undefined
      yield* TestClock.adjust("5 seconds")
      sink.recordUnsafe(server(4, "221"))
      yield* sink.flush
      sink.recordUnsafe(server(5, "221"))
      yield* sink.flush
      assert.deepStrictEqual(written, [
        { _tag: "Lost", counter: 102, time: 5_000, process: 5, session: 0, count: 3, problem: "worse" },
        server(4, "221"),
        server(5, "221")
      ])
      assert.deepStrictEqual((yield* warnings).length, 1)
      assert.include(
        (yield* warnings)[0],
        String.raw`The log of a sink cannot be written: no table\x1b[31m. Mail goes on`
      )
    }).pipe(on(memoryFiles())))

  it.effect("asks the session to wait when its buffer is past its mark, and takes what comes all the same", () =>
    Effect.gen(function*() {
      const gate = Latch.makeUnsafe()
      const written: Array<number> = []
      const sink = yield* LogSink.make({
        capacity: 3,
        write: (events) =>
          Effect.andThen(gate.await, Effect.sync(() => written.push(...events.map(({ counter }) => counter))))
      })
      assert.deepStrictEqual([1, 2, 3, 4].map((n) => sink.recordUnsafe(server(n, "250"))), [true, true, false, false])
      const flushing = yield* Effect.forkChild(sink.flush, { startImmediately: true })
      gate.openUnsafe()
      yield* Fiber.join(flushing)
      assert.deepStrictEqual(written, [1, 2, 3, 4])
      assert.isTrue(sink.recordUnsafe(server(5, "250")))
    }))

  it.effect("that hangs delays a flush once, for flushTimeout; then it drops what its buffer has no room for, and says so", () =>
    Effect.gen(function*() {
      const gate = Latch.makeUnsafe()
      const written: Array<LogEvent> = []
      const sink = yield* LogSink.make({
        capacity: 2,
        flushTimeout: "3 seconds",
        write: (events) => Effect.andThen(gate.await, Effect.sync(() => written.push(...events)))
      })
      sink.recordUnsafe(server(1, "250"))
      const flushing = yield* Effect.forkChild(sink.flush, { startImmediately: true })
      yield* TestClock.adjust("2999 millis")
      assert.isUndefined(flushing.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      yield* Fiber.join(flushing)
      assert.deepStrictEqual([2, 3, 4, 5].map((n) => sink.recordUnsafe(server(n, "250"))), [true, true, true, true])
      yield* sink.flush
      gate.openUnsafe()
      yield* TestClock.adjust("10 millis")
      sink.recordUnsafe(server(6, "221"))
      yield* sink.flush
      assert.deepStrictEqual(written.map((event) => event._tag === "Lost" ? -event.count : event.counter), [
        1,
        -2,
        2,
        3,
        6
      ])
      assert.strictEqual((yield* warnings).length, 1)
    }))
})

describe("a slow disk", () => {
  it.effect("is waited for as long as it writes something, by flushes and by the end of the log", () => {
    const files = memoryFiles()
    return Effect.gen(function*() {
      const slow = Effect.gen(function*() {
        const sink = yield* LogSink.file("/tmp/a.log", { content: "full" })
        files.room = (_, octets) => Math.min(octets, 40)
        files.gate = Effect.sleep("900 millis")
        for (let n = 1; n <= 9; n++) sink.recordUnsafe(server(n, `250 ${n}`))
        yield* sink.flush
        assert.strictEqual(files.lines("/tmp/a.log").length, 10)
        for (let n = 1; n <= 9; n++) sink.recordUnsafe(server(n, `250 ${n}`))
      })
      const running = yield* Effect.forkChild(Effect.scoped(slow), { startImmediately: true })
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(running)
      assert.strictEqual(files.lines("/tmp/a.log").length, 19)
      assert.deepStrictEqual(yield* warnings, [])
    }).pipe(on(files))
  })
})

describe("a file", () => {
  it.effect("begins with whose log it is, holds whole lines, and is for its owner only", () => {
    const files = memoryFiles()
    return Effect.gen(function*() {
      const sink = yield* LogSink.file("mail/out.log", { zone: "Europe/Paris" })
      sink.recordUnsafe(client(1, "EHLO \"x\""))
      yield* sink.flush
      const path = `${process.cwd()}/logs/mail/out.log`
      const [first = "", second] = files.lines(path)
      assert.match(
        first,
        /^101 1970-01-01T00:00:00\.000Z 5 0 ### Log opened\. \{"format":1,"program":"colloquy \d+\.\d+\.\d+","instance":"[0-9a-z]{8}","zone":"Europe\/Paris"\}$/
      )
      assert.strictEqual(second, LogText.encode(client(1, "EHLO \"x\"")))
      assert.strictEqual(files.modes.get(path), 0o600)
      assert.strictEqual(files.text(path).at(-1), "\n")
    }).pipe(on(files))
  })

  it.effect("of JSON lines begins with it too, and times come in the form that is asked for", () => {
    const files = memoryFiles()
    return Effect.gen(function*() {
      const json = yield* LogSink.file("/tmp/a.ndjson", { format: "ndjson" })
      const local = yield* LogSink.file("/tmp/b.log", { time: "offset", zone: "Asia/Kathmandu" })
      json.recordUnsafe(server(1, "220"))
      local.recordUnsafe(server(1, "220"))
      yield* json.flush
      yield* local.flush
      const events = files.lines("/tmp/a.ndjson").flatMap((line) => LogText.decodeJson(line))
      assert.deepStrictEqual(events.map(({ _tag }) => _tag), ["Opened", "ServerLine"])
      assert.strictEqual(files.lines("/tmp/b.log")[1], `1 1970-01-01T05:30:01.000+05:30 5 7 S < "220"`)
    }).pipe(on(files))
  })

  it.effect("is appended to, on a line of its own", () => {
    const files = memoryFiles()
    files.put("/tmp/a.log", "cut in the mid")
    files.put("/tmp/b.log", "whole\n")
    return Effect.gen(function*() {
      yield* LogSink.file("/tmp/a.log")
      yield* LogSink.file("/tmp/b.log")
      assert.strictEqual(files.lines("/tmp/a.log")[0], "cut in the mid")
      assert.strictEqual(files.lines("/tmp/b.log")[0], "whole")
      for (const path of ["/tmp/a.log", "/tmp/b.log"]) assert.include(files.lines(path)[1], opening)
    }).pipe(on(files))
  })

  it.effect("stays below its folder, unless its author gave it an absolute path", () =>
    Effect.gen(function*() {
      for (const path of ["../out.log", "a/../../out.log", "..", ".", "", "a/..", "x\0.log"]) {
        const error = yield* Effect.flip(LogSink.file(path, { folder: "logs" }))
        assert.strictEqual(error._tag, "LogError")
        assert.strictEqual(error.path, path)
        assert.match(error.problem, /its folder, logs|names no file|NUL/)
      }
      assert.isObject(yield* LogSink.file("..a/b..log"))
      assert.isObject(yield* LogSink.file("/tmp/out.log"))
    }).pipe(on(memoryFiles())))

  it.effect("that cannot be opened fails, with its path and the problem in words", () => {
    const files = memoryFiles(["/", "/tmp", "/tmp/folder.log"])
    files.put("/tmp/plain", "")
    return Effect.gen(function*() {
      const problems = yield* Effect.forEach(
        ["/tmp/folder.log", "/missing/a.log"],
        (path) => Effect.flip(LogSink.file(path))
      )
      assert.deepStrictEqual(problems.map(({ message }) => message), [
        `the log "/tmp/folder.log" cannot be opened: it is a folder`,
        `the log "/missing/a.log" cannot be opened: no such file or folder`
      ])
      const below = yield* Effect.flip(LogSink.file("a.log", { folder: "/tmp/plain" }))
      assert.deepStrictEqual([below.path, below.problem], ["/tmp/plain/a.log", "what should be its folder is not one"])
      const layer = yield* Effect.flip(Effect.scoped(Layer.build(SmtpLog.layerFile("/missing/a.log"))))
      assert.strictEqual(layer.path, "/missing/a.log")
    }).pipe(on(files))
  })

  it.effect("on a full disk opens and stops nothing; what is lost is counted in it when there is room, and no line is torn", () => {
    const files = memoryFiles()
    files.room = () => 0
    return Effect.gen(function*() {
      const sink = yield* LogSink.file("/tmp/a.log")
      const lines = Array.from({ length: 6 }, (_, n) => server(n + 1, `250 number ${n + 1}`))
      for (const event of lines.slice(0, 2)) sink.recordUnsafe(event)
      yield* sink.flush
      assert.strictEqual(files.text("/tmp/a.log"), "")

      // room for the first line and a line and a half
      let room = 250
      files.room = (_, octets) => {
        const taken = Math.min(room, octets)
        room -= taken
        return taken
      }
      for (const event of lines.slice(2, 4)) sink.recordUnsafe(event)
      yield* sink.flush
      files.room = undefined
      for (const event of lines.slice(4)) sink.recordUnsafe(event)
      yield* sink.flush
      assert.deepStrictEqual(withoutOpened(files.lines("/tmp/a.log")), [
        "### Log lost 2 events. (no space left on the disk)",
        `S < "250 number 3"`,
        "### Log lost 1 events. (no space left on the disk)",
        `S < "250 number 5"`,
        `S < "250 number 6"`
      ])
      assert.strictEqual((yield* warnings).length, 1)
      assert.include((yield* warnings)[0], `The log "/tmp/a.log" cannot be written: no space left on the disk.`)
    }).pipe(on(files))
  })
})

describe("two sinks on one path", () => {
  it.effect("share one writer: one first line, whole lines in order, closed by the last", () => {
    const files = memoryFiles()
    return Effect.gen(function*() {
      const first = yield* Deferred.make<void>()
      const outer = yield* LogSink.file("shared.log")
      const inner = Effect.scoped(Effect.gen(function*() {
        const sink = yield* LogSink.file(`${process.cwd()}/logs/shared.log`, { redaction: Redaction.addresses })
        outer.recordUnsafe(client(1, "RCPT TO:<ann@b.c>"))
        sink.recordUnsafe(client(2, "RCPT TO:<bob@b.c>"))
        yield* Deferred.succeed(first, undefined)
      }))
      yield* inner
      assert.deepStrictEqual(withoutOpened(files.lines(`${process.cwd()}/logs/shared.log`)), [
        `C > "RCPT TO:<ann@b.c>"`,
        `C > "RCPT TO:<b***@b.c>"`
      ])
      assert.strictEqual(files.opened, 1)
      outer.recordUnsafe(client(3, "QUIT"))
      yield* outer.flush
      assert.strictEqual(files.lines(`${process.cwd()}/logs/shared.log`).length, 4)
    }).pipe(on(files))
  })

  it.effect("write an event of one log once", () => {
    const files = memoryFiles()
    return Effect.gen(function*() {
      const base = yield* SmtpLog.make([LogSink.file("/tmp/a.log")])
      const log = yield* SmtpLog.tee(base, [LogSink.file("/tmp/a.log", { content: "full" })])
      for (const event of [server(1, "354"), body(2, "Hi"), server(3, "250")]) log.recordUnsafe(event)
      yield* log.flush
      assert.deepStrictEqual(withoutOpened(files.lines("/tmp/a.log")), [`S < "354"`, `C >>> "Hi"`, `S < "250"`])
    }).pipe(on(files))
  })

  it.effect("must agree on its form; a file that all have left is opened anew", () => {
    const files = memoryFiles()
    return Effect.gen(function*() {
      yield* Effect.scoped(Effect.gen(function*() {
        yield* LogSink.file("/tmp/a.log", { zone: "UTC" })
        const error = yield* Effect.flip(LogSink.file("/tmp/a.log", { format: "ndjson" }))
        assert.strictEqual(
          error.problem,
          `it is open already, and not as ndjson but as text with utc times of UTC`
        )
      }))
      yield* LogSink.file("/tmp/a.log", { format: "ndjson" })
      assert.strictEqual(files.opened, 2)
      assert.strictEqual(files.lines("/tmp/a.log").length, 2)
    }).pipe(on(files))
  })

  it.effect("open and close at the same time without losing a line", () => {
    const files = memoryFiles()
    return Effect.gen(function*() {
      yield* Effect.forEach(Array.from({ length: 40 }, (_, n) => n), (n) =>
        Effect.scoped(Effect.gen(function*() {
          const sink = yield* LogSink.file("/tmp/a.log")
          sink.recordUnsafe(server(n, `250 ${n}`))
          yield* Effect.yieldNow
        })), { concurrency: 7, discard: true })
      const said = statements(files.lines("/tmp/a.log")).filter((line) => !line.startsWith(opening))
      assert.deepStrictEqual(said.toSorted(), Array.from({ length: 40 }, (_, n) => `S < "250 ${n}"`).toSorted())
    }).pipe(on(files))
  })
})

const names = (files: ReturnType<typeof memoryFiles>) =>
  [...files.files.keys()].map((path) => path.slice(path.lastIndexOf("/") + 1)).toSorted()

describe("a ring of files", () => {
  it.effect("takes the next free number, never one that exists", () => {
    const files = memoryFiles(["/", "/logs"])
    files.put("/logs/ColloquySMTPLog_7.txt", "kept\n")
    files.put("/logs/ColloquySMTPLog_08.txt", "another's\n")
    files.put("/logs/Other_99.txt", "another's\n")
    return Effect.gen(function*() {
      yield* LogSink.rotating({ folder: "/logs" })
      yield* LogSink.rotating({ folder: "/logs" })
      yield* LogSink.rotating({ folder: "/logs", first: 20 })
      yield* LogSink.rotating({ folder: "/logs", prefix: "App_", first: 0 })
      assert.deepStrictEqual(names(files), [
        "App_0.txt",
        "ColloquySMTPLog_08.txt",
        "ColloquySMTPLog_20.txt",
        "ColloquySMTPLog_7.txt",
        "ColloquySMTPLog_8.txt",
        "ColloquySMTPLog_9.txt",
        "Other_99.txt"
      ])
      assert.strictEqual(files.text("/logs/ColloquySMTPLog_7.txt"), "kept\n")
      assert.strictEqual(files.modes.get("/logs/ColloquySMTPLog_8.txt"), 0o600)
    }).pipe(on(files))
  })

  it.effect("begins a file when the next line would be too much, keeps the newest, and removes only its own", () => {
    const files = memoryFiles(["/", "/logs"])
    files.put("/logs/ColloquySMTPLog_1.txt", "old\n")
    files.put("/logs/ColloquySMTPLog_1.txt.bak", "not ours\n")
    files.put("/logs/ColloquySMTPLog_x.txt", "not ours\n")
    return Effect.gen(function*() {
      const sink = yield* LogSink.rotating({ folder: "/logs", maxSize: 300, maxFiles: 3, zone: "UTC" })
      for (let n = 1; n <= 12; n++) sink.recordUnsafe(server(n, `250 ${"é".repeat(10)} ${n}`))
      yield* sink.flush
      sink.recordUnsafe(server(13, "x".repeat(400)))
      sink.recordUnsafe(server(14, "250 last"))
      yield* sink.flush
      const ring = names(files).filter((name) => /_\d+\.txt$/.test(name))
      assert.strictEqual(ring.length, 3)
      assert.deepStrictEqual(names(files).filter((name) => !ring.includes(name)), [
        "ColloquySMTPLog_1.txt.bak",
        "ColloquySMTPLog_x.txt"
      ])
      const numbers = ring.map((name) => Number(/\d+/.exec(name.slice("ColloquySMTPLog_".length))?.[0])).toSorted((
        a,
        b
      ) => a - b)
      const kept = numbers.flatMap((number) => withoutOpened(files.lines(`/logs/ColloquySMTPLog_${number}.txt`)))
      assert.deepStrictEqual(kept.slice(-3), [
        `S < "250 ${"é".repeat(10)} 12"`,
        `S < "${"x".repeat(400)}"`,
        `S < "250 last"`
      ])
      for (const number of numbers) {
        const path = `/logs/ColloquySMTPLog_${number}.txt`
        if (!files.text(path).includes("xxx")) assert.isAtMost(files.files.get(path)?.length ?? 0, 300)
      }
    }).pipe(on(files))
  })

  it.effect("loses no line over many files, and keeps them all when told 0", () => {
    const files = memoryFiles(["/", "/logs"])
    return Effect.gen(function*() {
      const sink = yield* LogSink.rotating({ folder: "/logs", maxSize: 1_000, maxFiles: 0 })
      for (let n = 1; n <= 200; n++) {
        sink.recordUnsafe(server(n, `250 ${n}`))
        if (n % 30 === 0) yield* sink.flush
      }
      yield* sink.flush
      const numbers = Array.from({ length: files.files.size }, (_, n) => n + 1)
      assert.isAbove(numbers.length, 10)
      const all = numbers.flatMap((n) => withoutOpened(files.lines(`/logs/ColloquySMTPLog_${n}.txt`)))
      assert.deepStrictEqual(all, Array.from({ length: 200 }, (_, n) => `S < "250 ${n + 1}"`))
    }).pipe(on(files))
  })

  it.effect("counts what a full disk lost over the change of files", () => {
    const files = memoryFiles(["/", "/logs"])
    return Effect.gen(function*() {
      const sink = yield* LogSink.rotating({ folder: "/logs", maxSize: 300, zone: "UTC" })
      files.room = (path, octets) => path.endsWith("_2.txt") ? 0 : octets
      for (let n = 1; n <= 6; n++) sink.recordUnsafe(server(n, `250 number ${n}`))
      yield* sink.flush
      files.room = undefined
      sink.recordUnsafe(server(7, "221"))
      yield* sink.flush
      const first = withoutOpened(files.lines("/logs/ColloquySMTPLog_1.txt"))
      const second = withoutOpened(files.lines("/logs/ColloquySMTPLog_2.txt"))
      assert.deepStrictEqual(first, [`S < "250 number 1"`, `S < "250 number 2"`, `S < "250 number 3"`])
      assert.deepStrictEqual(second, ["### Log lost 3 events. (no space left on the disk)", `S < "221"`])
    }).pipe(on(files))
  })

  it.effect("refuses a prefix that is a path, and sizes that are none", () =>
    Effect.gen(function*() {
      const options: ReadonlyArray<LogSink.RotatingOptions> = [
        { prefix: "../x" },
        { maxFiles: -1 },
        { first: 1.5 },
        { maxSize: -1 }
      ]
      for (const option of options) {
        const error = yield* Effect.flip(LogSink.rotating({ folder: "/logs", ...option }))
        assert.strictEqual(error.path, "/logs")
      }
    }).pipe(on(memoryFiles())))
})

const failed = (counter: number, session: number): LogEvent => ({
  _tag: "Failed",
  ...head(counter, session),
  phase: "auth",
  reason: "AuthenticationFailed",
  message: "no"
})

const closed = (counter: number, session: number): LogEvent => ({
  _tag: "Closed",
  ...head(counter, session),
  by: "client",
  elapsed: 1
})

describe("the flight recorder", () => {
  it.effect("hands on whole conversations that failed, before the failure is flushed, and no others", () =>
    Effect.gen(function*() {
      const seen: Array<LogEvent> = []
      const sink = yield* LogSink.onFailure(Effect.succeed(LogSink.fromFunction((event) => seen.push(event))))
      for (const event of [server(1, "220", 1), server(2, "220", 2), client(3, "AUTH", 1), closed(4, 2)]) {
        sink.recordUnsafe(event)
      }
      assert.deepStrictEqual(seen, [])
      sink.recordUnsafe(failed(5, 1))
      assert.deepStrictEqual(seen, [server(1, "220", 1), client(3, "AUTH", 1), failed(5, 1)])
      sink.recordUnsafe(client(6, "QUIT", 1))
      sink.recordUnsafe(closed(7, 1))
      sink.recordUnsafe(server(8, "220", 1))
      assert.deepStrictEqual(seen.slice(3), [client(6, "QUIT", 1), closed(7, 1)])
    }))

  it.effect("keeps the newest events of a long conversation, and counts the others", () =>
    Effect.gen(function*() {
      const seen: Array<LogEvent> = []
      const sink = yield* LogSink.onFailure(Effect.succeed(LogSink.fromFunction((event) => seen.push(event))), {
        maxEvents: 3
      })
      for (let n = 1; n <= 5; n++) sink.recordUnsafe(server(n, "250", 1))
      const timedOut: LogEvent = { _tag: "TimedOut", ...head(6, 1), phase: "mail", limit: 60_000 }
      sink.recordUnsafe(timedOut)
      const problem = "the flight recorder keeps the newest events of a conversation"
      assert.deepStrictEqual(seen, [
        { _tag: "Lost", ...head(3, 1), count: 3, problem },
        server(4, "250", 1),
        server(5, "250", 1),
        timedOut
      ])
    }))
})

describe("a filter", () => {
  it.effect("gives a sink what the predicate admits, and what it cannot judge", () =>
    Effect.gen(function*() {
      const seen: Array<LogEvent> = []
      const sink = yield* LogSink.filter(
        Effect.succeed(LogSink.fromFunction((event) => seen.push(event), { content: "full" })),
        (event) => {
          if (event.counter === 3) throw new Error("what?")
          return event._tag === "ServerLine"
        }
      )
      assert.strictEqual(sink.content, "full")
      for (const event of [server(1, "220"), client(2, "EHLO"), client(3, "QUIT")]) {
        assert.isTrue(sink.recordUnsafe(event))
      }
      assert.deepStrictEqual(seen, [server(1, "220"), client(3, "QUIT")])
    }))
})

const collect = () => {
  const logged: Array<string> = []
  const layer = Logger.layer([Logger.make(({ fiber, logLevel, message }) => {
    const { counter, session } = fiber.getRef(References.CurrentLogAnnotations)
    logged.push(`${logLevel} ${String(message)} ${String(session)}/${String(counter)}`)
  })])
  return { logged, layer }
}

describe("Effect's logger", () => {
  it.effect("gets each event at debug level, escaped", () => {
    const { layer, logged } = collect()
    return Effect.gen(function*() {
      const log = yield* SmtpLog.SmtpLog
      log.recordUnsafe(server(1, "220 \u001b[31m"))
      log.recordUnsafe({ _tag: "Closed", ...head(2), by: "client", elapsed: 1 })
      assert.deepStrictEqual(logged, [
        String.raw`Debug S < "220 \x1b[31m" 7/1`,
        `Debug ### SMTP Connection closed. (client) {"elapsed":1} 7/2`
      ])
    }).pipe(
      Effect.provide(SmtpLog.layerLogger.pipe(Layer.provide(layer))),
      Effect.provideService(References.MinimumLogLevel, "Debug")
    )
  })

  it.effect("gets nothing below its minimum level, and another level on demand", () => {
    const { layer, logged } = collect()
    return Effect.gen(function*() {
      const quiet = yield* LogSink.logger()
      const loud = yield* LogSink.logger({ level: "Info" })
      quiet.recordUnsafe(server(1, "220"))
      loud.recordUnsafe(server(2, "220"))
      assert.deepStrictEqual(logged, [`Info S < "220" 7/2`])
    }).pipe(Effect.provide(layer), Effect.provideService(References.MinimumLogLevel, "Info"))
  })
})
