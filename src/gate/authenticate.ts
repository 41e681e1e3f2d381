import { assert } from '../floor/assert.ts'
import { type Awaitable, andThen } from '../floor/awaitable.ts'
import { inTime } from '../floor/in-time.ts'
import { err, ok, type Result } from '../floor/result.ts'
import { sleep, type World } from '../floor/world.ts'
import type { Passes, PassRow } from '../ledger/passes.ts'
import { generationOf, type Revocations } from '../ledger/revocations.ts'
import { printCaveat } from '../passes/caveat.ts'
import type { KnownPasses } from '../passes/known.ts'
import type { Forbidden, Pass, Presented, PresentedPass, Verified } from '../passes/pass.ts'
import { allows, allowsBearer, brokenRule } from '../passes/read.ts'
import type { PaidRequest, Presentation, Rail, Receipt, RedeemRefused } from '../rails/rail.ts'
import type { Deposits } from './deposits.ts'
import type { Payer } from './payer.ts'

/** A request that pays. */
export type Paying = Extract<Presentation, { readonly is: 'credential' | 'payment' }>

/**
 * The payer. `carries` are headers of the answer, whatever happens to the request: the pass that
 * its payment has just bought (threats L3), and what the rail adds. Null if there are none.
 */
export type Identified = Payer & { readonly carries: Readonly<Record<string, string>> | null }

/**
 * Why nobody is authenticated, in order of precedence. `unknown` to `expired` are a 402 with
 * offers; `forbidden` is a 403 without; `pending` and `unreachable` are a 503 without a challenge.
 */
export type NotAuthenticated =
  | { readonly why: 'unknown' | 'bad_caveat' | 'not_served' | 'bad_secret' | 'expired' }
  /** `was`: whom the pass made known before it ended. It gives no right to anything. */
  | { readonly why: 'revoked'; readonly was: Payer; readonly by: 'revocation' | 'rotation' }
  | { readonly why: 'pending' | 'unreachable' }
  | {
      readonly why: 'forbidden'
      readonly by: Exclude<Forbidden, 'expired' | 'preimage'>
      /** The text of the caveat that forbids the request: `model = llama*`. */
      readonly caveat: string
    }

/**
 * ms that the first use of a pass may take: the wait for the wallet (below) and for the disk
 * together.
 */
const FIRST_USE_WITHIN = 20_000
/**
 * ms in which a right payment that the wallet does not see yet is looked up, and ms between two
 * such look-ups.
 */
const WALLET_WITHIN = 15_000
const ASK_AGAIN = 500

/** The rail that sells passes before they are paid for. */
export interface UnpaidPasses extends Pick<Rail<PresentedPass>, 'redeem'> {
  /** Whether the payment of that hash is known to be made. Asks the store, and never the wallet. */
  isPaid(hash: string): Promise<boolean>
}

/**
 * Finds out who pays. The code after it does not know whether a pass or a payment was presented,
 * and never needs a macaroon.
 */
export class Authenticator {
  readonly #passes: Passes
  readonly #unpaid: UnpaidPasses
  readonly #deposits: Pick<Deposits, 'credit'>
  readonly #known: Pick<KnownPasses, 'remember'>
  readonly #revocations: Revocations
  readonly #world: World

  constructor(parts: {
    readonly passes: Passes
    readonly revocations: Revocations
    readonly unpaid: UnpaidPasses
    readonly deposits: Pick<Deposits, 'credit'>
    readonly known: Pick<KnownPasses, 'remember'>
    readonly world: World
  }) {
    this.#passes = parts.passes
    this.#unpaid = parts.unpaid
    this.#deposits = parts.deposits
    this.#known = parts.known
    this.#revocations = parts.revocations
    this.#world = parts.world
  }

