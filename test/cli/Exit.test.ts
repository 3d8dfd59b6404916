import * as Exit from "@colloquy/cli/exit"
import * as Report from "@colloquy/cli/report"
import { LogError } from "@colloquy/core/LogSink"
import { MessageError } from "@colloquy/core/MessageError"
import type { RecipientVerdict } from "@colloquy/core/Receipt"
import { Reply } from "@colloquy/core/Reply"
import * as SmtpError from "@colloquy/core/SmtpError"
import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"

const reply = (code: number, ...lines: ReadonlyArray<string>) =>
  new Reply({ code, lines: [lines[0] ?? "No", ...lines.slice(1)] })

const error = (
  reason: SmtpError.SmtpErrorReason,
  more: Partial<Pick<SmtpError.SmtpError, "delivery" | "recipients" | "phase">> = {}
) =>
  new SmtpError.SmtpError({
    reason,
    phase: "connect",
    delivery: "NotAccepted",
    recipients: [],
    conversation: [],
    ...more
  })

const refused = (recipient: string, code: number): RecipientVerdict => ({
  _tag: "Refused",
  recipient,
  reply: reply(code)
})
const accepted = (recipient: string): RecipientVerdict => ({ _tag: "Accepted", recipient, reply: reply(250, "Ok") })
const unknown = (recipient: string): RecipientVerdict => ({ _tag: "Unknown", recipient })

const failed = (kind: SmtpError.ConnectionFailed["kind"]) =>
  new SmtpError.ConnectionFailed({ kind, host: "mail.test", port: 25, attempts: [] })
const auth = (code: number) => new SmtpError.AuthenticationFailed({ mechanism: "PLAIN", reply: reply(code) })
const tls = (kind: SmtpError.TlsFailed["kind"]) => new SmtpError.TlsFailed({ kind })

const table: ReadonlyArray<readonly [what: string, error: SmtpError.SmtpError, status: number]> = [
  ["an option that can't be used", error(new SmtpError.InvalidConfiguration({ option: "tls", problem: "no" })), 78],
  [
    "a message that is none",
    error(new SmtpError.InvalidMessage({ error: new MessageError({ field: "to", problem: "no" }) })),
    65
  ],
  ["a message too large", error(new SmtpError.MessageTooLarge({ octets: 2, limit: 1 })), 65],
  ["a host that is not known", error(failed("HostNotFound")), 68],
  ["a port at which nothing listens", error(failed("Refused")), 69],
  ["a host to which there is no way", error(failed("Unreachable")), 69],
  ["a greeting of 554", error(new SmtpError.ServerRefused({ reply: reply(554) })), 69],
  ["a greeting of 421", error(new SmtpError.ServerRefused({ reply: reply(421) })), 75],
  ["a server without STARTTLS", error(new SmtpError.TlsUnavailable({})), 69],
  ["STARTTLS refused for now", error(new SmtpError.TlsUnavailable({ reply: reply(454) })), 75],
  [
    "a certificate of another name",
    error(new SmtpError.CertificateRejected({ problem: "no", servername: "mail.test", chain: [] })),
    69
  ],
  ["a failed handshake", error(tls("Handshake")), 75],
  ["a plain server on a TLS port", error(tls("PlainServerOnTlsPort")), 78],
  ["plain text behind STARTTLS", error(tls("PlaintextInjected")), 76],
  ["a connection lost before the end", error(new SmtpError.ConnectionLost({ kind: "Reset" })), 75],
  ["silence", error(new SmtpError.TimedOut({ limit: 1, scope: "phase" })), 75],
  ["a wrong password", error(auth(535)), 77],
  ["a login refused for now", error(auth(454)), 75],
  [
    "no mechanism in common",
    error(new SmtpError.AuthenticationUnavailable({ kind: "NoCommonMechanism", offered: [], allowed: [] })),
    77
  ],
  ["a refused sender", error(new SmtpError.SenderRefused({ sender: "a@b.test", reply: reply(553) })), 65],
  ["a server that wants a login", error(new SmtpError.SenderRefused({ sender: "a@b.test", reply: reply(530) })), 77],
  [
    "all recipients refused for good",
    error(new SmtpError.RecipientsRefused({ reply: reply(550) }), { recipients: [refused("b@b.test", 550)] }),
    67
  ],
  [
    "all recipients refused for now",
    error(new SmtpError.RecipientsRefused({ reply: reply(450) }), {
      recipients: [refused("b@b.test", 450), refused("c@b.test", 552)]
    }),
    75
  ],
  [
    "some refused for now, some for good",
    error(new SmtpError.RecipientsRefused({ reply: reply(450) }), {
      recipients: [refused("b@b.test", 450), refused("c@b.test", 550)]
    }),
    67
  ],
  ["content refused for good", error(new SmtpError.ContentRefused({ reply: reply(554) })), 65],
  ["content refused for now", error(new SmtpError.ContentRefused({ reply: reply(451) })), 75],
  ["a server out of step", error(new SmtpError.ProtocolViolation({ problem: "no" })), 76],
  ["a reply without end", error(new SmtpError.LimitExceeded({ what: "reply", limit: 1 })), 76],
  [
    "a file that can't be read to its end",
    error(new SmtpError.ContentSourceFailed({ problem: "no", cause: "no" })),
    74
  ],
  [
    "a connection lost after the final dot",
    error(new SmtpError.ConnectionLost({ kind: "Closed" }), { delivery: "Unknown", recipients: [unknown("b@b.test")] }),
    79
  ],
  [
    "an outcome known for some only",
    error(new SmtpError.ConnectionLost({ kind: "Closed" }), {
      delivery: "Partial",
      recipients: [accepted("b@b.test"), unknown("c@b.test")]
    }),
    79
  ],
  [
    "some have it and some were refused",
    error(new SmtpError.ContentRefused({ reply: reply(451) }), {
      delivery: "Partial",
      recipients: [accepted("b@b.test"), refused("c@b.test", 451)]
    }),
    67
  ]
]

