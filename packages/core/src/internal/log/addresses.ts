/**
 * Hides the local parts of mail addresses wherever they stand in a text: `j***@example.com`.
 *
 * An address is what surrounds an `@`: left of it atoms with dots (RFC 5321 §4.1.2; any non-ASCII character, RFC 6531) or
 * a quoted string, right of it the first character of a domain or an address literal. Applied twice it changes no more.
 * Linear time: from each `@` the walk to the left ends at what another walk cannot pass.
 */

/* atext and "." (RFC 5322 §3.2.3), and all that is not ASCII */
const isAtom = (unit: number): boolean =>
  unit > 0x7f || (unit >= 0x61 && unit <= 0x7a) || (unit >= 0x30 && unit <= 0x39) || (unit >= 0x3f && unit <= 0x5a &&
    unit !== 0x40) ||
  (unit >= 0x23 && unit <= 0x27) || (unit >= 0x5e && unit <= 0x60) || (unit >= 0x7b && unit <= 0x7e) ||
  unit === 0x21 || unit === 0x2a || unit === 0x2b || (unit >= 0x2d && unit <= 0x2f) || unit === 0x3d

const beginsDomain = (unit: number): boolean =>
  unit > 0x7f || (unit >= 0x61 && unit <= 0x7a) || (unit >= 0x41 && unit <= 0x5a) || (unit >= 0x30 && unit <= 0x39) ||
  unit === 0x5b

const isEscaped = (text: string, at: number): boolean => {
  let from = at
  while (text.charCodeAt(from - 1) === 0x5c) from--
  return (at - from) % 2 === 1
}

/** The opening quote of the quoted string whose closing quote stands at `close`; -1 where there is none. */
const openingQuote = (text: string, close: number, floor: number): number => {
  if (isEscaped(text, close)) return -1
  for (let at = text.lastIndexOf("\"", close - 1); at >= floor; at = at === 0 ? -1 : text.lastIndexOf("\"", at - 1)) {
    if (!isEscaped(text, at)) return at
  }
  return -1
}

/** An ESMTP parameter (`AUTH=`, `ORCPT=`) before an address without angle brackets is not part of it. */
const keyword = /^[A-Z][A-Z0-9-]*=/

/** `'` is a legal first character, but nearly always a quotation mark. */
const shown = /^'?[\p{L}\p{N}]?/u

const mask = (local: string): string => `${shown.exec(local)?.[0] ?? ""}***`

export const maskAddresses = (text: string): string => {
  let at = text.indexOf("@")
  if (at < 0) return text
  let masked = ""
  let done = 0
  for (; at >= 0; at = text.indexOf("@", at + 1)) {
    if (!beginsDomain(text.charCodeAt(at + 1))) continue
    if (text.charCodeAt(at - 1) === 0x22) {
      const open = openingQuote(text, at - 1, done)
      const from = open < 0 ? at - 1 : open + 1
      if (from === at - 1) continue
      masked += `${text.slice(done, from)}${mask(text.slice(from, at - 1))}"`
    } else {
      let from = at
      while (from > done && isAtom(text.charCodeAt(from - 1))) from--
      if (from > 0 && text.charCodeAt(from - 1) === 0x20) from += keyword.exec(text.slice(from, at))?.[0].length ?? 0
      if (from === at) continue
      masked += `${text.slice(done, from)}${mask(text.slice(from, at))}`
    }
    done = at
  }
  return masked + text.slice(done)
}
