/**
 * A scripted SMTP server, without I/O: what a session meets in a test.
 *
 * A script is a list of steps that the server carries out in order: lines that it sends, lines that it expects, and what
 * happens to the connection. A client that departs from it is a defect, in whatever the client does next on that
 * connection, and in `assertFinished`; its message shows script and conversation side by side, in log form: what a client
 * says between AUTH and its final reply is asterisks (P1). Octets arrive whole, line by line or one by one; time is
 * the `Clock`'s, so under `TestClock` a delay takes as long as the test says.
 *
 * It checks no grammar of its own and offers no extensions: what isn't in the script does not happen. A server that
 * follows the rules by itself is `Server`, or `CaptureServer`.
 *
 * **The text form** (`fromText`, `toText`): one thing a line; blanks in front, empty lines and `#` comments don't count.
 *
 * ```
 * S: 220 mail.test ESMTP              the server's line; CRLF is added
 * C: EHLO client.test                 the client's line, the whole of it
 * C: /^AUTH PLAIN /i                  a pattern, which may match a part; a line that starts with / or \ has a \ in front
 * C: AUTH PLAIN ********************************       32 asterisks stand for any characters, as in a log
 * -- content                          the client's content, up to CRLF.CRLF
 * -- bdat                             BDAT and its octets
 * -- swallow 100                      100 octets of the client's, whatever they are
 * -- starttls                         the TLS handshake, after STARTTLS and its 220 (one JSON object: what TLS found out)
 * -- starttls fails {"_tag":"TlsFailed","kind":"Handshake"}
 * -- tls {…}   -- tls fails {…}       how an implicit handshake ends, first of all
 * -- refuse {…}                       a dial that fails (a ConnectionFailed)
 * -- delay 5 seconds                  also `for ever`
 * -- hold      -- release             what is sent in between arrives together
 * -- raw "220-mail.test"              octets as they are, a JSON string of characters up to \u00ff
 * -- silence                          reads all, says nothing
 * -- stall                            does not even read
 * -- close     -- reset     -- end    the server closes; resets; the client closes
 * ```
 */
import * as Arr from "effect/Array"
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Socket from "effect/socket/Socket"
import type { Connection } from "../Connection.ts"
import { Connector } from "../Connector.ts"
import type { ConnectionFailed, ConnectionLost } from "../SmtpError.ts"
import { type Options, ScriptDeparture } from "./internal/scriptConnection.ts"
import { encodeLines, normalize, type Op, type TlsOutcome } from "./internal/scriptOps.ts"
import { type ConnectionState, make as makeServer, type Play } from "./internal/scriptServer.ts"
import { parse, printOps } from "./internal/scriptText.ts"

export interface Step {
  readonly "~@colloquy/core/testing/Script": ReadonlyArray<Op>
}
const step = (...ops: ReadonlyArray<Op>): Step => ({ "~@colloquy/core/testing/Script": ops })
const reply = (lines: ReadonlyArray<string>): Op => ({ _tag: "Send", octets: encodeLines(lines) })

/** Lines that the server sends unasked. */
export const greet = (...lines: ReadonlyArray<string>): Step => step(reply(lines))
/**
 * Expects a client line, then replies. A string is the whole line, 32 asterisks in it stand for any characters; a pattern
 * may match a part of the line.
 */
export const on = (line: string | RegExp, ...lines: ReadonlyArray<string>): Step =>
  step({ _tag: "Expect", line }, reply(lines))
/** As `on`, with a reply that depends on the line. Has no text form. */
export const onWith = (line: string | RegExp, answer: (line: string) => ReadonlyArray<string>): Step =>
  step({ _tag: "Expect", line, answer })
/** QUIT, answered, and closed. */
export const bye: Step = step({ _tag: "Expect", line: "QUIT" }, reply(["221 2.0.0 Bye"]), { _tag: "Close" })
/** Reads all, says nothing, until the client closes. In place of a TLS handshake: one that does not end. */
export const silence: Step = step({ _tag: "Silence" })
/** Reads nothing any more: the client's writes do not end. */
export const stall: Step = step({ _tag: "Stall" })
/** The server does nothing for so long; in front of `refuse` or `tls` it is the dial that takes so long. */
export const delay = (duration: Duration.Input): Step =>
  step({ _tag: "Delay", millis: Duration.toMillis(Duration.fromInputUnsafe(duration)) })
/** The server closes in order: what it sent before arrives, then the end. */
export const close: Step = step({ _tag: "Close" })
/** What the server sent before arrives, then a reset. */
export const reset: Step = step({ _tag: "Reset" })
/** The client closes here, and says nothing before. */
export const expectEnd: Step = step({ _tag: "End" })
/** The TLS handshake after STARTTLS and its 220: TLSv1.3, verified, for the name that the client gave. */
export const startTls: Step = step({ _tag: "StartTls", outcome: undefined })
/** The upgrade's outcome: what TLS found out, or how it fails (expired, self-signed, wrong name, handshake). */
export const startTlsWith = (outcome: TlsOutcome): Step => step({ _tag: "StartTls", outcome })
/** How the handshake of a connection with implicit TLS ends; stands first. Without it: as `startTls`. */
export const tls = (outcome: TlsOutcome): Step => step({ _tag: "Tls", outcome })
/** The dial fails. */
export const refuse = (reason: ConnectionFailed): Step => step({ _tag: "Refuse", reason })
/** Octets as they are: no CRLF added. */
export const raw = (octets: Uint8Array | string): Step =>
  step({ _tag: "Send", octets: typeof octets === "string" ? new TextEncoder().encode(octets) : octets })
