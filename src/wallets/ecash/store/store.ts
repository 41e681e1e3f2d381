import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { assert } from '../../../floor/assert.ts'
import type { Proof } from '../mint/mint.ts'
import { batchOf, proofOf, type Quote, quoteOf, type Row, type SentBatch } from './rows.ts'

export interface NewBatch {
  readonly kind: SentBatch['kind']
  readonly mint: string
  readonly keyset: string
  readonly amounts: readonly number[]
  readonly quote: string | null
  /** The free proofs that it spends. They are held from now on. */
  readonly inputs: readonly Proof[]
  readonly at: number
}

/** What one mint holds for us, in sats. `held` is set aside for something under way. */
export interface Holding {
  readonly mint: string
  readonly free: number
  readonly held: number
  readonly proofs: number
}

/** In characters. More than an invoice or its coins need. */
const ROOM = 16_384

/**
 * The coins, their counters, and what is under way. When a method returns, its change is on the
 * disk (`synchronous = FULL`). Each method is one complete step, so a crash between two loses
 * nothing.
 */
export class EcashStore {
  readonly db: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  constructor(db: DatabaseSync) {
    this.db = db
  }

  /** Adds an invoice before anybody sees it. False if its payment hash or quote was seen before. */
  addQuote(quote: Omit<Quote, 'state' | 'settledN'>): boolean {
    const { hash, mint, privateKey, sat, bolt11, createdAt, expiresAt } = quote
    const added = this.run(
      `INSERT INTO quotes VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'open', NULL) ON CONFLICT DO NOTHING`,
      ...[hash, mint, quote.quote, privateKey, sat, bolt11, createdAt, expiresAt],
    )
    return added === 1
  }

  quote(hash: string): Quote | null {
    const row = this.get('SELECT * FROM quotes WHERE hash = ?', hash)
    return row === null ? null : quoteOf(row)
  }

  /** Invoices that are unpaid as far as is known, the newest first. */
  openQuotes(mint: string, createdAfter: number, limit: number): readonly Quote[] {
    const sql = `SELECT * FROM quotes WHERE mint = ? AND state = 'open' AND created_at > ?
      ORDER BY created_at DESC LIMIT ?`
    return this.all(sql, mint, createdAfter, limit).map(quoteOf)
  }

  /** Invoices that were settled after number `n`, the oldest first. */
  settledAfter(n: number, limit: number): readonly Quote[] {
    const sql = 'SELECT * FROM quotes WHERE settled_n > ? ORDER BY settled_n LIMIT ?'
    return this.all(sql, n, limit).map(quoteOf)
  }

  markStuck(hash: string): void {
    this.run(`UPDATE quotes SET state = 'stuck' WHERE hash = ? AND state = 'open'`, hash)
  }

  /** Drops an invoice that nobody has paid, and for which no coins were ever requested. */
  forgetQuote(hash: string): void {
    this.run(
      `DELETE FROM quotes WHERE hash = ? AND state = 'open'
       AND NOT EXISTS (SELECT 1 FROM batches WHERE kind = 'mint' AND quote = ?)`,
      ...[hash, hash],
    )
  }

  /** The next counter of a keyset. */
  counter(keyset: string): number {
    return Number(this.get('SELECT next FROM counters WHERE keyset = ?', keyset)?.next ?? 0)
  }

  /** Moves a counter on, never back. */
  skipTo(keyset: string, next: number): void {
    this.run(
      `INSERT INTO counters VALUES (?, ?)
       ON CONFLICT (keyset) DO UPDATE SET next = max(next, excluded.next)`,
      ...[keyset, next],
    )
  }

  keysets(): readonly string[] {
    return this.all('SELECT keyset FROM counters ORDER BY keyset').map((row) => String(row.keyset))
  }

