import type { SQLOutputValue } from 'node:sqlite'
import type { Batch, Proof } from '../mint/mint.ts'

/** An invoice of a mint, and what is needed to take its coins. */
export interface Quote {
  /** The payment hash. */
  readonly hash: string
  readonly mint: string
  readonly quote: string
  /** The key that it is locked to, in hex (NUT-20). */
  readonly privateKey: string | null
  readonly sat: number
  readonly bolt11: string
  readonly createdAt: number
  readonly expiresAt: number
  /**
   * `minted`: its coins are here. Only this counts as settled. `stuck`: the mint says that it
   * issued the coins, and not to us.
   */
  readonly state: 'open' | 'minted' | 'stuck'
  /** Its number in the order of settlements. Null until it is minted. */
  readonly settledN: number | null
}

/** A batch that was written down before it was sent. */
export interface SentBatch extends Batch {
  readonly n: number
  readonly kind: 'mint' | 'swap' | 'melt'
  readonly mint: string
  /** A payment hash for `mint`, the melt quote for `melt`. */
  readonly quote: string | null
  readonly at: number
}

/** A mint may work on outputs for so many ms. It answers within seconds, or never. */
const KEPT = 60_000

/** Whether outputs that a mint has kept unsigned since then will never be signed. */
export const isGivenUp = ({ at }: Pick<SentBatch, 'at'>, now: number): boolean => now - at > KEPT

export type Row = Record<string, SQLOutputValue>

const maybe = (value: SQLOutputValue | undefined): string | null =>
  value === null || value === undefined ? null : String(value)

export const quoteOf = (row: Row): Quote => ({
  hash: String(row.hash),
  mint: String(row.mint),
  quote: String(row.quote),
  privateKey: maybe(row.private_key),
  sat: Number(row.sat),
  bolt11: String(row.bolt11),
  createdAt: Number(row.created_at),
  expiresAt: Number(row.expires_at),
  state: String(row.state) as Quote['state'],
  settledN: row.settled_n === null ? null : Number(row.settled_n),
})

export const batchOf = (row: Row): SentBatch => ({
  n: Number(row.n),
  kind: String(row.kind) as SentBatch['kind'],
  mint: String(row.mint),
  keyset: String(row.keyset),
  counter: Number(row.counter),
  amounts: String(row.amounts).split(',').map(Number),
  quote: maybe(row.quote),
  at: Number(row.at),
})

export const proofOf = (row: Row): Proof => ({
  secret: String(row.secret),
  keyset: String(row.keyset),
  amount: Number(row.amount),
  c: String(row.c),
  dleq: maybe(row.dleq),
})
