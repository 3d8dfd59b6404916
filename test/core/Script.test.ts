import { type Connection } from "@colloquy/core/Connection"
import { Connector } from "@colloquy/core/Connector"
import { CertificateRejected, ConnectionFailed, ConnectionLost, TlsFailed } from "@colloquy/core/SmtpError"
import { Script } from "@colloquy/core/testing"
import type { TlsInfo } from "@colloquy/core/Tls"
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Cause, Effect, Exit, Fiber, Schema, Scope } from "effect"
import { Socket } from "effect/socket"
import { TestClock } from "effect/testing"

const encoder = new TextEncoder()
const decoder = new TextDecoder()
const dial = Connector.use((connector) => connector.connect({ host: "mail.test", port: 25 }))
const write = (connection: Connection, text: string) => connection.writeAll([encoder.encode(text)])
const pull = (connection: Connection) =>
  Effect.map(connection.pull, (chunks) => chunks.map((chunk) => decoder.decode(chunk)).join(""))
/** Pulls until so many lines have come. */
const lines = Effect.fnUntraced(function*(connection: Connection, count: number) {
  let text = ""
  while (text.split("\r\n").length <= count) text += yield* pull(connection)
  return text
})
const wire = Script.ScriptServer.use((server) => server.wire)
const finished = Script.ScriptServer.use((server) => server.assertFinished)
const contents = Effect.map(
  Script.ScriptServer.use((server) => server.contents),
  (all) => all.map((octets) => decoder.decode(octets))
)
const connections = Script.ScriptServer.use((server) => server.connections)
/** The message of the defect that an effect dies with. */
const defectOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.exit(effect), (exit) => {
    assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause), `no defect: ${String(exit)}`)
    const defect = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
    assert.instanceOf(defect, Script.ScriptDeparture)
    return defect.message
  })
const info: TlsInfo = { protocol: "TLSv1.2", cipher: "AES", servername: "mail.test", verified: false, chain: [] }
const refused = new ConnectionFailed({
  kind: "Refused",
  host: "mail.test",
  port: 25,
  attempts: [{ address: "203.0.113.25", problem: "ECONNREFUSED" }]
})

const upgrade = (script: ReadonlyArray<Script.Step>) =>
  Effect.flatMap(dial, (connection) => connection.upgrade({})).pipe(Effect.provide(Script.layer(script)))

/** What the steps do, with what is sent in one go joined. */
const operations = (script: ReadonlyArray<Script.Step>) =>
  script.flatMap((step) => step["~@colloquy/core/testing/Script"]).reduce<Array<unknown>>((all, op) => {
    const last = all.at(-1)
    if (op._tag !== "Send") return [...all, op]
    return Array.isArray(last) ? [...all.slice(0, -1), [...last, ...op.octets]] : [...all, [...op.octets]]
  }, []).filter((op) => !Array.isArray(op) || op.length > 0)

