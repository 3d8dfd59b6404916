/**
 * `colloquy send --batch`: many messages through one server, a line of results for each, and going on after an
 * interruption.
 *
 * Invariant: nothing is sent twice unless it was asked for. A message is `begun` in the results before anything of it is
 * sent (the hook is its rendering, which happens when a session takes it); what has a result is passed over by the next
 * run; what was begun and has no outcome counts as unknown. Whatever ends a run, a server that can't be reached, a full disk
 * or Ctrl-C: no further message is begun, and the verdicts on what is on its way are waited for, for a while.
 *
 * Memory is bounded: so many lines at a time, so many octets of them at a time, five octets for each result. The batch is
 * trusted: it names files to read and says who is the sender.
 */
import { Connector } from "@colloquy/core/Connector"
import type * as Message from "@colloquy/core/Message"
import { MessageError } from "@colloquy/core/MessageError"
import type * as SmtpError from "@colloquy/core/SmtpError"
import * as SmtpLog from "@colloquy/core/SmtpLog"
import * as Transporter from "@colloquy/core/Transporter"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FileSystem from "effect/FileSystem"
import * as Latch from "effect/Latch"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import * as Lines from "./batch/lines.ts"
import * as BatchMessage from "./batch/message.ts"
import * as Outcome from "./batch/outcome.ts"
import * as Progress from "./batch/progress.ts"
import * as Results from "./batch/results.ts"
import * as ExitStatus from "./exit.ts"
import { inputFailed, sizeOf } from "./internal/files.ts"
import * as Printable from "./internal/printable.ts"
import * as LogOptions from "./logOptions.ts"
import * as MessageOptions from "./messageOptions.ts"
import * as Report from "./report.ts"
import * as ServerOptions from "./serverOptions.ts"

export const about = `
  A batch (--batch FILE, - is standard input) is a Message in JSON a line, or { "from", "to", "raw": FILE }, the path
  relative to the batch. It is trusted: it names the files that are read and sent, so it must not come from strangers.
  --results FILE says in a line of JSON what became of each message. Run again with the same files, the command goes on:
  what has a result is not sent again; what may have been delivered (unknown) only with --resend-unknown; what failed with
  --retry-failed. maxSessions and other options of the transporter are parameters of the server's URL.`

export const flags = {
  batch: Flag.String("batch").pipe(
    Flag.withMetavar("FILE|-"),
    Flag.withDescription("Many messages: see above"),
    Flag.optional
  ),
  results: Flag.String("results").pipe(
    Flag.withMetavar("FILE"),
    Flag.withDescription("What became of each message of the batch; a run that was interrupted goes on from it"),
    Flag.optional
  ),
  retryFailed: Flag.Boolean("retry-failed").pipe(
    Flag.withDescription("Sends again what was refused, not accepted or invalid, and nobody has"),
    Flag.withDefault(false)
  ),
  resendUnknown: Flag.Boolean("resend-unknown").pipe(
    Flag.withDescription("Sends again what may have been delivered: it may arrive twice, with the same Message-ID"),
    Flag.withDefault(false)
  )
}

export interface Input extends ServerOptions.Input, MessageOptions.Input {
  readonly results: Option.Option<string>
  readonly retryFailed: boolean
  readonly resendUnknown: boolean
  readonly log: Option.Option<string>
  readonly logContent: "summary" | "headers" | "full"
  readonly json: boolean
}

/** Flags of a batch without one. */
export const refuseAlone = ({ resendUnknown, results, retryFailed }: Input) =>
  Option.isSome(results) || retryFailed || resendUnknown
    ? Effect.fail(new Report.Usage({ problem: "--results, --retry-failed and --resend-unknown go with --batch" }))
    : Effect.void

const checked = Effect.fnUntraced(function*(input: Input) {
  const others = MessageOptions.ofOneMessage(input)
  if (others.length > 0) {
    return yield* new Report.Usage({
      problem: `with --batch each line is a message of its own: ${others.join(", ")} can't be added to it`
    })
  }
  if (Option.isNone(input.results)) {
    return yield* new Report.Usage({ problem: "--batch needs --results FILE: without it nobody knows what was sent" })
  }
  return input.results.value
})

/** A longer line is told as invalid: large messages go as raw files. */
const longestLine = 64 * 1024 * 1024
/** Octets of lines in flight; a longer line goes by itself. */
const octetsInFlight = 16 * 1024 * 1024
/** So many messages in a row for which no session came about: the server is down. */
const patience = 10
/** How long the verdicts on what is on its way are waited for. */
const lastWait = "10 seconds"

const hasParameter = (server: Redacted.Redacted, name: string) =>
  URL.parse(Redacted.value(server))?.searchParams.has(name) ?? false

