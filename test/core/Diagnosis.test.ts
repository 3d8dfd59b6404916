import * as Diagnosis from "@colloquy/core/Diagnosis"
import type { LogEvent } from "@colloquy/core/LogEvent"
import { make as makeReply } from "@colloquy/core/Reply"
import {
  AuthenticationFailed,
  CertificateRejected,
  ConnectionFailed,
  describe as describeError,
  EveryServerFailed,
  SmtpError,
  type SmtpErrorReason,
  TimedOut,
  TlsFailed,
  TlsUnavailable
} from "@colloquy/core/SmtpError"
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { conversation, refusal, stars } from "./conversation.ts"
import { fieldReplies } from "./fieldReplies.ts"

const lines = (diagnosis: Diagnosis.Diagnosis): ReadonlyArray<string> =>
  diagnosis.evidence.map((event) =>
    "line" in event ? `${event.counter} ${event.line}` : `${event.counter} ${event._tag}`
  )

const google = "220 smtp.gmail.com ESMTP a1b2c3-20020a05600c.12 - gsmtp"
const microsoft = "220 AS9PR01CA0001.outlook.office365.com Microsoft ESMTP MAIL Service ready"
const ses = "220 email-smtp.amazonaws.com ESMTP SimpleEmailService-d-ABCDEF example"
const postfix = "220 mail.example.com ESMTP Postfix"
const exim = "220 mail.example.com ESMTP Exim 4.96 Wed, 25 Nov 2026 12:00:00 +0000"

interface Case {
  readonly name: string
  readonly conversation: Parameters<typeof refusal>[0]
  readonly rule: string
  readonly retryAfter: Diagnosis.RetryAfter
  readonly not: RegExp
}

