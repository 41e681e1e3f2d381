import { describe, expect, it } from 'vitest'
import { type Mood, plantedList } from './planted.ts'

describe('an invoice comes from the first wallet that makes it', () => {
  const cases: readonly [Mood, Mood, string, number][] = [
    ['works', 'works', 'a', 0],
    ['down', 'works', 'b', 0],
    ['refuses', 'works', 'b', 0],
    ['busy', 'works', 'b', 0],
    ['choosy', 'works', 'b', 0],
    // The next wallet is asked after 3 s. If it makes one, nobody waits any longer.
    ['slow', 'works', 'b', 3],
    ['hangs', 'works', 'b', 3],
    // If no other wallet makes one, a slow one is waited for.
    ['slow', 'down', 'a', 5],
    ['slow', 'busy', 'a', 5],
    ['hangs', 'down', 'wallet_unreachable', 10],
    ['slow', 'slow', 'b', 8],
    ['works', 'down', 'a', 0],
    ['works', 'hangs', 'a', 0],
    // The refusal that helps the buyer most: another amount, then another time.
    ['choosy', 'busy', 'amount_refused', 0],
    ['busy', 'down', 'wallet_busy', 0],
    ['down', 'choosy', 'amount_refused', 0],
    ['down', 'refuses', 'wallet_unreachable', 0],
  ]
  it.each(cases)('first %s, second %s: %s after %i s', async (first, second, who, seconds) => {
    const { ask, of } = plantedList(['a', 'b'])
    of('a').mood = first
    of('b').mood = second
    expect(await ask()).toEqual([who, seconds])
  })

  it('a refused amount is told with the bounds of the wallet whose amount is nearest', async () => {
    const { list, of } = plantedList(['a', 'b'])
    of('a').mood = 'choosy'
    of('b').mood = 'down'
    const ask = { memo: '', expirySeconds: 600 }
    for (const sat of [50, 501]) {
      expect(await list.createInvoice({ ...ask, sat })).toEqual({
        ok: false,
        error: { why: 'amount_refused', least: 100, most: 500 },
      })
    }
  })
})

describe('a wallet that does not work', () => {
  it('delays no invoice while it is down, says so with its name, and comes back by itself', async () => {
    const { ask, of, said, world } = plantedList(['a', 'b'])
    of('a').mood = 'down'
    expect(await ask()).toEqual(['b', 0])
    for (let more = 0; more < 5; more += 1) expect(await ask()).toEqual(['b', 0])
    expect(of('a').asks).toHaveLength(1)
    expect(said).toEqual(['gone a: connection refused, instead b'])
    of('a').mood = 'works'
    await world.pass(4_100)
    expect(await ask()).toEqual(['a', 0])
    expect(said.at(-1)).toBe('back a')
  })

  it('a slow one is asked last for 4 s, then for twice as long each time, until it is in time again', async () => {
    const { ask, of, said, world } = plantedList(['a', 'b'])
    of('a').mood = 'slow'
    const rests: number[] = []
    for (let late = 0; late < 4; late += 1) {
      expect(await ask()).toEqual(['b', 3])
      const began = world.elapsed()
      while ((await ask())[1] === 0) await world.pass(500)
      // The last of these calls was late as well, and took 3 s.
      rests.push((world.elapsed() - began) / 1000)
      await world.pass(400_000)
    }
    expect(rests.map((seconds) => Math.round(seconds))).toEqual([7, 19, 67, 259])
    of('a').mood = 'works'
    await world.pass(400_000)
    expect([await ask(), await ask()]).toEqual([
      ['a', 0],
      ['a', 0],
    ])
    // It was never down.
    expect(said).toEqual([])
  })

  it('if all are down, each is said once, and the first that is back makes invoices', async () => {
    const { ask, list, of, said, world } = plantedList(['a', 'b'])
    of('a').mood = 'down'
    of('b').mood = 'refuses'
    expect(await ask()).toEqual(['wallet_unreachable', 0])
    expect(list.up).toBe(false)
    expect(said).toEqual([
      'gone a: connection refused, instead b',
      'gone b: wrong key, instead null',
    ])
    of('b').mood = 'works'
    await world.pass(4_100)
    expect([list.up, await ask()]).toEqual([true, ['b', 0]])
  })
})

describe('an invoice is bound to the wallet that made it (J24)', () => {
  const open = { is: 'open' } as const

  it('no other wallet is asked about it, also while its own is down', async () => {
    const { list, of, world } = plantedList(['a', 'b'])
    expect(await list.lookup({ hash: 'h', wallet: 'b' })).toEqual(open)
    expect([of('a').lookups, of('b').lookups]).toEqual([[], ['h']])
    of('b').mood = 'down'
    expect(await world.until(list.lookup({ hash: 'h', wallet: 'b' }))).toBeNull()
    expect([list.isUp('a'), list.isUp('b'), list.up]).toEqual([true, false, true])
    expect(of('a').lookups).toEqual([])
  })

  it('the earlier names of a wallet are its own, and a name that nobody has cannot be told', async () => {
    const { list, of } = plantedList(['a', 'b'], (name) =>
      name === 'b' ? { also: ['b-old'] } : {},
    )
    expect(await list.lookup({ hash: 'h', wallet: 'b-old' })).toEqual(open)
    expect(of('b').lookups).toEqual(['h'])
    expect(await list.lookup({ hash: 'h', wallet: 'c' })).toBeNull()
  })

  it('a node at two addresses has one name, and is asked at the address that works', async () => {
    const { list, of, world } = plantedList(['a', 'b'], () => ({ also: ['node'] }))
    const invoice = { hash: 'h', wallet: 'node' }
    await list.lookup(invoice)
    expect([of('a').lookups, of('b').lookups]).toEqual([['h'], []])
    of('a').mood = 'down'
    expect(await world.until(list.lookup(invoice))).toEqual(open)
    expect([list.isUp('node'), of('b').lookups]).toEqual([true, ['h']])
    // If one of them does not know it, it is another account of the same service.
    of('b').state = { is: 'unknown' }
    of('a').mood = 'works'
    expect(await world.until(list.lookup(invoice))).toEqual(open)
  })

  it('a wallet that only answers for its invoices makes no new ones', async () => {
    const { ask, list, of } = plantedList(['a', 'old'], (name) => ({ makes: name === 'a' }))
    of('a').mood = 'down'
    expect(await ask()).toEqual(['wallet_unreachable', 0])
    expect(of('old').asks).toEqual([])
    expect(list.up).toBe(false)
    expect(await list.lookup({ hash: 'h', wallet: 'old' })).toEqual(open)
  })
})

describe('what is true of one wallet only', () => {
  const mixed = () =>
    plantedList(['a', 'b'], (name) =>
      name === 'a' ? { preimageIsPublic: true, strangersAMinute: () => 40 } : {},
    )

  it('J6 an invoice for many clients never comes from a wallet whose preimages are public', async () => {
    const { ask, list, of } = mixed()
    expect([list.shares, await ask(10, 'shared'), await ask(10)]).toEqual([
      true,
      ['b', 0],
      ['a', 0],
    ])
    of('b').mood = 'down'
    expect(await ask(10, 'shared')).toEqual(['wallet_unreachable', 0])
    expect([list.shares, list.up]).toEqual([false, true])
  })

  it('I10 strangers have the limit of the wallet that is asked now', async () => {
    const { ask, list, of } = mixed()
    expect(list.strangersAMinute()).toBe(40)
    of('a').mood = 'down'
    await ask()
    expect(list.strangersAMinute()).toBeNull()
  })
})
