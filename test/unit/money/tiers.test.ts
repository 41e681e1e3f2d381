import { describe, expect, it } from 'vitest'
import { fromSat, msat } from '../../../src/money/msat.ts'
import { Tiers } from '../../../src/money/tiers.ts'

const tier = (amountSats: number, creditSats: number) => ({ amountSats, creditSats })

describe('the bonus of a payment', () => {
  const tiers = new Tiers([tier(10_000, 11_000), tier(1_000, 1_050), tier(100, 100)])

  it.each([
    { paid: 999_999n, bonus: 0 },
    { paid: 1_000_000n, bonus: 50 },
    { paid: 1_000_001n, bonus: 50 },
    { paid: 9_999_999n, bonus: 50 },
    { paid: 10_000_000n, bonus: 1_000 },
    { paid: 90_000_000n, bonus: 1_000 },
    { paid: 0n, bonus: 0 },
  ])('of $paid msat is $bonus sat', ({ paid, bonus }) => {
    expect(tiers.bonusOf(msat(paid))).toBe(fromSat(bonus))
  })

  it('is never smaller for who pays more, whatever the operator wrote', () => {
    const odd = new Tiers([tier(1_000, 1_100), tier(10_000, 10_050)])
    expect(odd.bonusOf(fromSat(10_000))).toBe(fromSat(100))
  })

  it('is nothing without tiers, and three amounts at par are shown', () => {
    const none = new Tiers([])
    expect(none.bonusOf(fromSat(10_000_000))).toBe(0n)
    expect(none.shown).toEqual([tier(10, 10), tier(100, 100), tier(1_000, 1_000)])
  })

  it('is shown from the smallest amount to the largest', () => {
    expect(tiers.shown.map(({ amountSats }) => amountSats)).toEqual([100, 1_000, 10_000])
  })
})
