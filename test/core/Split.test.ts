import { Receipt, Reply, SmtpError } from "@colloquy/core"
import { merge } from "@colloquy/core/internal/split"
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Duration, Effect, Result, Schema } from "effect"

type Verdict = SmtpError.SmtpError["recipients"][number]

const ok = Reply.make(250, "2.0.0 Ok")
const tooMany = Reply.make(452, "4.5.3 Too many recipients")

const verdict = (recipient: string, tag: Verdict["_tag"]): Verdict =>
  tag === "Accepted"
    ? { _tag: tag, recipient, reply: ok }
    : tag === "Refused"
    ? { _tag: tag, recipient, reply: tooMany }
    : { _tag: tag, recipient }

const zero = Duration.zero
const receipt = (verdicts: ReadonlyArray<Verdict>) => {
  const [first = verdict("nobody", "NotSent"), ...rest] = verdicts
  return new Receipt.Receipt({
    session: 1,
    transaction: 1,
    server: { host: "mail.test", port: 25 },
    reply: ok,
    recipients: [first, ...rest],
    octets: 1,
    timings: { connect: zero, greeting: zero, queue: zero, envelope: zero, content: zero, verdict: zero, total: zero }
  })
}

/** As a transaction comes out: a receipt where somebody has it and nobody is in doubt. */
const outcome = (verdicts: ReadonlyArray<Verdict>) => {
  const some = verdicts.some(({ _tag }) => _tag === "Accepted")
  const doubt = verdicts.some(({ _tag }) => _tag === "Unknown")
  return some && !doubt ? Effect.succeed(receipt(verdicts)) : Effect.fail(
    new SmtpError.SmtpError({
      reason: new SmtpError.ConnectionLost({ kind: "Closed" }),
      phase: "verdict",
      delivery: doubt ? some ? "Partial" : "Unknown" : "NotAccepted",
      recipients: verdicts,
      conversation: []
    })
  )
}

const tags = Arbitrary.array(Arbitrary.schema(Schema.Literals(["Accepted", "Refused", "NotSent", "Unknown"])), {
  minLength: 1,
  maxLength: 4
})

const show = (result: Result.Result<Receipt.Receipt, SmtpError.SmtpError>) => {
  const { recipients } = Result.isSuccess(result) ? result.success : result.failure
  return recipients.map(({ _tag, recipient }) => `${recipient} ${_tag}`)
}

describe("a message in two transactions", () => {
  it.effect.prop(
    "has one outcome: each recipient's last verdict, and an error where anybody is in doubt or nobody has it",
    [tags, tags],
    ([first, second]) =>
      Effect.gen(function*() {
        const before = first.map((tag, at) => verdict(`first${at}`, tag))
        // whoever was over a limit is tried again
        const over = before.filter(({ _tag }) => _tag === "Refused").map(({ recipient }) => recipient)
        const names = [...over, ...second.slice(over.length).map((_, at) => `left${at}`)]
        if (names.length === 0) return
        const after = names.map((name, at) => verdict(name, second[at % second.length] ?? "NotSent"))
        const result = yield* Effect.result(merge(outcome(before), outcome(after), names))
        const latest = new Map([...before, ...after].map((one) => [one.recipient, one._tag]))
        assert.deepStrictEqual(show(result), Array.from(latest, ([name, tag]) => `${name} ${tag}`))
        const all = Array.from(latest.values())
        assert.strictEqual(
          Result.isSuccess(result) ? "receipt" : result.failure.delivery,
          all.includes("Unknown")
            ? all.includes("Accepted") ? "Partial" : "Unknown"
            : all.includes("Accepted")
            ? "receipt"
            : "NotAccepted"
        )
      })
  )

  it.effect("forgets nobody where the second one failed before there was a session", () =>
    Effect.gen(function*() {
      const closed = Effect.fail(
        new SmtpError.SmtpError({
          reason: new SmtpError.TransporterClosed({}),
          phase: "connect",
          delivery: "NotAccepted",
          recipients: [],
          conversation: []
        })
      )
      const first = outcome([verdict("a", "Accepted"), verdict("b", "Refused")])
      const result = yield* Effect.result(merge(first, closed, ["b", "c"]))
      assert.isTrue(Result.isSuccess(result))
      assert.deepStrictEqual(show(result), ["a Accepted", "b NotSent", "c NotSent"])
    }))

  it.effect("takes nothing back from a recipient who is named twice", () =>
    Effect.gen(function*() {
      const first = outcome([verdict("a", "Accepted")])
      const result = yield* Effect.result(merge(first, outcome([verdict("a", "Refused")]), ["a"]))
      assert.isTrue(Result.isSuccess(result))
      assert.deepStrictEqual(show(result), ["a Accepted", "a Refused"])
    }))
})
