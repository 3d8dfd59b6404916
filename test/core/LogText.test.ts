import type { LogEvent } from "@colloquy/core/LogEvent"
import * as LogText from "@colloquy/core/LogText"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Array, Effect, FileSystem, Schema, Stream } from "effect"
import { anyEvent, body, client, head, header, server } from "./logSupport.ts"

const opened: LogEvent = {
  _tag: "Opened",
  ...head(1, 0),
  format: 1,
  program: "colloquy 0.1.0",
  instance: "k3v9",
  zone: "Europe/Paris"
}

const tls = {
  protocol: "TLSv1.3",
  cipher: "TLS_AES_256_GCM_SHA384",
  verified: true,
  chain: [{
    subject: "CN=mail.test",
    names: ["mail.test"],
    issuer: "CN=ca",
    validFrom: 1,
    validTo: 2,
    fingerprint256: "00:11"
  }]
}

const conversation: ReadonlyArray<LogEvent> = [
  opened,
  { _tag: "LogState", ...head(2, 0), state: "started" },
  { _tag: "Connecting", ...head(3), host: "mail.test", port: 465, tls: "implicit" },
  { _tag: "AttemptFailed", ...head(4), address: "2001:db8::1", port: 465, problem: "network unreachable", elapsed: 3 },
  { _tag: "Connected", ...head(5), host: "mail.test", port: 465, address: "192.0.2.1", secured: true },
  { _tag: "Secured", ...head(6), tls, elapsed: 45.5 },
  server(7, "220 mail.test ESMTP"),
  client(8, "EHLO [192.168.18.9]"),
  server(9, "250 AUTH PLAIN"),
  client(10, `AUTH PLAIN ${"*".repeat(32)}`),
  { _tag: "Note", ...head(11), text: "the server \"knows\" no STARTTLS" },
  header(12, "Subject: Hi"),
  body(13, "Hi"),
  { _tag: "Content", ...head(14), octets: 20, lines: 3, elapsed: 1 },
  { _tag: "TimedOut", ...head(15), phase: "verdict", limit: 600_000 },
  { _tag: "Failed", ...head(16), phase: "auth", reason: "AuthenticationFailed", message: "it said: 535 no" },
  { _tag: "Closed", ...head(17), by: "client", elapsed: 700 },
  { _tag: "Lost", ...head(18, 0), count: 12, problem: "no space left on the disk" },
  { _tag: "Unread", ...head(19, 0), source: "old.log", lineNumber: 7, text: "what?" }
]

