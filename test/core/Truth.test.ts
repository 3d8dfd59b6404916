import {
  type Envelope,
  LogText,
  type Message,
  MessageError,
  type SmtpError,
  SmtpLog,
  Transporter
} from "@colloquy/core"
import * as Known from "@colloquy/core/internal/knownContent"
import { FullWindow } from "@colloquy/core/internal/window"
import { TestPlatform } from "@colloquy/core/testing"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Layer, Result, Stream } from "effect"
import { TestClock } from "effect/testing"
import { turnOfLoop } from "./dialogue.ts"
import * as Model from "./modelServer.ts"

interface Options extends Omit<Model.Character, "extensions" | "limits" | "policy"> {
  /** With both extensions transactions cross. */
  readonly extensions: "CROSSING" | "PIPELINING" | "CHUNKING" | "NONE"
  readonly requireAll: boolean
  readonly maxSessions: number
  readonly window: number
  readonly limits: number
  /** Contents that come piece by piece, and some that fail. */
  readonly streams: boolean
  readonly failingSources: boolean
  /** Some of the senders give up, after so many turns. */
  readonly impatience: number
  /** The transporter is closed after so many turns. */
  readonly closesAfter: number
  readonly sendAll: boolean
}

/** Everything about a run: the same for the same seed. */
const optionsOf = (seed: number): Options => {
  const roll = Model.dice(seed)
  const one = <const A>(...values: ReadonlyArray<A>): A => {
    const value = values[Math.floor(roll() * values.length)]
    return value === undefined ? assert.fail("nothing to choose from") : value
  }
  return {
    seed,
    extensions: one("CROSSING", "CROSSING", "CROSSING", "PIPELINING", "CHUNKING", "NONE"),
    lmtp: one(false, false, false, true),
    keepsRefused: one(false, true),
    requireAll: one(false, false, false, true),
    maxSessions: one(1, 2, 3),
    window: one(1, 2, 3, 5, 8, 128),
    trouble: one(0, 3, 8, 15, 30),
    hangsUp: one(false, true),
    fallsSilent: one(false, false, true),
    takesDataForNobody: one(false, true),
    bdat: one("known", "known", "known", "known", "unread"),
    limits: one(0, 0, 1, 2, 3, 4, 5),
    announcesLimits: one(false, true),
    capacity: one(600, 5_000, 1_000_000),
    arrival: one("random", "random", "line", "byte"),
    streams: one(false, true),
    failingSources: one(false, false, true),
    impatience: one(0, 0, 7, 40, 120),
    closesAfter: one(0, 0, 0, 0, 20, 90),
    sendAll: one(false, false, true)
  }
}

const limits: ReadonlyArray<Model.Limits> = [
  {},
  { rcptMax: 1 },
  { rcptMax: 2, mailMax: 3 },
  { mailMax: 2 },
  { rcptDomainMax: 1 },
  { rcptDomainMax: 2, rcptMax: 2, mailMax: 5 }
]

/** Lives as long as nothing lies; then as many messages as this. */
const messages = 12

interface Planned {
  readonly id: string
  readonly from: string
  readonly to: Envelope.Envelope["to"]
  readonly recipients: ReadonlyArray<string>
  /** As it travels. */
  readonly content: string
  readonly message: Message.Composed
  /** Turns before it is sent. */
  readonly after: number
  /** Turns after which its sender gives up. */
  readonly patience: number | undefined
  readonly fails: boolean
}

const latin1 = (text: string) => Uint8Array.from(Buffer.from(text, "latin1"))

/** Lines that would be commands if they were taken for some, and dots. */
const trap = [
  "RSET",
  "MAIL FROM:<eve@evil.test>",
  "RCPT TO:<a@one.test>",
  "BDAT 4 LAST",
  "Hi",
  ".",
  "..two",
  "MAIL FROM:<eve@evil.test>",
  "QUIT"
].join("\r\n")

