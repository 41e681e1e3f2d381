import { join } from 'node:path'
import { isLoopback } from '../floor/address.ts'
import { isFree } from '../money/price.ts'
import type { RateSettings } from '../money/rate.ts'
import type { WalletValues } from '../wallets/kind.ts'
import { KINDS, kindOf, USUAL } from '../wallets/kinds.ts'
import type { Config, WalletSettings } from './config.ts'
import type { Node } from './node.ts'
import { anyOf, type Reading } from './reader.ts'
import type { Values } from './settings.ts'

/**
 * For each setting, what was written for it. Messages need it to say where a mistake is. Defaults
 * are nodes too.
 */
export type Nodes = ReadonlyMap<string, Node>

/**
 * Makes the frozen config from all values. Values that contradict each other are reported as
 * mistakes.
 */
export function assemble(values: Values, nodes: Nodes, reading: Reading): Config {
  const wallet = walletOf(values, nodes, reading)
  if (isPlay(wallet)) checkPlay(values, nodes, reading)
  checkInvoice(values, nodes, reading)
  return deepFreeze({
    upstream: values.upstream?.url ?? null,
    upstreamKey: values.upstreamKey ?? values.upstream?.key ?? null,
    port: values.port,
    host: values.host,
    publicUrl: values.publicUrl ?? null,
    tunnel: tunnelOf(values, nodes, reading),
    dataDir: dataDirOf(values, nodes, wallet, reading.home),
    mode: values.mode,
    pricing: {
      list: { fallback: values['pricing.default'], models: values['pricing.models'] },
      maxOutputTokens: values['pricing.maxOutputTokens'],
      rate: rateOf(values, nodes, reading),
    },
    // A mistake leaves this undefined, but a config with mistakes is never used.
    wallet: wallet ?? { kind: 'play' },
    payout: values.payout ?? null,
    rails: { l402: values['rails.l402'] },
    credit: {
      invoice: { min: values['credit.invoice.min'], max: values['credit.invoice.max'] },
      tiers: values['credit.tiers'] ?? [],
    },
    operator: {
      name: values['operator.name'] ?? null,
      contact: values['operator.contact'] ?? null,
      terms: values['operator.terms'] ?? null,
    },
    capacity: { maxConcurrent: values['capacity.maxConcurrent'] || null },
    billing: { onUpstreamFailure: values['billing.onUpstreamFailure'] },
    timeouts: {
      firstByteMs: values['timeouts.firstByte'],
      idleMs: values['timeouts.idle'],
      shutdownMs: values['timeouts.shutdown'],
    },
    limits: {
      bodyBytes: values['limits.body'],
      outputTokens: values['limits.outputTokens'],
      invoicesPerClient: values['limits.invoicesPerClient'],
      invoicesTotal: values['limits.invoicesTotal'],
      requestFields: values['limits.requestFields'],
    },
    metrics: values.metrics ?? null,
    trustedProxies: values.trustedProxies,
    cors: values.cors,
    log: { format: values['log.format'], level: values['log.level'] },
  })
}

const isPlay = (wallet: Pick<WalletSettings, 'kind'> | null): boolean =>
  kindOf(wallet?.kind ?? '')?.isPlay === true

const isDefault = (nodes: Nodes, key: string): boolean => nodes.get(key)?.at.layer === 'default'

function wrong(key: string, what: string, { nodes, reading }: Where): undefined {
  const at = nodes.get(key)?.at
  return at === undefined ? undefined : reading.mistake(at, `${key}: ${what}`)
}

interface Where {
  readonly nodes: Nodes
  readonly reading: Reading
}

