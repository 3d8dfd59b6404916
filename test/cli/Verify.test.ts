import * as Lines from "@colloquy/cli/batch/lines"
import * as Keys from "@colloquy/cli/verify/keys"
import * as MediaType from "@colloquy/cli/verify/mediaType"
import * as Scan from "@colloquy/cli/verify/scan"
import * as CaptureServer from "@colloquy/core/testing/CaptureServer"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Dns from "effect/net/Dns"
import * as Schema from "effect/Schema"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import { colloquy, Machine } from "./run.ts"

const Files = Layer.mergeAll(CaptureServer.layerMemory(), Machine, NodeFileSystem.layer)

const lines = (...all: ReadonlyArray<string>) => all.map((line) => `${line}\r\n`).join("")

/** RFC 6376 §A.2, with erratum 4926 (six blanks in front of each continuation). */
const signed = lines(
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
/** RFC 6376 §C. */
const record = [
  "v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQ",
  "KBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYt",
  "IxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v",
  "/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhi",
  "tdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB"
] as const
const name = "brisbane._domainkey.example.com"

const good = lines(
  "From: ann@mail.test",
  "To: bob@mail.test",
  "Subject: Hi",
  "Date: Fri, 11 Jul 2003 21:00:37 -0700",
  "Message-ID: <1@mail.test>",
  "",
  "Hi"
)

const verify = Effect.fnUntraced(function*(content: string | Uint8Array, ...args: ReadonlyArray<string>) {
  const octets = typeof content === "string" ? new TextEncoder().encode(content) : content
  return yield* colloquy(["verify", "-", ...args]).pipe(
    Effect.provide(Stdio.layerTest({ stdin: Stream.make(octets) }))
  )
})

const scan = (content: string | Uint8Array, size = Number.POSITIVE_INFINITY) => {
  const octets = typeof content === "string" ? Buffer.from(content, "latin1") : content
  const scanner = Scan.make()
  for (let i = 0; i < octets.length; i += size) scanner.push(octets.subarray(i, Math.min(i + size, octets.length)))
  return scanner.end()
}
const defects = (content: string) => scan(content).defects.map(({ line, problem }) => `${line}: ${problem}`)

const withZone = (records: Dns.StaticZone["records"]) =>
  Effect.gen(function*() {
    const dns = yield* Effect.fromResult(Dns.makeStatic({ records }))
    return () => Effect.succeed(dns)
  })

/** No server answers. */
const silent = () =>
  Effect.succeed(Dns.make({
    lookup: () => Effect.fail(new Dns.DnsError({ reason: "Timeout", method: "lookup", hostname: name })),
    resolve: () => Effect.fail(new Dns.DnsError({ reason: "Timeout", method: "resolve", hostname: name }))
  }))

describe("colloquy verify", () => {
  it.effect("tells what a message is, without asking anybody, and that its body is as it was signed", () =>
    Effect.gen(function*() {
      const ran = yield* verify(signed)
      assert.deepStrictEqual(ran, {
        status: 0,
        errors: "",
        output: [
          `standard input: ${signed.length} octets in 22 lines`,
          "From        Joe SixPack <joe@football.example.com>",
          "To          Suzie Q <suzie@shopping.example.net>",
          "Subject     Is dinner ready?",
          "Date        2003-07-12T04:00:37.000Z",
          "Message-ID  <20030712040037.46341.5F8J@football.example.com>",
          "Parts",
          "  text/plain  7bit, 54 octets",
          "DKIM signatures",
          "  example.com (brisbane, rsa-sha256): not checked: the body is as it was signed; its key was not looked up",
          "  --dns asks the DNS for the key; --record FILE has it"
        ].join("\n")
      })
    }).pipe(Effect.provide(Files)))

  it.effect("verifies RFC 6376's example by a record in a file, in its forms, and by the DNS", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const folder = yield* fs.makeTempDirectoryScoped()
      const forms = [
        record.join(""),
        `${name}. 300 IN TXT ( ${record.map((text) => `"${text}"`).join("\n  ")} ) ; a comment`,
        `brisbane._domainkey IN TXT ${record.map((text) => `"${text}"`).join(" ")}`
      ]
      for (const form of forms) {
        yield* fs.writeFileString(`${folder}/key.txt`, form)
        const { output } = yield* verify(signed, "--record", `${folder}/key.txt`)
        assert.include(output.slice(output.lastIndexOf("standard input")), "(brisbane, rsa-sha256): holds")
      }
      const zone = yield* withZone({ [name]: [Dns.makeRecordUnsafe("TXT", { chunks: record })] })
      const asked = yield* Effect.provideService(verify(signed, "--dns"), Keys.Resolver, zone)
      assert.include(asked.output.slice(asked.output.lastIndexOf("standard input")), "(brisbane, rsa-sha256): holds")
      const empty = yield* withZone({})
      const nothing = yield* Effect.provideService(verify(signed, "--dns"), Keys.Resolver, empty)
      assert.strictEqual(nothing.status, 65)
      assert.include(nothing.output, "can't hold: there is no key at the selector")
    }).pipe(Effect.provide(Files)))

  it.effect("ends with 65 for a body that was changed, key or no key, and with 75 where the DNS is silent", () =>
    Effect.gen(function*() {
      const changed = yield* verify(signed.replace("lost", "won"))
      assert.strictEqual(changed.status, 65)
      assert.include(changed.output, "does not hold: the body was changed")
      const unanswered = yield* Effect.provideService(
        verify(signed, "--name-server", "192.0.2.1"),
        Keys.Resolver,
        silent
      )
      assert.strictEqual(unanswered.status, 75)
      assert.include(unanswered.output, "could not be checked: the key could not be looked up")
    }).pipe(Effect.provide(Files)))

  it.effect("prints one line of JSON", () =>
    Effect.gen(function*() {
      const ran = yield* verify(good, "--json")
      assert.deepStrictEqual(JSON.parse(ran.output), {
        status: 0,
        octets: good.length,
        lines: 7,
        from: [{ name: "", address: "ann@mail.test" }],
        sender: [],
        replyTo: [],
        to: [{ name: "", address: "bob@mail.test" }],
        cc: [],
        bcc: [],
        subject: "Hi",
        date: "2003-07-12T04:00:37.000Z",
        messageId: "<1@mail.test>",
        parts: [{ type: "text/plain", encoding: "7bit", octets: 4, parts: [] }],
        dkim: [],
        defects: [],
        notes: []
      })
    }).pipe(Effect.provide(Files)))

  it.effect("lets no message drive the terminal", () =>
    Effect.gen(function*() {
      const hostile =
        "From: \u001b[2J <a@b.test>\r\nContent-Type: text/x; name=\"\u001b]0;x\u0007\u202e\"\r\nBad\u001bline\r\n\r\n"
      const ran = yield* verify(hostile)
      assert.strictEqual(ran.status, 65)
      // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
      assert.notMatch(ran.output + ran.errors, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/)
    }).pipe(Effect.provide(Files)))

  it.effect.each([
    ["a file that is missing", ["verify", "none.eml"], 74],
    ["no file", ["verify"], 64],
    ["a record and the DNS", ["verify", "-", "--dns", "--record", "x"], 64],
    ["a name server that is none", ["verify", "-", "--name-server", "resolver.test"], 64]
  ] as ReadonlyArray<readonly [string, ReadonlyArray<string>, number]>)(
    "ends in few words for %s",
    ([, args, status]) =>
      Effect.gen(function*() {
        const ran = yield* colloquy(args)
        assert.strictEqual(ran.status, status, ran.errors)
        assert.strictEqual(ran.output, "")
      }).pipe(Effect.provide(Files))
  )
})

