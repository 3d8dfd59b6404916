/**
 * The escapes of the log's text form (docs/design.md): no text, whoever sent it, can end a record, forge one, or drive a
 * terminal, and each text is read back as it was.
 *
 * `"` and `\` get a backslash; C0 and DEL are `\xHH`; C1, line and paragraph separators, bidirectional controls and
 * lone surrogates are `\u{…}`, but for U+DC80 to U+DCFF, which stand for octets that are not UTF-8 and are `\xHH`.
 */

/* oxlint-disable no-control-regex -- controls are what this is about */
const unsafe = /["\\\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]|\p{Surrogate}/u
const everyUnsafe = new RegExp(unsafe.source, "gu")
const unsafeInJson = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu
const unsafeInPlain = new RegExp(unsafe.source.replace("[\"\\\\", "["), "gu")
const everyUnsafeInSentence = new RegExp(`${unsafe.source}|['()]`, "gu")
/* oxlint-enable no-control-regex */

const hex = (unit: number, digits: number): string => unit.toString(16).padStart(digits, "0")

const replacement = (character: string): string => {
  const code = character.charCodeAt(0)
  if (code === 0x22 || code === 0x5c) return `\\${character}`
  if (code < 0x80) return `\\x${hex(code, 2)}`
  if (code >= 0xdc80 && code <= 0xdcff) return `\\x${hex(code - 0xdc00, 2)}`
  return `\\u{${hex(code, 0)}}`
}

/** For text in double quotes. */
export const escape = (text: string): string => unsafe.test(text) ? text.replaceAll(everyUnsafe, replacement) : text

/** For text in no quotes, which a person reads and no program reads back. */
export const escapeInPlain = (text: string): string => text.replaceAll(unsafeInPlain, replacement)

/** For text inside a sentence, where `'`, `(` and `)` are the sentence's own. */
export const escapeInSentence = (text: string): string => text.replaceAll(everyUnsafeInSentence, replacement)

const everyEscape = /\\(?:(["\\])|x([0-9a-f]{2})|u\{([0-9a-f]{1,4})\}|)/gi

/** What was escaped; `undefined` where a backslash begins none of our escapes. */
export const unescape = (text: string): string | undefined => {
  if (!text.includes("\\")) return text
  let foreign = false
  const plain = text.replaceAll(everyEscape, (_, self?: string, octet?: string, unit?: string) => {
    if (self !== undefined) return self
    if (octet !== undefined) {
      const code = Number.parseInt(octet, 16)
      return String.fromCharCode(code < 0x80 ? code : 0xdc00 + code)
    }
    if (unit !== undefined) return String.fromCharCode(Number.parseInt(unit, 16))
    foreign = true
    return ""
  })
  return foreign ? undefined : plain
}

/** JSON on one line, members in the order of `keys` if given and no others, and what JSON leaves bare but a terminal obeys escaped. */
export const toJson = (value: unknown, keys?: ReadonlyArray<string>): string =>
  JSON.stringify(value, keys === undefined ? undefined : [...keys]).replaceAll(
    unsafeInJson,
    (character) => `\\u${hex(character.charCodeAt(0), 4)}`
  )
