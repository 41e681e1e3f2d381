import { describe, expect, it } from 'vitest'
import { WalletUnreachable } from '../../../src/wallets/wallet.ts'
import { VirtualProcess } from '../../support/virtual-world.ts'
import {
  ALICE,
  BOB,
  type FakePayer,
  hashOf,
  invoiceOf,
  MINT,
  PAID,
  withdrawalBed,
} from '../../support/withdrawal-bed.ts'

const ECASH = `ecash ${MINT}`
const ALL = { sat: null, mint: null }
const HOUR = 3_600_000

function alice() {
  const bed = withdrawalBed()
  bed.book.put(ALICE, 'lnd', 5_000)
  bed.book.put(ALICE, ECASH, 3_000)
  return bed
}

const stateOf = (answer: Awaited<ReturnType<typeof paying>>) =>
  answer.ok ? answer.value.withdrawal.state : answer.error.why

const paying = (
  { withdrawals, world }: ReturnType<typeof withdrawalBed>,
  options: { name?: string; key?: string; account?: string; sat?: number; seconds?: number } = {},
) => {
  const { account = ALICE, key = null, sat = 2_000, ...of } = options
  return world.until(withdrawals.byInvoice(account, invoiceOf(world, sat, of), key))
}

describe('a payment by Lightning', () => {
  it('L12 is in the book before the wallet hears of it', async () => {
    const bed = alice()
    bed.payer.answer = async ({ paymentHash }) => {
      expect(bed.book.rows.get(`ln:${paymentHash}`)).toMatchObject({ state: 'open' })
      expect(bed.book.left(ALICE, 'lnd')).toBe(2_980)
      return PAID
    }
    expect(stateOf(await paying(bed))).toBe('sent')
    expect(bed.said).toEqual(['lightning sent'])
  })

  it('carries the name of the gate, of the account and of the withdrawal', async () => {
    const bed = alice()
    await paying(bed)
    const { id } = bed.payer.orders[0] ?? { id: '' }
    expect(id).toBe(`satgate:${bed.gate}:${ALICE}:${hashOf().slice(0, 40)}`)
    expect(id.length).toBeLessThanOrEqual(100)
  })

  it('B9 waits for money that a running request holds', async () => {
    const bed = alice()
    bed.book.held.add(ALICE)
    bed.world.after(3_000, () => bed.book.held.delete(ALICE))
    expect(stateOf(await paying(bed))).toBe('sent')
  })

  it('I11 the same invoice again, at once or later, is paid once and has one answer', async () => {
    const bed = alice()
    const slow = Promise.withResolvers<void>()
    bed.payer.answer = () => slow.promise.then(() => PAID)
    bed.world.after(2_000, () => slow.resolve())
    const [first, second] = await Promise.all([paying(bed), paying(bed)])
    const third = await paying(bed)
    expect([first, second, third].map(stateOf)).toEqual(['sent', 'sent', 'sent'])
    expect(bed.payer.left.get(hashOf())).toBe(1)
    expect(bed.book.left(ALICE, 'lnd')).toBe(2_998)
  })

  it('the invoice of another account is refused, and tells nothing of it', async () => {
    const bed = alice()
    bed.book.put(BOB, 'lnd', 5_000)
    await paying(bed)
    expect(stateOf(await paying(bed, { account: BOB }))).toBe('invoice_used')
  })

  it('a key that came with another invoice is refused', async () => {
    const bed = alice()
    expect(stateOf(await paying(bed, { key: 'one', name: 'a', sat: 1_000 }))).toBe('sent')
    expect(stateOf(await paying(bed, { key: 'one', name: 'b', sat: 1_000 }))).toBe('key_reused')
    expect(stateOf(await paying(bed, { key: 'one', name: 'a', sat: 1_000 }))).toBe('sent')
    expect(stateOf(await paying(bed, { key: 'two', name: 'b', sat: 1_000 }))).toBe('sent')
  })

  it('that failed comes back whole', async () => {
    const bed = alice()
    bed.payer.answer = async () => ({ is: 'failed', reason: 'no route' })
    const answer = await paying(bed)
    expect(answer.ok && answer.value.withdrawal).toMatchObject({ reason: 'no route' })
    expect(bed.book.left(ALICE, 'lnd')).toBe(5_000)
  })

  it('whose wallet is away was not sent, and comes back whole', async () => {
    const bed = alice()
    bed.payer.answer = async () => {
      throw new WalletUnreachable('refused')
    }
    expect(stateOf(await paying(bed))).toBe('failed')
    expect(bed.book.left(ALICE, 'lnd')).toBe(5_000)
  })

  it('L12 no end is known: it stays held for hours, and is told as pending', async () => {
    const bed = alice()
    bed.payer.answer = async () => ({ is: 'pending' })
    expect(stateOf(await paying(bed))).toBe('open')
    await bed.world.pass(30 * HOUR)
    expect(bed.book.left(ALICE, 'lnd')).toBe(2_980)
    expect(bed.said).toEqual([`late ln:${hashOf()}`])
    // At first each second, later four times a minute.
    expect(bed.payer.finds).toBeLessThan(4 * 30 * 60 + 20)
    bed.payer.now(hashOf(), PAID)
    await bed.world.pass(60_000)
    expect(stateOf(await paying(bed))).toBe('sent')
    expect(bed.book.left(ALICE, 'lnd')).toBe(2_998)
  })

  it('an order that hangs on its way is never given back: it is ordered again', async () => {
    const bed = alice()
    // The wallet gets the first order after ten minutes.
    bed.payer.answer = () => new Promise(() => {})
    expect(stateOf(await paying(bed))).toBe('open')
    bed.payer.answer = async () => PAID
    await bed.world.pass(120_000)
    expect(bed.book.rows.get(`ln:${hashOf()}`)).toMatchObject({ state: 'sent' })
    expect(bed.payer.left.get(hashOf())).toBe(1)
  })

  it('is given back when the wallet never tried it and nobody can pay it any more', async () => {
    const bed = alice()
    bed.payer.pay = () => new Promise(() => {})
    expect(stateOf(await paying(bed, { seconds: 600 }))).toBe('open')
    await bed.world.pass(600_000 + 500_000)
    expect(bed.book.left(ALICE, 'lnd')).toBe(2_980)
    await bed.world.pass(300_000)
    expect(bed.book.left(ALICE, 'lnd')).toBe(5_000)
  })

  it('a mistake in the wallet leaves it open, and is told to the operator', async () => {
    const bed = alice()
    bed.payer.answer = async () => {
      throw new TypeError('x is undefined')
    }
    expect(stateOf(await paying(bed))).toBe('open')
    expect(bed.troubles).toHaveLength(1)
    bed.payer.now(hashOf(), PAID)
    await bed.world.pass(60_000)
    expect(stateOf(await paying(bed))).toBe('sent')
  })
})

