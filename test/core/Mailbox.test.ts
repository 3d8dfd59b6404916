import * as Mailbox from "@colloquy/core/Mailbox"
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Result, Schema } from "effect"

const parse = (text: string): Mailbox.Mailbox => Result.getOrThrow(Mailbox.parse(text))
const parseList = (text: string) => Result.getOrThrow(Mailbox.parseList(text))
const errorOf = (text: string): Mailbox.MailboxError => Result.getOrThrow(Result.flip(Mailbox.parse(text)))
const listErrorOf = (text: string): Mailbox.MailboxError => Result.getOrThrow(Result.flip(Mailbox.parseList(text)))
const mailbox = (localPart: string, domain: string, displayName?: string): Mailbox.Mailbox =>
  new Mailbox.Mailbox({ localPart, domain, ...(displayName === undefined ? undefined : { displayName }) })
const toAscii = (domain: string): string | undefined => Result.getOrUndefined(Mailbox.toAscii(domain))

const text = (characters: string, minimum: number, maximum: number) =>
  Arbitrary.map(
    Arbitrary.schema(
      Schema.Array(Schema.Literals(Array.from(characters))).check(
        Schema.isMinLength(minimum),
        Schema.isMaxLength(maximum)
      )
    ),
    (all) => all.join("")
  )
const Domain = Arbitrary.flatMap(Arbitrary.schema(Schema.Boolean), (literal) =>
  literal
    ? Arbitrary.schema(Schema.Literals(["[192.0.2.1]", "[IPv6:2001:db8::1]", "[tag:x@y]"]))
    : Arbitrary.map(
      Arbitrary.array(text("abcXYZ01ü漢_", 1, 6), { minLength: 1, maxLength: 3 }),
      (labels) => [...labels, "example"].join(".")
    ))
const Local = Arbitrary.flatMap(
  Arbitrary.schema(Schema.Boolean),
  (quoted) => quoted ? text("abc. @<>()[]{},;:\"\\'é\u{1f4ee}", 1, 12) : text("abcXYZ019!#$%&'*+-/=?^_`{|}~é", 1, 12)
)
const Name = text("abc XYZ.,;:@<>()[]\"\\'é\u{1f4ee}", 1, 16)
const Mailboxes = Arbitrary.map(
  Arbitrary.all([Local, Domain, Arbitrary.array(Name, { maxLength: 1 })]),
  ([localPart, domain, [name]]) => mailbox(localPart, domain, name)
)
const Entries = Arbitrary.array(
  Arbitrary.flatMap(
    Arbitrary.schema(Schema.Boolean),
    (isGroup): Arbitrary.Arbitrary<Mailbox.Mailbox | Mailbox.Group> =>
      isGroup
        ? Arbitrary.map(
          Arbitrary.all([Name, Arbitrary.array(Mailboxes, { maxLength: 3 })]),
          ([name, members]) => new Mailbox.Group({ name, members })
        )
        : Mailboxes
  ),
  { maxLength: 4 }
)

/** Pieces of addresses and of attacks on their readers, in any order. */
const Hostile = Arbitrary.map(
  Arbitrary.schema(
    Schema.Array(
      Schema.Union([
        Schema.String,
        Schema.Literals([
          "ann@a.example",
          "Ann <ann@a.example>",
          "\"",
          "\\",
          "(",
          ")",
          "<",
          ">",
          ",",
          ";",
          ":",
          "@",
          ".",
          "[",
          "]",
          " ",
          "\t",
          "\r\n",
          "\0",
          "[IPv6:::1]",
          "é",
          "\ud800",
          "=?utf-8?q?x?="
        ])
      ])
    )
  ),
  (pieces) => pieces.join("")
)

