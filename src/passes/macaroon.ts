import { timingSafeEqual } from 'node:crypto'
import { assert } from '../floor/assert.ts'
import { err, ok, type Result } from '../floor/result.ts'
import { hmac } from './hmac.ts'

/**
 * Macaroons in the V2 binary format, first-party caveats only:
 *
 *     02 | [01 len location] | 02 len identifier | 00 | { 02 len caveat | 00 }* | 00 | 06 20 signature
 *
 * Lengths are unsigned varints. The signature is a chain of HMAC-SHA256. So the holder of a macaroon can
 * add a caveat, and nobody can remove one.
 */
export interface Macaroon {
  /** A hint for people. The signature does not cover it, so nothing relies on it. */
  readonly location: Uint8Array
  readonly identifier: Uint8Array
  readonly caveats: readonly Uint8Array[]
  readonly signature: Uint8Array
}

/** 4 KB as base64. It also bounds every length inside, so a varint has at most two bytes. */
export const MAX_BYTES = 3072
export const MAX_CAVEATS = 32

export type TooMuch = 'too_large' | 'too_many_caveats'
export type MacaroonRefused = TooMuch | 'not_v2'

const VERSION = 2
const END = 0
const LOCATION = 1
const IDENTIFIER = 2
const SIGNATURE = 6
const SIGNATURE_BYTES = 32
const NOTHING = new Uint8Array(0)

/** All macaroon libraries use this fixed string. */
const GENERATOR = Buffer.from('macaroons-key-generator')

/** The signature before the first caveat. */
const firstSignature = (rootKey: Uint8Array, identifier: Uint8Array): Uint8Array =>
  hmac(hmac(GENERATOR, rootKey), identifier)

/** Signs a macaroon. The caller bounds caveats from outside before (`canonicalCaveats`). */
export function mint(
  rootKey: Uint8Array,
  identifier: Uint8Array,
  made: { readonly location: string; readonly caveats: readonly string[] },
): Macaroon {
  const caveats = made.caveats.map((caveat) => Buffer.from(caveat))
  const signature = caveats.reduce<Uint8Array>(hmac, firstSignature(rootKey, identifier))
  const macaroon = { location: Buffer.from(made.location), identifier, caveats, signature }
  assert(tooMuch(macaroon) === null, 'a macaroon that nobody would accept')
  return macaroon
}

/**
 * Adds one caveat to a macaroon. This needs no key, so everybody who holds a pass can narrow it.
 */
export function attenuate(macaroon: Macaroon, caveat: string): Result<Macaroon, TooMuch> {
  const bytes = Buffer.from(caveat)
  const narrowed = {
    ...macaroon,
    caveats: [...macaroon.caveats, bytes],
    signature: hmac(macaroon.signature, bytes),
  }
  const refused = tooMuch(narrowed)
  return refused === null ? ok(narrowed) : err(refused)
}

/**
 * The signature before the first caveat, and the one after each caveat, in order. Null if this root
 * key did not sign the macaroon. The signature after a limit names its meter. A child has the same signatures as its parent up to the
 * first caveat that it adds, so it shares all meters of its parent (threats H9).
 */
export function verify(rootKey: Uint8Array, macaroon: Macaroon): readonly Uint8Array[] | null {
  let last = firstSignature(rootKey, macaroon.identifier)
  const signatures = [last]
  for (const caveat of macaroon.caveats) {
    last = hmac(last, caveat)
    signatures.push(last)
  }
  return timingSafeEqual(last, macaroon.signature) ? signatures : null
}

/** Writes V2 bytes. `parse` reads the same macaroon from them. */
export function serialize(macaroon: Macaroon): Uint8Array {
  const { location, identifier, caveats, signature } = macaroon
  const bytes = Buffer.allocUnsafe(sizeOf(macaroon))
  bytes[0] = VERSION
  let at = location.length > 0 ? putPacket(bytes, 1, { kind: LOCATION, data: location }) : 1
  at = putPacket(bytes, at, { kind: IDENTIFIER, data: identifier })
  bytes[at++] = END
  for (const caveat of caveats) {
    at = putPacket(bytes, at, { kind: IDENTIFIER, data: caveat })
    bytes[at++] = END
  }
  bytes[at++] = END
  at = putPacket(bytes, at, { kind: SIGNATURE, data: signature })
  assert(at === bytes.length, 'a macaroon is as long as was reckoned')
  return bytes
}

