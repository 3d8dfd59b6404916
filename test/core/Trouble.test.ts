import { SmtpError, type Transporter } from "@colloquy/core"
import { Script } from "@colloquy/core/testing"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Redacted } from "effect"
import { TestClock } from "effect/testing"
import {
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
  opening,
  ready,
  script,
  type Scripted,
  sending,
  summary,
  toEnd,
  transporter as make,
  turnOfLoop
} from "./dialogue.ts"

type Reason = SmtpError.SmtpError["reason"]["_tag"]

interface Case {
  readonly script: Scripted
  readonly options?: Transporter.Options
  readonly reason: Reason
  readonly phase: SmtpError.SmtpError["phase"]
  readonly retryable?: boolean
  readonly delivery?: "NotAccepted" | "Unknown" | "Partial"
  readonly recipients?: ReadonlyArray<string>
  readonly log: ReadonlyArray<string>
  /** A part of what a person reads. */
  readonly says?: string
  /** The client gives up in the middle of a delay. */
  readonly unfinished?: boolean
}

/** One send to a server that gives trouble: the error, the whole conversation, and nothing left. */
const trouble = (name: string, expected: Case) =>
  each(name, expected.script, () =>
    Effect.gen(function*() {
      const error = yield* failureOf(sending(expected.options))
      assert.strictEqual(yield* log, lines(expected.log))
      assert.deepStrictEqual(summary(error), {
        reason: expected.reason,
        phase: expected.phase,
        delivery: expected.delivery ?? "NotAccepted",
        retryable: expected.retryable ?? false,
        recipients: expected.recipients ?? []
      })
      if (expected.says !== undefined) assert.include(error.message, expected.says)
      yield* nothingLeft
      if (expected.unfinished !== true) yield* finished
    }))

const failed = (phase: SmtpError.SmtpError["phase"], reason: Reason) => `### SMTP Failed while ${phase}. (${reason})`
const closed = (by: "client" | "server" | "network") => `### SMTP Connection closed. (${by})`
const one = ["NotSent"]

const refuse = (kind: "HostNotFound" | "Refused", problem: string) => [
  Script.refuse(
    new SmtpError.ConnectionFailed({
      kind,
      host: "mail.test",
      port: 2525,
      attempts: [{ address: "203.0.113.25", problem }, { address: "203.0.113.26", problem }]
    })
  )
]

describe("connecting", () => {
  const attempts = (problem: string) => [
    opening[0] ?? "",
    `### SMTP Attempt at '203.0.113.25' on port 2525 failed. (${problem})`,
    `### SMTP Attempt at '203.0.113.26' on port 2525 failed. (${problem})`,
    failed("connect", "ConnectionFailed")
  ]

  trouble("tells that a host's name is not known", {
    script: refuse("HostNotFound", "there is no host of this name"),
    reason: "ConnectionFailed",
    phase: "connect",
    retryable: true,
    says: "the host's name is not known",
    log: attempts("there is no host of this name")
  })
  trouble("tells of a refused port, with every address that was tried", {
    script: refuse("Refused", "connection refused"),
    reason: "ConnectionFailed",
    phase: "connect",
    retryable: true,
    says: "203.0.113.25: connection refused; 203.0.113.26: connection refused",
    log: attempts("connection refused")
  })
  trouble("gives up dialling after connectionTimeOut", {
    script: [Script.delay("31 seconds"), ...refuse("Refused", "too late")],
    reason: "TimedOut",
    phase: "connect",
    retryable: true,
    unfinished: true,
    log: [opening[0] ?? "", "### SMTP Timed out while connect. (30000 ms)", failed("connect", "TimedOut")]
  })
  trouble("takes implicit TLS to a plain server for what it is", {
    script: [
      Script.tls({ fails: new SmtpError.TlsFailed({ kind: "PlainServerOnTlsPort", seen: "220 mail.test ESMTP" }) })
    ],
    options: { port: 465, tls: "implicit" },
    reason: "TlsFailed",
    phase: "tls",
    says: "the server speaks plain text on this port (\"220 mail.test ESMTP\")",
    log: ["### SMTP Connecting to 'mail.test' on port 465. (implicit)", failed("tls", "TlsFailed")]
  })
  trouble("takes TLS on a plain port for what it is", {
    script: [Script.raw(Uint8Array.of(0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x46)), Script.expectEnd],
    reason: "TlsFailed",
    phase: "greeting",
    says: "set tls: \"implicit\"",
    log: [...opening, failed("greeting", "TlsFailed"), closed("client")]
  })
})

