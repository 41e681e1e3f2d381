import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Deposits } from '../../src/gate/deposits.ts'
import { requestBody } from '../../src/gate/request-body.ts'
import type { Books } from '../../src/ledger/open-ledger.ts'
import { Tiers } from '../../src/money/tiers.ts'
import { microUsd, msatOf } from '../../src/money/usd.ts'
import type { RootKeys } from '../../src/passes/write.ts'
import type { Offer, PaidRequest, Rail, Receipt } from '../../src/rails/rail.ts'
import { newKeys } from '../support/gate.ts'
import { openMemoryBooks } from '../support/memory-books.ts'
import { real } from '../support/world.ts'

/**
 * A rail, a buyer who pays on it, and possible failures. A string says why this rail has no such
 * thing.
 */
export interface RailUnderTest {
  readonly rail: Rail
  /** The buyer pays an offer. Returns the headers that present the payment. */
  readonly pay: string | ((offer: Offer) => Promise<readonly string[]>)
  /** Headers of somebody who has the offer but did not pay. */
  readonly unpaid: string | ((offer: Offer) => readonly string[])
  /** Resolves when the rail can make offers. At once if not given. */
  readonly ready?: () => Promise<void>
  /** Headers that look like a payment of this rail but cannot be read. */
  readonly malformed: string | readonly string[]
  /** From now on nobody can pay. */
  readonly outage: string | (() => unknown)
  /** A payment is good for one request: its copies are refused. */
  readonly buysOnce?: true
  /** Somebody pays and presents nothing. Resolves when the rail could know of it. */
  readonly unpresented: string | (() => Promise<void>)
}

export interface RailParts {
  readonly books: Books
  readonly keys: RootKeys
}

const WANT = {
  ...{ sat: 21, least: 10, account: null, origin: 'https://gate.example' },
  path: '/v1/chat/completions',
  macaroon: true,
  generation: 0,
  unpaid: null,
  quota: { is: 'stranger', client: 'a', site: 'a' },
  method: 'POST',
  body: requestBody({ body: new TextEncoder().encode('{}') }),
  acceptPayment: null,
} as const
const CALL: PaidRequest = {
  ...{ path: '/v1/chat/completions', method: 'POST', model: 'fake' },
  ...{ client: 'a', account: null, short: () => null },
  ...{ origin: WANT.origin, body: WANT.body },
}
/** nginx refuses an answer whose headers are larger than a page of memory. */
const MOST_HEADERS = 4_000

