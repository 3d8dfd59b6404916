import * as Dkim from "@colloquy/core/Dkim"
import * as LogText from "@colloquy/core/LogText"
import * as Message from "@colloquy/core/Message"
import * as SmtpLog from "@colloquy/core/SmtpLog"
import { CaptureServer, TestPlatform } from "@colloquy/core/testing"
import * as Transporter from "@colloquy/core/Transporter"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted, Stream } from "effect"
import { generateKeyPairSync } from "node:crypto"

const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 })
const pem = String(privateKey.export({ type: "pkcs8", format: "pem" }))
const record = `v=DKIM1; p=${publicKey.export({ type: "spki", format: "der" }).toString("base64")}`

const server = { host: "mail.test", tls: "none", name: "client.test" } as const
const mail = { from: "ann@mail.test", to: "bob@mail.test", subject: "Grüße", text: "Hi" }
const Memory = Layer.mergeAll(CaptureServer.layerMemory(), SmtpLog.layerNone, TestPlatform.layer)

const received = (options: Transporter.Options) =>
  Effect.scoped(Effect.gen(function*() {
    const transporter = yield* Transporter.make({ ...server, ...options })
    yield* transporter.send(mail)
    return yield* CaptureServer.CaptureServer.use((capture) => capture.take)
  })).pipe(Effect.provide(Memory))

const refused = (options: Transporter.Options) =>
  Effect.scoped(Transporter.make({ ...server, ...options })).pipe(Effect.flip, Effect.provide(Memory))

describe("a transporter that signs", () => {
  it.effect("puts a DKIM signature on what it composes, and it passes", () =>
    Effect.gen(function*() {
      const { content } = yield* received({
        dkim: { domain: "mail.test", selector: "s1", privateKey: Redacted.make(pem) }
      })
      const verified = yield* Dkim.verify(content, {
        keys: (name) => Effect.succeed(name === "s1._domainkey.mail.test" ? [record] : [])
      }).pipe(Effect.provide(TestPlatform.layer))
      assert.deepStrictEqual(verified.map(({ domain, result, selector }) => [domain, selector, result]), [
        ["mail.test", "s1", "pass"]
      ])
    }))

  it.effect("is told when it is built that a key is none, and nothing of the key", () =>
    Effect.gen(function*() {
      const error = yield* refused({
        dkim: { domain: "mail.test", selector: "s1", privateKey: Redacted.make("no key at all") }
      })
      assert.strictEqual(error._tag === "SmtpError" ? error.reason._tag : "", "InvalidConfiguration")
      assert.include(error.message, "the option dkim cannot be used: dkim.privateKey")
      assert.notInclude(`${error.message}${JSON.stringify(error)}`, "no key at all")
    }))

  it.effect("needs the platform's signer for a certificate", () =>
    Effect.gen(function*() {
      const error = yield* refused({ certificate: Redacted.make(pem) })
      assert.include(error.message, "the option certificate cannot be used: this platform has no S/MIME signer")
    }))
})

describe("a transporter's charsets", () => {
  it.effect("hold where the message does not say", () =>
    Effect.gen(function*() {
      const { text } = yield* received({ headerCharset: "ISO-8859-1" })
      assert.include(text, "Subject: =?ISO-8859-1?Q?Gr=FC=DFe?=")
    }))
})

describe("raw content that is signed already", () => {
  it.effect("is noted in the log where its line ends had to be made right", () =>
    Effect.gen(function*() {
      const message =
        "DKIM-Signature: v=1; a=rsa-sha256; d=mail.test; s=s1; h=from; bh=; b=\nFrom: ann@mail.test\n\nHi\n"
      const raw = yield* Message.raw(
        { from: "ann@mail.test", to: ["bob@mail.test"] },
        Stream.make(new TextEncoder().encode(message))
      )
      yield* Effect.scoped(Effect.flatMap(Transporter.make(server), (transporter) => transporter.send(raw)))
      const events = yield* SmtpLog.LogMemory.use((log) => log.events)
      assert.include(
        LogText.format(events, { columns: "statement" }),
        "the content has a DKIM-Signature, and line ends that were not CRLF"
      )
    }).pipe(Effect.provide(Layer.mergeAll(CaptureServer.layerMemory(), SmtpLog.layerMemory, TestPlatform.layer))))
})

describe("a field that a caller sets", () => {
  it.effect("does not switch the repair of line ends off", () =>
    Effect.gen(function*() {
      const octets = new TextEncoder().encode("Subject: Hi\n\nHi\n.\nMAIL FROM:<eve@mail.test>\n")
      const forged = {
        envelope: { from: "ann@mail.test", to: ["bob@mail.test"] as const },
        size: octets.length,
        content: Stream.make(octets),
        chunks: [octets],
        clean: true
      }
      yield* Effect.scoped(Effect.flatMap(Transporter.make(server), (transporter) => transporter.send(forged)))
      const { text } = yield* CaptureServer.CaptureServer.use((capture) => capture.take)
      assert.strictEqual(text, "Subject: Hi\r\n\r\nHi\r\n.\r\nMAIL FROM:<eve@mail.test>\r\n")
    }).pipe(Effect.provide(Memory)))
})