describe("the greeting", () => {
  trouble("is waited for 60 s", {
    script: [Script.silence],
    reason: "TimedOut",
    phase: "greeting",
    retryable: true,
    says: "said nothing for 60 s; if this port speaks TLS",
    log: [
      ...opening,
      "### SMTP Timed out while greeting. (60000 ms)",
      failed("greeting", "TimedOut"),
      closed("client")
    ]
  })
  trouble("may refuse for good", {
    script: "S: 554 5.3.2 No service here\n" + script.bye,
    reason: "ServerRefused",
    phase: "greeting",
    says: "the server refused while waiting for the greeting: 554 5.3.2 No service here",
    log: [...opening, "S < \"554 5.3.2 No service here\"", failed("greeting", "ServerRefused"), ...goodbye]
  })
  trouble("may say 421", {
    script: "S: 421 4.3.2 Try later\n-- close\n",
    reason: "ServerRefused",
    phase: "greeting",
    retryable: true,
    log: [...opening, "S < \"421 4.3.2 Try later\"", failed("greeting", "ServerRefused"), closed("server")]
  })
  trouble("that is none ends the session", {
    script: "S: 250 Ok\n-- end\n",
    reason: "ProtocolViolation",
    phase: "greeting",
    log: [...opening, "S < \"250 Ok\"", failed("greeting", "ProtocolViolation"), closed("client")]
  })
  trouble("may be cut off", {
    script: "-- raw \"220-mail\"\n-- close\n",
    reason: "ConnectionLost",
    phase: "greeting",
    retryable: true,
    log: [...opening, failed("greeting", "ConnectionLost"), closed("server")]
  })
})

