import { Command, LogText, Reply, SmtpError, SmtpLog } from "@colloquy/core"
import { accepted, type Facts, verdicts } from "@colloquy/core/internal/delivery"
import * as Pipeline from "@colloquy/core/internal/pipeline"
import * as Recorder from "@colloquy/core/internal/recorder"
import * as Transaction from "@colloquy/core/internal/transaction"
import * as Window from "@colloquy/core/internal/window"
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Schema } from "effect"

const encoder = new TextEncoder()
const octetsOf = (text: string) => encoder.encode(text)
const text = (octets: ReadonlyArray<Uint8Array>) => octets.map((piece) => new TextDecoder().decode(piece)).join("")

type Body = Transaction.Transaction<string>

const setUp = Effect.gen(function*() {
  const recorder = yield* Recorder.make({ redaction: undefined, server: undefined })
  const cuts: Array<Pipeline.Cut> = []
  const pipeline = Pipeline.make<Body>({
    recorder,
    onOutput: () => {},
    onProgress: () => {},
    onCut: (cut) => cuts.push(cut),
    onReply: () => {}
  })
  return { recorder, pipeline, cuts }
})

const cuts = Arbitrary.array(Arbitrary.schema(Schema.Natural))
const cut = (whole: Uint8Array, cuts: ReadonlyArray<number>): ReadonlyArray<Uint8Array> => {
  const at = [0, ...cuts.map((cut) => cut % (whole.length + 1)), whole.length].toSorted((a, b) => a - b)
  return at.slice(1).map((end, index) => whole.slice(at[index], end))
}

const said = Effect.map(
  Effect.flatMap(SmtpLog.LogMemory, (memory) => memory.events),
  (events) => LogText.format(events, { columns: "statement" })
)
const closed: Pipeline.Cut = {
  reason: new SmtpError.ConnectionLost({ kind: "Closed" }),
  phase: "mail",
  kind: "broken",
  by: "server"
}

describe("the pipeline", () => {
  it.effect.prop(
    "gives each exchange its reply, in order, however the octets are cut",
    [Arbitrary.array(Arbitrary.schema(Schema.Literals(["250 Ok", "250-a\n250-b\n250 c", "550 No", "354"]))), cuts],
    ([replies, cuts]) =>
      Effect.gen(function*() {
        const { pipeline } = yield* setUp
        const got: Array<string> = []
        for (const [index] of replies.entries()) {
          pipeline.expect({
            phase: () => "mail",
            onReply: (reply) => {
              got.push(`${index}: ${reply.code} ${reply.lines.join("|")}`.trimEnd())
              return true
            },
            onCut: () => got.push("cut")
          })
        }
        const octets = octetsOf(replies.map((reply) => `${reply.replaceAll("\n", "\r\n")}\r\n`).join(""))
        for (const chunk of cut(octets, cuts)) pipeline.feed(chunk)
        assert.deepStrictEqual(
          got,
          replies.map((reply, index) =>
            `${index}: ${reply.slice(0, 3)} ${reply.split("\n").map((line) => line.slice(4)).join("|")}`.trimEnd()
          )
        )
        assert.strictEqual(
          yield* said,
          replies.flatMap((reply) => reply.split("\n")).map((line) => `S < "${line}"`).join("\n")
        )
        assert.strictEqual(pipeline.waiting(), 0)
        assert.isUndefined(pipeline.isCut())
      }).pipe(Effect.provide(SmtpLog.layerMemory, { local: true }))
  )

  it.effect("records a group of commands when it is taken to be written, in its order, and writes it as one", () =>
    Effect.gen(function*() {
      const { pipeline } = yield* setUp
      for (const command of [Command.mail("ann@mail.test"), Command.rcpt("bob@mail.test"), Command.data]) {
        pipeline.line(Pipeline.fixedLine(command))
      }
      assert.strictEqual(yield* said, "")
      const output = pipeline.take()
      assert.strictEqual(
        output?._tag === "Octets" ? text(output.octets) : "",
        "MAIL FROM:<ann@mail.test>\r\nRCPT TO:<bob@mail.test>\r\nDATA\r\n"
      )
      assert.strictEqual(
        yield* said,
        ["C > \"MAIL FROM:<ann@mail.test>\"", "C > \"RCPT TO:<bob@mail.test>\"", "C > \"DATA\""].join("\n")
      )
      assert.isUndefined(pipeline.take())
    }).pipe(Effect.provide(SmtpLog.layerMemory)))

  it.effect("is cut once, tells all who wait, head first, and takes nothing more", () =>
    Effect.gen(function*() {
      const { cuts, pipeline } = yield* setUp
      const told: Array<string> = []
      const waits = (name: string): Pipeline.Exchange => ({
        phase: () => "mail",
        onReply: () => true,
        onCut: ({ reason }) => told.push(`${name}: ${reason._tag}`)
      })
      pipeline.expect(waits("first"))
      pipeline.expect(waits("second"))
      pipeline.line(Pipeline.fixedLine(Command.noop()))
      pipeline.cut(closed)
      pipeline.cut({ ...closed, reason: new SmtpError.ServerRefused({ reply: Reply.make(550, "No") }) })
      pipeline.expect(waits("late"))
      pipeline.line(Pipeline.fixedLine(Command.noop()))
      pipeline.feed(octetsOf("250 Ok\r\n"))
      assert.deepStrictEqual(told, ["first: ConnectionLost", "second: ConnectionLost", "late: ConnectionLost"])
      assert.deepStrictEqual(cuts, [closed])
      assert.isUndefined(pipeline.take())
      assert.strictEqual(yield* said, "")
    }).pipe(Effect.provide(SmtpLog.layerMemory)))

  it.effect("is cut by a reply that nothing waits for, and by an unasked 421, which is its own kind", () =>
    Effect.gen(function*() {
      for (
        const [reply, kind, by, tag] of [
          ["250 What\r\n", "broken", "client", "ProtocolViolation"],
          ["421 Bye\r\n", "closing", "server", "ServerRefused"]
        ] as const
      ) {
        const { cuts, pipeline } = yield* setUp
        pipeline.feed(octetsOf(reply))
        assert.deepStrictEqual(cuts.map((cut) => [cut.kind, cut.by, cut.reason._tag]), [[kind, by, tag]])
      }
    }).pipe(Effect.provide(SmtpLog.layerMemory)))
})

