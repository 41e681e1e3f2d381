import { createHash } from 'node:crypto'
import { assert } from '../../../floor/assert.ts'
import type { AccountId } from '../../../ledger/ledger.ts'
import type { ReceivedToken } from '../../receiver.ts'
import type { Batch, Proof } from '../mint/mint.ts'
import { sourceOf } from '../mint/url.ts'
import type { Row } from '../store/rows.ts'
import type { EcashStore } from '../store/store.ts'

/** A token of a buyer, as it is on the disk. Amounts in sats. */
export interface TokenRow {
  readonly n: number
  readonly payment: string
  readonly mint: string
  readonly sat: number
  readonly fee: number
  /** The outputs that its proofs are swapped for. */
  readonly batch: Batch
  readonly account: AccountId | null
  /**
   * `sent`: the mint may have swapped it. `here`: our coins are on the disk. `credited`: the ledger
   * has it too. `given`: and its buyer got the pass. `spent`: after a lost answer the mint said that
   * somebody else had spent it.
   */
  readonly state: 'sent' | 'here' | 'credited' | 'given' | 'spent'
  readonly at: number
}

export interface NewToken {
  readonly payment: string
  readonly mint: string
  readonly sat: number
  readonly fee: number
  readonly keyset: string
  readonly amounts: readonly number[]
  readonly account: AccountId | null
  readonly proofs: readonly Proof[]
  readonly at: number
}

/** Which of these proofs were taken here before, as parts of which tokens. */
export interface Overlap {
  readonly tokens: readonly TokenRow[]
  readonly known: number
}

/**
 * The tokens of buyers. Each step is on the disk when its method returns. A row is written before its
 * swap is sent, with the proofs, so that no crash loses them.
 */
export class TokenRows {
  readonly #store: EcashStore

  constructor(store: EcashStore) {
    this.#store = store
  }

  get(payment: string): TokenRow | null {
    const row = this.#store.get('SELECT * FROM tokens WHERE payment = ?', payment)
    return row === null ? null : tokenOf(row)
  }

  /** A token is known again by its secrets, whose hash takes no arithmetic on the curve. */
  overlap(secrets: readonly string[]): Overlap {
    const found = new Map<number, TokenRow>()
    let known = 0
    const sql = `SELECT tokens.* FROM token_proofs JOIN tokens ON tokens.n = token WHERE secret = ?`
    for (const secret of secrets) {
      const row = this.#store.get(sql, hashOf(secret))
      if (row === null) continue
      known += 1
      found.set(Number(row.n), tokenOf(row))
    }
    return { tokens: [...found.values()], known }
  }

  /** How many proofs a token has. */
  proofsOf(n: number): number {
    const sql = 'SELECT count(*) AS proofs FROM token_proofs WHERE token = ?'
    return Number(this.#store.get(sql, n)?.proofs ?? 0)
  }

  /** Takes the counters for its outputs, and writes the token with its proofs, in one step. */
  begin(token: NewToken): TokenRow {
    const { payment, mint, sat, fee, keyset, amounts, account, proofs, at } = token
    const store = this.#store
    store.atomically(() => {
      const counter = store.counter(keyset)
      store.skipTo(keyset, counter + amounts.length)
      store.run(
        `INSERT INTO tokens (payment, mint, sat, fee, keyset, counter, amounts, account, state, at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'sent', ?)`,
        ...[payment, mint, sat, fee, keyset, counter, amounts.join(','), account, at],
      )
      const n = Number(store.get('SELECT last_insert_rowid() AS n')?.n)
      for (const proof of proofs) {
        const sql = 'INSERT INTO token_proofs VALUES (?, ?, ?)'
        store.run(sql, hashOf(proof.secret), n, JSON.stringify(proof))
      }
    })
    const row = this.get(payment)
    assert(row !== null, 'a token that was written')
    return row
  }

  /** The proofs of a token whose swap is not finished. */
  inputs(n: number): readonly Proof[] {
    const sql = 'SELECT proof FROM token_proofs WHERE token = ? AND proof IS NOT NULL'
    return this.#store.all(sql, n).map(({ proof }) => JSON.parse(String(proof)))
  }

  /** The swap was done. In one step its coins are ours, and the proofs are forgotten. */
  swapped({ n, mint }: TokenRow, coins: readonly Proof[]): void {
    this.#store.atomically(() => {
      const close = `UPDATE tokens SET state = 'here' WHERE n = ? AND state = 'sent'`
      if (this.#store.run(close, n) === 0) return
      this.#store.addProofs(mint, coins)
      this.#store.run('UPDATE token_proofs SET proof = NULL WHERE token = ?', n)
    })
  }

