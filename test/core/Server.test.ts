import type { Envelope } from "@colloquy/core/Envelope"
import * as LogText from "@colloquy/core/LogText"
import * as Reply from "@colloquy/core/Reply"
import * as Server from "@colloquy/core/Server"
import * as SmtpLog from "@colloquy/core/SmtpLog"
import * as MemoryPipe from "@colloquy/core/testing/internal/memoryPipe"
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Deferred, Effect, Fiber, Redacted, Schema, Stream } from "effect"
import { TestClock } from "effect/testing"

const encoder = new TextEncoder()
const decoder = new TextDecoder()
const tls = { key: Redacted.make("key"), cert: "certificate" }
const password = Redacted.make("s3cret-words")
const users = Server.users({ ann: password })
/** base64 of NUL ann NUL s3cret-words */
const right = "AGFubgBzM2NyZXQtd29yZHM="
const wrong = "AGFubgB3cm9uZy13b3Jkcw=="

interface Got {
  readonly envelope: Envelope
  readonly content: string
}

/** A session with a server in memory, and what it took. */
const open = Effect.fnUntraced(function*(options: Server.Options & Partial<Server.Handlers> = {}) {
  const messages: Array<Got> = []
  const pipe = MemoryPipe.make({
    secured: false,
    tls: () => ({ protocol: "TLSv1.3", cipher: "AES", verified: true, chain: [] }),
    clientAddress: "192.0.2.1",
    serverAddress: "203.0.113.25"
  })
  const take: Server.Handlers["message"] = (envelope, stream) =>
    Effect.map(Stream.runCollect(stream), (pieces) => {
      messages.push({ envelope, content: pieces.map((piece) => decoder.decode(piece)).join("") })
      return Reply.make(250, "2.0.0 Taken")
    })
  const serving = yield* Server.serve(pipe.server, { message: take, ...options }, { name: "mail.test", ...options })
    .pipe(
      Effect.scoped,
      Effect.ensuring(pipe.close("server")),
      Effect.forkChild({ startImmediately: true })
    )
  const say = (text: string) => pipe.client.writeAll([encoder.encode(text)])
  /** All that comes until so many lines have come. */
  const hear = Effect.fnUntraced(function*(lines: number) {
    let text = ""
    while (text.split("\r\n").length <= lines) {
      for (const chunk of yield* pipe.client.pull) text += decoder.decode(chunk)
    }
    return text.slice(0, -2).split("\r\n")
  })
  /** All that comes until the server closes. */
  const hearAll = Effect.gen(function*() {
    let text = ""
    while (true) {
      const chunks = yield* Effect.option(pipe.client.pull)
      if (chunks._tag === "None") return text.slice(0, -2).split("\r\n")
      for (const chunk of chunks.value) text += decoder.decode(chunk)
    }
  })
  const ask = (text: string, lines = 1) => Effect.andThen(say(`${text}\r\n`), hear(lines))
  yield* hear(1)
  return { pipe, serving, messages, say, hear, hearAll, ask }
})
const statements = Effect.map(
  SmtpLog.LogMemory.use((log) => log.events),
  (events) => LogText.format(events, { columns: "statement" }).trimEnd().split("\n")
)
const test = <A, E>(name: string, body: () => Effect.Effect<A, E, SmtpLog.LogMemory | SmtpLog.SmtpLog>) =>
  it.effect(name, () => body().pipe(Effect.provide(SmtpLog.layerMemory)))
const ready = "MAIL FROM:<ann@mail.test>\r\nRCPT TO:<bob@mail.test>\r\n"
const hello = "250-mail.test"
const common = ["250-PIPELINING", "250-SIZE 50000000", "250-8BITMIME", "250-SMTPUTF8", "250-CHUNKING"]

