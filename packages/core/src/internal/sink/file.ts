/**
 * One open file of a log: whole lines at its end, the first of them `Log opened`.
 *
 * Opened for appending, mode 0600. A write that the system takes in part leaves a piece of a line; its other piece is kept
 * and written first when writing works again, so that no record is torn. A file whose last line another program left
 * unfinished gets a line end first.
 */
import * as Effect from "effect/Effect"
import { FileSystem } from "effect/FileSystem"
import * as Option from "effect/Option"
import type { LogEvent } from "../../LogEvent.ts"
import type { WriteProblem } from "./model.ts"
import * as Problem from "./problem.ts"

export interface OpenFile {
  /** Octets in the file, and those that wait to be written first. */
  readonly size: () => number
  /** Has it nothing but its first line? */
  readonly isFresh: () => boolean
  readonly write: (lines: ReadonlyArray<string>, progress?: () => void) => Effect.Effect<void, WriteProblem>
}

const octets = new TextEncoder()
const lineEnd = 0x0a
/** Octets of one write, to the end of a line: more at a time would not be faster, and hides whether a slow disk is alive. */
const pieceSize = 1_048_576

/** Octets of a line with its end. */
export const lengthOf = (line: string): number => octets.encode(line).length + 1

const join = (before: Uint8Array, after: Uint8Array): Uint8Array => {
  if (before.length === 0) return after
  const whole = new Uint8Array(before.length + after.length)
  whole.set(before)
  whole.set(after, before.length)
  return whole
}

const countLines = (bytes: Uint8Array): number => {
  let count = 0
  for (let at = bytes.indexOf(lineEnd); at >= 0; at = bytes.indexOf(lineEnd, at + 1)) count++
  return count
}

const pieceEnd = (bytes: Uint8Array, from: number): number => {
  if (bytes.length - from <= pieceSize) return bytes.length
  const before = bytes.lastIndexOf(lineEnd, from + pieceSize - 1) + 1
  return before > from ? before : bytes.indexOf(lineEnd, from) + 1
}

const endsUnfinished = Effect.fnUntraced(
  function*(path: string, size: number) {
    const fs = yield* FileSystem
    const file = yield* fs.open(path, { flag: "r" })
    const last = yield* file.readAlloc(1, { position: BigInt(size - 1) })
    return Option.isSome(last) && last.value[0] !== lineEnd
  },
  Effect.scoped,
  (self) => Effect.orElseSucceed(self, () => false)
)

export const open = Effect.fnUntraced(function*(options: {
  readonly path: string
  readonly flag: "a" | "ax"
  readonly mode: number
  readonly encode: (event: LogEvent) => string
  readonly opened: () => LogEvent
}) {
  const fs = yield* FileSystem
  const file = yield* fs.open(options.path, { flag: options.flag, mode: options.mode })
  const info = yield* Effect.option(file.stat)
  const before = Option.isSome(info) && info.value.type === "File" ? Number(info.value.size) : 0
  const isUnfinished = before > 0 && (yield* endsUnfinished(options.path, before))
  let first = octets.encode(`${isUnfinished ? "\n" : ""}${options.encode(options.opened())}\n`)
  let size = before
  let isFresh = before === 0

  const write = Effect.fnUntraced(function*(lines: ReadonlyArray<string>, progress?: () => void) {
    const kept = first.length
    const bytes = join(first, lines.length === 0 ? new Uint8Array(0) : octets.encode(`${lines.join("\n")}\n`))
    let at = 0
    while (at < bytes.length) {
      const taken = yield* Effect.result(file.write(bytes.subarray(at, pieceEnd(bytes, at))))
      const count = taken._tag === "Success" ? taken.success : 0
      at += count
      size += count
      if (count > 0) {
        progress?.()
        continue
      }
      const lastWhole = at <= kept ? kept : bytes.indexOf(lineEnd, at - 1) + 1
      first = bytes.slice(at, Math.max(at, lastWhole))
      const problem = taken._tag === "Failure" ? Problem.ofPlatform(taken.failure) : "nothing could be written"
      return yield* Effect.fail<WriteProblem>({
        problem,
        written: at <= kept ? 0 : countLines(bytes.subarray(kept, at + first.length))
      })
    }
    first = new Uint8Array(0)
    if (lines.length > 0) isFresh = false
  })

  // a full disk is no reason not to start: the first batch will tell
  yield* Effect.ignore(write([]))

  return {
    size: () => size + first.length,
    isFresh: () => isFresh,
    write
  } satisfies OpenFile
})
