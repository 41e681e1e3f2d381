import { Background } from '../../../src/floor/background.ts'
import { sleep } from '../../../src/floor/world.ts'
import {
  AmountRefused,
  type Invoice,
  type InvoiceAsk,
  type InvoiceState,
  type Wallet,
  WalletBusy,
  WalletRefused,
  WalletUnreachable,
} from '../../../src/wallets/wallet.ts'
import { type NamedWallet, WalletList } from '../../../src/wallets/wallet-list.ts'
import { VirtualWorld } from '../../support/virtual-world.ts'

/** What a planted wallet does when it is asked. */
export type Mood =
  | 'works'
  | 'down'
  | 'refuses'
  | 'busy'
  /** It answers after 5 s. */
  | 'slow'
  /** It answers with an error after 10 s, as an adapter does at its deadline. */
  | 'hangs'
  /** It makes invoices of 100 to 500 sats only. */
  | 'choosy'

/** A wallet of a test whose mood the test changes. */
export interface Planted {
  readonly named: NamedWallet
  mood: Mood
  readonly asks: InvoiceAsk[]
  readonly lookups: string[]
  state: InvoiceState
}

const INVOICE = { bolt11: 'lnbcrt1', paymentHash: '0'.repeat(64), expiresAt: 1 }

/** Wallets in one list, in a world whose time the test moves. */
export function plantedList(
  names: readonly string[],
  change: (name: string) => Partial<NamedWallet & Wallet> = () => ({}),
) {
  const world = new VirtualWorld(1)
  const said: string[] = []
  const planted = names.map((name) => plant(name, world, change(name)))
  const background = new Background(world, ({ work }) => said.push(`trouble ${work}`))
  const list = new WalletList(
    planted.map(({ named }) => named),
    {
      ...{ world, background },
      outages: {
        gone: ({ name }, { reason, instead }) =>
          said.push(`gone ${name}: ${reason}, instead ${instead}`),
        back: ({ name }) => said.push(`back ${name}`),
      },
    },
  )
  const byName = (name: string) => planted.find(({ named }) => named.name === name) as Planted
  /** Asks for an invoice. Returns who made it or why not, and the seconds that it took. */
  async function ask(sat = 10, asker?: InvoiceAsk['asker']) {
    const began = world.elapsed()
    const made = await world.until(
      list.createInvoice({ sat, memo: '', expirySeconds: 600, ...(asker && { asker }) }),
    )
    const seconds = Math.round((world.elapsed() - began) / 1000)
    return [made.ok ? made.value.wallet : made.error.why, seconds] as const
  }
  return { world, said, list, ask, of: byName }
}

function plant(name: string, world: VirtualWorld, change: Partial<NamedWallet & Wallet>): Planted {
  const one: { mood: Mood; state: InvoiceState } = { mood: 'works', state: { is: 'open' } }
  const asks: InvoiceAsk[] = []
  const lookups: string[] = []
  async function answer(sat: number): Promise<void> {
    switch (one.mood) {
      case 'works':
        return
      case 'down':
        throw new WalletUnreachable('connection refused')
      case 'refuses':
        throw new WalletRefused('wrong key')
      case 'busy':
        throw new WalletBusy(20_000)
      case 'slow':
        return sleep(world, 5_000)
      case 'hangs':
        await sleep(world, 10_000)
        throw new WalletUnreachable('no answer in 10 s')
      case 'choosy':
        if (sat < 100 || sat > 500) throw new AmountRefused(100, 500)
    }
  }
  const { makes = true, also = [], ...wallet } = change
  return {
    named: {
      ...{ name, also, makes },
      wallet: {
        ...{ kind: name, money: 'test', label: name },
        async createInvoice(ask): Promise<Invoice> {
          asks.push(ask)
          await answer(ask.sat)
          return INVOICE
        },
        async lookup(hash) {
          lookups.push(hash)
          await answer(100)
          return one.state
        },
        watch: () => ({ stop() {} }),
        probe: () => answer(100),
        async close() {},
        ...wallet,
      },
    },
    ...{ asks, lookups },
    get mood() {
      return one.mood
    },
    set mood(mood) {
      one.mood = mood
    },
    get state() {
      return one.state
    },
    set state(state) {
      one.state = state
    },
  }
}
