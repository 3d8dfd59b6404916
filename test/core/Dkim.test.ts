import * as Dkim from "@colloquy/core/Dkim"
import * as Message from "@colloquy/core/Message"
import { TestPlatform } from "@colloquy/core/testing"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Redacted, Schema, Stream } from "effect"
import { TestClock } from "effect/testing"
import { dkimVerify } from "mailauth/lib/dkim/verify.js"
import { generateKeyPairSync } from "node:crypto"
import { assertForm, octetsOf } from "./messageReaders.ts"

const lines = (...all: ReadonlyArray<string>) => Buffer.from(`${all.join("\r\n")}\r\n`)
const keysOf = (records: Readonly<Record<string, string>>) => (name: string) =>
  Effect.succeed([records[name] ?? []].flat())
const summary = ({ domain, problem, result, selector }: Dkim.Verification) => [selector, domain, result, problem]

// RFC 6376 §A.2, with erratum 4926 (six blanks in front of each continuation)
const rfc6376 = lines(
  "DKIM-Signature: v=1; a=rsa-sha256; s=brisbane; d=example.com;",
  "      c=simple/simple; q=dns/txt; i=joe@football.example.com;",
  "      h=Received : From : To : Subject : Date : Message-ID;",
  "      bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;",
  "      b=AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB",
  "      4nujc7YopdG5dWLSdNg6xNAZpOPr+kHxt1IrE+NahM6L/LbvaHut",
  "      KVdkLLkpVaVVQPzeRDI009SO2Il5Lu7rDNH6mZckBdrIx0orEtZV",
  "      4bmp/YzhwvcubU4=;",
  "Received: from client1.football.example.com  [192.0.2.1]",
  "      by submitserver.example.com with SUBMISSION;",
  "      Fri, 11 Jul 2003 21:01:54 -0700 (PDT)",
  "From: Joe SixPack <joe@football.example.com>",
  "To: Suzie Q <suzie@shopping.example.net>",
  "Subject: Is dinner ready?",
  "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)",
  "Message-ID: <20030712040037.46341.5F8J@football.example.com>",
  "",
  "Hi.",
  "",
  "We lost the game. Are you hungry yet?",
  "",
  "Joe."
)
const rfc6376Keys = {
  "brisbane._domainkey.example.com":
    "v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYt"
    + "IxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhi"
    + "tdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB"
}

// RFC 8463 §A.3
const rfc8463 = lines(
  "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;",
  " d=football.example.com; i=@football.example.com;",
  " q=dns/txt; s=brisbane; t=1528637909; h=from : to :",
  " subject : date : message-id : from : subject : date;",
  " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;",
  " b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus",
  " Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==",
  "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;",
  " d=football.example.com; i=@football.example.com;",
  " q=dns/txt; s=test; t=1528637909; h=from : to : subject :",
  " date : message-id : from : subject : date;",
  " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;",
  " b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3",
  " DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz",
  " dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=",
  "From: Joe SixPack <joe@football.example.com>",
  "To: Suzie Q <suzie@shopping.example.net>",
  "Subject: Is dinner ready?",
  "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)",
  "Message-ID: <20030712040037.46341.5F8J@football.example.com>",
  "",
  "Hi.",
  "",
  "We lost the game.  Are you hungry yet?",
  "",
  "Joe."
)
const rfc8463Keys = {
  "brisbane._domainkey.football.example.com": "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
  "test._domainkey.football.example.com":
    "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08"
    + "a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2"
    + "EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB"
}

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 })
const ed25519 = generateKeyPairSync("ed25519")
const rsaRecord = `v=DKIM1; k=rsa; p=${rsa.publicKey.export({ type: "spki", format: "der" }).toString("base64")}`
const records = {
  "rsa._domainkey.mail.test": rsaRecord,
  "pkcs1._domainkey.mail.test": `v=DKIM1; p=${
    rsa.publicKey.export({ type: "pkcs1", format: "der" }).toString("base64")
  }`,
  "ed._domainkey.mail.test": `v=DKIM1; k=ed25519; p=${
    ed25519.publicKey.export({ type: "spki", format: "der" }).subarray(-32).toString("base64")
  }`
}
const rsaKey = Redacted.make(rsa.privateKey.export({ type: "pkcs8", format: "pem" }).toString())
const pkcs1Key = Redacted.make(rsa.privateKey.export({ type: "pkcs1", format: "pem" }).toString())
const edKey = Redacted.make(ed25519.privateKey.export({ type: "pkcs8", format: "pem" }).toString())

