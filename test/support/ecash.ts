import { createHash, randomBytes } from 'node:crypto'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Background } from '../../src/floor/background.ts'
import type { MoneyKind } from '../../src/ledger/ledger.ts'
import { openEcashWallet } from '../../src/wallets/ecash/ecash.ts'
import { Freeze } from '../../src/wallets/ecash/freeze.ts'
import { openMint } from '../../src/wallets/ecash/mint/cashu.ts'
import { MintRateLimit } from '../../src/wallets/ecash/mint-rate-limit.ts'
import { Mints } from '../../src/wallets/ecash/mints.ts'
import { openEcashFile } from '../../src/wallets/ecash/store/database.ts'
import { EcashStore } from '../../src/wallets/ecash/store/store.ts'
import type { Wallet } from '../../src/wallets/wallet.ts'
import { TestWorld } from './world.ts'

export interface EcashOptions {
  readonly mints: readonly { readonly url: string }[]
  readonly maxPerMint?: number
  /** Whether mints are asked as rarely as mints on the internet are. */
  readonly limited?: boolean
  readonly deadlineMs?: number
  /** The kind of money of its ledger. The default is `test`. */
  readonly money?: MoneyKind
}

/**
 * An ecash wallet in a folder of its own. It can be opened several times, as by several processes
 * in turn.
 */
export class EcashBed {
  readonly folder = mkdtempSync(join(tmpdir(), 'satgate-coins-'))
  readonly seed: Uint8Array
  readonly events: Record<string, unknown>[] = []
  readonly #open: { wallet: Wallet | null; store: EcashStore }[] = []

  constructor(seed: Uint8Array = randomBytes(64)) {
    this.seed = seed
  }

  readonly world = new TestWorld()
  #ahead = 0

  /** By how many ms time was set forward. Nothing that waits is due because of it. */
  get ahead(): number {
    return this.#ahead
  }

  set ahead(ms: number) {
    this.world.advance(ms - this.#ahead)
    this.#ahead = ms
  }

  /** Opens only the coins, as a command does while no gate runs. */
  store(): EcashStore {
    const path = join(this.folder, 'ecash.db')
    const seedMark = createHash('sha256').update(this.seed).digest('hex').slice(0, 16)
    const store = new EcashStore(openEcashFile({ path, seedMark, now: 1 }))
    this.#open.push({ wallet: null, store })
    return store
  }

  async parts({ mints, limited = false, deadlineMs = 5_000 }: EcashOptions) {
    const store = this.store()
    const { world, seed } = this
    const all = await Promise.all(
      mints.map(async ({ url }) => ({
        mint: await openMint({ url, seed, world, deadlineMs }),
        rateLimit: new MintRateLimit(world, limited),
        sells: true,
      })),
    )
    const say = (event: object) => void this.events.push({ ...event })
    const freeze = new Freeze(store, () => say({ event: 'problem', what: 'seed_elsewhere' }))
    const background = new Background(world, ({ work, solved }) =>
      say({ event: solved ? 'solved' : 'problem', what: `background ${work}` }),
    )
    return { store, mints: new Mints({ all, store, world, say }), freeze, world, background }
  }

  async open(options: EcashOptions): Promise<Wallet> {
    const parts = await this.parts(options)
    const { maxPerMint = 1_000_000, money = 'test' } = options
    const wallet = await openEcashWallet({
      ...parts,
      maxPerMint,
      money: money === 'real' ? 'real' : 'test',
      patienceMs: 5_000,
    })
    this.#open.push({ wallet, store: parts.store })
    return wallet
  }

  /** How many sats are here. */
  sats(): number {
    return this.store()
      .holdings()
      .reduce((sum, { free, held }) => sum + free + held, 0)
  }

  problems(): string[] {
    return this.events.map(({ event, what }) => `${event} ${what}`)
  }

  /** Copies the whole folder, as a backup of a stopped gate does. */
  copy(): EcashBed {
    const twin = new EcashBed(this.seed)
    this.store().db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    copyFileSync(join(this.folder, 'ecash.db'), join(twin.folder, 'ecash.db'))
    return twin
  }

  async close(): Promise<void> {
    for (const { wallet } of this.#open) await wallet?.close()
    for (const { store } of this.#open.splice(0)) if (store.db.isOpen) store.close()
    rmSync(this.folder, { recursive: true })
  }

  /** Leaves what is left when a process dies, which is the file. */
  async die(): Promise<void> {
    for (const { wallet } of this.#open) await wallet?.close()
    for (const { store } of this.#open.splice(0)) if (store.db.isOpen) store.close()
  }
}
