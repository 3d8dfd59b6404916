import { isTrace, saslprep } from "@colloquy/core/sasl/saslprep"
import { d1, d2 } from "@colloquy/core/sasl/saslprepTables"
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Result, Schema } from "effect"

const refusedBy = (codePoint: number, rule: string) => Result.fail({ codePoint, rule })

describe("SASLprep", () => {
  it("prepares the examples of RFC 4013 §3", () => {
    assert.deepStrictEqual(
      ["I\u00adX", "user", "USER", "\u00aa", "\u2168", "\u0007", "\u0627\u0031"].map(saslprep),
      [
        Result.succeed("IX"),
        Result.succeed("user"),
        Result.succeed("USER"),
        Result.succeed("a"),
        Result.succeed("IX"),
        refusedBy(7, "C.2.1"),
        refusedBy(0x31, "§6")
      ]
    )
  })

  it("maps every non-ASCII space to a space, and what is commonly mapped to nothing to nothing (§2.1)", () => {
    assert.deepStrictEqual(
      saslprep("a\u00a0b\u1680c\u2000d\u200be\u202ff\u205fg\u3000h"),
      Result.succeed("a b c d e f g h")
    )
    assert.deepStrictEqual(
      saslprep("a\u00ad\u034f\u1806\u180b\u180d\u200c\u200d\u2060\ufe00\ufe0f\ufeffb"),
      Result.succeed("ab")
    )
  })

  it("refuses by each table of §2.3, named", () => {
    const samples: ReadonlyArray<readonly [codePoint: number, rule: string]> = [
      [0x00, "C.2.1"],
      [0x1f, "C.2.1"],
      [0x7f, "C.2.1"],
      [0x80, "C.2.2"],
      [0x9f, "C.2.2"],
      [0x06dd, "C.2.2"],
      [0x2029, "C.2.2"],
      [0x1d17a, "C.2.2"],
      [0xe000, "C.3"],
      [0xf8ff, "C.3"],
      [0x10fffd, "C.3"],
      [0xfdd0, "C.4"],
      [0xffff, "C.4"],
      [0x10ffff, "C.4"],
      [0xd800, "C.5"],
      [0xdfff, "C.5"],
      [0xfffd, "C.6"],
      [0x2ff0, "C.7"],
      [0x2ffb, "C.7"],
      [0x200e, "C.8"],
      [0x202e, "C.8"],
      [0xe0001, "C.9"],
      [0xe007f, "C.9"]
    ]
    for (const [codePoint, rule] of samples) {
      assert.deepStrictEqual(saslprep(`pass${String.fromCodePoint(codePoint)}word`), refusedBy(codePoint, rule))
    }
  })

  it("allows the neighbours of what it refuses", () => {
    const text = String.fromCodePoint(0x20, 0x7e, 0xa1, 0x2fef, 0x2ffc, 0xfff8, 0x1d172, 0x1d17b, 0xe0080)
    assert.deepStrictEqual(saslprep(text), Result.succeed(text))
  })

  it("allows what Unicode 3.2 does not know: emoji, and scripts that came later", () => {
    assert.deepStrictEqual(saslprep("pass 🔑 \u1e9f"), Result.succeed("pass 🔑 \u1e9f"))
  })

  it("takes text from right to left, with its own letters at both ends and none of the other direction (RFC 3454 §6)", () => {
    assert.deepStrictEqual(saslprep("\u05e1\u05d5\u05d3 1 \u05d0"), Result.succeed("\u05e1\u05d5\u05d3 1 \u05d0"))
    assert.deepStrictEqual(saslprep("\u05e1\u05d5\u05d3a\u05d0"), refusedBy(0x61, "§6"))
    assert.deepStrictEqual(saslprep("\u05e1\u05d5\u05d3é\u05d0"), refusedBy(0xe9, "§6"))
    assert.deepStrictEqual(saslprep("1\u05d0"), refusedBy(0x31, "§6"))
    assert.deepStrictEqual(saslprep("\u05d01"), refusedBy(0x31, "§6"))
    assert.deepStrictEqual(saslprep("\u05d0"), Result.succeed("\u05d0"))
  })

  it("has table D.1 of RFC 3454 as the RFC prints it, and none of it in D.2", () => {
    const ranges = [
      "5be 5be 5c0 5c0 5c3 5c3 5d0 5ea 5f0 5f4 61b 61b 61f 61f 621 63a 640 64a 66d 66f 671 6d5 6dd 6dd 6e5 6e6 6fa 6fe",
      "700 70d 710 710 712 72c 780 7a5 7b1 7b1 200f 200f fb1d fb1d fb1f fb28 fb2a fb36 fb38 fb3c fb3e fb3e fb40 fb41",
      "fb43 fb44 fb46 fbb1 fbd3 fd3d fd50 fd8f fd92 fdc7 fdf0 fdfc fe70 fe74 fe76 fefc"
    ]
    const bounds = ranges.join(" ").split(" ").map((hex) => Number.parseInt(hex, 16))
    const expected = new Set<number>()
    for (let i = 0; i < bounds.length; i += 2) {
      for (let codePoint = bounds[i] ?? 0; codePoint <= (bounds[i + 1] ?? 0); codePoint++) expected.add(codePoint)
    }
    const wrong = Array.from({ length: 0x11_0000 }, (_, codePoint) => codePoint)
      .filter((codePoint) => d1(codePoint) !== expected.has(codePoint) || (d1(codePoint) && d2(codePoint)))
    assert.deepStrictEqual(wrong, [])
  })

  it("counts ASCII letters, CJK, Hangul and the first and last of table D.2 as left to right, digits as neither", () => {
    const inside = [0x41, 0x5a, 0x61, 0x7a, 0xaa, 0x3041, 0x4e00, 0x9fa5, 0xac00, 0xd7a3, 0x10_0000, 0x10_fffd]
    const outside = [0x40, 0x5b, 0x60, 0x7b, 0x31, 0x660, 0x9fa6, 0x10_fffe]
    assert.deepStrictEqual([inside.filter(d2), outside.filter(d2)], [inside, []])
  })

  it.prop("changes a prepared text no more", [Schema.String], ([text]) => {
    const prepared = saslprep(text)
    if (Result.isSuccess(prepared)) assert.deepStrictEqual(saslprep(prepared.success), prepared)
  })

  it.prop(
    "leaves printable ASCII as it is",
    [Arbitrary.schema(Schema.String.check(Schema.isPattern(/^[\x20-\x7e]*$/)))],
    ([text]) => assert.deepStrictEqual(saslprep(text), Result.succeed(text))
  )

  it("lets one text through as a trace that it would change as a name, and refuses controls in both (RFC 4505 §3)", () => {
    assert.isTrue(isTrace("I\u00adX \u2ff0"))
    assert.isTrue(isTrace(""))
    assert.isFalse(isTrace("a\u0007"))
    assert.isFalse(isTrace("\u05d0a"))
  })
})
