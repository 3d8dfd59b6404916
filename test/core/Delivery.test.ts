import {
  LogText,
  type Message,
  MessageError as MessageErrors,
  type Receipt,
  Redaction,
  Reply,
  SmtpError,
  type Transporter
} from "@colloquy/core"
import { delivery, type Facts, takenUnderAnotherSender, verdicts } from "@colloquy/core/internal/delivery"
import { Script } from "@colloquy/core/testing"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Redacted, Stream } from "effect"
import {
  chunkings,
  contents,
  each,
  events,
  failureOf,
  finished,
  layer,
  lines,
  log,
  mail,
  nothingLeft,
  script,
  sending,
  type Summary,
  summary,
  text,
  toEnd,
  transporter as make
} from "./dialogue.ts"

const reply = (code: number): Reply.Reply => Reply.make(code, "x")

const facts = (known: Partial<Facts>): Facts => ({
  lmtp: false,
  recipients: ["bob@mail.test"],
  mail: reply(250),
  rcpt: [reply(250)],
  endWritten: true,
  finals: [],
  closing: false,
  ...known
})

const two = ["bob@mail.test", "eve@mail.test"]

/** The table of `docs/dialogue.md`, row by row: what was written and read, and what each recipient's verdict is. */
const table: ReadonlyArray<
  readonly [row: number, situation: string, facts: Facts, verdicts: string, delivery: string | undefined]
> = [
  [
    0,
    "MAIL refused, RCPT taken, content taken",
    facts({ mail: reply(550), finals: [reply(250)] }),
    "Unknown",
    "Unknown"
  ],
  [
    0,
    "the same for one of two",
    facts({ recipients: two, mail: reply(550), rcpt: [reply(250), reply(503)], finals: [reply(250)] }),
    "Unknown Refused",
    "Unknown"
  ],
  [1, "RCPT refused", facts({ rcpt: [reply(550)], endWritten: false }), "Refused", "NotAccepted"],
  [1, "RCPT refused, content taken", facts({ rcpt: [reply(550)], finals: [reply(250)] }), "Refused", "NotAccepted"],
  [1, "MAIL refused, then cut", facts({ mail: reply(451), rcpt: [], endWritten: false }), "Refused", "NotAccepted"],
  [1, "MAIL refused, content refused", facts({ mail: reply(550), finals: [reply(554)] }), "Refused", "NotAccepted"],
  [
    1,
    "one of two refused",
    facts({ recipients: two, rcpt: [reply(550), reply(250)], finals: [reply(250)] }),
    "Refused Accepted",
    undefined
  ],
  [2, "LMTP, taken", facts({ lmtp: true, finals: [reply(250)] }), "Accepted", undefined],
  [2, "LMTP, refused", facts({ lmtp: true, finals: [reply(450)] }), "Refused", "NotAccepted"],
  [
    2,
    "LMTP, one final reply for each accepted RCPT",
    facts({
      lmtp: true,
      recipients: [...two, "kim@mail.test"],
      rcpt: [reply(250), reply(550), reply(250)],
      finals: [reply(250), reply(452)]
    }),
    "Accepted Refused Refused",
    undefined
  ],
  [
    2,
    "LMTP, cut after one of two",
    facts({ lmtp: true, recipients: two, rcpt: [reply(250), reply(250)], finals: [reply(250)] }),
    "Accepted Unknown",
    "Partial"
  ],
  [3, "content taken", facts({ finals: [reply(250)] }), "Accepted", undefined],
  [4, "content refused", facts({ finals: [reply(554)] }), "Refused", "NotAccepted"],
  [4, "421 in the verdict's place", facts({ finals: [reply(421)], closing: true }), "Refused", "NotAccepted"],
  [5, "cut before the end of data", facts({ endWritten: false }), "NotSent", "NotAccepted"],
  [5, "cut at MAIL", facts({ mail: undefined, rcpt: [], endWritten: false }), "NotSent", "NotAccepted"],
  [6, "written, 421 in an earlier reply's place", facts({ closing: true }), "NotSent", "NotAccepted"],
  [6, "written, 421 in MAIL's place", facts({ mail: undefined, rcpt: [], closing: true }), "NotSent", "NotAccepted"],
  [7, "lone dot", facts({ rcpt: [reply(550)], endWritten: true }), "Refused", "NotAccepted"],
  [8, "written, then nothing", facts({}), "Unknown", "Unknown"],
  [8, "written, RCPT outstanding", facts({ rcpt: [] }), "Unknown", "Unknown"],
  [8, "written, MAIL outstanding", facts({ mail: undefined, rcpt: [] }), "Unknown", "Unknown"],
  [8, "written, one refused", facts({ recipients: two, rcpt: [reply(250), reply(550)] }), "Unknown Refused", "Unknown"],
  [
    8,
    "LMTP, nobody's final reply",
    facts({ lmtp: true, recipients: two, rcpt: [reply(250), reply(250)] }),
    "Unknown Unknown",
    "Unknown"
  ]
]

