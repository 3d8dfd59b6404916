import { LogText, type Message, SmtpError, type Transporter } from "@colloquy/core"
import { Script } from "@colloquy/core/testing"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Schedule, Stream } from "effect"
import { TestClock } from "effect/testing"
import {
  contents,
  each,
  envelope,
  failureOf,
  finished,
  goodbye,
  layer,
  lines,
  log,
  mail,
  nothingLeft,
  ready,
  script,
  sending,
  summary,
  text,
  toEnd,
  transporter as make,
  turnOfLoop,
  wire
} from "./dialogue.ts"

const turns = Effect.forEach(Array.from({ length: 8 }), () => turnOfLoop, { discard: true })
const delivered = `${script.envelope}C: DATA\nS: 354 Go on\n-- content\nS: 250 2.0.0 Ok: queued as 4ZxYYYYYY\n`
const deliveredLog = [
  ...envelope,
  "C > \"DATA\"",
  "S < \"354 Go on\"",
  "### SMTP Content sent. (19 octets, 3 lines)",
  "S < \"250 2.0.0 Ok: queued as 4ZxYYYYYY\""
]
const two = (first: string, second: string) => [Script.fromText(first), Script.fromText(second)]

/** Two sends, with a rest between them. */
const twice = (rest: Duration.Input, options?: Transporter.Options) =>
  Effect.scoped(Effect.gen(function*() {
    const transporter = yield* make(options)
    const message = yield* mail()
    yield* transporter.send(message)
    yield* turns
    yield* TestClock.adjust(rest)
    yield* turns
    const receipt = yield* transporter.send(message)
    return receipt
  }))

