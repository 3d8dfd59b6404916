/** The tests of secrets can fail: with a log form that is the wire's in this build, they find what the client sent. */
import type * as Commands from "@colloquy/core/Command"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { vi } from "vitest"
import { differences, observe } from "./secrets.ts"
import { type Case, cases, script } from "./secretsScripts.ts"

vi.mock("@colloquy/core/Command", async (original) => {
  const commands = await original<typeof Commands>()
  return {
    ...commands,
    toLog: (command: Commands.Command) =>
      Result.match(commands.encode(command), { onFailure: () => "", onSuccess: (line) => line.slice(0, -2) })
  }
})

const run = (mechanism: Case, secret: string) =>
  observe({
    options: mechanism.options(secret),
    ...(mechanism.bindsChannel === true ? { channelBinding: new Uint8Array(32) } : {}),
    script: script(mechanism, "535", { secret, oneLine: true, act: "send" })
  })

describe("without the redacted rendering", () => {
  for (const mechanism of cases.filter(({ name }) => name !== "ANONYMOUS")) {
    it.effect(`the check finds what ${mechanism.name} sends`, () =>
      Effect.gen(function*() {
        const different = differences(
          yield* run(mechanism, "first;s3cret;of;two"),
          yield* run(mechanism, "and:the:other~one")
        )
        for (
          const where of [
            "the memory's text",
            "the memory's statements",
            "the events of a function as JSON",
            "the file /log/text",
            "the file /log/ndjson",
            "the file /log/failed",
            "the live log as JSON",
            "the error encoded",
            "the error rendered",
            "the spans",
            "what Effect's loggers got"
          ]
        ) assert.include(different, where)
      }))
  }
})
