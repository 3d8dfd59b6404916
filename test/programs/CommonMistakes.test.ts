/** The mistakes that people make first, and what they are told. None of it needs a server. */
import { SmtpLog, Transporter } from "@colloquy/core"
import { CaptureServer, TestPlatform } from "@colloquy/core/testing"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"

const mail = { from: "ann@shop.example", to: "bob@example.org", subject: "Hi", text: "Hi" }
const password = Redacted.make("s3cret-words")
const account = { host: "mail.example", user: "ann", password }
const url = (text: string) => ({ url: Redacted.make(text) })

/** As from a program without types, or a configuration that is read as it is. */
const told = (options: object, message: object = mail) =>
  Transporter.send(message as typeof mail).pipe(
    Effect.provide(
      Transporter.layer(options as Transporter.Options).pipe(
        Layer.provide([CaptureServer.layerMemory({ users: { ann: password } }), SmtpLog.layerNone, TestPlatform.layer])
      )
    ),
    Effect.match({
      onFailure: (error) => error.message.replace(/^the (?:option|message) /, ""),
      onSuccess: () => "sent"
    })
  )

const options: ReadonlyArray<readonly [mistake: string, options: object, told: string]> = [
  ["no server", {}, "host cannot be used: it is missing (host, or url)"],
  [
    "a URL for a host",
    { host: "smtps://ann:s3cret-words@mail.example" },
    "host cannot be used: it is a name or an IP address; a URL goes into url, the path of a Unix socket into socketPath"
  ],
  ["a port in the host", { host: "mail.example:465" }, "host cannot be used: it has a port; give that as port"],
  ["a port that is none", { host: "mail.example", port: 70_000 }, "port cannot be used: it is no port (1 to 65535)"],
  [
    "a user without password",
    { host: "mail.example", user: "ann" },
    "password cannot be used: the password (or access token) is missing"
  ],
  ["a password without user", { host: "mail.example", password }, "user cannot be used: the user name is missing"],
  [
    "a variable that nobody set",
    { ...account, password: Redacted.make("") },
    "password cannot be used: it is empty"
  ],
  [
    "a password that is not redacted",
    { ...account, password: "s3cret-words" },
    "password cannot be used: a secret is Redacted.make(…), or an Effect that gives one"
  ],
  [
    "a typo in the mechanism",
    { ...account, authenticationMode: "PLIAN" },
    `authenticationMode cannot be used: "PLIAN": no such authenticationMode; there are OAUTH2, OAUTHBEARER, XOAUTH2, EXTERNAL, ANONYMOUS, SCRAM-SHA-512-PLUS, SCRAM-SHA-256-PLUS, SCRAM-SHA-1-PLUS, SCRAM-SHA-512, SCRAM-SHA-256, SCRAM-SHA-1, CRAM-MD5, PLAIN, LOGIN`
  ],
  [
    "OAuth 2 with a password",
    { ...account, authenticationMode: "OAUTH2" },
    "accessTokenOAuth2 cannot be used: OAUTH2: the access token is missing"
  ],
  [
    "a time-out without unit",
    { ...account, sendTimeOut: 30 },
    `sendTimeOut cannot be used: a bare number has no unit: write "30 seconds"`
  ],
  [
    "another library's word for TLS",
    { ...account, tls: "starttls" },
    "tls cannot be used: say one of implicit, required, opportunistic, none, or an object with a mode of these"
  ],
  [
    "a path for a certificate",
    { ...account, tls: { ca: "/etc/ssl/ca.pem" } },
    "tls.ca cannot be used: it is no certificate in PEM form; give the file's text, not its path"
  ],
  [
    "the fingerprint of a certificate for a pin",
    { ...account, tls: { pin: "AB:CD:EF" } },
    "tls.pin cannot be used: a pin is a SHA-256 in base64: 44 characters, the last of them ="
  ],
  [
    "TLS, and none of it",
    { ...account, tls: "required", acceptUnsecureConnection: true },
    `acceptUnsecureConnection cannot be used: it contradicts tls: "required"`
  ],
  [
    "TLS from the first octet by URL, and clear text",
    url("smtps://ann:s3cret-words@mail.example?tls=none"),
    "url cannot be used: smtps:// contradicts tls=none; write smtp://"
  ],
  [
    "a URL as a string",
    { url: "smtps://ann:s3cret-words@mail.example" },
    "url cannot be used: it may hold a password: write Redacted.make(…)"
  ],
  [
    "a URL without scheme",
    url("mail.example"),
    "url cannot be used: it is not a URL; write smtps://user:password@host:465, user and password percent-encoded"
  ],
  [
    "a password in a URL as it is",
    url("smtps://ann:s3cret%words@mail.example"),
    "url cannot be used: its password has a % that begins no octet; write %25"
  ],
  [
    "a name for EHLO that is none",
    { ...account, name: "my machine" },
    `name cannot be used: EHLO, domain: U+0020 in the domain: "my machine"`
  ],
  [
    "a server that wants a login",
    { host: "mail.example" },
    "mail.example:587: the server refused the sender: 530 5.7.0 Authentication required; the server wants a login first: give user and password"
  ],
  [
    "credentials, and no TLS to protect them",
    { ...account, tls: "none" },
    "mail.example:587: the server offers no login here; many offer it only over TLS, or on another port (587, 465)"
  ],
  [
    "the wrong password",
    { ...account, password: Redacted.make("s3cret-birds") },
    "mail.example:587: the server refused the login (AUTH PLAIN): 535 5.7.8 Authentication credentials invalid; check user and password (some providers want an app password), or fix another mechanism with authenticationMode"
  ]
]

const messages: ReadonlyArray<readonly [mistake: string, message: object, told: string]> = [
  ["no sender", { to: "bob@example.org" }, "cannot be sent: from: is missing: who sends it?"],
  ["no recipient", { from: "ann@shop.example" }, "cannot be sent: to: no recipient: to, cc and bcc hold no address"],
  ["an address without @", { ...mail, to: "bob at example.org" }, `cannot be sent: to: no "@" in the address`],
  ["one of many", { ...mail, to: ["bob@example.org", "eve"] }, `cannot be sent: to[1]: no "@" in the address`],
  [
    "a header in the subject",
    { ...mail, subject: "Hi\r\nBcc: eve@example.org" },
    "cannot be sent: subject: holds a line break, which a header field can't"
  ],
  [
    "a path for an attachment",
    { ...mail, attachments: [{ path: "bill.pdf" }] },
    "cannot be sent: attachments[0].path: reads a file: only Message.file(path) can name one, a value that no JSON can hold"
  ]
]

describe("a transporter is told", () => {
  for (const [mistake, given, expected] of options) {
    it.effect(mistake, () =>
      Effect.gen(function*() {
        const message = yield* told(given)
        assert.strictEqual(message, expected)
        assert.notInclude(message, "s3cret")
      }))
  }
})

describe("a message is told", () => {
  for (const [mistake, given, expected] of messages) {
    it.effect(mistake, () =>
      Effect.gen(function*() {
        assert.strictEqual(yield* told(account, given), expected)
      }))
  }
})
