import * as Extensions from "@colloquy/core/Extensions"
import * as Reply from "@colloquy/core/Reply"
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Result, Schema } from "effect"

const offered = (text: string): Extensions.Extensions =>
  Result.getOrThrow(Extensions.parse(Result.getOrThrow(Reply.parse(text))))
const keywordsOf = (extensions: Extensions.Extensions) => Object.fromEntries(extensions.keywords)

const replyOf = (count: number) => Reply.make(250, "mx", ...Array.from({ length: count }, (_, index) => `X${index}`))

const characters = (all: string, minimum: number) =>
  Arbitrary.map(
    Arbitrary.schema(
      Schema.Array(Schema.Literals(Array.from(all))).check(Schema.isMinLength(minimum), Schema.isMaxLength(6))
    ),
    (some) => some.join("")
  )
const Keywords = Arbitrary.map(
  Arbitrary.array(
    Arbitrary.all([
      Arbitrary.flatMap(Arbitrary.schema(Schema.Boolean), (known) =>
        known
          ? Arbitrary.schema(
            Schema.Literals(["SIZE", "AUTH", "LIMITS", "DELIVERBY", "FUTURERELEASE", "MT-PRIORITY", "XCLIENT", "DSN"])
          )
          : Arbitrary.map(characters("ABCXYZ019-", 0), (rest) => `X${rest}`)),
      Arbitrary.array(
        Arbitrary.flatMap(Arbitrary.schema(Schema.Boolean), (known) =>
          known
            ? Arbitrary.schema(Schema.Literals(["0", "1000", "RCPTMAX=7", "MAILMAX=0", "PLAIN", "login", "MIXER"]))
            : characters("abcXYZ019:+/=", 1).pipe(Arbitrary.map((text) => `p${text}`))),
        { maxLength: 4 }
      )
    ])
  ),
  (entries) => Object.fromEntries(entries.map(([keyword, parameters]) => [keyword, Array.from(new Set(parameters))]))
)

