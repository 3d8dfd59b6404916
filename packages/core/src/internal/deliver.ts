/**
 * One message on its way through a session: the transaction's commands for this server, and the receipt.
 *
 * What the user asked for and the server does not offer is an error before anything is sent; what the engine would add
 * by itself is left out or worked round.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import type * as Command from "../Command.ts"
import type { Envelope } from "../Envelope.ts"
import * as EnvelopeModule from "../Envelope.ts"
import type { Composed, Prepared } from "../Message.ts"
import { MessageError } from "../MessageError.ts"
import { Receipt } from "../Receipt.ts"
import * as Reply from "../Reply.ts"
import {
  ExtensionUnavailable,
  InvalidMessage,
  LimitExceeded,
  MessageTooLarge,
  type SmtpErrorReason
} from "../SmtpError.ts"
import type { Content } from "./content.ts"
import { accepted } from "./delivery.ts"
import type { Settled } from "./engine.ts"
import * as Known from "./knownContent.ts"
import { exitNow } from "./now.ts"
import type { Session } from "./opening.ts"
import { type Line, line } from "./pipeline.ts"
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

type Recipients = Envelope["to"]

/** A transaction, and for whom the message has to go in another (RFC 9422 §4: RCPTMAX, RCPTDOMAINMAX). */
export interface Bound extends Job<Content> {
  readonly to: Recipients
  readonly left: ReadonlyArray<EnvelopeModule.Recipient>
}

export const domainOf = (address: string): string => address.slice(address.lastIndexOf("@") + 1).toLowerCase()

/** Those for whom there is room in one transaction of this session, and the others. */
const split = (
  to: Recipients,
  { domains, extensions: { limits } }: Session
): readonly [ReadonlyArray<EnvelopeModule.Recipient>, ReadonlyArray<EnvelopeModule.Recipient>] => {
  const { rcptDomainMax, rcptMax = Number.POSITIVE_INFINITY } = limits
  if (rcptDomainMax === undefined && to.length <= rcptMax) return [to, []]
  const known = new Set(domains)
  const taken: Array<EnvelopeModule.Recipient> = []
  const left: Array<EnvelopeModule.Recipient> = []
  for (const recipient of to) {
    const domain = domainOf(EnvelopeModule.addressOf(recipient))
    const fits = taken.length < rcptMax && (known.has(domain) || known.size < (rcptDomainMax ?? known.size + 1))
    if (fits) known.add(domain)
    ;(fits ? taken : left).push(recipient)
  }
  return [taken, left]
}

/** "Too many recipients", in this transaction: 452, and 552 in its place (RFC 5321 §4.5.3.1.10). */
const isTooMany = (reply: Reply.Reply): boolean =>
  (reply.code === 452 || reply.code === 552) &&
  (reply.enhanced === undefined ? /too many/i.test(reply.text) : reply.enhanced.endsWith(".5.3"))

/** For whom the message is worth another transaction: those that were over a limit while others were taken. */
export const again = (bound: Bound, settled: Settled): ReadonlyArray<EnvelopeModule.Recipient> => {
  const { facts } = settled.transaction
  const over = facts.rcpt.some(accepted)
    ? bound.to.filter((_, index) => {
      const reply = facts.rcpt[index]
      return reply !== undefined && isTooMany(reply)
    })
    : []
  return over.length === 0 ? bound.left : [...over, ...bound.left]
}

/**
 * The message as this server takes it, or why it does not; undefined where this session has no room for its recipients'
 * domains any more, and a fresh one has. An `Exit` where the message has nothing to wait for.
 */
export const bind = (
  message: Composed | Prepared,
  settings: Settings,
  session: Session,
  deadline: Job<Content>["deadline"],
  only?: Recipients
): Effect.Effect<Bound | undefined, Failure> => {
  if (!("render" in message)) return bindComposed(message, settings, session, deadline, only)
  const { extensions } = session
  const rendered = message.render({
    eightBitMime: extensions.eightBitMime,
    smtpUtf8: extensions.smtpUtf8,
    binaryMime: extensions.binaryMime && session.ways.chunking
  })
  const exit = exitNow(rendered)
  if (exit !== undefined && Exit.isSuccess(exit)) return bindComposed(exit.value, settings, session, deadline, only)
  return rendered.pipe(
    Effect.mapError((error): Failure => ({ reason: invalid(error), phase: "mail" })),
    Effect.flatMap((composed) => bindComposed(composed, settings, session, deadline, only))
  )
}

