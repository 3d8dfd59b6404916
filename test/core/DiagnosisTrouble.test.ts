import { Diagnosis, SmtpError, type Transporter } from "@colloquy/core"
import * as LogReader from "@colloquy/core/LogReader"
import { Script } from "@colloquy/core/testing"
import { assert, describe } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { each, events, failureOf, script, type Scripted, sending } from "./dialogue.ts"

interface Case {
  readonly script: Scripted
  readonly options?: Transporter.Options
  readonly rule: string
  readonly stage: Diagnosis.Diagnosis["stage"]
  readonly retryAfter: Diagnosis.RetryAfter
  /** The evidence of the log: tags, and lines where there are some. */
  readonly evidence: ReadonlyArray<string>
}

const evidenceOf = ({ evidence }: Diagnosis.Diagnosis): ReadonlyArray<string> =>
  evidence.map((event) => "line" in event ? event.line : event._tag)

/** One send to a server that gives trouble: the log alone and the error alone give the same explanation. */
const explained = (name: string, expected: Case) =>
  each(name, expected.script, () =>
    Effect.gen(function*() {
      const error = yield* failureOf(sending(expected.options))
      const [conversation] = LogReader.conversationsOf(yield* events)
      const diagnosis = Diagnosis.diagnose(conversation?.events ?? [])
      assert.strictEqual(diagnosis.rule, expected.rule)
      assert.strictEqual(diagnosis.stage, expected.stage)
      assert.strictEqual(diagnosis.outcome, "failed")
      assert.strictEqual(diagnosis.retryAfter, expected.retryAfter)
      assert.deepStrictEqual(evidenceOf(diagnosis), [...expected.evidence, "Failed"])
      const ofError = Diagnosis.ofError(error)
      assert.strictEqual(ofError.rule, expected.rule)
      assert.strictEqual(ofError.stage, expected.stage)
      assert.deepStrictEqual(evidenceOf(ofError), evidenceOf(diagnosis))
    }))

const refuse = (kind: "HostNotFound" | "Refused" | "Unreachable", problem: string) => [
  Script.refuse(
    new SmtpError.ConnectionFailed({
      kind,
      host: "mail.test",
      port: 2525,
      attempts: [{ address: "203.0.113.25", problem }]
    })
  )
]

const login: Transporter.Options = {
  user: "ann",
  password: Redacted.make("a-secret-word"),
  dangerouslyAuthInClear: true,
  authenticationMode: "PLAIN"
}
const data = `${script.hello}${script.envelope}C: DATA\n`

describe("what a session met is explained from its log and from its error alike", () => {
  explained("a name that is not known", {
    script: refuse("HostNotFound", "there is no host of this name"),
    rule: "connection/host-not-found",
    stage: "connect",
    retryAfter: "seconds",
    evidence: ["AttemptFailed"]
  })
  explained("a port that refuses", {
    script: refuse("Refused", "connection refused"),
    rule: "connection/refused",
    stage: "connect",
    retryAfter: "seconds",
    evidence: ["AttemptFailed"]
  })
  explained("a server that says nothing", {
    script: [Script.silence],
    rule: "connection/no-greeting",
    stage: "greeting",
    retryAfter: "seconds",
    evidence: ["TimedOut"]
  })
  explained("a greeting that is cut off", {
    script: "-- raw \"220-mail\"\n-- close\n",
    rule: "connection/lost-at-greeting",
    stage: "greeting",
    retryAfter: "seconds",
    evidence: []
  })
  explained("a greeting that refuses", {
    script: "S: 554 5.3.2 No service here\n" + script.bye,
    rule: "server/no-service",
    stage: "greeting",
    retryAfter: "never",
    evidence: ["554 5.3.2 No service here"]
  })
  explained("EHLO and HELO that are refused: EHLO's reply is the answer", {
    script:
      `S: 220 mail.test\nC: EHLO client.test\nS: 451 4.3.0 Not now\nC: HELO client.test\nS: 550 5.7.1 Go away\n${script.bye}`,
    rule: "server/temporary",
    stage: "ehlo",
    retryAfter: "seconds",
    evidence: ["EHLO client.test", "451 4.3.0 Not now"]
  })
  explained("STARTTLS that is not offered", {
    script: script.hello + script.bye,
    options: { tls: "required" },
    rule: "tls/not-offered",
    stage: "starttls",
    retryAfter: "never",
    evidence: []
  })
  explained("a login that is refused", {
    script:
      "S: 220 mail.test\nC: EHLO client.test\nS: 250-mail.test\nS: 250 AUTH PLAIN\nC: AUTH PLAIN ********************************\nS: 535 5.7.8 Nope\n" +
      script.bye,
    options: login,
    rule: "authentication/bad-credentials",
    stage: "auth",
    retryAfter: "never",
    evidence: ["AUTH PLAIN ********************************", "535 5.7.8 Nope"]
  })
  explained("no mechanism in common", {
    script: "S: 220 mail.test\nC: EHLO client.test\nS: 250-mail.test\nS: 250 AUTH GSSAPI\n" + script.bye,
    options: login,
    rule: "authentication/no-common-mechanism",
    stage: "auth",
    retryAfter: "never",
    evidence: []
  })
  explained("a sender that is refused", {
    script:
      `${script.hello}${script.from}S: 553 5.7.1 <ann@mail.test>: Sender address rejected: not owned by user bob\n${script.bye}`,
    rule: "sender/not-owned",
    stage: "mail",
    retryAfter: "never",
    evidence: ["MAIL FROM:<ann@mail.test>", "553 5.7.1 <ann@mail.test>: Sender address rejected: not owned by user bob"]
  })
  explained("a recipient that is not known", {
    script:
      `${script.hello}${script.from}S: 250 Ok\n${script.to}S: 550 5.1.1 <bob@mail.test>: User unknown\nC: RSET\nS: 250 Ok\n${script.bye}`,
    rule: "recipient/unknown",
    stage: "rcpt",
    retryAfter: "never",
    evidence: ["RCPT TO:<bob@mail.test>", "550 5.1.1 <bob@mail.test>: User unknown"]
  })
  explained("content that is refused", {
    script: `${data}S: 354 Go on\n-- content\nS: 554 5.7.1 Blocked: spam\n${script.bye}`,
    rule: "content/spam",
    stage: "verdict",
    retryAfter: "never",
    evidence: ["Content", "554 5.7.1 Blocked: spam"]
  })
  explained("a connection that breaks before the verdict", {
    script: `${data}S: 354 Go on\n-- content\n-- close\n`,
    rule: "connection/lost-after-content",
    stage: "verdict",
    retryAfter: "never",
    evidence: ["Content"]
  })
  explained("a verdict that does not come", {
    script: `${data}S: 354 Go on\n-- content\n-- silence\n`,
    rule: "connection/lost-after-content",
    stage: "verdict",
    retryAfter: "never",
    evidence: ["Content", "TimedOut"]
  })
  explained("a server that breaks the protocol", {
    script: "S: 220 mail.test\nC: EHLO client.test\nS: 354 Go on\n-- end\n",
    rule: "connection/protocol-violation",
    stage: "ehlo",
    retryAfter: "seconds",
    evidence: []
  })
  explained("a reply of two codes, the second a refusal", {
    script: [...Script.fromText(`${script.hello}${script.from}`), Script.raw("250-Ok\r\n550 No\r\n"), Script.expectEnd],
    rule: "connection/mixed-codes",
    stage: "mail",
    retryAfter: "seconds",
    evidence: ["MAIL FROM:<ann@mail.test>", "250-Ok", "550 No"]
  })
})
