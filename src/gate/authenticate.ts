import { assert } from '../floor/assert.ts'
import { type Awaitable, andThen } from '../floor/awaitable.ts'
import { inTime } from '../floor/in-time.ts'
import { err, ok, type Result } from '../floor/result.ts'
import type { World } from '../floor/world.ts'
import type { Passes, PassRow } from '../ledger/passes.ts'
import type { Revocations } from '../ledger/revocations.ts'
import { printCaveat } from '../passes/caveat.ts'
import type { KnownPasses } from '../passes/known.ts'
import type { Pass, Presented, PresentedPass, Verified } from '../passes/pass.ts'
import { allows, allowsBearer, brokenRule } from '../passes/read.ts'
import { topsUp } from '../passes/scope.ts'
import type { PaidRequest, Presentation, Rail, RedeemRefused } from '../rails/rail.ts'
import type { Deposits } from './deposits.ts'
import { type Ended, EndedPasses, payerOf } from './ended-passes.ts'
import type { NotAuthenticated } from './not-authenticated.ts'
import type { Identified } from './payer.ts'
import { StoredAnswers } from './stored-answers.ts'
import { type NotTaken, type Payment, PaymentTaker, paidBy } from './take-payment.ts'

/** A request that pays. */
export type Paying = Extract<Presentation, { readonly is: 'credential' | 'payment' }>

/** ms that the first use of a pass may take: the waits for the wallet and for the disk together. */
const FIRST_USE_WITHIN = 20_000

/** The rail that sells passes before they are paid for. */
export interface UnpaidPasses extends Pick<Rail<PresentedPass>, 'read' | 'redeem'> {
  /** What is known of the payment of that hash. Asks the store, and never the wallet. */
  invoiceState(hash: string): Promise<'paid' | 'open' | 'expired' | 'unknown'>
}

/**
 * Finds out who pays. The code after it does not know whether a pass or a payment was presented,
 * and never needs a macaroon.
 */
export class Authenticator {
  readonly #passes: Passes
  readonly #unpaid: UnpaidPasses
  readonly #deposits: Pick<Deposits, 'credit'>
  readonly #taker: PaymentTaker
  readonly #known: Pick<KnownPasses, 'remember'>
  readonly #ended: EndedPasses
  readonly #answers: StoredAnswers
  readonly #world: World

  constructor(parts: {
    readonly passes: Passes
    readonly revocations: Revocations
    readonly unpaid: UnpaidPasses
    readonly deposits: Pick<Deposits, 'credit' | 'passAgain'>
    readonly known: Pick<KnownPasses, 'remember'>
    readonly world: World
  }) {
    this.#passes = parts.passes
    this.#unpaid = parts.unpaid
    this.#deposits = parts.deposits
    this.#answers = new StoredAnswers(parts.world)
    this.#taker = new PaymentTaker({ ...parts, answers: this.#answers })
    this.#known = parts.known
    this.#ended = new EndedPasses(parts.revocations, parts.world)
    this.#world = parts.world
  }

  /**
   * Finds the account that pays. Its payment is credited and on disk when this resolves. `call` is
   * checked against the caveats of a pass. If `call` is null (balance, usage, top-up), or `paying` is,
   * no payment is taken. Answers at once if a pass was used before.
   */
  authenticate(
    presented: Paying,
    call: Judging | null,
    paying: PaysFor | null = null,
  ): Awaitable<Result<Identified, NotAuthenticated>> {
    if (presented.is === 'payment') {
      return call === null || paying === null
        ? this.#taker.look(presented).then((found) => this.#notEnded(orNot(found)))
        : this.#payment(presented, { ...call, ...paying })
    }
    const { verified } = presented
    if (!verified.ok) return err({ why: WHY[verified.error] })
    return andThen(this.#passes.get(verified.value.pass.hash), (row) =>
      this.#pass(presented, { ...verified.value, row, call }),
    )
  }

