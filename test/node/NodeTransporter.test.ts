import * as SmtpLog from "@colloquy/core/SmtpLog"
import * as CaptureServer from "@colloquy/core/testing/CaptureServer"
import * as Transporter from "@colloquy/core/Transporter"
import * as NodeTransporter from "@colloquy/node/NodeTransporter"
import * as NodeSocketServer from "@effect/platform-node/NodeSocketServer"
import { assert, describe, it } from "@effect/vitest"
import { Config, ConfigProvider, Effect, Layer, Redacted } from "effect"
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { certificates } from "./certificates.ts"

const password = Redacted.make("correct horse battery")

/** A server over TCP with STARTTLS and a login. */
const capture = Layer.suspend(() => {
  const { cert, key } = certificates().server
  return CaptureServer.layer({ tls: { cert, key: Redacted.make(key) }, users: { me: password } })
}).pipe(
  Layer.provide(NodeSocketServer.layer({ host: "127.0.0.1", port: 0 })),
  Layer.provide(SmtpLog.layerNone)
)

const environment = (variables: Record<string, string>) =>
  Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown(variables))

const mail = { from: "me@example.com", to: "you@example.org", subject: "Hello", text: "It works." }

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "colloquy-transporter-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true }))
)

describe("NodeTransporter.layer", () => {
  it.live("sends through STARTTLS and a login, and its log is off unless somebody switches it on", () =>
    Effect.gen(function*() {
      const { port, take } = yield* CaptureServer.CaptureServer
      const transporter = NodeTransporter.layer({
        host: "localhost",
        port,
        tls: { ca: certificates().ca },
        user: "me",
        password,
        name: "client.test"
      })
      const { receipt, state } = yield* Effect.gen(function*() {
        const state = yield* Effect.flatMap(SmtpLog.LogSwitch, (log) => log.state)
        return { receipt: yield* Transporter.send(mail), state }
      }).pipe(Effect.provide(transporter), environment({}))
      const { envelope, text } = yield* take
      assert.strictEqual(state, "off")
      assert.strictEqual(receipt.queueId, "C1")
      assert.deepStrictEqual([envelope.from, envelope.to], ["me@example.com", ["you@example.org"]])
      assert.match(text, /^Subject: Hello\r\n(?:.*\r\n)*\r\nIt works\.\r\n$/m)
    }).pipe(Effect.provide(capture)))

  it.live("writes a transporter's own log file, with the process id, and without the password", () =>
    Effect.gen(function*() {
      const { port } = yield* CaptureServer.CaptureServer
      const logs = yield* folder
      const transporter = NodeTransporter.layer({
        host: "localhost",
        port,
        tls: { ca: certificates().ca },
        user: "me",
        password,
        name: "client.test",
        logFile: { path: "one.txt", folder: logs }
      })
      yield* Transporter.send(mail).pipe(Effect.provide(transporter), environment({}))
      assert.deepStrictEqual(readdirSync(logs), ["one.txt"])
      const log = readFileSync(join(logs, "one.txt"), "utf8")
      const statements = log.split("\n").map((line) => line.split(" ").slice(4).join(" "))
      assert.include(statements, "C > \"EHLO client.test\"")
      assert.isTrue(log.split("\n").slice(0, -1).every((line) => line.split(" ")[2] === String(process.pid)))
      assert.notInclude(log, Redacted.value(password))
      assert.notInclude(log, Buffer.from(`\0me\0${Redacted.value(password)}`).toString("base64"))
    }).pipe(Effect.provide(capture)))
})

describe("NodeTransporter.layerConfig", () => {
  it.live("takes its address from the configuration, and its log's switch from a file that the environment names", () =>
    Effect.gen(function*() {
      const { port, take } = yield* CaptureServer.CaptureServer
      const config = join(yield* folder, "logConfig.json")
      writeFileSync(config, JSON.stringify({ forceConfiguration: true, SMTPLogs: { state: 0 } }))
      const transporter = NodeTransporter.layerConfig({
        url: Config.Redacted("SMTP_URL"),
        tls: Config.succeed({ ca: certificates().ca })
      })
      const url = `smtp://me:${encodeURIComponent(Redacted.value(password))}@localhost:${port}`
      const log = yield* Effect.andThen(Transporter.send(mail), SmtpLog.LogSwitch).pipe(
        Effect.provide(transporter),
        environment({ SMTP_URL: url, COLLOQUY_LOG_CONFIG: config })
      )
      assert.isTrue(log.forced)
      assert.match((yield* take).text, /It works\./)
    }).pipe(Effect.provide(capture)))
})
