import * as Dkim from "@colloquy/core/Dkim"
import * as Message from "@colloquy/core/Message"
import * as NodeColloquy from "@colloquy/node/NodeColloquy"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Layer, Path, Redacted, Schema } from "effect"
import { createHash, generateKeyPairSync } from "node:crypto"
import { fileURLToPath } from "node:url"
import { assertForm, octetsOf } from "../core/messageReaders.ts"
import * as Machine from "./Machine.ts"

const Platform = Layer.merge(NodeColloquy.layer, NodeServices.layer)
const python = "/usr/bin/python3"
const script = fileURLToPath(new URL("read_messages.py", import.meta.url))

const Read = Schema.Struct({
  subject: Schema.NullOr(Schema.String),
  from: Schema.Array(Schema.String),
  to: Schema.Array(Schema.String),
  messageId: Schema.NullOr(Schema.String),
  date: Schema.String,
  parts: Schema.Array(Schema.Record(Schema.String, Schema.Union([Schema.String, Schema.Number]))),
  defects: Schema.Array(Schema.String),
  dkim: Schema.optionalKey(Schema.Array(Schema.Boolean))
})

/** What Python's email package makes of each message. */
const byPython = Effect.fnUntraced(
  function*(messages: ReadonlyArray<Buffer>, records?: Readonly<Record<string, string>>) {
    yield* Machine.packages("python3", ...(records === undefined ? [] : ["python3-dkim", "python3-dnspython"]))
    const fs = yield* FileSystem.FileSystem
    const { join } = yield* Path.Path
    const folder = yield* Machine.folder("readers")
    const files = yield* Effect.forEach(messages, (octets, i) => {
      const path = join(folder, `${String(i).padStart(4, "0")}.eml`)
      return Effect.as(fs.writeFile(path, octets), path)
    })
    const dkim = join(folder, "records.json")
    yield* fs.writeFileString(dkim, JSON.stringify(records ?? {}))
    const output = yield* Machine.run(python, [script, ...(records === undefined ? [] : ["--dkim", dkim]), ...files])
    return yield* Schema.decodeEffect(Schema.Array(Schema.fromJsonString(Read)))(output.trim().split("\n"))
  }
)

const sha256 = (octets: Uint8Array) => createHash("sha256").update(octets).digest("hex")
const random = Buffer.from(Array.from({ length: 100_000 }, (_, i) => ((i * 7919) >> 3) & 255))
const mail = { from: "ann@mail.test", to: "bob@mail.test", date: "2026-11-25T12:00:00Z", messageId: "1@mail.test" }
const family = "\u{1F468}\u200D\u{1F469}\u200D\u{1F467}"

const drafts: ReadonlyArray<Message.Draft> = [
  { ...mail, subject: "Grüße 🎉", text: "Hällo\n.\nFrom here  \n\n" },
  { ...mail, subject: `${family.repeat(30)} and ${"ü".repeat(300)}`, html: `<p>${"é".repeat(2000)}</p>` },
  {
    ...mail,
    from: { name: "Ann \"A\" ü, (x) <y>", address: "ann@mail.test" },
    to: [
      "Bob B. <bob@mail.test>",
      "\"a, b\" <\"c d\"@mail.test>",
      { name: "Tëam", addresses: ["x@mail.test"] },
      "z@bücher.example"
    ],
    subject: "=?UTF-8?Q?not_encoded?=",
    text: "x",
    html: "<img src=\"cid:logo@x\">",
    calendar: { content: "BEGIN:VCALENDAR\nMETHOD:REQUEST\nEND:VCALENDAR\n" },
    list: { id: "Née <news.mail.test>", unsubscribe: ["https://mail.test/u", "mailto:u@mail.test"], oneClick: true },
    headers: { "X-Own": "wért ".repeat(50), "X-Long": "x".repeat(900) },
    keywords: ["über", "a, b"],
    attachments: [
      { name: "Übersicht der Zahlen für das Jahr 2026, ungekürzt und mit allen Anhängen.pdf", content: random },
      { name: "a \"quoted\" \\ name; with=all 'of' %41 it.bin", content: random },
      { name: "logo.png", cid: "logo@x", content: random },
      { name: "leer", content: new Uint8Array(0) },
      { name: "old.eml", content: "Subject: =?UTF-8?Q?=C3=A4lter?=\n\nHi\n" }
    ]
  },
  {
    ...mail,
    text: "日本語",
    bodyCharset: "US-ASCII_ISO-2022-JP_UTF8_QP",
    subject: "日本語",
    headerCharset: "US-ASCII_ISO-2022-JP_UTF8_QP"
  },
  { ...mail, text: "Grüße", bodyCharset: "ISO-8859-1", subject: "Grüße", headerCharset: "ISO-8859-1" },
  { ...mail, fileNames: "both", attachments: [{ name: "Übersicht.pdf", content: random }] }
]

