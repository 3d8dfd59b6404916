/**
 * The octets of a dialogue with a proxy: read by lines or by count, and what came behind it left for who speaks next.
 *
 * What goes wrong is a text, which is all that the log and the error need; what the proxy said in it is scrubbed of the
 * secrets it was told, and cut.
 */
import * as Effect from "effect/Effect"
import type { Connection } from "../../Connection.ts"
import type { ConnectionLost } from "../../SmtpError.ts"
import { excerpt } from "../excerpt.ts"
import * as Octets from "../octets.ts"

export interface Wire {
  readonly write: (octets: Uint8Array) => Effect.Effect<void, string>
  /** Exactly so many octets. */
  readonly take: (count: number) => Effect.Effect<Uint8Array, string>
  /** A line without its end, which is LF with or without CR (RFC 9112 §2.2). */
  readonly line: Effect.Effect<string, string>
  /** As an error may say it. */
  readonly said: (text: string) => string
  /** What was received and nobody has read; takes it. */
  readonly rest: () => Uint8Array | undefined
}

/** In octets. A status line or header field is shorter. */
const longestLine = 8_192

const lostWords = ({ kind }: ConnectionLost): string =>
  kind === "Reset" ? "it reset the connection" : "it closed the connection"

export const make = (connection: Connection, scrub: (text: string) => string): Wire => {
  let held = new Uint8Array(0)
  const more = connection.pull.pipe(
    Effect.mapError(lostWords),
    Effect.map((chunks) => {
      const joined = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, held.length))
      joined.set(held)
      let at = held.length
      for (const chunk of chunks) {
        joined.set(chunk, at)
        at += chunk.length
      }
      held = joined
    })
  )
  const cut = (count: number): Uint8Array => {
    const taken = held.subarray(0, count)
    held = held.subarray(count)
    return taken
  }
  return {
    write: (octets) => Effect.mapError(connection.writeAll([octets]), lostWords),
    take: Effect.fnUntraced(function*(count) {
      while (held.length < count) yield* more
      return cut(count)
    }),
    line: Effect.gen(function*() {
      let searched = 0
      for (;;) {
        const lf = held.indexOf(10, searched)
        if (lf >= 0) return Octets.decode(cut(lf + 1)).replace(/\r?\n$/, "")
        if (held.length > longestLine) return yield* Effect.fail("it sends a line without end")
        searched = held.length
        yield* more
      }
    }),
    said: (text) => excerpt(scrub(text)),
    rest: () => held.length === 0 ? undefined : cut(held.length)
  }
}
