import { err, ok, type Result } from '../floor/result.ts'
import type { World } from '../floor/world.ts'
import type { InvoiceRow, Invoices } from '../ledger/invoices.ts'
import { judge } from '../passes/judge.ts'
import type { Credential, Forbidden, Operation, Pass } from '../passes/pass.ts'
import type { Verifier } from '../passes/verify.ts'
import type { Accounts } from './accounts.ts'
import type { Buyer } from './steps.ts'

/**
 * Why a credential does not admit, in order of precedence. `unknown` to `expired` are a 402 with
 * offers; `forbidden` is a 403 without; `pending` and `unreachable` are a 503 without a challenge.
 */
export type NotAdmitted =
  | { readonly why: 'unknown' | 'bad_caveat' | 'bad_secret' | 'expired'; readonly buyer: null }
  | { readonly why: 'pending' | 'unreachable'; readonly buyer: null }
  | { readonly why: 'forbidden'; readonly by: Exclude<Forbidden, 'expired' | 'preimage'> }

/** Verifies passes and finds their accounts. */
export class Doorkeeper {
  readonly #verifier: Verifier
  readonly #invoices: Invoices
  readonly #accounts: Accounts
  readonly #world: World

  constructor(parts: {
    readonly verifier: Verifier
    readonly invoices: Invoices
    readonly accounts: Accounts
    readonly world: World
  }) {
    this.#verifier = parts.verifier
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
  ): Promise<Result<Buyer & { readonly row: InvoiceRow }, NotAdmitted>> {
    const found = await this.#find(credential)
    if (!found.ok) return found
    const { pass, row } = found.value
    const forbidden = this.#judge(pass, credential, operation)
    if (forbidden !== null && forbidden.why !== 'forbidden') return err(forbidden)
    const refused = await this.#accounts.redeem(row, credential.secret)
    if (refused !== null) return err({ why: refused, buyer: null })
    await this.#accounts.used(row)
    if (forbidden !== null) return err(forbidden)
    return ok({ account: row.account, pass, limits: pass.limits, row })
  }

  async #find(
    credential: Credential,
  ): Promise<Result<{ pass: Pass; row: InvoiceRow }, NotAdmitted>> {
    const read = this.#verifier.identify(credential)
    if (read === null) return err({ why: 'unknown', buyer: null })
    const row = await this.#invoices.get(read.hash)
    if (row === null || row.tokenId !== read.tokenId) return err({ why: 'unknown', buyer: null })
    const verified = this.#verifier.verify(credential, row.keyId)
    if (!verified.ok) {
      return err({ why: verified.error === 'bad_caveat' ? 'bad_caveat' : 'unknown', buyer: null })
    }
    return ok({ pass: verified.value, row })
  }

  #judge(
    pass: Pass,
    { secret }: Credential,
    operation: Pick<Operation, 'path' | 'method' | 'model'> | null,
  ): NotAdmitted | null {
    const now = this.#world.now()
    const asked = operation ?? { path: '', method: '', model: null }
    const judged = judge(pass, { ...asked, secret, now })
    if (judged.ok) return null
    if (judged.error === 'expired') return { why: 'expired', buyer: null }
    if (judged.error === 'preimage') return { why: 'bad_secret', buyer: null }
    return operation === null ? null : { why: 'forbidden', by: judged.error }
  }
}
