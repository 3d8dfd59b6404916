import * as Script from "@colloquy/core/testing/Script"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Sink from "effect/Sink"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import { TestConsole } from "effect/testing"
import * as Net from "node:net"
import { fileURLToPath } from "node:url"
import { colloquy, Machine } from "./run.ts"

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url))
const customer = fixture("customer.log")
const french = fixture("4d-smtp-log.fr.txt")

const nobody = Script.layer(Script.fromText("-- silence\n"))
const Reader = Layer.mergeAll(nobody, Machine).pipe((layer) => Layer.merge(layer, NodeFileSystem.layer))

const running = (args: ReadonlyArray<string>, environment?: Record<string, string>) =>
  colloquy(["log", ...args], environment).pipe(Effect.provide(Reader))

/** With a console of its own. */
const alone = Effect.provide(Layer.fresh(TestConsole.layer))
const log = (...given: Parameters<typeof running>) => alone(running(...given))

/** The log on standard input. */
const given = (...from: Parameters<typeof runningWith>) => alone(runningWith(...from))
const runningWith = (text: string, args: ReadonlyArray<string>, environment?: Record<string, string>) =>
  colloquy(["log", ...args], environment).pipe(
    Effect.provide(Layer.merge(
      Reader,
      Stdio.layerTest({ stdin: Stream.make(new TextEncoder().encode(text)) })
    ))
  )

const head = (session: number) => [
  `1 2026-01-01T00:00:00.000Z 5 ${session} ### SMTP Connecting to 'mail.test' on port 25. (none)`,
  `2 2026-01-01T00:00:00.010Z 5 ${session} ### SMTP Connected to 'mail.test' on port 25. (unsecured)`,
  `3 2026-01-01T00:00:00.020Z 5 ${session} S < "220 mail.test"`,
  `4 2026-01-01T00:00:00.021Z 5 ${session} C > "EHLO client.test"`,
  `5 2026-01-01T00:00:05.021Z 5 ${session} S < "250 mail.test"`,
  `6 2026-01-01T00:00:05.022Z 5 ${session} C > "MAIL FROM:<ann@mail.test>"`,
  `7 2026-01-01T00:00:05.023Z 5 ${session} S < "250 2.1.0 Ok"`,
  `8 2026-01-01T00:00:05.024Z 5 ${session} C > "RCPT TO:<bob@example.org>"`
]
const tail = (session: number) => [
  `15 2026-01-01T00:00:05.100Z 5 ${session} C > "QUIT"`,
  `16 2026-01-01T00:00:05.101Z 5 ${session} S < "221 2.0.0 Bye"`,
  `17 2026-01-01T00:00:05.101Z 5 ${session} ### SMTP Connection closed. (client) {"elapsed":5101}`
]
const sent = (session: number) => [
  ...head(session),
  `9 2026-01-01T00:00:05.025Z 5 ${session} S < "250 2.1.5 Ok"`,
  `10 2026-01-01T00:00:05.026Z 5 ${session} C > "DATA"`,
  `11 2026-01-01T00:00:05.027Z 5 ${session} S < "354 Go on"`,
  `12 2026-01-01T00:00:05.030Z 5 ${session} ### SMTP Content sent. (12345 octets, 200 lines) {"elapsed":3}`,
  `13 2026-01-01T00:00:05.090Z 5 ${session} S < "250 2.0.0 Ok: queued as 4D2F1"`,
  ...tail(session)
]
const refused = (session: number) => [
  ...head(session),
  `9 2026-01-01T00:00:05.025Z 5 ${session} S < "550 5.1.1 No such user"`,
  ...tail(session)
]
const both = [...sent(1), ...refused(2)].map((line) => `${line}\n`).join("")

const objects = (output: string): ReadonlyArray<Record<string, unknown>> =>
  output.split("\n").map((line) => JSON.parse(line))

