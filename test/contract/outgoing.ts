import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { readBolt11 } from '../../src/wallets/bolt11.ts'
import type { Outgoing, PaymentOrder, PaymentState } from '../../src/wallets/outgoing.ts'
import { type Wallet, WalletUnreachable } from '../../src/wallets/wallet.ts'
import { until } from './wallet.ts'

/** A wallet that pays, somebody whom it pays, and possible failures. */
export interface OutgoingUnderTest {
  /** Opens the same wallet as another process would, with nothing kept in memory. */
  open(): Promise<Wallet>
  /** An invoice of somebody else, which this wallet can pay. */
  invoice(sat: number): Promise<string>
  /** An invoice of somebody else, which this wallet can never pay. */
  unpayable(sat: number): Promise<string>
  /**
   * Invoices whose payment hangs until the payee decides. A string says why there are none with
   * this wallet.
   */
  readonly held:
    | string
    | {
        invoice(sat: number): Promise<string>
        end(bolt11: string, how: 'paid' | 'failed'): unknown
      }
  /**
   * An invoice whose route costs `feeMsat`, more than nothing. A string says why no route of this
   * wallet costs something.
   */
  readonly costly: string | ((sat: number) => Promise<{ bolt11: string; feeMsat: bigint }>)
  /** How often the sats of this invoice arrived at the payee. */
  arrived(bolt11: string): Promise<number>
  /**
   * Between `begin` and `end` nobody listens at the wallet, so nothing can be sent. A string says
   * why there is no such outage.
   */
  readonly outage: string | Outage
  /**
   * Between `begin` and `end` the wallet gets calls and pays, and none of its answers arrives. A
   * string says why that cannot happen.
   */
  readonly lostAnswers: string | Outage
  /** Another program, or the operator, pays with the same wallet. The payment has no id of ours. */
  payByAnother(bolt11: string): Promise<unknown>
  /**
   * Whether two processes that pay the same invoice at the same moment pay it once. A string says
   * why this wallet cannot promise that. The default is `once`.
   */
  readonly race?: 'once' | string
  cleanup(): Promise<void>
}

interface Outage {
  begin(): Promise<unknown>
  end(): Promise<unknown>
}

/** sats of a usual payment here. */
const SAT = 25
let serial = 0