describe("the delivery table", () => {
  for (const [row, situation, known, tags, whole] of table) {
    it(`row ${row}: ${situation}`, () => {
      const all = verdicts(known)
      assert.strictEqual(all.map(({ _tag }) => _tag).join(" "), tags)
      assert.deepStrictEqual(all.map(({ recipient }) => recipient), known.recipients)
      assert.strictEqual(delivery(all), whole)
      assert.strictEqual(takenUnderAnotherSender(known), row === 0)
    })
  }
})

const data = "C: DATA\nS: 354 Go on\n-- content\n"
const bdat = "S: 220 mail.test\nC: EHLO client.test\nS: 250-mail.test\nS: 250-PIPELINING\nS: 250 CHUNKING\n" +
  `${script.from}${script.to}S: 250 Ok\nS: 250 Ok\n`
const lmtp = "S: 220 mail.test\nC: LHLO client.test\nS: 250-mail.test\nS: 250 PIPELINING\n" +
  `${script.from}C: RCPT TO:<bob@mail.test>\nC: RCPT TO:<eve@mail.test>\nC: DATA\nS: 250 Ok\nS: 250 Ok\nS: 250 Ok\nS: 354 Go on\n-- content\n`
const refused: Summary = {
  reason: "ContentRefused",
  phase: "verdict",
  delivery: "NotAccepted",
  retryable: false,
  recipients: ["Refused"]
}
const unknown: Summary = {
  reason: "ConnectionLost",
  phase: "verdict",
  delivery: "Unknown",
  retryable: false,
  recipients: ["Unknown"]
}

interface Row {
  readonly row: number
  readonly name: string
  readonly script: string
  readonly options?: Transporter.Options
  readonly to?: ReadonlyArray<string>
  readonly error: Summary
  /** The end of the log. */
  readonly log?: ReadonlyArray<string>
}

const none = { ...refused, recipients: ["NotSent"] }

