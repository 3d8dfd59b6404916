/**
 * How failures are told: a few lines on standard error, or one JSON object on standard output; never a stack. An
 * `SmtpError` is told with the end of its conversation, which was redacted where it was made.
 */
import * as LogEvent from "@colloquy/core/LogEvent"
import type * as LogSink from "@colloquy/core/LogSink"
import type { MessageError } from "@colloquy/core/MessageError"
import * as Receipt from "@colloquy/core/Receipt"
import type * as SmtpError from "@colloquy/core/SmtpError"
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Exit from "./exit.ts"
import * as Conversation from "./internal/conversation.ts"
import * as Printable from "./internal/printable.ts"

/** The flags contradict each other, or one of them is missing. */
export class Usage extends Data.TaggedError("Usage")<{ readonly problem: string }> {}
/** A file that was named can't be read. */
export class InputFailed extends Data.TaggedError("InputFailed")<{ readonly path: string; readonly problem: string }> {}
/** What the program makes can't be written where it was told to. */
export class OutputFailed
  extends Data.TaggedError("OutputFailed")<{ readonly path: string; readonly problem: string }>
{}

export type Failure = Usage | InputFailed | OutputFailed | LogSink.LogError | MessageError | SmtpError.SmtpError

export interface Told {
  readonly json: boolean
  /** The conversation is on the terminal already. */
  readonly conversationShown: boolean
}

export const statusOf = (failure: Failure): Exit.Status => {
  switch (failure._tag) {
    case "Usage":
      return Exit.status.usage
    case "MessageError":
      return Exit.status.data
    case "InputFailed":
    case "OutputFailed":
    case "LogError":
      return Exit.status.inputOutput
    case "SmtpError":
      return Exit.ofError(failure)
  }
}

const said = (verdict: Receipt.RecipientVerdict) =>
  "reply" in verdict ? `  ${verdict.reply.code} ${verdict.reply.lines.join(" / ")}` : ""

const verdictWords: Record<Receipt.RecipientVerdict["_tag"], string> = {
  Accepted: "accepted",
  Refused: "refused",
  NotSent: "not sent",
  Unknown: "unknown"
}

/** One line a recipient. */
export const recipients = (verdicts: ReadonlyArray<Receipt.RecipientVerdict>): ReadonlyArray<string> =>
  verdicts.map((verdict) =>
    Printable.line(`  ${verdict.recipient}  ${verdictWords[verdict._tag]}${said(verdict)}`).trimEnd()
  )

const meaningOf = (status: Exit.Status) => Exit.meanings.find(([number]) => number === status)?.[1] ?? ""

const sentence = (failure: Failure): string => {
  switch (failure._tag) {
    case "Usage":
      return failure.problem
    case "InputFailed":
      return `'${failure.path}' can't be read: ${failure.problem}`
    case "OutputFailed":
      return `'${failure.path}' can't be written: ${failure.problem}`
    case "LogError":
      return `the log '${failure.path}' can't be written: ${failure.problem}`
    case "MessageError":
      return `the message can't be sent: ${failure.message}`
    case "SmtpError":
      return failure.message
  }
}

/** The flag for what the library's sentence calls an option. */
const flags: Partial<Record<SmtpError.SmtpError["reason"]["_tag"], string>> = {
  CertificateRejected: "On the command line: --ca FILE names a CA of your own.",
  AuthenticationFailed: "On the command line: --auth MECHANISM chooses another mechanism."
}

export const statusText = (status: Exit.Status): string => `Exit status ${status}: ${meaningOf(status)}.`

/** The lines for a person. `status`: where more than the failure decides. */
export const text = (
  failure: Failure,
  { conversationShown = false, status = statusOf(failure) }: {
    readonly conversationShown?: boolean
    readonly status?: Exit.Status
  } = {}
): string => {
  const lines = [`colloquy: ${Printable.line(sentence(failure))}`]
  if (failure._tag === "Usage") lines.push("Try --help for the usage.")
  if (failure._tag === "SmtpError") {
    const flag = flags[failure.reason._tag]
    if (flag !== undefined) lines.push(flag)
    if (failure.recipients.length > 0) lines.push("Recipients:", ...recipients(failure.recipients))
    if (failure.conversation.length > 0 && !conversationShown) {
      lines.push("The end of the conversation:", ...Conversation.lines(failure.conversation))
    }
  }
  return [...lines, statusText(status)].join("\n")
}

const encodeEvents = Schema.encodeSync(Schema.toCodecJson(Schema.Array(LogEvent.LogEvent)))
const encodeVerdicts = Schema.encodeSync(Schema.toCodecJson(Schema.Array(Receipt.RecipientVerdict)))

const replyFacts = (reply: SmtpError.SmtpError["reply"]) =>
  reply === undefined
    ? {}
    : {
      reply: {
        code: reply.code,
        ...(reply.enhanced === undefined ? {} : { enhanced: reply.enhanced }),
        lines: reply.lines
      }
    }

/** The same for a program. */
export const facts = (failure: Failure): { readonly status: Exit.Status; readonly error: unknown } => ({
  status: statusOf(failure),
  error: failure._tag === "SmtpError"
    ? {
      reason: failure.reason._tag,
      message: failure.message,
      phase: failure.phase,
      delivery: failure.delivery,
      isRetryable: failure.isRetryable,
      ...(failure.server === undefined ? {} : { server: failure.server }),
      ...replyFacts(failure.reply),
      recipients: encodeVerdicts(failure.recipients),
      conversation: encodeEvents(failure.conversation)
    }
    : { reason: failure._tag, message: sentence(failure) }
})

const isFailure = (error: unknown): error is Failure =>
  typeof error === "object" && error !== null && "_tag" in error &&
  ["Usage", "InputFailed", "OutputFailed", "LogError", "MessageError", "SmtpError"].includes(String(error._tag))

/** Tells whatever went wrong, and fails with the exit status that it has. */
export const told =
  (options: Told) => <A, R>(self: Effect.Effect<A, Failure | Exit.Exit, R>): Effect.Effect<A, Exit.Exit, R> =>
    Effect.catch(self, (error) => {
      if (!isFailure(error)) return Effect.fail(error)
      return Effect.andThen(
        options.json
          ? Console.log(Printable.json(facts(error)))
          : Console.error(text(error, options)),
        Effect.fail(new Exit.Exit({ status: statusOf(error) }))
      )
    })

/** A defect is a fault of the program: one line, without the stack. */
export const defectTold = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E | Exit.Exit, R> =>
  Effect.catchCauseIf(self, Cause.hasDies, (cause) => {
    const [die] = cause.reasons.filter(Cause.isDieReason)
    const message = die?.defect instanceof Error ? die.defect.message : String(die?.defect)
    return Effect.andThen(
      Console.error(`colloquy: this is a fault of the program: ${Printable.line(message)}`),
      Effect.fail(new Exit.Exit({ status: Exit.status.software }))
    )
  })