describe("a message", () => {
  test("is received in a conversation that the log has as its client would", () =>
    Effect.gen(function*() {
      const { ask, messages, say, serving } = yield* open()
      assert.deepStrictEqual(yield* ask("EHLO client.test", 7), [hello, ...common, "250 ENHANCEDSTATUSCODES"])
      assert.deepStrictEqual(yield* ask("MAIL FROM:<ann@mail.test> SIZE=100 BODY=8BITMIME"), ["250 2.1.0 Sender ok"])
      assert.deepStrictEqual(yield* ask("RCPT TO:<bob@mail.test>"), ["250 2.1.5 Recipient ok"])
      assert.deepStrictEqual(yield* ask("rcpt to:<Carol@mail.test>"), ["250 2.1.5 Recipient ok"])
      assert.deepStrictEqual(yield* ask("DATA"), ["354 End data with <CR><LF>.<CR><LF>"])
      assert.deepStrictEqual(yield* ask("Subject: Hi\r\n\r\n..dots\r\n."), ["250 2.0.0 Taken"])
      yield* say("QUIT\r\n")
      yield* Fiber.join(serving)
      assert.deepStrictEqual(messages, [{
        envelope: { from: "ann@mail.test", to: ["bob@mail.test", "Carol@mail.test"] },
        content: "Subject: Hi\r\n\r\n.dots\r\n"
      }])
      assert.deepStrictEqual(yield* statements, [
        `### Note: "A client connected from 192.0.2.1."`,
        `S < "220 mail.test ESMTP"`,
        `C > "EHLO client.test"`,
        ...[hello, ...common, "250 ENHANCEDSTATUSCODES"].map((line) => `S < "${line}"`),
        `C > "MAIL FROM:<ann@mail.test> SIZE=100 BODY=8BITMIME"`,
        `S < "250 2.1.0 Sender ok"`,
        `C > "RCPT TO:<bob@mail.test>"`,
        `S < "250 2.1.5 Recipient ok"`,
        `C > "rcpt to:<Carol@mail.test>"`,
        `S < "250 2.1.5 Recipient ok"`,
        `C > "DATA"`,
        `S < "354 End data with <CR><LF>.<CR><LF>"`,
        "### SMTP Content sent. (22 octets, 3 lines)",
        `S < "250 2.0.0 Taken"`,
        `C > "QUIT"`,
        `S < "221 2.0.0 Bye"`,
        "### SMTP Connection closed. (client)"
      ])
    }))

  test("of a pipelined group is answered in one write", () =>
    Effect.gen(function*() {
      const { hear, messages, pipe, say } = yield* open()
      yield* say(`EHLO client.test\r\n${ready}DATA\r\n`)
      assert.lengthOf(yield* pipe.client.pull, 4)
      yield* say(`Hi\r\n.\r\n${ready}DATA\r\n`)
      assert.deepStrictEqual(yield* hear(4), [
        "250 2.0.0 Taken",
        "250 2.1.0 Sender ok",
        "250 2.1.5 Recipient ok",
        "354 End data with <CR><LF>.<CR><LF>"
      ])
      yield* say("Ho\r\n.\r\n")
      yield* hear(1)
      assert.deepStrictEqual(messages.map((message) => message.content), ["Hi\r\n", "Ho\r\n"])
    }))

  test("ends at CRLF.CRLF only: what would be smuggled stays content", () =>
    Effect.gen(function*() {
      const { ask, messages } = yield* open()
      yield* ask("EHLO client.test", 7)
      for (const end of ["\n.\n", "\n.\r\n", "\r.\r", "\r\n.\n", "\r\n.\r", "\r\n\0.\r\n"]) {
        yield* ask(`${ready}DATA`, 3)
        const content = `Hi${end}${ready}DATA\r\nsmuggled\r\n`
        assert.deepStrictEqual(yield* ask(`${content}.`), ["250 2.0.0 Taken"])
        assert.strictEqual(messages.length, 1)
        assert.strictEqual(messages.pop()?.content, content.replace("\r\n.", "\r\n"))
      }
    }))

  test("in chunks is read by their octets", () =>
    Effect.gen(function*() {
      const { hear, messages, say } = yield* open()
      yield* say(`EHLO client.test\r\n${ready}BDAT 9\r\n\r\n.\r\nQUITBDAT 0\r\nBDAT 3 LAST\r\n.\r\nNOOP\r\n`)
      assert.deepStrictEqual((yield* hear(13)).slice(7), [
        "250 2.1.0 Sender ok",
        "250 2.1.5 Recipient ok",
        "250 2.0.0 9 octets received",
        "250 2.0.0 0 octets received",
        "250 2.0.0 Taken",
        "250 2.0.0 Ok"
      ])
      assert.deepStrictEqual(messages.map((message) => message.content), ["\r\n.\r\nQUIT.\r\n"])
    }))

  test("in chunks that are refused is read all the same", () =>
    Effect.gen(function*() {
      const { ask, messages } = yield* open({
        message: () => Effect.fail(Reply.make(550, "5.7.1 No")),
        rcpt: (to) => to.startsWith("bob") ? Effect.void : Effect.fail(Reply.make(550, "5.1.1 No such user"))
      })
      yield* ask("EHLO client.test", 7)
      assert.deepStrictEqual(yield* ask("BDAT 6 LAST\r\nQUIT\r\nNOOP", 2), [
        "503 5.5.1 MAIL comes first",
        "250 2.0.0 Ok"
      ])
      assert.deepStrictEqual(
        yield* ask("MAIL FROM:<>\r\nRCPT TO:<carol@mail.test>\r\nBDAT 6\r\nQUIT\r\nNOOP", 4),
        ["250 2.1.0 Sender ok", "550 5.1.1 No such user", "554 5.5.1 No valid recipients", "250 2.0.0 Ok"]
      )
      assert.deepStrictEqual(
        yield* ask("RCPT TO:<bob@mail.test>\r\nBDAT 6\r\nQUIT\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP", 4),
        ["250 2.1.5 Recipient ok", "550 5.7.1 No", "503 5.5.1 MAIL comes first", "250 2.0.0 Ok"]
      )
      assert.lengthOf(messages, 0)
    }))

  test("whose chunk has no length ends the session", () =>
    Effect.gen(function*() {
      const { hearAll, say } = yield* open()
      yield* say(`EHLO client.test\r\n${ready}BDAT x\r\nQUIT\r\n`)
      assert.strictEqual(
        (yield* hearAll).at(-1),
        "501 5.5.4 BDAT: not a number of octets, and LAST or nothing"
      )
    }))

  test("that is too large is refused, before or after it came, and its handler is interrupted", () =>
    Effect.gen(function*() {
      const interrupted = yield* Deferred.make<void>()
      const { ask } = yield* open({
        size: 10,
        message: (_, content) =>
          Stream.runDrain(content).pipe(
            Effect.as(Reply.make(250, "2.0.0 Whole")),
            Effect.onInterrupt(() => Deferred.succeed(interrupted, undefined))
          )
      })
      yield* ask("EHLO client.test", 7)
      assert.deepStrictEqual(yield* ask("MAIL FROM:<a@b.test> SIZE=11"), ["552 5.3.4 Message too large"])
      yield* ask(`${ready}DATA`, 3)
      assert.deepStrictEqual(yield* ask("123456789\r\n."), ["552 5.3.4 Message too large"])
      yield* Deferred.await(interrupted)
      yield* ask(`${ready}DATA`, 3)
      assert.deepStrictEqual(yield* ask("12345678\r\n."), ["250 2.0.0 Whole"])
      yield* ask(ready.trimEnd(), 2)
      assert.deepStrictEqual(yield* ask("BDAT 6\r\n123456BDAT 6 LAST\r\n123456NOOP", 3), [
        "250 2.0.0 6 octets received",
        "552 5.3.4 Message too large",
        "250 2.0.0 Ok"
      ])
    }))

  test("that breaks off never looks whole to its handler", () =>
    Effect.gen(function*() {
      for (
        const beginning of [
          "DATA\r\nhalf of it\r\n.\r",
          "BDAT 100\r\nhalf of it",
          "BDAT 2\r\nHi",
          "BDAT 2\r\nHiRSET\r\n"
        ]
      ) {
        const interrupted = yield* Deferred.make<void>()
        const { pipe, say, serving } = yield* open({
          message: (_, content) =>
            Stream.runDrain(content).pipe(
              Effect.andThen(Effect.die("it looked whole")),
              Effect.onInterrupt(() => Deferred.succeed(interrupted, undefined))
            )
        })
        yield* say(`EHLO client.test\r\n${ready}${beginning}`)
        if (!beginning.endsWith("RSET\r\n")) yield* pipe.close("client")
        yield* Deferred.await(interrupted)
        yield* pipe.close("client")
        yield* Fiber.join(serving)
      }
    }))

  test("waits for its handler, and so does the client", () =>
    Effect.gen(function*() {
      const latch = yield* Deferred.make<void>()
      let octets = 0
      const { ask, hear, say } = yield* open({
        message: (_, content) =>
          Deferred.await(latch).pipe(
            Effect.andThen(Stream.runForEach(content, (piece) =>
              Effect.sync(() => {
                octets += piece.length
              }))),
            Effect.as(Reply.make(250, "2.0.0 Taken"))
          )
      })
      yield* ask("EHLO client.test", 7)
      yield* ask(`${ready}DATA`, 3)
      const piece = `${"x".repeat(65_534)}\r\n`
      const writing = yield* Effect.forkChild(Effect.repeat(say(piece), { times: 99 }), { startImmediately: true })
      yield* TestClock.adjust("1 minute")
      assert.isUndefined(writing.pollUnsafe())
      yield* Deferred.succeed(latch, undefined)
      yield* Fiber.join(writing)
      yield* say(".\r\n")
      assert.deepStrictEqual(yield* hear(1), ["250 2.0.0 Taken"])
      assert.strictEqual(octets, 6_553_600)
    }))

  test("whose handler answers early is read to its end", () =>
    Effect.gen(function*() {
      const { ask } = yield* open({ message: () => Effect.succeed(Reply.make(250, "2.0.0 Seen enough")) })
      yield* ask("EHLO client.test", 7)
      yield* ask(`${ready}DATA`, 3)
      assert.deepStrictEqual(yield* ask(`${"x\r\n".repeat(100_000)}.\r\nNOOP`, 2), [
        "250 2.0.0 Seen enough",
        "250 2.0.0 Ok"
      ])
    }))

  test("is refused by whichever handler refuses it; one that dies is a 451", () =>
    Effect.gen(function*() {
      const { ask } = yield* open({
        mail: (from) => from === "" ? Effect.fail(Reply.make(550, "5.7.1 No bounces")) : Effect.void,
        rcpt: (to) => to.startsWith("x") ? Effect.die("bug") : Effect.void,
        message: () => Effect.die("bug")
      })
      yield* ask("EHLO client.test", 7)
      assert.deepStrictEqual(yield* ask("MAIL FROM:<>"), ["550 5.7.1 No bounces"])
      assert.deepStrictEqual(yield* ask("MAIL FROM:<ann@mail.test>"), ["250 2.1.0 Sender ok"])
      assert.deepStrictEqual(yield* ask("RCPT TO:<x@mail.test>"), ["451 4.3.0 Local error"])
      assert.deepStrictEqual(yield* ask("DATA"), ["554 5.5.1 No valid recipients"])
      assert.deepStrictEqual(yield* ask("RCPT TO:<bob@mail.test>"), ["250 2.1.5 Recipient ok"])
      yield* ask("DATA")
      assert.deepStrictEqual(yield* ask("Hi\r\n."), ["451 4.3.0 Local error"])
    }))
})