const plan = (options: Options): ReadonlyArray<Planned> => {
  const roll = Model.dice(options.seed ^ 0x5eed)
  const below = (limit: number) => Math.floor(roll() * limit)
  return Array.from({ length: messages }, (_, at): Planned => {
    const id = `m${at}`
    const recipients = ["a@one.test", "b@two.test", "c@one.test", "d@three.test", "e@two.test"].slice(0, 1 + below(5))
    const size = below(12) === 0 ? 60_000 + below(90_000) : below(3) === 0 ? 0 : below(1_500)
    const filler = "x".repeat(70)
    const content = `Subject: ${id}\r\n\r\n${below(3) === 0 ? `${trap}\r\n` : ""}${
      `${filler}\r\n`.repeat(Math.floor(size / 72))
    }end of ${id}\r\n`
    const octets = latin1(content)
    const [first = "", ...rest] = recipients
    const to: Envelope.Envelope["to"] = [first, ...rest]
    const fails = options.failingSources && below(5) === 0
    const streamed = fails || (options.streams && below(2) === 0)
    const cuts = [0, octets.length, ...Array.from({ length: below(4) }, () => below(octets.length))]
      .toSorted((a, b) => a - b)
    const pieces = cuts.slice(1).map((end, index) => octets.subarray(cuts[index], end))
    const slow = below(2) === 0
    const source = Stream.fromIterable(fails ? pieces.slice(0, below(pieces.length)) : pieces).pipe(
      Stream.tap(() => slow ? Effect.yieldNow : Effect.void)
    )
    // in memory, as Message.raw and the composer have it
    if (!streamed) Known.remember(source, { chunks: pieces, clean: false })
    return {
      id,
      from: `${id}@client.test`,
      to,
      recipients,
      content,
      message: {
        envelope: { from: `${id}@client.test`, to },
        size: below(2) === 0 ? undefined : octets.length,
        content: fails
          ? Stream.concat(source, Stream.fail(new MessageError.MessageError({ field: "raw", problem: "it broke" })))
          : source
      },
      after: below(3) === 0 ? below(80) : 0,
      patience: options.impatience > 0 && below(3) === 0 ? below(options.impatience) : undefined,
      fails
    }
  })
}

const turns = (count: number) => Effect.forEach(Array.from({ length: count }), () => Effect.yieldNow, { discard: true })

/** Until it ends: lets the clock run where nothing happens any more, at most two hours. */
const untilDone = Effect.fnUntraced(function*<A, E, R>(effect: Effect.Effect<A, E, R>, activity: () => number) {
  const fiber = yield* Effect.forkChild(effect, { startImmediately: true })
  let seen = -1
  let quiet = 0
  let waited = 0
  for (let turn = 0; fiber.pollUnsafe() === undefined; turn++) {
    if (turn > 20_000) return undefined
    yield* turnOfLoop
    quiet = activity() === seen ? quiet + 1 : 0
    seen = activity()
    if (quiet < 150) continue
    quiet = 0
    if (waited > 7_200) return undefined
    const seconds = waited < 5 ? 1 : waited < 60 ? 15 : 150
    waited += seconds
    yield* TestClock.adjust(`${seconds} seconds`)
  }
  return yield* Fiber.join(fiber)
})

type Told = Exit.Exit<Result.Result<{ readonly recipients: ReadonlyArray<Verdict> }, SmtpError.SmtpError>>
type Verdict = SmtpError.SmtpError["recipients"][number]

const sending = Effect.fnUntraced(function*(options: Options, planned: ReadonlyArray<Planned>) {
  const told = new Map<string, Told>()
  const settings: Transporter.Options = {
    host: "model.test",
    port: 2525,
    tls: "none",
    name: "client.test",
    lmtp: options.lmtp,
    allRecipients: options.requireAll ? "required" : "best-effort",
    maxSessions: options.maxSessions
  }
  yield* Effect.scoped(Effect.gen(function*() {
    const inside = yield* Effect.forkChild(
      Effect.gen(function*() {
        const transporter = yield* Transporter.make(settings)
        if (options.sendAll) {
          yield* transporter.sendAll(
            Stream.tap(Stream.fromIterable(planned.map(({ message }) => message)), (message) => {
              const after = planned.find((one) => one.message === message)?.after ?? 0
              return after === 0 ? Effect.void : turns(after)
            })
          ).pipe(
            Stream.runForEach(({ index, result }) =>
              Effect.sync(() => told.set(planned[index]?.id ?? "?", Exit.succeed(result)))
            )
          )
          return
        }
        // the transporter must outlive those that are to be answered by its end
        yield* Effect.forEach(planned, (one) =>
          Effect.gen(function*() {
            yield* turns(one.after)
            const fiber = yield* Effect.forkChild(Effect.result(transporter.send(one.message)))
            if (one.patience !== undefined) {
              yield* turns(one.patience)
              yield* Fiber.interrupt(fiber)
            }
            told.set(one.id, yield* Fiber.await(fiber))
          }), { concurrency: "unbounded", discard: true })
      }).pipe(Effect.scoped)
    )
    if (options.closesAfter > 0) {
      yield* turns(options.closesAfter)
      yield* Fiber.interrupt(inside)
    } else yield* Fiber.join(inside)
  }))
  return told
})

