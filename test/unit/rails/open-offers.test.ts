import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OpenOffers } from '../../../src/rails/open-offers.ts'

/** Reserves and opens in one go. */
function open(offers: OpenOffers, client: string, hash: string, until = 100): boolean {
  const reserved = offers.reserve(client, 0)
  if (reserved) offers.opened(client, hash, until)
  return reserved
}

describe('D1 unpaid invoices with a secret are bounded', () => {
  it('for each client', () => {
    const offers = new OpenOffers(2, 100)
    expect([open(offers, 'a', '1'), open(offers, 'a', '2'), open(offers, 'a', '3')]).toEqual([
      true,
      true,
      false,
    ])
    expect(open(offers, 'b', '4')).toBe(true)
  })

  it('for all together', () => {
    const offers = new OpenOffers(10, 3)
    const all = ['a', 'b', 'c', 'd'].map((client, at) => open(offers, client, `${at}`))
    expect(all).toEqual([true, true, true, false])
    expect(offers.size).toBe(3)
  })

  it('a place is taken before the invoice is there: a burst cannot pass the bound', () => {
    const offers = new OpenOffers(2, 3)
    expect([1, 2, 3].map(() => offers.reserve('a', 0))).toEqual([true, true, false])
    expect([1, 2].map(() => offers.reserve('b', 0))).toEqual([true, false])
  })

  it.each([
    { why: 'no invoice came of it', free: (offers: OpenOffers) => offers.cancelled('a') },
    {
      why: 'it was paid',
      free: (offers: OpenOffers) => {
        offers.opened('a', '1', 100)
        offers.closed('1')
      },
    },
    {
      why: 'it expired',
      free: (offers: OpenOffers) => {
        offers.opened('a', '1', 0)
        offers.reserve('nobody', 0)
        offers.cancelled('nobody')
      },
    },
  ])('a place is free again when $why', ({ free }) => {
    const offers = new OpenOffers(1, 1)
    expect(offers.reserve('a', 0)).toBe(true)
    expect(offers.reserve('a', 0)).toBe(false)
    free(offers)
    expect(offers.reserve('a', 0)).toBe(true)
  })

  it('paid twice, or unknown, gives back nothing more', () => {
    const offers = new OpenOffers(2, 2)
    open(offers, 'a', '1')
    open(offers, 'a', '2')
    offers.closed('1')
    offers.closed('1')
    offers.closed('never')
    expect([offers.reserve('a', 0), offers.reserve('a', 0)]).toEqual([true, false])
  })

  it('holds for any order of events', () => {
    const event = fc.record({
      client: fc.constantFrom('a', 'b', 'c'),
      does: fc.constantFrom('open', 'fail', 'pay', 'wait'),
    })
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const offers = new OpenOffers(3, 5)
        let model: { client: string; hash: string; until: number }[] = []
        let now = 0
        for (const [at, { client, does }] of events.entries()) {
          if (does === 'wait') now += 10
          if (does === 'pay' && model.length > 0) offers.closed(model.shift()?.hash ?? '')
          if (does !== 'open' && does !== 'fail') continue
          model = model.filter(({ until }) => until > now)
          const room = model.filter((one) => one.client === client).length < 3 && model.length < 5
          expect(offers.reserve(client, now)).toBe(room)
          if (!room) continue
          if (does === 'fail') offers.cancelled(client)
          else {
            offers.opened(client, `${at}`, now + 25)
            model.push({ client, hash: `${at}`, until: now + 25 })
          }
        }
      }),
    )
  })
})