describe("colloquy log show", () => {
  it.effect("shows a conversation as a dialogue, with its silences", () =>
    Effect.gen(function*() {
      const ran = yield* given(both, ["show", "-", "--session", "1"])
      assert.deepStrictEqual(ran, {
        status: 0,
        errors: "",
        output: [
          "Session 1 with mail.test:25, 2026-01-01 00:00:00.000, nothing went wrong",
          " 1    +0.000  -- Connecting to 'mail.test' on port 25. (none)",
          " 2    +0.010  -- Connected to 'mail.test' on port 25. (unsecured)",
          " 3    +0.020  S: 220 mail.test",
          " 4    +0.021  C: EHLO client.test",
          "              … 5.0 s …",
          " 5    +5.021  S: 250 mail.test",
          " 6    +5.022  C: MAIL FROM:<ann@mail.test>",
          " 7    +5.023  S: 250 2.1.0 Ok",
          " 8    +5.024  C: RCPT TO:<bob@example.org>",
          " 9    +5.025  S: 250 2.1.5 Ok",
          "10    +5.026  C: DATA",
          "11    +5.027  S: 354 Go on",
          "12    +5.030  -- Content sent. (12345 octets, 200 lines)",
          "13    +5.090  S: 250 2.0.0 Ok: queued as 4D2F1",
          "15    +5.100  C: QUIT",
          "16    +5.101  S: 221 2.0.0 Bye",
          "17    +5.101  -- Connection closed. (client)"
        ].join("\n")
      })
    }))

  it.effect.each([
    [["--failed"], [2]],
    [["--host", "MAIL.test"], [1, 2]],
    [["--host", "other.test"], []],
    [["--domain", "example.org"], [1, 2]],
    [["--domain", "example.com"], []],
    [["--session", "2"], [2]],
    [["--session", "2", "--session", "1"], [1, 2]],
    [["--failed", "--session", "1"], []]
  ] as ReadonlyArray<readonly [ReadonlyArray<string>, ReadonlyArray<number>]>)(
    "shows what was chosen: %s",
    ([args, sessions]) =>
      Effect.gen(function*() {
        const ran = yield* given(both, ["show", "-", ...args])
        const shown = ran.output.split("\n").flatMap((line) => /^Session (\d+)/.exec(line)?.slice(1).map(Number) ?? [])
        assert.deepStrictEqual({ status: ran.status, shown }, { status: 0, shown: [...sessions] })
      })
  )

  it.effect("has colours on a terminal only", () =>
    Effect.gen(function*() {
      const plain = yield* log(["show", customer])
      assert.notInclude(plain.output, "\u001b")
      const coloured = yield* log(["show", customer], { FORCE_COLOR: "1" })
      assert.include(coloured.output, "\u001b[31m16 ")
    }))

  it.effect("lets nothing of a log drive the terminal, in text or JSON", () =>
    Effect.gen(function*() {
      const hostile = [
        `1 2026-01-01T00:00:00.000Z 5 7 S < "220 \u001b]0;owned\u0007\u202e\u009b31m"`,
        `\u001b[2J what is this`,
        `2 2026-01-01T00:00:00.000Z 5 7 C > "RCPT TO:<\u001b[31m@example.org>"`,
        `3 2026-01-01T00:00:00.000Z 5 7 S < "550 5.1.1 \u001b[31m"`,
        `4 2026-01-01T00:00:00.000Z 5 7 ### SMTP Failed while rcpt. (\u001b[31m) {"message":"\\u001b[31m"}`
      ].map((line) => `${line}\n`).join("")
      for (
        const args of [
          ["show", "-"],
          ["list", "-"],
          ["explain", "-"],
          ["stats", "-"],
          ["convert", "-"],
          ["diff", "-", customer],
          ["show", "-", "--follow"]
        ]
      ) {
        for (const json of [[], ["--json"]]) {
          const ran = yield* given(hostile, [...args, ...json])
          // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
          const found = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/.exec(`${ran.output}${ran.errors}`)
          assert.isNull(found, `${args.join(" ")} ${json.join("")}: ${JSON.stringify(found)}`)
          assert.strictEqual(ran.status, 0, ran.errors)
        }
      }
    }))

  it.effect("tells what can't be read of a log, and what file can't", () =>
    Effect.gen(function*() {
      const junk = yield* given("junk\n", ["show", "-"])
      assert.strictEqual(junk.output, "-- line 1 of standard input could not be read: junk")
      const nothing = yield* log(["show", "nothing-*.log"])
      assert.deepStrictEqual([nothing.status, nothing.errors.split("\n")[0]], [
        74,
        "colloquy: 'nothing-*.log' can't be read: there is no such file"
      ])
    }))

  it.live("follows a log that grows", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const file = yield* fs.makeTempFileScoped()
      yield* fs.writeFileString(file, `${sent(1).slice(0, 3).join("\n")}\n`)
      const following = yield* Effect.forkChild(running(["show", file, "--follow", "--failed"]), {
        startImmediately: true
      })
      const waitFor = (text: string): Effect.Effect<string> =>
        Effect.gen(function*() {
          const output = (yield* TestConsole.logLines).join("\n")
          if (output.includes(text)) return output
          yield* Effect.sleep("20 millis")
          return yield* waitFor(text)
        })
      yield* fs.writeFileString(file, `${sent(1).slice(3).join("\n")}\n${refused(2).slice(0, 9).join("\n")}\n`, {
        flag: "a"
      })
      yield* fs.writeFileString(
        file,
        `10 2026-01-01T00:00:05.026Z 5 2 ### SMTP Failed while rcpt. (RecipientsRefused) {"message":"no"}\n`,
        { flag: "a" }
      )
      const output = yield* waitFor("Failed while rcpt")
      assert.notInclude(output, "[1]")
      assert.deepStrictEqual(output.split("\n").slice(-2), [
        "     9 00:00:05.025  [2] S: 550 5.1.1 No such user",
        "    10 00:00:05.026  [2] -- Failed while rcpt. (RecipientsRefused) no"
      ])
      yield* Fiber.interrupt(following)
    }).pipe(Effect.scoped, Effect.provide(Layer.merge(NodeFileSystem.layer, TestConsole.layer))))
})