/** The fifteen replies of real servers that the diagnosis must have right, each with the trap in it. */
const fifteen: ReadonlyArray<Case> = [
  {
    name: "Google's BadCredentials",
    conversation: {
      phase: "auth",
      host: "smtp.gmail.com",
      greeting: google,
      reply: [
        "535-5.7.8 Nom d'utilisateur et mot de passe non acceptés. En savoir plus à",
        "535 5.7.8 https://support.google.com/mail/?p=BadCredentials a1b2c3-20020a05600c.12 - gsmtp"
      ]
    },
    rule: "authentication/google-bad-credentials",
    retryAfter: "never",
    not: /TLS/
  },
  {
    name: "Google's InvalidSecondFactor",
    conversation: {
      phase: "auth",
      host: "smtp.gmail.com",
      greeting: google,
      reply: [
        "534-5.7.9 Application-specific password required. For more information, go to",
        "534 5.7.9 https://support.google.com/mail/?p=InvalidSecondFactor a1b2c3-20020a05600c.12 - gsmtp"
      ]
    },
    rule: "authentication/google-app-password",
    retryAfter: "never",
    not: /weak/
  },
  {
    name: "Google's daily quota",
    conversation: {
      phase: "mail",
      host: "smtp.gmail.com",
      greeting: google,
      reply: [
        "550-5.4.5 Daily user sending limit exceeded. For more information on Gmail",
        "550 5.4.5 sending limits go to https://support.google.com/a/answer/166852 a1b2c3.12 - gsmtp"
      ]
    },
    rule: "rate/google-daily-quota",
    retryAfter: "hours",
    not: /recipient's|no such mailbox/i
  },
  {
    name: "Google's STARTTLS first",
    conversation: {
      phase: "mail",
      host: "smtp.gmail.com",
      secured: false,
      greeting: google,
      reply: [
        "530-5.7.0 Must issue a STARTTLS command first. For more information, go to",
        "530 5.7.0 https://support.google.com/a/answer/3221692 a1b2c3.12 - gsmtp"
      ]
    },
    rule: "tls/starttls-first",
    retryAfter: "never",
    not: /login/i
  },
  {
    name: "Postfix's STARTTLS first",
    conversation: {
      phase: "mail",
      secured: false,
      greeting: postfix,
      reply: ["530 5.7.0 Must issue a STARTTLS command first"]
    },
    rule: "tls/starttls-first",
    retryAfter: "never",
    not: /login/i
  },
  {
    name: "Google's blocked attachment",
    conversation: {
      phase: "verdict",
      host: "smtp.gmail.com",
      greeting: google,
      reply: [
        "552-5.7.0 This message was blocked because its content presents a potential",
        "552-5.7.0 security issue. To review our message content and attachment content",
        "552 5.7.0 guidelines, go to https://support.google.com/mail/?p=BlockedMessage a1b2c3.12 - gsmtp"
      ]
    },
    rule: "content/google-blocked-attachment",
    retryAfter: "never",
    not: /large|size/i
  },
  {
    name: "Microsoft 365's switched-off SMTP AUTH",
    conversation: {
      phase: "auth",
      host: "smtp.office365.com",
      greeting: microsoft,
      reply: [
        "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant. Visit https://aka.ms/smtp_auth_disabled for more information. [AS9PR01CA0001.eurprd01.prod.exchangelabs.com]"
      ]
    },
    rule: "authentication/microsoft-smtp-auth-disabled",
    retryAfter: "never",
    not: /password is wrong/
  },
  {
    name: "Microsoft 365's SendAsDenied",
    conversation: {
      phase: "verdict",
      host: "smtp.office365.com",
      greeting: microsoft,
      reply: [
        "554 5.2.252 SendAsDenied; ann@example.com not allowed to send as info@example.com; STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied; Failed to process message due to a permanent exception"
      ]
    },
    rule: "sender/microsoft-send-as-denied",
    retryAfter: "never",
    not: /content/
  },
  {
    name: "Microsoft 365's SendAsDenied of old",
    conversation: {
      phase: "verdict",
      host: "smtp.office365.com",
      greeting: microsoft,
      reply: [
        "554 5.2.0 STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied; Failed to process message"
      ]
    },
    rule: "sender/microsoft-send-as-denied",
    retryAfter: "never",
    not: /content/
  },
  {
    name: "Microsoft 365's connections",
    conversation: {
      phase: "mail",
      host: "smtp.office365.com",
      greeting: microsoft,
      reply: [
        "432 4.3.2 Concurrent connections limit exceeded. Visit https://aka.ms/concurrent_sending for more information."
      ]
    },
    rule: "rate/microsoft-connections",
    retryAfter: "seconds",
    not: /password/
  },
  {
    name: "Microsoft 365's sender threads",
    conversation: {
      phase: "verdict",
      host: "smtp.office365.com",
      greeting: microsoft,
      reply: ["432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded"]
    },
    rule: "rate/microsoft-connections",
    retryAfter: "seconds",
    not: /password/
  },
  {
    name: "Amazon SES's rate",
    conversation: {
      phase: "verdict",
      host: "email-smtp.eu-west-1.amazonaws.com",
      greeting: ses,
      reply: ["454 Throttling failure: Maximum sending rate exceeded."]
    },
    rule: "rate/ses-rate",
    retryAfter: "seconds",
    not: /login/i
  },
  {
    name: "Amazon SES's unverified address",
    conversation: {
      phase: "verdict",
      host: "email-smtp.eu-west-1.amazonaws.com",
      greeting: ses,
      reply: [
        "554 Message rejected: Email address is not verified. The following identities failed the check in region EU-WEST-1: ann@example.com"
      ]
    },
    rule: "sender/ses-not-verified",
    retryAfter: "never",
    not: /no such mailbox/
  },
  {
    name: "Yahoo's TSS04",
    conversation: {
      phase: "mail",
      host: "mta5.am0.yahoodns.net",
      greeting: "220 mtaproxy1.free.mail.ne1.yahoo.com ESMTP ready",
      reply: [
        "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or user complaints - 4.16.55.1; see https://postmaster.yahooinc.com/error-codes"
      ]
    },
    rule: "policy/yahoo-deferred",
    retryAfter: "hours",
    not: /restarts|down/
  },
  {
    name: "Postfix's relay access denied",
    conversation: { phase: "rcpt", greeting: postfix, reply: ["554 5.7.1 <bob@example.net>: Relay access denied"] },
    rule: "recipient/relay-denied",
    retryAfter: "never",
    not: /no such mailbox/
  },
  {
    name: "Postfix's relay access denied, deferring",
    conversation: { phase: "rcpt", greeting: postfix, reply: ["454 4.7.1 <bob@example.net>: Relay access denied"] },
    rule: "recipient/relay-denied",
    retryAfter: "never",
    not: /no such mailbox/
  },
  {
    name: "Exim's relay not permitted",
    conversation: { phase: "rcpt", greeting: exim, reply: ["550 relay not permitted"] },
    rule: "recipient/relay-denied",
    retryAfter: "never",
    not: /no such mailbox/
  },
  {
    name: "Postfix's sender that is not the login's",
    conversation: {
      phase: "rcpt",
      greeting: postfix,
      reply: ["553 5.7.1 <info@example.com>: Sender address rejected: not owned by user ann@example.com"]
    },
    rule: "sender/not-owned",
    retryAfter: "never",
    not: /recipient/
  },
  {
    name: "Zoho's alias",
    conversation: {
      phase: "verdict",
      host: "smtp.zoho.eu",
      greeting: "220 mx.zoho.eu SMTP Server ready November 25, 2026 1:00:00 PM UTC",
      reply: ["553 Relaying disallowed as info@example.com"]
    },
    rule: "sender/zoho-not-an-alias",
    retryAfter: "never",
    not: /wrong server/
  },
  {
    name: "Zoho's alias under 552",
    conversation: {
      phase: "mail",
      host: "smtp.zeptomail.com",
      greeting: "220 mx.zeptomail.com SMTP Server ready",
      reply: ["552 Relaying disallowed as info@example.com"]
    },
    rule: "sender/zoho-not-an-alias",
    retryAfter: "never",
    not: /large/
  }
]

