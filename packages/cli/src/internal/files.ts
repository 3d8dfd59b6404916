/** Reading the files that flags name: what goes wrong is `InputFailed`, in words, and never quotes what a file holds. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type * as PlatformError from "effect/PlatformError"
import { InputFailed } from "../report.ts"

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

export const inputFailed = (path: string) => (error: PlatformError.PlatformError) =>
  new InputFailed({ path, problem: problemOf(error) })

export const readText = Effect.fnUntraced(function*(path: string) {
  const fs = yield* FileSystem.FileSystem
  return yield* Effect.mapError(fs.readFileString(path), inputFailed(path))
})