describe("colloquy log list", () => {
  it.effect("has a row a conversation: when, how long, how much, outcome, server, who, what", () =>
    Effect.gen(function*() {
      const ran = yield* given(both, ["list", "-"])
      assert.deepStrictEqual(ran.output.split("\n"), [
        "SESSION  WHEN (UTC)                       TOOK       OCTETS  OUTCOME   SERVER; WHO; WHAT",
        "      1  2026-01-01 00:00:00.000         5.1 s       12,345  fine      mail.test:25; ann@mail.test to bob@example.org",
        "      2  2026-01-01 00:00:00.000         5.1 s               failed    mail.test:25; ann@mail.test to bob@example.org; 550 5.1.1: There is no such mailbox at the recipient's server."
      ])
    }))
  it.effect("has the same as JSON", () =>
    Effect.gen(function*() {
      const ran = yield* given(both, ["list", "-", "--json"])
      assert.deepStrictEqual(
        objects(ran.output).map(({ host, octets, outcome, session, to }) => ({ session, host, octets, outcome, to })),
        [
          { session: 1, host: "mail.test", octets: 12_345, outcome: "fine", to: "bob@example.org" },
          { session: 2, host: "mail.test", octets: 0, outcome: "failed", to: "bob@example.org" }
        ]
      )
    }))
  it.effect("merges files of several programs", () =>
    Effect.gen(function*() {
      const ran = yield* log(["list", customer, french, "--json"])
      assert.deepStrictEqual(objects(ran.output).map(({ outcome, session }) => [session, outcome]), [
        [7, "failed"],
        [0, "unclear"],
        [7, "failed"]
      ])
    }))
})

describe("colloquy log explain", () => {
  it.effect("walks through 4D's log in French, and says what to do", () =>
    Effect.gen(function*() {
      const ran = yield* log(["explain", french, "--session", "7"])
      assert.strictEqual(ran.status, 0, ran.errors)
      assert.include(ran.output, "  lines 3 to 11: The client introduced itself as [192.168.18.9]")
      assert.include(ran.output, "  lines 14 to 16: The client sent its credentials; the server refused: 535 5.7.8")
      assert.include(ran.output, "Google refused user name and password.")
      assert.include(ran.output, "app password")
    }))
  it.effect("explains what went wrong, and says so where nothing did", () =>
    Effect.gen(function*() {
      const wrong = yield* given(both, ["explain", "-"])
      assert.include(wrong.output, "Session 2 with mail.test:25")
      assert.notInclude(wrong.output, "Session 1 with")
      const fine = yield* given([...sent(1), ...sent(3)].join("\n"), ["explain", "-"])
      assert.strictEqual(fine.output, "Nothing went wrong in 2 conversations.")
    }))
  it.effect("is JSON for programs, and fails where there is nothing to explain", () =>
    Effect.gen(function*() {
      const ran = yield* given(both, ["explain", "-", "--json"])
      const [only, ...others] = objects(ran.output)
      assert.deepStrictEqual([only?.["session"], others.length], [2, 0])
      assert.deepPropertyVal(only?.["diagnoses"], "length", 1)
      const nothing = yield* given("", ["explain", "-"])
      assert.strictEqual(nothing.status, 74)
      assert.include(nothing.errors, "'standard input' can't be read: there is no conversation in it")
    }))
})

