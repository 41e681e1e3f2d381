/**
 * SHA-256 and HMAC-SHA256 (FIPS 180-4, RFC 2104). Browsers have them for pages that came by TLS or
 * from this machine alone, and the page of a gate in a home network comes by plain HTTP.
 */

const BLOCK = 64
/** The first 32 bits of the fractional parts of the cube and square roots of the first primes. */
const PRIMES = primes(64)
const ROUNDS = PRIMES.map((prime) => fraction(Math.cbrt(prime)))
const START = PRIMES.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)))

export function sha256(data: Uint8Array): Uint8Array {
  const bytes = padded(data)
  const view = new DataView(bytes.buffer)
  const state = Uint32Array.from(START)
  for (let at = 0; at < bytes.length; at += BLOCK) compress(state, view, at)
  const digest = new DataView(new ArrayBuffer(32))
  for (const [index, word] of state.entries()) digest.setUint32(index * 4, word)
  return new Uint8Array(digest.buffer)
}

/** The key has at most 64 bytes. */
export function hmac(key: Uint8Array, data: Uint8Array): Uint8Array {
  const around = (pad: number, inner: Uint8Array) => {
    const bytes = new Uint8Array(BLOCK + inner.length).fill(pad, 0, BLOCK)
    for (const [at, byte] of key.entries()) bytes[at] = byte ^ pad
    bytes.set(inner, BLOCK)
    return sha256(bytes)
  }
  return around(0x5c, around(0x36, data))
}

/** One bit, zeros, and the length in bits as the last eight bytes. */
function padded(data: Uint8Array): Uint8Array {
  const size = Math.ceil((data.length + 9) / BLOCK) * BLOCK
  const bytes = new Uint8Array(size)
  bytes.set(data)
  bytes[data.length] = 0x80
  new DataView(bytes.buffer).setUint32(size - 4, data.length * 8)
  return bytes
}

function compress(state: Uint32Array, view: DataView, from: number): void {
  const words = new Uint32Array(64)
  for (let n = 0; n < 16; n += 1) words[n] = view.getUint32(from + n * 4)
  for (let n = 16; n < 64; n += 1) {
    const [a, b] = [word(words, n - 15), word(words, n - 2)]
    const s0 = turn(a, 7) ^ turn(a, 18) ^ (a >>> 3)
    const s1 = turn(b, 17) ^ turn(b, 19) ^ (b >>> 10)
    words[n] = word(words, n - 16) + s0 + word(words, n - 7) + s1
  }
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state
  for (let n = 0; n < 64; n += 1) {
    const choice = (e & f) ^ (~e & g)
    const first = h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + choice
    const t1 = (first + (ROUNDS[n] ?? 0) + word(words, n)) | 0
    const majority = (a & b) ^ (a & c) ^ (b & c)
    const t2 = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + majority) | 0
    ;[h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + t2) | 0]
  }
  for (const [n, value] of [a, b, c, d, e, f, g, h].entries()) state[n] = word(state, n) + value
}

const word = (words: Uint32Array, n: number): number => words[n] ?? 0
const turn = (value: number, by: number): number => (value >>> by) | (value << (32 - by))

function primes(count: number): readonly number[] {
  const found: number[] = []
  for (let n = 2; found.length < count; n += 1)
    if (found.every((one) => n % one !== 0)) found.push(n)
  return found
}

function fraction(root: number): number {
  return ((root - Math.floor(root)) * 0x1_0000_0000) >>> 0
}
