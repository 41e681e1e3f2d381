import { describe, expect, it } from 'vitest'
import type { Outgoing } from '../../../src/wallets/outgoing.ts'
import { WalletUnreachable } from '../../../src/wallets/wallet.ts'
import { ALICE, BOB, hashOf, invoiceOf, MINT, withdrawalBed } from '../../support/withdrawal-bed.ts'

type Bed = ReturnType<typeof withdrawalBed>

/** Alice has 5,000 sat at the Lightning wallet and 3,000 at the mint. */
function alice(): Bed {
  const bed = withdrawalBed()
  bed.book.put(ALICE, 'lnd', 5_000)
  bed.book.put(ALICE, `ecash ${MINT}`, 3_000)
  return bed
}

const why = async (bed: Bed, asked: Promise<{ ok: boolean; error?: { why: string } }>) => {
  const answer = await bed.world.until(asked)
  return answer.ok ? 'done' : answer.error?.why
}

const pay = (bed: Bed, invoice: string, key: string | null = null) =>
  why(bed, bed.withdrawals.byInvoice(ALICE, invoice, key))

/**
 * Every fault of an invoice, in the order in which they are judged. Each row has the faults of all
 * rows below it too, so the test fails if two of them change places.
 */
const INVOICES: readonly (readonly [string, string, (bed: Bed) => Promise<string | undefined>])[] =
  [
    [
      'stopping',
      'the gate stops',
      (bed) => {
        bed.withdrawals.refuseNew()
        bed.at.healthy = false
        return pay(bed, 'no invoice')
      },
    ],
    [
      'ledger_unavailable',
      'the ledger cannot write',
      (bed) => {
        bed.at.healthy = false
        return pay(bed, 'no invoice')
      },
    ],
    ['bad_invoice', 'a text that is no invoice', (bed) => pay(bed, 'lnbc1nothing')],
    [
      'bad_invoice',
      'an invoice in mixed letters',
      (bed) => pay(bed, invoiceOf(bed.world, 9_000).replace('lnbcrt', 'LNbcrt')),
    ],
    [
      'other_network',
      'an invoice for real money, without an amount',
      (bed) => pay(bed, invoiceOf(bed.world, 9_000, { prefix: 'bc' })),
    ],
    [
      'amount_missing',
      'an invoice of which the payer chooses the amount',
      (bed) => {
        bed.ours.add(hashOf())
        return pay(bed, invoiceOf(bed.world, 9_000, { prefix: 'bcrt', seconds: 1 }))
      },
    ],
    [
      'own_invoice',
      'an invoice of this gate',
      (bed) => {
        bed.ours.add(hashOf())
        return pay(bed, invoiceOf(bed.world, 9_000, { seconds: 1, finalCltv: 201 }))
      },
    ],
    [
      'invoice_expires',
      'an invoice that expires within 30 s',
      (bed) => pay(bed, invoiceOf(bed.world, 9_000, { seconds: 29, finalCltv: 201 })),
    ],
    [
      'expires_too_late',
      'an invoice that is valid for nine days',
      (bed) => pay(bed, invoiceOf(bed.world, 9_000, { seconds: 9 * 86_400, finalCltv: 201 })),
    ],
    [
      'final_cltv',
      'an invoice whose receiver may hold the payment for 201 blocks',
      (bed) => pay(bed, invoiceOf(bed.world, 9_000, { finalCltv: 201 })),
    ],
    [
      'nothing',
      'an account without paid-in sats',
      (bed) => {
        bed.book.credit.clear()
        return pay(bed, invoiceOf(bed.world, 9_000))
      },
    ],
    [
      'cannot_send',
      'an account whose sats are all at a mint that pays no invoices',
      (bed) => {
        bed.book.credit.clear()
        bed.book.put(ALICE, `ecash ${MINT}`, 3_000)
        return pay(bed, invoiceOf(bed.world, 9_000))
      },
    ],
    ['too_much', 'more than the wallet has of it', (bed) => pay(bed, invoiceOf(bed.world, 5_000))],
    [
      'too_much',
      'an amount that fits, but not with 1 % for the fee',
      (bed) => pay(bed, invoiceOf(bed.world, 4_951)),
    ],
    [
      'too_much',
      'an amount that only two sources together have (L9)',
      (bed) => pay(bed, invoiceOf(bed.world, 6_000)),
    ],
    ['too_small', '999 sat that are not the rest', (bed) => pay(bed, invoiceOf(bed.world, 999))],
    [
      'held',
      'money that a running request of the account holds for longer than 5 s',
      (bed) => {
        bed.book.held.add(ALICE)
        return pay(bed, invoiceOf(bed.world, 4_000))
      },
    ],
    ['done', 'everything with its fee', (bed) => pay(bed, invoiceOf(bed.world, 4_950))],
    [
      'done',
      '200 blocks and eight days',
      (bed) => pay(bed, invoiceOf(bed.world, 4_000, { finalCltv: 200, seconds: 8 * 86_400 })),
    ],
    [
      'done',
      'capitals, behind lightning:',
      (bed) => pay(bed, `lightning:${invoiceOf(bed.world, 4_000).toUpperCase()}`),
    ],
  ]