describe("Diagnosis: the replies that must be right", () => {
  it.each(fifteen)("$name", ({ conversation, not, retryAfter, rule }) => {
    const diagnosis = Diagnosis.diagnose(refusal(conversation))
    assert.strictEqual(diagnosis.rule, rule)
    assert.strictEqual(diagnosis.stage, conversation.phase)
    assert.strictEqual(diagnosis.outcome, "failed")
    assert.strictEqual(diagnosis.retryAfter, retryAfter)
    assert.notMatch(`${diagnosis.what} ${diagnosis.causes[0]}`, not)
    assert.deepStrictEqual(
      diagnosis.evidence.flatMap((event) => event._tag === "ServerLine" ? [event.line] : []),
      [...conversation.reply]
    )
  })
})

const secured: LogEvent = {
  _tag: "Secured",
  counter: 0,
  time: 0,
  process: 1,
  session: 1,
  elapsed: 5,
  tls: { protocol: "TLSv1.3", cipher: "TLS_AES_256_GCM_SHA384", verified: true, chain: [] }
}

const articlesSample = conversation(
  { host: "smtp.gmail.com", port: 465 },
  "S: 220 smtp.gmail.com ESMTP y139sm19463388wmd.22 - gsmtp",
  "C: EHLO [192.168.18.9]",
  "S: 250-smtp.gmail.com at your service, [195.68.52.79]",
  "S: 250 AUTH LOGIN PLAIN XOAUTH2",
  "C: AUTH PLAIN",
  "S: 334 ",
  `C: ${stars}`,
  "S: 535-5.7.8 Nom d'utilisateur et mot de passe non acceptés. En savoir plus à",
  "S: 535 5.7.8 https://support.google.com/mail/?p=BadCredentials y139sm19463388wmd.22 - gsmtp",
  "C: QUIT",
  "S: 221 2.0.0 closing connection",
  { _tag: "Closed", by: "client", elapsed: 656 }
)

const failedDial = (problem: string) =>
  conversation(
    undefined,
    { _tag: "Connecting", host: "mail.example.com", port: 587, tls: "required" },
    { _tag: "AttemptFailed", address: "192.0.2.1", port: 587, problem, elapsed: 10 }
  )

const ruleOf = (text: string, code = 599) => Diagnosis.ofReply({ phase: "quit", reply: makeReply(code, text) }).rule