describe("EHLO", () => {
  const greeted = [...opening, "S < \"220 mail.test\"", "C > \"EHLO client.test\""]

  trouble("refused for a while is the error where HELO is refused too", {
    script: "S: 220 mail.test\nC: EHLO client.test\nS: 451 4.3.0 Not now\nC: HELO client.test\nS: 501 No\n" +
      script.bye,
    reason: "ServerRefused",
    phase: "ehlo",
    retryable: true,
    says: "the server refused at EHLO: 451 4.3.0 Not now",
    log: [
      ...greeted,
      "S < \"451 4.3.0 Not now\"",
      "C > \"HELO client.test\"",
      "S < \"501 No\"",
      failed("ehlo", "ServerRefused"),
      ...goodbye
    ]
  })
  trouble("refused by 421 is not followed by HELO", {
    script: "S: 220 mail.test\nC: EHLO client.test\nS: 421 4.7.0 Who are you\n-- close\n",
    reason: "ServerRefused",
    phase: "ehlo",
    retryable: true,
    log: [...greeted, "S < \"421 4.7.0 Who are you\"", failed("ehlo", "ServerRefused"), closed("server")]
  })
  trouble("refused is not followed by HELO where TLS is required", {
    script: "S: 220 mail.test\nC: EHLO client.test\nS: 502 No\n" + script.bye,
    options: { tls: "required" },
    reason: "ServerRefused",
    phase: "ehlo",
    log: [
      "### SMTP Connecting to 'mail.test' on port 2525. (required)",
      ...greeted.slice(1),
      "S < \"502 No\"",
      failed("ehlo", "ServerRefused"),
      ...goodbye
    ]
  })
  trouble("refused is not followed by HELO where a login is due", {
    script: "S: 220 mail.test\nC: EHLO client.test\nS: 502 No\n" + script.bye,
    options: { user: "ann", password: Redacted.make("a-secret-word") },
    reason: "ServerRefused",
    phase: "ehlo",
    log: [...greeted, "S < \"502 No\"", failed("ehlo", "ServerRefused"), ...goodbye]
  })
  trouble("of LMTP is LHLO, and has no HELO", {
    script: "S: 220 mail.test\nC: LHLO client.test\nS: 500 No\n" + script.bye,
    options: { lmtp: true },
    reason: "ServerRefused",
    phase: "ehlo",
    log: [
      ...opening,
      "S < \"220 mail.test\"",
      "C > \"LHLO client.test\"",
      "S < \"500 No\"",
      failed("ehlo", "ServerRefused"),
      ...goodbye
    ]
  })
  trouble("answered by 354 puts the two ends out of step", {
    script: "S: 220 mail.test\nC: EHLO client.test\nS: 354 Go on\n-- end\n",
    reason: "ProtocolViolation",
    phase: "ehlo",
    log: [...greeted, "S < \"354 Go on\"", failed("ehlo", "ProtocolViolation"), closed("client")]
  })
  trouble("with more than 256 keywords is too much", {
    script: [
      Script.greet("220 mail.test"),
      Script.on("EHLO client.test", "250-mail.test", ...Array.from({ length: 256 }, (_, at) => `250-X${at}`), "250 Y"),
      Script.bye
    ],
    reason: "LimitExceeded",
    phase: "ehlo",
    says: "ehloKeywords 256",
    log: [
      ...greeted,
      "S < \"250-mail.test\"",
      ...Array.from({ length: 256 }, (_, at) => `S < "250-X${at}"`),
      "S < \"250 Y\"",
      failed("ehlo", "LimitExceeded"),
      ...goodbye
    ]
  })
  trouble("answered and cut off is no reason to connect again for ever", {
    script: "S: 220 mail.test\nC: EHLO client.test\nS: 250 mail.test\n-- close\n",
    reason: "ConnectionLost",
    phase: "mail",
    retryable: true,
    recipients: one,
    log: [...ready, failed("mail", "ConnectionLost"), closed("server")]
  })
  each(
    "refused is followed by HELO, once, and mail goes out without extensions",
    "S: 220 mail.test\nC: EHLO client.test\nS: 502 No\nC: HELO client.test\nS: 250-mail.test\nS: 250 PIPELINING\n" +
      script.envelope + "C: DATA\nS: 354 Go on\n-- content\nS: 250 Ok\n" + script.bye,
    () =>
      Effect.gen(function*() {
        yield* sending()
        assert.strictEqual(
          yield* log,
          lines(
            greeted,
            "S < \"502 No\"",
            "C > \"HELO client.test\"",
            "S < \"250-mail.test\"",
            "S < \"250 PIPELINING\"",
            envelope,
            "C > \"DATA\"",
            "S < \"354 Go on\"",
            "### SMTP Content sent. (19 octets, 3 lines)",
            "S < \"250 Ok\"",
            goodbye
          )
        )
        yield* nothingLeft
        yield* finished
      })
  )
})

const afterHello = (raw: string | Uint8Array, ...more: ReadonlyArray<Script.Step>) => [
  Script.greet("220 mail.test"),
  Script.on("EHLO client.test", "250 mail.test"),
  Script.on("MAIL FROM:<ann@mail.test>"),
  Script.raw(raw),
  ...more
]

