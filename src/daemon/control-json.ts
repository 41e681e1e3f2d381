import type { Result } from '../floor/result.ts'
import { shortName } from '../gate/account-name.ts'
import { type Drawer, type Entry, isInUsd } from '../ledger/entry.ts'
import type { Balance as AccountBalance, AccountId, OpenHold } from '../ledger/ledger.ts'
import type { Books, Earning, Income, Outgo, Proof } from '../ledger/open-ledger.ts'
import type { Withdrawal } from '../ledger/withdrawals.ts'
import { othersShown } from '../money/quantities.ts'
import type { Exported, KeptExport } from '../wallets/ecash/spend/export.ts'
import type { Restored } from '../wallets/ecash/spend/restore.ts'
import type { Balance } from '../wallets/ecash/spend/wallet-admin.ts'
import type { Withdrawn } from '../wallets/ecash/spend/withdraw.ts'
import type { NamedTest } from './wallet-tests.ts'

/**
 * The JSON of the commands about books and wallet. Names are snake_case and end in their unit.
 * Times are in RFC 3339. An account has the same name as in events and in `/v1/balance`.
 */

/** Msat or micro-dollars. It is a string if a JSON number cannot hold it exactly. */
export type Amount = number | string

export const amount = (msat: bigint): Amount => {
  const number = Number(msat)
  return Number.isSafeInteger(number) ? number : String(msat)
}
export const time = (ms: number): string => new Date(ms).toISOString()

export const accountJson = (row: AccountBalance & { readonly createdAt: number }) => ({
  account: shortName(row.account),
  paid_msat: amount(row.paid),
  bonus_msat: amount(row.bonus),
  held_msat: amount(row.held),
  leaving_msat: amount(row.leaving),
  owed_msat: amount(row.owed),
  available_msat: amount(row.available),
  usd_micros: amount(row.usd),
  created_at: time(row.createdAt),
})
export type AccountJson = ReturnType<typeof accountJson>

export const holdJson = (hold: OpenHold) => ({
  id: hold.id,
  account: shortName(hold.account),
  model: hold.model,
  amount_msat: amount(hold.amount),
  usd_micros: amount(hold.dollars?.usd ?? 0n),
  so_far_msat: amount(hold.sofar),
  output_tokens: hold.clamped === 'output' ? hold.granted : 0,
  ...othersShown({ [hold.clamped]: hold.granted }),
  opened_at: time(hold.openedAt),
  deadline: time(hold.deadline),
})
export type HoldJson = ReturnType<typeof holdJson>

export const withdrawalJson = (one: Withdrawal) => ({
  id: one.id,
  account: shortName(one.account),
  ...{ kind: one.kind, source: one.source },
  amount_msat: amount(one.amount),
  fee_msat: amount(one.fee),
  opened_at: time(one.at),
})
export type WithdrawalJson = ReturnType<typeof withdrawalJson>

export const entryJson = (entry: Entry) => ({
  at: time(entry.at),
  why: entry.why,
  ref: entry.ref,
  postings: entry.postings.map((one) => ({
    debit: drawerName(one.debit),
    credit: drawerName(one.credit),
    ...(isInUsd(one.debit)
      ? { amount_usd_micros: amount(one.amount) }
      : { amount_msat: amount(one.amount) }),
  })),
})
export type EntryJson = ReturnType<typeof entryJson>

/** Whether a drawer belongs to an account. */
const isBuyers = (drawer: string): boolean => /^(?:paid|bonus|held|owed|leaving|usd):/.test(drawer)

const drawerName = (drawer: Drawer): string => {
  const colon = drawer.indexOf(':')
  if (!isBuyers(drawer)) return drawer
  return `${drawer.slice(0, colon)}:${shortName(drawer.slice(colon + 1))}`
}

export const proofJson = (proof: Result<Proof, readonly string[]>) =>
  proof.ok
    ? {
        balanced: true as const,
        accounts: proof.value.accounts,
        open_holds: proof.value.openHolds,
        postings: proof.value.postings,
        drawers: proof.value.drawers.map(({ drawer, balance }) => ({
          drawer,
          ...(isInUsd(drawer)
            ? { balance_usd_micros: amount(balance) }
            : { balance_msat: amount(balance) }),
        })),
        buyers: {
          paid_msat: amount(proof.value.buyers.paid),
          bonus_msat: amount(proof.value.buyers.bonus),
          held_msat: amount(proof.value.buyers.held),
          leaving_msat: amount(proof.value.buyers.leaving),
          owed_msat: amount(proof.value.buyers.owed),
          usd_micros: amount(proof.value.buyers.usd),
        },
        problems: [],
      }
    : { balanced: false as const, problems: proof.error.map(withNames) }
