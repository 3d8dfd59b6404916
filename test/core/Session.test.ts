import { Sasl, Session, SmtpError } from "@colloquy/core"
import type { Authenticated, Connected, Ready, Transaction } from "@colloquy/core/Session"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Data, Effect, Exit, Fiber, Redacted, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { expectTypeOf } from "vitest"
import {
  contents,
  each,
  events,
  failureOf,
  finished,
  layer,
  lines,
  log,
  nothingLeft,
  script,
  summary,
  text,
  turnOfLoop
} from "./dialogue.ts"

const target = { host: "mail.test", port: 587 }
const login = Sasl.plain({ user: "ann", password: Redacted.make("a-secret-word") })
const stars = "*".repeat(32)

/** What a program that uses a handle wrongly dies of. */
const defectOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.exit(effect), (exit) => {
    const defect: unknown = Exit.isFailure(exit) && Cause.hasDies(exit.cause) ? Cause.squash(exit.cause) : undefined
    return defect instanceof Error ? defect.message : assert.fail("it did not die")
  })

const dialogue =
  "S: 220 mail.test\nC: EHLO client.test\nS: 250-mail.test\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 Go on\n-- starttls\n" +
  `C: EHLO client.test\nS: 250-mail.test\nS: 250-SIZE 1000\nS: 250 AUTH PLAIN\nC: AUTH PLAIN ${stars}\nS: 235 Ok\n`

