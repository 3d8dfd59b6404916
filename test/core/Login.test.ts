import { Sasl, SmtpError, type Transporter } from "@colloquy/core"
import { ehloName } from "@colloquy/core/internal/login"
import { Script } from "@colloquy/core/testing"
import type { TlsInfo } from "@colloquy/core/Tls"
import { assert, describe, it } from "@effect/vitest"
import { Data, Effect, Exit, Redacted } from "effect"
import { TestClock } from "effect/testing"
import {
  each,
  events,
  failureOf,
  finished,
  goodbye,
  layer,
  lines,
  log,
  mail,
  nothingLeft,
  script,
  sending,
  summary,
  toEnd,
  transporter as make
} from "./dialogue.ts"

const password = Redacted.make("s3cret-words")
const stars = "*".repeat(32)
const start: Transporter.Options = { port: 587, tls: "required" }
const clear = (mode: string) => [
  `### SMTP Connecting to 'mail.test' on port 587. (${mode})`,
  "### SMTP Connected to 'mail.test' on port 587. (unsecured)",
  "S < \"220 mail.test\"",
  "C > \"EHLO client.test\""
]
const failed = (phase: string, reason: string) => `### SMTP Failed while ${phase}. (${reason})`

const checking = (options: Transporter.Options) =>
  Effect.scoped(Effect.flatMap(make(options), (transporter) => transporter.checkConnection))

/** A connection that is only checked, and comes to nothing. */
const refuses = (
  name: string,
  expected: {
    readonly script: string | ReadonlyArray<Script.Step>
    readonly options: Transporter.Options
    readonly reason: string
    readonly phase: string
    readonly retryable?: boolean
    readonly says?: string
    readonly log: ReadonlyArray<string>
  }
) =>
  each(name, expected.script, () =>
    Effect.gen(function*() {
      const error = yield* failureOf(checking(expected.options))
      assert.strictEqual(yield* log, lines(expected.log))
      assert.deepStrictEqual(summary(error), {
        reason: expected.reason,
        phase: expected.phase,
        delivery: "NotAccepted",
        retryable: expected.retryable ?? false,
        recipients: []
      })
      if (expected.says !== undefined) assert.include(error.message, expected.says)
      assert.notInclude(JSON.stringify([yield* events, error, error.reason]), "s3cret")
      yield* nothingLeft
      yield* finished
    }))

const offer = "S: 220 mail.test\nC: EHLO client.test\nS: 250-mail.test\nS: 250 STARTTLS\n"
const offered = ["S < \"250-mail.test\"", "S < \"250 STARTTLS\""]

