import { afterAll, beforeAll } from 'vitest'
import { type LnbitsOptions, openLnbitsWallet } from '../../src/wallets/lnbits/lnbits.ts'
import { walletContract } from '../contract/wallet.ts'
import { unheard } from '../support/background.ts'
import { real } from '../support/world.ts'
import { describeWithLab, type Lab, openLab, type PartEnv } from './lab.ts'

describeWithLab('a real LNbits', () => {
  let lab: Lab
  let env: PartEnv
  beforeAll(async () => {
    lab = await openLab()
    env = await lab.startPart('lnbits')
  })
  afterAll(() => lab?.stop())

  const value = (name: string) => env[name] ?? `no ${name}`
  const options = (key = 'LNBITS_INVOICE_KEY'): LnbitsOptions => ({
    url: value('LNBITS_URL'),
    key: value(key),
    moneyHint: null,
    background: unheard,
    world: real,
    deadlineMs: 3_000,
  })
  const pay = async (bolt11: string): Promise<string> =>
    JSON.parse(await lab.exec('lnbits', 'pay', bolt11)).preimage

  walletContract('lnbits, killed and started again', async () => ({
    open: () => openLnbitsWallet(options()),
    pay,
    refuses: [20_000_000_000_000],
    most: 10_000_000,
    memo: 'theirs',
    outage: {
      begin: () => lab.kill('lnbits'),
      end: async () => void (await lab.startPart('lnbits', { KEEP: '1' })),
    },
    cleanup: async () => undefined,
  }))

  walletContract('lnbits with its admin key, stopped for a while (SIGSTOP)', async () => ({
    open: () => openLnbitsWallet(options('LNBITS_ADMIN_KEY')),
    pay,
    refuses: [20_000_000_000_000],
    most: 10_000_000,
    memo: 'theirs',
    outage: { begin: () => lab.pause('lnbits'), end: () => lab.resume('lnbits') },
    cleanup: async () => undefined,
  }))
})
