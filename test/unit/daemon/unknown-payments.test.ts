import { expect, it } from 'vitest'
import { countSettlements } from '../../../src/daemon/counted-facilitator.ts'
import { shortPayment } from '../../../src/daemon/short-payment.ts'
import { UnknownPayments } from '../../../src/daemon/unknown-payments.ts'
import type { PaymentId } from '../../../src/ledger/ledger.ts'
import { microUsd } from '../../../src/money/usd.ts'
import type { Facilitator, Settlement } from '../../../src/rails/x402/facilitator.ts'
import type { X402Row } from '../../../src/rails/x402/payments.ts'

/** What the operator is told of payments in dollars. */

const row = (at: number, state: X402Row['state'], amount: bigint) =>
  ({ at, state, requirement: { amount } }) as unknown as X402Row

it('F3 a payment without an end is told of after two minutes, once, and when there is none left', () => {
  const said: object[] = []
  let now = 1_000_000
  let rows: readonly X402Row[] = [row(now, 'settling', 250_000n), row(now, 'settled', 1n)]
  const unknown = new UnknownPayments({
    payments: { open: () => rows },
    world: { now: () => now },
    say: (event) => said.push(event),
  })
  now += 119_999
  unknown.look()
  expect([unknown.count, said]).toEqual([0, []])
  now += 1
  rows = [...rows, row(now, 'settling', 10_000n)]
  unknown.look()
  unknown.look()
  const since = new Date(1_000_000).toISOString()
  const problem = { event: 'problem', what: 'payments_unknown', payments: 1, usd: '0.25', since }
  expect([unknown.count, said]).toEqual([1, [problem]])
  rows = rows.slice(1)
  unknown.look()
  unknown.look()
  expect(said.slice(1)).toEqual([{ event: 'solved', what: 'payments_unknown' }])
})

it('each answer of a facilitator is counted, and the answer is the same', async () => {
  const answers: Settlement[] = [
    { is: 'settled', transaction: '0x1' },
    { is: 'unknown', reason: 'no answer' },
    { is: 'settled', transaction: '0x2' },
  ]
  const heard: unknown[] = []
  const own: Facilitator = {
    ...{ name: 'f.example', up: true, least: microUsd(7n) },
    verify: async () => ({ is: 'valid' }),
    async settle(...asked) {
      heard.push(asked)
      return answers[heard.length - 1] ?? expect.unreachable()
    },
    start: () => ({ stop: async () => {} }),
  }
  const { facilitator, settlements } = countSettlements(own)
  expect(facilitator.least).toBe(7n)
  const settle = () => facilitator.settle({} as never, {} as never, 'again')
  expect([await settle(), await settle(), await settle()]).toEqual(answers)
  expect(Object.fromEntries(settlements)).toEqual({ settled: 2, unknown: 1 })
  expect(heard[0]).toEqual([{}, {}, 'again'])
  expect([
    facilitator.name,
    facilitator.up,
    await facilitator.verify({} as never, {} as never),
  ]).toEqual(['f.example', true, { is: 'valid' }])
})

it('H3 the name of a payment does not tell who paid', () => {
  const payer = `0x${'ab'.repeat(20)}`
  const id = `x402:eip155:8453:0x83:${payer}:0x${'cd'.repeat(32)}` as PaymentId
  expect(shortPayment(id)).toMatch(/^[0-9a-f]{16}$/)
  expect(payer).not.toContain(shortPayment(id))
})