describe("STARTTLS", () => {
  refuses("refused where it is required is an error, not clear text", {
    script: `${offer}C: STARTTLS\nS: 454 4.7.0 TLS not available\n${script.bye}`,
    options: start,
    reason: "TlsUnavailable",
    phase: "starttls",
    retryable: true,
    says: "TLS is required and the server refused STARTTLS: 454 4.7.0 TLS not available",
    log: [
      ...clear("required"),
      ...offered,
      "C > \"STARTTLS\"",
      "S < \"454 4.7.0 TLS not available\"",
      failed("starttls", "TlsUnavailable"),
      ...goodbye
    ]
  })
  refuses("stripped where it is required is an error, not clear text", {
    script: `S: 220 mail.test\nC: EHLO client.test\nS: 250 mail.test\n${script.bye}`,
    options: start,
    reason: "TlsUnavailable",
    phase: "starttls",
    says: "the server does not offer STARTTLS",
    log: [...clear("required"), "S < \"250 mail.test\"", failed("starttls", "TlsUnavailable"), ...goodbye]
  })
  for (const mode of ["required", "opportunistic"] as const) {
    refuses(`answered by 421 ends the session (${mode})`, {
      script: `${offer}C: STARTTLS\nS: 421 4.7.0 Busy\n-- close\n`,
      options: { ...start, tls: mode },
      reason: "ServerRefused",
      phase: "starttls",
      retryable: true,
      log: [
        ...clear(mode),
        ...offered,
        "C > \"STARTTLS\"",
        "S < \"421 4.7.0 Busy\"",
        failed("starttls", "ServerRefused"),
        "### SMTP Connection closed. (server)"
      ]
    })
    for (
      const fails of [
        new SmtpError.CertificateRejected({ problem: "it has expired", servername: "mail.test", chain: [] }),
        new SmtpError.CertificateRejected({ problem: "it is self-signed", servername: "mail.test", chain: [] }),
        new SmtpError.CertificateRejected({ problem: "it is for other.test", servername: "mail.test", chain: [] }),
        new SmtpError.TlsFailed({ kind: "Handshake" })
      ]
    ) {
      refuses(`whose handshake fails never falls back (${mode}, ${"problem" in fails ? fails.problem : fails.kind})`, {
        script: [...Script.fromText(`${offer}C: STARTTLS\nS: 220 Go on\n`), Script.startTlsWith({ fails })],
        options: { ...start, tls: mode },
        reason: fails._tag,
        phase: "tls",
        retryable: fails._tag === "TlsFailed",
        says: "problem" in fails
          ? `the certificate does not vouch for mail.test: ${fails.problem}`
          : "handshake failed",
        log: [
          ...clear(mode),
          ...offered,
          "C > \"STARTTLS\"",
          "S < \"220 Go on\"",
          failed("tls", fails._tag),
          "### SMTP Connection closed. (client)"
        ]
      })
    }
  }
  refuses("answered by 250 puts the two ends out of step", {
    script: `${offer}C: STARTTLS\nS: 250 Ok\n-- end\n`,
    options: start,
    reason: "ProtocolViolation",
    phase: "starttls",
    log: [
      ...clear("required"),
      ...offered,
      "C > \"STARTTLS\"",
      "S < \"250 Ok\"",
      failed("starttls", "ProtocolViolation"),
      "### SMTP Connection closed. (client)"
    ]
  })

  const injected = "250-mail.test\r\n250 AUTH PLAIN\r\n"
  it.effect("with plain text behind its 220 in one read is somebody in between", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(checking(start))
      assert.deepStrictEqual(error.reason, new SmtpError.TlsFailed({ kind: "PlaintextInjected" }))
      assert.isFalse(error.isRetryable)
      assert.strictEqual(
        yield* log,
        lines(
          clear("required"),
          offered,
          "C > \"STARTTLS\"",
          "S < \"220 Go on\"",
          "S < \"250-mail.test\"",
          "S < \"250 AUTH PLAIN\"",
          failed("starttls", "TlsFailed"),
          "### SMTP Connection closed. (client)"
        )
      )
      yield* nothingLeft
    }).pipe(
      Effect.provide(layer([
        ...Script.fromText(`${offer}C: STARTTLS\n`),
        Script.raw(`220 Go on\r\n${injected}`),
        Script.startTls
      ]))
    ))
  for (const chunks of ["line", "byte"] as const) {
    it.effect(`with plain text in the next read fails at the handshake (${chunks})`, () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(checking(start))
        assert.strictEqual(error.reason._tag, "TlsFailed")
        assert.strictEqual(error.delivery, "NotAccepted")
        assert.notInclude(yield* log, "TLS is on")
        yield* nothingLeft
      }).pipe(
        Effect.provide(layer([
          ...Script.fromText(`${offer}C: STARTTLS\n`),
          Script.raw(`220 Go on\r\n${injected}`),
          Script.startTls
        ], { chunks }))
      ))
  }
  each(
    "forgets what was known before it, and says EHLO again",
    "S: 220 mail.test\nC: EHLO client.test\nS: 250-mail.test\nS: 250-STARTTLS\nS: 250 SIZE 1\n" +
      "C: STARTTLS\nS: 220 Go on\n-- starttls\n" +
      `C: EHLO client.test\nS: 250 mail.test\n${script.envelope}C: DATA\nS: 354 Go on\n-- content\nS: 250 Ok\n${script.bye}`,
    () =>
      Effect.gen(function*() {
        const receipt = yield* sending(start)
        assert.strictEqual(receipt.tls?.protocol, "TLSv1.3")
        assert.strictEqual(
          (yield* log).split("\n").slice(2, 10).join("\n"),
          lines(
            "S < \"220 mail.test\"",
            "C > \"EHLO client.test\"",
            "S < \"250-mail.test\"",
            "S < \"250-STARTTLS\"",
            "S < \"250 SIZE 1\"",
            "C > \"STARTTLS\"",
            "S < \"220 Go on\"",
            "### SMTP TLS is on. (TLSv1.3, verified)"
          )
        )
        yield* finished
      })
  )
  each(
    "that is opportunistic goes on in clear text where it is refused, and says so",
    `${offer}C: STARTTLS\nS: 454 No\n${script.bye}`,
    () =>
      Effect.gen(function*() {
        const report = yield* checking({ ...start, tls: "opportunistic" })
        assert.isUndefined(report.tls)
        assert.strictEqual(
          yield* log,
          lines(
            clear("opportunistic"),
            offered,
            "C > \"STARTTLS\"",
            "S < \"454 No\"",
            "### Note: \"the server refused STARTTLS: the session goes on in clear text\"",
            goodbye
          )
        )
        yield* finished
      })
  )
  each(
    "that is opportunistic goes on in clear text where it is not offered, and says so",
    `S: 220 mail.test\nC: EHLO client.test\nS: 250 mail.test\n${script.bye}`,
    () =>
      Effect.gen(function*() {
        yield* checking({ port: 587, tls: undefined, acceptUnsecureConnection: true })
        assert.strictEqual(
          yield* log,
          lines(
            clear("opportunistic"),
            "S < \"250 mail.test\"",
            "### Note: \"the server does not offer STARTTLS: the session goes on in clear text\"",
            goodbye
          )
        )
        yield* finished
      })
  )
})

