import { expect, it, onTestFinished } from 'vitest'
import { AmountRefused } from '../../../src/wallets/wallet.ts'
import { until } from '../../contract/wallet.ts'
import { EcashBed } from '../../support/ecash.ts'
import { startFakeMint } from '../../support/fake-mint.ts'

it('coins that are set aside count for wallet.maxPerMint too', async () => {
  const mint = await startFakeMint({ sockets: false })
  const bed = new EcashBed()
  onTestFinished(async () => {
    await bed.close()
    await mint.stop()
  })
  const wallet = await bed.open({ mints: [mint], maxPerMint: 1_000 })
  const ask = { sat: 600, memo: 'room', expirySeconds: 600 }
  const { bolt11, paymentHash } = await wallet.createInvoice(ask)
  mint.pay(bolt11)
  await until(async () => (await wallet.lookup(paymentHash)).is === 'settled')
  const refused = () => wallet.createInvoice(ask).catch((error: unknown) => error)
  expect(await refused()).toMatchObject({ most: 400 })
  // A payout that is not finished yet.
  const store = bed.store()
  const [keyset] = store.keysets()
  store.beginBatch({
    ...{ kind: 'swap', mint: mint.url, keyset: keyset ?? '', quote: null, at: 1 },
    ...{ amounts: [1], inputs: store.freeProofs(mint.url) },
  })
  expect(store.holdings()).toMatchObject([{ free: 0, held: 600 }])
  const held = await refused()
  expect(held).toBeInstanceOf(AmountRefused)
  expect(held).toMatchObject({ most: 400 })
})