describe("the phases of a session", () => {
  it("are types", () => {
    expectTypeOf<Effect.Success<ReturnType<typeof Session.connect>>>().toEqualTypeOf<Connected<"Clear">>()
    expectTypeOf<Effect.Success<ReturnType<typeof Session.connectTls>>>().toEqualTypeOf<Connected<"Tls">>()
    expectTypeOf<Parameters<typeof Session.startTls>[0]>().toEqualTypeOf<Ready<"Clear">>()
    expectTypeOf<Effect.Success<ReturnType<typeof Session.startTls>>>().toEqualTypeOf<Connected<"Tls">>()
    expectTypeOf<Parameters<typeof Session.auth>[0]>().toEqualTypeOf<Ready<"Tls">>()
    expectTypeOf<Effect.Success<ReturnType<typeof Session.auth>>>().toEqualTypeOf<Authenticated<"Tls">>()
    expectTypeOf<Parameters<typeof Session.mail>[0]>().toEqualTypeOf<Ready | Authenticated>()
    expectTypeOf<Parameters<typeof Session.rcpt>[0]>().toEqualTypeOf<Transaction>()
    expectTypeOf<Parameters<typeof Session.quit>[0]>().toEqualTypeOf<Connected | Ready | Authenticated>()
    expectTypeOf<Connected<"Clear">["tls"]>().toEqualTypeOf<undefined>()
  })

  /** Compiles, and is not run: each marked line must not compile. */
  const neverRun = Effect.gen(function*() {
    const connected = yield* Session.connect(target)
    // @ts-expect-error MAIL before EHLO
    yield* Session.mail(connected, "ann@mail.test")
    // @ts-expect-error STARTTLS before EHLO
    yield* Session.startTls(connected)
    // @ts-expect-error AUTH before EHLO
    yield* Session.auth(connected, login)
    const clear = yield* Session.ehlo(connected, "client.test")
    // @ts-expect-error AUTH before TLS
    yield* Session.auth(clear, login)
    const secured = yield* Session.startTls(clear)
    // @ts-expect-error EHLO again after STARTTLS (RFC 3207 §4.2)
    yield* Session.mail(secured, "ann@mail.test")
    // @ts-expect-error what the server said before TLS is forgotten
    yield* Session.auth(secured, login)
    const ready = yield* Session.ehlo(secured, "client.test")
    // @ts-expect-error STARTTLS twice
    yield* Session.startTls(ready)
    // @ts-expect-error over TLS nothing is in clear
    yield* Session.dangerouslyAuthInClear(ready, login)
    const session = yield* Session.auth(ready, login)
    // @ts-expect-error AUTH twice (RFC 4954 §4)
    yield* Session.auth(session, login)
    // @ts-expect-error RCPT before MAIL
    yield* Session.rcpt(session, "bob@mail.test")
    // @ts-expect-error content before MAIL
    yield* Session.data(session, text)
    const transaction = yield* Session.mail(session, "ann@mail.test")
    // @ts-expect-error MAIL inside a transaction
    yield* Session.mail(transaction, "eve@mail.test")
    // @ts-expect-error AUTH inside a transaction
    yield* Session.auth(transaction, login)
    // @ts-expect-error QUIT inside a transaction
    yield* Session.quit(transaction)
  })
  void neverRun

  each(
    "follow each other, from dialling to QUIT",
    `${dialogue}${script.from}S: 250 Ok\n${script.to}S: 250 Ok\nC: RCPT TO:<eve@mail.test>\nS: 550 No\nC: DATA\nS: 354 Go on\n` +
      `-- content\nS: 250 Queued\n${script.from}S: 250 Ok\nC: RSET\nS: 250 Ok\n${script.bye}`,
    () =>
      Effect.gen(function*() {
        const connected = yield* Session.connect(target)
        assert.strictEqual(connected.greeting.text, "mail.test")
        assert.isUndefined(connected.tls)
        const clear = yield* Session.ehlo(connected, "client.test")
        assert.isTrue(clear.extensions.startTls)
        const secured = yield* Session.startTls(clear)
        assert.strictEqual(secured.tls.protocol, "TLSv1.3")
        const ready = yield* Session.ehlo(secured, "client.test")
        assert.isFalse(ready.extensions.startTls)
        const session = yield* Session.auth(ready, login)
        assert.deepStrictEqual([session.mechanism, session.extensions.size, session.channel], ["PLAIN", 1_000, "Tls"])
        const transaction = yield* Session.mail(session, "ann@mail.test")
        const bob = yield* Session.rcpt(transaction, "bob@mail.test")
        const eve = yield* Session.rcpt(transaction, "eve@mail.test")
        assert.deepStrictEqual([bob._tag, eve._tag], ["Accepted", "Refused"])
        const reply = yield* Session.data(transaction, text)
        assert.strictEqual(reply.text, "Queued")
        const second = yield* Session.mail(session, "ann@mail.test")
        const after = yield* Session.rset(second)
        assert.strictEqual(after, session)
        yield* Session.quit(session)
        assert.strictEqual(
          yield* log,
          lines(
            "### SMTP Connecting to 'mail.test' on port 587. (opportunistic)",
            "### SMTP Connected to 'mail.test' on port 587. (unsecured)",
            "S < \"220 mail.test\"",
            "C > \"EHLO client.test\"",
            "S < \"250-mail.test\"",
            "S < \"250 STARTTLS\"",
            "C > \"STARTTLS\"",
            "S < \"220 Go on\"",
            "### SMTP TLS is on. (TLSv1.3, verified)",
            "C > \"EHLO client.test\"",
            "S < \"250-mail.test\"",
            "S < \"250-SIZE 1000\"",
            "S < \"250 AUTH PLAIN\"",
            `C > "AUTH PLAIN ${stars}"`,
            "S < \"235 Ok\"",
            "C > \"MAIL FROM:<ann@mail.test>\"",
            "S < \"250 Ok\"",
            "C > \"RCPT TO:<bob@mail.test>\"",
            "S < \"250 Ok\"",
            "C > \"RCPT TO:<eve@mail.test>\"",
            "S < \"550 No\"",
            "C > \"DATA\"",
            "S < \"354 Go on\"",
            "### SMTP Content sent. (19 octets, 3 lines)",
            "S < \"250 Queued\"",
            "C > \"MAIL FROM:<ann@mail.test>\"",
            "S < \"250 Ok\"",
            "C > \"RSET\"",
            "S < \"250 Ok\"",
            "C > \"QUIT\"",
            "S < \"221 2.0.0 Bye\"",
            "### SMTP Connection closed. (client)"
          )
        )
        assert.deepStrictEqual(yield* contents, [text])
        yield* nothingLeft
        yield* finished
      })
  )

  each(
    "over TLS from the first octet begin in it",
    "S: 220 mail.test\nC: EHLO client.test\nS: 250-mail.test\nS: 250 AUTH PLAIN\n" + script.bye,
    () =>
      Effect.gen(function*() {
        const connected = yield* Session.connectTls({ ...target, port: 465 })
        assert.strictEqual(connected.tls.servername, "mail.test")
        const ready = yield* Session.ehlo(connected, "client.test")
        yield* Session.quit(ready)
        yield* nothingLeft
        yield* finished
      })
  )

  each(
    "of LMTP begin with LHLO, and a recipient each has a verdict",
    `S: 220 mail.test\nC: LHLO client.test\nS: 250 mail.test\n` +
      `${script.envelope}C: RCPT TO:<eve@mail.test>\nS: 250 Ok\nC: DATA\nS: 354 Go on\n-- content\nS: 550 No\nS: 250 Ok\n${script.bye}`,
    () =>
      Effect.gen(function*() {
        const connected = yield* Session.connect(target)
        const ready = yield* Session.lhlo(connected, "client.test")
        const transaction = yield* Session.mail(ready, "ann@mail.test")
        yield* Session.rcpt(transaction, "bob@mail.test")
        yield* Session.rcpt(transaction, "eve@mail.test")
        assert.strictEqual((yield* Session.data(transaction, text)).text, "Ok")
        yield* Session.quit(ready)
        yield* finished
      })
  )
})

