import { Connector, Reply, SmtpError, SmtpLog } from "@colloquy/core"
import { CaptureServer, TestPlatform } from "@colloquy/core/testing"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import { memoryFiles } from "../core/memoryFiles.ts"
import { live, Mail, reasons, send, Tenants } from "./tenantsAndDecorators.ts"

const said = (text: string) => text.split("\n").flatMap((line) => /(?<= )(?:### SMTP C|C > "MAIL).*/.exec(line) ?? [])

const opened = (tenant: string) => [
  `### SMTP Connecting to '${tenant}.mail.example' on port 587. (required)`,
  `### SMTP Connected to '${tenant}.mail.example' on port 587. (unsecured) {"address":"203.0.113.25"}`
]

describe("tenants", () => {
  it.effect("have a transporter and a log each, closed when idle", () => {
    const files = memoryFiles()
    const log = (tenant: string) => said(files.text(`${process.cwd()}/logs/${tenant}.log`))
    const mail = [
      `C > "MAIL FROM:<a@b.example> SIZE=220"`,
      `### SMTP Content sent. (220 octets, 9 lines) {"elapsed":0}`
    ]
    return Effect.gen(function*() {
      yield* send("acme")
      yield* send("acme")
      yield* send("shop")
      assert.lengthOf(yield* CaptureServer.CaptureServer.use((server) => server.messages), 3)
      yield* TestClock.adjust("6 minutes")
      assert.deepStrictEqual(log("acme"), [
        ...opened("acme"),
        ...mail,
        ...mail,
        `### SMTP Connection closed. (client) {"elapsed":30000}`
      ])
      assert.deepStrictEqual(log("shop"), [
        ...opened("shop"),
        ...mail,
        `### SMTP Connection closed. (client) {"elapsed":30000}`
      ])
      yield* send("acme")
      yield* TestClock.adjust("6 minutes")
      assert.deepStrictEqual(log("acme").slice(7), [
        ...opened("acme"),
        ...mail,
        "### SMTP Connection closed. (client) {\"elapsed\":30000}"
      ])
    }).pipe(Effect.provide(
      Tenants.layer.pipe(
        Layer.provide(SmtpLog.layerGlobal()),
        Layer.provideMerge(Layer.mergeAll(CaptureServer.layerMemory(), TestPlatform.layer, files.layer))
      )
    ))
  })
})

/** `a.example` is down, `b.example` is this. */
const secondOfTwo = (options?: CaptureServer.Options) => {
  const dialled: Array<string> = []
  const layer = Layer.effectContext(Effect.gen(function*() {
    const { connect } = yield* Connector.Connector
    const server = yield* CaptureServer.CaptureServer
    const connector = Connector.Connector.of({
      connect: (target, hooks) => {
        const host = "host" in target ? target.host : target.path
        dialled.push(host)
        return host === "b.example"
          ? connect(target, hooks)
          : Effect.fail(new SmtpError.ConnectionFailed({ kind: "Refused", host, port: 587, attempts: [] }))
      }
    })
    return Context.make(Connector.Connector, connector).pipe(Context.add(CaptureServer.CaptureServer, server))
  })).pipe(Layer.provide(CaptureServer.layerMemory(options)))
  return {
    dialled,
    layer: live.pipe(Layer.provideMerge(layer), Layer.provide([SmtpLog.layerNone, TestPlatform.layer]))
  }
}
const newsletter = { from: "news@shop.example", to: "ann@example.org", subject: "News", text: "…" }

describe("decorators, in the order in which they are written", () => {
  it.effect("fall over to the second server, and wait where a hundred a minute are sent", () => {
    const times: Array<number> = []
    const { dialled, layer } = secondOfTwo({
      mail: () =>
        Effect.map(Effect.clockWith((clock) => clock.currentTimeMillis), (time) => {
          times.push(time)
        })
    })
    return Effect.gen(function*() {
      const sending = yield* Effect.forkChild(Effect.replicateEffect(Mail.send(newsletter), 101))
      yield* CaptureServer.CaptureServer.use((server) => Effect.replicateEffect(server.take, 100))
      yield* TestClock.adjust("59 seconds")
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(sending)
      assert.deepStrictEqual([times.lastIndexOf(0), times[100]], [99, 60_000])
      assert.deepStrictEqual([...new Set(dialled)], ["a.example", "b.example"])
    }).pipe(Effect.provide(layer))
  })

  it.effect("try again by the schedule, and tell what each server said", () => {
    const times: Array<number> = []
    const { dialled, layer } = secondOfTwo({
      mail: () =>
        Effect.flatMap(Effect.clockWith((clock) => clock.currentTimeMillis), (time) => {
          times.push(time)
          return Effect.fail(Reply.make(451, "4.3.0 Busy"))
        })
    })
    return Effect.gen(function*() {
      const sending = yield* Effect.forkChild(Effect.flip(Mail.send(newsletter)))
      yield* TestClock.adjust("7 seconds")
      const error = yield* Fiber.join(sending)
      assert.deepStrictEqual(times, [0, 1_000, 3_000, 7_000])
      assert.lengthOf(dialled.filter((host) => host === "a.example"), 4)
      assert.strictEqual(reasons(error), "EveryServerFailed")
      assert.strictEqual(
        error.message,
        "every server failed: a.example:587: cannot connect: nothing listens there, or a firewall refuses; check host and port | b.example:587: the server refused the sender: 451 4.3.0 Busy"
      )
      assert.isTrue(error.isRetryable)
    }).pipe(Effect.provide(layer))
  })
})
