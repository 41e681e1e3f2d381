import { assert } from '../../../floor/assert.ts'
import type { Proof } from '../mint/mint.ts'
import type { Row, SentBatch } from './rows.ts'
import type { EcashStore, NewBatch } from './store.ts'

/** Money that leaves over Lightning. Amounts in sats. */
export interface Payout {
  readonly n: number
  /**
   * `first`: the small payout that the operator confirms. `chunk`: a later one that goes by itself.
   * `asked`: the operator asked for it. `buyer`: a buyer withdrew credit.
   */
  readonly kind: 'first' | 'chunk' | 'asked' | 'buyer'
  /** The id of the withdrawal of a buyer. Null for the operator's. */
  readonly id: string | null
  /** A Lightning address, or `invoice`. */
  readonly destination: string
  readonly mint: string
  readonly sat: number
  /** If a mint wants a higher fee reserve, it is not used for this payout. */
  readonly feeLimit: number
  /** Null until it is requested. */
  readonly invoice: PayoutInvoice | null
  /** Null until the mint says what the payment costs. */
  readonly quote: PayoutQuote | null
  /** The payment in the journal. Null while it is `open`. */
  readonly batch: number | null
  /** `open`: nothing was sent. `sent`: the mint may pay, or may have paid. */
  readonly state: 'open' | 'sent' | 'paid' | 'failed'
  readonly reason: string | null
  /** What the swaps cost that made its coins. */
  readonly swapFee: number
  /** Everything that it cost, with input fees and without `swapFee`. Null until it is paid. */
  readonly fee: number | null
  readonly createdAt: number
  readonly closedAt: number | null
}

export interface PayoutInvoice {
  readonly bolt11: string
  readonly hash: string
  /** ms since the epoch. */
  readonly expiresAt: number
}

export interface PayoutQuote {
  readonly quote: string
  readonly feeReserve: number
}

/** A payment of a buyer that is about to be sent, or that cannot be made. */
export interface BuyerPayout
  extends Pick<Payout, 'mint' | 'sat' | 'feeLimit' | 'swapFee' | 'quote'> {
  readonly id: string
  readonly invoice: PayoutInvoice
}

/**
 * The payouts on the disk. Each step is written before it is carried out. One payout of the operator
 * is open at a time, over all mints. Those of buyers are under way beside it.
 */
export class Payouts {
  readonly #store: EcashStore

  constructor(store: EcashStore) {
    this.#store = store
  }

  /** The payout of the operator that is under way. */
  open(): Payout | null {
    return this.#one(`SELECT * FROM payouts WHERE state IN ('open', 'sent') AND kind <> 'buyer'`)
  }

