import { type LogEvent, LogText, SmtpLog, type Transporter } from "@colloquy/core"
import { Replay, Script, TestPlatform } from "@colloquy/core/testing"
import { assert, describe, it } from "@effect/vitest"
import { Cause, DateTime, Effect, Exit, Fiber, Layer, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { events, failureOf, finished, layer, mail, script, sending, summary } from "./dialogue.ts"

const replayed = (log: string | ReadonlyArray<LogEvent.LogEvent>, options?: Replay.Options) =>
  Layer.mergeAll(Layer.orDie(Replay.layer(log, options)), SmtpLog.layerMemory, TestPlatform.layer)

/** What a client that sends to this server has in its log. */
const recording = (
  server: Parameters<typeof layer>[0],
  options?: Transporter.Options,
  message?: ReturnType<typeof mail>
) => Effect.andThen(Effect.exit(sending(options, message)), events).pipe(Effect.provide(layer(server)))

/** The log of these statements, each 100 ms after the one before. */
const log = (...statements: ReadonlyArray<string>) =>
  statements.map((statement, at) => {
    const time = DateTime.formatIso(DateTime.makeUnsafe(1_700_000_000_000 + at * 100))
    return `${at + 1} ${time} 5 7 ${statement}\n`
  }).join("")

const chunksOf = (all: ReadonlyArray<LogEvent.LogEvent>) =>
  all.filter((event) => event._tag === "ClientLine" && event.line.startsWith("BDAT")).length

const connected = [
  "### SMTP Connecting to 'mail.test' on port 2525. (none)",
  "### SMTP Connected to 'mail.test' on port 2525. (unsecured) {\"address\":\"203.0.113.99\"}"
]
const ready = [...connected, `S < "220 mail.test"`, `C > "EHLO client.test"`]
const stars = "*".repeat(32)

const defectOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.exit(effect), (exit) => {
    assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause), `no defect: ${String(exit)}`)
    const defect = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
    assert.instanceOf(defect, Script.ScriptDeparture)
    return defect.message
  })

const problemOf = (text: string, options?: Replay.Options) =>
  Effect.map(Effect.flip(Layer.build(Replay.layer(text, options))), ({ problem }) => problem).pipe(Effect.scoped)

const data = "C: DATA\nS: 354 Go on\n-- content\nS: 250 2.0.0 Queued\n"