describe("colloquy log stats", () => {
  it.effect("counts outcomes by what went wrong and by server, and tells how long each phase took", () =>
    Effect.gen(function*() {
      const ran = yield* given(both, ["stats", "-"])
      assert.deepStrictEqual(ran.output.split("\n").slice(0, 8), [
        "2 conversations: 1 fine, 1 failed, 0 partial, 0 unclear; 12,345 octets of content",
        "from 2026-01-01 00:00:00.000 to 2026-01-01 00:00:00.000 (UTC)",
        "",
        "What went wrong",
        "        1  There is no such mailbox at the recipient's server. (recipient/unknown)",
        "",
        "Servers",
        "     fine   failed  partial  unclear"
      ])
      assert.match(ran.output, /^ehlo +2 +5\.0 s +5\.0 s +5\.0 s +5\.0 s$/m)
    }))
  it.effect("is one object for programs", () =>
    Effect.gen(function*() {
      const ran = yield* given(both, ["stats", "-", "--json"])
      const [facts] = objects(ran.output)
      assert.deepStrictEqual(facts?.["outcomes"], { fine: 1, failed: 1, partial: 0, unclear: 0 })
      assert.deepStrictEqual(facts?.["servers"], [
        { server: "mail.test:25", outcomes: { fine: 1, failed: 1, partial: 0, unclear: 0 } }
      ])
    }))
  it.effect("shows on a terminal how far a long reading has come", () =>
    Effect.gen(function*() {
      const told: Array<string | Uint8Array> = []
      const terminal = Stdio.layerTest({
        stdin: Stream.fromIterable(Array.from({ length: 2_500 }, (_, at) => at)).pipe(
          Stream.map((at) => new TextEncoder().encode(`${sent(at + 1).join("\n")}\n`))
        ),
        stderrIsTerminal: Effect.succeed(true),
        stderr: () => Sink.forEach((text: string | Uint8Array) => Effect.sync(() => told.push(text)))
      })
      const ran = yield* colloquy(["log", "stats", "-"]).pipe(Effect.provide(Layer.merge(Reader, terminal)))
      assert.include(ran.output, "2,500 conversations: 2,500 fine")
      assert.deepStrictEqual(told, [
        "\r\u001b[K1,000 conversations read",
        "\r\u001b[K2,000 conversations read",
        "\r\u001b[K"
      ])
    }))
})

describe("colloquy log diff", () => {
  it.effect("puts two conversations side by side", () =>
    Effect.gen(function*() {
      const ran = yield* Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const file = yield* fs.makeTempFileScoped()
        yield* fs.writeFileString(file, both)
        return yield* log(["diff", file, file, "--left", "1", "--right", "2", "--width", "30"])
      }).pipe(Effect.scoped, Effect.provide(NodeFileSystem.layer))
      assert.deepStrictEqual(ran.output.split("\n").slice(-10), [
        "C: RCPT TO:<bob@example.org>     C: RCPT TO:<bob@example.org>",
        "S: 250 2.1.5 Ok                | S: 550 5.1.1 No such user",
        "C: DATA                        <",
        "S: 354 Go on                   <",
        "-- Content sent. (12345 octet… <",
        "S: 250 2.0.0 Ok: queued as 4D… <",
        "C: QUIT                          C: QUIT",
        "S: 221 2.0.0 Bye                 S: 221 2.0.0 Bye",
        "-- Connection closed. (client)   -- Connection closed. (client)",
        "5 of 16 lines differ."
      ])
    }))
  it.effect("says that they say the same, and what it was asked amiss", () =>
    Effect.gen(function*() {
      const same = yield* log(["diff", customer, customer])
      assert.include(same.output, "They say the same.")
      const wrong = yield* log(["diff", customer, customer, "--left", "9"])
      assert.deepStrictEqual([wrong.status, wrong.errors.split("\n")[0]], [
        74,
        `colloquy: '${customer}' can't be read: there is no session 9 in it`
      ])
    }))
})

