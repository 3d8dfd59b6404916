/** Tag lists (RFC 6376 §3.2): `name=value` with semicolons between; white space around is none of theirs. */
export const parse = (text: string): ReadonlyMap<string, string> | undefined => {
  const tags = new Map<string, string>()
  const specs = text.split(";")
  if (specs.at(-1)?.trim() === "") specs.pop()
  for (const spec of specs) {
    const equals = spec.indexOf("=")
    const name = spec.slice(0, Math.max(equals, 0)).trim()
    if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(name) || tags.has(name)) return undefined
    tags.set(name, spec.slice(equals + 1).trim())
  }
  return tags
}

/** A value that may be folded anywhere: base64, and lists with colons. */
export const compact = (value: string): string => value.replaceAll(/[ \t\r\n]/g, "")

/** The signature field with an empty `b=`: what a signature signs of itself (RFC 6376 §3.5). */
export const withoutSignature = (field: string): string =>
  field.replace(/(^[^:]*:|;)([ \t\r\n]*b[ \t\r\n]*=)[^;]*/, "$1$2")
