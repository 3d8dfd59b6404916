import * as Command from "@colloquy/core/Command"
import * as LogEvent from "@colloquy/core/LogEvent"
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Redacted, Result, Schema } from "effect"

const wire = (command: Command.Command): string => Result.getOrThrow(Command.encode(command))
const encodeError = (command: Command.Command): Command.CommandError =>
  Result.getOrThrow(Result.flip(Command.encode(command)))
const parsed = (line: string): Command.Command | Command.Unknown => Result.getOrThrow(Command.parse(line))
const parseError = (line: string): Command.CommandError => Result.getOrThrow(Result.flip(Command.parse(line)))
const secretOf = (text: string) => Redacted.make(text)

/** A command with its secrets in the open, so that two can be compared. */
const open = (command: Command.Command | Command.Unknown): unknown => {
  switch (command._tag) {
    case "AUTH":
      return { ...command, initial: command.initial === undefined ? undefined : Redacted.value(command.initial) }
    case "AuthResponse":
      return { ...command, response: Redacted.value(command.response) }
    default:
      return command
  }
}

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
const shown = (secret: string) =>
  [Command.auth("X", secretOf(`.${secret}`)), Command.authResponse(secretOf(`.${secret}`))].map(Command.toLog)

const atoms = "abcXYZ09!#$%&'*+-/=?^_`{|}~."
const Label = text("abcXYZ019_", 1, 8)
const Domain = Arbitrary.map(Arbitrary.array(Label, { minLength: 1, maxLength: 4 }), (labels) => labels.join("."))
const Local = text(atoms, 1, 20)
const Utf8Local = Arbitrary.map(text(`${atoms}äπ漢\u{1f4ee}`, 1, 8), (local) => `é${local}`)
const Quoted = Arbitrary.map(
  text(`${atoms} @<>()[];,:"\\`, 0, 20),
  (local) => `"${local.replaceAll(/["\\]/g, "\\$&")}"`
)
const address = (local: Arbitrary.Arbitrary<string>) =>
  Arbitrary.map(Arbitrary.all([local, Domain]), ([left, right]) => `${left}@${right}`)
const Path = Arbitrary.flatMap(Arbitrary.schema(Schema.Boolean), (quoted) => address(quoted ? Quoted : Local))
const Parameters = Arbitrary.map(
  Arbitrary.array(
    Arbitrary.all([
      text("ABCX019-", 0, 6),
      Arbitrary.schema(Schema.Union([Schema.Literal(true), Schema.Literals(["1000", "8BITMIME", "<>", "a+2Bb", "~!"])]))
    ]),
    { maxLength: 3 }
  ),
  (all) => Object.fromEntries(all.map(([keyword, value]) => [`K${keyword}`, value] as const)) as Command.Parameters
)
const Word = text("abcXYZ019.:[]-", 1, 12)
const Sentence = Arbitrary.map(Arbitrary.array(Word, { minLength: 1, maxLength: 3 }), (all) => all.join(" "))
const Secret = Arbitrary.map(Arbitrary.schema(Schema.String), (value) => value.toWellFormed())

/** Every command, each with arguments that it can have. */
const Commands: Arbitrary.Arbitrary<ReadonlyArray<Command.Command>> = Arbitrary.map(
  Arbitrary.all({
    domain: Domain,
    path: Path,
    utf8: address(Utf8Local),
    parameters: Parameters,
    sentence: Sentence,
    word: Word,
    secret: Secret,
    octets: Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 2 ** 40 }))),
    flag: Arbitrary.schema(Schema.Boolean)
  }),
  ({ domain, flag, octets, parameters, path, secret, sentence, utf8, word }) => [
    Command.ehlo(domain),
    Command.helo("[192.0.2.1]"),
    Command.lhlo("[IPv6:2001:db8::1]"),
    Command.startTls,
    Command.auth("SCRAM-SHA-256"),
    Command.auth("plain", secretOf(secret)),
    Command.mail("", parameters),
    Command.mail(path, parameters),
    Command.mail(utf8, { ...parameters, SMTPUTF8: true }),
    Command.rcpt(path, parameters),
    Command.rcpt(utf8, parameters, { smtpUtf8: true }),
    Command.rcpt("Postmaster"),
    Command.data,
    Command.bdat(octets, { last: flag }),
    Command.bdat(0, { last: true }),
    Command.rset,
    Command.noop(),
    Command.noop(sentence),
    Command.vrfy(sentence),
    Command.vrfy(`é ${sentence}`, { smtpUtf8: true }),
    Command.expn(sentence, { smtpUtf8: flag }),
    Command.help(),
    Command.help(sentence),
    Command.quit,
    Command.etrn(`@${domain}`),
    Command.xclient({ NAME: word, LOGIN: `a =+ ${sentence} é` })
  ]
)

