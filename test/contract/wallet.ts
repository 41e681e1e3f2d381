import { createHash } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { readBolt11 } from '../../src/wallets/bolt11.ts'
import { WalletBreaker } from '../../src/wallets/breaker.ts'
import {
  type Settlement,
  type Wallet,
  WalletRefused,
  WalletUnreachable,
} from '../../src/wallets/wallet.ts'
import { unheard } from '../support/background.ts'
import { real } from '../support/world.ts'

/** A wallet, a buyer who pays its invoices, and possible failures. */
export interface WalletUnderTest {
  /** Opens the same wallet as another process would, with nothing kept in memory. */
  open(): Promise<Wallet>
  /** The buyer pays. Returns the preimage in hex. */
  pay(bolt11: string): Promise<string>
  /**
   * The wallet does not answer between `begin` and `end`. A string says why this wallet has no
   * outage.
   */
  readonly outage: string | { begin(): Promise<void>; end(): Promise<void> }
  /** `theirs`: somebody else decides how long its invoices are valid. The default is `asked`. */
  readonly expiry?: 'asked' | 'theirs'
  /** `maybe`: it settles, but the preimage may not be shown. The default is `shown`. */
  readonly preimage?: 'shown' | 'maybe'
  /** `theirs`: without a memo the wallet writes one of its own. The default is `asked`. */
  readonly memo?: 'asked' | 'theirs'
  /** The smallest invoice in sats. The default is 1. */
  readonly least?: number
  /** The largest invoice in sats. By default larger than any test needs. */
  readonly most?: number
  /** Where it says that the sats are. By default it does not say, because its name does. */
  readonly source?: RegExp
  /** Amounts in sats that it refuses. A string says why it refuses none. */
  readonly refuses: readonly number[] | string
  cleanup(): Promise<void>
}

const WORLD = real
const NEVER_TOLD = {
  gone: (_: string, reason: string) => expect.unreachable(`told of an outage: ${reason}`),
  back() {},
}

const USUAL = { sat: 21, memo: 'a test of the wallet', expirySeconds: 600 }