const secured = "S: 220 mail.test\nC: EHLO client.test\nS: 250-mail.test\n"
const implicit: Transporter.Options = { port: 465, tls: "implicit", user: "ann", password }
const begun = (...auth: ReadonlyArray<string>) => [
  "### SMTP Connecting to 'mail.test' on port 465. (implicit)",
  "### SMTP Connected to 'mail.test' on port 465. (secured)",
  "### SMTP TLS is on. (TLSv1.3, verified)",
  "S < \"220 mail.test\"",
  "C > \"EHLO client.test\"",
  "S < \"250-mail.test\"",
  ...auth
]
const only = (mechanisms: string) => ({
  script: `${secured}S: 250 AUTH ${mechanisms}\n`,
  log: begun(`S < "250 AUTH ${mechanisms}"`)
})
const base64 = (text: string) => Buffer.from(text, "latin1").toString("base64")

describe("TLS from the first octet", () => {
  for (const problem of ["it has expired", "it is self-signed", "it is for other.test"]) {
    refuses(`is refused where the certificate does not vouch for the server: ${problem}`, {
      script: [
        Script.tls({ fails: new SmtpError.CertificateRejected({ problem, servername: "mail.test", chain: [] }) })
      ],
      options: implicit,
      reason: "CertificateRejected",
      phase: "tls",
      says: `the certificate does not vouch for mail.test: ${problem}`,
      log: [
        "### SMTP Connecting to 'mail.test' on port 465. (implicit)",
        failed("tls", "CertificateRejected")
      ]
    })
  }
})

describe("whom we say we are", () => {
  it("is the name given, the machine's if the DNS could know it, or our end of the connection", () => {
    const table: ReadonlyArray<
      readonly [name: string | undefined, host: string | undefined, local: string | undefined, said: string]
    > = [
      ["client.test", "machine.test", "192.0.2.1", "client.test"],
      [undefined, "machine.test", "192.0.2.1", "machine.test"],
      [undefined, "machine", "192.0.2.1", "[192.0.2.1]"],
      [undefined, "localhost.localdomain", "192.0.2.1", "[192.0.2.1]"],
      [undefined, "box.local", "192.0.2.1", "[192.0.2.1]"],
      [undefined, "under_score.test", "192.0.2.1", "[192.0.2.1]"],
      [undefined, undefined, "2001:db8::1", "[IPv6:2001:db8::1]"],
      [undefined, undefined, "fe80::1%eth0", "[IPv6:fe80::1]"],
      [undefined, "machine.test", "127.0.0.1", "[127.0.0.1]"],
      [undefined, "machine.test", "::1", "[IPv6:::1]"]
    ]
    for (const [name, host, local, said] of table) assert.strictEqual(ehloName(name, host, local), said)
  })
})

