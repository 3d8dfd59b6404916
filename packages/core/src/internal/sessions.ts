/**
 * The sessions of a transporter, and the sends that wait for them.
 *
 * Sends queue in one place and sessions pull from it; nobody leases a session. A session is opened when a send waits and
 * none is idle, up to `maxSessions`; it takes sends as long as its pipeline has room, stays open for `keepAlive`, is
 * checked by NOOP after a rest, and is never used again once it was cut. A send that waits leaves the queue when it is
 * interrupted, when its `sendTimeOut` passes, or when the session that was being opened for it fails.
 *
 * Invariants: every send is answered exactly once; a send whose end of data may have been written is never sent again
 * from here; a refused password is remembered, so that many sends do not become many logins.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Scope from "effect/Scope"
import * as Command from "../Command.ts"
import { HostName } from "../Connector.ts"
import type { Phase } from "../LogEvent.ts"
import type { Credentials } from "../Sasl.ts"
import { ContentSourceFailed, SmtpError, type SmtpErrorReason, TimedOut, TransporterClosed } from "../SmtpError.ts"
import type { Content } from "./content.ts"
import { accepted } from "./delivery.ts"
import { type Engine, type Settled, verdictGrace } from "./engine.ts"
import * as Handshake from "./handshake.ts"
import * as Login from "./login.ts"
import { fixedLine } from "./pipeline.ts"
import * as SettingsModule from "./settings.ts"
import type { Settings } from "./settings.ts"
import type { Failure, Job, Transaction, Ways } from "./transaction.ts"

/** How long an idle session stays open with `keepAlive`. */
export const idleTimeToLive = 30_000
/** After a rest of this long a session is asked (NOOP) before it is given a message. */
export const checkAfter = 1_000
/** How long that question may take. */
export const checkLimit = 10_000
/** How long a refused password is not tried again. */
export const refusalMemory = 300_000
/** Transactions in flight on one session. */
export const window = 1

/** A session that is ready for mail, as a send sees it. */
export interface Session extends Login.Ready {
  readonly server: { readonly host: string; readonly port: number }
  readonly engine: Engine
  readonly ways: Ways
  readonly connectTime: number
  /** Counts the session's transactions. */
  transactions: number
}

interface Running {
  readonly session: Session
  readonly transaction: Transaction<Content>
  readonly settled: Effect.Effect<void>
}

/** A message that waits for a session. */
export interface Send {
  readonly queuedAt: number
  readonly deadline: { readonly at: number; readonly limit: number }
  /** Makes the transaction for this session, or says why it cannot go. */
  readonly bind: (session: Session) => Effect.Effect<Job<Content>, Failure>
  /** The transaction is over. */
  readonly onSettled: (session: Session, settled: Settled, number: number) => void
  /** It never came to a transaction. */
  readonly onFailed: (error: Effect.Effect<never, SmtpError>) => void
  /** Taken from the queue this many times. */
  attempts: number
  running: Running | undefined
  done: boolean
}

export interface Sessions {
  readonly enqueue: (send: Send) => void
  /** The send's fiber was interrupted. Waits for a verdict that is on its way. */
  readonly cancel: (send: Send) => Effect.Effect<void>
  /** A session by itself, for `checkConnection`: ends with the scope. */
  readonly open: Effect.Effect<Session, SmtpError, Scope.Scope>
  readonly now: () => number
}

/** A session that is not ready yet. */
interface Opening {
  engine: Engine | undefined
  fiber: Fiber.Fiber<void> | undefined
}