describe("what receivers complain of", () => {
  it("is nothing in a message that is right", () => {
    assert.deepStrictEqual([scan(good).defects, scan(good).notes], [[], []])
  })

  it.each([
    ["mixed line ends", "A: b\r\nC: d\n\r\n", "2: line ends are mixed"],
    ["a long line", `A: b\r\n\r\n${"x".repeat(999)}\r\n`, "3: a line has 999 octets"],
    ["a NUL", "A: b\r\n\r\nx\0\r\n", "3: there is a NUL"],
    ["a field twice", "From: a@b.test\r\nFrom: a@b.test\r\n\r\n", "2: the field from stands more than once"],
    ["a line that is no field", "A: b\r\nhello there\r\n\r\n", "2: a line of the header section is no field"],
    ["a type without MIME-Version", "Content-Type: text/html\r\n\r\n", "1: MIME-Version is missing"],
    ["octets over 127 that are 7bit", "A: b\r\n\r\n\xfc\r\n", "3: octets over 127 in a part that is said to be 7bit"],
    [
      "a multipart that is cut off",
      "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"q q\"\r\n\r\n--q q\r\n\r\nHi\r\n",
      "1: a multipart is not closed"
    ],
    [
      "a boundary that never comes",
      "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=q\r\n\r\nHi\r\n",
      "1: a multipart has no part"
    ],
    [
      "a multipart without a boundary",
      "MIME-Version: 1.0\r\nContent-Type: multipart/mixed\r\n\r\n",
      "1: a multipart/mixed names no boundary"
    ],
    ["what is no base64", "Content-Transfer-Encoding: base64\r\n\r\n!!!\r\n", "3: there is no base64"],
    [
      "what is no quoted-printable",
      "Content-Transfer-Encoding: Quoted-Printable\r\n\r\n=XX\r\n",
      "3: there is no quoted-printable"
    ],
    [
      "an encoding that is none",
      "Content-Transfer-Encoding: uuencode\r\n\r\n",
      "1: the transfer encoding uuencode is unknown"
    ]
  ])("is told with its line: %s", (_, content, expected) => {
    assert.isTrue(defects(content).some((text) => text.startsWith(expected)), defects(content).join("\n"))
  })

  it("finds the tree through messages in messages", () => {
    const message = lines(
      "MIME-Version: 1.0",
      "Content-Type: multipart/mixed; boundary=a",
      "",
      "--a",
      "Content-Type: message/rfc822",
      "",
      "From: x@y.test",
      "Content-Type: multipart/alternative; boundary=ab",
      "",
      "--ab",
      "",
      "Hi",
      "--ab",
      "Content-Type: text/html",
      "",
      "<p>",
      "--ab--",
      "",
      "--a",
      "Content-Type: application/pdf; name*0*=utf-8''%C3%BC; name*1=.pdf",
      "Content-Transfer-Encoding: base64",
      "",
      "AAAA",
      "--a--"
    )
    const shape = (part: Scan.Part): unknown => [part.type, part.name, part.octets, part.parts.map(shape)]
    const { defects: found, root } = scan(message)
    assert.deepStrictEqual(found, [])
    assert.deepStrictEqual(root === undefined ? undefined : shape(root), [
      "multipart/mixed",
      undefined,
      0,
      [
        [
          "message/rfc822",
          undefined,
          0,
          [["multipart/alternative", undefined, 0, [["text/plain", undefined, 2, []], ["text/html", undefined, 3, []]]]]
        ],
        ["application/pdf", "ü.pdf", 4, []]
      ]
    ])
  })

  it.prop("does not depend on how the octets come, and survives any", [
    Schema.Array(Schema.Literals([
      "\r\n",
      "\n",
      "\r",
      "--a",
      "--a--",
      "--b",
      "Content-Type: multipart/mixed; boundary=a",
      "Content-Type: multipart/mixed; boundary=\"b\\\"",
      "Content-Type: message/rfc822",
      "Content-Transfer-Encoding: base64",
      "From: a@b",
      " folded",
      "\0",
      "=",
      "\xff\xfe",
      ":"
    ])),
    Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5 }))
  ], ([pieces, size]) => {
    const content = pieces.join("")
    assert.deepStrictEqual(scan(content, size), scan(content))
  })

  it("keeps little of what is endless, and takes linear time", () => {
    const nested = Array.from(
      { length: 2_000 },
      (_, i) => `Content-Type: multipart/mixed; boundary=b${i}\r\n\r\n--b${i}\r\n`
    )
    assert.isTrue(defects(nested.join("")).some((text) => text.includes("nested more than 50 deep")))
    const wide = `MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n${"--b\r\n\r\n".repeat(20_000)}`
    assert.strictEqual(scan(wide).root?.parts.length, 10_000)
    const comments = MediaType.parse(`${"(".repeat(1_000_000)};a=b`)
    assert.deepStrictEqual([...comments.parameters], [["a", "b"]])
    assert.isAtMost(scan(`A: ${"b".repeat(3_000_000)}\r\n\r\n`).header.length, 1024 * 1024 + 2)
  })
})

