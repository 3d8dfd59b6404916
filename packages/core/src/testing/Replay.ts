/**
 * A recorded conversation as a server: a customer's log becomes a test that fails as it failed there.
 *
 * Reads any log that `LogReader` reads, or events as they are (the `conversation` of an `SmtpError`, for one), and plays
 * the server's side of it. What was done is played as well as what was said: addresses that failed, dials that were
 * refused, the outcome of handshakes, silence, resets. A log without content suffices: content is taken up to its dot, or
 * by its count (RFC 3030), and not compared. Pipelined conversations are played in the order of the protocol.
 *
 * Asterisks in the log stand for anything. Of a SCRAM login the client's nonce is put in anew; a login that the server
 * confirmed by a signature can't be played, since that hangs on the password: `ReplayError` says so, before anything is
 * dialled. Where the client now says something else than was recorded it is a defect, `ScriptDeparture`, that shows both
 * side by side.
 *
 * It runs on the machine of `Script`. It does not judge: what a conversation means is `Diagnosis`.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { SocketServer, SocketServerError } from "effect/socket/SocketServer"
import * as Stream from "effect/Stream"
import { Connector } from "../Connector.ts"
import type { LogEvent } from "../LogEvent.ts"
import * as LogReader from "../LogReader.ts"
import { make as makeRecorded, type Pace, type Recorded } from "./internal/recordedOps.ts"
import * as ReplaySocket from "./internal/replaySocket.ts"
import type { Options as ConnectionOptions } from "./internal/scriptConnection.ts"
import { make as makeServer, type Play } from "./internal/scriptServer.ts"
import { ScriptServer } from "./Script.ts"

/** The log holds nothing that can be played; `problem` says what is missing, and what to do. */
export class ReplayError extends Schema.TaggedError<ReplayError>("@colloquy/core/testing/ReplayError")("ReplayError", {
  problem: Schema.String
}) {
  override get message(): string {
    return `This log can't be replayed: ${this.problem}.`
  }
}

export interface Options extends Pick<ConnectionOptions, "chunks" | "onWrite" | "channelBinding"> {
  /** The number of the one session to play. Default: all of the log, a connection each, in the order of their beginnings. */
  readonly session?: number | undefined
  /** How fast the server answers: at once (default), or after as long as it took. Silence is silence in both. */
  readonly pace?: Pace | undefined
}

interface Conversation extends Recorded {
  readonly session: number
  readonly host: string | undefined
}

const eventsOf = (log: string | ReadonlyArray<LogEvent>): Effect.Effect<ReadonlyArray<LogEvent>> =>
  typeof log === "string" ? Stream.runCollect(LogReader.readText(log)) : Effect.succeed(log)

/** Something of a session: a stray closing is not. */
const isDialogue = (event: LogEvent): boolean =>
  event._tag === "ServerLine" || event._tag === "ClientLine" || event._tag === "Connecting" ||
  event._tag === "Connected" || event._tag === "AttemptFailed"

/** More than any session has. */
const maxEvents = 10_000_000

const conversationsOf = Effect.fnUntraced(function*(log: string | ReadonlyArray<LogEvent>, options: Options) {
  const events = yield* eventsOf(log)
  const order = new Map(events.map((event, at) => [event, at]))
  const all = LogReader.conversationsOf(events, { maxEvents })
    .filter(({ events }) => events.some(isDialogue))
    .toSorted((a, b) => (order.get(a.events[0]) ?? 0) - (order.get(b.events[0]) ?? 0))
  const wanted = options.session === undefined ? all : all.filter(({ session }) => session === options.session)
  if (wanted.length === 0) {
    const sessions = all.map(({ session }) => session).join(", ")
    return yield* new ReplayError({
      problem: all.length === 0
        ? "there is no conversation in it"
        : `it has no session ${options.session}; it has ${sessions}`
    })
  }
  return yield* Effect.forEach(wanted, ({ events, session }) => {
    const made = makeRecorded(events, options.pace ?? "immediate")
    if (Result.isFailure(made)) {
      return new ReplayError({ problem: wanted.length === 1 ? made.failure : `session ${session}: ${made.failure}` })
    }
    const dialled = events.find((event) => event._tag === "Connecting" || event._tag === "Connected")
    return Effect.succeed<Conversation>({ ...made.success, session, host: dialled?.host })
  })
})