  /** Takes the counters, sets the inputs aside and writes the batch, in one step. */
  beginBatch(batch: NewBatch): SentBatch {
    const { kind, mint, keyset, amounts, quote, inputs, at } = batch
    assert(amounts.length > 0, 'a batch has outputs')
    return this.atomically(() => {
      const counter = this.counter(keyset)
      this.skipTo(keyset, counter + amounts.length)
      this.run(
        `INSERT INTO batches (kind, mint, keyset, counter, amounts, quote, state, at)
         VALUES (?, ?, ?, ?, ?, ?, 'sent', ?)`,
        ...[kind, mint, keyset, counter, amounts.join(','), quote, at],
      )
      const n = Number(this.get('SELECT last_insert_rowid() AS n')?.n)
      const hold = `UPDATE proofs SET state = 'held', spent_in = ? WHERE secret = ? AND state = 'free'`
      for (const { secret } of inputs)
        assert(this.run(hold, n, secret) === 1, 'a coin is spent once')
      return { n, kind, mint, keyset, counter, amounts, quote, at }
    })
  }

  /**
   * The batch was signed. In one step its proofs become ours, its inputs are spent, and its invoice
   * is settled. Returns false if it was closed before.
   */
  finishBatch(
    batch: Pick<SentBatch, 'n' | 'mint' | 'kind' | 'quote'>,
    got: readonly Proof[],
  ): boolean {
    return this.atomically(() => {
      const close = `UPDATE batches SET state = 'done' WHERE n = ? AND state = 'sent'`
      if (this.run(close, batch.n) === 0) return false
      this.addProofs(batch.mint, got, batch.n)
      this.run(`UPDATE proofs SET state = 'spent' WHERE spent_in = ?`, batch.n)
      if (batch.kind !== 'mint') return true
      const settle = `UPDATE quotes SET state = 'minted',
        settled_n = (SELECT coalesce(max(settled_n), 0) + 1 FROM quotes) WHERE hash = ?`
      assert(this.run(settle, batch.quote) === 1, 'a batch of an invoice')
      return true
    })
  }

  /** The mint said that it did not happen. The inputs are free, and the counters stay used. */
  voidBatch(n: number): void {
    this.atomically(() => {
      if (this.run(`UPDATE batches SET state = 'void' WHERE n = ? AND state = 'sent'`, n) === 0)
        return
      this.run(
        `UPDATE proofs SET state = 'free', spent_in = NULL WHERE spent_in = ? AND state = 'held'`,
        ...[n],
      )
    })
  }

  /** Batches whose answer is not known, oldest first. */
  sentBatches(mint: string): readonly SentBatch[] {
    const sql = `SELECT * FROM batches WHERE mint = ? AND state = 'sent' ORDER BY n`
    return this.all(sql, mint).map(batchOf)
  }

  sentBatch(n: number): SentBatch | null {
    const row = this.get(`SELECT * FROM batches WHERE n = ? AND state = 'sent'`, n)
    return row === null ? null : batchOf(row)
  }

  /** The batch that is under way for an invoice. */
  sentFor(hash: string): SentBatch | null {
    const sql = `SELECT * FROM batches WHERE kind = 'mint' AND quote = ? AND state = 'sent'`
    const row = this.get(sql, hash)
    return row === null ? null : batchOf(row)
  }

  /** Batches for an invoice that were given up. One may have reached the mint all the same. */
  voidFor(hash: string): readonly SentBatch[] {
    const sql = `SELECT * FROM batches WHERE kind = 'mint' AND quote = ? AND state = 'void'`
    return this.all(sql, hash).map(batchOf)
  }

  /** Opens a batch again, because it did reach the mint. */
  reopenBatch(n: number): void {
    this.run(
      `UPDATE batches SET state = 'sent' WHERE n = ? AND kind = 'mint' AND state = 'void'`,
      n,
    )
  }

  inputsOf(n: number): readonly Proof[] {
    return this.all('SELECT * FROM proofs WHERE spent_in = ?', n).map(proofOf)
  }

