/**
 * A scripted server for any number of connections, each with a machine of its own, and the `Connector` that leads to it.
 *
 * What is played comes as operations, whoever made them: a test's script, or a recorded conversation.
 */
import * as Effect from "effect/Effect"
import { Connector, type Target } from "../../Connector.ts"
import type { TlsOptions } from "../../Tls.ts"
import { departed, dial, type Held, type Options, ScriptDeparture } from "./scriptConnection.ts"
import { type Closing, Machine, type Words } from "./scriptMachine.ts"
import { concat, type Op } from "./scriptOps.ts"

export interface ConnectionState {
  /** Whether the client still holds it. */
  readonly open: boolean
  /** Who ended it first; `network` where a TLS handshake failed. */
  readonly closedBy: Closing | undefined
  readonly secured: boolean
  /** How often the client wrote with nothing written since it last read: pipelined commands count once. */
  readonly roundTrips: number
}

interface Attempt {
  readonly address: string
  readonly problem: string
}

/** What one connection meets. */
export interface Play {
  readonly ops: ReadonlyArray<Op>
  /** What the client follows or departs from: "the script". */
  readonly name: string
  readonly words?: Words | undefined
  readonly judges?: boolean | undefined
  /** Addresses that fail before the dial ends. Without it: those of the failure. */
  readonly attempts?: ReadonlyArray<Attempt> | undefined
  readonly options: Options
}

/** One for every connection, or a list with one for each. */
export type Plays = Play | ReadonlyArray<Play>

const isOne = (plays: Plays): plays is Play => !Array.isArray(plays)

export const make = (plays: Plays) => {
  const all: Array<Held> = []

  /** The connection's number is that of its play. */
  const connect = (host: string, implicit: TlsOptions | undefined, onFailed?: (attempt: Attempt) => void) =>
    Effect.suspend(() => {
      const number = all.length + 1
      const play = isOne(plays) ? plays : plays[number - 1]
      if (play === undefined) {
        return Effect.die(new ScriptDeparture({ message: `No script for connection ${number}.` }))
      }
      const held: Held = {
        number,
        machine: new Machine(play.ops, play.words),
        name: play.name,
        judges: play.judges === true,
        tls: undefined
      }
      all.push(held)
      for (const attempt of play.attempts ?? []) onFailed?.(attempt)
      return Effect.tapError(dial(held, play.options, host, implicit), (error) =>
        Effect.sync(() => {
          if (error._tag !== "ConnectionFailed" || play.attempts !== undefined) return
          for (const attempt of error.attempts) onFailed?.(attempt)
        }))
    })

  const each = <A>(f: (held: Held) => A) => Effect.sync(() => all.map(f))
  const server = {
    wire: Effect.sync(() =>
      all.map(({ machine, number }) =>
        [...(all.length > 1 ? [`# connection ${number}`] : []), ...machine.conversation().map((entry) => entry.text)]
          .join("\n")
      ).join("\n\n")
    ),
    assertFinished: Effect.gen(function*() {
      for (const held of all) {
        if (held.machine.departure !== undefined) return yield* departed(held)
        if (!held.machine.finished) {
          return yield* Effect.die(
            new ScriptDeparture({
              message: `${
                held.name.replace(/^t/, "T")
              } has not come to its end (connection ${held.number}).\n${held.machine.sideBySide()}`
            })
          )
        }
      }
      const expected = isOne(plays) ? 1 : plays.length
      if (all.length < expected) {
        return yield* Effect.die(
          new ScriptDeparture({ message: `${expected} connections were expected, ${all.length} came.` })
        )
      }
    }),
    contents: each(({ machine }) => machine.contents).pipe(Effect.map((contents) => contents.flat())),
    octets: each(({ machine }) => concat(machine.received)),
    connections: each(({ machine, tls }): ConnectionState => ({
      open: machine.clientOpen,
      closedBy: machine.closedBy,
      secured: tls !== undefined,
      roundTrips: machine.roundTrips
    }))
  }

  const connector = Connector.of({
    connect: (target, hooks) => {
      const { host, implicit } = whereTo(target)
      const port = "path" in target ? 0 : target.port
      return Effect.tap(
        connect(host, implicit, (attempt) => hooks?.onAttempt?.({ ...attempt, port })),
        (connection) => Effect.sync(() => hooks?.onAttempt?.({ address: connection.address ?? "", port }))
      )
    }
  })
  return { connect, connector, server }
}

const whereTo = (target: Target): { readonly host: string; readonly implicit: TlsOptions | undefined } =>
  "path" in target ?
    { host: target.path, implicit: undefined } :
    {
      host: target.host,
      implicit: target.tls === undefined || (target.tls.mode ?? "implicit") !== "implicit" ? undefined : target.tls
    }