describe("STARTTLS", () => {
  test("forgets what was said before, and drops what came behind it in clear text", () =>
    Effect.gen(function*() {
      const { ask, messages, pipe } = yield* open({ tls })
      assert.deepStrictEqual(yield* ask("EHLO client.test", 8), [
        hello,
        ...common,
        "250-STARTTLS",
        "250 ENHANCEDSTATUSCODES"
      ])
      yield* ask("MAIL FROM:<ann@mail.test>")
      yield* ask("RCPT TO:<mallory@mail.test>")
      assert.deepStrictEqual(yield* ask("STARTTLS\r\nDATA\r\ninjected\r\n."), ["220 2.0.0 Ready to start TLS"])
      yield* pipe.client.upgrade({ servername: "mail.test" })
      assert.deepStrictEqual(yield* ask("MAIL FROM:<ann@mail.test>"), ["503 5.5.1 EHLO comes first"])
      assert.deepStrictEqual(yield* ask("EHLO client.test", 7), [hello, ...common, "250 ENHANCEDSTATUSCODES"])
      assert.deepStrictEqual(yield* ask("STARTTLS"), ["503 5.5.1 TLS is on"])
      assert.deepStrictEqual(yield* ask("DATA"), ["503 5.5.1 MAIL comes first"])
      assert.lengthOf(messages, 0)
      const log = yield* statements
      assert.includeMembers(log, [
        `### Note: "19 octets that came behind STARTTLS in clear text were dropped."`,
        "### SMTP TLS is on. (TLSv1.3, verified)"
      ])
    }))

  test("whose handshake fails ends the session", () =>
    Effect.gen(function*() {
      const { ask, pipe, say, serving } = yield* open({ tls })
      yield* ask("STARTTLS")
      yield* say("EHLO client.test\r\n")
      yield* Fiber.join(serving)
      yield* Effect.flip(pipe.client.pull)
      assert.deepStrictEqual((yield* statements).slice(-2), [
        "### SMTP Failed while starttls. (TlsFailed)",
        "### SMTP Connection closed. (network)"
      ])
    }))

  test("is not offered without a certificate, nor to who gives it an argument", () =>
    Effect.gen(function*() {
      const without = yield* open()
      assert.deepStrictEqual(yield* without.ask("STARTTLS"), ["502 5.5.1 Command not implemented"])
      const { ask } = yield* open({ tls })
      assert.deepStrictEqual(yield* ask("STARTTLS now"), ["501 5.5.4 STARTTLS: it has none"])
    }))
})