const words = { expected: "recorded", got: "said", end: "(end of the recording)" }

const nameOf = ({ session }: Conversation) => `the recording of session ${session}`

const playOf = (options: Options) => (conversation: Conversation): Play => ({
  ops: conversation.ops,
  name: nameOf(conversation),
  words,
  judges: true,
  attempts: conversation.attempts,
  options: {
    chunks: options.chunks,
    onWrite: options.onWrite,
    address: conversation.address,
    localAddress: conversation.localAddress,
    // any will do: what it binds to is not checked
    channelBinding: options.channelBinding ?? (conversation.isBound ? new Uint8Array(32) : undefined)
  }
})

/**
 * Leads to the recorded server, whatever host and port are dialled.
 *
 * **Details**
 *
 * A log of one conversation is played for each connection; of several, each connection gets the next. Time is the
 * `Clock`'s: under `TestClock` a server that was silent is silent for as long as the test says. `ScriptServer` comes with
 * it: `assertFinished` says whether the client said all that was recorded.
 *
 * **Gotchas**
 *
 * What was recorded of content is not played: a test sends a message of its own. A connection that broke in the middle of
 * a long content may come to break behind a short one.
 */
export const layer = (
  log: string | ReadonlyArray<LogEvent>,
  options: Options = {}
): Layer.Layer<Connector | ScriptServer, ReplayError> =>
  Layer.effectContext(Effect.gen(function*() {
    const plays = Array.from(yield* conversationsOf(log, options), playOf(options))
    const [only, ...others] = plays
    const { connector, server } = makeServer(only !== undefined && others.length === 0 ? only : plays)
    return Context.make(Connector, connector).pipe(Context.add(ScriptServer, ScriptServer.of(server)))
  }))

/** What can be played of a log, in the order in which it began. */
export const sessions = (
  log: string | ReadonlyArray<LogEvent>,
  options: Pick<Options, "session"> = {}
): Effect.Effect<
  ReadonlyArray<{
    readonly session: number
    /** The host that was dialled, where the log tells it. */
    readonly host: string | undefined
    /** A connection came about. */
    readonly isConnected: boolean
    /** It was secured before anything was said. */
    readonly isSecured: boolean
  }>,
  ReplayError
> =>
  Effect.map(
    conversationsOf(log, options),
    (all) => all.map(({ host, isConnected, isSecured, session }) => ({ session, host, isConnected, isSecured }))
  )

/** What happens at the port of `run`, in order. Texts are in log form: no secret is in them, control characters are escaped. */
export type Progress = ReplaySocket.Progress

export interface RunOptions extends Pick<Options, "session" | "pace"> {
  /** Key and certificates (PEM) for STARTTLS. Without it a recorded STARTTLS can't be played. */
  readonly tls?: ReplaySocket.Tls | undefined
  /** The socket server speaks TLS by itself, for a conversation with implicit TLS. */
  readonly secured?: boolean | undefined
  /** Told what happens. What happened before TCP (addresses, a refused dial) is only told, at the beginning. */
  readonly onProgress?: ((progress: Progress) => Effect.Effect<void>) | undefined
}

/**
 * Plays the recording at a port, for any client. Connections get the recorded conversations in turn, and from the first
 * one again when all were played.
 */
export const run = Effect.fnUntraced(function*(
  log: string | ReadonlyArray<LogEvent>,
  options: RunOptions = {}
): Effect.fn.Return<never, ReplayError | SocketServerError, SocketServer> {
  const all = yield* conversationsOf(log, options)
  const tell = options.onProgress ?? (() => Effect.void)
  const recordings = all.map((conversation) => ({ ...conversation, name: nameOf(conversation), words }))
  const playable = recordings.filter(({ isConnected }) => isConnected)
  for (const recording of recordings) {
    for (const { address, problem } of recording.attempts) {
      yield* tell({ _tag: "BeforeTcp", session: recording.session, text: `${address} failed: ${problem}` })
    }
    if (!recording.isConnected) {
      yield* tell({ _tag: "BeforeTcp", session: recording.session, text: "no connection came about" })
    }
  }
  if (playable.length === 0) {
    return yield* new ReplayError({
      problem: "no connection came about in it, and what happens before TCP can't be played at a port"
    })
  }
  return yield* ReplaySocket.run(playable, { tls: options.tls, secured: options.secured === true, tell })
})
