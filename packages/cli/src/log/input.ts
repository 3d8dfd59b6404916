/**
 * What the commands on logs read: files, rotated sets or standard input; and which conversations of them are meant.
 *
 * Any log that `LogReader` reads. Several files are merged. What can't be read of a log is an event of it (`Unread`); what
 * can't be read of a file is `InputFailed`.
 */
import * as Diagnosis from "@colloquy/core/Diagnosis"
import type { LogEvent } from "@colloquy/core/LogEvent"
import * as LogFilter from "@colloquy/core/LogFilter"
import * as LogReader from "@colloquy/core/LogReader"
import * as Argument from "effect/cli/Argument"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import type * as Path from "effect/Path"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import { inputFailed } from "../internal/files.ts"
import * as Report from "../report.ts"

export const files = Argument.String("FILE").pipe(
  Argument.withDescription("Logs, also with * for a rotated set; - is standard input"),
  Argument.variadic({ min: 1 })
)

/** How a log is read. */
export const reading = {
  zone: Flag.String("zone").pipe(
    Flag.withMetavar("ZONE"),
    Flag.withDescription("The time zone of times that name none, as Europe/Paris"),
    Flag.optional
  ),
  format: Flag.Literals("format", LogReader.formats).pipe(
    Flag.withDescription("Whose log it is, where looking at it does not tell"),
    Flag.optional
  ),
  json: Flag.Boolean("json").pipe(Flag.withDescription("Prints JSON, one object a line"), Flag.withDefault(false))
}

/** Which conversations are meant. */
export const choice = {
  session: Flag.Int("session").pipe(
    Flag.withMetavar("N"),
    Flag.withDescription("Only this session; may be given several times"),
    Flag.atLeast(0)
  ),
  host: Flag.String("host").pipe(
    Flag.withMetavar("HOST"),
    Flag.withDescription("Only sessions with this host"),
    Flag.optional
  ),
  domain: Flag.String("domain").pipe(
    Flag.withMetavar("DOMAIN"),
    Flag.withDescription("Only sessions with a recipient there"),
    Flag.optional
  ),
  failed: Flag.Boolean("failed").pipe(
    Flag.withDescription("Only sessions in which something went wrong"),
    Flag.withDefault(false)
  )
}

export interface Reading {
  readonly zone: Option.Option<string>
  readonly format: Option.Option<LogReader.Format>
  readonly json: boolean
}

export interface Choice {
  readonly session: ReadonlyArray<number>
  readonly host: Option.Option<string>
  readonly domain: Option.Option<string>
  readonly failed: boolean
}

type Source = FileSystem.FileSystem | Path.Path | Stdio.Stdio

/** Of a longer conversation the beginning and the end are shown. */
const maxEvents = 10_000

const readOptions = ({ format, zone }: Reading) => ({
  format: Option.getOrUndefined(format),
  zone: Option.getOrUndefined(zone)
})

export const nameOf = (file: string): string => file === "-" ? "standard input" : file

/** The files that are meant, each once. */
export const filesOf = Effect.fnUntraced(function*(patterns: ReadonlyArray<string>) {
  const found = yield* Effect.forEach(patterns, (pattern) =>
    pattern === "-"
      ? Effect.succeed<ReadonlyArray<string>>([pattern])
      : LogReader.filesOf(pattern).pipe(
        Effect.mapError(inputFailed(pattern)),
        Effect.filterOrFail(
          ({ length }) => length > 0,
          () => new Report.InputFailed({ path: pattern, problem: "there is no such file" })
        )
      ))
  return [...new Set(found.flat())]
})

export const octetsToEvents =
  (reading: Reading, source: string) =>
  <E, R>(octets: Stream.Stream<Uint8Array, E, R>): Stream.Stream<LogEvent, E, R> =>
    LogReader.read({ ...readOptions(reading), source })(octets)

