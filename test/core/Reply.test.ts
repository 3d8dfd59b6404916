import * as Reply from "@colloquy/core/Reply"
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Result, Schema } from "effect"

const utf8 = new TextEncoder()
const octetsOf = (text: string): Uint8Array => utf8.encode(text)
const reply = (code: number, ...lines: ReadonlyArray<string>): Reply.Reply => Reply.make(code, ...lines)

/** All that a parser says about a stream that is cut in pieces. */
const readPieces = (pieces: Iterable<Uint8Array>, limits?: Reply.Limits) => {
  const parser = Reply.makeParser(limits)
  const lines: Array<string> = []
  const replies: Array<Reply.Reply> = []
  const lastLines: Array<string | undefined> = []
  let error: Reply.ReplyError | undefined
  for (const piece of pieces) {
    const fed = parser.feed(piece)
    if (error !== undefined) assert.deepStrictEqual(fed, { lines: [], replies: [], error })
    lines.push(...fed.lines)
    for (const parsed of fed.replies) {
      replies.push(parsed.reply)
      lastLines.push(fed.lines[parsed.lineEnd - 1])
    }
    error = fed.error
  }
  return { lines, replies, lastLines, error, isIdle: parser.isIdle }
}

const readText = (text: string, limits?: Reply.Limits) => readPieces([octetsOf(text)], limits)

const enhancedIn = (line: string) => readText(`${line}\r\n`).replies[0]?.enhanced
const idIn = (text: string) => Reply.queueId(reply(250, text))
const problemOf = (text: string) => Reply.parse(text).pipe(Result.flip, Result.getOrThrow).message

const cut = (stream: Uint8Array, sizes: ReadonlyArray<number>): Array<Uint8Array> => {
  const pieces: Array<Uint8Array> = []
  let start = 0
  for (const size of sizes) {
    pieces.push(stream.slice(start, start + size))
    start += size
  }
  return [...pieces, stream.slice(start)]
}

const byOctet = (stream: Uint8Array) => cut(stream, Array.from({ length: stream.length }, () => 1))

const Octet = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))
const Sizes = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 })))

/** Streams that often are replies: pieces of real ones, and of noise, in any order. */
const Stream = Arbitrary.map(
  Arbitrary.array(
    Arbitrary.schema(
      Schema.Union([
        Schema.Literals([
          "250 2.1.5 Ok\r\n",
          "250-mx.lab.test\r\n",
          "250-PIPELINING\r\n",
          "250 \r\n",
          "250\r\n",
          "250\n",
          "354 End data with <CR><LF>.<CR><LF>\r\n",
          "550 5.1.1 Bücher\r\n",
          "550-5.7.1 no\r\n",
          "421 4.4.2 bye\r\n",
          "\r",
          "\n",
          "2",
          "50 ",
          "€"
        ]),
        Schema.Array(Octet).check(Schema.isMaxLength(3))
      ])
    )
  ),
  (pieces) => {
    const octets: Array<number> = []
    for (const piece of pieces) octets.push(...(typeof piece === "string" ? octetsOf(piece) : piece))
    return Uint8Array.from(octets)
  }
)

const smallLimits: Reply.Limits = { lineOctets: 24, lines: 4, replyOctets: 60 }

