/**
 * Transporters made of transporters: parts in, parts out.
 *
 * Invariant: none of them sends a message again unless nobody can have it (`delivery` is "NotAccepted").
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { CircuitBreaker } from "effect/persistence/CircuitBreaker"
import { RateLimiter } from "effect/persistence/RateLimiter"
import * as Result from "effect/Result"
import type * as Schedule from "effect/Schedule"
import * as Message from "../Message.ts"
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

const count = (message: Message.Composed | Message.Prepared, unit: Unit): Effect.Effect<number> => {
  if (unit === "messages") return Effect.succeed(1)
  const composed = "render" in message ? message.render(offersNothing) : Effect.succeed(message)
  return composed.pipe(
    Effect.map(({ envelope, size }) => unit === "recipients" ? envelope.to.length : size ?? 1),
    // what cannot be rendered will say so when it is delivered
    Effect.orElseSucceed(() => 1)
  )
}

export const withRateLimit = Effect.fnUntraced(function*(
  self: Parts,
  options: { readonly limit: number; readonly window: Duration.Input; readonly unit?: Unit | undefined }
): Effect.fn.Return<Parts, never, RateLimiter> {
  const limiter = yield* RateLimiter
  const wait = (tokens: number) =>
    limiter.consume({
      key: `${self.host}:${self.port}`,
      limit: options.limit,
      window: options.window,
      tokens: Math.min(tokens, options.limit),
      onExceeded: "delay"
    }).pipe(
      Effect.mapError(() => failed(new Throttled({ by: "rateLimit" }))),
      Effect.flatMap(({ delay }) => Effect.sleep(delay))
    )
  return {
    ...self,
    deliver: (message) =>
      Effect.flatMap(
        count(message, options.unit ?? "messages"),
        (tokens) => Effect.andThen(wait(tokens), self.deliver(message))
      )
  }
})

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
