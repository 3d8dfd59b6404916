/**
 * The steps of `Transporter.send`: a message is prepared once, waits for a session, and its fiber waits for the verdict.
 */
import type { SecureRandom } from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import type { FileSystem } from "effect/FileSystem"
import * as Metric from "effect/Metric"
import type { Path } from "effect/Path"
import * as Message from "../Message.ts"
import type { Receipt } from "../Receipt.ts"
import { InvalidMessage, SmtpError } from "../SmtpError.ts"
import * as Deliver from "./deliver.ts"
import * as Metrics from "./metrics.ts"
import type { Send, Sessions } from "./sessions.ts"
import type { Settings } from "./settings.ts"

export const makeSteps = Effect.fnUntraced(function*(settings: Settings, sessions: Sessions) {
  const services = yield* Effect.context<FileSystem | Path | SecureRandom>()

  const prepare = (
    message: Message.Draft | Message.Composed
  ): Effect.Effect<Message.Composed | Message.Prepared, SmtpError> =>
    Message.isComposed(message) ? Effect.succeed(message) : Message.prepare(message).pipe(
      Effect.provideContext(services),
      Effect.mapError((error) =>
        new SmtpError({
          reason: new InvalidMessage({ error }),
          phase: "connect",
          delivery: "NotAccepted",
          recipients: [],
          conversation: []
        })
      )
    )

  const attempt = (message: Message.Composed | Message.Prepared): Effect.Effect<Receipt, SmtpError> =>
    Effect.callback((resume) => {
      const queuedAt = sessions.now()
      const deadline = { at: queuedAt + settings.sendTimeOut, limit: settings.sendTimeOut }
      const send: Send = {
        queuedAt,
        deadline,
        bind: (session) => Deliver.bind(message, settings, session, deadline),
        onSettled: (session, settled, number) => {
          const { engine } = session
          if (settled.error === undefined) {
            resume(Effect.succeed(Deliver.receipt({
              session,
              settled,
              number,
              queuedAt,
              messageId: message.messageId,
              conversation: settings.conversation
            })))
            return
          }
          const error = settled.error
          const ended = engine.isCut() === undefined ? engine.recorder.flush : engine.closed
          resume(
            Effect.andThen(ended, settled.defect === undefined ? Effect.fail(error) : Effect.die(settled.defect.defect))
          )
        },
        onFailed: resume,
        attempts: 0,
        running: undefined,
        done: false
      }
      sessions.enqueue(send)
      return sessions.cancel(send)
    })

  const measured = (self: Effect.Effect<Receipt, SmtpError>): Effect.Effect<Receipt, SmtpError> =>
    self.pipe(
      Effect.tap((receipt) =>
        Effect.andThen(
          Metric.update(transactions.accepted, 1),
          Effect.andThen(
            Metric.update(Metrics.contentOctets, receipt.octets),
            Metric.update(Metrics.duration, receipt.timings.total)
          )
        )
      ),
      Effect.tapError((error) =>
        Metric.update(error.delivery === "NotAccepted" ? transactions.refused : transactions.unknown, 1)
      )
    )

  const deliver = (message: Message.Composed | Message.Prepared): Effect.Effect<Receipt, SmtpError> => {
    const once = measured(attempt(message))
    return Effect.withSpan(
      settings.resendUnknown
        ? Effect.catch(once, (error) => error.delivery === "Unknown" ? once : Effect.fail(error))
        : once,
      "Transporter.send",
      { captureStackTrace: false }
    )
  }

  return { prepare, deliver }
})

const transactions = {
  accepted: Metric.withAttributes(Metrics.transactions, { outcome: "accepted" }),
  refused: Metric.withAttributes(Metrics.transactions, { outcome: "not accepted" }),
  unknown: Metric.withAttributes(Metrics.transactions, { outcome: "unknown" })
}