describe("a script", () => {
  for (const chunks of ["whole", "line", "byte"] as const) {
    it.effect(`is a whole conversation, ${chunks} at a time`, () =>
      Effect.gen(function*() {
        const connection = yield* dial
        assert.strictEqual(yield* lines(connection, 1), "220 mail.test ESMTP\r\n")
        yield* write(connection, "EHLO client.test\r\n")
        assert.strictEqual(yield* lines(connection, 2), "250-mail.test\r\n250 PIPELINING\r\n")
        yield* write(connection, "MAIL FROM:<ann@mail.test>\r\nRCPT TO:<bob@mail.test>\r\nDATA\r\n")
        assert.strictEqual(yield* lines(connection, 3), "250 Ok\r\n250 Ok\r\n354 Go ahead\r\n")
        yield* write(connection, "Subject: Hi\r\n\r\n..\r\n.")
        yield* write(connection, "\r\nQUIT\r\n")
        assert.strictEqual(yield* lines(connection, 2), "250 Queued\r\n221 2.0.0 Bye\r\n")
        assert.deepStrictEqual(yield* Effect.flip(pull(connection)), new ConnectionLost({ kind: "Closed" }))
        assert.deepStrictEqual(
          yield* Effect.flip(write(connection, "NOOP\r\n")),
          new ConnectionLost({ kind: "Closed" })
        )
        yield* finished
        assert.deepStrictEqual(yield* contents, ["Subject: Hi\r\n\r\n..\r\n"])
        assert.strictEqual(
          yield* wire,
          [
            "S: 220 mail.test ESMTP",
            "C: EHLO client.test",
            "S: 250-mail.test",
            "S: 250 PIPELINING",
            "C: MAIL FROM:<ann@mail.test>",
            "C: RCPT TO:<bob@mail.test>",
            "C: DATA",
            "S: 250 Ok",
            "S: 250 Ok",
            "S: 354 Go ahead",
            "C: [19 octets]",
            "C: .",
            "C: QUIT",
            "-- closed by the server",
            "S: 250 Queued",
            "S: 221 2.0.0 Bye"
          ].join("\n")
        )
      }).pipe(Effect.provide(Script.layer([
        Script.greet("220 mail.test ESMTP"),
        Script.on("EHLO client.test", "250-mail.test", "250 PIPELINING"),
        Script.on(/^MAIL FROM:/, "250 Ok"),
        Script.on(/bob/, "250 Ok"),
        Script.on("DATA", "354 Go ahead"),
        Script.content("250 Queued"),
        Script.bye
      ], { chunks }))))
  }

  it.effect("hands over all that is ready, a line, or an octet at a time", () =>
    Effect.gen(function*() {
      const script = [Script.greet("220-a", "220 b")]
      const first = (chunks: "whole" | "line" | "byte") =>
        Effect.provide(Effect.flatMap(dial, pull), Script.layer(script, { chunks }))
      assert.strictEqual(yield* first("whole"), "220-a\r\n220 b\r\n")
      assert.strictEqual(yield* first("line"), "220-a\r\n")
      assert.strictEqual(yield* first("byte"), "2")
    }))

  it.effect("reads BDAT by its octets, whatever they are, and however they are cut", () =>
    Effect.gen(function*() {
      const connection = yield* dial
      for (const part of ["BDAT 7\r\n\r\n.\r\nab", "BDAT 2 LA", "ST\r\n", "c", "dRSET\r\n"]) {
        yield* write(connection, part)
      }
      assert.strictEqual(yield* lines(connection, 3), "250 7 octets\r\n250 Queued\r\n250 Ok\r\n")
      assert.deepStrictEqual(yield* contents, ["\r\n.\r\nabcd"])
      assert.strictEqual(
        yield* wire,
        "C: BDAT 7\nC: [7 octets]\nC: BDAT 2 LAST\nC: [2 octets]\nC: RSET\nS: 250 7 octets\nS: 250 Queued\nS: 250 Ok"
      )
    }).pipe(Effect.provide(Script.layer([
      Script.bdat("250 7 octets"),
      Script.bdat("250 Queued"),
      Script.on("RSET", "250 Ok")
    ]))))

  it.effect("knows an empty content", () =>
    Effect.gen(function*() {
      const connection = yield* dial
      yield* write(connection, "DATA\r\n.\r\n")
      yield* finished
      assert.deepStrictEqual(yield* contents, [""])
    }).pipe(Effect.provide(Script.layer([Script.on("DATA", "354 Go"), Script.content("250 Ok")]))))

  it.effect("releases held replies together", () =>
    Effect.gen(function*() {
      const connection = yield* dial
      yield* write(connection, "MAIL\r\n")
      const reply = yield* Effect.forkChild(pull(connection), { startImmediately: true })
      assert.isUndefined(reply.pollUnsafe())
      yield* write(connection, "RCPT\r\n")
      assert.strictEqual(yield* Fiber.join(reply), "250 1\r\n250 2\r\n250 3\r\n")
    }).pipe(Effect.provide(Script.layer([
      Script.hold,
      Script.on("MAIL", "250 1"),
      Script.on("RCPT", "250 2"),
      Script.release,
      Script.greet("250 3")
    ], { chunks: "whole" }))))

  it.effect("replies by what the line says", () =>
    Effect.gen(function*() {
      const connection = yield* dial
      yield* write(connection, "VRFY ann\r\n")
      assert.strictEqual(yield* pull(connection), "252 VRFY ann?\r\n")
    }).pipe(Effect.provide(Script.layer([Script.onWith(/^VRFY/, (line) => [`252 ${line}?`])]))))

  it.effect("reacts in the middle of the content", () =>
    Effect.gen(function*() {
      const connection = yield* dial
      yield* write(connection, "DATA\r\n12345")
      yield* write(connection, "67890abc")
      assert.strictEqual(yield* pull(connection), "354 Go\r\n452 Full\r\n")
      assert.deepStrictEqual(yield* Effect.flip(pull(connection)), new ConnectionLost({ kind: "Reset" }))
      assert.deepStrictEqual(yield* Effect.flip(write(connection, "x")), new ConnectionLost({ kind: "Reset" }))
      assert.strictEqual(
        yield* wire,
        "C: DATA\nC: [10 octets]\n-- reset by the server\nS: 354 Go\nS: 452 Full"
      )
    }).pipe(Effect.provide(Script.layer([
      Script.on("DATA", "354 Go"),
      Script.swallow(10),
      Script.greet("452 Full"),
      Script.reset
    ]))))

  it.effect("shows a client's writes to a hook, which may hold them up", () =>
    Effect.gen(function*() {
      const connection = yield* dial
      const writing = yield* Effect.forkChild(write(connection, "NOOP\r\n"))
      yield* TestClock.adjust("9 seconds")
      assert.strictEqual(yield* wire, "")
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(writing)
      assert.strictEqual(yield* wire, "C: NOOP")
    }).pipe(Effect.provide(Script.layer([Script.on("NOOP", "250 Ok")], {
      onWrite: (octets, connection) => {
        assert.deepStrictEqual([decoder.decode(octets), connection], ["NOOP\r\n", 1])
        return Effect.sleep("10 seconds")
      }
    }))))

  it.effect("has a script for each connection", () =>
    Effect.gen(function*() {
      const first = yield* Effect.flip(Effect.scoped(dial))
      assert.strictEqual(first, refused)
      yield* Effect.scoped(Effect.flatMap(dial, pull))
      assert.include(yield* defectOf(dial), "No script for connection 3.")
      assert.strictEqual(
        yield* wire,
        "# connection 1\n-- no connection (Refused)\n\n# connection 2\nS: 220 two\n-- closed by the client"
      )
      yield* finished
    }).pipe(Effect.provide(Script.layer([[Script.refuse(refused)], [Script.greet("220 two")]]))))

  it.effect("is the same script for all connections", () =>
    Effect.gen(function*() {
      for (let i = 0; i < 3; i++) assert.strictEqual(yield* Effect.flatMap(dial, pull), "220 one\r\n")
      yield* finished
    }).pipe(Effect.provide(Script.layer([Script.greet("220 one")]))))

  it.effect("knows which connections are open and who closed the others", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const one = yield* Scope.provide(dial, scope)
      yield* write(one, "NOOP\r\n")
      yield* pull(one)
      yield* write(one, "QUIT\r\n")
      const two = yield* Effect.scoped(dial)
      assert.deepStrictEqual(yield* connections, [
        { open: true, closedBy: "server", secured: false, roundTrips: 2 },
        { open: false, closedBy: "client", secured: false, roundTrips: 0 }
      ])
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(yield* Effect.flip(pull(two)), new ConnectionLost({ kind: "Closed" }))
      assert.deepStrictEqual((yield* connections).map((connection) => connection.open), [false, false])
    }).pipe(Effect.provide(Script.layer([Script.on("NOOP", "250 Ok"), Script.bye]))))

  it.effect("tells the addresses of both ends, and each attempt", () =>
    Effect.gen(function*() {
      const attempts: Array<unknown> = []
      const connector = yield* Connector
      const connection = yield* connector.connect({ host: "mail.test", port: 25 }, {
        onAttempt: (attempt) => attempts.push(attempt)
      })
      assert.deepStrictEqual([connection.address, connection.localAddress], ["203.0.113.25", "192.0.2.1"])
      yield* Effect.flip(
        connector.connect({ host: "mail.test", port: 25 }, { onAttempt: (attempt) => attempts.push(attempt) })
      )
      assert.deepStrictEqual(attempts, [
        { address: "203.0.113.25", port: 25 },
        { address: "203.0.113.25", port: 25, problem: "ECONNREFUSED" }
      ])
    }).pipe(Effect.provide(Script.layer([[], [Script.refuse(refused)]]))))

  it.effect("ends a parked pull when the scope closes", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const connection = yield* Scope.provide(dial, scope)
      const reading = yield* Effect.forkChild(Effect.flip(pull(connection)), { startImmediately: true })
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(yield* Fiber.join(reading), new ConnectionLost({ kind: "Closed" }))
      yield* finished
    }).pipe(Effect.provide(Script.layer([Script.silence]))))
})