describe("a login that is refused", () => {
  for (
    const [code, retryable] of [["535 5.7.8 Bad credentials", false], ["534 5.7.9 App password", false], [
      "454 4.7.0 Later",
      true
    ], ["432 4.7.12 Change it", true]] as const
  ) {
    refuses(`by ${code.slice(0, 3)} is not offered by a weaker mechanism`, {
      script: `${only("CRAM-MD5 PLAIN LOGIN").script}C: AUTH CRAM-MD5\nS: 334 ${
        base64("<1@mail.test>")
      }\nC: ${stars}\nS: ${code}\n${script.bye}`,
      options: implicit,
      reason: "AuthenticationFailed",
      phase: "auth",
      retryable,
      says: `the server refused the login (AUTH CRAM-MD5): ${code}; check user and password`,
      log: [
        ...only("CRAM-MD5 PLAIN LOGIN").log,
        "C > \"AUTH CRAM-MD5\"",
        `S < "334 ${base64("<1@mail.test>")}"`,
        `C > "${stars}"`,
        `S < "${code}"`,
        failed("auth", "AuthenticationFailed"),
        ...goodbye
      ]
    })
  }
  refuses("is shown on port 465 as in the article", {
    script:
      "S: 220 mail.test\nC: EHLO client.test\nS: 250-mail.test\nS: 250-SIZE 35882577\nS: 250-8BITMIME\nS: 250-AUTH LOGIN PLAIN\n" +
      `S: 250 SMTPUTF8\nC: AUTH PLAIN ${stars}\nS: 535-5.7.8 Username and Password not accepted.\nS: 535 5.7.8 https://support.test\n${script.bye}`,
    options: implicit,
    reason: "AuthenticationFailed",
    phase: "auth",
    log: begun(
      "S < \"250-SIZE 35882577\"",
      "S < \"250-8BITMIME\"",
      "S < \"250-AUTH LOGIN PLAIN\"",
      "S < \"250 SMTPUTF8\"",
      `C > "AUTH PLAIN ${stars}"`,
      "S < \"535-5.7.8 Username and Password not accepted.\"",
      "S < \"535 5.7.8 https://support.test\"",
      failed("auth", "AuthenticationFailed"),
      ...goodbye
    )
  })
  refuses("takes two steps without an initial response, as in the article", {
    script: `${only("PLAIN").script}C: AUTH PLAIN\nS: 334 \nC: ${stars}\nS: 535 5.7.8 No\n${script.bye}`,
    options: { ...implicit, saslInitialResponse: false },
    reason: "AuthenticationFailed",
    phase: "auth",
    log: [
      ...only("PLAIN").log,
      "C > \"AUTH PLAIN\"",
      "S < \"334 \"",
      `C > "${stars}"`,
      "S < \"535 5.7.8 No\"",
      failed("auth", "AuthenticationFailed"),
      ...goodbye
    ]
  })
  refuses("by 421 is the session's end, not the password's", {
    script: `${only("PLAIN").script}C: AUTH PLAIN ${stars}\nS: 421 4.7.0 Too many\n-- close\n`,
    options: implicit,
    reason: "ServerRefused",
    phase: "auth",
    retryable: true,
    log: [
      ...only("PLAIN").log,
      `C > "AUTH PLAIN ${stars}"`,
      "S < \"421 4.7.0 Too many\"",
      failed("auth", "ServerRefused"),
      "### SMTP Connection closed. (server)"
    ]
  })
  refuses("by an answer that is none puts the two ends out of step", {
    script: `${only("PLAIN").script}C: AUTH PLAIN ${stars}\nS: 250 Ok\n${script.bye}`,
    options: implicit,
    reason: "ProtocolViolation",
    phase: "auth",
    log: [
      ...only("PLAIN").log,
      `C > "AUTH PLAIN ${stars}"`,
      "S < \"250 Ok\"",
      failed("auth", "ProtocolViolation"),
      ...goodbye
    ]
  })
  refuses("because its mechanism is unknown moves on, until none is left", {
    script: `${
      only("CRAM-MD5 PLAIN LOGIN").script
    }C: AUTH CRAM-MD5\nS: 504 5.5.4 No\nC: AUTH PLAIN ${stars}\nS: 502 No\nC: AUTH LOGIN\nS: 500 No\n${script.bye}`,
    options: implicit,
    reason: "AuthenticationUnavailable",
    phase: "auth",
    says: "no mechanism in common: the server offers CRAM-MD5 PLAIN LOGIN",
    log: [
      ...only("CRAM-MD5 PLAIN LOGIN").log,
      "C > \"AUTH CRAM-MD5\"",
      "S < \"504 5.5.4 No\"",
      `C > "AUTH PLAIN ${stars}"`,
      "S < \"502 No\"",
      "C > \"AUTH LOGIN\"",
      "S < \"500 No\"",
      failed("auth", "AuthenticationUnavailable"),
      ...goodbye
    ]
  })
  refuses("is not even tried where the server offers no authentication", {
    script: `S: 220 mail.test\nC: EHLO client.test\nS: 250 mail.test\n${script.bye}`,
    options: implicit,
    reason: "AuthenticationUnavailable",
    phase: "auth",
    says: "the server offers no login here",
    log: [...begun().slice(0, -1), "S < \"250 mail.test\"", failed("auth", "AuthenticationUnavailable"), ...goodbye]
  })
  refuses("is not even tried where there is no mechanism in common", {
    script: `${only("GSSAPI").script}${script.bye}`,
    options: { ...implicit, authenticationMode: "PLAIN" },
    reason: "AuthenticationUnavailable",
    phase: "auth",
    says: "the server offers GSSAPI, we could use PLAIN",
    log: [...only("GSSAPI").log, failed("auth", "AuthenticationUnavailable"), ...goodbye]
  })
})

