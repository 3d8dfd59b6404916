/**
 * The sessions of a transporter, and the sends that wait for them.
 *
 * Sends queue in one place and sessions pull from it; nobody leases a session. A session is opened when a send waits and
 * none has room, up to `maxSessions`; it takes sends as long as its pipeline has room, stays open for `keepAlive`, is
 * checked by NOOP after a rest, and is never used again once it was cut. A send that waits leaves the queue when it is
 * interrupted, when its `sendTimeOut` passes, or when the session that was being opened for it fails.
 *
 * Invariants: every send is answered exactly once; a send whose end of data may have been written is never sent again
 * from here; what was cut off before that is queued again, to where it stood.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Scope from "effect/Scope"
import * as Command from "../Command.ts"
import { HostName } from "../Connector.ts"
import { ContentSourceFailed, SmtpError, TimedOut, TransporterClosed } from "../SmtpError.ts"
import type { Stats } from "../Transporter.ts"
import type { Content } from "./content.ts"
import { type Bound, domainOf } from "./deliver.ts"
import { accepted } from "./delivery.ts"
import { type Settled, verdictGrace } from "./engine.ts"
import type * as Handshake from "./handshake.ts"
import * as Login from "./login.ts"
import { exitNow } from "./now.ts"
import { early, makeOpen, type Opening, type Session } from "./opening.ts"
import { fixedLine } from "./pipeline.ts"
import type { Settings } from "./settings.ts"
import type { Failure, Transaction } from "./transaction.ts"

/** After a rest of this long a session is asked (NOOP) before it is given a message. */
export const checkAfter = 1_000
/** How long that question may take. */
export const checkLimit = 10_000

interface Running {
  readonly session: Session
  readonly transaction: Transaction<Content>
}

/** A message that waits for a session. */
export interface Send {
  readonly deadline: { readonly at: number; readonly limit: number }
  /** Fed ahead of its turn: its limit begins anew each time that a session takes a message. */
  readonly patient: boolean
  /** Makes the transaction for this session (undefined: another one has to take it), or says why it cannot go. An `Exit` where nothing has to be waited for. */
  readonly bind: (session: Session) => Effect.Effect<Bound | undefined, Failure>
  /** The transaction is over. */
  readonly onSettled: (session: Session, settled: Settled, bound: Bound, number: number) => void
  /** It never came to a transaction. */
  readonly onFailed: (error: Effect.Effect<never, SmtpError>) => void
  /** Taken from the queue this many times. */
  attempts: number
  running: Running | undefined
  /** Who waits for the end of an interrupted send. */
  ended: (() => void) | undefined
  done: boolean
}

export interface Sessions {
  readonly enqueue: (send: Send) => void
  /** The send's fiber was interrupted. Waits for a verdict that is on its way. */
  readonly cancel: (send: Send) => Effect.Effect<void>
  /** A session by itself, for `checkConnection`: ends with the scope. */
  readonly open: Effect.Effect<Session, SmtpError, Scope.Scope>
  readonly now: () => number
  readonly stats: Effect.Effect<Stats>
}

/** A session that takes sends. */
interface Worker {
  readonly session: Session
  readonly wake: Latch.Latch
  readonly openedAt: number
  /** Messages that it takes at most: ours to say, or the server's (RFC 9422: MAILMAX). */
  readonly messages: number
  /** A send is being bound, or the server is (to be) asked whether it is there: nothing else begins. */
  busy: "binding" | "checking" | undefined
  /** A message was accepted. */
  took: boolean
  retiring: boolean
}