describe("time", () => {
  it.effect("passes by the clock of the test", () =>
    Effect.gen(function*() {
      const connection = yield* dial
      const greeting = yield* Effect.forkChild(pull(connection), { startImmediately: true })
      yield* TestClock.adjust("4999 millis")
      assert.isUndefined(greeting.pollUnsafe())
      yield* TestClock.adjust("1 milli")
      assert.strictEqual(yield* Fiber.join(greeting), "220 late\r\n")
      yield* write(connection, "NOOP\r\n")
      yield* write(connection, "NOOP\r\n")
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* pull(connection), "250 1\r\n250 2\r\n")
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* Effect.flip(write(connection, "NOOP\r\n")), new ConnectionLost({ kind: "Closed" }))
    }).pipe(Effect.provide(Script.layer([
      Script.delay("5 seconds"),
      Script.greet("220 late"),
      Script.delay("1 minute"),
      Script.on("NOOP", "250 1"),
      Script.on("NOOP", "250 2"),
      Script.delay("1 second"),
      Script.close
    ]))))

  it.effect("goes by while nobody reads, and an interrupted pull loses nothing", () =>
    Effect.gen(function*() {
      const connection = yield* dial
      const reading = yield* Effect.forkChild(pull(connection), { startImmediately: true })
      yield* Fiber.interrupt(reading)
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(yield* pull(connection), "220 late\r\n")
    }).pipe(Effect.provide(Script.layer([Script.delay("5 seconds"), Script.greet("220 late")]))))

  it.effect("makes a dial slow, or endless", () =>
    Effect.gen(function*() {
      const dialling = yield* Effect.forkChild(Effect.flip(dial), { startImmediately: true })
      yield* TestClock.adjust("4 seconds")
      assert.isUndefined(dialling.pollUnsafe())
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(dialling), refused)
      const endless = yield* Effect.forkChild(Effect.scoped(dial), { startImmediately: true })
      yield* TestClock.adjust("1000 hours")
      assert.isUndefined(endless.pollUnsafe())
      yield* Fiber.interrupt(endless)
      assert.deepStrictEqual((yield* connections).map((connection) => connection.open), [false, false])
    }).pipe(
      Effect.scoped,
      Effect.provide(Script.layer([
        [Script.delay("5 seconds"), Script.refuse(refused)],
        [Script.delay("Infinity"), Script.refuse(refused)]
      ]))
    ))

  it.effect("stands still for a server that says nothing, and one that does not even read", () =>
    Effect.gen(function*() {
      const silent = yield* dial
      const reading = yield* Effect.forkChild(pull(silent), { startImmediately: true })
      yield* write(silent, "NOOP\r\nanything\r\nelse\r\nQUIT\r\n")
      yield* TestClock.adjust("1000 hours")
      assert.isUndefined(reading.pollUnsafe())
      const stalled = yield* dial
      const writing = yield* Effect.forkChild(write(stalled, "NOOP\r\n"), { startImmediately: true })
      yield* TestClock.adjust("1000 hours")
      assert.isUndefined(writing.pollUnsafe())
      assert.strictEqual(yield* wire, "# connection 1\nC: NOOP\nC: [16 octets]\nC: QUIT\n\n# connection 2")
    }).pipe(Effect.provide(Script.layer([[Script.silence], [Script.stall]]))))
})