/** What every rail must do. `make` is called for each test. */
export function railContract(name: string, make: (parts: RailParts) => RailUnderTest): void {
  const opened = () => {
    const books = openMemoryBooks('play')
    const keys = newKeys()
    const deposits = new Deposits({
      ...books,
      keys,
      world: real,
      say: () => {},
      tiers: new Tiers([]),
    })
    return { ...make({ books, keys }), books, deposits }
  }
  type Opened = ReturnType<typeof opened>

  async function offerOf({ rail, ready }: Opened): Promise<Offer> {
    await ready?.()
    const offer = await rail.offer(WANT)
    if (!offer.ok) throw new Error(offer.error.why)
    return offer.value
  }
  /** The payment that the rail reads from these headers. */
  function paymentIn({ rail }: Opened, headers: readonly string[]): unknown {
    const read = rail.read(headers)
    if (read.is === 'payment') return read.payment
    if (read.is === 'credential') return read
    throw new Error(`the payment was read as ${read.is}`)
  }
  async function receiptOf(under: Opened, payment: unknown): Promise<Receipt> {
    const redeemed = await under.rail.redeem(payment, CALL)
    if (!redeemed.ok) throw new Error(JSON.stringify(redeemed.error))
    return redeemed.value
  }
  /** A test that is skipped if the rail has no such thing. */
  const needs = (
    what: keyof Omit<RailUnderTest, 'rail' | 'ready' | 'buysOnce'>,
    title: string,
    test: () => unknown,
  ) => {
    const has = opened()[what]
    return typeof has === 'string' ? it.skip(`${title} (${has})`) : it(title, () => test())
  }

  describe(`${name} as a rail`, () => {
    it('has a name that a drawer of the ledger can have', () => {
      expect(opened().rail.name).toMatch(/^[a-z0-9-]{1,20}$/)
    })

    it('finds nothing where nothing is, and never throws', () => {
      const { rail } = opened()
      expect(rail.read([])).toEqual({ is: 'absent' })
      expect(rail.read(['host', 'gate.example', 'accept', '*/*'])).toEqual({ is: 'absent' })
      expect(rail.read(['authorization', 'Bearer sk-proj-1234'])).toEqual({ is: 'absent' })
      const names = fc.constantFrom(
        'authorization',
        'x-api-key',
        'x-cashu',
        'x-payment',
        'payment-signature',
        'x-any',
      )
      fc.assert(
        fc.property(fc.array(fc.tuple(names, fc.string())), (lines) => {
          expect(typeof rail.read(lines.flat()).is).toBe('string')
        }),
      )
    })

    needs('malformed', 'C5 malformed is not absent: its buyer is told what is wrong', () => {
      const { rail, malformed } = opened()
      const read = rail.read(malformed as readonly string[])
      expect(read).toMatchObject({ is: 'malformed', detail: expect.stringMatching(/\w/) })
    })

    needs('pay', 'an offer fits into a 402 beside those of other rails', async () => {
      const under = opened()
      const { rail } = under
      const offer = await offerOf(under)
      const written = Object.keys(offer.headers).map((name) => name.toLowerCase())
      expect(rail.writes).toEqual(expect.arrayContaining(written))
      const headers = [...offer.challenges, ...Object.entries(offer.headers).flat()]
      for (const text of headers) expect(text).not.toMatch(/[\r\n]/)
      expect(headers.join('').length).toBeLessThan(MOST_HEADERS)
      expect(JSON.parse(JSON.stringify(offer.body))).toEqual(offer.body)
      expect([offer.say, offer.howToPay]).toEqual([
        expect.stringMatching(/^[A-Z].*\.$/),
        expect.stringMatching(/^[A-Z].*\.$/),
      ])
    })

    needs(
      'pay',
      'G3 it names the headers that it reads, so that nothing else ever sees them',
      async () => {
        const under = opened()
        const { pay, rail } = under
        if (typeof pay === 'string') return
        const headers = await pay(await offerOf(under))
        const names = headers.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase())
        expect(names.filter((name) => rail.reads.includes(name))).not.toEqual([])
        const others = headers.map((text, at) => (at % 2 === 0 ? `x-${text}-x` : text))
        expect(rail.read(others)).toEqual({ is: 'absent' })
        for (const name of [...rail.reads, ...rail.writes]) expect(name).toBe(name.toLowerCase())
      },
    )

    needs('unpaid', 'C8 an offer that nobody paid is worth nothing', async () => {
      const under = opened()
      const { unpaid } = under
      if (typeof unpaid === 'string') return
      const read = under.rail.read(unpaid(await offerOf(under)))
      if (read.is !== 'payment' && read.is !== 'credential') return
      const payment = read.is === 'payment' ? read.payment : read
      expect(await under.rail.redeem(payment, CALL)).toMatchObject({ ok: false })
    })

    needs('pay', 'L4 a payment that is presented often, also at once, is one credit', async () => {
      const under = opened()
      const { pay } = under
      if (typeof pay === 'string') return
      const payment = paymentIn(under, await pay(await offerOf(under)))
      const copies = await Promise.all([1, 2, 3].map(() => under.rail.redeem(payment, CALL)))
      const receipts = copies.flatMap((one) => (one.ok ? [one.value] : []))
      expect(receipts).toHaveLength(under.buysOnce ? 1 : 3)
      const credited = await Promise.all(receipts.map((one) => under.deposits.credit(one)))
      if (under.buysOnce) {
        const refused = { ok: false, error: { status: 402, offersNothing: true } }
        expect(await under.rail.redeem(payment, CALL)).toMatchObject(refused)
      }
      const again = under.buysOnce ? receipts[0] : await receiptOf(under, payment)
      if (again === undefined) throw new Error('nothing was taken')
      expect((await under.deposits.credit(again)).pass).toBeNull()
      const [account = ''] = new Set(credited.map((one) => one.account))
      expect(credited.map((one) => one.account)).toEqual(credited.map(() => account))
      expect(credited.filter(({ pass }) => pass !== null).length).toBeLessThanOrEqual(1)
      expect(again).toMatchObject({ payment: receipts[0]?.payment, amount: receipts[0]?.amount })
      for (const { headers } of receipts) {
        expect(under.rail.writes).toEqual(expect.arrayContaining(Object.keys(headers ?? {})))
      }
      expect(again.payment).toMatch(/^[a-z0-9]+:\S+$/)
      const balance = await under.books.ledger.balance(account)
      const { amount, ...first } = receipts[0] as Receipt
      expect(first.credit === 'usd' ? balance?.usd : balance?.available).toBe(amount)
      const worth = first.credit === 'usd' ? msatOf(microUsd(amount), first.rate) : amount
      expect(worth).toBeGreaterThanOrEqual(BigInt(WANT.least) * 1_000n)
      expect(await under.books.statement.verify()).toMatchObject({ ok: true })
    })

    needs('pay', 'a refusal in its own words has a class, a code and a message', async () => {
      const under = opened()
      const read = under.rail.read([under.rail.reads[0] ?? '', 'nothing of this rail'])
      if (read.is !== 'payment') return
      const redeemed = await under.rail.redeem(read.payment, CALL)
      if (redeemed.ok || typeof redeemed.error === 'string') return
      const { status, code, message } = redeemed.error
      expect([400, 402, 429, 503]).toContain(status)
      expect([code, message]).toEqual([
        expect.stringMatching(/^[a-z0-9_]{3,40}$/),
        expect.stringMatching(/^[A-Z].*\.$/),
      ])
    })

    needs('outage', 'an outage is a refusal and no exception', async () => {
      const { rail, outage } = opened()
      if (typeof outage === 'string') return
      await outage()
      expect(await rail.offer(WANT)).toMatchObject({ ok: false, error: { why: expect.anything() } })
    })

    needs(
      'unpresented',
      'B7 a payment that nobody presents is told of, and credited once',
      async () => {
        const { rail, unpresented, deposits, books } = opened()
        if (typeof unpresented === 'string') return
        const accounts = new Set<string>()
        const started = rail.start(async (receipt) => {
          const credited = await deposits.credit(receipt)
          await deposits.credit(receipt)
          accounts.add(credited.account)
          return credited
        })
        await unpresented()
        await expect.poll(() => accounts.size, { timeout: 20_000 }).toBe(1)
        await started.stop()
        const [account = ''] = accounts
        const balance = await books.ledger.balance(account)
        expect((balance?.available ?? 0n) + (balance?.usd ?? 0n)).toBeGreaterThan(0n)
        expect(await books.statement.accounts(9)).toHaveLength(1)
      },
    )
  })
}
