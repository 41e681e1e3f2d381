import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ecashSources } from '../../src/daemon/ecash-sources.ts'
import { readBolt11 } from '../../src/wallets/bolt11.ts'
import { Swapper } from '../../src/wallets/ecash/spend/swap.ts'
import type { Outgoing, PaymentOrder, PaymentState } from '../../src/wallets/outgoing.ts'
import { outgoingContract } from '../contract/outgoing.ts'
import { EcashBed } from '../support/ecash.ts'
import { until } from './buyer.ts'
import { describeWithLab, inFullSuite, type Lab, labMissing, openLab } from './lab.ts'
import { openPayer } from './payer.ts'

/** Withdrawals of buyers from real mints. */

/** A real mint with a wallet of ours, and somebody whom the mint can pay. */
interface Source {
  readonly bed: EcashBed
  readonly url: string
  /** The kind of money of its own invoices. Those of a pretended node look like real money. */
  readonly money: 'real' | 'test'
  /** Buyers pay in. */
  earn(sat: number): Promise<void>
  invoice(sat: number): Promise<string>
  unpayable(sat: number): Promise<string>
  hold(sat: number): Promise<string>
  end(bolt11: string, how: 'paid' | 'failed'): Promise<unknown>
  /** How often the payee got the sats. Null if this mint only pretends to pay. */
  arrived: ((bolt11: string) => Promise<number>) | null
  /** Another wallet takes a token. Returns what it says. */
  receive(token: string): Promise<string>
  close(): Promise<void>
}

async function walletAt(
  url: string,
  money: Source['money'],
  pay: (bolt11: string) => Promise<unknown>,
): Promise<Pick<Source, 'bed' | 'url' | 'money' | 'earn'>> {
  const bed = new EcashBed()
  const earn = async (sat: number) => {
    const wallet = await bed.open({ mints: [{ url }], money })
    const made = await wallet.createInvoice({ sat, memo: 'lab', expirySeconds: 600 })
    await pay(made.bolt11)
    await until(async () => (await wallet.lookup(made.paymentHash)).is === 'settled', 60_000)
    await bed.die()
  }
  return { bed, url, money, earn }
}

async function nutshellOverLnd(lab: Lab): Promise<Source> {
  const payer = openPayer(await lab.startPart('lnd'))
  const { MINT_URL = '' } = await lab.startPart('nutshell-lnd', { FEE_PPK: '100' })
  const held = new Map<string, { preimage: string; payment_hash: string }>()
  const payee = async (...words: readonly string[]) =>
    JSON.parse(await lab.exec('lnd', 'payer', ...words))
  const hold = async (sat: number) => {
    const made = await payee('hold', String(sat))
    held.set(made.bolt11, made)
    return made.bolt11
  }
  const end = async (bolt11: string, how: 'paid' | 'failed') => {
    const { preimage = '', payment_hash: hash = '' } = held.get(bolt11) ?? {}
    return how === 'paid' ? payee('settle', preimage) : payee('cancel', hash)
  }
  return {
    ...(await walletAt(MINT_URL, 'test', (bolt11) => payer.pay(bolt11))),
    ...{ hold, end },
    invoice: async (sat) => (await payee('invoice', String(sat))).bolt11,
    async unpayable(sat) {
      const { bolt11, payment_hash: hash } = await payee('invoice', String(sat))
      await payee('cancel', hash)
      return bolt11
    },
    async arrived(bolt11) {
      const { state } = await payee('lookup', readBolt11(bolt11)?.paymentHash ?? '')
      return state === 'SETTLED' ? 1 : 0
    },
    receive: (token) => lab.exec('nutshell-lnd', 'receive', token),
    close: async () => payer.close(),
  }
}

async function nutshell(lab: Lab): Promise<Source> {
  const { MINT_URL = '' } = await lab.startPart('nutshell', { FEE_PPK: '100', SETTLE: 'hold' })
  const invoice = async (sat: number, state: string, later = state) => {
    await lab.exec('nutshell', 'melts', state, later)
    return lab.exec('nutshell', 'invoice', String(sat))
  }
  return {
    ...(await walletAt(MINT_URL, 'real', (bolt11) => lab.exec('nutshell', 'pay', bolt11))),
    invoice: (sat) => invoice(sat, 'SETTLED'),
    unpayable: (sat) => invoice(sat, 'FAILED'),
    hold: (sat) => invoice(sat, 'PENDING'),
    end: (_, how) => {
      const state = how === 'paid' ? 'SETTLED' : 'FAILED'
      return lab.exec('nutshell', 'melts', state, state)
    },
    arrived: null,
    receive: (token) => lab.exec('nutshell', 'receive', token),
    close: async () => {},
  }
}