describe("replies", () => {
  const mailed = [...ready, "C > \"MAIL FROM:<ann@mail.test>\""]

  trouble("of 1 MB on one line are cut off at 4,096 octets", {
    script: afterHello(`250 ${"x".repeat(1_000_000)}\r\n`, Script.expectEnd),
    reason: "LimitExceeded",
    phase: "mail",
    says: "replyLine 4096",
    recipients: one,
    log: [...mailed, failed("mail", "LimitExceeded"), closed("client")]
  })
  trouble("of 1 MB in many lines are cut off at 512 lines", {
    script: afterHello("250-x\r\n".repeat(140_000), Script.expectEnd),
    reason: "LimitExceeded",
    phase: "mail",
    says: "replyLines 512",
    recipients: one,
    log: [
      ...mailed,
      ...Array.from({ length: 512 }, () => "S < \"250-x\""),
      failed("mail", "LimitExceeded"),
      closed("client")
    ]
  })
  trouble("without a line end are waited for as long as a reply may take", {
    script: afterHello("250 Ok", Script.expectEnd),
    reason: "TimedOut",
    phase: "mail",
    retryable: true,
    recipients: one,
    log: [...mailed, "### SMTP Timed out while mail. (60000 ms)", failed("mail", "TimedOut"), closed("client")]
  })
  trouble("with mixed codes put the two ends out of step", {
    script: afterHello("250-Ok\r\n550 No\r\n", Script.expectEnd),
    reason: "ProtocolViolation",
    phase: "mail",
    says: "lines of one reply carry different codes (\"550 No\")",
    recipients: one,
    log: [...mailed, "S < \"250-Ok\"", "S < \"550 No\"", failed("mail", "ProtocolViolation"), closed("client")]
  })
  trouble("that are none put the two ends out of step", {
    script: afterHello("HTTP/1.1 400 Bad Request\r\n", Script.expectEnd),
    reason: "ProtocolViolation",
    phase: "mail",
    recipients: one,
    log: [...mailed, "S < \"HTTP/1.1 400 Bad Request\"", failed("mail", "ProtocolViolation"), closed("client")]
  })
  trouble("with control characters are escaped wherever a person reads them", {
    script: afterHello("550 \u001b[2J\u0000\u202e\"x\"\r\n", Script.bye),
    reason: "SenderRefused",
    phase: "mail",
    says: "550 \\x1b[2J\\x00\\u{202e}\"x\"",
    recipients: ["Refused"],
    log: [
      ...mailed,
      "S < \"550 \\x1b[2J\\x00\\u{202e}\\\"x\\\"\"",
      failed("mail", "SenderRefused"),
      ...goodbye
    ]
  })
  trouble("in Latin-1 keep their octets", {
    script: afterHello(Uint8Array.from("550 Adresse refus\u00e9e\r\n", (c) => c.charCodeAt(0)), Script.bye),
    reason: "SenderRefused",
    phase: "mail",
    says: "550 Adresse refus\\xe9e",
    recipients: ["Refused"],
    log: [...mailed, "S < \"550 Adresse refus\\xe9e\"", failed("mail", "SenderRefused"), ...goodbye]
  })
  trouble("may be bare codes, with bare line feeds", {
    script: afterHello("550\n", Script.bye),
    reason: "SenderRefused",
    phase: "mail",
    recipients: ["Refused"],
    log: [...mailed, "S < \"550\"", failed("mail", "SenderRefused"), ...goodbye]
  })
  it.effect("that nothing waits for put the two ends out of step", () =>
    Effect.gen(function*() {
      const error = yield* failureOf(sending())
      assert.strictEqual(
        yield* log,
        lines(ready, "S < \"250 mail.test\"", failed("ehlo", "ProtocolViolation"), closed("client"))
      )
      assert.include(error.message, "a reply came that nothing waits for (\"250 mail.test\")")
      yield* nothingLeft
    }).pipe(
      Effect.provide(
        layer("S: 220 mail.test\nC: EHLO client.test\nS: 250 mail.test\nS: 250 mail.test\n-- end\n")
      )
    ))
})

/** The whole of a send, step by step; the phase that a hang before the step is in, and its limit. */
const steps: ReadonlyArray<readonly [step: string, phase: SmtpError.SmtpError["phase"], limit: number]> = [
  ["S: 220 mail.test\n", "greeting", 60_000],
  ["C: EHLO client.test\n", "greeting", 0],
  ["S: 250-mail.test\nS: 250 STARTTLS\n", "ehlo", 60_000],
  ["C: STARTTLS\n", "ehlo", 0],
  ["S: 220 Go on\n", "starttls", 60_000],
  ["-- starttls\n", "tls", 60_000],
  ["C: EHLO client.test\n", "tls", 0],
  ["S: 250-mail.test\nS: 250-8BITMIME\nS: 250 AUTH PLAIN\n", "ehlo", 60_000],
  ["C: /^AUTH PLAIN /\n", "ehlo", 0],
  ["S: 235 Welcome\n", "auth", 60_000],
  ["C: MAIL FROM:<ann@mail.test>\n", "auth", 0],
  ["S: 250 Ok\n", "mail", 60_000],
  ["C: RCPT TO:<bob@mail.test>\n", "mail", 0],
  ["S: 250 Ok\n", "rcpt", 120_000],
  ["C: DATA\n", "rcpt", 0],
  ["S: 354 Go on\n", "data", 120_000],
  ["-- content\n", "data", 0],
  ["S: 250 Queued\n", "verdict", 600_000]
]
const whole: Transporter.Options = {
  port: 587,
  tls: "required",
  user: "ann",
  password: Redacted.make("a-secret-word"),
  sendTimeOut: "30 minutes"
}
const limits = steps.flatMap(([, phase, limit], at) =>
  limit === 0
    ? []
    : [{ before: steps.slice(0, at).map(([step]) => step).join(""), phase, limit, step: steps[at]?.[0] ?? "" }]
)

