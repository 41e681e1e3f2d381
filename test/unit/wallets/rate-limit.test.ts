import { afterEach, expect, it, vi } from 'vitest'
import { makeInvoiceShares, makeRateLimit } from '../../../src/wallets/rate-limit.ts'
import { real } from '../../support/world.ts'

afterEach(() => void vi.useRealTimers())

it('I10 four turns at once, then two a second', async () => {
  vi.useFakeTimers()
  const turns = makeRateLimit(real)
  let taken = 0
  for (let one = 0; one < 12; one += 1) {
    turns.take('routine').then(
      () => {
        taken += 1
      },
      () => {},
    )
  }
  const after = async (ms: number) => {
    await vi.advanceTimersByTimeAsync(ms)
    return taken
  }
  expect([await after(0), await after(499), await after(1)]).toEqual([4, 4, 5])
  expect([await after(1_000), await after(1_000)]).toEqual([7, 9])
  turns.end()
})

it('I10 waiting calls come before routine ones, whichever asked first', async () => {
  const turns = makeRateLimit(real)
  const order: string[] = []
  for (let at = 0; at < 4; at += 1) expect(await turns.take('routine')).toBe(true)
  await Promise.all(
    (['routine', 'waiting', 'routine', 'waiting'] as const).map(async (who) => {
      await turns.take(who)
      order.push(who)
    }),
  )
  expect(order).toEqual(['waiting', 'waiting', 'routine', 'routine'])
  turns.end()
})

it('nobody waits for a turn that never comes', async () => {
  const turns = makeRateLimit(real)
  for (let at = 0; at < 4; at += 1) await turns.take('waiting')
  const waits = [turns.take('waiting'), turns.take('routine')]
  turns.end()
  expect(await Promise.all(waits)).toEqual([false, false])
  expect(await turns.take('waiting')).toBe(false)
})

it('I10 shares fill up evenly, and no higher than a minute', () => {
  const clock = { now: 5_000 }
  const shares = makeInvoiceShares({ elapsed: () => clock.now })
  const most = (asker: 'stranger' | 'buyer') => {
    let taken = 0
    while (shares.take(asker) === 0) taken += 1
    return taken
  }
  expect([most('stranger'), most('buyer')]).toEqual([40, 20])
  expect([shares.take('stranger'), shares.take('buyer')]).toEqual([21_000, 1_000])
  clock.now += 999
  expect(shares.take('buyer')).toBe(1)
  clock.now += 1
  expect([shares.take('buyer'), shares.take('buyer')]).toEqual([0, 1_000])
  clock.now += 25_000
  expect([most('stranger'), most('buyer')]).toEqual([5, 20])
  clock.now += 86_400_000
  expect([most('stranger'), most('buyer')]).toEqual([40, 20])
})
