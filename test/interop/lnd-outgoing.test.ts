import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readBolt11, writeBolt11 } from '../../src/wallets/bolt11.ts'
import { openLndWallet } from '../../src/wallets/lnd/lnd.ts'
import { outgoingContract } from '../contract/outgoing.ts'
import { unheard } from '../support/background.ts'
import { real } from '../support/world.ts'
import { type DeafTunnel, openDeafTunnel } from './deaf-tunnel.ts'
import { describeWithLab, type Lab, openLab, type PartEnv } from './lab.ts'

describeWithLab('payments by a real lnd', () => {
  let lab: Lab
  let env: PartEnv
  let tunnel: DeafTunnel
  const preimages = new Map<string, string>()
  beforeAll(async () => {
    lab = await openLab()
    env = await lab.startPart('lnd')
    tunnel = await openDeafTunnel(value('LND_REST'))
  })
  afterAll(async () => {
    await tunnel?.close()
    await lab?.stop()
  })

  const value = (name: string) => env[name] ?? `no ${name}`
  const open = (macaroon = 'LND_ADMIN_MACAROON_HEX') =>
    openLndWallet({
      url: `https://127.0.0.1:${tunnel.port}`,
      macaroonHex: value(macaroon),
      tlsCertPem: readFileSync(value('LND_TLS_CERT'), 'utf8'),
      ...{ moneyHint: 'test', background: unheard, world: real, deadlineMs: 4_000 },
    })
  const lnd = async (...words: string[]) => JSON.parse(await lab.exec('lnd', ...words))
  const hashOf = (bolt11: string) => readBolt11(bolt11)?.paymentHash ?? ''

  outgoingContract('lnd with its admin.macaroon', async () => ({
    open: () => open(),
    invoice: async (sat) => (await lnd('payer', 'invoice', String(sat))).bolt11,
    // Nobody knows the node that it names.
    unpayable: async (sat) =>
      writeBolt11({
        ...{ network: 'bcrt', sat, paymentSecret: randomBytes(32), description: 'nobody' },
        paymentHash: createHash('sha256').update(randomBytes(32)).digest(),
        ...{ createdAt: Date.now(), expirySeconds: 600, secretKey: Buffer.alloc(32, 9) },
      }),
    held: {
      async invoice(sat) {
        const { bolt11, preimage } = await lnd('payer', 'hold', String(sat))
        preimages.set(bolt11, preimage)
        return bolt11
      },
      end: (bolt11, how) =>
        how === 'paid'
          ? lnd('payer', 'settle', preimages.get(bolt11) ?? '')
          : lnd('payer', 'cancel', hashOf(bolt11)),
    },
    costly: 'the lab has one channel, so no route costs anything',
    arrived: async (bolt11) => {
      const found = await lnd('payer', 'lookup', hashOf(bolt11)).catch(() => ({ state: 'NONE' }))
      return found.state === 'SETTLED' ? 1 : 0
    },
    outage: {
      begin: () => lab.exec('lnd', 'down', 'merchant'),
      end: () => lab.exec('lnd', 'up', 'merchant'),
    },
    lostAnswers: {
      begin: async () => tunnel.setDeaf(true),
      end: async () => tunnel.setDeaf(false),
    },
    payByAnother: (bolt11) => lnd('merchant', 'pay', bolt11),
    cleanup: async () => undefined,
  }))

  describe('which keys may pay', () => {
    it.each([
      ['LND_ADMIN_MACAROON_HEX', true],
      ['LND_INVOICE_MACAROON_HEX', false],
    ])('%s: %s, which is found out without a payment', async (macaroon, pays) => {
      const count = async () =>
        Number((await lnd('rest', '/v1/payments?include_incomplete=true')).payments.length)
      const before = await count()
      const wallet = await open(macaroon)
      expect(wallet.outgoing !== undefined).toBe(pays)
      const about = await wallet.about?.()
      expect(about).toMatchObject({ paysOut: pays, holder: 'your node', learns: 'subscription' })
      expect(about?.warnings).toHaveLength(pays ? 1 : 0)
      if (pays) expect(about?.inbound.sat).toBeGreaterThan(1_000_000)
      else expect(about?.inbound).toEqual({ sat: null, says: 'cannot be read with this key' })
      expect(wallet.identity).toBe(value('LND_PUBKEY'))
      await wallet.close()
      expect(await count()).toBe(before)
    })

    it('a macaroon for invoices and payments alone is enough, and the payment is bounded', async () => {
      const baked = await lab.exec(
        ...([
          'lnd',
          'lncli',
          'merchant',
          'bakemacaroon',
          'invoices:read',
          'invoices:write',
        ] as const),
        ...(['offchain:read', 'offchain:write'] as const),
      )
      env = { ...env, BAKED: baked.replaceAll('"', '').trim() }
      const wallet = await open('BAKED')
      expect(wallet.outgoing).toBeDefined()
      const { bolt11 } = await lnd('payer', 'invoice', '25')
      const order = { id: 'satgate:a:b', paymentHash: hashOf(bolt11), bolt11, amountMsat: 25_000n }
      expect(await wallet.outgoing?.pay({ ...order, maxFeeMsat: 0n })).toEqual({
        is: 'paid',
        feeMsat: 0n,
      })
      // An invoice of the node itself.
      const own = await wallet.createInvoice({ sat: 25, memo: '', expirySeconds: 600 })
      const circle = { ...order, ...own, maxFeeMsat: 0n }
      expect(await wallet.outgoing?.pay(circle)).toEqual({
        is: 'failed',
        reason: 'it is an invoice of the wallet that should pay it',
      })
      await wallet.close()
    })
  })
})
