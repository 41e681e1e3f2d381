import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LnbitsOptions, openLnbitsWallet } from '../../src/wallets/lnbits/lnbits.ts'
import { outgoingContract } from '../contract/outgoing.ts'
import { walletContract } from '../contract/wallet.ts'
import { unheard } from '../support/background.ts'
import { real } from '../support/world.ts'
import { hostedPurchases } from './hosted.ts'
import { describeWithLab, type Lab, openLab, type PartEnv } from './lab.ts'
import { payeeOf } from './payee.ts'
import { openPayer, type Payer } from './payer.ts'

const optionsOf = (env: PartEnv, key: string): LnbitsOptions => ({
  url: env.LNBITS_URL ?? 'no LNBITS_URL',
  key: env[key] ?? `no ${key}`,
  tlsCertPem: null,
  ...{ moneyHint: null, background: unheard, world: real, deadlineMs: 10_000 },
})
const ASK = { sat: 21, memo: 'lnbits', expirySeconds: 600 }

describeWithLab('a real LNbits, on the money that it promises itself', () => {
  let lab: Lab
  let env: PartEnv
  beforeAll(async () => {
    lab = await openLab()
    env = await lab.startPart('lnbits')
  })
  afterAll(() => lab?.stop())

  walletContract('lnbits, stopped for a while (SIGSTOP)', async () => ({
    open: () => openLnbitsWallet({ ...optionsOf(env, 'LNBITS_INVOICE_KEY'), deadlineMs: 3_000 }),
    pay: async (bolt11) => JSON.parse(await lab.exec('lnbits', 'pay', bolt11)).preimage,
    refuses: [20_000_000_000_000],
    most: 10_000_000,
    memo: 'theirs',
    outage: { begin: () => lab.pause('lnbits'), end: () => lab.resume('lnbits') },
    cleanup: async () => undefined,
  }))

  it('the preimage of an unpaid invoice proves nothing, and a stranger reads that of a paid one', async () => {
    const wallet = await openLnbitsWallet(optionsOf(env, 'LNBITS_INVOICE_KEY'))
    const { bolt11, paymentHash } = await wallet.createInvoice(ASK)
    const url = `${env.LNBITS_URL}/api/v1/payments/${paymentHash}`
    const headers = { 'x-api-key': env.LNBITS_INVOICE_KEY ?? '' }
    const owner = JSON.parse(await (await fetch(url, { headers })).text())
    expect(owner.details.preimage).toMatch(/^[0-9a-f]{64}$/)
    expect(await wallet.lookup(paymentHash)).toEqual({ is: 'open' })
    await lab.exec('lnbits', 'pay', bolt11)
    expect(await (await fetch(url)).json()).toEqual({
      paid: true,
      preimage: owner.details.preimage,
    })
    expect(wallet.preimageIsPublic).toBe(true)
    await wallet.close()
  })

  it.each([
    ['LNBITS_INVOICE_KEY', false],
    ['LNBITS_ADMIN_KEY', true],
  ])('%s pays: %s, which is found out without a payment', async (key, pays) => {
    const count = async () => {
      const headers = { 'x-api-key': env.LNBITS_INVOICE_KEY ?? '' }
      const url = `${env.LNBITS_URL}/api/v1/payments/paginated?amount[lt]=0`
      return JSON.parse(await (await fetch(url, { headers })).text()).total
    }
    const before = await count()
    const wallet = await openLnbitsWallet(optionsOf(env, key))
    expect(wallet.outgoing !== undefined).toBe(pays)
    expect(await wallet.about?.()).toMatchObject({ paysOut: pays, preimage: 'public' })
    await wallet.close()
    expect(await count()).toBe(before)
  })

  it('a key of no wallet is refused', async () => {
    const refused = openLnbitsWallet({ ...optionsOf(env, 'x'), key: '0'.repeat(32) })
    await expect(refused).rejects.toMatchObject({ name: 'WalletRefused' })
  })
})

describeWithLab('a real LNbits, on a real lnd', () => {
  let lab: Lab
  let env: PartEnv
  let payer: Payer
  beforeAll(async () => {
    lab = await openLab()
    payer = openPayer(await lab.startPart('lnd'))
    env = await lab.startPart('lnbits', { BACKEND: 'lnd' })
  })
  afterAll(async () => {
    payer?.close()
    await lab?.stop()
  })
  const kill = {
    begin: () => lab.kill('lnbits'),
    end: () => lab.startPart('lnbits', { KEEP: '1' }),
  }

  const pause = { begin: () => lab.pause('lnbits'), end: () => lab.resume('lnbits') }

  describe('a whole purchase', () => {
    hostedPurchases({
      wallet: () => ({ kind: 'lnbits', url: env.LNBITS_URL }),
      key: () => env.LNBITS_INVOICE_KEY ?? '',
      pay: (bolt11) => payer.pay(bolt11),
      outages: {
        'LNbits is killed and started again': kill,
        'LNbits is stopped for a while (SIGSTOP)': pause,
      },
    })
  })

  it('its lnd is down: look-ups say open, no invoice is made, and the probe knows', async () => {
    const wallet = await openLnbitsWallet(optionsOf(env, 'LNBITS_INVOICE_KEY'))
    const { paymentHash } = await wallet.createInvoice(ASK)
    await lab.exec('lnd', 'down', 'merchant')
    try {
      const state = await wallet.lookup(paymentHash).catch(({ name }: Error) => name)
      expect(['WalletUnreachable', 'open']).toContain(typeof state === 'string' ? state : state.is)
      for (const call of [() => wallet.createInvoice(ASK), () => wallet.probe()]) {
        await expect(call()).rejects.toMatchObject({ name: 'WalletUnreachable' })
      }
    } finally {
      await lab.exec('lnd', 'up', 'merchant')
    }
    await expect
      .poll(() => wallet.probe().then(String, () => null), { timeout: 60_000 })
      .toBe('undefined')
    await wallet.createInvoice(ASK)
    await wallet.close()
  })

  // In two of five runs this LNbits called payments failed, and from then on all of them. Why is not
  // known, so the short suite does without.
  describe.skipIf(process.env.FAULTS_ROUNDS === undefined)(
    'paying (npm run test:interop:full)',
    () => {
      beforeAll(async () => {
        const wallet = await openLnbitsWallet(optionsOf(env, 'LNBITS_INVOICE_KEY'))
        await payer.pay((await wallet.createInvoice({ ...ASK, sat: 50_000 })).bolt11)
        await wallet.close()
      })

      outgoingContract('lnbits with its admin key', async () => ({
        ...payeeOf(lab),
        open: () => openLnbitsWallet({ ...optionsOf(env, 'LNBITS_ADMIN_KEY'), deadlineMs: 4_000 }),
        outage: pause,
        lostAnswers: 'the double shows it',
        async payByAnother(bolt11) {
          await fetch(`${env.LNBITS_URL}/api/v1/payments`, {
            method: 'POST',
            headers: {
              'x-api-key': env.LNBITS_ADMIN_KEY ?? '',
              'content-type': 'application/json',
            },
            body: JSON.stringify({ out: true, bolt11 }),
          })
        },
        cleanup: async () => undefined,
      }))
    },
  )
})