/** Content up to CRLF.CRLF */
export const content = (...lines: ReadonlyArray<string>): Step => step({ _tag: "Content" }, reply(lines))
/** `BDAT n` or `BDAT n LAST` with its octets (RFC 3030 §2). */
export const bdat = (...lines: ReadonlyArray<string>): Step => step({ _tag: "Bdat" }, reply(lines))
/** So many octets of the client's, lines or content: what follows happens in the middle of them. */
export const swallow = (octets: number): Step => step({ _tag: "Swallow", octets })
/** What the server sends from here to `release` (or the end) arrives together. */
export const hold: Step = step({ _tag: "Hold" })
export const release: Step = step({ _tag: "Release" })

const opsOf = (script: ReadonlyArray<Step>) =>
  normalize(script.flatMap((step) => step["~@colloquy/core/testing/Script"]))

/** Throws if the text is no script: it is a part of a test's source. */
export const fromText = (dialogue: string): ReadonlyArray<Step> => normalize(parse(dialogue)).map((op) => step(op))
/** `fromText` reads it back: a script that does the same. What a secret is in it, is in the text. */
export const toText = (script: ReadonlyArray<Step>): string =>
  printOps(opsOf(script)).flat().map((line) => `${line}\n`).join("")

export { type Options, ScriptDeparture }

export type { ConnectionState }

export class ScriptServer extends Context.Service<ScriptServer, {
  /** What went over, as `C: `, `S: ` and `-- ` lines in log form: secrets are asterisks, content is its number of octets. */
  readonly wire: Effect.Effect<string>
  /** A defect that shows what was still expected, or how the client departed. */
  readonly assertFinished: Effect.Effect<void>
  /** The contents, octet for octet as they came: dots stuffed, without the final dot; the chunks of BDAT joined. */
  readonly contents: Effect.Effect<ReadonlyArray<Uint8Array>>
  /** All octets of the client's, a connection each. *Secrets are in them.* */
  readonly octets: Effect.Effect<ReadonlyArray<Uint8Array>>
  readonly connections: Effect.Effect<ReadonlyArray<ConnectionState>>
}>()("@colloquy/core/testing/ScriptServer") {}

/** A script each for the connections, or the same for all. */
const make = (
  script: ReadonlyArray<Step> | ReadonlyArray<ReadonlyArray<Step>>,
  options: Options
) => {
  const play = (steps: ReadonlyArray<Step>): Play => ({
    ops: opsOf(steps),
    name: "the script",
    options
  })
  return makeServer(isOne(script) ? play(script) : script.map(play))
}

const isOne = (
  script: ReadonlyArray<Step> | ReadonlyArray<ReadonlyArray<Step>>
): script is ReadonlyArray<Step> => !Array.isArray(script[0])

/** One script for every connection, or one each. */
export const layer = (
  script: ReadonlyArray<Step> | ReadonlyArray<ReadonlyArray<Step>>,
  options: Options = {}
): Layer.Layer<Connector | ScriptServer> =>
  Layer.syncContext(() => {
    const { connector, server } = make(script, options)
    return Context.make(Connector, connector).pipe(Context.add(ScriptServer, server))
  })

const broken = (lost: ConnectionLost) =>
  new Socket.SocketError({
    reason: new Socket.SocketCloseError({ code: lost.kind === "Closed" ? 1000 : 1006 })
  })
const bytes = (chunk: Uint8Array | string) => typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk

/** An effect `Socket` in front of the script: each acquisition of its reader is a new connection. */
export const layerSocket = (
  script: ReadonlyArray<Step> | ReadonlyArray<ReadonlyArray<Step>>,
  options: Options = {}
): Layer.Layer<Socket.Socket | ScriptServer> =>
  Layer.syncContext(() => {
    const { connect, server } = make(script, options)
    const current = Latch.makeUnsafe(false)
    let connection: Connection | undefined
    const writeAll = (chunks: NonEmptyReadonlyArray<Uint8Array>): Effect.Effect<void, Socket.SocketError> =>
      Effect.andThen(
        current.await,
        Effect.suspend(() =>
          connection === undefined ? Effect.void : Effect.mapError(connection.writeAll(chunks), broken)
        )
      )
    const socket = Socket.make({
      reader: Effect.gen(function*() {
        const opened = yield* connect("localhost", undefined).pipe(
          Effect.mapError((cause) =>
            new Socket.SocketError({ reason: new Socket.SocketOpenError({ kind: "Unknown", cause }) })
          )
        )
        connection = opened
        current.openUnsafe()
        return {
          pull: Effect.mapError(opened.pull, broken),
          upgrade: (options) =>
            opened.upgrade({ servername: options?.servername }).pipe(
              Effect.mapError((cause) => new Socket.SocketError({ reason: new Socket.SocketUpgradeError({ cause }) })),
              Effect.asVoid
            )
        }
      }),
      writer: Effect.succeed({
        write: (chunk) => Socket.isCloseEvent(chunk) ? Effect.void : writeAll([bytes(chunk)]),
        writeAll: (chunks) => writeAll(Arr.map(chunks, bytes))
      })
    })
    return Context.make(Socket.Socket, socket).pipe(Context.add(ScriptServer, server))
  })
