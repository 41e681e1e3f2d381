import { join } from 'node:path'
import { isLoopback } from '../floor/address.ts'
import { isFree } from '../money/price.ts'
import type { RateSettings } from '../money/rate.ts'
import { cashuOf } from './cashu-settings.ts'
import type { Config, WalletSettings } from './config.ts'
import { isDefault, type Nodes, type Where, wrong } from './nodes.ts'
import type { Reading } from './reader.ts'
import type { Values } from './settings.ts'
import { checkPayout, isPlay, walletOf } from './wallet-settings.ts'
import { asksX402, x402Of } from './x402-settings.ts'

/**
 * Makes the frozen config from all values. Values that contradict each other are reported as
 * mistakes. `list` is the list of wallets, if one was written instead of a single wallet.
 */
export function assemble(
  values: Values,
  { nodes, reading, list }: Where & { readonly list: readonly WalletSettings[] | null },
): Config {
  const where = { nodes, reading }
  const wallets = list ?? (needsWallet(values, where) ? single(values, where) : [])
  const rails = railsOf(values, wallets, where)
  checkPayout(wallets, { nodes, reading })
  if (isPlay(wallets)) checkPlay(values, nodes, reading)
  checkInvoice(values, nodes, reading)
  return deepFreeze({
    upstream: values.upstream?.url ?? null,
    upstreamKey: values.upstreamKey ?? values.upstream?.key ?? null,
    port: values.port,
    host: values.host,
    publicUrl: values.publicUrl ?? null,
    tunnel: tunnelOf(values, nodes, reading),
    dataDir: dataDirOf(values, nodes, wallets, reading.home),
    mode: values.mode,
    pricing: {
      list: { fallback: values['pricing.default'], models: values['pricing.models'] },
      maxOutputTokens: values['pricing.maxOutputTokens'],
      rate: rateOf(values, nodes, reading),
    },
    wallets,
    payout: values.payout ?? null,
    rails,
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
    dialects: { translate: values['dialects.translate'], keyPath: values['dialects.keyPath'] },
    media: { imageTokens: values['media.imageTokens'], remoteUrls: values['media.remoteUrls'] },
    metrics: values.metrics ?? null,
    trustedProxies: values.trustedProxies,
    cors: values.cors,
    log: { format: values['log.format'], level: values['log.level'] },
  })
}

/** The settings with which a wallet is chosen. The others bound one that is used anyway. */
const CHOOSES = ['wallet.kind', 'wallet.url', 'wallet.key', 'wallet.tlsCert', 'wallet.mints']

/** Whether sats are taken, or a wallet was chosen although they are not. */
function needsWallet(values: Values, { nodes }: Where): boolean {
  if (values['rails.l402'] || values['rails.payment']) return true
  if (values['rails.cashu.on'] !== false) return true
  return CHOOSES.some((key) => nodes.has(key) && !isDefault(nodes, key))
}

/** The ways to pay. At least one of them must be on. */
function railsOf(
  values: Values,
  wallets: readonly WalletSettings[],
  where: Where,
): Config['rails'] {
  const cashu = cashuOf(values, wallets, where)
  const x402 = x402Of(values, wallets, where)
  const rails = { l402: values['rails.l402'], cashu, x402, payment: values['rails.payment'] }
  if (rails.l402 || cashu !== null || rails.payment || asksX402(where)) return rails
  wrong('rails.l402', 'no other way to pay is on, so nobody could pay: turn one on', where)
  return rails
}

/** The wallet of the settings below `wallet.`. None if they are wrong; such a config is never used. */
function single(values: Values, where: Where): readonly WalletSettings[] {
  const wallet = walletOf(values, where)
  return wallet === null ? [] : [wallet]
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
  if (isPlay([{ kind: values['wallet.kind'] ?? '' }])) return 'play'
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
  wallets: readonly WalletSettings[],
  home: string,
): string {
  return isPlay(wallets) && isDefault(nodes, 'dataDir') ? defaultFolders(home).play : values.dataDir
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