describe("TLS", () => {
  it.effect("comes about as the script says", () =>
    Effect.gen(function*() {
      const connection = yield* dial
      assert.isUndefined(connection.tls)
      assert.isUndefined(connection.channelBinding)
      yield* write(connection, "STARTTLS\r\n")
      yield* pull(connection)
      const found = yield* connection.upgrade({ servername: "other.test" })
      assert.deepStrictEqual(found, {
        protocol: "TLSv1.3",
        cipher: "TLS_AES_256_GCM_SHA384",
        servername: "other.test",
        verified: true,
        chain: []
      })
      assert.strictEqual(connection.tls, found)
      assert.deepStrictEqual(connection.channelBinding, new Uint8Array([1, 2, 3]))
      yield* write(connection, "EHLO client.test\r\n")
      assert.strictEqual(
        yield* wire,
        "C: STARTTLS\nS: 220 Go\n-- TLS is on (TLSv1.3, verified)\nC: EHLO client.test"
      )
      assert.deepStrictEqual((yield* connections).map((connection) => connection.secured), [true])
    }).pipe(Effect.provide(Script.layer([
      Script.on("STARTTLS", "220 Go"),
      Script.startTls,
      Script.on("EHLO client.test", "250 mail.test")
    ], { channelBinding: new Uint8Array([1, 2, 3]) }))))

  it.effect("says what was found out, or how it failed", () =>
    Effect.gen(function*() {
      const rejected = new CertificateRejected({ problem: "expired", servername: "mail.test", chain: [] })
      assert.deepStrictEqual(yield* upgrade([Script.startTlsWith({ info })]), info)
      assert.strictEqual(yield* Effect.flip(upgrade([Script.startTlsWith({ fails: rejected })])), rejected)
      assert.deepStrictEqual(yield* Effect.flip(upgrade([Script.close])), new TlsFailed({ kind: "Handshake" }))
    }))

  it.effect("fails on clear text that came before the handshake", () =>
    Effect.gen(function*() {
      const connection = yield* dial
      yield* write(connection, "STARTTLS\r\n")
      assert.strictEqual(yield* pull(connection), "220 Go\r\n")
      assert.deepStrictEqual(yield* Effect.flip(connection.upgrade({})), new TlsFailed({ kind: "Handshake" }))
      assert.deepStrictEqual(yield* Effect.flip(write(connection, "x")), new ConnectionLost({ kind: "Closed" }))
      assert.deepStrictEqual((yield* connections).map((connection) => connection.closedBy), ["network"])
    }).pipe(Effect.provide(Script.layer([
      Script.on("STARTTLS", "220 Go"),
      Script.raw("250 injected\r\n"),
      Script.startTls
    ], { chunks: "line" }))))

  it.effect("never ends where the script is silent instead, and takes as long as a delay", () =>
    Effect.gen(function*() {
      const slow = yield* Effect.flatMap(dial, (connection) => connection.upgrade({})).pipe(
        Effect.forkChild({ startImmediately: true })
      )
      const never = yield* Effect.flatMap(dial, (connection) => connection.upgrade({})).pipe(
        Effect.forkChild({ startImmediately: true })
      )
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(yield* Fiber.join(slow), info)
      yield* TestClock.adjust("1000 hours")
      assert.isUndefined(never.pollUnsafe())
    }).pipe(
      Effect.scoped,
      Effect.provide(Script.layer([
        [Script.delay("5 seconds"), Script.startTlsWith({ info })],
        [Script.silence]
      ]))
    ))

  it.effect("is there from the start where it is implicit, unless the script fails it", () =>
    Effect.gen(function*() {
      const secured = Connector.use((connector) =>
        connector.connect({ host: "mail.test", port: 465, tls: { mode: "implicit" } })
      )
      assert.strictEqual((yield* secured).tls?.servername, "mail.test")
      assert.strictEqual((yield* secured).tls, info)
      assert.deepStrictEqual(yield* Effect.flip(secured), new TlsFailed({ kind: "PlainServerOnTlsPort" }))
      assert.include(yield* defectOf(dial), "-- a connection in clear text")
    }).pipe(Effect.provide(Script.layer([
      [],
      [Script.tls({ info })],
      [Script.tls({ fails: new TlsFailed({ kind: "PlainServerOnTlsPort" }) })],
      [Script.tls({ info })]
    ]))))
})

