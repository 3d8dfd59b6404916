/**
 * Plays recorded conversations at a port: the octets of a real client to the machine, and the machine's back.
 *
 * Where the client departs from the recording it is answered by 554, the difference is told, and the connection ends. A
 * handshake that failed when it was recorded ends the connection too: with which alert can't be chosen here.
 */
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { SocketServer, type SocketServerError } from "effect/socket/SocketServer"
import { type Connection, fromSocket } from "../../Connection.ts"
import type { ConnectionLost } from "../../SmtpError.ts"
import type { Recorded } from "./recordedOps.ts"
import { Machine, type Words } from "./scriptMachine.ts"
import { encodeLines, type Op } from "./scriptOps.ts"

export interface Tls {
  readonly key: Redacted.Redacted
  readonly cert: string
}

export interface Recording extends Recorded {
  readonly session: number
  readonly name: string
  readonly words: Words
}

export type Progress =
  | { readonly _tag: "BeforeTcp"; readonly session: number; readonly text: string }
  | { readonly _tag: "Accepted"; readonly session: number; readonly connection: number }
  /** Over, as recorded. `conversation`: what was said. */
  | {
    readonly _tag: "Finished"
    readonly session: number
    readonly connection: number
    readonly conversation: string
  }
  /** The client said something else than was recorded: `difference` has both side by side. */
  | { readonly _tag: "Departed"; readonly session: number; readonly connection: number; readonly difference: string }
  /** The client closed before the recording had come to its end. */
  | { readonly _tag: "Left"; readonly session: number; readonly connection: number; readonly difference: string }
  /** Something that can't be played at this port. */
  | { readonly _tag: "NotPlayed"; readonly session: number; readonly connection: number; readonly problem: string }

export interface Options {
  readonly tls: Tls | undefined
  readonly secured: boolean
  readonly tell: (progress: Progress) => Effect.Effect<void>
}

/** The outcome of an implicit handshake is the socket server's affair. */
const behindTls = (ops: ReadonlyArray<Op>): ReadonlyArray<Op> => ops.filter(({ _tag }) => _tag !== "Tls")

export const run = Effect.fnUntraced(function*(
  recordings: ReadonlyArray<Recording>,
  options: Options
): Effect.fn.Return<never, SocketServerError, SocketServer> {
  let connections = 0
  const server = yield* SocketServer
  return yield* server.run((socket) =>
    Effect.gen(function*() {
      const connection = ++connections
      const recording = recordings[(connection - 1) % recordings.length]
      if (recording === undefined) return
      const opened = yield* fromSocket(socket)
      yield* options.tell({ _tag: "Accepted", session: recording.session, connection })
      yield* play(opened, recording, connection, options)
    }).pipe(
      // it ended before it began
      Effect.catchTag("ConnectionLost", () => Effect.void),
      Effect.scoped
    )
  )
})

const play = Effect.fnUntraced(function*(
  connection: Connection,
  recording: Recording,
  number: number,
  { secured, tell, tls }: Options
): Effect.fn.Return<void, never, Scope.Scope> {
  const { session, words } = recording
  const machine = new Machine(behindTls(recording.ops), words)
  const head = { session, connection: number }
  const notPlayed = (problem: string) => tell({ _tag: "NotPlayed", ...head, problem })
  if (recording.isSecured && !secured) {
    yield* notPlayed("it was recorded over TLS from the first octet, and is played in clear text")
  }

  const say = (octets: Uint8Array) => connection.writeAll([octets])

  const handshake = Effect.fnUntraced(function*(op: Op & { readonly _tag: "StartTls" }) {
    if (op.outcome !== undefined && "fails" in op.outcome) {
      yield* notPlayed(`the handshake failed (${op.outcome.fails._tag}): the connection is closed in its place`)
      return machine.fail()
    }
    if (tls === undefined) {
      yield* notPlayed("it goes on over TLS, and there is no certificate to do so: the connection is closed")
      return machine.fail()
    }
    yield* connection.upgrade({ ...tls, dangerouslyAcceptInvalidCertificates: true }).pipe(
      Effect.matchEffect({
        onSuccess: () => Effect.sync(() => machine.pass()),
        onFailure: () =>
          Effect.andThen(
            notPlayed("the client broke off the TLS handshake: it may not trust this certificate"),
            Effect.sync(() => machine.fail())
          )
      })
    )
  })

  const step: Effect.Effect<void, ConnectionLost> = Effect.gen(function*() {
    while (true) {
      const octets = machine.take("whole")
      if (octets !== undefined) yield* say(octets)
      if (machine.departure !== undefined) {
        return yield* say(encodeLines(["554 5.5.0 The recording has something else here"]))
      }
      if (machine.closedBy !== undefined) return
      if (machine.waiting !== undefined) {
        yield* Effect.sleep(machine.waiting)
        machine.resume()
        continue
      }
      const op = machine.ops[machine.index]
      if (op?._tag === "StartTls") {
        yield* handshake(op)
        continue
      }
      if (op?._tag === "Stall") return yield* Effect.never
      const chunks = yield* connection.pull
      for (const chunk of chunks) machine.receive(chunk)
    }
  })

  machine.advance()
  if (machine.ops.some(({ _tag }) => _tag === "Reset")) {
    yield* notPlayed("it ended by a reset, in the place of which the connection is closed")
  }
  yield* Effect.catch(step, () => Effect.sync(() => machine.close("client")))
  if (machine.departure !== undefined) return yield* tell({ _tag: "Departed", ...head, difference: machine.departure })
  yield* tell(
    machine.closedBy === "client" && !machine.finished
      ? { _tag: "Left", ...head, difference: machine.sideBySide() }
      : { _tag: "Finished", ...head, conversation: machine.conversation().map(({ text }) => text).join("\n") }
  )
})
