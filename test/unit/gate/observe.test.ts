import { describe, expect, it } from 'vitest'
import { ObservedLedger } from '../../../src/gate/observe.ts'
import type { HoldRequest } from '../../../src/ledger/ledger.ts'
import { msat } from '../../../src/money/msat.ts'
import { openMemoryBooks } from '../../support/memory-books.ts'

const DAY = 24 * 60 * 60_000

async function observed() {
  const { ledger } = openMemoryBooks('play')
  const native = { amount: '100', unit: 'msat', rate: '1' }
  await ledger.deposit({
    ...{ payment: 'p', account: 'a', amount: msat(100n), credit: 'paid', rail: 'l402' },
    ...{ native, at: 0 },
  })
  const world = { at: DAY - 1, now: () => world.at }
  const copy = new ObservedLedger(ledger, world)
  const hold = (id: string) =>
    copy.hold({
      ...{ id, account: 'a', price: { base: 60_000_000n, each: 0n }, quantities: {} },
      ...{ clamped: 'output', least: 0, most: 0, limits: [], at: world.at, deadline: world.at },
      what: { model: 'm', dialect: 'd', pass: null },
    } satisfies HoldRequest)
  const settle = (id: string) =>
    copy.settle(id, {
      ...{ amount: msat(60n), quantities: {}, usage: 'reported', end: 'complete', at: world.at },
    } as const)
  return { world, ledger, copy, hold, settle }
}

describe('L6 a copy of the accounts for each day', () => {
  it('L26 is lowered by what is observed, and the account is not', async () => {
    const { ledger, hold, settle } = await observed()
    expect(await hold('h1')).toMatchObject({ ok: true })
    expect(await settle('h1')).toMatchObject({ ok: true, value: { after: 40n } })
    expect(await hold('h2')).toMatchObject({ ok: false, error: { why: 'insufficient_funds' } })
    expect(await ledger.balance('a')).toMatchObject({ available: 100n, held: 0n })
  })

  it('L6 a request from before midnight is settled on the copy of its day', async () => {
    const { world, copy, hold, settle } = await observed()
    await hold('late')
    world.at += 2
    await hold('early')
    expect(await settle('late')).toMatchObject({ ok: true, value: { charged: 60n, after: 40n } })
    expect(await copy.balance('a')).toMatchObject({ available: 40n, held: 60n })
    expect(await settle('early')).toMatchObject({ ok: true, value: { charged: 60n, after: 40n } })
  })

  it('L6 nothing is kept of the days before that', async () => {
    const { world, hold, settle } = await observed()
    await hold('old')
    for (const id of ['next', 'after']) {
      world.at += DAY
      await hold(id)
    }
    expect(await settle('old')).toEqual({ ok: false, error: 'hold_not_found' })
  })
})