/** The same rows over the wire: what the caller is told. */
const wireRows: ReadonlyArray<Row> = [
  {
    row: 1,
    name: "RCPT refused",
    script:
      `${script.hello}${script.from}S: 250 Ok\n${script.to}S: 550 5.1.1 No such user\nC: RSET\nS: 250 Ok\n${script.bye}`,
    error: { ...refused, reason: "RecipientsRefused", phase: "rcpt" },
    log: ["S < \"550 5.1.1 No such user\"", "### SMTP Failed while rcpt. (RecipientsRefused)", "C > \"RSET\""]
  },
  {
    row: 1,
    name: "RCPT refused for now",
    script: `${script.hello}${script.from}S: 250 Ok\n${script.to}S: 450 4.2.1 Busy\nC: RSET\nS: 250 Ok\n${script.bye}`,
    error: { ...refused, reason: "RecipientsRefused", phase: "rcpt", retryable: true }
  },
  {
    row: 1,
    name: "RCPT refused by 552, which counts as 452",
    script:
      `${script.hello}${script.from}S: 250 Ok\n${script.to}S: 552 5.5.3 Too many\nC: RSET\nS: 250 Ok\n${script.bye}`,
    error: { ...refused, reason: "RecipientsRefused", phase: "rcpt", retryable: true }
  },
  {
    row: 1,
    name: "MAIL refused",
    script: `${script.hello}${script.from}S: 550 5.7.1 Not you\n${script.bye}`,
    error: { ...refused, reason: "SenderRefused", phase: "mail" }
  },
  {
    row: 1,
    name: "MAIL refused for now",
    script: `${script.hello}${script.from}S: 451 4.7.1 Greylisted\n${script.bye}`,
    error: { ...refused, reason: "SenderRefused", phase: "mail", retryable: true }
  },
  {
    row: 1,
    name: "everybody refused",
    to: two,
    script:
      `${script.hello}${script.from}S: 250 Ok\n${script.to}S: 550 No\nC: RCPT TO:<eve@mail.test>\nS: 450 Later\nC: RSET\nS: 250 Ok\n${script.bye}`,
    error: {
      ...refused,
      reason: "RecipientsRefused",
      phase: "rcpt",
      retryable: true,
      recipients: ["Refused", "Refused"]
    }
  },
  {
    row: 1,
    name: "one refused, and every recipient required",
    to: two,
    options: { allRecipients: "required" },
    script: `${script.hello}${script.envelope}C: RCPT TO:<eve@mail.test>\nS: 550 No\nC: RSET\nS: 250 Ok\n${script.bye}`,
    error: { ...refused, reason: "RecipientsRefused", phase: "rcpt", recipients: ["NotSent", "Refused"] }
  },
  {
    row: 2,
    name: "LMTP, everybody refused",
    to: two,
    options: { lmtp: true },
    script: `${lmtp}S: 550 No\nS: 450 Later\n${script.bye}`,
    error: { ...refused, reason: "RecipientsRefused", retryable: true, recipients: ["Refused", "Refused"] }
  },
  {
    row: 2,
    name: "LMTP, cut after the first was taken",
    to: two,
    options: { lmtp: true },
    script: `${lmtp}S: 250 Ok\n-- close\n`,
    error: { ...unknown, delivery: "Partial", recipients: ["Accepted", "Unknown"] }
  },
  {
    row: 2,
    name: "LMTP, cut after the first was refused",
    to: two,
    options: { lmtp: true },
    script: `${lmtp}S: 550 No\n-- close\n`,
    error: { ...unknown, recipients: ["Refused", "Unknown"] }
  },
  {
    row: 4,
    name: "content refused",
    script: `${script.hello}${script.envelope}${data}S: 554 5.7.1 Spam\n${script.bye}`,
    error: refused
  },
  {
    row: 4,
    name: "content refused for now",
    script: `${script.hello}${script.envelope}${data}S: 451 Later\n${script.bye}`,
    error: { ...refused, retryable: true }
  },
  {
    row: 4,
    name: "421 in the verdict's place",
    script: `${script.hello}${script.envelope}${data}S: 421 Closing\n-- close\n`,
    error: { ...refused, reason: "ServerRefused", retryable: true }
  },
  {
    row: 5,
    name: "DATA refused",
    script: `${script.hello}${script.envelope}C: DATA\nS: 554 No\nC: RSET\nS: 250 Ok\n${script.bye}`,
    error: { ...none, phase: "data" }
  },
  {
    row: 5,
    name: "DATA refused for now",
    script: `${script.hello}${script.envelope}C: DATA\nS: 451 No\nC: RSET\nS: 250 Ok\n${script.bye}`,
    error: { ...none, phase: "data", retryable: true }
  },
  {
    row: 5,
    name: "BDAT refused",
    script: `${bdat}-- bdat\nS: 554 5.7.1 Spam\n${script.bye}`,
    error: { ...refused, recipients: ["Refused"] }
  },
  {
    row: 5,
    name: "421 in DATA's place",
    script: `${script.hello}${script.envelope}C: DATA\nS: 421 Closing\n-- close\n`,
    error: { ...none, reason: "ServerRefused", phase: "data", retryable: true }
  },
  {
    row: 5,
    name: "421 in MAIL's place",
    script: `${script.hello}${script.from}S: 421 Closing\n-- close\n`,
    error: { ...none, reason: "ServerRefused", phase: "mail", retryable: true, recipients: ["Refused"] }
  },
  {
    row: 5,
    name: "421 in RCPT's place",
    script: `${script.hello}${script.from}S: 250 Ok\n${script.to}S: 421 Closing\n-- close\n`,
    error: { ...none, reason: "ServerRefused", phase: "rcpt", retryable: true, recipients: ["Refused"] }
  },
  {
    row: 5,
    name: "250 to DATA",
    script: `${script.hello}${script.envelope}C: DATA\nS: 250 Ok\n-- end\n`,
    error: { ...none, reason: "ProtocolViolation", phase: "data" }
  },
  {
    row: 5,
    name: "354 to MAIL",
    script: `${script.hello}${script.from}S: 354 Go on\n-- end\n`,
    error: { ...none, reason: "ProtocolViolation", phase: "mail" }
  },
  {
    row: 5,
    name: "354 to RCPT",
    script: `${script.hello}${script.from}S: 250 Ok\n${script.to}S: 354 Go on\n-- end\n`,
    error: { ...none, reason: "ProtocolViolation", phase: "rcpt" }
  },
  {
    row: 7,
    name: "354 with nobody accepted: a lone dot, refused",
    script: "S: 220 mail.test\nC: EHLO client.test\nS: 250-mail.test\nS: 250 PIPELINING\n" +
      `${script.from}${script.to}C: DATA\nS: 250 Ok\nS: 550 No\nS: 354 Go on\n-- content\nS: 554 Nobody\n${script.bye}`,
    error: { ...refused, reason: "RecipientsRefused", phase: "rcpt" },
    log: ["S < \"354 Go on\"", "C > \".\"", "S < \"554 Nobody\"", "### SMTP Failed while rcpt. (RecipientsRefused)"]
  },
  {
    row: 7,
    name: "354 with MAIL refused: a lone dot, and the server takes it",
    script: "S: 220 mail.test\nC: EHLO client.test\nS: 250-mail.test\nS: 250 PIPELINING\n" +
      `${script.from}${script.to}C: DATA\nS: 550 No\nS: 503 No\nS: 354 Go on\n-- content\nS: 250 Queued\n${script.bye}`,
    error: { ...refused, reason: "SenderRefused", phase: "mail" },
    log: [
      "S < \"354 Go on\"",
      "C > \".\"",
      "S < \"250 Queued\"",
      "### Note: \"the server accepted a message that has no recipient\"",
      "### SMTP Failed while mail. (SenderRefused)"
    ]
  },
  {
    row: 1,
    name: "354 with MAIL refused and RCPT taken: the connection is closed, no dot is sent",
    script: "S: 220 mail.test\nC: EHLO client.test\nS: 250-mail.test\nS: 250 PIPELINING\n" +
      `${script.from}${script.to}C: DATA\nS: 550 No\nS: 250 Ok\nS: 354 Go on\n-- end\n`,
    error: { ...refused, reason: "SenderRefused", phase: "mail" }
  },
  {
    row: 1,
    name: "LMTP: 354 with nobody accepted has no reply to come, so the connection is closed",
    options: { lmtp: true },
    script: "S: 220 mail.test\nC: LHLO client.test\nS: 250-mail.test\nS: 250 PIPELINING\n" +
      `${script.from}${script.to}C: DATA\nS: 250 Ok\nS: 550 No\nS: 354 Go on\n-- end\n`,
    error: { ...refused, reason: "RecipientsRefused", phase: "rcpt" }
  },
  {
    row: 8,
    name: "closed",
    script: `${script.hello}${script.envelope}${data}-- close\n`,
    error: unknown,
    log: [
      "### SMTP Content sent. (19 octets, 3 lines)",
      "### SMTP Failed while verdict. (ConnectionLost)",
      "### SMTP Connection closed. (server)"
    ]
  },
  {
    row: 8,
    name: "reset",
    script: `${script.hello}${script.envelope}${data}-- reset\n`,
    error: unknown,
    log: ["### SMTP Failed while verdict. (ConnectionLost)", "### SMTP Connection closed. (network)"]
  },
  {
    row: 8,
    name: "silence",
    script: `${script.hello}${script.envelope}${data}-- silence\n`,
    error: { ...unknown, reason: "TimedOut" },
    log: [
      "### SMTP Timed out while verdict. (600000 ms)",
      "### SMTP Failed while verdict. (TimedOut)",
      "### SMTP Connection closed. (client)"
    ]
  },
  {
    row: 8,
    name: "an unreadable reply",
    script: `${script.hello}${script.envelope}${data}S: what\n-- end\n`,
    error: { ...unknown, reason: "ProtocolViolation" }
  },
  {
    row: 8,
    name: "a reply of mixed codes",
    script: `${script.hello}${script.envelope}${data}S: 250-Ok\nS: 550 No\n-- end\n`,
    error: { ...unknown, reason: "ProtocolViolation" }
  },
  {
    row: 8,
    name: "354 out of its place",
    script: `${script.hello}${script.envelope}${data}S: 354 Go on\n-- end\n`,
    error: { ...unknown, reason: "ProtocolViolation" }
  },
  {
    row: 8,
    name: "BDAT, closed",
    script: `${bdat}-- bdat\n-- close\n`,
    error: unknown
  },
  {
    row: 8,
    name: "LMTP, closed",
    to: two,
    options: { lmtp: true },
    script: `${lmtp}-- close\n`,
    error: { ...unknown, recipients: ["Unknown", "Unknown"] }
  }
]

