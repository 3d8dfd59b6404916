import { SmtpLog, Transporter } from "@colloquy/core"
import { CaptureServer, TestPlatform } from "@colloquy/core/testing"
import { NodeConnector } from "@colloquy/node"
import { NodeSocketServer } from "@effect/platform-node"
import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"

const mail = { from: "ann@mail.test", to: "bob@mail.test", subject: "Hi", text: "Hi" }

// no I/O: the server and the connector to it are one layer
const Memory = Transporter.layer({ host: "mail.test", tls: "none" }).pipe(
  Layer.provideMerge(CaptureServer.layerMemory()),
  Layer.provide([SmtpLog.layerNone, TestPlatform.layer])
)

it.effect("captures a message", () =>
  Effect.gen(function*() {
    yield* Transporter.send(mail)
    const captured = yield* CaptureServer.CaptureServer.use((server) => server.take)
    assert.include(captured.text, "Subject: Hi")
  }).pipe(Effect.provide(Memory)))

// TCP on a free port: any client
const Tcp = CaptureServer.layer().pipe(
  Layer.provide(NodeSocketServer.layer({ host: "127.0.0.1", port: 0 })),
  Layer.provideMerge(SmtpLog.layerMemory)
)

it.live("captures over TCP", () =>
  Effect.gen(function*() {
    const server = yield* CaptureServer.CaptureServer
    const transporter = yield* Transporter.make({ host: "127.0.0.1", port: server.port, tls: "none" })
    yield* transporter.send(mail)
    assert.lengthOf(yield* server.messages, 1)
  }).pipe(Effect.provide([NodeConnector.layer, TestPlatform.layer]), Effect.provide(Tcp)))
