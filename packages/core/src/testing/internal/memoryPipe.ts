/**
 * A connection in memory: two ends, each a `Connection`, with back-pressure in both directions and a TLS handshake that is
 * only acted.
 *
 * As on a real connection, what was written before an end closes is read before the end is seen, a write waits while the
 * other side does not read, and clear text that is under way when the handshake begins makes it fail.
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import type { Connection } from "../../Connection.ts"
import { ConnectionLost, TlsFailed } from "../../SmtpError.ts"
import type { TlsInfo } from "../../Tls.ts"
import * as Signal from "./signal.ts"

/** Octets under way in one direction, at most so many before a write waits. */
const room = 65_536

interface Direction {
  chunks: Array<Uint8Array>
  length: number
  ended: boolean
}
const direction = (): Direction => ({ chunks: [], length: 0, ended: false })

export interface Pipe {
  readonly client: Connection
  readonly server: Connection
  /** An end is closed: it reads and writes no more, the other reads what is left, then the end. */
  readonly close: (side: "client" | "server") => Effect.Effect<void>
}

export interface Options {
  readonly secured: boolean
  /** What the handshake finds out. */
  readonly tls: (servername: string | undefined) => TlsInfo
  readonly clientAddress: string
  readonly serverAddress: string
}

export const make = (options: Options): Pipe => {
  const toServer = direction()
  const toClient = direction()
  const { changed, until } = Signal.make()
  const closed = { client: false, server: false }
  let info = options.secured ? options.tls(undefined) : undefined
  const ready = { client: false, server: false }
  let servername: string | undefined
  let failed = false

  const wake = Effect.sync(changed)
  const lost = Effect.fail(new ConnectionLost({ kind: "Closed" }))

  const close = (side: "client" | "server") =>
    Effect.suspend(() => {
      closed[side] = true
      toServer.ended = true
      toClient.ended = true
      return wake
    })

  const end = (side: "client" | "server", input: Direction, output: Direction): Connection => {
    const other = side === "client" ? "server" : "client"
    const handshakeFails = Effect.suspend(() => {
      failed = true
      return Effect.andThen(close(side), Effect.fail(new TlsFailed({ kind: "Handshake" })))
    })
    const upgrade = (name: string | undefined) =>
      Effect.andThen(
        Effect.suspend(() => {
          if (info === undefined) ready[side] = true
          if (side === "client") servername = name
          return wake
        }),
        until((): Effect.Effect<TlsInfo, TlsFailed> | undefined => {
          if (ready.client && ready.server && info !== undefined) return Effect.succeed(info)
          if (!ready[side] || failed || input.length > 0 || input.ended) return handshakeFails
          if (!ready[other]) return undefined
          info = options.tls(servername)
          return Effect.as(wake, info)
        })
      ).pipe(Effect.onInterrupt(() => close(side)))

    return {
      pull: until(() => {
        const { chunks } = input
        if (closed[side]) return lost
        if (!Arr.isReadonlyArrayNonEmpty(chunks)) return input.ended ? lost : undefined
        input.chunks = []
        input.length = 0
        return Effect.as(wake, chunks)
      }),
      writeAll: (chunks: NonEmptyReadonlyArray<Uint8Array>) =>
        until(() => {
          if (output.ended) return lost
          if (output.length >= room) return undefined
          for (const chunk of chunks) {
            output.chunks.push(chunk.slice())
            output.length += chunk.length
          }
          return wake
        }),
      upgrade: ({ servername }) => upgrade(servername),
      get tls() {
        return info
      },
      address: side === "client" ? options.serverAddress : options.clientAddress,
      localAddress: side === "client" ? options.clientAddress : options.serverAddress,
      channelBinding: undefined
    }
  }

  return { client: end("client", toClient, toServer), server: end("server", toServer, toClient), close }
}
