import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InvoiceQuota, type Place } from '../../../src/rails/lightning/invoice-quota.ts'
import type { IssuedInvoice } from '../../../src/rails/lightning/invoicing.ts'
import type { InvoiceQuotaKey } from '../../../src/rails/rail.ts'

const stranger = (client: string, site = client): InvoiceQuotaKey => ({
  is: 'stranger',
  client,
  site,
})
const owner = (account: string): InvoiceQuotaKey => ({ is: 'owner', account })
const holder = (account: string): InvoiceQuotaKey => ({ is: 'holder', account })
const bounded = (perClient: number, total: number) => new InvoiceQuota({ perClient, total })

/** Reserves a place and opens it. */
function open(offers: InvoiceQuota, payer: InvoiceQuotaKey, hash: string, until = 100): boolean {
  const place = offers.reserve(payer, 'ask', 0)
  if (place !== null) offers.opened(place, hash, until)
  return place !== null
}

const taken = (places: readonly (Place | null)[]) => places.map((place) => place !== null)

describe('D1 unpaid invoices are bounded', () => {
  it('for each client', () => {
    const offers = bounded(2, 100)
    const a = stranger('a')
    expect([open(offers, a, '1'), open(offers, a, '2'), open(offers, a, '3')]).toEqual([
      true,
      true,
      false,
    ])
    expect(open(offers, stranger('b'), '4')).toBe(true)
  })

  it('for all together', () => {
    const offers = bounded(10, 3)
    const all = ['a', 'b', 'c', 'd'].map((client, at) => open(offers, stranger(client), `${at}`))
    expect(all).toEqual([true, true, true, false])
    expect(offers.size).toBe(3)
  })

  it('a place is taken before the invoice is there, so a burst cannot exceed the bound', () => {
    const offers = bounded(2, 3)
    const reserve = (client: string) => offers.reserve(stranger(client), 'offer', 0)
    expect(taken([reserve('a'), reserve('a'), reserve('a')])).toEqual([true, true, false])
    expect(taken([reserve('b'), reserve('b')])).toEqual([true, false])
  })

  it.each([
    {
      why: 'no invoice came of it',
      free: (offers: InvoiceQuota, place: Place) => offers.cancelled(place),
    },
    {
      why: 'it was paid',
      free: (offers: InvoiceQuota, place: Place) => {
        offers.opened(place, '1', 100)
        offers.closed('1')
      },
    },
    {
      why: 'it expired',
      free: (offers: InvoiceQuota, place: Place) => offers.opened(place, '1', 0),
    },
  ])('a place is free again when $why', ({ free }) => {
    const offers = bounded(1, 1)
    const reserve = () => offers.reserve(stranger('a'), 'ask', 0)
    const place = reserve()
    expect(reserve()).toBe(null)
    if (place === null) throw new Error('no place')
    free(offers, place)
    expect(reserve()).not.toBe(null)
  })

  it('those that expired are forgotten, however many, and the others are not', () => {
    const offers = bounded(4, 100)
    for (let at = 0; at < 4; at += 1) open(offers, stranger('a'), `${at}`, 10 + at)
    expect(offers.reserve(stranger('a'), 'ask', 9)).toBe(null)
    offers.reserve(stranger('b'), 'ask', 12)
    expect(offers.size).toBe(1)
    const reserve = () => offers.reserve(stranger('a'), 'ask', 12)
    expect(taken([reserve(), reserve(), reserve(), reserve()])).toEqual([true, true, true, false])
  })

  it('J6 shared_offers_are_counted: one that lives for a day does not stop others from being forgotten', () => {
    const offers = bounded(1, 10)
    const shared = offers.reserveShared(0)
    if (shared === null) throw new Error('no place')
    offers.opened(shared, 'shared', 86_400_000)
    open(offers, stranger('a'), 'own', 10)
    expect(offers.size).toBe(2)
    expect(offers.reserve(stranger('a'), 'ask', 11)).not.toBe(null)
    expect(offers.size).toBe(1)
  })

  it('J6 shared ones that expired are forgotten too', () => {
    const offers = bounded(1, 10)
    const share = (now: number, hash: string): boolean => {
      const place = offers.reserveShared(now)
      if (place !== null) offers.opened(place, hash, now + 600)
      return place !== null
    }
    for (let hour = 0; hour < 30; hour += 1) expect(share(hour * 3_600, `${hour}`)).toBe(true)
    expect(offers.size).toBe(1)
  })

  it('paid twice, or unknown, frees nothing more', () => {
    const offers = bounded(2, 2)
    const a = stranger('a')
    open(offers, a, '1')
    open(offers, a, '2')
    offers.closed('1')
    offers.closed('1')
    offers.closed('never')
    expect(taken([offers.reserve(a, 'ask', 0), offers.reserve(a, 'ask', 0)])).toEqual([true, false])
  })
})

