import * as Command from "@colloquy/core/Command"
import * as Envelope from "@colloquy/core/Envelope"
import * as Extensions from "@colloquy/core/Extensions"
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Result, Schema } from "effect"

/** A server that offers all that an envelope can ask for. */
const everything = Extensions.make("mx.example", {
  "SIZE": [],
  "8BITMIME": [],
  "BINARYMIME": [],
  "CHUNKING": [],
  "SMTPUTF8": [],
  "AUTH": ["PLAIN"],
  "DSN": [],
  "REQUIRETLS": [],
  "MT-PRIORITY": [],
  "DELIVERBY": ["60"],
  "FUTURERELEASE": ["86400", "2026-12-31T00:00:00Z"]
})
const without = (...keywords: ReadonlyArray<string>) => Extensions.without(everything, keywords)

interface Options {
  readonly extensions?: Extensions.Extensions
  readonly secured?: boolean
  readonly size?: number
  readonly body?: Envelope.Body
  readonly smtpUtf8?: boolean
}
const build = (envelope: Envelope.Envelope, options?: Options) =>
  Envelope.commands(envelope, { extensions: everything, secured: true, ...options })

/** The lines that travel. */
const lines = (envelope: Envelope.Envelope, options?: Options): ReadonlyArray<string> => {
  const { mail, rcpts } = Result.getOrThrow(build(envelope, options))
  return [mail, ...rcpts].map((command) => Result.getOrThrow(Command.encode(command)).slice(0, -2))
}
const errorOf = (envelope: Envelope.Envelope, options?: Options): Envelope.EnvelopeError =>
  Result.getOrThrow(Result.flip(build(envelope, options)))

const plain: Envelope.Envelope = { from: "ann@a.example", to: ["bob@b.example"] }
const mailLine = (extra: Partial<Envelope.Envelope>, options?: Options) => lines({ ...plain, ...extra }, options)[0]
const problem = (extra: Partial<Envelope.Envelope>, options?: Options) => {
  const { kind, message } = errorOf({ ...plain, ...extra }, options)
  return `${kind} ${message}`
}
const rcptLine = (recipient: Envelope.Recipient, options?: Options & { readonly from?: string }) =>
  lines({ from: options?.from ?? plain.from, to: [recipient] }, options)[1]
const rcptProblem = (recipient: Envelope.Recipient, options?: Options & { readonly from?: string }) => {
  const { kind, message } = errorOf({ from: options?.from ?? plain.from, to: [recipient] }, options)
  return `${kind} ${message}`
}

/** An address that is so long as an ORCPT value, its type included. */
const addressOf = (length: number) => `${"a".repeat(length - "rfc822;@b.example".length)}@b.example`
const by = (seconds: number, mode: "return" | "notify") => ({ deliverBy: { seconds, mode } })

