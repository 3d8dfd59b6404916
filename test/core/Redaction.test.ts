import type { LogEvent } from "@colloquy/core/LogEvent"
import * as LogText from "@colloquy/core/LogText"
import * as Redaction from "@colloquy/core/Redaction"
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { anyEvent, body, client, head, header, server } from "./logSupport.ts"

const shown = (policy: Redaction.Redaction, events: ReadonlyArray<LogEvent>) =>
  LogText.format(events.map(policy.applier()), { columns: "statement" }).split("\n")

describe("hiding addresses", () => {
  it("keeps the first character and the domain, wherever an address stands", () => {
    const cases: ReadonlyArray<readonly [string, string]> = [
      ["MAIL FROM:<ann.lee@example.com> SIZE=20", "MAIL FROM:<a***@example.com> SIZE=20"],
      ["RCPT TO:<bob@[192.0.2.1]> NOTIFY=NEVER", "RCPT TO:<b***@[192.0.2.1]> NOTIFY=NEVER"],
      ["RCPT TO:<\"john doe\"@example.com>", "RCPT TO:<\"j***\"@example.com>"],
      [String.raw`RCPT TO:<"a\"b@c"@example.com>`, String.raw`RCPT TO:<"a***"@example.com>`],
      ["RCPT TO:<用户@例え.jp> ORCPT=utf-8;用户@例え.jp", "RCPT TO:<用***@例え.jp> ORCPT=utf-8;用***@例え.jp"],
      ["MAIL FROM:<> AUTH=ann@example.com", "MAIL FROM:<> AUTH=a***@example.com"],
      ["MAIL FROM:<bounce+bob=example.org@lists.example>", "MAIL FROM:<b***@lists.example>"],
      ["550 5.1.1 <nobody@example.com>... no such user", "550 5.1.1 <n***@example.com>... no such user"],
      [
        "550 mailbox 'x@example.com' is full, ask y@example.com.",
        "550 mailbox 'x***@example.com' is full, ask y***@example.com."
      ],
      [
        "To: \"Bob (b@c.d)\" <bob@example.org>, eve@example.org",
        "To: \"Bob (b***@c.d)\" <b***@example.org>, e***@example.org"
      ],
      ["<\"a@b\"@c.d> \"x\" e@f.g \"h\"@i.j", "<\"a***\"@c.d> \"x\" e***@f.g \"h***\"@i.j"],
      ["250 @ home, @example.com, a@, @", "250 @ home, @example.com, a@, @"],
      ["no address", "no address"]
    ]
    for (const [text, masked] of cases) {
      assert.strictEqual(Redaction.maskAddresses(text), masked)
      assert.strictEqual(Redaction.maskAddresses(masked), masked)
    }
  })

  it.prop("leaves nothing of a local part but its first character, and does not change what it has done", [
    Schema.String,
    Schema.String.check(Schema.isPattern(/^[a-z0-9!#$%&+/=?^_`{|}~-]{2,20}(?:\.[a-z0-9]{2,8})?$/)),
    Schema.String
  ], ([before, local, after]) => {
    const masked = Redaction.maskAddresses(`${before} <${local}@example.com> ${after}`)
    assert.notInclude(masked, `${local.slice(1)}@example.com`)
    assert.include(masked, "***@example.com>")
    assert.strictEqual(Redaction.maskAddresses(masked), masked)
  })

  it("takes time linear in the text", () => {
    for (const piece of ["a@b", "\"@", "\\\"@b", "\"a\"@b", "@b\"", "a", "\\\\\"@b", "\"\\\""]) {
      const text = piece.repeat(200_000 / piece.length)
      assert.isAtLeast(Redaction.maskAddresses(text).length, 1)
    }
  })

  it("reaches commands, replies, content, notes, errors and certificates", () => {
    const address = "ann@example.com"
    const certificate = {
      names: [address],
      issuer: address,
      validFrom: 1,
      validTo: 2,
      fingerprint256: "00",
      subject: address
    }
    const tls = { protocol: "TLSv1.3", cipher: "x", verified: false, problem: address, chain: [certificate] }
    const events: ReadonlyArray<LogEvent> = [
      client(1, address),
      server(2, address),
      header(3, address),
      body(4, address),
      { _tag: "Note", ...head(5), text: address },
      { _tag: "Failed", ...head(6), phase: "rcpt", reason: "RecipientsRefused", message: address },
      { _tag: "AttemptFailed", ...head(7), address: "192.0.2.1", port: 25, problem: address, elapsed: 1 },
      { _tag: "Secured", ...head(8), tls, elapsed: 1 },
      { _tag: "Lost", ...head(9), count: 1, problem: address },
      { _tag: "Unread", ...head(10), source: "x", lineNumber: 1, text: address }
    ]
    for (const event of events) {
      const text = LogText.encodeJson(Redaction.addresses.apply(event))
      assert.notInclude(text, "ann@")
      assert.include(text, "a***@example.com")
    }
  })
})

describe("hiding the subject", () => {
  it("hides the field with its folded lines, and no other, in interleaved sessions", () => {
    const events = [
      header(1, "From: ann@example.com"),
      header(2, "DKIM-Signature: v=1;", 8),
      header(3, "SUBJECT: The secret"),
      header(4, "\tof the year"),
      header(5, " b=abc", 8),
      header(6, " and more"),
      header(7, "Thread-Topic: The secret"),
      header(8, "To: bob@example.com,"),
      header(9, " eve@example.com"),
      header(10, ""),
      body(11, "Subject: in the body")
    ]
    assert.deepStrictEqual(shown(Redaction.subject, events), [
      `C >> "From: ann@example.com"`,
      `C >> "DKIM-Signature: v=1;"`,
      `C >> "SUBJECT: ***"`,
      `C >> " ***"`,
      `C >> " b=abc"`,
      `C >> " ***"`,
      `C >> "Thread-Topic: ***"`,
      `C >> "To: bob@example.com,"`,
      `C >> " eve@example.com"`,
      `C >> ""`,
      `C >>> "Subject: in the body"`
    ])
  })

  it("hides a folded line whose beginning it has not seen", () => {
    const lost: LogEvent = { _tag: "Lost", ...head(2), count: 1, problem: "" }
    const events = [
      header(1, "From: a@b.c"),
      lost,
      header(3, " the secret"),
      header(4, "From: a@b.c"),
      server(5, "250"),
      header(6, " x")
    ]
    assert.deepStrictEqual(shown(Redaction.subject, events).filter((line) => line.startsWith("C")), [
      `C >> "From: a@b.c"`,
      `C >> " ***"`,
      `C >> "From: a@b.c"`,
      `C >> " ***"`
    ])
    assert.deepStrictEqual(Redaction.subject.apply(header(1, "\tfolded")), header(1, " ***"))
  })
})

describe("hiding the content", () => {
  it("keeps the number of lines", () => {
    assert.deepStrictEqual(
      shown(Redaction.content, [header(1, "From: a@b.c"), header(2, ""), body(3, "Hi"), server(4, "250")]),
      [
        `C >> "***"`,
        `C >> "***"`,
        `C >>> "***"`,
        `S < "250"`
      ]
    )
  })
})

describe("policies", () => {
  it("compose, in order", () => {
    const policy = Redaction.and(
      Redaction.addresses,
      Redaction.text("numbers", (text) => text.replaceAll(/\d/g, "#")),
      Redaction.subject
    )
    assert.strictEqual(policy.name, "addresses and numbers and subject")
    assert.deepStrictEqual(shown(policy, [header(1, "To: a1@b2.c"), header(2, "Subject: 1"), header(3, " 2")]), [
      `C >> "To: a***@b#.c"`,
      `C >> "Subject: ***"`,
      `C >> " ***"`
    ])
    assert.deepStrictEqual(shown(Redaction.and(), [server(1, "250")]), shown(Redaction.none, [server(1, "250")]))
  })

  it("cannot throw, drop an event or change its kind or number: then its text is hidden", () => {
    const wrongs: ReadonlyArray<Redaction.Apply> = [
      () => {
        throw new Error("a@b.c")
      },
      (() => undefined) as unknown as Redaction.Apply,
      (event) => ({ ...event, counter: 99 }),
      ((event: LogEvent) => ({ ...event, _tag: "Note" })) as unknown as Redaction.Apply
    ]
    for (const wrong of wrongs) {
      assert.deepStrictEqual(Redaction.make("wrong", wrong).apply(server(1, "250 a@b.c")), server(1, "***"))
    }
  })

  it.prop("of ours never change kind, number or time, and leave no event out", [anyEvent], ([event]) => {
    for (const policy of [Redaction.none, Redaction.addresses, Redaction.subject, Redaction.content]) {
      const { _tag, counter, process, session, time } = policy.apply(event)
      assert.deepStrictEqual({ _tag, counter, process, session, time }, {
        _tag: event._tag,
        counter: event.counter,
        process: event.process,
        session: event.session,
        time: event.time
      })
    }
  })
})