describe("AUTH", () => {
  const secure = { authenticate: users, secured: true }

  test("lets in who knows the password, and shows none of it", () =>
    Effect.gen(function*() {
      for (
        const exchange of [
          [[`AUTH PLAIN ${right}`, "235 2.7.0 Authentication successful"]],
          [["AUTH PLAIN", "334 "], [right, "235 2.7.0 Authentication successful"]],
          [
            ["auth login", "334 VXNlcm5hbWU6"],
            ["YW5u", "334 UGFzc3dvcmQ6"],
            ["czNjcmV0LXdvcmRz", "235 2.7.0 Authentication successful"]
          ],
          [["AUTH LOGIN YW5u", "334 UGFzc3dvcmQ6"], ["czNjcmV0LXdvcmRz", "235 2.7.0 Authentication successful"]]
        ] as const
      ) {
        const { ask } = yield* open(secure)
        assert.include(yield* ask("EHLO client.test", 8), "250-AUTH PLAIN LOGIN")
        for (const [line, reply] of exchange) assert.deepStrictEqual(yield* ask(line), [reply])
        assert.deepStrictEqual(yield* ask(`AUTH PLAIN ${right}`), ["503 5.5.1 Already authenticated"])
      }
      const log = (yield* statements).join("\n")
      assert.include(log, `C > "AUTH PLAIN ********************************"`)
      assert.include(log, `C > "********************************"`)
      for (const part of ["AGFu", "YW5u", "czNj", "s3cret"]) assert.notInclude(log, part)
    }))

  test("refuses what is wrong, cancelled, unreadable or unknown", () =>
    Effect.gen(function*() {
      const { ask } = yield* open(secure)
      assert.deepStrictEqual(yield* ask(`AUTH PLAIN ${right}`), ["503 5.5.1 EHLO comes first"])
      yield* ask("EHLO client.test", 8)
      for (
        const exchange of [
          [[`AUTH PLAIN ${wrong}`, "535 5.7.8 Authentication credentials invalid"]],
          // bob, and ann who would be bob
          [["AUTH PLAIN AGJvYgBzM2NyZXQtd29yZHM=", "535 5.7.8 Authentication credentials invalid"]],
          [["AUTH PLAIN Ym9iAGFubgBzM2NyZXQtd29yZHM=", "535 5.7.8 Authentication credentials invalid"]],
          [["AUTH PLAIN =", "501 5.5.2 Cannot decode the response"]],
          [["AUTH PLAIN !", "501 5.5.4 AUTH: not base64"]],
          [["AUTH PLAIN", "334 "], ["!", "501 5.5.2 Cannot decode the response"]],
          [["AUTH PLAIN", "334 "], ["*", "501 5.7.0 Authentication cancelled"]],
          [["AUTH LOGIN", "334 VXNlcm5hbWU6"], ["*", "501 5.7.0 Authentication cancelled"]],
          [["AUTH PLAIN", "334 "], ["x".repeat(12_300), "500 5.5.6 Line too long"]],
          [["AUTH CRAM-MD5", "504 5.5.4 Mechanism not supported"]]
        ] as const
      ) {
        for (const [line, reply] of exchange) assert.deepStrictEqual(yield* ask(line), [reply], line)
      }
      yield* ask("MAIL FROM:<ann@mail.test>")
      assert.deepStrictEqual(yield* ask(`AUTH PLAIN ${right}`), ["503 5.5.1 A transaction is open"])
    }))

  test("is not for clear text, unless somebody said so", () =>
    Effect.gen(function*() {
      const strict = yield* open({ authenticate: users, tls })
      assert.notInclude(yield* strict.ask("EHLO client.test", 8), "250-AUTH PLAIN LOGIN")
      assert.deepStrictEqual(yield* strict.ask(`AUTH PLAIN ${right}`), [
        "538 5.7.11 Encryption required for this mechanism"
      ])
      yield* strict.ask("STARTTLS")
      yield* strict.pipe.client.upgrade({})
      yield* strict.ask("EHLO client.test", 8)
      assert.deepStrictEqual(yield* strict.ask(`AUTH PLAIN ${right}`), ["235 2.7.0 Authentication successful"])
      const lax = yield* open({ authenticate: users, dangerouslyAuthInClear: true })
      yield* lax.ask("EHLO client.test", 8)
      assert.deepStrictEqual(yield* lax.ask(`AUTH PLAIN ${right}`), ["235 2.7.0 Authentication successful"])
      const none = yield* open({ secured: true })
      yield* none.ask("EHLO client.test", 7)
      assert.deepStrictEqual(yield* none.ask(`AUTH PLAIN ${right}`), ["502 5.5.1 Command not implemented"])
      assert.notInclude((yield* statements).join("\n"), "AGFu")
    }))

  test("can be required before MAIL", () =>
    Effect.gen(function*() {
      const { ask } = yield* open({ ...secure, authenticationRequired: true })
      yield* ask("EHLO client.test", 8)
      assert.deepStrictEqual(yield* ask("MAIL FROM:<ann@mail.test>"), ["530 5.7.0 Authentication required"])
      yield* ask(`AUTH PLAIN ${right}`)
      assert.deepStrictEqual(yield* ask("MAIL FROM:<ann@mail.test>"), ["250 2.1.0 Sender ok"])
    }))

  test("ends the session at the tenth failure", () =>
    Effect.gen(function*() {
      const { ask, hearAll, say, serving } = yield* open(secure)
      yield* ask("EHLO client.test", 8)
      for (let i = 1; i < 10; i++) yield* ask(`AUTH PLAIN ${wrong}`)
      yield* say(`AUTH PLAIN ${wrong}\r\n`)
      assert.deepStrictEqual(yield* hearAll, ["421 4.7.0 Too many failed logins, closing the connection"])
      yield* Fiber.join(serving)
    }))

  test("keeps a secret out of the log that a handler repeats", () =>
    Effect.gen(function*() {
      const { ask } = yield* open({
        secured: true,
        authenticate: (_, password) => Effect.fail(Reply.make(535, `5.7.8 ${Redacted.value(password)} is wrong`))
      })
      yield* ask("EHLO client.test", 8)
      yield* ask(`AUTH PLAIN ${right}`)
      assert.strictEqual((yield* statements).at(-1), `S < "535 5.7.8 ******************************** is wrong"`)
    }))
})