describe("Diagnosis: conversations", () => {
  it("The article's failed login is explained with the lines that it rests on", () => {
    const diagnosis = Diagnosis.diagnose(articlesSample)
    assert.strictEqual(diagnosis.rule, "authentication/google-bad-credentials")
    assert.deepStrictEqual(lines(diagnosis), [
      "7 AUTH PLAIN",
      `9 ${stars}`,
      "10 535-5.7.8 Nom d'utilisateur et mot de passe non acceptés. En savoir plus à",
      "11 535 5.7.8 https://support.google.com/mail/?p=BadCredentials y139sm19463388wmd.22 - gsmtp"
    ])
    assert.include(
      Diagnosis.render(diagnosis),
      "line 11: S < \"535 5.7.8 https://support.google.com/mail/?p=BadCredentials"
    )
  })

  it("The walk-through says what each part of the conversation was", () => {
    const steps = Diagnosis.walkthrough(articlesSample)
    assert.deepStrictEqual(
      steps.map(({ from, isTrouble, text, to }) => `${from}-${to}${isTrouble ? "!" : ""} ${text}`),
      [
        "1-1 Connecting to smtp.gmail.com on port 465, TLS implicit",
        "2-2 Connected to smtp.gmail.com on port 465, protected by TLS",
        "3-3 The server spoke: it greeted as smtp.gmail.com ESMTP y139sm19463388wmd.22 - gsmtp",
        "4-6 The client introduced itself as [192.168.18.9]; the server offers 1 extension",
        "7-8 The client began to log in (PLAIN); the server asked on",
        "9-11! The client sent its credentials; the server refused: 535 5.7.8 Nom d'utilisateur et mot de passe non acceptés. En savoir plus à / 5.7.8 https://support.google.com/mail/?p=BadCr…",
        "12-13 The client said goodbye; the server agreed",
        "14-14 The client closed the connection"
      ]
    )
  })

  it("A translated reply is known by its token, whatever its words", () => {
    const reply = makeReply(
      535,
      "5.7.8 ユーザー名とパスワードが受け入れられません",
      "5.7.8 https://support.google.com/mail/?p=BadCredentials x - gsmtp"
    )
    assert.strictEqual(Diagnosis.ofReply({ phase: "auth", reply }).rule, "authentication/google-bad-credentials")
  })

  it("An accepted message is no trouble, and says which line accepted it", () => {
    const events = conversation(
      {},
      "S: 220 mail.example.com ESMTP",
      "C: EHLO client.example.org",
      "S: 250 mail.example.com",
      "C: MAIL FROM:<ann@example.com>",
      "C: RCPT TO:<bob@example.net>",
      "C: DATA",
      "S: 250 2.1.0 Ok",
      "S: 250 2.1.5 Ok",
      "S: 354 Go ahead",
      { _tag: "Content", octets: 100, lines: 5, elapsed: 1 },
      "+2500 S: 250 2.0.0 Ok: queued as 4F1A2",
      "C: QUIT",
      "S: 221 2.0.0 Bye"
    )
    const diagnosis = Diagnosis.diagnose(events)
    assert.strictEqual(diagnosis.outcome, "fine")
    assert.strictEqual(diagnosis.rule, "fine/nothing")
    assert.deepStrictEqual(lines(diagnosis), ["13 250 2.0.0 Ok: queued as 4F1A2"])
    assert.deepStrictEqual(diagnosis.slow, [{ what: "reply", phase: "verdict", milliseconds: 2_510, from: 12, to: 13 }])
  })

  it("A recipient that was refused beside one that was accepted is a partial outcome", () => {
    const events = conversation(
      {},
      "S: 220 mail.example.com ESMTP Postfix",
      "C: EHLO client.example.org",
      "S: 250 mail.example.com",
      "C: MAIL FROM:<ann@example.com>",
      "C: RCPT TO:<bob@example.net>",
      "C: RCPT TO:<nobody@example.net>",
      "S: 250 2.1.0 Ok",
      "S: 250 2.1.5 Ok",
      "S: 550 5.1.1 <nobody@example.net>: Recipient address rejected: User unknown in local recipient table",
      "C: DATA",
      "S: 354 Go ahead",
      { _tag: "Content", octets: 100, lines: 5, elapsed: 1 },
      "S: 250 2.0.0 Ok"
    )
    const diagnosis = Diagnosis.diagnose(events)
    assert.strictEqual(diagnosis.outcome, "partial")
    assert.strictEqual(diagnosis.rule, "recipient/unknown")
    assert.strictEqual(lines(diagnosis)[0], "8 RCPT TO:<nobody@example.net>")
  })

  it("What follows from a refused MAIL in a pipeline is not taken for the trouble", () => {
    const events = conversation(
      { host: "smtp.gmail.com" },
      "S: 220 smtp.gmail.com ESMTP - gsmtp",
      "C: EHLO client.example.org",
      "S: 250 smtp.gmail.com",
      "C: MAIL FROM:<ann@example.com>",
      "C: RCPT TO:<bob@example.net>",
      "C: DATA",
      "S: 530 5.7.0 Authentication Required. https://support.google.com/mail/?p=WantAuthError x - gsmtp",
      "S: 503 5.5.1 MAIL first",
      "S: 503 5.5.1 MAIL first",
      { _tag: "Failed", phase: "mail", reason: "SenderRefused", message: "refused" }
    )
    const found = Diagnosis.diagnoseAll(events)
    assert.deepStrictEqual(found.map(({ rule }) => rule), ["authentication/google-not-logged-in"])
    assert.deepStrictEqual(found[0].evidence.map(({ _tag }) => _tag), ["ClientLine", "ServerLine", "Failed"])
  })

  it("A mechanism that was refused before another one succeeded is no trouble", () => {
    const events = conversation(
      {},
      "S: 220 mail.example.com ESMTP",
      "C: EHLO client.example.org",
      "S: 250 mail.example.com",
      "C: AUTH CRAM-MD5",
      "S: 504 5.5.4 Unrecognized authentication type",
      `C: AUTH PLAIN ${stars}`,
      "S: 235 2.7.0 Authentication successful",
      "C: QUIT",
      "S: 221 bye"
    )
    const diagnosis = Diagnosis.diagnose(events)
    assert.strictEqual(diagnosis.outcome, "fine")
    assert.include(diagnosis.what, "the login included")
  })

  it("A session that the server closes for idleness after its message was accepted is fine", () => {
    const events = conversation(
      {},
      "S: 220 mail.example.com ESMTP",
      "C: EHLO client.example.org",
      "S: 250 mail.example.com",
      "C: MAIL FROM:<ann@example.com>",
      "S: 250 ok",
      "C: RCPT TO:<bob@example.net>",
      "S: 250 ok",
      "C: BDAT 100 LAST",
      { _tag: "Content", octets: 100, lines: 5, elapsed: 1 },
      "S: 250 2.0.0 Ok",
      "+60000 S: 421 4.4.2 mail.example.com Error: timeout exceeded"
    )
    assert.strictEqual(Diagnosis.diagnose(events).outcome, "fine")
  })

  it("A conversation that ends before the answer is not enough, and says so", () => {
    for (
      const events of [
        [],
        conversation({}),
        conversation({}, "S: 220 mail.example.com ESMTP", "C: EHLO client.example.org"),
        conversation({}, "S: 220 mail.example.com ESMTP", "C: EHLO client.example.org", "S: 250-mail.example.com")
      ]
    ) {
      const diagnosis = Diagnosis.diagnose(events)
      assert.strictEqual(diagnosis.outcome, "unclear")
      assert.strictEqual(diagnosis.rule, "unclear/not-enough")
    }
  })

  it("A connection that the server drops after the content may have delivered it: never again without asking", () => {
    const events = [
      ...refusal({ phase: "verdict", reply: [] }).filter((event) => !("line" in event) || !/QUIT|221/.test(event.line))
        .slice(0, -1),
      { _tag: "Closed", by: "server", elapsed: 5_000, counter: 99, time: 1_010_000, process: 1, session: 1 } as const
    ]
    const diagnosis = Diagnosis.diagnose(events)
    assert.strictEqual(diagnosis.rule, "connection/lost-after-content")
    assert.strictEqual(diagnosis.retryAfter, "never")
  })

  it("A dial that failed is explained by its kind, in our own words or Node's", () => {
    const rules = [
      ["connection refused", "connection/refused"],
      ["connect ECONNREFUSED 192.0.2.1:587", "connection/refused"],
      ["there is no host of this name", "connection/host-not-found"],
      ["getaddrinfo ENOTFOUND mail.example.com", "connection/host-not-found"],
      ["host unreachable", "connection/unreachable"],
      ["connect ETIMEDOUT 192.0.2.1:587", "connection/unreachable"]
    ] as const
    for (const [problem, rule] of rules) assert.strictEqual(Diagnosis.diagnose(failedDial(problem)).rule, rule, problem)
  })

  it("The slowest waits come first, and say which side let the other wait", () => {
    const events = conversation(
      {},
      "+1490 S: 220 mail.example.com ESMTP",
      "+4990 C: EHLO client.example.org",
      "+1990 S: 250 mail.example.com",
      "C: QUIT",
      "S: 221 bye"
    )
    assert.deepStrictEqual(
      Diagnosis.diagnose(events).slow.map(({ milliseconds, phase, what }) => [what, phase, milliseconds]),
      [["client", "ehlo", 5_000], ["reply", "ehlo", 2_000], ["reply", "greeting", 1_500]]
    )
  })
})

