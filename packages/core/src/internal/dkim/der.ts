/** As much of ASN.1's DER (ITU-T X.690) as keys in DKIM records need. */

interface Element {
  readonly tag: number
  readonly start: number
  readonly end: number
}

/** The element that begins at `at`, if it lies within the octets. */
const element = (bytes: Uint8Array, at: number): Element | undefined => {
  const tag = bytes[at]
  const first = bytes[at + 1]
  if (tag === undefined || first === undefined) return undefined
  let length = first
  let start = at + 2
  if (first >= 128) {
    const count = first - 128
    if (count === 0 || count > 3) return undefined
    length = 0
    for (let i = 0; i < count; i++) length = length * 256 + (bytes[start + i] ?? 0)
    start += count
  }
  return start + length <= bytes.length ? { tag, start, end: start + length } : undefined
}

const wrap = (tag: number, content: Uint8Array): Uint8Array => {
  const length = content.length
  const head = length < 128
    ? [tag, length]
    : length < 256
    ? [tag, 0x81, length]
    : [tag, 0x82, length >> 8, length & 255]
  const out = new Uint8Array(head.length + length)
  out.set(head)
  out.set(content, head.length)
  return out
}

/** AlgorithmIdentifier of rsaEncryption (RFC 8017 §A.1). */
const rsaEncryption = [0x30, 0x0D, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01, 0x05, 0x00]

/** An RSA public key, as SubjectPublicKeyInfo or as bare RSAPublicKey: the first form, and the modulus' bits. */
export const rsaPublicKey = (bytes: Uint8Array): { readonly spki: Uint8Array; readonly bits: number } | undefined => {
  const outer = element(bytes, 0)
  if (outer?.tag !== 0x30) return undefined
  const inner = element(bytes, outer.start)
  if (inner === undefined) return undefined
  if (inner.tag === 0x02) {
    const bits = modulusBits(bytes, outer.start)
    const string = new Uint8Array(bytes.length + 1)
    string.set(bytes, 1)
    const bitString = wrap(0x03, string)
    const content = new Uint8Array(rsaEncryption.length + bitString.length)
    content.set(rsaEncryption)
    content.set(bitString, rsaEncryption.length)
    return { spki: wrap(0x30, content), bits }
  }
  const bitString = element(bytes, inner.end)
  const key = bitString?.tag === 0x03 ? element(bytes, bitString.start + 1) : undefined
  return key?.tag === 0x30 ? { spki: bytes, bits: modulusBits(bytes, key.start) } : undefined
}

const modulusBits = (bytes: Uint8Array, at: number): number => {
  const modulus = element(bytes, at)
  if (modulus?.tag !== 0x02) return 0
  let start = modulus.start
  while (start < modulus.end && bytes[start] === 0) start++
  return (modulus.end - start) * 8 - Math.clz32(bytes[start] ?? 0) + 24
}

const includes = (bytes: Uint8Array, needle: ReadonlyArray<number>): boolean => {
  for (let at = 0; at + needle.length <= bytes.length; at++) {
    if (needle.every((octet, i) => bytes[at + i] === octet)) return true
  }
  return false
}

/** Whether a PKCS#8 key is an Ed25519 key (RFC 8410 §3: 1.3.101.112). */
export const isEd25519 = (pkcs8: Uint8Array): boolean => includes(pkcs8.subarray(0, 32), [0x06, 0x03, 0x2B, 0x65, 0x70])
