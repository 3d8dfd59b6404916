/**
 * Transporters made of transporters: parts in, parts out.
 *
 * Invariant: none of them sends a message again unless nobody can have it (`delivery` is "NotAccepted").
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { CircuitBreaker } from "effect/persistence/CircuitBreaker"
import { RateLimiter } from "effect/persistence/RateLimiter"
import * as Result from "effect/Result"
import type * as Schedule from "effect/Schedule"
import * as Semaphore from "effect/Semaphore"
import * as Diagnosis from "../Diagnosis.ts"
import type { Envelope } from "../Envelope.ts"
import type * as Message from "../Message.ts"
import { EveryServerFailed, SmtpError, Throttled } from "../SmtpError.ts"
import type { Parts } from "../Transporter.ts"

const failed = (reason: SmtpError["reason"], from?: SmtpError): SmtpError =>
  new SmtpError({
    reason,
    phase: from?.phase ?? "connect",
    delivery: from?.delivery ?? "NotAccepted",
    recipients: from?.recipients ?? [],
    conversation: from?.conversation ?? []
  })

/** Another server may take what this one did not: its refusal of the message itself stands for all. */
const worthAnother = (error: SmtpError): boolean =>
  error.delivery === "NotAccepted" && error.reason._tag !== "InvalidMessage"

export const failover = (transporters: NonEmptyReadonlyArray<Parts>): Parts => {
  const [first, ...others] = transporters
  const each = <A>(use: (transporter: Parts) => Effect.Effect<A, SmtpError>): Effect.Effect<A, SmtpError> =>
    others.reduce(
      (sofar, transporter) =>
        Effect.catch(sofar, (errors) => {
          const last = errors[errors.length - 1]
          return last !== undefined && !worthAnother(last)
            ? Effect.fail(errors)
            : Effect.mapError(use(transporter), (error): NonEmptyReadonlyArray<SmtpError> => [...errors, error])
        }),
      Effect.mapError(use(first), (error): NonEmptyReadonlyArray<SmtpError> => [error])
    ).pipe(
      Effect.mapError((errors) => {
        const last = errors[errors.length - 1] ?? errors[0]
        return errors.length === 1 ? last : failed(new EveryServerFailed({ errors }), last)
      })
    )
  return {
    ...first,
    deliver: (message) => each((transporter) => transporter.deliver(message)),
    checkConnection: each((transporter) => transporter.checkConnection)
  }
}

export const balance = (
  transporters: NonEmptyReadonlyArray<{ readonly transporter: Parts; readonly weight?: number }>
): Parts => {
  const places = transporters.map(({ transporter, weight }) => ({ transporter, weight: weight ?? 1, credit: 0 }))
  const total = places.reduce((sum, place) => sum + place.weight, 0)
  // Smooth weighted round-robin: whoever has waited most for its share is next.
  const next = (): Parts => {
    let best = places[0]
    for (const place of places) {
      place.credit += place.weight
      if (best === undefined || place.credit > best.credit) best = place
    }
    if (best === undefined) return transporters[0].transporter
    best.credit -= total
    return best.transporter
  }
  return { ...transporters[0].transporter, deliver: (message) => Effect.suspend(() => next().deliver(message)) }
}

type Unit = "messages" | "recipients" | "octets"

const offersNothing: Message.Offers = { eightBitMime: false, smtpUtf8: false, binaryMime: false }

/** What cannot be rendered will say so when it is delivered. */
const composedOf = (message: Message.Composed | Message.Prepared): Effect.Effect<Message.Composed | undefined> =>
  "render" in message ? Effect.orElseSucceed(message.render(offersNothing), () => undefined) : Effect.succeed(message)

const count = (composed: Message.Composed | undefined, unit: Unit): number => {
  if (composed === undefined || unit === "messages") return 1
  return unit === "recipients" ? composed.envelope.to.length : composed.size ?? 1
}

