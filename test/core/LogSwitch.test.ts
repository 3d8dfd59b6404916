import { type LogEvent, ProcessId, Sequence } from "@colloquy/core/LogEvent"
import * as LogSink from "@colloquy/core/LogSink"
import * as SmtpLog from "@colloquy/core/SmtpLog"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Exit, Fiber, Layer, Scope, Stream } from "effect"
import { TestConsole } from "effect/testing"
import { body, server } from "./logSupport.ts"
import { memoryFiles } from "./memoryFiles.ts"

const sequence = (): Sequence => {
  let counter = 100
  return { nextCounterUnsafe: () => ++counter, nextSessionUnsafe: () => 1 }
}

const shown = (event: LogEvent) => event._tag === "LogState" ? event.state : String(event.counter)

/** A sink that tells what happens to it. */
const watched = () => {
  const told: Array<string> = []
  const sink = Effect.acquireRelease(
    Effect.sync(() => {
      told.push("open")
      return LogSink.fromFunction((event) => told.push(shown(event)), { content: "full" })
    }),
    () => Effect.sync(() => told.push("close"))
  )
  return { told, sink }
}

const record = (event: LogEvent) => SmtpLog.SmtpLog.useSync((log) => log.recordUnsafe(event))
const content = SmtpLog.SmtpLog.useSync((log) => log.content())

describe("a switched log", () => {
  it.effect("opens nothing while it is off, and says in itself what was switched", () => {
    const { sink, told } = watched()
    return Effect.gen(function*() {
      const log = yield* SmtpLog.LogSwitch
      assert.strictEqual(yield* log.state, "off")
      assert.strictEqual(yield* log.pause, "off")
      assert.strictEqual(yield* log.resume, "off")
      assert.strictEqual(yield* log.stop, "off")
      assert.isTrue(yield* record(server(1, "220")))
      assert.strictEqual(yield* content, "summary")
      assert.deepStrictEqual(told, [])

      assert.strictEqual(yield* log.start, "on")
      assert.strictEqual(yield* log.start, "on")
      assert.strictEqual(yield* content, "full")
      yield* record(body(2, "Hi"))
      assert.strictEqual(yield* log.pause, "paused")
      assert.strictEqual(yield* content, "summary")
      yield* record(server(3, "250"))
      assert.strictEqual(yield* log.resume, "on")
      yield* record(server(4, "250"))
      assert.strictEqual(yield* log.pause, "paused")
      assert.strictEqual(yield* log.start, "on")
      assert.strictEqual(yield* log.stop, "off")
      yield* record(server(5, "221"))
      yield* SmtpLog.flush
      assert.isFalse(log.forced)
      assert.deepStrictEqual(told, [
        "open",
        "started",
        "2",
        "paused",
        "resumed",
        "4",
        "paused",
        "resumed",
        "stopped",
        "close"
      ])
    }).pipe(Effect.provide(SmtpLog.layerSwitched(sink)))
  })

  it.effect("that begins on is open from the start, and closed with its layer", () => {
    const { sink, told } = watched()
    return Effect.gen(function*() {
      yield* record(server(1, "220")).pipe(Effect.provide(SmtpLog.layerSwitched(sink, { initially: "on" })))
      assert.deepStrictEqual(told, ["open", "started", "1", "close"])
    })
  })

  it.effect("tells its changes, and its live stream goes on when it is off", () => {
    const { sink } = watched()
    return Effect.gen(function*() {
      const log = yield* SmtpLog.LogSwitch
      const changes = yield* Effect.forkChild(Stream.runCollect(Stream.take(log.changes, 4)), {
        startImmediately: true
      })
      const live = yield* Effect.forkChild(Stream.runCollect(Stream.take(SmtpLog.stream, 1)), {
        startImmediately: true
      })
      yield* record(server(1, "220"))
      yield* log.start
      yield* log.pause
      yield* log.stop
      assert.deepStrictEqual(yield* Fiber.join(changes), ["off", "on", "paused", "off"])
      assert.deepStrictEqual(yield* Fiber.join(live), [server(1, "220")])
    }).pipe(Effect.provide(SmtpLog.layerSwitched(sink)))
  })

  it.effect("fails to start as its sink fails to open, stays off, and starts when that is mended", () => {
    const files = memoryFiles(["/"])
    return Effect.gen(function*() {
      const log = yield* SmtpLog.LogSwitch
      const error = yield* Effect.flip(log.start)
      assert.deepStrictEqual([error._tag, error.path, error.problem], [
        "LogError",
        "/later/a.log",
        "no such file or folder"
      ])
      assert.strictEqual(yield* log.state, "off")
      files.folders.add("/later")
      assert.strictEqual(yield* log.start, "on")
      yield* record(server(1, "220"))
      yield* log.stop
      assert.deepStrictEqual(files.lines("/later/a.log").map((line) => line.split(" ").slice(4, 7).join(" ")), [
        "### Log opened.",
        "### Log started.",
        `S < "220"`,
        "### Log stopped."
      ])
    }).pipe(Effect.provide(SmtpLog.layerSwitched(LogSink.file("/later/a.log")).pipe(Layer.provide(files.layer))))
  })

  it.effect("is left as it was found when its layer fails to build", () => {
    const { sink, told } = watched()
    return Effect.gen(function*() {
      const broken = Effect.andThen(sink, Effect.fail("no"))
      const error = yield* Effect.flip(Effect.scoped(Layer.build(SmtpLog.layerSwitched(broken, { initially: "on" }))))
      assert.strictEqual(error, "no")
      assert.deepStrictEqual(told, ["open", "close"])
    })
  })
})