describe("a departure", () => {
  it.effect("is a defect that shows both conversations side by side", () =>
    Effect.gen(function*() {
      const connection = yield* dial
      yield* pull(connection)
      yield* write(connection, "EHLO client.test\r\n")
      yield* pull(connection)
      const message = yield* defectOf(write(connection, "MAIL FROM:<ann@mail.test>\r\n"))
      assert.strictEqual(
        message,
        [
          "The client departed from the script (connection 1).",
          "  expected               | got",
          "  S: 220 mail.test ESMTP | S: 220 mail.test ESMTP",
          "  C: EHLO client.test    | C: EHLO client.test",
          "  S: 250-mail.test       | S: 250-mail.test",
          "  S: 250 AUTH PLAIN      | S: 250 AUTH PLAIN",
          "> C: /^AUTH PLAIN …/     | C: MAIL FROM:<ann@mail.test>",
          "  S: 535 5.7.8 Bad       |",
          "  C: QUIT                |",
          "  …                      |"
        ].join("\n")
      )
      assert.strictEqual(yield* defectOf(pull(connection)), message)
      assert.strictEqual(yield* defectOf(write(connection, "QUIT\r\n")), message)
      assert.strictEqual(yield* defectOf(connection.upgrade({})), message)
      assert.strictEqual(yield* defectOf(finished), message)
    }).pipe(Effect.provide(Script.layer([
      Script.greet("220 mail.test ESMTP"),
      Script.on("EHLO client.test", "250-mail.test", "250 AUTH PLAIN"),
      Script.on(/^AUTH PLAIN /, "535 5.7.8 Bad"),
      Script.bye
    ]))))

  it.effect("wakes a parked pull", () =>
    Effect.gen(function*() {
      const connection = yield* dial
      const reading = yield* Effect.forkChild(defectOf(pull(connection)), { startImmediately: true })
      yield* defectOf(write(connection, "NOOP\r\n"))
      assert.include(yield* Fiber.join(reading), "> (end of the script) | C: NOOP")
    }).pipe(Effect.provide(Script.layer([]))))

  it.effect("is found out when the delay in front of it is over", () =>
    Effect.gen(function*() {
      const connection = yield* dial
      const reading = yield* Effect.forkChild(defectOf(pull(connection)), { startImmediately: true })
      yield* write(connection, "NOOP\r\n")
      yield* TestClock.adjust("1 second")
      assert.include(yield* Fiber.join(reading), "> C: QUIT")
    }).pipe(Effect.provide(Script.layer([Script.delay("1 second"), Script.on("QUIT", "221 Bye")]))))

  it.effect("is also what is left undone", () =>
    Effect.gen(function*() {
      assert.include(yield* defectOf(finished), "1 connections were expected, 0 came.")
      const connection = yield* dial
      yield* write(connection, "NOOP\r\n")
      assert.strictEqual(
        yield* defectOf(finished),
        [
          "The script has not come to its end (connection 1).",
          "  expected   | got",
          "  C: NOOP    | C: NOOP",
          "  S: 250 Ok  |",
          "> -- content |",
          "  S: 250 Ok  |"
        ].join("\n")
      )
    }).pipe(Effect.provide(Script.layer([Script.on("NOOP", "250 Ok"), Script.content("250 Ok")]))))

  it.effect("is a handshake, or an end, that nobody expects or that doesn't come", () =>
    Effect.gen(function*() {
      const one = yield* dial
      assert.include(yield* defectOf(one.upgrade({})), "> C: QUIT          | -- starttls")
      const two = yield* dial
      assert.include(yield* defectOf(write(two, "QUIT\r\n")), "> -- starttls | C: QUIT")
      const three = yield* dial
      assert.include(yield* defectOf(write(three, "QUIT\r\n")), "> -- end | C: QUIT")
      const four = yield* dial
      assert.include(yield* defectOf(write(four, "QUIT\n\r\n")), "> C: QUIT")
    }).pipe(Effect.provide(
      Script.layer([
        [Script.bye],
        [Script.startTls],
        [Script.expectEnd],
        [Script.bye]
      ])
    )))

  it.effect("asks that the client closes where the script says so", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      yield* Scope.provide(dial, scope)
      assert.include(yield* defectOf(finished), "> -- end")
      yield* Scope.close(scope, Exit.void)
      yield* finished
    }).pipe(Effect.provide(Script.layer([Script.expectEnd]))))

  it.effect("shows no secret, in what was expected or in what came", () =>
    Effect.gen(function*() {
      const secret = "AGFubgBzM2NyZXQtd29yZHM="
      for (
        const [script, said] of [
          [[Script.on(`AUTH PLAIN ${secret}`, "235 Ok")], [`AUTH PLAIN ${secret}x`]],
          [[Script.on(/AUTH PLAIN AGFubgBzM2NyZXQtd29yZHM=$/, "235 Ok")], [`AUTH PLAIN ${secret}x`]],
          [[Script.on("AUTH PLAIN", "334 "), Script.on(secret, "235 Ok")], ["AUTH PLAIN", `${secret}x`]],
          [[Script.on("AUTH PLAIN", "334 "), Script.on(/^AGFubgBzM2NyZXQt/, "235 Ok")], ["AUTH PLAIN", `x${secret}`]],
          [[Script.on(/^AUTH PLAIN/, `535 No ${secret} s3cret-words`), Script.bye], [`AUTH PLAIN ${secret}`, "NOOP"]],
          [[Script.on(/^AUTH PLAIN/, "334 "), Script.bye], [`AUTH PLAIN ${secret}`, secret]],
          [[Script.bye], [secret]],
          [[Script.bye], [`XAUTH ${secret}`]],
          [[], [`auth plain ${secret}`]]
        ] as const
      ) {
        const message = yield* Effect.gen(function*() {
          const connection = yield* dial
          const exits = []
          for (const line of said) exits.push(yield* Effect.exit(write(connection, `${line}\r\n`)))
          return `${yield* defectOf(finished)}\n${yield* wire}\n${exits.map(String).join("\n")}`
        }).pipe(Effect.provide(Script.layer(script)))
        assert.notInclude(message, "AGFu")
        assert.notInclude(message, "s3cret")
      }
    }))

  it.effect("keeps an AUTH exchange masked until its final reply", () =>
    Effect.gen(function*() {
      const connection = yield* dial
      yield* write(connection, "AUTH LOGIN\r\n")
      yield* write(connection, "YW5u\r\n")
      yield* write(connection, "*\r\n")
      yield* write(connection, "NOOP\r\n")
      yield* pull(connection)
      assert.strictEqual(
        yield* wire,
        [
          "C: AUTH LOGIN",
          "C: ********************************",
          "C: *",
          "C: NOOP",
          "S: 334 VXNlcm5hbWU6",
          "S: 334 ********************************",
          "S: 501-5.7.0 334",
          "S: 501 Cancelled",
          "S: 250 Ok"
        ].join("\n")
      )
    }).pipe(Effect.provide(Script.layer([
      Script.on("AUTH LOGIN", "334 VXNlcm5hbWU6"),
      Script.on("YW5u", "334 dj1zaWduYXR1cmU="),
      Script.on("*", "501-5.7.0 334", "501 Cancelled"),
      Script.on("NOOP", "250 Ok")
    ]))))
})