export const withRateLimit = Effect.fnUntraced(function*(
  self: Parts,
  options: {
    readonly limit: number
    readonly window: Duration.Input
    readonly unit?: Unit | undefined
    readonly key?: string | ((envelope: Envelope) => string) | undefined
  }
): Effect.fn.Return<Parts, never, RateLimiter> {
  const limiter = yield* RateLimiter
  const { key, unit = "messages" } = options
  const server = `${self.host}:${self.port}`
  const wait = (key: string, tokens: number) =>
    limiter.consume({
      key,
      limit: options.limit,
      window: options.window,
      tokens: Math.min(tokens, options.limit),
      onExceeded: "delay"
    }).pipe(
      Effect.mapError(() => failed(new Throttled({ by: "rateLimit" }))),
      Effect.flatMap(({ delay }) => Effect.sleep(delay))
    )
  const keyOf = (composed: Message.Composed | undefined): string =>
    typeof key === "function" ? composed === undefined ? server : key(composed.envelope) : key ?? server
  return {
    ...self,
    deliver: (message) =>
      Effect.flatMap(
        unit === "messages" && typeof key !== "function" ? Effect.succeed(undefined) : composedOf(message),
        (composed) => Effect.andThen(wait(keyOf(composed), count(composed, unit)), self.deliver(message))
      )
  }
})

export const withConcurrency = (self: Parts, limit: number | Semaphore.Semaphore): Parts => {
  const semaphore = typeof limit === "number" ? Semaphore.makeUnsafe(Math.max(1, limit)) : limit
  return { ...self, deliver: (message) => semaphore.withPermit(self.deliver(message)) }
}

/** A refusal of whoever sends, not of this message or its recipients. */
const concernsAll = (error: SmtpError): boolean => {
  const { phase, reply } = error
  if (reply === undefined || !reply.isTransient) return false
  return reply.code === 421 || phase === "greeting" || phase === "ehlo" || phase === "auth" || phase === "mail"
}

export const withPauses = (
  self: Parts,
  options?: {
    readonly seconds?: Duration.Input | undefined
    readonly hours?: Duration.Input | undefined
    readonly maxWait?: Duration.Input | undefined
  }
): Parts => {
  const pauses = {
    seconds: Duration.toMillis(options?.seconds ?? "10 seconds"),
    hours: Duration.toMillis(options?.hours ?? "1 hour")
  }
  const maxWait = Duration.toMillis(options?.maxWait ?? "1 minute")
  let until = 0
  const wait = Effect.flatMap(Clock.currentTimeMillis, (now) => {
    const left = until - now
    if (left <= 0) return Effect.void
    return left <= maxWait
      ? Effect.sleep(left)
      : Effect.fail(failed(new Throttled({ by: "server", retryAfter: left })))
  })
  const remember = (error: SmtpError) =>
    concernsAll(error)
      ? Effect.map(Clock.currentTimeMillis, (now) => {
        const { retryAfter = "seconds" } = Diagnosis.ofError(error)
        if (retryAfter !== "never") until = Math.max(until, now + pauses[retryAfter])
      })
      : Effect.void
  return { ...self, deliver: (message) => Effect.andThen(wait, Effect.tapError(self.deliver(message), remember)) }
}

/** Only what says that the server cannot be reached counts against it. */
const unreachable = (error: SmtpError): boolean => {
  const tag = error.reason._tag
  return tag === "ConnectionFailed" || tag === "TlsFailed" || (tag === "TimedOut" && error.phase === "connect") ||
    (tag === "ServerRefused" && error.phase === "greeting")
}

export const withCircuitBreaker = (self: Parts, breaker: CircuitBreaker): Parts => ({
  ...self,
  deliver: (message) =>
    breaker.execute(Effect.result(self.deliver(message)), {
      key: `${self.host}:${self.port}`,
      classify: (exit) =>
        Exit.isSuccess(exit) && Result.isFailure(exit.value)
          ? unreachable(exit.value.failure) ? { _tag: "Failure" } : { _tag: "Ignored" }
          : { _tag: "Success" }
    }).pipe(
      Effect.mapError(() => failed(new Throttled({ by: "circuitBreaker" }))),
      Effect.flatMap((result) => Effect.fromResult(result))
    )
})

export const withRetry = (self: Parts, schedule: Schedule.Schedule<unknown, SmtpError>): Parts => ({
  ...self,
  deliver: (message) =>
    Effect.retry(self.deliver(message), { schedule, while: (error: SmtpError) => error.isRetryable })
})