const passed = (events: ReadonlyArray<LogEvent>) =>
  Diagnosis.waits(events).map(({ milliseconds, phase, what }) => [what, phase, milliseconds])

const tls = (elapsed: number) =>
  ({
    _tag: "Secured",
    tls: { protocol: "TLSv1.3", cipher: "TLS_AES_256_GCM_SHA384", verified: true, chain: [] },
    elapsed
  }) as const

describe("Diagnosis: waits", () => {
  it("A handshake is no part of the dial, nor of a silence of the client's", () => {
    assert.deepStrictEqual(
      passed(conversation(
        undefined,
        { _tag: "Connecting", host: "mail.example.com", port: 465, tls: "implicit" },
        { _tag: "Connected", host: "mail.example.com", port: 465, secured: true },
        tls(7),
        "+1000 S: 220 hi"
      )),
      [["connect", "connect", 3], ["tls", "tls", 7], ["reply", "greeting", 1_010]]
    )
    assert.deepStrictEqual(
      passed(conversation({ secured: false }, "S: 220 hi", "C: STARTTLS", "S: 220 go on", tls(10), "+500 C: EHLO x")),
      [
        ["connect", "connect", 10],
        ["tls", "tls", 10],
        ["reply", "greeting", 10],
        ["client", "starttls", 10],
        ["reply", "starttls", 10],
        ["client", "ehlo", 510]
      ]
    )
  })

  it("A handshake that does not end is a wait for TLS", () => {
    const found = Diagnosis.diagnose(
      conversation(
        { secured: false },
        "S: 220 hi",
        "C: STARTTLS",
        "S: 220 go on",
        { _tag: "TimedOut", phase: "tls", limit: 60_000 },
        { _tag: "Failed", phase: "tls", reason: "TimedOut", message: "x" }
      ).map((event) => event._tag === "TimedOut" || event._tag === "Failed" ? { ...event, time: 1_060_050 } : event)
    )
    assert.strictEqual(found.rule, "tls/handshake-timed-out")
    assert.deepStrictEqual(found.slow, [{ what: "tls", phase: "tls", milliseconds: 60_000, from: 5, to: 6 }])
  })

  it("A content that took long is no silence of the client's, whoever wrote the log", () => {
    const data = ["S: 220 hi", "C: DATA", "S: 354 go on"] as const
    const ours = passed(conversation({}, ...data, { _tag: "Content", octets: 9, lines: 1, elapsed: 8 }, "S: 250 ok"))
    assert.deepStrictEqual(ours.slice(-2), [["reply", "data", 10], ["reply", "verdict", 10]])
    assert.deepInclude(ours, ["content", "content", 8])
    const foreign = passed(conversation({}, ...data, { _tag: "BodyLine", line: "x" }, "+700 C: .", "S: 250 ok"))
    assert.deepStrictEqual(foreign.slice(-2), [["content", "content", 720], ["reply", "verdict", 10]])
  })

  it("A log of 4D's tells the wait for the greeting", () => {
    const opened = "Connecté à 'smtp.gmail.com' sur le port 465. (sécurisé)"
    assert.deepStrictEqual(
      passed(conversation(undefined, { _tag: "Note", text: `SMTP ${opened}` }, "+540 S: 220 hi", "C: QUIT", "S: 221")),
      [["reply", "greeting", 550], ["client", "quit", 10], ["reply", "quit", 10]]
    )
  })
})

