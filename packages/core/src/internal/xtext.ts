/**
 * xtext (RFC 3461 §4): text as an esmtp-value. Octets of its UTF-8 form other than `!` to `~`, and `+` and `=`, travel as
 * `+HH`. So no xtext holds a blank, a control or a line end.
 */
import * as octets from "./octets.ts"

// oxlint-disable-next-line no-control-regex
const plain = /^[!-*,-<>-~]*$/

export const encode = (text: string): string => {
  if (plain.test(text)) return text
  let encoded = ""
  for (const octet of octets.encode(text)) {
    encoded += octet < 33 || octet > 126 || octet === 43 || octet === 61
      ? `+${octet.toString(16).toUpperCase().padStart(2, "0")}`
      : String.fromCharCode(octet)
  }
  return encoded
}

/** `undefined` where it is not xtext. Lower-case hexadecimal digits, which RFC 3461 does not allow, are read. */
export const decode = (encoded: string): string | undefined => {
  if (plain.test(encoded)) return encoded
  if (!/^(?:[!-*,-<>-~]|\+[0-9A-Fa-f]{2})*$/.test(encoded)) return undefined
  const out = new Uint8Array(encoded.length)
  let length = 0
  for (let position = 0; position < encoded.length; position++) {
    const unit = encoded.charCodeAt(position)
    if (unit === 43) {
      out[length++] = Number.parseInt(encoded.slice(position + 1, position + 3), 16)
      position += 2
    } else out[length++] = unit
  }
  return octets.decode(out.subarray(0, length))
}
