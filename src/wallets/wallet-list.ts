import type { Background } from '../floor/background.ts'
import { inTime } from '../floor/in-time.ts'
import { err, ok, type Result } from '../floor/result.ts'
import type { World } from '../floor/world.ts'
import { type Outage, WalletBreaker } from './breaker.ts'
import { mildest } from './invoice-refusals.ts'
import type {
  Invoice,
  InvoiceAsk,
  InvoiceRefused,
  InvoiceState,
  LookingUp,
  Wallet,
} from './wallet.ts'

/** A wallet and the name that the rows of its invoices keep. */
export interface NamedWallet {
  readonly name: string
  /** Earlier names of the same wallet. It answers for their invoices too. */
  readonly also: readonly string[]
  readonly wallet: Wallet
  /** False for a wallet that only answers for invoices that it made earlier. */
  readonly makes: boolean
}

/** Told of the outages of all wallets. */
export interface Outages {
  /** `instead` is the name of the wallet that makes invoices meanwhile. Null if none does. */
  gone(named: NamedWallet, outage: { reason: string; since: number; instead: string | null }): void
  back(named: NamedWallet, since: number): void
}

/** One wallet of the list, behind a circuit breaker of its own. */
export interface Member extends NamedWallet {
  readonly breaker: WalletBreaker
}

/** An invoice, with the name of the wallet that made it and that alone answers for it. */
export type NamedInvoice = Invoice & { readonly wallet: string }

/** ms after which the next wallet is asked as well, if there is one. The first one goes on. */
const LATE_AFTER = 3_000
/** ms for which a wallet that was late comes last. Twice as long each time, up to the longest. */
const LAST_FOR = { first: 4_000, longest: 300_000 }

/**
 * The wallets of a gate, in the order of the operator. An invoice comes from the first one that
 * makes it, and belongs to that wallet for ever: no other one is asked about it (threats J24). A
 * wallet that is down or slow is passed over, and comes back by itself.
 */
export class WalletList {
  readonly members: readonly Member[]
  readonly #world: World
  /** More than one if a node is in the list at two addresses. */
  readonly #byName: ReadonlyMap<string, readonly Member[]>
  /** Wallets that were late: how often in a row, and until when (ms of `elapsed`) they come last. */
  readonly #late = new Map<Member, { readonly times: number; readonly until: number }>()

  constructor(
    wallets: readonly NamedWallet[],
    parts: { readonly world: World; readonly outages: Outages; readonly background: Background },
  ) {
    const { world, background, outages } = parts
    this.#world = world
    this.members = wallets.map((named) => {
      const outage = this.#outage(named, outages)
      return { ...named, breaker: new WalletBreaker(named.wallet, { world, outage, background }) }
    })
    const names = [...new Set(wallets.flatMap(({ name, also }) => [name, ...also]))]
    const has = (name: string) => (one: Member) => one.name === name || one.also.includes(name)
    this.#byName = new Map(names.map((name) => [name, this.members.filter(has(name))]))
  }

  /** Whether some wallet can be asked for invoices. */
  get up(): boolean {
    return this.#usable().length > 0
  }

  /** Whether that wallet works. False for a name that no wallet has. */
  isUp(name: string): boolean {
    return this.#named(name).some(({ breaker }) => breaker.up)
  }

  /**
   * Whether invoices for many clients can be made now: not by a wallet whose preimages everybody can
   * read (threats J6).
   */
  get shares(): boolean {
    return this.#usable().some(isPrivate)
  }

  /** How many invoices strangers get in a minute from the wallet that is asked first now. */
  strangersAMinute(): number | null {
    return this.#usable()[0]?.wallet.strangersAMinute?.() ?? null
  }

  /**
   * Asks the wallets in turn until one makes the invoice. The refusal of several is the one that
   * helps the buyer most: another amount, then another time.
   */
  async createInvoice(ask: InvoiceAsk): Promise<Result<NamedInvoice, InvoiceRefused>> {
    const turns = this.#inTurn(ask)
    const refusals: InvoiceRefused[] = []
    const late: Promise<Result<NamedInvoice, InvoiceRefused>>[] = []
    for (const [index, member] of turns.entries()) {
      const making = this.#make(member, ask)
      const isLast = index === turns.length - 1
      const made = isLast ? await making : await this.#patiently(member, making)
      if (made === 'late') late.push(making)
      else if (made.ok) return made
      else refusals.push(made.error)
    }
    // No other wallet made one, so those that are late are waited for.
    for (const making of late) {
      const made = await making
      if (made.ok) return made
      refusals.push(made.error)
    }
    return err(mildest(refusals, ask.sat))
  }

  /**
   * The state of an invoice, from the wallet that made it. Null if that wallet cannot tell, or is
   * not in this list.
   */
  async lookup(
    invoice: { readonly hash: string; readonly wallet: string },
    who?: LookingUp,
  ): Promise<InvoiceState | null> {
    const states: (InvoiceState | null)[] = []
    for (const { breaker } of this.#named(invoice.wallet)) {
      const state = await breaker.lookup(invoice.hash, who)
      if (state !== null && state.is !== 'unknown') return state
      states.push(state)
    }
    // It is unknown only if all of them say so.
    return states.includes(null) ? null : (states[0] ?? null)
  }

  /** Stops all wallets. */
  async close(): Promise<void> {
    await Promise.all(this.members.map(({ breaker }) => breaker.close()))
  }

  /** The wallets of that name: those that work first. */
  #named(name: string): readonly Member[] {
    const all = this.#byName.get(name) ?? []
    return [...all.filter(({ breaker }) => breaker.up), ...all.filter(({ breaker }) => !breaker.up)]
  }

  /** The wallets that make invoices and work, those that are late behind the others. */
  #usable(): readonly Member[] {
    const working = this.members.filter(({ makes, breaker }) => makes && breaker.up)
    const isLate = (member: Member) => (this.#late.get(member)?.until ?? 0) > this.#world.elapsed()
    return [...working.filter((one) => !isLate(one)), ...working.filter(isLate)]
  }

  #inTurn({ asker }: InvoiceAsk): readonly Member[] {
    return asker === 'shared' ? this.#usable().filter(isPrivate) : this.#usable()
  }

  async #make(
    { name, breaker }: Member,
    ask: InvoiceAsk,
  ): Promise<Result<NamedInvoice, InvoiceRefused>> {
    const made = await breaker.createInvoice(ask)
    return made.ok ? ok({ ...made.value, wallet: name }) : made
  }

  async #patiently<T>(member: Member, making: Promise<T>): Promise<T | 'late'> {
    const made = await inTime(this.#world, making, { ms: LATE_AFTER, late: 'late' as const })
    if (made !== 'late') {
      this.#late.delete(member)
      return made
    }
    const times = (this.#late.get(member)?.times ?? 0) + 1
    const lasts = Math.min(LAST_FOR.first * 2 ** (times - 1), LAST_FOR.longest)
    this.#late.set(member, { times, until: this.#world.elapsed() + lasts })
    return made
  }

  #outage(named: NamedWallet, outages: Outages): Outage {
    return {
      gone: (_, reason, since) => {
        const instead = this.#usable().find(({ wallet }) => wallet !== named.wallet)?.name ?? null
        outages.gone(named, { reason, since, instead })
      },
      back: (_, since) => outages.back(named, since),
    }
  }
}

const isPrivate = ({ wallet }: Member): boolean => wallet.preimageIsPublic !== true

/** A list of that one wallet, under the name of its kind. */
export const alone = (wallet: Wallet): NamedWallet => ({
  ...{ name: wallet.kind, also: [], wallet, makes: true },
})
