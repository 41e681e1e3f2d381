import { describe, expect, it } from 'vitest'
import { DOLLAR_PLANTS } from './gate/dollar-plants.ts'
import { playHistory } from './gate/history.ts'
import { PLANTS } from './gate/plants.ts'

/**
 * Whole gates in virtual time. A failure names its seed. `SIM_SEED=17` plays only that history, and
 * `SIM_HISTORIES=50000` plays that many.
 */
const ONE = process.env.SIM_SEED
const HISTORIES = Number(process.env.SIM_HISTORIES ?? 1_000)
const seeds = ONE === undefined ? Array.from({ length: HISTORIES }, (_, i) => i + 1) : [Number(ONE)]
const LONG = { timeout: 3_600_000 }

/** What buyers do with ecash, with credit that they want back, and with passes. */
const MONEY = [
  ...['change', 'token as key', 'old token as key', 'token beside a pass', 'redeemed'],
  ...['redeemed for an invoice', 'ecash paid', 'lightning paid', 'lightning pending'],
  ...['rotated', 'revoked', 'a pass that has ended'],
]

/** What buyers do with dollars, and with charges of the Payment scheme. */
const DOLLARS = [
  ...['dollars v1', 'dollars v2', 'dollars pending', 'dollars beside a pass'],
  ...['stolen from the chain', 'charge'],
]

describe('a whole gate', () => {
  it(`keeps its promises in ${seeds.length} histories, whatever fails`, LONG, async () => {
    const seen = new Set<string>()
    for (const seed of seeds) {
      const told = await playHistory(seed)
      for (const one of told.seen) seen.add(one)
      expect(told.wrong, `SIM_SEED=${seed} npm test -- test/sim/gate.test.ts`).toEqual([])
    }
    if (seeds.length < 1_000) return
    // The histories must contain all kinds of ends, or they would prove nothing.
    const ends = ['complete', 'client_left', 'upstream_failed', 'stalled', 'stopped', 'refused']
    const statuses = ['200', '400', '402', '403', '429', '502', '503', '504']
    expect([...seen]).toEqual(expect.arrayContaining([...ends, ...statuses, 'left', 'lost']))
    expect([...seen]).toEqual(expect.arrayContaining([...MONEY, ...DOLLARS]))
  })

  it(
    'keeps them with two wallets that fail one by one, in a quarter as many (J24)',
    LONG,
    async () => {
      for (const seed of seeds.filter((one) => one % 4 === 0 || ONE !== undefined)) {
        const { wrong } = await playHistory(seed, undefined, 2)
        expect(wrong, `SIM_SEED=${seed} npm test -- test/sim/gate.test.ts`).toEqual([])
      }
    },
  )

  it.each([...PLANTS, ...DOLLAR_PLANTS])('finds it if $what', LONG, async ({ found, plant }) => {
    for (let seed = 1; seed <= 1_000; seed++) {
      const { wrong } = await playHistory(seed, plant)
      if (wrong.some((one) => found.test(one))) return
    }
    expect.unreachable('1,000 histories did not show it')
  })

  it('is the same again from the same seed', async () => {
    const plant = PLANTS.at(-2)?.plant
    expect(await playHistory(3, plant)).toEqual(await playHistory(3, plant))
  })
})