describe("Extensions", () => {
  it("reads Postfix 3.7's answer to EHLO", () => {
    const extensions = offered(
      `250-mx.lab.test
250-PIPELINING
250-SIZE 10485760
250-VRFY
250-ETRN
250-STARTTLS
250-AUTH PLAIN LOGIN CRAM-MD5 DIGEST-MD5 SCRAM-SHA-1 SCRAM-SHA-256
250-ENHANCEDSTATUSCODES
250-8BITMIME
250-DSN
250-SMTPUTF8
250 CHUNKING
`
    )
    const { keywords, ...derived } = extensions
    assert.deepStrictEqual(derived, {
      domain: "mx.lab.test",
      sizeOffered: true,
      size: 10_485_760,
      auth: ["PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"],
      pipelining: true,
      chunking: true,
      eightBitMime: true,
      binaryMime: false,
      smtpUtf8: true,
      dsn: true,
      startTls: true,
      enhancedStatusCodes: true,
      requireTls: false,
      limits: { mailMax: undefined, rcptMax: undefined, rcptDomainMax: undefined },
      mtPriority: undefined,
      deliverBy: undefined,
      futureRelease: undefined,
      etrn: true,
      xclient: []
    })
    assert.deepStrictEqual(Array.from(keywords.keys()), [
      "PIPELINING",
      "SIZE",
      "VRFY",
      "ETRN",
      "STARTTLS",
      "AUTH",
      "ENHANCEDSTATUSCODES",
      "8BITMIME",
      "DSN",
      "SMTPUTF8",
      "CHUNKING"
    ])
  })

  it("reads Sendmail 8.17's answer: a greeting behind the name, DELIVERBY without a minimum", () => {
    const extensions = offered(
      `250-mx.lab.test Hello mx.lab.test [127.0.0.1], pleased to meet you
250-ENHANCEDSTATUSCODES
250-PIPELINING
250-EXPN
250-VERB
250-8BITMIME
250-SIZE 10485760
250-DSN
250-ETRN
250-AUTH PLAIN LOGIN CRAM-MD5 DIGEST-MD5 SCRAM-SHA-1 SCRAM-SHA-256
250-STARTTLS
250-DELIVERBY
250 HELP
`
    )
    assert.strictEqual(extensions.domain, "mx.lab.test")
    assert.deepStrictEqual(extensions.deliverBy, { minimum: undefined })
    assert.isTrue(extensions.keywords.has("HELP"))
    assert.isFalse(extensions.chunking)
  })

  it("reads Dovecot 2.3's answer, and keeps what nobody here knows, with its parameters", () => {
    const extensions = offered(
      `250-mx.lab.test
250-8BITMIME
250-AUTH PLAIN LOGIN CRAM-MD5 DIGEST-MD5 SCRAM-SHA-1 SCRAM-SHA-256 OAUTHBEARER XOAUTH2 EXTERNAL
250-BURL imap
250-CHUNKING
250-ENHANCEDSTATUSCODES
250-SIZE 10485760
250 PIPELINING
`
    )
    assert.deepStrictEqual(extensions.keywords.get("BURL"), ["imap"])
    assert.deepStrictEqual(extensions.auth.slice(-3), ["OAUTHBEARER", "XOAUTH2", "EXTERNAL"])
  })

  it("reads smtp-sink's answer, which ends in a line without text", () => {
    const extensions = offered(
      `250-mx.lab.test
250-PIPELINING
250-8BITMIME
250-AUTH PLAIN LOGIN
250-XCLIENT NAME HELO
250-XFORWARD NAME ADDR PROTO HELO
250-ENHANCEDSTATUSCODES
250-DSN
250${" "}
`
    )
    assert.deepStrictEqual(extensions.xclient, ["NAME", "HELO"])
    assert.strictEqual(extensions.keywords.size, 7)
    assert.deepStrictEqual([extensions.sizeOffered, extensions.size], [false, undefined])
  })

  it("offers nothing after a HELO, or before any EHLO", () => {
    assert.deepStrictEqual(offered("250 mx.lab.test"), { ...Extensions.none, domain: "mx.lab.test" })
    assert.strictEqual(offered("250").domain, "")
    assert.strictEqual(Extensions.none.keywords.size, 0)
  })

  it("reads keywords in any case, after blanks, and the old form with an equals sign", () => {
    const extensions = offered("250-mx\r\n250-pipelining\r\n250-Size=1000\r\n250-AUTH=PLAIN login\r\n250  DSN\t\r\n")
    assert.deepStrictEqual(keywordsOf(extensions), {
      PIPELINING: [],
      SIZE: ["1000"],
      AUTH: ["PLAIN", "login"],
      DSN: []
    })
    assert.strictEqual(extensions.size, 1_000)
    assert.deepStrictEqual(extensions.auth, ["PLAIN", "LOGIN"])
  })

  it("joins what AUTH says twice (RFC 4954 and its predecessor side by side)", () => {
    const extensions = offered("250-mx\r\n250-AUTH PLAIN LOGIN\r\n250-AUTH=LOGIN plain\r\n250 AUTH CRAM-MD5\r\n")
    assert.deepStrictEqual(extensions.auth, ["PLAIN", "LOGIN", "CRAM-MD5"])
  })

  it("takes SIZE without a number, with 0, or with one too big as no limit", () => {
    const sizes = ["SIZE", "SIZE 0", "SIZE 18446744073709551615", "SIZE 9007199254740992", "SIZE -1", "SIZE many"]
      .map((line) => offered(`250-mx\n250 ${line}`))
      .map(({ size, sizeOffered }) => ({ size, sizeOffered }))
    assert.deepStrictEqual(sizes, sizes.map(() => ({ size: undefined, sizeOffered: true })))
  })

  it("reads LIMITS (RFC 9422), and passes over what is out of form", () => {
    assert.deepStrictEqual(offered("250-mx\n250 LIMITS RCPTMAX=20 mailmax=5 RCPTDOMAINMAX=1 X=Y").limits, {
      mailMax: 5,
      rcptMax: 20,
      rcptDomainMax: 1
    })
    assert.deepStrictEqual(
      offered("250-mx\n250 LIMITS RCPTMAX=0 MAILMAX= RCPTDOMAINMAX").limits,
      Extensions.none.limits
    )
  })

  it("reads the parameters of MT-PRIORITY, DELIVERBY, FUTURERELEASE and the others", () => {
    const extensions = offered(
      "250-mx\n250-MT-PRIORITY MIXER\n250-DELIVERBY 240\n250-FUTURERELEASE 604800 2026-12-01T00:00:00Z\n" +
        "250-BINARYMIME\n250 REQUIRETLS\n"
    )
    assert.deepStrictEqual(extensions.mtPriority, { profile: "MIXER" })
    assert.deepStrictEqual(extensions.deliverBy, { minimum: 240 })
    assert.deepStrictEqual(extensions.futureRelease, { maxInterval: 604_800, maxDate: "2026-12-01T00:00:00Z" })
    assert.isTrue(extensions.binaryMime)
    assert.isTrue(extensions.requireTls)
    assert.deepStrictEqual(offered("250-mx\n250 DELIVERBY 240,x").deliverBy, { minimum: 240 })
    assert.deepStrictEqual(offered("250-mx\n250 MT-PRIORITY").mtPriority, { profile: undefined })
    assert.deepStrictEqual(offered("250-mx\n250 FUTURERELEASE").futureRelease, {
      maxInterval: undefined,
      maxDate: undefined
    })
  })

  it("passes over lines that are no keywords", () => {
    assert.deepStrictEqual(keywordsOf(offered("250-mx\n250-<hello>\n250-\n250-é\n250-=X\n250 X-OK.1\n")), {
      "X-OK.1": []
    })
  })

  it("refuses more than 256 keywords", () => {
    assert.strictEqual(Result.getOrThrow(Extensions.parse(replyOf(256))).keywords.size, 256)
    const error = Result.getOrThrow(Result.flip(Extensions.parse(replyOf(257))))
    assert.deepStrictEqual(error, new Extensions.ExtensionsError({ what: "ehloKeywords", limit: 256 }))
    assert.strictEqual(error.message, "The reply to EHLO has more than 256 keywords")
  })

  it("treats what a policy takes away as never offered", () => {
    const extensions = Extensions.make("mx", { CHUNKING: [], SIZE: ["1000"], AUTH: ["PLAIN"] })
    assert.deepStrictEqual(
      Extensions.without(extensions, ["chunking", "SIZE", "DSN"]),
      Extensions.make("mx", { AUTH: ["PLAIN"] })
    )
    assert.strictEqual(Extensions.without(extensions, ["DSN"]), extensions)
  })

  it.prop("says what it offers in a reply that is read back", { keywords: Keywords }, ({ keywords }) => {
    const extensions = Extensions.make("mx.example", keywords)
    const reply = Result.getOrThrow(Reply.parse(Reply.encode(Reply.make(250, ...Extensions.toLines(extensions)))))
    assert.deepStrictEqual(Result.getOrThrow(Extensions.parse(reply)), extensions)
  })

  it.prop("reads any reply without throwing", { lines: Schema.NonEmptyArray(Schema.String) }, ({ lines }) => {
    const extensions = Result.getOrThrow(Extensions.parse(new Reply.Reply({ code: 250, lines })))
    for (const keyword of extensions.keywords.keys()) assert.match(keyword, /^[A-Z0-9][A-Z0-9_.+-]*$/)
  })
})
