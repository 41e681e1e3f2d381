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

/** What is blinded is the library's, and only here: it takes long to load, so this file is imported late. */

/** The public keys of one keyset by amount (NUT-01). */
export interface Keys {
  readonly id: string
  readonly keys: Readonly<Record<string, string>>
}

/** A blinded message as it goes over the wire (NUT-00). */
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

/** An output of ours: what the mint sees of it, and what becomes a coin once it is signed. */
export interface Output {
  readonly blinded: Blinded
  /** Throws `MintLies` unless the signature is one of the mint's key for its amount (NUT-12). */
  unblind(signature: Signature, keys: Keys): Proof
}

/** The outputs of a batch, from the 64 byte seed (NUT-13): the same again whenever asked. */
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
    // Checks the DLEQ proof because there is one.
    const proof = data.toProof({ id: keys.id, amount: Amount.from(amount), C_, dleq }, keys)
    const { e, s, r } = proof.dleq ?? {}
    const { secret, C: c } = proof
    return { secret, keyset: keys.id, amount, c, dleq: JSON.stringify({ e, s, r }) }
  } catch {
    throw new MintLies('a signature that does not check')
  }
}

/** What a keyset's id is made of besides its keys (NUT-02). */
export interface KeysetTerms {
  readonly feePpk: number
  /** s since the epoch, as the mint gave it. */
  readonly finalExpiry: number | null
}

/** Whether an id, of version 0 or 1, is that of these keys, unit sat (NUT-02). */
export function isIdOf({ id, keys }: Keys, terms: KeysetTerms): boolean {
  const versionByte = Number.parseInt(id.slice(0, 2), 16)
  const expiry = terms.finalExpiry === null ? {} : { expiry: terms.finalExpiry }
  const options = { unit: 'sat', input_fee_ppk: terms.feePpk, versionByte, ...expiry }
  return deriveKeysetId({ ...keys }, options) === id
}

/** What a mint knows a spent coin by: the point of its secret (NUT-00), hex. */
export function pointOf(secret: string): string {
  return hashToCurve(new TextEncoder().encode(secret)).toHex(true)
}

/** The public key of a quote's key, compressed, hex (NUT-20). */
export function publicKeyOf(key: QuoteKey): string {
  return Buffer.from(getPubKeyFromPrivKey(Buffer.from(key.privateKey, 'hex'))).toString('hex')
}

/**
 * The signature that mints a locked quote (NUT-20), over the message of today: lengths before the
 * parts and a name of its own. The library signs the one before, for mints that know no other.
 */
export function signQuote(key: QuoteKey, quote: string, outputs: readonly Blinded[]): string {
  const hash = createHash('sha256').update('Cashu_MintQuoteSig_v1').update(framed(quote, 'utf8'))
  for (const { amount, B_ } of outputs) hash.update(framed(hexOf(amount))).update(framed(B_))
  return schnorrSignDigest(hash.digest(), key.privateKey)
}

/** The same over the message of before: the quote and the points, one after the other. */
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

/** Whole bytes, the fewest: none for 0. */
function hexOf(amount: number): string {
  if (amount === 0) return ''
  const digits = amount.toString(16)
  return digits.length % 2 === 0 ? digits : `0${digits}`
}

/** A cashuB token of these coins, unit sat, each with its DLEQ proof where it has one (NUT-00 V4). */
export function tokenOf(mint: string, proofs: readonly Proof[]): string {
  return getEncodedToken({ mint, unit: 'sat', proofs: proofs.map(theirs) })
}

function theirs({ secret, keyset, amount, c, dleq }: Proof): TheirProof {
  const proof = { id: keyset, amount: Amount.from(amount), secret, C: c }
  return dleq === null ? proof : { ...proof, dleq: JSON.parse(dleq) }
}