  /** Adds proofs of a restore. Proofs that are known already stay as they are. */
  addProofs(mint: string, proofs: readonly Proof[], born: number | null = null): number {
    const sql = `INSERT INTO proofs VALUES (?, ?, ?, ?, ?, ?, 'free', ?, NULL) ON CONFLICT DO NOTHING`
    let added = 0
    for (const { secret, keyset, amount, c, dleq } of proofs) {
      added += this.run(sql, secret, mint, keyset, amount, c, dleq, born)
    }
    return added
  }

  /** Proofs that can be spent, the largest first. */
  freeProofs(mint: string): readonly Proof[] {
    const sql = `SELECT * FROM proofs WHERE mint = ? AND state = 'free' ORDER BY amount DESC, secret`
    return this.all(sql, mint).map(proofOf)
  }

  /** Marks proofs as spent by somebody. They no longer count. */
  markSpent(proofs: readonly Pick<Proof, 'secret'>[]): void {
    this.atomically(() => {
      const sql = `UPDATE proofs SET state = 'spent' WHERE secret = ? AND state = 'free'`
      for (const { secret } of proofs) this.run(sql, secret)
    })
  }

  /** All mints that hold something. */
  holdings(): readonly Holding[] {
    const sql = `SELECT mint, count(*) AS proofs,
        sum(CASE state WHEN 'free' THEN amount ELSE 0 END) AS free,
        sum(CASE state WHEN 'held' THEN amount ELSE 0 END) AS held
      FROM proofs WHERE state <> 'spent' GROUP BY mint ORDER BY mint`
    return this.all(sql).map((row) => ({
      mint: String(row.mint),
      free: Number(row.free),
      held: Number(row.held),
      proofs: Number(row.proofs),
    }))
  }

  /** For each mint, the sats of paid invoices whose coins were requested and have not come yet. */
  awaited(): ReadonlyMap<string, number> {
    const sql = `SELECT mint, sum(sat) AS sat FROM quotes WHERE state = 'open'
      AND hash IN (SELECT quote FROM batches WHERE kind = 'mint' AND state = 'sent') GROUP BY mint`
    return new Map(this.all(sql).map((row) => [String(row.mint), Number(row.sat)]))
  }

  /** All mints that were ever used. */
  mints(): readonly string[] {
    const sql = 'SELECT mint FROM quotes UNION SELECT mint FROM proofs ORDER BY mint'
    return this.all(sql).map((row) => String(row.mint))
  }

  fact(key: string): string | null {
    const value = this.get('SELECT value FROM facts WHERE key = ?', key)?.value
    return value === undefined ? null : String(value)
  }

  /** Stores a value. Null removes it. */
  setFact(key: string, value: string | null): void {
    if (value === null) this.run('DELETE FROM facts WHERE key = ?', key)
    else this.run('INSERT OR REPLACE INTO facts VALUES (?, ?)', key, value)
  }

  /** Writes as much as an invoice needs, and removes it. Throws if the disk cannot be written. */
  tryWriting(): void {
    this.setFact('room', '.'.repeat(ROOM))
    this.setFact('room', null)
  }

  /** Runs a step in one transaction. It is on the disk when this returns. */
  atomically<T>(step: () => T): T {
    if (this.db.isTransaction) return step()
    this.db.exec('BEGIN IMMEDIATE')
    try {
      const result = step()
      this.db.exec('COMMIT')
      return result
    } catch (error) {
      if (this.db.isTransaction) this.db.exec('ROLLBACK')
      throw error
    }
  }

  /** Runs one statement. Returns how many rows it changed. */
  run(sql: string, ...values: (string | number | null)[]): number {
    return Number(this.#prepared(sql).run(...values).changes)
  }

  get(sql: string, ...values: (string | number | null)[]): Row | null {
    return this.#prepared(sql).get(...values) ?? null
  }

  all(sql: string, ...values: (string | number | null)[]): Row[] {
    return this.#prepared(sql).all(...values)
  }

  close(): void {
    this.db.close()
  }

  #prepared(sql: string): StatementSync {
    const known = this.#statements.get(sql)
    if (known !== undefined) return known
    const statement = this.db.prepare(sql)
    this.#statements.set(sql, statement)
    return statement
  }
}