describe("the text form", () => {
  it("is five columns, one record a line, and one JSON object for what the sentence does not show", () => {
    assert.deepStrictEqual(conversation.map((event) => LogText.encode(event)), [
      `1 1970-01-01T00:00:01.000Z 5 0 ### Log opened. {"format":1,"program":"colloquy 0.1.0","instance":"k3v9","zone":"Europe/Paris"}`,
      `2 1970-01-01T00:00:02.000Z 5 0 ### Log started.`,
      `3 1970-01-01T00:00:03.000Z 5 7 ### SMTP Connecting to 'mail.test' on port 465. (implicit)`,
      `4 1970-01-01T00:00:04.000Z 5 7 ### SMTP Attempt at '2001:db8::1' on port 465 failed. (network unreachable) {"elapsed":3}`,
      `5 1970-01-01T00:00:05.000Z 5 7 ### SMTP Connected to 'mail.test' on port 465. (secured) {"address":"192.0.2.1"}`,
      `6 1970-01-01T00:00:06.000Z 5 7 ### SMTP TLS is on. (TLSv1.3, verified) {"tls":{"cipher":"TLS_AES_256_GCM_SHA384","chain":[{"subject":"CN=mail.test","names":["mail.test"],"issuer":"CN=ca","validFrom":1,"validTo":2,"fingerprint256":"00:11"}]},"elapsed":45.5}`,
      `7 1970-01-01T00:00:07.000Z 5 7 S < "220 mail.test ESMTP"`,
      `8 1970-01-01T00:00:08.000Z 5 7 C > "EHLO [192.168.18.9]"`,
      `9 1970-01-01T00:00:09.000Z 5 7 S < "250 AUTH PLAIN"`,
      `10 1970-01-01T00:00:10.000Z 5 7 C > "AUTH PLAIN ********************************"`,
      String.raw`11 1970-01-01T00:00:11.000Z 5 7 ### Note: "the server \"knows\" no STARTTLS"`,
      `12 1970-01-01T00:00:12.000Z 5 7 C >> "Subject: Hi"`,
      `13 1970-01-01T00:00:13.000Z 5 7 C >>> "Hi"`,
      `14 1970-01-01T00:00:14.000Z 5 7 ### SMTP Content sent. (20 octets, 3 lines) {"elapsed":1}`,
      `15 1970-01-01T00:00:15.000Z 5 7 ### SMTP Timed out while verdict. (600000 ms)`,
      `16 1970-01-01T00:00:16.000Z 5 7 ### SMTP Failed while auth. (AuthenticationFailed) {"message":"it said: 535 no"}`,
      `17 1970-01-01T00:00:17.000Z 5 7 ### SMTP Connection closed. (client) {"elapsed":700}`,
      `18 1970-01-01T00:00:18.000Z 5 0 ### Log lost 12 events. (no space left on the disk)`,
      `19 1970-01-01T00:00:19.000Z 5 0 ### Unread line 7: "what?" {"source":"old.log"}`
    ])
  })

  it("shows the statement alone on demand, without the JSON object", () => {
    assert.strictEqual(
      LogText.format(conversation.slice(4, 8), { columns: "statement" }),
      [
        `### SMTP Connected to 'mail.test' on port 465. (secured)`,
        `### SMTP TLS is on. (TLSv1.3, verified)`,
        `S < "220 mail.test ESMTP"`,
        `C > "EHLO [192.168.18.9]"`
      ].join("\n")
    )
  })

  it("escapes all that could forge a record or drive a terminal", () => {
    const line = "\"\\\r\n\0\u001b\u007f\u0085\u2028\u202e\udc80\udcff\ud800é😀"
    const text = String.raw`S < "\"\\\x0d\x0a\x00\x1b\x7f\u{85}\u{2028}\u{202e}\x80\xff\u{d800}é😀"`
    assert.strictEqual(LogText.format([server(1, line)], { columns: "statement" }), text)
    const sentence = String.raw`### SMTP Connected to 'a\x27\x29 \x28\x0a' on port 25. (unsecured)`
    const event: LogEvent = { _tag: "Connected", ...head(1), host: "a') (\n", port: 25, secured: false }
    assert.strictEqual(LogText.format([event], { columns: "statement" }), sentence)
  })

  const forms: ReadonlyArray<NonNullable<LogText.EncodeOptions["time"]>> = ["utc", "offset"]
  for (const time of forms) {
    it.prop(`reads back each event exactly (${time})`, [anyEvent], ([event]) => {
      const options = { time, zone: "Australia/Lord_Howe" }
      const text = LogText.encode(event, options)
      assert.notMatch(text, /[\r\n]/)
      assert.isTrue(text.isWellFormed())
      assert.deepStrictEqual(LogText.decode(text), [event])
      assert.strictEqual(LogText.encode(LogText.decode(text)[0], options), text)
    })
  }

  it.prop("reads back each event from JSON exactly", [anyEvent], ([event]) => {
    const text = LogText.encodeJson(event)
    // oxlint-disable-next-line no-control-regex
    assert.notMatch(text, /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/)
    assert.deepStrictEqual(LogText.decodeJson(text), [event])
  })

  it("gives what cannot be read as it stands", () => {
    const lines = [
      "",
      "hello",
      "{\"_tag\":\"Closed\"}",
      "{",
      "1 2026-13-06T15:03:11.586Z 5 7 S < \"250\"",
      "99999999999999999999 2026-02-06T15:03:11.586Z 5 7 S < \"250\"",
      "1 2026-02-06T15:03:11.586Z 5 7 X < \"250\""
    ]
    for (const line of lines) {
      assert.deepStrictEqual(LogText.decode(line, { source: "a.log" }), [
        { _tag: "Unread", ...head(0, 0), process: 0, source: "a.log", lineNumber: 1, text: line }
      ])
    }
  })

  it("gives a record of any length", () => {
    const text = "a".repeat(17_000_000)
    const [event] = LogText.decode(LogText.encode({ _tag: "Note", ...head(1), text }))
    assert.isTrue(event._tag === "Note" && event.text === text)
  })

  it("takes a sentence that it does not know for a note, and believes no JSON that does not fit", () => {
    assert.deepStrictEqual(LogText.decode("1 1970-01-01T00:00:01.000Z 5 7 ### SMTP Verbunden mit 'x'."), [
      { _tag: "Note", ...head(1), text: "SMTP Verbunden mit 'x'." }
    ])
    const forged = `### SMTP Connection closed. (client) {"elapsed":"long","counter":9}`
    assert.deepStrictEqual(LogText.decode(`1 1970-01-01T00:00:01.000Z 5 7 ${forged}`), [
      { _tag: "Note", ...head(1), text: forged.slice(4) }
    ])
    assert.deepStrictEqual(
      LogText.decode(
        `1 1970-01-01T00:00:01.000Z 5 7 ### SMTP Connection closed. (client) {"elapsed":2,"counter":9,"x":1}`
      ),
      [{ _tag: "Closed", ...head(1), by: "client", elapsed: 2 }]
    )
  })
})

