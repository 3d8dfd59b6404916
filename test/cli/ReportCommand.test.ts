import * as Report from "@colloquy/cli/log/report"
import type { Overview } from "@colloquy/cli/report/data"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Path from "effect/Path"
import type * as Scope from "effect/Scope"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import { TestConsole } from "effect/testing"

const article = "test/fixtures/4d-smtp-log.fr.txt"

/** Runs the command in a folder of its own; `{}` in an argument is the folder. */
const report = (args: ReadonlyArray<string>, stdin: Stream.Stream<Uint8Array> = Stream.empty) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const { join } = yield* Path.Path
    const folder = yield* fs.makeTempDirectoryScoped()
    yield* fs.copyFile(article, join(folder, "log_1.txt"))
    const status = yield* Command.runWith(Report.report, { version: "1.2.3" })(
      args.map((arg) => arg.replace("{}", folder))
    ).pipe(
      Effect.as(0),
      Effect.catchTag("Exit", ({ status }) => Effect.succeed<number>(status)),
      Effect.provide(Layer.effect(
        Stdio.Stdio,
        Effect.map(Stdio.Stdio, (stdio) => ({ ...stdio, stdin, stderrIsTerminal: Effect.succeed(false) }))
      ))
    )
    const says = (lines: ReadonlyArray<unknown>) => lines.map(String).join("\n").replaceAll(folder, "{}")
    return {
      status,
      output: says(yield* TestConsole.logLines),
      errors: says(yield* TestConsole.errorLines),
      names: (yield* fs.readDirectory(folder)).toSorted(),
      read: (name: string) => fs.readFileString(join(folder, name)),
      mode: (name: string) => Effect.map(fs.stat(join(folder, name)), ({ mode }) => mode & 0o777)
    }
  }).pipe(Effect.provide(Layer.fresh(TestConsole.layer)))

const overviewOf = (page: string): Overview => JSON.parse(/id="overview">(.*?)<\/script>/s.exec(page)?.[1] ?? "null")

const test = (name: string, effect: Effect.Effect<void, unknown, NodeServices.NodeServices | Scope.Scope>) =>
  it.effect(name, () => Effect.provide(effect, NodeServices.layer))

describe("colloquy log report", () => {
  test(
    "makes one file that is for its owner alone, and says what is in it",
    Effect.gen(function*() {
      const ran = yield* report(["{}/log_1.txt", "-o", "{}/out.html"])
      assert.deepStrictEqual([ran.status, ran.output, ran.errors], [
        0,
        "{}/out.html: 2 conversations, 0 fine, 1 failed, 0 in part, 1 unclear. Open it in a browser.",
        ""
      ])
      assert.deepStrictEqual(ran.names, ["log_1.txt", "out.html"])
      assert.strictEqual(yield* ran.mode("out.html"), 0o600)
      const page = yield* ran.read("out.html")
      assert.isTrue(page.startsWith("<!doctype html>") && page.endsWith("</html>\n"))
      assert.deepStrictEqual(overviewOf(page).rows.map(({ host, outcome }) => [host, outcome]), [
        ["", "unclear"],
        ["smtp.gmail.com", "failed"]
      ])
    })
  )

  test(
    "reads standard input, and a set of files by its pattern, and tells a program",
    Effect.gen(function*() {
      const log = FileSystem.FileSystem.use((fs) => fs.readFile(article))
      const piped = yield* report(
        ["-", "-o", "{}/out.html", "--json"],
        Stream.fromEffect(Effect.orDie(Effect.provide(log, NodeServices.layer)))
      )
      assert.deepStrictEqual(JSON.parse(piped.output), {
        status: 0,
        output: "{}/out.html",
        conversations: 2,
        listed: 2,
        events: 20,
        counts: { failed: 1, partial: 0, unclear: 1, fine: 0 },
        lost: 0,
        unread: 0
      })
      assert.deepStrictEqual(overviewOf(yield* piped.read("out.html")).sources, ["standard input"])
      const many = yield* report(["{}/log_*.txt", "{}/log_1.txt", "-o", "{}/out.html"])
      assert.deepStrictEqual([many.status, overviewOf(yield* many.read("out.html")).conversations], [0, 2])
    })
  )

  test(
    "reports on the conversations that are chosen",
    Effect.gen(function*() {
      const ran = yield* report(["{}/log_1.txt", "-o", "{}/out.html", "--failed"])
      const { conversations, rows } = overviewOf(yield* ran.read("out.html"))
      assert.deepStrictEqual([conversations, rows.map(({ outcome }) => outcome)], [1, ["failed"]])
    })
  )

  test(
    "takes the zone of times that name none",
    Effect.gen(function*() {
      const ran = yield* report(["{}/log_1.txt", "-o", "{}/out.html", "--zone", "Europe/Paris"])
      assert.strictEqual(
        overviewOf(yield* ran.read("out.html")).rows[1]?.time,
        Date.UTC(2019, 1, 6, 14, 3, 11, 586)
      )
    })
  )

  test(
    "never overwrites a log that it reads",
    Effect.gen(function*() {
      const ran = yield* report(["{}/log_1.txt", "-o", "{}/./log_1.txt"])
      assert.strictEqual(ran.status, 64)
      assert.include(ran.errors, "The report would overwrite the log '{}/log_1.txt': name another file with -o.")
      assert.include(yield* ran.read("log_1.txt"), "BadCredentials")
    })
  )

  test(
    "says which file can't be read or written",
    Effect.gen(function*() {
      const absent = yield* report(["{}/none.txt", "-o", "{}/out.html"])
      assert.deepStrictEqual([absent.status, absent.names], [74, ["log_1.txt"]])
      assert.include(absent.errors, "colloquy: '{}/none.txt' can't be read: there is no such file")
      const noneFits = yield* report(["{}/none_*.txt", "-o", "{}/out.html"])
      assert.include(noneFits.errors, "colloquy: '{}/none_*.txt' can't be read: there is no such file")
      const unwritable = yield* report(["{}/log_1.txt", "-o", "{}/no/out.html", "--json"])
      assert.strictEqual(unwritable.status, 74)
      assert.deepStrictEqual(JSON.parse(unwritable.output), {
        status: 74,
        error: { reason: "OutputFailed", message: "'{}/no/out.html' can't be written: there is no such folder" }
      })
    })
  )
})
