import * as Message from "@colloquy/core/Message"
import { TestPlatform } from "@colloquy/core/testing"
import * as NodeMimeParser from "@colloquy/node/NodeMimeParser"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { byMailparser, octetsOf } from "../core/messageReaders.ts"

const Platform = Layer.mergeAll(TestPlatform.layer, NodeMimeParser.layer)
const compose = (draft: Message.Draft) => Effect.flatMap(Message.compose(draft), octetsOf)

const draft: Message.Draft = {
  from: { name: "Ann ü", address: "ann@mail.test" },
  to: ["Bob <bob@mail.test>", { name: "Team", addresses: ["x@mail.test"] }],
  replyTo: "desk@mail.test",
  subject: "Grüße 🎉",
  text: "Hällo\nBob\n",
  html: "<p>Hi <img src=\"cid:logo@x\"></p>",
  inReplyTo: "<1@mail.test>",
  references: ["<0@mail.test>", "<1@mail.test>"],
  list: { id: "news.mail.test", unsubscribe: "https://mail.test/u", oneClick: true },
  headers: { "X-Own": "Wért", "X-Many": ["1", "2"] },
  calendar: { content: "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR" },
  attachments: [
    { name: "a.bin", content: new Uint8Array([0, 255, 10, 13]) },
    { name: "logo.png", cid: "logo@x", content: new Uint8Array([1]) }
  ]
}

const fields = (message: Buffer) =>
  message.toString().split("\r\n\r\n")[0]?.split("\r\n").toSorted()
    .filter((line) => !/^(?:Message-ID|Date|Content-Type):|^ boundary/.test(line))
const idOf = (message: Buffer) => /Message-ID: (.*)\r\n/.exec(message.toString())?.[1]

describe("Message.fromMime", () => {
  it.effect("reads a message that says the same when it is sent again", () =>
    Effect.gen(function*() {
      const first = yield* compose(draft)
      const read = yield* Message.fromMime(first)
      const second = yield* compose(read)
      const [one, other] = yield* Effect.all([byMailparser(first), byMailparser(second)])
      assert.deepStrictEqual({ ...other, attachments: [] }, { ...one, attachments: [] })
      const files = (mail: typeof one) => new Map(mail.attachments.map((file) => [`${file.name} ${file.type}`, file]))
      assert.deepStrictEqual(files(other), files(one))
      assert.deepStrictEqual(fields(second), fields(first))
      assert.notStrictEqual(idOf(second), idOf(first))
      const kept = yield* compose(yield* Message.fromMime(first, { identity: "keep" }))
      assert.strictEqual(idOf(kept), idOf(first))
    }).pipe(Effect.provide(Platform)))

  it.effect("makes a template: another recipient, another subject", () =>
    Effect.gen(function*() {
      const template = yield* Message.fromMime(
        "Received: from x by y; Mon, 1 Jan 2024 00:00:00 +0000\nDKIM-Signature: v=1\nFrom: ann@mail.test\n"
          + "To: nobody@mail.test\nSubject: TEMPLATE\nX-Campaign: 7\nBcc: hidden@mail.test\n\nHello\n"
      )
      assert.deepStrictEqual(template, {
        from: [{ address: "ann@mail.test" }],
        to: [{ address: "nobody@mail.test" }],
        bcc: [{ address: "hidden@mail.test" }],
        subject: "TEMPLATE",
        text: "Hello",
        headers: [{ name: "X-Campaign", value: "7" }],
        attachments: []
      })
      const message = (yield* compose({ ...template, to: "bob@mail.test", subject: "Hi Bob" })).toString()
      assert.include(message, "To: bob@mail.test\r\nSubject: Hi Bob\r\n")
      assert.notInclude(message, "hidden")
      assert.notInclude(message, "Received")
    }).pipe(Effect.provide(Platform)))

  it.effect("is an error where a message is nested without end", () =>
    Effect.gen(function*() {
      const nested = Array.from({ length: 500 }, (_, i) => `Content-Type: multipart/mixed; boundary=b${i}\n\n--b${i}\n`)
        .join("")
      const error = yield* Effect.flip(Message.fromMime(nested))
      assert.strictEqual(error.message, "message: could not be read: it is nested too deep, or its header is too large")
    }).pipe(Effect.provide(Platform)))
})