describe("Python's email package, by its strict policy", () => {
  it.live("reads what was meant, and finds no defect", () =>
    Effect.gen(function*() {
      const messages = yield* Effect.forEach(drafts, (draft) => Effect.flatMap(Message.compose(draft), octetsOf))
      messages.forEach((message) => assertForm(message))
      const read = yield* byPython(messages)
      assert.deepStrictEqual(read.slice(0, -1).flatMap(({ defects }) => defects), [])
      // what old clients read is no standard
      assert.deepStrictEqual(read.at(-1)?.defects, [
        "Content-Type: InvalidHeaderDefect",
        "Content-Type: InvalidHeaderDefect"
      ])
      assert.deepStrictEqual(read.map(({ subject }) => subject), drafts.map(({ subject }) => subject ?? null))
      for (const { date, messageId } of read) {
        assert.deepStrictEqual([date, messageId], ["2026-11-25T12:00:00+00:00", "<1@mail.test>"])
      }
      const [text, long, full, japanese, latin, both] = read
      assert.deepStrictEqual(text?.parts, [{ type: "text/plain", text: "Hällo\r\n.\r\nFrom here  \r\n\r\n\r\n" }])
      assert.deepStrictEqual(long?.parts, [{ type: "text/html", text: `<p>${"é".repeat(2000)}</p>` }])
      assert.deepStrictEqual(japanese?.parts, [{ type: "text/plain", text: "日本語\r\n" }])
      assert.deepStrictEqual(latin?.parts, [{ type: "text/plain", text: "Grüße\r\n" }])
      assert.strictEqual(both?.parts.at(-1)?.["name"], "Übersicht.pdf")
      assert.deepStrictEqual(full?.from, ["Ann \"A\" ü, (x) <y>|ann@mail.test"])
      assert.deepStrictEqual(full?.to, [
        "Bob B.|bob@mail.test",
        "a, b|\"c d\"@mail.test",
        "|x@mail.test",
        "|z@xn--bcher-kva.example"
      ])
      const file = { size: random.length, sha256: sha256(random) }
      assert.deepStrictEqual(full?.parts, [
        { type: "multipart/mixed" },
        { type: "multipart/alternative" },
        { type: "text/plain", text: "x" },
        { type: "multipart/related" },
        { type: "text/html", text: "<img src=\"cid:logo@x\">" },
        { type: "image/png", name: "logo.png", cid: "<logo@x>", ...file },
        { type: "text/calendar", text: "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n" },
        {
          type: "application/pdf",
          name: "Übersicht der Zahlen für das Jahr 2026, ungekürzt und mit allen Anhängen.pdf",
          ...file
        },
        { type: "application/octet-stream", name: "a \"quoted\" \\ name; with=all 'of' %41 it.bin", ...file },
        { type: "application/octet-stream", name: "leer", size: 0, sha256: sha256(Buffer.alloc(0)) },
        { type: "message/rfc822", name: "old.eml", inner: "älter" },
        { type: "text/plain", text: "Hi\r\n" },
        {
          type: "application/ics",
          name: "invite.ics",
          size: 48,
          sha256: sha256(Buffer.from("BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n"))
        }
      ])
    }).pipe(Effect.scoped, Effect.provide(Platform)))
})

describe("dkimpy", () => {
  it.live("verifies what we sign", () =>
    Effect.gen(function*() {
      const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 })
      const ed25519 = generateKeyPairSync("ed25519")
      const pem = (key: typeof rsa.privateKey) => Redacted.make(key.export({ type: "pkcs8", format: "pem" }).toString())
      const spki = (key: typeof rsa.publicKey) => key.export({ type: "spki", format: "der" })
      const dkim = yield* Effect.all([
        Dkim.make({ domain: "mail.test", selector: "rsa", privateKey: pem(rsa.privateKey) }),
        Dkim.make({
          domain: "mail.test",
          selector: "simple",
          privateKey: pem(rsa.privateKey),
          headerCanonicalization: "simple",
          bodyCanonicalization: "simple"
        }),
        Dkim.make({ domain: "mail.test", selector: "ed", privateKey: pem(ed25519.privateKey) })
      ])
      const records = {
        "rsa._domainkey.mail.test": `v=DKIM1; k=rsa; p=${spki(rsa.publicKey).toString("base64")}`,
        "simple._domainkey.mail.test": `v=DKIM1; k=rsa; p=${spki(rsa.publicKey).toString("base64")}`,
        "ed._domainkey.mail.test": `v=DKIM1; k=ed25519; p=${spki(ed25519.publicKey).subarray(-32).toString("base64")}`
      }
      const messages = yield* Effect.forEach(drafts, (draft) =>
        Effect.flatMap(Message.compose(draft, { dkim }), octetsOf))
      const read = yield* byPython(messages, records)
      assert.deepStrictEqual(
        read.map((one) =>
          one.dkim
        ),
        drafts.map(() => [true, true, true])
      )
    }).pipe(Effect.scoped, Effect.provide(Platform)), 300_000)
})
