import { ecashSources } from '../../../src/daemon/ecash-sources.ts'
import { Swapper } from '../../../src/wallets/ecash/spend/swap.ts'
import { outgoingContract } from '../../contract/outgoing.ts'
import { until } from '../../support/buyer.ts'
import { EcashBed } from '../../support/ecash.ts'
import { startFakeMint } from '../../support/fake-mint.ts'

outgoingContract('one mint of the ecash wallet', async () => {
  const bed = new EcashBed()
  const mint = await startFakeMint({ feePpk: 100 })
  const wallet = await bed.open({ mints: [mint] })
  const bought = await wallet.createInvoice({ sat: 20_000, memo: '', expirySeconds: 600 })
  mint.pay(bought.bolt11)
  await until(async () => (await wallet.lookup(bought.paymentHash)).is === 'settled')
  await wallet.close()
  return {
    async open() {
      const parts = await bed.parts({ mints: [mint] })
      const { world } = bed
      const ecash = { ...parts, swapper: new Swapper({ ...parts, world }) }
      const [source] = ecashSources(ecash, { money: 'test', world, say: () => {} })
      return { ...wallet, outgoing: source?.lightning ?? undefined, close: async () => {} }
    },
    async invoice(sat) {
      mint.meltsEnd = 'paid'
      return mint.invoice(sat)
    },
    async unpayable(sat) {
      mint.meltsEnd = 'failed'
      return mint.invoice(sat)
    },
    held: {
      async invoice(sat) {
        mint.meltsEnd = 'pending'
        return mint.invoice(sat)
      },
      end(_, how) {
        mint.meltsEnd = how
        mint.resolveMelts(how)
      },
    },
    costly: 'what a payment costs depends on the coins that are there',
    arrived: async (bolt11) => mint.payouts.filter((payout) => payout.bolt11 === bolt11).length,
    outage: 'what was never sent is known without the mint',
    lostAnswers: {
      async begin() {
        mint.faults.melt = { is: 'dropAfter', times: 99 }
        mint.faults.meltState = { is: 'dropAfter', times: 99 }
      },
      async end() {
        mint.faults.melt = { is: 'dropAfter', times: 0 }
        mint.faults.meltState = { is: 'dropAfter', times: 0 }
      },
    },
    payByAnother: async () => {},
    race: 'a data folder has one process at a time',
    cleanup: async () => {
      await bed.close()
      await mint.stop()
    },
  }
})
