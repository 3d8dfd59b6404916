import * as LogEvent from "@colloquy/core/LogEvent"
import * as SmtpLog from "@colloquy/core/SmtpLog"
import * as CaptureServer from "@colloquy/core/testing/CaptureServer"
import * as Script from "@colloquy/core/testing/Script"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as NodeSocketServer from "@effect/platform-node/NodeSocketServer"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Path from "effect/Path"
import { ChildProcess } from "effect/process"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { fileURLToPath } from "node:url"
import { colloquy, Machine } from "./run.ts"

const root = fileURLToPath(new URL("../../", import.meta.url))
const read = (name: string) => FileSystem.FileSystem.use((fs) => fs.readFileString(`${root}${name}`))

/** The article's server, with the delays between its lines. */
const gmail = Script.fromText(`
  -- delay 104 millis
  S: 220 smtp.gmail.com ESMTP y139sm19463388wmd.22 - gsmtp
  C: EHLO [192.168.18.9]
  -- delay 11 millis
  S: 250-smtp.gmail.com at your service, [195.68.52.79]
  S: 250-SIZE 35882577
  S: 250-8BITMIME
  S: 250-AUTH LOGIN PLAIN XOAUTH2 PLAIN-CLIENTTOKEN OAUTHBEARER XOAUTH
  S: 250-ENHANCEDSTATUSCODES
  S: 250-PIPELINING
  S: 250-CHUNKING
  S: 250 SMTPUTF8
  C: AUTH PLAIN ********************************
  -- delay 72 millis
  S: 535-5.7.8 Username and Password not accepted. Learn more at
  S: 535 5.7.8 https://support.google.com/mail/?p=BadCredentials y139sm19463388wmd.22 - gsmtp
  C: QUIT
  -- delay 7 millis
  S: 221 2.0.0 closing connection y139sm19463388wmd.22 - gsmtp
  -- close
`)

const command = "colloquy check --server smtps://ann@smtp.gmail.com --name [192.168.18.9] --log -"

/** What the program prints to standard error, where the conversation is. */
const transcript = Effect.gen(function*() {
  yield* TestClock.setTime(Date.UTC(2026, 1, 6, 15, 3, 11, 586))
  let counter = 0
  const running = yield* Effect.forkChild(
    colloquy(command.split(" ").slice(1), { COLLOQUY_PASSWORD: "not the password" }).pipe(
      Effect.provide(Layer.merge(Script.layer(gmail), Machine)),
      Effect.provideService(LogEvent.Sequence, { nextCounterUnsafe: () => ++counter, nextSessionUnsafe: () => 7 }),
      Effect.provideService(LogEvent.ProcessId, 5)
    )
  )
  yield* TestClock.adjust("1 second")
  const { errors, status } = yield* Fiber.join(running)
  assert.strictEqual(status, 77)
  return `$ ${command}\n${errors}`
})

/** The README with these in the place of its blocks of code, in order. */
const withBlocks = (readme: string, contents: ReadonlyArray<readonly [language: string, content: string]>) => {
  const left = [...contents]
  return readme.replaceAll(/^```(\w*)\n[^]*?^```$/gm, (block, language) => {
    const index = left.findIndex(([each]) => each === language)
    const [found] = index < 0 ? [] : left.splice(index, 1)
    return found === undefined ? block : `\`\`\`${language}\n${found[1]}\`\`\``
  })
}

describe("the README", () => {
  it.effect("has the samples that the tests compile and run, and the transcript that the program prints", () =>
    Effect.gen(function*() {
      const readme = yield* read("README.md")
      const expected = withBlocks(readme, [
        ["ts", yield* read("test/cli/readme/application.ts")],
        ["ts", yield* read("test/cli/readme/Login.test.ts")],
        ["ts", yield* read("test/cli/readme/Customer.test.ts")],
        ["", `${yield* transcript}\n`]
      ])
      // COLLOQUY_README=write brings it up to date.
      if (process.env["COLLOQUY_README"] === "write") {
        yield* FileSystem.FileSystem.use((fs) => fs.writeFileString(`${root}README.md`, expected))
      }
      assert.strictEqual(readme, expected)
    }).pipe(Effect.provide(NodeServices.layer)))

  it.live("has an application that sends, and leaves the conversation in its log", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const { join } = yield* Path.Path
      const server = yield* CaptureServer.CaptureServer
      const folder = yield* fs.makeTempDirectoryScoped()
      const child = yield* ChildProcess.make(process.execPath, [join(root, "test/cli/readme/application.ts")], {
        cwd: folder,
        env: { SMTP_URL: `smtp://127.0.0.1:${server.port}?tls=none`, NO_COLOR: "1" },
        extendEnv: true
      })
      const output = yield* Stream.mkString(Stream.decodeText(child.all))
      assert.strictEqual(yield* child.exitCode, 0, output)
      const [message] = yield* server.messages
      assert.deepStrictEqual(message?.envelope, { from: "shop@example.com", to: ["ann@example.org"] })
      assert.include(message?.text, "Good to have you.")
      const log = yield* fs.readFileString(join(folder, "logs/mail.log"))
      assert.include(log, `C > "MAIL FROM:<shop@example.com>`)
      assert.include(output, "queued as")
    }).pipe(
      Effect.scoped,
      Effect.provide(
        CaptureServer.layer().pipe(
          Layer.provide([NodeSocketServer.layer({ host: "127.0.0.1", port: 0 }), SmtpLog.layerNone]),
          Layer.merge(NodeServices.layer)
        )
      )
    ), 30_000)
})