describe("a recording that is replayed", () => {
  it.effect("is gone through whole, and its content needs not be in it", () =>
    Effect.gen(function*() {
      const recorded = yield* recording(`${script.hello}${script.envelope}${data}${script.bye}`)
      const said = yield* Effect.gen(function*() {
        const receipt = yield* sending(undefined, mail("Subject: Other\r\n\r\n.dots\r\n..\r\nand more\r\n"))
        assert.strictEqual(receipt.reply.text, "2.0.0 Queued")
        yield* finished
        return yield* events
      }).pipe(Effect.provide(replayed(recorded)))
      assert.deepStrictEqual(
        LogText.format(said, { columns: "statement" }).replace(/\d+ octets, \d+ lines/, "n"),
        LogText.format(recorded, { columns: "statement" }).replace(/\d+ octets, \d+ lines/, "n")
      )
    }))

  it.effect("replays by the protocol's order what was pipelined, whole, line by line and octet by octet", () =>
    Effect.gen(function*() {
      const offer = "S: 220 mail.test\nC: EHLO client.test\nS: 250-mail.test\nS: 250-SIZE 1000000\nS: 250 PIPELINING\n"
      const from = "C: MAIL FROM:<ann@mail.test> SIZE=19\n"
      const recorded = yield* recording(
        `${offer}${from}${script.to}C: DATA\nS: 250 Ok\nS: 250 Ok\nS: 354 Go on\n-- content\nS: 552 5.2.3 Too big\n${script.bye}`
      )
      for (const chunks of ["whole", "line", "byte"] as const) {
        // another size, and one command at a time
        for (const pipelining of ["auto", "off"] as const) {
          const error = yield* failureOf(sending({ pipelining }, mail(`Subject: Hi\r\n\r\n${"x".repeat(500)}\r\n`)))
            .pipe(
              Effect.provide(replayed(recorded, { chunks }))
            )
          assert.strictEqual(error.reason._tag, "ContentRefused")
        }
      }
    }))

  it.effect("takes chunks by their count, however many there are now", () =>
    Effect.gen(function*() {
      const offer = "S: 220 mail.test\nC: EHLO client.test\nS: 250-mail.test\nS: 250 CHUNKING\n"
      const recorded = yield* recording(
        `${offer}${script.envelope}-- bdat\nS: 250 2.0.0 Queued\n${script.bye}`
      )
      assert.include(LogText.format(recorded), "BDAT 19 LAST")
      const long = mail("x".repeat(200_000))
      const chunks = yield* Effect.gen(function*() {
        yield* sending(undefined, long)
        yield* finished
        return chunksOf(yield* events)
      }).pipe(Effect.provide(replayed(recorded)))
      assert.isAbove(chunks, 1)
      // and the other way round
      const inChunks = yield* recording(
        `${offer}${script.envelope}${
          "-- bdat\nS: 250 Ok\n".repeat(chunks - 1)
        }-- bdat\nS: 250 2.0.0 Queued\n${script.bye}`,
        undefined,
        long
      )
      assert.strictEqual(chunksOf(inChunks), chunks)
      yield* Effect.andThen(sending(), finished).pipe(Effect.provide(replayed(inChunks)))
    }))

  it.effect("comes from 4D's two steps of a login as well as from one", () =>
    Effect.gen(function*() {
      const options: Transporter.Options = {
        user: "ann",
        password: Redacted.make("pencil-case"),
        port: 465,
        tls: "implicit"
      }
      const opened = ["### SMTP Connected to 'mail.test' on port 465. (secured)", ...ready.slice(2)]
      const end = [`S < "535 5.7.8 No"`, `C > "QUIT"`, `S < "221 Bye"`]
      const offer = [`S < "250-mail.test"`, `S < "250 AUTH PLAIN"`]
      const ways = [
        log(...opened, ...offer, `C > "AUTH PLAIN"`, `S < "334 "`, `C > "${stars}"`, ...end),
        log(...opened, ...offer, `C > "AUTH PLAIN ${stars}"`, ...end)
      ]
      for (const way of ways) {
        for (const saslInitialResponse of [true, false]) {
          const { error, wire } = yield* Effect.gen(function*() {
            const error = yield* Effect.flip(sending({ ...options, saslInitialResponse }))
            yield* finished
            return { error, wire: yield* Script.ScriptServer.use((server) => server.wire) }
          }).pipe(Effect.provide(replayed(way)))
          assert.strictEqual(error.reason._tag, "AuthenticationFailed")
          assert.notInclude(wire, Buffer.from("\0ann\0pencil-case").toString("base64"))
        }
      }
    }))

  it.effect("tries the addresses that failed, and connects to the one that answered", () =>
    Effect.gen(function*() {
      const text = log(
        connected[0] ?? "",
        "### SMTP Attempt at '2001:db8::25' on port 2525 failed. (no answer) {\"elapsed\":20}",
        ...ready.slice(1),
        `S < "451 4.3.0 Later"`,
        `C > "HELO client.test"`,
        `S < "501 No"`,
        `C > "QUIT"`,
        `S < "221 Bye"`
      )
      const said = yield* Effect.gen(function*() {
        yield* Effect.flip(sending())
        return LogText.format((yield* events).slice(0, 3), { columns: "statement" })
      }).pipe(Effect.provide(replayed(text)))
      assert.strictEqual(
        said,
        [
          "### SMTP Connecting to 'mail.test' on port 2525. (none)",
          "### SMTP Attempt at '2001:db8::25' on port 2525 failed. (no answer)",
          "### SMTP Connected to 'mail.test' on port 2525. (unsecured)"
        ].join("\n")
      )
    }))

  it.effect("introduces the client by the address that it had", () =>
    Effect.gen(function*() {
      const text = log(...connected, `S < "220 mail.test"`, `C > "EHLO [192.168.18.9]"`, `S < "421 4.3.2 No"`)
      const error = yield* Effect.flip(sending({ name: undefined })).pipe(Effect.provide(replayed(text)))
      assert.deepStrictEqual(summary(error).reason, "ServerRefused")
    }))

  it.effect("gives each connection the next conversation, in the order in which they began", () =>
    Effect.gen(function*() {
      const one = log(...ready, `S < "421 4.0.1 One"`)
      const other = log(...ready, `S < "421 4.0.2 Two"`).replaceAll(" 5 7 ", " 5 8 ")
      const both = `${one.split("\n").slice(0, 3).join("\n")}\n${other}${one.split("\n").slice(3).join("\n")}`
      const replies = yield* Effect.gen(function*() {
        const first = yield* Effect.flip(sending())
        const second = yield* Effect.flip(sending())
        return [first, second].map((error) => error.reply?.enhanced)
      }).pipe(Effect.provide(replayed(both)))
      assert.deepStrictEqual(replies, ["4.0.1", "4.0.2"])
      const eighth = yield* Effect.flip(sending()).pipe(Effect.provide(replayed(both, { session: 8 })))
      assert.strictEqual(eighth.reply?.enhanced, "4.0.2")
    }))

  it.effect("reads logs of other programs", () =>
    Effect.gen(function*() {
      const swaks = [
        "=== Trying mail.test:2525...",
        "=== Connected to mail.test.",
        "<-  220 mail.test",
        " -> EHLO client.test",
        "<-  250 mail.test",
        " -> MAIL FROM:<ann@mail.test>",
        "<-  250 Ok",
        " -> RCPT TO:<bob@mail.test>",
        "<** 550 5.1.1 No such user",
        " -> QUIT",
        "<-  221 Bye",
        "=== Connection closed with remote host."
      ].map((line) => `${line}\n`).join("")
      const error = yield* Effect.flip(sending()).pipe(Effect.provide(replayed(swaks)))
      assert.strictEqual(error.reason._tag, "RecipientsRefused")
      assert.strictEqual(error.reply?.text, "5.1.1 No such user")
    }))

  it.effect("needs no more than the end of the conversation that an error carries", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(sending()).pipe(
        Effect.provide(layer(`${script.hello}${script.from}S: 550 5.7.1 No\n${script.bye}`))
      )
      const again = yield* Effect.flip(sending()).pipe(Effect.provide(replayed(error.conversation)))
      assert.deepStrictEqual([summary(again), again.message], [summary(error), error.message])
    }))

  it.effect("takes as long as it took, if asked to", () =>
    Effect.gen(function*() {
      const text = log(...ready, `S < "421 4.3.2 No"`).replace(/(?<=^5 )\S+/m, "2023-11-14T22:13:45.300Z")
      const fiber = yield* Effect.forkChild(
        Effect.flip(sending()).pipe(Effect.provide(replayed(text, { pace: "recorded" }))),
        { startImmediately: true }
      )
      yield* TestClock.adjust("10 seconds")
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual((yield* Fiber.join(fiber)).reason._tag, "ServerRefused")
    }))
})

