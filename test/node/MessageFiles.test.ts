import * as Dkim from "@colloquy/core/Dkim"
import * as Message from "@colloquy/core/Message"
import * as NodeColloquy from "@colloquy/node/NodeColloquy"
import * as NodeDkim from "@colloquy/node/NodeDkim"
import * as NodeMediaTypes from "@colloquy/node/NodeMediaTypes"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Layer, Path, Redacted, Stream } from "effect"
import { generateKeyPairSync } from "node:crypto"
import { assertForm, byMailparser, octetsOf } from "../core/messageReaders.ts"

const Platform = Layer.mergeAll(NodeColloquy.layer, NodeMediaTypes.layer, NodeDkim.layer)
const mail = { from: "ann@mail.test", to: "bob@mail.test" }

/** Files by name, in a folder that is removed at the end; returns their paths. */
const folder = Effect.fnUntraced(function*(files: Readonly<Record<string, string | Uint8Array>>) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const root = yield* fs.makeTempDirectoryScoped()
  for (const [name, content] of Object.entries(files)) {
    yield* fs.makeDirectory(path.dirname(path.join(root, name)), { recursive: true })
    yield* fs.writeFile(
      path.join(root, name),
      typeof content === "string" ? new TextEncoder().encode(content) : content
    )
  }
  return { at: (name: string) => path.join(root, name), fs, root }
})
const octets = (draft: Message.Draft) => Effect.flatMap(Message.compose(draft), octetsOf)

const refusalOf = (path: string) =>
  Effect.map(
    Effect.flip(Message.prepare({ ...mail, attachments: [{ content: "" }, Message.file(path)] })),
    ({ field, input, problem }) => [field, problem, input]
  )
const failureOf = (source: Message.AttachmentSource) =>
  Message.compose({ ...mail, attachments: [source] }).pipe(
    Effect.flatMap(({ content }) => Effect.flip(Stream.runDrain(content))),
    Effect.map(({ problem }) => problem)
  )