const replies = ["greeting", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "rset"] as const

/** Sessions stay open, and a message waits for one as long as it takes: `--timeout` is about the server's answers. */
const optionsOf = Effect.fnUntraced(function*(input: Input): Effect.fn.Return<
  Transporter.Options,
  Effect.Error<ReturnType<typeof ServerOptions.resolve>>,
  Effect.Services<ReturnType<typeof ServerOptions.resolve>>
> {
  const { keepAlive: _, sendTimeOut, ...options } = yield* ServerOptions.resolve(input)
  return {
    ...options,
    ...(sendTimeOut === undefined
      ? {}
      : { timeLimits: Object.fromEntries(replies.map((phase) => [phase, sendTimeOut])) }),
    ...(hasParameter(input.server, "sendTimeOut") ? {} : { sendTimeOut: "1 day" })
  }
})

const transporterOf = Effect.fnUntraced(function*(input: Input) {
  const log = yield* SmtpLog.make(LogOptions.sinks(input.log, input.logContent))
  return yield* Transporter.make(yield* optionsOf(input)).pipe(
    Effect.provideService(SmtpLog.SmtpLog, log),
    Effect.provideService(Connector, yield* ServerOptions.connector(input))
  )
})

const isBlank = (octets: Uint8Array) => octets.every((octet) => octet === 0x20 || octet === 0x09)

/** A message on its way through the run. */
interface Entry extends Pick<Results.Record, "index" | "line" | "digest"> {
  readonly octets: number
  messageId: string | undefined
  isBegun: boolean
}

const invalid = (failure: MessageError | Report.InputFailed | Report.Usage) => ({
  outcome: "invalid" as const,
  error: {
    reason: failure._tag === "Usage" ? "MessageError" : failure._tag,
    message: failure._tag === "InputFailed"
      ? `'${failure.path}' can't be read: ${failure.problem}`
      : failure._tag === "Usage"
      ? "to: names nobody"
      : failure.message,
    retryable: false
  }
})

/** What the run has come to, for whoever tells it. */
interface Facts {
  readonly tally: Outcome.Tally
  /** Messages whose result is from an earlier run. */
  earlier: number
  /** With an outcome, of this run. */
  done: number
  failed: number
  /** Octets of the batch that are done with. */
  passed: number
}

const makeFacts = (): Facts => ({ tally: Outcome.makeTally(), earlier: 0, done: 0, failed: 0, passed: 0 })

interface Run {
  readonly input: Input
  readonly path: string
  readonly facts: Facts
  readonly results: Results.Results
  readonly transporter: Transporter.Transporter
  readonly progress: Effect.Success<ReturnType<typeof Progress.make>>
  readonly signers: BatchMessage.Circumstances["signers"]
  readonly size: number | undefined
}

type Stop = Report.Failure