describe("keepAlive", () => {
  each(
    "sends the second message on the same session",
    `${script.hello}${delivered}${delivered}${script.bye}`,
    () =>
      Effect.gen(function*() {
        const receipt = yield* twice("0 seconds")
        assert.deepStrictEqual([receipt.session, receipt.transaction], [1, 2])
        assert.strictEqual(yield* log, lines(ready, deliveredLog, deliveredLog, goodbye))
        yield* nothingLeft
        yield* finished
      })
  )
  each(
    "asks after a rest whether the server is still there",
    `${script.hello}${delivered}C: NOOP\nS: 250 Ok\n${delivered}${script.bye}`,
    () =>
      Effect.gen(function*() {
        yield* twice("10 seconds")
        assert.strictEqual(
          yield* log,
          lines(ready, deliveredLog, "C > \"NOOP\"", "S < \"250 Ok\"", deliveredLog, goodbye)
        )
        yield* finished
      })
  )
  const replaced = (name: string, first: string, options?: Transporter.Options, rest: Duration.Input = "10 seconds") =>
    each(name, two(first, `${script.hello}${delivered}${script.bye}`), () =>
      Effect.gen(function*() {
        const receipt = yield* toEnd(twice(rest, options))
        assert.deepStrictEqual([receipt.session, receipt.transaction], [2, 1])
        assert.deepStrictEqual(yield* contents, [text, text])
        assert.notInclude(yield* log, "### SMTP Failed")
        yield* nothingLeft
        yield* finished
      }))
  replaced("replaces a session whose NOOP is refused", `${script.hello}${delivered}C: NOOP\nS: 500 What\n${script.bye}`)
  replaced("replaces a session that does not answer NOOP", `${script.hello}${delivered}C: NOOP\n-- silence\n`)
  replaced(
    "replaces a session that was closed while it rested",
    `${script.hello}${delivered}-- delay 5 seconds\n-- close\n`
  )
  replaced(
    "replaces a session that was reset while it rested",
    `${script.hello}${delivered}-- delay 5 seconds\n-- reset\n`
  )
  replaced(
    "does not charge an unasked 421 to the next send",
    `${script.hello}${delivered}-- delay 5 seconds\nS: 421 4.4.2 Idle for too long\n-- close\n`
  )
  replaced(
    "replaces a session that spoke out of turn while it rested",
    `${script.hello}${delivered}-- delay 5 seconds\nS: 250 What\n-- end\n`
  )
  replaced("ends after 30 s", `${script.hello}${delivered}${script.bye}`, {}, "30 seconds")
  replaced(
    "is an option: QUIT after each send",
    `${script.hello}${delivered}${script.bye}`,
    { keepAlive: false },
    "0 seconds"
  )

  it.effect("says QUIT after 30 s of rest, not before", () =>
    Effect.gen(function*() {
      const transporter = yield* make()
      yield* transporter.send(yield* mail())
      yield* turns
      yield* TestClock.adjust(29_999)
      assert.notInclude(yield* log, "QUIT")
      yield* TestClock.adjust(1)
      yield* turns
      assert.strictEqual(yield* log, lines(ready, deliveredLog, goodbye))
      yield* nothingLeft
      yield* finished
    }).pipe(Effect.scoped, Effect.provide(layer(`${script.hello}${delivered}${script.bye}`))))

  const stale = (name: string, first: string) =>
    each(name, two(first, `${script.hello}${delivered}${script.bye}`), () =>
      Effect.gen(function*() {
        yield* twice("0 seconds")
        assert.deepStrictEqual(yield* contents, [text, text])
        assert.include(yield* log, "### Note: \"the message goes to another session: nothing of it was taken here\"")
        yield* nothingLeft
        yield* finished
      }))
  stale(
    "gives a message to another session where its own had gone stale",
    `${script.hello}${delivered}${script.from}-- close\n`
  )
  stale(
    "gives a message to another session where 421 answers MAIL",
    `${script.hello}${delivered}${script.from}S: 421 Closing\n-- close\n`
  )
  stale(
    "gives a message to another session where the RSET before it is refused",
    `${script.hello}${delivered}${script.from}-- reset\n`
  )

  each(
    "gives a message to another session once only",
    two(`${script.hello}${delivered}${script.from}-- close\n`, `${script.hello}${script.from}-- close\n`),
    () =>
      Effect.gen(function*() {
        const error = yield* failureOf(twice("0 seconds"))
        assert.deepStrictEqual(summary(error), {
          reason: "ConnectionLost",
          phase: "mail",
          delivery: "NotAccepted",
          retryable: true,
          recipients: ["NotSent"]
        })
        yield* nothingLeft
        yield* finished
      })
  )
  each(
    "does not send again what MAIL was answered for",
    `${script.hello}${delivered}${script.from}S: 250 Ok\n${script.to}-- close\n`,
    () =>
      Effect.gen(function*() {
        const error = yield* failureOf(twice("0 seconds"))
        assert.strictEqual(error.reason._tag, "ConnectionLost")
        assert.deepStrictEqual(yield* contents, [text])
        yield* finished
      })
  )
  each(
    "goes on after a refused message",
    `${script.hello}${script.from}S: 550 No\n${script.from}S: 250 Ok\n${script.to}S: 550 No\nC: RSET\nS: 250 Ok\n${delivered}${script.bye}`,
    () =>
      Effect.gen(function*() {
        yield* Effect.scoped(Effect.gen(function*() {
          const transporter = yield* make()
          const message = yield* mail()
          const first = yield* Effect.flip(transporter.send(message))
          const second = yield* Effect.flip(transporter.send(message))
          assert.deepStrictEqual([first.reason._tag, second.reason._tag], ["SenderRefused", "RecipientsRefused"])
          yield* transporter.send(message)
        }))
        assert.strictEqual((yield* log).split("Connecting").length, 2)
        yield* finished
      })
  )
  each(
    "replaces a session whose RSET is answered by 421",
    two(
      `${script.hello}${script.from}S: 250 Ok\n${script.to}S: 550 No\nC: RSET\nS: 421 Closing\n-- close\n`,
      `${script.hello}${delivered}${script.bye}`
    ),
    () =>
      Effect.gen(function*() {
        yield* Effect.scoped(Effect.gen(function*() {
          const transporter = yield* make()
          const message = yield* mail()
          yield* Effect.flip(transporter.send(message))
          yield* turns
          yield* transporter.send(message)
        }))
        yield* nothingLeft
        yield* finished
      })
  )
  each(
    "closes a session whose RSET is refused",
    two(
      `${script.hello}${script.from}S: 250 Ok\n${script.to}S: 550 No\nC: RSET\nS: 502 No\n-- end\n`,
      `${script.hello}${delivered}${script.bye}`
    ),
    () =>
      Effect.gen(function*() {
        yield* Effect.scoped(Effect.gen(function*() {
          const transporter = yield* make()
          const message = yield* mail()
          yield* Effect.flip(transporter.send(message))
          yield* turns
          yield* transporter.send(message)
        }))
        yield* nothingLeft
        yield* finished
      })
  )
})

