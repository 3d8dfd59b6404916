/** `colloquy send`: one message through one server, and what became of it for each recipient. */
import { Connector } from "@colloquy/core/Connector"
import * as Mailbox from "@colloquy/core/Mailbox"
import * as Message from "@colloquy/core/Message"
import * as MessageError from "@colloquy/core/MessageError"
import * as Receipt from "@colloquy/core/Receipt"
import * as SmtpLog from "@colloquy/core/SmtpLog"
import * as Transporter from "@colloquy/core/Transporter"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import type * as PlatformError from "effect/PlatformError"
import * as Schema from "effect/Schema"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import * as Exit from "./exit.ts"
import { inputFailed, problemOf } from "./internal/files.ts"
import * as Printable from "./internal/printable.ts"
import * as LogOptions from "./logOptions.ts"
import * as Report from "./report.ts"
import * as ServerOptions from "./serverOptions.ts"

const several = (name: string, description: string) =>
  Flag.String(name).pipe(Flag.withMetavar("ADDRESS"), Flag.withDescription(description), Flag.atLeast(0))
const text = (name: string, metavar: string, description: string) =>
  Flag.String(name).pipe(Flag.withMetavar(metavar), Flag.withDescription(description), Flag.optional)

const flags = {
  ...ServerOptions.flags,
  from: text("from", "ADDRESS", "The sender"),
  to: several("to", "A recipient; may be given several times"),
  cc: several("cc", "A recipient of a copy"),
  bcc: several("bcc", "A recipient whom the message does not name"),
  subject: text("subject", "TEXT", "The subject"),
  text: text("text", "TEXT", "The message as plain text"),
  html: text("html", "HTML", "The message as HTML, alone or beside the text"),
  raw: text(
    "raw",
    "FILE|-",
    "The message as it is; - is standard input. Without --from and --to its header section says who"
  ),
  log: LogOptions.log,
  logContent: LogOptions.logContent,
  json: Flag.Boolean("json").pipe(
    Flag.withDescription("Prints the outcome as one line of JSON"),
    Flag.withDefault(false)
  )
}

interface Input extends ServerOptions.Input {
  readonly from: Option.Option<string>
  readonly to: ReadonlyArray<string>
  readonly cc: ReadonlyArray<string>
  readonly bcc: ReadonlyArray<string>
  readonly subject: Option.Option<string>
  readonly text: Option.Option<string>
  readonly html: Option.Option<string>
  readonly raw: Option.Option<string>
  readonly log: Option.Option<string>
  readonly logContent: "summary" | "headers" | "full"
  readonly json: boolean
}

const unreadable = (path: string) => (error: PlatformError.PlatformError) =>
  new MessageError.MessageError({ field: path === "-" ? "standard input" : path, problem: problemOf(error) })

/** Bare addresses: an envelope has no display names. */
const envelopeOf = Effect.fnUntraced(function*(from: string, to: ReadonlyArray<string>) {
  const addresses = Effect.fnUntraced(function*(texts: ReadonlyArray<string>) {
    const lists = yield* Effect.forEach(texts, (text) => Effect.fromResult(Mailbox.parseList(text)))
    return lists.flat().flatMap((entry) => "members" in entry ? entry.members : [entry]).map(Mailbox.address)
  })
  // The null reverse-path (RFC 5321 §4.5.5) is no address.
  const [sender] = from === "" || from === "<>" ? [""] : yield* addresses([from])
  const [first, ...others] = yield* addresses(to)
  if (sender === undefined || first === undefined) {
    return yield* new Report.Usage({ problem: "--from and --to name nobody" })
  }
  return { from: sender, to: [first, ...others] as const }
}, (self) => Effect.mapError(self, (error) => error._tag === "Usage" ? error : ofMailbox(error)))

const ofMailbox = (error: Mailbox.MailboxError) =>
  new MessageError.MessageError({ field: "address", problem: error.message, input: error.input, offset: error.offset })

/** A file as it is. Standard input is kept in one for the time being: it can't be read twice. */
const contentFile = Effect.fnUntraced(function*(path: string) {
  if (path !== "-") return path
  const fs = yield* FileSystem.FileSystem
  const stdio = yield* Stdio.Stdio
  const copy = yield* Effect.mapError(fs.makeTempFileScoped({ prefix: "colloquy-" }), inputFailed("standard input"))
  yield* Effect.mapError(Stream.run(stdio.stdin, fs.sink(copy, { mode: 0o600 })), inputFailed("standard input"))
  return copy
})

