/** Reading the files that flags name: what goes wrong is `InputFailed`, in words, and never quotes what a file holds. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type * as PlatformError from "effect/PlatformError"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import { InputFailed, OutputFailed } from "../report.ts"

export const problemOf = ({ reason }: PlatformError.PlatformError): string => {
  switch (reason._tag) {
    case "NotFound":
      return "there is no such file"
    case "PermissionDenied":
      return "permission denied"
    default:
      return reason.description ?? reason._tag
  }
}

/** `-` as people call it. */
export const nameOf = (path: string) => path === "-" ? "standard input" : path

export const inputFailed = (path: string) => (error: PlatformError.PlatformError) =>
  new InputFailed({ path: nameOf(path), problem: problemOf(error) })

export const outputFailed = (path: string) => (error: PlatformError.PlatformError) =>
  new OutputFailed({
    path,
    problem: error.reason._tag === "NotFound" ? "there is no such folder" : problemOf(error)
  })

export const readText = Effect.fnUntraced(function*(path: string) {
  const fs = yield* FileSystem.FileSystem
  return yield* Effect.mapError(fs.readFileString(path), inputFailed(path))
})

const decoder = new TextDecoder("utf-8", { fatal: true })

/** A text in UTF-8, from a file or from standard input. */
export const readUtf8 = Effect.fnUntraced(function*(path: string) {
  const fs = yield* FileSystem.FileSystem
  const stdio = yield* Stdio.Stdio
  const octets = path === "-"
    ? Effect.map(Stream.runCollect(stdio.stdin), (chunks) => Buffer.concat(chunks))
    : fs.readFile(path)
  const found = yield* Effect.mapError(octets, inputFailed(path))
  return yield* Effect.try({
    try: () => decoder.decode(found),
    catch: () => new InputFailed({ path: nameOf(path), problem: "it is no text in UTF-8" })
  })
})

/** A file that can be read more than once. Standard input is kept in one for the time being. */
export const contentFile = Effect.fnUntraced(function*(path: string) {
  if (path !== "-") return path
  const fs = yield* FileSystem.FileSystem
  const stdio = yield* Stdio.Stdio
  const copy = yield* Effect.mapError(fs.makeTempFileScoped({ prefix: "colloquy-" }), inputFailed(path))
  yield* Effect.mapError(Stream.run(stdio.stdin, fs.sink(copy, { mode: 0o600 })), inputFailed(path))
  return copy
})

/** Octets of a file that can be read; a folder is none. */
export const sizeOf = Effect.fnUntraced(function*(path: string) {
  const fs = yield* FileSystem.FileSystem
  const { size, type } = yield* Effect.mapError(fs.stat(path), inputFailed(path))
  if (type === "Directory") return yield* new InputFailed({ path, problem: "it is a folder" })
  yield* Effect.mapError(fs.access(path, { readable: true }), inputFailed(path))
  return Number(size)
})