describe("Reply", () => {
  describe("the parser", () => {
    it("reads one-line replies, and tells which line ended each", () => {
      const parser = Reply.makeParser()
      assert.deepStrictEqual(parser.feed(octetsOf("250 2.1.0 Ok\r\n250-a\r\n250 b\r\n354 Go ahead\r\n")), {
        lines: ["250 2.1.0 Ok", "250-a", "250 b", "354 Go ahead"],
        replies: [
          { reply: reply(250, "2.1.0 Ok"), lineEnd: 1 },
          { reply: reply(250, "a", "b"), lineEnd: 3 },
          { reply: reply(354, "Go ahead"), lineEnd: 4 }
        ],
        error: undefined
      })
      assert.isTrue(parser.isIdle)
    })

    it("reads the example of RFC 5321 §4.2.1: a reply of four lines", () => {
      const text = "250-First line\r\n250-Second line\r\n250-234 Text beginning with numbers\r\n250 The last line\r\n"
      assert.deepStrictEqual(readText(text).replies, [
        reply(250, "First line", "Second line", "234 Text beginning with numbers", "The last line")
      ])
    })

    it("counts the lines of a reply that began in an earlier read from the read that ends it", () => {
      const parser = Reply.makeParser()
      assert.deepStrictEqual(parser.feed(octetsOf("250-a\r\n250-b\r\n250 ")), {
        lines: ["250-a", "250-b"],
        replies: [],
        error: undefined
      })
      assert.strictEqual(parser.pending, 4)
      assert.strictEqual(parser.pendingText, "250 ")
      assert.deepStrictEqual(parser.feed(octetsOf("c\r\n220 d\r\n")), {
        lines: ["250 c", "220 d"],
        replies: [{ reply: reply(250, "a", "b", "c"), lineEnd: 1 }, { reply: reply(220, "d"), lineEnd: 2 }],
        error: undefined
      })
      assert.strictEqual(parser.pending, 0)
    })

    it("is idle only between replies: not in a line, not in a reply", () => {
      const parser = Reply.makeParser()
      const states = ["", "2", "50 ok\r", "\n", "220-a\r\n", "220 b\r\n", "220 ready\r\nRSET"].map((text) => {
        parser.feed(octetsOf(text))
        return parser.isIdle
      })
      assert.deepStrictEqual(states, [true, false, false, true, false, true, false])
    })

    it("is tolerant of what real servers leave out", () => {
      const { replies, error } = readText(
        "250\r\n250 \r\n250-\r\n250-a\n250 b\n250\n220\tTab\r\n250OK\r\n250-x\r\n250\r\n"
      )
      assert.isUndefined(error)
      assert.deepStrictEqual(replies, [
        reply(250, ""),
        reply(250, ""),
        reply(250, "", "a", "b"),
        reply(250, ""),
        reply(220, "\tTab"),
        reply(250, "OK"),
        reply(250, "x", "")
      ])
    })

    it("keeps every octet of a line, the controls too, without its one line end", () => {
      const { lines } = readText("250 a\r\r\n250 \u0000\u001b[2J\u007f\r\n250 b\rc\n")
      assert.deepStrictEqual(lines, ["250 a\r", "250 \u0000\u001b[2J\u007f", "250 b\rc"])
    })

    it("reads UTF-8 as its characters, and other octets as U+DC80 to U+DCFF", () => {
      const latin1 = Uint8Array.from([
        ...octetsOf("550 Bo"),
        0xee,
        ...octetsOf("te d\u00e9sactiv\u00e9e \u{1f4ee}\r\n250 ok\r\n")
      ])
      const { lines, replies } = readPieces([latin1])
      assert.deepStrictEqual(lines, ["550 Bo\udceete d\u00e9sactiv\u00e9e \u{1f4ee}", "250 ok"])
      assert.deepStrictEqual(replies[0]?.lines, ["Bo\udceete d\u00e9sactiv\u00e9e \u{1f4ee}"])
    })

    it("reads as octets what is nearly UTF-8: cut, overlong, surrogates, beyond U+10FFFF (RFC 3629 §3)", () => {
      const sequences = [
        "c3",
        "c080",
        "c1bf",
        "e282",
        "e09fbf",
        "eda080",
        "edbfbf",
        "f09f93",
        "f08fbfbf",
        "f4908080",
        "f5808080",
        "80",
        "feff"
      ]
      for (const sequence of sequences) {
        const wrong = sequence.match(/../g)?.map((octet) => Number.parseInt(octet, 16)) ?? []
        const escaped = String.fromCharCode(...wrong.map((octet) => 0xdc00 + octet))
        const { lines } = readPieces([
          Uint8Array.from([...octetsOf("250 é"), ...wrong, ...octetsOf("é€\u{1f4ee}\r\n")])
        ])
        assert.deepStrictEqual(lines, [`250 é${escaped}é€\u{1f4ee}`])
      }
      for (const edge of ["\u0080", "\u07ff", "\u0800", "\ud7ff", "\ue000", "\uffff", "\u{10000}", "\u{10ffff}"]) {
        const { lines } = readPieces([Uint8Array.from([...octetsOf(`250 ${edge}`), 0xff, 13, 10])])
        assert.deepStrictEqual(lines, [`250 ${edge}\udcff`])
      }
    })

    it("keeps a byte-order mark, which makes the line none of a reply", () => {
      const { lines, error } = readText("\ufeff220 hello\r\n")
      assert.deepStrictEqual(lines, ["\ufeff220 hello"])
      assert.strictEqual(error?.kind, "syntax")
    })

    it.prop("gives the same lines, replies and error however the stream is cut", { stream: Stream, sizes: Sizes }, (
      { sizes, stream }
    ) => {
      const whole = readPieces([stream])
      assert.deepStrictEqual(readPieces(cut(stream, sizes)), whole)
      assert.deepStrictEqual(readPieces(byOctet(stream)), whole)
      assert.deepStrictEqual(whole.lastLines.length, whole.replies.length)
    })

    it.prop("gives the same where the limits are low", { stream: Stream, sizes: Sizes }, ({ sizes, stream }) => {
      const whole = readPieces([stream], smallLimits)
      assert.deepStrictEqual(readPieces(cut(stream, sizes), smallLimits), whole)
      assert.deepStrictEqual(readPieces(byOctet(stream), smallLimits), whole)
    })

    it.prop("keeps every octet: what was said, encoded again, is what was read", { octets: Schema.Array(Octet) }, (
      { octets }
    ) => {
      const said = octets.filter((octet) => octet !== 0 && octet !== 10 && octet !== 13)
      const wire = Uint8Array.from([...octetsOf("250 "), ...said, 13, 10])
      const { replies } = readPieces([wire])
      assert.deepStrictEqual(replies.map(Reply.encode), [wire])
    })
  })

  describe("what puts a session out of step", () => {
    it("is a line without a code from 200 to 599", () => {
      for (
        const line of [
          "",
          "x",
          "25",
          "ok 250",
          "199 x",
          "150 x",
          "600 x",
          "2500 x",
          "-250",
          " 250 x",
          "HTTP/1.1 400 Bad Request"
        ]
      ) {
        const { error, lines, replies } = readText(`220 hello\r\n${line}\r\n250 never\r\n`)
        assert.deepStrictEqual(lines, ["220 hello", line])
        assert.deepStrictEqual(replies, [reply(220, "hello")])
        assert.deepStrictEqual(
          error,
          new Reply.ReplyError({ kind: "syntax", problem: "Not a line of a reply", line })
        )
      }
    })

    it("is a second code in one reply", () => {
      const { error, lines, replies } = readText("250-mx.lab.test\r\n550 no\r\n250 never\r\n")
      assert.deepStrictEqual(lines, ["250-mx.lab.test", "550 no"])
      assert.deepStrictEqual(replies, [])
      assert.strictEqual(error?.kind, "mixedCodes")
      assert.strictEqual(error?.message, "Mixed codes in one reply, which began with 250: \"550 no\"")
    })

    it("is told with at most 200 characters of the line, in a message without controls", () => {
      const { error } = readText(`\u001b[31m\u202e"\\${"\u{1f4ee}".repeat(200)}\r\n`)
      assert.strictEqual(error?.line, `\u001b[31m\u202e"\\${"\u{1f4ee}".repeat(96)}`)
      assert.strictEqual(
        error?.message,
        `Not a line of a reply: "\\u{1B}[31m\\u{202E}\\"\\\\${"\u{1f4ee}".repeat(96)}"`
      )
    })

    it("survives as JSON", () => {
      const error = new Reply.ReplyError({ kind: "limit", what: "reply", limit: 9, problem: "p", line: "l" })
      const codec = Schema.toCodecJson(Reply.ReplyError)
      const json = JSON.stringify(Schema.encodeSync(codec)(error))
      assert.deepStrictEqual(Schema.decodeUnknownSync(codec)(JSON.parse(json)), error)
    })
  })

  describe("the limits", () => {
    it("are 4,096 octets a line, 512 lines, 64 KiB a reply", () => {
      assert.deepStrictEqual(Reply.defaultLimits, { lineOctets: 4_096, lines: 512, replyOctets: 65_536 })
    })

    it("let pass a line of 4,096 octets with its line end, and refuse one more", () => {
      const longest = `250 ${"a".repeat(4_090)}\r\n`
      assert.deepStrictEqual(readText(longest).replies, [reply(250, "a".repeat(4_090))])
      const { error, lines } = readText(`220 hello\r\n250 ${"a".repeat(4_091)}\r\n`)
      assert.deepStrictEqual(lines, ["220 hello"])
      assert.deepStrictEqual(
        error,
        new Reply.ReplyError({
          kind: "limit",
          what: "replyLine",
          limit: 4_096,
          problem: "A reply line of more than 4096 octets",
          line: `250 ${"a".repeat(196)}`
        })
      )
    })

    it("trip on a line that has no end, and keep none of the rest", () => {
      const parser = Reply.makeParser()
      assert.isUndefined(parser.feed(new Uint8Array(4_095).fill(97)).error)
      assert.strictEqual(parser.feed(Uint8Array.of(97)).error?.what, "replyLine")
      const other = Reply.makeParser()
      assert.strictEqual(other.feed(new Uint8Array(1_000_000).fill(97)).error?.what, "replyLine")
      assert.strictEqual(other.pending, 4_096)
    })

    it("let pass 512 lines, and refuse the reply whose 512th line announces another", () => {
      assert.strictEqual(readText(`${"250-x\r\n".repeat(511)}250 x\r\n`).replies[0]?.lines.length, 512)
      const { error, lines: read } = readText("250-x\r\n".repeat(512))
      assert.strictEqual(read.length, 512)
      assert.deepStrictEqual([error?.kind, error?.what, error?.limit], ["limit", "replyLines", 512])
    })

    it("let pass a reply of 64 KiB, and refuse the octet after it", () => {
      const line = `250-${"a".repeat(4_090)}\r\n`
      const last = `250 ${"a".repeat(4_090)}\r\n`
      assert.strictEqual(readText(`${line.repeat(15)}${last}`).replies[0]?.lines.length, 16)
      const { error } = readText(`${line.repeat(16)}2`)
      assert.deepStrictEqual([error?.kind, error?.what, error?.limit, error?.line], ["limit", "reply", 65_536, ""])
    })

    it("count each reply by itself", () => {
      assert.isUndefined(readText(`250-${"a".repeat(3_000)}\r\n250 ok\r\n`.repeat(100)).error)
    })
  })

  describe("the enhanced status code (RFC 2034, RFC 3463)", () => {
    it("is read from the text and stays in it", () => {
      const parsed = readText("550 5.1.1 <eve@lab.test>: no such mailbox\r\n").replies[0]
      assert.strictEqual(parsed?.enhanced, "5.1.1")
      assert.deepStrictEqual(parsed?.lines, ["5.1.1 <eve@lab.test>: no such mailbox"])
    })

    it("has one to three digits in each part, a class that is the reply's, and an end", () => {
      assert.strictEqual(enhancedIn("535 5.7.139 Authentication unsuccessful"), "5.7.139")
      assert.strictEqual(enhancedIn("250 2.0.0"), "2.0.0")
      assert.strictEqual(enhancedIn("450 4.123.999 x"), "4.123.999")
      assert.strictEqual(enhancedIn("550 #5.1.0 Address rejected."), "5.1.0")
      assert.strictEqual(enhancedIn("550 5.7.1: denied"), "5.7.1")
      assert.strictEqual(enhancedIn("250\t2.0.0 ok"), undefined)
      for (
        const line of [
          "550 4.1.1 other class",
          "250 5.0.0 other class",
          "354 3.0.0 no class of that number",
          "550 5.1 x",
          "550 5.1. x",
          "550 5..1 x",
          "550 5.1.1234 x",
          "550 5.1234.1 x",
          "550 5.1.1.1 x",
          "550 5.1.1x",
          "550 text 5.1.1",
          "550"
        ]
      ) assert.isUndefined(enhancedIn(line), line)
    })

    it("is the first line's that has one", () => {
      assert.strictEqual(reply(550, "Sorry", "5.7.1 not you", "5.7.2 no").enhanced, "5.7.1")
      assert.isUndefined(reply(250, "mx.lab.test", "PIPELINING").enhanced)
    })
  })

  describe("its classes", () => {
    it("follow the first digit, also for codes that nobody knows", () => {
      const classes = [221, 334, 432, 599].map((code) => {
        const { isIntermediate, isPermanent, isPositive, isTransient } = reply(code, "")
        return { isIntermediate, isPermanent, isPositive, isTransient }
      })
      const none = { isIntermediate: false, isPermanent: false, isPositive: false, isTransient: false }
      assert.deepStrictEqual(classes, [
        { ...none, isPositive: true },
        { ...none, isPositive: true, isIntermediate: true },
        { ...none, isTransient: true },
        { ...none, isPermanent: true }
      ])
    })

    it("make parsed replies and made ones the same values", () => {
      const parsed = readText("250-a\r\n250 2.0.0 b\r\n").replies[0]
      assert.instanceOf(parsed, Reply.Reply)
      assert.deepStrictEqual(parsed, new Reply.Reply({ code: 250, enhanced: "2.0.0", lines: ["a", "2.0.0 b"] }))
      assert.strictEqual(parsed?.text, "a\n2.0.0 b")
    })
  })

  describe("the server's side", () => {
    it("writes each line with the code, the last one with a blank", () => {
      assert.strictEqual(
        new TextDecoder().decode(Reply.encode(reply(250, "mx.lab.test", "PIPELINING", ""))),
        "250-mx.lab.test\r\n250-PIPELINING\r\n250 \r\n"
      )
    })

    it("lets no text forge a line", () => {
      const forged = reply(250, "ok\r\n354 go\n\u0000x\r")
      assert.deepStrictEqual(Reply.toLines(forged), ["250 ok  354 go  x "])
    })

    it("writes U+FFFD for half a character that stands for no octet", () => {
      assert.deepStrictEqual(
        Reply.encode(reply(250, "\ud800x\udce9\udc7f\udd00\u{10080}")),
        Reply.encode(reply(250, "\ufffdx\udce9\ufffd\ufffd\u{10080}"))
      )
    })

    it("takes no code outside of 200 to 599", () => {
      for (const code of [0, 199, 600, 250.5]) assert.throws(() => reply(code, ""))
    })

    it.prop("is read back by the parser", {
      replies: Arbitrary.schema(
        Schema.Array(
          Schema.Struct({
            code: Schema.Int.check(Schema.isBetween({ minimum: 200, maximum: 599 })),
            lines: Schema.NonEmptyArray(
              Schema.Union([Schema.String, Schema.Literals(["2.0.0 Ok", "5.1.1", "-", " x"])])
            )
          })
        )
      )
    }, ({ replies }) => {
      const said = replies.map(({ code, lines }) =>
        // oxlint-disable-next-line no-control-regex
        reply(code, ...lines.map((line) => line.toWellFormed().replaceAll(/[\r\n\0]/g, "")))
      )
      const read = readPieces(said.map(Reply.encode))
      assert.deepStrictEqual(read.replies, said)
      assert.deepStrictEqual(read.lines, said.flatMap(Reply.toLines))
    })
  })

  describe("parse", () => {
    it("takes exactly one reply, with or without its last line end", () => {
      const expected = Result.succeed(reply(535, "5.7.8 no", "5.7.8 really"))
      assert.deepStrictEqual(Reply.parse("535-5.7.8 no\n535 5.7.8 really"), expected)
      assert.deepStrictEqual(Reply.parse(octetsOf("535-5.7.8 no\r\n535 5.7.8 really\r\n")), expected)
    })

    it("refuses less than one, more than one, and what is none", () => {
      assert.strictEqual(problemOf(""), "Not a whole reply: \"\"")
      assert.strictEqual(problemOf("250-a\r\n"), "Not a whole reply: \"250-a\"")
      assert.strictEqual(problemOf("250 a\r\n250 b"), "More than one reply: \"250 a\"")
      assert.strictEqual(problemOf("hello"), "Not a line of a reply: \"hello\"")
    })
  })

  describe("the queue id", () => {
    it("is found in the final replies of known servers", () => {
      assert.strictEqual(idIn("2.0.0 Ok: queued as 4Zx9Qk1bTqz2xyz"), "4Zx9Qk1bTqz2xyz")
      assert.strictEqual(
        idIn("2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 0D1B43F2A1"),
        "0D1B43F2A1"
      )
      assert.strictEqual(idIn("OK id=1tFabc-000000001Xy-2AbC"), "1tFabc-000000001Xy-2AbC")
      assert.strictEqual(
        idIn("Ok 0100018c8f7b1d3a-5f9d1c0e-1111-2222-3333-444455556666-000000"),
        "0100018c8f7b1d3a-5f9d1c0e-1111-2222-3333-444455556666-000000"
      )
      assert.strictEqual(
        idIn(
          "2.6.0 <a@b.example> [InternalId=25662282792964, Hostname=AM0P.example] 8434 bytes in 0.123, 66.9 KB/sec Queued mail for delivery"
        ),
        "25662282792964"
      )
      assert.strictEqual(idIn("2.0.0 OK  1700000000 y139sm19463388wmd.22 - gsmtp"), "y139sm19463388wmd.22")
      assert.strictEqual(idIn("2.0.0 3AB9cEf1012345 Message accepted for delivery"), "3AB9cEf1012345")
      assert.strictEqual(idIn("2.0.0: 1a2b3c4d Message accepted for delivery"), "1a2b3c4d")
      assert.strictEqual(idIn("2.0.0 <lab@lab.test> wFqHGjQzQ2d1AAAA Saved"), "wFqHGjQzQ2d1AAAA")
    })

    it("is looked for in every line", () => {
      assert.strictEqual(Reply.queueId(reply(250, "2.0.0 thanks", "2.0.0 Ok: queued as 4Zx")), "4Zx")
    })

    it("is not made up, nor taken from a reply that is not positive", () => {
      for (const text of ["2.0.0 Ok", "Accepted", "", "queued as", "Ok 250"]) {
        assert.isUndefined(Reply.queueId(reply(250, text)), text)
      }
      assert.isUndefined(Reply.queueId(reply(451, "4.3.0 queued as 4Zx")))
      assert.isUndefined(Reply.queueId(reply(354, "Ok: queued as 4Zx")))
    })
  })
})