const receives = (
  name: string,
  dialogue: string,
  options: Transporter.Options,
  to: ReadonlyArray<string>,
  tags: string
) =>
  each(name, dialogue, () =>
    Effect.gen(function*() {
      const receipt = yield* toEnd(sending(options, mail(text, ...to)))
      assert.strictEqual(receipt.recipients.map(({ _tag }) => _tag).join(" "), tags)
      assert.deepStrictEqual(yield* contents, [text])
      yield* nothingLeft
      yield* finished
    }))

describe("the delivery table on the wire", () => {
  for (const { error: expected, log: end = [], name, options, row, script: dialogue, to = [] } of wireRows) {
    each(`row ${row}: ${name}`, dialogue, () =>
      Effect.gen(function*() {
        const error = yield* failureOf(sending(options, mail(text, ...to)))
        assert.deepStrictEqual(summary(error), expected)
        assert.include(yield* log, lines(end))
        assert.strictEqual(
          error.message.includes("do not send it again without asking"),
          expected.delivery === "Unknown",
          error.message
        )
        yield* nothingLeft
        yield* finished
      }))
  }

  receives(
    "row 3: taken, then QUIT",
    `${script.hello}${script.envelope}${data}S: 250 Ok\n${script.bye}`,
    {},
    [],
    "Accepted"
  )
  receives(
    "row 3: taken, then closed",
    `${script.hello}${script.envelope}${data}S: 250 Ok\n-- close\n`,
    {},
    [],
    "Accepted"
  )
  receives(
    "row 3: taken, then reset",
    `${script.hello}${script.envelope}${data}S: 250 Ok\n-- reset\n`,
    {},
    [],
    "Accepted"
  )
  receives(
    "row 3: taken, then reset instead of 221",
    `${script.hello}${script.envelope}${data}S: 250 Ok\nC: QUIT\n-- reset\n`,
    {},
    [],
    "Accepted"
  )
  receives(
    "row 3: taken, then no answer to QUIT",
    `${script.hello}${script.envelope}${data}S: 250 Ok\nC: QUIT\n-- silence\n`,
    {},
    [],
    "Accepted"
  )
  receives(
    "row 3: taken, then 421 to QUIT",
    `${script.hello}${script.envelope}${data}S: 250 Ok\nC: QUIT\nS: 421 4.3.2 Closing\n-- close\n`,
    {},
    [],
    "Accepted"
  )
  receives(
    "row 3: taken, then a wrong answer to QUIT",
    `${script.hello}${script.envelope}${data}S: 250 Ok\nC: QUIT\nS: what\n-- end\n`,
    {},
    [],
    "Accepted"
  )
  receives("row 3: by BDAT", `${bdat}-- bdat\nS: 250 Ok\n${script.bye}`, {}, [], "Accepted")
  receives(
    "row 3: 251 and 252 to RCPT are accepted",
    `${script.hello}${script.from}S: 250 Ok\n${script.to}S: 251 Forwarded\nC: RCPT TO:<eve@mail.test>\nS: 252 Will try\n${data}S: 250 Ok\n${script.bye}`,
    {},
    two,
    "Accepted Accepted"
  )
  receives(
    "rows 1 and 3: one refused, the others get the message",
    `${script.hello}${script.from}S: 250 Ok\n${script.to}S: 552 Full\nC: RCPT TO:<eve@mail.test>\nS: 250 Ok\n${data}S: 250 Ok\n${script.bye}`,
    {},
    two,
    "Refused Accepted"
  )
  receives(
    "row 3: every recipient required, and taken",
    `${script.hello}${script.envelope}C: RCPT TO:<eve@mail.test>\nS: 250 Ok\n${data}S: 250 Ok\n${script.bye}`,
    { allRecipients: "required" },
    two,
    "Accepted Accepted"
  )
  for (const first of ["250", "450", "550"]) {
    for (const second of ["250", "452", "552"]) {
      if (first !== "250" && second !== "250") continue
      receives(
        `row 2: LMTP, ${first} and ${second}`,
        `${lmtp}S: ${first} x\nS: ${second} y\n${script.bye}`,
        { lmtp: true },
        two,
        `${first === "250" ? "Accepted" : "Refused"} ${second === "250" ? "Accepted" : "Refused"}`
      )
    }
  }
  receives(
    "row 2: LMTP with one recipient twice has a final reply for each",
    "S: 220 mail.test\nC: LHLO client.test\nS: 250 mail.test\n" +
      `${script.envelope}${script.to}S: 250 Ok\n${data}S: 250 Ok\nS: 550 No\n${script.bye}`,
    { lmtp: true },
    ["bob@mail.test", "bob@mail.test"],
    "Accepted Refused"
  )
  receives(
    "row 2: LMTP by BDAT has final replies after LAST only",
    "S: 220 mail.test\nC: LHLO client.test\nS: 250-mail.test\nS: 250-PIPELINING\nS: 250 CHUNKING\n" +
      `${script.from}${script.to}C: RCPT TO:<eve@mail.test>\nS: 250 Ok\nS: 250 Ok\nS: 250 Ok\n-- bdat\nS: 250 Ok\nS: 452 Full\n${script.bye}`,
    { lmtp: true },
    two,
    "Accepted Refused"
  )

  it.effect("row 6: a chunk's 421, the LAST one written, leaves the message to others", () =>
    Effect.gen(function*() {
      const error = yield* failureOf(sending({}, mail("x".repeat(100_000))))
      assert.deepStrictEqual(summary(error), { ...none, reason: "ServerRefused", phase: "verdict", retryable: true })
      assert.strictEqual((yield* contents).length, 1)
      yield* nothingLeft
      yield* finished
    }).pipe(Effect.provide(layer(`${bdat}-- bdat\n-- bdat\nS: 421 Closing\n-- close\n`))))
})

