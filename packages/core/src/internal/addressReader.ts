/**
 * Reads mailboxes, groups and lists of them as people and header sections write them (RFC 5322 §3.4, RFC 6532), once from
 * left to right: no position is visited twice but by the scan for controls, so the time is linear whatever comes.
 *
 * What it finds is checked as it will travel (RFC 5321 §4.1.2). Tolerated, since it is harmless: comments and blanks
 * wherever RFC 5322 ever had them, dots in a display name, quoted words in a local part, a route in angle brackets, empty
 * elements of a list, and `;` for `,` between elements. Comments are dropped. No control character is ever let pass, so a
 * folded header field must be unfolded before.
 */
import * as path from "./path.ts"

export interface Parts {
  readonly localPart: string
  readonly domain: string
  readonly displayName: string | undefined
}

export interface GroupParts {
  readonly name: string
  readonly members: ReadonlyArray<Parts>
}

/** What is wrong, and where: an index into the text. */
export interface Failure {
  readonly offset: number
  readonly problem: string
}

/** A word of a phrase or of a local part, or a dot between. */
interface Item {
  readonly kind: "atom" | "quoted" | "dot"
  readonly text: string
  readonly offset: number
  /** Blanks or comments stand before it. */
  readonly spaced: boolean
}

/** A local part as it travels: quoted where it must be (RFC 5321 §4.1.2). */
export const quoteLocalPart = (localPart: string): string =>
  dotString.test(localPart) ? localPart : `"${localPart.replaceAll(/["\\]/g, "\\$&")}"`

/** What is wrong with a mailbox's parts, as they will travel. */
export const localPartProblem = (localPart: string): string | undefined =>
  localPart === "" ? "no local part" : path.localPartProblem(quoteLocalPart(localPart), true)

export const domainProblem = (domain: string): string | undefined =>
  path.domainProblem(domain, true) ??
    (/(?:^|\.)\d+$/.test(domain) ? "a number at the end of the domain: an IP address stands in brackets" : undefined)

export const lengthProblem = (localPart: string, domain: string): string | undefined =>
  path.octetLength(quoteLocalPart(localPart)) + 1 + path.octetLength(domain) > path.maxPath - 2
    ? `the address is longer than ${path.maxPath} octets with its angle brackets`
    : undefined

