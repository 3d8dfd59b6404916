/** How far a long reading has come, on a line of the terminal that is written over; elsewhere nothing. */
import * as Effect from "effect/Effect"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"

export const grouped = (count: number): string => String(count).replaceAll(/\B(?=(?:\d{3})+$)/g, ",")

/** Conversations are counted as they pass. */
export const counting =
  (json: boolean) => <A, E, R>(self: Stream.Stream<A, E, R>): Stream.Stream<A, E, R | Stdio.Stdio> =>
    Stream.unwrap(Effect.gen(function*() {
      const stdio = yield* Stdio.Stdio
      if (json || !(yield* stdio.stderrIsTerminal)) return self
      const tell = (text: string) =>
        Effect.ignore(Stream.run(Stream.make(`\r\u001b[K${text}`), stdio.stderr({ endOnDone: false })))
      let seen = 0
      return self.pipe(
        Stream.tap(() => ++seen % 1_000 === 0 ? tell(`${grouped(seen)} conversations read`) : Effect.void),
        Stream.ensuring(Effect.suspend(() => seen < 1_000 ? Effect.void : tell("")))
      )
    }))