  #pass(
    presented: PresentedPass,
    { pass, keyId, row, call }: Verified & Judged,
  ): Awaitable<Result<Identified, NotAuthenticated>> {
    if (row === null || !belongs(row, pass, keyId)) return err({ why: 'unknown' })
    const forbidden = this.#forbids(pass, presented.credential.secret, call)
    if (forbidden !== null && forbidden.why !== 'forbidden') return err(forbidden)
    // Many clients were shown a shared invoice, so no settlement secret was given out with it
    // (threats I2).
    if (presented.opens === null || (presented.opens === 'settlement' && row.shared)) {
      return this.#withoutSecret(presented, row, pass)
    }
    const ended = this.#ended.find(row, pass)
    if (ended !== null) return this.#late(presented, row, ended)
    this.#ended.used(row)
    this.#answers.used(row.account)
    const identified =
      forbidden === null ? ok({ ...payerOf(row, pass), carries: null }) : err(forbidden)
    // A pass that was used before is paid for, so neither its rail nor the ledger is asked again.
    if (row.usedAt !== null) {
      this.#known.remember(presented)
      return identified
    }
    return this.#firstUseInTime(presented, row, pass.tokenId).then((refused) => {
      if (refused !== null) return err(notTaken(refused))
      return identified.ok ? ok({ ...identified.value, carries: firstPaid(presented) }) : identified
    })
  }

  /**
   * The secret does not open the pass. If its invoice is not paid, nobody can have the right one, so
   * the client is told to pay that invoice.
   */
  #withoutSecret(
    { credential: { text, secret } }: PresentedPass,
    row: PassRow,
    pass: Pass,
  ): Awaitable<Result<Identified, NotAuthenticated>> {
    const wrong = err({ why: 'bad_secret' } as const)
    if (row.usedAt !== null || this.#ended.find(row, pass) !== null) return wrong
    const macaroon = text.slice(0, -secret.length - 1)
    const key = { hash: row.hash, macaroon, bare: pass.scope.is === 'root' }
    return this.#unpaid.invoiceState(row.hash).then((state) => {
      if (state === 'open') return err({ why: 'unpaid', key })
      return state === 'expired' ? err({ why: 'invoice_expired', key }) : wrong
    })
  }

  /**
   * A pass that ended before it was used may have been paid for since. That payment still credits its
   * account.
   */
  #late(pass: PresentedPass, row: PassRow, ended: Ended): Awaitable<Result<never, Ended>> {
    if (row.usedAt !== null) return err(ended)
    const credited = this.#unpaid.redeem(pass, null).then(async (receipt) => {
      if (receipt.ok) await this.#deposits.credit(receipt.value)
      return err(ended)
    })
    return inTime(this.#world, credited, { ms: FIRST_USE_WITHIN, late: err(ended) })
  }

  /** Whether a damaged key was paid for. Asks the store, and never the wallet (threats K12). */
  async wasPaid({ pass, keyId }: Extract<Presented, { is: 'damaged' }>): Promise<boolean> {
    const row = await this.#passes.get(pass.hash)
    if (row === null || !belongs(row, pass, keyId)) return false
    return row.usedAt !== null || (await this.#unpaid.invoiceState(row.hash)) === 'paid'
  }

  #firstUseInTime(...use: [PresentedPass, PassRow, string]): Promise<RedeemRefused | null> {
    const within = { ms: FIRST_USE_WITHIN, late: 'unreachable' as const }
    return inTime(this.#world, this.#firstUse(...use), within)
  }

  /**
   * Credits the payment, binds the pass to it, and marks the pass as used. All of it is on disk
   * when this resolves.
   */
  async #firstUse(
    presented: PresentedPass,
    { hash, tokenId }: PassRow,
    mine: string,
  ): Promise<RedeemRefused | null> {
    const receipt = await this.#taker.patiently(() => this.#unpaid.redeem(presented, null))
    if (!receipt.ok) return receipt.error
    await this.#deposits.credit(receipt.value)
    // A pass of a shared invoice belongs for good to the first client that presents the preimage.
    // Somebody who learns the preimage later gets nothing (threats J6).
    const owner = tokenId ?? (await this.#passes.claim(hash, mine))
    if (owner !== mine) return 'unknown'
    await this.#passes.markUsed(hash, this.#world.now())
    return null
  }

  async #payment(presented: Payment, call: PaidBy): Promise<Result<Identified, NotAuthenticated>> {
    const { pass } = presented
    if (pass !== null) return this.#beside(presented, pass, call)
    const taken = await this.#taker.take(presented, { ...call, account: null })
    if (!taken.ok) return orNot(taken)
    const { account, again, carries, change, keeping, usdRate } = taken.value
    const ended = again === undefined ? null : await this.#endedAgain(again, call)
    if (ended !== null) return err(ended)
    return this.#notEnded(ok({ ...paidBy(account, carries), change, keeping, usdRate }))
  }

  /** Why the pass of a payment that is presented again is not good any more. Null if it is. */
  async #endedAgain(text: string, call: Judging): Promise<NotAuthenticated | null> {
    const pass = this.#unpaid.read(['authorization', `Bearer ${text}`])
    assert(pass.is === 'credential', 'a pass that this gate has made is read')
    const identified = await this.authenticate(pass, call)
    return identified.ok ? null : identified.error
  }

  /**
   * A payment that opened an account is a key to it, which others may know. So it ends like the passes
   * when the account is rotated.
   */
  #notEnded(found: Result<Identified, NotAuthenticated>): Result<Identified, NotAuthenticated> {
    if (!found.ok || this.#ended.isFirst(found.value.account)) return found
    return err({ why: 'revoked', was: found.value, by: 'rotation' })
  }

  /**
   * A payment beside a pass (threats L16). A pass that pays for its whole account is topped up, and
   * pays. Any other one must not shed its caveats: the payment opens an account of its own, which
   * pays for this request under them. If the pass is not good for the request, nothing is taken.
   */
  async #beside(
    presented: Payment,
    pass: PresentedPass,
    call: PaidBy,
  ): Promise<Result<Identified, NotAuthenticated>> {
    const identified = await this.authenticate(pass, call)
    if (!identified.ok) return identified
    const payer = identified.value
    if (topsUp(payer.scope)) {
      // What is paid stays on the account of the pass, so it is never too small.
      const topUp = { ...call, account: payer.account, short: () => null }
      const taken = await this.#taker.take(presented, topUp)
      if (!taken.ok) return orNot(taken)
      const carries = { ...payer.carries, ...taken.value.carries }
      return ok({ ...payer, carries, usdRate: taken.value.usdRate })
    }
    const taken = await this.#taker.take(presented, { ...call, account: null })
    if (!taken.ok) return orNot(taken)
    const { account, carries, usdRate } = taken.value
    const own = { account, generation: 0, via: 'payment', carries, usdRate } as const
    return this.#notEnded(ok({ ...payer, ...own }))
  }

  #forbids(pass: Pass, secret: string, call: Judging | null): NotAuthenticated | null {
    if (pass.rules.length === 0) return null
    const now = this.#world.now()
    if (call === null) {
      const good = allowsBearer(pass, { secret, now })
      return good.ok ? null : { why: good.error === 'expired' ? 'expired' : 'bad_secret' }
    }
    const { path, method, model } = call
    const held = { path, method, model, secret, now }
    const allowed = allows(pass, held)
    if (allowed.ok) return null
    if (allowed.error === 'expired') return { why: 'expired' }
    if (allowed.error === 'preimage') return { why: 'bad_secret' }
    const by = allowed.error
    const rule = brokenRule(pass, held, by)
    assert(rule !== undefined, 'a rule of that kind does not hold')
    return { why: 'forbidden', by, caveat: printCaveat(rule) }
  }
}