describe("maxSessions", () => {
  const slow = `${script.hello}${script.envelope}C: DATA\nS: 354 Go on\n-- content\n-- delay 10 seconds\nS: 250 Ok\n`
  it.effect("bounds the sessions, and a send that waits takes the first that is free", () =>
    Effect.gen(function*() {
      const receipts = yield* toEnd(Effect.scoped(Effect.gen(function*() {
        const transporter = yield* make({ maxSessions: 2 })
        const message = yield* mail()
        return yield* Effect.all([1, 2, 3].map(() => transporter.send(message)), { concurrency: "unbounded" })
      })))
      assert.deepStrictEqual(receipts.map(({ session, transaction }) => [session, transaction]), [[1, 1], [2, 1], [
        1,
        2
      ]])
      assert.strictEqual(Duration.toSeconds(receipts[2]?.timings.queue ?? Duration.zero), 10)
      yield* nothingLeft
      yield* finished
    }).pipe(Effect.provide(layer(two(`${slow}${delivered}${script.bye}`, `${slow}${script.bye}`)))))

  it.effect("is one for each send as long as there is room", () =>
    Effect.gen(function*() {
      yield* toEnd(Effect.scoped(Effect.gen(function*() {
        const transporter = yield* make()
        const message = yield* mail()
        yield* Effect.all([1, 2, 3].map(() => transporter.send(message)), { concurrency: "unbounded" })
      })))
      assert.strictEqual((yield* log).split("Connecting").length, 4)
      yield* nothingLeft
    }).pipe(Effect.provide(layer(Script.fromText(`${slow}${script.bye}`)))))

  it.effect("does not make a failed server be tried for ever", () =>
    Effect.gen(function*() {
      const transporter = yield* make()
      const message = yield* mail()
      const errors = yield* Effect.all([1, 2, 3, 4, 5].map(() => Effect.flip(transporter.send(message))), {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(errors.map(({ reason }) => reason._tag), Array.from({ length: 5 }, () => "ServerRefused"))
      assert.strictEqual((yield* log).split("Connecting").length, 6)
      yield* nothingLeft
    }).pipe(Effect.scoped, Effect.provide(layer(Script.fromText("S: 421 No\n-- close\n")))))
})

describe("a receipt", () => {
  it.effect("says who has the message, where, and how long it took", () =>
    Effect.gen(function*() {
      const receipt = yield* toEnd(sending({ conversation: "always" }))
      assert.strictEqual(receipt.queueId, "4ZxYYYYYY")
      assert.strictEqual(receipt.reply.code, 250)
      assert.strictEqual(receipt.octets, 19)
      assert.deepStrictEqual(receipt.server, { host: "mail.test", port: 2525 })
      assert.deepStrictEqual(receipt.recipients.map(({ _tag, recipient }) => [_tag, recipient]), [[
        "Accepted",
        "bob@mail.test"
      ]])
      const { auth, tls, ...times } = receipt.timings
      assert.deepStrictEqual([auth, tls], [undefined, undefined])
      assert.deepStrictEqual(
        Object.fromEntries(
          Object.entries(times).map(([name, time]) => [name, Duration.toSeconds(time ?? Duration.zero)])
        ),
        { connect: 0, greeting: 1, queue: 3, envelope: 12, content: 0, verdict: 32, total: 47 }
      )
      assert.strictEqual(
        LogText.format(receipt.conversation ?? [], { columns: "statement" }),
        (yield* log).split("\n").slice(0, -3).join("\n")
      )
    }).pipe(Effect.provide(layer(
      "-- delay 1 second\nS: 220 mail.test\nC: EHLO client.test\n-- delay 2 seconds\nS: 250 mail.test\n" +
        `${script.from}-- delay 4 seconds\nS: 250 Ok\n${script.to}S: 250 Ok\nC: DATA\n-- delay 8 seconds\nS: 354 Go on\n` +
        `-- content\n-- delay 32 seconds\nS: 250 2.0.0 Ok: queued as 4ZxYYYYYY\n${script.bye}`
    ))))
})

const hello = (...extensions: ReadonlyArray<string>) =>
  `S: 220 mail.test\nC: EHLO client.test\nS: 250-mail.test\n${
    extensions.map((extension, at) => `S: 250${at === extensions.length - 1 ? " " : "-"}${extension}\n`).join("")
  }`
const stream = (octets: number, piece = 1_000) =>
  Effect.map(mail(), (composed): Message.Composed => ({
    ...composed,
    size: undefined,
    content: Stream.range(1, octets / piece).pipe(
      Stream.map(() => new TextEncoder().encode(`${"x".repeat(piece - 2)}\r\n`))
    )
  }))

describe("what the server offers decides", () => {
  const roundTrips = Script.ScriptServer.use((server) => Effect.map(server.connections, ([only]) => only?.roundTrips))
  const group = `${script.from}${script.to}C: DATA\nS: 250 Ok\nS: 250 Ok\nS: 354 Go on\n-- content\nS: 250 Ok\n`
  const waits = `${script.from}${script.to}S: 250 Ok\nS: 250 Ok\nC: DATA\nS: 354 Go on\n-- content\nS: 250 Ok\n`
  const alone = `${script.envelope}C: DATA\nS: 354 Go on\n-- content\nS: 250 Ok\n`
  const chunks = `${script.from}${script.to}S: 250 Ok\nS: 250 Ok\n-- bdat\nS: 250 Ok\n`
  const writes = (
    name: string,
    options: Transporter.Options,
    offers: ReadonlyArray<string>,
    transaction: string,
    trips: number
  ) =>
    it.effect(name, () =>
      Effect.gen(function*() {
        yield* sending(options)
        assert.deepStrictEqual(yield* contents, [text])
        // EHLO and QUIT besides
        assert.strictEqual(yield* roundTrips, trips + 2, yield* wire)
        yield* finished
      }).pipe(Effect.provide(layer(`${hello(...offers)}${transaction}${script.bye}`))))
  writes("PIPELINING: envelope and DATA in one round trip (RFC 2920)", {}, ["PIPELINING"], group, 2)
  writes("pipelining \"safe\": DATA waits for the recipients", { pipelining: "safe" }, ["PIPELINING"], waits, 3)
  writes("pipelining \"off\": one command at a time", { pipelining: "off" }, ["PIPELINING"], alone, 4)
  writes("without PIPELINING: one command at a time", {}, ["HELP"], alone, 4)
  writes(
    "every recipient required: DATA waits for the recipients",
    { allRecipients: "required" },
    ["PIPELINING"],
    waits,
    3
  )
  writes("CHUNKING: BDAT behind the recipients", {}, ["PIPELINING", "CHUNKING"], chunks, 2)
  writes(
    "CHUNKING without PIPELINING",
    {},
    ["CHUNKING"],
    `${script.envelope}-- bdat\nS: 250 Ok\n`,
    3
  )
  writes(
    "ignoreExtensions: as if it were not offered",
    { ignoreExtensions: ["chunking"] },
    ["PIPELINING", "CHUNKING"],
    group,
    2
  )

  each(
    "ignored extensions are on record",
    `${hello("PIPELINING", "CHUNKING")}${group}${script.bye}`,
    () =>
      Effect.gen(function*() {
        yield* sending({ ignoreExtensions: ["CHUNKING", "DSN"] })
        assert.include(yield* log, "### Note: \"treated as not offered: CHUNKING (ignoreExtensions)\"")
      })
  )
  each(
    "SIZE is declared (RFC 1870)",
    `${
      hello("SIZE 1000")
    }C: MAIL FROM:<ann@mail.test> SIZE=19\nS: 250 Ok\n${script.to}S: 250 Ok\nC: DATA\nS: 354 Go on\n-- content\nS: 250 Ok\n${script.bye}`,
    () => Effect.andThen(sending(), finished)
  )
  each(
    "what the user asked for and the server does not offer is an error, before anything is sent",
    `${hello("HELP")}${script.bye}`,
    () =>
      Effect.gen(function*() {
        const message = Effect.map(mail(), (composed): Message.Composed => ({
          ...composed,
          envelope: { ...composed.envelope, ret: "HDRS", envid: "x" }
        }))
        const error = yield* failureOf(sending({}, message))
        assert.deepStrictEqual(summary(error), {
          reason: "ExtensionUnavailable",
          phase: "mail",
          delivery: "NotAccepted",
          retryable: false,
          recipients: []
        })
        assert.include(error.message, "DSN")
        yield* finished
      })
  )
})

describe("BDAT", () => {
  const first = `${hello("PIPELINING", "CHUNKING")}${script.from}${script.to}S: 250 Ok\nS: 250 Ok\n`
  each(
    "sends content of unknown size in chunks, LAST with the last octets (RFC 3030 §2)",
    `${first}-- bdat\n-- bdat\n-- bdat\nS: 250 Ok\nS: 250 Ok\nS: 250 Queued\n${script.bye}`,
    () =>
      Effect.gen(function*() {
        const receipt = yield* sending({}, stream(150_000))
        assert.strictEqual(receipt.octets, 150_000)
        assert.deepStrictEqual((yield* contents).map((content) => content.length), [150_000])
        assert.deepStrictEqual((yield* log).split("\n").filter((line) => line.includes("BDAT")), [
          "C > \"BDAT 66000\"",
          "C > \"BDAT 66000\"",
          "C > \"BDAT 18000 LAST\""
        ])
        yield* finished
      })
  )
  each(
    "waits for each chunk's reply where there is no PIPELINING",
    `${
      hello("CHUNKING")
    }${script.envelope}-- bdat\nS: 250 One\n-- bdat\nS: 250 Two\n-- bdat\nS: 250 Queued\n${script.bye}`,
    () =>
      Effect.gen(function*() {
        const receipt = yield* sending({}, stream(150_000))
        assert.strictEqual(receipt.reply.text, "Queued")
        yield* finished
      })
  )
  each(
    "of an empty content is one chunk",
    `${first}-- bdat\nS: 250 Ok\n${script.bye}`,
    () =>
      Effect.gen(function*() {
        yield* sending({}, Effect.map(stream(0), (composed) => ({ ...composed, content: Stream.empty })))
        assert.include(yield* log, "C > \"BDAT 0 LAST\"")
        yield* finished
      })
  )
  each(
    "turns out to be over the server's limit: RSET",
    `${hello("SIZE 100000", "CHUNKING")}${script.envelope}-- bdat\nS: 250 One\nC: RSET\nS: 250 Ok\n${script.bye}`,
    () =>
      Effect.gen(function*() {
        const error = yield* failureOf(sending({}, stream(150_000)))
        assert.deepStrictEqual(summary(error), {
          reason: "MessageTooLarge",
          phase: "content",
          delivery: "NotAccepted",
          retryable: false,
          recipients: ["NotSent"]
        })
        yield* nothingLeft
        yield* finished
      })
  )
  each(
    "refused in the middle and accepted at its end is nobody's to know: a part is missing",
    `${first}-- bdat\n-- bdat\n-- bdat\nS: 250 Ok\nS: 452 Full\nS: 250 Queued\n-- end\n`,
    () =>
      Effect.gen(function*() {
        const error = yield* failureOf(sending({}, stream(150_000)))
        assert.deepStrictEqual(summary(error), {
          reason: "ProtocolViolation",
          phase: "verdict",
          delivery: "Unknown",
          retryable: false,
          recipients: ["Unknown"]
        })
        yield* nothingLeft
        yield* finished
      })
  )
  each(
    "refused in the middle: no further chunk is started, then RSET",
    `${hello("CHUNKING")}${script.envelope}-- bdat\nS: 552 5.3.4 Too much\nC: RSET\nS: 250 Ok\n${script.bye}`,
    () =>
      Effect.gen(function*() {
        const error = yield* failureOf(sending({}, stream(150_000)))
        assert.deepStrictEqual(summary(error), {
          reason: "ContentRefused",
          phase: "content",
          delivery: "NotAccepted",
          retryable: false,
          recipients: ["NotSent"]
        })
        assert.strictEqual(error.reply?.text, "5.3.4 Too much")
        yield* nothingLeft
        yield* finished
      })
  )
  for (const code of ["500 5.5.1 What", "502 5.5.1 Not here"]) {
    each(
      `answered by ${code.slice(0, 3)} closes the session at once, and is not used again`,
      two(
        `${first}-- bdat\nS: ${code}\n-- end\n`,
        `${
          hello("PIPELINING", "CHUNKING")
        }${script.from}${script.to}S: 250 Ok\nS: 250 Ok\nC: DATA\nS: 354 Go on\n-- content\nS: 250 Ok\n${script.bye}`
      ),
      () =>
        Effect.gen(function*() {
          yield* Effect.scoped(Effect.gen(function*() {
            const transporter = yield* make()
            const message = yield* mail()
            const error = yield* Effect.flip(transporter.send(message))
            assert.deepStrictEqual(summary(error), {
              reason: "ContentRefused",
              phase: "verdict",
              delivery: "NotAccepted",
              retryable: false,
              recipients: ["Refused"]
            })
            yield* transporter.send(message)
          }))
          assert.include(yield* log, "this server gets no BDAT from now on")
          yield* nothingLeft
          yield* finished
        })
    )
  }
})

describe("addresses", () => {
  for (
    const address of [
      "bob\r\nRSET@mail.test",
      "bob\n@mail.test",
      "bob\0@mail.test",
      "bob>@mail.test",
      "<bob@mail.test> SIZE=1",
      "",
      `${"b".repeat(65)}@mail.test`,
      `b@${"m".repeat(255)}.test`
    ]
  ) {
    each(
      `that are none do not reach the wire: ${JSON.stringify(address).slice(0, 40)}`,
      `${hello("HELP")}${script.bye}`,
      () =>
        Effect.gen(function*() {
          const message = Effect.map(mail(), (composed): Message.Composed => ({
            ...composed,
            envelope: { ...composed.envelope, to: [address] }
          }))
          const error = yield* failureOf(sending({}, message))
          assert.deepStrictEqual(summary(error), {
            reason: "InvalidMessage",
            phase: "mail",
            delivery: "NotAccepted",
            retryable: false,
            recipients: []
          })
          yield* nothingLeft
          yield* finished
        })
    )
  }
  each(
    "may be the null reverse-path",
    `${script.hello}C: MAIL FROM:<>\nS: 250 Ok\n${script.to}S: 250 Ok\nC: DATA\nS: 354 Go on\n-- content\nS: 250 Ok\n${script.bye}`,
    () =>
      Effect.gen(function*() {
        yield* sending(
          {},
          Effect.map(mail(), (composed) => ({ ...composed, envelope: { ...composed.envelope, from: "" } }))
        )
        yield* finished
      })
  )
})

const crossedRefused = (replies: string) =>
  `${hello("PIPELINING", "CHUNKING")}${script.from}${script.to}S: 250 Ok\nS: 250 Ok\n-- bdat\nS: 250 One\n` +
  `${script.from}${script.to}-- bdat\n${replies}`

describe("many messages", () => {
  it.effect("travel as they come, and one that fails does not stop the others", () =>
    Effect.gen(function*() {
      const sent = yield* toEnd(Effect.scoped(Effect.gen(function*() {
        const transporter = yield* make({ maxSessions: 1 })
        const messages = yield* Effect.all([mail(), mail(text, "eve@mail.test"), mail()])
        return yield* Stream.runCollect(transporter.sendAll(Stream.fromIterable(messages)))
      })))
      assert.deepStrictEqual(
        Array.from(sent, ({ index, result }) => [index, result._tag]).toSorted(([a], [b]) => Number(a) - Number(b)),
        [[0, "Success"], [1, "Failure"], [2, "Success"]]
      )
      yield* nothingLeft
      yield* finished
    }).pipe(Effect.provide(layer(
      `${script.hello}${delivered}${script.from}S: 250 Ok\nC: RCPT TO:<eve@mail.test>\nS: 550 No\nC: RSET\nS: 250 Ok\n${delivered}${script.bye}`
    ))))

  it.effect("cross on a session that has earned it: RSET stands in front of a MAIL whose predecessor is open", () =>
    Effect.gen(function*() {
      const receipts = yield* toEnd(Effect.scoped(Effect.gen(function*() {
        const transporter = yield* make({ maxSessions: 1 })
        const message = yield* mail()
        return yield* Effect.all(Array.from({ length: 3 }, () => transporter.send(message)), {
          concurrency: "unbounded"
        })
      })))
      assert.deepStrictEqual(receipts.map(({ reply }) => reply.text), ["One", "Two", "Three"])
      assert.deepStrictEqual(yield* contents, [text, text, text])
      yield* nothingLeft
      yield* finished
    }).pipe(Effect.provide(layer(
      `${hello("PIPELINING", "CHUNKING")}${script.from}${script.to}S: 250 Ok\nS: 250 Ok\n-- bdat\nS: 250 One\n` +
        `${script.from}${script.to}-- bdat\nC: RSET\n${script.from}${script.to}-- bdat\n` +
        "S: 250 Ok\nS: 250 Ok\nS: 250 Two\nS: 250 Ok\nS: 250 Ok\nS: 250 Ok\nS: 250 Three\n" + script.bye
    ))))
  each(
    "row 0: taken under another sender is unknown, and the session ends",
    crossedRefused("S: 550 No\nS: 250 Ok\nS: 250 Two\n-- end\n"),
    () =>
      Effect.gen(function*() {
        const error = yield* failureOf(twice("0 seconds"))
        assert.deepStrictEqual(summary(error), {
          reason: "ProtocolViolation",
          phase: "verdict",
          delivery: "Unknown",
          retryable: false,
          recipients: ["Unknown"]
        })
        assert.include(error.message, "a sender that it had refused")
        yield* nothingLeft
        yield* finished
      })
  )
  each(
    "a crossed message whose sender is refused was not taken",
    crossedRefused(`S: 550 No\nS: 503 No\nS: 503 No\n${script.bye}`),
    () =>
      Effect.gen(function*() {
        const error = yield* failureOf(twice("0 seconds"))
        assert.deepStrictEqual(summary(error), {
          reason: "SenderRefused",
          phase: "mail",
          delivery: "NotAccepted",
          retryable: false,
          recipients: ["Refused"]
        })
        yield* nothingLeft
        yield* finished
      })
  )
  each(
    "row 6: a crossed message behind a 421 was not taken, and goes to another session",
    crossedRefused("S: 250 Ok\nS: 421 Closing\n-- close\n"),
    () =>
      Effect.gen(function*() {
        const receipt = yield* twice("0 seconds")
        assert.deepStrictEqual([receipt.session, receipt.recipients.map((verdict) => verdict._tag)], [2, ["Accepted"]])
      })
  )
  each(
    "row 8: a crossed message whose replies are cut off is unknown",
    crossedRefused("S: 250 Ok\n-- close\n"),
    () =>
      Effect.gen(function*() {
        const error = yield* failureOf(twice("0 seconds"))
        assert.deepStrictEqual(summary(error), {
          reason: "ConnectionLost",
          phase: "rcpt",
          delivery: "Unknown",
          retryable: false,
          recipients: ["Unknown"]
        })
        yield* nothingLeft
      })
  )
})

describe("sending again", () => {
  it.effect("by Effect.retry sends the same message: same Message-ID, Date and boundaries", () =>
    Effect.gen(function*() {
      const receipt = yield* toEnd(Effect.scoped(Effect.gen(function*() {
        const transporter = yield* make()
        const send = transporter.send({
          from: "ann@mail.test",
          to: "bob@mail.test",
          subject: "Hi",
          text: "Hi",
          html: "<p>Hi"
        })
        return yield* Effect.retry(send, { schedule: Schedule.spaced("1 minute"), while: (error) => error.isRetryable })
      })))
      const [first, second] = yield* contents
      assert.strictEqual(first, second)
      assert.include(first, `Message-ID: ${receipt.messageId}`)
      yield* nothingLeft
      yield* finished
    }).pipe(Effect.provide(layer(two(
      `${script.hello}${script.envelope}C: DATA\nS: 354 Go on\n-- content\nS: 451 Later\n${script.bye}`,
      `${script.hello}${script.envelope}C: DATA\nS: 354 Go on\n-- content\nS: 250 Ok\n${script.bye}`
    )))))

  it.effect("of a draft that cannot be composed is an error that says where, and nobody is dialled", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(
        Effect.scoped(
          Effect.flatMap(
            make(),
            (transporter) => transporter.send({ from: "ann@mail.test", to: "nobody", subject: "Hi", text: "Hi" })
          )
        )
      )
      assert.deepStrictEqual([error.reason._tag, error.phase, error.delivery], [
        "InvalidMessage",
        "connect",
        "NotAccepted"
      ])
      assert.strictEqual(yield* log, "")
    }).pipe(Effect.provide(layer("-- silence\n"))))
})

describe("an error", () => {
  each(
    "carries the conversation, and prints it only where it is asked to",
    `${script.hello}${script.from}S: 550 5.7.1 <ann@mail.test> not welcome\n${script.bye}`,
    () =>
      Effect.gen(function*() {
        const error = yield* failureOf(sending())
        assert.strictEqual(
          LogText.format(error.conversation, { columns: "statement" }),
          lines(
            ready,
            "C > \"MAIL FROM:<ann@mail.test>\"",
            "S < \"550 5.7.1 <ann@mail.test> not welcome\"",
            "### SMTP Failed while mail. (SenderRefused)"
          )
        )
        for (const printed of [error.message, String(error), JSON.stringify(error)]) {
          assert.include(printed, "550 5.7.1")
          assert.notInclude(printed, "ann@mail.test")
          assert.notInclude(printed, "EHLO")
        }
        assert.include(SmtpError.render(error), "C > \"EHLO client.test\"")
      })
  )
})
