import { LogText, SmtpLog } from "@colloquy/core"
import { Script, TestPlatform } from "@colloquy/core/testing"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { createHash, createHmac, pbkdf2Sync } from "node:crypto"
import { program } from "./typedDialogue.ts"

const base64 = (text: string | Uint8Array) => Buffer.from(text).toString("base64")
const text = (line: string) => Buffer.from(line.slice(line.lastIndexOf(" ") + 1), "base64").toString("utf8")

const hmac = (key: Uint8Array, data: string) => createHmac("sha256", key).update(data).digest()

/** The server's side of SCRAM-SHA-256 (RFC 5802 §3) for one who knows the password. */
const scram = (password: string) => {
  const salt = Buffer.from("salt of the earth")
  const salted = pbkdf2Sync(password, salt, 4096, 32, "sha256")
  let clientFirst = ""
  let serverFirst = ""
  const first = (line: string) => {
    clientFirst = text(line).replace(/^n,,/, "")
    serverFirst = `${/r=.*/.exec(clientFirst)?.[0]}ServerNonce,s=${base64(salt)},i=4096`
    return [`334 ${base64(serverFirst)}`]
  }
  const final = (line: string) => {
    const [, withoutProof = "", proof = ""] = /^(.*),p=(.*)$/.exec(text(line)) ?? []
    const said = `${clientFirst},${serverFirst},${withoutProof}`
    const clientKey = hmac(salted, "Client Key")
    const signature = hmac(createHash("sha256").update(clientKey).digest(), said)
    return proof === base64(clientKey.map((octet, at) => octet ^ (signature[at] ?? 0)))
      ? [`334 ${base64(`v=${base64(hmac(hmac(salted, "Server Key"), said))}`)}`]
      : ["535 5.7.8 No"]
  }
  return [
    Script.onWith(/^AUTH SCRAM-SHA-256 /, first),
    Script.onWith(/^[A-Za-z0-9+/=]+$/, final),
    Script.on("", "235 2.7.0 Welcome")
  ]
}

const on = (...script: ReadonlyArray<Script.Step>) =>
  Layer.mergeAll(
    Script.layer([
      Script.greet("220 mail.example ESMTP"),
      Script.on("EHLO client.example", "250-mail.example", "250 STARTTLS"),
      Script.on("STARTTLS", "220 2.0.0 Go ahead"),
      Script.startTls,
      Script.on("EHLO client.example", "250-mail.example", "250-SIZE 1000000", "250 AUTH SCRAM-SHA-256"),
      ...scram("..."), // "…", prepared (RFC 4013)
      Script.on("MAIL FROM:<ann@mail.example>", "250 2.1.0 Ok"),
      ...script
    ], { chunks: "byte" }),
    SmtpLog.layerMemory,
    TestPlatform.layer
  )

/** From the login on. */
const statements = Effect.gen(function*() {
  const events = yield* SmtpLog.LogMemory.use((log) => log.events)
  const lines = LogText.format(events, { columns: "statement" }).split("\n")
  return lines.slice(lines.findIndex((line) => line.startsWith("C > \"AUTH")))
    .map((line) => line.replace(/(?<=334 )[A-Za-z0-9+/=]+/, "…"))
})
const login = [
  `C > "AUTH SCRAM-SHA-256 ********************************"`,
  // the challenge holds no secret, and its nonces are new each time
  `S < "334 …"`,
  `C > "********************************"`,
  `S < "334 ********************************"`,
  `C > ""`,
  `S < "235 2.7.0 Welcome"`,
  `C > "MAIL FROM:<ann@mail.example>"`,
  `S < "250 2.1.0 Ok"`,
  `C > "RCPT TO:<bob@mail.example>"`
]

describe("a dialogue of one's own", () => {
  it.effect("goes through every phase", () =>
    Effect.gen(function*() {
      yield* program
      assert.deepStrictEqual(yield* statements, [
        ...login,
        `S < "250 2.1.5 Ok"`,
        `C > "DATA"`,
        `S < "354 Go ahead"`,
        `### SMTP Content sent. (19 octets, 3 lines)`,
        `S < "250 2.0.0 Ok: queued as 1"`,
        `C > "QUIT"`,
        `S < "221 2.0.0 Bye"`,
        `### SMTP Connection closed. (client)`
      ])
      yield* Script.ScriptServer.use((server) => server.assertFinished)
    }).pipe(Effect.provide(on(
      Script.on("RCPT TO:<bob@mail.example>", "250 2.1.5 Ok"),
      Script.on("DATA", "354 Go ahead"),
      Script.content("250 2.0.0 Ok: queued as 1"),
      Script.bye
    ))))

  it.effect("gives the transaction up where the recipient is refused", () =>
    Effect.gen(function*() {
      const ready = yield* program
      assert.strictEqual(ready?._tag, "Authenticated")
      assert.deepStrictEqual(yield* statements, [
        ...login,
        `S < "550 5.1.1 No such user"`,
        `C > "RSET"`,
        `S < "250 2.0.0 Ok"`,
        `### SMTP Connection closed. (client)`
      ])
      yield* Script.ScriptServer.use((server) => server.assertFinished)
    }).pipe(Effect.provide(on(
      Script.on("RCPT TO:<bob@mail.example>", "550 5.1.1 No such user"),
      Script.on("RSET", "250 2.0.0 Ok"),
      Script.expectEnd
    ))))
})
