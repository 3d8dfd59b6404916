import { Inbound, makeUnstuffing, tooLong } from "@colloquy/core/internal/framing"
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"

const encoder = new TextEncoder()
const octets = (text: string) => encoder.encode(text)
const text = (pieces: ReadonlyArray<Uint8Array>) => pieces.map((piece) => new TextDecoder().decode(piece)).join("")

/** Texts in which line ends and dots are as likely as anything else. */
const nasty = Arbitrary.map(
  Arbitrary.array(Arbitrary.schema(Schema.Literals(["\r", "\n", ".", "\r\n", "\r\n.", "\r\n.\r\n", "a", "bc"]))),
  (parts) => parts.join("")
)
const cuts = Arbitrary.array(Arbitrary.schema(Schema.Natural))
const cut = (whole: Uint8Array, cuts: ReadonlyArray<number>): ReadonlyArray<Uint8Array> => {
  const at = [0, ...cuts.map((cut) => cut % (whole.length + 1)), whole.length].toSorted((a, b) => a - b)
  return at.slice(1).map((end, index) => whole.slice(at[index], end))
}

/** As RFC 5321 §4.5.2 says it, on the whole text. */
const unstuffed = (input: string) => {
  const end = `\r\n${input}`.indexOf("\r\n.\r\n")
  const content = end < 0 ? input : input.slice(0, end)
  return {
    content: `\r\n${content}`.replaceAll(/\r\n\./g, "\r\n").slice(2),
    rest: end < 0 ? undefined : input.slice(end + 3)
  }
}

const decode = (chunks: ReadonlyArray<Uint8Array>) => {
  const unstuff = makeUnstuffing()
  let content = ""
  for (const [index, chunk] of chunks.entries()) {
    const { end, pieces } = unstuff(chunk)
    content += text(pieces)
    if (end !== undefined) return { content, rest: text([chunk.slice(end), ...chunks.slice(index + 1)]) }
  }
  return { content, rest: undefined }
}

describe("content", () => {
  it("ends at CRLF.CRLF and nowhere else", () => {
    for (
      const [input, content, rest] of [
        [".\r\n", "", ""],
        ["Hi\r\n.\r\nQUIT\r\n", "Hi\r\n", "QUIT\r\n"],
        ["\r\n.\r\n", "\r\n", ""],
        ["..\r\n...\r\n.a\r\n.\r\n", ".\r\n..\r\na\r\n", ""],
        ["a.\r\n.\r\n", "a.\r\n", ""],
        // the ends of data that smuggling relies on
        ["a\n.\n", "a\n.\n", undefined],
        ["a\n.\r\n", "a\n.\r\n", undefined],
        ["a\r.\r", "a\r.\r", undefined],
        ["a\r.\r\n", "a\r.\r\n", undefined],
        ["a\r\n.\nb", "a\r\n\nb", undefined],
        ["a\r\n.\r.\r\n.\r\n", "a\r\n\r.\r\n", ""],
        ["a\r\n\0.\r\n", "a\r\n\0.\r\n", undefined]
      ] as const
    ) {
      assert.deepStrictEqual(decode([octets(input)]), { content, rest }, JSON.stringify(input))
      assert.deepStrictEqual(decode(Array.from(octets(input), (octet) => Uint8Array.of(octet))), { content, rest })
    }
  })

  it.prop("is what RFC 5321 §4.5.2 says, however it is cut", [nasty, cuts], ([input, cuts]) => {
    const expected = unstuffed(input)
    const decoded = decode(cut(octets(input), cuts))
    assert.strictEqual(decoded.rest, expected.rest)
    // the CR of a dot with a CR is held back
    const held = expected.rest === undefined && input.endsWith("\r\n.\r") || input === ".\r" ? 1 : 0
    assert.strictEqual(decoded.content, expected.content.slice(0, expected.content.length - held))
  })

  it("is passed on, not copied", () => {
    const chunk = octets("abc\r\n..def\r\n.\r\n")
    assert.isTrue(makeUnstuffing()(chunk).pieces.every((piece) => piece.buffer === chunk.buffer))
  })
})

const lines = (chunks: ReadonlyArray<Uint8Array>, limit: number) => {
  const inbound = new Inbound()
  const lines: Array<string> = []
  for (const chunk of chunks) {
    inbound.feed(chunk)
    for (let line = inbound.line(limit); line !== undefined; line = inbound.line(limit)) {
      lines.push(line === tooLong ? "(too long)" : text([line]))
    }
    assert.isAtMost(inbound.length, limit)
  }
  return lines
}

describe("lines", () => {
  it("end in CRLF only", () => {
    assert.deepStrictEqual(lines([octets("EHLO a\r\nNOOP\nQUIT\r\nx\ry\r\n\r\nrest\n")], 100), [
      "EHLO a",
      "NOOP\nQUIT",
      "x\ry",
      ""
    ])
  })

  it("have a limit that counts their CRLF", () => {
    assert.deepStrictEqual(lines([octets("1234\r\n12345\r\n1234\r\n")], 6), ["1234", "(too long)", "1234"])
  })

  it.prop("are the same however they are cut, and hold no more than the limit", [nasty, cuts], ([input, cuts]) => {
    const expected = input.split("\r\n").slice(0, -1).map((line) => line.length + 2 > 7 ? "(too long)" : line)
    assert.deepStrictEqual(lines(cut(octets(input), cuts), 7), expected)
  })

  it("may be followed by counted octets, and by lines again", () => {
    const inbound = new Inbound()
    inbound.feed(octets("BDAT 5\r\n\r\n"))
    assert.strictEqual(text([octets("BDAT 5")]), text([inbound.line(100) as Uint8Array]))
    assert.strictEqual(text([inbound.take(5) as Uint8Array]), "\r\n")
    assert.isUndefined(inbound.take(3))
    inbound.feed(octets("abcNOOP\r\n"))
    assert.strictEqual(text([inbound.take(3) as Uint8Array]), "abc")
    assert.strictEqual(text([inbound.line(100) as Uint8Array]), "NOOP")
    inbound.feed(octets("half a line"))
    assert.isUndefined(inbound.line(100))
    inbound.feed(octets(" and more"))
    assert.strictEqual(inbound.clear(), 20)
    inbound.feed(octets("QUIT\r\n"))
    assert.strictEqual(text([inbound.line(100) as Uint8Array]), "QUIT")
    inbound.feed(octets("content"))
    const taken = inbound.take(100) as Uint8Array
    inbound.untake(taken.subarray(3))
    assert.strictEqual(text([inbound.take(100) as Uint8Array]), "tent")
  })
})
