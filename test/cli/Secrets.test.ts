/**
 * Secrets, as non-interference: whatever the program prints is the same, octet by octet, for two secrets. What the program
 * prints is everything that it tells: steps, conversation, report, JSON.
 */
import * as LogEvent from "@colloquy/core/LogEvent"
import * as Script from "@colloquy/core/testing/Script"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { TestConsole } from "effect/testing"
import { colloquy, Machine, type Ran } from "./run.ts"

const login = `
  S: 220 mail.test ESMTP
  C: EHLO client.test
  S: 250-mail.test
  S: 250 AUTH PLAIN
  C: AUTH PLAIN ********************************
`
const refused = `${login}
  S: 535 5.7.8 No
  C: QUIT
  S: 221 2.0.0 Bye
`
const broken = `${login}
  -- close
`

/** Letters that no word of the scripts is made of alone, and what logs and encodings are made of. */
const characters = Array.from("qxzQXZ \"'\\<>[]{}/+=*%:@,;#?&!|~$^`äßñ☃日")
const secrets = Schema.Array(Schema.Literals(characters)).check(Schema.isMinLength(4), Schema.isMaxLength(60))

const server = ["--server", "smtps://ann@mail.test", "--name", "client.test"]
const mail = ["--from", "ann@mail.test", "--to", "bob@mail.test", "--text", "Hi"]
const commands: ReadonlyArray<readonly [what: string, args: ReadonlyArray<string>]> = [
  ["check", ["check", ...server]],
  ["check --json", ["check", ...server, "--json"]],
  ["check --log -", ["check", ...server, "--log", "-"]],
  ["send --json", ["send", ...server, ...mail, "--json"]],
  ["send --log -", ["send", ...server, ...mail, "--log", "-"]]
]

const run = (script: string, args: ReadonlyArray<string>, password: string): Effect.Effect<Ran> => {
  let counter = 0
  return colloquy(args, { COLLOQUY_PASSWORD: password }).pipe(
    Effect.provide(Layer.mergeAll(Script.layer(Script.fromText(script)), Machine, Layer.fresh(TestConsole.layer))),
    Effect.provideService(LogEvent.Sequence, { nextCounterUnsafe: () => ++counter, nextSessionUnsafe: () => 1 })
  )
}

describe("what the program prints", () => {
  for (const [what, args] of commands) {
    for (const [how, script] of [["refused", refused], ["cut off", broken]] as const) {
      it.effect.prop(
        `by ${what} is the same for any two passwords, when the login is ${how}`,
        [secrets, secrets],
        ([a, b]) =>
          Effect.gen(function*() {
            const [first, second] = [a.join(""), b.join("")]
            const told = yield* run(script, args, first)
            assert.isAbove(told.output.length + told.errors.length, 100)
            assert.deepStrictEqual(told, yield* run(script, args, second))
          }),
        { arbitrary: { runs: 20 }, timeout: 30_000 }
      )
    }
  }

  it.effect("would differ for two servers: the comparison can fail", () =>
    Effect.gen(function*() {
      const args = ["check", ...server]
      const one = yield* run(refused, args, "quartz-quartz")
      const other = yield* run(refused.replace("5.7.8 No", "5.7.8 No quartz-quartx"), args, "quartz-quartz")
      assert.notDeepEqual(one, other)
    }))

  it.effect("has asterisks where a server says the password back", () =>
    Effect.gen(function*() {
      const echo = refused.replace("5.7.8 No", "5.7.8 No: quartz-quartz")
      for (const [, args] of commands) {
        const { errors, output } = yield* run(echo, args, "quartz-quartz")
        assert.notInclude(output + errors, "quartz")
        assert.include(output + errors, `5.7.8 No: ${LogEvent.secret}`)
      }
    }))
})
