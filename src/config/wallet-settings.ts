import type { WalletValues } from '../wallets/kind.ts'
import { KINDS, kindOf, USUAL } from '../wallets/kinds.ts'
import type { WalletSettings } from './config.ts'
import { isDefault, type Where, wrong } from './nodes.ts'
import { anyOf } from './reader.ts'
import type { Values } from './settings.ts'

/** The values of the settings below `wallet.`, for one wallet. */
export type WalletSettingValues = Pick<Values, Extract<keyof Values, `wallet.${string}`>>

/**
 * The settings below `wallet.` that go with the chosen kind. What does not go with it is a mistake.
 * Null if something is missing.
 */
export function walletOf(values: WalletSettingValues, where: Where): WalletSettings | null {
  const { nodes } = where
  const chosen = values['wallet.kind']
  const kind = kindOf(chosen ?? '') ?? USUAL
  for (const name of ALL.filter((one) => !kind.takes.includes(one))) {
    const takers = KINDS.filter(({ takes }) => takes.includes(name)).map((one) => one.kind)
    const why =
      chosen === undefined
        ? `needs wallet.kind: ${anyOf(takers)} beside it`
        : `has no effect with wallet ${kind.kind}: remove it`
    if (!isDefault(nodes, `wallet.${name}`)) wrong(`wallet.${name}`, why, where)
  }
  if (kind.takes.includes('mints')) checkMints('wallet.mints', values['wallet.mints'], where)
  for (const [name, what] of Object.entries(kind.needs)) {
    if (!nodes.has(`wallet.${name}`)) wrong('wallet.kind', `wallet ${kind.kind} ${what}`, where)
  }
  const given = {
    url: values['wallet.url'],
    key: values['wallet.key'],
    tlsCert: values['wallet.tlsCert'],
    mints: values['wallet.mints'],
    payoutAbove: values['wallet.payoutAbove'],
    maxPerMint: values['wallet.maxPerMint'],
  } satisfies WalletValues
  // Something is missing, and a mistake has told of it.
  if (ALL.some((name) => name in kind.needs && given[name] === undefined)) return null
  const taken = Object.fromEntries(kind.takes.map((name) => [name, given[name]]))
  return { kind: kind.kind, ...(chosen === undefined ? { unasked: true } : {}), ...taken }
}

const ALL = [...new Set(KINDS.flatMap(({ takes }) => takes))]

/** Checks that a list of mints names each of them once. */
export function checkMints(key: string, mints: readonly string[], where: Where): void {
  if (mints.length === 0) wrong(key, 'the list is empty: name at least one mint', where)
  if (new Set(mints).size < mints.length)
    wrong(key, 'the list names a mint twice: remove one', where)
}

/** `payout` has an effect if one of the wallets sends earnings there. */
export function checkPayout(wallets: readonly WalletSettings[], where: Where): void {
  if (wallets.length === 0)
    wrong('payout', 'has no effect: no rail takes sats, so remove it', where)
  const refusals = wallets.map(({ kind }) => kindOf(kind)?.payoutRefused ?? null)
  const [first] = refusals
  if (first == null || refusals.includes(null)) return
  wrong('payout', first, where)
}

/** Whether the sats are worth nothing. */
export const isPlay = (wallets: readonly Pick<WalletSettings, 'kind'>[]): boolean =>
  wallets.some(({ kind }) => kindOf(kind)?.isPlay === true)