describe("the window", () => {
  it("is one until the server has accepted a transaction, halves with each refusal, and is one again after three", () => {
    const window = Window.make(128)
    assert.strictEqual(window.size(), 1)
    window.onAccepted()
    assert.strictEqual(window.size(), 128)
    window.onRefused()
    assert.strictEqual(window.size(), 64)
    window.onAccepted()
    assert.strictEqual(window.size(), 65)
    window.onRefused()
    window.onRefused()
    assert.strictEqual(window.size(), 16)
    window.onRefused()
    assert.strictEqual(window.size(), 1)
    window.onRefused()
    assert.strictEqual(window.size(), 1)
    window.onAccepted()
    assert.strictEqual(window.size(), 2)
  })
  it("of one stays one", () => {
    const window = Window.make(1)
    window.onAccepted()
    window.onAccepted()
    assert.strictEqual(window.size(), 1)
  })
})

/** A reply that is not the one that was due. */
const mistakes = Arbitrary.array(Arbitrary.schema(Schema.Struct({
  at: Schema.Natural,
  code: Schema.Literals([221, 250, 251, 334, 354, 421, 450, 452, 500, 502, 550, 552])
})))
const how = Arbitrary.schema(Schema.Struct({
  pipelining: Schema.Boolean,
  chunking: Schema.Boolean,
  lmtp: Schema.Boolean,
  safe: Schema.Boolean,
  requireAll: Schema.Boolean,
  crossed: Schema.Boolean,
  inMemory: Schema.Boolean,
  recipients: Schema.Literals([1, 2, 3])
}))