describe("a client that says something else than was recorded", () => {
  it.effect("is shown the difference, side by side, without its secrets", () =>
    Effect.gen(function*() {
      const text = log(
        ...ready,
        `S < "250 mail.test"`,
        `C > "MAIL FROM:<ann@mail.test>"`,
        `S < "250 Ok"`,
        `C > "RCPT TO:<eve@mail.test>"`,
        `S < "250 Ok"`
      )
      assert.strictEqual(
        yield* defectOf(sending().pipe(Effect.provide(replayed(text)))),
        [
          "The client departed from the recording of session 7 (connection 1).",
          "  recorded                     | said",
          "  S: 220 mail.test             | S: 220 mail.test",
          "  C: EHLO client.test          | C: EHLO client.test",
          "  S: 250 mail.test             | S: 250 mail.test",
          "  C: MAIL FROM:<ann@mail.test> | C: MAIL FROM:<ann@mail.test>",
          "  S: 250 Ok                    | S: 250 Ok",
          "> C: RCPT TO:<eve@mail.test>   | C: RCPT TO:<bob@mail.test>",
          "  S: 250 Ok                    |",
          "  C: QUIT                      |",
          "  …                            |"
        ].join("\n")
      )
    }))

  it.effect("is not held to what a redaction took out", () =>
    Effect.gen(function*() {
      const text = log(
        ...ready,
        `S < "250 mail.test"`,
        `C > "MAIL FROM:<a***@mail.test>"`,
        `S < "550 5.7.1 a***@mail.test may not"`
      )
      const error = yield* Effect.flip(sending().pipe(Effect.provide(replayed(text))))
      assert.strictEqual(error.reason._tag, "SenderRefused")
      const other = log(...ready, `S < "250 mail.test"`, `C > "MAIL FROM:<a***@other.test>"`, `S < "250 Ok"`)
      assert.include(yield* defectOf(sending().pipe(Effect.provide(replayed(other)))), "C: MAIL FROM:<a***@other.test>")
    }))

  it.effect("does not get past a certificate that was found wrong, unless it accepts such ones", () =>
    Effect.gen(function*() {
      const certificate = {
        subject: "CN=mail.test",
        names: ["mail.test"],
        issuer: "CN=mail.test",
        validFrom: 0,
        validTo: 1,
        fingerprint256: "AB"
      }
      const tls = JSON.stringify({
        tls: { cipher: "AES", problem: "the certificate is self-signed", chain: [certificate] },
        elapsed: 1
      })
      const text = log(
        ...ready,
        `S < "250-mail.test"`,
        `S < "250 STARTTLS"`,
        `C > "STARTTLS"`,
        `S < "220 Go on"`,
        `### SMTP TLS is on. (TLSv1.3, not verified) ${tls}`,
        `C > "EHLO client.test"`,
        `S < "421 4.3.2 No"`
      )
      const reason = (options: Transporter.Options) =>
        Effect.map(
          Effect.flip(sending({ port: 587, ...options })).pipe(Effect.provide(replayed(text))),
          ({ reason }) => reason._tag
        )
      assert.strictEqual(yield* reason({ tls: "required" }), "CertificateRejected")
      assert.strictEqual(yield* reason({ tls: "opportunistic" }), "ServerRefused")
    }))
})

