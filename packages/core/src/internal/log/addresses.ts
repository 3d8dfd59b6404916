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
const openingQuote = (text: string, close: number): number => {
  if (isEscaped(text, close)) return -1
  for (let at = close - 1; at >= 0; at--) {
    if (text.charCodeAt(at) === 0x22 && !isEscaped(text, at)) return at
  }
  return -1
}

/** An ESMTP parameter (`AUTH=`, `ORCPT=`) before an address without angle brackets is not part of it. */
const keyword = /^[A-Z][A-Z0-9-]*=/

/** `'` is a legal first character, but nearly always a quotation mark. */
const shown = /^'?[\p{L}\p{N}]?/u

const mask = (local: string): string => `${shown.exec(local)?.[0] ?? ""}***`

export const maskAddresses = (text: string): string => {
  if (!text.includes("@")) return text
  let masked = ""
  let done = 0
  // the next quoted local part: where its closing quote stands, and its opening one
  let close = text.indexOf("\"@")
  let open = close < 0 ? -1 : openingQuote(text, close)
  for (let at = text.indexOf("@"); at >= 0; at = text.indexOf("@", at + 1)) {
    while (close >= 0 && close + 1 < at) {
      close = text.indexOf("\"@", at - 1)
      open = close < 0 ? -1 : openingQuote(text, close)
    }
    const isQuoted = open >= done && open < at && close >= 0 && beginsDomain(text.charCodeAt(close + 2))
    if (isQuoted) at = close + 1
    else if (!beginsDomain(text.charCodeAt(at + 1))) continue
    let from = isQuoted ? open + 1 : at
    const end = isQuoted ? close : at
    if (!isQuoted) {
      while (from > done && isAtom(text.charCodeAt(from - 1))) from--
      if (from > 0 && text.charCodeAt(from - 1) === 0x20) from += keyword.exec(text.slice(from, at))?.[0].length ?? 0
    }
    if (from === end) continue
    masked += text.slice(done, from) + mask(text.slice(from, end))
    done = end
  }
  return masked + text.slice(done)
}
