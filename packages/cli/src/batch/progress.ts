/** A bar on a terminal's last line, written over ten times a second at most; elsewhere nothing. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"

export interface Facts {
  /** Of the batch, 0 to 1, where its size is known. */
  readonly share: number | undefined
  /** Messages with an outcome, of this run. */
  readonly done: number
  readonly failed: number
}

export const grouped = (count: number): string => String(count).replaceAll(/\B(?=(?:\d{3})+$)/g, ",")

const width = 24

export const text = ({ done, failed, share }: Facts, seconds: number): string => {
  const filled = Math.round(Math.min(share ?? 0, 1) * width)
  const bar = share === undefined
    ? ""
    : `[${"=".repeat(filled)}${" ".repeat(width - filled)}] ${
      String(Math.floor(Math.min(share, 1) * 100)).padStart(3)
    } %  `
  const rate = seconds < 1 ? "" : `  ${grouped(Math.round(done / seconds))}/s`
  return `${bar}${grouped(done)} done${failed === 0 ? "" : `, ${grouped(failed)} not accepted`}${rate}`
}

export const make = Effect.fnUntraced(function*(isWanted: boolean) {
  const stdio = yield* Stdio.Stdio
  const isShown = isWanted && (yield* stdio.stderrIsTerminal)
  const begun = yield* Clock.currentTimeMillis
  const write = (line: string) =>
    Effect.ignore(Stream.run(Stream.make(`\r\u001b[K${line}`), stdio.stderr({ endOnDone: false })))
  let last = begun
  let isThere = false
  return {
    show: (facts: () => Facts) =>
      isShown
        ? Effect.flatMap(Clock.currentTimeMillis, (now) => {
          if (now - last < 100) return Effect.void
          last = now
          isThere = true
          return write(text(facts(), (now - begun) / 1_000))
        })
        : Effect.void,
    clear: Effect.suspend(() => {
      if (!isThere) return Effect.void
      isThere = false
      return write("")
    })
  }
})