describe("lines of a batch", () => {
  it.effect.prop("are the same however the octets come, and end where they end", [
    Schema.Array(Schema.Literals(["\n", "\r\n", "\r", "a", "bc", "{\"x\":1}"])),
    Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 4 }))
  ], ([pieces, size]) =>
    Effect.gen(function*() {
      const octets = Buffer.from(pieces.join(""))
      const chunks = Array.from(
        { length: Math.ceil(octets.length / size) },
        (_, i) => octets.subarray(i * size, (i + 1) * size)
      )
      const found = yield* Stream.fromIterable(chunks).pipe(Lines.split(100_000), Stream.runCollect)
      const texts = octets.toString().split("\n")
      if (texts.at(-1) === "") texts.pop()
      assert.deepStrictEqual(
        found.map((line) => Buffer.from(line.octets ?? []).toString()),
        texts.map((text) => text.replace(/\r$/, ""))
      )
      assert.strictEqual(found.at(-1)?.end ?? 0, octets.length)
      assert.deepStrictEqual(found.map(({ number }) => number), found.map((_, i) => i + 1))
    }))

  it.effect("longer than the limit are passed over", () =>
    Effect.gen(function*() {
      const found = yield* Stream.make(Buffer.from("a\nbbbb"), Buffer.from("bbbb\nc\n")).pipe(
        Lines.split(5),
        Stream.runCollect
      )
      assert.deepStrictEqual(
        found.map(({ end, octets }) => [octets === undefined ? undefined : Buffer.from(octets).toString(), end]),
        [["a", 2], [undefined, 11], ["c", 13]]
      )
    }))
})