describe('J17 a_payer_always_finds_a_place', () => {
  /** The number of places that this payer gets, one after the other. */
  const most = (reserve: () => Place | null): number => {
    let got = 0
    while (got < 1_000 && reserve() !== null) got += 1
    return got
  }

  it('strangers of any number of networks leave a fifth to buyers, and some to shared ones', () => {
    const offers = bounded(20, 100)
    let at = 0
    const strangers = most(() => offers.reserve(stranger(`${at}`, `${at++}`), 'offer', 0))
    expect(strangers).toBe(70)
    expect(most(() => offers.reserveShared(0))).toBe(10)
    expect(most(() => offers.reserve(owner('paid'), 'ask', 0))).toBe(20)
  })

  it('buyers leave half of it to strangers', () => {
    const offers = bounded(20, 100)
    let at = 0
    expect(most(() => offers.reserve(owner(`${at++}`), 'ask', 0))).toBe(50)
    expect(offers.reserve(stranger('a'), 'offer', 0)).not.toBe(null)
  })

  it('buyers with an open one leave half of that to those without, because small passes are cheap', () => {
    const offers = bounded(20, 1_000)
    let at = 0
    const greedy = () => {
      for (const by of ['ask', 'offer'] as const) {
        for (const payer of [owner(`${at}`), holder(`${at}`)]) {
          while (offers.reserve(payer, by, 0) !== null);
        }
      }
      at += 1
    }
    for (let many = 0; many < 11; many += 1) greedy()
    expect(offers.reserve(owner('0'), 'ask', 0)).toBe(null)
    expect(offers.reserve(owner('honest'), 'ask', 0)).not.toBe(null)
    expect(offers.reserve(holder('honest'), 'offer', 0)).not.toBe(null)
  })

  it('a site has as many as four of its networks, because a /48 has 65,536 of them', () => {
    const offers = bounded(3, 1_000)
    let at = 0
    expect(most(() => offers.reserve(stranger(`${at++}`, 'site'), 'offer', 0))).toBe(12)
    expect(offers.reserve(stranger('elsewhere'), 'offer', 0)).not.toBe(null)
  })

  it('402s make three for an account, and take nothing from what its owner asks for', () => {
    const offers = bounded(20, 1_000)
    expect(most(() => offers.reserve(owner('a'), 'offer', 0))).toBe(3)
    expect(most(() => offers.reserve(holder('a'), 'offer', 0))).toBe(3)
    expect(most(() => offers.reserve(holder('a'), 'ask', 0))).toBe(20)
    expect(most(() => offers.reserve(owner('a'), 'ask', 0))).toBe(20)
    expect(offers.reserve(owner('b'), 'offer', 0)).not.toBe(null)
  })

  it('the newest one of a payer that fits is found, and nobody else’s', () => {
    const offers = bounded(20, 1_000)
    const made = (hash: string) => ({ row: { hash } }) as IssuedInvoice
    for (const [account, hash] of [
      ['a', '1'],
      ['b', '2'],
      ['a', '3'],
      ['a', '4'],
    ] as const) {
      const place = offers.reserve(owner(account), 'offer', 0)
      if (place !== null) offers.opened(place, hash, 100, made(hash))
    }
    const newest = (fits: (made: IssuedInvoice) => boolean) =>
      offers.newest(owner('a'), 'offer', fits)
    expect(newest(() => true)?.row.hash).toBe('4')
    expect(newest(({ row }) => row.hash !== '4')?.row.hash).toBe('3')
    expect(newest(({ row }) => row.hash === '2')).toBe(null)
    expect(offers.newest(holder('a'), 'offer', () => true)).toBe(null)
  })
})

describe('for any order of events', () => {
  const CLIENTS = ['a', 'b', 'c']
  it('nobody has more than allowed, all together neither, and each place comes back', () => {
    const event = fc.record({
      client: fc.constantFrom(...CLIENTS),
      does: fc.constantFrom('open', 'fail', 'pay', 'wait'),
    })
    const history = fc.array(event, { maxLength: 60, size: 'max' })
    fc.assert(
      fc.property(history, (events) => {
        const offers = bounded(3, 4)
        let model: { client: string; hash: string; until: number }[] = []
        let now = 0
        for (const [at, { client, does }] of events.entries()) {
          if (does === 'wait') now += 10
          if (does === 'pay' && model.length > 0) offers.closed(model.shift()?.hash ?? '')
          if (does !== 'open' && does !== 'fail') continue
          model = model.filter(({ until }) => until > now)
          const room = model.filter((one) => one.client === client).length < 3 && model.length < 4
          const place = offers.reserve(stranger(client), 'ask', now)
          expect(place !== null).toBe(room)
          if (place === null) continue
          if (does === 'fail') offers.cancelled(place)
          else {
            offers.opened(place, `${at}`, now + 25)
            model.push({ client, hash: `${at}`, until: now + 25 })
          }
        }
      }),
    )
  })
})
