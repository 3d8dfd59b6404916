/**
 * Where a log may be: a relative path stays below its folder, an absolute one is its author's word (as in 4D).
 *
 * The check is on the path's words; a symbolic link below the folder is its administrator's word.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Path } from "effect/Path"
import { LogError } from "./model.ts"

export const defaultFolder = "logs"

export interface Place {
  /** Absolute. */
  readonly path: string
  /** To be made where it is missing; `undefined`: it must be there. */
  readonly folder: string | undefined
}

export const resolve = (paths: Path, folder: string, path: string): Effect.Effect<Place, LogError> => {
  if (path.includes("\0")) return Effect.fail(new LogError({ path, problem: "a path has no NUL" }))
  if (paths.isAbsolute(path)) return Effect.succeed({ path: paths.normalize(path), folder: undefined })
  const within = paths.resolveWithin(folder, path)
  if (Option.isNone(within)) {
    return Effect.fail(new LogError({ path, problem: `it leads out of its folder, ${folder}` }))
  }
  if (within.value === paths.resolve(folder)) return Effect.fail(new LogError({ path, problem: "it names no file" }))
  return Effect.succeed({ path: within.value, folder: paths.dirname(within.value) })
}
