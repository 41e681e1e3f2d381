import type { World } from '../floor/world.ts'
import type { AccountId } from '../ledger/ledger.ts'
import type { WithdrawalId } from '../ledger/withdrawals.ts'
import { askedName, ecashWithdrawal } from './names.ts'

/** Stores small facts. `remember` resolves when the value is on disk. */
export interface Facts {
  remember(key: string, value: string): Promise<void>
  recall(key: string): Promise<string | null>
}

/** ms in which the same request without an Idempotency-Key gets the same token again. */
const REPEATS_WITHIN = 600_000

/** What an account asks for. */
export interface Asking {
  readonly account: AccountId
  /** The body of the request in one spelling. */
  readonly body: string
  /** The Idempotency-Key. */
  readonly key: string | null
}

interface Kept {
  readonly body: string
  readonly at: number
  /** The number of the last token that was made for this body. */
  readonly n: number
}

/**
 * Recognises a request that comes again, so that its answer can be given again (threats B10). The
 * facts are written after the withdrawal and before anything is sent.
 */
export class Repeats {
  readonly #facts: Facts
  readonly #world: Pick<World, 'now'>

  constructor(facts: Facts, world: Pick<World, 'now'>) {
    this.#facts = facts
    this.#world = world
  }

  /** Whether that Idempotency-Key of that account came with another body before. */
  async reused({ account, body, key }: Asking): Promise<boolean> {
    if (key === null) return false
    const kept = await this.#recall(askedName(account, 'key', key))
    return kept !== null && kept.body !== body
  }

  /**
   * The number of the token that is asked for: the last one again for the same body within ten
   * minutes, otherwise the next. With a key there is one token.
   */
  async number({ account, body, key }: Asking): Promise<number> {
    if (key !== null) return 1
    const kept = await this.#recall(askedName(account, 'body', body))
    const recent = kept !== null && this.#world.now() - kept.at < REPEATS_WITHIN
    return (kept?.n ?? 0) + (recent ? 0 : 1)
  }

  /** The id of the withdrawal of that number. */
  ecashId({ account, body, key }: Asking, number: number): WithdrawalId {
    return key === null
      ? ecashWithdrawal(account, 'body', body, `${number}`)
      : ecashWithdrawal(account, 'key', key)
  }

  /** To be called when the withdrawal is in the book, and before it is sent. */
  async note({ account, body, key }: Asking, n: number): Promise<void> {
    const name = key === null ? askedName(account, 'body', body) : askedName(account, 'key', key)
    const kept: Kept = { body, at: this.#world.now(), n }
    await this.#facts.remember(name, JSON.stringify(kept))
  }

  async #recall(name: string): Promise<Kept | null> {
    const text = await this.#facts.recall(name)
    return text === null ? null : JSON.parse(text)
  }
}

/** Keeps the invoices that are being paid, so that a restart can go on with them. */
export class SentInvoices {
  readonly #facts: Facts

  constructor(facts: Facts) {
    this.#facts = facts
  }

  /** To be called when the withdrawal is in the book, and before its invoice is given to the wallet. */
  put(id: WithdrawalId, bolt11: string): Promise<void> {
    return this.#facts.remember(`withdrawal:${id}`, bolt11)
  }

  /** Null if the invoice was never given to a wallet. */
  async get(id: WithdrawalId): Promise<string | null> {
    const bolt11 = await this.#facts.recall(`withdrawal:${id}`)
    return bolt11 === null || bolt11 === '' ? null : bolt11
  }

  /** The withdrawal is over. */
  forget(id: WithdrawalId): Promise<void> {
    return this.#facts.remember(`withdrawal:${id}`, '')
  }
}
