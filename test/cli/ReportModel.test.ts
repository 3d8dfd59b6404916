import { tell } from "@colloquy/cli/report/conversation"
import * as Model from "@colloquy/cli/report/model"
import { longest, visible } from "@colloquy/cli/report/text"
import type { LogEvent } from "@colloquy/core/LogEvent"
import * as LogReader from "@colloquy/core/LogReader"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Stream from "effect/Stream"
import { anyEvent, client, head, header, server } from "../core/logSupport.ts"

const options = { sources: ["smtp.log"], program: "colloquy", made: 0 }
const reportOf = (events: ReadonlyArray<LogEvent>, more: Partial<Model.Options> = {}) => {
  const model = Model.make({ ...options, ...more })
  for (const conversation of LogReader.conversationsOf(events)) model.add(conversation)
  return model.finish()
}
const one = (events: ReadonlyArray<LogEvent>) => {
  const [first] = LogReader.conversationsOf(events).filter(({ kind }) => kind !== "apart")
  if (first === undefined) throw new Error("no conversation")
  return tell(first)
}

const session = (number: number, at: number, reply: string): ReadonlyArray<LogEvent> => {
  const time = (counter: number) => ({ ...head(at + counter, number), time: 1_000_000 + (at + counter) * 10 })
  return [
    { _tag: "Connecting", ...time(1), host: "mail.test", port: 25, tls: "none" },
    { _tag: "Connected", ...time(2), host: "mail.test", port: 25, secured: false },
    { _tag: "ServerLine", ...time(3), line: "220 mail.test" },
    { _tag: "ClientLine", ...time(4), line: "EHLO client.test" },
    { _tag: "ServerLine", ...time(5), line: "250 mail.test" },
    { _tag: "ClientLine", ...time(6), line: "MAIL FROM:<ann@mail.test>" },
    { _tag: "ServerLine", ...time(7), line: reply },
    { _tag: "ClientLine", ...time(8), line: "QUIT" },
    { _tag: "ServerLine", ...time(9), line: "221 Bye" },
    { _tag: "Closed", ...time(10), by: "client", elapsed: 80 }
  ]
}
const sessions = (count: number, reply: (number: number) => string) =>
  Array.from({ length: count }, (_, n) => session(n + 1, n * 10, reply(n + 1))).flat()

