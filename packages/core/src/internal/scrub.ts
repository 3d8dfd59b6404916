/**
 * Takes known secrets out of what a peer says (P1): the last line of defence, where the peer echoes them.
 *
 * Works on decoded text, never on codes, counters or our own words. It looks for each line of 8 or more characters that
 * carried a secret while authenticating, and for each secret of 8 or more characters: raw, in base64 at each of the three
 * alignments, in hex, percent- and xtext-encoded in any mixture; also one base64 deep in a challenge. Shorter ones are
 * masked only as a whole word while authenticating. What is found becomes 32 asterisks, and neighbouring finds become one
 * find, so that the output does not depend on the secret or its length.
 *
 * Secrets live in this closure and in nothing that prints. Each needle is looked for once, in time linear in the text.
 */
import { secret as mask } from "../LogEvent.ts"
import { decode } from "./octets.ts"

export interface Scrub {
  /** A credential as it was configured (and as SASLprep made it, where that differs). */
  readonly addSecret: (secret: string) => void
  /** A line that carried a secret while authenticating, as it was on the wire, with or without `AUTH` and mechanism. */
  readonly addLine: (line: string) => void
  readonly scrub: (text: string, authenticating: boolean) => string
}

/** From here on a secret is looked for in every text and in all encodings. */
const long = 8

const octetsOf = new TextEncoder()

interface Find {
  readonly from: number
  readonly to: number
}

export const makeScrub = (): Scrub => {
  const plain = new Set<string>()
  const words = new Set<string>()
  const base64 = new Set<string>()
  const hex = new Set<string>()
  const encoded = new Map<string, ReadonlyArray<Character> | undefined>()
  let isEmpty = true
  let shortest = shortestHidden

  const addNeedle = (needle: string) => {
    base64.add(needle)
    shortest = Math.min(shortest, needle.length)
  }
  const addForms = (text: string) => {
    const octets = octetsOf.encode(text)
    for (const needle of base64Needles(octets)) addNeedle(needle)
    hex.add(hexOf(octets))
    if (!encoded.has(text)) encoded.set(text, undefined)
  }

  const find = (text: string, finds: Array<Find>, depth: number): void => {
    for (const needle of plain) findAll(text, needle, finds)
    if (hasRun(text, shortest)) {
      const standard = toStandard(text)
      const from = finds.length
      for (const needle of base64) findAll(standard, needle, finds)
      for (let at = from; at < finds.length; at++) finds[at] = wholeRun(standard, finds[at])
      if (runOfHex.test(text)) {
        const lower = lowerHex(text)
        for (const needle of hex) findAll(lower, needle, finds)
      }
      if (depth === 0) {
        for (const run of standard.matchAll(runThatMayHide)) {
          const within: Array<Find> = []
          // what stands in front of it may have joined the run
          for (let at = 0; at < 4; at++) find(decode(fromBase64(run[0].slice(at))), within, 1)
          if (within.length > 0) finds.push(wholeRun(standard, { from: run.index, to: run.index + run[0].length }))
        }
      }
    }
    if (text.includes("%") || text.includes("+")) {
      const lower = lowerHex(text)
      for (const [needle, known] of encoded) {
        const characters = known ?? charactersOf(needle)
        encoded.set(needle, characters)
        findEncoded(text, lower, characters, finds)
      }
    }
  }

  const self: Scrub = {
    addSecret: (secret) => {
      if (secret.length === 0) return
      isEmpty = false
      // a reply has no blanks at its end
      if (secret.trim() !== secret) self.addSecret(secret.trim())
      if (secret.length < long) {
        words.add(secret)
        return
      }
      plain.add(secret)
      addForms(secret)
    },
    addLine: (whole) => {
      const line = whole.replace(/^AUTH[ \t]+\S+(?:[ \t]+|$)/i, "").trim()
      if (!/[A-Za-z0-9]/.test(line)) return
      isEmpty = false
      if (line.length < long) {
        words.add(line)
        return
      }
      if (onlyBase64.test(line)) addNeedle(toStandard(line).replace(/=+$/, ""))
      else plain.add(line)
      addForms(line)
    },
    scrub: (text, authenticating) => {
      if (isEmpty) return text
      const finds: Array<Find> = []
      if (text.length >= long) find(text, finds, 0)
      if (authenticating) { for (const word of words) findWords(text, word, finds) }
      return finds.length === 0 ? text : masked(text, finds)
    }
  }
  return self
}

const findAll = (text: string, needle: string, finds: Array<Find>): void => {
  for (let at = text.indexOf(needle); at >= 0; at = text.indexOf(needle, at + 1)) {
    finds.push({ from: at, to: at + needle.length })
  }
}

const endsInWord = /[\p{L}\p{M}\p{N}_]$/u
const beginsWithWord = /^[\p{L}\p{M}\p{N}_]/u

const findWords = (text: string, word: string, finds: Array<Find>): void => {
  const all: Array<Find> = []
  findAll(text, word, all)
  for (const found of all) {
    const before = text.slice(Math.max(0, found.from - 2), found.from)
    const after = text.slice(found.to, found.to + 2)
    if (!endsInWord.test(before) && !beginsWithWord.test(after)) finds.push(found)
  }
}

/** Finds that overlap or touch are one. */
const masked = (text: string, finds: ReadonlyArray<Find>): string => {
  let out = ""
  let shown = 0
  let end = -1
  for (const { from, to } of finds.toSorted((a, b) => a.from - b.from)) {
    if (from > end) {
      if (end >= 0) out += mask
      out += text.slice(shown, from)
      end = to
    } else if (to > end) {
      end = to
    }
    shown = end
  }
  return out + mask + text.slice(shown)
}