/** Bytes that `serialize` writes. */
function sizeOf({ location, identifier, caveats, signature }: Macaroon): number {
  let size = 3 + sizeOfPacket(identifier) + sizeOfPacket(signature)
  if (location.length > 0) size += sizeOfPacket(location)
  for (const caveat of caveats) size += sizeOfPacket(caveat) + 1
  return size
}

/**
 * Reads V2 bytes strictly. It accepts one encoding only, no bytes after the signature, and no
 * third-party caveat. The result shares the bytes of the argument.
 */
export function parse(bytes: Uint8Array): Result<Macaroon, MacaroonRefused> {
  if (bytes.length > MAX_BYTES) return err('too_large')
  const cursor: Cursor = { bytes, at: 0 }
  const macaroon = take(cursor)
  return macaroon.ok && cursor.at !== bytes.length ? err('not_v2') : macaroon
}

/**
 * If the bytes begin with a macaroon, returns the bytes of that macaroon, whatever follows.
 * Otherwise null.
 */
export function startOf(bytes: Uint8Array): Uint8Array | null {
  const cursor: Cursor = { bytes: bytes.subarray(0, MAX_BYTES), at: 0 }
  return take(cursor).ok ? bytes.subarray(0, cursor.at) : null
}

function take(cursor: Cursor): Result<Macaroon, MacaroonRefused> {
  if (!takeByte(cursor, VERSION)) return err('not_v2')
  const location = cursor.bytes[cursor.at] === LOCATION ? takePacket(cursor, LOCATION) : NOTHING
  if (location === null || (location.length === 0 && location !== NOTHING)) return err('not_v2')
  const identifier = takePacket(cursor, IDENTIFIER)
  if (identifier === null || !takeByte(cursor, END)) return err('not_v2')
  const caveats: Uint8Array[] = []
  while (!takeByte(cursor, END)) {
    if (caveats.length === MAX_CAVEATS) return err('too_many_caveats')
    const caveat = takePacket(cursor, IDENTIFIER)
    if (caveat === null || !takeByte(cursor, END)) return err('not_v2')
    caveats.push(caveat)
  }
  const signature = takePacket(cursor, SIGNATURE)
  if (signature?.length !== SIGNATURE_BYTES) return err('not_v2')
  return ok({ location, identifier, caveats, signature })
}

function tooMuch(macaroon: Macaroon): TooMuch | null {
  if (macaroon.caveats.length > MAX_CAVEATS) return 'too_many_caveats'
  return sizeOf(macaroon) > MAX_BYTES ? 'too_large' : null
}

interface Cursor {
  readonly bytes: Uint8Array
  at: number
}

const sizeOfPacket = ({ length }: Uint8Array): number => length + (length < 0x80 ? 2 : 3)

/** Writes a packet at that place, and returns the place behind it. */
function putPacket(
  bytes: Uint8Array,
  at: number,
  { kind, data }: { readonly kind: number; readonly data: Uint8Array },
): number {
  const { length } = data
  let next = at
  bytes[next++] = kind
  if (length < 0x80) bytes[next++] = length
  else {
    bytes[next++] = (length & 0x7f) | 0x80
    bytes[next++] = length >> 7
  }
  bytes.set(data, next)
  return next + length
}

function takeByte(cursor: Cursor, byte: number): boolean {
  if (cursor.bytes[cursor.at] !== byte) return false
  cursor.at += 1
  return true
}

function takePacket(cursor: Cursor, kind: number): Uint8Array | null {
  if (!takeByte(cursor, kind)) return null
  const size = takeSize(cursor)
  if (size === null || cursor.at + size > cursor.bytes.length) return null
  const data = cursor.bytes.subarray(cursor.at, cursor.at + size)
  cursor.at += size
  return data
}

/**
 * Reads a varint in its shortest form. Null for a longer form, or for a number that no macaroon
 * here can have.
 */
function takeSize(cursor: Cursor): number | null {
  const low = cursor.bytes[cursor.at]
  if (low === undefined) return null
  cursor.at += 1
  if (low < 0x80) return low
  const high = cursor.bytes[cursor.at]
  if (high === undefined || high === 0 || high >= 0x80) return null
  cursor.at += 1
  return (high << 7) | (low & 0x7f)
}
