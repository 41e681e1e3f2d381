import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LndOptions, openLndWallet } from '../../src/wallets/lnd/lnd.ts'
import { openPlayWallet } from '../../src/wallets/play/play.ts'
import type { Wallet } from '../../src/wallets/wallet.ts'
import { heard, until, wait, walletContract } from '../contract/wallet.ts'
import { unheard } from '../support/background.ts'
import { real } from '../support/world.ts'
import { describeWithLab, type Lab, openLab, type PartEnv } from './lab.ts'

const ASK = { sat: 21, memo: 'lnd', expirySeconds: 600 }
const DEADLINE = 3_000

describeWithLab('a real lnd', () => {
  let lab: Lab
  let env: PartEnv
  const opened: Wallet[] = []
  beforeAll(async () => {
    lab = await openLab()
    env = await lab.startPart('lnd')
  })
  afterAll(async () => {
    for (const wallet of opened) await wallet.close()
    await lab?.stop()
  })

  const value = (name: string) => env[name] ?? `no ${name}`
  const options = (): LndOptions => ({
    url: value('LND_REST'),
    macaroonHex: value('LND_INVOICE_MACAROON_HEX'),
    tlsCertPem: readFileSync(value('LND_TLS_CERT'), 'utf8'),
    moneyHint: null,
    background: unheard,
    world: real,
    deadlineMs: DEADLINE,
  })
  const open = async (change: Partial<LndOptions> = {}) => {
    const wallet = await openLndWallet({ ...options(), ...change })
    opened.push(wallet)
    return wallet
  }
  const lnd = async (...words: string[]) => JSON.parse(await lab.exec('lnd', ...words))
  const pay = async (bolt11: string): Promise<string> => (await lnd('pay', bolt11)).preimage
  const works = (wallet: Wallet) =>
    until(async () => (await wallet.probe().then(String, () => null)) !== null, 60_000)
  const under = {
    open: () => openLndWallet(options()),
    pay,
    refuses: [20_000_000_000_000],
    cleanup: async () => undefined,
  }

  walletContract('lnd, stopped for a while (SIGSTOP)', async () => ({
    ...under,
    outage: {
      begin: async () => void (await lab.exec('lnd', 'pause', 'merchant')),
      end: async () => void (await lab.exec('lnd', 'resume', 'merchant')),
    },
  }))

  walletContract('lnd, killed and started again', async () => ({
    ...under,
    outage: {
      begin: async () => void (await lab.exec('lnd', 'down', 'merchant')),
      end: async () => void (await lab.exec('lnd', 'up', 'merchant')),
    },
  }))

  describe('what it says no to', () => {
    it.each([
      ["another node's macaroon", { macaroonHex: 'PAYER_INVOICE_MACAROON_HEX' }],
      ['a macaroon that may only read', { macaroonHex: 'LND_READONLY_MACAROON_HEX' }],
    ] as const)('%s', async (_, change) => {
      const refused = open({ macaroonHex: value(change.macaroonHex), moneyHint: 'test' })
      await expect(refused).rejects.toMatchObject({
        name: 'WalletRefused',
        reason: expect.stringMatching(/invoice.macaroon/),
      })
    })

    it('what is no macaroon', async () => {
      const refused = open({ macaroonHex: '00ff', moneyHint: 'test' })
      await expect(refused).rejects.toMatchObject({ name: 'WalletRefused' })
    })

    it("we to another's certificate, or to one that nobody vouches for", async () => {
      const other = readFileSync(value('PAYER_TLS_CERT'), 'utf8')
      for (const tlsCertPem of [other, null]) {
        await expect(open({ tlsCertPem, moneyHint: 'test' })).rejects.toMatchObject({
          name: 'WalletRefused',
          reason: expect.stringMatching(/TLS certificate is not the one given/),
        })
      }
    })

    it('plain http where it speaks TLS, and a wrong path', async () => {
      const plain = value('LND_REST').replace('https', 'http')
      for (const url of [plain, `${value('LND_REST')}/elsewhere`]) {
        await expect(open({ url })).rejects.toMatchObject({ name: 'WalletUnreachable' })
      }
    })

    it('an amount beyond all bounds', async () => {
      const wallet = await open()
      await expect(wallet.createInvoice({ ...ASK, sat: 20_000_000_000_000 })).rejects.toMatchObject(
        { name: 'AmountRefused', least: null },
      )
    })
  })

  it('admin.macaroon works as well', async () => {
    await (await open({ macaroonHex: value('LND_ADMIN_MACAROON_HEX') })).probe()
  })

  it('a held payment is open until the node settles it, dead when it lets it go', async () => {
    const wallet = await open()
    const told = heard()
    wallet.watch(null, told.listen)
    for (const [verb, end] of [
      ['settle', 'settled'],
      ['cancel', 'dead'],
    ] as const) {
      const held = await lnd('hold', '30')
      const paying = pay(held.bolt11).catch(() => 'not paid')
      const state = async () => (await lnd('lookup', held.payment_hash)).state
      await until(async () => (await state()) === 'ACCEPTED')
      expect(await wallet.lookup(held.payment_hash)).toEqual({ is: 'open' })
      await lnd(verb, verb === 'settle' ? held.preimage : held.payment_hash)
      await paying
      expect((await wallet.lookup(held.payment_hash)).is).toBe(end)
      if (end === 'settled') await until(async () => told.hashes().includes(held.payment_hash))
      else expect(told.hashes()).not.toContain(held.payment_hash)
    }
  })

  it('an invoice that the operator cancels is dead', async () => {
    const wallet = await open()
    const { paymentHash } = await wallet.createInvoice(ASK)
    await lnd('cancel', paymentHash)
    expect(await wallet.lookup(paymentHash)).toEqual({ is: 'dead' })
  })

  it('reads the invoices of the play wallet', async () => {
    const kept = new Map<string, string>()
    const play = openPlayWallet({
      background: unheard,
      store: {
        remember: async (key, text) => void kept.set(key, text),
        recall: async (key) => kept.get(key) ?? null,
      },
      world: real,
    })
    for (const sat of [1, 100, 123_456, 500_000]) {
      const invoice = await play.createInvoice({ ...ASK, sat, memo: 'Käse ☕' })
      expect(await lnd('lncli', 'payer', 'decodepayreq', invoice.bolt11)).toMatchObject({
        payment_hash: invoice.paymentHash,
        num_msat: String(sat * 1000),
        description: 'Käse ☕',
        expiry: '600',
        cltv_expiry: '18',
        features: { 8: { is_required: true }, 14: { is_required: true } },
      })
    }
  })

  it('cut off from its chain it makes and settles invoices as before', async () => {
    const wallet = await open()
    await lab.exec('lnd', 'pause', 'chain')
    try {
      await wallet.probe()
      const { paymentHash } = await wallet.createInvoice(ASK)
      expect(await wallet.lookup(paymentHash)).toEqual({ is: 'open' })
    } finally {
      await lab.exec('lnd', 'resume', 'chain')
    }
  })

  it('locked, then starting without its chain, then there: said each time, and recovered', async () => {
    await lab.exec('lnd', 'down', 'merchant')
    await lab.exec('lnd', 'up', 'merchant', 'locked')
    await expect(open()).rejects.toMatchObject({
      name: 'WalletUnreachable',
      reason: expect.stringMatching(/locked/),
    })
    const wallet = await open({ moneyHint: 'test' })
    const reader = await open({
      moneyHint: 'test',
      macaroonHex: value('LND_READONLY_MACAROON_HEX'),
    })
    for (const call of [
      () => wallet.probe(),
      () => wallet.createInvoice(ASK),
      () => wallet.lookup('ab'.repeat(32)),
    ]) {
      await expect(call()).rejects.toMatchObject({ reason: expect.stringMatching(/locked/) })
    }
    const told = heard()
    wallet.watch(null, told.listen)

    await lab.exec('lnd', 'pause', 'chain')
    const password = Buffer.from(value('LND_WALLET_PASSWORD')).toString('base64')
    await lnd('rest', '/v1/unlockwallet', JSON.stringify({ wallet_password: password }))
    await wait(500)
    await expect(wallet.probe()).rejects.toMatchObject({ reason: 'it is starting' })
    await expect(wallet.createInvoice(ASK)).rejects.toMatchObject({ reason: 'it is starting' })
    await lab.exec('lnd', 'resume', 'chain')
    await lab.exec('lnd', 'mine', '1')

    await works(wallet)
    // The probe shows that a macaroon may make invoices, and makes none.
    await expect(reader.probe()).rejects.toMatchObject({ name: 'WalletRefused' })
    // Longer than the longest pause between two tries, so it listens again.
    await wait(5_500)
    const { bolt11, paymentHash } = await wallet.createInvoice(ASK)
    await until(async () => (await pay(bolt11).catch(() => null)) !== null, 60_000)
    await until(async () => told.hashes().includes(paymentHash), 30_000)
  })

  it('probe makes no invoice', async () => {
    const wallet = await open()
    const count = async () => (await lnd('rest', '/v1/invoices?num_max_invoices=100000')).invoices
    const before = (await count()).length
    await wallet.probe()
    expect((await count()).length).toBe(before)
  })
})