/** What a verified pass is judged by: its row, if there is one, and the request. */
interface Judged {
  readonly row: PassRow | null
  readonly call: Judging | null
}

/** What the caveats of a pass are checked against. */
type Judging = Pick<PaidRequest, 'path' | 'method' | 'model'>

/** What else a payment needs to know of the request that it pays for. */
export type PaysFor = Pick<PaidRequest, 'client' | 'short' | 'origin' | 'body'>

type PaidBy = Judging & PaysFor

/**
 * A macaroon is valid with the key and the token id of its row. The row of a shared invoice has no
 * token id until its first buyer comes.
 */
const belongs = (row: PassRow, pass: Pass, keyId: string): boolean =>
  row.keyId === keyId && (row.tokenId ?? pass.tokenId) === pass.tokenId

const WHY = {
  malformed: 'elsewhere',
  bad_signature: 'elsewhere',
  malformed_caveat: 'bad_caveat',
  unknown_caveat: 'bad_caveat',
  reserved_caveat: 'not_served',
} as const

/** The first answer that a pass pays for has the pass, as those of all rails do (threats L3). */
const firstPaid = ({ credential }: PresentedPass) => ({ 'x-satgate-pass': credential.text })

const notTaken = (refused: NotTaken): NotAuthenticated => {
  if (typeof refused === 'string') return { why: refused }
  return 'stored' in refused ? { why: 'answered', ...refused } : { why: 'payment', refused }
}

const orNot = <T>(taken: Result<T, NotTaken>): Result<T, NotAuthenticated> =>
  taken.ok ? taken : err(notTaken(taken.error))