/** A transaction against a server that answers anything, in any order, and then hangs up. */
const fuzz = (
  ways: typeof how extends Arbitrary.Arbitrary<infer A> ? A : never,
  wrong: typeof mistakes extends Arbitrary.Arbitrary<infer A> ? A : never
) =>
  Effect.gen(function*() {
    const { cuts, pipeline } = yield* setUp
    const settled: Array<Facts> = []
    let contentWritten = 0
    let dots = 0
    const content = "Hi\r\n"
    const ready: Transaction.Ready = {
      octets: [octetsOf(content)],
      size: content.length,
      record: () => contentWritten++
    }
    const crossed = ways.crossed && ways.pipelining && ways.chunking && !ways.lmtp && !ways.requireAll
    const recipients = Array.from({ length: ways.recipients }, (_, at) => `r${at}@mail.test`)
    const each = recipients.map(() => 250)
    const replies = [
      250,
      ...each,
      ...(ways.chunking ? ways.inMemory || crossed ? [] : [250] : [354]),
      ...(ways.lmtp ? each : [250])
    ]
    for (const { at, code } of wrong) replies[at % replies.length] = code
    const transaction = Transaction.make<string>({
      pipeline,
      ways,
      now: () => 0,
      note: () => {},
      onSettled: ({ facts }) => settled.push(facts),
      onDistrust: () => {},
      ready: () => ways.inMemory || crossed ? ready : undefined
    }, {
      sender: "ann@mail.test",
      recipients,
      mail: Pipeline.fixedLine(Command.mail("ann@mail.test")),
      rcpts: recipients.map((recipient) => Pipeline.fixedLine(Command.rcpt(recipient))),
      content,
      requireAll: ways.requireAll
    })
    const write = () => {
      for (let next = pipeline.take(); next !== undefined; next = pipeline.take()) {
        assert.strictEqual(cuts.length, 0, "nothing is written after a cut")
        if (next._tag === "Body") {
          contentWritten++
          if (ways.chunking) {
            next.body.chunkWritten(false)
            next.body.chunkWritten(true)
          } else next.body.endWritten()
        } else if (text(next.octets).endsWith(".\r\n") && !text(next.octets).includes("MAIL")) dots++
      }
    }
    transaction.start(crossed ? ready : undefined)
    write()
    // the server hangs up somewhere
    for (const code of replies.slice(0, wrong.length === 1 ? wrong[0]?.at : undefined)) {
      if (settled.length > 0 || cuts.length > 0) break
      pipeline.feed(octetsOf(`${code} x\r\n`))
      write()
    }
    pipeline.cut(closed)
    write()
    assert.strictEqual(settled.length, 1, "it is settled once")
    const [facts] = settled
    if (facts === undefined) return
    const some = facts.rcpt.some(accepted)
    if (dots > 0) assert.isFalse(some && !accepted(facts.mail) || contentWritten > 0, "a lone dot is for nobody")
    if (dots > 0) assert.isFalse(some, "a lone dot would deliver an empty message")
    assert.isAtMost(contentWritten + dots, 1)
    if (contentWritten > 0 && !crossed) assert.isTrue(some && accepted(facts.mail), "content is for somebody")
    if (contentWritten > 0 && ways.requireAll) assert.isTrue(facts.rcpt.every(accepted))
    assert.strictEqual(facts.endWritten, contentWritten + dots > 0)
    const all = verdicts(facts)
    all.forEach((verdict, index) => {
      const rcpt = facts.rcpt[index]
      if (verdict._tag === "Accepted") {
        assert.isTrue(accepted(rcpt) && accepted(facts.mail) && facts.finals.some(accepted))
      }
      // who may have the message is never said not to have it
      if (
        facts.endWritten && accepted(rcpt) && accepted(facts.mail) && facts.finals.every(accepted) && !facts.closing
      ) {
        assert.include(["Accepted", "Unknown"], verdict._tag)
      }
      if (!facts.endWritten) assert.include(["Refused", "NotSent"], verdict._tag)
    })
    const failure = transaction.failure()
    if (!all.some(({ _tag }) => _tag === "Accepted") && cuts[0] === closed) assert.isDefined(failure)
  }).pipe(Effect.provide(SmtpLog.layerNone, { local: true }))

describe("a transaction", () => {
  it.effect.prop(
    "survives whatever a server answers, and never says that somebody has not what they may have",
    [how, mistakes],
    ([ways, wrong]) => fuzz(ways, wrong),
    { arbitrary: { runs: 2_000, size: 5 } }
  )
})
