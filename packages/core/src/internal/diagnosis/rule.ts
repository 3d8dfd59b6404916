/**
 * What a rule of the diagnosis is, and how one is chosen.
 *
 * A rule says which facts it needs. All that it names must hold (of several alternatives, one). Among the rules that
 * hold, the one that demands most wins: each fact that it demands adds its weight, and ties go to the one that stands
 * first. The weights follow how far a fact can be trusted to mean one thing:
 *
 * | fact                              | weight |                                                              |
 * | --------------------------------- | ------ | ------------------------------------------------------------ |
 * | a token                           | 64     | a provider's own mark: `BadCredentials`, `[TSS04]`           |
 * | the provider                      | 24     | seen in host, greeting, EHLO, or the reply's own marks       |
 * | words                             | 16     | last to be asked, since they are reworded; of a broad rule 4 |
 * | an enhanced code, whole           | 8      | `5.7.8` (RFC 3463)                                           |
 * | an enhanced code with a wildcard  | 3      | `*.7.8`, `5.7.*`                                             |
 * | a code                            | 4      | `535`                                                        |
 * | the class of a code               | 1      | `5`                                                          |
 * | the phase                         | 2      |                                                              |
 * | whether TLS was on, logged in     | 1 each |                                                              |
 *
 * So a superset of facts always beats its subset. General rules (RFC 3463's classes) count only where no other holds.
 * Words are compared without case, whole (or, with `*`, by their beginning), in their order and near each other; they
 * never stand alone, and never make a sentence.
 */
import type { Phase } from "../../LogEvent.ts"
import type { Provider } from "./provider.ts"

/** What kind of trouble it is: "reply" (the server said no), or a reason of `SmtpError`, with its kind behind a `/`. */
export type Kind = string

/** The facts of one trouble. */
export interface Facts {
  readonly kind: Kind
  readonly phase: Phase
  readonly code: number | undefined
  readonly enhanced: string | undefined
  readonly providers: ReadonlySet<Provider>
  /** The server's words, or those of the failure, on one line. */
  readonly text: string
  readonly secured: boolean | undefined
  readonly authenticated: boolean | undefined
  readonly port: number | undefined
}

export interface When {
  /** Default: "reply". */
  readonly kind?: ReadonlyArray<Kind>
  readonly phase?: ReadonlyArray<Phase>
  /** Codes, or classes: 4, 5. */
  readonly code?: ReadonlyArray<number>
  /** Enhanced codes; a part may be `*`, or end in it. */
  readonly enhanced?: ReadonlyArray<string>
  readonly provider?: ReadonlyArray<Provider>
  /** Any of these stands in the text, between characters that are neither letters nor digits; `*` at the end: begins so. */
  readonly tokens?: ReadonlyArray<string>
  /** Any of these: one to three words, in this order, at most `gap` others between two. */
  readonly words?: ReadonlyArray<string>
  /** None of these. */
  readonly without?: ReadonlyArray<string>
  readonly secured?: boolean
  readonly authenticated?: boolean
  readonly port?: ReadonlyArray<number>
}

/** How long to wait before the same is tried again. "never": not before somebody changed something. */
export type RetryAfter = "seconds" | "hours" | "never"

export interface Rule {
  /** `theme/name`. */
  readonly id: string
  /** One of these. */
  readonly when: ReadonlyArray<When>
  /** Its words are common ones (`policy`, `rejected`), so they weigh no more than a code. */
  readonly isBroad?: boolean
  /** What went wrong, one sentence. */
  readonly what: string
  /** Likely causes, the likeliest first. */
  readonly causes: ReadonlyArray<string>
  /** What to do, in order. */
  readonly todo: ReadonlyArray<string>
  /** Whom to ask; `undefined`: nobody, it is in the hands of whoever configures the client. */
  readonly ask?: string
  readonly retryAfter?: RetryAfter
  /** Where it is written: RFC and §, a page, a source file. */
  readonly sources: ReadonlyArray<string>
}

/** How many other words may stand between two words of a rule. */
export const gap = 4

const wordPattern = /[\p{L}\p{N}][\p{L}\p{N}\p{M}]*/gu

/** A text, made ready for comparing. */
export interface Text {
  readonly lower: string
  readonly words: ReadonlyArray<string>
  /** The same, to see at once that a word is not there. */
  readonly vocabulary: ReadonlySet<string>
}

/** What is looked at of a text, in characters: enough for a reply, and bounded for a hostile one. */
const maxText = 8_192

export const prepare = (text: string): Text => {
  const lower = text.slice(0, maxText).toLowerCase()
  const words = lower.match(wordPattern) ?? []
  return { lower, words, vocabulary: new Set(words) }
}

