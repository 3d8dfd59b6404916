import { makeUnstuffing } from "@colloquy/core/internal/framing"
import * as Known from "@colloquy/core/internal/knownContent"
import {
  countLines,
  endOfData,
  hasEightBit,
  linesIfWhole,
  makeRepair,
  makeStuffing
} from "@colloquy/core/internal/stuffing"
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Schema, Stream } from "effect"
import { contents, layer, mail, script, sending, text } from "./dialogue.ts"

const latin1 = (octets: Uint8Array) => Array.from(octets, (octet) => String.fromCharCode(octet)).join("")
const octetsOf = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0))

/** Texts in which line ends and dots are as likely as anything else, and everything that smuggling was done with. */
const nasty = Arbitrary.map(
  Arbitrary.array(
    Arbitrary.schema(
      Schema.Literals([
        "\r",
        "\n",
        ".",
        "\r\n",
        "\n.\n",
        "\r.\r",
        "\r\n.\r\n",
        "\n.\r\n",
        "\r\n.\n",
        "\0",
        "a",
        "bc\u00ff"
      ])
    )
  ),
  (parts) => parts.join("")
)
const cuts = Arbitrary.array(Arbitrary.schema(Schema.Natural))
const cut = (whole: Uint8Array, cuts: ReadonlyArray<number>): ReadonlyArray<Uint8Array> => {
  const at = [0, ...cuts.map((cut) => cut % (whole.length + 1)), whole.length].toSorted((a, b) => a - b)
  // views, at any offset of one buffer, as a socket or a file gives them
  return at.slice(1).map((end, index) => whole.subarray(at[index], end))
}

/** RFC 5321 §2.3.8, on the whole text: each CR, LF and CRLF is one CRLF, and the last line has one. */
const normalized = (text: string) => {
  const whole = text.replaceAll(/\r\n|\r|\n/g, "\r\n")
  return whole === "" || whole.endsWith("\r\n") ? whole : `${whole}\r\n`
}

const repaired = (chunks: ReadonlyArray<Uint8Array>) => {
  const repair = makeRepair()
  return [...chunks.map(repair.push), repair.end()]
}
const stuffed = (chunks: ReadonlyArray<Uint8Array>) => {
  const stuffing = makeStuffing()
  return chunks.flatMap((chunk) => stuffing.push(chunk))
}
const join = (chunks: ReadonlyArray<Uint8Array>) => chunks.map(latin1).join("")

/** What a strict server reads, and where it sees the end. */
const served = (wire: string) => {
  const unstuff = makeUnstuffing()
  const { end, pieces } = unstuff(octetsOf(wire))
  return { content: join(pieces), rest: end === undefined ? undefined : wire.slice(end) }
}

/** A server that takes bare LF, or bare CR, for a line end, and a lone dot between any two for the end of data. */
const laxEnds = (wire: string) => wire.search(/(?:^|\r\n|\n|\r)\.(?:\r\n|\n|\r)/)

describe("repair", () => {
  it.prop("makes every line end CRLF, however the content is cut", [nasty, cuts], ([content, cuts]) => {
    assert.strictEqual(join(repaired(cut(octetsOf(content), cuts))), normalized(content))
  })

  it("counts what it made right", () => {
    const repair = makeRepair()
    repair.push(octetsOf("a\r\nb\nc\rd\r"))
    repair.end()
    assert.strictEqual(repair.repaired(), 3)
  })

  it("passes on what is right, uncopied", () => {
    const chunk = octetsOf("Subject: Hi\r\n\r\nHi\r\n")
    assert.strictEqual(makeRepair().push(chunk), chunk)
  })

  it.prop("has nothing to do for what it made", [nasty, cuts], ([content, cuts]) => {
    const once = octetsOf(join(repaired([octetsOf(content)])))
    const repair = makeRepair()
    const twice = join([...cut(once, cuts).map(repair.push), repair.end()])
    assert.strictEqual(twice, latin1(once))
    assert.strictEqual(repair.repaired(), 0)
  })

  it.prop("knows content that is whole, and its lines", [nasty, cuts], ([content, cuts]) => {
    // a chunk that ends between CR and LF is looked at again by the slow way
    const lines = linesIfWhole([octetsOf(content)])
    assert.strictEqual(
      lines,
      normalized(content) === content ? content.split("\r\n").length - 1 : undefined,
      JSON.stringify(content)
    )
    const inPieces = linesIfWhole(cut(octetsOf(content), cuts))
    assert.isTrue(inPieces === undefined || inPieces === lines)
  })
})