const fail = (reason: SmtpErrorReason) => Exit.fail<Failure>({ reason, phase: "mail" })

const bindComposed = (
  composed: Composed,
  settings: Settings,
  session: Session,
  deadline: Job<Content>["deadline"],
  only: Recipients | undefined
): Exit.Exit<Bound | undefined, Failure> => {
  const { extensions } = session
  const all = only ?? composed.envelope.to
  const [[first, ...rest], left] = split(all, session)
  if (first === undefined || (left.length > 0 && settings.requireAll && session.domains.size > 0)) {
    return Exit.succeed(undefined)
  }
  const to: Recipients = left.length === 0 ? all : [first, ...rest]
  const { body, size } = composed
  const known = Known.of(composed.content)
  for (const warning of composed.warnings ?? []) session.engine.recorder.record({ _tag: "Note", text: warning })
  if (size !== undefined && extensions.size !== undefined && size > extensions.size) {
    return fail(new MessageTooLarge({ octets: size, limit: extensions.size }))
  }
  if (left.length > 0 && settings.requireAll) {
    return fail(new LimitExceeded({ what: "recipients", limit: to.length }))
  }
  const envelope = to === composed.envelope.to ? composed.envelope : { ...composed.envelope, to }
  const eightBit = extensions.eightBitMime || settings.force8bit
  if (body === "8BITMIME" && !eightBit) {
    return fail(
      new ExtensionUnavailable({
        extension: "8BITMIME",
        neededFor: "raw content with octets over 127 (or set force8bit)"
      })
    )
  }
  const commands = EnvelopeModule.commands(envelope, {
    extensions,
    size,
    body: body ?? (extensions.eightBitMime ? "8BITMIME" : "7BIT"),
    smtpUtf8: composed.smtpUtf8 ?? false,
    secured: session.tls?.verified ?? false
  })
  if (Result.isFailure(commands)) return fail(fromEnvelope(commands.failure))
  const mail = line(commands.success.mail)
  if (Result.isFailure(mail)) return fail(fromCommand(mail.failure))
  const rcpts: Array<Line> = []
  for (const rcpt of commands.success.rcpts) {
    const made = line(rcpt)
    if (Result.isFailure(made)) return fail(fromCommand(made.failure))
    rcpts.push(made.success)
  }
  return Exit.succeed({
    sender: commands.success.mail.reversePath,
    to,
    left,
    recipients: recipientsOf(envelope),
    mail: mail.success,
    rcpts,
    content: {
      stream: composed.content,
      chunks: known?.chunks,
      clean: known?.clean ?? false,
      sevenBit: !eightBit && body === undefined,
      signed: composed.signed,
      limit: extensions.size,
      pipelining: session.ways.pipelining && !session.ways.lmtp
    },
    requireAll: settings.requireAll,
    deadline
  })
}

const fromCommand = ({ argument, input, message: problem }: Command.CommandError): SmtpErrorReason =>
  invalid(new MessageError({ field: argument, problem, ...(input === undefined ? {} : { input }) }))

const recipientsOf = (envelope: Envelope): ReadonlyArray<string> => envelope.to.map(EnvelopeModule.addressOf)

const since = (from: number, to: number) => to > from ? Duration.millis(to - from) : Duration.zero

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
  const { auth, greeting, tls } = session.timings
  return trusted({
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
  })
}

/** A receipt whose fields are known to be right: the Schema's constructor costs more than the rest of a send. */
const trusted = (fields: ConstructorParameters<typeof Receipt>[0]): Receipt =>
  Object.assign(Object.create(Receipt.prototype), fields)