describe("a file", () => {
  it.effect("is attached by its name, its type by the full table, its size known ahead", () =>
    Effect.gen(function*() {
      const content = Buffer.from(Array.from({ length: 300_001 }, (_, i) => (i * 31) & 255))
      const { at } = yield* folder({ "Bericht über 2026.kml": content, "leer.bin": "" })
      const composed = yield* Message.compose({
        ...mail,
        text: "x",
        attachments: [Message.file(at("Bericht über 2026.kml")), Message.file(at("leer.bin"), { name: "other.pdf" })]
      })
      assert.isNumber(composed.size)
      const message = yield* octetsOf(composed)
      assertForm(message)
      const read = yield* byMailparser(message)
      assert.deepStrictEqual(read.attachments, [
        { name: "Bericht über 2026.kml", type: "application/vnd.google-earth.kml+xml", cid: undefined, content },
        { name: "other.pdf", type: "application/pdf", cid: undefined, content: Buffer.alloc(0) }
      ])
      assert.isTrue(message.equals(yield* octetsOf(composed)), "not the same when read again")
    }).pipe(Effect.provide(Platform)))

  it.effect("fails before anything is sent where it is missing, none, or not to be read", () =>
    Effect.gen(function*() {
      const { at, root } = yield* folder({})
      assert.deepStrictEqual(yield* refusalOf(at("missing")), ["attachments[1]", "no such file", at("missing")])
      assert.deepStrictEqual(yield* refusalOf(root), ["attachments[1]", "is no regular file but a Directory", root])
      assert.deepStrictEqual(yield* refusalOf("/dev/null"), [
        "attachments[1]",
        "is no regular file but a CharacterDevice",
        "/dev/null"
      ])
    }).pipe(Effect.provide(Platform)))

  it.effect("fails its content where it shrinks or grows while the message travels", () =>
    Effect.gen(function*() {
      const { at, fs } = yield* folder({ shrinks: "0123456789", grows: "0123456789" })
      const shrinks = yield* Message.compose({ ...mail, attachments: [Message.file(at("shrinks"))] })
      const grows = yield* Message.compose({ ...mail, attachments: [Message.file(at("grows"))] })
      yield* fs.writeFileString(at("shrinks"), "01234")
      yield* fs.writeFileString(at("grows"), "0123456789a")
      const problems = yield* Effect.forEach([shrinks, grows], ({ content }) => Effect.flip(Stream.runDrain(content)))
      assert.deepStrictEqual(problems.map(({ problem }) => problem), [
        "the file changed while it was read: it ended after 5 of 10 octets",
        "the file changed while it was read: it gave more octets than the 10 that were announced"
      ])
    }).pipe(Effect.provide(Platform)))

  it.effect("that is a message is forwarded as it is, its lines made right", () =>
    Effect.gen(function*() {
      const { at } = yield* folder({
        "old.eml": "Subject: old\n\nHello\n",
        "eight.eml": "Subject: old\r\n\r\nHällo\r\n",
        "long.eml": `Subject: old\r\n\r\n${"x".repeat(999)}\r\n`
      })
      const composed = yield* Message.compose({ ...mail, attachments: [Message.file(at("old.eml"))] })
      assert.isNumber(composed.size)
      assert.include(
        (yield* octetsOf(composed)).toString(),
        "Content-Type: message/rfc822\r\nContent-Disposition: attachment; filename=old.eml\r\n"
          + "Content-Transfer-Encoding: 7bit\r\n\r\nSubject: old\r\n\r\nHello\r\n\r\n--"
      )
      const eight = yield* Message.prepare({ ...mail, attachments: [Message.file(at("eight.eml"))] })
      const light = yield* eight.render({ eightBitMime: true, smtpUtf8: false, binaryMime: false })
      assert.strictEqual(light.body, "8BITMIME")
      assertForm(yield* octetsOf(light), { eightBit: true })
      const converted = yield* eight.render({ eightBitMime: false, smtpUtf8: false, binaryMime: false })
      assert.include(
        (yield* octetsOf(converted)).toString(),
        "Content-Transfer-Encoding: quoted-printable\r\n\r\nH=C3=A4llo\r\n"
      )
      const long = yield* Effect.flip(Message.compose({ ...mail, attachments: [Message.file(at("long.eml"))] }))
      assert.strictEqual(long.problem, "holds a line of 999 octets, and may not be encoded: 998 is the limit")
    }).pipe(Effect.provide(Platform)))

  it.effect("of a hundred megabytes is composed and signed in a few", () =>
    Effect.gen(function*() {
      const { at, fs } = yield* folder({})
      const size = 100 * 1024 * 1024
      yield* Effect.scoped(Effect.flatMap(fs.open(at("large"), { flag: "w" }), (file) => file.truncate(size)))
      const { privateKey } = generateKeyPairSync("ed25519")
      const dkim = yield* Dkim.make({
        domain: "mail.test",
        selector: "s",
        privateKey: Redacted.make(privateKey.export({ type: "pkcs8", format: "pem" }).toString())
      })
      const composed = yield* Message.compose({ ...mail, attachments: [Message.file(at("large"))], dkim })
      const before = process.memoryUsage().rss
      let most = 0
      let octets = 0
      yield* Stream.runForEach(composed.content, (chunk) =>
        Effect.sync(() => {
          octets += chunk.length
          most = Math.max(most, process.memoryUsage.rss())
        }))
      assert.strictEqual(octets, composed.size)
      assert.isBelow((most - before) / 1024 / 1024, 60)
    }).pipe(Effect.provide(Platform)), 60_000)
})

describe("a stream", () => {
  const chunks = Stream.make(new Uint8Array([1, 2, 3]), new Uint8Array(0), new Uint8Array([4]))
  it.effect("is attached, its size known where it was given", () =>
    Effect.gen(function*() {
      const known = yield* Message.compose({
        ...mail,
        attachments: [Message.stream(chunks, { name: "a.bin", size: 4 })]
      })
      const unknown = yield* Message.compose({ ...mail, attachments: [Message.stream(chunks, { name: "a.bin" })] })
      assert.isNumber(known.size)
      assert.isUndefined(unknown.size)
      for (const composed of [known, unknown]) {
        const [file] = (yield* byMailparser(yield* octetsOf(composed))).attachments
        assert.deepStrictEqual(file?.content, Buffer.from([1, 2, 3, 4]))
      }
    }).pipe(Effect.provide(Platform)))

  it.effect("that fails, or gives more or fewer octets than announced, fails the content", () =>
    Effect.gen(function*() {
      assert.strictEqual(
        yield* failureOf(Message.stream(Stream.concat(chunks, Stream.fail("gone")))),
        "the stream failed: gone"
      )
      assert.strictEqual(yield* failureOf(Message.stream(chunks, { size: 5 })), "the stream ended after 4 of 5 octets")
      assert.strictEqual(
        yield* failureOf(Message.stream(chunks, { size: 3 })),
        "the stream gave more octets than the 3 that were announced"
      )
    }).pipe(Effect.provide(Platform)))
})