describe("stuffing", () => {
  it.prop(
    "is undone by a server, which gets the content with CRLF line ends",
    [nasty, cuts, cuts],
    ([content, first, second]) => {
      const whole = octetsOf(join(repaired(cut(octetsOf(content), first))))
      const wire = join([...stuffed(cut(whole, second)), endOfData])
      assert.deepStrictEqual(served(wire), { content: normalized(content), rest: "" })
    }
  )

  it.prop(
    "leaves no end of data inside, not even for a server that takes bare CR or LF",
    [nasty, cuts],
    ([content, cuts]) => {
      const wire = join([...stuffed(repaired(cut(octetsOf(content), cuts))), endOfData])
      assert.isNull(/\r(?!\n)|(?<!\r)\n/.exec(wire))
      assert.strictEqual(laxEnds(wire), wire === ".\r\n" ? 0 : wire.length - 5)
    }
  )

  it("doubles a dot at the beginning of a line only (RFC 5321 §4.5.2)", () => {
    assert.strictEqual(join(stuffed([octetsOf(".\r\na.\r\n..b\r\n")])), "..\r\na.\r\n...b\r\n")
    assert.strictEqual(join(stuffed([octetsOf("a\r\n"), octetsOf("."), octetsOf(".\r\n")])), "a\r\n...\r\n")
    assert.strictEqual(join(stuffed([octetsOf("a"), octetsOf(".\r\n")])), "a.\r\n")
  })

  it("passes on what is right, uncopied", () => {
    const chunk = octetsOf("a.b\r\n.c\r\n")
    assert.isTrue(makeStuffing().push(chunk).every((piece) => piece.length === 1 || piece.buffer === chunk.buffer))
  })
})

describe("octets", () => {
  it.prop("are counted in lines", [nasty], ([content]) => {
    assert.strictEqual(countLines(octetsOf(content)), content.split("\n").length - 1)
  })
  it("over 127 are seen", () => {
    assert.isTrue(hasEightBit(Uint8Array.of(1, 128)))
    assert.isFalse(hasEightBit(Uint8Array.of(0, 127)))
  })
})

const hello = "S: 220 mail.test\nC: EHLO client.test\nS: 250-mail.test\n"
const envelope = `C: /^MAIL FROM:<ann@mail.test>/\nS: 250 Ok\nC: RCPT TO:<bob@mail.test>\nS: 250 Ok\n`
const viaData = `${hello}S: 250 8BITMIME\n${envelope}C: DATA\nS: 354 Go on\n-- content\nS: 250 Ok\n${script.bye}`
const viaBdat = `${hello}S: 250-8BITMIME\nS: 250 CHUNKING\n${envelope}-- bdat\nS: 250 Ok\n${script.bye}`

/** In memory, where it is known whole, or as a stream that comes in pieces. */
const message = (content: string, cuts: ReadonlyArray<number> | undefined) =>
  Effect.map(mail(), (composed) => {
    const octets = octetsOf(`Subject: Hi\r\n\r\n${content}`)
    const chunks = cut(octets, cuts ?? [])
    const stream = Stream.fromIterable(chunks)
    if (cuts === undefined) Known.remember(stream, { chunks, clean: false })
    return { ...composed, size: octets.length, body: "8BITMIME" as const, content: stream }
  })

const arrives = (content: string, cuts: ReadonlyArray<number> | undefined, dialogue: string) =>
  Effect.gen(function*() {
    const receipt = yield* sending({}, message(content, cuts))
    const [arrived = ""] = yield* contents
    return { arrived, octets: receipt.octets }
  }).pipe(Effect.provide(layer(dialogue), { local: true }))

describe("what arrives at the server", () => {
  it.effect.prop("by DATA is what was sent", [nasty, cuts], ([content, cuts]) =>
    Effect.gen(function*() {
      const expected = normalized(`Subject: Hi\r\n\r\n${content}`)
      for (const how of [cuts, undefined]) {
        const { arrived, octets } = yield* arrives(content, how, viaData)
        assert.deepStrictEqual(served(`${arrived}.\r\n`), { content: expected, rest: "" })
        assert.strictEqual(octets, expected.length)
      }
    }))

  it.effect.prop(
    "by BDAT is what was sent, with CRLF, and without dots",
    [nasty, cuts],
    ([content, cuts]) =>
      Effect.gen(function*() {
        const expected = normalized(`Subject: Hi\r\n\r\n${content}`)
        for (const how of [cuts, undefined]) {
          const { arrived, octets } = yield* arrives(content, how, viaBdat)
          assert.strictEqual(arrived, expected)
          assert.strictEqual(octets, expected.length)
        }
      })
  )

  it.effect("is an empty message where the content is empty", () =>
    Effect.gen(function*() {
      yield* sending(
        {},
        Effect.map(mail(), (composed) => ({ ...composed, chunks: [], size: 0, content: Stream.empty }))
      )
      assert.deepStrictEqual(yield* contents, [""])
    }).pipe(Effect.provide(layer(viaData))))

  it.effect("is the same, dot for dot, where each line begins with one", () =>
    Effect.gen(function*() {
      yield* sending({}, mail(`${text}.\r\n..\r\n.a\r\n`))
      assert.deepStrictEqual(yield* contents, [`${text}..\r\n...\r\n..a\r\n`])
    }).pipe(Effect.provide(layer(viaData))))
})
