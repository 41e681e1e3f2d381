import { Tiers } from '../../../src/money/tiers.ts'
import { canonicalCaveats } from '../../../src/passes/caveat.ts'
import { KnownPasses } from '../../../src/passes/known.ts'
import { makeRecogniser } from '../../../src/passes/recognise.ts'
import { makeVerifier } from '../../../src/passes/verify.ts'
import { Gifts } from '../../../src/rails/gifts.ts'
import { L402 } from '../../../src/rails/l402.ts'
import { LightningOffers } from '../../../src/rails/lightning/lightning-offers.ts'
import { PaymentScheme } from '../../../src/rails/payment/payment.ts'
import type { Offer } from '../../../src/rails/rail.ts'
import { openPlayWallet } from '../../../src/wallets/play/play.ts'
import { WalletUnreachable } from '../../../src/wallets/wallet.ts'
import { alone, WalletList } from '../../../src/wallets/wallet-list.ts'
import { type RailParts, railContract } from '../../contract/rail.ts'
import { unheard } from '../../support/background.ts'
import { challengesIn, credentialFor, requestIn } from '../../support/payment-client.ts'
import { real } from '../../support/world.ts'

/** The invoices of a gate with play money. */
function lightningOn({ books, keys }: RailParts) {
  const { invoices } = books
  const play = openPlayWallet({ store: invoices, world: real, background: unheard })
  let down = false
  const wallet = {
    ...play,
    createInvoice: (ask: Parameters<typeof play.createInvoice>[0]) =>
      down ? Promise.reject(new WalletUnreachable('down')) : play.createInvoice(ask),
  }
  const outages = { gone() {}, back() {} }
  const wallets = new WalletList([alone(wallet)], { world: real, outages, background: unheard })
  const bounds = { perClient: 20, total: 100 }
  const parts = { wallets, keys, world: real, background: unheard, tiers: new Tiers([]) }
  const lightning = new LightningOffers({ ...books, ...parts, ...bounds })
  const fail = () => {
    down = true
  }
  async function preimage(hash: string): Promise<string> {
    const paid = await play.pay(hash)
    if (!paid.ok) throw new Error(paid.error)
    return paid.value
  }
  return { lightning, preimage, fail }
}

railContract('L402 on play money', ({ books, keys }) => {
  const { lightning, preimage, fail } = lightningOn({ books, keys })
  const signed = { keys: [keys.current], remember: 100 }
  const known = new KnownPasses(100)
  const read = makeRecogniser({ keys: signed.keys, verify: makeVerifier(signed), known })
  const l402 = new L402({ lightning, read })
  const offered = (body: object) => body as { l402: { macaroon: string }; payment_hash: string }
  const presented = (body: object, secret: string) => [
    'Authorization',
    `L402 ${offered(body).l402.macaroon}:${secret}`,
  ]
  return {
    rail: l402,
    pay: async ({ body }) => presented(body, await preimage(offered(body).payment_hash)),
    unpaid: ({ body }) => presented(body, '0'.repeat(64)),
    malformed: ['authorization', 'L402 AgEHc2F0Z2F0ZQJC:1234'],
    outage: fail,
    async unpresented() {
      const quota = { is: 'stranger', client: 'a', site: 'a' } as const
      const made = await lightning.create({
        sat: 10,
        account: null,
        caveats: [],
        generation: 0,
        quota,
      })
      if (!made.ok) throw new Error(made.error.why)
      await preimage(made.value.row.hash)
    },
  }
})

railContract('the Payment scheme on play money', ({ books, keys }) => {
  const { lightning, preimage, fail } = lightningOn({ books, keys })
  const payment = new PaymentScheme({ ...books, lightning, keys, world: real })
  const challengeOf = ({ challenges }: Offer) => challengesIn(...challenges)[0] ?? {}
  const answering = (offer: Offer, secret: string) => [
    'Authorization',
    credentialFor(challengeOf(offer), secret),
  ]
  return {
    rail: payment,
    pay: async (offer) =>
      answering(offer, await preimage(requestIn(challengeOf(offer)).methodDetails.paymentHash)),
    unpaid: (offer) => answering(offer, '0'.repeat(64)),
    malformed: 'what cannot be read is refused with a problem type of its own',
    outage: fail,
    unpresented: 'L402 tells of all payments of Lightning invoices',
    buysOnce: true,
  }
})

railContract('gifts', () => {
  const gifts = new Gifts(real.random)
  const nobody = 'nobody presents a gift'
  return {
    rail: gifts,
    ...{ pay: nobody, unpaid: nobody, malformed: nobody, outage: 'it never offers anything' },
    async unpresented() {
      const caveats = canonicalCaveats(['calls <= 5'])
      if (caveats.ok) await gifts.give(10, caveats.value)
    },
  }
})
