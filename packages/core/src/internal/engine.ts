/**
 * Drives a session's pipeline over its connection: a reader fiber (pull → feed), a writer fiber (take → write, or run a
 * content stream), and a watchdog fiber that looks at when the head last moved. None of them is made for a message.
 *
 * Invariants: the reader never waits for the writer, so two full buffers cannot lock; whoever waits is resumed after a
 * read was fed whole, never inside; a cut closes the connection, records `Closed`, flushes the log, and only then
 * are those told whose failure it was. Closing the scope at any point leaves no fiber and no socket.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import * as Scope from "effect/Scope"
import * as Command from "../Command.ts"
import type { Connection } from "../Connection.ts"
import type { Phase } from "../LogEvent.ts"
import type { RecipientVerdict } from "../Receipt.ts"
import type { Reply } from "../Reply.ts"
import {
  ConnectionLost,
  ContentSourceFailed,
  ProtocolViolation,
  type SmtpError,
  type SmtpErrorReason,
  TimedOut
} from "../SmtpError.ts"
import type { TlsInfo, TlsOptions } from "../Tls.ts"
import { type Content, ready, runContent } from "./content.ts"
import * as Delivery from "./delivery.ts"
import * as Pipeline from "./pipeline.ts"
import type { Recorder } from "./recorder.ts"
import * as Transaction from "./transaction.ts"
import type { Failure } from "./transaction.ts"
import * as Window from "./window.ts"

export type Limits = { readonly [P in Phase]: number }

/** Defaults of RFC 5321 §4.5.3.2 made shorter where nothing is lost by it, in milliseconds. */
export const defaultLimits: Limits = {
  connect: 30_000,
  tls: 60_000,
  greeting: 60_000,
  ehlo: 60_000,
  starttls: 60_000,
  auth: 60_000,
  mail: 60_000,
  rcpt: 120_000,
  data: 120_000,
  content: 180_000,
  verdict: 600_000,
  rset: 60_000,
  quit: 5_000
}

/** How long an interrupted send, or a closing transporter, waits for a verdict that is on its way. */
export const verdictGrace = 5_000

export interface Answer {
  readonly reply: Reply
  /** The reply before the scrub: to be parsed, never to be shown. */
  readonly said: Reply
  /** The reply's lines, where the exchange holds them back from the log. */
  readonly lines: ReadonlyArray<string>
}

export interface CommandOptions {
  readonly holdsLines?: boolean | undefined
  readonly seals?: boolean | undefined
}

export interface Engine {
  readonly connection: Connection
  readonly recorder: Recorder
  readonly limits: Limits
  /** A reply that comes without a command: the greeting. */
  readonly greeting: Effect.Effect<Answer, Failure>
  readonly command: (line: Pipeline.Line, phase: Phase, options?: CommandOptions) => Effect.Effect<Answer, Failure>
  /** After the 220 to a sealing command: TLS on the same connection. */
  readonly upgrade: (options: TlsOptions) => Effect.Effect<TlsInfo, Failure>
  /** Begins a transaction. `onSettled` is called once, after the read that settled it. */
  readonly submit: (
    job: Transaction.Job<Content>,
    ways: Transaction.Ways,
    onSettled: (settled: Settled) => void
  ) => Transaction.Transaction<Content>
  /** How long a reply's lines may be from now on. */
  readonly limitReplies: Pipeline.Pipeline<unknown>["limitReplies"]
  /** Another transaction may begin now. */
  readonly room: (ways: Transaction.Ways) => boolean
  /** Transactions that are not settled. */
  readonly inFlight: () => number
  /** No reply is outstanding, RSET's neither. */
  readonly isQuiet: () => boolean
  /** Nobody waits for this transaction any more: an interrupted send. */
  readonly cancel: (transaction: Transaction.Transaction<Content>) => "ended" | "awaiting verdict"
  /** Ends the session at once, by our own wish. */
  readonly abort: () => void
  /** When the session last said or heard something, in milliseconds on the monotonic clock. */
  readonly quietSince: () => number
  /** Where the session stands. */
  readonly phase: () => Phase
  readonly isCut: () => Pipeline.Cut | undefined
  /** QUIT, its reply or 5 s, close. Never fails. */
  readonly quit: Effect.Effect<void>
  /** Resumes when the connection is closed and the log flushed. */
  readonly closed: Effect.Effect<void>
  /** After what ended the session was closed, the error. */
  readonly fail: (failure: Failure) => Effect.Effect<never, SmtpError>
  /** Called for each cut, once. */
  onClosing: (() => void) | undefined
  onDistrust: ((why: string) => void) | undefined
  /** Called after each read: how many replies whose code begins with this digit. */
  onReplies: ((digit: number, count: number) => void) | undefined
  /** Called after each read and each write: there may be room now. */
  onRoom: (() => void) | undefined
}

