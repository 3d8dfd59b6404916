/** `colloquy send`: one message through one server, and what became of it for each recipient; or a batch of them. */
import { Connector } from "@colloquy/core/Connector"
import * as Receipt from "@colloquy/core/Receipt"
import type { SmimeSigner } from "@colloquy/core/SmimeSigner"
import * as SmtpLog from "@colloquy/core/SmtpLog"
import * as Transporter from "@colloquy/core/Transporter"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Batch from "./batch.ts"
import * as Exit from "./exit.ts"
import * as Printable from "./internal/printable.ts"
import * as LogOptions from "./logOptions.ts"
import * as MessageOptions from "./messageOptions.ts"
import * as Report from "./report.ts"
import * as ServerOptions from "./serverOptions.ts"

const flags = {
  ...ServerOptions.flags,
  ...MessageOptions.flags,
  ...Batch.flags,
  log: LogOptions.log,
  logContent: LogOptions.logContent,
  json: Flag.Boolean("json").pipe(
    Flag.withDescription("Prints the outcome as one line of JSON"),
    Flag.withDefault(false)
  )
}
type Input = Command.Command.Config.Infer<typeof flags>

const transport = Effect.fnUntraced(function*(input: Input) {
  const message = yield* MessageOptions.make(input)
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

const one = Effect.fnUntraced(function*(input: Input) {
  const receipt = yield* transport(input)
  const status = receipt.refused.length > 0 ? Exit.status.recipients : Exit.status.accepted
  yield* Console.log(
    input.json ? Printable.json({ status, receipt: encodeReceipt(receipt) }) : receiptText(receipt)
  )
  if (status !== Exit.status.accepted) return yield* new Exit.Exit({ status })
})

/** One message, as the flags make it, or the many of a batch. */
const run = (input: Input) =>
  Option.match(input.batch, {
    onNone: () => Effect.andThen(Batch.refuseAlone(input), one(input)),
    onSome: (path) => Batch.run(input, path)
  })

export type Requirements = Connector | Transporter.Platform | SmimeSigner

export const send = Command.make(
  "send",
  flags,
  (input) => run(input).pipe(Report.told({ json: input.json, conversationShown: LogOptions.isTerminal(input.log) }))
).pipe(
  Command.withDescription(
    `Sends one message and tells what became of it for each recipient; with --batch, many.
${ServerOptions.about}
${Batch.about}`
  ),
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
    },
    {
      command:
        "colloquy send --server smtps://ann@mail.example?maxSessions=5 --batch mails.ndjson --results results.ndjson",
      description: "Sends many; the same command goes on where it was interrupted"
    }
  ])
)