const json = `${process.cwd()}/logConfig.json`

interface Global {
  readonly files?: ReturnType<typeof memoryFiles>
  readonly env?: Record<string, string>
  readonly options?: SmtpLog.GlobalOptions
}

/** Builds the application's log, runs, closes it; gives the names of its files too. */
const inGlobal = <A, E>(
  { env = {}, files = memoryFiles(), options }: Global,
  effect: Effect.Effect<A, E, SmtpLog.SmtpLog | SmtpLog.LogSwitch>
) =>
  Effect.gen(function*() {
    const result = yield* effect.pipe(
      Effect.provide(SmtpLog.layerGlobal(options).pipe(Layer.provide(files.layer))),
      Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown(env)),
      Effect.provideService(Sequence, sequence()),
      Effect.provideService(ProcessId, 5)
    )
    const names = [...files.files.keys()].filter((path) => path.endsWith(".txt"))
    const warnings = (yield* TestConsole.logLines).map(String).filter((line) => line.includes("No log is written"))
    return { result, names, warnings }
  })

const configured = (text: string, path = json) => {
  const files = memoryFiles()
  files.put(path, text)
  return files
}

const logs = `${process.cwd()}/logs`
const states = SmtpLog.LogSwitch.use((log) =>
  Effect.gen(function*() {
    const first = yield* log.state
    return [first, yield* log.start, yield* log.stop, log.forced]
  })
)

const run = (text: string, options?: SmtpLog.GlobalOptions) =>
  Effect.map(
    inGlobal({ files: configured(text), ...(options === undefined ? {} : { options }) }, states),
    ({ result }) => result
  )

