/**
 * Trouble on the wire, one kind a row: a server that gives it, and the client that meets it. `docs/troubles.md` is made of
 * this table, and `Replay.test.ts` records, explains and replays each row.
 */
import { type Message, Sasl, SmtpError, type Transporter } from "@colloquy/core"
import { Script } from "@colloquy/core/testing"
import { type Effect, Redacted } from "effect"
import { mail, script, type Scripted } from "./dialogue.ts"

export interface Trouble {
  readonly name: string
  readonly server: Scripted
  readonly options?: Transporter.Options
  readonly message?: Effect.Effect<Message.Composed>
  readonly reason: SmtpError.SmtpError["reason"]["_tag"]
  /** The rule of `Diagnosis` that knows it. */
  readonly rule: string
  /** The client leaves before the server has done all that it would. */
  readonly isUnfinished?: boolean
  /** Why it can't be played back, where that is so. */
  readonly notReplayable?: string
}

const failing = (kind: SmtpError.ConnectionFailed["kind"], problem: string) => [
  Script.refuse(
    new SmtpError.ConnectionFailed({
      kind,
      host: "mail.test",
      port: 2525,
      attempts: [{ address: "203.0.113.25", problem }, { address: "203.0.113.26", problem }]
    })
  )
]

const password = Redacted.make("a-secret-word")
const login: Transporter.Options = { port: 465, tls: "implicit", user: "ann", password }
const startTls: Transporter.Options = { port: 587, tls: "required" }
const offer = (...lines: ReadonlyArray<string>) =>
  ["S: 220 mail.test", "C: EHLO client.test", "S: 250-mail.test", ...lines].map((line) => `${line}\n`).join("")
const stars = "*".repeat(32)
const data = "C: DATA\nS: 354 Go on\n"
const goOn = `${offer("S: 250 STARTTLS")}C: STARTTLS\nS: 220 Go on\n`
const handshake = (fails: SmtpError.CertificateRejected | SmtpError.TlsFailed) => [
  ...Script.fromText(goOn),
  Script.startTlsWith({ fails })
]
const rejected = (problem: string) => new SmtpError.CertificateRejected({ problem, servername: "mail.test", chain: [] })
const afterMail = (raw: string | Uint8Array, ...more: ReadonlyArray<Script.Step>) => [
  ...Script.fromText(`${script.hello}${script.from}`),
  Script.raw(raw),
  ...more
]
const base64 = (text: string) => Buffer.from(text, "latin1").toString("base64")

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
const first = (iterations = 4096) =>
  base64(`r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=${iterations}`)
const scramServer = `${offer("S: 250 AUTH SCRAM-SHA-256")}C: AUTH SCRAM-SHA-256 ${stars}\n`

const chunking = "S: 220 mail.test\nC: EHLO client.test\nS: 250-mail.test\nS: 250-PIPELINING\nS: 250 CHUNKING\n" +
  `${script.from}${script.to}S: 250 Ok\nS: 250 Ok\n`
const lmtp = "S: 220 mail.test\nC: LHLO client.test\nS: 250-mail.test\nS: 250 PIPELINING\n" +
  `${script.from}C: RCPT TO:<bob@mail.test>\nC: RCPT TO:<eve@mail.test>\nC: DATA\n` +
  "S: 250 Ok\nS: 250 Ok\nS: 250 Ok\nS: 354 Go on\n-- content\n"
const long = "x".repeat(200_000)

