/** The tests of secrets can fail: with a log form that is the wire's in this build, they find what the client sent. */
import type { Command } from "@colloquy/core/Command"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { vi } from "vitest"
import { differences, observe } from "./secrets.ts"
import { cases, script } from "./secretsScripts.ts"

vi.mock("@colloquy/core/Command", async (original) => {
  const commands = await original<typeof import("@colloquy/core/Command")>()
  const base64 = (secret: Redacted.Redacted) => Buffer.from(Redacted.value(secret)).toString("base64")
  return {
    ...commands,
    toLog: (command: Command) =>
      command._tag === "AUTH" && command.initial !== undefined
        ? `AUTH ${command.mechanism} ${base64(command.initial)}`
        : command._tag === "AuthResponse"
        ? base64(command.response)
        : commands.toLog(command)
  }
})

describe("without the redacted rendering", () => {
  for (const mechanism of cases.filter(({ name }) => name !== "ANONYMOUS")) {
    it.effect(`the check finds what ${mechanism.name} sends`, () =>
      Effect.gen(function*() {
        const run = (secret: string) =>
          observe({
            options: mechanism.options(secret),
            ...(mechanism.bindsChannel === true ? { channelBinding: new Uint8Array(32) } : {}),
            script: script(mechanism, "535", { secret, oneLine: true, act: "send" })
          })
        const different = differences(yield* run("first;s3cret;of;two"), yield* run("and:the:other~one"))
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