async function cdk(lab: Lab): Promise<Source> {
  const { MINT_URL = '' } = await lab.startPart('cdk-mintd', { FEE_PPK: '100' })
  const invoice = (sat: number, state: string) =>
    lab.exec('cdk-mintd', 'invoice', String(sat), state, state)
  return {
    // It pays each of its invoices by itself.
    ...(await walletAt(MINT_URL, 'real', async () => {})),
    invoice: (sat) => invoice(sat, 'PAID'),
    unpayable: (sat) => invoice(sat, 'FAILED'),
    hold: (sat) => invoice(sat, 'PENDING'),
    end: async () => {},
    arrived: null,
    receive: (token) => lab.exec('cdk-mintd', 'receive', token),
    close: async () => {},
  }
}

async function funded(lab: Lab, start: (lab: Lab) => Promise<Source>): Promise<Source> {
  const mint = await start(lab)
  await mint.earn(20_000)
  return mint
}

async function openSource({ bed, url }: Source, fromSeed = bed, money: Source['money'] = 'test') {
  const { world } = bed
  const parts = await fromSeed.parts({ mints: [{ url }] })
  const ecash = { ...parts, swapper: new Swapper({ ...parts, world }) }
  const say = (event: object) => void bed.events.push({ ...event })
  const [source] = ecashSources(ecash, { money, world, say })
  if (source?.ecash == null || source.lightning === null) throw new Error('a mint is a source')
  return { ...parts, source, ecash: source.ecash, lightning: source.lightning }
}

const HOME = process.env.LAB_HOME ?? join(homedir(), '.cache', 'satgate-lab')
const THERE = existsSync(join(HOME, 'cdk-mintd', 'bin', 'cdk-mintd'))

const MINTS: readonly (readonly [string, (lab: Lab) => Promise<Source>])[] = [
  ['Nutshell over a real lnd', nutshellOverLnd],
  // The short suite, which must end within 25 minutes, has the mint that really pays.
  ...(inFullSuite ? [['Nutshell', nutshell] as const] : []),
  ...(inFullSuite && THERE ? [['cdk-mintd', cdk] as const] : []),
]

for (const [name, start] of labMissing === null ? MINTS : []) {
  outgoingContract(name, async () => {
    const lab = await openLab()
    const mint = await funded(lab, start).catch(async (error: unknown) => {
      await lab.stop()
      throw error
    })
    // Only its `outgoing` is used.
    const wallet = await mint.bed.open({ mints: [mint], money: mint.money })
    await wallet.close()
    const pretended = new Map<string, number>()
    return {
      open: async () => ({
        ...wallet,
        outgoing: (await openSource(mint)).lightning,
        close: async () => {},
      }),
      invoice: mint.invoice,
      async unpayable(sat) {
        const bolt11 = await mint.unpayable(sat)
        pretended.set(bolt11, 0)
        return bolt11
      },
      held:
        mint.arrived === null
          ? 'this mint only pretends to pay'
          : { invoice: mint.hold, end: mint.end },
      costly: 'what a payment costs depends on the coins that are there',
      arrived: async (bolt11) => (await mint.arrived?.(bolt11)) ?? pretended.get(bolt11) ?? 1,
      outage: 'what was never sent is known without the mint',
      lostAnswers: 'the tests of the fake mint lose answers',
      payByAnother: async () => {},
      race: 'a data folder has one process at a time',
      async cleanup() {
        await mint.bed.close()
        await mint.close()
        await lab.stop()
      },
    }
  })
}

