/**
 * Content-Type and Content-Disposition as they are found (RFC 2045 §5.1, RFC 2183, RFC 2231): read tolerantly, in linear
 * time. What is not understood is left out.
 */

export interface Parameterized {
  /** Lower case, as `text/plain` or `attachment`. */
  readonly value: string
  /** By their names in lower case; RFC 2231's pieces joined and decoded. */
  readonly parameters: ReadonlyMap<string, string>
}

const decoded = (text: string, charset: string): string => {
  const octets: Array<number> = []
  for (let i = 0; i < text.length; i++) {
    const hex = text[i] === "%" ? /^[0-9A-Fa-f]{2}/.exec(text.slice(i + 1, i + 3))?.[0] : undefined
    if (hex !== undefined) {
      octets.push(Number.parseInt(hex, 16))
      i += 2
    } else octets.push(text.charCodeAt(i) & 0xff)
  }
  try {
    return new TextDecoder(charset === "" ? "utf-8" : charset).decode(Uint8Array.from(octets))
  } catch {
    return text
  }
}

/** The parameter's value from `i` on, and where it ends. */
const valueAt = (text: string, i: number): readonly [value: string, end: number] => {
  if (text[i] !== "\"") {
    const end = text.indexOf(";", i)
    const stop = end < 0 ? text.length : end
    return [text.slice(i, stop).trim(), stop]
  }
  let value = ""
  for (i++; i < text.length && text[i] !== "\""; i++) {
    if (text[i] === "\\") i++
    value += text[i] ?? ""
  }
  const end = text.indexOf(";", i)
  return [value, end < 0 ? text.length : end]
}

const continuation = /^(.+?)\*(?:(\d{1,3})(\*)?)?$/

/** A token in lower case; a longer text is none. */
export const withoutComments = (text: string): string =>
  text.slice(0, 200).replaceAll(/\([^()]*\)/g, "").trim().toLowerCase()

export const parse = (field: string): Parameterized => {
  const end = field.indexOf(";")
  const value = withoutComments(end < 0 ? field : field.slice(0, end))
  const parameters = new Map<string, string>()
  const pieces = new Map<string, Array<{ readonly number: number; readonly text: string; readonly encoded: boolean }>>()
  for (let i = end < 0 ? field.length : end + 1; i < field.length;) {
    const equals = field.indexOf("=", i)
    if (equals < 0) break
    const name = field.slice(i, equals).replaceAll(";", "").trim().toLowerCase()
    let start = equals + 1
    while (field[start] === " " || field[start] === "\t") start++
    const [text, stop] = valueAt(field, start)
    i = stop + 1
    const [, base, number, star] = continuation.exec(name) ?? []
    if (base === undefined) {
      if (!parameters.has(name)) parameters.set(name, text)
      continue
    }
    const list = pieces.get(base) ?? []
    list.push({ number: Number(number ?? 0), text, encoded: number === undefined || star !== undefined })
    pieces.set(base, list)
  }
  for (const [name, list] of pieces) {
    list.sort((a, b) => a.number - b.number)
    const [, charset = "", text = ""] = list[0]?.encoded === true
      ? /^([^']*)'[^']*'(.*)$/s.exec(list[0].text) ?? ["", "", list[0].text]
      : ["", "", list[0]?.text]
    const whole = list.map((piece, i) => i === 0 ? text : piece.text).join("")
    parameters.set(name, list.some(({ encoded }) => encoded) ? decoded(whole, charset.toLowerCase()) : whole)
  }
  return { value, parameters }
}