/** What each recipient was told, and what the server knows. */
const run = (options: Options) =>
  Effect.gen(function*() {
    const server = Model.make({
      ...options,
      extensions: options.extensions === "CROSSING"
        ? ["PIPELINING", "CHUNKING"]
        : options.extensions === "NONE"
        ? []
        : [options.extensions],
      limits: limits[options.limits] ?? {}
    })
    const planned = plan(options)
    const layer = Layer.mergeAll(
      server.layer,
      SmtpLog.layerMemory,
      TestPlatform.layer,
      Layer.succeed(FullWindow, options.window)
    )
    yield* Effect.gen(function*() {
      const told = yield* untilDone(sending(options, planned), server.activity)
      const memory = yield* SmtpLog.LogMemory
      const events = yield* memory.events
      const shown = () => `${JSON.stringify(options)}\n${LogText.format(events, { columns: "statement" })}`
      if (told === undefined) return assert.fail(`no end within two hours:\n${shown()}`)
      const check = (condition: boolean, about: string) => condition || assert.fail(`${about}\n${shown()}`)
      check(server.open() === 0, "a connection is left")
      assert.deepStrictEqual(server.faults, [], shown())
      for (const { content, id, recipient, sender } of server.truth) {
        const one = planned.find((one) => one.id === id)
        check(one !== undefined, `message ${id} is nobody's`)
        check(sender === one?.from, `${id} came under ${sender}`)
        check(one?.recipients.includes(recipient) === true, `${id} came to ${recipient}`)
        check(content === one?.content && !one.fails, `${id} is not whole: ${content.length}`)
      }
      const easy = options.trouble === 0 && options.impatience === 0 && options.bdat === "known" &&
        options.closesAfter === 0
      for (const one of planned) {
        const exit = told.get(one.id)
        const stopped = options.closesAfter > 0 || one.patience !== undefined
        if (exit === undefined) {
          check(stopped, `${one.id} was not answered`)
        }
        const gaveUp = exit === undefined || (Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
        check(!gaveUp || stopped, `${one.id} was interrupted by nobody`)
        if (exit !== undefined && Exit.isFailure(exit)) check(gaveUp, `${one.id} died: ${Cause.pretty(exit.cause)}`)
        const result = exit !== undefined && Exit.isSuccess(exit) ? exit.value : undefined
        const error = result !== undefined && Result.isFailure(result) ? result.failure : undefined
        const verdicts = result === undefined
          ? []
          : Result.isSuccess(result)
          ? result.success.recipients
          : result.failure.recipients
        if (result !== undefined && verdicts.length > 0) {
          check(
            verdicts.map(({ recipient }) => recipient).toSorted().join() === one.recipients.toSorted().join(),
            `${one.id} has verdicts for ${verdicts.map(({ recipient }) => recipient).join(", ")} only`
          )
        }
        for (const recipient of one.recipients) {
          const verdict = verdicts.find((verdict) => verdict.recipient === recipient)?._tag ??
            (gaveUp ? "nobody's business" : "NotSent")
          const times = server.truth.filter((delivery) => delivery.id === one.id && delivery.recipient === recipient)
            .length
          const about = `${one.id} to ${recipient} is ${verdict}, the server has it ${times} times (${error?.message})`
          check(times <= 1, about)
          if (verdict === "Accepted") check(times === 1, about)
          if (verdict === "NotSent" || verdict === "Refused") check(times === 0, about)
          if (easy && !one.fails && options.limits === 0) check(verdict === "Accepted", about)
          if (one.fails) check(times === 0, about)
        }
      }
    }).pipe(Effect.provide(layer, { local: true }))
  })

/** `TRUTH_SEED` and `TRUTH_RUNS`: other runs, or more of them. */
const first = Number(process.env["TRUTH_SEED"] ?? 1)
const runs = Number(process.env["TRUTH_RUNS"] ?? 600)

describe("what a sender is told", () => {
  it.effect(
    "is the truth: who has the message has it once, whole, under its own sender, and who is told not to have it has it not",
    () => Effect.forEach(Array.from({ length: runs }, (_, at) => optionsOf(first + at)), run, { discard: true }),
    60_000 + runs * 200
  )
})
