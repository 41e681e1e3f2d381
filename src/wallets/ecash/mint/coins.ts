import { createHash } from 'node:crypto'
import {
  Amount,
  deriveKeysetId,
  getEncodedToken,
  getPubKeyFromPrivKey,
  hashToCurve,
  OutputData,
  schnorrSignDigest,
  signMintQuote,
  type Proof as TheirProof,
} from '@cashu/cashu-ts'
import { type Batch, MintLies, type Proof, type QuoteKey } from './mint.ts'

/**
 * Only this file uses the library for blinding. The library takes long to load, so this file is
 * imported late.
 */

/** The public keys of one keyset by amount (NUT-01). */
export interface Keys {
  readonly id: string
  readonly keys: Readonly<Record<string, string>>
}

/** A blinded message as it is sent to the mint (NUT-00). */
export interface Blinded {
  readonly amount: number
  readonly id: string
  readonly B_: string
}

export interface Signature {
  readonly amount: number
  readonly C_: string
  readonly dleq: { readonly e: string; readonly s: string }
}

/**
 * An output of ours: the part that the mint sees, and the part that becomes a coin when it is
 * signed.
 */
export interface Output {
  readonly blinded: Blinded
  /** Throws `MintLies` unless the mint made the signature with its key for this amount (NUT-12). */
  unblind(signature: Signature, keys: Keys): Proof
}

/**
 * Makes the outputs of a batch from the seed of 64 bytes (NUT-13). They are the same every time.
 */
export function outputsOf(seed: Uint8Array, batch: Batch): readonly Output[] {
  return batch.amounts.map((amount, index) => {
    const counter = batch.counter + index
    const data = OutputData.createSingleDeterministicData(amount, seed, counter, batch.keyset)
    const { B_ } = data.blindedMessage
    return {
      blinded: { amount, id: batch.keyset, B_ },
      unblind: (signature, keys) => unblinded(data, signature, keys),
    }
  })
}

function unblinded(data: OutputData, { amount, C_, dleq }: Signature, keys: Keys): Proof {
  try {
    // The library checks the DLEQ proof if there is one.
    const proof = data.toProof({ id: keys.id, amount: Amount.from(amount), C_, dleq }, keys)
    const { e, s, r } = proof.dleq ?? {}
    const { secret, C: c } = proof
    return { secret, keyset: keys.id, amount, c, dleq: JSON.stringify({ e, s, r }) }
  } catch {
    throw new MintLies('a signature that does not check')
  }
}

/** What the id of a keyset depends on, besides its keys (NUT-02). */
export interface KeysetTerms {
  readonly feePpk: number
  /** In seconds since the epoch, as the mint gave it. */
  readonly finalExpiry: number | null
}

/** Whether an id of version 0 or 1 belongs to these keys, for sats (NUT-02). */
export function isIdOf({ id, keys }: Keys, terms: KeysetTerms): boolean {
  const versionByte = Number.parseInt(id.slice(0, 2), 16)
  const expiry = terms.finalExpiry === null ? {} : { expiry: terms.finalExpiry }
  const options = { unit: 'sat', input_fee_ppk: terms.feePpk, versionByte, ...expiry }
  return deriveKeysetId({ ...keys }, options) === id
}

/** The point of a secret in hex (NUT-00). A mint remembers a spent coin by it. */
export function pointOf(secret: string): string {
  return hashToCurve(new TextEncoder().encode(secret)).toHex(true)
}

/** The public key for the key of a quote, compressed, in hex (NUT-20). */
export function publicKeyOf(key: QuoteKey): string {
  return Buffer.from(getPubKeyFromPrivKey(Buffer.from(key.privateKey, 'hex'))).toString('hex')
}

/**
 * The signature with which a locked quote is minted (NUT-20), over the present form of the message:
 * it begins with a name, and each part has its length in front. The library signs the older form.
 */
export function signQuote(key: QuoteKey, quote: string, outputs: readonly Blinded[]): string {
  const hash = createHash('sha256').update('Cashu_MintQuoteSig_v1').update(framed(quote, 'utf8'))
  for (const { amount, B_ } of outputs) hash.update(framed(hexOf(amount))).update(framed(B_))
  return schnorrSignDigest(hash.digest(), key.privateKey)
}

/**
 * The same over the older form of the message, for older mints: the quote and the points, one after
 * the other.
 */
export function signQuoteAsBefore(
  key: QuoteKey,
  quote: string,
  outputs: readonly Blinded[],
): string {
  const theirs = outputs.map(({ amount, ...rest }) => ({ ...rest, amount: Amount.from(amount) }))
  return signMintQuote(key.privateKey, quote, theirs)
}

function framed(text: string, encoding: 'hex' | 'utf8' = 'hex'): Buffer {
  const bytes = Buffer.from(text, encoding)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

/** The amount in as few bytes as possible. No bytes for 0. */
function hexOf(amount: number): string {
  if (amount === 0) return ''
  const digits = amount.toString(16)
  return digits.length % 2 === 0 ? digits : `0${digits}`
}

/** A cashuB token of these coins in sats, each with its DLEQ proof if it has one (NUT-00 V4). */
export function tokenOf(mint: string, proofs: readonly Proof[]): string {
  return getEncodedToken({ mint, unit: 'sat', proofs: proofs.map(theirs) })
}

function theirs({ secret, keyset, amount, c, dleq }: Proof): TheirProof {
  const proof = { id: keyset, amount: Amount.from(amount), secret, C: c }
  return dleq === null ? proof : { ...proof, dleq: JSON.parse(dleq) }
}