/** One thing that is said, or done. */
type Turn =
  | { readonly s: string }
  | { readonly c: string | RegExp; readonly octets?: number }
  | { readonly tls: true }
  | { readonly content: number }

const crlf = (said: string) => `${said.replaceAll("\n", "\r\n")}\r\n`
const octetsOf = (turn: Turn, side: "server" | "client"): number =>
  "s" in turn
    ? side === "server" ? crlf(turn.s).length : 0
    : side === "server"
    ? 0
    : "c" in turn
    ? turn.octets ?? crlf(String(turn.c)).length
    : "content" in turn
    ? turn.content
    : 0

/** The dialogue up to the server's (or the client's) octet number `at`; then the connection is cut. */
const cutAfter = (turns: ReadonlyArray<Turn>, side: "server" | "client", at: number, end: Script.Step) => {
  const steps: Array<Script.Step> = []
  let left = at
  for (const turn of turns) {
    const octets = octetsOf(turn, side)
    if (octets > left || (left === 0 && octets > 0)) {
      if (left > 0) steps.push("s" in turn ? Script.raw(crlf(turn.s).slice(0, left)) : Script.swallow(left))
      steps.push(end)
      return steps
    }
    left -= octets
    if ("s" in turn) steps.push(Script.raw(crlf(turn.s)))
    else if ("tls" in turn) steps.push(Script.startTls)
    else if ("content" in turn) steps.push(Script.swallow(turn.content))
    else steps.push(Script.on(turn.c))
  }
  steps.push(end)
  return steps
}

