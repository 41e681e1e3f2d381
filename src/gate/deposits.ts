import { assert } from '../floor/assert.ts'
import type { World } from '../floor/world.ts'
import type { AccountId, Ledger, PaymentId } from '../ledger/ledger.ts'
import type { Passes, PassRow } from '../ledger/passes.ts'
import { type Msat, ZERO } from '../money/msat.ts'
import type { Tiers } from '../money/tiers.ts'
import type { Identifier } from '../passes/identifier.ts'
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
  /** What larger payments buy, whatever the rail. */
  readonly tiers: Tiers
}

/** Turns receipts into balances. It is the only caller of `deposit` for a rail. */
export class Deposits {
  readonly #parts: DepositParts
  readonly #running = new Map<string, Promise<Credited>>()

  constructor(parts: DepositParts) {
    this.#parts = parts
  }

  /**
   * Credits a payment; it is on disk when this resolves. The same payment is credited once, however
   * often it is told (threats B7, C6). Calls for one payment run one after the other, so that two
   * of them cannot open two accounts. If they are for different accounts, the first one has it, and the
   * others are told where it is.
   */
  credit(receipt: Receipt): Promise<Credited> {
    const { payment } = receipt
    const before: Promise<Credited | null> = this.#running.get(payment) ?? Promise.resolve(null)
    const credited = before.then(
      (earlier) => this.#credit(receipt, earlier),
      () => this.#credit(receipt, null),
    )
    this.#running.set(payment, credited)
    const over = () => {
      if (this.#running.get(payment) === credited) this.#running.delete(payment)
    }
    credited.then(over, over)
    return credited
  }

  /**
   * The pass of the account that a payment opened, which was given out before. Only for somebody who has
   * proved to be its buyer (threats L1). Null if the payment opened none.
   */
  async passAgain(payment: PaymentId): Promise<string | null> {
    const row = await this.#parts.passes.get(passNameOf(payment))
    return row === null ? null : this.#passIn(row)
  }

  async #credit(receipt: Receipt, earlier: Credited | null): Promise<Credited> {
    const credited = await this.#creditNow(receipt, earlier)
    receipt.credited?.(credited.account)
    return credited
  }

  async #creditNow(receipt: Receipt, earlier: Credited | null): Promise<Credited> {
    const { account, payment } = receipt
    if (typeof account !== 'string') {
      const opened =
        earlier === null || (await this.#parts.passes.get(passNameOf(payment))) !== null
      return opened ? this.#open(receipt, account.opens) : { account: earlier.account, pass: null }
    }
    if (earlier !== null && earlier.account !== account) {
      return { account: earlier.account, pass: null }
    }
    await this.#deposit(receipt, account)
    return { account, pass: null }
  }

  /**
   * Opens an account and makes its pass, in one commit. The same payment never opens a second
   * account.
   */
  async #open(receipt: Receipt, caveats: readonly string[]): Promise<Credited> {
    const { passes, keys, world } = this.#parts
    const { payment, unpresented = false } = receipt
    const hash = passNameOf(payment)
    const known = await passes.get(hash)
    if (known !== null) {
      await this.#deposit(receipt, known.account)
      return { account: known.account, pass: await this.#kept(receipt, known) }
    }
    const named = { hash, tokenId: hex(world.random(32)) }
    const account = newAccount(world.random)
    const { id: keyId, master } = keys.current
    const createdAt = world.now()
    await Promise.all([
      passes.put({
        ...{ ...named, payment, keyId, account, shared: false, caveats },
        // If the pass is given away now, it is never disclosed again.
        ...{ createdAt, usedAt: unpresented ? null : createdAt, generation: 0 },
      }),
      this.#deposit(receipt, account),
    ])
    const pass = unpresented ? null : passFor(named, master, caveats)
    return { account, pass }
  }

  /** The pass of an account that was opened before anybody presented its payment, for the first who does. */
  async #kept({ unpresented }: Receipt, row: PassRow): Promise<string | null> {
    if (unpresented === true || row.usedAt !== null) return null
    const pass = this.#passIn(row)
    if (pass !== null) await this.#parts.passes.markUsed(row.hash, this.#parts.world.now())
    return pass
  }

  /** The text of a pass, made anew from its row. */
  #passIn({ hash, tokenId, keyId, caveats }: PassRow): string | null {
    const master = this.#parts.keys.byId(keyId)
    if (tokenId === null || caveats === null || master === null) return null
    return passFor({ hash, tokenId }, master, caveats)
  }

  /**
   * Writes the deposit and the rail's own record in one commit. Resolves when both are on disk, and
   * nothing is served before.
   */
  async #deposit(receipt: Receipt, account: AccountId): Promise<void> {
    const { ledger, world, say } = this.#parts
    const at = world.now()
    const { credit, payment, rail, native, record } = receipt
    const head = { payment, account, rail, native, at }
    const [deposited] = await Promise.all([
      ledger.deposit(
        credit === 'usd'
          ? { ...head, credit, amount: receipt.amount }
          : {
              ...{ ...head, credit, amount: receipt.amount },
              ...{ source: receipt.source, bonus: this.#bonusOf(receipt) },
            },
      ),
      record?.(at),
    ])
    if (!deposited.ok) {
      assert(deposited.error === 'already_deposited', 'a payment is credited to one account')
    } else if (credit !== 'bonus') {
      const amount = Number(receipt.amount)
      const of = credit === 'usd' ? { amount_usd_micros: amount } : { amount_msat: amount }
      say({ event: 'paid', rail, account: shortName(account), ...of })
    }
  }

  /** What the tiers add to a payment, or what its buyer was promised. A gift gets nothing. */
  #bonusOf({ amount, credit, promised = ZERO }: Exclude<Receipt, { credit: 'usd' }>): Msat {
    if (credit !== 'paid') return ZERO
    const bonus = this.#parts.tiers.bonusOf(amount)
    return bonus > promised ? bonus : promised
  }
}

const passFor = (named: Identifier, master: Uint8Array, caveats: readonly string[]): string =>
  `${macaroonOf(named, master, caveats)}:${settlementSecret(master, named)}`
