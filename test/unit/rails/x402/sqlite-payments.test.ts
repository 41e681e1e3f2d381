import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AccountId, PaymentId } from '../../../../src/ledger/ledger.ts'
import { microUsd } from '../../../../src/money/usd.ts'
import type { Signed } from '../../../../src/rails/x402/own/chain.ts'
import { Transactions } from '../../../../src/rails/x402/own/transactions.ts'
import { x402PaymentId } from '../../../../src/rails/x402/payment.ts'
import type { X402Row } from '../../../../src/rails/x402/payments.ts'
import { SqliteX402Payments } from '../../../../src/rails/x402/sqlite-payments.ts'
import { X402Damaged } from '../../../../src/rails/x402/x402-file.ts'
import { aPayment, aRequirement, TRANSACTION } from '../../../support/x402-payment.ts'

const ACCOUNT = 'account' as AccountId
const CREDITED = { account: ACCOUNT, given: false }
const GIVEN = { account: ACCOUNT, given: true }

/** A row about to be settled. Rows with another `n` are of other authorizations. */
const rowOf = (n = 1, change: Partial<X402Row> = {}): X402Row => {
  const requirement = aRequirement()
  const payment = aPayment({ nonce: `0x${n.toString(16).padStart(64, '0')}` })
  return {
    ...{ id: x402PaymentId(requirement, payment.authorization), payment, requirement },
    ...{ account: null, rate: 67_123_12345678n, offer: 'ab'.repeat(32), body: 'cd'.repeat(32) },
    ...{ state: 'settling', transaction: null, at: 1_700_000_000_000 + n },
    ...change,
  }
}