const signers = Effect.all([
  Dkim.make({ domain: "mail.test", selector: "rsa", privateKey: rsaKey }),
  Dkim.make({ domain: "mail.test", selector: "ed", privateKey: edKey, bodyCanonicalization: "simple" }),
  Dkim.make({
    domain: "mail.test",
    selector: "pkcs1",
    privateKey: pkcs1Key,
    headerCanonicalization: "simple",
    identity: "ann@news.mail.test",
    expires: "36500 days"
  })
])
const verify = (message: Uint8Array) => Dkim.verify(message, { keys: keysOf(records) })

/** What mailauth makes of it: `pass` for each signature, in order. */
const byMailauth = (message: Buffer) =>
  Effect.map(
    Effect.promise(() =>
      dkimVerify(message, {
        resolver: (name: string) => Promise.resolve([[keysNamed(name)]])
      })
    ),
    ({ results }) => results.map(({ signingDomain, status }) => [signingDomain, status.result])
  )
const keysNamed = (name: string): string => Object.entries(records).find(([key]) => key === name)?.[1] ?? ""

const mail = { from: "ann@mail.test", to: "bob@mail.test", subject: "Grüße" }
const random = new Uint8Array(200_000).map((_, i) => (i * 7919) >> 3)

describe("Dkim", () => {
  it.effect("verifies the example of RFC 6376 §A.2", () =>
    Effect.gen(function*() {
      const results = yield* Dkim.verify(rfc6376, { keys: keysOf(rfc6376Keys) })
      assert.deepStrictEqual(results, [{
        domain: "example.com",
        selector: "brisbane",
        algorithm: "rsa-sha256",
        result: "pass",
        problem: undefined,
        headers: ["received", "from", "to", "subject", "date", "message-id"]
      }])
    }).pipe(Effect.provide(TestPlatform.layer)))

  it.effect("verifies both signatures of RFC 8463 §A.3, from a stream of octets too", () =>
    Effect.gen(function*() {
      const pass = [
        ["brisbane", "football.example.com", "pass", undefined],
        ["test", "football.example.com", "pass", undefined]
      ]
      const keys = keysOf(rfc8463Keys)
      assert.deepStrictEqual((yield* Dkim.verify(rfc8463, { keys })).map(summary), pass)
      const octets = Stream.fromIterable(Array.from(rfc8463, (octet) => Uint8Array.of(octet)))
      assert.deepStrictEqual((yield* Dkim.verify(octets, { keys })).map(summary), pass)
      const withLf = Buffer.from(rfc8463.toString().replaceAll("\r\n", "\n"))
      assert.deepStrictEqual((yield* Dkim.verify(withLf, { keys })).map(summary), pass)
    }).pipe(Effect.provide(TestPlatform.layer)))

  describe("a signature fails", () => {
    const table: ReadonlyArray<
      readonly [name: string, change: (text: string) => string, result: string, problem: string]
    > = [
      ["over a changed body", (text) => text.replace("hungry", "angry"), "fail", "the body was changed"],
      [
        "over a changed field",
        (text) => text.replace("dinner", "lunch"),
        "fail",
        "the header section was changed, or the key is another"
      ],
      [
        "over an added field",
        (text) => text.replace("Subject:", "Subject: other\r\nSubject:"),
        "fail",
        "the header section was changed, or the key is another"
      ],
      [
        "without its key",
        (text) => text.replace("s=brisbane", "s=other"),
        "permerror",
        "there is no key at the selector"
      ],
      [
        "by an algorithm of the past",
        (text) => text.replace("a=ed25519-sha256", "a=rsa-sha1"),
        "permerror",
        "a= is no algorithm that may be used (RFC 8301 §3.1)"
      ],
      [
        "that does not sign From",
        (text) => text.replace("h=from", "h=x").replaceAll(": from", ": y"),
        "permerror",
        "h= does not name From"
      ],
      [
        "for another domain",
        (text) => text.replace("i=@football.example.com", "i=@example.com"),
        "permerror",
        "i= is not in d="
      ],
      [
        "that has expired",
        (text) => text.replace("t=1528637909", "x=1528637909"),
        "permerror",
        "the signature has expired"
      ],
      [
        "that is no list of tags",
        (text) => text.replace("v=1;", "v=1; =;"),
        "permerror",
        "the field is no list of tags"
      ],
      ["without b=", (text) => text.replace(/ b=\/gC[^=]*==/, " z=1"), "permerror", "b= is missing"]
    ]
    it.effect.each(table)("%s", ([, change, result, problem]) =>
      Effect.gen(function*() {
        yield* TestClock.setTime(Date.parse("2026-01-01"))
        const [first] = yield* Dkim.verify(Buffer.from(change(rfc8463.toString())), { keys: keysOf(rfc8463Keys) })
        assert.deepStrictEqual([first?.result, first?.problem], [result, problem])
      }).pipe(Effect.provide(TestPlatform.layer)))

    const keyTable: ReadonlyArray<readonly [record: string, problem: string]> = [
      ["v=DKIM1; k=ed25519; p=", "the key was revoked"],
      ["v=DKIM1; k=rsa; p=AAAA", "the key is for another algorithm"],
      ["v=DKIM1; k=ed25519; p=AAAA", "p= is no key"],
      ["v=DKIM1; k=ed25519; h=sha1; p=AAAA", "the key is not for sha256"],
      ["v=DKIM1; k=ed25519; s=chat; p=AAAA", "the key is not for mail"],
      ["v=spf1 -all", "the record holds no key"]
    ]
    it.effect.each(keyTable)("by the record %s", ([record, problem]) =>
      Effect.gen(function*() {
        const [first] = yield* Dkim.verify(rfc8463, { keys: () => Effect.succeed([record]) })
        assert.deepStrictEqual([first?.result, first?.problem], ["permerror", problem])
      }).pipe(Effect.provide(TestPlatform.layer)))

    it.effect("for now where the DNS does", () =>
      Effect.gen(function*() {
        const [first] = yield* Dkim.verify(rfc8463, { keys: () => Effect.fail("SERVFAIL") })
        assert.deepStrictEqual([first?.result, first?.problem], ["temperror", "the key could not be looked up"])
      }).pipe(Effect.provide(TestPlatform.layer)))
  })

  it.effect("signs by several keys, algorithms and forms, each good for verifiers that are not ours", () =>
    Effect.gen(function*() {
      const composed = yield* Message.compose({
        ...mail,
        text: "Hällo \n\n trailing  \nFrom me\n\n\n",
        html: "<p>x</p>",
        attachments: [{ name: "a", content: random }],
        list: { unsubscribe: "https://mail.test/u", oneClick: true },
        dkim: yield* signers
      })
      const message = yield* octetsOf(composed)
      assertForm(message)
      assert.strictEqual(composed.body, "7BIT")
      assert.deepStrictEqual((yield* verify(message)).map(({ result, selector }) => [selector, result]), [
        ["pkcs1", "pass"],
        ["ed", "pass"],
        ["rsa", "pass"]
      ])
      assert.deepStrictEqual(yield* byMailauth(message), [["mail.test", "pass"], ["mail.test", "pass"], [
        "mail.test",
        "pass"
      ]])
      const [first] = yield* verify(message)
      assert.includeMembers([...first?.headers ?? []], ["list-unsubscribe", "list-unsubscribe-post"])
      assert.strictEqual(first?.headers.filter((name) => name === "from").length, 2)
    }).pipe(Effect.provide(TestPlatform.layer)))

  it.effect("signs the same for whichever server, in every attempt", () =>
    Effect.gen(function*() {
      const prepared = yield* Message.prepare({ ...mail, text: "Hällo", dkim: yield* signers })
      const all = { eightBitMime: true, smtpUtf8: true, binaryMime: true }
      const one = yield* Effect.flatMap(prepared.render(all), octetsOf)
      const other = yield* Effect.flatMap(prepared.render({ ...all, eightBitMime: false }), octetsOf)
      assert.isTrue(one.equals(other))
    }).pipe(Effect.provide(TestPlatform.layer)))

  it.effect("reads content twice where that gives the same, and fails where it does not", () =>
    Effect.gen(function*() {
      const dkim = yield* signers
      const repeatable = Message.stream(Stream.make(random.subarray(0, 99_999), random.subarray(99_999)), {
        size: 200_000,
        repeatable: true
      })
      const composed = yield* Message.compose({ ...mail, attachments: [repeatable], dkim })
      assert.isDefined(composed.size)
      const message = yield* octetsOf(composed)
      assert.deepStrictEqual((yield* verify(message)).map(({ result }) => result), ["pass", "pass", "pass"])
      let runs = 0
      const changing = Message.stream(Stream.suspend(() => Stream.make(Uint8Array.of(runs++))), { repeatable: true })
      const broken = yield* Message.compose({ ...mail, attachments: [changing], dkim })
      const error = yield* Effect.flip(octetsOf(broken))
      assert.strictEqual(error.problem, "the content changed after it was signed")
    }).pipe(Effect.provide(TestPlatform.layer)))

  it.effect("keeps content that can't be read twice in a temporary file while it is signed, and removes it", () =>
    Effect.gen(function*() {
      const written: Array<string> = []
      const chunks: Array<Uint8Array> = []
      const file = {
        writeAll: (bytes: Uint8Array) => Effect.sync(() => void chunks.push(bytes.slice()))
      } as unknown as FileSystem.File
      const fs = FileSystem.layerNoop({
        makeTempFileScoped: () =>
          Effect.acquireRelease(
            Effect.sync(() => {
              written.push("made")
              return "/tmp/spool"
            }),
            () => Effect.sync(() => void written.push("removed"))
          ),
        open: () => Effect.succeed(file),
        stream: () => Stream.suspend(() => Stream.fromArray(chunks.splice(0)))
      })
      const large = new Uint8Array(3_000_000)
      let runs = 0
      const once = Message.stream(
        Stream.suspend(() => {
          runs++
          return Stream.fromIterable(
            Array.from({ length: 30 }, (_, i) => large.subarray(i * 100_000, (i + 1) * 100_000))
          )
        }),
        { size: large.length }
      )
      yield* Effect.gen(function*() {
        const composed = yield* Message.compose({ ...mail, attachments: [once], dkim: yield* signers })
        assert.strictEqual(runs, 0)
        const message = yield* octetsOf(composed)
        assert.deepStrictEqual((yield* verify(message)).map(({ result }) => result), ["pass", "pass", "pass"])
        assert.deepStrictEqual([runs, ...written], [1, "made", "removed"])
      }).pipe(Effect.provide(fs))
    }).pipe(Effect.provide(TestPlatform.layer)))

  describe("make refuses, and shows nothing of the key", () => {
    const table: ReadonlyArray<readonly [name: string, options: Partial<Dkim.Options>, field: string]> = [
      ["a domain that is none", { domain: "mail test" }, "dkim.domain"],
      ["a selector that is none", { selector: "a;b" }, "dkim.selector"],
      ["another's identity", { identity: "@other.test" }, "dkim.identity"],
      ["an injected identity", { identity: "@mail.test; x=1" }, "dkim.identity"],
      ["a field that is none", { headers: ["a:b"] }, "dkim.headers"],
      ["a key that is none", {
        privateKey: Redacted.make("-----BEGIN PRIVATE KEY-----\nc2VjcmV0LXNlY3JldA==\n-----END PRIVATE KEY-----")
      }, "dkim.privateKey"],
      ["a text that is none", { privateKey: Redacted.make("secret-secret") }, "dkim.privateKey"]
    ]
    it.effect.each(table)("%s", ([, options, field]) =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(
          Dkim.make({ domain: "mail.test", selector: "s", privateKey: rsaKey, ...options })
        )
        assert.strictEqual(error.field, field)
        assert.notInclude(`${error.message} ${JSON.stringify(error)}`, "ecret")
      }).pipe(Effect.provide(TestPlatform.layer)))
  })

  it.effect.prop(
    "whatever is signed verifies, by us and by mailauth",
    {
      subject: Schema.String.check(Schema.makeFilter((text: string) => text.isWellFormed() && !/[\r\n\0]/.test(text))),
      text: Schema.String.check(Schema.makeFilter((text: string) => text.isWellFormed()))
    },
    ({ subject, text }) =>
      Effect.gen(function*() {
        const message = yield* Effect.flatMap(
          Message.compose({ ...mail, subject, text, dkim: yield* signers }),
          octetsOf
        )
        assert.deepStrictEqual((yield* verify(message)).map(({ result }) => result), ["pass", "pass", "pass"])
        assert.deepStrictEqual((yield* byMailauth(message)).map(([, result]) => result), ["pass", "pass", "pass"])
      }).pipe(Effect.provide(TestPlatform.layer)),
    { arbitrary: { runs: 20 } }
  )
})
