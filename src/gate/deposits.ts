import { assert } from '../floor/assert.ts'
import type { World } from '../floor/world.ts'
import type { AccountId, Ledger } from '../ledger/ledger.ts'
import type { Passes } from '../ledger/passes.ts'
import { settlementSecret } from '../passes/keys.ts'
import { hex, macaroonOf, newAccount, passNameOf, type RootKeys } from '../passes/write.ts'
import type { Credited, Receipt } from '../rails/rail.ts'
import { shortName } from './account-name.ts'
import type { Say } from './ports.ts'

export interface DepositParts {
  readonly ledger: Ledger
  readonly passes: Passes
  readonly keys: RootKeys
  readonly world: World
  readonly say: Say
}

/** Turns receipts into balances: the only caller of `deposit` on behalf of a rail. */
export class Deposits {
  readonly #parts: DepositParts
  readonly #running = new Map<string, Promise<Credited>>()

  constructor(parts: DepositParts) {
    this.#parts = parts
  }

  /**
   * Credits a payment, on disk when this resolves. A deposit is idempotent by its payment: told twice,
   * it is credited once (threats B7, C6). One call at a time for each payment, so that two at once do
   * not open two accounts.
   */
  credit(receipt: Receipt): Promise<Credited> {
    const { payment } = receipt
    const before = this.#running.get(payment) ?? Promise.resolve()
    const credited = before.then(
      () => this.#credit(receipt),
      () => this.#credit(receipt),
    )
    this.#running.set(payment, credited)
    const over = () => {
      if (this.#running.get(payment) === credited) this.#running.delete(payment)
    }
    credited.then(over, over)
    return credited
  }

  async #credit(receipt: Receipt): Promise<Credited> {
    const { account } = receipt
    if (typeof account !== 'string') return this.#open(receipt, account.opens)
    await this.#deposit(receipt, account)
    return { account, pass: null }
  }

  /** An account and its pass, in one commit. A payment that has opened one opens no other. */
  async #open(receipt: Receipt, caveats: readonly string[]): Promise<Credited> {
    const { passes, keys, world } = this.#parts
    const { payment } = receipt
    const hash = passNameOf(payment)
    const known = await passes.get(hash)
    if (known !== null) {
      await this.#deposit(receipt, known.account)
      return { account: known.account, pass: null }
    }
    const named = { hash, tokenId: hex(world.random(32)) }
    const account = newAccount(world.random)
    const { id: keyId, master } = keys.current
    const createdAt = world.now()
    await Promise.all([
      passes.put({
        ...{ ...named, payment, keyId, account, shared: false, caveats: null },
        // It is given away now: no status token discloses it later.
        ...{ createdAt, usedAt: createdAt },
      }),
      this.#deposit(receipt, account),
    ])
    const secret = settlementSecret(master, named)
    return { account, pass: `${macaroonOf(named, master, caveats)}:${secret}` }
  }

  /** The deposit and what the rail records are one commit. Nothing is served before both are on disk. */
  async #deposit(receipt: Receipt, account: AccountId): Promise<void> {
    const { ledger, world, say } = this.#parts
    const at = world.now()
    const { payment, amount, credit, rail, native, record } = receipt
    const [deposited] = await Promise.all([
      ledger.deposit({ payment, account, amount, credit, rail, native, at }),
      record?.(at),
    ])
    if (!deposited.ok) {
      assert(deposited.error === 'already_deposited', 'a payment is credited to one account')
    } else if (credit === 'paid') {
      say({ event: 'paid', rail, account: shortName(account), amount_msat: Number(amount) })
    }
  }
}