/** What every wallet adapter must do. `make` is called once. */
export function walletContract(name: string, make: () => Promise<WalletUnderTest>): void {
  describe(`${name} as a wallet`, () => {
    let under: WalletUnderTest
    let ask = USUAL
    const opened: Wallet[] = []
    const open = async () => {
      const wallet = await under.open()
      opened.push(wallet)
      return wallet
    }

    beforeAll(async () => {
      under = await make()
      ask = { ...USUAL, sat: Math.max(USUAL.sat, under.least ?? 1) }
    })
    afterEach(async () => {
      for (const wallet of opened.splice(0)) await wallet.close()
    })
    afterAll(() => under?.cleanup())

    it('C8 the invoice asks for exactly the sats of the ask, and hash and expiry are its own', async () => {
      const wallet = await open()
      const before = Date.now()
      const { least = 1, most = 123_456 } = under
      for (const some of [1, 21, 1000, 123_456]) {
        const sat = Math.min(Math.max(some, least), most)
        const invoice = await wallet.createInvoice({ ...ask, sat })
        const read = readBolt11(invoice.bolt11)
        expect(read?.amountMsat).toBe(BigInt(sat) * 1000n)
        expect(read?.paymentHash).toBe(invoice.paymentHash)
        expect(read?.expiresAt).toBe(invoice.expiresAt)
        if (under.expiry === 'theirs') expect(invoice.expiresAt).toBeGreaterThan(before)
        else expect(Math.abs(invoice.expiresAt - before - 600_000)).toBeLessThan(60_000)
        expect(read?.network === 'bc').toBe(wallet.money === 'real')
      }
    })

    it('J13 a_wallet_that_refuses_an_amount_is_not_down: another amount is made at once', async (context) => {
      if (typeof under.refuses === 'string') return context.skip(under.refuses)
      const wallet = await open()
      for (const sat of under.refuses) {
        const breaker = new WalletBreaker(wallet, {
          world: WORLD,
          outage: NEVER_TOLD,
          background: unheard,
        })
        const refused = await breaker.createInvoice({ ...ask, sat })
        expect(refused).toMatchObject({ ok: false, error: { why: 'amount_refused' } })
        const made = await breaker.createInvoice(ask)
        expect([breaker.up, made.ok]).toEqual([true, true])
      }
    })

    it('two invoices never have one hash', async () => {
      const wallet = await open()
      const invoices = await Promise.all([1, 2, 3, 4].map(() => wallet.createInvoice(ask)))
      expect(new Set(invoices.map((invoice) => invoice.paymentHash)).size).toBe(4)
    })

    it('takes a memo of any length and language', async () => {
      const wallet = await open()
      const none = under.memo === 'theirs' ? [] : ['']
      for (const memo of [...none, 'Käse ☕ 価格', 'ü'.repeat(2000)]) {
        const invoice = await wallet.createInvoice({ ...ask, memo })
        const description = readBolt11(invoice.bolt11)?.description ?? ''
        expect(memo.startsWith(description)).toBe(true)
      }
    })

    it('an invoice is open until it is paid, then settled with its preimage and amount', async () => {
      const wallet = await open()
      const { bolt11, paymentHash } = await wallet.createInvoice(ask)
      expect(await wallet.lookup(paymentHash)).toEqual({ is: 'open' })

      const preimage = await under.pay(bolt11)
      expect(sha256(preimage)).toBe(paymentHash)
      await until(async () => (await wallet.lookup(paymentHash)).is === 'settled')
      const state = await wallet.lookup(paymentHash)
      const hidden = under.preimage === 'maybe' && state.is === 'settled' && state.preimage === null
      expect(state).toEqual({
        is: 'settled',
        preimage: hidden ? null : preimage,
        receivedMsat: BigInt(ask.sat) * 1000n,
        ...(under.source !== undefined && { source: expect.stringMatching(under.source) }),
      })
    })

    it('C1 a settled invoice is settled for the next process too', async () => {
      const first = await open()
      const { bolt11, paymentHash } = await first.createInvoice(ask)
      await under.pay(bolt11)
      await until(async () => (await first.lookup(paymentHash)).is === 'settled')
      await first.close()
      expect((await (await open()).lookup(paymentHash)).is).toBe('settled')
    })

    it('a hash that is not its own is unknown', async () => {
      const wallet = await open()
      expect(await wallet.lookup('ab'.repeat(32))).toEqual({ is: 'unknown' })
    })

    it('an invoice that nobody paid in time is dead', async (context) => {
      if (under.expiry === 'theirs') {
        return context.skip('somebody else says how long its invoices live')
      }
      const wallet = await open()
      const { paymentHash } = await wallet.createInvoice({ ...ask, expirySeconds: 1 })
      await until(async () => (await wallet.lookup(paymentHash)).is === 'dead')
    })

    it('watch tells of a settlement', async () => {
      const wallet = await open()
      const { bolt11, paymentHash } = await wallet.createInvoice(ask)
      const told = heard()
      const watch = wallet.watch(null, told.listen)
      await wait(300)
      await under.pay(bolt11)
      await until(async () => told.hashes().includes(paymentHash))
      watch.stop()
    })

    it('C10 watch tells of what was settled while nobody listened, from the cursor on', async () => {
      const first = await open()
      const told = heard()
      const watch = first.watch(null, told.listen)
      await wait(300)
      const known = await first.createInvoice(ask)
      await under.pay(known.bolt11)
      await until(async () => told.hashes().includes(known.paymentHash))
      watch.stop()
      const missed = await first.createInvoice(ask)
      await first.close()
      await under.pay(missed.bolt11)

      const cursor = told.cursorOf(known.paymentHash)
      const later = heard()
      const second = await open()
      second.watch(cursor, later.listen)
      await until(async () => later.hashes().includes(missed.paymentHash))
      expect(told.hashes()).not.toContain(missed.paymentHash)
      expect(later.hashes()).not.toContain(known.paymentHash)
    })

    it('stop and close end a watch', async () => {
      const wallet = await open()
      const other = await open()
      const stopped = heard()
      const closed = heard()
      wallet.watch(null, stopped.listen).stop()
      other.watch(null, closed.listen)
      await other.close()
      const invoice = await wallet.createInvoice(ask)
      await under.pay(invoice.bolt11)
      await until(async () => (await wallet.lookup(invoice.paymentHash)).is === 'settled')
      await wait(300)
      expect(stopped.hashes()).toEqual([])
      expect(closed.hashes()).toEqual([])
    })

    it('probe is quiet while it could make an invoice', async () => {
      await (await open()).probe()
    })

    it('C10 an outage is said, without a secret, and is over when it is over', async (context) => {
      const { outage } = under
      if (typeof outage === 'string') return context.skip(outage)
      const wallet = await open()
      const { bolt11, paymentHash } = await wallet.createInvoice(ask)
      const told = heard()
      wallet.watch(null, told.listen)
      await wait(300)
      const before = await wallet.createInvoice(ask)
      await under.pay(before.bolt11)
      await until(async () => told.hashes().includes(before.paymentHash))
      await outage.begin()
      try {
        for (const call of [
          () => wallet.createInvoice(ask),
          () => wallet.lookup(paymentHash),
          () => wallet.probe(),
        ]) {
          const failure = await call().then(
            () => null,
            (error: unknown) => error,
          )
          expect(failure).toBeInstanceOf(WalletUnreachable)
          expect(String(failure)).not.toContain(paymentHash)
        }
      } finally {
        await outage.end()
      }
      await until(async () => (await wallet.probe().catch(failed)) !== false, 60_000)
      await until(async () => (await wallet.createInvoice(ask).catch(failed)) !== false, 60_000)
      await under.pay(bolt11)
      await until(async () => told.hashes().includes(paymentHash), 30_000)
    })

    it('says what it is in one line without a secret', async () => {
      const wallet = await open()
      expect(wallet.kind).toMatch(/^[a-z]+$/)
      expect(wallet.label).toMatch(/^[^\n]{3,100}$/)
      expect(wallet.label).not.toMatch(/[0-9a-f]{32}/)
    })
  })
}

/** A listener that stores what it was told. */
export function heard() {
  const all: Settlement[] = []
  return {
    all,
    listen: (settled: Settlement) => void all.push(settled),
    hashes: () => all.map((settled) => settled.paymentHash),
    cursorOf: (hash: string) => all.find((one) => one.paymentHash === hash)?.cursor ?? null,
  }
}

/** Waits until the condition is true. Fails after `ms`. */
export async function until(holds: () => Promise<boolean>, ms = 50_000): Promise<void> {
  const deadline = performance.now() + ms
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`did not come to hold in ${ms} ms: ${holds}`)
    await wait(50)
  }
}

export const wait = (ms: number) => new Promise<void>((done) => setTimeout(done, ms))

function failed(error: unknown): false {
  if (error instanceof WalletUnreachable || error instanceof WalletRefused) return false
  throw error
}

function sha256(hex: string): string {
  return createHash('sha256').update(Buffer.from(hex, 'hex')).digest('hex')
}