describe('a token', () => {
  const token = (bed: ReturnType<typeof withdrawalBed>, key: string | null = null, asked = ALL) =>
    bed.world.until(bed.withdrawals.byEcash(ALICE, asked, key))
  const textOf = (answer: Awaited<ReturnType<typeof token>>) =>
    answer.ok ? answer.value.token : answer.error.why

  it('B10 the same request gets the same token, with a key for ever', async () => {
    const bed = alice()
    const first = textOf(await token(bed, 'k'))
    bed.book.put(ALICE, ECASH, 2_000)
    await bed.world.pass(30 * HOUR)
    expect(textOf(await token(bed, 'k'))).toBe(first)
    expect(textOf(await token(bed, 'k', { ...ALL, mint: MINT } as never))).toBe('key_reused')
    expect(textOf(await token(bed, 'other'))).not.toBe(first)
  })

  it('B10 without a key the same token for ten minutes, then another one', async () => {
    const bed = alice()
    const first = textOf(await token(bed))
    bed.book.put(ALICE, ECASH, 2_000)
    await bed.world.pass(599_000)
    expect(textOf(await token(bed))).toBe(first)
    await bed.world.pass(600_000)
    const second = textOf(await token(bed))
    expect(second).not.toBe(first)
    expect(textOf(await token(bed))).toBe(second)
    expect(bed.mint.made.size).toBe(2)
  })

  it('a mint that refuses: the credit is back, and the next request tries again', async () => {
    const bed = alice()
    bed.mint.fault = async () => {}
    const answer = await token(bed)
    expect(answer.ok && answer.value.withdrawal.state).toBe('failed')
    expect(bed.book.left(ALICE, ECASH)).toBe(3_000)
    bed.mint.fault = null
    expect(textOf(await token(bed))).toMatch(/^cashuB/)
  })

  it('a mint whose answer was lost: the token that it made is given', async () => {
    const bed = alice()
    bed.mint.fault = async (make) => {
      make()
      throw new Error('the connection broke')
    }
    expect(textOf(await token(bed))).toMatch(/^cashuB/)
    expect(bed.book.left(ALICE, ECASH)).toBe(0)
  })

  it('a mint that then does not answer either: pending, and the same request gets it later', async () => {
    const bed = alice()
    bed.mint.fault = async (make) => {
      make()
      bed.mint.away = true
      throw new Error('the connection broke')
    }
    const first = await token(bed)
    expect(first.ok && first.value.withdrawal.state).toBe('open')
    bed.mint.away = false
    await bed.world.pass(60_000)
    expect(textOf(await token(bed))).toMatch(/^cashuB/)
  })
})