const work = Effect.fnUntraced(function*({ facts, input, path, progress, results, signers, size, transporter }: Run) {
  const fs = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const stdio = yield* Stdio.Stdio
  const folder = path === "-" ? paths.resolve(".") : paths.dirname(paths.resolve(path))
  const entries = new WeakMap<object, Entry>()
  const stop = yield* Deferred.make<never, Stop>()
  const drained = yield* Latch.make(true)
  const room = yield* Latch.make()
  let stopping = false
  let onTheWire = 0
  let inFlight = 0
  let next = 0
  let hasReached = false
  let held: Array<{ readonly entry: Entry; readonly told: ReturnType<typeof Outcome.told> }> = []

  const count = (told: Pick<Results.Record, "outcome" | "error">) => {
    Outcome.add(facts.tally, told.outcome, Outcome.isRetryable(told))
    facts.done++
    if (told.outcome !== "accepted") facts.failed++
  }
  const show = progress.show(() => ({
    share: size === undefined || size === 0 ? undefined : facts.passed / size,
    done: facts.done,
    failed: facts.failed
  }))
  const recordOf = (
    { digest, index, line, messageId }: Entry,
    { outcome, ...told }: Omit<Results.Record, "index" | "line" | "digest">
  ): Results.Record => ({
    index,
    line,
    digest,
    outcome,
    ...(messageId === undefined ? {} : { messageId }),
    ...told
  })

  /** Whether it goes out again. A failure, which nobody has, may have been mended in the batch. */
  const again = ({ outcome }: Results.Known) =>
    outcome === "begun" || outcome === "unknown"
      ? input.resendUnknown
      : (outcome === "refused" || outcome === "not accepted" || outcome === "invalid") && input.retryFailed
  const mayDiffer = ({ outcome }: Results.Known) =>
    input.retryFailed && (outcome === "refused" || outcome === "not accepted" || outcome === "invalid")

  const admit = Effect.fnUntraced(function*(octets: number) {
    const isFull = () => inFlight > 0 && inFlight + octets > octetsInFlight
    while (isFull()) {
      room.closeUnsafe()
      yield* room.await
    }
    inFlight += octets
  })
  const release = ({ octets }: Entry) => {
    inFlight -= octets
    facts.passed += octets
    room.openUnsafe()
  }

  const messageOf = Effect.fnUntraced(function*(line: Lines.Line) {
    if (line.octets !== undefined && isBlank(line.octets)) return undefined
    const index = next++
    const octets = (line.octets?.length ?? 0) + 1
    const digest = line.octets === undefined ? "00000000" : Results.digestOf(line.octets)
    const known = results.known(index)
    if (known !== undefined && known.digest !== digest && !mayDiffer(known)) {
      return yield* new Report.Usage({
        problem: `line ${line.number} of the batch is not what it was when its result was written: name another file ` +
          `with --results for another batch (lines that failed and were mended go out with --retry-failed)`
      })
    }
    if (known !== undefined && !again(known)) {
      Outcome.add(facts.tally, known.outcome, known.isRetryable)
      facts.earlier++
      facts.passed += octets
      yield* show
      return undefined
    }
    const entry: Entry = { index, line: line.number, digest, octets, messageId: undefined, isBegun: false }
    yield* admit(octets)
    const made = line.octets === undefined
      ? Result.fail(new MessageError({ field: "message", problem: `has a line of more than ${longestLine} octets` }))
      : yield* Effect.result(BatchMessage.make(line.octets, { folder, signers, messageId: known?.messageId }))
    if (Result.isSuccess(made)) {
      entries.set(made.success, entry)
      return made.success
    }
    const told = invalid(made.failure)
    release(entry)
    count(told)
    yield* results.write([recordOf(entry, told)])
    yield* show
    return undefined
  })

  const file = path === "-" ? stdio.stdin : fs.stream(path)
  const source = file.pipe(
    Stream.mapError(inputFailed(path)),
    Lines.split(longestLine),
    Stream.mapEffect(messageOf),
    Stream.filter((message) => message !== undefined)
  )

  const parts = Transporter.toParts(transporter)
  const halted = new MessageError({ field: "batch", problem: "the run ended before this message" })
  /** Rendering is where a message meets its session: the last moment before it is sent. */
  const begin = (entry: Entry) =>
    Effect.suspend(() => {
      if (entry.isBegun) return Effect.void
      if (stopping) return Effect.fail(halted)
      entry.isBegun = true
      onTheWire++
      drained.closeUnsafe()
      return Effect.catch(results.write([recordOf(entry, { outcome: "begun" })]), (error) => {
        entry.isBegun = false
        settled()
        return Effect.andThen(Deferred.fail(stop, error), Effect.fail(halted))
      })
    })
  const settled = () => {
    onTheWire--
    if (onTheWire === 0) drained.openUnsafe()
  }
  const prepare = Effect.fnUntraced(function*(message: Message.Draft | Message.Composed) {
    const prepared = yield* parts.prepare(message)
    const entry = entries.get(message)
    if (entry === undefined) return prepared
    const render = "render" in prepared ? prepared.render : () => Effect.succeed(prepared)
    entry.messageId = prepared.messageId
    return {
      messageId: prepared.messageId ?? "",
      render: (offers: Message.Offers) => Effect.andThen(begin(entry), render(offers))
    }
  })

  const settle = Effect.fnUntraced(function*(sents: ReadonlyArray<Transporter.Sent<Message.Draft | Message.Composed>>) {
    const records: Array<Results.Record> = []
    const record = (entry: Entry, told: ReturnType<typeof Outcome.told>) => {
      count(told)
      records.push(recordOf(entry, told))
    }
    let down: SmtpError.SmtpError | undefined
    const toSettle: Array<Entry> = []
    for (const { message, result } of sents) {
      const entry = entries.get(message)
      if (entry === undefined) continue
      release(entry)
      if (entry.isBegun) toSettle.push(entry)
      else if (stopping) continue
      const told = Outcome.told(result)
      const failure = Result.isFailure(result) ? result.failure : undefined
      if (failure !== undefined && Outcome.isOfServer(failure)) {
        if (entry.isBegun) record(entry, told)
        else held.push({ entry, told })
        if (!hasReached || held.length >= patience) down = failure
      } else {
        record(entry, told)
        if (told.outcome === "invalid") continue
        hasReached = true
        for (const each of held) record(each.entry, each.told)
        held = []
      }
    }
    yield* results.write(records)
    toSettle.forEach(settled)
    yield* show
    if (down !== undefined) yield* Deferred.fail(stop, down)
  })

  const consume = Transporter.fromParts({ ...parts, prepare }).sendAll(source).pipe(
    Stream.runForEachArray(settle),
    Effect.andThen(Effect.suspend(() => {
      for (const { told } of held) count(told)
      return results.write(held.map(({ entry, told }) => recordOf(entry, told)))
    }))
  )

  return yield* Effect.uninterruptibleMask((restore) =>
    Effect.gen(function*() {
      const sending = yield* Effect.forkChild(restore(consume))
      const ended = yield* Effect.exit(
        restore(Effect.raceFirst(Fiber.join(sending), Deferred.await(stop)))
      )
      stopping = true
      if (Exit.isFailure(ended)) {
        const settledOrOver = Effect.raceFirst(drained.await, Fiber.await(sending))
        yield* Effect.timeoutOption(Effect.interruptible(settledOrOver), lastWait)
        yield* Fiber.interrupt(sending)
      }
      return ended
    })
  )
})

