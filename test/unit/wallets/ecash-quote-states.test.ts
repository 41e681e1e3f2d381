import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { quoteStateOf } from '../../../src/wallets/ecash/mint/answers.ts'
import { until } from '../../contract/wallet.ts'
import { EcashBed } from '../../support/ecash.ts'
import { type FakeMint, startFakeMint } from '../../support/fake-mint.ts'

const clean: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const one of clean.splice(0).reverse()) await one()
})

async function shop(options: Parameters<typeof startFakeMint>[0]) {
  const mint: FakeMint = await startFakeMint(options)
  const bed = new EcashBed()
  clean.push(
    () => mint.stop(),
    () => bed.close(),
  )
  return { mint, bed, wallet: await bed.open({ mints: [mint] }) }
}

describe('K13 a mint whose quotes have no state', () => {
  it.each([
    ['amounts', true],
    ['amounts', false],
    ['paid', true],
    ['paid', false],
  ] as const)(
    'K13 that says %s, told by NUT-17 %s: an invoice is open, then its coins are here',
    async (states, sockets) => {
      const { mint, bed, wallet } = await shop({ states, sockets })
      const settled: string[] = []
      wallet.watch(null, ({ paymentHash }) => settled.push(paymentHash))
      const { bolt11, paymentHash } = await wallet.createInvoice({
        ...{ sat: 21, memo: 'states', expirySeconds: 600 },
      })
      expect(await wallet.lookup(paymentHash)).toEqual({ is: 'open' })
      mint.pay(bolt11)
      await until(async () => settled.length === 1)
      expect([bed.sats(), mint.issuedSat()]).toEqual([21, 21])
      expect(bed.problems()).toEqual([])
      expect(await wallet.lookup(paymentHash)).toMatchObject({ is: 'settled' })
    },
  )

  it.each([
    [{ amount_paid: 0, amount_issued: 0 }, 'unpaid'],
    [{ amount_paid: 21, amount_issued: 0 }, 'paid'],
    [{ amount_paid: 21 }, 'paid'],
    [{ amount_paid: 42, amount_issued: 21 }, 'paid'],
    [{ amount_paid: 21, amount_issued: 21 }, 'issued'],
    [{ state: null, amount_paid: 21, amount_issued: 0 }, 'paid'],
    [{ paid: true }, 'paid'],
    [{ paid: false }, 'unpaid'],
    [{ state: 'UNPAID', paid: true, amount_paid: 21 }, 'unpaid'],
    [{ state: 'ISSUED', amount_paid: 21, amount_issued: 0 }, 'issued'],
    [{ amount_paid: '21', amount_issued: 0 }, null],
    [{ amount_paid: -1, amount_issued: -2 }, null],
    [{ amount_issued: 21 }, null],
    [{ state: 'PERHAPS', paid: true }, null],
    [{}, null],
  ])('K13 %j is %s', (answer, state) => {
    expect(quoteStateOf(answer)).toBe(state)
  })

  it('K13 by amounts it is paid only while more was paid than was issued', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), (amount_paid, amount_issued) => {
        const said = quoteStateOf({ amount_paid, amount_issued })
        expect(said === 'paid').toBe(amount_paid > amount_issued)
        expect(said === 'unpaid').toBe(amount_paid === 0 && amount_issued === 0)
      }),
    )
  })
})