describe("the application's log", () => {
  it.effect("is off until it is switched on", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* inGlobal({}, SmtpLog.LogSwitch.use((log) => log.state)), {
        result: "off",
        names: [],
        warnings: []
      })
      assert.deepStrictEqual(yield* inGlobal({}, states), {
        result: ["off", "on", "off", false],
        names: [`${logs}/ColloquySMTPLog_1.txt`],
        warnings: []
      })
    }))

  it.effect("is on, and stays on, when logConfig.json says so, from the number that it says", () =>
    Effect.gen(function*() {
      const files = configured(
        `\ufeff{ "forceConfiguration": true, "SMTPLogs": { "state": 4 }, "debugLogs": { "state": 1 } }`
      )
      const log = yield* inGlobal({ files }, Effect.tap(states, record(server(1, "220"))))
      assert.deepStrictEqual(log, {
        result: ["on", "on", "on", true],
        names: [`${logs}/ColloquySMTPLog_4.txt`],
        warnings: []
      })
      assert.include(files.text(`${logs}/ColloquySMTPLog_4.txt`), `S < "220"`)
    }))

  it.effect("is forced unless the file says that it is not, off as well as on", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* run(`{ "SMTPLogs": { "state": 1 } }`), ["on", "on", "on", true])
      assert.deepStrictEqual(yield* run(`{ "SMTPLogs": { "state": 0 } }`, { initially: "on" }), [
        "off",
        "off",
        "off",
        true
      ])
      assert.deepStrictEqual(yield* run(`{ "forceConfiguration": false, "SMTPLogs": { "state": 1 } }`), [
        "on",
        "on",
        "off",
        false
      ])
      assert.deepStrictEqual(yield* run(`{ "requestLogs": { "clientState": 1 } }`, { initially: "on" }), [
        "on",
        "on",
        "off",
        false
      ])
    }))

  it.effect("is not written, and the program runs, when the file cannot be read: one warning", () =>
    Effect.gen(function*() {
      const broken = [
        "",
        "{",
        "[]",
        `{ "SMTPLogs": { "state": -1 } }`,
        `{ "SMTPLogs": { "state": "on" } }`,
        `{ "SMTPLogs": 1 }`
      ]
      for (const [at, text] of broken.entries()) {
        const log = yield* inGlobal(
          { files: configured(text), options: { initially: "on" } },
          SmtpLog.LogSwitch.use((log) => log.state)
        )
        assert.deepStrictEqual([log.result, log.names, log.warnings.length], ["off", [], at + 1], text)
      }
    }))

  it.effect("reads the file that an option or COLLOQUY_LOG_CONFIG names; one that is missing is a warning", () =>
    Effect.gen(function*() {
      const on = `{ "SMTPLogs": { "state": 1 } }`
      const state = SmtpLog.LogSwitch.use((log) => log.state)
      const files = () => configured(on, "/tmp/on.json")
      const byOption = yield* inGlobal({ files: files(), options: { configFile: "/tmp/on.json" } }, state)
      const byEnv = yield* inGlobal({
        files: files(),
        env: { COLLOQUY_LOG_CONFIG: "/tmp/on.json" },
        options: { configFile: "/tmp/missing.json" }
      }, state)
      assert.deepStrictEqual([byOption.result, byEnv.result, byEnv.warnings], ["on", "on", []])
      const missing = yield* inGlobal({ options: { configFile: "/tmp/missing.json", initially: "on" } }, state)
      assert.strictEqual(missing.result, "off")
      assert.include(
        missing.warnings.join(),
        `The log configuration "/tmp/missing.json" cannot be read: no such file or folder`
      )
    }))

  it.effect("is on with COLLOQUY_LOG=1, whatever the file says", () =>
    Effect.gen(function*() {
      const files = configured(`{ "SMTPLogs": { "state": 0 } }`)
      const log = yield* inGlobal({ files, env: { COLLOQUY_LOG: "1" } }, states)
      assert.deepStrictEqual(log.result, ["on", "on", "on", true])
      const off = yield* inGlobal({ env: { COLLOQUY_LOG: "0" } }, states)
      assert.deepStrictEqual([off.result, off.warnings], [["off", "on", "off", false], []])
      const odd = yield* inGlobal({ env: { COLLOQUY_LOG: "yes" } }, states)
      assert.deepStrictEqual([odd.result, odd.warnings.length], [["off", "on", "off", false], 1])
    }))

  it.effect("keeps the content level and the redaction of the code", () =>
    Effect.gen(function*() {
      const files = configured(
        `{ "SMTPLogs": { "state": 1, "content": "full" }, "content": "full", "redaction": "none" }`
      )
      const log = yield* inGlobal({ files }, Effect.andThen(record(body(1, "Hi")), content))
      assert.strictEqual(log.result, "summary")
      assert.notInclude(files.text(`${logs}/ColloquySMTPLog_1.txt`), "Hi")
    }))

  it.effect("fails to build when it is on and cannot be opened", () =>
    Effect.gen(function*() {
      const files = memoryFiles()
      files.put("/tmp/plain", "")
      const scope = yield* Scope.make()
      const error = yield* Layer.buildWithScope(
        SmtpLog.layerGlobal({ folder: "/tmp/plain", initially: "on" }).pipe(Layer.provide(files.layer)),
        scope
      ).pipe(Effect.flip)
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(error.message, `the log "/tmp/plain" cannot be opened: it is not a folder`)
    }).pipe(Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown({}))))
})