export const make = Effect.fnUntraced(function*(settings: Settings) {
  const scope = yield* Effect.scope
  const clock = yield* Clock.Clock
  const hostName = yield* HostName
  const services = yield* Effect.context<Handshake.Requirements>()
  const now = () => Number(clock.monotonicTimeNanosUnsafe() / 1_000n) / 1_000
  const fork = Effect.runForkWith(services)
  const { sessionLimits } = settings
  const open = makeOpen(settings, hostName, now)
  // Closed after `scope`'s own finalizers: sessions that close say QUIT before they are interrupted.
  const sessionScope = yield* Scope.fork(scope)
  const workers = new Set<Worker>()
  const opening = new Set<Opening>()
  const timer = yield* Latch.make()
  const emptied = yield* Latch.make(true)
  let queue: Array<Send> = []
  let sessions = 0
  let closed = false
  /** When a session last took a send. */
  let takenAt = 0
  /** A login succeeded. Until then one session is opened at a time: a wrong password is tried once, not once a session. */
  let proven = !Login.offersCredentials(settings)

  const answer = (send: Send, error: Effect.Effect<never, SmtpError>) => {
    if (send.done) return
    send.done = true
    send.onFailed(error)
  }

  /** The send that has waited longest is answered by the failure of a session that was opened for it. */
  const failOne = (error: Effect.Effect<never, SmtpError>) => {
    const send = queue.shift()
    if (send !== undefined) answer(send, error)
  }

  /** To where it stood: who waited longest is first. */
  const requeue = (send: Send) => {
    const behind = queue.findIndex((waiting) => waiting.deadline.at > send.deadline.at)
    queue.splice(behind < 0 ? queue.length : behind, 0, send)
    timer.openUnsafe()
  }

  /**
   * A session whose connection broke, or that was closed by a 421, before the end of this message's data: cut off behind
   * others, or by a server that had grown tired of the session. Only where no content of a stream was read; once, or as
   * often as a session took others before its 421 (some servers end each after so many messages, RFC 5321 §3.8).
   */
  const mayRequeue = (worker: Worker, send: Send, settled: Settled, number: number): boolean => {
    const { error, transaction: { facts, job, octets } } = settled
    // a fresh session that breaks at once would break again
    if (error === undefined || number === 1 || closed || send.done) return false
    // it was interrupted
    if (send.ended !== undefined) return false
    if (error.delivery !== "NotAccepted" || (octets > 0 && job.content.chunks === undefined)) return false
    const cut = worker.session.engine.isCut()
    if (cut === undefined || cut.kind === "aborted" || cut.defect !== undefined) return false
    const untouched = facts.mail === undefined || facts.mail.code === 421
    if (send.attempts > 1 && !(untouched && cut.kind === "closing" && worker.took)) return false
    // a reply to RSET is the message's before this one
    const { phase, reason: { _tag: tag } } = error
    if (tag === "ServerRefused") return untouched || facts.rcpt.every((reply) => accepted(reply) || reply.code === 421)
    return untouched && (tag === "ConnectionLost" || (tag === "TimedOut" && phase === "rset"))
  }

  const begin = (worker: Worker, send: Send, job: Bound) => {
    const { session } = worker
    const { engine } = session
    const number = ++session.transactions
    if (session.extensions.limits.rcptDomainMax !== undefined) {
      for (const recipient of job.recipients) session.domains.add(domainOf(recipient))
    }
    const transaction = engine.submit(job, session.ways, (settled) => {
      send.running = undefined
      if (settled.error === undefined) worker.took = true
      if (engine.inFlight() === 0 && (worker.retiring || closed)) worker.wake.openUnsafe()
      if (mayRequeue(worker, send, settled, number)) {
        engine.recorder.record({
          _tag: "Note",
          text: "the message goes to another session: nothing of it was taken here"
        })
        return requeue(send)
      }
      send.ended?.()
      if (send.done) return
      send.done = true
      send.onSettled(session, settled, job, number)
    })
    if (!transaction.isSettled()) send.running = { session, transaction }
    if (!settings.keepAlive || number >= worker.messages) worker.retiring = true
  }

  const bound = (worker: Worker, send: Send, exit: Exit.Exit<Bound | undefined, Failure>) => {
    if (Exit.isSuccess(exit)) {
      if (send.done) return
      if (exit.value !== undefined) return begin(worker, send, exit.value)
      // this session has used up what the server grants it
      worker.retiring = true
      worker.wake.openUnsafe()
      send.attempts--
      return requeue(send)
    }
    answer(send, Effect.flatMap(Effect.catch(exit, worker.session.engine.fail), () => Effect.never))
  }

  /** A message that dies while it is made ready is the sender's defect, not the session's. */
  const bindSafely = (session: Session, send: Send): Effect.Effect<Bound | undefined, Failure> => {
    try {
      const effect = send.bind(session)
      return exitNow(effect) ?? Effect.catchDefect(effect, (defect: unknown) => Effect.fail(died(defect)))
    } catch (defect) {
      return Effect.fail(died(defect))
    }
  }

  /** Gives the session as many of the waiting sends as it has room for. Never suspends. */
  const fill = (worker: Worker) => {
    const { engine, ways } = worker.session
    while (
      queue.length > 0 && worker.busy === undefined && !worker.retiring && engine.isCut() === undefined &&
      engine.room(ways)
    ) {
      if (
        worker.session.transactions > 0 && engine.inFlight() === 0 && now() - engine.quietSince() >= checkAfter
      ) {
        worker.busy = "checking"
        worker.wake.openUnsafe()
        return
      }
      const send = queue.shift()
      if (send === undefined) return
      takenAt = now()
      send.attempts++
      const effect = bindSafely(worker.session, send)
      const exit = exitNow(effect)
      if (exit !== undefined) bound(worker, send, exit)
      else {
        worker.busy = "binding"
        Fiber.runIn(
          fork(Effect.onExit(effect, (exit) =>
            Effect.sync(() => {
              worker.busy = undefined
              bound(worker, send, exit)
              fill(worker)
              worker.wake.openUnsafe()
            }))),
          sessionScope
        )
      }
    }
  }

  /** After a rest: is the server still there? A session that does not say so is replaced; the send waits on. */
  const check = Effect.fnUntraced(function*(worker: Worker): Effect.fn.Return<boolean> {
    const { engine } = worker.session
    const alive = yield* Effect.raceFirst(
      Effect.match(engine.command(noop, "rset"), { onFailure: () => false, onSuccess: ({ reply }) => accepted(reply) }),
      Effect.sleep(checkLimit).pipe(Effect.map(() => {
        engine.recorder.record({ _tag: "TimedOut", phase: "rset", limit: checkLimit })
        return false
      }))
    )
    worker.retiring ||= !alive
    worker.busy = undefined
    return alive
  })

  const serve = Effect.fnUntraced(function*(session: Session): Effect.fn.Return<void> {
    const { engine } = session
    const worker: Worker = {
      session,
      wake: yield* Latch.make(),
      openedAt: now(),
      messages: Math.min(sessionLimits.messages, session.extensions.limits.mailMax ?? Number.POSITIVE_INFINITY),
      busy: undefined,
      took: false,
      retiring: false
    }
    engine.onClosing = () => worker.wake.openUnsafe()
    engine.onRoom = () => {
      fill(worker)
      if ((worker.retiring || closed) && engine.isQuiet()) worker.wake.openUnsafe()
    }
    workers.add(worker)
    fill(worker)
    if (queue.length > 0 && engine.isCut() === undefined) pump()
    /** It rested, or was given a message. */
    let used = false
    while (engine.isCut() === undefined) {
      worker.wake.closeUnsafe()
      if (worker.busy === "checking") {
        if (!(yield* check(worker))) break
        fill(worker)
        continue
      }
      used = true
      const idle = engine.isQuiet() && worker.busy === undefined
      if (idle && (worker.retiring || closed)) break
      if (worker.retiring) {
        yield* worker.wake.await
        continue
      }
      const time = now()
      const life = worker.openedAt + sessionLimits.age - time
      if (life <= 0) {
        worker.retiring = true
        continue
      }
      const rest = Math.min(life, idle ? engine.quietSince() + sessionLimits.idle - time : sessionLimits.idle)
      if (rest <= 0) break
      // no message wakes it: it looks again when the session could have rested for its whole time
      yield* Effect.raceFirst(worker.wake.await, Effect.sleep(Math.ceil(rest)))
    }
    worker.retiring = true
    workers.delete(worker)
    const cut = engine.isCut()
    if (cut !== undefined && cut.kind !== "aborted" && !used && session.transactions === 0) {
      // It was opened for a send and broke before it could take one: opening another would go on for ever.
      failOne(engine.fail({ ...cut, error: engine.recorder.error(cut.reason, cut.phase) }))
    }
    yield* engine.quit
  })

  const session = (state: Opening): Effect.Effect<void, never, Handshake.Requirements> =>
    open(state).pipe(
      Effect.matchCauseEffect({
        onFailure: (cause) =>
          Effect.sync(() => {
            opening.delete(state)
            const error = Cause.squash(cause)
            if (error instanceof SmtpError && error.reason._tag === "AuthenticationFailed") proven = false
            failOne(Effect.failCause(cause))
          }),
        onSuccess: (ready) => {
          opening.delete(state)
          proven = true
          return serve(ready)
        }
      }),
      Effect.scoped,
      Effect.ensuring(Effect.sync(() => {
        opening.delete(state)
        for (const worker of workers) if (worker.session.engine === state.engine) workers.delete(worker)
        sessions--
        if (sessions === 0) emptied.openUnsafe()
        pump()
      }))
    )

  const mayOpen = (): boolean => !closed && sessions < settings.maxSessions && (proven || opening.size === 0)

  /** It is about to have room: once its send is bound, or a reply to NOOP or RSET is there. */
  const willTake = ({ busy, retiring, session: { engine } }: Worker): boolean =>
    busy !== undefined || (!retiring && engine.inFlight() === 0 && !engine.isQuiet())

  const openOne = () => {
    sessions++
    emptied.closeUnsafe()
    const state: Opening = { engine: undefined, fiber: undefined }
    opening.add(state)
    state.fiber = fork(session(state))
    Fiber.runIn(state.fiber, sessionScope)
  }

  /** Sends for which no session has, or is about to have, room. */
  const unserved = (): number => {
    let waiting = queue.length - opening.size
    for (const worker of workers) if (willTake(worker)) waiting--
    return waiting
  }

  let pumping = false
  /** Waiting sends go to the sessions that have room; more sessions are opened as long as there may be. */
  const pump = () => {
    // a session that fails at once comes back here: the loop below sees what it left
    if (pumping) return
    pumping = true
    for (const worker of workers) fill(worker)
    while (unserved() > 0 && mayOpen()) openOne()
    pumping = false
  }

  const dueOf = (send: Send): number =>
    send.patient ? Math.max(send.deadline.at, takenAt + send.deadline.limit) : send.deadline.at

  /** Answers sends whose `sendTimeOut` passes while they wait. */
  const watch = Effect.gen(function*() {
    while (true) {
      let first = queue[0]
      if (first === undefined) {
        timer.closeUnsafe()
        yield* timer.await
        continue
      }
      for (const send of queue) if (dueOf(send) < dueOf(first)) first = send
      const left = dueOf(first) - now()
      if (left > 0) {
        yield* Effect.sleep(Math.ceil(left))
        continue
      }
      queue.splice(queue.indexOf(first), 1)
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
      for (const worker of workers) worker.wake.openUnsafe()
      return prune.pipe(
        Effect.andThen(emptied.await),
        Effect.timeoutOrElse({ duration: verdictGrace, orElse: () => Effect.void })
      )
    })
  )

  const self: Sessions = {
    now,
    stats: Effect.sync(() => {
      const all = Array.from(workers, ({ session: { engine } }) => engine.inFlight())
      return {
        sessions: all.length,
        idle: all.filter((inFlight) => inFlight === 0).length,
        opening: opening.size,
        queued: queue.length,
        inFlight: all.reduce((sum, inFlight) => sum + inFlight, 0)
      }
    }),
    enqueue: (send) => {
      if (closed) return answer(send, early(new TransporterClosed({})))
      queue.push(send)
      if (queue.length === 1) timer.openUnsafe()
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
        return Effect.callback<void>((resume) => {
          send.ended = () => resume(Effect.void)
        }).pipe(
          Effect.timeoutOrElse({
            duration: verdictGrace,
            orElse: () =>
              Effect.suspend(() => {
                send.done = true
                if (engine.inFlight() > 1) {
                  // neighbours are in flight: the session stays, and the verdict will be read off in its turn
                  engine.recorder.record({
                    _tag: "Note",
                    text: "a send was interrupted before its verdict: its outcome is unknown"
                  })
                  return engine.recorder.flush
                }
                engine.abort()
                return engine.closed
              })
          })
        )
      }),
    open: Effect.provideContext(open({ engine: undefined, fiber: undefined }), services)
  }
  return self
})

const noop = fixedLine(Command.noop())
const died = (defect: unknown): Failure => ({
  reason: new ContentSourceFailed({ problem: "it died", cause: defect }),
  phase: "mail",
  defect: { defect }
})
