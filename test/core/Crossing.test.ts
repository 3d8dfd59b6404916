/**
 * Transactions of one session on their way together, every mix of them accepted and refused: who has which message, under
 * which sender, and that no neighbour of a refused one is touched.
 */
import { type SmtpError, SmtpLog, Transporter } from "@colloquy/core"
import { FullWindow } from "@colloquy/core/internal/window"
import { TestPlatform } from "@colloquy/core/testing"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Result } from "effect"
import { mail, toEnd } from "./dialogue.ts"
import * as Model from "./modelServer.ts"

/** What becomes of a message: its sender says it to the server. */
const fates = ["taken", "sender", "recipients", "some", "content"] as const
type Fate = typeof fates[number] | "data"

const policy = ({ address, verb }: Model.Command): string | undefined => {
  switch (verb) {
    case "MAIL":
      return address.startsWith("sender") ? "550 5.7.1 Not from you" : undefined
    case "RCPT":
      return address.startsWith("no") ? "450 4.2.1 Not now" : undefined
    case "DATA":
      return address.startsWith("data") ? "451 4.3.0 No" : undefined
    case "content":
      return address.startsWith("content") ? "554 5.6.0 Not this" : undefined
    default:
      return undefined
  }
}

const yes = "yes@model.test"
const no = "no@model.test"
const to = (fate: Fate): readonly [string, string] =>
  fate === "recipients" ? [no, `no.${no}`] : fate === "some" ? [no, yes] : [yes, `yes.${yes}`]

/** Verdicts, reason, and who has it. */
const expected = (fate: Fate): readonly [ReadonlyArray<string>, string, ReadonlyArray<string>] => {
  switch (fate) {
    case "taken":
      return [["Accepted", "Accepted"], "", to(fate)]
    case "some":
      return [["Refused", "Accepted"], "", [yes]]
    case "sender":
      return [["Refused", "Refused"], "SenderRefused", []]
    case "recipients":
      return [["Refused", "Refused"], "RecipientsRefused", []]
    case "content":
      return [["Refused", "Refused"], "ContentRefused", []]
    case "data":
      return [["NotSent", "NotSent"], "ContentRefused", []]
  }
}

const outcome = (
  result: Result.Result<{ readonly recipients: SmtpError.SmtpError["recipients"] }, SmtpError.SmtpError>
): readonly [ReadonlyArray<string>, string] =>
  Result.isSuccess(result)
    ? [result.success.recipients.map(({ _tag }) => _tag), ""]
    : [result.failure.recipients.map(({ _tag }) => _tag), result.failure.reason._tag]

const told = (fate: Fate): ReturnType<typeof outcome> => {
  const [verdicts, reason] = expected(fate)
  return [verdicts, reason]
}

/** The first is taken, which opens the window; then all the others at once. */
const sendMix = Effect.fnUntraced(function*(
  mix: ReadonlyArray<Fate>,
  window: number,
  character: Partial<Model.Character>
) {
  const server = Model.make({ ...Model.kind, ...character, policy })
  const about = `${mix.join(", ")} (${window}, ${JSON.stringify(character)})`
  const results = yield* toEnd(
    Effect.scoped(Effect.gen(function*() {
      const transporter = yield* Transporter.make({
        host: "model.test",
        port: 2525,
        tls: "none",
        name: "client.test",
        maxSessions: 1
      })
      const send = Effect.fnUntraced(function*(fate: Fate, at: number) {
        const from = `${fate}-${at}@client.test`
        const composed = yield* mail(`Subject: ${from}\r\n\r\nHi ${at}\r\n`)
        return yield* Effect.result(transporter.send({ ...composed, envelope: { from, to: to(fate) } }))
      })
      yield* send("taken", 0)
      return yield* Effect.forEach(mix, (fate, at) => send(fate, at + 1), { concurrency: "unbounded" })
    })),
    5_000
  ).pipe(
    Effect.provide(
      Layer.mergeAll(server.layer, SmtpLog.layerMemory, TestPlatform.layer, Layer.succeed(FullWindow, window)),
      { local: true }
    )
  )
  const all: ReadonlyArray<Fate> = ["taken", ...mix]
  assert.deepStrictEqual(results.map(outcome), mix.map(told), about)
  assert.deepStrictEqual(
    server.truth.map(({ id, recipient, sender }) => ({ id, recipient, sender })),
    all.flatMap((fate, at) => {
      const from = `${fate}-${at}@client.test`
      return expected(fate)[2].map((recipient) => ({ id: from, recipient, sender: from }))
    }),
    about
  )
  assert.deepStrictEqual(server.faults, [], about)
  assert.strictEqual(server.open(), 0, about)
})

const mixesOf = (length: number, of: ReadonlyArray<Fate>): ReadonlyArray<ReadonlyArray<Fate>> =>
  length === 0 ? [[]] : mixesOf(length - 1, of).flatMap((mix) => of.map((fate) => [...mix, fate]))

