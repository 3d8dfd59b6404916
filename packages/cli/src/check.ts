/** `colloquy check`: connects, secures, logs in, says QUIT, and tells each step as it is done. Nothing is sent. */
import { Connector } from "@colloquy/core/Connector"
import * as LogSink from "@colloquy/core/LogSink"
import type * as SmtpError from "@colloquy/core/SmtpError"
import * as SmtpLog from "@colloquy/core/SmtpLog"
import type * as Tls from "@colloquy/core/Tls"
import * as Transporter from "@colloquy/core/Transporter"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Exit from "./exit.ts"
import * as Printable from "./internal/printable.ts"
import * as Steps from "./internal/steps.ts"
import * as LogOptions from "./logOptions.ts"
import * as Report from "./report.ts"
import * as ServerOptions from "./serverOptions.ts"

const flags = {
  ...ServerOptions.flags,
  log: LogOptions.log,
  json: Flag.Boolean("json").pipe(
    Flag.withDescription("Prints the steps and the outcome as one line of JSON"),
    Flag.withDefault(false)
  )
}

interface Input extends ServerOptions.Input {
  readonly log: Option.Option<string>
  readonly json: boolean
}

const day = 86_400_000
const date = (time: number) =>
  Option.match(DateTime.make(time), { onNone: () => "?", onSome: DateTime.formatIsoDateUtc })
const daysLeft = (certificate: Tls.Certificate, now: number) => Math.floor((certificate.validTo - now) / day)

const validity = (certificate: Tls.Certificate, now: number) => {
  const days = daysLeft(certificate, now)
  const left = days < 0 ? `expired ${-days} days ago` : `${days} days left`
  return `valid ${date(certificate.validFrom)} to ${date(certificate.validTo)}, ${left}`
}

const modes: Record<string, string> = {
  implicit: "TLS from the start",
  required: "TLS by STARTTLS required",
  opportunistic: "TLS where the server has it",
  none: "no TLS"
}

const row = (ms: number | undefined, label: string, text: string) =>
  Printable.line((ms === undefined ? "" : `${Math.round(ms)} ms`).padStart(9) + `  ${label.padEnd(12)} ${text}`)
    .trimEnd()

const certificateRows = (certificate: Tls.Certificate, now: number) => [
  row(undefined, "certificate", certificate.subject),
  ...(certificate.names.length === 0 ? [] : [row(undefined, "", `names ${certificate.names.join(", ")}`)]),
  row(undefined, "", `issued by ${certificate.issuer}`),
  row(undefined, "", validity(certificate, now)),
  row(undefined, "", `SHA-256 ${certificate.fingerprint256}`)
]

const tlsText = ({ cipher, problem, protocol, servername, verified }: Tls.TlsInfo) =>
  `${protocol}, ${cipher}, certificate ${
    verified
      ? `verified${servername === undefined ? "" : ` for ${servername}`}`
      : `not verified: ${problem ?? "not asked to"}`
  }`

/** The lines of one step. */
export const rows = (step: Steps.Step, now: number): ReadonlyArray<string> => {
  switch (step.step) {
    case "server":
      return [
        row(undefined, "server", step.port === 0 ? step.host : `${step.host}, port ${step.port}, ${modes[step.tls]}`)
      ]
    case "attempt":
      return [row(step.ms, "address", `${step.address}, port ${step.port}: ${step.problem}`)]
    case "connect":
      return [row(step.ms, "connect", step.address === undefined ? "" : `${step.address}, port ${step.port}`)]
    case "tls":
      return [row(step.ms, "tls", tlsText(step.tls)), ...step.tls.chain.flatMap((each) => certificateRows(each, now))]
    case "greeting":
    case "starttls":
      return [row(step.ms, step.step, step.reply)]
    case "ehlo":
      return [
        row(step.ms, "ehlo", `as ${step.name}`),
        ...step.extensions.map((each) => row(undefined, "extension", each))
      ]
    case "auth":
      return [row(step.ms, "auth", `${step.mechanism}: ${step.reply}`)]
    case "note":
      return [row(undefined, "note", step.text)]
  }
}