  /**
   * Finds the account that pays. Its payment is credited and on disk when this resolves. `call` is
   * checked against the caveats of a pass. If `call` is null (balance, usage, top-up), no payment
   * is taken. Answers at once if a pass was used before.
   */
  authenticate(
    presented: Paying,
    call: PaidRequest | null,
  ): Awaitable<Result<Identified, NotAuthenticated>> {
    if (presented.is === 'payment') return this.#payment(presented, call)
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
      return err({ why: 'bad_secret' })
    }
    const ended = this.#ended(row, pass)
    if (ended !== null) return this.#late(presented, row, ended)
    this.#confirm(row)
    const identified = forbidden === null ? ok(payerOf(row, pass)) : err(forbidden)
    // A pass that was used before is paid for, so neither its rail nor the ledger is asked again.
    if (row.usedAt !== null) {
      this.#known.remember(presented)
      return identified
    }
    return this.#firstUseInTime(presented, row, pass.tokenId).then((refused) =>
      refused === null ? identified : err({ why: refused }),
    )
  }

  /** Why a pass has ended before its time. Null if it has not. Answers from memory. */
  #ended(row: PassRow, pass: Pass): Extract<NotAuthenticated, { why: 'revoked' }> | null {
    const revoked = this.#revocations.isRevoked(pass.names)
    if (!revoked && row.generation === generationOf(this.#revocations, row.account)) return null
    const by = revoked ? 'revocation' : 'rotation'
    return { why: 'revoked', was: payerOf(row, pass), by }
  }

  /**
   * A pass that ended before it was used may have been paid for since. That payment still credits its
   * account.
   */
  #late(
    presented: PresentedPass,
    row: PassRow,
    ended: Extract<NotAuthenticated, { why: 'revoked' }>,
  ): Awaitable<Result<Identified, NotAuthenticated>> {
    if (row.usedAt !== null) return err(ended)
    const credited = this.#unpaid.redeem(presented, null).then(async (receipt) => {
      if (receipt.ok) await this.#deposits.credit(receipt.value)
      return err(ended)
    })
    return inTime(this.#world, credited, { ms: FIRST_USE_WITHIN, late: err(ended) })
  }

  /** The root pass that a rotation made, or a child of it, is used. From now on it is the only one. */
  #confirm({ account, hash }: PassRow): void {
    const rotation = this.#revocations.rotation(account)
    if (rotation?.pass !== hash || rotation.usedAt !== null) return
    this.#revocations.confirm(account, this.#world.now())
  }

  /** Whether a damaged key was paid for. Asks the store, and never the wallet (threats K12). */
  async wasPaid({ pass, keyId }: Extract<Presented, { is: 'damaged' }>): Promise<boolean> {
    const row = await this.#passes.get(pass.hash)
    if (row === null || !belongs(row, pass, keyId)) return false
    return row.usedAt !== null || this.#unpaid.isPaid(row.hash)
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
    const receipt = await this.#patiently(() => this.#unpaid.redeem(presented, null))
    if (!receipt.ok) return receipt.error
    await this.#deposits.credit(receipt.value)
    // A pass of a shared invoice belongs for good to the first client that presents the preimage.
    // Somebody who learns the preimage later gets nothing (threats J6).
    const owner = tokenId ?? (await this.#passes.claim(hash, mine))
    if (owner !== mine) return 'unknown'
    await this.#passes.markUsed(hash, this.#world.now())
    return null
  }

  /**
   * A payment opens an account, and its pass is given out only once. So we wait for the deposit
   * however long the disk takes. A request that only looks at a balance takes no payment.
   */
  async #payment(
    { rail, payment }: Extract<Presentation, { is: 'payment' }>,
    call: PaidRequest | null,
  ): Promise<Result<Identified, NotAuthenticated>> {
    if (call === null) return err({ why: 'unknown' })
    const receipt = await this.#patiently(() => rail.redeem(payment, call))
    if (!receipt.ok) return err({ why: receipt.error })
    const { account, pass } = await this.#deposits.credit(receipt.value)
    const { headers } = receipt.value
    const carries = pass === null ? headers : { ...headers, 'x-satgate-pass': pass }
    const whole = { account, limits: [], scope: { is: 'request' }, generation: 0 } as const
    return ok({ ...whole, via: 'payment', carries })
  }

  /**
   * Redeems a payment. While its secret is right but the wallet does not see the payment, asks
   * again for about 15 s.
   */
  async #patiently(
    redeem: () => Promise<Result<Receipt, RedeemRefused>>,
  ): Promise<Result<Receipt, RedeemRefused>> {
    const until = this.#world.elapsed() + WALLET_WITHIN
    for (;;) {
      const redeemed = await redeem()
      if (redeemed.ok || redeemed.error === 'unknown' || redeemed.error === 'bad_secret') {
        return redeemed
      }
      if (this.#world.elapsed() >= until) return redeemed
      await sleep(this.#world, ASK_AGAIN)
    }
  }

  #forbids(pass: Pass, secret: string, call: PaidRequest | null): NotAuthenticated | null {
    if (pass.rules.length === 0) return null
    const now = this.#world.now()
    if (call === null) {
      const good = allowsBearer(pass, { secret, now })
      return good.ok ? null : { why: good.error === 'expired' ? 'expired' : 'bad_secret' }
    }
    const held = { ...call, secret, now }
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
  readonly call: PaidRequest | null
}

const payerOf = (
  { account, generation }: PassRow,
  { limits, scope }: Pick<Pass, 'limits' | 'scope'>,
): Identified => ({
  account,
  limits,
  scope,
  generation,
  via: 'pass',
  carries: null,
})

/**
 * A macaroon is valid with the key and the token id of its row. The row of a shared invoice has no
 * token id until its first buyer comes.
 */
const belongs = (row: PassRow, pass: Pass, keyId: string): boolean =>
  row.keyId === keyId && (row.tokenId ?? pass.tokenId) === pass.tokenId

const WHY = {
  malformed: 'unknown',
  bad_signature: 'unknown',
  malformed_caveat: 'bad_caveat',
  unknown_caveat: 'bad_caveat',
  reserved_caveat: 'not_served',
} as const