describe("a log that can't be replayed", () => {
  it.effect("says why, before anything is dialled", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* problemOf(""), "there is no conversation in it")
      assert.strictEqual(yield* problemOf("nothing\nof a log\n"), "there is no conversation in it")
      assert.strictEqual(yield* problemOf(log(...ready), { session: 9 }), "it has no session 9; it has 7")
      assert.include(yield* problemOf(log(connected[0] ?? "")), "ends before a connection came about")
      assert.include(yield* problemOf(log(`C > "MAIL FROM:<ann@mail.test>"`)), "it begins in the middle")
      assert.include(
        yield* problemOf(log(...ready, `### Log lost 3 events. (the disk is full)`)),
        "the log lost 3 events of it: the disk is full"
      )
      assert.strictEqual(
        yield* problemOf(log(
          ...ready,
          `S < "250 AUTH SCRAM-SHA-256"`,
          `C > "AUTH SCRAM-SHA-256 ${stars}"`,
          `S < "334 ${Buffer.from("r=abc,s=c2FsdA==,i=4096").toString("base64")}"`,
          `C > "${stars}"`,
          `S < "334 ${stars}"`
        )),
        "line 9: what the server answered hangs on the password, which no log has (a SCRAM login that it confirmed). " +
          "Record it with another mechanism (authenticationMode)"
      )
    }))

  it.effect("reads whatever it is given", () =>
    Effect.gen(function*() {
      // the parts of a log in any order, and cut anywhere
      const parts = [
        ...ready,
        `S < "250-mail.test"`,
        `S < "354 x"`,
        `C > "DATA"`,
        `C > "AUTH X"`,
        `S < "334 x"`,
        `C > "*"`
      ]
        .concat([
          `C > "BDAT 3"`,
          `C > "STARTTLS"`,
          `S < "220 x"`,
          "### SMTP Content sent. (1 octets, 1 lines) {\"elapsed\":1}"
        ])
        .concat([
          "### SMTP Failed while content. (ConnectionLost) {\"message\":\"x\"}",
          "### SMTP Connection closed. (server) {\"elapsed\":1}"
        ])
      for (let at = 0; at < 400; at++) {
        const picked = Array.from({ length: 1 + at % 9 }, (_, n) =>
          parts[(at * 7 + n * (1 + at % 11)) % parts.length] ?? "")
        const exit = yield* Effect.exit(Effect.scoped(Layer.build(Replay.layer(log(...picked)))))
        if (Exit.isFailure(exit)) {
          assert.instanceOf(Cause.squash(exit.cause), Replay.ReplayError)
        }
      }
    }))
})