describe('the rows of payments in dollars', () => {
  let folder: string
  let payments: SqliteX402Payments
  const path = () => join(folder, 'x402.db')
  const reopen = () => {
    payments.close()
    payments = new SqliteX402Payments(path())
  }

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'satgate-x402-'))
    payments = new SqliteX402Payments(path())
  })
  afterEach(() => {
    payments.close()
    rmSync(folder, { recursive: true })
  })

  it('come back from the disk as they were, and only their owner can read the file', () => {
    const row = rowOf(1, { account: ACCOUNT, rate: 99_999_999_999_999_999n })
    expect(payments.begin(row)).toBe(true)
    reopen()
    expect(payments.get(row.id)).toEqual(row)
    expect(payments.get(rowOf(2).id)).toBeNull()
    expect(statSync(path()).mode & 0o077).toBe(0)
    expect(payments.db.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: 2 })
  })

  it('F1 there is one for each authorization, unless it was refused', () => {
    const row = rowOf()
    expect(payments.begin(row)).toBe(true)
    expect(payments.begin(row)).toBe(false)
    payments.settled(row.id, TRANSACTION)
    expect(payments.begin(row)).toBe(false)
    payments.credited(row.id, CREDITED)
    expect(payments.begin(row)).toBe(false)
    expect(payments.get(row.id)).toMatchObject({
      ...{ state: 'credited', transaction: TRANSACTION, account: null },
    })
    payments.credited(row.id, GIVEN)
    expect(payments.get(row.id)?.account).toBe(ACCOUNT)
    payments.credited(row.id, CREDITED)
    expect(payments.get(row.id)?.state).toBe('given')
    expect(payments.begin(row)).toBe(false)
    expect(payments.outstanding()).toBe(0n)

    const other = rowOf(2)
    payments.begin(other)
    payments.refused(other.id)
    const again = { ...other, at: other.at + 5, offer: null }
    expect(payments.begin(again)).toBe(true)
    expect(payments.get(other.id)).toEqual(again)

    const third = rowOf(3)
    payments.begin(third)
    payments.lost(third.id)
    expect(payments.begin(third)).toBe(false)
  })

  it('a validity without an end, and the largest value, are kept', () => {
    const most = 2n ** 256n - 1n
    const authorization = { ...rowOf().payment.authorization, validBefore: most, value: most }
    const row = rowOf(1, { payment: { ...rowOf().payment, authorization } })
    payments.begin(row)
    expect(payments.get(row.id)?.payment).toEqual(row.payment)
  })

  it('those that are not at an end are outstanding, oldest first, also after a new start', () => {
    const rows = [3, 1, 2, 4, 5].map((n) => rowOf(n))
    for (const row of rows) payments.begin(row)
    payments.settled(rowOf(2).id, TRANSACTION)
    payments.refused(rowOf(4).id)
    payments.lost(rowOf(5).id)
    const each = aRequirement().amount
    for (const _ of [1, 2]) {
      expect(payments.open(10).map(({ id }) => id)).toEqual([1, 2, 3].map((n) => rowOf(n).id))
      expect(payments.open(1)).toHaveLength(1)
      expect(payments.outstanding()).toBe(each * 3n)
      reopen()
    }
    payments.credited(rowOf(2).id, CREDITED)
    expect(payments.outstanding()).toBe(each * 2n)
    payments.credited(rowOf(2).id, CREDITED)
    expect(payments.outstanding()).toBe(each * 2n)
  })

  it('L15 nothing is credited that was not settled, and nothing is settled twice', () => {
    const { id } = rowOf()
    payments.begin(rowOf())
    expect(() => payments.credited(id, CREDITED)).toThrow('settled before it is credited')
    payments.settled(id, TRANSACTION)
    expect(() => payments.settled(id, `0x${'2'.repeat(64)}`)).toThrow('settled once')
    expect(() => payments.refused(id)).toThrow('while it is being settled')
    expect(() => payments.lost(id)).toThrow('while it is being settled')
    expect(payments.outstanding()).toBe(aRequirement().amount)
  })

  it.each([
    ['settling', 'confirmed'],
    ['lost', 'confirmed'],
    ['settled', 'not_unknown'],
    ['credited', 'not_unknown'],
    ['given', 'not_unknown'],
    ['refused', 'not_unknown'],
  ] as const)('L15 what the operator confirms of a row that is %s: %s', (state, answer) => {
    const { id, requirement } = rowOf()
    const seen = `0x${'5'.repeat(64)}`
    payments.begin(rowOf())
    if (state === 'refused') payments.refused(id)
    else if (state === 'lost') payments.lost(id)
    else if (state !== 'settling') payments.settled(id, TRANSACTION)
    if (state === 'credited') payments.credited(id, CREDITED)
    if (state === 'given') payments.credited(id, GIVEN)
    const before = payments.get(id)
    expect(payments.confirm(id, seen, { write: false })).toBe(answer)
    expect(payments.get(id)).toEqual(before)
    expect(payments.confirm(id, seen, { write: true })).toBe(answer)
    const changed = { ...before, state: 'settled', transaction: seen }
    expect(payments.get(id)).toEqual(answer === 'confirmed' ? changed : before)
    const owed = answer === 'confirmed' || state === 'settled' ? requirement.amount : 0n
    expect(payments.outstanding()).toBe(owed)
    reopen()
    expect(payments.outstanding()).toBe(owed)
    expect(payments.unknown(10)).toEqual([])
    expect(payments.confirm(id, seen, { write: true })).toBe('not_unknown')
  })

  it('L15 a transaction is of one payment, also if this gate sent it itself', () => {
    for (const n of [1, 2, 3]) payments.begin(rowOf(n))
    payments.settled(rowOf(1).id, TRANSACTION)
    const own = { hash: `0x${'6'.repeat(64)}`, raw: '0x', nonce: 1 } as Signed
    new Transactions(payments.db).add(rowOf(2).id, own, microUsd(1n), 1)
    const { id } = rowOf(3)
    for (const hash of [TRANSACTION, own.hash]) {
      expect(payments.confirm(id, hash, { write: true })).toBe('of_another')
    }
    expect(payments.get(id)).toEqual(rowOf(3))
    expect(payments.confirm(rowOf(2).id, own.hash, { write: true })).toBe('confirmed')
    expect(payments.unknown(10)).toEqual([rowOf(3)])
  })

  it('refused ones do not fill the disk: a thousand are kept', () => {
    payments.db.exec('PRAGMA synchronous = OFF')
    const base = rowOf()
    const id = (n: number) => `x402:${n}` as PaymentId
    payments.begin(base)
    for (let n = 1; n <= 1_010; n++) {
      payments.begin({ ...base, id: id(n), at: n })
      payments.refused(id(n))
    }
    expect(payments.get(id(10))).toBeNull()
    expect(payments.get(id(11))?.state).toBe('refused')
    expect(payments.get(base.id)?.state).toBe('settling')
  })

  it('a file of another program, of a newer satgate or a damaged one is not touched', () => {
    payments.close()
    const write = (sql: string) => {
      const db = new DatabaseSync(path())
      db.exec(sql)
      db.close()
    }
    write('PRAGMA user_version = 99')
    expect(() => new SqliteX402Payments(path())).toThrow(X402Damaged)
    expect(() => new SqliteX402Payments(path())).toThrow('newer satgate')
    write('PRAGMA user_version = 1; PRAGMA application_id = 7')
    expect(() => new SqliteX402Payments(path())).toThrow('another program')
    payments = new SqliteX402Payments(':memory:')
    expect(payments.outstanding()).toBe(microUsd(0n))
  })
})
