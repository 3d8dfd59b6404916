// @effect-diagnostics globalTimers:off globalTimersInEffect:off
/**
 * `node --expose-gc memory.ts PORT MODE`: memory over an idle process, sampled every 10 ms. MODE `file`: an attachment of 1 GiB
 * from a (sparse) file, through a session; `many`: 100,000 composed messages by `sendAll`. Prints one JSON line, in MiB.
 */
import { Message, SmtpLog, Transporter } from "@colloquy/core"
import { NodeColloquy } from "@colloquy/node"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"

const [port, mode] = process.argv.slice(2)
const mebibytes = (octets: number) => Math.round(octets / 1_048_576)

const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "colloquy-bench-"))
const file = Path.join(folder, "large.bin")
if (mode === "file") {
  Fs.writeFileSync(file, "")
  Fs.truncateSync(file, 1_073_741_824)
}

const program = Effect.gen(function*() {
  const transporter = yield* Transporter.make({
    host: "127.0.0.1",
    port: Number(port),
    tls: "none",
    name: "bench.test",
    maxSessions: 1
  })
  const small: Message.Draft = { from: "a@bench.test", to: "b@bench.test", subject: "x", text: "y\n".repeat(400) }
  yield* transporter.send(small)
  globalThis.gc?.()
  const idle = process.memoryUsage.rss()
  let peak = idle
  const sampler = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss())
  }, 10)
  const begun = performance.now()
  const octets = mode === "file"
    ? (yield* transporter.send({ ...small, attachments: [Message.file(file)] })).octets
    : yield* Stream.runFold(
      transporter.sendAll(Stream.range(1, 100_000).pipe(Stream.map(() => small))),
      () => 0,
      (sum, { result }) => result._tag === "Success" ? sum + result.success.octets : sum
    )
  clearInterval(sampler)
  const seconds = (performance.now() - begun) / 1_000
  globalThis.gc?.()
  const heapAfter = mebibytes(process.memoryUsage().heapUsed)
  process.stdout.write(
    `${JSON.stringify({ idle: mebibytes(idle), overIdle: mebibytes(peak - idle), heapAfter, octets, seconds })}\n`
  )
})

Effect.runPromise(
  Effect.scoped(program).pipe(Effect.provide(Layer.merge(NodeColloquy.layer, SmtpLog.layerNone)))
).catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`)
  process.exitCode = 1
}).finally(() => {
  Fs.rmSync(folder, { recursive: true })
})