describe("a server that hangs", () => {
  for (const { before, limit, phase, step } of limits) {
    each(
      `${phase}: is given ${limit / 1_000} s (${step.split("\n")[0]})`,
      `${before}-- silence\n`,
      () =>
        Effect.gen(function*() {
          const fiber = yield* Effect.forkChild(sending(whole))
          for (let turn = 0; turn < 20; turn++) yield* turnOfLoop
          yield* TestClock.adjust(limit - 1)
          assert.isUndefined(fiber.pollUnsafe())
          yield* TestClock.adjust(1)
          for (let turn = 0; turn < 20; turn++) yield* turnOfLoop
          const error = yield* Effect.flip(Fiber.join(fiber))
          assert.deepStrictEqual(error.reason, new SmtpError.TimedOut({ limit, scope: "phase" }))
          assert.deepStrictEqual(summary(error), {
            reason: "TimedOut",
            phase,
            delivery: phase === "verdict" ? "Unknown" : "NotAccepted",
            retryable: phase !== "verdict",
            recipients: phase === "verdict"
              ? ["Unknown"]
              : phase === "mail" || phase === "rcpt" || phase === "data"
              ? one
              : []
          })
          assert.deepStrictEqual((yield* log).split("\n").slice(-3), [
            `### SMTP Timed out while ${phase}. (${limit} ms)`,
            failed(phase, "TimedOut"),
            closed("client")
          ])
          yield* nothingLeft
        })
    )
  }

  it.effect("is not saved by dripping: a limit is for the whole reply", () =>
    Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(sending(whole))
      yield* TestClock.adjust("59 seconds")
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("1 second")
      const error = yield* Effect.flip(Fiber.join(fiber))
      assert.deepStrictEqual(summary(error), {
        reason: "TimedOut",
        phase: "greeting",
        delivery: "NotAccepted",
        retryable: true,
        recipients: []
      })
      yield* nothingLeft
    }).pipe(
      Effect.provide(layer(
        Array.from("220-mail.test\r\n".repeat(20), (octet) => [Script.raw(octet), Script.delay("1 second")]).flat()
      ))
    ))

  it.effect("keeps a session going as long as each reply comes in time", () =>
    Effect.gen(function*() {
      const receipt = yield* toEnd(sending({ sendTimeOut: "30 minutes" }))
      assert.strictEqual(receipt.reply.text, "Queued")
      yield* finished
    }).pipe(
      Effect.provide(layer(
        [
          "S: 220 mail.test",
          "C: EHLO client.test",
          "-- delay 59 seconds",
          "S: 250 mail.test",
          "C: MAIL FROM:<ann@mail.test>"
        ]
          .concat([
            "-- delay 59 seconds",
            "S: 250 Ok",
            "C: RCPT TO:<bob@mail.test>",
            "-- delay 119 seconds",
            "S: 250 Ok"
          ])
          .concat([
            "C: DATA",
            "-- delay 119 seconds",
            "S: 354 Go on",
            "-- content",
            "-- delay 599 seconds",
            "S: 250 Queued"
          ])
          .join("\n") + "\n" + script.bye
      ))
    ))

  it.effect("in the content is given 180 s without progress", () =>
    Effect.gen(function*() {
      const error = yield* failureOf(sending(undefined, mail("x".repeat(200_000))))
      assert.deepStrictEqual(summary(error), {
        reason: "TimedOut",
        phase: "content",
        delivery: "NotAccepted",
        retryable: true,
        recipients: one
      })
      assert.deepStrictEqual((yield* log).split("\n").slice(-3), [
        "### SMTP Timed out while content. (180000 ms)",
        failed("content", "TimedOut"),
        closed("client")
      ])
      yield* nothingLeft
    }).pipe(
      Effect.provide(layer(`${script.hello}${script.envelope}C: DATA\nS: 354 Go on\n-- stall\n`))
    ))
})