/** What a transaction came to. `error` where nobody has the message for sure, or somebody may. */
export interface Settled {
  readonly transaction: Transaction.Transaction<Content>
  readonly verdicts: ReadonlyArray<RecipientVerdict>
  readonly error: SmtpError | undefined
  /** What the session died of, where it did. */
  readonly defect: Pipeline.Defect | undefined
}

const quitLine = Pipeline.fixedLine(Command.quit)
const outOfStep: Failure = {
  reason: new ProtocolViolation({ problem: "the replies do not say what became of the message" }),
  phase: "verdict"
}

const aborted = () => new ConnectionLost({ kind: "Closed" })

/** `scope` is the session's: the connection lives in `inner`, a child of it that a cut closes. */
export const make = Effect.fnUntraced(function*(options: {
  readonly connection: Connection
  readonly inner: Scope.Closeable
  readonly scope: Scope.Scope
  readonly recorder: Recorder
  readonly limits: Limits
  readonly connectedAt: number
  /** Transactions in flight at most. */
  readonly window: number
}) {
  const { connection, inner, limits, recorder, scope } = options
  const output = yield* Latch.make()
  const activity = yield* Latch.make()
  const progress = yield* Latch.make()
  const gate = yield* Latch.make(true)
  const closing = yield* Latch.make()
  const closedLatch = yield* Latch.make()
  let after: Array<() => void> = []
  let movedAt = recorder.elapsedNow()
  let watchedUntil = Number.POSITIVE_INFINITY
  let sealed = false
  /** QUIT was answered: who then closes first is chance, and the log says the same. */
  let saidGoodbye = false

  const moved = () => {
    movedAt = recorder.tick()
  }

  const window = Window.make(options.window)
  let last: Transaction.Transaction<Content> | undefined
  let inFlight = 0
  let octetsInFlight = 0
  /** A transaction was refused that the server may keep open, and no RSET was said. */
  let dirty = false

  const replies = [0, 0, 0, 0, 0, 0]
  const tellReplies = () => {
    for (let digit = 2; digit <= 5; digit++) {
      const count = replies[digit] ?? 0
      if (count === 0) continue
      replies[digit] = 0
      self.onReplies?.(digit, count)
    }
  }

  /** Fills the room that a read made, then resumes those whose replies came; never inside `feed`. */
  const drain = () => {
    self.onRoom?.()
    while (after.length > 0) {
      const due = after
      after = []
      for (const resume of due) resume()
    }
  }

  const due = (): { readonly at: number; readonly limit: number; readonly scope: "phase" | "send" } | undefined => {
    const head = pipeline.head()
    if (head === undefined) return undefined
    const phase = head.phase()
    const limit = limits[phase]
    const own = { at: movedAt + limit, limit, scope: "phase" as const }
    const bounded = phase === "rset" || phase === "mail" || phase === "rcpt" || phase === "data"
      ? head.deadline
      : undefined
    return bounded !== undefined && bounded.at < own.at ? { ...bounded, scope: "send" } : own
  }

  /**
   * One flush rule: whoever queues asks for one microtask, and the writer takes all that has been queued by then. (Opening
   * the latch at once would run the writer there and then, with the first line of a group.)
   */
  let waking = false
  const wake = () => {
    waking = false
    output.openUnsafe()
  }

  const pipeline: Pipeline.Pipeline<Transaction.Transaction<Content>> = Pipeline.make({
    recorder,
    onOutput: () => {
      if (waking) return
      waking = true
      queueMicrotask(wake)
    },
    onProgress: () => {
      movedAt = recorder.ticked()
      progress.openUnsafe()
      if ((due()?.at ?? Number.POSITIVE_INFINITY) < watchedUntil) activity.openUnsafe()
    },
    onCut: () => {
      self.onClosing?.()
      closing.openUnsafe()
    },
    onReply: ({ code }) => {
      const digit = Math.floor(code / 100)
      replies[digit] = (replies[digit] ?? 0) + 1
    }
  })

  const cutNow = (cut: Pipeline.Cut) => {
    pipeline.cut({ ...cut, reason: recorder.scrubReason(cut.reason) })
    drain()
  }

  /** A fiber of the session that dies takes the session with it: nobody waits for what cannot come. */
  const dying = Effect.catchDefect((defect: unknown) =>
    Effect.sync(() => {
      const phase = pipeline.stage()
      cutNow({
        reason: phase === "content"
          ? new ContentSourceFailed({ problem: "it died", cause: defect })
          : new ConnectionLost({ kind: "Closed", cause: defect }),
        phase,
        kind: "broken",
        by: "client",
        defect: { defect }
      })
    })
  )

  const reader = Effect.gen(function*() {
    while (true) {
      if (sealed) yield* gate.await
      const chunks = yield* connection.pull
      recorder.tick()
      for (const chunk of chunks) {
        if (sealed) pipeline.injected()
        else pipeline.feed(chunk)
      }
      tellReplies()
      drain()
      if (recorder.blocked()) yield* recorder.flush
    }
  }).pipe(
    Effect.catch((lost) =>
      Effect.sync(() =>
        cutNow({
          reason: lost,
          phase: pipeline.stage(),
          kind: "broken",
          by: lost.kind === "Reset" ? "network" : "server"
        })
      )
    ),
    dying
  )

  const write = (octets: ReadonlyArray<Uint8Array>): Effect.Effect<void, ConnectionLost> => {
    const [first, ...rest] = octets
    if (first === undefined) return Effect.void
    return connection.writeAll([first, ...rest])
  }

  const waitUntil = (condition: () => boolean): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (condition()) return Effect.void
      progress.closeUnsafe()
      return Effect.andThen(progress.await, waitUntil(condition))
    })

  const writer = Effect.gen(function*() {
    while (true) {
      recorder.tick()
      const next = pipeline.take()
      if (next === undefined) {
        output.closeUnsafe()
        yield* output.await
        continue
      }
      if (next._tag === "Octets") yield* write(next.octets)
      else yield* runContent(next.body, { recorder, write, moved, waitUntil })
      moved()
      drain()
      if (recorder.blocked()) yield* recorder.flush
    }
  }).pipe(
    // A connection that takes no more octets may still hold a reply that says why: the reader finds its end.
    Effect.catch(() => Effect.void),
    dying
  )

  /**
   * Sleeps at most as long as the shortest limit, so that whoever comes to the head in the meantime is seen in time, and no
   * message wakes it; only a send's own deadline can be nearer, and an idle session's watchdog is woken by its next command.
   */
  const nap = Math.min(...Object.values(limits))
  const watchdog = Effect.gen(function*() {
    let idleSince: number | undefined
    while (true) {
      const next = due()
      const now = recorder.elapsedNow()
      if (next === undefined) {
        idleSince ??= now
        if (now - idleSince >= nap) {
          watchedUntil = Number.POSITIVE_INFINITY
          activity.closeUnsafe()
          yield* activity.await
          idleSince = undefined
          continue
        }
      } else idleSince = undefined
      if (next !== undefined && next.at <= now) {
        const phase = pipeline.stage()
        recorder.record({ _tag: "TimedOut", phase, limit: next.limit })
        cutNow({ reason: new TimedOut({ limit: next.limit, scope: next.scope }), phase, kind: "broken", by: "client" })
        return
      }
      watchedUntil = Math.min(next?.at ?? now + nap, now + nap)
      activity.closeUnsafe()
      yield* Effect.raceFirst(Effect.sleep(Math.ceil(watchedUntil - now)), activity.await)
    }
  })

  let shutting = false
  const shutdown = Effect.suspend(() => {
    if (shutting) return closedLatch.await
    shutting = true
    return Scope.close(inner, Exit.void).pipe(
      Effect.andThen(Effect.sync(() => {
        recorder.record({
          _tag: "Closed",
          by: saidGoodbye ? "client" : pipeline.isCut()?.by ?? "client",
          elapsed: recorder.elapsedNow() - options.connectedAt
        })
        // the fiber that cut the session may have been ended before it came to this
        drain()
      })),
      Effect.andThen(recorder.flush),
      Effect.andThen(closedLatch.open),
      Effect.asVoid
    )
  }).pipe(Effect.uninterruptible)

  const close = Effect.suspend(() => {
    self.abort()
    return closedLatch.await
  })

  const await_ = (
    phase: Phase,
    settings: CommandOptions | undefined,
    resume: (answer: Effect.Effect<Answer, Failure>) => void
  ) => {
    /** The session's end is on record already. */
    const late = pipeline.isCut() !== undefined
    pipeline.expect({
      phase: () => phase,
      holdsLines: settings?.holdsLines ?? false,
      seals: settings?.seals ?? false,
      onReply: (reply, lines, said) => {
        if (settings?.seals === true && reply.code === 220) {
          sealed = true
          gate.closeUnsafe()
        }
        if (phase === "quit") saidGoodbye = true
        after.push(() => resume(Effect.succeed({ reply, lines, said })))
        return true
      },
      onCut: (cut) => {
        const error = phase === "quit" || (cut.kind === "aborted" && !late)
          ? undefined
          : recorder.error(cut.reason, cut.phase, [], { record: !late })
        after.push(() => resume(Effect.fail({ reason: cut.reason, phase: cut.phase, error, defect: cut.defect })))
      }
    })
  }

  const command: Engine["command"] = (line, phase, settings) =>
    Effect.callback<Answer, Failure>((resume) => {
      recorder.tick()
      await_(phase, settings, resume)
      pipeline.line(line)
      drain()
      return close
    })

  // The greeting comes unasked: it is expected before the reader begins.
  recorder.tick()
  const greeted = Deferred.makeUnsafe<Answer, Failure>()
  await_("greeting", undefined, (answer) => Deferred.doneUnsafe(greeted, answer))

  const self: Engine = {
    connection,
    recorder,
    limits,
    greeting: Effect.onInterrupt(Deferred.await(greeted), () => close),
    command,
    upgrade: (tls) =>
      Effect.suspend((): ReturnType<Connection["upgrade"]> | Effect.Effect<never, SmtpErrorReason> => {
        const cut = pipeline.isCut()
        // plain text came behind the 220: no handshake
        return cut === undefined ? connection.upgrade(tls) : Effect.fail(cut.reason)
      }).pipe(
        Effect.timeoutOrElse({
          duration: limits.tls,
          orElse: () =>
            Effect.suspend(() => {
              recorder.record({ _tag: "TimedOut", phase: "tls", limit: limits.tls })
              return Effect.fail(new TimedOut({ limit: limits.tls, scope: "phase" }))
            })
        }),
        Effect.tap(() =>
          Effect.sync(() => {
            sealed = false
            gate.openUnsafe()
          })
        ),
        Effect.catch((why): Effect.Effect<never, Failure> => {
          const reason = recorder.scrubReason(why)
          const phase = pipeline.isCut()?.phase ?? "tls"
          const error = recorder.error(reason, phase)
          cutNow({ reason, phase, kind: "broken", by: "client" })
          return Effect.fail({ reason, phase, error })
        }),
        Effect.onInterrupt(() => close)
      ),
    limitReplies: pipeline.limitReplies,
    room: (ways) => {
      if (last === undefined || inFlight === 0) return ways.pipelining || pipeline.waiting() === 0
      return ways.pipelining && last.isEmitted() && inFlight < window.size() && octetsInFlight < Window.windowOctets
    },
    inFlight: () => inFlight,
    isQuiet: () => pipeline.waiting() === 0,
    submit: (job, ways, onSettled) => {
      recorder.tick()
      /** Of its octets, what was added to those in flight: content that is run piece by piece blocks the writer anyway. */
      let counted = 0
      const transaction = Transaction.make({
        pipeline,
        ways,
        now: recorder.ticked,
        note: (text) => recorder.record({ _tag: "Note", text }),
        ready: (job, mode) => ready(job.content, mode, recorder),
        onSettled: (transaction) => {
          inFlight--
          octetsInFlight -= counted
          const verdicts = Delivery.verdicts(transaction.facts)
          const failure = Delivery.delivery(verdicts) === undefined ? undefined : transaction.failure() ?? outOfStep
          const error = failure === undefined
            ? undefined
            : recorder.error(failure.reason, failure.phase, verdicts, {
              // an interrupted transaction that nobody can have is no failure
              record: pipeline.isCut()?.kind !== "aborted" || transaction.facts.endWritten
            })
          if (pipeline.isCut() === undefined) {
            if (error === undefined && verdicts.every((verdict) => verdict._tag === "Accepted")) window.onAccepted()
            else window.onRefused()
            if (error !== undefined && transaction.leavesOpen()) dirty = true
          }
          const defect = pipeline.isCut()?.defect
          after.push(() => onSettled({ transaction, verdicts, error, defect }))
        },
        onDistrust: (why) => self.onDistrust?.(why)
      }, job)
      const crossing = ways.chunking && ways.pipelining && !ways.safe && !ways.lmtp && !job.requireAll &&
        job.given === undefined && window.size() > 1
      const mayStayOpen = last !== undefined && !last.isSettled() && (last.leavesOpen() || last.outstanding() > 0)
      const afterReset = job.given === undefined && (dirty || mayStayOpen)
      dirty = false
      last = transaction
      inFlight++
      transaction.start(crossing ? ready(job.content, "bdat", recorder) : undefined, afterReset)
      if (!transaction.isSettled()) {
        counted = transaction.octets
        octetsInFlight += counted
      }
      if (pipeline.isCut() !== undefined) drain()
      return transaction
    },
    cancel: (transaction) => {
      const outcome = transaction.cancel()
      drain()
      return outcome
    },
    abort: () => cutNow({ reason: aborted(), phase: pipeline.stage(), kind: "aborted", by: "client" }),
    quietSince: () => movedAt,
    phase: () => pipeline.stage(),
    isCut: pipeline.isCut,
    quit: Effect.suspend(() =>
      pipeline.isCut() === undefined
        ? command(quitLine, "quit").pipe(Effect.ignore, Effect.andThen(close))
        : closedLatch.await
    ),
    closed: closedLatch.await,
    fail: (failure) =>
      Effect.suspend(() => {
        const error = failure.error ?? recorder.error(failure.reason, failure.phase)
        const closed = pipeline.isCut() === undefined ? Effect.void : closedLatch.await
        const end = failure.defect === undefined ? Effect.fail(error) : Effect.die(failure.defect.defect)
        return closed.pipe(Effect.andThen(recorder.flush), Effect.andThen(end))
      }),
    onClosing: undefined,
    onDistrust: undefined,
    onReplies: undefined,
    onRoom: undefined
  }

  yield* Scope.addFinalizer(
    scope,
    Effect.suspend(() => {
      self.abort()
      return shutdown
    })
  )
  yield* Effect.forkIn(Effect.andThen(closing.await, shutdown), scope)
  for (const fiber of [reader, writer, watchdog]) yield* Effect.forkIn(fiber, inner)
  return self
})