const dotted = text.length + ".\r\n".length
const chunked = `BDAT ${text.length} LAST\r\n`.length + text.length
const begin = (extensions: ReadonlyArray<string>): ReadonlyArray<Turn> => [
  { s: "220 mail.test" },
  { c: "EHLO client.test" },
  {
    s: ["mail.test", ...extensions].map((line, at, all) => `250${at === all.length - 1 ? " " : "-"}${line}`).join("\n")
  }
]
const mailFrom = { c: "MAIL FROM:<ann@mail.test>" }
const rcptTo = { c: "RCPT TO:<bob@mail.test>" }
const end: ReadonlyArray<Turn> = [{ s: "250 Queued" }, { c: "QUIT" }, { s: "221 Bye" }]
const ok = { s: "250 Ok" }

const dialogues: ReadonlyArray<
  readonly [name: string, turns: ReadonlyArray<Turn>, options: Transporter.Options, to: ReadonlyArray<string>]
> = [
  [
    "DATA, one command at a time",
    [...begin([]), mailFrom, ok, rcptTo, ok, { c: "DATA" }, { s: "354 Go" }, { content: dotted }, ...end],
    {},
    []
  ],
  [
    "DATA in a group",
    [...begin(["PIPELINING"]), mailFrom, rcptTo, { c: "DATA" }, ok, ok, { s: "354 Go" }, { content: dotted }, ...end],
    {},
    []
  ],
  ["BDAT", [...begin(["PIPELINING", "CHUNKING"]), mailFrom, rcptTo, ok, ok, { content: chunked }, ...end], {}, []],
  [
    "LMTP",
    [
      { s: "220 mail.test" },
      { c: "LHLO client.test" },
      { s: "250 mail.test" },
      mailFrom,
      ok,
      rcptTo,
      ok,
      { c: "RCPT TO:<eve@mail.test>" },
      ok,
      { c: "DATA" },
      { s: "354 Go" },
      { content: dotted },
      { s: "250 One" },
      { s: "250 Two" },
      { c: "QUIT" },
      { s: "221 Bye" }
    ],
    { lmtp: true },
    two
  ],
  [
    "STARTTLS and AUTH",
    [
      ...begin(["STARTTLS"]),
      { c: "STARTTLS" },
      { s: "220 Go" },
      { tls: true },
      { c: "EHLO client.test" },
      { s: "250-mail.test\n250 AUTH PLAIN" },
      { c: /^AUTH PLAIN /, octets: "AUTH PLAIN AGFubgBhLXNlY3JldC13b3Jk\r\n".length },
      { s: "235 Welcome" },
      mailFrom,
      ok,
      rcptTo,
      ok,
      { c: "DATA" },
      { s: "354 Go" },
      { content: dotted },
      ...end
    ],
    { port: 587, tls: "required", user: "ann", password: Redacted.make("a-secret-word") },
    []
  ]
]

/** What a send comes to on a connection that is cut: the table's verdicts, whatever octet was the last. */
const judge = (
  exit: Exit.Exit<Receipt.Receipt, SmtpError.SmtpError>,
  end: "Closed" | "Reset",
  finals: number
) =>
  Effect.gen(function*() {
    yield* nothingLeft
    const all = yield* events
    const shown = LogText.format(all, { columns: "statement" })
    const wholly = (yield* contents).length > 0
    const written = shown.includes("### SMTP Content sent.")
    const answered = shown.slice(Math.max(0, shown.indexOf("### SMTP Content sent."))).split("S < \"250 ").length - 1
    if (Exit.isSuccess(exit)) {
      assert.isTrue(written && answered >= finals, shown)
      return
    }
    const error = Cause.squash(exit.cause)
    assert.instanceOf(error, SmtpError.SmtpError, shown)
    if (!(error instanceof SmtpError.SmtpError)) return
    if (!written) {
      assert.isFalse(wholly, shown)
      assert.strictEqual(error.delivery, "NotAccepted", shown)
      assert.isTrue(error.isRetryable, shown)
      assert.isTrue(error.recipients.every(({ _tag }) => _tag === "NotSent"), shown)
    } else {
      assert.isBelow(answered, finals, shown)
      assert.strictEqual(error.delivery, answered === 0 ? "Unknown" : "Partial", shown)
      assert.isFalse(error.isRetryable, shown)
    }
    const tag = error.reason._tag
    if (tag === "ConnectionLost") assert.strictEqual(error.reason.kind, end, shown)
    else {
      assert.strictEqual(tag, "TlsFailed", shown)
      assert.include(shown, "STARTTLS")
    }
    assert.include(shown, "### SMTP Failed while ")
    assert.notInclude(shown, "a-secret-word")
  })