// Base64: both alphabets are searched as the standard one.

const hasRun = (text: string, length: number): boolean => {
  let run = 0
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (!isBase64(unit) && unit !== 0x2d && unit !== 0x5f) run = 0
    else if (++run === length) return true
  }
  return false
}

/** What an encoded form of 8 characters takes at least, itself in base64 (10 characters, `%HH` for one of them). */
const shortestHidden = 14
const runThatMayHide = new RegExp(`[A-Za-z0-9+/]{${shortestHidden},}`, "g")
const onlyBase64 = /^[A-Za-z0-9+/_-]+={0,2}$/

const toStandard = (text: string): string =>
  text.includes("-") || text.includes("_") ? text.replaceAll("-", "+").replaceAll("_", "/") : text

const isBase64 = (unit: number): boolean =>
  (unit >= 0x61 && unit <= 0x7a) || (unit >= 0x41 && unit <= 0x5a) || (unit >= 0x2f && unit <= 0x39) || unit === 0x2b

/**
 * The characters at a find's edges hold bits of its neighbours, so all of the run goes. Padding does not end it: whether
 * there is any depends on the secret's length.
 */
const wholeRun = (standard: string, find: Find | undefined): Find => {
  let { from, to } = find ?? { from: 0, to: 0 }
  while (isBase64(standard.charCodeAt(from - 1))) from--
  while (isBase64(standard.charCodeAt(to)) || standard.charCodeAt(to) === 0x3d) to++
  return { from, to }
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

/** What base64 makes of these octets whatever stands around them, for each place of the first octet in its group. */
const base64Needles = (octets: Uint8Array): ReadonlyArray<string> =>
  [0, 1, 2].map((before) => {
    let needle = ""
    let bits = 0
    let held = 0
    // the first character that holds no bit of a neighbour
    let skip = before === 0 ? 0 : before === 1 ? 4 : 2
    for (const octet of octets) {
      bits = ((bits << 8) | octet) & 0xffff
      held += 8
      if (skip > 0) {
        held -= skip
        skip = 0
      }
      while (held >= 6) {
        held -= 6
        needle += alphabet.charAt((bits >> held) & 63)
      }
    }
    return needle
  })

const values = new Uint8Array(128)
for (let value = 0; value < 64; value++) values[alphabet.charCodeAt(value)] = value

const fromBase64 = (run: string): Uint8Array => {
  const octets = new Uint8Array((run.length * 3) >> 2)
  let bits = 0
  let held = 0
  let length = 0
  for (let at = 0; at < run.length; at++) {
    bits = ((bits << 6) | (values[run.charCodeAt(at)] ?? 0)) & 0xffff
    held += 6
    if (held < 8) continue
    held -= 8
    octets[length++] = (bits >> held) & 255
  }
  return octets.subarray(0, length)
}

const runOfHex = /[0-9A-Fa-f]{16}/

const hexOf = (octets: Uint8Array): string =>
  Array.from(octets, (octet) => octet.toString(16).padStart(2, "0")).join("")

// Percent (RFC 3986 §2.1, and `+` for a blank as in forms) and xtext (RFC 3461 §4): each character raw or encoded. No
// pattern is made of a secret: an engine that cannot compile one prints it.

interface Character {
  readonly raw: string
  /** Its octets, two lower-case digits each. */
  readonly octets: ReadonlyArray<string>
}

const charactersOf = (secret: string): ReadonlyArray<Character> =>
  Array.from(
    secret,
    (raw) => ({ raw, octets: Array.from(octetsOf.encode(raw), (octet) => hexOf(Uint8Array.of(octet))) })
  )

const lowerHex = (text: string): string => text.replaceAll(/[A-F]+/g, (letters) => letters.toLowerCase())

const isMark = (unit: number): boolean => unit === 0x25 || unit === 0x2b

/** Where the character ends that begins at `at`, in each of the ways in which it can stand there. */
const endsOf = (text: string, lower: string, at: number, { octets, raw }: Character): ReadonlyArray<number> => {
  const ends: Array<number> = []
  if (text.startsWith(raw, at)) ends.push(at + raw.length)
  if (!isMark(text.charCodeAt(at))) return ends
  if (raw === " " && text.charCodeAt(at) === 0x2b) ends.push(at + 1)
  let end = at
  for (const octet of octets) {
    if (!isMark(text.charCodeAt(end)) || !lower.startsWith(octet, end + 1)) return ends
    end += 3
  }
  ends.push(end)
  return ends
}

const anyMark = /[%+]/g

/** Finds with at least one character encoded: the others are found raw. */
const findEncoded = (
  text: string,
  lower: string,
  characters: ReadonlyArray<Character>,
  finds: Array<Find>
): void => {
  const length = characters.reduce((sum, { raw }) => sum + raw.length, 0)
  let next = -1
  for (let from = 0; from < text.length; from++) {
    if (next < from) {
      anyMark.lastIndex = from
      const found = anyMark.exec(text)
      if (found === null) return
      next = found.index
      from = Math.max(from, next - length + 1)
    }
    let at = from
    let index = 0
    for (; at !== next; index++) {
      const character = characters[index]
      if (character === undefined || !text.startsWith(character.raw, at)) break
      at += character.raw.length
    }
    if (at !== next) continue
    let ends: ReadonlyArray<number> = [at]
    for (; index < characters.length && ends.length > 0; index++) {
      const character = characters[index]
      if (character === undefined) break
      const [only] = ends
      ends = ends.length === 1 && only !== undefined
        ? endsOf(text, lower, only, character)
        : Array.from(new Set(ends.flatMap((end) => endsOf(text, lower, end, character))))
    }
    for (const to of ends) finds.push({ from, to })
  }
}
