/** A file system in memory, with the troubles of a real one: full, in part, hanging. */
import { Effect, FileSystem, Layer, Path, PlatformError } from "effect"

export interface MemoryFiles {
  readonly files: Map<string, Uint8Array>
  readonly modes: Map<string, number>
  readonly folders: Set<string>
  readonly text: (path: string) => string
  readonly lines: (path: string) => ReadonlyArray<string>
  readonly put: (path: string, text: string) => void
  /** How many octets of a write are taken; `undefined`: all of them. Fails as a full disk does when none is. */
  room: ((path: string, octets: number) => number) | undefined
  /** Writes wait for this. */
  gate: Effect.Effect<void> | undefined
  writes: number
  opened: number
  readonly layer: Layer.Layer<FileSystem.FileSystem | Path.Path>
}

const failure = (tag: PlatformError.SystemErrorTag, path: string, code: string) =>
  PlatformError.systemError({
    _tag: tag,
    module: "FileSystem",
    method: "test",
    pathOrDescriptor: path,
    cause: Object.assign(new Error(`${code}: as on a disk, ${path}`), { code })
  })

const parent = (path: string) => path.slice(0, path.lastIndexOf("/")) || "/"

export const memoryFiles = (folders: ReadonlyArray<string> = ["/", "/tmp", process.cwd()]): MemoryFiles => {
  const files = new Map<string, Uint8Array>()
  const modes = new Map<string, number>()
  const known = new Set(folders)

  const fs = FileSystem.makeNoop({
    makeDirectory: (path) =>
      Effect.suspend(() => {
        if (files.has(path)) return Effect.fail(failure("AlreadyExists", path, "EEXIST"))
        for (let at = path; at !== "/"; at = parent(at)) {
          if (files.has(at)) return Effect.fail(failure("BadResource", path, "ENOTDIR"))
          known.add(at)
        }
        return Effect.void
      }),
    readDirectory: (path) =>
      Effect.suspend(() =>
        known.has(path)
          ? Effect.succeed(
            [...files.keys()].filter((file) => parent(file) === path).map((file) => file.slice(path.length + 1))
          )
          : Effect.fail(failure("NotFound", path, "ENOENT"))
      ),
    readFileString: (path) =>
      Effect.suspend(() => {
        const octets = files.get(path.startsWith("./") ? `${process.cwd()}${path.slice(1)}` : path)
        return octets === undefined
          ? Effect.fail(failure("NotFound", path, "ENOENT"))
          : Effect.succeed(new TextDecoder().decode(octets))
      }),
    remove: (path) => Effect.sync(() => files.delete(path)),
    open: (path, options) =>
      Effect.suspend(() => {
        const flag = options?.flag ?? "r"
        if (known.has(path)) return Effect.fail(failure("BadResource", path, "EISDIR"))
        if (!known.has(parent(path))) return Effect.fail(failure("NotFound", path, "ENOENT"))
        if (flag === "r" && !files.has(path)) return Effect.fail(failure("NotFound", path, "ENOENT"))
        if (flag === "ax" && files.has(path)) return Effect.fail(failure("AlreadyExists", path, "EEXIST"))
        if (!files.has(path)) {
          files.set(path, new Uint8Array(0))
          modes.set(path, options?.mode ?? 0o666)
        }
        if (flag !== "r") self.opened++
        const stat = Effect.sync(() => ({ type: "File", size: BigInt(files.get(path)?.length ?? 0) }) as never)
        const write = (octets: Uint8Array) =>
          Effect.gen(function*() {
            if (self.gate !== undefined) yield* self.gate
            self.writes++
            const taken = Math.min(octets.length, self.room?.(path, octets.length) ?? octets.length)
            if (taken <= 0) return yield* failure("Unknown", path, "ENOSPC")
            files.set(path, Buffer.concat([files.get(path) ?? new Uint8Array(0), octets.subarray(0, taken)]))
            return taken
          })
        return Effect.succeed({
          [FileSystem.FileTypeId]: FileSystem.FileTypeId,
          stat,
          write,
          readAlloc: (size: number, from?: { readonly position?: bigint | undefined }) =>
            Effect.sync(() => {
              const at = Number(from?.position ?? 0n)
              return { _tag: "Some", value: (files.get(path) ?? new Uint8Array(0)).slice(at, at + size) }
            })
        } as unknown as FileSystem.File)
      })
  })

  const text = (path: string): string => new TextDecoder().decode(files.get(path) ?? new Uint8Array(0))
  const self: MemoryFiles = {
    files,
    modes,
    folders: known,
    text,
    lines: (path) => text(path).split("\n").slice(0, -1),
    put: (path, content) => void files.set(path, new TextEncoder().encode(content)),
    room: undefined,
    gate: undefined,
    writes: 0,
    opened: 0,
    layer: Layer.merge(Layer.succeed(FileSystem.FileSystem, fs), Path.layer)
  }
  return self
}