describe("a connection that is cut", () => {
  for (const [name, turns, options, to] of dialogues) {
    for (const side of ["server", "client"] as const) {
      it.effect(`after each octet of the ${side}'s: ${name}`, () =>
        Effect.gen(function*() {
          const total = turns.reduce((sum, turn) => sum + octetsOf(turn, side), 0)
          for (let at = 0; at <= total; at++) {
            const end = at % 2 === 0 ? "Closed" : "Reset"
            const steps = cutAfter(turns, side, at, end === "Closed" ? Script.close : Script.reset)
            yield* Effect.gen(function*() {
              const exit = yield* Effect.exit(sending(options, mail(text, ...to)))
              yield* judge(exit, end, options.lmtp === true ? 2 : 1)
            }).pipe(Effect.provide(layer(steps, { chunks: chunkings[at % 3] }), { local: true }))
          }
        }), 30_000)
    }
  }
})

const sized = (limit: number) => `S: 220 mail.test\nC: EHLO client.test\nS: 250-mail.test\nS: 250 SIZE ${limit}\n`

describe("content", () => {
  const withFailingSource = Effect.map(
    mail(),
    (composed): Message.Composed => ({
      ...composed,
      size: undefined,
      content: Stream.concat(
        Stream.make(new TextEncoder().encode("Subject: Hi\r\n\r\n"), new TextEncoder().encode("x".repeat(70_000))),
        Stream.fail(new MessageErrors.MessageError({ field: "content", problem: "the disk is gone" }))
      )
    })
  )

  each(
    "whose source fails destroys the connection in DATA",
    `${script.hello}${script.envelope}C: DATA\nS: 354 Go on\n-- silence\n`,
    () =>
      Effect.gen(function*() {
        const error = yield* failureOf(sending({}, withFailingSource))
        assert.deepStrictEqual(summary(error), { ...none, reason: "ContentSourceFailed", phase: "content" })
        assert.include(error.message, "the disk is gone")
        assert.deepStrictEqual(yield* contents, [])
        assert.deepStrictEqual((yield* log).split("\n").slice(-2), [
          "### SMTP Failed while content. (ContentSourceFailed)",
          "### SMTP Connection closed. (client)"
        ])
        yield* nothingLeft
      })
  )

  each(
    "whose source fails ends in RSET by BDAT, and the session is good for the next",
    `${bdat}-- bdat\nS: 250 Ok\nC: RSET\nS: 250 Ok\n${script.from}${script.to}S: 250 Ok\nS: 250 Ok\n-- bdat\nS: 250 Ok\n${script.bye}`,
    () =>
      Effect.gen(function*() {
        yield* toEnd(
          Effect.scoped(Effect.gen(function*() {
            const transporter = yield* make()
            const error = yield* Effect.flip(transporter.send(yield* withFailingSource))
            assert.deepStrictEqual(summary(error), { ...none, reason: "ContentSourceFailed", phase: "content" })
            yield* transporter.send(yield* mail())
          }))
        )
        assert.deepStrictEqual((yield* contents).map((content) => content.length), [15 + 65_536 + text.length])
        yield* nothingLeft
        yield* finished
      })
  )

  it.effect("whose source dies takes the connection with it, and the sender dies of it", () =>
    Effect.gen(function*() {
      const composed = yield* mail()
      const exit = yield* Effect.exit(
        sending({}, Effect.succeed({ ...composed, chunks: undefined, content: Stream.die(new Error("a bug")) }))
      )
      assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      assert.deepStrictEqual((yield* log).split("\n").slice(-2), [
        "### SMTP Failed while content. (ContentSourceFailed)",
        "### SMTP Connection closed. (client)"
      ])
      yield* nothingLeft
    }).pipe(Effect.provide(layer(`${script.hello}${script.envelope}C: DATA\nS: 354 Go on\n-- silence\n`))))

  each("over the server's limit is not offered to it", `${sized(10)}${script.bye}`, () =>
    Effect.gen(function*() {
      const error = yield* failureOf(sending())
      assert.deepStrictEqual(error.reason, new SmtpError.MessageTooLarge({ octets: 19, limit: 10 }))
      assert.deepStrictEqual(summary(error), { ...none, reason: "MessageTooLarge", phase: "mail", recipients: [] })
      yield* nothingLeft
      yield* finished
    }))

  each(
    "that turns out to be over the limit destroys the connection in DATA",
    `${sized(100)}${script.envelope}C: DATA\nS: 354 Go on\n-- silence\n`,
    () =>
      Effect.gen(function*() {
        const stream = Effect.map(mail("x".repeat(200)), (composed): Message.Composed => ({
          ...composed,
          size: undefined,
          content: Stream.map(composed.content, (octets) => octets)
        }))
        const error = yield* failureOf(sending({}, stream))
        assert.deepStrictEqual(summary(error), { ...none, reason: "MessageTooLarge", phase: "content" })
        yield* nothingLeft
      })
  )

  each(
    "with octets over 127 is an error where 8BITMIME is not offered",
    `${script.hello}${script.bye}`,
    () =>
      Effect.gen(function*() {
        const error = yield* failureOf(sending({}, mail("Subject: Hi\r\n\r\nh\u00e9\r\n")))
        assert.deepStrictEqual(summary(error), {
          ...none,
          reason: "ExtensionUnavailable",
          phase: "mail",
          recipients: []
        })
        assert.include(error.message, "8BITMIME")
        yield* nothingLeft
        yield* finished
      })
  )

  each(
    "with octets over 127 that nobody saw coming destroys the connection",
    `${script.hello}${script.envelope}C: DATA\nS: 354 Go on\n-- silence\n`,
    () =>
      Effect.gen(function*() {
        const stream = Effect.map(mail("Subject: Hi\r\n\r\nh\u00e9\r\n"), (composed): Message.Composed => ({
          ...composed,
          body: undefined,
          size: undefined,
          content: Stream.map(composed.content, (octets) => octets)
        }))
        const error = yield* failureOf(sending({}, stream))
        assert.deepStrictEqual(summary(error), { ...none, reason: "ExtensionUnavailable", phase: "content" })
        yield* nothingLeft
      })
  )

  each(
    "with octets over 127 travels all the same with force8bit",
    `${script.hello}${script.envelope}${data}S: 250 Ok\n${script.bye}`,
    () =>
      Effect.gen(function*() {
        yield* sending({ force8bit: true }, mail("Subject: Hi\r\n\r\nh\u00e9\r\n"))
        assert.deepStrictEqual(yield* contents, ["Subject: Hi\r\n\r\nh\u00c3\u00a9\r\n"])
        yield* finished
      })
  )

  const big = 200_000
  each(
    "of which the server says in the middle that it is too much is stopped at once",
    `${script.hello}${script.envelope}C: DATA\nS: 354 Go on\n-- swallow 65536\nS: 552 5.3.4 Too much\n-- stall\n`,
    () =>
      Effect.gen(function*() {
        const error = yield* failureOf(sending({}, mail("x".repeat(big))))
        assert.deepStrictEqual(summary(error), { ...none, phase: "content" })
        assert.strictEqual(error.reply?.text, "5.3.4 Too much")
        yield* nothingLeft
      })
  )
  each(
    "of which the server says in the middle that it closes may be sent again",
    `${script.hello}${script.envelope}C: DATA\nS: 354 Go on\n-- swallow 65536\nS: 421 4.3.2 Closing\n-- close\n`,
    () =>
      Effect.gen(function*() {
        const error = yield* failureOf(sending({}, mail("x".repeat(big))))
        assert.deepStrictEqual(summary(error), { ...none, reason: "ServerRefused", phase: "content", retryable: true })
        yield* nothingLeft
      })
  )
  each(
    "that is cut in the middle may be sent again",
    `${script.hello}${script.envelope}C: DATA\nS: 354 Go on\n-- swallow 65536\n-- reset\n`,
    () =>
      Effect.gen(function*() {
        const error = yield* failureOf(sending({}, mail("x".repeat(big))))
        assert.deepStrictEqual(summary(error), { ...none, reason: "ConnectionLost", phase: "content", retryable: true })
        yield* nothingLeft
      })
  )
})