describe("the text form", () => {
  it.effect("is the same script", () =>
    Effect.gen(function*() {
      const connection = yield* dial
      yield* pull(connection)
      yield* write(connection, "EHLO client.test\r\n")
      yield* pull(connection)
      yield* write(connection, "AUTH PLAIN AGFubgBzM2NyZXQ=\r\n")
      assert.strictEqual(yield* pull(connection), "235 \r\n")
      yield* write(connection, "DATA\r\nHi\r\n.\r\n/QUIT\r\n")
      assert.strictEqual(yield* pull(connection), "354 Go\r\n250 Ok\r\n221 Bye")
      yield* finished
    }).pipe(Effect.provide(Script.layer(Script.fromText(`
      # what a server says
      S: 220-mail.test
      S: 220 ESMTP
      C: /^EHLO /i
      S: 250 mail.test
      C: AUTH PLAIN ********************************
      S: 235 
      C: DATA
      S: 354 Go
      -- content
      S: 250 Ok
      C: \\/QUIT
      -- raw "221 Bye"
      -- close
    `)))))

  it("says in which line it breaks", () => {
    for (
      const [text, problem] of [
        ["S: 220 Hi\nQUIT", "line 2 of the script: a line starts with S:, C:, -- or #"],
        ["-- wait", "line 1 of the script: \"-- wait\" is none of the directives"],
        ["\n-- delay soon", "line 2 of the script: \"-- delay soon\" is none of the directives"],
        ["-- raw \"\u20ac\"", "line 1 of the script: raw has octets: characters up to \\u00ff"],
        ["-- close\nS: 220 Hi", "nothing can follow \"close\", but \"send\" does"],
        [
          "S: 220 Hi\n-- tls {\"protocol\":\"p\",\"cipher\":\"c\",\"verified\":true,\"chain\":[]}",
          "\"tls\" tells how the dial ends"
        ]
      ] as const
    ) assert.throws(() => Script.fromText(text), problem)
  })

  const text = Schema.String
  const line = Arbitrary.map(Arbitrary.schema(text), (line) => line.replaceAll(/[\r\n]/g, "x"))
  const some: ReadonlyArray<(text: string, number: number) => Script.Step> = [
    (text) => Script.greet(text),
    (text) => Script.greet(`250-${text}`, `250 ${text}`),
    (text) => Script.raw(text),
    (text, number) => Script.raw(new Uint8Array([number & 255, 10, 200, 34, 92, ...encoder.encode(text)])),
    (text) => Script.on(text, `250 ${text}`),
    (text) => Script.on(`/${text}/`),
    (text) => Script.on(`\\${text}`),
    () => Script.on(/^AUTH (PLAIN|LOGIN)\/?$/iu, "334 "),
    (_, number) => Script.delay(number & 65535),
    (_, number) => Script.swallow(number & 65535),
    () => Script.content("250 Ok"),
    () => Script.bdat("250 Ok"),
    () => Script.hold,
    () => Script.release,
    () => Script.startTls,
    () => Script.startTlsWith({ info }),
    () => Script.startTlsWith({ fails: new TlsFailed({ kind: "Handshake" }) }),
    () =>
      Script.startTlsWith({
        fails: new CertificateRejected({ problem: "self-signed", servername: "mail.test", chain: [] })
      })
  ]
  const steps = Arbitrary.array(Arbitrary.schema(Schema.Struct({ which: Schema.Natural, number: Schema.Natural })))
  it.prop("is read back as what was printed", [steps, line], ([steps, line]) => {
    const script = [
      Script.delay(5),
      Script.tls({ info }),
      ...steps.flatMap(({ number, which }) => some[which % some.length]?.(line, number) ?? []),
      Script.close
    ]
    const printed = Script.toText(script)
    assert.deepStrictEqual(operations(Script.fromText(printed)), operations(script))
  })
})

it.effect("a scripted Socket dials, upgrades, and tells every end as an error", () =>
  Effect.gen(function*() {
    const socket = yield* Socket.Socket
    const writer = yield* socket.writer
    const reader = yield* socket.reader
    yield* writer.write("STARTTLS\r\n")
    assert.deepStrictEqual(yield* reader.pull, [encoder.encode("220 Go\r\n")])
    yield* reader.upgrade({ servername: "mail.test" })
    yield* writer.writeAll(["QUIT", encoder.encode("\r\n")])
    assert.deepStrictEqual(yield* reader.pull, [encoder.encode("221 2.0.0 Bye\r\n")])
    const error = yield* Effect.flip(reader.pull)
    assert.deepStrictEqual(error.reason, new Socket.SocketCloseError({ code: 1000 }))
    yield* finished
  }).pipe(Effect.provide(Script.layerSocket([Script.on("STARTTLS", "220 Go"), Script.startTls, Script.bye]))))