describe('a process that dies', () => {
  /** A gate that dies at a step, and the gate that is started after it. */
  async function dies(
    at: 'before the wallet' | 'before the answer' | 'behind the answer',
    then: 'at once' | 'after the expiry' = 'at once',
  ) {
    const first = withdrawalBed()
    first.book.put(ALICE, 'lnd', 5_000)
    const { book, facts, payer, world } = first
    const process = new VirtualProcess(world)
    const dying = withdrawalBed({ world, book, facts, process, sources: first.sources })
    const pay = payer.pay.bind(payer)
    const close = book.closeWithdrawal.bind(book)
    payer.pay = async (order) => {
      if (at === 'before the wallet') {
        process.kill()
        return new Promise(() => {})
      }
      const state = await pay(order)
      if (at === 'behind the answer') return state
      process.kill()
      return new Promise(() => {})
    }
    if (at === 'behind the answer') {
      book.closeWithdrawal = () => {
        process.kill()
        return new Promise(() => {})
      }
    }
    dying.withdrawals.byInvoice(ALICE, invoiceOf(world, 2_000), null).catch(() => {})
    await world.pass(1_000)
    expect(process.alive).toBe(false)
    payer.pay = pay
    book.closeWithdrawal = close
    if (then === 'after the expiry') await world.pass(2 * HOUR)
    const next = withdrawalBed({ world, book, facts, sources: first.sources })
    await world.pass(60_000)
    return { ...next, payer }
  }

  it.each(['before the answer', 'behind the answer'] as const)(
    'L12 %s: what was paid is closed as paid, and not paid again',
    async (at) => {
      const { book, payer } = await dies(at)
      expect(payer.left.get(hashOf())).toBe(1)
      expect(book.rows.get(`ln:${hashOf()}`)).toMatchObject({ state: 'sent' })
      expect(book.left(ALICE, 'lnd')).toBe(2_998)
    },
  )

  it('before the wallet heard of it: it is paid then, once', async () => {
    const { book, payer } = await dies('before the wallet')
    expect(payer.left.get(hashOf())).toBe(1)
    expect(book.left(ALICE, 'lnd')).toBe(2_998)
  })

  it('before the wallet heard of it, and the invoice expired meanwhile: it comes back', async () => {
    const { book, payer } = await dies('before the wallet', 'after the expiry')
    expect(payer.left.size).toBe(0)
    expect(book.left(ALICE, 'lnd')).toBe(5_000)
  })

  it('a stop leaves open what has no end, and the next start goes on', async () => {
    const bed = alice()
    bed.payer.answer = async () => ({ is: 'pending' })
    expect(stateOf(await paying(bed))).toBe('open')
    await bed.world.until(bed.withdrawals.stop())
    bed.payer.now(hashOf(), PAID)
    await bed.world.pass(HOUR)
    expect(bed.book.rows.get(`ln:${hashOf()}`)).toMatchObject({ state: 'open' })
    const next = withdrawalBed({ ...bed, sources: bed.sources })
    await bed.world.pass(1_000)
    expect(bed.book.rows.get(`ln:${hashOf()}`)).toMatchObject({ state: 'sent' })
    expect(next.said).toEqual(['lightning sent'])
  })

  it('a wallet that is not configured any more: it stays open, and the operator is told', async () => {
    const bed = alice()
    bed.payer.answer = async () => ({ is: 'pending' })
    await paying(bed)
    await bed.world.until(bed.withdrawals.stop())
    const next = withdrawalBed({ ...bed, sources: [] })
    await bed.world.pass(HOUR)
    expect(next.said).toEqual([`late ln:${hashOf()}`])
    expect(bed.book.left(ALICE, 'lnd')).toBe(2_980)
  })
})

