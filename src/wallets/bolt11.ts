import { createHash } from 'node:crypto'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { bech32 } from '@scure/base'
import { decode } from 'light-bolt11-decoder'
import { assert } from '../floor/assert.ts'
import type { MoneyKind } from '../ledger/ledger.ts'

/** The content of an invoice (BOLT 11). Its checksum was checked, its signature was not. */
export interface Bolt11 {
  /** The prefix after `ln`: `bc`, `tb`, `tbs`, `bcrt`, `sb`. */
  readonly network: string
  /** Null if the payer chooses the amount. */
  readonly amountMsat: bigint | null
  /** 64 hex digits. */
  readonly paymentHash: string
  readonly description: string | null
  /** ms since the epoch. */
  readonly createdAt: number
  /** In ms since the epoch. If the invoice names no expiry, an hour after `createdAt`. */
  readonly expiresAt: number
  /** Blocks that its receiver may hold a payment at least (`min_final_cltv_expiry_delta`). */
  readonly finalCltv: number
}

export interface Bolt11Draft {
  readonly network: 'bcrt' | 'tb' | 'tbs'
  readonly sat: number
  /** 32 bytes each. */
  readonly paymentHash: Uint8Array
  readonly paymentSecret: Uint8Array
  readonly description: string
  /** In ms since the epoch. The invoice has whole seconds. */
  readonly createdAt: number
  readonly expirySeconds: number
  /** secp256k1, 32 bytes. */
  readonly secretKey: Uint8Array
}

/** A longer invoice does not fit into a QR code, so no wallet could pay it. */
const LONGEST = 7089
const DEFAULT_EXPIRY_SECONDS = 3600

/** Reads an invoice in lower or upper case, without `lightning:`. Null for any other text. */
export function readBolt11(text: string): Bolt11 | null {
  if (text.length > LONGEST) return null
  const sections = sectionsOf(text)
  const network = sections.find((section) => section.name === 'coin_network')?.letters
  const amount = sections.find((section) => section.name === 'amount')?.value
  const seconds = sections.find((section) => section.name === 'timestamp')?.value
  // Of two of them, a wallet may obey either. Then nobody could say when it can no longer be paid.
  const expiries = sections.filter((section) => section.name === 'expiry')
  if (expiries.length > 1) return null
  const expiry = expiries[0]?.value
  // If the field stands there more than once, a wallet may obey any of them.
  const cltvs = sections.flatMap((section) =>
    section.name === 'min_final_cltv_expiry' ? [section.value] : [],
  )
  const hashes = sections.filter((section) => section.name === 'payment_hash')
  const paymentHash = hashes.length === 1 ? hashes[0]?.value : undefined
  if (network === undefined || seconds === undefined) return null
  if (!/^[0-9a-f]{64}$/.test(paymentHash ?? '')) return null
  const expiresAt = (seconds + (expiry ?? DEFAULT_EXPIRY_SECONDS)) * 1000
  // The expiry field has no bound. A number that is no time is refused.
  if (!Number.isSafeInteger(expiresAt)) return null
  return {
    network,
    amountMsat: amount === undefined ? null : BigInt(amount),
    paymentHash: paymentHash ?? '',
    description: sections.find((section) => section.name === 'description')?.value ?? null,
    createdAt: seconds * 1000,
    expiresAt,
    finalCltv: cltvs.length === 0 ? MIN_FINAL_CLTV : Math.max(...cltvs),
  }
}

function sectionsOf(text: string) {
  try {
    return decode(text).sections
  } catch {
    return []
  }
}

/**
 * The public key of the node that an invoice pays, in hex: the one that its signature proves
 * (BOLT 11). Null if the text is no invoice or its signature is none.
 */
export function payeeOf(bolt11: string): string | null {
  try {
    const { prefix, words } = bech32.decode(bolt11 as `${string}1${string}`, LONGEST)
    const signature = bech32.fromWords(words.slice(-SIGNATURE_WORDS))
    const hash = signedHash(prefix, words.slice(0, -SIGNATURE_WORDS))
    const recovered = Uint8Array.from([...signature.slice(-1), ...signature.slice(0, -1)])
    return Buffer.from(secp256k1.recoverPublicKey(recovered, hash, { prehash: false })).toString(
      'hex',
    )
  } catch {
    return null
  }
}

