import { createHash } from 'node:crypto'
import { sleep, type World } from '../floor/world.ts'
import type { InvoiceRow, Invoices } from '../ledger/invoices.ts'
import type { AccountId, Ledger } from '../ledger/ledger.ts'
import type { L402 } from '../rails/l402.ts'
import type { Receipt, RedeemRefused } from '../rails/rail.ts'
import type { Say } from './ports.ts'

/** ms that a right secret waits for a wallet that does not see its payment yet. */
const PATIENCE = 15_000
const ASK_AGAIN = 500

/** The whole name of an account, which people see the beginning of. Nobody can spend with it. */
export const wholeName = (account: AccountId): string =>
  createHash('sha256').update(account).digest('hex')

/** The name of an account wherever it is shown: in events, commands and `/v1/balance`. */
export const shortName = (account: AccountId): string => wholeName(account).slice(0, 8)

/** Turns payments into balances: the only caller of `deposit` on behalf of a rail. */
export class Accounts {
  readonly #ledger: Ledger
  readonly #invoices: Invoices
  readonly #l402: L402
  readonly #world: World
  readonly #say: Say
  readonly #learning = new Map<string, Promise<RedeemRefused | null>>()

  constructor(parts: {
    readonly ledger: Ledger
    readonly invoices: Invoices
    readonly l402: L402
    readonly world: World
    readonly say: Say
  }) {
    this.#ledger = parts.ledger
    this.#invoices = parts.invoices
    this.#l402 = parts.l402
    this.#world = parts.world
    this.#say = parts.say
  }

  /**
   * The account behind a secret, its money on disk; or why not. A right secret whose payment is not
   * seen yet is waited for, some 15 s.
   */
  async redeem(row: InvoiceRow, secret: string): Promise<RedeemRefused | null> {
    const until = this.#world.now() + PATIENCE
    for (;;) {
      const redeemed = await this.#l402.redeem(row, secret)
      if (redeemed.ok) {
        if (redeemed.value.fresh) await this.#credit(row, redeemed.value.receipt)
        return null
      }
      if (redeemed.error === 'bad_secret' || redeemed.error === 'unknown') return redeemed.error
      if (this.#world.now() >= until) return redeemed.error
      await sleep(this.#world, ASK_AGAIN)
      const now = await this.#invoices.get(row.hash)
      if (now !== null && now.settledAt !== null) return null
    }
  }

  /**
   * Credits an invoice if its wallet says it is settled. One at a time for each invoice, and the
   * deposit is idempotent by the payment: told twice, credited once (threats B7, C6).
   */
  learn(hash: string): Promise<RedeemRefused | null> {
    const running = this.#learning.get(hash)
    if (running !== undefined) return running
    const learning = this.#learn(hash).finally(() => this.#learning.delete(hash))
    this.#learning.set(hash, learning)
    return learning
  }

  /**
   * Whether a pass of that name is the invoice's own. One that was shown to many belongs to the first
   * that presents its preimage, for good: whoever learns it later has nothing (threats J6).
   */
  async owns(row: InvoiceRow, tokenId: string): Promise<boolean> {
    const owner = row.tokenId ?? (await this.#invoices.claim(row.hash, tokenId))
    return owner === tokenId
  }

  /** The invoice's pass is in use: its status token discloses nothing from now on. */
  async used(row: InvoiceRow): Promise<void> {
    if (row.usedAt === null) await this.#invoices.markUsed(row.hash, this.#world.now())
  }

  async #learn(hash: string): Promise<RedeemRefused | null> {
    const row = await this.#invoices.get(hash)
    if (row === null) return 'unknown'
    const settled = await this.#l402.settlement(row)
    if (!settled.ok) return settled.error
    if (settled.value.fresh) await this.#credit(row, settled.value.receipt)
    return null
  }

  /** Deposit and mark in one commit; nothing is served before both are on disk. */
  async #credit(row: InvoiceRow, receipt: Receipt): Promise<void> {
    const at = this.#world.now()
    const { payment, account, amount, rail, native } = receipt
    const [deposited] = await Promise.all([
      this.#ledger.deposit({ payment, account, amount, credit: 'paid', rail, native, at }),
      this.#invoices.markSettled(row.hash, at),
    ])
    if (!deposited.ok) return
    this.#say({
      event: 'paid',
      rail,
      account: shortName(account),
      amount_msat: Number(amount),
    })
  }
}
