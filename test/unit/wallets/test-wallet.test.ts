import { expect, it } from 'vitest'
import type { WalletAbout } from '../../../src/wallets/about.ts'
import { openPlayWallet } from '../../../src/wallets/play/play.ts'
import { testWallet } from '../../../src/wallets/test-wallet.ts'
import {
  AmountRefused,
  type InvoiceState,
  type Wallet,
  WalletBusy,
  WalletRefused,
  WalletUnreachable,
} from '../../../src/wallets/wallet.ts'
import { unheard } from '../../support/background.ts'
import { memoryFacts } from '../../support/memory-facts.ts'
import { VirtualWorld } from '../../support/virtual-world.ts'

/** Tests a wallet that is like play money but for what is changed. */
async function tested(change: (play: Wallet) => Partial<Wallet>) {
  const world = new VirtualWorld(1)
  const play = openPlayWallet({ store: memoryFacts(), world, background: unheard })
  const wallet = {
    ...play,
    kind: 'lnd',
    money: 'test' as const,
    label: 'lnd at a',
    ...change(play),
  }
  const [one, ...more] = await world.until(testWallet(wallet, world))
  expect(more).toEqual([])
  return one
}

it('says what was made, how long it took, and what the wallet says of itself', async () => {
  const about: WalletAbout = {
    ...{ holder: 'your node', preimage: 'payer', learns: 'polling', paysOut: false },
    ...{ inbound: { sat: 5, says: null }, warnings: ['a warning'] },
  }
  expect(await tested(() => ({ about: async () => about }))).toMatchObject({
    ...{ kind: 'lnd', label: 'lnd at a', problem: null, tookMs: expect.any(Number) },
    ...{ money: 'test', network: 'regtest', sat: 1, about },
  })
})

it.each([
  [10, 10],
  [42, 42],
])('a wallet whose smallest invoice is %i sat makes one of %i', async (least, sat) => {
  const one = await tested((play) => ({
    async createInvoice(ask) {
      if (ask.sat < least) throw new AmountRefused(least, 1_000)
      return play.createInvoice(ask)
    },
  }))
  expect(one).toMatchObject({ problem: null, sat })
})

const refusing = (error: Error) => () => ({ createInvoice: async () => Promise.reject(error) })
const saying = (state: InvoiceState) => () => ({ lookup: async () => state })

it.each([
  ['is down', refusing(new WalletUnreachable('connection refused')), 'connection refused'],
  ['refuses', refusing(new WalletRefused('wrong key')), 'wrong key'],
  ['is busy', refusing(new WalletBusy(2_400)), 'it makes no more invoices for 3 s'],
  ['refuses every amount', refusing(new AmountRefused(null, null)), /no invoice of a small/],
  ['hangs', () => ({ createInvoice: () => new Promise<never>(() => {}) }), 'no answer in 20 s'],
  [
    'lies',
    saying({ is: 'settled', preimage: null, receivedMsat: 1_000n }),
    'it calls an invoice paid that nobody has paid',
  ],
  ['forgets', saying({ is: 'unknown' }), 'it does not know the invoice that it has just made'],
  ['ends it', saying({ is: 'dead' }), 'it calls an invoice expired that it has just made'],
] as const)(
  'a wallet that %s does not work, and the reason is said',
  async (_, change, problem) => {
    expect((await tested(change))?.problem).toMatch(problem)
  },
)

it('the parts of a wallet are tested each by itself', async () => {
  const world = new VirtualWorld(1)
  const play = openPlayWallet({ store: memoryFacts(), world, background: unheard })
  const part = (label: string, change: Partial<Wallet> = {}) => ({ ...play, label, ...change })
  const down = { createInvoice: async () => Promise.reject(new WalletUnreachable('down')) }
  const wallet = { ...play, kind: 'ecash', parts: () => [part('mint a', down), part('mint b')] }
  expect(await world.until(testWallet(wallet, world))).toMatchObject([
    { kind: 'ecash', label: 'mint a', problem: 'down' },
    { kind: 'ecash', label: 'mint b', problem: null },
  ])
})
