import { Connector } from "@colloquy/core/Connector"
import { Reply } from "@colloquy/core/Reply"
import * as SmtpError from "@colloquy/core/SmtpError"
import * as CaptureServer from "@colloquy/core/testing/CaptureServer"
import * as Script from "@colloquy/core/testing/Script"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Sink from "effect/Sink"
import * as Stdio from "effect/Stdio"
import { TestConsole } from "effect/testing"
import { colloquy, Machine } from "./run.ts"

const Files = Layer.merge(Machine, NodeFileSystem.layer)
const server = ["--server", "smtp://mail.test?tls=none&maxSessions=1", "--name", "client.test"]

const mail = (to: string, more: object = {}) => ({ from: "ann@mail.test", to, text: "Hi", ...more })

const decode = Schema.decodeSync(Schema.fromJsonString(Schema.Struct({
  index: Schema.Int,
  line: Schema.Int,
  digest: Schema.String,
  outcome: Schema.String,
  messageId: Schema.optionalKey(Schema.String),
  queueId: Schema.optionalKey(Schema.String),
  recipients: Schema.optionalKey(Schema.Array(Schema.Struct({
    _tag: Schema.String,
    recipient: Schema.String,
    reply: Schema.optionalKey(Schema.Struct({ code: Schema.Int }))
  }))),
  error: Schema.optionalKey(Schema.Struct({ message: Schema.String }))
})))

/** A result as it would be of another message. */
const of = (record: string, index: number) =>
  record.replace("\"index\":0,\"line\":1", `"index":${index},"line":${index + 1}`)

/** A folder with a batch, and what can be done there. */
const there = Effect.fnUntraced(function*(...lines: ReadonlyArray<unknown>) {
  const fs = yield* FileSystem.FileSystem
  const folder = yield* fs.makeTempDirectoryScoped()
  const batch = `${folder}/batch.ndjson`
  const results = `${folder}/results.ndjson`
  const write = (all: ReadonlyArray<unknown>) =>
    fs.writeFileString(batch, all.map((line) => `${typeof line === "string" ? line : JSON.stringify(line)}\n`).join(""))
  yield* write(lines)
  const lineCount = { output: 0, errors: 0 }
  const send = Effect.fnUntraced(function*(...more: ReadonlyArray<string>) {
    const ran = yield* colloquy(["send", ...server, "--batch", batch, "--results", results, ...more])
    const output = ran.output.split("\n").slice(lineCount.output).join("\n")
    const errors = ran.errors.split("\n").slice(lineCount.errors).join("\n")
    lineCount.output = (yield* TestConsole.logLines).join("\n").split("\n").length
    lineCount.errors = (yield* TestConsole.errorLines).join("\n").split("\n").length
    return { status: ran.status, output, errors }
  })
  const records = Effect.map(
    fs.readFileString(results),
    (text) => text.trimEnd().split("\n").map((line) => decode(line))
  )
  /** The last outcome of each message. */
  const outcomes = Effect.map(records, (all) => {
    const last: Array<string> = []
    for (const { index, outcome } of all) last[index] = outcome
    return last
  })
  return { fs, folder, batch, results, write, send, records, outcomes }
})

const received = CaptureServer.CaptureServer.use(({ messages }) =>
  Effect.map(messages, (all) => all.flatMap(({ envelope }) => envelope.to))
)

const picky = CaptureServer.layerMemory({
  rcpt: (recipient) =>
    recipient.startsWith("eve")
      ? Effect.fail(new Reply({ code: 550, lines: ["5.1.1 No such user"] }))
      : Effect.succeed(new Reply({ code: 250, lines: ["2.1.5 Ok"] }))
})