describe("colloquy log convert", () => {
  it.effect("leaves a log of ours as it is, and makes one of any other", () =>
    Effect.gen(function*() {
      const own = yield* log(["convert", customer])
      const text = yield* FileSystem.FileSystem.use((fs) => fs.readFileString(customer)).pipe(
        Effect.provide(NodeFileSystem.layer)
      )
      assert.strictEqual(`${own.output}\n`, text)
      const json = yield* log(["convert", french, "--zone", "Europe/Paris", "--to", "ndjson"])
      const back = yield* given(json.output, ["convert", "-"])
      assert.include(back.output, String.raw`12 2019-02-06T14:03:12.162Z 5 7 C > "AUTH PLAIN"`)
      assert.match(back.output, /^1 \S+Z 5 0 ### Log opened\. \{"format":1/)
    }))
})

/** Says these lines, each after the server's answer to the one before; gives what the server said. */
const talk = (port: number, lines: ReadonlyArray<string>) =>
  Effect.callback<string, Error>((resume) => {
    const socket = Net.connect(port, "127.0.0.1")
    const left = [...lines]
    let heard = ""
    socket.on("data", (octets) => {
      heard += octets.toString()
      const line = left.shift()
      if (line !== undefined) socket.write(`${line}\r\n`)
    })
    socket.on("error", (error) => resume(Effect.fail(error)))
    socket.on("close", () => resume(Effect.succeed(heard)))
    return Effect.sync(() => socket.destroy())
  })

describe("colloquy log replay", () => {
  it.live(
    "is the recorded server at a port, for any client, and shows where the client says something else",
    () =>
      Effect.gen(function*() {
        const playing = yield* Effect.forkChild(
          runningWith(refused(2).join("\n"), ["replay", "-", "--port", "0", "--json"]),
          { startImmediately: true }
        )
        const until = (tag: string, count: number): Effect.Effect<Record<string, unknown>> =>
          Effect.gen(function*() {
            const found = (yield* TestConsole.logLines).map((line) => JSON.parse(String(line))).filter(({ _tag }) =>
              _tag === tag
            )
            if (found.length >= count) return found[count - 1]
            yield* Effect.sleep("20 millis")
            return yield* until(tag, count)
          })
        const port = Number((yield* until("Listening", 1))["port"])
        const whole = yield* talk(port, [
          "EHLO client.test",
          "MAIL FROM:<ann@mail.test>",
          "RCPT TO:<bob@example.org>",
          "QUIT"
        ])
        assert.strictEqual(
          whole,
          "220 mail.test\r\n250 mail.test\r\n250 2.1.0 Ok\r\n550 5.1.1 No such user\r\n221 2.0.0 Bye\r\n"
        )
        assert.include(String((yield* until("Finished", 1))["conversation"]), "C: RCPT TO:<bob@example.org>")
        const other = yield* talk(port, ["EHLO client.test", "MAIL FROM:<eve@mail.test>"])
        assert.strictEqual(
          other,
          "220 mail.test\r\n250 mail.test\r\n554 5.5.0 The recording has something else here\r\n"
        )
        assert.include(
          String((yield* until("Departed", 1))["difference"]),
          "> C: MAIL FROM:<ann@mail.test> | C: MAIL FROM:<eve@mail.test>"
        )
        yield* Fiber.interrupt(playing)
      }).pipe(Effect.provide(TestConsole.layer)),
    20_000
  )

  it.effect("says what can't be replayed", () =>
    Effect.gen(function*() {
      const ran = yield* given("junk\n", ["replay", "-"])
      assert.deepStrictEqual([ran.status, ran.errors.split("\n")[0]], [
        74,
        "colloquy: 'standard input' can't be read: it can't be replayed: there is no conversation in it"
      ])
    }))
})