const rawMessage = Effect.fnUntraced(function*(input: Input, path: string) {
  const fs = yield* FileSystem.FileSystem
  const to = [...input.to, ...input.cc, ...input.bcc]
  const envelope = Option.isNone(input.from) && to.length === 0
    ? undefined
    : yield* envelopeOf(Option.getOrElse(input.from, () => ""), to)
  const file = yield* contentFile(path)
  const { size } = yield* Effect.mapError(fs.stat(file), inputFailed(path))
  return yield* Message.raw(envelope, Stream.mapError(fs.stream(file), unreadable(path)), { size: Number(size) })
})

const draft = Effect.fnUntraced(function*(input: Input) {
  if (Option.isNone(input.from)) return yield* new Report.Usage({ problem: "--from is missing" })
  if (input.to.length + input.cc.length + input.bcc.length === 0) {
    return yield* new Report.Usage({ problem: "--to is missing" })
  }
  return {
    from: input.from.value,
    ...(input.to.length > 0 ? { to: input.to } : {}),
    ...(input.cc.length > 0 ? { cc: input.cc } : {}),
    ...(input.bcc.length > 0 ? { bcc: input.bcc } : {}),
    ...(Option.isSome(input.subject) ? { subject: input.subject.value } : {}),
    ...(Option.isSome(input.text) ? { text: input.text.value } : {}),
    ...(Option.isSome(input.html) ? { html: input.html.value } : {})
  } satisfies Message.Draft
})

const messageOf = Effect.fnUntraced(function*(input: Input) {
  if (Option.isNone(input.raw)) {
    if (Option.isNone(input.text) && Option.isNone(input.html)) {
      return yield* new Report.Usage({ problem: "there is no message: --text, --html or --raw is missing" })
    }
    return yield* draft(input)
  }
  if ([input.subject, input.text, input.html].some(Option.isSome)) {
    return yield* new Report.Usage({ problem: "--raw is a whole message; --subject, --text and --html make another" })
  }
  return yield* rawMessage(input, input.raw.value)
})

const transport = Effect.fnUntraced(function*(input: Input) {
  const message = yield* messageOf(input)
  const options = yield* ServerOptions.resolve(input)
  const log = yield* SmtpLog.make(LogOptions.sinks(input.log, input.logContent))
  const transporter = yield* Transporter.make(options).pipe(
    Effect.provideService(SmtpLog.SmtpLog, log),
    Effect.provideService(Connector, yield* ServerOptions.connector(input))
  )
  return yield* transporter.send(message)
}, Effect.scoped)

const encodeReceipt = Schema.encodeSync(Schema.toCodecJson(Receipt.Receipt))

const receiptText = (receipt: Receipt.Receipt): string =>
  [
    `The server has the message: ${Printable.line(`${receipt.reply.code} ${receipt.reply.lines.join(" / ")}`)}`,
    ...Report.recipients(receipt.recipients),
    ...(receipt.queueId === undefined ? [] : [`Queued there as ${Printable.line(receipt.queueId)}`])
  ].join("\n")

const run = Effect.fnUntraced(function*(input: Input) {
  const receipt = yield* transport(input)
  const status = receipt.refused.length > 0 ? Exit.status.recipients : Exit.status.accepted
  yield* Console.log(
    input.json ? Printable.json({ status, receipt: encodeReceipt(receipt) }) : receiptText(receipt)
  )
  if (status !== Exit.status.accepted) return yield* new Exit.Exit({ status })
})

export type Requirements = Connector | Transporter.Platform

export const send = Command.make(
  "send",
  flags,
  (input) => run(input).pipe(Report.told({ json: input.json, conversationShown: LogOptions.isTerminal(input.log) }))
).pipe(
  Command.withDescription(`Sends one message and tells what became of it for each recipient.\n${ServerOptions.about}`),
  Command.withShortDescription("Send a message"),
  Command.withExamples([
    {
      command: "colloquy send --server smtps://ann@mail.example --from ann@mail.example --to bob@example.org --text Hi",
      description: "Asks for the password and sends over TLS"
    },
    {
      command:
        "colloquy send --server smtp://ann@mail.example --from ann@mail.example --to bob@example.org --raw message.eml --log -",
      description: "Sends a file as it is, with the conversation on the terminal"
    }
  ])
)
