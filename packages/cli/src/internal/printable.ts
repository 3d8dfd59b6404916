/**
 * What a peer said, as a terminal may see it: control characters and those that turn text round are written out, in the
 * log's own way (`\xHH`, `\u{…}`). JSON has its escapes for the same characters.
 */

const unprintable =
  // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]|\p{Surrogate}/gu

const hex = (character: string, width: number) => (character.codePointAt(0) ?? 0).toString(16).padStart(width, "0")

/** On one line: line ends are written out too. */
export const line = (text: string): string =>
  text.replaceAll(
    unprintable,
    (character) => character <= "\u007f" ? `\\x${hex(character, 2).toUpperCase()}` : `\\u{${hex(character, 1)}}`
  )

/** Text of several lines: CRLF and LF end a line, anything else is written out. */
export const lines = (text: string): string => text.split(/\r?\n/).map(line).join("\n")

/** JSON whose text no terminal obeys. */
export const json = (value: unknown): string =>
  JSON.stringify(value).replaceAll(unprintable, (character) => `\\u${hex(character, 4)}`)