describe("SCRAM", () => {
  /** RFC 7677 §3. */
  const example = Sasl.scramSha256({ user: "user", password: Redacted.make("pencil") })
  const scram: Transporter.Options = {
    port: 465,
    tls: "implicit",
    authenticationMode: {
      ...example,
      start: (context) => example.start({ ...context, nonce: "rOprNGfwEbeRWgbNEkqO" })
    }
  }
  const first = (iterations: number) =>
    base64(`r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=${iterations}`)
  const verifier = base64("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")

  for (const iterations of [1, 4_095, 1_000_001, 1_000_000_000]) {
    refuses(`with ${iterations} iterations is given up before anything is derived`, {
      script: `${only("SCRAM-SHA-256").script}C: AUTH SCRAM-SHA-256 ${stars}\nS: 334 ${
        first(iterations)
      }\nC: *\nS: 501 Cancelled\n${script.bye}`,
      options: scram,
      reason: "LimitExceeded",
      phase: "auth",
      says: "saslIterations",
      log: [
        ...only("SCRAM-SHA-256").log,
        `C > "AUTH SCRAM-SHA-256 ${stars}"`,
        `S < "334 ${first(iterations)}"`,
        "C > \"*\"",
        "S < \"501 Cancelled\"",
        failed("auth", "LimitExceeded"),
        ...goodbye
      ]
    })
  }
  refuses("with a nonce that does not extend ours is cancelled", {
    script: `${only("SCRAM-SHA-256").script}C: AUTH SCRAM-SHA-256 ${stars}\nS: 334 ${
      base64("r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")
    }\nC: *\nS: 501 Cancelled\n${script.bye}`,
    options: scram,
    reason: "ProtocolViolation",
    phase: "auth",
    log: [
      ...only("SCRAM-SHA-256").log,
      `C > "AUTH SCRAM-SHA-256 ${stars}"`,
      `S < "334 ${base64("r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")}"`,
      "C > \"*\"",
      "S < \"501 Cancelled\"",
      failed("auth", "ProtocolViolation"),
      ...goodbye
    ]
  })
  refuses("with a 235 before the server has proven itself is no login", {
    script: `${only("SCRAM-SHA-256").script}C: AUTH SCRAM-SHA-256 ${stars}\nS: 334 ${
      first(4_096)
    }\nC: ${stars}\nS: 235 Welcome\n${script.bye}`,
    options: scram,
    reason: "ProtocolViolation",
    phase: "auth",
    says: "before it had proven that it knows the password",
    log: [
      ...only("SCRAM-SHA-256").log,
      `C > "AUTH SCRAM-SHA-256 ${stars}"`,
      `S < "334 ${first(4_096)}"`,
      `C > "${stars}"`,
      "S < \"235 Welcome\"",
      failed("auth", "ProtocolViolation"),
      ...goodbye
    ]
  })
  each(
    "shows salt, count and nonce, and hides the server's proof (RFC 7677 §3)",
    `${only("SCRAM-SHA-256").script}C: AUTH SCRAM-SHA-256 ${stars}\nS: 334 ${
      first(4_096)
    }\nC: ${stars}\nS: 334 ${verifier}\nC: \nS: 235 Welcome\n${script.bye}`,
    () =>
      Effect.gen(function*() {
        const report = yield* checking(scram)
        assert.strictEqual(report.mechanism, "SCRAM-SHA-256")
        assert.strictEqual(
          yield* log,
          lines(
            only("SCRAM-SHA-256").log,
            `C > "AUTH SCRAM-SHA-256 ${stars}"`,
            `S < "334 ${first(4_096)}"`,
            `C > "${stars}"`,
            `S < "334 ${stars}"`,
            "C > \"\"",
            "S < \"235 Welcome\"",
            goodbye
          )
        )
        yield* finished
      })
  )
})

const succeeds = (name: string, dialogue: string, options: Transporter.Options, said: ReadonlyArray<string>) =>
  each(name, `${dialogue}${script.bye}`, () =>
    Effect.gen(function*() {
      yield* toEnd(checking({ ...implicit, ...options }))
      const all = (yield* log).split("\n")
      const from = all.findIndex((line) => line.startsWith("C > \"AUTH"))
      assert.deepStrictEqual(all.slice(from, -3), said)
      assert.notInclude(JSON.stringify(yield* events), "s3cret")
      yield* nothingLeft
      yield* finished
    }))