const timeOf = (time: number, options: LogText.EncodeOptions) =>
  LogText.encode({ ...server(1, ""), time }, options).split(" ")[1]

const again = (time: number, zone: string) =>
  LogText.decode(`1 ${timeOf(time, { time: "4d", zone })} 5 7 S < ""`, { zone })[0].time

describe("times", () => {
  const zone = "Europe/Paris"

  it("come in UTC, with an offset, or as 4D writes them", () => {
    const noon = Date.UTC(2026, 6, 1, 12, 0, 0, 7)
    assert.strictEqual(timeOf(noon, {}), "2026-07-01T12:00:00.007Z")
    assert.strictEqual(timeOf(noon, { time: "offset", zone }), "2026-07-01T14:00:00.007+02:00")
    assert.strictEqual(timeOf(noon, { time: "offset", zone: "America/St_Johns" }), "2026-07-01T09:30:00.007-02:30")
    assert.strictEqual(timeOf(noon, { time: "4d", zone }), "2026-07-01T14:00:00.007")
    assert.strictEqual(timeOf(noon, { time: "4d", zone: "no/such zone" }), "2026-07-01T12:00:00.007")
    assert.strictEqual(timeOf(9e15, {}), "@9000000000000000")
  })

  it("of 4D's form are read with the zone, and the hour that autumn repeats as the first of the two", () => {
    const autumn = Date.UTC(2026, 9, 25, 0, 30)
    assert.strictEqual(again(autumn, zone), autumn)
    assert.strictEqual(again(autumn + 3_600_000, zone), autumn)
    assert.strictEqual(again(autumn + 7_200_000, zone), autumn + 7_200_000)
  })

  it.prop("of 4D's form are exact but for that hour", [
    Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4_000_000_000_000 })),
    Schema.Literals(["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"])
  ], ([time, zone]) => {
    const text = LogText.encode({ ...server(1, "250"), time }, { time: "4d", zone })
    const [event] = LogText.decode(text, { zone })
    assert.strictEqual(LogText.encode(event, { time: "4d", zone }), text)
    assert.include([0, 1_800_000, 3_600_000], time - event.time)
  })
})

const octets = new TextEncoder()
const read = (chunks: ReadonlyArray<Uint8Array>, options?: LogText.DecodeOptions) =>
  Stream.fromIterable(chunks).pipe(Stream.pipeThroughChannel(LogText.decodeChannel(options)), Stream.runCollect)

const cutAt = (whole: Uint8Array, sizes: ReadonlyArray<number>): ReadonlyArray<Uint8Array> => {
  const chunks: Array<Uint8Array> = []
  let from = 0
  for (const size of sizes) {
    chunks.push(whole.subarray(from, from + size))
    from += size
  }
  return [...chunks, whole.subarray(from)].filter(({ length }) => length > 0)
}

