import { ok, type Result } from '../../../floor/result.ts'
import { isOfMint } from '../mint/mint.ts'
import {
  type ExportAsk,
  type Exported,
  exportCoins,
  type KeptExport,
  keptExports,
} from './export.ts'
import { netOf } from './fees.ts'
import { affordableOf } from './melt.ts'
import { smallOf } from './payout.ts'
import type { Owed } from './purses.ts'
import { type Restored, restoreAll } from './restore.ts'
import { type Refused, refuse, type WalletAdminParts } from './wallet-admin-parts.ts'
import { type WithdrawAsk, type Withdrawn, withdraw } from './withdraw.ts'

/** The commands with which the operator sees and takes out the coins. They run one at a time. */
export interface WalletAdmin {
  /**
   * What is held, what is owed, and the state of payouts. Works without the mints, and says which
   * do not answer.
   */
  balance(): Promise<Balance>
  /** Pays an invoice or an address. What buyers are owed stays, unless the operator insists. */
  withdraw(ask: WithdrawAsk): Promise<Result<Withdrawn, Refused>>
  /** The operator says that the first payout has arrived. From now on payouts go by themselves. */
  confirm(): Promise<Result<{ readonly to: string }, Refused>>
  /** Takes ecash out as tokens. What buyers are owed stays, unless the operator insists. */
  export(ask: ExportAsk): Promise<Result<readonly Exported[], Refused>>
  /** Tokens that were taken out and that nobody has redeemed. */
  exports(): Promise<readonly KeptExport[]>
  /**
   * Takes stock at every mint. With `yes` the freeze ends even if a mint does not answer. `told`
   * reports the progress to a person.
   */
  restore(yes: boolean, told: (progress: string) => void): Promise<readonly Restored[]>
}

/** Amounts in whole sats. */
export interface Balance {
  /** Our coins, with those that are under way. */
  readonly sat: number
  /** The unspent paid-in credit of buyers that came in by mints, rounded up. */
  readonly owed: number
  /** The most that one withdrawal could pay, without fees and what is owed. */
  readonly withdrawable: number
  readonly mints: readonly MintBalance[]
  readonly payout: PayoutStatus
  /** Why nothing is sold or spent. Null if all is well. */
  readonly frozen: string | null
  /**
   * Buyers cannot withdraw credit from before this time (ms since the epoch), because an older backup
   * was restored. Null if they can.
   */
  readonly restored: number | null
}

export interface MintBalance {
  readonly mint: string
  readonly free: number
  /** Coins that are set aside for something under way. */
  readonly held: number
  /** What buyers are owed who came in by this mint, rounded up. */
  readonly owed: number
  /** What could leave over Lightning after fees. Null if the mint does not answer. */
  readonly net: number | null
  readonly coins: number
  /** Coins that were paid for and that the mint has not issued yet. */
  readonly awaited: number
  readonly problem: string | null
}

/**
 * `off`: there is no address. `first`: above the threshold, a small sum will be sent. `confirm`: it
 * was sent, and the operator must say that it arrived. `on`: payouts go by themselves. `under_way`:
 * one is under way.
 */
export interface PayoutStatus {
  readonly state: 'off' | 'first' | 'confirm' | 'on' | 'under_way'
  readonly to: string | null
  readonly above: number
  /**
   * The amount of the payout that is under way or must be confirmed, otherwise of the first one.
   */
  readonly sat: number | null
  /** What prevents payouts. Null if nothing does. */
  readonly problem: string | null
}

/** Opens the commands over the coins. The caller holds the lock of the folder. */
export function openWalletAdmin(parts: WalletAdminParts): WalletAdmin {
  const { payer, swapper } = parts
  /** First looks up what an earlier process left under way. */
  const alone = <T>(job: () => Promise<T>): Promise<T> =>
    payer.alone(async () => {
      await resume(parts)
      return job()
    })
  return {
    balance: () => balance(parts),
    withdraw: (ask) => alone(() => withdraw(parts, ask)),
    confirm: async () => confirm(parts),
    export: (ask) => alone(() => swapper.alone(() => exportCoins(parts, ask))),
    exports: () => keptExports(parts),
    restore: (yes, told) => alone(() => swapper.alone(() => restoreAll(parts, { yes, told }))),
  }
}

