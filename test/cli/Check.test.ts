import * as Check from "@colloquy/cli/check"
import * as Steps from "@colloquy/cli/internal/steps"
import type * as LogEvent from "@colloquy/core/LogEvent"
import { assert, describe, it } from "@effect/vitest"

type Body<E> = E extends LogEvent.LogEvent ? Omit<E, "counter" | "process" | "session"> : never

const now = Date.UTC(2026, 10, 25)
const day = 86_400_000

const certificate = (subject: string, validTo: number) => ({
  subject,
  names: [`mail.test`, "*.mail.test"],
  issuer: "CN=An authority",
  validFrom: now - 30 * day,
  validTo,
  fingerprint256: "AB:CD"
})

const told = (bodies: ReadonlyArray<Body<LogEvent.LogEvent>>): ReadonlyArray<string> => {
  const complete = Steps.make()
  return bodies.flatMap((body, index) =>
    complete({ ...body, counter: index + 1, process: 5, session: 7 }).flatMap((step) => Check.rows(step, now))
  )
}
const server = (time: number, ...lines: ReadonlyArray<string>) =>
  lines.map((line) => ({ _tag: "ServerLine" as const, time, line }))
const client = (time: number, line: string) => ({ _tag: "ClientLine" as const, time, line })

describe("the steps of connecting", () => {
  it("are told with the time that each took, over STARTTLS and a login of several steps", () => {
    assert.deepStrictEqual(
      told([
        { _tag: "Connecting", time: 1_000, host: "mail.test", port: 587, tls: "required" },
        { _tag: "AttemptFailed", time: 1_250, address: "::1", port: 587, problem: "connection refused", elapsed: 250 },
        { _tag: "Connected", time: 1_262, host: "mail.test", port: 587, address: "192.0.2.1", secured: false },
        ...server(1_270, "220-mail.test", "220 ESMTP"),
        client(1_270, "EHLO client.test"),
        ...server(1_273, "250-mail.test", "250-SIZE 1000", "250 STARTTLS"),
        client(1_273, "STARTTLS"),
        ...server(1_275, "220 2.0.0 Ready"),
        {
          _tag: "Secured",
          time: 1_290,
          elapsed: 15,
          tls: {
            protocol: "TLSv1.3",
            cipher: "TLS_AES_256_GCM_SHA384",
            servername: "mail.test",
            verified: true,
            chain: [certificate("CN=mail.test", now + 37 * day + 1), certificate("CN=old", now - 2 * day)]
          }
        },
        client(1_290, "EHLO client.test"),
        ...server(1_292, "250-mail.test", "250 AUTH SCRAM-SHA-256"),
        client(1_292, "AUTH SCRAM-SHA-256 ********************************"),
        ...server(1_294, "334 cj1u"),
        client(1_294, "********************************"),
        ...server(1_296, "334 ********************************"),
        client(1_296, ""),
        ...server(1_299, "235 2.7.0 Welcome"),
        client(1_300, "QUIT"),
        ...server(1_301, "221 Bye"),
        { _tag: "Closed", time: 1_302, by: "client", elapsed: 302 }
      ]),
      [
        "           server       mail.test, port 587, TLS by STARTTLS required",
        "   250 ms  address      ::1, port 587: connection refused",
        "   262 ms  connect      192.0.2.1, port 587",
        "     8 ms  greeting     220-mail.test / 220 ESMTP",
        "     3 ms  ehlo         as client.test",
        "           extension    SIZE 1000",
        "           extension    STARTTLS",
        "     2 ms  starttls     220 2.0.0 Ready",
        "    15 ms  tls          TLSv1.3, TLS_AES_256_GCM_SHA384, certificate verified for mail.test",
        "           certificate  CN=mail.test",
        "                        names mail.test, *.mail.test",
        "                        issued by CN=An authority",
        "                        valid 2026-10-26 to 2027-01-01, 37 days left",
        "                        SHA-256 AB:CD",
        "           certificate  CN=old",
        "                        names mail.test, *.mail.test",
        "                        issued by CN=An authority",
        "                        valid 2026-10-26 to 2026-11-23, expired 2 days ago",
        "                        SHA-256 AB:CD",
        "     2 ms  ehlo         as client.test",
        "           extension    AUTH SCRAM-SHA-256",
        "     7 ms  auth         SCRAM-SHA-256: 235 2.7.0 Welcome"
      ]
    )
  })

  it("tell each mechanism when one after another is refused", () => {
    assert.deepStrictEqual(
      told([
        client(10, "AUTH CRAM-MD5"),
        ...server(12, "504 5.5.4 Unrecognized authentication type"),
        client(12, "AUTH PLAIN ********************************"),
        ...server(15, "535-5.7.8 Wrong", "535 5.7.8 Really")
      ]),
      [
        "     2 ms  auth         CRAM-MD5: 504 5.5.4 Unrecognized authentication type",
        "     3 ms  auth         PLAIN: 535-5.7.8 Wrong / 535 5.7.8 Really"
      ]
    )
  })

  it("let no certificate and no server drive the terminal", () => {
    assert.deepStrictEqual(
      told([
        { _tag: "Connecting", time: 0, host: "mail.test", port: 25, tls: "none" },
        { _tag: "Connected", time: 0, host: "mail.test", port: 25, secured: false },
        ...server(0, "220 \u001b[2J\u202egreeting"),
        { _tag: "Note", time: 0, text: "bell\u0007" }
      ]),
      [
        "           server       mail.test, port 25, no TLS",
        "     0 ms  connect",
        String.raw`     0 ms  greeting     220 \x1B[2J\u{202e}greeting`,
        String.raw`           note         bell\x07`
      ]
    )
  })
})
