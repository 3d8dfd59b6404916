/**
 * A ring of numbered files: the application's log.
 *
 * Each file is created exclusively under the next free number, so that nothing that exists is reused or truncated and two
 * processes in one folder write two files. When the next line would make a file too large, the next file begins. The
 * newest files are kept; only names of the ring's own pattern are ever removed. Where the next file cannot be made, the
 * log goes on in the one that it has.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { FileSystem } from "effect/FileSystem"
import type { Path } from "effect/Path"
import type { PlatformError } from "effect/PlatformError"
import * as Scope from "effect/Scope"
import type { LogEvent } from "../../LogEvent.ts"
import { escape } from "../log/escape.ts"
import * as File from "./file.ts"
import type { WriteProblem } from "./model.ts"
import * as Problem from "./problem.ts"

export interface Ring {
  readonly paths: Path
  readonly folder: string
  readonly prefix: string
  readonly first: number
  readonly maxSize: number
  readonly maxFiles: number
  readonly mode: number
  readonly encode: (event: LogEvent) => string
  readonly opened: () => LogEvent
}

interface Current {
  readonly file: File.OpenFile
  readonly number: number
  readonly scope: Scope.Closeable
}

const maxTries = 1_000

const numbersIn = Effect.fnUntraced(function*(ring: Ring) {
  const fs = yield* FileSystem
  const names = yield* fs.readDirectory(ring.folder)
  return names.flatMap((name) => {
    const digits = name.startsWith(ring.prefix) && name.endsWith(".txt") ? name.slice(ring.prefix.length, -4) : ""
    return /^(?:0|[1-9]\d{0,14})$/.test(digits) ? [Number(digits)] : []
  })
})

const fileOf = (ring: Ring, number: number): string => ring.paths.join(ring.folder, `${ring.prefix}${number}.txt`)

const create = Effect.fnUntraced(function*(ring: Ring, after: number) {
  const numbers = yield* numbersIn(ring)
  let number = Math.max(ring.first, after + 1, ...numbers.map((number) => number + 1))
  for (let tries = 1;; tries++) {
    const made = yield* Effect.result(File.open({ ...ring, path: fileOf(ring, number), flag: "ax" }))
    if (made._tag === "Success") return { file: made.success, number }
    if (made.failure.reason._tag !== "AlreadyExists" || tries === maxTries) return yield* made.failure
    number++
  }
})

/** All but the newest `maxFiles`; what cannot be removed stays. */
const prune = Effect.fnUntraced(function*(ring: Ring) {
  if (ring.maxFiles === 0) return
  const fs = yield* FileSystem
  const old = (yield* numbersIn(ring)).toSorted((a, b) => b - a).slice(ring.maxFiles)
  yield* Effect.forEach(old, (number) => Effect.ignore(fs.remove(fileOf(ring, number))), { discard: true })
}, (self) => Effect.ignore(self))

/** Writes lines to the ring; its scope closes the file of the moment. */
export const open = Effect.fnUntraced(function*(ring: Ring): Effect.fn.Return<
  (lines: ReadonlyArray<string>, progress: () => void) => Effect.Effect<void, WriteProblem>,
  PlatformError,
  FileSystem | Scope.Scope
> {
  const fs = yield* FileSystem
  const next = (after: number): Effect.Effect<Current, PlatformError> => {
    const scope = Scope.makeUnsafe()
    return create(ring, after).pipe(
      Scope.provide(scope),
      Effect.provideService(FileSystem, fs),
      Effect.onExit((exit) => Exit.isFailure(exit) ? Scope.close(scope, exit) : Effect.void),
      Effect.map((made) => ({ ...made, scope }))
    )
  }
  const pruned = Effect.provideService(prune(ring), FileSystem, fs)

  let current: Current = yield* Effect.acquireRelease(
    next(-1),
    () => Effect.suspend(() => Scope.close(current.scope, Exit.void))
  )
  yield* pruned
  let warned = false

  const rotate = Effect.fnUntraced(function*() {
    const made = yield* Effect.result(next(current.number))
    if (made._tag === "Success") {
      const before = current
      current = made.success
      yield* Scope.close(before.scope, Exit.void)
      yield* pruned
      return true
    }
    if (!warned) {
      warned = true
      const problem = escape(Problem.ofPlatform(made.failure))
      yield* Effect.logWarning(`The log's next file cannot be made: ${problem}. It goes on in the file it has.`)
    }
    return false
  })

  return Effect.fnUntraced(function*(lines: ReadonlyArray<string>, progress: () => void) {
    let from = 0
    let isLimited = true
    while (from < lines.length) {
      const to = isLimited ? fitting(current.file, lines, from, ring.maxSize) : lines.length
      if (to > from) {
        const before = from
        yield* Effect.mapError(
          current.file.write(lines.slice(from, to), progress),
          ({ problem, written }): WriteProblem => ({ problem, written: before + written })
        )
        from = to
      }
      if (from === lines.length) break
      isLimited = yield* rotate()
      progress()
    }
  })
})

/** Where the lines that this file has room for end. An empty file takes one line, however long. */
const fitting = (file: File.OpenFile, lines: ReadonlyArray<string>, from: number, maxSize: number): number => {
  let room = maxSize - file.size()
  let characters = 0
  for (let at = from; at < lines.length; at++) characters += (lines[at]?.length ?? 0) + 1
  if (characters * 3 <= room) return lines.length
  let to = from
  while (to < lines.length) {
    room -= File.lengthOf(lines[to] ?? "")
    if (room < 0 && !(to === from && file.isFresh())) break
    to++
  }
  return to
}
