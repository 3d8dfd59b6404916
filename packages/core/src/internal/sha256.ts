/**
 * SHA-256 (FIPS 180-4 §6.2) of content that comes in pieces. `effect/crypto` digests an array at once, which a message of
 * a gigabyte must never be. A platform's own is faster: see `Dkim.Hasher`.
 */
export interface Hash {
  readonly update: (bytes: Uint8Array) => void
  /** Once. */
  readonly digest: () => Uint8Array
}

const primes = (count: number): Array<number> => {
  const found: Array<number> = []
  for (let n = 2; found.length < count; n++) if (found.every((p) => n % p !== 0)) found.push(n)
  return found
}
/** The first 32 bits of the fractional part, by integer roots: exact. */
const fraction = (prime: number, root: 2 | 3): number => {
  const power = BigInt(root)
  const target = BigInt(prime) << (32n * power)
  let low = 0n
  let high = 1n << 40n
  while (high - low > 1n) {
    const middle = (low + high) >> 1n
    if (middle ** power <= target) low = middle
    else high = middle
  }
  return Number(low & 0xFFFFFFFFn)
}
const rounds = Int32Array.from(primes(64), (prime) => fraction(prime, 3) | 0)
const initial = Int32Array.from(primes(8), (prime) => fraction(prime, 2) | 0)

export const make = (): Hash => {
  const state = initial.slice()
  const w = new Int32Array(64)
  const block = new Uint8Array(64)
  let filled = 0
  let length = 0

  const compress = (bytes: Uint8Array, at: number): void => {
    const k = rounds
    for (let i = 0, j = at; i < 16; i++, j += 4) {
      w[i] = ((bytes[j] ?? 0) << 24) | ((bytes[j + 1] ?? 0) << 16) | ((bytes[j + 2] ?? 0) << 8) | (bytes[j + 3] ?? 0)
    }
    for (let i = 16; i < 64; i++) {
      const x = w[i - 15] ?? 0
      const y = w[i - 2] ?? 0
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3)
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10)
      w[i] = ((w[i - 16] ?? 0) + s0 + (w[i - 7] ?? 0) + s1) | 0
    }
    let a = state[0] ?? 0
    let b = state[1] ?? 0
    let c = state[2] ?? 0
    let d = state[3] ?? 0
    let e = state[4] ?? 0
    let f = state[5] ?? 0
    let g = state[6] ?? 0
    let h = state[7] ?? 0
    for (let i = 0; i < 64; i++) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7))
      const t1 = (h + s1 + ((e & f) ^ (~e & g)) + (k[i] ?? 0) + (w[i] ?? 0)) | 0
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10))
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0
      h = g
      g = f
      f = e
      e = (d + t1) | 0
      d = c
      c = b
      b = a
      a = (t1 + t2) | 0
    }
    state[0] = ((state[0] ?? 0) + a) | 0
    state[1] = ((state[1] ?? 0) + b) | 0
    state[2] = ((state[2] ?? 0) + c) | 0
    state[3] = ((state[3] ?? 0) + d) | 0
    state[4] = ((state[4] ?? 0) + e) | 0
    state[5] = ((state[5] ?? 0) + f) | 0
    state[6] = ((state[6] ?? 0) + g) | 0
    state[7] = ((state[7] ?? 0) + h) | 0
  }

  const update = (bytes: Uint8Array): void => {
    length += bytes.length
    let at = 0
    if (filled > 0) {
      at = Math.min(64 - filled, bytes.length)
      block.set(bytes.subarray(0, at), filled)
      filled += at
      if (filled < 64) return
      compress(block, 0)
      filled = 0
    }
    for (; at + 64 <= bytes.length; at += 64) compress(bytes, at)
    block.set(bytes.subarray(at), 0)
    filled = bytes.length - at
  }

  return {
    update,
    digest: () => {
      const bits = length * 8
      const padding = new Uint8Array((filled < 56 ? 64 : 128) - filled)
      padding[0] = 128
      const view = new DataView(padding.buffer)
      view.setUint32(padding.length - 8, Math.floor(bits / 2 ** 32))
      view.setUint32(padding.length - 4, bits >>> 0)
      update(padding)
      const out = new Uint8Array(32)
      const words = new DataView(out.buffer)
      state.forEach((word, i) => words.setInt32(i * 4, word))
      return out
    }
  }
}
