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
  /** Free proofs that it spends: held from now on. */
  readonly inputs: readonly Proof[]
  readonly at: number
}

/** What one mint holds for us, in sat. `held`: set aside for something that is under way. */
export interface Holding {
  readonly mint: string
  readonly free: number
  readonly held: number
  readonly proofs: number
}

/** Characters: more than an invoice or its coins take. */
const ROOM = 16_384

/**
 * The coins, their counters and what is under way, on disk before a method returns (synchronous
 * FULL). Its steps are whole: a process that dies between two has lost nothing.
 */
export class EcashStore {
  readonly db: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  constructor(db: DatabaseSync) {
    this.db = db
  }

  /** An invoice, before anybody sees it. False where its payment hash or quote was seen before. */
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

  /** Unpaid as far as is known, newest first. */
  openQuotes(mint: string, createdAfter: number, limit: number): readonly Quote[] {
    const sql = `SELECT * FROM quotes WHERE mint = ? AND state = 'open' AND created_at > ?
      ORDER BY created_at DESC LIMIT ?`
    return this.all(sql, mint, createdAfter, limit).map(quoteOf)
  }

  /** Settled after that place in the order, oldest first. */
  settledAfter(n: number, limit: number): readonly Quote[] {
    const sql = 'SELECT * FROM quotes WHERE settled_n > ? ORDER BY settled_n LIMIT ?'
    return this.all(sql, n, limit).map(quoteOf)
  }

  markStuck(hash: string): void {
    this.run(`UPDATE quotes SET state = 'stuck' WHERE hash = ? AND state = 'open'`, hash)
  }

  /** Drops an invoice that nobody has paid, and that no coins were ever asked for. */
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

  /** Takes the counters, sets the inputs aside and writes the batch down, in one step. */
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
   * The batch came back: its proofs are ours, its inputs are spent, its invoice is settled. In one
   * step, and only once: false where it was closed before.
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

  /** The mint said clearly that it did not happen: the inputs are free, the counters stay used. */
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

  /** The one that is under way for an invoice. */
  sentFor(hash: string): SentBatch | null {
    const sql = `SELECT * FROM batches WHERE kind = 'mint' AND quote = ? AND state = 'sent'`
    const row = this.get(sql, hash)
    return row === null ? null : batchOf(row)
  }

  /** Batches for an invoice that were given up: one of them may have come through all the same. */
  voidFor(hash: string): readonly SentBatch[] {
    const sql = `SELECT * FROM batches WHERE kind = 'mint' AND quote = ? AND state = 'void'`
    return this.all(sql, hash).map(batchOf)
  }

  /** It did come through: to be finished. */
  reopenBatch(n: number): void {
    this.run(
      `UPDATE batches SET state = 'sent' WHERE n = ? AND kind = 'mint' AND state = 'void'`,
      n,
    )
  }

  inputsOf(n: number): readonly Proof[] {
    return this.all('SELECT * FROM proofs WHERE spent_in = ?', n).map(proofOf)
  }

  /** Proofs from elsewhere than a batch under way: a restore. Known ones stay as they are. */
  addProofs(mint: string, proofs: readonly Proof[], born: number | null = null): number {
    const sql = `INSERT INTO proofs VALUES (?, ?, ?, ?, ?, ?, 'free', ?, NULL) ON CONFLICT DO NOTHING`
    let added = 0
    for (const { secret, keyset, amount, c, dleq } of proofs) {
      added += this.run(sql, secret, mint, keyset, amount, c, dleq, born)
    }
    return added
  }

  /** Free to spend, biggest first. */
  freeProofs(mint: string): readonly Proof[] {
    const sql = `SELECT * FROM proofs WHERE mint = ? AND state = 'free' ORDER BY amount DESC, secret`
    return this.all(sql, mint).map(proofOf)
  }

  /** Known to be spent, by whom is not: they are counted no longer. */
  markSpent(proofs: readonly Pick<Proof, 'secret'>[]): void {
    this.atomically(() => {
      const sql = `UPDATE proofs SET state = 'spent' WHERE secret = ? AND state = 'free'`
      for (const { secret } of proofs) this.run(sql, secret)
    })
  }

  /** Every mint that holds something. */
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

  /** Sats of paid invoices whose coins were asked of a mint and have not come yet, by mint. */
  awaited(): ReadonlyMap<string, number> {
    const sql = `SELECT mint, sum(sat) AS sat FROM quotes WHERE state = 'open'
      AND hash IN (SELECT quote FROM batches WHERE kind = 'mint' AND state = 'sent') GROUP BY mint`
    return new Map(this.all(sql).map((row) => [String(row.mint), Number(row.sat)]))
  }

  /** Every mint that was ever dealt with. */
  mints(): readonly string[] {
    const sql = 'SELECT mint FROM quotes UNION SELECT mint FROM proofs ORDER BY mint'
    return this.all(sql).map((row) => String(row.mint))
  }

  fact(key: string): string | null {
    const value = this.get('SELECT value FROM facts WHERE key = ?', key)?.value
    return value === undefined ? null : String(value)
  }

  /** Null forgets it. */
  setFact(key: string, value: string | null): void {
    if (value === null) this.run('DELETE FROM facts WHERE key = ?', key)
    else this.run('INSERT OR REPLACE INTO facts VALUES (?, ?)', key, value)
  }

  /** Writes as much as an invoice needs, and takes it away again. Throws where the disk takes nothing. */
  tryWriting(): void {
    this.setFact('room', '.'.repeat(ROOM))
    this.setFact('room', null)
  }

  /** All of it or nothing, on disk when it returns. */
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

  /** Runs one statement; answers how many rows it changed. */
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