  /** The swap surely did not happen, and never will. The token is its owner's, and unknown here. */
  drop(n: number): void {
    this.#store.atomically(() => {
      const sent = `SELECT n FROM tokens WHERE n = ? AND state = 'sent'`
      if (this.#store.get(sent, n) === null) return
      this.#store.run('DELETE FROM token_proofs WHERE token = ?', n)
      this.#store.run('DELETE FROM tokens WHERE n = ?', n)
    })
  }

  /** Its owner spent it elsewhere while our swap was not answered. The proofs stay as evidence. */
  spentElsewhere(n: number): void {
    this.#store.run(`UPDATE tokens SET state = 'spent' WHERE n = ? AND state = 'sent'`, n)
  }

  /** The ledger has it. Only when its buyer got the pass, there is nothing left to be looked up. */
  credited(payment: string, account: AccountId, given: boolean): void {
    const where = `WHERE payment = ? AND state IN ('here', 'credited')`
    if (given) {
      const update = `UPDATE tokens SET state = 'given', account = ? ${where}`
      this.#store.run(update, account, payment)
    } else this.#store.run(`UPDATE tokens SET state = 'credited' ${where}`, payment)
  }

  /** Tokens in that state behind the row `after`, oldest first. */
  in(state: 'sent' | 'here', limit: number, after = 0): readonly TokenRow[] {
    const sql = 'SELECT * FROM tokens WHERE state = ? AND n > ? ORDER BY n LIMIT ?'
    return this.#store.all(sql, state, after, limit).map(tokenOf)
  }

  /** For each mint, the sats of tokens whose coins are here and that the ledger has not credited. */
  uncredited(): readonly { readonly mint: string; readonly sat: number }[] {
    const sql = `SELECT mint, sum(sat - fee) AS sat FROM tokens WHERE state = 'here' GROUP BY mint`
    return this.#store.all(sql).map(({ mint, sat }) => ({ mint: String(mint), sat: Number(sat) }))
  }

  /** What a mint holds or may hold for us: coins, and tokens whose swap is not answered. */
  heldAt(mint: string): number {
    const holding = this.#store.holdings().find((one) => one.mint === mint)
    const sql = `SELECT sum(sat - fee) AS sat FROM tokens WHERE mint = ? AND state = 'sent'`
    const sent = Number(this.#store.get(sql, mint)?.sat ?? 0)
    return (holding?.free ?? 0) + (holding?.held ?? 0) + sent
  }
}

const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('hex')

const tokenOf = (row: Row): TokenRow => ({
  n: Number(row.n),
  payment: String(row.payment),
  mint: String(row.mint),
  sat: Number(row.sat),
  fee: Number(row.fee),
  batch: {
    keyset: String(row.keyset),
    counter: Number(row.counter),
    amounts: String(row.amounts).split(',').map(Number),
  },
  account: row.account === null ? null : String(row.account),
  state: String(row.state) as TokenRow['state'],
  at: Number(row.at),
})

/** Whether its coins are ours. */
export const isHere = ({ state }: TokenRow): boolean => state !== 'sent' && state !== 'spent'

/** What the port tells of a token that was taken. */
export const receivedOf = ({
  payment,
  mint,
  sat,
  fee,
  account,
  state,
}: TokenRow): ReceivedToken => ({
  ...{ payment, source: sourceOf(mint), sat, feeSat: fee, account, given: state === 'given' },
})