describe("Mailbox", () => {
  describe("parse", () => {
    it("reads an address, and a name with an address in angle brackets", () => {
      assert.deepStrictEqual(parse("ann@a.example"), mailbox("ann", "a.example"))
      assert.deepStrictEqual(parse("<ann@a.example>"), mailbox("ann", "a.example"))
      assert.deepStrictEqual(parse(" Ann Example <ann@a.example> "), mailbox("ann", "a.example", "Ann Example"))
      assert.deepStrictEqual(
        parse("\"Example, \\\"Ann\\\"\"<ann@a.example>"),
        mailbox("ann", "a.example", "Example, \"Ann\"")
      )
      assert.deepStrictEqual(parse("\"\" <ann@a.example>"), mailbox("ann", "a.example"))
    })

    it("reads the examples of RFC 5322, appendix A.1 and A.5", () => {
      const examples = [
        "John Doe <jdoe@machine.example>",
        "\"Joe Q. Public\" <john.q.public@example.com>",
        "Mary Smith <mary@x.test>",
        "jdoe@example.org",
        "Who? <one@y.test>",
        "<boss@nil.test>",
        "\"Giant; \\\"Big\\\" Box\" <sysservices@example.net>",
        "Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
        "Chris Jones <c@(Chris's host.)public.example>",
        "joe@example.org",
        "John <jdoe@one.test> (my dear friend)",
        "Joe Q. Public <john.q.public@example.com>",
        "<boss . x@nil . test (a (nested) one)>"
      ].map(parse)
      assert.deepStrictEqual(examples, [
        mailbox("jdoe", "machine.example", "John Doe"),
        mailbox("john.q.public", "example.com", "Joe Q. Public"),
        mailbox("mary", "x.test", "Mary Smith"),
        mailbox("jdoe", "example.org"),
        mailbox("one", "y.test", "Who?"),
        mailbox("boss", "nil.test"),
        mailbox("sysservices", "example.net", "Giant; \"Big\" Box"),
        mailbox("pete", "silly.test", "Pete"),
        mailbox("c", "public.example", "Chris Jones"),
        mailbox("joe", "example.org"),
        mailbox("jdoe", "one.test", "John"),
        mailbox("john.q.public", "example.com", "Joe Q. Public"),
        mailbox("boss.x", "nil.test")
      ])
    })

    it("reads a quoted local part as what it means, and writes it quoted where it must be", () => {
      const addresses = [
        "\"ann b\"@a.example",
        "\"ann\"@a.example",
        "\"a\\\"\\\\<>@,\"@a.example",
        "\"a\".b.\"c d\"@a.example",
        "\"a..b\"@a.example"
      ]
      assert.deepStrictEqual(addresses.map((address) => parse(address).localPart), [
        "ann b",
        "ann",
        "a\"\\<>@,",
        "a.b.c d",
        "a..b"
      ])
      assert.deepStrictEqual(addresses.map((address) => Mailbox.address(parse(address))), [
        "\"ann b\"@a.example",
        "ann@a.example",
        "\"a\\\"\\\\<>@,\"@a.example",
        "\"a.b.c d\"@a.example",
        "\"a..b\"@a.example"
      ])
    })

    it("reads address literals (RFC 5321 §4.1.3)", () => {
      for (
        const literal of [
          "[192.0.2.1]",
          "[IPv6:2001:db8::1]",
          "[ipv6:::]",
          "[IPv6:1:2:3:4:5:6:7:8]",
          "[IPv6:::ffff:192.0.2.1]",
          "[X-tag:a@b]"
        ]
      ) assert.deepStrictEqual(parse(`ann@${literal}`), mailbox("ann", literal))
      for (
        const literal of [
          "[]",
          "[192.0.2]",
          "[192.0.2.1.1]",
          "[192.0.2.256]",
          "[192.0.2.0001]",
          "[::1]",
          "[IPv6:1:2:3:4:5:6:7]",
          "[IPv6:1:2:3:4:5:6:7:8:9]",
          "[IPv6:1::2::3]",
          "[IPv6::1]",
          "[IPv6:12345::]",
          "[IPv6:::192.0.2.1:1]",
          "[IPv6:fe80::1%eth0]",
          "[tag:]",
          "[a b:c]",
          "[x]]"
        ]
      ) assert.isTrue(Result.isFailure(Mailbox.parse(`ann@${literal}`)), literal)
    })

    it("reads any script (RFC 6531), and keeps it as it was written", () => {
      assert.deepStrictEqual(parse("Pelé <pelé@bücher.example>"), mailbox("pelé", "bücher.example", "Pelé"))
      assert.deepStrictEqual(parse("用户@例子.广告"), mailbox("用户", "例子.广告"))
      assert.isFalse(Mailbox.isAscii(parse("ann@bücher.example")))
      assert.isFalse(Mailbox.isAscii(parse("pelé@a.example")))
      assert.isTrue(Mailbox.isAscii(parse("Pelé <pele@a.example>")))
    })

    it("drops a route in angle brackets (RFC 5322 §4.4)", () => {
      assert.deepStrictEqual(parse("Ann <@a.example, @b.example:ann@c.example>"), mailbox("ann", "c.example", "Ann"))
    })

    it("keeps an encoded word as it is: decoding it is Message's", () => {
      assert.strictEqual(parse("=?utf-8?q?J=C3=B6rg?= <j@a.example>").displayName, "=?utf-8?q?J=C3=B6rg?=")
    })

    it("says what is wrong, and where", () => {
      const errors = [
        "",
        "   ",
        "<>",
        "ann",
        "Ann Example",
        "Ann <ann>",
        "ann@",
        "@a.example",
        "Ann <ann@a.example",
        "Ann ann@a.example",
        "ann@a.example Ann",
        "ann@a.example, bob@b.example",
        "ann@a.example> <bob@b.example",
        "Example, Ann <ann@a.example>",
        "ann..b@a.example",
        ".ann@a.example",
        "ann.@a.example",
        "\"ann@a.example",
        "ann (Ann@a.example",
        "ann@a.example)",
        "ann@a..example",
        "ann@a.example.",
        "ann@-a.example",
        "ann@exa!mple",
        "ann@192.0.2.1",
        "ann@[192.0.2.1",
        "ann@a.example@b.example",
        "ann@a.example\r\nRCPT TO:<eve@e.example>",
        "ann\0@a.example",
        "ann@a.example\u2028",
        "ann@\ud800.example",
        "\"a\tb\"@a.example",
        "Friends: ann@a.example;",
        `${"a".repeat(65)}@a.example`,
        `ann@${"a".repeat(64)}.example`,
        `${"a".repeat(64)}@${"abcdefg.".repeat(23)}example`
      ].map((input) => `${errorOf(input).offset} ${errorOf(input).problem}`)
      assert.deepStrictEqual(errors, [
        "0 no address",
        "3 no address",
        "0 no address in the angle brackets",
        "0 no \"@\" in the address",
        "0 no \"@\" in the address",
        "4 no \"@\" in the address",
        "4 no domain",
        "0 no local part",
        "4 no \">\" at the end of the address",
        "4 words without a dot between: a local part with blanks is quoted, an address behind a name stands in angle brackets",
        "14 \"A\" is out of place",
        "13 \",\" is out of place",
        "13 \">\" is out of place",
        "0 no \"@\" in the address",
        "4 a dot at the beginning of the local part, or two of them: such a local part must be quoted",
        "0 a dot at the beginning of the local part, or two of them: such a local part must be quoted",
        "4 a dot at the end of the local part, which must be quoted",
        "0 no end of the quoted text",
        "4 no end of the comment",
        "13 \")\" is out of place",
        "4 an empty label in the domain",
        "4 an empty label in the domain",
        "4 a label of the domain begins or ends with \"-\"",
        "4 \"!\" in the domain",
        "4 a number at the end of the domain: an IP address stands in brackets",
        "4 no \"]\" at the end of the address literal",
        "13 \"@\" is out of place",
        "13 U+000D, which no address may hold",
        "3 U+0000, which no address may hold",
        "13 U+2028, which no address may hold",
        "4 U+D800, which no address may hold",
        "0 U+0009 in the quoted local part",
        "7 \":\" is out of place",
        "0 the local part is longer than 64 octets",
        "4 a label of the domain is longer than 63 octets",
        "0 the address is longer than 256 octets with its angle brackets"
      ])
    })

    it("counts octets, not characters: a local part of 33 two-octet letters is too long", () => {
      assert.deepStrictEqual(parse(`${"é".repeat(32)}@a.example`).localPart, "é".repeat(32))
      assert.strictEqual(errorOf(`${"é".repeat(33)}@a.example`).problem, "the local part is longer than 64 octets")
    })

    it("keeps of a long text at most 200 characters around the place", () => {
      const error = listErrorOf(
        `${"ann@a.example, ".repeat(10_000)}bob@\u0007b.example, ${"ann@a.example, ".repeat(10_000)}`
      )
      assert.strictEqual(error.input.length, 200)
      assert.strictEqual(error.input[error.offset], "\u0007")
      assert.strictEqual(
        errorOf("ann@a.example\r\n").message,
        "U+000D, which no address may hold, at 13 in \"ann@a.example\\u{D}\\u{A}\""
      )
    })

    it.prop("reads what format wrote", { entry: Mailboxes }, ({ entry }) => {
      assert.deepStrictEqual(parse(Mailbox.format(entry)), entry)
    })

    it.prop("reads what address wrote", { entry: Mailboxes }, ({ entry }) => {
      assert.deepStrictEqual(parse(Mailbox.address(entry)), mailbox(entry.localPart, entry.domain))
    })

    it.prop("lets no control, and no bracket outside of quotes, through", { hostile: Hostile }, ({ hostile }) => {
      const found = Mailbox.parseList(hostile)
      const entries = Result.isSuccess(found) ? found.success : []
      for (const entry of entries.flatMap((entry) => entry instanceof Mailbox.Group ? entry.members : [entry])) {
        const address = Mailbox.address(entry)
        assert.match(address, /^[^\p{Cc}\p{Cs}\u2028\u2029]+$/u)
        assert.notMatch(address.replaceAll(/^"(?:[^"\\]|\\.)*"/g, ""), /[<>\s"]/)
        assert.notMatch(Mailbox.format(entry), /[\r\n\0]/)
        const { displayName, domain, localPart } = entry
        assert.deepStrictEqual(mailbox(localPart, domain, displayName), entry)
      }
    })

    it.prop("fails with a place in its input", { hostile: Hostile }, ({ hostile }) => {
      const found = Mailbox.parse(hostile)
      if (Result.isSuccess(found)) return
      assert.isAtMost(found.failure.input.length, 200)
      assert.isAtLeast(found.failure.offset, 0)
      assert.isAtMost(found.failure.offset, found.failure.input.length)
    })
  })

  describe("parseList", () => {
    it("reads mailboxes with commas between, in order", () => {
      assert.deepStrictEqual(parseList("ann@a.example, Bob <bob@b.example>,\t\"c, d\"@c.example"), [
        mailbox("ann", "a.example"),
        mailbox("bob", "b.example", "Bob"),
        mailbox("c, d", "c.example")
      ])
    })

    it("reads semicolons as commas outside of groups: 4D's sample has them", () => {
      assert.deepStrictEqual(parseList("Somebody <a@b.example>;me@home.example;"), [
        mailbox("a", "b.example", "Somebody"),
        mailbox("me", "home.example")
      ])
    })

    it("reads groups (RFC 5322, appendix A.1.3)", () => {
      assert.deepStrictEqual(
        parseList(
          "A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;, ann@a.example; Undisclosed recipients:;"
        ),
        [
          new Mailbox.Group({
            name: "A Group",
            members: [
              mailbox("c", "a.test", "Ed Jones"),
              mailbox("joe", "where.test"),
              mailbox("jdoe", "one.test", "John")
            ]
          }),
          mailbox("ann", "a.example"),
          new Mailbox.Group({ name: "Undisclosed recipients", members: [] })
        ]
      )
    })

    it("passes over empty elements, and takes a blank text as an empty list", () => {
      assert.deepStrictEqual(parseList(" , ann@a.example,, (nobody) ,;bob@b.example, "), [
        mailbox("ann", "a.example"),
        mailbox("bob", "b.example")
      ])
      assert.deepStrictEqual(parseList(" (nobody) "), [])
    })

    it("says where a list broke", () => {
      const errors = [
        "ann@a.example bob@b.example",
        "ann@a.example, bob",
        "Friends: ann@a.example",
        "Friends: More: ann@a.example;;",
        "Friends: ann@a.example bob@b.example;",
        ": ann@a.example;",
        "ann@a.example:",
        "\"Ann\"@, bob@b.example"
      ].map((input) => `${listErrorOf(input).offset} ${listErrorOf(input).problem}`)
      assert.deepStrictEqual(errors, [
        "14 \"b\" is out of place",
        "15 no \"@\" in the address",
        "7 no \";\" at the end of the group",
        "13 \":\" is out of place",
        "23 \"b\" is out of place",
        "0 \":\" is out of place",
        "13 \":\" is out of place",
        "6 no domain"
      ])
    })

    it.prop("reads what format wrote", { entries: Entries }, ({ entries }) => {
      assert.deepStrictEqual(parseList(entries.map(Mailbox.format).join(", ")), entries)
    })

    it.each([
      "(",
      ")",
      "\"",
      "\\",
      ",",
      ";",
      ":",
      "<",
      ">",
      "@",
      ".",
      "[",
      "]",
      " ",
      "a",
      "é",
      "a.",
      "a ",
      "()",
      "\"\"",
      "(\\",
      "\"\\",
      "a@",
      "<@",
      "@,",
      "a:",
      "a@[",
      "\"a\".",
      "a@b.example,",
      "a:b@c.example;",
      "a <b@c.example>,",
      "a@b\t("
    ])("takes 100,000 characters of %j in one pass", (piece) => {
      // Work that grows with the square would be 10^10 steps for each lead: the test would not end in its time.
      const long = piece.repeat(100_000 / piece.length)
      for (const lead of ["", "a@", "<@a:", "\"", "a:", "a <b@"]) {
        const found = Mailbox.parseList(lead + long)
        if (Result.isFailure(found)) assert.isAtMost(found.failure.input.length, 200)
        assert.isTrue(Result.isFailure(Mailbox.parse(lead + long)))
      }
    })
  })

  describe("its invariant", () => {
    it("holds for every way to make one", () => {
      const wrong: ReadonlyArray<readonly [string, string, string?]> = [
        ["ann\r\n", "a.example"],
        ["", "a.example"],
        ["ann", ""],
        ["ann", "a.example>"],
        ["ann", "a.example", "Ann\r\nBcc: eve@e.example"],
        ["a".repeat(65), "a.example"],
        ["a".repeat(64), `${"abcdefg.".repeat(23)}example`],
        ["ann", "127.1"]
      ]
      for (const [localPart, domain, displayName] of wrong) {
        assert.throws(() => mailbox(localPart, domain, displayName))
        const decoded = Schema.decodeUnknownResult(Mailbox.Mailbox)({
          localPart,
          domain,
          ...(displayName === undefined ? undefined : { displayName })
        })
        assert.isTrue(Result.isFailure(decoded))
      }
    })
  })

  describe("format", () => {
    it("quotes a display name where it must, and only there", () => {
      const names = [
        "Ann Example",
        "Jörg",
        "O'Neil",
        "Ann Q. Example",
        "Example, Ann",
        "a\"b\\c",
        "two  blanks",
        " lead",
        "ann@a.example",
        "(x)"
      ]
      assert.deepStrictEqual(names.map((name) => Mailbox.format(mailbox("ann", "a.example", name))), [
        "Ann Example <ann@a.example>",
        "Jörg <ann@a.example>",
        "O'Neil <ann@a.example>",
        "\"Ann Q. Example\" <ann@a.example>",
        "\"Example, Ann\" <ann@a.example>",
        "\"a\\\"b\\\\c\" <ann@a.example>",
        "\"two  blanks\" <ann@a.example>",
        "\" lead\" <ann@a.example>",
        "\"ann@a.example\" <ann@a.example>",
        "\"(x)\" <ann@a.example>"
      ])
    })

    it("writes groups", () => {
      const group = new Mailbox.Group({
        name: "A, B",
        members: [mailbox("ann", "a.example", "Ann"), mailbox("bob", "b.example")]
      })
      assert.strictEqual(Mailbox.format(group), "\"A, B\": Ann <ann@a.example>, bob@b.example;")
      assert.strictEqual(Mailbox.format(new Mailbox.Group({ name: "Nobody", members: [] })), "Nobody:;")
    })
  })

  describe("toAscii", () => {
    it("makes A-labels (UTS 46, non-transitional)", () => {
      assert.deepStrictEqual(
        [
          "bücher.example",
          "BÜCHER.Example",
          "faß.example",
          "例子.广告",
          "παράδειγμα.δοκιμή",
          "日本語。jp",
          "क्\u200dष.example",
          "a.é.example"
        ].map(toAscii),
        [
          "xn--bcher-kva.example",
          "xn--bcher-kva.example",
          "xn--fa-hia.example",
          "xn--fsqu00a.xn--4rr70v",
          "xn--hxajbheg2az3al.xn--jxalpdlp",
          "xn--wgv71a119e.jp",
          "xn--11b2ezcw70k.example",
          "a.xn--9ca.example"
        ]
      )
    })

    it("lets ASCII be as it is, address literals too", () => {
      for (
        const domain of [
          "Example.COM",
          "xn--bcher-kva.example",
          "_x.my_host.example",
          "[192.0.2.1]",
          "[IPv6:2001:db8::1]"
        ]
      ) {
        assert.strictEqual(toAscii(domain), domain)
      }
    })

    it("takes nothing that only a URL makes of it: paths, ports, users, percent signs, numbers, brackets", () => {
      for (
        const domain of [
          "a/b",
          "é/b.example",
          "é\\b.example",
          "é?b.example",
          "é#b",
          "é:25",
          "user@é.example",
          "é%2eexample",
          "é％２ｅexample",
          "é／b.example",
          "é＠b.example",
          "é：25",
          "１２７.0.0.1",
          "127.1",
          "１２７。１",
          "é.127",
          "é.0x7f",
          "[é]",
          " é.example",
          "é .example",
          "é\u3000.example",
          "é\t.example",
          "é\r\n.example",
          "é\0.example",
          "\ud800.example"
        ]
      ) {
        assert.isUndefined(toAscii(domain), domain)
      }
    })

    it("takes no label that IDNA forbids: joiners out of context, mixed directions, broken Punycode, empty or too long ones", () => {
      for (
        const domain of [
          "a\u200db.example",
          "a\u200cb.example",
          "aا.é",
          "xn--a.é",
          "xn--ü.example",
          "\u00ad.example",
          "é..example",
          "é.example.",
          "é-.example",
          "-é.example",
          `${"é".repeat(60)}.example`,
          `${"é.".repeat(120)}example`,
          ""
        ]
      ) assert.isUndefined(toAscii(domain), domain)
      const error = Result.getOrThrow(Result.flip(Mailbox.toAscii("a\u200db.example")))
      assert.strictEqual(
        error.message,
        "not an internationalized domain name (UTS 46), at 0 in \"a\\u{200D}b.example\""
      )
    })

    it.prop(
      "gives ASCII that is a domain, or nothing, and is the same twice",
      { domain: Domain, noise: Schema.String },
      ({ domain, noise }) => {
        for (const candidate of [domain, noise, `${noise}.example`, `é${noise}`]) {
          const ascii = toAscii(candidate)
          if (ascii === undefined) continue
          assert.match(ascii, /^(?:\[[!-Z^-~]+\]|[\w-]+(?:\.[\w-]+)*)$/)
          assert.strictEqual(toAscii(ascii), ascii)
          assert.deepStrictEqual(parse(`ann@${ascii}`), mailbox("ann", ascii))
        }
      }
    )
  })
})