const isWord = (pattern: string, word: string): boolean =>
  pattern.endsWith("*") ? word.startsWith(pattern.slice(0, -1)) : word === pattern

export const hasWords = (text: Text, group: string): boolean => {
  const patterns = group.split(" ")
  if (!patterns.every((pattern) => pattern.endsWith("*") || text.vocabulary.has(pattern))) return false
  const [first = ""] = patterns
  for (let at = 0; at < text.words.length; at++) {
    if (!isWord(first, text.words[at] ?? "")) continue
    let from = at
    let found = true
    for (let next = 1; next < patterns.length && found; next++) {
      const pattern = patterns[next] ?? ""
      const to = Math.min(text.words.length - 1, from + 1 + gap)
      let seen = from + 1
      while (seen <= to && !isWord(pattern, text.words[seen] ?? "")) seen++
      found = seen <= to
      from = seen
    }
    if (found) return true
  }
  return false
}

const isAlphanumeric = (character: string): boolean => /[\p{L}\p{N}]/u.test(character)

export const hasToken = (text: Text, token: string): boolean => {
  const open = token.endsWith("*")
  const wanted = (open ? token.slice(0, -1) : token).toLowerCase()
  for (let at = text.lower.indexOf(wanted); at >= 0; at = text.lower.indexOf(wanted, at + 1)) {
    const before = at === 0 || !isAlphanumeric(wanted.charAt(0)) || !isAlphanumeric(text.lower.charAt(at - 1))
    const end = at + wanted.length
    const after = open || end >= text.lower.length || !isAlphanumeric(wanted.charAt(wanted.length - 1)) ||
      !isAlphanumeric(text.lower.charAt(end))
    if (before && after) return true
  }
  return false
}

const enhancedWeight = (pattern: string, enhanced: string): number => {
  const wanted = pattern.split(".")
  const said = enhanced.split(".")
  if (!wanted.every((part, at) => isWord(part, said[at] ?? ""))) return -1
  return pattern.includes("*") ? 3 : 8
}

const codeWeight = (wanted: number, code: number): number =>
  wanted < 10 ? (Math.floor(code / 100) === wanted ? 1 : -1) : wanted === code ? 4 : -1

const best = <A>(wanted: ReadonlyArray<A>, weigh: (one: A) => number): number => Math.max(...wanted.map(weigh))

/** What the alternative demands, weighed; -1 where it doesn't hold. */
const weigh = (when: When, facts: Facts, text: Text, isBroad: boolean): number => {
  if (!(when.kind ?? ["reply"]).includes(facts.kind)) return -1
  let weight = 0
  if (when.phase !== undefined) {
    if (!when.phase.includes(facts.phase)) return -1
    weight += 2
  }
  if (when.code !== undefined) {
    const { code } = facts
    const found = code === undefined ? -1 : best(when.code, (wanted) => codeWeight(wanted, code))
    if (found < 0) return -1
    weight += found
  }
  if (when.enhanced !== undefined) {
    const { enhanced } = facts
    const found = enhanced === undefined ? -1 : best(when.enhanced, (pattern) => enhancedWeight(pattern, enhanced))
    if (found < 0) return -1
    weight += found
  }
  if (when.provider !== undefined) {
    if (!when.provider.some((provider) => facts.providers.has(provider))) return -1
    weight += 24
  }
  if (when.secured !== undefined) {
    if (when.secured !== facts.secured) return -1
    weight += 1
  }
  if (when.authenticated !== undefined) {
    if (when.authenticated !== facts.authenticated) return -1
    weight += 1
  }
  if (when.port !== undefined) {
    if (facts.port === undefined || !when.port.includes(facts.port)) return -1
    weight += 1
  }
  if (when.tokens !== undefined) {
    if (!when.tokens.some((token) => hasToken(text, token))) return -1
    weight += 64
  }
  if (when.words !== undefined) {
    if (!when.words.some((group) => hasWords(text, group))) return -1
    weight += isBroad ? 4 : 16
  }
  if (when.without?.some((group) => hasWords(text, group)) === true) return -1
  return weight
}

export interface Match {
  readonly rule: Rule
  readonly weight: number
}

/** The rule that demands most of those that hold. */
export const choose = (
  rules: ReadonlyArray<Rule>,
  general: ReadonlyArray<Rule>,
  facts: Facts
): Match | undefined => {
  const text = prepare(facts.text)
  const among = (candidates: ReadonlyArray<Rule>): Match | undefined => {
    let found: Match | undefined
    for (const rule of candidates) {
      const weight = best(rule.when, (when) => weigh(when, facts, text, rule.isBroad === true))
      if (weight >= 0 && (found === undefined || weight > found.weight)) found = { rule, weight }
    }
    return found
  }
  return among(rules) ?? among(general)
}
