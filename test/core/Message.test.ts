import * as Message from "@colloquy/core/Message"
import type { MessageError } from "@colloquy/core/MessageError"
import { TestPlatform } from "@colloquy/core/testing"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema, Stream } from "effect"
import { SecureRandom } from "effect/crypto"
import { TestClock } from "effect/testing"
import { assertForm, byMailparser, byPostalMime, octetsOf } from "./messageReaders.ts"

const mail = { from: "Ann <ann@mail.test>", to: "bob@mail.test" }
const everything: Message.Offers = { eightBitMime: true, smtpUtf8: true, binaryMime: true }

const compose = (draft: Message.Draft) => Effect.provide(Message.compose(draft), TestPlatform.layer)
const octets = (draft: Message.Draft) => Effect.flatMap(compose(draft), octetsOf)
const render = (draft: Message.Draft, offers: Message.Offers) =>
  Effect.provide(Effect.flatMap(Message.prepare(draft), (prepared) => prepared.render(offers)), TestPlatform.layer)

/** What a caller without a type checker hands over. */
const fromOutside = (value: unknown) => value as Message.Draft
const errorOf = (value: unknown) => Effect.flip(compose(fromOutside(value)))
const said = ({ field, problem }: MessageError) => `${field}: ${problem}`

/** A text as a reader shows it that ends each with one more line end. */
const exact = (text: string | undefined, want: string) => text === `${want}\n` ? want : text
const withoutLast = (text: string | undefined) => (text ?? "").replace(/\n$/, "")
const lines = (text: string) => text.replaceAll(/\r\n?/g, "\n")

/** The media types of a message's parts, by nesting, as mailparser's splitter would see them. */
const tree = (text: Buffer): string => {
  const nodes = [...text.toString("latin1").matchAll(/^Content-Type: ([^;\r\n]+)(?:;(?:\r\n )?[^\r\n]*)*/gim)]
  return nodes.map(([, type]) => type).join(" ")
}
const header = (text: Buffer): ReadonlyArray<string> =>
  (text.toString("latin1").split("\r\n\r\n")[0] ?? "").split("\r\n")