const errorOf = (reason: SmtpErrorReason, phase: SmtpError["phase"], conversation: ReadonlyArray<LogEvent> = []) =>
  new SmtpError({
    reason,
    phase,
    delivery: "NotAccepted",
    recipients: [],
    server: { host: "smtp.gmail.com", port: 465 },
    conversation
  })

const dialFailed = (kind: ConnectionFailed["kind"]) =>
  new ConnectionFailed({
    kind,
    host: "mail.example.com",
    port: 25,
    attempts: [{ address: "192.0.2.1", problem: "it failed" }]
  })

const refused = (host: string, reason: SmtpErrorReason) =>
  new SmtpError({
    reason,
    phase: "connect",
    delivery: "NotAccepted",
    recipients: [],
    server: { host, port: 25 },
    conversation: []
  })

const reasons: ReadonlyArray<readonly [SmtpErrorReason, SmtpError["phase"], string]> = [
  [dialFailed("HostNotFound"), "connect", "connection/host-not-found"],
  [dialFailed("Refused"), "connect", "connection/refused"],
  [dialFailed("Unreachable"), "connect", "connection/unreachable"],
  [dialFailed("Proxy"), "connect", "connection/proxy"],
  [dialFailed("Other"), "connect", "connection/failed"],
  [new TimedOut({ limit: 60_000, scope: "phase" }), "greeting", "connection/no-greeting-465"],
  [new TimedOut({ limit: 60_000, scope: "phase" }), "ehlo", "connection/timed-out"],
  [new TimedOut({ limit: 600_000, scope: "phase" }), "verdict", "connection/lost-after-content"],
  [new TlsFailed({ kind: "PlainServerOnTlsPort", seen: "220 mail" }), "tls", "tls/plain-server-on-tls-port"],
  [new TlsFailed({ kind: "TlsServerOnPlainPort" }), "greeting", "tls/tls-server-on-plain-port"],
  [new TlsFailed({ kind: "PlaintextInjected" }), "starttls", "tls/injected"],
  [new TlsFailed({ kind: "Handshake" }), "tls", "tls/handshake"],
  [new TlsUnavailable({}), "starttls", "tls/not-offered"],
  [
    new CertificateRejected({ problem: "the certificate expired on 2026-01-01", servername: "a.example", chain: [] }),
    "tls",
    "tls/certificate-expired"
  ],
  [
    new CertificateRejected({
      problem: "the certificate is for 'b.example', not for 'a.example'",
      servername: "a.example",
      chain: []
    }),
    "tls",
    "tls/certificate-name"
  ],
  [
    new CertificateRejected({
      problem: "the certificate is self-signed: no authority vouches for it",
      servername: "a.example",
      chain: []
    }),
    "tls",
    "tls/certificate-untrusted"
  ]
]

