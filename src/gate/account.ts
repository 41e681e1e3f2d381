import { type Awaitable, andThen } from '../floor/awaitable.ts'
import { err, ok, type Result } from '../floor/result.ts'
import type { World } from '../floor/world.ts'
import type { AccountId, Ledger, UsageRow } from '../ledger/ledger.ts'
import { add, floorSat, type Msat, msat } from '../money/msat.ts'
import { formatUsdPerBtc } from '../money/parse.ts'
import { othersShown } from '../money/quantities.ts'
import { formatUsd, type MicroUsd, msatOf } from '../money/usd.ts'
import { ownsAccount, seesBalance } from '../passes/scope.ts'
import type { Presentation } from '../rails/rail.ts'
import type { Shown } from '../withdrawals/withdrawals.ts'
import { shortName } from './account-name.ts'
import type { Authenticator } from './authenticate.ts'
import type { RateNow } from './dollars.ts'
import { notGoodHere } from './not-authenticated.ts'
import { type Payer, passOf } from './payer.ts'
import { withoutPayment } from './presentation.ts'
import { DAMAGED, PENDING, type Refusal, refuse } from './refusal.ts'

interface UsagePage {
  readonly data: readonly unknown[]
  readonly has_more: boolean
  /** Seconds since the epoch. */
  readonly complete_since?: number
}

/** What may leave of an account, by source. Null if there is no such account. */
type Withdrawable = (account: AccountId) => Promise<readonly Shown[] | null>

/** What a pass may read of its account: `GET /v1/balance` and `GET /v1/usage`. */
export class AccountPages {
  readonly #ledger: Ledger
  readonly #archivedUpTo: () => Promise<number | null>
  readonly #authenticator: Authenticator
  readonly #world: World
  readonly #noCredential: Refusal
  readonly #withdrawable: Withdrawable
  readonly #rateNow: RateNow

  constructor(parts: {
    readonly ledger: Ledger
    /** The time up to which details of charges may be gone. Null if all are there. */
    readonly archivedUpTo: () => Promise<number | null>
    readonly authenticator: Authenticator
    readonly world: World
    /** Credit can be bought. */
    readonly sells: boolean
    readonly withdrawable: Withdrawable
    readonly rateNow: RateNow
  }) {
    this.#rateNow = parts.rateNow
    this.#withdrawable = parts.withdrawable
    const { ledger, archivedUpTo, authenticator, world, sells } = parts
    this.#archivedUpTo = archivedUpTo
    this.#noCredential = sells ? NO_CREDENTIAL : NOT_SOLD
    this.#ledger = ledger
    this.#authenticator = authenticator
    this.#world = world
  }

