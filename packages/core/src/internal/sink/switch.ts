/**
 * A sink that is opened and closed while the program runs.
 *
 * Off opens nothing and wants no content. Changes happen one after another, and what was recorded before a change is in
 * the sink. Each change is in the log it concerns, as `LogState`. A forced switch stays as it is.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import type * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import { type LogEvent, ProcessId, Sequence } from "../../LogEvent.ts"
import { LogError, type LogSink, TypeId } from "./model.ts"
import * as Problem from "./problem.ts"

export type SwitchState = "off" | "on" | "paused"

export interface Switch {
  /** Opens the sink. The state that results: a forced configuration wins. */
  readonly start: Effect.Effect<SwitchState, LogError>
  /** Flushes and closes it. */
  readonly stop: Effect.Effect<SwitchState>
  readonly pause: Effect.Effect<SwitchState>
  readonly resume: Effect.Effect<SwitchState>
  readonly state: Effect.Effect<SwitchState>
  readonly changes: Stream.Stream<SwitchState>
  /** By `logConfig.json` or `COLLOQUY_LOG`: start, stop, pause and resume change nothing. */
  readonly forced: boolean
}

export const make = Effect.fnUntraced(function*<E, R>(
  open: Effect.Effect<LogSink, E, R>,
  options: { readonly initially: "on" | "off"; readonly forced: boolean }
) {
  const clock = yield* Clock.Clock
  const sequence = yield* Sequence
  const process = yield* ProcessId
  const context = yield* Effect.context<Exclude<R, Scope.Scope>>()
  const lock = Semaphore.makeUnsafe(1)
  const state = yield* SubscriptionRef.make<SwitchState>("off")
  let current: { readonly sink: LogSink; readonly scope: Scope.Closeable } | undefined
  let isOn = false

  const tell = (change: Extract<LogEvent, { readonly _tag: "LogState" }>["state"]) => {
    current?.sink.recordUnsafe({
      _tag: "LogState",
      counter: sequence.nextCounterUnsafe(),
      time: clock.currentTimeMillisUnsafe(),
      process,
      session: 0,
      state: change
    })
  }
  const become = (next: SwitchState) => {
    isOn = next === "on"
    return Effect.as(SubscriptionRef.set(state, next), next)
  }
  const flush = Effect.suspend(() => current?.sink.flush ?? Effect.void)

  const openNow = Effect.gen(function*() {
    const scope = Scope.makeUnsafe()
    const sink = yield* open.pipe(
      Scope.provide(scope),
      Effect.provideContext(context),
      Effect.onExit((exit) => Exit.isFailure(exit) ? Scope.close(scope, exit) : Effect.void)
    )
    current = { sink, scope }
    tell("started")
    return yield* become("on")
  })

  const resumeNow = Effect.suspend(() => {
    tell("resumed")
    return become("on")
  })

  const closeNow = Effect.suspend(() => {
    const { scope } = current ?? {}
    current = undefined
    isOn = false
    return scope === undefined ? Effect.void : Scope.close(scope, Exit.void)
  })

  const change = <E>(from: (state: SwitchState) => Effect.Effect<SwitchState, E> | undefined) =>
    SubscriptionRef.get(state).pipe(
      Effect.flatMap((now) => (options.forced ? undefined : from(now)) ?? Effect.succeed(now)),
      Semaphore.withPermit(lock),
      Effect.uninterruptible
    )

  yield* Effect.addFinalizer(() => Semaphore.withPermit(lock, closeNow))
  if (options.initially === "on") yield* openNow

  const sink: LogSink = {
    [TypeId]: TypeId,
    get content() {
      return isOn && current !== undefined ? current.sink.content : "summary"
    },
    recordUnsafe: (event) => !isOn || current === undefined || current.sink.recordUnsafe(event),
    flush
  }
  const service: Switch = {
    start: change((now) =>
      now === "on"
        ? undefined
        : now === "paused"
        ? resumeNow
        : Effect.mapError(openNow, (error) =>
          error instanceof LogError ? error : new LogError({ path: "", problem: Problem.of(error) }))
    ),
    stop: change((now) => {
      if (now === "off") return undefined
      tell("stopped")
      return Effect.andThen(closeNow, become("off"))
    }),
    pause: change((now) => {
      if (now !== "on") return undefined
      tell("paused")
      return Effect.andThen(flush, become("paused"))
    }),
    resume: change((now) => now === "paused" ? resumeNow : undefined),
    state: SubscriptionRef.get(state),
    changes: SubscriptionRef.changes(state),
    forced: options.forced
  }
  return { sink, service }
})