describe('L12 what is refused of an invoice, in order of precedence', () => {
  it.each(INVOICES)('%s: %s', async (expected, _, ask) => {
    const bed = alice()
    expect(await ask(bed)).toBe(expected)
    expect(bed.payer.orders).toHaveLength(expected === 'done' ? 1 : 0)
  })

  it('I11 one withdrawal of an account at a time, three of all accounts', async () => {
    const bed = alice()
    bed.payer.answer = async () => ({ is: 'pending' })
    for (const account of [BOB, 'c', 'd']) bed.book.put(account.padEnd(32, '0'), 'lnd', 9_000)
    const of = (account: string, name: string) =>
      why(
        bed,
        bed.withdrawals.byInvoice(
          account.padEnd(32, '0'),
          invoiceOf(bed.world, 1_000, { name }),
          null,
        ),
      )
    expect(await of(ALICE, '1')).toBe('done')
    expect(await of(ALICE, '2')).toBe('in_flight')
    expect(await of(BOB, '3')).toBe('done')
    expect(await of('c', '4')).toBe('done')
    expect(await of('d', '5')).toBe('too_many')
    bed.payer.now(hashOf('1'), { is: 'failed', reason: 'no route' })
    await bed.world.pass(60_000)
    expect(await of('d', '5')).toBe('done')
  })

  it('I10 J5 an account that asks again and again makes no more than ten questions to a mint in a minute', async () => {
    const bed = withdrawalBed()
    bed.book.put(ALICE, `ecash ${MINT}`, 3_000)
    let questions = 0
    const feeFor = async () => {
      questions += 1
      return 3_000_000n
    }
    const { payer } = bed
    const lightning: Outgoing = {
      ...{ feeFor, list: null, pay: (order) => payer.pay(order), find: (name) => payer.find(name) },
    }
    const sources = [{ source: `ecash ${MINT}`, lightning, ecash: null, held: async () => null }]
    const other = withdrawalBed({ world: bed.world, book: bed.book, sources })
    const asked = []
    for (let at = 0; at < 13; at += 1) {
      asked.push(await pay(other, invoiceOf(bed.world, 2_000, { name: `${at}` })))
    }
    expect(asked.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 'too_much'))
    expect([...new Set(asked.slice(10))]).toEqual(['too_often'])
    expect(questions).toBe(10)
    await bed.world.pass(60_000)
    expect(await pay(other, invoiceOf(bed.world, 2_000, { name: 'later' }))).toBe('too_much')
  })

  it('a wallet that does not tell whether the invoice is its own pays nothing', async () => {
    const bed = alice()
    const made = async () => {
      throw new WalletUnreachable('it does not answer')
    }
    const sources = [
      { source: 'lnd', lightning: bed.payer, ecash: null, made, held: async () => null },
    ]
    const other = withdrawalBed({ world: bed.world, book: bed.book, sources })
    expect(await pay(other, invoiceOf(bed.world, 4_000))).toBe('unreachable')
    const circle = sources.map((source) => ({ ...source, made: async () => true }))
    const third = withdrawalBed({ world: bed.world, book: bed.book, sources: circle })
    expect(await pay(third, invoiceOf(bed.world, 4_000))).toBe('own_invoice')
    expect(bed.payer.orders).toEqual([])
  })
})