describe("a file", () => {
  it.effect.prop("that we wrote is read whole, however it is cut, with nothing unread, and written again the same", [
    Arbitrary.schema(Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 40 })))),
    Arbitrary.array(Arbitrary.filter(anyEvent, ({ _tag }) => _tag !== "Unread" && _tag !== "Opened"))
  ], ([sizes, events]) =>
    Effect.gen(function*() {
      const all = [opened, ...events]
      const text = all.map((event) => `${LogText.encode(event)}\n`).join("")
      const again = yield* read(cutAt(octets.encode(text), sizes))
      assert.deepStrictEqual(again, all)
      assert.strictEqual(again.map((event) => `${LogText.encode(event)}\n`).join(""), text)
      const json = all.map((event) => `${LogText.encodeJson(event)}\r\n`).join("")
      assert.deepStrictEqual(yield* read(cutAt(octets.encode(json), sizes)), all)
    }))

  it.effect("in 4D's form of times is read with the zone that its first line names", () =>
    Effect.gen(function*() {
      const events = [opened, server(2, String.raw`250 a\b`)]
      const text = events.map((event) => LogText.encode(event, { time: "4d", zone: "Europe/Paris" })).join("\n")
      assert.include(text, String.raw`2 1970-01-01T01:00:02.000 5 7 S < "250 a\\b"`)
      const [first, second] = yield* read([octets.encode(text)])
      assert.deepStrictEqual(second, events[1])
      assert.deepStrictEqual(first, { ...opened, time: opened.time + 3_600_000 })
    }))

  it.effect.prop("of any octets is read without failing, and in lines that are as safe to print", [
    Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 })))
  ], ([junk]) =>
    Effect.gen(function*() {
      const whole = Uint8Array.from(junk)
      const events = yield* read([whole])
      assert.deepStrictEqual(yield* read(cutAt(whole, junk.map(() => 1))), events)
      // oxlint-disable-next-line no-control-regex
      for (const event of events) assert.notMatch(LogText.encode(event), /[\u0000-\u001f\u007f-\u009f]/)
    }))

  it.effect("says where it could not read, near to what it could", () =>
    Effect.gen(function*() {
      const text = `${LogText.encode(opened)}\n\n${LogText.encode(server(4, "250"))}\nS < "cut\n`
      const events = yield* read([octets.encode(text)], { source: "a.log" })
      assert.deepStrictEqual(events, [
        opened,
        server(4, "250"),
        { _tag: "Unread", ...head(4, 0), source: "a.log", lineNumber: 4, text: "S < \"cut" }
      ])
    }))

  it.effect("keeps octets that are not UTF-8", () =>
    Effect.gen(function*() {
      const [event] = yield* read([
        Uint8Array.of(...octets.encode("1 1970-01-01T00:00:01.000 5 7 S < \"caf"), 0xe9, 0x22)
      ])
      assert.deepStrictEqual(event, server(1, "caf\udce9"))
    }))
})

