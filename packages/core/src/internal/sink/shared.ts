/**
 * One writer a file, however many sinks of this process end there: their lines are whole, in order, and a file has one
 * first line.
 *
 * Open files are counted in a table of the module, keyed by file system and path: sinks on one path may be built in layers
 * that share no context, and two file systems (a memory in each test) have nothing in common. The first sink opens, the
 * last one closes; who comes while it closes waits, and opens anew.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { FileSystem } from "effect/FileSystem"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import type { LogEvent } from "../../LogEvent.ts"
import { LogError } from "./model.ts"
import type { Writer } from "./writer.ts"

export interface SharedWriter {
  /** An event that several sinks of one log pass on is written once. */
  readonly recordUnsafe: (original: LogEvent, shown: LogEvent) => boolean
  readonly flush: Effect.Effect<void>
}

interface Entry {
  users: number
  readonly lock: Semaphore.Semaphore
  open: { readonly writer: SharedWriter; readonly scope: Scope.Closeable; readonly form: string } | undefined
}

const files = new WeakMap<FileSystem, Map<string, Entry>>()

const entryOf = (entries: Map<string, Entry>, path: string): Entry => {
  const known = entries.get(path)
  if (known !== undefined) return known
  const entry = { users: 0, lock: Semaphore.makeUnsafe(1), open: undefined }
  entries.set(path, entry)
  return entry
}

const share = (writer: Writer): SharedWriter => {
  let last: LogEvent | undefined
  return {
    recordUnsafe: (original, shown) => {
      if (original === last) return true
      last = original
      return writer.recordUnsafe(shown)
    },
    flush: writer.flush
  }
}

export const acquire = <R>(options: {
  readonly fileSystem: FileSystem
  readonly path: string
  /** What two sinks on one file must agree on. */
  readonly form: string
  readonly make: Effect.Effect<Writer, LogError, R>
}): Effect.Effect<SharedWriter, LogError, Exclude<R, Scope.Scope> | Scope.Scope> => {
  const entries = files.get(options.fileSystem) ?? new Map<string, Entry>()
  files.set(options.fileSystem, entries)

  const leave = (entry: Entry) => {
    entry.users--
    if (entry.users === 0) entries.delete(options.path)
  }

  const open = (entry: Entry) =>
    Effect.gen(function*() {
      if (entry.open !== undefined) {
        if (entry.open.form === options.form) return entry.open.writer
        return yield* new LogError({
          path: options.path,
          problem: `it is open already, and not as ${options.form} but as ${entry.open.form}`
        })
      }
      const scope = Scope.makeUnsafe()
      const writer = yield* options.make.pipe(
        Scope.provide(scope),
        Effect.onExit((exit) => Exit.isFailure(exit) ? Scope.close(scope, exit) : Effect.void)
      )
      entry.open = { writer: share(writer), scope, form: options.form }
      return entry.open.writer
    })

  const close = (entry: Entry) =>
    Effect.suspend(() => {
      const current = entry.open
      if (current === undefined) return Effect.void
      if (entry.users > 1) return current.writer.flush
      entry.open = undefined
      return Scope.close(current.scope, Exit.void)
    })

  return Effect.map(
    Effect.acquireRelease(
      Effect.suspend(() => {
        const entry = entryOf(entries, options.path)
        entry.users++
        return Semaphore.withPermit(entry.lock, open(entry)).pipe(
          Effect.map((writer) => ({ entry, writer })),
          Effect.onError(() => Effect.sync(() => leave(entry)))
        )
      }),
      ({ entry }) => Effect.andThen(Semaphore.withPermit(entry.lock, close(entry)), Effect.sync(() => leave(entry)))
    ),
    ({ writer }) => writer
  )
}