describe("Envelope", () => {
  describe("without parameters", () => {
    it("makes MAIL and a RCPT for each forward-path, in order, duplicates included", () => {
      assert.deepStrictEqual(
        lines({
          from: "ann@a.example",
          to: ["bob@b.example", "\"c d\"@c.example", "bob@b.example"]
        }),
        [
          "MAIL FROM:<ann@a.example>",
          "RCPT TO:<bob@b.example>",
          "RCPT TO:<\"c d\"@c.example>",
          "RCPT TO:<bob@b.example>"
        ]
      )
    })

    it("has a null reverse-path", () => {
      assert.strictEqual(mailLine({ from: "" }, { extensions: Extensions.none }), "MAIL FROM:<>")
    })

    it("is an envelope of strings, as it is stored", () => {
      assert.deepStrictEqual(Schema.decodeUnknownSync(Envelope.Envelope)({ from: "", to: ["bob@b.example"] }), {
        from: "",
        to: ["bob@b.example"]
      })
      assert.throws(() => Schema.decodeUnknownSync(Envelope.Envelope)({ from: "", to: [] }))
    })
  })

  describe("what the engine adds", () => {
    it("is left out where the server does not offer it", () => {
      const options = { size: 1_000, body: "8BITMIME" } as const
      assert.strictEqual(mailLine({}, options), "MAIL FROM:<ann@a.example> SIZE=1000 BODY=8BITMIME")
      assert.strictEqual(mailLine({}, { ...options, extensions: Extensions.none }), "MAIL FROM:<ann@a.example>")
      assert.strictEqual(
        mailLine({ size: 7, body: "8BITMIME" }, { extensions: Extensions.none }),
        "MAIL FROM:<ann@a.example>"
      )
    })

    it("says the size that the engine counted, or else the envelope's", () => {
      assert.strictEqual(mailLine({ size: 7 }, { size: 8 }), "MAIL FROM:<ann@a.example> SIZE=8")
      assert.strictEqual(mailLine({ size: 7 }), "MAIL FROM:<ann@a.example> SIZE=7")
      assert.strictEqual(mailLine({ size: 0 }), "MAIL FROM:<ann@a.example> SIZE=0")
    })

    it("does not say that content is 7BIT, which holds without saying", () => {
      assert.strictEqual(mailLine({ body: "7BIT" }), "MAIL FROM:<ann@a.example>")
    })

    it("takes no size that is no number of octets (the injection of GHSA-c7w3-x93f-qmm8)", () => {
      for (const size of [-1, 0.5, Number.NaN, Infinity, "1\r\nRCPT TO:<eve@e.example>" as unknown as number]) {
        for (const extensions of [everything, Extensions.none]) {
          assert.match(problem({ size }, { extensions }), /^invalid SIZE: not a number of octets/)
        }
      }
    })
  })

  describe("BODY=BINARYMIME", () => {
    it("needs BINARYMIME and CHUNKING", () => {
      assert.strictEqual(mailLine({ body: "BINARYMIME" }), "MAIL FROM:<ann@a.example> BODY=BINARYMIME")
      assert.strictEqual(mailLine({}, { body: "BINARYMIME" }), "MAIL FROM:<ann@a.example> BODY=BINARYMIME")
      assert.deepStrictEqual(
        ["BINARYMIME", "CHUNKING"].map((keyword) => problem({ body: "BINARYMIME" }, { extensions: without(keyword) })),
        [
          "notOffered The server does not offer BINARYMIME, which is needed for binary content",
          "notOffered The server does not offer CHUNKING, which is needed for binary content"
        ]
      )
    })
  })

  describe("SMTPUTF8", () => {
    it("is said where a local part is not ASCII; the domains then stay as they are", () => {
      assert.deepStrictEqual(lines({ from: "ann@bücher.example", to: ["pelé@b.example", "bob@bücher.example"] }), [
        "MAIL FROM:<ann@bücher.example> SMTPUTF8",
        "RCPT TO:<pelé@b.example>",
        "RCPT TO:<bob@bücher.example>"
      ])
      assert.deepStrictEqual(
        lines({ from: "\"é @\"@a.example", to: ["bob@b.example"] })[0],
        "MAIL FROM:<\"é @\"@a.example> SMTPUTF8"
      )
    })

    it("is not said for a domain alone: it travels in A-labels, offered or not", () => {
      for (const extensions of [everything, Extensions.none]) {
        assert.deepStrictEqual(
          lines({ from: "ann@bücher.example", to: ["\"b @ e\"@b.example", "bob@faß.example"] }, {
            extensions
          }),
          [
            "MAIL FROM:<ann@xn--bcher-kva.example>",
            "RCPT TO:<\"b @ e\"@b.example>",
            "RCPT TO:<bob@xn--fa-hia.example>"
          ]
        )
      }
    })

    it("is said where the content or the user wants it", () => {
      assert.strictEqual(mailLine({}, { smtpUtf8: true }), "MAIL FROM:<ann@a.example> SMTPUTF8")
      assert.strictEqual(mailLine({ smtpUtf8: true }), "MAIL FROM:<ann@a.example> SMTPUTF8")
      assert.strictEqual(mailLine({ smtpUtf8: false }), "MAIL FROM:<ann@a.example>")
    })

    it("is an error where it is needed and not offered, which names the address", () => {
      const extensions = without("SMTPUTF8")
      assert.deepStrictEqual(
        errorOf({ from: "ann@a.example", to: ["bob@b.example", { address: "pelé@b.example" }] }, { extensions }),
        new Envelope.EnvelopeError({
          kind: "notOffered",
          parameter: "SMTPUTF8",
          extension: "SMTPUTF8",
          problem: "the local part of \"pelé@b.example\""
        })
      )
      assert.deepStrictEqual(
        [problem({}, { extensions, smtpUtf8: true }), problem({ smtpUtf8: true }, { extensions })],
        [
          "notOffered The server does not offer SMTPUTF8, which is needed for header fields in UTF-8",
          "notOffered The server does not offer SMTPUTF8, which is needed for a transaction in UTF-8"
        ]
      )
    })

    it("is an error where it is needed and excluded", () => {
      assert.strictEqual(
        problem({ from: "pelé@a.example", smtpUtf8: false }),
        "invalid SMTPUTF8: excluded, and needed for the local part of \"pelé@a.example\""
      )
    })

    it("does not make a domain of what is none", () => {
      assert.strictEqual(
        rcptProblem("bob@a\u200db.example"),
        "invalid forward-path: not an internationalized domain name (UTS 46): \"bob@a\\u{200D}b.example\""
      )
      assert.strictEqual(
        problem({ from: "ann@é/b.example" }),
        "invalid reverse-path: \"/\" in the domain: \"ann@é/b.example\""
      )
    })
  })

  describe("AUTH (RFC 4954 §5)", () => {
    it("names the submitter as xtext, or nobody", () => {
      // The example of RFC 4954 §5
      assert.strictEqual(mailLine({ auth: "e=mc2@example.com" }), "MAIL FROM:<ann@a.example> AUTH=e+3Dmc2@example.com")
      assert.strictEqual(mailLine({ auth: "" }), "MAIL FROM:<ann@a.example> AUTH=<>")
      assert.strictEqual(
        mailLine({ auth: "\"a =\"@a.example" }),
        "MAIL FROM:<ann@a.example> AUTH=\"a+20+3D\"@a.example"
      )
    })

    it("is an error where it is not offered, or no address", () => {
      assert.strictEqual(
        problem({ auth: "" }, { extensions: without("AUTH") }),
        "notOffered The server does not offer AUTH, which is needed for the parameter AUTH"
      )
      assert.strictEqual(
        problem({ auth: "ann" }),
        "invalid AUTH: no \"@\": \"ann\""
      )
    })
  })

  describe("DSN (RFC 3461)", () => {
    it("makes lines as in the example of RFC 3461 §10.1", () => {
      assert.deepStrictEqual(
        lines({
          from: "Alice@Example.ORG",
          ret: "HDRS",
          envid: "QQ314159",
          to: [
            { address: "Bob@Example.COM", notify: ["SUCCESS"], orcpt: "rfc822;Bob@Example.COM" },
            { address: "Carol@Ivory.EDU", notify: ["FAILURE"], orcpt: "Carol@Ivory.EDU" },
            { address: "Dana@Ivory.EDU", notify: ["SUCCESS", "FAILURE"], orcpt: "rfc822;Dana@Ivory.EDU" },
            { address: "George@Tax-ME.GOV", notify: ["NEVER"] }
          ]
        }),
        [
          "MAIL FROM:<Alice@Example.ORG> RET=HDRS ENVID=QQ314159",
          "RCPT TO:<Bob@Example.COM> NOTIFY=SUCCESS ORCPT=rfc822;Bob@Example.COM",
          "RCPT TO:<Carol@Ivory.EDU> NOTIFY=FAILURE ORCPT=rfc822;Carol@Ivory.EDU",
          "RCPT TO:<Dana@Ivory.EDU> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;Dana@Ivory.EDU",
          "RCPT TO:<George@Tax-ME.GOV> NOTIFY=NEVER"
        ]
      )
    })

    it("encodes ENVID as xtext, and takes 100 characters of it", () => {
      assert.strictEqual(mailLine({ envid: "a+b=c d" }), "MAIL FROM:<ann@a.example> ENVID=a+2Bb+3Dc+20d")
      assert.strictEqual(mailLine({ envid: "+".repeat(33) }), `MAIL FROM:<ann@a.example> ENVID=${"+2B".repeat(33)}`)
      assert.strictEqual(
        problem({ envid: "+".repeat(34) }),
        `invalid ENVID: longer than 100 characters, as xtext: "${"+".repeat(34)}"`
      )
      for (const envid of ["", "é", "a\tb", "a\r\nb"]) {
        assert.match(problem({ envid }), /^invalid ENVID: empty, or with a character that is not printable ASCII/)
      }
    })

    it("takes 500 characters of ORCPT, with its type", () => {
      assert.strictEqual(
        rcptLine({ address: "bob@b.example", orcpt: addressOf(500) }),
        `RCPT TO:<bob@b.example> ORCPT=rfc822;${addressOf(500)}`
      )
      assert.match(
        rcptProblem({ address: "bob@b.example", orcpt: addressOf(501) }),
        /^invalid ORCPT: longer than 500 characters, as it travels/
      )
    })

    it("encodes ORCPT as xtext, and with SMTPUTF8 in ASCII by its own escapes (RFC 6533 §3)", () => {
      assert.strictEqual(
        rcptLine({ address: "bob@b.example", orcpt: "RFC822;\"b +\"@b.example" }),
        "RCPT TO:<bob@b.example> ORCPT=rfc822;\"b+20+2B\"@b.example"
      )
      const utf8 = "RCPT TO:<bob@b.example> ORCPT=utf-8;\"p\\x{E9}l\\x{20}\\x{2B}\\x{3D}\\x{5C}\\x{1F4EE}\"@b.example"
      for (const orcpt of ["\"pél +=\\\u{1f4ee}\"@b.example", "utf-8;\"pél +=\\\u{1f4ee}\"@b.example"]) {
        assert.strictEqual(rcptLine({ address: "bob@b.example", orcpt }, { smtpUtf8: true }), utf8)
      }
      assert.strictEqual(
        rcptLine({ address: "bob@b.example", orcpt: "utf-8;bob@b.example" }, { smtpUtf8: true }),
        "RCPT TO:<bob@b.example> ORCPT=utf-8;bob@b.example"
      )
    })

    it("takes no other ORCPT", () => {
      const problems = [
        "",
        "rfc822;",
        "x400;C=US;A=;",
        "rfc822;pelé@b.example",
        "pelé@b.example",
        "bob@b.example\r\nDATA"
      ].map((orcpt) => rcptProblem({ address: "bob@b.example", orcpt }))
      assert.deepStrictEqual(problems, [
        "invalid ORCPT: empty, or with a control character: \"\"",
        "invalid ORCPT: empty, or with a control character: \"rfc822;\"",
        "invalid ORCPT: a type other than rfc822 and utf-8: \"x400;C=US;A=;\"",
        "invalid ORCPT: non-ASCII characters with the type rfc822: \"rfc822;pelé@b.example\"",
        "invalid ORCPT: the type utf-8 in a transaction without SMTPUTF8: \"pelé@b.example\"",
        "invalid ORCPT: empty, or with a control character: \"bob@b.example\\u{D}\\u{A}DATA\""
      ])
      assert.strictEqual(
        rcptProblem({ address: "bob@b.example", orcpt: "pelé@b.example" }, { extensions: without("SMTPUTF8") }),
        "notOffered The server does not offer SMTPUTF8, which is needed for the type utf-8 of ORCPT"
      )
    })

    it("lets NEVER stand alone, and no wish come twice", () => {
      const wishes: ReadonlyArray<ReadonlyArray<Envelope.Notify>> = [
        ["NEVER", "DELAY"],
        ["DELAY", "DELAY"],
        [],
        ["SUCCESS ORCPT=x" as Envelope.Notify]
      ]
      assert.deepStrictEqual(
        wishes.map((notify) => rcptProblem({ address: "bob@b.example", notify: notify as [Envelope.Notify] })),
        [
          "invalid NOTIFY: NEVER together with others: \"NEVER,DELAY\"",
          "invalid NOTIFY: none, one twice, or other than NEVER, SUCCESS, FAILURE and DELAY: \"DELAY,DELAY\"",
          "invalid NOTIFY: none, one twice, or other than NEVER, SUCCESS, FAILURE and DELAY: \"\"",
          "invalid NOTIFY: none, one twice, or other than NEVER, SUCCESS, FAILURE and DELAY: \"SUCCESS ORCPT=x\""
        ]
      )
    })
  })

  describe("what the user asks for", () => {
    const wishes: ReadonlyArray<readonly [keyword: string, parameter: string, wish: Partial<Envelope.Envelope>]> = [
      ["DSN", "RET", { ret: "FULL" }],
      ["DSN", "ENVID", { envid: "x" }],
      ["DSN", "NOTIFY", { to: [{ address: "bob@b.example", notify: ["NEVER"] }] }],
      ["DSN", "ORCPT", { to: ["bob@b.example", { address: "bob@b.example", orcpt: "bob@b.example" }] }],
      ["AUTH", "AUTH", { auth: "ann@a.example" }],
      ["REQUIRETLS", "REQUIRETLS", { requireTls: true }],
      ["MT-PRIORITY", "MT-PRIORITY", { mtPriority: 0 }],
      ["DELIVERBY", "BY", { deliverBy: { seconds: 60, mode: "return" } }],
      ["FUTURERELEASE", "HOLDFOR", { holdFor: 60 }],
      ["FUTURERELEASE", "HOLDUNTIL", { holdUntil: "2026-12-01T00:00:00Z" }]
    ]

    it.each(wishes)("is an error where the server does not offer %s: %s", (keyword, parameter, wish) => {
      for (const extensions of [without(keyword), Extensions.none]) {
        const error = errorOf({ ...plain, ...wish }, { extensions })
        assert.deepStrictEqual([error.kind, error.extension, error.parameter], ["notOffered", keyword, parameter])
      }
      const offered = lines({ ...plain, ...wish }).join(" ")
      assert.include(offered, ` ${parameter}`)
    })

    it("travels together, each once", () => {
      assert.strictEqual(
        mailLine({
          size: 1,
          body: "8BITMIME",
          smtpUtf8: true,
          auth: "",
          ret: "FULL",
          envid: "x",
          requireTls: true,
          mtPriority: -9,
          deliverBy: { seconds: 120, mode: "notify", trace: true },
          holdFor: 86_400
        }),
        "MAIL FROM:<ann@a.example> SIZE=1 BODY=8BITMIME SMTPUTF8 AUTH=<> RET=FULL ENVID=x REQUIRETLS MT-PRIORITY=-9 BY=120;NT HOLDFOR=86400"
      )
    })
  })

  describe("REQUIRETLS (RFC 8689)", () => {
    it("is taken over verified TLS only", () => {
      assert.strictEqual(mailLine({ requireTls: true }), "MAIL FROM:<ann@a.example> REQUIRETLS")
      assert.strictEqual(
        problem({ requireTls: true }, { secured: false }),
        "invalid REQUIRETLS: only over TLS with a verified certificate"
      )
      assert.strictEqual(mailLine({ requireTls: false }, { secured: false }), "MAIL FROM:<ann@a.example>")
    })
  })

  describe("MT-PRIORITY (RFC 6710)", () => {
    it("is a whole number from -9 to 9", () => {
      assert.strictEqual(mailLine({ mtPriority: 9 }), "MAIL FROM:<ann@a.example> MT-PRIORITY=9")
      for (const mtPriority of [-10, 10, 0.5, Number.NaN]) {
        assert.match(problem({ mtPriority }), /^invalid MT-PRIORITY: not a whole number from -9 to 9/)
      }
    })
  })

  describe("DELIVERBY (RFC 2852)", () => {
    it("is within ±999,999,999 seconds, ahead of now for mode return, and not below the server's minimum", () => {
      assert.strictEqual(mailLine(by(60, "return")), "MAIL FROM:<ann@a.example> BY=60;R")
      assert.strictEqual(mailLine(by(-999_999_999, "notify")), "MAIL FROM:<ann@a.example> BY=-999999999;N")
      assert.strictEqual(mailLine(by(1, "notify")), "MAIL FROM:<ann@a.example> BY=1;N")
      assert.deepStrictEqual(
        [
          by(59, "return"),
          by(0, "return"),
          by(1_000_000_000, "notify"),
          by(-1_000_000_000, "notify"),
          by(1.5, "notify")
        ]
          .map((wish) => problem(wish)),
        [
          "invalid BY: less than the server's minimum of 60 seconds: \"59\"",
          "invalid BY: a time that has passed, with the mode return (RFC 2852): \"0\"",
          "invalid BY: not within ±999,999,999 seconds: \"1000000000\"",
          "invalid BY: not within ±999,999,999 seconds: \"-1000000000\"",
          "invalid BY: not within ±999,999,999 seconds: \"1.5\""
        ]
      )
      assert.strictEqual(
        mailLine(by(1, "return"), { extensions: Extensions.make("mx", { DELIVERBY: [] }) }),
        "MAIL FROM:<ann@a.example> BY=1;R"
      )
    })
  })

  describe("FUTURERELEASE (RFC 4865)", () => {
    it("holds for at most the server's interval", () => {
      assert.strictEqual(mailLine({ holdFor: 86_400 }), "MAIL FROM:<ann@a.example> HOLDFOR=86400")
      assert.deepStrictEqual([86_401, 0, -1, 1.5].map((holdFor) => problem({ holdFor })), [
        "invalid HOLDFOR: more than the server's maximum of 86400 seconds: \"86401\"",
        "invalid HOLDFOR: not within 1 to 999,999,999 seconds: \"0\"",
        "invalid HOLDFOR: not within 1 to 999,999,999 seconds: \"-1\"",
        "invalid HOLDFOR: not within 1 to 999,999,999 seconds: \"1.5\""
      ])
    })

    it("holds until a time, which travels in UTC, at most the server's latest", () => {
      const until = ["2026-12-31T00:00:00Z", "2026-12-30T23:30:00.5+01:00"].map((holdUntil) => mailLine({ holdUntil }))
      assert.deepStrictEqual(until, [
        "MAIL FROM:<ann@a.example> HOLDUNTIL=2026-12-31T00:00:00Z",
        "MAIL FROM:<ann@a.example> HOLDUNTIL=2026-12-30T22:30:00Z"
      ])
      assert.deepStrictEqual(
        ["2026-12-31T00:00:01Z", "2026-13-01T00:00:00Z", "2026-12-01", "tomorrow", "2026-12-01T00:00:00Z X=1"].map((
          holdUntil
        ) => problem({ holdUntil })),
        [
          "invalid HOLDUNTIL: later than the server's maximum, 2026-12-31T00:00:00.000Z: \"2026-12-31T00:00:01Z\"",
          "invalid HOLDUNTIL: not a time of RFC 3339: \"2026-13-01T00:00:00Z\"",
          "invalid HOLDUNTIL: not a time of RFC 3339: \"2026-12-01\"",
          "invalid HOLDUNTIL: not a time of RFC 3339: \"tomorrow\"",
          "invalid HOLDUNTIL: not a time of RFC 3339: \"2026-12-01T00:00:00Z X=1\""
        ]
      )
      const unbounded = Extensions.make("mx", { FUTURERELEASE: [] })
      assert.strictEqual(
        mailLine({ holdUntil: "2099-01-01T00:00:00Z" }, { extensions: unbounded }),
        "MAIL FROM:<ann@a.example> HOLDUNTIL=2099-01-01T00:00:00Z"
      )
    })

    it("holds for or until, not both", () => {
      assert.strictEqual(
        problem({ holdFor: 1, holdUntil: "2026-12-01T00:00:00Z" }),
        "invalid HOLDFOR: together with HOLDUNTIL (RFC 4865)"
      )
    })
  })

  describe("values that nobody should have", () => {
    it.prop("begin no other parameter and no other command", {
      hostile: Arbitrary.schema(
        Schema.Array(
          Schema.Union([
            Schema.String,
            Schema.Literals([
              " SIZE=1",
              "\r\n",
              "\0",
              ">",
              "<",
              "=",
              "+",
              "\\",
              "a@b.example",
              "é",
              "\u{1f4ee}",
              "\ud800",
              "rfc822;",
              "\u0085"
            ])
          ])
        )
      )
    }, ({ hostile }) => {
      const text = hostile.join("")
      for (const smtpUtf8 of [false, true]) {
        const built = build({
          from: `"${text.replaceAll(/["\\]/g, "\\$&")}"@a.example`,
          to: [{ address: "bob@b.example", orcpt: text, notify: ["NEVER"] }],
          auth: text,
          envid: text
        }, { smtpUtf8 })
        if (Result.isFailure(built)) {
          assert.match(built.failure.message, /^[^\p{Cc}\p{Cs}\u2028\u2029]*$/u)
          continue
        }
        for (const command of [built.success.mail, ...built.success.rcpts]) {
          const encoded = Command.encode(command)
          if (Result.isFailure(encoded)) continue
          assert.deepStrictEqual(Result.getOrThrow(Command.parse(encoded.success.slice(0, -2))), {
            ...command,
            ...(command._tag === "RCPT" ? { smtpUtf8: false } : undefined)
          })
        }
        assert.deepStrictEqual(Object.keys(built.success.rcpts[0].parameters), ["NOTIFY", "ORCPT"])
      }
    })
  })

  describe("xtext (RFC 3461 §4)", () => {
    it.prop("is read back", { text: Schema.String }, ({ text }) => {
      const wellFormed = text.toWellFormed()
      const encoded = Envelope.xtextEncode(wellFormed)
      assert.match(encoded, /^(?:[!-*,-<>-~]|\+[0-9A-F]{2})*$/)
      assert.deepStrictEqual(Envelope.xtextDecode(encoded), Result.succeed(wellFormed))
    })

    it("keeps octets that are not UTF-8", () => {
      assert.deepStrictEqual(Envelope.xtextDecode("a+E9+2b"), Result.succeed("a\udce9+"))
      assert.strictEqual(Envelope.xtextEncode("a\udce9+"), "a+E9+2B")
    })

    it("is nothing else", () => {
      for (const encoded of ["a=b", "a b", "+", "+2", "+2g", "é", "a\r\n"]) {
        assert.isTrue(Result.isFailure(Envelope.xtextDecode(encoded)), encoded)
      }
    })
  })
})