export type ProofJson = ReturnType<typeof proofJson>

/** Replaces the ids of accounts in a sentence of the proof by their names. */
const withNames = (problem: string): string =>
  problem.replace(/\b((?:paid|bonus|held|owed|leaving|usd):)([0-9a-f]{32})\b/g, (_, kind, id) => {
    return `${kind}${shortName(id)}`
  })

export const earningsJson = (
  charges: readonly Earning[],
  deposits: readonly Income[],
  outgo: readonly Outgo[],
) => ({
  charges: charges.map((row) => ({
    day: row.day,
    model: row.model,
    requests: row.requests,
    prompt_tokens: row.quantities.input ?? 0,
    completion_tokens: row.quantities.output ?? 0,
    ...othersShown(row.quantities),
    earned_msat: amount(row.earned),
    overrun_msat: amount(row.overrun),
  })),
  deposits: deposits.map((row) => ({
    day: row.day,
    rail: row.rail,
    credit: row.credit,
    payments: row.payments,
    ...(row.credit === 'usd'
      ? { amount_usd_micros: amount(row.amount) }
      : { amount_msat: amount(row.amount) }),
  })),
  withdrawals: outgo.map((row) => ({
    day: row.day,
    source: row.source,
    withdrawals: row.withdrawals,
    amount_msat: amount(row.amount),
    fees_msat: amount(row.fees),
  })),
})
export type EarningsJson = ReturnType<typeof earningsJson>

export const archivedJson = (done: {
  readonly archived: number
  readonly before: number
  readonly keepDays: number
}) => ({
  archived_requests: done.archived,
  before: time(done.before),
  keep_days: done.keepDays,
})
export type ArchivedJson = ReturnType<typeof archivedJson>

/** A pass that was given away. */
export const mintedJson = (minted: {
  readonly pass: string
  readonly account: AccountId
  readonly sats: number
  readonly caveats: readonly string[]
  readonly money: Books['kind']
}) => ({
  pass: minted.pass,
  account: shortName(minted.account),
  amount_sat: minted.sats,
  caveats: minted.caveats,
  money: minted.money,
})
export type MintedJson = ReturnType<typeof mintedJson>

export const balanceJson = ({
  sat,
  owed,
  withdrawable,
  mints,
  payout,
  frozen,
  restored,
}: Balance) => ({
  balance_sat: sat,
  owed_sat: owed,
  withdrawable_sat: withdrawable,
  mints: mints.map(({ mint, free, held, owed: owedHere, net, coins, awaited, problem }) => ({
    ...{
      mint,
      free_sat: free,
      held_sat: held,
      owed_sat: owedHere,
      net_sat: net,
      awaited_sat: awaited,
    },
    ...{ coins, problem },
  })),
  payout: {
    ...{ state: payout.state, to: payout.to, above_sat: payout.above },
    ...{ amount_sat: payout.sat, problem: payout.problem },
  },
  alarm: frozen,
  kept_back_before: restored === null ? null : time(restored),
})

export const withdrawnJson = ({ state, sat, fee, mint, to }: Withdrawn) => ({
  ...{ state, amount_sat: sat, fee_sat: fee, mint, to },
})

export const exportedJson = ({ token, sat, mint }: Exported) => ({ token, amount_sat: sat, mint })

export const keptJson = ({ at, state, ...exported }: KeptExport) => ({
  ...exportedJson(exported),
  exported_at: time(at),
  state,
})

export const restoredJson = ({ mint, added, gone, holds, problem }: Restored) => ({
  ...{ mint, added_sat: added, gone_sat: gone, holds_sat: holds, problem },
})

export const testedJson = ({ name, label, problem, tookMs, about, ...invoice }: NamedTest) => ({
  ...{ wallet: name, label, works: problem === null, problem, took_ms: tookMs },
  ...{ money: invoice.money, network: invoice.network, invoice_sat: invoice.sat },
  receivable_sat: about?.inbound.sat ?? null,
  receivable: about?.inbound.says ?? null,
  held_by: about?.holder ?? null,
  preimage: about?.preimage ?? null,
  learns: about?.learns ?? null,
  pays_buyers: about?.paysOut ?? null,
  warnings: about?.warnings ?? [],
})
