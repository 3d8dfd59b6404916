/** A failure in a few words that a support person understands: one line, no stack, no path. Whoever shows it escapes it. */
import * as Cause from "effect/Cause"
import { isPlatformError, type PlatformError } from "effect/PlatformError"

const longest = 200

const cut = (text: string): string => {
  const line = text.split(/[\r\n]/, 1).join("")
  return line.length > longest ? `${line.slice(0, longest)}…` : line
}

const codes: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EDQUOT: "the disk quota is used up",
  EFBIG: "the file is too large",
  EIO: "the disk does not work (input/output error)",
  EISDIR: "it is a folder",
  ELOOP: "too many symbolic links",
  EMFILE: "too many open files",
  ENAMETOOLONG: "the name is too long",
  ENFILE: "too many open files",
  ENOENT: "no such file or folder",
  ENOSPC: "no space left on the disk",
  ENOTDIR: "a part of the path is not a folder",
  EPERM: "permission denied",
  EROFS: "the disk is read-only"
}

const tags: Readonly<Record<string, string>> = {
  AlreadyExists: "it exists already",
  BadResource: "it is not a file that can be written",
  Busy: "it is in use",
  NotFound: "no such file or folder",
  PermissionDenied: "permission denied",
  TimedOut: "the disk did not answer in time",
  WriteZero: "nothing could be written"
}

const codeOf = (cause: unknown): string | undefined => {
  if (typeof cause !== "object" || cause === null || !("code" in cause)) return undefined
  return typeof cause.code === "string" ? cause.code : undefined
}

export const ofPlatform = (error: PlatformError): string => {
  const { reason } = error
  const code = codeOf(reason.cause)
  return (code === undefined ? undefined : codes[code]) ??
    tags[reason._tag] ??
    cut(reason.description ?? code ?? reason._tag)
}

export const of = (failure: unknown): string => {
  if (isPlatformError(failure)) return ofPlatform(failure)
  if (failure instanceof Error) return cut(failure.message === "" ? failure.name : failure.message)
  return cut(typeof failure === "string" ? failure : "it failed without saying why")
}

export const ofCause = (cause: Cause.Cause<unknown>): string => of(Cause.squash(cause))
