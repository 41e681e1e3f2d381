import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type NwcClient, nwcClient } from '../../src/wallets/nwc/client.ts'
import { readConnection } from '../../src/wallets/nwc/connection.ts'
import { type NwcOptions, openNwcWallet } from '../../src/wallets/nwc/nwc.ts'
import { outgoingContract } from '../contract/outgoing.ts'
import { heard, until, walletContract } from '../contract/wallet.ts'
import { unheard } from '../support/background.ts'
import { real } from '../support/world.ts'
import { hostedPurchases } from './hosted.ts'
import { describeWithLab, type Lab, openLab, type PartEnv } from './lab.ts'
import { payeeOf } from './payee.ts'
import { openPayer, type Payer } from './payer.ts'

const ASK = { sat: 21, memo: 'nwc', expirySeconds: 600 }

const optionsOf = (env: PartEnv, url: string, deadlineMs = 5_000): NwcOptions => ({
  connection: env[url] ?? `no ${url}`,
  ...{ moneyHint: null, background: unheard, world: real, deadlineMs },
})
const clientOf = (env: PartEnv, url: string): NwcClient =>
  nwcClient({
    connection: readConnection(env[url] ?? `no ${url}`),
    ...{ world: real, deadlineMs: 20_000, onNotification() {}, onLost() {} },
  })

const RELAY = {
  'its relay killed and started again': ['kill', 'start'],
  'its relay stopped for a while (SIGSTOP)': ['pause', 'resume'],
} as const

for (const [encryption, how] of [
  ['nip44_v2 nip04', 'its relay killed and started again'],
  ['nip04', 'its relay stopped for a while (SIGSTOP)'],
] as const) {
  describeWithLab(`a real relay, and a pretended wallet that speaks ${encryption}`, () => {
    let lab: Lab
    let env: PartEnv
    let payer: NwcClient
    beforeAll(async () => {
      lab = await openLab()
      env = await lab.startPart('nostr', { BACKEND: 'fake', ENCRYPTION: encryption })
      payer = clientOf(env, 'NWC_PAYER_URL')
    })
    afterAll(async () => {
      payer?.close()
      await lab?.stop()
    })
    const [down, up] = RELAY[how]

    walletContract(`nwc with ${encryption}, ${how}`, async () => ({
      open: () => openNwcWallet(optionsOf(env, 'NWC_RECEIVE_ONLY_URL', 3_000)),
      pay: async (invoice) => String((await payer.request('pay_invoice', { invoice })).preimage),
      refuses: 'the lab refuses none',
      outage: {
        begin: async () => void (await lab.exec('nostr', 'relay', down, 'relay')),
        end: async () => void (await lab.exec('nostr', 'relay', up, 'relay')),
      },
      cleanup: async () => undefined,
    }))

    if (encryption === 'nip04') return

    describe('faults of the wallet', () => {
      const fault = (...words: string[]) => lab.exec('nostr', 'fault', ...words)
      const faulty = async (words: string[], work: () => Promise<void>) => {
        await fault(...words)
        await work().finally(() => fault(words[0] ?? ''))
      }
      const opened = () => openNwcWallet(optionsOf(env, 'NWC_RECEIVE_ONLY_URL', 2_000))

      it.each([
        ['RATE_LIMITED', 'WalletBusy'],
        ['UNAUTHORIZED', 'WalletRefused'],
        ['RESTRICTED', 'WalletRefused'],
        ['INTERNAL', 'WalletUnreachable'],
      ])('%s is %s', async (code, name) => {
        const wallet = await opened()
        await faulty(['make_invoice', 'error', code], async () => {
          await expect(wallet.createInvoice(ASK)).rejects.toMatchObject({ name })
        })
        await wallet.close()
      })

      it('C10 no reply is bounded by our own deadline, and not found may be settled later', async () => {
        const wallet = await opened()
        const { bolt11, paymentHash } = await wallet.createInvoice(ASK)
        await faulty(['lookup_invoice', 'drop'], async () => {
          const began = performance.now()
          await expect(wallet.lookup(paymentHash)).rejects.toMatchObject({
            name: 'WalletUnreachable',
          })
          expect(performance.now() - began).toBeLessThan(4_000)
        })
        await faulty(['lookup_invoice', 'error', 'NOT_FOUND'], async () => {
          expect(await wallet.lookup(paymentHash)).toEqual({ is: 'unknown' })
        })
        await payer.request('pay_invoice', { invoice: bolt11 })
        expect((await wallet.lookup(paymentHash)).is).toBe('settled')
        await wallet.close()
      })

      it('each reply twice is one reply', async () => {
        const wallet = await opened()
        await faulty(['make_invoice', 'twice'], async () => {
          const made = await Promise.all([1, 2].map(() => wallet.createInvoice(ASK)))
          expect(made[0]?.paymentHash).not.toBe(made[1]?.paymentHash)
        })
        await wallet.close()
      })

      it('C10 of two relays one is dead: invoices are made and settlements are told', async () => {
        const wallet = await openNwcWallet(optionsOf(env, 'NWC_TWO_RELAYS_URL'))
        const told = heard()
        wallet.watch(null, told.listen)
        for (const relay of ['relay', 'relay2']) {
          await lab.exec('nostr', 'relay', 'kill', relay)
          const { paymentHash } = await wallet.createInvoice(ASK)
          await lab.exec('nostr', 'settle', paymentHash)
          await until(async () => told.hashes().includes(paymentHash), 20_000)
          await lab.exec('nostr', 'relay', 'start', relay)
          await until(async () => (await wallet.probe().then(String, () => null)) !== null)
        }
        await wallet.close()
      })
    })
  })
}