describe("the steps of a login", () => {
  succeeds(
    "are two where the server refuses the initial response by 501",
    `${
      only("PLAIN").script
    }C: AUTH PLAIN ${stars}\nS: 501 5.5.4 Syntax\nC: AUTH PLAIN\nS: 334 \nC: ${stars}\nS: 235 Ok\n`,
    {},
    [
      `C > "AUTH PLAIN ${stars}"`,
      "S < \"501 5.5.4 Syntax\"",
      "C > \"AUTH PLAIN\"",
      "S < \"334 \"",
      `C > "${stars}"`,
      "S < \"235 Ok\""
    ]
  )
  succeeds(
    "are two where the line would be over 512 octets (RFC 4954 §4)",
    `${only("PLAIN").script}C: AUTH PLAIN\nS: 334\nC: ${stars}\nS: 235 Ok\n`,
    { password: Redacted.make(`s3cret-words${"x".repeat(400)}`) },
    ["C > \"AUTH PLAIN\"", "S < \"334\"", `C > "${stars}"`, "S < \"235 Ok\""]
  )
  succeeds(
    "answer LOGIN's prompts by their order, whatever they say",
    `${only("LOGIN").script}C: AUTH LOGIN\nS: 334 Benutzername?\nC: ${stars}\nS: 334\nC: ${stars}\nS: 235 Ok\n`,
    {},
    [
      "C > \"AUTH LOGIN\"",
      "S < \"334 Benutzername?\"",
      `C > "${stars}"`,
      "S < \"334\"",
      `C > "${stars}"`,
      "S < \"235 Ok\""
    ]
  )
  succeeds(
    "go to the next mechanism after 504",
    `${only("CRAM-MD5 PLAIN").script}C: AUTH CRAM-MD5\nS: 504 No\nC: AUTH PLAIN ${stars}\nS: 235 Ok\n`,
    {},
    ["C > \"AUTH CRAM-MD5\"", "S < \"504 No\"", `C > "AUTH PLAIN ${stars}"`, "S < \"235 Ok\""]
  )
  succeeds(
    "of EXTERNAL have an empty initial response, which is shown",
    `${only("EXTERNAL").script}C: AUTH EXTERNAL =\nS: 235 Ok\n`,
    { user: undefined, password: undefined, authenticationMode: "EXTERNAL" },
    ["C > \"AUTH EXTERNAL =\"", "S < \"235 Ok\""]
  )
  refuses("are at most 20", {
    script: `${only("LOOP").script}C: AUTH LOOP\n${
      `S: 334 \nC: ${stars}\n`.repeat(20)
    }S: 334 \nC: *\nS: 501 No\n${script.bye}`,
    options: {
      port: 465,
      tls: "implicit",
      authenticationMode: {
        name: "LOOP",
        cleartext: false,
        start: () => ({ state: undefined }),
        step: () => Effect.succeed({ state: undefined, response: Redacted.make("again") }),
        complete: () => true
      }
    },
    reason: "LimitExceeded",
    phase: "auth",
    says: "saslSteps 20",
    log: [
      ...only("LOOP").log,
      "C > \"AUTH LOOP\"",
      ...Array.from({ length: 20 }, () => ["S < \"334 \"", `C > "${stars}"`]).flat(),
      "S < \"334 \"",
      "C > \"*\"",
      "S < \"501 No\"",
      failed("auth", "LimitExceeded"),
      ...goodbye
    ]
  })
})

const upTo = (mode: string) => [
  ...clear(mode),
  ...offered,
  "C > \"STARTTLS\"",
  "S < \"220 Go on\"",
  "### SMTP TLS is on. (TLSv1.3, not verified)",
  "C > \"EHLO client.test\"",
  "S < \"250-mail.test\"",
  "S < \"250 AUTH PLAIN CRAM-MD5\"",
  "### Note: \"the certificate is not verified: it is self-signed\""
]