describe("Diagnosis: errors", () => {
  it.each(reasons.map(([reason, phase, rule]) => ({ reason, phase, rule })))(
    "$rule is the answer for the error and for its Failed event",
    ({ phase, reason, rule }) => {
      const error = errorOf(reason, phase)
      assert.strictEqual(Diagnosis.ofError(error).rule, rule)
      const events = conversation(
        undefined,
        { _tag: "Connecting", host: "smtp.gmail.com", port: 465, tls: "none" },
        { _tag: "Failed", phase, reason: reason._tag, message: describeError(error) }
      )
      assert.strictEqual(Diagnosis.diagnose(events).rule, rule)
    }
  )

  it("The evidence comes from the end of the conversation that the error carries", () => {
    const reply = makeReply(535, "5.7.8 Nope", "5.7.8 https://support.google.com/mail/?p=BadCredentials - gsmtp")
    const error = errorOf(new AuthenticationFailed({ mechanism: "PLAIN", reply }), "auth", articlesSample.slice(5))
    const diagnosis = Diagnosis.ofError(error)
    assert.strictEqual(diagnosis.rule, "authentication/google-bad-credentials")
    assert.deepStrictEqual(diagnosis.evidence.map(({ counter }) => counter), [7, 9, 10, 11])
  })

  it("Of several servers each is explained, the last that was tried first, and the soonest may be tried again", () => {
    const both = errorOf(
      new EveryServerFailed({
        errors: [
          refused("a.example", dialFailed("Refused")),
          errorOf(
            new EveryServerFailed({
              errors: [
                refused("b.example", dialFailed("HostNotFound")),
                refused("c.example", dialFailed("Proxy"))
              ]
            }),
            "connect"
          )
        ]
      }),
      "connect"
    )
    assert.deepStrictEqual(
      Diagnosis.ofErrorAll(both).map(({ retryAfter, rule, what }) => [what.split(": ")[0], rule, retryAfter]),
      [
        ["c.example:25", "connection/proxy", "never"],
        ["b.example:25", "connection/host-not-found", "seconds"],
        ["a.example:25", "connection/refused", "seconds"]
      ]
    )
    const { retryAfter, rule } = Diagnosis.ofError(both)
    assert.deepStrictEqual([rule, retryAfter], ["connection/proxy", "seconds"])
  })

  it("Without any conversation the host says who it is", () => {
    const reply = makeReply(535, "5.7.8 Nope")
    const diagnosis = Diagnosis.ofError(errorOf(new AuthenticationFailed({ mechanism: "PLAIN", reply }), "auth"))
    assert.strictEqual(diagnosis.rule, "authentication/google-bad-credentials")
  })
})

