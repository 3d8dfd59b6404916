/** What a reader of a foreign format is: lines in, events out, with a memory of its own for each file. */
import type { LogEvent } from "../../LogEvent.ts"

/**
 * One line at a time, without its end; never an empty one. `undefined`: the line cannot be read. The counter of an event
 * is the number of its line.
 */
export type LineReader = (line: string, lineNumber: number) => ReadonlyArray<LogEvent> | undefined

export interface Format {
  /** Only this format has such a line. */
  readonly recognises: (line: string) => boolean
  readonly make: () => LineReader
}

/** How much of a line is looked at to recognise it, in characters. */
export const maxRecognised = 1_024

/** How many sessions of one file are told apart at once; the oldest are forgotten. */
export const maxSessions = 10_000

/** Numbers for the sessions of a format that names them by text. */
export const makeSessions = <A>(make: (session: number) => A) => {
  const known = new Map<string, A>()
  let last = 0
  return {
    of: (name: string): A => {
      const found = known.get(name)
      if (found !== undefined) return found
      if (known.size >= maxSessions) {
        const [oldest] = known.keys()
        if (oldest !== undefined) known.delete(oldest)
      }
      const made = make(++last)
      known.set(name, made)
      return made
    },
    forget: (name: string): void => void known.delete(name)
  }
}