describe('L13 a ledger that was restored from an older backup', () => {
  const payment = (gate: string, state = PAID, name = 'earlier') => ({
    id: `satgate:${gate}:${ALICE}:${hashOf(name).slice(0, 40)}`,
    paymentHash: hashOf(name),
    amountMsat: 4_000_000n,
    state,
  })

  function restored(listed: (gate: string) => FakePayer['listed'], copied = true) {
    const { book, gate, payer, world, sources, facts } = withdrawalBed({ still: true })
    book.put(ALICE, 'lnd', 5_000)
    book.put(ALICE, ECASH, 3_000)
    payer.listed = listed(gate)
    const start = () => withdrawalBed({ world, book, facts, sources, copied })
    return { book, payer, world, start }
  }

  it('books what left the wallet since, before anything more leaves', async () => {
    const { book, start, world } = restored((gate) => [payment(gate)])
    const bed = start()
    await world.pass(100)
    expect(bed.said).toEqual([`lost ${ALICE} 4000000 lnd`])
    expect(book.left(ALICE, 'lnd')).toBe(998)
    expect(stateOf(await paying(bed))).toBe('too_much')
    expect(stateOf(await paying(bed, { name: 'earlier' }))).toBe('sent')
  })

  it('the payments of other gates, and of people, at the same node are none of ours', async () => {
    const { book, start, world } = restored((gate) => [
      payment(gate.replace('0', 'f')),
      { ...payment(gate), id: 'coffee' },
      payment(gate, { is: 'failed', reason: 'no route' } as never),
    ])
    start()
    await world.pass(100)
    expect(book.lost).toEqual([])
  })

  it('a payment that is not over keeps its source closed until it is', async () => {
    const { payer, start, world } = restored((gate) => [payment(gate, { is: 'pending' } as never)])
    const bed = start()
    expect(stateOf(await paying(bed))).toBe('unreachable')
    payer.listed = [payment(bed.gate)]
    await world.pass(60_000)
    expect(bed.book.lost).toHaveLength(1)
    expect(stateOf(await paying(bed, { sat: 900 }))).toBe('too_small')
  })

  it('a wallet that is away keeps its source closed', async () => {
    const { payer, start } = restored(() => [])
    payer.list = async () => {
      throw new WalletUnreachable('refused')
    }
    const bed = start()
    expect(stateOf(await paying(bed))).toBe('unreachable')
    payer.list = async () => []
    await bed.world.pass(60_000)
    expect(stateOf(await paying(bed))).toBe('sent')
  })

  it('C12 also if the root key was exchanged since: the gate had another name at the wallet', async () => {
    const { book, payer, world } = restored((gate) => [payment(gate)])
    const facts = new Map<string, string>()
    const sources = [{ source: 'lnd', lightning: payer, ecash: null, held: async () => null }]
    payer.listed = []
    withdrawalBed({ world, book, facts, sources })
    await world.pass(100)
    payer.listed = [payment('0123456789abcdef')]
    const bed = withdrawalBed({
      world,
      book,
      facts,
      sources,
      copied: true,
      gate: 'fedcba9876543210',
    })
    await world.pass(100)
    expect(bed.said).toEqual([`lost ${ALICE} 4000000 lnd`])
    expect(book.left(ALICE, 'lnd')).toBe(998)
  })

  it('coins that were restored wait for the operator', async () => {
    const { book, facts, world, sources } = withdrawalBed({ still: true })
    book.put(ALICE, ECASH, 3_000)
    const bed = withdrawalBed({ world, book, facts, sources, coins: { since: 1 } })
    const token = async () => {
      const answer = await world.until(bed.withdrawals.byEcash(ALICE, ALL, null))
      return answer.ok ? 'done' : answer.error.why
    }
    expect(await token()).toBe('paused')
    expect(bed.said).toEqual([`paused ${ECASH}`])
    await bed.restored.allow()
    expect(await token()).toBe('done')
  })

  it('wallets that list nothing wait for the operator, over restarts', async () => {
    const { payer, start, world } = restored(() => [])
    payer.list = null
    const first = start()
    await world.pass(100)
    expect(first.restored.waiting).toEqual(['lnd'])
    expect(stateOf(await paying(first))).toBe('paused')
    const again = start()
    await world.pass(100)
    expect(stateOf(await paying(again))).toBe('paused')
    await again.restored.allow()
    expect(again.said).toContain('allowed lnd')
    expect(stateOf(await paying(again))).toBe('sent')
  })

  it('a folder that is no copy asks nobody', async () => {
    const { start, world } = restored(() => [], false)
    const bed = start()
    await world.pass(100)
    expect(bed.said).toEqual([])
    const all = await world.until(bed.withdrawals.byEcash(ALICE, ALL, null))
    expect(all.ok).toBe(true)
  })
})