const eventsOf = (file: string, reading: Reading): Stream.Stream<LogEvent, Report.InputFailed, Source> =>
  file === "-"
    ? Stream.unwrap(Stdio.Stdio.useSync(({ stdin }) => octetsToEvents(reading, "standard input")(stdin))).pipe(
      Stream.mapError(inputFailed("standard input"))
    )
    : Stream.mapError(LogReader.readFiles(file, readOptions(reading)), inputFailed(file))

/** The events of all files. */
export const events = (
  patterns: ReadonlyArray<string>,
  reading: Reading
): Stream.Stream<LogEvent, Report.InputFailed, Source> =>
  Stream.unwrap(Effect.map(filesOf(patterns), (files) => {
    const logs = files.map((file) => eventsOf(file, reading))
    const [only, ...others] = logs
    return only !== undefined && others.length === 0 ? only : LogReader.merge(logs)
  }))

const isSame = (a: string | undefined, b: string) => a?.toLowerCase() === b.toLowerCase()

/** 4D's and other programs' logs name no failure: what went wrong is what the diagnosis says. */
const hasTrouble = (events: LogReader.Conversation["events"]): boolean =>
  ["failed", "partial"].includes(Diagnosis.diagnose(events).outcome)

export const isChosen = (
  { domain, failed, host, session }: Choice,
  conversation: LogReader.Conversation
): boolean => {
  const { events } = conversation
  return (session.length === 0 || session.includes(conversation.session)) &&
    (Option.isNone(host) || events.some((event) => isSame(LogFilter.hostOf(event), host.value))) &&
    (Option.isNone(domain) ||
      events.some((event) => isSame(LogFilter.recipientDomainOf(event), domain.value))) &&
    (!failed || hasTrouble(events))
}

export const hasChoice = ({ domain, failed, host, session }: Choice): boolean =>
  session.length > 0 || failed || Option.isSome(host) || Option.isSome(domain)

/** The same choice of events as they happen. */
export const filterOf = ({ domain, failed, host, session }: Choice): LogFilter.LogFilter => (events) => {
  const bySession = session.length === 0 ? events : LogFilter.session(...session)(events)
  const byHost = Option.isNone(host) ? bySession : LogFilter.host(host.value)(bySession)
  const byDomain = Option.isNone(domain) ? byHost : LogFilter.recipientDomain(domain.value)(byHost)
  return failed ? LogFilter.failures()(byDomain) : byDomain
}

/** The conversations of all files, in the order in which they end; with those that are of no session, unless some are chosen. */
export const conversations = (
  patterns: ReadonlyArray<string>,
  reading: Reading,
  choice: Choice
): Stream.Stream<LogReader.Conversation, Report.InputFailed, Source> =>
  events(patterns, reading).pipe(
    LogReader.conversations({ maxEvents }),
    Stream.filter((conversation) => conversation.kind === "apart" ? !hasChoice(choice) : isChosen(choice, conversation))
  )

const everything: Choice = { session: [], host: Option.none(), domain: Option.none(), failed: false }

/** The one conversation that is meant of a file: the session, or the first one. `others`: how many more there are. */
export const one = Effect.fnUntraced(function*(file: string, reading: Reading, session: Option.Option<number>) {
  const all = yield* conversations([file], reading, { ...everything, session: Option.toArray(session) }).pipe(
    Stream.filter(({ kind }) => kind !== "apart"),
    Stream.runFold(
      () => ({ first: undefined as LogReader.Conversation | undefined, count: 0 }),
      ({ count, first }, conversation) => ({ first: first ?? conversation, count: count + 1 })
    )
  )
  if (all.first === undefined) {
    const what = Option.match(session, {
      onNone: () => "no conversation",
      onSome: (number) => `no session ${number}`
    })
    return yield* new Report.InputFailed({ path: nameOf(file), problem: `there is ${what} in it` })
  }
  return { conversation: all.first, others: all.count - 1 }
})