describe("commands", () => {
  test("have their answers", () =>
    Effect.gen(function*() {
      const { ask } = yield* open()
      assert.deepStrictEqual(yield* ask("HELO client.test"), ["250 mail.test"])
      for (
        const [command, reply] of [
          ["NOOP", "250 2.0.0 Ok"],
          ["NOOP whatever", "250 2.0.0 Ok"],
          ["RSET", "250 2.0.0 Ok"],
          ["VRFY ann", "252 2.5.2 Cannot verify, but will accept the message and attempt delivery"],
          ["EXPN staff", "502 5.5.1 Command not implemented"],
          ["HELP", "214 2.0.0 See RFC 5321"],
          ["ETRN mail.test", "502 5.5.1 Command not implemented"],
          ["LHLO client.test", "502 5.5.1 Command not implemented"],
          ["EHLO", "501 5.5.4 EHLO: none, or not of printable ASCII characters"],
          ["MAIL FROM:<ann@mail.test> SIZE=10", "555 5.5.4 Parameter not implemented"],
          ["NONSENSE s3cret", "500 5.5.2 Command unknown"]
        ] as const
      ) assert.deepStrictEqual(yield* ask(command), [reply], command)
    }))

  test("have an order", () =>
    Effect.gen(function*() {
      const { ask } = yield* open()
      assert.deepStrictEqual(yield* ask("MAIL FROM:<a@b.test>"), ["503 5.5.1 EHLO comes first"])
      yield* ask("EHLO client.test", 7)
      assert.deepStrictEqual(yield* ask("RCPT TO:<a@b.test>"), ["503 5.5.1 MAIL comes first"])
      assert.deepStrictEqual(yield* ask("DATA"), ["503 5.5.1 MAIL comes first"])
      yield* ask("MAIL FROM:<a@b.test>")
      assert.deepStrictEqual(yield* ask("MAIL FROM:<a@b.test>"), ["503 5.5.1 A transaction is open"])
      yield* ask("RCPT TO:<a@b.test>")
      yield* ask("BDAT 1\r\nx")
      assert.deepStrictEqual(yield* ask("DATA"), ["503 5.5.1 BDAT has begun"])
      assert.deepStrictEqual(yield* ask("RCPT TO:<c@b.test>"), ["503 5.5.1 BDAT has begun"])
      yield* ask("RSET")
      assert.deepStrictEqual(yield* ask("DATA"), ["503 5.5.1 MAIL comes first"])
    }))

  test("have parameters that were offered, and no others", () =>
    Effect.gen(function*() {
      const { ask } = yield* open()
      yield* ask("EHLO client.test", 7)
      for (
        const [command, reply] of [
          ["MAIL FROM:<a@b.test> SIZE=x", "501 5.5.4 MAIL: SIZE is a number of octets"],
          ["MAIL FROM:<a@b.test> SIZE=99999999999999999999", "552 5.3.4 Message too large"],
          ["MAIL FROM:<a@b.test> BODY=BINARYMIME", "555 5.5.4 Parameter not implemented"],
          ["MAIL FROM:<a@b.test> RET=HDRS", "555 5.5.4 Parameter not implemented"],
          ["MAIL FROM:<a@b.test> AUTH=<>", "555 5.5.4 Parameter not implemented"],
          ["MAIL FROM:<é@b.test>", "501 5.5.4 MAIL: "],
          ["MAIL FROM:<a@b.test>", "250 2.1.0 Sender ok"],
          ["RCPT TO:<é@b.test>", "553 5.6.7 A non-ASCII address needs SMTPUTF8"],
          ["RCPT TO:<a@b.test> NOTIFY=NEVER", "555 5.5.4 Parameter not implemented"],
          ["RSET", "250 2.0.0 Ok"],
          ["MAIL FROM:<é@b.test> SMTPUTF8", "250 2.1.0 Sender ok"],
          ["RCPT TO:<é@b.test>", "250 2.1.5 Recipient ok"],
          ["RCPT TO:<postmaster>", "250 2.1.5 Recipient ok"]
        ] as const
      ) assert.isTrue((yield* ask(command))[0]?.startsWith(reply), command)
    }))

  test("that are none are neither echoed nor logged", () =>
    Effect.gen(function*() {
      const { ask } = yield* open()
      const secret = "c2VjcmV0"
      for (
        const line of [
          secret,
          `PASS ${secret}`,
          `${secret}${secret}`,
          ` ${secret}`,
          `MAIL\t${secret}`,
          `${secret}\n.`
        ]
      ) assert.notInclude((yield* ask(line)).join(), secret)
      assert.deepStrictEqual((yield* statements).filter((line) => line.startsWith("C")), [
        `C > "********************************"`,
        `C > "PASS …"`,
        `C > "********************************"`,
        `C > "********************************"`,
        `C > "MAIL …"`,
        `C > "********************************"`
      ])
    }))

  test("have limits: a line's length, its characters, recipients, mistakes", () =>
    Effect.gen(function*() {
      const { ask, hear, hearAll, say } = yield* open()
      yield* ask("EHLO client.test", 7)
      assert.deepStrictEqual(yield* ask(`NOOP ${"x".repeat(2_041)}`), ["250 2.0.0 Ok"])
      assert.deepStrictEqual(yield* ask(`NOOP ${"x".repeat(2_042)}`), ["500 5.5.6 Line too long"])
      for (const line of ["NOOP\nQUIT", "NOOP\rQUIT", "NOOP\0"]) {
        assert.deepStrictEqual(yield* ask(line), [
          "500 5.5.2 A line ends in CRLF; CR, LF and NUL are not allowed in it"
        ])
      }
      yield* say(`MAIL FROM:<a@b.test>\r\n${"RCPT TO:<a@b.test>\r\n".repeat(1_001)}`)
      assert.strictEqual((yield* hear(1_002)).at(-1), "452 4.5.3 Too many recipients")
      yield* say("x\r\n".repeat(200))
      const replies = yield* hearAll
      assert.deepStrictEqual(
        [replies.length, replies.at(-1)],
        [96, "421 4.7.0 Too many errors, closing the connection"]
      )
    }))
})

