/**
 * Addresses as they travel in MAIL and RCPT (RFC 5321 §4.1.2, with RFC 6531 §3.3 for non-ASCII): `local-part@domain`,
 * the local part quoted where it must be, without angle brackets.
 *
 * Each check answers with what is wrong, or undefined. Two things are let pass that RFC 5321 does not have and servers
 * know: dots at any place of a local part, and `_` in a domain. Display names and comments are Mailbox's.
 */

/** Octets of a local part as it travels (RFC 5321 §4.5.3.1.1). */
export const maxLocalPart = 64
/** Octets of a domain (RFC 5321 §4.5.3.1.2). */
export const maxDomain = 255
/** Octets of a path with its angle brackets (RFC 5321 §4.5.3.1.3). */
export const maxPath = 256
/** Octets of a domain's label (RFC 1035 §2.3.4). */
export const maxLabel = 63

export const pathProblem = (path: string, smtpUtf8: boolean): string | undefined => {
  if (isCommon(path)) return undefined
  const end = localPartEnd(path)
  if (end < 0) return "no end of the quoted local part"
  if (end === path.length) return "no \"@\""
  if (path[end] !== "@") return `${name(path, end)} in place of the "@"`
  return localPartProblem(path.slice(0, end), smtpUtf8) ?? domainProblem(path.slice(end + 1), smtpUtf8) ??
    (octetLength(path) > maxPath - 2 ? `longer than ${maxPath} octets with its angle brackets` : undefined)
}

/** What nearly every address looks like, told by one look at each character: the careful checks are for all others. */
const isCommon = (path: string): boolean => {
  const end = path.length
  const at = runOf(atext, path, 0)
  if (at === 0 || at > maxLocalPart || path.charCodeAt(at) !== AT || end > maxPath - 2) return false
  for (let label = at + 1;; label++) {
    const labelEnd = runOf(ldh, path, label)
    if (labelEnd === label || labelEnd - label > maxLabel) return false
    if (path.charCodeAt(label) === HYPHEN || path.charCodeAt(labelEnd - 1) === HYPHEN) return false
    if (labelEnd === end) return true
    if (path.charCodeAt(labelEnd) !== DOT) return false
    label = labelEnd
  }
}

const HYPHEN = 45
const DOT = 46
const AT = 64

/** Where the local part ends, that is, where the `@` should be; -1 where a quoted one has no end. */
export const localPartEnd = (path: string): number => {
  if (!path.startsWith("\"")) {
    const at = path.indexOf("@")
    return at < 0 ? path.length : at
  }
  for (let position = 1; position < path.length; position++) {
    const character = path[position]
    if (character === "\\") position++
    else if (character === "\"") return position + 1
  }
  return -1
}

/** `local` as it travels. */
export const localPartProblem = (local: string, smtpUtf8: boolean): string | undefined => {
  if (local === "") return "no local part"
  const isQuoted = local.startsWith("\"")
  if (isQuoted && (local.length === 1 || !local.endsWith("\""))) return "no end of the quoted local part"
  const end = isQuoted ? local.length - 1 : local.length
  for (let position = isQuoted ? 1 : 0; position < end; position++) {
    const isPair = isQuoted && local[position] === "\\"
    if (isPair) position++
    const unit = local.charCodeAt(position)
    if (unit > 126) {
      const problem = nonAsciiProblem(local, position, smtpUtf8)
      if (problem !== undefined) return problem
    } else if (!isQuoted) {
      if (atext[unit] !== 1) return `${name(local, position)} in the local part, which is not quoted`
    } else if (unit < 32 || position >= end || (unit === 34 && !isPair)) {
      return `${name(local, position)} in the quoted local part`
    }
  }
  return octetLength(local) > maxLocalPart ? `the local part is longer than ${maxLocalPart} octets` : undefined
}

/** A domain, or an address literal in brackets. */
export const domainProblem = (domain: string, smtpUtf8: boolean): string | undefined => {
  if (domain === "") return "no domain"
  if (domain.startsWith("[")) return literalProblem(domain)
  let label = 0
  for (let position = 0; position <= domain.length; position++) {
    const unit = position === domain.length ? 46 : domain.charCodeAt(position)
    if (unit === 46) {
      if (position === label) return "an empty label in the domain"
      if (domain[label] === "-" || domain[position - 1] === "-") {
        return "a label of the domain begins or ends with \"-\""
      }
      if (position - label > maxLabel) return `a label of the domain is longer than ${maxLabel} octets`
      label = position + 1
    } else if (unit > 126) {
      const problem = nonAsciiProblem(domain, position, smtpUtf8)
      if (problem !== undefined) return problem
    } else if (ldh[unit] !== 1) {
      return `${name(domain, position)} in the domain`
    }
  }
  return octetLength(domain) > maxDomain ? `the domain is longer than ${maxDomain} octets` : undefined
}