describe("exit statuses", () => {
  it.each(table)("of %s", (_, failure, status) => {
    assert.strictEqual(Exit.ofError(failure), status)
  })

  it("never invite to send again what somebody may have", () => {
    for (const [what, failure] of table) {
      if (failure.delivery !== "NotAccepted") assert.notStrictEqual(Exit.ofError(failure), Exit.status.temporary, what)
    }
  })

  it("are all explained in the help", () => {
    const explained = Exit.meanings.map(([status]) => status)
    assert.deepStrictEqual(explained, [...Object.values(Exit.status), 130])
  })

  it("are all explained in the documents", () => {
    const document = readFileSync(new URL("../../docs/exit-statuses.md", import.meta.url), "utf8")
    const rows = [...document.matchAll(/^\| (\d+) +\| (.*?) +\|$/gm)].map((
      [, status, meaning]
    ) => [Number(status), meaning])
    assert.deepStrictEqual(rows, Exit.meanings.map(([status, meaning]) => [status, meaning]))
  })

  it("of files and of flags", () => {
    assert.strictEqual(Report.statusOf(new LogError({ path: "x", problem: "no" })), 74)
    assert.strictEqual(Report.statusOf(new Report.InputFailed({ path: "x", problem: "no" })), 74)
    assert.strictEqual(Report.statusOf(new Report.Usage({ problem: "no" })), 64)
  })
})

describe("the report of a failure", () => {
  const failure = error(auth(535), {
    phase: "rcpt",
    recipients: [refused("bob\u001b[2J@b.test", 550), accepted("ann@b.test")]
  })

  it("has the sentence, each recipient, and the exit status", () => {
    assert.deepStrictEqual(Report.text(failure).split("\n").slice(1), [
      "On the command line: --auth MECHANISM chooses another mechanism.",
      "Recipients:",
      String.raw`  bob\x1B[2J@b.test  refused  550 No`,
      "  ann@b.test  accepted  250 Ok",
      "Exit status 77: the login was refused or is not possible."
    ])
  })

  it("lets no text of a server drive the terminal", () => {
    const text = Report.text(new Report.InputFailed({ path: "a\u009b31m\u202e", problem: "no\nway" }))
    assert.strictEqual(
      text,
      "colloquy: 'a\\u{9b}31m\\u{202e}' can't be read: no\\x0Away\nExit status 74: a log or input file can't be used."
    )
  })
})
