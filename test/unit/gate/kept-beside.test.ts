import { describe, expect, it } from 'vitest'
import { KeptBeside } from '../../../src/gate/kept-beside.ts'
import type { Offer } from '../../../src/rails/rail.ts'
import { paymentBed } from '../rails/payment/bed.ts'
import { want } from '../rails/rail.ts'

const OF = {}
const WHERE = 'https://gate.example'

describe('what 402s with one shared invoice have in common', () => {
  const made = (others: readonly (readonly Offer[])[]) => {
    const kept = new KeptBeside()
    let count = 0
    const texts = others.map((offers, at) =>
      kept.of({ of: OF, own: `own${at}` }, { origin: WHERE, others: offers }, () => {
        count += 1
        return { macaroon: `own${at}`, more: offers.map(({ body }) => body) }
      }),
    )
    return { count, texts }
  }
  const offer: Offer = {
    ...{ challenges: [], headers: {}, body: { a: 1 }, accepts: [] },
    ...{ say: 'Say.', howToPay: 'How.' },
  }

  it('is written once, also beside charges of the Payment scheme, which differ in their ids', async () => {
    const { payment } = paymentBed({ perClient: 0 })
    const charges = []
    for (const client of ['a', 'b', 'c']) {
      const charge = await payment.offer(want(client))
      if (!charge.ok) throw new Error('no offer')
      charges.push([charge.value])
    }
    expect(new Set(charges.map(([charge]) => charge?.challenges[0])).size).toBe(3)
    const { count, texts } = made(charges)
    expect(count).toBe(1)
    expect(texts.map((text) => JSON.parse(text).macaroon)).toEqual(['own0', 'own1', 'own2'])
  })

  it.each<[string, Partial<Offer>]>([
    ['another field', { body: { a: 2 } }],
    ['another way to pay', { howToPay: 'Otherwise.' }],
    ['another entry of accepts', { accepts: [{}] }],
  ])('is written anew for %s', (_, more) => {
    expect(made([[offer], [{ ...offer, ...more }], [offer]]).count).toBe(3)
    expect(made([[offer], [], [offer]]).count).toBe(3)
  })
})
