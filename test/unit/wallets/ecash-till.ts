import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Freeze } from '../../../src/wallets/ecash/freeze.ts'
import { PayoutRunner, type PayoutRunnerParts } from '../../../src/wallets/ecash/spend/melt.ts'
import { AutoPayout } from '../../../src/wallets/ecash/spend/payout.ts'
import { Swapper } from '../../../src/wallets/ecash/spend/swap.ts'
import { openEcashFile } from '../../../src/wallets/ecash/store/database.ts'
import { Payouts } from '../../../src/wallets/ecash/store/payouts.ts'
import { EcashStore } from '../../../src/wallets/ecash/store/store.ts'
import {
  type LightningAddress,
  parseLightningAddress,
} from '../../../src/wallets/lightning-address/lnurl.ts'
import { worldAt } from '../../support/world.ts'
import { AddressDouble, MintBank, mintDouble } from './mint-double.ts'

const NOON = Date.UTC(2026, 10, 21, 12)

/** A wallet in a folder of its own, with its mints and an address. It outlives the processes. */
export class Till {
  readonly folder = mkdtempSync(join(tmpdir(), 'satgate-till-'))
  clock = NOON
  /** Sats owed in all, and by single mints. */
  owed = 0
  owedAt: Record<string, number> = {}
  above = 20_000
  readonly banks: MintBank[]
  readonly there: AddressDouble
  readonly events: Record<string, unknown>[] = []
  address: LightningAddress | null = addressOf('you@example.com')
  /** The state of the current process. `reopen` starts the next one. */
  now: Process

  constructor(...banks: MintBank[]) {
    this.banks = banks.length === 0 ? [new MintBank()] : banks
    this.there = new AddressDouble(() => this.clock)
    this.now = this.#start()
  }

  get bank(): MintBank {
    const [bank] = this.banks
    if (bank === undefined) throw new Error('a till has a mint')
    return bank
  }

  reopen(): void {
    this.now.store.close()
    this.now = this.#start()
  }

  close(): void {
    this.now.store.close()
    rmSync(this.folder, { recursive: true })
  }

  /** Sats that have left, as the mints say. */
  paidOut(): number {
    return this.banks.flatMap(({ paidOut }) => paidOut).reduce((sum, { sat }) => sum + sat, 0)
  }

  /** Our coins, free or held. */
  held(): number {
    return this.now.store.holdings().reduce((sum, { free, held }) => sum + free + held, 0)
  }

  #start(): Process {
    const path = join(this.folder, 'ecash.db')
    const store = new EcashStore(openEcashFile({ path, seedMark: 's', now: this.clock }))
    const freeze = new Freeze(store)
    const world = worldAt(() => this.clock)
    const swapper = new Swapper({ store, freeze, world })
    const mints = new Map(this.banks.map((bank) => [bank.url, mintDouble(bank)]))
    const parts: PayoutRunnerParts = {
      ...{ store, freeze, swapper, world, payouts: new Payouts(store), money: 'test' as const },
      mint: (url) => mints.get(url) ?? null,
      lnurl: this.there,
      owed: async () => ({ total: this.owed, at: (url) => this.owedAt[url] ?? 0 }),
      say: (event) => this.events.push({ ...event }),
    }
    const payer = new PayoutRunner(parts)
    const { address, above } = this
    const payout = new AutoPayout({ ...parts, payer, address, above })
    return { ...parts, payer, payout }
  }
}

export interface Process extends PayoutRunnerParts {
  readonly payer: PayoutRunner
  readonly payout: AutoPayout
}

export function addressOf(text: string): LightningAddress {
  const read = parseLightningAddress(text)
  if (!read.ok) throw new Error(read.error)
  return read.value
}