  /**
   * All amounts are in msat, and have the dollars of the account in them at the rate of now. A narrowed
   * pass sees what it may still spend, not the balance of the account.
   */
  async balance(
    presented: Presentation,
  ): Promise<Result<Readonly<Record<string, unknown>>, Refusal>> {
    const payer = await this.#payer(presented, 'balance')
    if (!payer.ok) return payer
    const { account, scope } = payer.value
    const balance = await this.#ledger.balance(account)
    if (balance === null) return err(this.#noCredential)
    const { usd } = balance
    const rate = usd > 0n ? this.#rateNow() : null
    const sats = rate === null ? balance.available : add(balance.available, msatOf(usd, rate))
    const available = await this.spendable(payer.value, sats)
    const sees = seesBalance(scope)
    const held = sees ? balance.held : msat(0n)
    const owed = sees ? balance.owed : msat(0n)
    // While requests still run, the account may owe more than they hold.
    const all = msat(available + held > owed ? available + held - owed : 0n)
    return ok({
      account: shortName(account),
      balance_msat: Number(all),
      held_msat: Number(held),
      ...(owed > 0n ? { owed_msat: Number(owed) } : {}),
      available_msat: Number(available),
      balance_sats: floorSat(all),
      ...(sees
        ? { paid_msat: Number(balance.paid), bonus_msat: Number(balance.bonus) }
        : { narrowed: true }),
      ...(sees && usd > 0n ? dollarsShown(usd, rate !== null) : {}),
      ...(ownsAccount(scope) ? await this.#mayLeave(account) : {}),
    })
  }

  /** What the owner of an account may take out of it. */
  async #mayLeave(account: AccountId) {
    const all = (await this.#withdrawable(account)) ?? []
    const sats = all.reduce((sum, one) => sum + one.sats, 0)
    return { withdrawable_msat: sats * 1000, withdrawable: all }
  }

  /**
   * The charges, newest first. A narrowed pass sees only its own charges (threats I4). `complete_since`
   * is there if older charges were rolled up.
   */
  async usage(
    presented: Presentation,
    page: { readonly limit: number; readonly before: string | null },
  ): Promise<Result<UsagePage, Refusal>> {
    const payer = await this.#payer(presented)
    if (!payer.ok) return payer
    const { account } = payer.value
    const asked = { limit: page.limit + 1, before: page.before }
    const rows = await this.#ledger.usage(account, passOf(payer.value), asked)
    const data = rows.slice(0, page.limit).map(shown)
    const upTo = await this.#archivedUpTo()
    const since = upTo === null ? {} : { complete_since: Math.floor(upTo / 1000) }
    return ok({ data, has_more: rows.length > page.limit, ...since })
  }

  /** Returns `available`, or less if a `spend` limit of the pass has less room. */
  spendable(payer: Payer, available: Msat): Awaitable<Msat> {
    const now = this.#world.now()
    let spendable: Awaitable<bigint> = available
    for (const limit of payer.limits) {
      if (limit.unit !== 'spend') continue
      spendable = andThen(spendable, (most) =>
        andThen(this.#ledger.left(limit, now), (room) => (room < most ? room : most)),
      )
    }
    return andThen(spendable, msat)
  }

  /**
   * A payment that was credited before may see what its account has, and not what it bought: others
   * than the buyer may know the payment (threats L2).
   */
  async #payer(
    given: Presentation,
    sees: 'balance' | null = null,
  ): Promise<Result<Payer, Refusal>> {
    const presented = withoutPayment(given)
    if (presented.is === 'damaged' && (await this.#authenticator.wasPaid(presented))) {
      return err(DAMAGED)
    }
    const looks = presented.is === 'payment' && sees === 'balance'
    if (presented.is !== 'credential' && !looks) return err(this.#noCredential)
    const identified = await this.#authenticator.authenticate(presented, null)
    if (identified.ok) return identified
    const { why } = identified.error
    if (why === 'pending' || why === 'unreachable') return err(PENDING)
    return err(notGoodHere(this.#noCredential, identified.error))
  }
}

/** `usd_counted` is false while nobody knows what the dollars are worth: no amount in msat has them then. */
const dollarsShown = (usd: MicroUsd, counted: boolean) => ({
  usd_micros: Number(usd),
  usd: formatUsd(usd),
  usd_counted: counted,
})

const shown = (row: UsageRow) => ({
  id: row.id,
  created: Math.floor(row.at / 1000),
  model: row.model,
  dialect: row.dialect,
  end: row.end,
  usage: row.usage,
  prompt_tokens: row.quantities.input ?? 0,
  cached_tokens: row.quantities.cached ?? 0,
  ...(row.quantities.cacheWrite ? { cache_write_tokens: row.quantities.cacheWrite } : {}),
  completion_tokens: row.quantities.output ?? 0,
  ...othersShown(row.quantities),
  held_msat: Number(row.held),
  charged_msat: Number(row.charged),
  ...(row.owed > 0n ? { owed_msat: Number(row.owed) } : {}),
  ...(row.usd === undefined
    ? {}
    : {
        charged_usd_micros: Number(row.usd.charged),
        usd_per_btc: formatUsdPerBtc(row.usd.rate),
      }),
})

const SEND_A_PASS = 'Send a pass of this gate: Authorization: Bearer <macaroon>:<secret>.'

/**
 * This refusal carries no challenge, because a client would pay for it, and these pages sell
 * nothing.
 */
const NO_CREDENTIAL = refuse(
  402,
  'insufficient_quota',
  `${SEND_A_PASS} POST /create-invoice sells one.`,
)
const NOT_SOLD = refuse(402, 'insufficient_quota', SEND_A_PASS)
