import { assert } from '../floor/assert.ts'
import { inTime } from '../floor/in-time.ts'
import { err, ok, type Result } from '../floor/result.ts'
import { sleep, type World } from '../floor/world.ts'
import type { Passes, PassRow } from '../ledger/passes.ts'
import { printCaveat } from '../passes/caveat.ts'
import type { Forbidden, Pass, Presented, PresentedPass } from '../passes/pass.ts'
import { brokenRule, judge, judgeBearer } from '../passes/read.ts'
import type { PaidRequest, Presentation, Rail, Receipt, RedeemRefused } from '../rails/rail.ts'
import type { Deposits } from './deposits.ts'
import type { Payer } from './payer.ts'

/** A request that pays. */
export type Paying = Extract<Presentation, { readonly is: 'credential' | 'payment' }>

/** Who pays, and the pass that their payment has just bought: the answer carries it (threats L3). */
export type Identified = Payer & { readonly newPass: string | null }

/**
 * Why nobody is authenticated, in order of precedence. `unknown` to `expired` are a 402 with
 * offers; `forbidden` is a 403 without; `pending` and `unreachable` are a 503 without a challenge.
 */
export type NotAuthenticated =
  | { readonly why: 'unknown' | 'bad_caveat' | 'not_served' | 'bad_secret' | 'expired' }
  | { readonly why: 'pending' | 'unreachable' }
  | {
      readonly why: 'forbidden'
      readonly by: Exclude<Forbidden, 'expired' | 'preimage'>
      /** The caveat that forbids it, as it is written: `model = llama*`. */
      readonly caveat: string
    }

/** ms that a payment is waited for until it is on disk, besides those that it waits for its wallet. */
const PATIENCE = 20_000
/** ms that a right payment waits for a wallet that does not see it yet, and between two questions. */
const WALLET_PATIENCE = 15_000
const ASK_AGAIN = 500

/** The rail that sells passes before they are paid for. */
export interface UnpaidPasses extends Pick<Rail<PresentedPass>, 'redeem'> {
  /** Whether the payment of that hash is known to be made. Nobody but the store is asked. */
  isPaid(hash: string): Promise<boolean>
}

/**
 * Finds out who pays. Behind it nobody knows whether there was a pass or a payment, and nobody asks
 * for a macaroon.
 */
export class Authenticator {
  readonly #passes: Passes
  readonly #unpaid: UnpaidPasses
  readonly #deposits: Pick<Deposits, 'credit'>
  readonly #world: World

  constructor(parts: {
    readonly passes: Passes
    readonly unpaid: UnpaidPasses
    readonly deposits: Pick<Deposits, 'credit'>
    readonly world: World
  }) {
    this.#passes = parts.passes
    this.#unpaid = parts.unpaid
    this.#deposits = parts.deposits
    this.#world = parts.world
  }

  /**
   * The account that pays, its payment credited and on disk. `call` is judged against the caveats of
   * a pass. Null asks only who it is (balance, usage, top-up): that takes no payment.
   */
  async authenticate(
    presented: Paying,
    call: PaidRequest | null,
  ): Promise<Result<Identified, NotAuthenticated>> {
    if (presented.is === 'payment') return this.#payment(presented, call)
    const { verified } = presented
    if (!verified.ok) return err({ why: WHY[verified.error] })
    const { pass, keyId } = verified.value
    const row = await this.#passes.get(pass.hash)
    if (row === null || !belongs(row, pass, keyId)) return err({ why: 'unknown' })
    const forbidden = this.#judge(pass, presented.credential.secret, call)
    if (forbidden !== null && forbidden.why !== 'forbidden') return err(forbidden)
    // No settlement secret was given out with an invoice that many were shown (threats I2).
    if (presented.opens === null || (presented.opens === 'settlement' && row.shared)) {
      return err({ why: 'bad_secret' })
    }
    // A pass that was used before is paid for: neither its rail nor the ledger is asked.
    if (row.usedAt === null) {
      const entered = this.#firstUse(presented, row, pass.tokenId)
      const refused = await inTime(this.#world, entered, {
        ms: PATIENCE,
        late: 'unreachable' as const,
      })
      if (refused !== null) return err({ why: refused })
    }
    if (forbidden !== null) return err(forbidden)
    const { limits, scope } = pass
    return ok({ account: row.account, limits, scope, via: 'pass', newPass: null })
  }

  /** Whether a damaged key was paid for. Nobody but the store is asked (threats K12). */
  async wasPaid({ pass, keyId }: Extract<Presented, { is: 'damaged' }>): Promise<boolean> {
    const row = await this.#passes.get(pass.hash)
    if (row === null || !belongs(row, pass, keyId)) return false
    return row.usedAt !== null || this.#unpaid.isPaid(row.hash)
  }

  /** The payment is credited, the pass belongs to it and is in use from now on: all of it on disk. */
  async #firstUse(
    presented: PresentedPass,
    { hash, tokenId }: PassRow,
    mine: string,
  ): Promise<RedeemRefused | null> {
    const receipt = await this.#patiently(() => this.#unpaid.redeem(presented, null))
    if (!receipt.ok) return receipt.error
    await this.#deposits.credit(receipt.value)
    // A pass that was shown to many belongs to the first that presents its preimage, for good:
    // somebody who learns it later has nothing (threats J6).
    const owner = tokenId ?? (await this.#passes.claim(hash, mine))
    if (owner !== mine) return 'unknown'
    await this.#passes.markUsed(hash, this.#world.now())
    return null
  }

  /**
   * A payment opens an account whose pass is told once. So its deposit is waited for however long the
   * disk takes, and nobody pays by looking at a balance.
   */
  async #payment(
    { rail, payment }: Extract<Presentation, { is: 'payment' }>,
    call: PaidRequest | null,
  ): Promise<Result<Identified, NotAuthenticated>> {
    if (call === null) return err({ why: 'unknown' })
    const receipt = await this.#patiently(() => rail.redeem(payment, call))
    if (!receipt.ok) return err({ why: receipt.error })
    const { account, pass } = await this.#deposits.credit(receipt.value)
    return ok({ account, limits: [], scope: 'account', via: 'payment', newPass: pass })
  }

  /** Asks again, some 15 s long, if the payment is right and its wallet does not see it yet. */
  async #patiently(
    redeem: () => Promise<Result<Receipt, RedeemRefused>>,
  ): Promise<Result<Receipt, RedeemRefused>> {
    const until = this.#world.elapsed() + WALLET_PATIENCE
    for (;;) {
      const redeemed = await redeem()
      if (redeemed.ok || redeemed.error === 'unknown' || redeemed.error === 'bad_secret') {
        return redeemed
      }
      if (this.#world.elapsed() >= until) return redeemed
      await sleep(this.#world, ASK_AGAIN)
    }
  }

  #judge(pass: Pass, secret: string, call: PaidRequest | null): NotAuthenticated | null {
    const now = this.#world.now()
    if (call === null) {
      const good = judgeBearer(pass, { secret, now })
      return good.ok ? null : { why: good.error === 'expired' ? 'expired' : 'bad_secret' }
    }
    const held = { ...call, secret, now }
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

/** A macaroon is good with the key and the token id of its row. The pass of a shared invoice is nobody's at first. */
const belongs = (row: PassRow, pass: Pass, keyId: string): boolean =>
  row.keyId === keyId && (row.tokenId ?? pass.tokenId) === pass.tokenId

const WHY = {
  malformed: 'unknown',
  bad_signature: 'unknown',
  malformed_caveat: 'bad_caveat',
  unknown_caveat: 'bad_caveat',
  reserved_caveat: 'not_served',
} as const