/** What the `outgoing` of every wallet must do. `make` is called once. */
export function outgoingContract(name: string, make: () => Promise<OutgoingUnderTest>): void {
  describe(`${name} as a wallet that pays`, () => {
    let under: OutgoingUnderTest
    const opened: Wallet[] = []
    const open = async (): Promise<Outgoing> => {
      const wallet = await under.open()
      opened.push(wallet)
      if (wallet.outgoing === undefined) throw new Error('this wallet has no outgoing')
      return wallet.outgoing
    }
    /** A payment that nobody has ordered before. */
    const order = (bolt11: string, change: Partial<PaymentOrder> = {}): PaymentOrder => {
      const read = readBolt11(bolt11)
      serial += 1
      const id = `satgate:account${process.pid}:${Date.now()}-${serial}`
      const paymentHash = read?.paymentHash ?? ''
      const amountMsat = read?.amountMsat ?? 0n
      return { id, paymentHash, bolt11, amountMsat, maxFeeMsat: 20_000n, ...change }
    }
    const final = async (outgoing: Outgoing, payment: PaymentOrder): Promise<PaymentState> => {
      let state: PaymentState = { is: 'pending' }
      await until(async () => {
        state = await outgoing.find(payment)
        return state.is === 'paid' || state.is === 'failed'
      })
      return state
    }
    const paid = { is: 'paid', feeMsat: expect.any(BigInt) }

    beforeAll(async () => {
      under = await make()
    })
    afterEach(async () => {
      for (const wallet of opened.splice(0)) await wallet.close()
    })
    afterAll(() => under?.cleanup())

    it('pays an invoice and says the fee, and so does find', async () => {
      const outgoing = await open()
      const one = order(await under.invoice(SAT))
      const state = await outgoing.pay(one)
      expect(state).toEqual(paid)
      expect(state.is === 'paid' && state.feeMsat >= 0n && state.feeMsat <= one.maxFeeMsat).toBe(
        true,
      )
      expect(await outgoing.find(one)).toEqual(state)
      expect(await (await open()).find(one)).toEqual(state)
      expect(await under.arrived(one.bolt11)).toBe(1)
    })

    it('a payment that was never tried is unknown', async () => {
      const outgoing = await open()
      expect(await outgoing.find(order(await under.invoice(SAT)))).toEqual({ is: 'unknown' })
    })

    it('the same payment again is not paid again, and the answer is the same', async () => {
      const outgoing = await open()
      const one = order(await under.invoice(SAT))
      const first = await outgoing.pay(one)
      expect(await outgoing.pay(one)).toEqual(first)
      expect(await (await open()).pay(one)).toEqual(first)
      expect(await under.arrived(one.bolt11)).toBe(1)
    })

    it('another id with the hash of an earlier payment pays nothing', async () => {
      const outgoing = await open()
      const one = order(await under.invoice(SAT))
      const first = await outgoing.pay(one)
      expect(await outgoing.pay(order(one.bolt11))).toEqual(first)
      expect(await under.arrived(one.bolt11)).toBe(1)
    })

    it('the same payment twice at the same moment is paid once', async () => {
      const outgoing = await open()
      const one = order(await under.invoice(SAT))
      const states = await Promise.all([outgoing.pay(one), outgoing.pay(one)])
      for (const state of states) expect(['paid', 'pending']).toContain(state.is)
      expect(await final(outgoing, one)).toEqual(paid)
      expect(await under.arrived(one.bolt11)).toBe(1)
    })

    it('two processes at the same moment pay once', async (context) => {
      const { race = 'once' } = under
      if (race !== 'once') return context.skip(race)
      const both = [await open(), await open()]
      const one = order(await under.invoice(SAT))
      const states = await Promise.all(both.map((outgoing) => outgoing.pay(one)))
      for (const state of states) expect(['paid', 'pending']).toContain(state.is)
      for (const outgoing of both) expect(await final(outgoing, one)).toEqual(paid)
      expect(await under.arrived(one.bolt11)).toBe(1)
    })

    it('an invoice that cannot be paid is failed, with a reason and without a secret', async () => {
      const outgoing = await open()
      const one = order(await under.unpayable(SAT))
      const first = await outgoing.pay(one)
      expect(['failed', 'pending']).toContain(first.is)
      const state = first.is === 'pending' ? await final(outgoing, one) : first
      expect(state).toEqual({ is: 'failed', reason: expect.stringMatching(/^[^\n]{3,200}$/) })
      expect(JSON.stringify(state)).not.toMatch(/ln(bc|tb|bcrt)[0-9]|[0-9a-f]{32}/)
      // A wallet may not write down what it could not even begin.
      expect(['failed', 'unknown']).toContain((await outgoing.find(one)).is)
      expect(await under.arrived(one.bolt11)).toBe(0)
    })

    it('maxFeeMsat is obeyed', async (context) => {
      const { costly } = under
      if (typeof costly === 'string') return context.skip(costly)
      const outgoing = await open()
      const dear = await costly(SAT)
      const tooDear = order(dear.bolt11, { maxFeeMsat: dear.feeMsat - 1n })
      const refused = await outgoing.pay(tooDear)
      expect(['failed', 'pending']).toContain(refused.is)
      if (refused.is === 'pending') expect((await final(outgoing, tooDear)).is).toBe('failed')
      expect(await under.arrived(dear.bolt11)).toBe(0)

      const other = await costly(SAT)
      const one = order(other.bolt11, { maxFeeMsat: other.feeMsat })
      expect(await outgoing.pay(one)).toEqual({ is: 'paid', feeMsat: other.feeMsat })
      expect(await outgoing.find(one)).toEqual({ is: 'paid', feeMsat: other.feeMsat })
    })

    it.for(['paid', 'failed'] as const)(
      'a payment that hangs is pending for every process, and later %s',
      async (how, context) => {
        const { held } = under
        if (typeof held === 'string') return context.skip(held)
        const outgoing = await open()
        const one = order(await held.invoice(SAT))
        expect(await outgoing.pay(one)).toEqual({ is: 'pending' })
        expect(await outgoing.pay(one)).toEqual({ is: 'pending' })
        expect(await outgoing.find(one)).toEqual({ is: 'pending' })
        const other = await open()
        expect(await other.find(one)).toEqual({ is: 'pending' })
        expect(await other.pay(one)).toEqual({ is: 'pending' })
        await held.end(one.bolt11, how)
        for (const each of [outgoing, other]) expect((await final(each, one)).is).toBe(how)
        expect(await under.arrived(one.bolt11)).toBe(how === 'paid' ? 1 : 0)
      },
    )

    it('an outage before anything was sent is WalletUnreachable, and nothing is paid', async (context) => {
      const { outage } = under
      if (typeof outage === 'string') return context.skip(outage)
      const outgoing = await open()
      const one = order(await under.invoice(SAT))
      await outage.begin()
      try {
        for (const call of [() => outgoing.pay(one), () => outgoing.find(one)]) {
          const failure = await call().then(String, (error: unknown) => error)
          expect(failure).toBeInstanceOf(WalletUnreachable)
          expect(String(failure)).not.toContain(one.paymentHash)
          expect(String(failure)).not.toContain(one.bolt11)
        }
      } finally {
        await outage.end()
      }
      await until(async () => (await outgoing.find(one).catch(unreachable)) !== null, 60_000)
      expect(await outgoing.find(one)).toEqual({ is: 'unknown' })
      expect(await under.arrived(one.bolt11)).toBe(0)
      expect(await outgoing.pay(one)).toEqual(paid)
      expect(await under.arrived(one.bolt11)).toBe(1)
    })

    it('an answer that is lost after the sending is pending, and found later', async (context) => {
      const { lostAnswers } = under
      if (typeof lostAnswers === 'string') return context.skip(lostAnswers)
      const outgoing = await open()
      const one = order(await under.invoice(SAT))
      // So that the connection is there.
      await outgoing.find(one)
      await lostAnswers.begin()
      try {
        // A wallet that looks before it pays may learn here that nobody answers, and send nothing.
        const state = await outgoing.pay(one).catch(unreachable)
        if (state !== null) expect(state).toEqual({ is: 'pending' })
      } finally {
        await lostAnswers.end()
      }
      await until(async () => (await outgoing.find(one).catch(unreachable)) !== null, 60_000)
      const after = await outgoing.find(one)
      if (after.is !== 'unknown') expect(await final(outgoing, one)).toEqual(paid)
      else expect(await outgoing.pay(one)).toEqual(paid)
      expect(await final(await open(), one)).toEqual(paid)
      expect(await under.arrived(one.bolt11)).toBe(1)
    })

    it("L13 restore_pays_nothing_twice: the list has all of ours with ids, and nobody else's", async (context) => {
      const outgoing = await open()
      if (outgoing.list === null) return context.skip('it cannot list payments with their ids')
      const since = Date.now() - 1_000
      const ours = [order(await under.invoice(SAT)), order(await under.invoice(SAT + 1))]
      for (const one of ours) expect(await outgoing.pay(one)).toEqual(paid)
      const theirs = order(await under.invoice(SAT))
      await under.payByAnother(theirs.bolt11)

      const restored = await open()
      const listed = (await restored.list?.(since)) ?? []
      for (const { id, paymentHash, amountMsat } of ours) {
        const found = listed.filter((each) => each.id === id)
        expect(found).toEqual([{ id, paymentHash, amountMsat, state: paid }])
      }
      expect(listed.map((each) => each.paymentHash)).not.toContain(theirs.paymentHash)
      for (const { id } of listed) expect(id).toMatch(/^satgate:/)
      expect(await restored.list?.(Date.now() + 3_600_000)).toEqual([])
    })
  })
}

function unreachable(error: unknown): null {
  if (error instanceof WalletUnreachable) return null
  throw error
}