describe("the report's model", () => {
  it.effect("tells the article's conversation whole, with what it rests on", () =>
    Effect.gen(function*() {
      const text = yield* FileSystem.FileSystem.use((fs) => fs.readFileString("test/fixtures/4d-smtp-log.fr.txt"))
      const events = yield* Stream.runCollect(LogReader.readText(text))
      const { overview, parts: [part] } = withParts(reportOf(events))
      assert.deepStrictEqual(overview.counts, { failed: 1, partial: 0, unclear: 1, fine: 0 })
      assert.deepStrictEqual(overview.rows[1], {
        time: Date.UTC(2019, 1, 6, 15, 3, 11, 586),
        duration: 656,
        process: 5,
        session: 7,
        host: "smtp.gmail.com",
        port: 465,
        from: "",
        to: "",
        recipients: 0,
        outcome: "failed",
        stage: "auth",
        what: "Google refused user name and password.",
        rule: "authentication/google-bad-credentials",
        code: "535 5.7.8",
        octets: 0,
        messages: 0,
        isPartial: false,
        slowest: null
      })
      const detail = part === undefined ? undefined : Model.withTexts(part, 1)
      const lines = detail?.lines ?? []
      assert.strictEqual(lines.length, 19)
      assert.deepStrictEqual(lines.slice(11, 15), [
        ["C", 12, 576, "AUTH PLAIN"],
        ["S", 13, 582, "334 "],
        ["C", 14, 582, "********************************"],
        ["S", 15, 648, "535-5.7.8 Nom d'utilisateur et mot de passe non acceptés. En savoir plus à"]
      ])
      assert.deepStrictEqual(detail?.troubles[0]?.evidence, [11, 13, 14, 15])
      assert.deepStrictEqual(detail?.bars.filter(([what]) => what === "reply"), [
        ["reply", "greeting", 0, 556, 0, 1],
        ["reply", "ehlo", 557, 18, 2, 10],
        ["reply", "auth", 576, 6, 11, 12],
        ["reply", "auth", 582, 66, 13, 15],
        ["reply", "quit", 649, 7, 16, 17]
      ])
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it("counts a handshake neither to the dial nor to a silence of the client's", () => {
    const tls = { protocol: "TLSv1.3", cipher: "TLS_AES_256_GCM_SHA384", verified: true, chain: [] }
    const implicit = one([
      { _tag: "Connecting", ...head(1), host: "mail.test", port: 465, tls: "implicit" },
      { _tag: "Connected", ...head(2), host: "mail.test", port: 465, secured: true },
      { _tag: "Secured", ...head(3), time: 2_000, tls, elapsed: 600 },
      server(4, "220 mail.test")
    ])
    assert.deepStrictEqual(implicit.detail.bars.slice(0, 2), [
      ["connect", "connect", 0, 400, 0, 1],
      ["tls", "tls", 400, 600, 2, 2]
    ])
    const starttls = one([
      { _tag: "Connected", ...head(1), host: "mail.test", port: 587, secured: false },
      server(2, "220 mail.test"),
      client(3, "STARTTLS"),
      server(4, "220 Ready"),
      { _tag: "Secured", ...head(5), tls, elapsed: 950 },
      client(6, "EHLO client.test"),
      server(7, "250 mail.test")
    ])
    assert.deepStrictEqual(starttls.detail.bars.filter(([what]) => what === "tls" || what === "client"), [
      ["tls", "tls", 3_050, 950, 4, 4],
      ["client", "starttls", 1_000, 1_000, 1, 2],
      ["client", "ehlo", 4_000, 1_000, 4, 5]
    ])
  })

  it("shows the certificate, and who was tried", () => {
    const { detail } = one([
      { _tag: "Connected", ...head(1), host: "mail.test", port: 465, address: "192.0.2.1", secured: true },
      {
        _tag: "Secured",
        ...head(2),
        elapsed: 5,
        tls: {
          protocol: "TLSv1.3",
          cipher: "TLS_AES_256_GCM_SHA384",
          servername: "mail.test",
          verified: false,
          problem: "the certificate is \u202eself-signed",
          chain: [{
            subject: "CN=mail.test",
            names: ["mail.test", "*.mail.test"],
            issuer: "CN=An authority",
            validFrom: Date.UTC(2026, 0, 1),
            validTo: Number.MAX_SAFE_INTEGER,
            fingerprint256: "AB:CD"
          }]
        }
      }
    ])
    assert.deepStrictEqual(detail.lines, [
      ["#", 1, 0, "Connected to 'mail.test' on port 465. (secured)", [["address", "192.0.2.1"]]],
      ["#", 2, 1_000, "TLS is on. (TLSv1.3, not verified)", [
        ["cipher", "TLS_AES_256_GCM_SHA384"],
        ["name asked for", "mail.test"],
        ["not verified because", String.raw`the certificate is \u{202e}self-signed`],
        ["certificate", "CN=mail.test"],
        ["for", "mail.test, *.mail.test"],
        ["valid", "2026-01-01 to ?"],
        ["issuer", "CN=An authority"],
        ["SHA-256", "AB:CD"]
      ]]
    ])
  })

  it("counts what the list has no room for, and lets go first what went well long ago", () => {
    const events = sessions(40, (n) => n % 4 === 0 ? "550 5.7.1 no" : "250 Ok")
    const { overview, parts } = withParts(reportOf(events, { limit: 15 }))
    assert.strictEqual(overview.conversations, 40)
    assert.strictEqual(overview.counts.failed, 10)
    assert.deepStrictEqual(
      overview.rows.map((row) => row.session),
      [4, 8, 12, 16, 20, 24, 28, 32, 34, 35, 36, 37, 38, 39, 40]
    )
    assert.strictEqual(parts.flatMap(({ details }) => details).length, 15)
    assert.deepStrictEqual(overview.hosts, [{ host: "mail.test", counts: overview.counts }])
    assert.deepStrictEqual(overview.troubles.map(({ count }) => count), [10])
  })

  it("keeps within its room, whatever comes, and the newest at least", () => {
    const { overview } = reportOf(sessions(20, () => "250 Ok"), { room: 1 })
    assert.deepStrictEqual(overview.rows.map((row) => row.session), [20])
    assert.strictEqual(overview.conversations, 20)
  })

  it("says where the middle of a long conversation was left out", () => {
    const events = [server(1, "220 mail.test"), ...Array.from({ length: 50 }, (_, n) => header(n + 2, "X: y"))]
    const [conversation] = LogReader.conversationsOf(events, { maxEvents: 10 })
    assert.isDefined(conversation)
    if (conversation === undefined) return
    const { detail } = tell(conversation)
    assert.deepStrictEqual([detail.lines.length, detail.dropped, detail.cut], [10, 41, 5])
    assert.deepStrictEqual(detail.lines.map(([, number]) => number), [1, 2, 3, 4, 5, 47, 48, 49, 50, 51])
  })

  it("tells no times where the log does not", () => {
    const { detail, row } = one([{ ...server(1, "220 mail.test"), time: 0 }, { ...client(2, "QUIT"), time: 0 }])
    assert.deepStrictEqual([row.time, row.duration, row.host], [null, null, "mail.test"])
    assert.deepStrictEqual(detail.lines.map(([, , offset]) => offset), [null, null])
    assert.deepStrictEqual(detail.bars, [])
  })

  it("names what was lost and what could not be read", () => {
    const { overview } = reportOf([
      { _tag: "Lost", ...head(1, 0), count: 3, problem: "disk full" },
      { _tag: "Unread", ...head(2, 0), source: "smtp.log", lineNumber: 9, text: "\u001b[2Jwhat" },
      ...session(1, 10, "250 Ok")
    ])
    assert.deepStrictEqual([overview.lost, overview.unread], [3, 1])
    assert.deepStrictEqual(overview.unreadLines, [{ source: "smtp.log", line: 9, text: String.raw`\x1b[2Jwhat` }])
  })

  it.prop(
    "keeps every line of every conversation, each text once in a part",
    [Arbitrary.array(anyEvent)],
    ([events]) => {
      const conversations = LogReader.conversationsOf(events)
      const { overview, parts } = withParts(reportOf(events))
      const told = conversations.filter(({ kind }) => kind !== "apart").map((conversation) => tell(conversation))
      const details = parts.flatMap((part) => part.details.map((_, at) => Model.withTexts(part, at)))
      assert.strictEqual(overview.rows.length, told.length)
      assert.strictEqual(overview.events, events.length)
      for (const part of parts) assert.strictEqual(new Set(part.texts).size, part.texts.length)
      assert.sameMembers(
        details.map((detail) => JSON.stringify(detail)),
        told.map(({ detail }) => JSON.stringify(detail))
      )
    }
  )
})

const withParts = ({ overview, parts }: Model.Report) => ({ overview, parts: [...parts] })

describe("a text for the report", () => {
  it("is as it was said, but for what would not be seen or would deceive", () => {
    assert.strictEqual(visible(`250 "a\\b" 'c' <d> é 😀`), `250 "a\\b" 'c' <d> é 😀`)
    assert.strictEqual(
      visible("a\u202eb\u2066c\u200bd\u0007e\u2028f\udc80g"),
      String.raw`a\u{202e}b\u{2066}c\u{200b}d\x07e\u{2028}f\x80g`
    )
  })
  it("is not endless, and says how much there was", () => {
    const text = visible(`${"a".repeat(longest - 1)}😀${"b".repeat(1_000_000)}`)
    assert.strictEqual(text, `${"a".repeat(longest - 1)}… (1,000,002 more characters)`)
  })
  it.prop("drives nothing, whatever it is", [
    Arbitrary.map(anyEvent, (event) => JSON.stringify(event) + ("line" in event ? event.line : ""))
  ], ([text]) => {
    // oxlint-disable-next-line no-control-regex
    assert.notMatch(visible(text), /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/)
    assert.isTrue(visible(text).isWellFormed())
  })
})
