/** Octets: joining, comparing, looking for. */
export const concat = (chunks: ReadonlyArray<Uint8Array>): Uint8Array => {
  let size = 0
  for (const chunk of chunks) size += chunk.length
  const out = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    out.set(chunk, at)
    at += chunk.length
  }
  return out
}

/** Where `needle` begins, or -1. Hops from one first octet to the next. */
export const indexOf = (bytes: Uint8Array, needle: Uint8Array, from = 0): number => {
  const first = needle[0]
  if (first === undefined) return from
  for (let at = bytes.indexOf(first, from); at >= 0; at = bytes.indexOf(first, at + 1)) {
    let i = 1
    while (i < needle.length && bytes[at + i] === needle[i]) i++
    if (i === needle.length) return at
  }
  return -1
}

/** Whether an octet is over 127. Four at a time. */
export const hasEightBit = (bytes: Uint8Array): boolean => {
  const lead = Math.min((4 - (bytes.byteOffset & 3)) & 3, bytes.length)
  const words = (bytes.length - lead) >> 2
  for (let i = 0; i < lead; i++) if ((bytes[i] ?? 0) > 127) return true
  if (words === 0) return bytes.subarray(lead).some((octet) => octet > 127)
  const view = new Uint32Array(bytes.buffer, bytes.byteOffset + lead, words)
  for (let i = 0; i < words; i++) if (((view[i] ?? 0) & 0x80808080) !== 0) return true
  for (let i = lead + words * 4; i < bytes.length; i++) if ((bytes[i] ?? 0) > 127) return true
  return false
}
