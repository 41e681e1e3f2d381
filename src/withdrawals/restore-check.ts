import type { Background } from '../floor/background.ts'
import type { World } from '../floor/world.ts'
import type { AccountId } from '../ledger/ledger.ts'
import type { WithdrawalBook } from '../ledger/withdrawals.ts'
import { type Msat, msat } from '../money/msat.ts'
import type { ListedPayment } from '../wallets/outgoing.ts'
import { accountIn, invoiceWithdrawal } from './names.ts'
import type { WithdrawRefused } from './refused.ts'
import type { Facts } from './repeats.ts'
import type { WithdrawalSource } from './source.ts'

/** Whether withdrawals are off until the operator allows them. The value is since when, in ms. */
const PAUSED = 'withdrawals:paused'
/** When the payments of a source were last compared with the book, in ms since the epoch. */
const compared = (source: string): string => `withdrawals:compared:${source}`
/** The names that this gate had, separated by spaces: its root keys may have been exchanged since. */
const NAMES = 'withdrawals:names'
/** ms by which the clocks of a wallet and of a gate may differ. */
const CLOCKS = 3_600_000

/** The coins of mints, which may be older than what the mints have signed. */
export interface RestoredCoins {
  /** Since when they are known to be none. Null if nothing was restored, or it was confirmed. */
  restored(): { readonly since: number } | null
  confirm(): void
}

export interface RestoreCheckParts {
  readonly book: Pick<WithdrawalBook, 'withdrawal' | 'recordLost'>
  readonly sources: readonly WithdrawalSource[]
  readonly facts: Facts
  /** The names of this gate at its wallets: one for each of its root keys. */
  readonly gates: readonly string[]
  /** The folder is a copy: its ledger may be older than what its wallets have paid. */
  readonly copied: boolean
  /** What the ecash wallet knows of a restore. Null if there is none. */
  readonly ecash: RestoredCoins | null
  readonly world: World
  readonly background: Background
  readonly told: {
    /** A payment was found that the book did not know. It is booked. */
    lost(account: AccountId, amount: Msat, source: string): void
    /** Withdrawals out of this source are off until the operator allows them. */
    paused(source: string): void
    allowed(source: string): void
  }
}

/**
 * Keeps a ledger that was restored from an older backup from paying twice (threats L13). Before
 * anything leaves a wallet that can list its payments, those that the book does not know are booked.
 * A wallet that cannot list them pays nothing in a copied folder until the operator has said that it
 * may, and mints pay nothing after their coins were restored.
 */
export class RestoreCheck {
  readonly #parts: RestoreCheckParts
  /** Sources whose payments are all in the book, as far as can be known. */
  readonly #clear = new Set<string>()
  /** The folder is older than what left, or may be, and the operator has allowed nothing yet. */
  #older = false
  #names: readonly string[] = []

  constructor(parts: RestoreCheckParts) {
    this.#parts = parts
  }

  start(): void {
    const pace = { every: 2_000, longest: 60_000 }
    const { background, sources } = this.#parts
    background.until('withdrawals', pace, async () => {
      await this.#remember()
      for (const source of sources) this.#check(source)
    })
  }

  /** Why nothing may leave that source now. Null if it may. */
  paused(source: string): WithdrawRefused | null {
    if (this.waiting.includes(source)) return { why: 'paused', source }
    return this.#clear.has(source) ? null : { why: 'unreachable', source }
  }

  /** Sources out of which nothing leaves until the operator allows it. */
  get waiting(): readonly string[] {
    const { ecash, sources } = this.#parts
    const coins = ecash !== null && ecash.restored() !== null
    const isOff = (one: WithdrawalSource) =>
      one.ecash === null ? this.#older && isUnlisted(one) : coins
    return sources.filter(isOff).map(({ source }) => source)
  }

  /** The operator says that buyers may withdraw again. Resolves when it is on disk. */
  async allow(): Promise<void> {
    const { ecash, facts, told } = this.#parts
    const off = this.waiting
    await facts.remember(PAUSED, '')
    this.#older = false
    ecash?.confirm()
    for (const source of off) told.allowed(source)
  }

  /** Decides what is paused, and how this gate may be called. Both outlive a restart. */
  async #remember(): Promise<void> {
    const { copied, facts, gates, world } = this.#parts
    const before = (await facts.recall(NAMES)) ?? ''
    this.#names = [...new Set([...gates, ...before.split(' ').filter((name) => name !== '')])]
    const names = this.#names.join(' ')
    if (names !== before) await facts.remember(NAMES, names)
    if (copied) await facts.remember(PAUSED, `${world.now()}`)
    const since = await facts.recall(PAUSED)
    this.#older = since !== null && since !== ''
  }

  /** Compares a source with the book, once it is known whether it pays at all. */
  #check(source: WithdrawalSource): void {
    const pace = { every: 10_000, longest: 60_000 }
    const name = source.source
    const work = this.#parts.background.repeat(`payments of ${name}`, pace, async () => {
      if (source.lightning === null && source.ecash === null) return
      await this.#compare(source)
      this.#clear.add(name)
      if (this.waiting.includes(name)) this.#parts.told.paused(name)
      work.end()
    })
  }

  async #compare({ lightning, source }: WithdrawalSource): Promise<void> {
    const { facts, world } = this.#parts
    const list = lightning?.list ?? null
    if (list === null) return
    const now = world.now()
    const last = Number((await facts.recall(compared(source))) ?? CLOCKS)
    const listed = await list(last - CLOCKS)
    for (const payment of listed) await this.#book(payment, source)
    await facts.remember(compared(source), `${now}`)
  }

  async #book({ amountMsat, id: name, paymentHash, state }: ListedPayment, source: string) {
    const { book, told, world } = this.#parts
    const account = accountIn(name, this.#names)
    if (account === null || state.is === 'failed' || state.is === 'unknown') return
    const id = invoiceWithdrawal(paymentHash)
    if ((await book.withdrawal(id)) !== null) return
    // It may still fail, and then the account has the money. Until it is known nothing leaves.
    if (state.is === 'pending') throw new Error('a payment of an earlier run is not over')
    const [amount, fee] = [msat(amountMsat), msat(state.feeMsat)]
    await book.recordLost({ id, account, source, amount, fee, at: world.now() })
    told.lost(account, amount, source)
  }
}

/** Whether it pays invoices, and cannot list those that it paid for us. */
const isUnlisted = ({ lightning }: WithdrawalSource): boolean =>
  lightning !== null && lightning.list === null