/** 65 bytes: the signature and its recovery id. */
const SIGNATURE_WORDS = 104

/** The kind of money of an invoice. Only `lnbc` is real money. Null if the text is no invoice. */
export function moneyOf(bolt11: string): Exclude<MoneyKind, 'play'> | null {
  const read = readBolt11(bolt11)
  if (read === null) return null
  return read.network === 'bc' ? 'real' : 'test'
}

/**
 * Writes and signs an invoice for whole sats (BOLT 11). Only for play money: it cannot write the
 * prefix `lnbc`.
 */
export function writeBolt11(draft: Bolt11Draft): string {
  assert(Number.isSafeInteger(draft.sat) && draft.sat > 0, `an invoice of ${draft.sat} sat`)
  assert(draft.paymentHash.length === 32 && draft.paymentSecret.length === 32, 'hash and secret')
  const prefix = `ln${draft.network}${amountLetters(draft.sat)}`
  const words = [
    ...numberWords(Math.floor(draft.createdAt / 1000), 7),
    ...field(1, bech32.toWords(draft.paymentHash)),
    ...field(16, bech32.toWords(draft.paymentSecret)),
    ...field(13, bech32.toWords(new TextEncoder().encode(fitDescription(draft.description)))),
    ...field(6, numberWords(draft.expirySeconds)),
    ...field(24, numberWords(MIN_FINAL_CLTV)),
    ...field(5, numberWords(FEATURES)),
  ]
  return bech32.encode(prefix, [...words, ...signed(prefix, words, draft.secretKey)], false)
}

/**
 * Cuts a text to the length of a description, which is 639 bytes of UTF-8. Does not cut a character
 * in two.
 */
export function fitDescription(text: string): string {
  const fitted = new Uint8Array(639)
  return text.slice(0, new TextEncoder().encodeInto(text, fitted).read)
}

/** The default of BOLT 11. */
const MIN_FINAL_CLTV = 18
/** var_onion_optin and payment_secret, both required (BOLT 9, bits 8 and 14). */
const FEATURES = 2 ** 8 + 2 ** 14

/** The shortest form of whole sats as an amount of bitcoin with a multiplier. 21 sat is `210n`. */
function amountLetters(sat: number): string {
  if (sat % 100_000 === 0) return `${sat / 100_000}m`
  if (sat % 100 === 0) return `${sat / 100}u`
  return `${BigInt(sat) * 10n}n`
}

/** A number as digits of base 32, the most significant first. */
function numberWords(value: number, atLeast = 1): number[] {
  const words: number[] = []
  for (let rest = value; rest > 0; rest = Math.floor(rest / 32)) words.unshift(rest % 32)
  while (words.length < atLeast) words.unshift(0)
  return words
}

function field(tag: number, words: number[]): number[] {
  assert(words.length < 1024, 'a field of an invoice holds up to 639 bytes')
  return [tag, ...numberWords(words.length, 2), ...words]
}

function signed(prefix: string, words: readonly number[], secretKey: Uint8Array): number[] {
  const hash = signedHash(prefix, words)
  const recovered = secp256k1.sign(hash, secretKey, { prehash: false, format: 'recovered' })
  // BOLT 11 puts the recovery id after the signature, and the library before it.
  return bech32.toWords(Uint8Array.from([...recovered.slice(1), ...recovered.slice(0, 1)]))
}

/** What the signature of an invoice signs. */
const signedHash = (prefix: string, words: readonly number[]): Uint8Array =>
  createHash('sha256').update(prefix).update(paddedBytes(words)).digest()

/**
 * Turns words of 5 bits into bytes and fills the last byte with zero bits. The signature is made
 * over these bytes.
 */
function paddedBytes(words: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(Math.ceil((words.length * 5) / 8))
  words.forEach((word, index) => {
    for (let bit = 0; bit < 5; bit += 1) {
      if (((word >> (4 - bit)) & 1) === 0) continue
      const at = index * 5 + bit
      bytes[at >> 3] = (bytes[at >> 3] ?? 0) | (0x80 >> (at & 7))
    }
  })
  return bytes
}