/** RFC 5321 §4.1.3: `[192.0.2.1]`, `[IPv6:2001:db8::1]`, or `[tag:…]` of a kind that may come. */
export const literalProblem = (literal: string): string | undefined => {
  if (literal.length > maxDomain) return `the address literal is longer than ${maxDomain} octets`
  if (!/^\[[!-Z^-~]+\]$/.test(literal)) return "not an address literal"
  const inside = literal.slice(1, -1)
  const colon = inside.indexOf(":")
  if (colon < 0) return isIpv4(inside) ? undefined : "not an IPv4 address in the address literal"
  const tag = inside.slice(0, colon)
  if (/^ipv6$/i.test(tag)) {
    return isIpv6(inside.slice(colon + 1)) ? undefined : "not an IPv6 address in the address literal"
  }
  const isGeneral = /^[A-Za-z0-9-]*[A-Za-z0-9]$/.test(tag) && colon + 1 < inside.length
  return isGeneral ? undefined : "not an address literal"
}

/** Four decimal numbers up to 255. */
export const isIpv4 = (text: string): boolean => {
  const parts = text.split(".", 5)
  return parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255)
}

/** RFC 4291 §2.2, without zone. */
export const isIpv6 = (text: string): boolean => {
  if (text.length > 45) return false
  const halves = text.split("::")
  if (halves.length > 2) return false
  let groups = 0
  for (const [index, half] of halves.entries()) {
    if (half === "") continue
    const parts = half.split(":")
    for (const [position, part] of parts.entries()) {
      const isLast = index === halves.length - 1 && position === parts.length - 1
      if (/^[0-9A-Fa-f]{1,4}$/.test(part)) groups++
      else if (isLast && isIpv4(part)) groups += 2
      else return false
    }
  }
  return halves.length === 2 ? groups < 8 : groups === 8
}

export const isAscii = (text: string): boolean => !nonAscii.test(text)

/** Octets of its UTF-8 form. */
export const octetLength = (text: string): number => {
  let octets = text.length
  for (let position = 0; position < text.length; position++) {
    const unit = text.charCodeAt(position)
    if (unit < 0x80) continue
    // A surrogate pair is two units and four octets.
    octets += unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2
  }
  return octets
}

/**
 * Characters that no argument of a command may hold, SMTPUTF8 or not: controls (C0, DEL, C1), line and paragraph
 * separators, and lone surrogates, which are no characters.
 */
// oxlint-disable-next-line no-control-regex
export const forbidden = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]|\p{Surrogate}/u

// oxlint-disable-next-line no-control-regex
const nonAscii = /[^\u0000-\u007f]/

const nonAsciiProblem = (text: string, position: number, smtpUtf8: boolean): string | undefined => {
  const character = String.fromCodePoint(text.codePointAt(position) ?? 0)
  const isPairsEnd = /^[\uDC00-\uDFFF]$/.test(character) && /[\uD800-\uDBFF]/.test(text[position - 1] ?? "")
  if (!isPairsEnd && forbidden.test(character)) return `${name(text, position)}, which is no printable character`
  return smtpUtf8 ? undefined : `${name(text, position)}, which only SMTPUTF8 allows`
}

/** A character as a person sees it, or its number. */
const name = (text: string, position: number): string => {
  const code = text.codePointAt(position) ?? 0
  return code > 32 && code < 127
    ? `"${String.fromCodePoint(code)}"`
    : `U+${code.toString(16).toUpperCase().padStart(4, "0")}`
}

/** Which ASCII characters belong to a set: 1 at their codes. */
export type Characters = Uint8Array

export const charactersOf = (characters: string): Characters => {
  const set = new Uint8Array(128)
  for (const character of characters) set[character.charCodeAt(0)] = 1
  return set
}

/** Where the characters of a set end that begin at `start`. */
export const runOf = (set: Characters, text: string, start: number): number => {
  let position = start
  while (position < text.length && set[text.charCodeAt(position)] === 1) position++
  return position
}

export const alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
/** RFC 5322 §3.2.3, and the dot. */
const atext = charactersOf(`${alphanumeric}.!#$%&'*+-/=?^_\`{|}~`)
const ldh = charactersOf(`${alphanumeric}-_`)
