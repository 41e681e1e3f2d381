import { sleep } from '../../../src/floor/world.ts'
import type { NamedWallet } from '../../../src/wallets/wallet-list.ts'
import type { VirtualProcess, VirtualWorld } from '../../support/virtual-world.ts'
import type { SimPayment } from './payer.ts'
import { type SimInvoice, SimWallet } from './wallet.ts'

/** The wallets of a simulated gate: one, or two of which each can fail by itself. */
export class SimWallets {
  readonly all: readonly SimWallet[]
  #calm = false

  constructor(world: VirtualWorld, count: number, pays: boolean) {
    this.all = Array.from({ length: count }, () => new SimWallet(world, pays))
  }

  get invoices(): readonly SimInvoice[] {
    return this.all.flatMap(({ invoices }) => [...invoices.values()])
  }

  /** The wallet of an invoice, by the name that deposits have as their source. */
  sourceOf(hash: string): string | null {
    const index = this.all.findIndex(({ invoices }) => invoices.has(hash))
    return index < 0 ? null : nameOf(index)
  }

  /** What left them, by the name of the wallet. */
  get left(): readonly (readonly [string, readonly SimPayment[]])[] {
    return this.all.map(({ payer }, index) => [nameOf(index), payer?.left ?? []] as const)
  }

  /** A buyer pays. Returns the preimage. Null if the invoice cannot be paid. */
  pay(hash: string): string | null {
    return this.all.find(({ invoices }) => invoices.has(hash))?.pay(hash) ?? null
  }

  /** Of two wallets, one after the other is down or slow for a while, until they are calm. */
  async fail(world: VirtualWorld): Promise<void> {
    if (this.all.length < 2) return
    const { chance } = world
    while (!this.#calm) {
      const wallet = chance.one(this.all)
      Object.assign(wallet, chance.percent(60) ? { up: false } : { slow: true })
      await sleep(world, chance.from(500, 9_000))
      Object.assign(wallet, { up: true, slow: false })
      await sleep(world, chance.from(0, 3_000))
    }
  }

  /** From now on all of them work, settle at once and lose nothing. */
  calm(): void {
    this.#calm = true
    for (const wallet of this.all) {
      Object.assign(wallet, { up: true, slow: false, calm: true })
      wallet.payer?.calm()
    }
  }

  seenBy(process: VirtualProcess): readonly NamedWallet[] {
    return this.all.map((wallet, index) => ({
      name: nameOf(index),
      ...{ also: [], makes: true, wallet: wallet.seenBy(process) },
    }))
  }
}

const nameOf = (index: number): string => (index === 0 ? 'scripted' : `scripted-${index}`)
