/**
 * SASLprep (RFC 4013), a profile of stringprep (RFC 3454): two spellings of one password become the same octets.
 *
 * Code points that Unicode 3.2 does not know are allowed, as in query strings, for names and passwords alike: emoji are
 * common in passwords. NFKC is the platform's, that is of a Unicode newer than 3.2.
 */
import * as Result from "effect/Result"
import * as tables from "./saslprepTables.ts"

/** Where the text breaks the profile. Tells a character: not to be shown when the text is a secret. */
export interface SaslprepFailure {
  readonly codePoint: number
  /** The table of RFC 3454 that forbids the code point, or §6 for a mix of writing directions. */
  readonly rule: string
}

/** The prepared text. The empty text is fine, also as a result. */
export const saslprep = (text: string): Result.Result<string, SaslprepFailure> => {
  if (/^[\x20-\x7e]*$/.test(text)) return Result.succeed(text)
  const prepared = map(text).normalize("NFKC")
  const failure = check(prepared, saslprepProhibited)
  return failure === undefined ? Result.succeed(prepared) : Result.fail(failure)
}

/** The `trace` profile of ANONYMOUS (RFC 4505 §3), which maps and normalises nothing. */
export const isTrace = (text: string): boolean => check(text, traceProhibited) === undefined

/**
 * RFC 4013 §2.1. U+200B is in both tables: the rule that the RFC gives first makes it a space.
 */
const map = (text: string): string => {
  let mapped = ""
  for (const character of text) {
    const codePoint = character.codePointAt(0) ?? 0
    mapped += tables.c12(codePoint) ? " " : tables.b1(codePoint) ? "" : character
  }
  return mapped
}

const check = (
  text: string,
  prohibited: ReadonlyArray<readonly [rule: string, tables.Table]>
): SaslprepFailure | undefined => {
  const codePoints = Array.from(text, (character) => character.codePointAt(0) ?? 0)
  for (const codePoint of codePoints) {
    const broken = prohibited.find(([, table]) => table(codePoint))
    if (broken !== undefined) return { codePoint, rule: broken[0] }
  }
  if (!codePoints.some(tables.d1)) return undefined
  const strays = [
    codePoints.find(tables.d2),
    codePoints.slice(0, 1).find((first) => !tables.d1(first)),
    codePoints.slice(-1).find((last) => !tables.d1(last))
  ]
  const stray = strays.find((codePoint) => codePoint !== undefined)
  return stray === undefined ? undefined : { codePoint: stray, rule: "§6" }
}

const traceProhibited = [
  ["C.2.1", tables.c21],
  ["C.2.2", tables.c22],
  ["C.3", tables.c3],
  ["C.4", tables.c4],
  ["C.5", tables.c5],
  ["C.6", tables.c6],
  ["C.8", tables.c8],
  ["C.9", tables.c9]
] as const

/** RFC 4013 §2.3 */
const saslprepProhibited = [["C.1.2", tables.c12], ...traceProhibited, ["C.7", tables.c7]] as const