describe("Message", () => {
  it.effect("composes a text, an HTML and a subject to what any server takes", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(Date.parse("2026-11-25T14:46:41Z"))
      const random = SecureRandom.make((size) => new Uint8Array(size))
      const composed = yield* Message.compose({
        ...mail,
        cc: "Carla <carla@mail.test>",
        bcc: "dora@mail.test",
        subject: "Grüße",
        text: "Hällo\nBob",
        html: "<p>Hello</p>"
      }).pipe(Effect.provideService(SecureRandom.SecureRandom, random), Effect.provide(TestPlatform.layer))
      assert.deepStrictEqual(composed.envelope, {
        from: "ann@mail.test",
        to: ["bob@mail.test", "carla@mail.test", "dora@mail.test"]
      })
      assert.strictEqual(
        (yield* octetsOf(composed)).toString(),
        [
          "From: Ann <ann@mail.test>",
          "To: bob@mail.test",
          "Cc: Carla <carla@mail.test>",
          "Subject: =?UTF-8?Q?Gr=C3=BC=C3=9Fe?=",
          "Message-ID: <AAAAAAAAAAAAAAAAAAAA@mail.test>",
          "Date: Wed, 25 Nov 2026 14:46:41 +0000",
          "MIME-Version: 1.0",
          "Content-Type: multipart/alternative; boundary=\"=_AAAAAAAAAAAAAAAAAAAA_1\"",
          "Content-Transfer-Encoding: 7bit",
          "",
          "--=_AAAAAAAAAAAAAAAAAAAA_1",
          "Content-Type: text/plain; charset=utf-8",
          "Content-Transfer-Encoding: quoted-printable",
          "",
          "H=C3=A4llo",
          "Bob",
          "--=_AAAAAAAAAAAAAAAAAAAA_1",
          "Content-Type: text/html; charset=us-ascii",
          "Content-Transfer-Encoding: 7bit",
          "",
          "<p>Hello</p>",
          "--=_AAAAAAAAAAAAAAAAAAAA_1--",
          ""
        ].join("\r\n")
      )
      assert.include({ ...composed, content: undefined }, { body: "7BIT", smtpUtf8: false })
    }))

  it.effect("is the same in every attempt, and lighter where the server offers 8BITMIME", () =>
    Effect.gen(function*() {
      const prepared = yield* Message.prepare({ ...mail, text: "Hällo", html: "<p>é</p>" })
      const seven = yield* prepared.render({ eightBitMime: false, smtpUtf8: false, binaryMime: false })
      const again = yield* prepared.render({ eightBitMime: false, smtpUtf8: false, binaryMime: false })
      const eight = yield* prepared.render({ eightBitMime: true, smtpUtf8: false, binaryMime: false })
      const light = yield* octetsOf(eight)
      assert.deepStrictEqual(yield* octetsOf(seven), yield* octetsOf(again))
      assert.deepStrictEqual([seven.body, eight.body], ["7BIT", "8BITMIME"])
      assert.strictEqual(seven.messageId, eight.messageId)
      assertForm(light, { eightBit: true })
      assert.include(light.toString(), "Content-Transfer-Encoding: 8bit\r\n\r\nHällo\r\n")
      // RFC 2045 §6.4: a composite part declares what its parts need
      assert.match(light.toString(), /multipart\/alternative[^]*?Content-Transfer-Encoding: 8bit\r\n\r\n--/)
    }).pipe(Effect.provide(TestPlatform.layer)))

  it.effect("is not composed: a draft, JSON of a composed message", () =>
    Effect.gen(function*() {
      const composed = yield* compose({ ...mail, text: "Hi" })
      assert.isTrue(Message.isComposed(composed))
      assert.isFalse(Message.isComposed({ ...mail, envelope: composed.envelope, content: "x" }))
      assert.isFalse(Message.isComposed(JSON.parse(JSON.stringify(composed))))
    }))

  describe("body", () => {
    const png = new Uint8Array([137, 80, 78, 71])
    const table: ReadonlyArray<readonly [name: string, draft: Partial<Message.Draft>, types: string]> = [
      ["nothing", {}, "text/plain"],
      ["text", { text: "x" }, "text/plain"],
      ["html", { html: "x" }, "text/html"],
      ["both", { text: "x", html: "y" }, "multipart/alternative text/plain text/html"],
      [
        "amp before html",
        { text: "x", html: "y", amp: "z" },
        "multipart/alternative text/plain text/x-amp-html text/html"
      ],
      [
        "a picture inside the html",
        { text: "x", html: "y", attachments: [{ name: "a.png", cid: "a", content: png }] },
        "multipart/alternative text/plain multipart/related text/html image/png"
      ],
      [
        "a picture and a file",
        { html: "y", attachments: [{ name: "a.png", cid: "a", content: png }, { name: "b.pdf", content: png }] },
        "multipart/mixed multipart/related text/html image/png application/pdf"
      ],
      [
        "a picture with a cid and no html",
        { text: "x", attachments: [{ name: "a.png", cid: "a", content: png }] },
        "multipart/mixed text/plain image/png"
      ],
      [
        "a picture with a cid that is attached by intent",
        { html: "x", attachments: [{ name: "a.png", cid: "a", disposition: "attachment", content: png }] },
        "multipart/mixed text/html image/png"
      ],
      [
        "an invitation",
        { text: "x", calendar: { content: "BEGIN:VCALENDAR\nMETHOD:REQUEST\nEND:VCALENDAR\n" } },
        "multipart/mixed multipart/alternative text/plain text/calendar application/ics"
      ],
      [
        "an invitation without a copy",
        { text: "x", calendar: { content: "METHOD:REQUEST", attach: false } },
        "multipart/alternative text/plain text/calendar"
      ]
    ]
    it.effect.each(table)("nests %s", ([, draft, types]) =>
      Effect.gen(function*() {
        const message = yield* octets({ ...mail, ...draft })
        assertForm(message)
        assert.strictEqual(tree(message), types)
      }))

    it.effect("is read by mailparser and postal-mime as it was meant", () =>
      Effect.gen(function*() {
        const bytes = Buffer.from(Array.from({ length: 1000 }, (_, i) => i & 255))
        const message = yield* octets({
          from: { name: "Ann, ü", address: "ann@mail.test" },
          to: ["Bob <bob@mail.test>", { name: "Käthe 🎉 (x)", email: "k@mail.test" }, {
            name: "Team",
            addresses: ["x@y.test"]
          }],
          subject: "Grüße  aus \"Köln\" 🎉 =?UTF-8?Q?x?=",
          text: "Hällo\n.\nFrom here\n",
          html: "<p>Hi <img src=\"cid:logo@x\"></p>",
          attachments: [
            { name: "Übersicht 1.txt", content: "abc\nde\r\n" },
            { name: "logo.png", cid: "<logo@x>", content: bytes },
            { name: "a;b=\"c\" \\ d.bin", content: bytes },
            { name: "x.gif", dataUrl: "data:image/gif;base64,R0lGODlhAQABAAAAACw=" },
            { dataUrl: "data:,hello%20w%C3%B6rld" },
            { part: "Content-Type: text/x-own\nX-Own: 1\n\nready\n" }
          ]
        })
        assertForm(message)
        const expected = {
          subject: "Grüße  aus \"Köln\" 🎉 =?UTF-8?Q?x?=",
          from: ["Ann, ü <ann@mail.test>"],
          to: ["Bob <bob@mail.test>", "Käthe 🎉 (x) <k@mail.test>", "x@y.test"],
          text: "Hällo\n.\nFrom here\n",
          html: "<p>Hi <img src=\"cid:logo@x\"></p>",
          attachments: [
            { name: "logo.png", type: "image/png", cid: "logo@x", content: bytes },
            { name: "Übersicht 1.txt", type: "text/plain", cid: undefined, content: Buffer.from("abc\nde\r\n") },
            { name: "a;b=\"c\" \\ d.bin", type: "application/octet-stream", cid: undefined, content: bytes },
            {
              name: "x.gif",
              type: "image/gif",
              cid: undefined,
              content: Buffer.from("R0lGODlhAQABAAAAACw=", "base64")
            },
            { name: undefined, type: "text/plain", cid: undefined, content: Buffer.from("hello wörld") }
          ]
        }
        for (const read of [yield* byMailparser(message), yield* byPostalMime(message)]) {
          // postal-mime ends each text with a line end; both show the ready part their own way
          assert.deepStrictEqual(
            {
              ...read,
              text: exact(read.text, expected.text),
              html: exact(read.html, expected.html),
              attachments: read.attachments.slice(0, 5)
            },
            expected
          )
        }
        assert.include(message.toString(), "Content-Type: text/x-own\r\nX-Own: 1\r\n\r\nready\r\n\r\n--")
      }))

    it.effect("keeps a free tree, with its values, files' parts and languages", () =>
      Effect.gen(function*() {
        const message = yield* octets({
          ...mail,
          bodyStructure: {
            type: "multipart/mixed",
            subParts: [
              {
                type: "multipart/report; report-type=delivery-status",
                language: ["en", "de-AT"],
                subParts: [
                  { type: "text/plain", partId: "1", description: "what happened" },
                  { type: "message/delivery-status", partID: "2" }
                ]
              },
              { name: "a.bin", content: new Uint8Array([1, 2, 3]) }
            ]
          },
          bodyValues: { "1": "It failed.", "2": { value: "Reporting-MTA: dns; mail.test\n" } }
        })
        assertForm(message)
        assert.strictEqual(
          tree(message),
          "multipart/mixed multipart/report text/plain message/delivery-status application/octet-stream"
        )
        assert.include(message.toString(), "report-type=delivery-status")
        assert.include(message.toString(), "Content-Language: en, de-AT\r\n")
        assert.include(message.toString(), "Content-Description: what happened\r\n")
      }))

    it.effect("forwards messages as they are, lines made right", () =>
      Effect.gen(function*() {
        const message = yield* octets({ ...mail, attachments: [{ name: "old.eml", content: "Subject: old\n\nHi\n" }] })
        assert.include(
          message.toString(),
          "Content-Type: message/rfc822\r\nContent-Disposition: attachment; filename=old.eml\r\n"
            + "Content-Transfer-Encoding: 7bit\r\n\r\nSubject: old\r\n\r\nHi\r\n\r\n--"
        )
      }))

    it.effect("converts a forwarded message that is not 7-bit where nothing else may travel", () =>
      Effect.gen(function*() {
        const inner = Buffer.concat([
          Buffer.from(
            [
              "Subject: old",
              "Content-Type: multipart/mixed; boundary=\"b 1\"",
              "Content-Transfer-Encoding: binary",
              "",
              "preamble",
              "--b 1",
              "Content-Type: text/plain; charset=utf-8",
              "Content-Transfer-Encoding: 8bit",
              "",
              "Hällo --b 1",
              "",
              "--b 1  ",
              "Content-Type: application/x-own",
              "Content-Disposition: attachment; filename=own.bin",
              "",
              ""
            ].join("\r\n")
          ),
          Buffer.from([0xE4, 0xF6, 0xFF, 0x41]),
          Buffer.from(
            "\r\n--b 1\r\nContent-Type: message/rfc822\r\n\r\nSubject: deep\r\n\r\nTiefer: ü\r\n--b 1--\r\nepilogue\r\n"
          )
        ])
        const draft = { ...mail, attachments: [{ type: "message/rfc822", content: inner }] }
        const message = yield* octets(draft)
        assertForm(message)
        const outer = yield* byMailparser(message)
        const converted = yield* byMailparser(outer.attachments[0]?.content ?? Buffer.alloc(0))
        const original = yield* byMailparser(inner)
        assert.deepStrictEqual([converted.text?.trim(), converted.subject], [original.text?.trim(), original.subject])
        assert.deepStrictEqual(
          converted.attachments.map(({ content, name }) => [name, content.toString("latin1").trim()]).slice(0, 1),
          [["own.bin", "\xE4\xF6\xFFA"]]
        )
        const eight = yield* render(draft, everything)
        assert.strictEqual(eight.body, "8BITMIME")
        assert.isTrue((yield* octetsOf(eight)).includes(inner))
      }))

    const formless: ReadonlyArray<readonly [name: string, content: string]> = [
      ["whose header section is not ASCII", "Subject: ä\n\nx\n"],
      ["that is signed", "Content-Type: multipart/signed; boundary=b\n\n--b\n\nä\n--b--\n"],
      ["whose last delimiter is missing", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nä\n"]
    ]
    it.effect.each(formless)(
      "refuses to convert a message %s",
      ([, content]) =>
        Effect.map(
          Effect.flip(compose({ ...mail, attachments: [{ type: "message/rfc822", content }] })),
          (error) =>
            assert.strictEqual(
              said(error),
              "attachments[0]: holds octets over 127 and has no 7-bit form, but only 7-bit content may travel here: "
                + "the server does not offer 8BITMIME, or the message is signed"
            )
        )
    )

    it.effect("is read as lines to be joined where it is flowed", () =>
      Effect.gen(function*() {
        const long = "word ".repeat(40).trim()
        const message = yield* octets({ ...mail, text: `${long}\n> quoted\n stuffed\n-- \nAnn`, textFormat: "flowed" })
        assert.include(message.toString(), "Content-Type: text/plain; charset=us-ascii; format=flowed\r\n")
        const body = message.toString().split("\r\n\r\n").slice(1).join("\r\n\r\n").split("\r\n")
        assert.isAtMost(Math.max(...body.map((line) => line.length)), 78)
        // RFC 3676 §4.1: soft breaks joined, stuffing removed
        const read = body.reduce<Array<string>>((lines, line) => {
          const text = line.startsWith(" ") ? line.slice(1) : line
          const last = lines.at(-1)
          if (last !== undefined && last.endsWith(" ") && last !== "-- ") lines[lines.length - 1] = last + text
          else lines.push(text)
          return lines
        }, [])
        assert.deepStrictEqual(read, [long, "> quoted", " stuffed", "-- ", "Ann", ""])
      }))

    it.effect("travels in the charset that was asked for, and says so", () =>
      Effect.gen(function*() {
        const latin = yield* render({
          ...mail,
          subject: "Grüße",
          text: "Grüße",
          bodyCharset: "ISO-8859-1",
          headerCharset: "ISO-8859-1"
        }, everything)
        const latinOctets = (yield* octetsOf(latin)).toString("latin1")
        assert.include(latinOctets, "Subject: =?ISO-8859-1?Q?Gr=FC=DFe?=\r\n")
        assert.include(latinOctets, "charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGrüße\r\n")
        const japanese = yield* octets({
          ...mail,
          subject: "日本語の件名",
          text: "こんにちは\nabc",
          bodyCharset: "US-ASCII_ISO-2022-JP_UTF8_QP",
          headerCharset: "US-ASCII_ISO-2022-JP_UTF8_QP"
        })
        assert.include(japanese.toString(), "charset=iso-2022-jp\r\nContent-Transfer-Encoding: 7bit\r\n")
        const read = yield* byMailparser(japanese)
        assert.deepStrictEqual([read.subject, read.text], ["日本語の件名", "こんにちは\nabc\n"])
        const tooFar = yield* octets({ ...mail, text: "🎉", bodyCharset: "US-ASCII_ISO-2022-JP_UTF8_QP" })
        assert.include(
          tooFar.toString(),
          "charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=F0=9F=8E=89\r\n"
        )
        const base64 = yield* octets({ ...mail, text: "ü", bodyCharset: "US-ASCII_UTF8_B64" })
        assert.include(base64.toString(), "Content-Transfer-Encoding: base64\r\n\r\nw7w=\r\n")
        const ascii = yield* octets({ ...mail, text: "u", bodyCharset: "ISO-8859-1" })
        assert.include(ascii.toString(), "charset=us-ascii\r\nContent-Transfer-Encoding: 7bit\r\n\r\nu\r\n")
      }))

    it.effect("is binary only where that was chosen and the server takes it", () =>
      Effect.gen(function*() {
        const draft: Message.Draft = {
          ...mail,
          attachments: [{ name: "a", encoding: "binary", content: new Uint8Array([0, 10, 13, 255]) }]
        }
        const binary = yield* render(draft, everything)
        const encoded = yield* render(draft, { ...everything, binaryMime: false })
        assert.deepStrictEqual([binary.body, encoded.body], ["BINARYMIME", "7BIT"])
        assert.include(
          (yield* octetsOf(binary)).toString("latin1"),
          "Content-Transfer-Encoding: binary\r\n\r\n\0\n\r\xFF\r\n--"
        )
      }))

    it.effect("sends file names for old clients too where asked", () =>
      Effect.gen(function*() {
        const message = yield* octets({
          ...mail,
          fileNames: "both",
          attachments: [{ name: "Übersicht.pdf", content: "x" }]
        })
        assert.include(
          message.toString(),
          "Content-Type: application/pdf; name=\"=?UTF-8?Q?=C3=9Cbersicht=2Epdf?=\"\r\n"
            + "Content-Disposition: attachment; filename*=UTF-8''%C3%9Cbersicht.pdf\r\n"
        )
      }))
  })

  describe("header section", () => {
    it.effect("holds what the properties say", () =>
      Effect.gen(function*() {
        const message = yield* octets({
          from: ["ann@mail.test", "Zoë <zoe@mail.test>"],
          to: "\"B. B.\" <bob@mail.test>; carla@mail.test",
          replyTo: { displayName: "Desk", localPart: "desk", domain: "mail.test" },
          subject: "",
          messageId: "own.id@mail.test",
          inReplyTo: "<a@b>",
          references: "<1@b> <2@b>",
          date: "2026-03-01T00:30:00+05:30",
          priority: "high",
          keywords: { $seen: true, "über uns": true, plain: true, off: false },
          comments: "a comment",
          autoSubmitted: "auto-generated",
          list: {
            id: "News <news.mail.test>",
            unsubscribe: ["https://mail.test/u?x=1", { url: "mailto:u@mail.test", comment: "or (write) us" }],
            post: "NO",
            oneClick: true
          },
          headers: [{ name: "X-Own", value: "Wért" }, { name: "X-Many", value: "1" }, { name: "X-Many", value: "2" }]
        })
        assertForm(message)
        assert.deepStrictEqual(header(message).slice(0, -2), [
          "From: ann@mail.test, =?UTF-8?Q?Zo=C3=AB?= <zoe@mail.test>",
          "Sender: ann@mail.test",
          "Reply-To: Desk <desk@mail.test>",
          "To: \"B. B.\" <bob@mail.test>, carla@mail.test",
          "Subject:",
          "Message-ID: <own.id@mail.test>",
          "In-Reply-To: <a@b>",
          "References: <1@b> <2@b>",
          "Date: Sun, 1 Mar 2026 00:30:00 +0530",
          "Comments: a comment",
          "Keywords: =?UTF-8?Q?=C3=BCber_uns?= , plain",
          "X-Priority: 1 (Highest)",
          "Importance: high",
          "Priority: urgent",
          "Auto-Submitted: auto-generated",
          "List-Id: News <news.mail.test>",
          "List-Unsubscribe: <https://mail.test/u?x=1>, <mailto:u@mail.test>",
          " (or \\(write\\) us)",
          "List-Post: NO",
          "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
          "X-Own: =?UTF-8?Q?W=C3=A9rt?=",
          "X-Many: 1",
          "X-Many: 2",
          "MIME-Version: 1.0"
        ])
      }))

    it.effect("names nobody where only hidden copies are sent, and the machine nowhere", () =>
      Effect.gen(function*() {
        const composed = yield* compose({ from: "ann@mail.test", bcc: "bob@mail.test" })
        const message = (yield* octetsOf(composed)).toString()
        assert.deepStrictEqual(composed.envelope, { from: "ann@mail.test", to: ["bob@mail.test"] })
        assert.include(message, "To: undisclosed-recipients:;\r\n")
        assert.notInclude(message, "bob")
        assert.match(message, /Message-ID: <[\w-]{20}@mail\.test>/)
      }))

    it.effect("goes by an envelope that is given apart", () =>
      Effect.gen(function*() {
        const envelope = { from: "bounce+1@mail.test", to: ["list@mail.test"] as const }
        const composed = yield* compose({ ...mail, envelope: { ...envelope, to: [...envelope.to] } })
        assert.deepStrictEqual({ ...composed.envelope }, { from: "bounce+1@mail.test", to: ["list@mail.test"] })
      }))

    it.effect("sends a domain as A-label, and a local part that is not ASCII by SMTPUTF8 only", () =>
      Effect.gen(function*() {
        const composed = yield* compose({
          from: "ann@bücher.example",
          to: "bob@BÜCHER.example, bob@xn--bcher-kva.example"
        })
        assert.deepStrictEqual(composed.envelope, {
          from: "ann@xn--bcher-kva.example",
          to: ["bob@xn--bcher-kva.example"]
        })
        const draft = { from: "ann@bücher.example", to: "böb@mail.test" }
        const { field, input, problem } = yield* Effect.flip(compose(draft))
        assert.deepStrictEqual([field, input, problem], [
          "to",
          "böb@mail.test",
          "the local part is not ASCII, and the server does not offer SMTPUTF8: no other form of this address exists"
        ])
        const international = yield* render({ ...draft, subject: "ü" }, everything)
        const message = yield* octetsOf(international)
        assertForm(message, { utf8: true })
        assert.isTrue(international.smtpUtf8)
        assert.deepStrictEqual(international.envelope.to, ["böb@mail.test"])
        assert.include(message.toString(), "To: böb@mail.test\r\nSubject: =?UTF-8?B?w7w=?=\r\n")
      }))

    it.effect("folds at 78 whatever the length, and cuts no grapheme in two", () =>
      Effect.gen(function*() {
        const family = "\u{1F468}\u200D\u{1F469}\u200D\u{1F467}"
        const subject = `${family.repeat(20)} ${"e\u0301".repeat(20)}`
        const message = yield* octets({ ...mail, subject })
        assertForm(message)
        const words = [...message.toString().matchAll(/=\?UTF-8\?B\?([^?]*)\?=/g)].map(([, word]) =>
          Buffer.from(word ?? "", "base64").toString()
        )
        assert.strictEqual(words.join(""), subject)
        for (const word of words) assert.notMatch(word, /^(?:\u200D|\u0301)|\u200D$/)
        assert.isAtMost(Math.max(...header(message).map((line) => line.length)), 78)
      }))

    it.effect("folds what has no blank to fold at, however long", () =>
      Effect.gen(function*() {
        const long = "x".repeat(1200)
        const message = yield* octets({
          ...mail,
          subject: long,
          to: { name: long, address: "bob@mail.test" },
          attachments: [{ name: long, content: "" }]
        })
        assertForm(message)
        assert.isAtMost(Math.max(...message.toString().split("\r\n").map((line) => line.length)), 78)
        const read = yield* byMailparser(message)
        assert.deepStrictEqual([read.subject, read.to, read.attachments[0]?.name], [
          long,
          [`${long} <bob@mail.test>`],
          long
        ])
      }))

    it.effect("holds ten thousand recipients and a subject of a megabyte, in time", () =>
      Effect.gen(function*() {
        const to = Array.from({ length: 10_000 }, (_, i) => `Person ${i} <person${i}@mail.test>`)
        const composed = yield* compose({ from: "ann@mail.test", to, subject: "wörd ".repeat(200_000) })
        const message = yield* octetsOf(composed)
        assertForm(message)
        assert.lengthOf(composed.envelope.to, 10_000)
        assert.isAtMost(Math.max(...header(message).map((line) => line.length)), 78)
      }))
  })

  describe("what it refuses", () => {
    const attachment = (value: unknown) => ({ ...mail, attachments: [value] })
    const table: ReadonlyArray<readonly [name: string, draft: unknown, said: string]> = [
      ["no message", "text", "message: is a string, not a message"],
      ["no sender", { to: "a@b.test" }, "from: is missing: who sends it?"],
      ["an empty sender", { from: [], to: "a@b.test" }, "from: holds no address"],
      ["no recipient", { from: "a@b.test" }, "to: no recipient: to, cc and bcc hold no address"],
      ["no address", { from: "a@b.test", to: 7 }, "to: is a number, not an address"],
      ["two senders", { ...mail, sender: "a@b.test, c@d.test" }, "sender: must be one address (RFC 5322 §3.6.2)"],
      [
        "a line break in a subject",
        { ...mail, subject: "a\r\nBcc: x" },
        "subject: holds a line break, which a header field can't"
      ],
      [
        "a NUL in a name",
        { from: { name: "a\0", address: "a@b.test" } },
        "from.name: holds a NUL character, which a header field can't"
      ],
      [
        "a line break in an address",
        { ...mail, to: "a@b.test\nX: y" },
        "to: holds a line break, which a header field can't"
      ],
      [
        "a line break in a file name",
        attachment({ name: "a\nb", content: "" }),
        "attachments[0].name: holds a line break, which a header field can't"
      ],
      [
        "a line break in a type",
        attachment({ type: "text/plain\r\nX: y", content: "" }),
        "attachments[0].type: is no media type: it must be like text/csv, perhaps with ; name=value"
      ],
      [
        "a line break in a cid",
        attachment({ cid: "a\r\nX: y", content: "" }),
        "attachments[0].cid: holds a line break, which a header field can't"
      ],
      [
        "an angle bracket in a cid",
        attachment({ cid: "a>b", content: "" }),
        "attachments[0].cid: must be ASCII without blanks and angle brackets"
      ],
      [
        "a line break in an identifier",
        { ...mail, messageId: "<a@b\r\nX: y>" },
        "messageId: is no message identifier: it must be like <left@right>, without blanks (RFC 5322 §3.6.4)"
      ],
      [
        "a line break in a list field",
        { ...mail, list: { help: "https://x/\r\nX: y" } },
        "list.help: holds a character that a URL must percent-encode"
      ],
      [
        "a line break in a list's comment",
        { ...mail, list: { help: { url: "https://x/", comment: "a\r\nX: y" } } },
        "list.help.comment: holds a line break, which a header field can't"
      ],
      [
        "a bracket in a list field",
        { ...mail, list: { unsubscribe: "https://x/>,<mailto:x" } },
        "list.unsubscribe: holds a character that a URL must percent-encode"
      ],
      [
        "one click without https",
        { ...mail, list: { unsubscribe: "mailto:a@b.test", oneClick: true } },
        "list.oneClick: needs an https: URL in list.unsubscribe (RFC 8058 §3.1)"
      ],
      [
        "a list identifier that is none",
        { ...mail, list: { id: "a b>" } },
        "list.id: is no list identifier: it must be like a domain, such as news.example.com (RFC 2919)"
      ],
      [
        "a colon in a field's name",
        { ...mail, headers: { "X:Y": "z" } },
        "headers: is no name of a header field: printable ASCII without blank and colon, 76 characters at most"
      ],
      [
        "a blank in a field's name",
        { ...mail, headers: [{ name: "X Y", value: "z" }] },
        "headers[0].name: is no name of a header field: printable ASCII without blank and colon, 76 characters at most"
      ],
      [
        "a line break in a field",
        { ...mail, headers: { "X-Y": "a\nb" } },
        "headers.X-Y: holds a line break, which a header field can't"
      ],
      [
        "a second subject",
        { ...mail, subject: "a", headers: { Subject: "b" } },
        "headers.Subject: is made from `subject`: give it there"
      ],
      [
        "Bcc among the fields",
        { ...mail, headers: { bcc: "a@b.test" } },
        "headers.bcc: is made from `bcc`: give it there"
      ],
      [
        "a content type among the fields",
        { ...mail, headers: { "Content-Type": "text/html" } },
        "headers.Content-Type: is made from the body: give it with a part"
      ],
      [
        "a field that may stand once, twice",
        { ...mail, headers: { "List-Id": ["<a.b>", "<c.d>"] } },
        "headers.List-Id: may stand once, and stands there already"
      ],
      [
        "a field that a property made",
        { ...mail, priority: "high", headers: { Importance: "low" } },
        "headers.Importance: may stand once, and stands there already"
      ],
      [
        "an unpaired surrogate in a subject",
        { ...mail, subject: "ab\uD800" },
        "subject: holds an unpaired surrogate, which no charset can encode"
      ],
      [
        "an unpaired surrogate in a text",
        { ...mail, text: "\uDC00ab" },
        "text: holds an unpaired surrogate, which no charset can encode"
      ],
      [
        "a date that is none",
        { ...mail, date: "tomorrow" },
        "date: is no date in ISO 8601, such as 2026-11-25T14:46:00Z"
      ],
      ["a priority that is none", { ...mail, priority: "urgent" }, "priority: must be high, normal or low"],
      [
        "a file from outside",
        attachment({ path: "/etc/passwd" }),
        "attachments[0].path: reads a file: only Message.file(path) can name one, a value that no JSON can hold"
      ],
      [
        "an address from outside",
        attachment({ href: "http://169.254.169.254/" }),
        "attachments[0].href: names an address: nothing is fetched from the network; give the octets, or Message.stream(…)"
      ],
      [
        "the likeness of a file",
        attachment({ "~@colloquy/core/Message/AttachmentSource": true, path: undefined, content: "x" }),
        "attachments[0].path: reads a file: only Message.file(path) can name one, a value that no JSON can hold"
      ],
      [
        "a copy of a file",
        attachment(Object.assign({}, Message.file("/etc/passwd"))),
        "attachments[0]: is a copy of what Message.file or Message.stream made: pass their value itself"
      ],
      [
        "an attachment of nothing",
        attachment({ name: "x" }),
        "attachments[0].content: is missing: content, dataUrl or part, or a value of Message.file or Message.stream"
      ],
      [
        "a bare stream",
        attachment({ content: Stream.empty }),
        "attachments[0].content: is a stream: make an attachment of it by Message.stream"
      ],
      [
        "a data URL that is none",
        attachment({ dataUrl: "https://x" }),
        "attachments[0].dataUrl: is no data: URL (RFC 2397)"
      ],
      [
        "a data URL with broken base64",
        attachment({ dataUrl: "data:;base64,!!!" }),
        "attachments[0].dataUrl: holds no base64"
      ],
      [
        "a composite attachment",
        attachment({ type: "multipart/mixed", content: "" }),
        "attachments[0].type: is composite: use `part`, or a body tree"
      ],
      [
        "a part that is none",
        attachment({ part: "hello" }),
        "attachments[0].part: must be header fields, a blank line and a body"
      ],
      ["a name of another library", { ...mail, textBody: "x" }, "textBody: is called `text` here"],
      [
        "an invitation whose method differs",
        { ...mail, calendar: { content: "METHOD:REQUEST", method: "CANCEL" } },
        "calendar.method: differs from the content's METHOD:REQUEST"
      ],
      [
        "an invitation without METHOD",
        { ...mail, calendar: { content: "X:Y", method: "REQUEST" } },
        "calendar.method: is not in the content: it needs a METHOD line too (RFC 6047 §2.4)"
      ],
      [
        "a tree beside a text",
        { ...mail, text: "x", bodyStructure: { type: "text/plain", partId: "1" } },
        "text: can't be given beside bodyStructure: it says the whole body"
      ],
      [
        "a tree without its value",
        { ...mail, bodyStructure: { type: "text/plain", partId: "1" } },
        "bodyStructure.partId: names no entry of bodyValues"
      ],
      ["a value without its part", {
        ...mail,
        bodyStructure: { type: "text/plain", partId: "1" },
        bodyValues: { "1": "a", "2": "b" }
      }, "bodyValues.2: is in no part of bodyStructure"],
      [
        "a multipart of nothing",
        { ...mail, bodyStructure: { type: "multipart/mixed", subParts: [] } },
        "bodyStructure.subParts: must hold the parts of a multipart"
      ]
    ]
    it.effect.each(table)(
      "%s",
      ([, draft, problem]) => Effect.map(errorOf(draft), (error) => assert.strictEqual(said(error), problem))
    )

    it.effect("an address that is none: which, and where it broke", () =>
      Effect.map(errorOf({ from: "a@b.test", to: ["x@y.test", "Bob <bob@>"] }), (error) => {
        assert.strictEqual(error.field, "to[1]")
        assert.strictEqual(error.input, "Bob <bob@>")
        assert.strictEqual(error.offset, 9)
      }))
  })

  describe("stored", () => {
    const codec = Schema.toCodecJson(Message.Message)
    it.effect("is read back from JSON as it was, octets and texts apart", () =>
      Effect.gen(function*() {
        const message: Message.Message = {
          from: { name: "Ann", address: "ann@mail.test" },
          to: ["bob@mail.test", { name: "Team", addresses: ["x@y.test"] }],
          subject: "Hi",
          attachments: [{ name: "a", content: new Uint8Array([1, 2]) }, { name: "b", content: "AQI=" }, {
            part: "X: y\n\n"
          }],
          headers: { "X-Own": ["1", "2"] },
          envelope: { from: "", to: ["bob@mail.test"] }
        }
        const json = JSON.stringify(yield* Schema.encodeEffect(codec)(message))
        assert.include(json, "{\"base64\":\"AQI=\"}")
        assert.deepStrictEqual(yield* Schema.decodeUnknownEffect(codec)(JSON.parse(json)), message)
      }))

    it.effect("never holds a file", () =>
      Effect.gen(function*() {
        const json = JSON.parse(JSON.stringify({ ...mail, attachments: [Message.file("/etc/passwd")] }))
        assert.notInclude(JSON.stringify(json), "passwd")
        const error = yield* Effect.flip(Schema.decodeUnknownEffect(codec)(json))
        assert.include(String(error), "attachments")
      }))
  })

  describe("properties", () => {
    const Line = Schema.String.check(Schema.makeFilter((text: string) => text.isWellFormed() && !/[\r\n\0]/.test(text)))
    const Text = Schema.String.check(Schema.makeFilter((text: string) => text.isWellFormed()))

    it.effect.prop(
      "any subject, text, HTML, file name and octets are read back as they were",
      { subject: Line, text: Text, html: Text, name: Line, content: Schema.Uint8Array },
      ({ content, html, name, subject, text }) =>
        Effect.gen(function*() {
          const message = yield* octets({ ...mail, subject, text, html, attachments: [{ name, content }] })
          assertForm(message)
          const read = yield* byPostalMime(message)
          // readers trim a subject and hide the name of a file that has none
          assert.strictEqual((read.subject ?? "").trim(), subject.trim())
          assert.strictEqual(withoutLast(read.text), lines(text))
          assert.strictEqual(withoutLast(read.html), lines(html))
          assert.deepStrictEqual(read.attachments.map((file) => [file.name ?? "", file.content]), [[
            name,
            Buffer.from(content)
          ]])
        })
    )

    it.effect.prop(
      "any display name is read back as it was, and nothing is injected",
      { name: Line, value: Line },
      ({ name, value }) =>
        Effect.gen(function*() {
          const message = yield* octets({
            ...mail,
            to: { name, address: "bob@mail.test" },
            headers: { "X-Own": value }
          })
          const fields = assertForm(message)
          assert.deepStrictEqual(fields.filter((field) => !["cc", "subject"].includes(field)), [
            "from",
            "to",
            "message-id",
            "date",
            "x-own",
            "mime-version",
            "content-type",
            "content-transfer-encoding"
          ])
          const { to } = yield* byPostalMime(message)
          const shown = name.trim().replaceAll(/\s+/g, " ")
          assert.deepStrictEqual(
            to.map((entry) => entry.replaceAll(/\s+/g, " ").replace(/^ /, "")),
            [shown === "" ? "bob@mail.test" : `${shown} <bob@mail.test>`]
          )
        })
    )

    const fields = [
      "from",
      "sender",
      "to",
      "cc",
      "bcc",
      "replyTo",
      "subject",
      "text",
      "html",
      "amp",
      "calendar",
      "attachments",
      "bodyStructure",
      "bodyValues",
      "headers",
      "messageId",
      "inReplyTo",
      "references",
      "date",
      "priority",
      "keywords",
      "comments",
      "list",
      "autoSubmitted",
      "envelope",
      "headerCharset",
      "bodyCharset",
      "textFormat",
      "fileNames",
      "dkim",
      "smime"
    ]
    const inner = [
      "name",
      "address",
      "email",
      "addresses",
      "localPart",
      "domain",
      "value",
      "type",
      "cid",
      "disposition",
      "description",
      "language",
      "location",
      "encoding",
      "headers",
      "content",
      "dataUrl",
      "part",
      "partId",
      "subParts",
      "method",
      "attach",
      "id",
      "help",
      "unsubscribe",
      "post",
      "url",
      "comment",
      "oneClick",
      "to",
      "from"
    ]
    const Entries = Schema.Array(Schema.Tuple([Schema.Literals(inner), Schema.Json]))
    const Anything = Schema.Union([Schema.Json, Entries, Schema.Tuple([Entries])])
    const objects = (value: unknown): unknown =>
      Array.isArray(value) && value.every((entry) => Array.isArray(entry) && inner.includes(entry[0] as string))
        ? Object.fromEntries(value as ReadonlyArray<[string, unknown]>)
        : Array.isArray(value)
        ? value.map(objects)
        : value
    it.effect.prop(
      "whatever comes is a message or an error, never a defect",
      { field: Schema.Literals(fields), value: Anything },
      ({ field, value }) =>
        Effect.gen(function*() {
          const result = yield* Effect.result(compose(fromOutside({ ...mail, [field]: objects(value) })))
          assert.include(["Success", "Failure"], result._tag)
        }),
      { arbitrary: { runs: 1000 } }
    )
  })
})