export const troubles: ReadonlyArray<Trouble> = [
  {
    name: "the host's name is not known",
    server: failing("HostNotFound", "there is no host of this name"),
    reason: "ConnectionFailed",
    rule: "connection/host-not-found"
  },
  {
    name: "the port is refused at every address",
    server: failing("Refused", "connection refused"),
    reason: "ConnectionFailed",
    rule: "connection/refused"
  },
  {
    name: "there is no way to the host",
    server: failing("Unreachable", "no answer"),
    reason: "ConnectionFailed",
    rule: "connection/unreachable"
  },
  {
    name: "dialling takes longer than connectionTimeOut",
    server: [Script.delay("31 seconds"), ...failing("Refused", "too late")],
    isUnfinished: true,
    reason: "TimedOut",
    rule: "connection/silent-connect"
  },
  {
    name: "implicit TLS meets a plain server",
    server: [
      Script.tls({ fails: new SmtpError.TlsFailed({ kind: "PlainServerOnTlsPort", seen: "220 mail.test ESMTP" }) })
    ],
    options: { port: 465, tls: "implicit" },
    reason: "TlsFailed",
    rule: "tls/plain-server-on-tls-port"
  },
  {
    name: "a plain client meets TLS",
    server: [Script.raw(Uint8Array.of(0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x46)), Script.expectEnd],
    reason: "TlsFailed",
    rule: "tls/tls-server-on-plain-port"
  },
  { name: "no greeting comes", server: [Script.silence], reason: "TimedOut", rule: "connection/no-greeting" },
  {
    name: "the greeting refuses",
    server: `S: 554 5.3.2 No service here\n${script.bye}`,
    reason: "ServerRefused",
    rule: "server/no-service"
  },
  {
    name: "the greeting is 421",
    server: "S: 421 4.3.2 Try later\n-- close\n",
    reason: "ServerRefused",
    rule: "server/shutting-down"
  },
  {
    name: "the greeting is none",
    server: "S: 250 Ok\n-- end\n",
    reason: "ProtocolViolation",
    rule: "connection/protocol-violation"
  },
  {
    name: "the greeting is cut off",
    server: "-- raw \"220-mail\"\n-- close\n",
    reason: "ConnectionLost",
    rule: "connection/lost-at-greeting"
  },
  {
    name: "the connection is reset at once",
    server: [Script.reset],
    reason: "ConnectionLost",
    rule: "connection/lost-at-greeting"
  },
  {
    name: "EHLO and HELO are refused",
    server:
      `S: 220 mail.test\nC: EHLO client.test\nS: 451 4.3.0 Not now\nC: HELO client.test\nS: 501 No\n${script.bye}`,
    reason: "ServerRefused",
    rule: "server/temporary"
  },
  {
    name: "EHLO is answered by 421",
    server: "S: 220 mail.test\nC: EHLO client.test\nS: 421 4.7.0 Who are you\n-- close\n",
    reason: "ServerRefused",
    rule: "server/closing"
  },
  {
    name: "EHLO is answered by 354",
    server: "S: 220 mail.test\nC: EHLO client.test\nS: 354 Go on\n-- end\n",
    reason: "ProtocolViolation",
    rule: "connection/protocol-violation"
  },
  {
    name: "EHLO has too many keywords",
    server: [
      Script.greet("220 mail.test"),
      Script.on("EHLO client.test", "250-mail.test", ...Array.from({ length: 256 }, (_, at) => `250-X${at}`), "250 Y"),
      Script.bye
    ],
    reason: "LimitExceeded",
    rule: "connection/endless-reply"
  },
  {
    name: "the connection is closed behind EHLO",
    server: `${script.hello}-- close\n`,
    reason: "ConnectionLost",
    rule: "connection/lost"
  },
  {
    name: "STARTTLS is not offered",
    server: `${script.hello}${script.bye}`,
    options: startTls,
    reason: "TlsUnavailable",
    rule: "tls/not-offered"
  },
  {
    name: "STARTTLS is refused",
    server: `${offer("S: 250 STARTTLS")}C: STARTTLS\nS: 454 4.7.0 TLS not available\n${script.bye}`,
    options: startTls,
    reason: "TlsUnavailable",
    rule: "server/tls-not-available"
  },
  {
    name: "the certificate has expired",
    server: handshake(rejected("the certificate expired on 2026-01-01")),
    options: startTls,
    reason: "CertificateRejected",
    rule: "tls/certificate-expired"
  },
  {
    name: "the certificate is self-signed (implicit TLS)",
    server: [Script.tls({ fails: rejected("the certificate is self-signed: no authority vouches for it") })],
    options: { port: 465, tls: "implicit" },
    reason: "CertificateRejected",
    rule: "tls/certificate-untrusted"
  },
  {
    name: "the certificate is for another name",
    server: handshake(rejected("the certificate is for 'other.test', not for 'mail.test'")),
    options: startTls,
    reason: "CertificateRejected",
    rule: "tls/certificate-name"
  },
  {
    name: "the handshake fails",
    server: handshake(new SmtpError.TlsFailed({ kind: "Handshake" })),
    options: startTls,
    reason: "TlsFailed",
    rule: "tls/handshake"
  },
  {
    name: "the handshake does not end",
    server: `${goOn}-- silence\n`,
    options: startTls,
    reason: "TimedOut",
    rule: "tls/handshake-timed-out"
  },
  {
    name: "plain text is put in front of the handshake",
    server: [
      ...Script.fromText(`${offer("S: 250 STARTTLS")}C: STARTTLS\n`),
      Script.raw("220 Go on\r\n250-mail.test\r\n250 AUTH PLAIN\r\n"),
      Script.expectEnd
    ],
    options: startTls,
    reason: "TlsFailed",
    rule: "tls/injected"
  },
  {
    name: "the password is wrong",
    server: `${offer("S: 250 AUTH LOGIN PLAIN")}C: AUTH PLAIN ${stars}\nS: 535 5.7.8 Wrong password\n${script.bye}`,
    options: login,
    reason: "AuthenticationFailed",
    rule: "authentication/bad-credentials"
  },
  {
    name: "the password is wrong (CRAM-MD5)",
    server: `${offer("S: 250 AUTH CRAM-MD5")}C: AUTH CRAM-MD5\nS: 334 ${
      base64("<1@mail.test>")
    }\nC: ${stars}\nS: 535 5.7.8 Wrong password\n${script.bye}`,
    options: login,
    reason: "AuthenticationFailed",
    rule: "authentication/bad-credentials"
  },
  {
    name: "the password is wrong (SCRAM)",
    server: `${scramServer}S: 334 ${first()}\nC: ${stars}\nS: 535 5.7.8 Wrong password\n${script.bye}`,
    options: scram,
    reason: "AuthenticationFailed",
    rule: "authentication/bad-credentials"
  },
  {
    name: "SCRAM is asked for too many iterations",
    server: `${scramServer}S: 334 ${first(1_000_000_000)}\nC: *\nS: 501 Cancelled\n${script.bye}`,
    options: scram,
    reason: "LimitExceeded",
    rule: "authentication/too-many-iterations"
  },
  {
    name: "SCRAM gets another client's nonce",
    server: `${scramServer}S: 334 ${
      base64("r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")
    }\nC: *\nS: 501 Cancelled\n${script.bye}`,
    options: scram,
    reason: "ProtocolViolation",
    rule: "authentication/foreign-nonce"
  },
  {
    name: "the sender is refused behind a confirmed SCRAM login",
    server: `${scramServer}S: 334 ${first()}\nC: ${stars}\nS: 334 ${
      base64("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
    }\nC: \nS: 235 Welcome\n${script.from}S: 550 5.7.60 Not yours\n${script.bye}`,
    options: scram,
    reason: "SenderRefused",
    rule: "sender/microsoft-send-as-denied",
    notReplayable: "hangs on the password"
  },
  {
    name: "no login is offered",
    server: `${script.hello}${script.bye}`,
    options: login,
    reason: "AuthenticationUnavailable",
    rule: "authentication/no-common-mechanism"
  },
  {
    name: "no mechanism in common",
    server: `${offer("S: 250 AUTH GSSAPI")}${script.bye}`,
    options: { ...login, authenticationMode: "PLAIN" },
    reason: "AuthenticationUnavailable",
    rule: "authentication/no-common-mechanism"
  },
  {
    name: "the login would be in clear text",
    server: `${offer("S: 250 AUTH PLAIN")}${script.bye}`,
    options: { user: "ann", password },
    reason: "AuthenticationUnavailable",
    rule: "authentication/clear-text-forbidden"
  },
  {
    name: "the login is answered by 421",
    server: `${offer("S: 250 AUTH PLAIN")}C: AUTH PLAIN ${stars}\nS: 421 4.7.0 Too many\n-- close\n`,
    options: login,
    reason: "ServerRefused",
    rule: "authentication/too-many-logins"
  },
  {
    name: "MAIL is refused",
    server: `${script.hello}${script.from}S: 550 5.7.60 Not your address\n${script.bye}`,
    reason: "SenderRefused",
    rule: "sender/microsoft-send-as-denied"
  },
  {
    name: "MAIL is refused for now",
    server: `${script.hello}${script.from}S: 451 4.3.0 Later\n${script.bye}`,
    reason: "SenderRefused",
    rule: "server/temporary"
  },
  {
    name: "the only recipient is refused",
    server:
      `${script.hello}${script.from}S: 250 Ok\n${script.to}S: 550 5.1.1 No such user\nC: RSET\nS: 250 Ok\n${script.bye}`,
    reason: "RecipientsRefused",
    rule: "recipient/unknown"
  },
  {
    name: "the recipient is refused in a pipelined group",
    server: `${
      offer("S: 250 PIPELINING")
    }${script.from}${script.to}C: DATA\nS: 250 Ok\nS: 550 5.1.1 No such user\nS: 554 5.5.1 No valid recipients\nC: RSET\nS: 250 Ok\n${script.bye}`,
    reason: "RecipientsRefused",
    rule: "recipient/unknown"
  },
  {
    name: "DATA is refused",
    server: `${script.hello}${script.envelope}C: DATA\nS: 554 5.6.0 No\nC: RSET\nS: 250 Ok\n${script.bye}`,
    reason: "ContentRefused",
    rule: "content/refused-before-sent"
  },
  {
    name: "the content is refused",
    server: `${script.hello}${script.envelope}${data}-- content\nS: 554 5.7.1 Spam\n${script.bye}`,
    reason: "ContentRefused",
    rule: "content/spam"
  },
  {
    name: "the content is refused by LMTP for both",
    server: `${lmtp}S: 452 4.2.2 Full\nS: 452 4.2.2 Full\n${script.bye}`,
    options: { lmtp: true },
    message: mail(undefined, "bob@mail.test", "eve@mail.test"),
    reason: "RecipientsRefused",
    rule: "recipient/mailbox-full"
  },
  {
    name: "the chunk is refused",
    server: `${chunking}-- bdat\nS: 554 5.7.1 Spam\n${script.bye}`,
    reason: "ContentRefused",
    rule: "content/spam"
  },
  {
    name: "the connection is cut behind the last chunk",
    server: `${chunking}-- bdat\n-- close\n`,
    reason: "ConnectionLost",
    rule: "connection/lost-after-content"
  },
  {
    name: "the connection is cut behind the content",
    server: `${script.hello}${script.envelope}${data}-- content\n-- close\n`,
    reason: "ConnectionLost",
    rule: "connection/lost-after-content"
  },
  {
    name: "the connection is reset in the middle of the content",
    server: `${script.hello}${script.envelope}${data}-- swallow 1000\n-- reset\n`,
    message: mail(long),
    reason: "ConnectionLost",
    rule: "connection/lost-in-content"
  },
  {
    name: "the connection is reset at MAIL",
    server: `${script.hello}${script.from}-- reset\n`,
    reason: "ConnectionLost",
    rule: "connection/lost"
  },
  {
    name: "a reply of 1 MB on one line",
    server: afterMail(`250 ${"x".repeat(1_000_000)}\r\n`, Script.expectEnd),
    reason: "LimitExceeded",
    rule: "connection/endless-reply"
  },
  {
    name: "a reply of 1 MB in many lines",
    server: afterMail("250-x\r\n".repeat(140_000), Script.expectEnd),
    reason: "LimitExceeded",
    rule: "connection/endless-reply"
  },
  {
    name: "a reply without a line end",
    server: afterMail("250 Ok", Script.expectEnd),
    reason: "TimedOut",
    rule: "connection/timed-out"
  },
  {
    name: "a reply with mixed codes",
    server: afterMail("250-Ok\r\n550 No\r\n", Script.expectEnd),
    reason: "ProtocolViolation",
    rule: "connection/mixed-codes"
  },
  {
    name: "a reply that is none",
    server: afterMail("HTTP/1.1 400 Bad Request\r\n", Script.expectEnd),
    reason: "ProtocolViolation",
    rule: "connection/protocol-violation"
  },
  {
    name: "a reply with control characters",
    server: afterMail("550 \u001b[2J\u0000\u202e\"x\"\r\n", Script.bye),
    reason: "SenderRefused",
    rule: "sender/refused"
  },
  {
    name: "a reply in Latin-1",
    server: afterMail(Uint8Array.from("550 Adresse refus\u00e9e\r\n", (c) => c.charCodeAt(0)), Script.bye),
    reason: "SenderRefused",
    rule: "sender/refused"
  },
  {
    name: "a reply that nothing waits for",
    server: `${script.hello}S: 250 mail.test\n-- end\n`,
    reason: "ProtocolViolation",
    rule: "connection/unasked-reply"
  },
  ...([
    ["EHLO", "connection/timed-out", "S: 220 mail.test\nC: EHLO client.test\n"],
    ["MAIL", "connection/timed-out", `${script.hello}${script.from}`],
    ["RCPT", "connection/timed-out", `${script.hello}${script.from}S: 250 Ok\n${script.to}`],
    ["DATA", "connection/data-not-answered", `${script.hello}${script.envelope}C: DATA\n`],
    ["the content", "connection/lost-after-content", `${script.hello}${script.envelope}${data}-- content\n`]
  ] as const).map(([what, rule, server]): Trouble => ({
    name: `${what} is never answered`,
    server: `${server}-- silence\n`,
    options: { sendTimeOut: "30 minutes" },
    reason: "TimedOut",
    rule
  })),
  {
    name: "the server does not read the content",
    server: `${script.hello}${script.envelope}${data}-- stall\n`,
    options: { sendTimeOut: "30 minutes" },
    message: mail(long),
    reason: "TimedOut",
    rule: "connection/content-not-taken"
  },
  {
    name: "sendTimeOut passes while RCPT is not answered",
    server: `${script.hello}${script.from}S: 250 Ok\n${script.to}-- silence\n`,
    options: { sendTimeOut: "40 seconds" },
    reason: "TimedOut",
    rule: "connection/send-timed-out"
  }
]
