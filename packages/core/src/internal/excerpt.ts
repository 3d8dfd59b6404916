/**
 * What a peer or a caller gave us, as an error may keep and print it: cut to a length, and quoted so that no control,
 * bidirectional or unpaired character reaches a terminal or a log of somebody else's.
 *
 * This is for the messages of errors. The log's text form has its own, reversible, escapes.
 */

/** How much of an offending line or input an error keeps. */
export const maxExcerpt = 200

/** At most `max` UTF-16 units, never half of a surrogate pair. */
export const excerpt = (text: string, max: number = maxExcerpt): string => {
  if (text.length <= max) return text
  const last = text.charCodeAt(max - 1)
  const splitsPair = last >= 0xd800 && last <= 0xdbff
  return text.slice(0, splitsPair ? max - 1 : max)
}

/** In double quotes; `"`, `\`, controls, line separators, bidirectional controls and lone surrogates as escapes. */
export const quoted = (text: string): string => `"${text.replaceAll(unprintable, escape)}"`

const unprintable =
  // oxlint-disable-next-line no-control-regex
  /["\\\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]|\p{Surrogate}/gu

const escape = (character: string): string =>
  character === "\"" || character === "\\"
    ? `\\${character}`
    : `\\u{${(character.codePointAt(0) ?? 0).toString(16).toUpperCase()}}`
