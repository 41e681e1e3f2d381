import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AddressStore } from '../../src/wallets/lightning-address/book.ts'
import { openLightningAddressWallet } from '../../src/wallets/lightning-address/lightning-address.ts'
import { makeLnurl, parseLightningAddress } from '../../src/wallets/lightning-address/lnurl.ts'
import { AmountRefused, type Wallet } from '../../src/wallets/wallet.ts'
import { heard, until, walletContract } from '../contract/wallet.ts'
import { unheard } from '../support/background.ts'
import { real } from '../support/world.ts'
import { describeWithLab, type Lab, openLab } from './lab.ts'

const ASK = { sat: 21, memo: 'lnaddress', expirySeconds: 600 }
const DEADLINE = 2_000

describeWithLab('a Lightning address on a real node', () => {
  let lab: Lab
  let host: string
  const opened: Wallet[] = []
  beforeAll(async () => {
    lab = await openLab()
    await lab.startPart('lnd')
    const { LNADDRESS = '' } = await lab.startPart('lnaddress')
    host = LNADDRESS.replace(/^.*@/, '')
  })
  afterAll(async () => {
    for (const wallet of opened) await wallet.close()
    await lab?.stop()
  })

  const world = real
  const address = (name: string) => {
    const read = parseLightningAddress(`${name}@${host}`)
    if (!read.ok) throw new Error(read.error)
    return read.value
  }
  const open = async (name: string, { store = memoryStore(), deadlineMs = DEADLINE } = {}) => {
    const lnurl = makeLnurl({ world, deadlineMs })
    const wallet = await openLightningAddressWallet({
      address: address(name),
      lnurl,
      store,
      world,
      background: unheard,
      moneyHint: null,
    })
    if (wallet !== 'no_verify') opened.push(wallet)
    return wallet
  }
  const wallet = async (...how: Parameters<typeof open>): Promise<Wallet> => {
    const found = await open(...how)
    if (found === 'no_verify') throw new Error(found)
    return found
  }
  const pay = async (bolt11: string): Promise<string> =>
    JSON.parse(await lab.exec('lnd', 'pay', bolt11)).preimage
  /** The error as one line. Null if there is none. */
  const trouble = (work: Promise<unknown>) =>
    work.then(
      () => null,
      (error: Error) => `${error.name}: ${'reason' in error ? error.reason : error.message}`,
    )

  const under = (store: AddressStore) => ({
    open: () => wallet('merchant', { store }),
    pay,
    refuses: [200_000_000_000],
    expiry: 'theirs' as const,
    most: 100_000,
    cleanup: async () => undefined,
  })

  walletContract('a Lightning address, its server stopped for a while (SIGSTOP)', async () => ({
    ...under(memoryStore()),
    outage: {
      begin: () => lab.pause('lnaddress'),
      end: () => lab.resume('lnaddress'),
    },
  }))

  walletContract('a Lightning address, its server killed and started again', async () => ({
    ...under(memoryStore()),
    outage: {
      begin: () => lab.kill('lnaddress'),
      end: async () => void (await lab.startPart('lnaddress', { KEEP: '1' })),
    },
  }))

  describe('by the name of its fault', () => {
    it.each([
      ['wrongamount', 'WalletRefused: its invoice is for another amount than it was asked for'],
      ['error500', 'WalletUnreachable: it answered with HTTP 500: broken on purpose'],
      ['lnurlerror', 'WalletRefused: it says no: closed today'],
      ['html', 'WalletUnreachable: what answers there does not answer as a Lightning address does'],
      ['hangs', `WalletUnreachable: no answer in ${DEADLINE} ms`],
      ['slow', `WalletUnreachable: no answer in ${DEADLINE} ms`],
      ['badverify', 'WalletUnreachable: it answered with HTTP 500: broken on purpose'],
      ['nobody', 'WalletRefused: it says no: no such name'],
    ])('%s is no wallet: %s', async (name, error) => {
      expect(await trouble(open(name))).toBe(error)
    })

    it('noverify shows no settlements', async () => {
      expect(await open('noverify')).toBe('no_verify')
    })

    it.each(['merchant', 'wronghash'])('%s is paid', async (name) => {
      const one = await wallet(name)
      expect(one).toMatchObject({ money: 'test', label: `${name}@${host} (Lightning address)` })
      const { bolt11, paymentHash } = await one.createInvoice(ASK)
      const preimage = await pay(bolt11)
      const settled = { is: 'settled', preimage, receivedMsat: 21_000n }
      await until(async () => (await one.lookup(paymentHash)).is === 'settled')
      expect(await one.lookup(paymentHash)).toEqual(settled)
    })

    it('slow is waited for, where there is time', async () => {
      const one = await wallet('slow', { deadlineMs: 10_000 })
      expect(await trouble(one.createInvoice(ASK))).toBe(null)
    })

    it('tiny sells up to ten sats', async () => {
      const one = await wallet('tiny')
      await expect(one.createInvoice(ASK)).rejects.toEqual(new AmountRefused(1, 10))
      const { bolt11, paymentHash } = await one.createInvoice({ ...ASK, sat: 10 })
      await pay(bolt11)
      await until(async () => (await one.lookup(paymentHash)).is === 'settled')
    })

    it('C10 neversettled stays open, whatever the payer holds, and is told of by nobody', async () => {
      const one = await wallet('neversettled')
      const told = heard()
      one.watch(null, told.listen)
      const { bolt11, paymentHash } = await one.createInvoice(ASK)
      expect(await pay(bolt11)).toMatch(/^[0-9a-f]{64}$/)
      for (let asked = 0; asked < 3; asked += 1) {
        expect(await one.lookup(paymentHash)).toEqual({ is: 'open' })
      }
      expect(told.all).toEqual([])
    })
  })

  it('C10 an invoice that its node does not find any more is dead by time, not unknown', async () => {
    const store = memoryStore()
    const one = await wallet('merchant', { store })
    const { paymentHash } = await one.createInvoice(ASK)
    const key = `lightningaddress:invoice:${paymentHash}`
    const kept = (await store.recall(key)) ?? ''
    await store.remember(
      key,
      kept.replace(/(verify\/merchant\/)[0-9a-f]{64}/, `$1${'ab'.repeat(32)}`),
    )
    expect(await one.lookup(paymentHash)).toEqual({ is: 'open' })
  })
})

function memoryStore(): AddressStore {
  const kept = new Map<string, string>()
  return {
    remember: async (key, value) => void kept.set(key, value),
    recall: async (key) => kept.get(key) ?? null,
    forget: async (key) => void kept.delete(key),
  }
}
