import { assert } from '../floor/assert.ts'
import { err, ok, type Result } from '../floor/result.ts'
import type { World } from '../floor/world.ts'
import type { AccountId } from '../ledger/ledger.ts'
import type { Passes } from '../ledger/passes.ts'
import { floorSat } from '../money/msat.ts'
import type { Invoicing, Payee } from '../rails/lightning/invoicing.ts'
import type { PaidRequest, Presentation, Rail, Receipt } from '../rails/rail.ts'
import type { Authenticator } from './authenticate.ts'
import { BAD_CREDENTIAL } from './buying.ts'
import type { Deposits } from './deposits.ts'
import type { Incoming } from './ports.ts'
import { withoutPayment } from './presentation.ts'
import { readRedeemAsk } from './redeem-ask.ts'
import { LEDGER, PENDING, type Refusal, refuse } from './refusal.ts'
import { requestBody } from './request-body.ts'

/** What a token bought. `pending`: its mint has not answered yet; it is asked for again. */
export type Redeemed =
  | { readonly is: 'pending' }
  | {
      readonly is: 'credited'
      readonly sats: number
      /** What opens the pass of the invoice that the token was for. */
      readonly secret: string | null
      /** `<macaroon>:<secret>`, the only time that the token opens an account. */
      readonly pass: string | null
    }

interface Parts {
  /** The rail of the tokens. */
  readonly rail: Pick<Rail<{ readonly token: string }>, 'redeem'>
  readonly deposits: Pick<Deposits, 'credit'>
  readonly invoicing: Pick<Invoicing, 'payee'>
  readonly passes: Pick<Passes, 'markUsed'>
  readonly authenticator: Authenticator
  readonly world: Pick<World, 'now'>
  /** Why nothing can be delivered now; null while the backend is there. */
  gone(): Refusal | null
  /** False while a commit has failed or is late. */
  healthy(): boolean
}

/** Whom a token is for. */
interface Target {
  readonly account: AccountId | null
  /** Set if the token is for the account of an invoice. */
  readonly payee: (Payee & { readonly hash: string }) | null
}

/** Taking tokens without a request that they pay for: `POST /cashu-redeem`. */
export class Redeeming {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /**
   * Takes a token. It is for the account of an invoice, of which the status token is shown (threats
   * L17); or for the account of the pass in the headers; or it opens an account. Repeating it gives
   * the same answer, but for the pass.
   */
  async redeem(
    body: unknown,
    presented: Presentation,
    { client, origin, body: bytes }: Pick<Incoming, 'client' | 'origin' | 'body'>,
  ): Promise<Result<Redeemed, Refusal>> {
    const asked = readRedeemAsk(body)
    if (!asked.ok) return asked
    if (!this.#parts.healthy()) return err(LEDGER)
    const { token, invoice } = asked.value
    const target = await (invoice === null ? this.#holder(presented) : this.#invoice(invoice))
    if (!target.ok) return target
    const { account, payee } = target.value
    if (payee?.used === true && !(await this.#isTheirs(token, payee.account))) return err(IN_USE)
    const call: PaidRequest = {
      ...{ path: '/cashu-redeem', method: 'POST', model: null, client, account, origin },
      ...{ body: requestBody({ body: bytes }), short: () => null },
    }
    const redeemed = await this.#parts.rail.redeem({ token }, call)
    if (redeemed.ok) return this.#credit(redeemed.value, target.value)
    const refused = redeemed.error
    if (typeof refused === 'string') return err(PENDING)
    if (refused.soon === true) return ok({ is: 'pending' })
    const { status, code, message, retryAfterSeconds: seconds } = refused
    return err(refuse(status, code, message, { retryAfterSeconds: seconds ?? null }))
  }

  async #credit(receipt: Receipt, { account, payee }: Target): Promise<Result<Redeemed, Refusal>> {
    const { amount, credit, known, account: owner } = receipt
    assert(credit !== 'usd', 'a token is in sats')
    // Whoever presented it first gets its pass, so it is not credited here.
    if (account !== null && owner !== account) return err(ELSEWHERE)
    const credited =
      known === true && typeof owner === 'string'
        ? { account: owner, pass: null }
        : await this.#parts.deposits.credit(receipt)
    // From now on the pass of the invoice is paid for, whether the invoice is or not.
    if (payee !== null) await this.#parts.passes.markUsed(payee.hash, this.#parts.world.now())
    const { pass } = credited
    return ok({
      is: 'credited',
      sats: floorSat(amount),
      secret: payee?.settlementSecret ?? null,
      pass,
    })
  }

  /** Whether this very token was credited to that account before. Takes nothing. */
  async #isTheirs(token: string, account: AccountId): Promise<boolean> {
    const seen = await this.#parts.rail.redeem({ token }, null)
    return seen.ok && seen.value.account === account
  }

  async #invoice(invoice: {
    readonly hash: string
    readonly statusToken: string
  }): Promise<Result<Target, Refusal>> {
    const { hash, statusToken } = invoice
    const known = /^[0-9a-f]{64}$/.test(hash)
    const payee = known ? await this.#parts.invoicing.payee(hash, statusToken) : null
    if (payee === null) return err(NO_INVOICE)
    return ok({ account: payee.account, payee: { ...payee, hash } })
  }

  /** The account of the pass in the headers. A stranger gets a new one. */
  async #holder(given: Presentation): Promise<Result<Target, Refusal>> {
    const presented = withoutPayment(given)
    if (presented.is === 'absent') {
      const gone = this.#parts.gone()
      return gone === null ? ok({ account: null, payee: null }) : err(gone)
    }
    if (presented.is !== 'credential') return err(BAD_CREDENTIAL)
    const identified = await this.#parts.authenticator.authenticate(presented, null)
    if (identified.ok) return ok({ account: identified.value.account, payee: null })
    const { why } = identified.error
    return err(why === 'pending' || why === 'unreachable' ? PENDING : BAD_CREDENTIAL)
  }
}

const NO_INVOICE = refuse(
  404,
  'invoice_not_found',
  'No such invoice, or not with this statusToken. Nothing was taken. Both are in the payment_url of the invoice.',
)
const IN_USE = refuse(
  400,
  'pass_in_use',
  'The pass of this invoice is in use already. Nothing was taken. To top it up, send it with this request: Authorization: Bearer <macaroon>:<secret>.',
)
const ELSEWHERE = refuse(
  402,
  'token_used',
  'This token was paid in before, on another account. Send it as the key of a request to use what is left there.',
)
