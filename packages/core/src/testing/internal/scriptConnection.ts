/**
 * Drives a `Machine` as a `Connection`: waits where the client has to wait, keeps the script's time by the `Clock`, and
 * dies where the client departed, in whatever it does next.
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Connection } from "../../Connection.ts"
import { CertificateRejected, type ConnectionFailed, ConnectionLost, TlsFailed } from "../../SmtpError.ts"
import type { TlsInfo, TlsOptions } from "../../Tls.ts"
import type { Machine } from "./scriptMachine.ts"
import { concat } from "./scriptOps.ts"
import * as Signal from "./signal.ts"

/** The client did what the script does not have, or less than it has. A defect. */
export class ScriptDeparture extends Data.TaggedError("ScriptDeparture")<{ readonly message: string }> {}

export interface Options {
  /** How the server's octets arrive: all that is ready at once (default), a line or an octet at a time. */
  readonly chunks?: "whole" | "line" | "byte" | undefined
  /** Sees each write of the client's before the server does; the write waits for it. Connections count from 1. */
  readonly onWrite?: ((octets: Uint8Array, connection: number) => Effect.Effect<void>) | undefined
  /** The server's; 203.0.113.25. */
  readonly address?: string | undefined
  /** The client's; 192.0.2.1. */
  readonly localAddress?: string | undefined
  /** What a connection with TLS has for `-PLUS` mechanisms; none. */
  readonly channelBinding?: Uint8Array | undefined
}

/** One connection of the client's: what the script says of it, and whether TLS is on. */
export interface Held {
  readonly number: number
  readonly machine: Machine
  /** What the client follows or departs from: "the script". */
  readonly name: string
  /** A certificate that was found wrong is refused by a client that does not accept such ones. */
  readonly judges: boolean
  tls: TlsInfo | undefined
}

const found = (servername: string): TlsInfo => ({
  protocol: "TLSv1.3",
  cipher: "TLS_AES_256_GCM_SHA384",
  servername,
  verified: true,
  chain: []
})

export const departed = (held: Held) =>
  Effect.suspend(() =>
    Effect.die(
      new ScriptDeparture({
        message: `The client departed from ${held.name} (connection ${held.number}).\n${held.machine.departure}`
      })
    )
  )

/** Opens the connection; `implicit`: TLS before anything is said. */
export const dial = Effect.fnUntraced(function*(
  held: Held,
  options: Options,
  host: string,
  implicit: TlsOptions | undefined
): Effect.fn.Return<Connection, ConnectionFailed | CertificateRejected | TlsFailed, Scope.Scope> {
  const { machine } = held
  const scope = yield* Effect.scope
  const signal = Signal.make()
  let timing = false

  /** After whatever may have moved the script: wakes who waits, starts the clock of a delay. */
  const moved: Effect.Effect<void> = Effect.suspend(() => {
    signal.changed()
    if (machine.waiting === undefined || timing) return Effect.void
    timing = true
    return Effect.sleep(machine.waiting).pipe(
      Effect.andThen(Effect.suspend(() => {
        timing = false
        machine.resume()
        return moved
      })),
      Effect.forkIn(scope, { startImmediately: true }),
      Effect.asVoid
    )
  })

  const until = <A, E>(answer: () => Effect.Effect<A, E> | undefined): Effect.Effect<A, E> =>
    signal.until(() => machine.departure === undefined ? answer() : departed(held))

  const lost = Effect.suspend(() =>
    Effect.fail(new ConnectionLost({ kind: machine.closedBy === "reset" ? "Reset" : "Closed" }))
  )

  const handshakeFails = <E extends TlsFailed | CertificateRejected>(error: E) =>
    Effect.suspend(() => {
      machine.note(`TLS failed (${error._tag})`)
      machine.fail()
      return Effect.andThen(moved, Effect.fail(error))
    })

  const secure = (info: TlsInfo) => {
    machine.note(`TLS is on (${info.protocol}, ${info.verified ? "verified" : "not verified"})`)
    held.tls = info
  }

  const refusal = (info: TlsInfo, { dangerouslyAcceptInvalidCertificates, mode }: TlsOptions, servername: string) =>
    held.judges && !info.verified && info.chain.length > 0 && mode !== "opportunistic" &&
      dangerouslyAcceptInvalidCertificates !== true
      ? new CertificateRejected({ servername, problem: info.problem ?? "it is not verified", chain: info.chain })
      : undefined

  const handshake = (servername: string, tls: TlsOptions) =>
    until((): Effect.Effect<TlsInfo, TlsFailed | CertificateRejected> | undefined => {
      if (machine.closedBy !== undefined) return Effect.fail(new TlsFailed({ kind: "Handshake" }))
      // what the server said in clear text is taken for a part of the handshake
      if (machine.unread) return handshakeFails(new TlsFailed({ kind: "Handshake" }))
      const op = machine.ops[machine.index]
      if (op?._tag === "Delay" || op?._tag === "Silence" || op?._tag === "Stall") return undefined
      if (op?._tag !== "StartTls" && op?._tag !== "Tls") {
        machine.depart("-- starttls")
        return departed(held)
      }
      const outcome = op.outcome ?? { info: found(servername) }
      if ("fails" in outcome) return handshakeFails(outcome.fails)
      const refused = refusal(outcome.info, tls, servername)
      if (refused !== undefined) return handshakeFails(refused)
      secure(outcome.info)
      machine.pass()
      return Effect.as(moved, outcome.info)
    })

  const upgrade = (servername: string, tls: TlsOptions) =>
    Effect.onInterrupt(handshake(servername, tls), () => Effect.sync(() => machine.close("network")))

  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      machine.close("client")
      signal.changed()
    })
  )
  const ending = machine.ops.find((op) => op._tag !== "Delay")
  if (ending?._tag === "Tls" && implicit === undefined) {
    machine.depart("-- a connection in clear text")
    return yield* departed(held)
  }
  if (implicit !== undefined && ending?._tag !== "Tls" && ending?._tag !== "Refuse") {
    secure(found(implicit.servername ?? host))
  }
  machine.advance()
  yield* moved
  if (ending?._tag === "Refuse") {
    return yield* until((): Effect.Effect<never, ConnectionFailed> | undefined => {
      if (machine.ops[machine.index]?._tag !== "Refuse") return undefined
      machine.note(`no connection (${ending.reason.kind})`)
      machine.fail()
      return Effect.fail(ending.reason)
    })
  }
  if (ending?._tag === "Tls") yield* upgrade(implicit?.servername ?? host, implicit ?? {})

  return {
    pull: until(() => {
      const octets = machine.take(options.chunks ?? "whole")
      if (octets !== undefined) return Effect.succeed([octets])
      return machine.closedBy === undefined ? undefined : lost
    }),
    writeAll: (chunks) =>
      Effect.suspend(() => {
        const octets = concat(chunks)
        return Effect.andThen(
          options.onWrite?.(octets, held.number) ?? Effect.void,
          until(() => {
            if (machine.closedBy !== undefined) return lost
            if (machine.stalled) return undefined
            machine.receive(octets)
            return machine.departure === undefined ? moved : Effect.andThen(moved, departed(held))
          })
        )
      }),
    upgrade: (options) => upgrade(options.servername ?? host, options),
    get tls() {
      return held.tls
    },
    address: options.address ?? "203.0.113.25",
    localAddress: options.localAddress ?? "192.0.2.1",
    get channelBinding() {
      return held.tls === undefined ? undefined : options.channelBinding
    }
  }
})