describe("a stale handle", () => {
  it.effect("is refused, wherever it is from", () =>
    Effect.gen(function*() {
      const connected = yield* Session.connect(target)
      const clear = yield* Session.ehlo(connected, "client.test")
      assert.include(
        yield* defectOf(Session.ehlo(connected, "client.test")),
        "a stale handle: Connected<\"Clear\"> of session 1, which is Ready<\"Clear\"> by now"
      )
      const secured = yield* Session.startTls(clear)
      assert.include(
        yield* defectOf(Session.mail(clear, "ann@mail.test")),
        "a stale handle: Ready<\"Clear\"> of session 1, which is Connected<\"Tls\"> by now"
      )
      const ready = yield* Session.ehlo(secured, "client.test")
      const session = yield* Session.auth(ready, login)
      assert.include(yield* defectOf(Session.mail(ready, "ann@mail.test")), "which is Authenticated<\"Tls\"> by now")
      const transaction = yield* Session.mail(session, "ann@mail.test")
      assert.include(yield* defectOf(Session.mail(session, "ann@mail.test")), "which is Transaction by now")
      yield* Session.rset(transaction)
      assert.include(yield* defectOf(Session.rcpt(transaction, "bob@mail.test")), "a stale handle: Transaction")
      assert.include(yield* defectOf(Session.rset({ ...transaction })), "not made by Session")
      yield* Session.quit(session)
      yield* finished
    }).pipe(
      Effect.scoped,
      Effect.provide(layer(`${dialogue}${script.from}S: 250 Ok\nC: RSET\nS: 250 Ok\n${script.bye}`))
    ))

  it.effect("is what an ended transaction leaves, and content needs a recipient", () =>
    Effect.gen(function*() {
      const ready = yield* Effect.flatMap(
        Session.connect(target),
        (connected) => Session.ehlo(connected, "client.test")
      )
      const transaction = yield* Session.mail(ready, "ann@mail.test")
      assert.include(yield* defectOf(Session.data(transaction, text)), "content without a recipient")
      yield* Session.rcpt(transaction, "bob@mail.test")
      yield* Session.data(transaction, text)
      assert.include(yield* defectOf(Session.data(transaction, text)), "a stale handle")
      yield* Session.quit(ready)
      yield* finished
    }).pipe(
      Effect.scoped,
      Effect.provide(
        layer(`${script.hello}${script.envelope}C: DATA\nS: 354 Go on\n-- content\nS: 250 Ok\n${script.bye}`)
      )
    ))
})

const readied = Effect.flatMap(Session.connect(target), (connected) => Session.ehlo(connected, "client.test"))
class DiskGone extends Data.TaggedError("DiskGone")<{ readonly at: number }> {}

