import { Diagnosis, LogReader, LogText, type SmtpError, SmtpLog } from "@colloquy/core"
import { Replay, TestPlatform } from "@colloquy/core/testing"
import { NodeFileSystem } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Layer } from "effect"
import { fileURLToPath } from "node:url"
import { events, failureOf, finished, layer, sending, summary } from "./dialogue.ts"
import { type Trouble, troubles } from "./troubles.ts"

const page = fileURLToPath(new URL("../../docs/troubles.md", import.meta.url))

/** The clock runs only for what needs it: SCRAM's derivation takes real time. */
const meet = ({ message, options, reason }: Trouble) =>
  reason === "TimedOut" ? failureOf(sending(options, message)) : Effect.flip(sending(options, message))

/** The error, the log as a file has it, and what the log means. */
const record = (trouble: Trouble) =>
  Effect.gen(function*() {
    const error = yield* meet(trouble)
    if (trouble.isUnfinished !== true) yield* finished
    const log = yield* events
    const [conversation] = LogReader.conversationsOf(log)
    return { error, text: LogText.format(log), diagnosis: Diagnosis.diagnose(conversation?.events ?? []) }
  }).pipe(Effect.provide(layer(trouble.server)))

const replay = (trouble: Trouble, text: string) =>
  Effect.tap(meet(trouble), () => trouble.isUnfinished === true ? Effect.void : finished).pipe(
    Effect.provide(Layer.mergeAll(Replay.layer(text), SmtpLog.layerMemory, TestPlatform.layer))
  )

const facts = (error: SmtpError.SmtpError) => ({
  ...summary(error),
  kind: "kind" in error.reason ? error.reason.kind : undefined,
  reply: error.reply?.lines
})

const row = (trouble: Trouble) =>
  Effect.map(record(trouble), ({ diagnosis, error }) =>
    [
      trouble.name,
      `\`${error.reason._tag}\` at ${error.phase}`,
      diagnosis.what,
      trouble.notReplayable === undefined ? "the same" : `no: it ${trouble.notReplayable}`
    ].map((cell) => cell.replaceAll("|", "\\|")))

describe("recorded, explained, replayed", () => {
  for (const trouble of troubles) {
    it.effect(trouble.name, () =>
      Effect.gen(function*() {
        const { diagnosis, error, text } = yield* record(trouble)
        assert.strictEqual(error.reason._tag, trouble.reason)
        assert.strictEqual(diagnosis.outcome, "failed")
        assert.strictEqual(diagnosis.rule, trouble.rule)
        assert.strictEqual(Diagnosis.ofError(error).rule, trouble.rule)
        assert.deepStrictEqual(Diagnosis.ofErrorAll(error), [Diagnosis.ofError(error)])
        if (trouble.notReplayable !== undefined) {
          const refusal = yield* Effect.flip(Layer.build(Replay.layer(text)))
          assert.instanceOf(refusal, Replay.ReplayError)
          return assert.include(refusal.problem, trouble.notReplayable)
        }
        assert.deepStrictEqual(facts(yield* replay(trouble, text)), facts(error))
      }).pipe(Effect.scoped))
  }

  it.effect("is the table of docs/troubles.md", () =>
    Effect.gen(function*() {
      const rows = yield* Effect.forEach(troubles, row)
      const head = ["what happens", "the error", "what the diagnosis says", "replayed"]
      const widths = head.map((title, at) => Math.max(title.length, ...rows.map((cells) => cells[at]?.length ?? 0)))
      const line = (cells: ReadonlyArray<string>) =>
        `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(" | ")} |`
      const table = [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n")
      const fs = yield* FileSystem.FileSystem
      const found = yield* fs.readFileString(page)
      const expected = found.replace(/\n\|[^]*\|\n/, () => `\n${table}\n`)
      // COLLOQUY_TROUBLES=write brings it up to date.
      if (process.env["COLLOQUY_TROUBLES"] === "write") yield* fs.writeFileString(page, expected)
      assert.strictEqual(found, expected)
    }).pipe(Effect.provide(NodeFileSystem.layer)))
})