describe("onUnknown", () => {
  const unanswered = Script.fromText(`${script.hello}${script.envelope}${data}-- close\n`)
  const taken = Script.fromText(`${script.hello}${script.envelope}${data}S: 250 Ok\n${script.bye}`)

  each("sends a second time only where it was told to", [unanswered, taken], () =>
    Effect.gen(function*() {
      yield* sending({ onUnknown: "retry" })
      assert.deepStrictEqual(yield* contents, [text, text])
      yield* finished
    }))

  each("gives up when the second time is unknown too", [unanswered, unanswered], () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(sending({ onUnknown: "retry" }))
      assert.deepStrictEqual(summary(error), unknown)
      yield* nothingLeft
    }))
})

describe("A message in more than one transaction", () => {
  const refusedTwice = "S: 220 mail.test\nC: EHLO client.test\nS: 250-mail.test\nS: 250 LIMITS RCPTMAX=1\n" +
    `${script.from}S: 250 Ok\n${script.to}S: 550 No, see ticket 17\nC: RSET\nS: 250 Ok\n` +
    `${script.from}S: 250 Ok\nC: RCPT TO:<eve@mail.test>\nS: 550 No, see ticket 18\nC: RSET\nS: 250 Ok\n${script.bye}`

  it.effect("fails with a message under the transporter's redaction, as one does that fails in one", () =>
    Effect.gen(function*() {
      const redaction = Redaction.text("tickets", (text) => text.replaceAll(/ticket \d+/g, "ticket ***"))
      const error = yield* failureOf(sending({ redaction }, mail(text, "bob@mail.test", "eve@mail.test")))
      assert.strictEqual(error.message, "mail.test:2525: the server refused 1 of 1 recipients: 550 No, see ticket ***")
      yield* finished
    }).pipe(Effect.provide(layer(refusedTwice))))

  it.effect("fails with a message that counts all of its recipients, where nothing was to be hidden", () =>
    Effect.gen(function*() {
      const error = yield* failureOf(sending({}, mail(text, "bob@mail.test", "eve@mail.test")))
      assert.strictEqual(error.message, "mail.test:2525: the server refused 2 of 2 recipients: 550 No, see ticket 18")
      yield* finished
    }).pipe(Effect.provide(layer(refusedTwice))))
})