const TOKENS: readonly (readonly [
  string,
  string,
  { sat: number | null; mint: string | null },
  ((bed: Bed) => void) | null,
])[] = [
  ['nothing', 'no paid-in sats', { sat: null, mint: null }, (bed) => bed.book.credit.clear()],
  [
    'cannot_send',
    'no sats at a mint',
    { sat: null, mint: null },
    (bed) => bed.book.credit.get(ALICE)?.delete(`ecash ${MINT}`),
  ],
  [
    'unknown_mint',
    'a mint where the account has nothing',
    { sat: 1, mint: 'https://other.example' },
    null,
  ],
  [
    'unreachable',
    'a mint that does not answer',
    { sat: 9_000_000, mint: null },
    (bed) => {
      bed.mint.away = true
      bed.book.put(ALICE, `ecash ${MINT}`, 9_000_000)
    },
  ],
  ['too_much', 'more than there is', { sat: 3_001, mint: null }, null],
  ['too_much', 'an amount that does not fit with its fee', { sat: 2_980, mint: null }, null],
  ['too_small', '999 sat that are not the rest', { sat: 999, mint: null }, null],
  [
    'held',
    'money that requests hold',
    { sat: null, mint: null },
    (bed) => bed.book.held.add(ALICE),
  ],
  ['done', 'everything', { sat: null, mint: null }, null],
  [
    'done',
    'a part, of a mint that is written differently',
    { sat: 1_000, mint: 'HTTPS://Mint.example:443/' },
    null,
  ],
]

describe('L12 what is refused of a token, in order of precedence', () => {
  it.each(TOKENS)('%s: %s', async (expected, _, asked, before) => {
    const bed = alice()
    before?.(bed)
    expect(await why(bed, bed.withdrawals.byEcash(ALICE, asked, null))).toBe(expected)
    expect(bed.mint.made.size).toBe(expected === 'done' ? 1 : 0)
  })
})

describe('the amounts of L12', () => {
  it('everything is what fits with its fee, and the whole rest may be small', async () => {
    const bed = withdrawalBed()
    bed.book.put(ALICE, 'lnd', 500)
    bed.book.put(ALICE, `ecash ${MINT}`, 205)
    const shown = await bed.withdrawals.withdrawable(ALICE)
    expect(shown).toEqual([
      { source: 'lnd', sats: 500, invoice_sats: 490 },
      { source: `ecash ${MINT}`, sats: 205 },
    ])
    expect(await pay(bed, invoiceOf(bed.world, 489))).toBe('too_small')
    expect(await pay(bed, invoiceOf(bed.world, 490))).toBe('done')
    expect(bed.payer.orders[0]).toMatchObject({ amountMsat: 490_000n, maxFeeMsat: 10_000n })
    const all = await bed.world.until(
      bed.withdrawals.byEcash(ALICE, { sat: null, mint: null }, null),
    )
    expect(all.ok && all.value.withdrawal).toMatchObject({ amount: 202_000n, paidFee: 3_000n })
    expect(bed.book.left(ALICE, `ecash ${MINT}`)).toBe(0)
  })

  it('an unused reserve comes back, and a fee above it is told to the book', async () => {
    const bed = alice()
    expect(await pay(bed, invoiceOf(bed.world, 2_000))).toBe('done')
    expect(bed.book.left(ALICE, 'lnd')).toBe(2_998)
    bed.payer.answer = async () => ({ is: 'paid', feeMsat: 50_000n })
    expect(await pay(bed, invoiceOf(bed.world, 2_000, { name: 'dear' }))).toBe('done')
    expect(bed.book.rows.get(`ln:${hashOf('dear')}`)).toMatchObject({ paidFee: 50_000n })
  })

  it('L9 a Lightning wallet pays before a mint, and the quote of a mint is its fee', async () => {
    const bed = withdrawalBed()
    bed.book.put(ALICE, 'ecash a', 9_000)
    bed.book.put(ALICE, 'lnd', 2_000)
    const quoted = Object.assign(new (bed.payer.constructor as new () => typeof bed.payer)(), {
      feeFor: async () => 7_000n,
    })
    const sources = [
      { source: 'ecash a', lightning: quoted, ecash: bed.mint, held: async () => null },
      { source: 'lnd', lightning: bed.payer, ecash: null, held: async () => null },
    ]
    const both = withdrawalBed({ world: bed.world, book: bed.book, sources })
    expect(await pay(both, invoiceOf(bed.world, 1_000, { name: 'a' }))).toBe('done')
    expect(await pay(both, invoiceOf(bed.world, 2_000, { name: 'b' }))).toBe('done')
    expect(bed.payer.orders.map(({ maxFeeMsat }) => maxFeeMsat)).toEqual([10_000n])
    expect(quoted.orders.map(({ maxFeeMsat }) => maxFeeMsat)).toEqual([7_000n])
  })
})
