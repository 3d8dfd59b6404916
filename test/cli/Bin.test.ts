import * as SmtpLog from "@colloquy/core/SmtpLog"
import * as CaptureServer from "@colloquy/core/testing/CaptureServer"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as NodeSocketServer from "@effect/platform-node/NodeSocketServer"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import { ChildProcess } from "effect/process"
import * as Stream from "effect/Stream"
import * as Net from "node:net"
import { fileURLToPath } from "node:url"

const program = fileURLToPath(new URL("../../packages/cli/src/bin.ts", import.meta.url))

const start = (
  args: ReadonlyArray<string>,
  options: { readonly cwd?: string; readonly env?: Record<string, string> } = {}
) =>
  ChildProcess.make(process.execPath, [program, ...args], {
    cwd: options.cwd,
    env: { NO_COLOR: "1", COLLOQUY_PASSWORD: "", ...options.env },
    extendEnv: true,
    stdin: "ignore"
  })

const run = Effect.fnUntraced(function*(args: ReadonlyArray<string>, options?: Parameters<typeof start>[1]) {
  const child = yield* start(args, options)
  const text = (stream: typeof child.stdout) => Stream.mkString(Stream.decodeText(stream))
  const [output, errors] = yield* Effect.all([text(child.stdout), text(child.stderr)], { concurrency: 2 })
  return { status: Number(yield* child.exitCode), output, errors }
}, Effect.scoped)

/** A server on a free port that accepts and says nothing; `connected` is when somebody has come. */
const silent = Effect.acquireRelease(
  Effect.callback<{ readonly port: number; readonly server: Net.Server; readonly connected: Promise<void> }>(
    (resume) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      const server = Net.createServer((socket) => {
        socket.on("error", () => {})
        resolve()
      })
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        resume(Effect.succeed({
          port: typeof address === "object" && address !== null ? address.port : 0,
          server,
          connected: promise
        }))
      })
    }
  ),
  ({ server }) => Effect.sync(() => server.close())
)

const Capture = CaptureServer.layer().pipe(
  Layer.provide([NodeSocketServer.layer({ host: "127.0.0.1", port: 0 }), SmtpLog.layerNone]),
  Layer.merge(NodeServices.layer)
)

const mail = ["--from", "ann@mail.test", "--to", "bob@mail.test", "--subject", "Hi", "--text", "It works."]
const withoutStack = (text: string) => assert.notMatch(text, /^\s+at .*:\d+/m)
const seconds = 30_000

describe("the program", () => {
  it.live("tells its version", () =>
    Effect.gen(function*() {
      const { output, status } = yield* run(["--version"])
      assert.match(output, /^colloquy \d+\.\d+\.\d+\n$/)
      assert.strictEqual(status, 0)
    }).pipe(Effect.provide(NodeServices.layer)), seconds)

  it.live("demonstrates a delivery over TLS with a login, and no password in it", () =>
    Effect.gen(function*() {
      const { errors, output, status } = yield* run(["demo"])
      assert.deepStrictEqual([status, errors], [0, ""])
      assert.include(output, "Subject: Hello from Colloquy")
      assert.match(
        output,
        /^ *1 {2}\d\d:\d\d:\d\d\.\d{3} {2}### SMTP Connecting to '127\.0\.0\.1' on port \d+\. \(required\)$/m
      )
      assert.match(output, /### SMTP TLS is on\. \(TLSv1\.3, verified\)$/m)
      assert.match(output, /C > "AUTH \S+ \*{32}"$/m)
      assert.match(output, /### SMTP Connection closed\. \(client\)$/m)
      assert.notInclude(output, "battery")
    }).pipe(Effect.provide(NodeServices.layer)), seconds)

  it.live("sends over TCP, and writes the conversation below the current folder", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const cwd = yield* fs.makeTempDirectoryScoped()
      const server = yield* CaptureServer.CaptureServer
      const url = `smtp://127.0.0.1:${server.port}?tls=none`
      const { errors, status } = yield* run(["send", "--server", url, ...mail, "--log", "mail.log"], { cwd })
      assert.deepStrictEqual([status, errors], [0, ""])
      const [message] = yield* server.messages
      assert.deepStrictEqual(message?.envelope, { from: "ann@mail.test", to: ["bob@mail.test"] })
      assert.match(yield* fs.readFileString(`${cwd}/mail.log`), /^\d+ \S+ \d+ 0 ### Log opened\..*\n.*SMTP Connecting/)
    }).pipe(Effect.provide(Capture)), seconds)

  it.live("delivers also where the log's disk is full, and says so", () =>
    Effect.gen(function*() {
      const server = yield* CaptureServer.CaptureServer
      const url = `smtp://127.0.0.1:${server.port}?tls=none`
      const { errors, status } = yield* run(["send", "--server", url, ...mail, "--log", "/dev/full"])
      assert.match(errors, /^colloquy: The log "\/dev\/full" cannot be written: .*\n$/)
      assert.strictEqual(status, 0)
      assert.lengthOf(yield* server.messages, 1)
    }).pipe(Effect.provide(Capture)), seconds)

  it.live("ends with 69 where nothing listens, in a few lines", () =>
    Effect.gen(function*() {
      const { port, server } = yield* silent
      yield* Effect.callback<void>((resume) => void server.close(() => resume(Effect.void)))
      const { errors, output, status } = yield* run(["send", "--server", `smtp://127.0.0.1:${port}`, ...mail])
      assert.deepStrictEqual([status, output], [69, ""])
      assert.isBelow(errors.split("\n").length, 12, errors)
      withoutStack(errors)
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)), seconds)

  it.live("ends with 74 where the log or the message can't be opened", () =>
    Effect.gen(function*() {
      const log = yield* run(["send", "--server", "smtp://127.0.0.1", ...mail, "--log", "/no/such/folder/mail.log"])
      const raw = yield* run([
        "send",
        "--server",
        "smtp://127.0.0.1",
        "--from",
        "a@b.test",
        "--to",
        "c@b.test",
        "--raw",
        "none.eml"
      ])
      assert.deepStrictEqual([log.status, raw.status], [74, 74])
      assert.include(log.errors, "/no/such/folder/mail.log")
      assert.include(raw.errors, "'none.eml' can't be read: there is no such file")
      withoutStack(log.errors + raw.errors)
    }).pipe(Effect.provide(NodeServices.layer)), seconds)

  it.live("ends cleanly on Ctrl-C, with 130", () =>
    Effect.gen(function*() {
      const { connected, port } = yield* silent
      const child = yield* start(["check", "--server", `smtp://127.0.0.1:${port}`])
      const errors = yield* Effect.forkChild(Stream.mkString(Stream.decodeText(child.all)))
      yield* Effect.promise(() => connected)
      yield* child.kill({ killSignal: "SIGINT" })
      assert.strictEqual(Number(yield* child.exitCode), 130)
      withoutStack(yield* Fiber.join(errors))
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)), seconds)
})