describeWithLab('a real lnd by Nostr Wallet Connect', () => {
  let lab: Lab
  let env: PartEnv
  let payer: Payer
  beforeAll(async () => {
    lab = await openLab()
    payer = openPayer(await lab.startPart('lnd'))
    env = await lab.startPart('nostr')
    expect(env.NWC_BACKEND).toBe('lnd')
  })
  afterAll(async () => {
    payer?.close()
    await lab?.stop()
  })
  const kill = {
    begin: () => lab.kill('nostr'),
    end: () => lab.startPart('nostr', { KEEP: '1' }),
  }

  describe('a whole purchase', () => {
    hostedPurchases({
      wallet: () => ({ kind: 'nwc' }),
      key: () => env.NWC_RECEIVE_ONLY_URL ?? '',
      pay: (bolt11) => payer.pay(bolt11),
      outages: {
        'relays and wallet are killed and started again': kill,
        'relays and wallet are stopped for a while (SIGSTOP)': {
          begin: () => lab.pause('nostr'),
          end: () => lab.resume('nostr'),
        },
      },
    })
  })

  it('a receive-only connection pays nothing, and a full one says that it may', async () => {
    for (const [url, pays] of [
      ['NWC_RECEIVE_ONLY_URL', false],
      ['NWC_FULL_URL', true],
    ] as const) {
      const wallet = await openNwcWallet(optionsOf(env, url))
      expect(wallet.outgoing !== undefined).toBe(pays)
      expect(/may pay/.test(wallet.label)).toBe(pays)
      expect((await wallet.about?.())?.warnings).toHaveLength(pays ? 1 : 0)
      await wallet.close()
    }
  })

  outgoingContract('nwc with a connection that may pay', async () => ({
    ...payeeOf(lab),
    held: 'the list of this wallet leaves out payments that are on their way; the double shows it',
    race: 'this wallet says of the second one that it has failed, and does not show the first one',
    open: () => openNwcWallet(optionsOf(env, 'NWC_FULL_URL')),
    outage: {
      begin: () => lab.exec('nostr', 'relay', 'kill', 'relay'),
      end: () => lab.exec('nostr', 'relay', 'start', 'relay'),
    },
    lostAnswers: 'the double shows it',
    async payByAnother(invoice) {
      const other = clientOf(env, 'NWC_FULL_URL')
      await other.request('pay_invoice', { invoice })
      other.close()
    },
    cleanup: async () => undefined,
  }))
})
