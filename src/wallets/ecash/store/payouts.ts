import { assert } from '../../../floor/assert.ts'
import type { Proof } from '../mint/mint.ts'
import type { Row, SentBatch } from './rows.ts'
import type { EcashStore, NewBatch } from './store.ts'

/** Money on its way out over Lightning. Sats. */
export interface Payout {
  readonly n: number
  /**
   * `first`: the small one that the operator confirms; `chunk`: by itself, after that; `asked`: by the
   * operator.
   */
  readonly kind: 'first' | 'chunk' | 'asked'
  /** A Lightning address, or `invoice`. */
  readonly destination: string
  readonly mint: string
  readonly sat: number
  /** A mint that sets more aside for fees is not paid with. */
  readonly feeLimit: number
  /** Null until it was asked for. */
  readonly invoice: PayoutInvoice | null
  /** Null until the mint has said what it costs. */
  readonly quote: PayoutQuote | null
  /** The journalled payment; null while `open`. */
  readonly batch: number | null
  /** `open`: nothing was sent. `sent`: the mint may pay, or have paid. */
  readonly state: 'open' | 'sent' | 'paid' | 'failed'
  readonly reason: string | null
  /** Everything that it cost, input fees included; null until paid. */
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

/** Payouts on disk. Each step is there before it is acted upon; one is open at a time, over all mints. */
export class Payouts {
  readonly #store: EcashStore

  constructor(store: EcashStore) {
    this.#store = store
  }

  /** The one that is under way. */
  open(): Payout | null {
    return this.#one(`SELECT * FROM payouts WHERE state IN ('open', 'sent')`)
  }

  get(n: number): Payout {
    const payout = this.#one('SELECT * FROM payouts WHERE n = ?', n)
    assert(payout !== null, 'a payout that was begun')
    return payout
  }

  /** Begins one. Nobody else's may be open. */
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

  /** False where that invoice was paid before: it would not be paid for this. */
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

  /** The coins are set aside and the payment is journalled: from now on it may have happened. */
  send(n: number, batch: NewBatch): SentBatch {
    return this.#store.atomically(() => {
      const sent = this.#store.beginBatch(batch)
      const update = `UPDATE payouts SET state = 'sent', batch = ? WHERE n = ? AND state = 'open'`
      assert(this.#store.run(update, sent.n, n) === 1, 'a payout is sent once')
      return sent
    })
  }

  /** The mint has paid; `change` is what was left of the coins. */
  paid(n: number, batch: SentBatch, done: { change: readonly Proof[]; fee: number; at: number }) {
    this.#store.atomically(() => {
      assert(this.#store.finishBatch(batch, done.change), 'a payout is paid once')
      this.#store.run(
        `UPDATE payouts SET state = 'paid', fee = ?, closed_at = ? WHERE n = ? AND state = 'sent'`,
        ...[done.fee, done.at, n],
      )
    })
  }

  /** Nothing left, and nothing will: its coins are free again. */
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

  /** Those to an address that nobody asked for by hand, newest first. */
  toAddress(destination: string, limit: number): readonly Payout[] {
    const sql = `SELECT * FROM payouts WHERE destination = ? AND kind <> 'asked'
      ORDER BY n DESC LIMIT ?`
    return this.#store.all(sql, destination, limit).map(payoutOf)
  }

  /** The newest ones, open ones too. */
  newest(limit: number): readonly Payout[] {
    return this.#store.all('SELECT * FROM payouts ORDER BY n DESC LIMIT ?', limit).map(payoutOf)
  }

  /** Whether the operator has said that the first one arrived there. */
  confirmed(destination: string): boolean {
    return this.#store.fact(CONFIRMED) === destination
  }

  confirm(destination: string): void {
    this.#store.setFact(CONFIRMED, destination)
  }

  /** What stands in the way of payouts there; null once nothing does. For the operator. */
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

/** One address: another one starts anew with a small payout. */
const CONFIRMED = 'payout_confirmed'
const TROUBLE = 'payout_trouble'

const payoutOf = (row: Row): Payout => ({
  n: Number(row.n),
  kind: String(row.kind) as Payout['kind'],
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
  fee: row.fee === null ? null : Number(row.fee),
  createdAt: Number(row.created_at),
  closedAt: row.closed_at === null ? null : Number(row.closed_at),
})