describe("trouble, by hand", () => {
  each(
    "a refused sender leaves the session as it was",
    `${script.hello}${script.from}S: 550 No\n${script.from}S: 250 Ok\nC: RSET\nS: 250 Ok\n${script.bye}`,
    () =>
      Effect.gen(function*() {
        const ready = yield* readied
        const error = yield* Effect.flip(Session.mail(ready, "ann@mail.test"))
        assert.deepStrictEqual(summary(error), {
          reason: "SenderRefused",
          phase: "mail",
          delivery: "NotAccepted",
          retryable: false,
          recipients: []
        })
        const transaction = yield* Session.mail(ready, "ann@mail.test")
        yield* Session.quit(yield* Session.rset(transaction))
        yield* finished
      })
  )
  each(
    "a refused login leaves the session Ready",
    dialogue.replace("S: 235 Ok", "S: 535 No") + script.bye,
    () =>
      Effect.gen(function*() {
        const clear = yield* readied
        const ready = yield* Session.ehlo(yield* Session.startTls(clear), "client.test")
        const error = yield* Effect.flip(Session.auth(ready, login))
        assert.strictEqual(error.reason._tag, "AuthenticationFailed")
        yield* Session.quit(ready)
        yield* finished
      })
  )
  each("STARTTLS that is not offered is not tried", `${script.hello}${script.bye}`, () =>
    Effect.gen(function*() {
      const ready = yield* readied
      const error = yield* Effect.flip(Session.startTls(ready))
      assert.deepStrictEqual(error.reason, new SmtpError.TlsUnavailable({}))
      yield* Session.quit(ready)
      yield* finished
    }))
  each(
    "a mechanism that is not offered is not tried",
    `S: 220 mail.test\nC: EHLO client.test\nS: 250-mail.test\nS: 250 AUTH LOGIN\n${script.bye}`,
    () =>
      Effect.gen(function*() {
        const ready = yield* readied
        const error = yield* Effect.flip(Session.dangerouslyAuthInClear(ready, login))
        assert.deepStrictEqual(
          error.reason,
          new SmtpError.AuthenticationUnavailable({ kind: "NoCommonMechanism", offered: ["LOGIN"], allowed: ["PLAIN"] })
        )
        yield* Session.quit(ready)
        yield* finished
      })
  )
  for (
    const address of ["a\r\nRSET@mail.test", "a\nb@mail.test", "a\0b@mail.test", "a>b@mail.test", "a> SIZE=1@mail.test"]
  ) {
    it.effect(`an address with ${JSON.stringify(address)} does not reach the wire`, () =>
      Effect.gen(function*() {
        const ready = yield* readied
        const from = yield* Effect.flip(Session.mail(ready, address))
        assert.deepStrictEqual([from.reason._tag, from.phase, from.delivery], ["InvalidMessage", "mail", "NotAccepted"])
        const transaction = yield* Session.mail(ready, "ann@mail.test")
        const to = yield* Effect.flip(Session.rcpt(transaction, address))
        assert.deepStrictEqual([to.reason._tag, to.phase], ["InvalidMessage", "rcpt"])
        const parameter = yield* Effect.flip(Session.rcpt(transaction, "bob@mail.test", { ORCPT: `${address} =` }))
        assert.strictEqual(parameter.reason._tag, "InvalidMessage")
        yield* Session.quit(yield* Session.rset(transaction))
        yield* finished
      }).pipe(
        Effect.scoped,
        Effect.provide(layer(`${script.hello}${script.from}S: 250 Ok\nC: RSET\nS: 250 Ok\n${script.bye}`))
      ))
  }
  each(
    "everybody refused ends the transaction at its content",
    `${script.hello}${script.from}S: 250 Ok\n${script.to}S: 550 No\nC: RSET\nS: 250 Ok\n${script.bye}`,
    () =>
      Effect.gen(function*() {
        const ready = yield* readied
        const transaction = yield* Session.mail(ready, "ann@mail.test")
        yield* Session.rcpt(transaction, "bob@mail.test")
        const error = yield* Effect.flip(Session.data(transaction, text))
        assert.strictEqual(error.reason._tag, "RecipientsRefused")
        yield* Session.quit(ready)
        yield* finished
      })
  )
  each(
    "a content that fails destroys the connection, and fails with its own error",
    `${script.hello}${script.envelope}C: DATA\nS: 354 Go on\n-- silence\n`,
    () =>
      Effect.gen(function*() {
        const ready = yield* readied
        const transaction = yield* Session.mail(ready, "ann@mail.test")
        yield* Session.rcpt(transaction, "bob@mail.test")
        const content = Stream.concat(
          Stream.make(new TextEncoder().encode("x\r\n")),
          Stream.fail(new DiskGone({ at: 3 }))
        )
        const source = yield* Effect.flip(Session.data(transaction, content))
        assert.isTrue(source instanceof DiskGone && source.at === 3, String(source))
        assert.deepStrictEqual(yield* contents, [])
        yield* nothingLeft
        const after = yield* Effect.flip(Session.mail(ready, "ann@mail.test"))
        assert.strictEqual(after.delivery, "NotAccepted")
      })
  )
  each(
    "a refused RSET closes the session",
    `${script.hello}${script.from}S: 250 Ok\nC: RSET\nS: 550 No\n-- end\n`,
    () =>
      Effect.gen(function*() {
        const ready = yield* readied
        const transaction = yield* Session.mail(ready, "ann@mail.test")
        const error = yield* Effect.flip(Session.rset(transaction))
        assert.deepStrictEqual(summary(error), {
          reason: "ServerRefused",
          phase: "rset",
          delivery: "NotAccepted",
          retryable: false,
          recipients: []
        })
        yield* nothingLeft
        yield* finished
      })
  )
  each(
    "421 at any time ends the session",
    `${script.hello}${script.from}S: 421 4.3.2 Closing\n-- close\n`,
    () =>
      Effect.gen(function*() {
        const ready = yield* readied
        const error = yield* Effect.flip(Session.mail(ready, "ann@mail.test"))
        assert.deepStrictEqual(summary(error), {
          reason: "ServerRefused",
          phase: "mail",
          delivery: "NotAccepted",
          retryable: true,
          recipients: []
        })
        yield* nothingLeft
      })
  )
  each(
    "421 to RCPT is no verdict",
    `${script.hello}${script.from}S: 250 Ok\n${script.to}S: 421 4.3.2 Closing\n-- close\n`,
    () =>
      Effect.gen(function*() {
        const ready = yield* readied
        const transaction = yield* Session.mail(ready, "ann@mail.test")
        const error = yield* failureOf(Session.rcpt(transaction, "bob@mail.test"))
        assert.deepStrictEqual([error.reason._tag, error.phase, error.isRetryable], ["ServerRefused", "rcpt", true])
        yield* nothingLeft
      })
  )
  each("limits are options", `${script.hello}${script.from}-- silence\n`, () =>
    Effect.gen(function*() {
      const connected = yield* Session.connect(target, { timeLimits: { mail: "7 seconds" } })
      const ready = yield* Session.ehlo(connected, "client.test")
      const error = yield* failureOf(Session.mail(ready, "ann@mail.test"))
      assert.deepStrictEqual(error.reason, new SmtpError.TimedOut({ limit: 7_000, scope: "phase" }))
      yield* nothingLeft
    }))
  each("a session ends with its scope, and says so", `${script.hello}-- end\n`, () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const ready = yield* Scope.provide(readied, scope)
      yield* Scope.close(scope, Exit.void)
      yield* nothingLeft
      const error = yield* Effect.flip(Session.mail(ready, "ann@mail.test"))
      assert.strictEqual(error.reason._tag, "ConnectionLost")
      assert.strictEqual((yield* log).split("\n").at(-1), "### SMTP Connection closed. (client)")
      yield* finished
    }))
  each("QUIT never fails", `${script.hello}C: QUIT\n-- reset\n`, () =>
    Effect.gen(function*() {
      const ready = yield* readied
      yield* Session.quit(ready)
      yield* Session.quit(ready)
      yield* nothingLeft
    }))
  it.effect("an interrupted content waits for its verdict, 5 s at most", () =>
    Effect.gen(function*() {
      const ready = yield* readied
      const transaction = yield* Session.mail(ready, "ann@mail.test")
      yield* Session.rcpt(transaction, "bob@mail.test")
      const fiber = yield* Effect.forkChild(Session.data(transaction, text))
      for (let turn = 0; turn < 5; turn++) yield* turnOfLoop
      const interrupting = yield* Effect.forkChild(Fiber.interrupt(fiber))
      yield* TestClock.adjust(4_999)
      assert.isUndefined(interrupting.pollUnsafe())
      yield* TestClock.adjust(1)
      yield* Fiber.join(interrupting)
      assert.deepStrictEqual((yield* log).split("\n").slice(-3), [
        "### SMTP Content sent. (19 octets, 3 lines)",
        "### SMTP Failed while verdict. (ConnectionLost)",
        "### SMTP Connection closed. (client)"
      ])
      const failure = (yield* events).find(({ _tag }) => _tag === "Failed")
      assert.include(failure?._tag === "Failed" ? failure.message : "", "the message may have been delivered")
      yield* nothingLeft
    }).pipe(
      Effect.scoped,
      Effect.provide(layer(`${script.hello}${script.envelope}C: DATA\nS: 354 Go on\n-- content\n-- silence\n`))
    ))
})
