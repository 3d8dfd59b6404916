/**
 * Whether a client says what was recorded, where the recording shows it in log form.
 *
 * Asterisks stand for anything: a secret, or what a redaction took out (`j***@example.com`). So does the size of the
 * message in `SIZE=`, since content is not compared. Verbs are compared in any case (RFC 5321 §2.4).
 */

/** Three and more: a run that masks. */
const masked = /\*{3,}/

const canonical = (line: string): string =>
  line.trimEnd()
    .replace(/^[A-Za-z]+(?=$|[ :])/, (verb) => verb.toUpperCase())
    .replace(/^(?:MAIL FROM|RCPT TO): */i, (path) => path.trimEnd().toUpperCase())
    .replace(/^AUTH [^ ]+/i, (auth) => auth.toUpperCase())

/** Linear in both: each piece between asterisks is looked for once, behind the one before it. */
const fits = (pieces: ReadonlyArray<string>, said: string): boolean => {
  const [first = ""] = pieces
  const last = pieces.at(-1) ?? ""
  if (pieces.length === 1) return said === first
  if (said.length < first.length + last.length || !said.startsWith(first) || !said.endsWith(last)) return false
  let at = first.length
  for (const piece of pieces.slice(1, -1)) {
    at = said.indexOf(piece, at)
    if (at < 0) return false
    at += piece.length
  }
  return at <= said.length - last.length
}

/** For a response within AUTH: nothing of it is put in any order. */
export const matchesResponse = (recorded: string): (said: string) => boolean => {
  const pieces = recorded.split(masked)
  return (said) => fits(pieces, said)
}

export const matchesCommand = (recorded: string): (said: string) => boolean => {
  const pieces = canonical(recorded).replace(/ SIZE=\d+(?=$| )/i, " SIZE=***").split(masked)
  return (said) => fits(pieces, canonical(said))
}

/** A line that is nothing but asterisks behind its first `from` characters. */
export const isMaskedFrom = (line: string, from: number): boolean => /^\*{3,}$/.test(line.slice(from))