describe("an HTML file", () => {
  const png = new Uint8Array([137, 80, 78, 71, 1])
  const gif = new Uint8Array([71, 73, 70])
  const html = [
    "<body background='img/b%20g.gif' style=\"background: url('img/b%20g.gif')\">",
    "<img src=\"img/a.png?v=2\"><IMG SRC=\"./img/a.png\">",
    "<img src=\"https://mail.test/x.png\"><img src=\"cid:own\"><img src=\"data:image/gif;base64,R0\">"
  ].join("\n")

  it.effect("takes its local pictures along, each once", () =>
    Effect.gen(function*() {
      const { at } = yield* folder({ "page/mail.html": html, "page/img/a.png": png, "page/img/b g.gif": gif })
      const message = yield* octets({
        ...mail,
        text: "x",
        html: Message.htmlFile(at("page/mail.html"), { images: [at("page/img")] })
      })
      assertForm(message)
      const read = yield* byMailparser(message)
      const [first, second] = read.attachments
      assert.deepStrictEqual(read.attachments.map(({ content, name, type }) => [name, type, content]), [
        ["b g.gif", "image/gif", Buffer.from(gif)],
        ["a.png", "image/png", Buffer.from(png)]
      ])
      assert.strictEqual(
        read.html,
        [
          `<body background="cid:${first?.cid}" style="background: url(cid:${first?.cid})">`,
          `<img src="cid:${second?.cid}"><IMG SRC="cid:${second?.cid}">`,
          "<img src=\"https://mail.test/x.png\"><img src=\"cid:own\"><img src=\"data:image/gif;base64,R0\">"
        ].join("\n")
      )
    }).pipe(Effect.provide(Platform)))

  it.effect("stays as it is where no folder is named", () =>
    Effect.gen(function*() {
      const { at } = yield* folder({ "mail.html": html })
      const read = yield* byMailparser(yield* octets({ ...mail, html: Message.htmlFile(at("mail.html")) }))
      assert.deepStrictEqual([read.html?.trimEnd(), read.attachments], [html, []])
    }).pipe(Effect.provide(Platform)))

  const refused: ReadonlyArray<readonly [name: string, html: string, problem: string]> = [
    ["outside", "<img src=\"../secret.png\">", "names a picture outside of the folders that may be read"],
    ["outside, absolute", "<img src=\"/etc/passwd\">", "names a picture outside of the folders that may be read"],
    [
      "outside, encoded",
      "<img src=\"img/%2e%2e/%2e%2e/secret.png\">",
      "names a picture outside of the folders that may be read"
    ],
    ["outside by a link", "<img src=\"img/link.png\">", "names a picture outside of the folders that may be read"],
    ["that is missing", "<img src=\"img/missing.png\">", "no such file"],
    ["that is a folder", "<img src=\"img/sub\">", "is no regular file but a Directory"]
  ]
  it.effect.each(refused)(
    "fails before anything is sent where it names a picture %s",
    ([, content, problem]) =>
      Effect.gen(function*() {
        const { at, fs } = yield* folder({ "page/mail.html": content, "page/img/sub/a.png": png, "secret.png": png })
        yield* fs.symlink(at("secret.png"), at("page/img/link.png"))
        const error = yield* Effect.flip(
          Message.prepare({ ...mail, html: Message.htmlFile(at("page/mail.html"), { images: [at("page/img")] }) })
        )
        assert.strictEqual(error.problem, problem)
      }).pipe(Effect.provide(Platform))
  )
})