async function resume({ payouts, payer }: WalletAdminParts): Promise<void> {
  await payer.recoverSwaps()
  const open = payouts.open()
  if (open?.state === 'open' && open.kind === 'asked') {
    payer.fail(open, 'it was interrupted before it was sent')
  }
  if (open?.state !== 'sent') return
  await payer.advance(open).catch((error: unknown) => {
    if (!isOfMint(error)) throw error
  })
}

async function balance(parts: WalletAdminParts): Promise<Balance> {
  const { store, freeze } = parts
  const awaited = store.awaited()
  const { all, owed, spare } = await parts.payer.purses()
  const urls = new Set([...store.holdings().map(({ mint }) => mint), ...awaited.keys()])
  const rows = [...new Set([...urls, ...parts.mints.filter((url) => owed.at(url) > 0)])]
  const mints = await Promise.all(rows.map((url) => rowOf(parts, url, { owed, awaited })))
  const most = all.map((purse) => affordableOf(Math.min(purse.net, purse.spare)))
  return {
    sat: mints.reduce((sum, { free, held }) => sum + free + held, 0),
    owed: owed.total,
    withdrawable: Math.max(0, Math.min(affordableOf(spare), Math.max(0, ...most))),
    mints,
    payout: statusOf(parts),
    frozen: freeze.reason,
    restored: freeze.restored?.since ?? null,
  }
}

async function rowOf(
  parts: WalletAdminParts,
  url: string,
  { owed, awaited }: { readonly owed: Owed; readonly awaited: ReadonlyMap<string, number> },
): Promise<MintBalance> {
  const holding = parts.store.holdings().find(({ mint }) => mint === url)
  const { free, held, proofs: coins } = holding ?? { free: 0, held: 0, proofs: 0 }
  const rest = { owed: owed.at(url), coins, awaited: awaited.get(url) ?? 0 }
  return { mint: url, free, held, ...rest, ...(await netAt(parts, url)) }
}

async function netAt(
  { swapper, mint }: WalletAdminParts,
  url: string,
): Promise<Pick<MintBalance, 'net' | 'problem'>> {
  const one = mint(url)
  if (one === null) return { net: null, problem: 'not one of this wallet’s mints' }
  try {
    const { coins, fees } = await swapper.coinsAt(one)
    const { melts } = await one.about()
    return { net: netOf(coins, fees), problem: melts ? null : NO_MELTS }
  } catch (error) {
    if (!isOfMint(error)) throw error
    return { net: null, problem: error.message }
  }
}

/** What it holds can leave as ecash: `satgate wallet export`. */
const NO_MELTS =
  'it pays no invoices at the moment (NUT-05), so what it holds leaves as ecash alone'

function statusOf({ payouts, address, above }: WalletAdminParts): PayoutStatus {
  const open = payouts.open()
  const past = address === null ? [] : payouts.toAddress(address.text, 20)
  const rest = {
    to: open?.destination ?? address?.text ?? null,
    above,
    problem: address === null ? null : payouts.trouble(address.text),
  }
  if (open !== null) return { ...rest, state: 'under_way', sat: open.sat }
  if (address === null) return { ...rest, state: 'off', sat: null }
  if (payouts.confirmed(address.text)) return { ...rest, state: 'on', sat: null }
  const first = past.find(({ state }) => state === 'paid')
  if (first !== undefined) return { ...rest, state: 'confirm', sat: first.sat }
  return { ...rest, state: 'first', sat: smallOf(above) }
}

function confirm(parts: WalletAdminParts): Result<{ readonly to: string }, Refused> {
  const { address, payouts, above, nudge } = parts
  if (address === null) {
    return refuse(
      'usage',
      'no address is configured: say --payout you@domain, or payout: in the file',
    )
  }
  const first = payouts.toAddress(address.text, 20).find(({ state }) => state === 'paid')
  const open = payouts.open()
  if (first === undefined && open?.destination === address.text) {
    return refuse(
      'failed',
      `${open.sat} sat are on their way to ${address.text}, and the mint has not said yet that they arrived: try again later`,
    )
  }
  if (first === undefined) {
    return refuse(
      'failed',
      `nothing was sent to ${address.text} yet: the first ${smallOf(above)} sat go when the wallet holds more than ${above}`,
    )
  }
  payouts.confirm(address.text)
  nudge()
  return ok({ to: address.text })
}