describe("colloquy send --batch", () => {
  it.effect("writes a line for every message: who has it, and why others have not", () =>
    Effect.gen(function*() {
      const { folder, fs, records, send } = yield* there(
        mail("bob@mail.test", { messageId: "<1@mail.test>" }),
        mail("bob@mail.test, eve@mail.test", { messageId: "<2@mail.test>" }),
        "",
        mail("eve@mail.test", { messageId: "<3@mail.test>" }),
        mail("bob@mail.test", { attachment: [] }),
        "{\"from\":\"secret-words",
        { from: "ann@mail.test", to: ["zoe@mail.test"], raw: "mails/raw.eml" },
        { from: "ann@mail.test", to: ["zoe@mail.test"], raw: "none.eml" },
        mail("no address")
      )
      yield* fs.makeDirectory(`${folder}/mails`)
      const raw = "Message-ID: <4@mail.test>\r\nSubject: Raw\r\n\r\n.As it is\r\n"
      yield* fs.writeFileString(`${folder}/mails/raw.eml`, raw)
      const ran = yield* send()
      assert.strictEqual(ran.status, 67)
      const all = yield* records
      const told = all.filter(({ outcome }) => outcome !== "begun").toSorted((a, b) => a.index - b.index)
      assert.deepStrictEqual(
        told.map(({ error, index, line, messageId, outcome, queueId, recipients }) => [
          index,
          line,
          outcome,
          messageId,
          queueId,
          recipients?.map((each) => `${each.recipient} ${each._tag} ${each.reply?.code ?? ""}`.trim()),
          error?.message?.replaceAll(folder, "…")
        ]),
        [
          [0, 1, "accepted", "<1@mail.test>", "C1", ["bob@mail.test Accepted 250"], undefined],
          [
            1,
            2,
            "partial",
            "<2@mail.test>",
            "C2",
            ["bob@mail.test Accepted 250", "eve@mail.test Refused 550"],
            undefined
          ],
          [
            2,
            4,
            "refused",
            "<3@mail.test>",
            undefined,
            ["eve@mail.test Refused 550"],
            "mail.test:587: the server refused 1 of 1 recipients: 550 5.1.1 No such user"
          ],
          [
            3,
            5,
            "invalid",
            undefined,
            undefined,
            undefined,
            "attachment: there is no such key: attachments is meant, perhaps"
          ],
          [4, 6, "invalid", undefined, undefined, undefined, "message: is no JSON: it breaks off at character 22"],
          [5, 7, "accepted", "<4@mail.test>", "C3", ["zoe@mail.test Accepted 250"], undefined],
          [6, 8, "invalid", undefined, undefined, undefined, "'…/none.eml' can't be read: there is no such file"],
          [
            7,
            9,
            "invalid",
            undefined,
            undefined,
            undefined,
            told[7]?.error?.message
          ]
        ]
      )
      assert.match(told[7]?.error?.message ?? "", /^mail\.test|^the message cannot be sent: to/)
      for (const { index, outcome } of all.filter((each) => each.outcome === "begun")) {
        const begun = all.findIndex((each) => each.index === index && each.outcome === outcome)
        const ended = all.findIndex((each) => each.index === index && each.outcome !== "begun")
        assert.isBelow(begun, ended)
      }
      assert.deepStrictEqual(yield* received, ["bob@mail.test", "bob@mail.test", "zoe@mail.test"])
      const [, , third] = yield* CaptureServer.CaptureServer.use(({ messages }) => messages)
      assert.strictEqual(third?.text, raw)
      assert.notInclude(JSON.stringify(all), "secret-words")
      assert.deepStrictEqual(ran.output.split("\n").slice(0, 1), [
        "8 messages: 2 accepted, 1 accepted for some of their recipients, 1 refused, 4 invalid."
      ])
      assert.include(ran.errors, "Exit status 67: ")
    }).pipe(Effect.provide(Layer.merge(picky, Files))))

  it.effect("goes on from its results: nothing is sent twice, and what failed only when it is asked to", () =>
    Effect.gen(function*() {
      const { outcomes, send, write } = yield* there(
        mail("bob@mail.test"),
        mail("eve@mail.test"),
        mail("bob@mail.test", { txt: "" })
      )
      assert.strictEqual((yield* send()).status, 67)
      const lines = [
        mail("bob@mail.test"),
        mail("eve@mail.test"),
        mail("bob@mail.test", { txt: "" }),
        mail("zoe@mail.test")
      ]
      yield* write(lines)
      const second = yield* send()
      assert.strictEqual(second.status, 67)
      assert.match(second.output, /^4 messages: .*; 3 of these results are from before\.\n/)
      assert.deepStrictEqual(yield* received, ["bob@mail.test", "zoe@mail.test"])

      yield* write([mail("bob@mail.test"), mail("may@mail.test"), mail("max@mail.test"), mail("zoe@mail.test")])
      const changed = yield* send()
      assert.strictEqual(changed.status, 64)
      assert.include(changed.errors, "line 2 of the batch is not what it was")
      const third = yield* send("--retry-failed")
      assert.deepStrictEqual([third.status, third.errors], [0, ""])
      assert.deepStrictEqual(yield* received, ["bob@mail.test", "zoe@mail.test", "may@mail.test", "max@mail.test"])
      assert.deepStrictEqual(yield* outcomes, ["accepted", "accepted", "accepted", "accepted"])

      yield* write([mail("mia@mail.test"), mail("may@mail.test")])
      const other = yield* send("--retry-failed", "--resend-unknown")
      assert.strictEqual(other.status, 64)
      assert.include(other.errors, "line 1 of the batch is not what it was")
      assert.lengthOf(yield* received, 4)
    }).pipe(Effect.provide(Layer.merge(picky, Files))))

  it.effect("never sends again by itself what may have been delivered, and if so, under the same Message-ID", () =>
    Effect.gen(function*() {
      const { outcomes, records, send } = yield* there(mail("bob@mail.test"))
      const first = yield* Effect.provide(
        send(),
        Script.layer(Script.fromText(`
          S: 220 mail.test ESMTP
          C: EHLO client.test
          S: 250 mail.test
          C: MAIL FROM:<ann@mail.test>
          S: 250 2.1.0 Ok
          C: RCPT TO:<bob@mail.test>
          S: 250 2.1.5 Ok
          C: DATA
          S: 354 Go on
          -- content
          -- close`))
      )
      assert.strictEqual(first.status, 79)
      assert.include(first.output, "1 message: 1 unknown.\nUnknown ones may have been delivered: only --resend-unknown")
      const messageId = (yield* records)[0]?.messageId ?? ""
      const again = yield* send("--retry-failed")
      assert.strictEqual(again.status, 79)
      assert.deepStrictEqual(yield* received, [])
      const asked = yield* send("--resend-unknown")
      assert.strictEqual(asked.status, 0)
      const [captured] = yield* CaptureServer.CaptureServer.use(({ messages }) => messages)
      assert.match(messageId, /^<.+@mail\.test>$/)
      assert.include(captured?.text, `Message-ID: ${messageId}\r\n`)
      assert.deepStrictEqual(yield* outcomes, ["accepted"])
    }).pipe(Effect.provide(Layer.merge(CaptureServer.layerMemory(), Files))))

  it.effect("takes a message that was begun and has no outcome for unknown, and cuts off a torn line", () =>
    Effect.gen(function*() {
      const { fs, outcomes, results, send, write } = yield* there(mail("bob@mail.test"))
      yield* send()
      const [begun = "", accepted = ""] = (yield* fs.readFileString(results)).split("\n")
      yield* write([mail("bob@mail.test"), mail("bob@mail.test"), mail("bob@mail.test"), mail("zoe@mail.test")])
      yield* fs.writeFileString(
        results,
        `${begun}\n${accepted}\n${of(begun, 1)}\n${of(begun, 2)}\n${of(accepted, 2).slice(0, -20)}`
      )
      assert.strictEqual((yield* send()).status, 79)
      assert.deepStrictEqual(yield* outcomes, ["accepted", "begun", "begun", "accepted"])
      assert.deepStrictEqual(yield* received, ["bob@mail.test", "zoe@mail.test"])
      yield* fs.writeFileString(results, `${begun}\n${accepted}`)
      yield* write([mail("bob@mail.test")])
      assert.strictEqual((yield* send()).status, 0)
      assert.deepStrictEqual(yield* outcomes, ["accepted"])
      assert.lengthOf(yield* received, 2)
    }).pipe(Effect.provide(Layer.merge(CaptureServer.layerMemory(), Files))))

  it.effect("touches no file that is not one of results", () =>
    Effect.gen(function*() {
      const { fs, results, send } = yield* there(mail("bob@mail.test"))
      yield* fs.writeFileString(results, "{\"name\":\"a file of somebody\"}\n")
      const ran = yield* send()
      assert.strictEqual(ran.status, 74)
      assert.include(ran.errors, "line 1 is no result of a batch")
      assert.strictEqual(yield* fs.readFileString(results), "{\"name\":\"a file of somebody\"}\n")
      assert.deepStrictEqual(yield* received, [])
    }).pipe(Effect.provide(Layer.merge(CaptureServer.layerMemory(), Files))))

  it.effect("tries a wrong password once, and leaves every message to the next run", () =>
    Effect.gen(function*() {
      const { batch, fs, results } = yield* there(...Array.from({ length: 50 }, () => mail("bob@mail.test")))
      const args = ["--server", "smtps://ann@mail.test", "--json", "--batch", batch, "--results", results]
      const wrong = yield* colloquy(
        ["send", "--name", "client.test", ...args],
        { COLLOQUY_PASSWORD: "s3cret-words" }
      ).pipe(Effect.provide(Script.layer(Script.fromText(`
        S: 220 mail.test ESMTP
        C: EHLO client.test
        S: 250-mail.test
        S: 250 AUTH PLAIN
        C: AUTH PLAIN ********************************
        S: 535 5.7.8 Wrong
        C: QUIT
        S: 221 Bye`))))
      assert.strictEqual(wrong.status, 77)
      const told = JSON.parse(wrong.output.split("\n").at(-1) ?? "")
      assert.deepStrictEqual([told.status, told.error.reason, told.outcomes.accepted], [77, "AuthenticationFailed", 0])
      assert.strictEqual(yield* fs.readFileString(results), "")
      assert.notInclude(JSON.stringify(wrong), "s3cret")
    }).pipe(Effect.provide(Layer.merge(CaptureServer.layerMemory(), Files))))

  it.effect("stops where the server is gone, and goes on when it is back", () =>
    Effect.gen(function*() {
      const real = yield* Connector
      let dials = 0
      const refused = new SmtpError.ConnectionFailed({ kind: "Refused", host: "mail.test", port: 587, attempts: [] })
      const failing = Connector.of({
        connect: (target, hooks) =>
          ++dials <= 3
            ? real.connect(target, hooks)
            : Effect.callback((resume) => void setImmediate(() => resume(Effect.fail(refused))))
      })
      const all = Array.from({ length: 100 }, (_, i) => `b${i}@mail.test`)
      const { batch, outcomes, results } = yield* there(...all.map((to) => mail(to)))
      const url = "smtp://mail.test?tls=none&maxSessions=1&keepAlive=false"
      const send = colloquy(["send", "--server", url, "--batch", batch, "--results", results])
      const first = yield* Effect.provideService(send, Connector, failing)
      assert.strictEqual(first.status, 69)
      assert.include(first.output, "3 messages: 3 accepted.\n")
      assert.include(first.errors, "mail.test:587: cannot connect: nothing listens there")
      assert.isBelow(dials, 30)
      assert.deepStrictEqual(yield* outcomes, ["accepted", "accepted", "accepted"])
      assert.strictEqual((yield* send).status, 0)
      assert.deepStrictEqual(yield* outcomes, all.map(() => "accepted"))
      assert.deepStrictEqual(yield* received, all)
    }).pipe(Effect.provide(Layer.merge(CaptureServer.layerMemory(), Files))))

  it.effect.each([
    ["a batch without results", ["--batch", "b.ndjson"], "--batch needs --results"],
    [
      "results without a batch",
      ["--results", "r.ndjson", "--from", "a@b.test", "--to", "b@b.test", "--text", "Hi"],
      "go with --batch"
    ],
    [
      "a message and a batch",
      ["--batch", "b.ndjson", "--results", "r.ndjson", "--subject", "Hi"],
      "--subject can't be added"
    ]
  ] as ReadonlyArray<readonly [string, ReadonlyArray<string>, string]>)(
    "ends with 64 for %s",
    ([, args, problem]) =>
      Effect.gen(function*() {
        const ran = yield* colloquy(["send", ...server, ...args])
        assert.strictEqual(ran.status, 64)
        assert.include(ran.errors, problem)
      }).pipe(Effect.provide(Layer.merge(CaptureServer.layerMemory(), Files)))
  )

  it.effect("shows a bar on a terminal, which is gone in the end", () =>
    Effect.gen(function*() {
      const shown: Array<string> = []
      const { send } = yield* there(mail("bob@mail.test"))
      const Terminal = Stdio.layerTest({
        stderrIsTerminal: Effect.succeed(true),
        stderr: () => Sink.forEach((text) => Effect.sync(() => void shown.push(String(text))))
      })
      const ran = yield* Effect.provide(send(), Terminal)
      assert.strictEqual(ran.status, 0)
      assert.notInclude(ran.output + ran.errors, "\u001b")
      assert.isTrue(shown.every((text) => text.startsWith("\r\u001b[K")))
    }).pipe(Effect.provide(Layer.merge(CaptureServer.layerMemory(), Files))))

  it.effect("says in its help that a batch is trusted", () =>
    Effect.gen(function*() {
      const ran = yield* colloquy(["send", "--help"])
      assert.include(ran.output, "It is trusted")
      assert.include(ran.output, "--resend-unknown")
    }).pipe(Effect.provide(Layer.merge(CaptureServer.layerMemory(), Files))))
})