describe("a session", () => {
  test("ends when a line takes too long, however it drips", () =>
    Effect.gen(function*() {
      const { hearAll, say, serving } = yield* open()
      for (let i = 0; i < 4; i++) {
        yield* TestClock.adjust("1 minute")
        yield* say("x")
      }
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* hearAll, ["421 4.4.2 Time limit exceeded, closing the connection"])
      yield* Fiber.join(serving)
      assert.deepStrictEqual((yield* statements).slice(-3), [
        "### SMTP Timed out while ehlo. (300000 ms)",
        `S < "421 4.4.2 Time limit exceeded, closing the connection"`,
        "### SMTP Connection closed. (server)"
      ])
    }))

  test("says that it closes when its server is shut down", () =>
    Effect.gen(function*() {
      const { ask, hearAll, serving } = yield* open()
      yield* ask("EHLO client.test", 7)
      yield* Fiber.interrupt(serving)
      assert.deepStrictEqual(yield* hearAll, ["421 4.3.2 Service shutting down"])
      assert.strictEqual((yield* statements).at(-1), "### SMTP Connection closed. (server)")
    }))

  test("ends with the client's connection", () =>
    Effect.gen(function*() {
      const { pipe, serving } = yield* open()
      yield* pipe.close("client")
      yield* Fiber.join(serving)
      assert.strictEqual((yield* statements).at(-1), "### SMTP Connection closed. (client)")
    }))

  it.effect.prop(
    "is the same however its octets are cut",
    [Arbitrary.array(Arbitrary.schema(Schema.Natural))],
    ([cuts]) =>
      Effect.gen(function*() {
        const octets = encoder.encode(
          `EHLO client.test\r\n${ready}DATA\r\nHi\r\n..\r\n\n.\r\n.\r\nx\ny\r\n${ready}BDAT 5\r\n\r\n.\r\nBDAT 4 LAST\r\nQUITQUIT\r\n`
        )
        const { hearAll, messages, pipe } = yield* open()
        const at = [0, ...cuts.map((cut) => cut % octets.length), octets.length].toSorted((a, b) => a - b)
        for (const [index, end] of at.slice(1).entries()) yield* pipe.client.writeAll([octets.slice(at[index], end)])
        assert.deepStrictEqual((yield* hearAll).slice(7), [
          "250 2.1.0 Sender ok",
          "250 2.1.5 Recipient ok",
          "354 End data with <CR><LF>.<CR><LF>",
          "250 2.0.0 Taken",
          "500 5.5.2 A line ends in CRLF; CR, LF and NUL are not allowed in it",
          "250 2.1.0 Sender ok",
          "250 2.1.5 Recipient ok",
          "250 2.0.0 5 octets received",
          "250 2.0.0 Taken",
          "221 2.0.0 Bye"
        ])
        assert.deepStrictEqual(messages.map((message) => message.content), ["Hi\r\n.\r\n\n.\r\n", "\r\n.\r\nQUIT"])
      }).pipe(Effect.scoped, Effect.provide(SmtpLog.layerNone))
  )
})

const same = (one: string, other: string) => Server.isSameSecret(Redacted.make(one), Redacted.make(other))
describe("the comparison of secrets", () => {
  it.prop("is equality", [Schema.String, Schema.String], ([one, other]) => {
    assert.isTrue(same(one, one))
    assert.strictEqual(same(one, other), decoder.decode(encoder.encode(one)) === decoder.decode(encoder.encode(other)))
    assert.isFalse(same(one, `${one}x`))
  })
})
