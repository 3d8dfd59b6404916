import * as Connector from "@colloquy/core/Connector"
import { ConnectionFailed } from "@colloquy/core/SmtpError"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as Socket from "effect/socket/Socket"

/** Counts its openings and remembers what it was upgraded with. */
const makeSocket = (problem?: unknown) => {
  const seen = { opened: 0, upgrades: [] as Array<unknown> }
  const socket = Socket.make({
    reader: Effect.suspend(() => {
      seen.opened++
      return problem === undefined
        ? Effect.succeed({
          pull: Effect.succeed([new Uint8Array([seen.opened])] as const),
          upgrade: (options?: Socket.TlsUpgradeOptions) => Effect.sync(() => void seen.upgrades.push(options))
        })
        : Effect.fail(
          new Socket.SocketError({ reason: new Socket.SocketOpenError({ kind: "Unknown", cause: problem }) })
        )
    }),
    writer: Effect.succeed({ write: () => Effect.void, writeAll: () => Effect.void })
  })
  return { seen, layer: Layer.provide(Connector.layerSocket, Layer.succeed(Socket.Socket, socket)) }
}

describe("Connector.layerSocket", () => {
  it.effect("dials when asked, anew each time", () => {
    const { layer, seen } = makeSocket()
    return Effect.gen(function*() {
      const connector = yield* Connector.Connector
      assert.strictEqual(seen.opened, 0)
      const target = { host: "mail.test", port: 587 }
      const first = yield* connector.connect(target)
      assert.deepStrictEqual(yield* first.pull, [new Uint8Array([1])])
      const second = yield* connector.connect(target)
      assert.deepStrictEqual(yield* second.pull, [new Uint8Array([2])])
      assert.deepStrictEqual(seen, { opened: 2, upgrades: [] })
    }).pipe(Effect.provide(layer))
  })

  it.effect("turns implicit TLS on at once, for the target's name", () => {
    const { layer, seen } = makeSocket()
    return Effect.gen(function*() {
      const connector = yield* Connector.Connector
      const connection = yield* connector.connect({ host: "mail.test", port: 465, tls: { mode: "implicit" } })
      assert.deepStrictEqual(connection.tls?.servername, "mail.test")
      assert.deepStrictEqual(seen.upgrades, [
        { servername: "mail.test", ca: undefined, cert: undefined, key: undefined, rejectUnauthorized: true }
      ])
    }).pipe(Effect.provide(layer))
  })

  it.effect("says which dial failed and why, to the error and to onAttempt", () => {
    const cause = Object.assign(new Error("connect ECONNREFUSED 192.0.2.1:25"), { code: "ECONNREFUSED" })
    const { layer } = makeSocket(cause)
    return Effect.gen(function*() {
      const connector = yield* Connector.Connector
      const attempts: Array<Connector.FailedAttempt> = []
      const error = yield* Effect.flip(
        connector.connect({ host: "mail.test", port: 25 }, { onAttempt: (attempt) => void attempts.push(attempt) })
      )
      assert.deepStrictEqual(
        error,
        new ConnectionFailed({
          kind: "Refused",
          host: "mail.test",
          port: 25,
          attempts: [{ address: "mail.test", problem: "connection refused" }],
          cause
        })
      )
      assert.deepStrictEqual(attempts, [{ address: "mail.test", port: 25, problem: "connection refused" }])
    }).pipe(Effect.provide(layer))
  })
})

describe("Connector.explain", () => {
  it("keeps a code that it has no words for, and the words of an error without code", () => {
    assert.deepStrictEqual(Connector.explain({ code: "EWHATEVER" }), { kind: "Other", problem: "EWHATEVER" })
    assert.deepStrictEqual(Connector.explain(new Error("odd")), { kind: "Other", problem: "odd" })
    assert.deepStrictEqual(Connector.explain(undefined), { kind: "Other", problem: "no connection came about" })
  })
})

describe("Connector.HostName", () => {
  it.effect("is unknown unless a platform says it", () =>
    Effect.gen(function*() {
      assert.isUndefined(yield* Connector.HostName)
      assert.strictEqual(
        yield* Effect.provide(Effect.service(Connector.HostName), Layer.succeed(Connector.HostName, "desk")),
        "desk"
      )
    }))
})
