import * as SmtpLog from "@colloquy/core/SmtpLog"
import * as Replay from "@colloquy/core/testing/Replay"
import * as Transporter from "@colloquy/core/Transporter"
import * as NodeColloquy from "@colloquy/node/NodeColloquy"
import * as NodeSocketServer from "@effect/platform-node/NodeSocketServer"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Queue, Redacted } from "effect"
import { SocketServer } from "effect/socket/SocketServer"
import { certificates } from "./certificates.ts"

const log = (...statements: ReadonlyArray<string>) =>
  statements.map((statement, at) => `${at + 1} 2026-01-01T00:00:00.000Z 5 1 ${statement}\n`).join("")

const connecting = "### SMTP Connecting to 'localhost' on port 587. (required)"
const failedAddress = "### SMTP Attempt at '::1' on port 587 failed. (connection refused) {\"elapsed\":1}"
const secured = log(
  connecting,
  failedAddress,
  "### SMTP Connected to 'localhost' on port 587. (unsecured)",
  `S < "220 mail.test"`,
  `C > "EHLO client.test"`,
  `S < "250-mail.test"`,
  `S < "250 STARTTLS"`,
  `C > "STARTTLS"`,
  `S < "220 Go on"`,
  `### SMTP TLS is on. (TLSv1.3, verified) {"tls":{"cipher":"AES","chain":[]},"elapsed":1}`,
  `C > "EHLO client.test"`,
  `S < "250 mail.test"`,
  `C > "MAIL FROM:<ann@mail.test>"`,
  `S < "550 5.7.60 Not yours"`
)

const send = (port: number, from: string) =>
  Effect.flip(Transporter.send({ from, to: "bob@mail.test", text: "Hi" })).pipe(
    Effect.provide(
      Transporter.layer({ host: "localhost", port, tls: { ca: certificates().ca }, name: "client.test" }).pipe(
        Layer.provide([NodeColloquy.layer, SmtpLog.layerNone])
      )
    )
  )

describe("a recording at a port", () => {
  it.live(
    "goes through STARTTLS with any client, tells what it does not play, and where the client departs",
    () =>
      Effect.gen(function*() {
        const { cert, key } = certificates().server
        const told = yield* Queue.unbounded<Replay.Progress>()
        const { address } = yield* SocketServer
        const port = "port" in address ? address.port : 0
        yield* Effect.forkScoped(Replay.run(secured, {
          tls: { cert, key: Redacted.make(key) },
          onProgress: (progress) => Queue.offer(told, progress)
        }))
        assert.deepStrictEqual(yield* Queue.take(told), {
          _tag: "BeforeTcp",
          session: 1,
          text: "::1 failed: connection refused"
        })
        const error = yield* send(port, "ann@mail.test")
        assert.deepStrictEqual([error.reason._tag, error.reply?.enhanced], ["SenderRefused", "5.7.60"])
        assert.strictEqual((yield* Queue.take(told))._tag, "Accepted")
        const finished = yield* Queue.take(told)
        assert.strictEqual(finished._tag, "Finished")
        const other = yield* send(port, "eve@mail.test")
        assert.strictEqual(other.reply?.code, 554)
        assert.strictEqual((yield* Queue.take(told))._tag, "Accepted")
        const departed = yield* Queue.take(told)
        assert.match(
          departed._tag === "Departed" ? departed.difference : departed._tag,
          /^> C: MAIL FROM:<ann@mail\.test> +\| C: MAIL FROM:<eve@mail\.test>$/m
        )
      }).pipe(
        Effect.scoped,
        Effect.provide(NodeSocketServer.layer({ host: "127.0.0.1", port: 0 }))
      ),
    20_000
  )

  it.live("is refused where nothing of it can be played there", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Replay.run(log(connecting, failedAddress)))
      assert.include(error.message, "what happens before TCP can't be played at a port")
      assert.deepStrictEqual(yield* Replay.sessions(log(connecting, failedAddress)), [
        { session: 1, host: "localhost", isConnected: false, isSecured: false }
      ])
    }).pipe(Effect.provide(NodeSocketServer.layer({ host: "127.0.0.1", port: 0 }))))
})