describe('change', () => {
  const PAYMENT = `cashu:${'ab'.repeat(32)}`

  it('L2 L11 is the rest of the account as one token, and is made once', async () => {
    const bed = withdrawalBed()
    await bed.world.pass(10)
    bed.book.put(ALICE, ECASH, 205)
    const made = await bed.world.until(bed.change.make(ALICE, PAYMENT))
    expect(made).toEqual({ token: 'cashuB-202-0', taken: 205_000n })
    expect(await bed.world.until(bed.change.again(ALICE, PAYMENT))).toBe('cashuB-202-0')
    bed.book.put(ALICE, ECASH, 100)
    const second = await bed.world.until(bed.change.make(ALICE, PAYMENT))
    expect(second?.token).toBe('cashuB-202-0')
    expect(bed.mint.made.size).toBe(1)
    expect(bed.book.left(ALICE, ECASH)).toBe(100)
  })

  it('L2 is not given again after an hour, nor to another account', async () => {
    const bed = withdrawalBed()
    await bed.world.pass(10)
    bed.book.put(ALICE, ECASH, 205)
    await bed.world.until(bed.change.make(ALICE, PAYMENT))
    expect(await bed.world.until(bed.change.again(BOB, PAYMENT))).toBeNull()
    await bed.world.pass(HOUR)
    expect(await bed.world.until(bed.change.again(ALICE, PAYMENT))).toBeNull()
  })

  const FAULTS: readonly (readonly [string, (bed: ReturnType<typeof withdrawalBed>) => void])[] = [
    [
      'the mint is away',
      ({ mint }) => {
        mint.away = true
      },
    ],
    [
      'the mint refuses',
      ({ mint }) => {
        mint.fault = async () => {}
      },
    ],
    ['requests hold the rest', ({ book }) => book.held.add(ALICE)],
    [
      'the ledger cannot write',
      ({ at }) => {
        at.healthy = false
      },
    ],
    ['the rest does not pay the fee', ({ book }) => book.credit.get(ALICE)?.set(ECASH, 1_999n)],
  ]
  it.each(FAULTS)('stays on the pass if %s', async (_, before) => {
    const bed = withdrawalBed()
    await bed.world.pass(10)
    bed.book.put(ALICE, ECASH, 205)
    before(bed)
    const left = bed.book.left(ALICE, ECASH)
    expect(await bed.world.until(bed.change.make(ALICE, PAYMENT))).toBeNull()
    expect(bed.book.left(ALICE, ECASH)).toBe(left)
  })

  it('does not wait for withdrawals of others, and does not stand in their way', async () => {
    const bed = withdrawalBed()
    await bed.world.pass(10)
    bed.payer.answer = async () => ({ is: 'pending' })
    for (const account of ['b', 'c', 'd']) {
      bed.book.put(account.padEnd(32, '0'), 'lnd', 9_000)
      await paying(bed, { account: account.padEnd(32, '0'), name: account })
    }
    bed.book.put(ALICE, ECASH, 205)
    expect(await bed.world.until(bed.change.make(ALICE, PAYMENT))).not.toBeNull()
  })
})