describe("without verified TLS", () => {
  const unverified: TlsInfo = {
    protocol: "TLSv1.3",
    cipher: "TLS_AES_256_GCM_SHA384",
    servername: "mail.test",
    verified: false,
    problem: "it is self-signed",
    chain: []
  }
  const opportunistic = [
    ...Script.fromText(`${offer}C: STARTTLS\nS: 220 Go on\n`),
    Script.startTlsWith({ info: unverified }),
    ...Script.fromText("C: EHLO client.test\nS: 250-mail.test\nS: 250 AUTH PLAIN CRAM-MD5\n")
  ]
  refuses("no credentials travel, not even as CRAM", {
    script: `${only("PLAIN CRAM-MD5").script}${script.bye}`,
    options: { tls: "none", port: 2525, user: "ann", password },
    reason: "AuthenticationUnavailable",
    phase: "auth",
    says: "credentials are not sent without verified TLS",
    log: [
      "### SMTP Connecting to 'mail.test' on port 2525. (none)",
      "### SMTP Connected to 'mail.test' on port 2525. (unsecured)",
      "S < \"220 mail.test\"",
      "C > \"EHLO client.test\"",
      "S < \"250-mail.test\"",
      "S < \"250 AUTH PLAIN CRAM-MD5\"",
      failed("auth", "AuthenticationUnavailable"),
      ...goodbye
    ]
  })
  refuses("opportunistic TLS has no login", {
    script: [...opportunistic, Script.bye],
    options: { ...start, tls: "opportunistic", user: "ann", password },
    reason: "AuthenticationUnavailable",
    phase: "auth",
    log: [...upTo("opportunistic"), failed("auth", "AuthenticationUnavailable"), ...goodbye]
  })
  each("an option named dangerously lets the login pass", [
    ...opportunistic,
    ...Script.fromText(`C: AUTH PLAIN ${stars}\nS: 235 Ok\n${script.bye}`)
  ], () =>
    Effect.gen(function*() {
      yield* checking({
        port: 587,
        tls: { mode: "required", dangerouslyAcceptInvalidCertificates: true },
        user: "ann",
        password,
        authenticationMode: "PLAIN"
      })
      assert.strictEqual(
        yield* log,
        lines(upTo("required"), `C > "AUTH PLAIN ${stars}"`, "S < \"235 Ok\"", goodbye)
      )
      yield* finished
    }))
  each(
    "dangerouslyAuthInClear lets the login pass",
    `${only("PLAIN").script}C: AUTH PLAIN ${stars}\nS: 235 Ok\n${script.bye}`,
    () =>
      Effect.gen(function*() {
        yield* checking({ tls: "none", port: 2525, user: "ann", password, dangerouslyAuthInClear: true })
        yield* finished
      })
  )
})

class TokenServerDown extends Data.TaggedError("TokenServerDown")<{ readonly refreshToken: string }> {}

const bearer = (token: Effect.Effect<Redacted.Redacted> | Redacted.Redacted): Transporter.Options => ({
  port: 465,
  tls: "implicit",
  user: "ann",
  accessTokenOAuth2: token
})

describe("tokens", () => {
  const error = base64("{\"status\":\"400\",\"schemes\":\"Bearer\"}")
  const refusedBy = (mechanism: string, answer: string) =>
    `C: AUTH ${mechanism} ${stars}\nS: 334 ${error}\nC: ${answer}\nS: 535 5.7.8 Expired\n`
  const refusedLog = (mechanism: string, answer: string) => [
    `C > "AUTH ${mechanism} ${stars}"`,
    `S < "334 ${error}"`,
    `C > "${answer}"`,
    "S < \"535 5.7.8 Expired\""
  ]

  for (const [mechanism, answer] of [["XOAUTH2", ""], ["OAUTHBEARER", "AQ=="]] as const) {
    refuses(`refused tell why: ${mechanism} (RFC 7628 §3.2.3)`, {
      script: `${only(mechanism).script}${refusedBy(mechanism, answer)}${script.bye}`,
      options: bearer(Redacted.make("s3cret-token")),
      reason: "AuthenticationFailed",
      phase: "auth",
      says: "535 5.7.8 Expired ({\"status\":\"400\",\"schemes\":\"Bearer\"})",
      log: [
        ...only(mechanism).log,
        ...refusedLog(mechanism, answer),
        failed("auth", "AuthenticationFailed"),
        ...goodbye
      ]
    })
  }
  each(
    "that are refused are asked for once more",
    `${only("XOAUTH2").script}${refusedBy("XOAUTH2", "")}C: AUTH XOAUTH2 ${stars}\nS: 235 Ok\n${script.bye}`,
    () =>
      Effect.gen(function*() {
        let asked = 0
        const report = yield* checking(bearer(Effect.sync(() => Redacted.make(`s3cret-token-${++asked}`))))
        assert.strictEqual(asked, 2)
        assert.strictEqual(report.mechanism, "XOAUTH2")
        yield* finished
      })
  )
  each(
    "that are refused twice are refused",
    `${only("XOAUTH2").script}${refusedBy("XOAUTH2", "")}${refusedBy("XOAUTH2", "")}${script.bye}`,
    () =>
      Effect.gen(function*() {
        let asked = 0
        const error = yield* failureOf(checking(bearer(Effect.sync(() => Redacted.make(`s3cret-token-${++asked}`)))))
        assert.strictEqual(asked, 2)
        assert.strictEqual(error.reason._tag, "AuthenticationFailed")
        yield* nothingLeft
        yield* finished
      })
  )
  each(
    "that are the same again are not offered again",
    `${only("XOAUTH2").script}${refusedBy("XOAUTH2", "")}${script.bye}`,
    () =>
      Effect.gen(function*() {
        const error = yield* failureOf(checking(bearer(Effect.succeed(Redacted.make("s3cret-token")))))
        assert.strictEqual(error.reason._tag, "AuthenticationFailed")
        yield* finished
      })
  )
  it.effect("that cannot be had are an error that names the failure and does not hold it", () =>
    Effect.gen(function*() {
      const error = yield* failureOf(
        checking({
          ...bearer(Redacted.make("x")),
          accessTokenOAuth2: Effect.fail(new TokenServerDown({ refreshToken: "s3cret" }))
        })
      )
      assert.deepStrictEqual(summary(error), {
        reason: "CredentialsUnavailable",
        phase: "auth",
        delivery: "NotAccepted",
        retryable: false,
        recipients: []
      })
      if (error.reason._tag !== "CredentialsUnavailable") return assert.fail()
      assert.include(String(error.reason.cause), "TokenServerDown")
      assert.notInclude(JSON.stringify([error, error.reason]) + String(error.reason.cause), "s3cret")
      assert.strictEqual(yield* log, "")
    }).pipe(Effect.provide(layer("-- silence\n"))))
})