const summary = ({ earlier, tally: { counts } }: Facts, results: string): string => {
  const words: ReadonlyArray<readonly [number, string]> = [
    [counts.accepted, "accepted"],
    [counts.partial, "accepted for some of their recipients"],
    [counts.refused, "refused"],
    [counts["not accepted"], "not accepted"],
    [counts.unknown, "unknown"],
    [counts.invalid, "invalid"]
  ]
  const all = words.reduce((sum, [number]) => sum + number, 0)
  const told = words.filter(([number]) => number > 0).map(([number, word]) => `${Progress.grouped(number)} ${word}`)
  return [
    `${Progress.grouped(all)} message${all === 1 ? "" : "s"}${told.length === 0 ? "" : `: ${told.join(", ")}`}` +
    (earlier === 0 ? "." : `; ${Progress.grouped(earlier)} of these results are from before.`),
    ...(counts.unknown === 0 ? [] : ["Unknown ones may have been delivered: only --resend-unknown sends them again."]),
    ...(counts.refused + counts["not accepted"] + counts.invalid === 0
      ? []
      : ["Nobody has what was refused, not accepted or invalid: --retry-failed sends it again."]),
    `What became of each is in ${Printable.line(results)}.`
  ].join("\n")
}

const tell = Effect.fnUntraced(function*(facts: Facts, results: string, input: Input, failure: Stop | undefined) {
  const { counts, temporary } = facts.tally
  const own = Outcome.statusOf(facts.tally)
  const status = failure === undefined || own === ExitStatus.status.unknown ? own : Report.statusOf(failure)
  if (input.json) {
    const { begun: _, ...outcomes } = counts
    yield* Console.log(Printable.json({
      ...(failure === undefined ? {} : Report.facts(failure)),
      status,
      outcomes,
      temporary,
      earlier: facts.earlier,
      results
    }))
  } else {
    yield* Console.log(summary(facts, results))
    if (failure !== undefined) {
      yield* Console.error(Report.text(failure, { conversationShown: LogOptions.isTerminal(input.log), status }))
    } else if (status !== ExitStatus.status.accepted) yield* Console.error(Report.statusText(status))
  }
  if (status !== ExitStatus.status.accepted) return yield* new ExitStatus.Exit({ status })
})

const interrupted = (facts: Facts, results: string) =>
  Console.error(
    `colloquy: interrupted. ${summary(facts, results)}\nThe same command goes on from there.`
  )

/** Sends the batch, and tells what it came to. */
export const run = Effect.fnUntraced(function*(input: Input, path: string) {
  const target = yield* checked(input)
  const size = path === "-" ? undefined : yield* sizeOf(path)
  const signers = yield* MessageOptions.signers(input)
  const facts = makeFacts()
  const progress = yield* Progress.make(!input.json && !LogOptions.isTerminal(input.log))
  const ended = yield* Effect.scoped(Effect.gen(function*() {
    const results = yield* Results.open(target)
    const transporter = yield* transporterOf(input)
    return yield* work({ input, path, facts, results, transporter, progress, signers, size })
  })).pipe(
    Effect.ensuring(progress.clear),
    Effect.onInterrupt(() => interrupted(facts, target))
  )
  const failure = yield* failureOf(ended)
  yield* tell(facts, target, input, failure)
})

/** Interruption and faults of the program go their own way. */
const failureOf = (ended: Exit.Exit<void, Stop>): Effect.Effect<Stop | undefined> =>
  Effect.catch(Effect.as(ended, undefined), (failure) => Effect.succeed(failure))
