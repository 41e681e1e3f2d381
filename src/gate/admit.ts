import { assert } from '../floor/assert.ts'
import { inTime } from '../floor/in-time.ts'
import { err, ok, type Result } from '../floor/result.ts'
import type { World } from '../floor/world.ts'
import type { InvoiceRow, Invoices } from '../ledger/invoices.ts'
import { printCaveat } from '../passes/caveat.ts'
import type { Credential, Forbidden, Operation, Pass, Presented } from '../passes/pass.ts'
import { brokenRule, judge, judgeBearer } from '../passes/read.ts'
import type { Verify } from '../passes/verify.ts'
import type { RedeemRefused } from '../rails/rail.ts'
import type { Accounts } from './accounts.ts'
import type { Payer } from './payer.ts'

/**
 * Why a credential does not admit, in order of precedence. `unknown` to `expired` are a 402 with
 * offers; `forbidden` is a 403 without; `pending` and `unreachable` are a 503 without a challenge.
 */
export type NotAdmitted =
  | { readonly why: 'unknown' | 'bad_caveat' | 'bad_secret' | 'expired' }
  | { readonly why: 'pending' | 'unreachable' }
  | {
      readonly why: 'forbidden'
      readonly by: Exclude<Forbidden, 'expired' | 'preimage'>
      /** The caveat that forbids it, as it is written: `model = llama*`. */
      readonly caveat: string
    }

/** ms that a pass waits for its payment to be on disk, behind those that it waits for the wallet. */
const PATIENCE = 20_000

/** Verifies passes and finds their accounts. */
export class Doorkeeper {
  readonly #verify: Verify
  readonly #invoices: Invoices
  readonly #accounts: Accounts
  readonly #world: World

  constructor(parts: {
    readonly verify: Verify
    readonly invoices: Invoices
    readonly accounts: Accounts
    readonly world: World
  }) {
    this.#verify = parts.verify
    this.#invoices = parts.invoices
    this.#accounts = parts.accounts
    this.#world = parts.world
  }

  /**
   * The account of a credential, its payment settled and on disk. `operation` is judged against the
   * caveats; null asks only who it is (balance, usage, top-up).
   */
  async admit(
    credential: Credential,
    operation: Pick<Operation, 'path' | 'method' | 'model'> | null,
  ): Promise<Result<Payer, NotAdmitted>> {
    const found = await this.#find(credential)
    if (!found.ok) return found
    const { pass, row } = found.value
    const forbidden = this.#judge(pass, credential, operation)
    if (forbidden !== null && forbidden.why !== 'forbidden') return err(forbidden)
    const refused = await inTime(this.#world, this.#enter(pass, row, credential), {
      ms: PATIENCE,
      late: 'unreachable' as const,
    })
    if (refused !== null) return err({ why: refused })
    if (forbidden !== null) return err(forbidden)
    return ok({ account: row.account, limits: pass.limits, scope: pass.scope, via: 'pass' })
  }

  /** Its payment is credited, is this pass's own and is in use from now on: all of it on disk. */
  async #enter(pass: Pass, row: InvoiceRow, { secret }: Credential): Promise<RedeemRefused | null> {
    const refused = await this.#accounts.redeem(row, secret)
    if (refused !== null) return refused
    if (!(await this.#accounts.owns(row, pass.tokenId))) return 'unknown'
    await this.#accounts.used(row)
    return null
  }

  async #find(
    credential: Credential,
  ): Promise<Result<{ pass: Pass; row: InvoiceRow }, NotAdmitted>> {
    const verified = this.#verify(credential)
    if (!verified.ok) return err({ why: WHY[verified.error] })
    const { pass, keyId } = verified.value
    const row = await this.#rowOf(pass, keyId)
    return row === null ? err({ why: 'unknown' }) : ok({ pass, row })
  }

  /** Whether a damaged key was paid for. Nobody but the store is asked (threats K12). */
  async wasPaid({ pass, keyId }: Extract<Presented, { is: 'damaged' }>): Promise<boolean> {
    const row = await this.#rowOf(pass, keyId)
    return row !== null && row.settledAt !== null
  }

  /** The invoice that a verified macaroon was made with. */
  async #rowOf(pass: Pass, keyId: string): Promise<InvoiceRow | null> {
    const row = await this.#invoices.get(pass.hash)
    if (row === null || row.keyId !== keyId) return null
    // A shared row is nobody's until somebody has paid it.
    const named = row.tokenId ?? pass.tokenId
    return named === pass.tokenId ? row : null
  }

  #judge(
    pass: Pass,
    { secret }: Credential,
    operation: Pick<Operation, 'path' | 'method' | 'model'> | null,
  ): NotAdmitted | null {
    const now = this.#world.now()
    if (operation === null) {
      const good = judgeBearer(pass, { secret, now })
      return good.ok ? null : { why: good.error === 'expired' ? 'expired' : 'bad_secret' }
    }
    const held = { ...operation, secret, now }
    const judged = judge(pass, held)
    if (judged.ok) return null
    if (judged.error === 'expired') return { why: 'expired' }
    if (judged.error === 'preimage') return { why: 'bad_secret' }
    const by = judged.error
    const rule = brokenRule(pass, held, by)
    assert(rule !== undefined, 'a rule of that kind does not hold')
    return { why: 'forbidden', by, caveat: printCaveat(rule) }
  }
}

const WHY = {
  malformed: 'unknown',
  bad_signature: 'unknown',
  malformed_caveat: 'bad_caveat',
  unknown_caveat: 'bad_caveat',
} as const
