import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { tellUnwatchedPayments } from '../../../src/daemon/open-x402.ts'
import { x402PaymentId } from '../../../src/rails/x402/payment.ts'
import { SqliteX402Payments } from '../../../src/rails/x402/sqlite-payments.ts'
import { aPayment, aRequirement, TRANSACTION } from '../../support/x402-payment.ts'

/** What a gate that takes no dollars says of those that were sent before. */

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'satgate-unwatched-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const path = () => join(folder, 'x402.db')

/** A payment of a cent in that state. */
function leave(state: 'settling' | 'settled' | 'credited' | 'lost' | 'refused'): void {
  const payments = new SqliteX402Payments(path())
  const [requirement, payment] = [aRequirement(), aPayment()]
  const id = x402PaymentId(requirement, payment.authorization)
  payments.begin({
    ...{ id, payment, requirement, account: null, rate: 1n, offer: null, body: '' },
    ...{ state: 'settling', transaction: null, at: 1 },
  })
  if (state === 'settled' || state === 'credited') payments.settled(id, TRANSACTION)
  if (state === 'credited') payments.credited(id, { account: 'aa'.repeat(16), given: false })
  if (state === 'lost' || state === 'refused') payments[state](id)
  payments.close()
}

function told(): readonly object[] {
  const said: object[] = []
  tellUnwatchedPayments(folder, (event) => said.push(event))
  return said
}

it('F3 tells of payments that have no end, and of those that nobody credited', () => {
  for (const over of ['credited', 'lost', 'refused'] as const) leave(over)
  expect(told()).toEqual([])
  leave('settling')
  leave('settled')
  const what = 'payments_unwatched'
  expect(told()).toEqual([{ event: 'problem', what, payments: 2, usd: '0.02' }])
})

it('a folder without dollars gets no file, and a damaged file stops no gate', () => {
  expect(told()).toEqual([])
  expect(readdirSync(folder)).toEqual([])
  writeFileSync(path(), 'no database'.repeat(500))
  expect(told()).toEqual([])
})