/** The settings below `wallet.` that go with the chosen kind. What does not go with it is a mistake. */
function walletOf(values: Values, nodes: Nodes, reading: Reading): WalletSettings | null {
  const where = { nodes, reading }
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
  if (kind.payoutRefused !== null) wrong('payout', kind.payoutRefused, where)
  if (kind.takes.includes('mints')) checkMints(values['wallet.mints'], where)
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

function checkMints(mints: readonly string[], where: Where): void {
  if (mints.length === 0) wrong('wallet.mints', 'the list is empty: name at least one mint', where)
  if (new Set(mints).size < mints.length)
    wrong('wallet.mints', 'the list names a mint twice: remove one', where)
}

/**
 * Play money looks like real money, so a gate with it must not be reachable from other machines.
 */
function checkPlay(values: Values, nodes: Nodes, reading: Reading): void {
  const where = { nodes, reading }
  if (!isLoopback(values.host)) {
    wrong(
      'host',
      'others can reach this address, but play money is for this machine only: use 127.0.0.1, or another wallet',
      where,
    )
  }
  wrong('publicUrl', 'play money is for this machine only: remove it, or use another wallet', where)
  if (values.tunnel === 'true')
    wrong('tunnel', 'play money is for this machine only: remove it, or use another wallet', where)
}

/**
 * With `auto` no tunnel opens if something costs nothing: play money, a free tier, a free price, or a
 * mode that does not charge. If the operator asks for the tunnel explicitly, free prices are allowed.
 */
function tunnelOf(values: Values, nodes: Nodes, reading: Reading): Config['tunnel'] {
  if (values.tunnel === 'false') return 'off'
  const free = values['freeTier.creditsPerDay'] !== undefined || values.mode !== 'charge'
  if (values.tunnel === 'true') {
    const where = { nodes, reading }
    if (free)
      wrong(
        'tunnel',
        'a tunnel lets everybody in, so everything has to be paid for: remove freeTier, and use mode: charge',
        where,
      )
    if (values.publicUrl !== undefined) {
      wrong(
        'tunnel',
        'has no effect beside publicUrl, the address that buyers use: remove one of the two',
        where,
      )
    }
    return 'on'
  }
  const prices = [values['pricing.default'], ...values['pricing.models'].map(({ price }) => price)]
  const given = free || prices.some((price) => price.in === 'sats' && isFree(price.rate))
  if (isPlay({ kind: values['wallet.kind'] ?? '' })) return 'play'
  return given ? 'free' : 'auto'
}

function checkInvoice(values: Values, nodes: Nodes, reading: Reading): void {
  const [min, max] = [values['credit.invoice.min'], values['credit.invoice.max']]
  if (min <= max) return
  const key = isDefault(nodes, 'credit.invoice.min') ? 'credit.invoice.max' : 'credit.invoice.min'
  wrong(
    key,
    `the minimum (${min}) is above the maximum (${max}): raise credit.invoice.max or lower credit.invoice.min`,
    { nodes, reading },
  )
}

/** The data folders that are used if none is named. Play money has a folder of its own. */
export const defaultFolders = (home: string) => ({
  usual: join(home, '.satgate'),
  play: join(home, '.satgate-play'),
})

function dataDirOf(
  values: Values,
  nodes: Nodes,
  wallet: WalletSettings | null,
  home: string,
): string {
  return isPlay(wallet) && isDefault(nodes, 'dataDir') ? defaultFolders(home).play : values.dataDir
}

function rateOf(values: Values, nodes: Nodes, reading: Reading): RateSettings {
  const usdPerBtc = values['pricing.rate.usdPerBtc']
  if (usdPerBtc !== undefined) {
    const reason = 'has no effect beside pricing.rate.usdPerBtc: remove one of them'
    for (const key of ['pricing.rate.source', 'pricing.rate.url', 'pricing.rate.second']) {
      wrong(key, reason, { nodes, reading })
    }
    return { usdPerBtc }
  }
  return {
    source: values['pricing.rate.source'] ?? 'coinbase',
    url: values['pricing.rate.url'] ?? null,
    second: values['pricing.rate.second'] ?? null,
    maxAgeMs: values['pricing.rate.maxAge'],
  }
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const part of Object.values(value)) deepFreeze(part)
  }
  return value
}