/** Every mix of as many as fit up to three, and some of twice the window. */
const mixes = (window: number, of: ReadonlyArray<Fate>) => {
  const roll = Model.dice(window)
  const long = Array.from(
    { length: 12 },
    () => Array.from({ length: window * 2 }, (): Fate => of[Math.floor(roll() * of.length)] ?? "taken")
  )
  return [...mixesOf(Math.min(window, 3), of), ...long]
}

describe("a window of transactions", () => {
  const ways: ReadonlyArray<readonly [string, ReadonlyArray<string>, ReadonlyArray<Fate>]> = [
    ["BDAT, crossed", ["PIPELINING", "CHUNKING"], fates],
    ["DATA in groups", ["PIPELINING"], [...fates, "data"]],
    ["one command at a time", [], [...fates, "data"]]
  ]
  for (const window of [1, 2, 3, 4, 5, 6, 7, 8]) {
    for (const [way, extensions, of] of ways) {
      if (extensions.length === 0 && window > 1) continue
      for (const keepsRefused of [false, true]) {
        const name = keepsRefused ? "keeps a refused one open" : "forgets a refused one"
        it.effect(
          `of ${window}, ${way}, to a server that ${name}: each is taken under its own sender, or refused, once`,
          () =>
            Effect.forEach(
              mixes(window, of),
              (mix, at) => sendMix(mix, window, { extensions, keepsRefused, arrival: at % 2 === 0 ? "line" : "byte" }),
              { discard: true }
            )
        )
      }
    }
  }
})

describe("a server that refuses BDAT without reading it", () => {
  for (const arrival of ["line", "byte"] as const) {
    it.effect(`takes no second message out of the content of the first, and is sent DATA from then on (${arrival})`, () =>
      Effect.gen(function*() {
        const server = Model.make({ ...Model.kind, bdat: "unread", arrival })
        const commands = "RSET\r\nMAIL FROM:<eve@evil.test>\r\nRCPT TO:<bob@mail.test>\r\nBDAT 4 LAST\r\nHi\r\n"
        const [first, second] = yield* toEnd(
          Effect.scoped(Effect.gen(function*() {
            const transporter = yield* Transporter.make({
              host: "model.test",
              port: 2525,
              tls: "none",
              name: "client.test"
            })
            const message = yield* mail(`Subject: x\r\n\r\n${commands.repeat(20)}`)
            return [
              yield* Effect.flip(transporter.send(message)),
              yield* transporter.send(message)
            ] as const
          })),
          5_000
        ).pipe(
          Effect.provide(Layer.mergeAll(server.layer, SmtpLog.layerMemory, TestPlatform.layer), { local: true })
        )
        assert.deepStrictEqual(
          [first.reason._tag, first.delivery, first.reply?.code],
          ["ContentRefused", "NotAccepted", 500]
        )
        assert.deepStrictEqual(second.recipients.map(({ _tag }) => _tag), ["Accepted"])
        assert.deepStrictEqual(server.truth, [{
          id: "x",
          sender: "ann@mail.test",
          recipient: "bob@mail.test",
          content: `Subject: x\r\n\r\n${commands.repeat(20)}`
        }])
        assert.strictEqual(server.open(), 0)
      }))
  }
})

describe("a server that counts (RFC 9422)", () => {
  it.effect("is given no more domains a session than it announces, and every recipient", () =>
    Effect.gen(function*() {
      const server = Model.make({ ...Model.kind, limits: { rcptDomainMax: 2, mailMax: 3 }, announcesLimits: true })
      const recipients = ["a@one.test", "b@two.test", "c@three.test", "d@ONE.test", "e@four.test"] as const
      const receipts = yield* toEnd(
        Effect.scoped(Effect.gen(function*() {
          const transporter = yield* Transporter.make({
            host: "model.test",
            port: 2525,
            tls: "none",
            name: "client.test",
            maxSessions: 1
          })
          return yield* Effect.forEach([1, 2, 3], (at) =>
            Effect.flatMap(
              mail(`Subject: ${at}\r\n\r\nHi\r\n`, ...recipients),
              transporter.send
            ), { concurrency: "unbounded" })
        })),
        5_000
      ).pipe(
        Effect.provide(Layer.mergeAll(server.layer, SmtpLog.layerMemory, TestPlatform.layer), { local: true })
      )
      assert.deepStrictEqual(server.faults, [])
      for (const [at, receipt] of receipts.entries()) {
        assert.deepStrictEqual(receipt.recipients.map(({ _tag }) => _tag), recipients.map(() => "Accepted"))
        assert.deepStrictEqual(
          server.truth.filter(({ id }) => id === String(at + 1)).map(({ recipient }) => recipient).toSorted(),
          recipients.toSorted()
        )
      }
    }))
})