export const make = Effect.fnUntraced(function*(settings: Settings) {
  const scope = yield* Effect.scope
  // Closed after the finalizer below, which is added later: sessions say QUIT before they are interrupted.
  const sessionScope = yield* Scope.fork(scope)
  const clock = yield* Clock.Clock
  const hostName = yield* HostName
  const services = yield* Effect.context<Handshake.Requirements>()
  const now = () => Number(clock.monotonicTimeNanosUnsafe() / 1_000n) / 1_000
  const idle = new Set<Latch.Latch>()
  const opening = new Set<Opening>()
  const emptied = yield* Latch.make(true)
  const timer = yield* Latch.make()
  let queue: Array<Send> = []
  let sessions = 0
  let closed = false
  let distrusted = false
  let refusal:
    | { readonly credentials: Credentials; readonly reason: SmtpErrorReason; readonly until: number }
    | undefined

  const fork = Effect.runForkWith(services)

  const early = (reason: SmtpErrorReason, phase: Phase = "connect"): Effect.Effect<never, SmtpError> =>
    Effect.fail(new SmtpError({ reason, phase, delivery: "NotAccepted", recipients: [], conversation: [] }))

  const openSession = Effect.fnUntraced(function*(state: Opening): Effect.fn.Return<
    Session,
    SmtpError,
    Handshake.Requirements | Scope.Scope
  > {
    const credentials = yield* Effect.catch(SettingsModule.credentials(settings), (reason) => early(reason, "auth"))
    if (refusal !== undefined && now() < refusal.until && Login.sameSecrets(refusal.credentials, credentials)) {
      return yield* early(refusal.reason, "auth")
    }
    const secrets = [credentials.password, credentials.token].filter((secret) => secret !== undefined)
    const { connectTime, engine } = yield* Handshake.open({
      target: settings.target,
      mode: settings.mode,
      limits: settings.limits,
      redaction: settings.redaction,
      secrets
    }).pipe(Effect.withSpan("Session.connect"))
    state.engine = engine
    const ready = yield* Login.login(engine, settings, credentials, hostName).pipe(
      Effect.catch((failure) => {
        const { reason } = failure
        if (reason._tag === "AuthenticationFailed" && reason.reply.code === 535) {
          refusal = { credentials, reason, until: now() + refusalMemory }
        }
        return endBy(engine, failure)
      })
    )
    engine.onDistrust = (why) => {
      distrusted = true
      engine.recorder.record({ _tag: "Note", text: `${why}: this server gets no BDAT from now on` })
    }
    const { extensions } = ready
    return {
      ...ready,
      engine,
      connectTime,
      server: settings.server,
      transactions: 0,
      ways: {
        pipelining: extensions.pipelining && settings.pipelining !== "off",
        chunking: extensions.chunking && settings.pipelining !== "off" && !distrusted,
        safe: settings.pipelining === "safe" || distrusted,
        lmtp: settings.lmtp
      }
    }
  })

  /** On record first, then QUIT (where the two ends are still in step), then the error. */
  const endBy = (engine: Engine, failure: Failure): Effect.Effect<never, SmtpError> =>
    Effect.suspend(() => {
      const error = failure.error ?? engine.recorder.error(failure.reason, failure.phase)
      const end = inStep(failure)
        ? engine.quit
        : Effect.andThen(Effect.sync(() => engine.abort()), engine.closed)
      return Effect.andThen(end, Effect.fail(error))
    })

  const shift = (): Send | undefined => queue.shift()

  /** The send that has waited longest is answered by the failure of a session that was opened for it. */
  const failOne = (error: Effect.Effect<never, SmtpError>) => {
    const send = shift()
    if (send !== undefined) answer(send, error)
  }

  const answer = (send: Send, error: Effect.Effect<never, SmtpError>) => {
    if (send.done) return
    send.done = true
    send.onFailed(error)
  }

  const run = Effect.fnUntraced(function*(session: Session, send: Send): Effect.fn.Return<void> {
    const { engine } = session
    send.attempts++
    const bound = yield* send.bind(session).pipe(
      Effect.catchDefect((defect: unknown) =>
        Effect.fail<Failure>({
          reason: new ContentSourceFailed({ problem: "it died", cause: defect }),
          phase: "mail",
          defect: { defect }
        })
      ),
      Effect.result
    )
    if (bound._tag === "Failure") {
      return answer(send, engine.fail(bound.failure))
    }
    if (send.done) return
    const number = ++session.transactions
    const settledLatch = yield* Latch.make()
    let over = false
    const transaction = engine.submit(bound.success, session.ways, (settled) => {
      over = true
      send.running = undefined
      settledLatch.openUnsafe()
      if (send.done) return
      if (mayRequeue(session, send, settled, number)) {
        engine.recorder.record({
          _tag: "Note",
          text: "the message goes to another session: nothing of it was taken here"
        })
        queue.unshift(send)
        return
      }
      send.done = true
      send.onSettled(session, settled, number)
    })
    if (!over) send.running = { session, transaction, settled: settledLatch.await }
    yield* settledLatch.await
  })

  /** A session that had gone stale: its connection broke before anything of this message was taken. */
  const mayRequeue = (session: Session, send: Send, settled: Settled, number: number): boolean => {
    const { facts } = settled.transaction
    if (settled.error === undefined || number === 1 || send.attempts > 1 || closed) return false
    if (settled.error.delivery !== "NotAccepted" || (facts.mail !== undefined && facts.mail.code !== 421)) return false
    const cut = session.engine.isCut()
    if (cut === undefined || cut.kind === "aborted" || cut.defect !== undefined) return false
    // a reply to RSET is the message's before this one
    const { phase, reason: { _tag: tag } } = settled.error
    return tag === "ConnectionLost" || tag === "ServerRefused" || (tag === "TimedOut" && phase === "rset")
  }

  const serve = Effect.fnUntraced(function*(session: Session): Effect.fn.Return<void> {
    const { engine } = session
    const wake = yield* Latch.make()
    engine.onClosing = () => wake.openUnsafe()
    let restedSince = now()
    /** It rested, or was given a message. */
    let used = false
    while (engine.isCut() === undefined) {
      if (queue.length === 0) {
        if (closed || (!settings.keepAlive && session.transactions > 0)) break
        used = true
        wake.closeUnsafe()
        idle.add(wake)
        const ended = yield* wake.await.pipe(
          Effect.as(false),
          Effect.timeoutOrElse({ duration: idleTimeToLive, orElse: () => Effect.succeed(true) }),
          Effect.ensuring(Effect.sync(() => idle.delete(wake)))
        )
        if (ended || closed) break
        continue
      }
      if (session.transactions > 0 && now() - restedSince >= checkAfter) {
        const checked = yield* engine.command(noop, "rset").pipe(
          Effect.timeoutOrElse({
            duration: checkLimit,
            orElse: () =>
              Effect.suspend(() => {
                engine.recorder.record({ _tag: "TimedOut", phase: "rset", limit: checkLimit })
                return Effect.fail(silent)
              })
          }),
          Effect.result
        )
        restedSince = now()
        if (checked._tag === "Failure") break
        if (!accepted(checked.success.reply)) break
      }
      const send = shift()
      if (send === undefined) continue
      used = true
      yield* run(session, send)
      restedSince = now()
      if (!settings.keepAlive) break
    }
    const cut = engine.isCut()
    if (cut !== undefined && cut.kind !== "aborted" && !used) {
      // It was opened for a send and broke before it could take one: opening another would go on for ever.
      const error = engine.recorder.error(cut.reason, cut.phase)
      failOne(engine.fail({ ...cut, error }))
    }
    yield* engine.quit
  })

  const session = (state: Opening): Effect.Effect<void, never, Handshake.Requirements> =>
    openSession(state).pipe(
      Effect.matchCauseEffect({
        onFailure: (cause) =>
          Effect.sync(() => {
            opening.delete(state)
            failOne(Effect.failCause(cause))
          }),
        onSuccess: (ready) => {
          opening.delete(state)
          return serve(ready)
        }
      }),
      Effect.scoped,
      Effect.ensuring(Effect.sync(() => {
        opening.delete(state)
        sessions--
        if (sessions === 0) emptied.openUnsafe()
        pump()
      }))
    )

  /** Each waiting send gets an idle session, or one that is being opened, as long as there is room. */
  const pump = () => {
    let waiting = queue.length
    for (const wake of idle) {
      if (waiting === 0) break
      waiting--
      wake.openUnsafe()
    }
    waiting -= opening.size
    while (waiting > 0 && sessions < settings.maxSessions && !closed) {
      waiting--
      sessions++
      emptied.closeUnsafe()
      const state: Opening = { engine: undefined, fiber: undefined }
      opening.add(state)
      state.fiber = fork(session(state))
      Fiber.runIn(state.fiber, sessionScope)
    }
  }

  /** Answers sends whose `sendTimeOut` passes while they wait. All have the same limit: the first is the earliest. */
  const watch = Effect.gen(function*() {
    while (true) {
      const first = queue[0]
      if (first === undefined) {
        timer.closeUnsafe()
        yield* timer.await
        continue
      }
      const left = first.deadline.at - now()
      if (left > 0) {
        yield* Effect.sleep(Math.ceil(left))
        continue
      }
      shift()
      const reason = new TimedOut({ limit: first.deadline.limit, scope: "send" })
      const [state] = opening
      const engine = state?.engine
      answer(
        first,
        engine === undefined || engine.isCut() !== undefined
          ? early(reason)
          : engine.fail({ reason, phase: engine.phase() })
      )
      yield* prune
    }
  })

  /** Sessions that are being opened for nobody are given up. */
  const prune = Effect.suspend(() => {
    const surplus = opening.size - queue.length
    const fibers = Array.from(opening, (state) => state.fiber).filter((fiber) => fiber !== undefined)
    return Fiber.interruptAll(fibers.slice(0, Math.max(0, surplus)))
  })

  yield* Effect.forkIn(watch, scope)
  yield* Scope.addFinalizer(
    scope,
    Effect.suspend(() => {
      closed = true
      const waiting = queue
      queue = []
      for (const send of waiting) answer(send, early(new TransporterClosed({})))
      for (const wake of idle) wake.openUnsafe()
      return prune.pipe(
        Effect.andThen(emptied.await),
        Effect.timeoutOrElse({ duration: verdictGrace, orElse: () => Effect.void })
      )
    })
  )

  const self: Sessions = {
    now,
    enqueue: (send) => {
      if (closed) return answer(send, early(new TransporterClosed({})))
      queue.push(send)
      timer.openUnsafe()
      pump()
    },
    cancel: (send) =>
      Effect.suspend(() => {
        if (send.done) return Effect.void
        const running = send.running
        if (running === undefined) {
          send.done = true
          queue = queue.filter((waiting) => waiting !== send)
          return prune
        }
        const { engine } = running.session
        if (engine.cancel(running.transaction) === "ended") {
          send.done = true
          return engine.isCut() === undefined ? Effect.void : engine.closed
        }
        return running.settled.pipe(
          Effect.timeoutOrElse({
            duration: verdictGrace,
            orElse: () =>
              Effect.suspend(() => {
                send.done = true
                engine.abort()
                return engine.closed
              })
          })
        )
      }),
    open: Effect.provideContext(openSession({ engine: undefined, fiber: undefined }), services)
  }
  return self
})

const noop = fixedLine(Command.noop())
const silent: Failure = { reason: new TimedOut({ limit: checkLimit, scope: "phase" }), phase: "rset" }

/** After these the server still knows what we say: QUIT is worth saying. */
const inStep = ({ phase, reason }: Failure): boolean => {
  switch (reason._tag) {
    case "ProtocolViolation":
    case "LimitExceeded":
      // a mechanism that fails ends by "*", which keeps the two ends in step
      return phase === "auth" || phase === "ehlo" && reason._tag === "LimitExceeded"
    case "ServerRefused":
      return reason.reply.code !== 421
    case "TimedOut":
    case "ConnectionLost":
    case "TlsFailed":
    case "CertificateRejected":
      return false
    default:
      return true
  }
}
