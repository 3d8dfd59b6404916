/** `node colloquy.ts PORT MESSAGES SIZE MODE`: MODE `all` (sendAll) or `sequence`. Prints one JSON line. */
import { Message, SmtpLog, Transporter } from "@colloquy/core"
import { NodeColloquy } from "@colloquy/node"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"

const [port, count, size, mode] = process.argv.slice(2)
const messages = Number(count)
const content = `Subject: bench\r\n\r\n${"x".repeat(62)}\r\n`.padEnd(Number(size) - 2, "line of text\r\n").replace(
  /\r?\n?$/,
  "\r\n"
)

const program = Effect.gen(function*() {
  const transporter = yield* Transporter.make({
    host: "127.0.0.1",
    port: Number(port),
    tls: "none",
    name: "bench.test",
    maxSessions: 1
  })
  const mail = yield* Message.raw({ from: "a@bench.test", to: ["b@bench.test"] }, content)
  yield* transporter.send(mail)
  const begun = performance.now()
  if (mode === "sequence") yield* Effect.repeat(transporter.send(mail), { times: messages - 1 })
  else yield* Stream.runDrain(transporter.sendAll(Stream.fromIterable(Array.from({ length: messages }, () => mail))))
  const seconds = (performance.now() - begun) / 1_000
  process.stdout.write(
    `${JSON.stringify({ messages, seconds, rate: Math.round(messages / seconds), rss: process.memoryUsage().rss })}\n`
  )
})

Effect.runPromise(
  Effect.scoped(program).pipe(Effect.provide(Layer.mergeAll(NodeColloquy.layer, SmtpLog.layerNone)))
).catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`)
  process.exitCode = 1
})