describe("Command", () => {
  describe("encode", () => {
    it("writes each command as the RFCs have it", () => {
      const commands: ReadonlyArray<readonly [Command.Command, string]> = [
        [Command.ehlo("client.example"), "EHLO client.example"],
        [Command.helo("[192.0.2.1]"), "HELO [192.0.2.1]"],
        [Command.lhlo("[IPv6:2001:db8::1]"), "LHLO [IPv6:2001:db8::1]"],
        [Command.startTls, "STARTTLS"],
        [Command.auth("digest-md5"), "AUTH DIGEST-MD5"],
        // RFC 4954 §4.1
        [Command.auth("PLAIN", secretOf("test\0test\x001234")), "AUTH PLAIN dGVzdAB0ZXN0ADEyMzQ="],
        [Command.auth("EXTERNAL", secretOf("")), "AUTH EXTERNAL ="],
        [Command.authResponse(secretOf("test\0test\x001234")), "dGVzdAB0ZXN0ADEyMzQ="],
        [Command.authResponse(secretOf("")), ""],
        [Command.authResponse(secretOf("\u0001"), { isPublic: true }), "AQ=="],
        [Command.authCancel, "*"],
        [Command.mail(""), "MAIL FROM:<>"],
        [
          Command.mail("ann@a.example", { size: "1000", body: "8BITMIME" }),
          "MAIL FROM:<ann@a.example> SIZE=1000 BODY=8BITMIME"
        ],
        [Command.mail("änn@a.example", { SMTPUTF8: true }), "MAIL FROM:<änn@a.example> SMTPUTF8"],
        // RFC 3461 §10.1
        [
          Command.rcpt("Bob@Example.COM", { NOTIFY: "SUCCESS", ORCPT: "rfc822;Bob@Example.COM" }),
          "RCPT TO:<Bob@Example.COM> NOTIFY=SUCCESS ORCPT=rfc822;Bob@Example.COM"
        ],
        [Command.rcpt("\"b \\\"> b\"@b.example"), "RCPT TO:<\"b \\\"> b\"@b.example>"],
        [Command.rcpt("bob@[IPv6:::1]"), "RCPT TO:<bob@[IPv6:::1]>"],
        [Command.rcpt("postmaster"), "RCPT TO:<postmaster>"],
        [Command.data, "DATA"],
        // RFC 3030 §4.1
        [Command.bdat(86, { last: true }), "BDAT 86 LAST"],
        [Command.bdat(100_000), "BDAT 100000"],
        [Command.bdat(0, { last: true }), "BDAT 0 LAST"],
        [Command.rset, "RSET"],
        [Command.noop(), "NOOP"],
        [Command.noop("still here"), "NOOP still here"],
        [Command.vrfy("Crispin"), "VRFY Crispin"],
        [Command.expn("Gruppe-ä", { smtpUtf8: true }), "EXPN Gruppe-ä SMTPUTF8"],
        [Command.help("MAIL"), "HELP MAIL"],
        [Command.quit, "QUIT"],
        [Command.etrn("@b.example"), "ETRN @b.example"],
        // Postfix's XCLIENT_README: values are xtext
        [
          Command.xclient({ NAME: "[UNAVAILABLE]", LOGIN: "ann+x=1 é" }),
          "XCLIENT NAME=[UNAVAILABLE] LOGIN=ann+2Bx+3D1+20+C3+A9"
        ]
      ]
      assert.deepStrictEqual(commands.map(([command]) => wire(command)), commands.map(([, line]) => `${line}\r\n`))
    })

    it.prop("is read back by parse", { commands: Commands }, ({ commands }) => {
      for (const command of commands) {
        const line = wire(command)
        assert.isTrue(line.endsWith("\r\n"))
        assert.deepStrictEqual(open(parsed(line.slice(0, -2))), open(command))
      }
    })

    it.prop("is read back by parseAuthResponse", { secret: Secret }, ({ secret }) => {
      const line = wire(Command.authResponse(secretOf(secret)))
      const back = Result.getOrThrow(Command.parseAuthResponse(line.slice(0, -2)))
      assert.deepStrictEqual(open(back), { _tag: "AuthResponse", response: secret, isPublic: false })
    })

    it.prop("lets no argument end a line or begin another argument", {
      value: Arbitrary.schema(
        Schema.Array(
          Schema.Union([
            Schema.String,
            Schema.Literals([
              "\r",
              "\n",
              "\0",
              " ",
              ">",
              "<",
              "=",
              "@",
              "a@b.example",
              "\"",
              "\\",
              "\u0085",
              "\u2028",
              "\ud800"
            ])
          ])
        )
      )
    }, ({ value }) => {
      const hostile = value.join("")
      const commands: ReadonlyArray<Command.Command> = [
        Command.ehlo(hostile),
        Command.helo(`[${hostile}]`),
        Command.auth(hostile, secretOf(hostile)),
        Command.mail(hostile),
        Command.mail(`"${hostile}"@a.example`, { SMTPUTF8: true }),
        Command.mail("", { [hostile]: true }),
        Command.mail("", { X: hostile, SMTPUTF8: true }),
        Command.rcpt(`a@${hostile}`, {}, { smtpUtf8: true }),
        Command.rcpt("a@b.example", { ORCPT: hostile }),
        Command.noop(hostile),
        Command.help(hostile),
        Command.vrfy(hostile, { smtpUtf8: true }),
        Command.expn(hostile),
        Command.etrn(hostile),
        Command.xclient({ NAME: hostile }),
        Command.xclient({ [hostile]: "x" })
      ]
      for (const command of commands) {
        const encoded = Command.encode(command)
        if (Result.isFailure(encoded)) {
          assert.match(encoded.failure.message, /^[^\p{Cc}\p{Cs}\u2028\u2029]*$/u)
          continue
        }
        // oxlint-disable-next-line no-control-regex
        assert.match(encoded.success, /^[^\u0000-\u001f\u007f-\u009f\u2028\u2029\ud800-\udfff]*\r\n$/u)
        // What went in as one argument comes out as that argument.
        assert.deepStrictEqual(open(parsed(encoded.success.slice(0, -2))), {
          ...(open(command) as object),
          ...(command._tag === "RCPT" ? { smtpUtf8: /[^ -~]/.test(command.forwardPath) } : undefined)
        })
      }
    })

    it("says which argument of which command is wrong, how, and what it was", () => {
      assert.deepStrictEqual(
        encodeError(Command.mail("ann@a.example>\r\nRCPT TO:<eve@e.example")),
        new Command.CommandError({
          command: "MAIL",
          argument: "reverse-path",
          problem: "\">\" in the domain",
          input: "ann@a.example>\r\nRCPT TO:<eve@e.example"
        })
      )
      assert.strictEqual(
        encodeError(Command.rcpt("bob@b.example\r\n")).message,
        "RCPT, forward-path: U+000D in the domain: \"bob@b.example\\u{D}\\u{A}\""
      )
      assert.strictEqual(
        encodeError(Command.mail("", { SIZE: "1 X=2" })).message,
        "MAIL, SIZE: not an esmtp-value: \"1 X=2\""
      )
      assert.strictEqual(encodeError(Command.rcpt("a".repeat(1_000))).input?.length, 200)
    })

    it("refuses what the grammar of paths does not have", () => {
      const problems = [
        "ann",
        "@a.example",
        "ann@",
        "ann@a..example",
        "ann@.a.example",
        "ann@a.example.",
        "ann@-a.example",
        "ann@a-.example",
        "ann@a.example@b.example",
        "ann @a.example",
        "ann<x@a.example",
        "\"ann@a.example",
        "\"ann\"x@a.example",
        "\"a\"b\"@a.example",
        "\"a\\\u0085\"@a.example",
        "\u{1f4ee}@a.example",
        "ann@bücher.example",
        "ann@[192.0.2.256]",
        "ann@[IPv6:1::2::3]",
        "ann@[192.0.2.1",
        `${"a".repeat(65)}@a.example`,
        `ann@${"a".repeat(64)}.example`,
        `ann@${"a.".repeat(130)}example`,
        `${"a".repeat(64)}@${"abcdefg.".repeat(23)}example`
      ].map((path) => `${path.slice(0, 24)} ${encodeError(Command.mail(path)).problem}`)
      assert.deepStrictEqual(problems, [
        "ann no \"@\"",
        "@a.example no local part",
        "ann@ no domain",
        "ann@a..example an empty label in the domain",
        "ann@.a.example an empty label in the domain",
        "ann@a.example. an empty label in the domain",
        "ann@-a.example a label of the domain begins or ends with \"-\"",
        "ann@a-.example a label of the domain begins or ends with \"-\"",
        "ann@a.example@b.example \"@\" in the domain",
        "ann @a.example U+0020 in the local part, which is not quoted",
        "ann<x@a.example \"<\" in the local part, which is not quoted",
        "\"ann@a.example no end of the quoted local part",
        "\"ann\"x@a.example \"x\" in place of the \"@\"",
        "\"a\"b\"@a.example \"b\" in place of the \"@\"",
        "\"a\\\u0085\"@a.example U+0085, which is no printable character",
        "\u{1f4ee}@a.example U+1F4EE, which only SMTPUTF8 allows",
        "ann@bücher.example U+00FC, which only SMTPUTF8 allows",
        "ann@[192.0.2.256] not an IPv4 address in the address literal",
        "ann@[IPv6:1::2::3] not an IPv6 address in the address literal",
        "ann@[192.0.2.1 not an address literal",
        `${"a".repeat(24)} the local part is longer than 64 octets`,
        `ann@${"a".repeat(20)} a label of the domain is longer than 63 octets`,
        `ann@${"a.".repeat(10)} the domain is longer than 255 octets`,
        `${"a".repeat(24)} longer than 256 octets with its angle brackets`
      ])
    })

    it("lets pass what servers know: dots anywhere in a local part, an underscore in a domain", () => {
      for (
        const path of [
          "a..b@a.example",
          ".a.@a.example",
          "a@_x.my_host.example",
          "a@b",
          "a@[tag:x_y]"
        ]
      ) {
        assert.strictEqual(wire(Command.mail(path)), `MAIL FROM:<${path}>\r\n`)
      }
    })

    it("never sends an empty chunk that is not the last (Postfix answers 551), nor half an octet", () => {
      for (const octets of [0, -1, 0.5, Number.NaN, Infinity, 2 ** 60]) {
        assert.strictEqual(encodeError(Command.bdat(octets)).argument, "octets")
      }
    })

    it("holds no part of a secret in an error", () => {
      const { message } = encodeError(Command.auth("PLAIN pencil", secretOf("pencil")))
      assert.strictEqual(message, "AUTH, mechanism: not a SASL mechanism's name (RFC 4422 §3.1)")
    })
  })

  describe("toLog", () => {
    it("shows the initial response as 32 asterisks on the line of AUTH", () => {
      assert.strictEqual(
        Command.toLog(Command.auth("PLAIN", secretOf("\0lab\0pencil"))),
        "AUTH PLAIN ********************************"
      )
      assert.strictEqual(Command.toLog(Command.auth("LOGIN")), "AUTH LOGIN")
    })

    it("shows what the engine itself says: an empty response, the cancelling, OAUTHBEARER's acknowledgement", () => {
      const lines = [
        Command.auth("EXTERNAL", secretOf("")),
        Command.authResponse(secretOf("")),
        Command.authCancel,
        Command.authResponse(secretOf("\u0001"), { isPublic: true }),
        Command.authResponse(secretOf("\u0001")),
        Command.authResponse(secretOf("\u0001\u0001"), { isPublic: true }),
        Command.authResponse(secretOf("pencil"), { isPublic: true })
      ].map(Command.toLog)
      assert.deepStrictEqual(lines, [
        "AUTH EXTERNAL =",
        "",
        "*",
        "AQ==",
        LogEvent.secret,
        LogEvent.secret,
        LogEvent.secret
      ])
    })

    it.prop(
      "is the wire's line without CRLF, but for what a mechanism says",
      { commands: Commands },
      ({ commands }) => {
        for (const command of commands) {
          if (command._tag === "AUTH" && command.initial !== undefined) continue
          assert.strictEqual(`${Command.toLog(command)}\r\n`, wire(command))
        }
      }
    )

    it.prop("is the same for any two secrets", { one: Secret, other: Secret }, ({ one, other }) => {
      assert.deepStrictEqual(shown(one), shown(other))
    })

    it("is all that a command with a secret prints", () => {
      const command = Command.auth("PLAIN", secretOf("pencil"))
      assert.strictEqual(
        JSON.stringify(command),
        "{\"_tag\":\"AUTH\",\"mechanism\":\"PLAIN\",\"initial\":\"<redacted>\"}"
      )
    })
  })

  describe("the AUTH line", () => {
    it("is at most 512 octets with its CRLF (RFC 4954 §4)", () => {
      const fits = (length: number) => Command.fitsAuthLine("PLAIN", secretOf("é".repeat(length / 2)))
      // "AUTH PLAIN " and CRLF are 13 octets, 374 octets are 500 in base64, 377 would be 504.
      assert.strictEqual(wire(Command.auth("PLAIN", secretOf("a".repeat(372)))).length, 509)
      assert.deepStrictEqual([fits(372), fits(374), fits(376)], [true, false, false])
      assert.isTrue(Command.fitsAuthLine("EXTERNAL", secretOf("")))
    })

    it.prop("fits exactly where what is written fits", {
      length: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 600 }))
    }, ({ length }) => {
      const secret = secretOf("x".repeat(length))
      assert.strictEqual(Command.fitsAuthLine("XOAUTH2", secret), wire(Command.auth("XOAUTH2", secret)).length <= 512)
    })

    it("is known to the scrub by what stands in it", () => {
      const line = Command.authLine(secretOf("\0lab\0pencil"))
      assert.strictEqual(Redacted.value(line), "AGxhYgBwZW5jaWw=")
      assert.strictEqual(JSON.stringify(line), "\"<redacted>\"")
    })
  })

  describe("parse", () => {
    it("reads verbs, keywords and mechanisms in any case, and blanks where clients put them", () => {
      const lines: ReadonlyArray<readonly [string, Command.Command]> = [
        ["ehlo  Client ", Command.ehlo("Client")],
        [
          "mail from:<Ann@a.example> size=10 body=8bitmime",
          Command.mail("Ann@a.example", { SIZE: "10", BODY: "8bitmime" })
        ],
        ["MAIL FROM: <ann@a.example>\t SIZE=10", Command.mail("ann@a.example", { SIZE: "10" })],
        ["MAIL FROM:ann@a.example SIZE=10", Command.mail("ann@a.example", { SIZE: "10" })],
        ["MAIL FROM:\"a b\"@a.example", Command.mail("\"a b\"@a.example")],
        ["MAIL FROM:<> AUTH=<>", Command.mail("", { AUTH: "<>" })],
        ["Rcpt to:<\"> <\"@b.example>", Command.rcpt("\"> <\"@b.example")],
        ["RCPT TO:<@relay.example,@other.example:bob@b.example>", Command.rcpt("bob@b.example")],
        ["bdat 86 last", Command.bdat(86, { last: true })],
        ["BDAT 0", Command.bdat(0)],
        ["vrfy jörg smtputf8", Command.vrfy("jörg", { smtpUtf8: true })],
        ["quit ", Command.quit],
        ["noop\tx", Command.noop("x")],
        ["xclient name=a+2Bb", Command.xclient({ NAME: "a+b" })]
      ]
      assert.deepStrictEqual(lines.map(([line]) => parsed(line)), lines.map(([, command]) => command))
    })

    it("makes a secret of an initial response at once", () => {
      const command = parsed("auth plain AGxhYgBwZW5jaWw=")
      assert.deepStrictEqual(open(command), { _tag: "AUTH", mechanism: "PLAIN", initial: "\0lab\0pencil" })
      assert.strictEqual(Command.toLog(command as Command.Auth), `AUTH PLAIN ${LogEvent.secret}`)
      assert.deepStrictEqual(open(parsed("AUTH EXTERNAL =")), { _tag: "AUTH", mechanism: "EXTERNAL", initial: "" })
    })

    it("keeps the octets of a response that are not UTF-8", () => {
      const response = Result.getOrThrow(Command.parseAuthResponse("/+l4"))
      assert.deepStrictEqual(open(response), { _tag: "AuthResponse", response: "\udcff\udce9x", isPublic: false })
      assert.strictEqual(wire(response), "/+l4\r\n")
    })

    it("says what is wrong with a line", () => {
      const errors = [
        "MAIL",
        "MAIL TO:<a@b.example>",
        "MAIL FROM:",
        "MAIL FROM:<a@b.example",
        "MAIL FROM:<a@b.example>SIZE=1",
        "MAIL FROM:<a@b.example> SIZE=1 size=2",
        "MAIL FROM:<a@b.example> SIZE=",
        "MAIL FROM:<é@b.example>",
        "MAIL FROM:\"a@b.example",
        "RCPT TO:<>",
        "RCPT TO:<a\u0000@b.example>",
        "RCPT TO:<a\udce9@b.example>",
        "EHLO",
        "EHLO é",
        "BDAT",
        "BDAT -1",
        "BDAT 1 LAST x",
        "BDAT 9999999999999999",
        "VRFY",
        "DATA now",
        "XCLIENT NAME",
        "XCLIENT NAME=+zz",
        "NOOP \u0007"
      ].map((line) => parseError(line).message)
      assert.deepStrictEqual(errors, [
        "MAIL, reverse-path: no FROM:",
        "MAIL, reverse-path: no FROM:",
        "MAIL, reverse-path: no path",
        "MAIL, reverse-path: no \">\" at the end of the path",
        "MAIL, reverse-path: no blank behind the path",
        "MAIL, reverse-path: a parameter that is given twice",
        "MAIL, SIZE: not an esmtp-value: \"\"",
        "MAIL, reverse-path: U+00E9, which only SMTPUTF8 allows: \"é@b.example\"",
        "MAIL, reverse-path: no end of the quoted local part",
        "RCPT, forward-path: no \"@\": \"\"",
        "RCPT, forward-path: U+0000 in the local part, which is not quoted: \"a\\u{0}@b.example\"",
        "RCPT, forward-path: U+DCE9, which is no printable character: \"a\\u{DCE9}@b.example\"",
        "EHLO, domain: none, or not of printable ASCII characters",
        "EHLO, domain: none, or not of printable ASCII characters",
        "BDAT, octets: not a number of octets, and LAST or nothing",
        "BDAT, octets: not a number of octets, and LAST or nothing",
        "BDAT, octets: not a number of octets, and LAST or nothing",
        "BDAT, octets: not a number of octets, and LAST or nothing",
        "VRFY, text: empty, or with a blank at an end: \"\"",
        "DATA, arguments: it has none",
        "XCLIENT, attributes: not name=xtext",
        "XCLIENT, attributes: not name=xtext",
        "NOOP, text: with a control character: \"\\u{7}\""
      ])
    })

    it("holds nothing of a response in an error", () => {
      const lines = ["AUTH PLAIN pencil!", "AUTH PLAIN cGVuY2ls cGVuY2ls", "AUTH PENCIL! x"]
      assert.deepStrictEqual(lines.map((line) => parseError(line).message), [
        "AUTH, initial response: not base64",
        "AUTH, initial response: more than one word",
        "AUTH, initial response: not base64"
      ])
      const error = Result.getOrThrow(Result.flip(Command.parseAuthResponse("pencil!")))
      assert.strictEqual(JSON.stringify(error).includes("pencil"), false)
      assert.strictEqual(error.message, "AUTH, response: not base64")
    })

    it("keeps of a line that is no command at most its first word of 12 letters", () => {
      const verbs = [
        "BREW coffee",
        "get / HTTP/1.1",
        "secretsecret now",
        "secretsecrets",
        "pencil7",
        "AGxhYgBwZW5jaWw=",
        "",
        " QUIT",
        "MAILX FROM:<a@b.example>",
        "QUIT\u0000"
      ].map(parsed)
      assert.deepStrictEqual(
        verbs,
        ["BREW", "GET", "SECRETSECRET", "", "", "", "", "", "MAILX", ""].map((verb) => ({ _tag: "Unknown", verb }))
      )
    })

    it.prop("reads any line without throwing", { line: Schema.String }, ({ line }) => {
      for (const lead of ["", "MAIL FROM:", "RCPT TO:<", "AUTH ", "BDAT ", "XCLIENT ", "VRFY ", "EHLO "]) {
        const result = Command.parse(lead + line)
        if (Result.isSuccess(result) && result.success._tag !== "Unknown") {
          assert.isString(Command.toLog(result.success))
        }
      }
    })
  })
})