describeWithLab('withdrawals from real mints', () => {
  describe.each(MINTS)('%s', (name, start) => {
    let lab: Lab
    let mint: Source

    beforeAll(async () => {
      lab = await openLab()
      mint = await start(lab)
      await mint.earn(5_000)
    })
    afterAll(async () => {
      await mint?.bed.close()
      await mint?.close()
      await lab?.stop()
    })

    const order = (bolt11: string, maxFeeMsat = 100_000n): PaymentOrder => {
      const { paymentHash = '', amountMsat } = readBolt11(bolt11) ?? {}
      const id = `satgate:lab:${paymentHash}`
      return { id, bolt11, paymentHash, amountMsat: amountMsat ?? 0n, maxFeeMsat }
    }

    /** Pays, and waits for the end if the mint or the machine is slow. */
    async function paid(lightning: Outgoing, one: PaymentOrder): Promise<PaymentState> {
      let state = await lightning.pay(one)
      await until(async () => {
        if (state.is === 'pending') state = await lightning.find(one)
        return state.is !== 'pending'
      }, 60_000)
      return state
    }

    it('a token of exactly that value, which another wallet takes for its input fee', async () => {
      const { source, ecash } = await openSource(mint)
      const before = (await source.held()) ?? 0
      const fee = await ecash.feeFor(64)
      const { token, feeSat } = await ecash.make('w1', 64)
      expect(feeSat).toBe(fee)
      expect(await source.held()).toBe(before - 64 - fee)
      expect(await ecash.make('w1', 64)).toEqual({ token, feeSat })
      expect(await mint.receive(token)).toMatch(/63 sat/)
    })

    it('a payment costs what left, and no more than was told before', async () => {
      const { source, lightning } = await openSource(mint)
      const before = (await source.held()) ?? 0
      const bolt11 = await mint.invoice(1_000)
      const most = await lightning.feeFor?.({ bolt11, amountMsat: 1_000_000n })
      const state = await paid(lightning, order(bolt11, most))
      expect(state.is).toBe('paid')
      const left = before - ((await source.held()) ?? 0)
      expect(state).toEqual({ is: 'paid', feeMsat: BigInt(left - 1_000) * 1000n })
      expect(BigInt(left - 1_000) * 1000n).toBeLessThanOrEqual(most ?? 0n)
    })

    it('a fee limit below the quote of the mint sends nothing', async () => {
      const { source, lightning } = await openSource(mint)
      const before = await source.held()
      const state = await paid(lightning, order(await mint.invoice(1_000), 0n))
      expect(state).toMatchObject({ is: 'failed', reason: expect.stringContaining('fees') })
      expect(await source.held()).toBe(before)
    })

    it('an invoice of the mint itself is settled inside', async () => {
      // Its node pays its invoices at once, so somebody has paid it before.
      const end = name === 'cdk-mintd' ? 'failed' : 'paid'
      const { lightning, mints } = await openSource(mint, mint.bed, mint.money)
      const own = await mints.all[0]?.mint.createQuote({ sat: 50, memo: 'lab', key: null })
      const state = await paid(lightning, order(own?.bolt11 ?? ''))
      expect(state.is).toBe(end)
      if (state.is === 'paid') expect(state.feeMsat).toBeLessThanOrEqual(4_000n)
      expect(['paid', 'issued']).toContain(await mints.all[0]?.mint.quoteState(own?.quote ?? ''))
    })

    it('two tokens and two payments at the same moment', async () => {
      const { source, ecash, lightning } = await openSource(mint)
      const before = (await source.held()) ?? 0
      const invoices = [await mint.invoice(100), await mint.invoice(101)]
      const [one, two, three, four] = await Promise.all([
        ecash.make('w2', 100),
        paid(lightning, order(invoices[0] ?? '')),
        ecash.make('w3', 100),
        paid(lightning, order(invoices[1] ?? '')),
      ])
      expect([two.is, four.is]).toEqual(['paid', 'paid'])
      const fees = one.feeSat + three.feeSat + feeOf(two) + feeOf(four)
      expect(await source.held()).toBe(before - 401 - fees)
      expect(fees).toBeLessThan(20)
    })

    it('a payment that fails leaves every coin', async () => {
      const { source, lightning } = await openSource(mint)
      const before = (await source.held()) ?? 0
      const state = await paid(lightning, order(await mint.unpayable(500)))
      expect(state.is).toBe('failed')
      // Making coins of the right amounts costs a fee, whether the payment succeeds or not.
      expect(before - ((await source.held()) ?? 0)).toBeLessThanOrEqual(2)
    })

    it('L13 a folder that is older than a token or a payment lets nothing leave', async () => {
      const twin = mint.bed.copy()
      try {
        const { ecash } = await openSource(mint)
        await ecash.make('w4', 21)
        const older = await openSource(mint, twin)
        await expect(older.ecash.make('w4', 21)).rejects.toThrow('satgate wallet restore')
        const bolt11 = await mint.invoice(21)
        await expect(older.lightning.pay(order(bolt11))).rejects.toThrow('satgate wallet restore')
        expect(older.freeze.restored).not.toBeNull()
      } finally {
        await twin.close()
      }
    })

    it('J24 the mint is killed while it pays: what it says afterwards is believed', async () => {
      if (mint.arrived === null) return
      const part = 'nutshell-lnd'
      const { lightning } = await openSource(mint)
      const bolt11 = await mint.hold(200)
      expect(await lightning.pay(order(bolt11))).toEqual({ is: 'pending' })
      await lab.kill(part)
      expect(await lightning.find(order(bolt11))).toEqual({ is: 'pending' })
      await lab.startPart(part, { KEEP: '1', FEE_PPK: '100' })
      await mint.bed.die()
      await mint.end(bolt11, 'paid')
      const next = await openSource(mint)
      await until(async () => {
        mint.bed.ahead += 120_000
        return (await next.lightning.find(order(bolt11))).is === 'paid'
      }, 60_000)
      expect(await mint.arrived(bolt11)).toBe(1)
      expect(name).toContain('lnd')
    })
  })
})

const feeOf = (state: { readonly is: string; readonly feeMsat?: bigint }): number =>
  Number((state.feeMsat ?? 0n) / 1000n)