// oxlint-disable-next-line no-control-regex
const dotString = /^[\w!#$%&'*+/=?^`{|}~\u0080-\uffff-]+(?:\.[\w!#$%&'*+/=?^`{|}~\u0080-\uffff-]+)*$/

export class AddressReader {
  /** The first thing that went wrong; nothing is read after it. */
  failure: Failure | undefined
  readonly #text: string
  #position = 0

  constructor(text: string) {
    this.#text = text
    const control = controls.exec(text)
    if (control !== null) this.#fail(`${codePoint(control[0])}, which no address may hold`, control.index)
  }

  /** One mailbox, and nothing else. */
  mailbox(): Parts | undefined {
    if (!this.#skip()) return undefined
    if (this.#position === this.#text.length) return this.#fail("no address")
    const found = this.#element(false)
    if (found === undefined || !this.#skip()) return undefined
    if (this.#position < this.#text.length) return this.#unexpected()
    return found
  }

  list(): ReadonlyArray<Parts | GroupParts> | undefined {
    const all: Array<Parts | GroupParts> = []
    let isSeparated = true
    while (this.#skip() && this.#position < this.#text.length) {
      if (this.#takes(",") || this.#takes(";")) {
        isSeparated = true
        continue
      }
      if (!isSeparated) return this.#unexpected()
      const found = this.#element(true)
      if (found === undefined) return undefined
      all.push(found)
      isSeparated = "members" in found
    }
    return this.failure === undefined ? all : undefined
  }

  #element(mayBeGroup: false): Parts | undefined
  #element(mayBeGroup: boolean): Parts | GroupParts | undefined
  #element(mayBeGroup: boolean): Parts | GroupParts | undefined {
    const start = this.#position
    const phrase = this.#phrase()
    if (phrase === undefined) return undefined
    switch (this.#text[this.#position]) {
      case "<":
        return this.#angle(phrase)
      case "@":
        return this.#address(phrase, undefined)
      case ":":
        if (mayBeGroup && phrase.length > 0) return this.#group(phrase)
        return this.#unexpected()
      default:
        if (phrase.length === 0) return this.#unexpected()
        return this.#position < this.#text.length && !isSeparator(this.#text[this.#position])
          ? this.#unexpected()
          : this.#fail("no \"@\" in the address", start)
    }
  }

  #group(phrase: ReadonlyArray<Item>): GroupParts | undefined {
    const start = this.#position++
    const members: Array<Parts> = []
    let isSeparated = true
    while (this.#skip()) {
      if (this.#position === this.#text.length) return this.#fail("no \";\" at the end of the group", start)
      if (this.#takes(";")) return { name: phraseText(phrase), members }
      if (this.#takes(",")) {
        isSeparated = true
        continue
      }
      if (!isSeparated) return this.#unexpected()
      const member = this.#element(false)
      if (member === undefined) return undefined
      members.push(member)
      isSeparated = false
    }
    return undefined
  }

  #angle(phrase: ReadonlyArray<Item>): Parts | undefined {
    const start = this.#position++
    if (!this.#skip() || !this.#route()) return undefined
    const local = this.#phrase()
    if (local === undefined) return undefined
    if (this.#text[this.#position] !== "@") {
      if (this.#position < this.#text.length && this.#text[this.#position] !== ">") return this.#unexpected()
      return this.#fail(local.length === 0 ? "no address in the angle brackets" : "no \"@\" in the address", start)
    }
    const name = phraseText(phrase)
    const found = this.#address(local, name === "" ? undefined : name)
    if (found === undefined || !this.#skip()) return undefined
    if (this.#takes(">")) return found
    return this.#position < this.#text.length
      ? this.#unexpected()
      : this.#fail("no \">\" at the end of the address", start)
  }

  /** The obsolete `@a,@b:` before an address in angle brackets (RFC 5322 §4.4), which is dropped. */
  #route(): boolean {
    if (this.#text[this.#position] !== "@") return true
    for (;;) {
      if (this.#takes("@")) {
        if (this.#domain() === undefined) return false
      } else if (this.#takes(":")) return true
      else if (!this.#takes(",")) {
        this.#unexpected()
        return false
      }
      if (!this.#skip()) return false
    }
  }

  /** At the `@` behind a local part. */
  #address(items: ReadonlyArray<Item>, displayName: string | undefined): Parts | undefined {
    const localPart = this.#localPart(items)
    if (localPart === undefined) return undefined
    this.#position++
    if (!this.#skip()) return undefined
    const start = this.#position
    const domain = this.#domain()
    if (domain === undefined) return undefined
    const wrongDomain = domainProblem(domain)
    if (wrongDomain !== undefined) return this.#fail(wrongDomain, start)
    const tooLong = lengthProblem(localPart, domain)
    if (tooLong !== undefined) return this.#fail(tooLong, items[0]?.offset)
    return { localPart, domain, displayName }
  }

  /** Words with a dot between each two (RFC 5322 §3.4.1, obs-local-part). */
  #localPart(items: ReadonlyArray<Item>): string | undefined {
    let localPart = ""
    let isDotDue = false
    for (const item of items) {
      if ((item.kind === "dot") !== isDotDue) {
        return this.#fail(
          item.kind === "dot"
            ? "a dot at the beginning of the local part, or two of them: such a local part must be quoted"
            : "words without a dot between: a local part with blanks is quoted, an address behind a name stands in angle brackets",
          item.offset
        )
      }
      localPart += item.text
      isDotDue = !isDotDue
    }
    if (!isDotDue && items.length > 0) return this.#fail("a dot at the end of the local part, which must be quoted")
    const problem = localPartProblem(localPart)
    return problem === undefined ? localPart : this.#fail(problem, items[0]?.offset)
  }

  #domain(): string | undefined {
    if (!this.#skip()) return undefined
    if (this.#text[this.#position] === "[") {
      const end = this.#text.indexOf("]", this.#position)
      if (end < 0) return this.#fail("no \"]\" at the end of the address literal")
      const literal = this.#text.slice(this.#position, end + 1)
      this.#position = end + 1
      return literal
    }
    let domain = ""
    let isDotDue = false
    for (;;) {
      const part = isDotDue ? (this.#takes(".") ? "." : "") : this.#atom()
      if (part === "") return domain
      domain += part
      isDotDue = !isDotDue
      if (!this.#skip()) return undefined
    }
  }

  /** Words and dots, up to whatever else comes. */
  #phrase(): ReadonlyArray<Item> | undefined {
    const items: Array<Item> = []
    for (;;) {
      const before = this.#position
      if (!this.#skip()) return undefined
      const offset = this.#position
      const spaced = offset > before
      const character = this.#text[offset]
      if (character === "\"") {
        const text = this.#quoted()
        if (text === undefined) return undefined
        items.push({ kind: "quoted", text, offset, spaced })
      } else if (character === ".") {
        this.#position++
        items.push({ kind: "dot", text: ".", offset, spaced })
      } else {
        const text = this.#atom()
        if (text === "") return items
        items.push({ kind: "atom", text, offset, spaced })
      }
    }
  }

  #atom(): string {
    const start = this.#position
    while (isAtext(this.#text.charCodeAt(this.#position))) this.#position++
    return this.#text.slice(start, this.#position)
  }

  /** A quoted string, without its quotes and escapes. */
  #quoted(): string | undefined {
    const start = this.#position++
    const pieces: Array<string> = []
    let plain = this.#position
    while (this.#position < this.#text.length) {
      const character = this.#text[this.#position]
      if (character === "\"") {
        pieces.push(this.#text.slice(plain, this.#position++))
        return pieces.join("")
      }
      if (character === "\\") {
        pieces.push(this.#text.slice(plain, this.#position++))
        plain = this.#position
      }
      this.#position++
    }
    return this.#fail("no end of the quoted text", start)
  }

  /** Blanks and comments. False where a comment has no end. */
  #skip(): boolean {
    if (this.failure !== undefined) return false
    for (;;) {
      const unit = this.#text.charCodeAt(this.#position)
      if (unit === 32 || unit === 9) this.#position++
      else if (unit !== 40) return true
      else if (!this.#comment()) return false
    }
  }

  #comment(): boolean {
    const start = this.#position
    let depth = 0
    for (; this.#position < this.#text.length; this.#position++) {
      const character = this.#text[this.#position]
      if (character === "\\") this.#position++
      else if (character === "(") depth++
      else if (character === ")" && --depth === 0) {
        this.#position++
        return true
      }
    }
    this.#fail("no end of the comment", start)
    return false
  }

  #takes(character: string): boolean {
    if (this.#text[this.#position] !== character) return false
    this.#position++
    return true
  }

  #unexpected(): undefined {
    return this.#position < this.#text.length
      ? this.#fail(`${codePoint(this.#text.slice(this.#position, this.#position + 2))} is out of place`)
      : this.#fail("no address at the end")
  }

  #fail(problem: string, offset: number = this.#position): undefined {
    this.failure ??= { offset, problem }
    return undefined
  }
}

const isSeparator = (character: string | undefined): boolean => character === "," || character === ";"

// oxlint-disable-next-line no-control-regex
const controls = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028\u2029]|\p{Surrogate}/u

const isAtext = (unit: number): boolean => unit > 127 || atext.has(unit)

const atext: ReadonlySet<number> = new Set(
  Array.from(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-/=?^_`{|}~",
    (character) => character.charCodeAt(0)
  )
)

const codePoint = (text: string): string => {
  const code = text.codePointAt(0) ?? 0
  return code > 32 && code < 127
    ? `"${String.fromCodePoint(code)}"`
    : `U+${code.toString(16).toUpperCase().padStart(4, "0")}`
}

/** A display name as it is meant: one blank where there were blanks or comments, and for a tab in quotes. */
const phraseText = (items: ReadonlyArray<Item>): string => {
  const pieces: Array<string> = []
  for (const [index, { spaced, text }] of items.entries()) pieces.push(spaced && index > 0 ? ` ${text}` : text)
  return pieces.join("").replaceAll("\t", " ")
}