describe("sendTimeOut", () => {
  const send = { retryable: true, delivery: "NotAccepted", reason: "TimedOut" }
  for (
    const [phase, before] of [
      ["greeting", ""],
      ["ehlo", "S: 220 mail.test\nC: EHLO client.test\n"],
      ["mail", `${script.hello}${script.from}`],
      ["rcpt", `${script.hello}${script.from}S: 250 Ok\n${script.to}`],
      ["data", `${script.hello}${script.envelope}C: DATA\n`]
    ] as const
  ) {
    each(`passes while the server is silent: ${phase}`, `${before}-- silence\n`, () =>
      Effect.gen(function*() {
        const fiber = yield* Effect.forkChild(sending({ sendTimeOut: "40 seconds" }))
        for (let turn = 0; turn < 5; turn++) yield* turnOfLoop
        yield* TestClock.adjust(39_999)
        assert.isUndefined(fiber.pollUnsafe())
        yield* TestClock.adjust(1)
        const error = yield* Effect.flip(Fiber.join(fiber))
        assert.deepStrictEqual(error.reason, new SmtpError.TimedOut({ limit: 40_000, scope: "send" }))
        assert.deepStrictEqual(summary(error), {
          ...send,
          phase,
          recipients: phase === "greeting" || phase === "ehlo" ? [] : one
        })
        assert.include(error.message, "the send's own limit of 40 s passed")
        assert.deepInclude((yield* log).split("\n"), failed(phase, "TimedOut"))
        yield* nothingLeft
      }))
  }

  it.effect("does not cut short a verdict that is on its way", () =>
    Effect.gen(function*() {
      const receipt = yield* toEnd(sending({ sendTimeOut: "40 seconds" }))
      assert.strictEqual(receipt.reply.text, "Queued")
    }).pipe(
      Effect.provide(layer(
        `${script.hello}${script.envelope}C: DATA\nS: 354 Go on\n-- content\n-- delay 300 seconds\nS: 250 Queued\n${script.bye}`
      ))
    ))

  it.effect("passes while the credentials are waited for", () =>
    Effect.gen(function*() {
      const error = yield* failureOf(sending({ user: "ann", password: Effect.never }))
      assert.deepStrictEqual(summary(error), { ...send, phase: "connect", recipients: [] })
      assert.strictEqual(yield* log, "")
    }).pipe(Effect.provide(layer("-- silence\n"))))

  it.effect("passes while all sessions are busy with others", () =>
    Effect.gen(function*() {
      const errors = yield* toEnd(
        Effect.scoped(Effect.gen(function*() {
          const transporter = yield* make({ maxSessions: 1, sendTimeOut: "40 seconds" })
          const message = yield* mail()
          return yield* Effect.all([transporter.send(message), transporter.send(message)].map(Effect.result), {
            concurrency: 2
          })
        }))
      )
      assert.deepStrictEqual(errors.map((result) => result._tag), ["Success", "Failure"])
      const [, error] = errors
      if (error?._tag !== "Failure") return assert.fail()
      assert.deepStrictEqual(summary(error.failure), { ...send, phase: "connect", recipients: [] })
      assert.isUndefined(error.failure.server)
      yield* nothingLeft
      yield* finished
    }).pipe(
      Effect.provide(layer(
        `${script.hello}${script.envelope}C: DATA\nS: 354 Go on\n-- content\n-- delay 300 seconds\nS: 250 Queued\n${script.bye}`
      ))
    ))
})