describe("Diagnosis: rules", () => {
  const all = [...Diagnosis.rules, ...Diagnosis.generalRules]

  it("Every rule has a name of its own, says what to do, and where it has it from", () => {
    assert.strictEqual(new Set(all.map(({ id }) => id)).size, all.length)
    for (const { causes, id, sources, todo, what, when } of all) {
      assert.match(id, /^[a-z]+\/[a-z0-9-]+$/)
      assert.match(what, /\.$/, id)
      for (const list of [causes, sources, todo, when]) assert.isNotEmpty(list, id)
    }
  })

  it("Words never stand alone, and are never a sentence", () => {
    for (const { id, when } of all) {
      for (const { code, enhanced, kind, provider, tokens, words } of when) {
        if (words === undefined) continue
        assert.isDefined(code ?? enhanced ?? provider ?? tokens ?? kind, id)
        for (const group of words) assert.isAtMost(group.split(" ").length, 3, `${id}: ${group}`)
      }
    }
  })

  it("Every code from 400 to 599 in every phase has an answer", () => {
    const phases = [
      "greeting",
      "ehlo",
      "starttls",
      "auth",
      "mail",
      "rcpt",
      "data",
      "content",
      "verdict",
      "quit"
    ] as const
    for (const phase of phases) {
      for (let code = 400; code < 600; code++) {
        const diagnosis = Diagnosis.ofReply({ phase, reply: makeReply(code, "x") })
        assert.notStrictEqual(diagnosis.rule, "general/unknown", `${phase} ${code}`)
        assert.isDefined(diagnosis.retryAfter)
      }
    }
  })

  it("What no theme knows is answered by RFC 3463's classes", () => {
    assert.strictEqual(ruleOf("5.4.9 zzz"), "general/5-routing")
    assert.strictEqual(ruleOf("5.7.99 zzz"), "general/5-security")
    assert.strictEqual(ruleOf("4.6.9 zzz", 499), "general/4-content")
    assert.strictEqual(ruleOf("zzz"), "general/5yz")
  })

  it.prop("Any text of a reply gives an answer that is a Diagnosis", [Schema.String, Schema.Int], ([text, number]) => {
    const code = 400 + Math.abs(number) % 200
    const events = conversation(
      {},
      `S: 220 ${text}`,
      "C: EHLO x",
      `S: ${code}-${text}`,
      `S: ${code} ${text}`,
      `C: ${text}`,
      `S: ${text}`
    )
    const found = Diagnosis.diagnoseAll([...events, secured])
    for (const diagnosis of found) {
      assert.isTrue(Schema.is(Diagnosis.Diagnosis)(diagnosis))
      assert.deepStrictEqual(JSON.parse(JSON.stringify(diagnosis)), diagnosis)
      // oxlint-disable-next-line no-control-regex -- controls are what this is about
      assert.notMatch(Diagnosis.render(diagnosis), /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/)
    }
  })

  it("A reply of 60,000 characters is answered at once", () => {
    const text = "relay ".repeat(10_000)
    assert.strictEqual(Diagnosis.ofReply({ phase: "rcpt", reply: makeReply(550, text) }).stage, "rcpt")
  })
})

describe("Diagnosis: replies from the field", () => {
  // Right at first sight, before the rules were mended by them: 47 of 60 from issues and notes, 46 of 59 drawn by chance
  // from a collection (78 %); then 44 of another 55 (80 %); then 37 of the last 39 (95 %).
  it.each(fieldReplies.map((each, at) => ({ ...each, name: `${at + 1} (${each.phase}, ${each.from})` })))(
    "$name",
    ({ host, phase, reply, rules }) => {
      const [first = "", ...more] = reply.split("\n")
      const said = makeReply(Number(first.slice(0, 3)), first.slice(4), ...more.map((line) => line.slice(4)))
      assert.include(rules, Diagnosis.ofReply({ phase, host, reply: said }).rule, reply)
    }
  )

  it("A session of 2,000 refusals is explained in no time", () => {
    const lines = Array.from(
      { length: 2_000 },
      () => ["C: MAIL FROM:<ann@example.com>", "S: 550 no", "C: RCPT TO:<x@y.example>", "S: 503 no"]
    )
    assert.strictEqual(Diagnosis.diagnoseAll(conversation({}, "S: 220 hi", ...lines.flat())).length, 2_000)
  })
})