  /** The payment of a buyer with that id or hash. At most one has either. */
  ofBuyer({ id, hash }: { readonly id: string; readonly hash: string }): Payout | null {
    return this.#one(
      `SELECT * FROM payouts WHERE kind = 'buyer' AND (id = ? OR hash = ?) ORDER BY id = ? DESC`,
      ...[id, hash, id],
    )
  }

  /** Whether the operator has paid that invoice from this wallet, or may have. */
  paidByOperator(hash: string): boolean {
    const sql = `SELECT n FROM payouts WHERE hash = ? AND state <> 'failed' AND kind <> 'buyer'`
    return this.#store.get(sql, hash) !== null
  }

  /**
   * Writes a payment of a buyer down together with its coins, which are set aside. From now on it
   * may have happened.
   */
  sendForBuyer(payout: BuyerPayout, batch: NewBatch): Payout {
    return this.#store.atomically(() => {
      const sent = this.#store.beginBatch(batch)
      return this.#addForBuyer(payout, { state: 'sent', batch: sent.n, at: batch.at })
    })
  }

  /** Writes down that a payment of a buyer was not made and never will be. */
  refuseForBuyer(payout: BuyerPayout, reason: string, at: number): Payout {
    const how = { state: 'failed', batch: null, at, reason } as const
    return this.#store.atomically(() => this.#addForBuyer(payout, how))
  }

  #addForBuyer(
    { id, mint, sat, feeLimit, swapFee, invoice, quote }: BuyerPayout,
    how: {
      readonly state: 'sent' | 'failed'
      readonly batch: number | null
      readonly at: number
      readonly reason?: string
    },
  ): Payout {
    const { bolt11, hash, expiresAt } = invoice
    this.#store.run(
      `INSERT INTO payouts (kind, id, destination, mint, sat, fee_limit, bolt11, hash, expires_at,
         quote, fee_reserve, swap_fee, batch, state, reason, created_at, closed_at)
       VALUES ('buyer', ?, 'invoice', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ...[id, mint, sat, feeLimit, bolt11, hash, expiresAt],
      ...[quote?.quote ?? null, quote?.feeReserve ?? null, swapFee, how.batch, how.state],
      ...[how.reason ?? null, how.at, how.state === 'failed' ? how.at : null],
    )
    return this.get(Number(this.#store.get('SELECT last_insert_rowid() AS n')?.n))
  }

  get(n: number): Payout {
    const payout = this.#one('SELECT * FROM payouts WHERE n = ?', n)
    assert(payout !== null, 'a payout that was begun')
    return payout
  }

  /** Begins a payout. No other one may be open. */
  begin(
    payout: Pick<Payout, 'kind' | 'destination' | 'mint' | 'sat' | 'feeLimit'>,
    at: number,
  ): Payout {
    assert(this.open() === null, 'one payout at a time')
    const { kind, destination, mint, sat, feeLimit } = payout
    this.#store.run(
      `INSERT INTO payouts (kind, destination, mint, sat, fee_limit, state, created_at)
       VALUES (?, ?, ?, ?, ?, 'open', ?)`,
      ...[kind, destination, mint, sat, feeLimit, at],
    )
    return this.get(Number(this.#store.get('SELECT last_insert_rowid() AS n')?.n))
  }

  /**
   * Returns false if that invoice was paid before, because then this payout would not be paid by
   * it.
   */
  keepInvoice(n: number, { bolt11, hash, expiresAt }: PayoutInvoice): boolean {
    const paid = `SELECT n FROM payouts WHERE hash = ? AND state <> 'failed' AND n <> ?`
    if (this.#store.get(paid, hash, n) !== null) return false
    const keep = `UPDATE payouts SET bolt11 = ?, hash = ?, expires_at = ? WHERE n = ? AND state = 'open'`
    assert(this.#store.run(keep, bolt11, hash, expiresAt, n) === 1, 'an open payout')
    return true
  }

  keepQuote(n: number, { quote, feeReserve }: PayoutQuote): void {
    const keep = `UPDATE payouts SET quote = ?, fee_reserve = ? WHERE n = ? AND state = 'open'`
    assert(this.#store.run(keep, quote, feeReserve, n) === 1, 'an open payout')
  }

  /**
   * Sets the coins aside and writes the payment to the journal. From now on it may have happened.
   */
  send(n: number, batch: NewBatch): SentBatch {
    return this.#store.atomically(() => {
      const sent = this.#store.beginBatch(batch)
      const update = `UPDATE payouts SET state = 'sent', batch = ? WHERE n = ? AND state = 'open'`
      assert(this.#store.run(update, sent.n, n) === 1, 'a payout is sent once')
      return sent
    })
  }

  /** The mint has paid. `change` is the rest of the coins. */
  paid(n: number, batch: SentBatch, done: { change: readonly Proof[]; fee: number; at: number }) {
    this.#store.atomically(() => {
      assert(this.#store.finishBatch(batch, done.change), 'a payout is paid once')
      this.#store.run(
        `UPDATE payouts SET state = 'paid', fee = ?, closed_at = ? WHERE n = ? AND state = 'sent'`,
        ...[done.fee, done.at, n],
      )
    })
  }

  /** No money has left, and none will. The coins are free again. */
  failed(n: number, reason: string, at: number): void {
    this.#store.atomically(() => {
      const { batch } = this.get(n)
      if (batch !== null) this.#store.voidBatch(batch)
      this.#store.run(
        `UPDATE payouts SET state = 'failed', reason = ?, closed_at = ?
         WHERE n = ? AND state IN ('open', 'sent')`,
        ...[reason, at, n],
      )
    })
  }

  /** The automatic payouts to an address, the newest first. */
  toAddress(destination: string, limit: number): readonly Payout[] {
    const sql = `SELECT * FROM payouts WHERE destination = ? AND kind IN ('first', 'chunk')
      ORDER BY n DESC LIMIT ?`
    return this.#store.all(sql, destination, limit).map(payoutOf)
  }

  /** The newest payouts, with those under way. */
  newest(limit: number): readonly Payout[] {
    return this.#store.all('SELECT * FROM payouts ORDER BY n DESC LIMIT ?', limit).map(payoutOf)
  }

  /** Whether the operator said that the first payout arrived there. */
  confirmed(destination: string): boolean {
    return this.#store.fact(CONFIRMED) === destination
  }

  confirm(destination: string): void {
    this.#store.setFact(CONFIRMED, destination)
  }

  /** Stores what prevents payouts to an address, for the operator. Null if nothing does. */
  keepTrouble(destination: string, reason: string | null): void {
    this.#store.setFact(TROUBLE, reason === null ? null : JSON.stringify({ destination, reason }))
  }

  trouble(destination: string): string | null {
    const kept = JSON.parse(this.#store.fact(TROUBLE) ?? 'null')
    return kept?.destination === destination ? String(kept.reason) : null
  }

  #one(sql: string, ...values: (string | number)[]): Payout | null {
    const row = this.#store.get(sql, ...values)
    return row === null ? null : payoutOf(row)
  }
}

/**
 * The name under which the confirmed address is stored. Another address starts again with a small
 * payout.
 */
const CONFIRMED = 'payout_confirmed'
const TROUBLE = 'payout_trouble'

const payoutOf = (row: Row): Payout => ({
  n: Number(row.n),
  kind: String(row.kind) as Payout['kind'],
  id: row.id === null ? null : String(row.id),
  destination: String(row.destination),
  mint: String(row.mint),
  sat: Number(row.sat),
  feeLimit: Number(row.fee_limit),
  invoice:
    row.hash === null
      ? null
      : { bolt11: String(row.bolt11), hash: String(row.hash), expiresAt: Number(row.expires_at) },
  quote:
    row.quote === null ? null : { quote: String(row.quote), feeReserve: Number(row.fee_reserve) },
  batch: row.batch === null ? null : Number(row.batch),
  state: String(row.state) as Payout['state'],
  reason: row.reason === null ? null : String(row.reason),
  swapFee: Number(row.swap_fee),
  fee: row.fee === null ? null : Number(row.fee),
  createdAt: Number(row.created_at),
  closedAt: row.closed_at === null ? null : Number(row.closed_at),
})
