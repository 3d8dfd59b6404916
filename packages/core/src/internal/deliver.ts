/**
 * One message on its way through a session: the transaction's commands for this server, and the receipt.
 *
 * What the user asked for and the server does not offer is an error before anything is sent; what the engine would add
 * by itself is left out or worked round.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Envelope } from "../Envelope.ts"
import * as EnvelopeModule from "../Envelope.ts"
import type { Composed, Prepared } from "../Message.ts"
import { MessageError } from "../MessageError.ts"
import { Receipt } from "../Receipt.ts"
import * as Reply from "../Reply.ts"
import { ExtensionUnavailable, InvalidMessage, MessageTooLarge, type SmtpErrorReason } from "../SmtpError.ts"
import type { Content } from "./content.ts"
import { accepted } from "./delivery.ts"
import type { Settled } from "./engine.ts"
import { line } from "./pipeline.ts"
import type { Session } from "./sessions.ts"
import type { Settings } from "./settings.ts"
import type { Failure, Job } from "./transaction.ts"

const invalid = (error: MessageError): SmtpErrorReason => new InvalidMessage({ error })

const fromEnvelope = (error: EnvelopeModule.EnvelopeError): SmtpErrorReason =>
  error.kind === "notOffered" && error.extension !== undefined
    ? new ExtensionUnavailable({ extension: error.extension, neededFor: error.problem })
    : invalid(
      new MessageError({
        field: error.parameter,
        problem: error.problem,
        ...(error.input === undefined ? {} : { input: error.input })
      })
    )

/** The message as this server takes it, or why it does not. */
export const bind = Effect.fnUntraced(function*(
  message: Composed | Prepared,
  settings: Settings,
  session: Session,
  deadline: Job<Content>["deadline"]
): Effect.fn.Return<Job<Content>, Failure> {
  const { extensions } = session
  const fail = (reason: SmtpErrorReason): Effect.Effect<never, Failure> => Effect.fail({ reason, phase: "mail" })
  const composed = "render" in message
    ? yield* message.render({
      eightBitMime: extensions.eightBitMime,
      smtpUtf8: extensions.smtpUtf8,
      binaryMime: extensions.binaryMime && extensions.chunking
    }).pipe(Effect.mapError((error): Failure => ({ reason: invalid(error), phase: "mail" })))
    : message
  const { body, size } = composed
  for (const warning of composed.warnings ?? []) session.engine.recorder.record({ _tag: "Note", text: warning })
  if (size !== undefined && extensions.size !== undefined && size > extensions.size) {
    return yield* fail(new MessageTooLarge({ octets: size, limit: extensions.size }))
  }
  const eightBit = extensions.eightBitMime || settings.force8bit
  if (body === "8BITMIME" && !eightBit) {
    return yield* fail(
      new ExtensionUnavailable({
        extension: "8BITMIME",
        neededFor: "raw content with octets over 127 (or set force8bit)"
      })
    )
  }
  const commands = EnvelopeModule.commands(composed.envelope, {
    extensions,
    size,
    body: body ?? (extensions.eightBitMime ? "8BITMIME" : "7BIT"),
    smtpUtf8: composed.smtpUtf8 ?? false,
    secured: session.tls?.verified ?? false
  })
  if (Result.isFailure(commands)) return yield* fail(fromEnvelope(commands.failure))
  const lines = Result.all([commands.success.mail, ...commands.success.rcpts].map(line))
  if (Result.isFailure(lines)) {
    const { argument, input, message: problem } = lines.failure
    return yield* fail(
      invalid(new MessageError({ field: argument, problem, ...(input === undefined ? {} : { input }) }))
    )
  }
  const [mail, ...rcpts] = lines.success
  if (mail === undefined) return yield* Effect.die("an envelope without MAIL")
  return {
    sender: commands.success.mail.reversePath,
    recipients: recipientsOf(composed.envelope),
    mail,
    rcpts,
    content: {
      stream: composed.content,
      chunks: composed.chunks,
      clean: composed.clean ?? false,
      sevenBit: !eightBit && body === undefined,
      limit: extensions.size,
      pipelining: session.ways.pipelining
    },
    requireAll: settings.requireAll,
    deadline
  }
})

export const recipientsOf = (envelope: Envelope): ReadonlyArray<string> => envelope.to.map(EnvelopeModule.addressOf)

/** Once somebody has it. */
export const receipt = (options: {
  readonly session: Session
  readonly settled: Settled
  readonly number: number
  readonly messageId: string | undefined
  readonly queuedAt: number
  readonly conversation: boolean
}): Receipt => {
  const { number, session, settled } = options
  const { facts, marks, octets } = settled.transaction
  const [first, ...rest] = settled.verdicts
  const reply = facts.finals.find(accepted)
  if (first === undefined || reply === undefined) throw new Error("a receipt without a recipient who accepted")
  const { recorder } = session.engine
  const queueId = Reply.queueId(reply)
  const since = (from: number, to: number) => Duration.millis(Math.max(0, to - from))
  const { auth, greeting, tls } = session.timings
  return new Receipt({
    session: recorder.session,
    transaction: number,
    ...(options.messageId === undefined ? {} : { messageId: options.messageId }),
    server: session.server,
    ...(session.tls === undefined ? {} : { tls: session.tls }),
    reply,
    ...(queueId === undefined ? {} : { queueId }),
    recipients: [first, ...rest],
    octets,
    ...(options.conversation ? { conversation: recorder.tail() } : {}),
    timings: {
      connect: Duration.millis(session.connectTime),
      ...(tls === undefined ? {} : { tls: Duration.millis(tls) }),
      greeting: Duration.millis(greeting),
      ...(auth === undefined ? {} : { auth: Duration.millis(auth) }),
      queue: since(options.queuedAt, marks.begun),
      envelope: since(marks.begun, marks.envelope),
      content: since(marks.envelope, marks.content),
      verdict: since(marks.content, marks.settled),
      total: since(options.queuedAt, marks.settled)
    }
  }, { disableChecks: true })
}