describe("credentials", () => {
  for (
    const [how, source] of [
      ["die", Effect.die(new Error("s3cret-words"))],
      ["are interrupted", Effect.interrupt],
      ["fail with the secret itself", Effect.fail("s3cret-words")]
    ] as const
  ) {
    it.effect(`that ${how} are an error, once, and nobody is dialled`, () =>
      Effect.gen(function*() {
        const transporter = yield* make({ ...implicit, password: source })
        const error = yield* failureOf(Effect.flatMap(mail(), transporter.send))
        assert.deepStrictEqual([error.reason._tag, error.phase, error.delivery], [
          "CredentialsUnavailable",
          "auth",
          "NotAccepted"
        ])
        if (error.reason._tag !== "CredentialsUnavailable") return assert.fail()
        assert.notInclude(String(error.reason.cause), "s3cret")
        assert.strictEqual(yield* log, "")
      }).pipe(Effect.scoped, Effect.provide(layer("-- silence\n"))))
  }
})

describe("a wrong password", () => {
  const wrong = Script.fromText(`${only("PLAIN").script}C: AUTH PLAIN ${stars}\nS: 535 5.7.8 No\n${script.bye}`)
  const right = Script.fromText(`${only("PLAIN").script}C: AUTH PLAIN ${stars}\nS: 235 Ok\n${script.bye}`)

  it.effect("is remembered for five minutes, and then tried again", () =>
    Effect.gen(function*() {
      const transporter = yield* make(implicit)
      const message = yield* mail()
      const first = yield* Effect.flip(transporter.send(message))
      const again = yield* Effect.flip(transporter.send(message))
      assert.deepStrictEqual(again.reason, first.reason)
      assert.strictEqual(again.reply?.code, 535)
      assert.strictEqual((yield* log).split("Connecting").length, 2)
      yield* TestClock.adjust("299 seconds")
      yield* Effect.flip(transporter.send(message))
      assert.strictEqual((yield* log).split("Connecting").length, 2)
      yield* TestClock.adjust("1 second")
      yield* Effect.flip(transporter.send(message))
      assert.strictEqual((yield* log).split("Connecting").length, 3)
      yield* nothingLeft
      yield* finished
    }).pipe(Effect.scoped, Effect.provide(layer([wrong, wrong]))))

  it.effect("is forgotten when another one is given", () =>
    Effect.gen(function*() {
      let given = "s3cret-wrong"
      const transporter = yield* make({ ...implicit, password: Effect.sync(() => Redacted.make(given)) })
      yield* Effect.flip(transporter.checkConnection)
      yield* Effect.flip(transporter.checkConnection)
      given = "s3cret-right"
      yield* transporter.checkConnection
      yield* finished
    }).pipe(Effect.scoped, Effect.provide(layer([wrong, right]))))

  it.effect("is tried once by many sends at a time, and once by each of their sessions where it is right", () =>
    Effect.gen(function*() {
      const transporter = yield* make(implicit)
      const message = yield* mail()
      const sends = yield* Effect.all(Array.from({ length: 9 }, () => Effect.exit(transporter.send(message))), {
        concurrency: "unbounded"
      })
      assert.isTrue(sends.every(Exit.isFailure))
      assert.strictEqual((yield* log).split("C > \"AUTH PLAIN").length, 2)
      yield* nothingLeft
      yield* finished
    }).pipe(Effect.scoped, Effect.provide(layer([wrong]))))
})
