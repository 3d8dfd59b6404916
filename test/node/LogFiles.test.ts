import type { LogEvent } from "@colloquy/core/LogEvent"
import * as LogSink from "@colloquy/core/LogSink"
import * as LogText from "@colloquy/core/LogText"
import * as SmtpLog from "@colloquy/core/SmtpLog"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Layer, Logger, Stream } from "effect"
import * as ChildProcess from "node:child_process"
import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { body, client, head, server } from "../core/logSupport.ts"

const Files = Layer.merge(NodeFileSystem.layer, NodePath.layer)

const inFolder = <A, E, R>(use: (folder: string) => Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    return yield* use(yield* fs.makeTempDirectoryScoped({ prefix: "colloquy-" }))
  })

const read = (path: string) =>
  Stream.unwrap(FileSystem.FileSystem.useSync((fs) => fs.stream(path))).pipe(
    Stream.pipeThroughChannel(LogText.decodeChannel({ source: path })),
    Stream.runCollect
  )

describe("log files", () => {
  it.live("hold every line that was recorded, in order, under back-pressure, and are for their owner only", () =>
    inFolder((folder) =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const path = `${folder}/a/b.log`
        const count = 100_000
        yield* Effect.gen(function*() {
          const log = yield* SmtpLog.SmtpLog
          for (let n = 1; n <= count; n++) {
            if (!log.recordUnsafe(body(n, `line ${n} é`))) yield* log.flush
          }
        }).pipe(Effect.provide(SmtpLog.layerFile("a/b.log", { folder, content: "full" })))
        const events = yield* read(path)
        assert.strictEqual(events[0]?._tag, "Opened")
        assert.strictEqual(events.length, count + 1)
        for (let n = 1; n <= count; n++) assert.deepStrictEqual(events[n], body(n, `line ${n} é`))
        assert.strictEqual((yield* fs.stat(path)).mode & 0o777, 0o600)
      })
    ).pipe(Effect.provide(Files)))

  it.live("have what was said when a flush returns", () =>
    inFolder((folder) =>
      Effect.gen(function*() {
        const sink = yield* LogSink.file(`${folder}/a.log`)
        sink.recordUnsafe(server(1, "535 no"))
        yield* sink.flush
        assert.deepStrictEqual((yield* read(`${folder}/a.log`)).slice(1), [server(1, "535 no")])
      })
    ).pipe(Effect.provide(Files)))

  it.live("name the program and its version as the package has it", () =>
    inFolder((folder) =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const manifest = yield* fs.readFileString(fileURLToPath(import.meta.resolve("@colloquy/core/package.json")))
        yield* LogSink.file(`${folder}/a.log`)
        const [first] = yield* read(`${folder}/a.log`)
        assert.strictEqual(first?._tag === "Opened" ? first.program : "", `colloquy ${JSON.parse(manifest).version}`)
      })
    ).pipe(Effect.provide(Files)))

  // where there is such a device; the memory disk of the sinks' own tests is full everywhere
  if (existsSync("/dev/full")) {
    it.live("on a full disk lose what they are given, warn once, and let mail go on", () => {
      const logged: Array<string> = []
      const logger = Logger.layer([Logger.make(({ message }) => void logged.push(String(message)))])
      return Effect.gen(function*() {
        const log = yield* SmtpLog.SmtpLog
        for (let n = 1; n <= 3; n++) {
          assert.isTrue(log.recordUnsafe(server(n, "250")))
          yield* log.flush
        }
        assert.deepStrictEqual(logged, [
          `The log "/dev/full" cannot be written: no space left on the disk. Mail goes on without it.`
        ])
      }).pipe(Effect.provide(SmtpLog.layerFile("/dev/full").pipe(Layer.provide([Files, logger]))))
    })
  }

  it.live("that cannot be opened fail, with path and problem", () =>
    inFolder((folder) =>
      Effect.gen(function*() {
        const errors = yield* Effect.forEach(
          [folder, `${folder}/missing/a.log`, `${folder}/${"x".repeat(300)}`],
          (path) => Effect.flip(LogSink.file(path))
        )
        assert.deepStrictEqual(errors.map(({ problem }) => problem), [
          "it is a folder",
          "no such file or folder",
          "the name is too long"
        ])
        assert.strictEqual(errors[0]?.path, folder)
      })
    ).pipe(Effect.provide(Files)))

  it.live("of a ring rotate by size, keep the newest, and can be read as one log", () =>
    inFolder((folder) =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        yield* Effect.gen(function*() {
          const log = yield* SmtpLog.SmtpLog
          for (let n = 1; n <= 3_000; n++) if (!log.recordUnsafe(server(n, `250 ${n}`))) yield* log.flush
        }).pipe(Effect.provide(SmtpLog.layer([LogSink.rotating({ folder, maxSize: "10 kB", maxFiles: 4 })])))
        const numbers = (yield* fs.readDirectory(folder)).map((name) => Number(name.replaceAll(/\D/g, ""))).toSorted((
          a,
          b
        ) => a - b)
        assert.strictEqual(numbers.length, 4)
        const events: Array<LogEvent> = []
        for (const number of numbers) {
          const path = `${folder}/ColloquySMTPLog_${number}.txt`
          assert.isAtMost(Number((yield* fs.stat(path)).size), 10_000)
          const [first, ...others] = yield* read(path)
          assert.strictEqual(first?._tag, "Opened")
          events.push(...others)
        }
        assert.deepStrictEqual(
          events,
          Array.from({ length: events.length }, (_, at) => {
            const n = 3_000 - events.length + at + 1
            return server(n, `250 ${n}`)
          })
        )
      })
    ).pipe(Effect.provide(Files)))

  it.live("of two programs in one folder are two files", () =>
    inFolder((folder) =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const program = `
          import * as LogSink from "@colloquy/core/LogSink"
          import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
          import * as NodePath from "@effect/platform-node/NodePath"
          import * as Effect from "effect/Effect"
          import * as Layer from "effect/Layer"
          const said = { _tag: "ServerLine", counter: 1, time: 0, process: process.pid, session: 1, line: "220" }
          await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
            const sink = yield* LogSink.rotating({ folder: process.argv[1] })
            sink.recordUnsafe(said)
          })).pipe(Effect.provide(Layer.merge(NodeFileSystem.layer, NodePath.layer))))
        `
        const run = Effect.callback<number>((resume) => {
          const child = ChildProcess.spawn(process.execPath, ["--input-type=module", "--eval", program, folder], {
            cwd: new URL("..", import.meta.url),
            stdio: "inherit"
          })
          child.on("exit", (code) => resume(Effect.succeed(code ?? -1)))
        })
        assert.deepStrictEqual(yield* Effect.all([run, run], { concurrency: 2 }), [0, 0])
        const names = (yield* fs.readDirectory(folder)).toSorted()
        assert.deepStrictEqual(names, ["ColloquySMTPLog_1.txt", "ColloquySMTPLog_2.txt"])
        const processes = yield* Effect.forEach(names, (name) =>
          Effect.map(read(`${folder}/${name}`), (events) => {
            assert.deepStrictEqual(events.map(({ _tag }) => _tag), ["Opened", "ServerLine"])
            return events[1]?.process
          }))
        assert.notStrictEqual(processes[0], processes[1])
      })
    ).pipe(Effect.provide(Files)))

  it.live("are one when a transporter's file and the application's are the same", () =>
    inFolder((folder) =>
      Effect.gen(function*() {
        const file = LogSink.file(`${folder}/a.log`, { content: "full" })
        yield* Effect.gen(function*() {
          const log = yield* SmtpLog.SmtpLog
          log.recordUnsafe(client(1, "DATA"))
          log.recordUnsafe(body(2, "Hi"))
          log.recordUnsafe({ _tag: "Closed", ...head(3), by: "client", elapsed: 2 })
        }).pipe(Effect.provide(SmtpLog.layerTee([file]).pipe(Layer.provide(SmtpLog.layerFile("a.log", { folder })))))
        assert.deepStrictEqual((yield* read(`${folder}/a.log`)).map(({ _tag }) => _tag), [
          "Opened",
          "ClientLine",
          "BodyLine",
          "Closed"
        ])
      })
    ).pipe(Effect.provide(Files)))
})
