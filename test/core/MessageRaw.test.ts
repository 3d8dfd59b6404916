import * as Message from "@colloquy/core/Message"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema, Stream } from "effect"
import { octetsOf } from "./messageReaders.ts"

const given = { from: "ann@mail.test", to: ["bob@mail.test"] } as const
const envelope = { from: given.from, to: [given.to[0]] } as const
const text = (composed: Message.Composed) => Effect.map(octetsOf(composed), (octets) => octets.toString())
const streamed = (content: string, size = 1) =>
  Stream.fromIterable(
    Array.from({ length: Math.ceil(content.length / size) }, (_, i) =>
      Buffer.from(content.slice(i * size, (i + 1) * size)))
  )

const header = [
  "Received: from x by y;",
  "\tMon, 1 Jan 2024 00:00:00 +0000",
  "From: =?UTF-8?Q?Ann_=C3=BC?= <ann@mail.test>",
  "Sender: secretary@mail.test",
  "To: Bob <bob@mail.test>, \"C, D\"",
  " <carla@mail.test>",
  "cc: Team: x@mail.test, y@mail.test;",
  "BCC: hidden@mail.test,",
  "  deeper@mail.test",
  "Subject: Hi",
  "bcc: again@mail.test",
  "Message-ID: <1@mail.test>"
]
const message = [...header, "", "Bcc: this is body", ".", ""].join("\r\n")

describe("Message.raw", () => {
  it.effect("takes the envelope from the header section, and Bcc out of it", () =>
    Effect.gen(function*() {
      for (const lineEnd of ["\r\n", "\n", "\r"]) {
        const content = message.replaceAll("\r\n", lineEnd)
        for (const source of [content, Buffer.from(content), streamed(content), streamed(content, 7)]) {
          const composed = yield* Message.raw(undefined, source)
          assert.deepStrictEqual(composed.envelope, {
            from: "secretary@mail.test",
            to: [
              "bob@mail.test",
              "carla@mail.test",
              "x@mail.test",
              "y@mail.test",
              "hidden@mail.test",
              "deeper@mail.test",
              "again@mail.test"
            ]
          })
          assert.strictEqual(composed.messageId, "<1@mail.test>")
          assert.strictEqual(
            yield* text(composed),
            [...header.slice(0, 7), "Subject: Hi", "Message-ID: <1@mail.test>", "", "Bcc: this is body", ".", ""].join(
              lineEnd
            )
          )
        }
      }
    }))

  it.effect("refuses Bcc where the envelope was given, unless it is told what to do", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Message.raw(envelope, message))
      assert.strictEqual(
        error.message,
        "bcc: the header section holds Bcc, and the envelope was given: take it out, or say what to do (bcc: \"remove\" or \"keep\")"
      )
      const removed = yield* Message.raw(envelope, message, { bcc: "remove" })
      assert.notInclude(yield* text(removed), "hidden")
      const kept = yield* Message.raw(envelope, message, { bcc: "keep" })
      assert.strictEqual(yield* text(kept), message)
      assert.deepStrictEqual(kept.warnings, ["The header section holds Bcc, and every recipient can read it."])
    }))

  it.effect("leaves the rest as it is, and says what it needs of the server", () =>
    Effect.gen(function*() {
      const content = "From: a@b.test\nSubject: ü\n\n\xE4\r\n"
      const composed = yield* Message.raw(envelope, Buffer.from(content, "latin1"))
      assert.strictEqual((yield* octetsOf(composed)).toString("latin1"), content)
      assert.deepStrictEqual([composed.body, composed.smtpUtf8, composed.size], [
        "8BITMIME",
        true,
        30
      ])
      const ascii = yield* Message.raw(envelope, "Subject: u\r\n\r\nHi\r\n")
      assert.deepStrictEqual([ascii.body, ascii.smtpUtf8], ["7BIT", false])
      const unknown = yield* Message.raw(envelope, streamed("Subject: u\r\n\r\nHi\r\n"))
      assert.deepStrictEqual([unknown.body, unknown.size], [undefined, undefined])
      const sized = yield* Message.raw(undefined, streamed(message), { size: message.length })
      assert.strictEqual(sized.size, (yield* octetsOf(sized)).length)
    }))

  it.effect("warns where making line ends right may break a signature", () =>
    Effect.gen(function*() {
      const signed = "DKIM-Signature: v=1\nSubject: u\n\nHi\n"
      assert.deepStrictEqual((yield* Message.raw(envelope, signed)).warnings, [
        "The content has a DKIM-Signature, and line ends that are not CRLF: making them right may break the signature."
      ])
      assert.deepStrictEqual((yield* Message.raw(envelope, signed.replaceAll("\n", "\r\n"))).warnings, [])
    }))

  const refused: ReadonlyArray<readonly [name: string, content: string, said: string]> = [
    ["no sender", "To: a@b.test\n\n", "from: is missing in the header section, and no envelope was given"],
    [
      "no recipient",
      "From: a@b.test\n\n",
      "to: no recipient: the header section names none, and no envelope was given"
    ],
    ["an address that is none", "From: a@b.test\nTo: <x\n\n", "to: no \"@\" in the address"],
    [
      "fields of another journey",
      "Resent-To: c@d.test\nFrom: a@b.test\nTo: x@y.test\n\n",
      "envelope: must be given: the header section holds Resent- fields, so it doesn't say clearly who gets this copy"
    ],
    [
      "a header section without end",
      `X: ${"x".repeat(1024 * 1024)}`,
      "content: the header section has no end within 1048576 octets"
    ]
  ]
  it.effect.each(refused)(
    "refuses %s",
    ([, content, said]) =>
      Effect.map(
        Effect.flip(Message.raw(undefined, streamed(content, 64 * 1024))),
        (error) => assert.strictEqual(`${error.field}: ${error.problem}`, said)
      )
  )

  it.effect("fails where its stream does", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(
        Message.raw(envelope, Stream.concat(streamed("Subject: u\n"), Stream.fail("gone")))
      )
      assert.strictEqual(error.message, "content: the stream failed: gone")
    }))

  const Piece = Schema.Literals([
    "\r",
    "\n",
    "\r\n",
    "a",
    "Bcc",
    ":",
    " ",
    "x@y.test",
    "\t",
    "From: a@b.test\n",
    "To: c@d.test\n"
  ])
  it.effect.prop(
    "is the same from memory and from a stream, and never changes a body",
    { pieces: Schema.Array(Piece) },
    ({ pieces }) =>
      Effect.gen(function*() {
        const content = pieces.join("")
        const options = { bcc: "remove" } as const
        const memory = yield* octetsOf(yield* Message.raw(envelope, content, options))
        const stream = yield* octetsOf(yield* Message.raw(envelope, streamed(content), options))
        assert.strictEqual(stream.toString(), memory.toString())
        const body = /(?:^|\r\n|\r(?!\n)|\n)(?:\r\n|\r|\n)([^]*)$/
        const whole = body.exec(content)
        if (whole !== null) assert.isTrue(memory.toString().endsWith(whole[1] ?? ""))
        else assert.isAtMost(memory.length, content.length)
      })
  )
})
