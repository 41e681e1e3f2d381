import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { WalletBreaker } from '../../../src/wallets/breaker.ts'
import {
  type InvoiceAsk,
  type Wallet,
  WalletBusy,
  WalletRefused,
  WalletUnreachable,
} from '../../../src/wallets/wallet.ts'
import { unheard } from '../../support/background.ts'
import { real } from '../../support/world.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const ASK = { sat: 10, memo: '', expirySeconds: 600 }
const INVOICE = { bolt11: 'lnbcrt1', paymentHash: '0'.repeat(64), expiresAt: 1 }

function breaker() {
  const world = { ...real, now: () => Date.now(), random: (bytes: number) => new Uint8Array(bytes) }
  const wallet = {
    kind: 'lnd',
    money: 'test' as const,
    label: '',
    createInvoice: vi.fn(async (_: InvoiceAsk) => INVOICE),
    lookup: vi.fn(async () => ({ is: 'open' }) as const),
    watch: () => ({ stop() {} }),
    probe: vi.fn(async () => {}),
    close: vi.fn(async () => {}),
  } satisfies Wallet
  const told: string[] = []
  const outage = {
    gone: (name: string, reason: string) => told.push(`gone ${name}: ${reason}`),
    back: (name: string) => told.push(`back ${name}`),
  }
  return {
    wallet,
    told,
    breaker: new WalletBreaker(wallet, { world, outage, background: unheard }),
  }
}

const DOWN = { ok: false, error: { why: 'wallet_unreachable' } }
const down = () => new WalletUnreachable('connection refused')

describe('a wallet with its outages', () => {
  it('I10 a wallet that has no invoice to give now is busy, not down', async () => {
    const { breaker: it, told, wallet } = breaker()
    wallet.createInvoice.mockRejectedValueOnce(new WalletBusy(2_400))
    const busy = { ok: false, error: { why: 'wallet_busy', retryAfterSeconds: 3 } }
    expect(await it.createInvoice(ASK)).toEqual(busy)
    expect([it.up, told]).toEqual([true, []])
    expect(await it.createInvoice(ASK)).toEqual({ ok: true, value: INVOICE })
  })

  describe('J13 a_wallet_that_refuses_an_amount_is_not_down', () => {
    const failing = (wallet: ReturnType<typeof breaker>['wallet'], error: Error) =>
      wallet.createInvoice.mockImplementation(async ({ sat }: InvoiceAsk) => {
        if (sat > 1_000 || sat < 10) throw error
        return INVOICE
      })

    it.each([
      ['refuses', new WalletRefused('it says no: too much')],
      ['breaks at', down()],
    ])('if it %s for an unusual amount, other buyers do not notice', async (_, error) => {
      const { breaker: it, told, wallet } = breaker()
      failing(wallet, error)
      const refused = { why: 'amount_refused', least: null, most: null }
      for (const sat of [10_000_000, 1_001, 9, 1]) {
        expect(await it.createInvoice({ ...ASK, sat })).toEqual({ ok: false, error: refused })
      }
      expect(await it.createInvoice(ASK)).toEqual({ ok: true, value: INVOICE })
      expect([it.up, told]).toEqual([true, []])
    })

    it('nor does a usual amount that it does not make, if it makes others', async () => {
      const { breaker: it, told, wallet } = breaker()
      wallet.createInvoice.mockImplementation(async ({ sat }: InvoiceAsk) => {
        if (sat < 100 || sat > 500) throw new WalletRefused('it says no')
        return INVOICE
      })
      for (const sat of [100, 500]) expect((await it.createInvoice({ ...ASK, sat })).ok).toBe(true)
      for (const sat of [10, 99, 501, 1_000]) {
        const refused = await it.createInvoice({ ...ASK, sat })
        expect(refused).toMatchObject({ error: { why: 'amount_refused' } })
      }
      expect([it.up, told]).toEqual([true, []])
      // An amount that it made before and refuses now is an outage.
      wallet.createInvoice.mockRejectedValue(new WalletRefused('the account is closed'))
      expect(await it.createInvoice({ ...ASK, sat: 300 })).toEqual(DOWN)
    })

    it('many of those at once cause one probe of the wallet', async () => {
      const { breaker: it, wallet } = breaker()
      failing(wallet, down())
      const many = Array.from({ length: 50 }, () => it.createInvoice({ ...ASK, sat: 1_000_000 }))
      await Promise.all(many)
      expect(wallet.probe).toHaveBeenCalledOnce()
    })

    it('a wallet that is down is down, whatever amount showed it', async () => {
      const { breaker: it, told, wallet } = breaker()
      failing(wallet, down())
      wallet.probe.mockRejectedValue(down())
      expect(await it.createInvoice({ ...ASK, sat: 1_000_000 })).toEqual(DOWN)
      expect([it.up, told]).toEqual([false, ['gone lnd: connection refused']])
    })
  })

  it.each([
    ['unreachable', down()],
    ['refused: the operator must act', new WalletRefused('wrong macaroon')],
  ])('%s: no invoice, reported once, and nobody waits for it', async (_, error) => {
    const { breaker: it, told, wallet } = breaker()
    wallet.createInvoice.mockRejectedValue(error)
    expect(await it.createInvoice(ASK)).toEqual(DOWN)
    expect(it.up).toBe(false)
    expect(await it.createInvoice(ASK)).toEqual(DOWN)
    expect(wallet.createInvoice).toHaveBeenCalledTimes(1)
    expect(told).toEqual([`gone lnd: ${error.reason}`])
  })

  it('is tried again at least every 5 s until it answers, and reported once', async () => {
    const { breaker: it, told, wallet } = breaker()
    wallet.createInvoice.mockRejectedValueOnce(down())
    wallet.probe.mockRejectedValueOnce(down()).mockRejectedValueOnce(down())
    await it.createInvoice(ASK)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(wallet.probe).toHaveBeenCalledTimes(1)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(wallet.probe).toHaveBeenCalledTimes(3)
    expect(it.up).toBe(true)
    expect(told).toEqual(['gone lnd: connection refused', 'back lnd'])
    await vi.advanceTimersByTimeAsync(60_000)
    expect(wallet.probe).toHaveBeenCalledTimes(3)
    expect(await it.createInvoice(ASK)).toEqual({ ok: true, value: INVOICE })
  })

  it('C10 is asked about a payment even while it is down: a buyer who paid is waiting', async () => {
    const { breaker: it, wallet } = breaker()
    wallet.createInvoice.mockRejectedValueOnce(down())
    await it.createInvoice(ASK)
    expect(await it.lookup(INVOICE.paymentHash)).toEqual({ is: 'open' })
    expect(it.up).toBe(true)
  })

  it('C1 a wallet that cannot tell is not a payment', async () => {
    const { breaker: it, wallet } = breaker()
    wallet.lookup.mockRejectedValueOnce(down())
    expect(await it.lookup(INVOICE.paymentHash)).toBe(null)
  })

  it('a bug in an adapter is no outage', async () => {
    const { breaker: it, wallet } = breaker()
    wallet.createInvoice.mockRejectedValueOnce(new TypeError('bug'))
    await expect(it.createInvoice(ASK)).rejects.toThrow('bug')
    expect(it.up).toBe(true)
  })

  it('after closing, it tries no more', async () => {
    const { breaker: it, wallet } = breaker()
    wallet.createInvoice.mockRejectedValueOnce(down())
    await it.createInvoice(ASK)
    await it.close()
    await vi.advanceTimersByTimeAsync(20_000)
    expect(wallet.probe).not.toHaveBeenCalled()
    expect(vi.getTimerCount()).toBe(0)
  })
})
