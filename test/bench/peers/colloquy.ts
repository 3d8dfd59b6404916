/**
 * `node colloquy.ts PORT MESSAGES SIZE MODE [log]`: MODE `all` (sendAll, raw), `composed` (sendAll, text and HTML) or
 * `sequence` (one send after another). With `log` the conversation goes to a file. Prints one JSON line.
 */
import { Message, SmtpLog, Transporter } from "@colloquy/core"
import { NodeColloquy } from "@colloquy/node"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"

const used = process.cpuUsage()
/** Microseconds of the processor's time a message. */
const cpu = () => {
  const { system, user } = process.cpuUsage(used)
  return Math.round((10 * (system + user)) / messages) / 10
}
const [port, count, size, mode, log] = process.argv.slice(2)
const messages = Number(count)
const content = `Subject: bench\r\n\r\n${"x".repeat(62)}\r\n`.padEnd(Number(size) - 2, "line of text\r\n").replace(
  /\r?\n?$/,
  "\r\n"
)
const composed: Message.Draft = {
  from: "a@bench.test",
  to: "b@bench.test",
  subject: "Grüße",
  text: "Guten Tag, wie geht es?\n".repeat(8),
  html: "<p>Guten Tag, wie geht es?</p>\n".repeat(8)
}

const program = Effect.gen(function*() {
  const transporter = yield* Transporter.make({
    host: "127.0.0.1",
    port: Number(port),
    tls: "none",
    name: "bench.test",
    maxSessions: 1
  })
  const raw = yield* Message.raw({ from: "a@bench.test", to: ["b@bench.test"] }, content)
  const mail = mode === "composed" ? composed : raw
  yield* transporter.send(mail)
  const begun = performance.now()
  if (mode === "sequence") yield* Effect.repeat(transporter.send(mail), { times: messages - 1 })
  else {
    const sent = yield* Stream.runFold(
      transporter.sendAll(Stream.range(1, messages).pipe(Stream.map(() => mail))),
      () => 0,
      (sum, { result }) => result._tag === "Success" ? sum + 1 : sum
    )
    if (sent !== messages) return yield* Effect.die(new Error(`${sent} of ${messages} were accepted`))
  }
  const seconds = (performance.now() - begun) / 1_000
  process.stdout.write(
    `${
      JSON.stringify({
        messages,
        seconds,
        rate: Math.round(messages / seconds),
        rss: process.memoryUsage().rss,
        cpu: cpu()
      })
    }\n`
  )
})

const folder = log === "log" ? Fs.mkdtempSync(Path.join(Os.tmpdir(), "colloquy-bench-")) : undefined
const Log = folder === undefined ? SmtpLog.layerNone : SmtpLog.layerFile(Path.join(folder, "bench.log"))

Effect.runPromise(
  Effect.scoped(program).pipe(
    Effect.provide(Layer.merge(NodeColloquy.layer, Log.pipe(Layer.provide(NodeColloquy.layer))))
  )
).catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`)
  process.exitCode = 1
}).finally(() => {
  if (folder !== undefined) Fs.rmSync(folder, { recursive: true })
})
