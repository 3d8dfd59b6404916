/**
 * The steps of `Transporter.send`: a message is prepared once, waits for a session, and its fiber waits for the verdict.
 */
import type { SecureRandom } from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import type { FileSystem } from "effect/FileSystem"
import * as Metric from "effect/Metric"
import type { Path } from "effect/Path"
import * as Tracer from "effect/Tracer"
import * as EnvelopeModule from "../Envelope.ts"
import type { Envelope, Recipient } from "../Envelope.ts"
import * as Message from "../Message.ts"
import type { Receipt } from "../Receipt.ts"
import { InvalidMessage, type SmtpError } from "../SmtpError.ts"
import * as Deliver from "./deliver.ts"
import * as Metrics from "./metrics.ts"
import { withEnqueue } from "./sendAll.ts"
import type { Send, Sessions } from "./sessions.ts"
import type { Settings } from "./settings.ts"
import type { Signing } from "./signing.ts"
import * as Split from "./split.ts"
import { unsent } from "./unsent.ts"

export const makeSteps = Effect.fnUntraced(function*(settings: Settings, sessions: Sessions, signing: Signing) {
  const context = yield* Effect.context()
  const services = yield* Effect.context<FileSystem | Path | SecureRandom>()

  const prepare = (
    message: Message.Draft | Message.Composed
  ): Effect.Effect<Message.Composed | Message.Prepared, SmtpError> =>
    Message.isComposed(message) ?
      Effect.succeed(message) :
      Message.prepare(signing.withDefaults(message), signing.prepare).pipe(
        Effect.provideContext(services),
        Effect.mapError((error) => unsent(new InvalidMessage({ error })))
      )

  let accepted = 0
  let octets = 0
  /** Counters are told once for all that one turn accepted. */
  const tell = () => {
    transactions.accepted.updateUnsafe(accepted, context)
    Metrics.contentOctets.updateUnsafe(octets, context)
    accepted = 0
    octets = 0
  }
  const count = (receipt: Receipt) => {
    if (accepted === 0) queueMicrotask(tell)
    accepted++
    octets += receipt.octets
    Metrics.duration.updateUnsafe(receipt.timings.total, context)
  }

  /** Queues one transaction of a message; `resume` is called once, with its outcome and for whom there has to be another. */
  const enqueueOne = (
    message: Message.Composed | Message.Prepared,
    only: Envelope["to"] | undefined,
    patient: boolean,
    resume: (outcome: Effect.Effect<Receipt, SmtpError>, again: ReadonlyArray<Recipient>) => void
  ): Send => {
    const queuedAt = sessions.now()
    const limit = settings.sendTimeOut
    const deadline = { at: queuedAt + limit, limit }
    const send: Send = {
      deadline,
      patient,
      bind: (session) =>
        Deliver.bind(message, settings, session, patient ? { at: sessions.now() + limit, limit } : deadline, only),
      onSettled: (session, settled, bound, number) => {
        const { engine } = session
        const { error } = settled
        if (error === undefined) {
          const receipt = Deliver.receipt({
            session,
            settled,
            number,
            queuedAt,
            messageId: message.messageId,
            conversation: settings.conversation
          })
          count(receipt)
          return resume(Effect.succeed(receipt), Deliver.again(bound, settled))
        }
        const outcome = error.delivery === "NotAccepted" ? transactions.refused : transactions.unknown
        outcome.updateUnsafe(1, context)
        // where the failure ends the session, its log is whole when the error arrives
        const ended = engine.isCut() === undefined && settings.keepAlive ? engine.recorder.flush : engine.closed
        resume(
          Effect.andThen(ended, settled.defect === undefined ? Effect.fail(error) : Effect.die(settled.defect.defect)),
          settled.defect === undefined ? bound.left : []
        )
      },
      onFailed: (error) => resume(error, []),
      attempts: 0,
      running: undefined,
      ended: undefined,
      done: false
    }
    sessions.enqueue(send)
    return send
  }

  /** Queues a message, in as many transactions as its recipients need. Gives the way to take it back. */
  const enqueue = (
    message: Message.Composed | Message.Prepared,
    resume: (outcome: Effect.Effect<Receipt, SmtpError>) => void,
    patient: boolean
  ): Effect.Effect<void> => {
    let current: Send | undefined
    const next = (outcome: Effect.Effect<Receipt, SmtpError>, again: ReadonlyArray<Recipient>) => {
      const [first, ...rest] = again
      if (first === undefined) return resume(outcome)
      const recipients = again.map(EnvelopeModule.addressOf)
      current = enqueueOne(
        message,
        [first, ...rest],
        patient,
        (second, more) => next(Split.merge(outcome, second, recipients), more)
      )
    }
    current = enqueueOne(message, undefined, patient, next)
    return Effect.suspend(() => current === undefined ? Effect.void : sessions.cancel(current))
  }

  const attempt = (message: Message.Composed | Message.Prepared): Effect.Effect<Receipt, SmtpError> =>
    Effect.callback((resume) => enqueue(message, resume, false))

  const deliver = (message: Message.Composed | Message.Prepared): Effect.Effect<Receipt, SmtpError> => {
    const once = attempt(message)
    return traced(
      settings.resendUnknown
        ? Effect.catch(once, (error) => error.delivery === "Unknown" ? once : Effect.fail(error))
        : once
    )
  }

  return { prepare, deliver: withEnqueue(deliver, (message, resume) => enqueue(message, resume, true)) }
})

/** A span costs more than all the rest of a send: it is made where somebody looks. */
const traced = <A, E>(self: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.contextWith((context) =>
    context.mapUnsafe.has(Tracer.Tracer.key)
      ? Effect.withSpan(self, "Transporter.send", { captureStackTrace: false })
      : self
  )

const transactions = {
  accepted: Metric.withAttributes(Metrics.transactions, { outcome: "accepted" }),
  refused: Metric.withAttributes(Metrics.transactions, { outcome: "not accepted" }),
  unknown: Metric.withAttributes(Metrics.transactions, { outcome: "unknown" })
}
