import { afterAll, beforeAll } from 'vitest'
import { nwcClient } from '../../src/wallets/nwc/client.ts'
import { readConnection } from '../../src/wallets/nwc/connection.ts'
import { type NwcOptions, openNwcWallet } from '../../src/wallets/nwc/nwc.ts'
import { walletContract } from '../contract/wallet.ts'
import { unheard } from '../support/background.ts'
import { real } from '../support/world.ts'
import { describeWithLab, type Lab, openLab, type PartEnv } from './lab.ts'

const DEADLINE = 3_000

for (const encryption of ['nip44_v2 nip04', 'nip04']) {
  describeWithLab(`a real relay and a wallet that speaks ${encryption}`, () => {
    let lab: Lab
    let env: PartEnv
    let payer: ReturnType<typeof nwcClient>
    beforeAll(async () => {
      lab = await openLab()
      env = await lab.startPart('nostr', { BACKEND: 'fake', ENCRYPTION: encryption })
      payer = nwcClient({
        connection: readConnection(value('NWC_PAYER_URL')),
        ...{ world: real, deadlineMs: 20_000, onNotification() {}, onLost() {} },
      })
    })
    afterAll(async () => {
      payer?.close()
      await lab?.stop()
    })

    const value = (name: string) => env[name] ?? `no ${name}`
    const options = (url = 'NWC_RECEIVE_ONLY_URL'): NwcOptions => ({
      connection: value(url),
      ...{ moneyHint: null, background: unheard, world: real, deadlineMs: DEADLINE },
    })
    const pay = async (invoice: string): Promise<string> =>
      String((await payer.request('pay_invoice', { invoice })).preimage)
    const under = {
      open: () => openNwcWallet(options()),
      pay,
      refuses: 'the lab refuses none',
      cleanup: async () => undefined,
    }

    walletContract(`nwc (${encryption}), its relay killed and started again`, async () => ({
      ...under,
      outage: {
        begin: async () => void (await lab.exec('nostr', 'relay', 'kill', 'relay')),
        end: async () => void (await lab.exec('nostr', 'relay', 'start', 'relay')),
      },
    }))
  })
}