const factsOf = (step: Steps.Step, now: number): unknown => {
  if (step.step !== "tls") return step
  const { chain, cipher, problem, protocol, servername, verified } = step.tls
  const certificates = chain.map((certificate) => ({ ...certificate, daysLeft: daysLeft(certificate, now) }))
  return { step: step.step, ms: step.ms, protocol, cipher, servername, verified, problem, certificates }
}

const stepsTo = Effect.fnUntraced(function*(tell: (step: Steps.Step) => Effect.Effect<void>) {
  const complete = Steps.make()
  return yield* LogSink.make({
    write: (events) => Effect.forEach(events.flatMap(complete), tell, { discard: true })
  })
})

const connect = Effect.fnUntraced(function*(input: Input, tell: (step: Steps.Step) => Effect.Effect<void>) {
  const options = yield* ServerOptions.resolve(input)
  const log = yield* SmtpLog.make([stepsTo(tell), ...LogOptions.sinks(input.log, "summary")])
  const transporter = yield* Transporter.make(options).pipe(
    Effect.provideService(SmtpLog.SmtpLog, log),
    Effect.provideService(Connector, yield* ServerOptions.connector(input))
  )
  return yield* transporter.checkConnection
}, Effect.scoped)

const verdictText = (report: Transporter.CheckReport) =>
  [
    "the server can be used",
    report.tls === undefined ? "the connection is not encrypted" : undefined,
    report.mechanism === undefined ? "no login was asked for" : `it takes the login (${report.mechanism})`,
    "nothing was sent"
  ].filter((part) => part !== undefined).join("; ")

const refusalText = ({ phase, reason }: SmtpError.SmtpError) =>
  `the server can't be used like this (${reason._tag}, phase ${phase}); nothing was sent`

const forPeople = Effect.fnUntraced(function*(input: Input) {
  const now = yield* Clock.currentTimeMillis
  const tell = (step: Steps.Step) => Effect.forEach(rows(step, now), (text) => Console.log(text), { discard: true })
  const report = yield* Effect.tapErrorTag(
    connect(input, tell),
    "SmtpError",
    (error) => Console.log(row(undefined, "verdict", refusalText(error)))
  )
  yield* Console.log(row(undefined, "verdict", verdictText(report)))
})

const forPrograms = Effect.fnUntraced(function*(input: Input) {
  const now = yield* Clock.currentTimeMillis
  const steps: Array<unknown> = []
  const tell = (step: Steps.Step) => Effect.sync(() => void steps.push(factsOf(step, now)))
  const outcome = yield* Effect.result(connect(input, tell))
  if (outcome._tag === "Success") {
    const { mechanism } = outcome.success
    return yield* Console.log(
      Printable.json({ status: Exit.status.accepted, steps, ...(mechanism === undefined ? {} : { mechanism }) })
    )
  }
  yield* Console.log(Printable.json({ ...Report.facts(outcome.failure), steps }))
  return yield* new Exit.Exit({ status: Report.statusOf(outcome.failure) })
})

export const check = Command.make("check", flags, (input) =>
  (input.json ? forPrograms(input) : forPeople(input)).pipe(
    Report.told({ json: input.json, conversationShown: LogOptions.isTerminal(input.log) })
  )).pipe(
    Command.withDescription(
      `Connects to the server, secures the connection, logs in, and tells every step. Nothing is sent.
${ServerOptions.about}`
    ),
    Command.withShortDescription("Check a server"),
    Command.withExamples([
      { command: "colloquy check --server smtps://ann@mail.example", description: "Asks for the password" },
      {
        command: "colloquy check --server smtp://mail.example:25 --json",
        description: "Without a login, for a program"
      }
    ])
  )