describe("4D's dialect", () => {
  const time = Date.UTC(2019, 1, 6, 15, 3, 11, 586)
  const article = [
    "1 2019-02-06T15:03:11.586 5 7 ### SMTP Connecté à 'smtp.gmail.com' sur le port 465. (sécurisé)",
    "12 2019-02-06T15:03:11.586 5 7 C > \"AUTH PLAIN\"",
    "13 2019-02-06T15:03:11.586 5 7 S < \"334 \"",
    "15 2019-02-06T15:03:11.586 5 7 S < \"535-5.7.8 Nom d'utilisateur et mot de passe non acceptés. En savoir plus à\"",
    "19 2019-02-06T15:03:11.586 5 7 ### Connexion SMTP fermée67 2019-01-10T11:00:08.653 -5 ### Connexion SMTP fermée"
  ]
  const at = (counter: number) => ({ counter, time, process: 5, session: 7 })
  const conversation: ReadonlyArray<LogEvent> = [
    { _tag: "Note", ...at(1), text: "SMTP Connecté à 'smtp.gmail.com' sur le port 465. (sécurisé)" },
    { _tag: "ClientLine", ...at(12), line: "AUTH PLAIN" },
    { _tag: "ServerLine", ...at(13), line: "334 " },
    {
      _tag: "ServerLine",
      ...at(15),
      line: "535-5.7.8 Nom d'utilisateur et mot de passe non acceptés. En savoir plus à"
    },
    { _tag: "Note", ...at(19), text: "Connexion SMTP fermée" },
    {
      _tag: "Note",
      counter: 67,
      time: Date.UTC(2019, 0, 10, 11, 0, 8, 653),
      process: -5,
      session: 0,
      text: "Connexion SMTP fermée"
    }
  ]

  it.effect("reads as one conversation and one stray closing, its glued last line too", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* read([octets.encode(article.join("\r\n"))]), [...conversation])
      assert.deepStrictEqual(Array.flatMap(article, (line) => LogText.decode(line)), [...conversation])
    }))

  it.effect("of the article's whole sample, damaged end included, leaves nothing unread", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const bytes = fs.stream(new URL("../fixtures/4d-smtp-log.fr.txt", import.meta.url).pathname, { chunkSize: 7 })
      const events = yield* bytes.pipe(Stream.pipeThroughChannel(LogText.decodeChannel()), Stream.runCollect)
      assert.strictEqual(events.length, 20)
      assert.deepStrictEqual(events.map(({ counter }) => counter), [...Array.range(1, 19), 67])
      assert.deepStrictEqual(
        events.map(({ _tag, session }) => `${session} ${_tag}`).filter((line) => !/7 (Server|Client)Line/.test(line)),
        ["7 Note", "7 Note", "0 Note"]
      )
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it("has tabs or blanks, quotes in quotes, no escapes, and texts without quotes", () => {
    const lines: ReadonlyArray<readonly [string, LogEvent]> = [
      ["1\t2019-02-06T15:03:11.586\t5\t7\tS < \"250 \"a\" C:\\x41\"", {
        _tag: "ServerLine",
        ...at(1),
        line: "250 \"a\" C:\\x41"
      }],
      ["  2  2019-02-06T15:03:11.586 5  7  C > QUIT", { _tag: "ClientLine", ...at(2), line: "QUIT" }],
      ["3 2019-02-06T15:03:11.586 5 S < \"250 OK\"", { _tag: "ServerLine", ...at(3), session: 0, line: "250 OK" }],
      ["-4 2019-02-06T15:03:11.586 5 7 S < \"2\"", { _tag: "ServerLine", ...at(-4), line: "2" }]
    ]
    for (const [line, event] of lines) assert.deepStrictEqual(LogText.decode(line, { dialect: "4d" }), [event])
  })

  it("separates records only where the one before is complete", () => {
    const inside = "250 x 9 2019-02-06T15:03:11.586 5 7 ### y"
    assert.deepStrictEqual(LogText.decode(`1 2019-02-06T15:03:11.586 5 7 S < "${inside}"`, { dialect: "4d" }), [
      { _tag: "ServerLine", ...at(1), line: inside }
    ])
    const glued =
      `1 2019-02-06T15:03:11.586 5 7 S < "250" 2 2019-02-06T15:03:11.586 5 7 C > "QUIT"3 2019-02-06T15:03:11.586 5 7 ### x`
    assert.deepStrictEqual(LogText.decode(`junk ${glued}`, { dialect: "4d" }).slice(1), [
      { _tag: "ServerLine", ...at(1), line: "250" },
      { _tag: "ClientLine", ...at(2), line: "QUIT" },
      { _tag: "Note", ...at(3), text: "x" }
    ])
  })

  it("is read in time linear in the line", () => {
    const record = "1 2019-02-06T15:03:11.586 5 7 S < \"x "
    for (
      const line of [
        "1".repeat(200_000),
        record.repeat(20_000),
        "1 ".repeat(200_000),
        `${record}${" ".repeat(200_000)}`
      ]
    ) {
      assert.isAtLeast(LogText.decode(line).length, 1)
    }
  })
})
