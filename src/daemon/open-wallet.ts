import type { Config, WalletSettings } from '../config/config.ts'
import { assert } from '../floor/assert.ts'
import { onLine } from '../floor/printable.ts'
import { sleep } from '../floor/world.ts'
import type { Invoices } from '../ledger/invoices.ts'
import type { MoneyKind } from '../ledger/ledger.ts'
import { kindOf } from '../wallets/kinds.ts'
import { openPlayWallet, type PlayWallet } from '../wallets/play/play.ts'
import { type Wallet, WalletRefused, WalletUnreachable } from '../wallets/wallet.ts'
import { alone, type NamedWallet } from '../wallets/wallet-list.ts'
import { chooseEcash, type EcashChoice } from './choose-ecash.ts'
import type { Choosing, ConfiguredWallet, OpenedWallet } from './configured-wallets.ts'
import { dollarNetwork } from './dollars.ts'
import { Failed } from './failed.ts'
import type { EcashParts } from './open-ecash.ts'
import { nameWallets } from './wallet-names.ts'

/** Wallets that are open, or that open once the ledger they keep their invoices in is. */
export interface WalletChoice {
  readonly money: MoneyKind
  /** Null if no ecash wallet is among them. */
  readonly ecash: EcashParts | null
  /** For the status block. */
  readonly notes: readonly string[]
  /** Gives each wallet the name that its invoices keep. The first ones are asked for invoices first. */
  open(invoices: Invoices): Promise<{
    readonly wallets: readonly NamedWallet[]
    readonly play: PlayWallet | null
  }>
  /** Closes the wallets, if they are not used after all. */
  close(): Promise<void>
}

/**
 * Opens the configured wallets. If none was ever seen before and none answers, waits and says so.
 * Throws `Failed`.
 */
export async function chooseWallets(
  config: Pick<Config, 'wallets' | 'payout' | 'rails'>,
  choosing: Choosing,
): Promise<WalletChoice> {
  if (config.wallets.length === 0) return chooseNone(config)
  if (config.wallets.some(({ kind }) => kind === 'play')) return choosePlay(choosing)
  const { configured, ecash } = await walletsOf(config, choosing)
  try {
    const opened = await openAll(configured, choosing)
    const money = await oneKindOfMoney(opened, config)
    return {
      ...{ money, ecash: ecash?.parts ?? null, notes: ecash?.notes ?? [] },
      async open(invoices) {
        const wallets = await nameWallets(opened, { invoices, world: choosing.world })
        return { wallets, play: null }
      },
      close: () => closeAll(opened),
    }
  } catch (error) {
    ecash?.parts.folder.close()
    throw error
  }
}

/** The wallets of the settings, not open yet, but for a Lightning address that is asked what it can do. */
export async function walletsOf(
  config: Pick<Config, 'wallets' | 'payout' | 'rails'>,
  choosing: Choosing,
): Promise<{
  readonly configured: readonly ConfiguredWallet[]
  readonly ecash: EcashChoice | null
}> {
  const hasEcash = config.wallets.some(({ kind }) => kind === 'ecash')
  const ecash = hasEcash ? await chooseEcash(config, choosing) : null
  const configured = config.wallets.flatMap((one) => configuredWallets(one, ecash, choosing))
  return { configured, ecash }
}

/** A gate that takes dollars alone has no wallet: they go to the address of the operator by themselves. */
function chooseNone(config: Pick<Config, 'rails'>): WalletChoice {
  const network = dollarNetwork(config)
  assert(network !== null, 'some way to pay is on')
  return {
    ...{ money: network.money, ecash: null, notes: [] },
    open: async () => ({ wallets: [], play: null }),
    async close() {},
  }
}

/** Play money keeps its invoices in the ledger, and is always alone. */
function choosePlay({ world, background }: Choosing): WalletChoice {
  return {
    ...{ money: 'play', ecash: null, notes: [] },
    async open(invoices) {
      const play = openPlayWallet({ store: invoices, world, background })
      return { wallets: [alone(play)], play }
    },
    async close() {},
  }
}

function configuredWallets(
  settings: WalletSettings,
  ecash: EcashChoice | null,
  { world, background }: Choosing,
): readonly ConfiguredWallet[] {
  if (settings.kind === 'ecash') return ecash?.wallets ?? []
  const { url } = settings
  const row = kindOf(settings.kind)
  assert(row !== undefined, 'the settings take kinds of the table only')
  const { kind, open } = row
  assert(open !== null, 'every other wallet opens by itself')
  const name = url === undefined ? kind : `${kind} at ${new URL(url).host}`
  return [
    {
      ...{ name, kind, at: url ?? '', makes: true },
      open: (hint) =>
        open(settings, { moneyHint: hint === 'play' ? null : hint, world, background }),
    },
  ]
}

/** ms between two tries while no wallet was ever seen. */
const AGAIN = 4_000

/**
 * A new ledger takes its kind of money from the first invoice of a wallet: until one has answered
 * there is nothing to sell into. Then the others are opened too, even if they do not answer now:
 * their kind of money is taken to be the same, and their first invoice is checked. Later outages are
 * another matter: then passes are served.
 */
async function openAll(
  configured: readonly ConfiguredWallet[],
  { kept, waiting, world }: Choosing,
): Promise<readonly OpenedWallet[]> {
  const opened = new Map<ConfiguredWallet, Wallet>()
  let answers: (() => void) | null = null
  for (;;) {
    const [known] = opened.values()
    const hint = kept ?? known?.money ?? null
    const missing = configured.filter((one) => !opened.has(one))
    const tries = await Promise.all(missing.map((one) => tryOpening(one, hint)))
    for (const { one, wallet } of tries) if (wallet !== null) opened.set(one, wallet)
    const refused = tries.find((one) => one.refused)
    if (refused !== undefined) {
      await closeAll([...opened.values()].map((wallet) => ({ wallet })))
      throw new Failed(`the wallet ${refused.one.name} refuses: ${onLine(refused.reason)}`)
    }
    const silent = tries.find(({ wallet }) => wallet === null)
    if (silent === undefined) break
    // Now that one has told the kind of money, the others need not be asked for it.
    if (known === undefined && opened.size > 0) continue
    answers ??= waiting(silent.one.name, silent.reason)
    await sleep(world, AGAIN)
  }
  answers?.()
  return configured.flatMap((one) => {
    const wallet = opened.get(one)
    return wallet === undefined ? [] : [{ ...one, wallet }]
  })
}

interface Try {
  readonly one: ConfiguredWallet
  readonly wallet: Wallet | null
  readonly refused: boolean
  readonly reason: string
}

/** Opens a wallet, or says why it cannot be opened. */
export async function tryOpening(one: ConfiguredWallet, hint: MoneyKind | null): Promise<Try> {
  try {
    return { one, wallet: await one.open(hint), refused: false, reason: '' }
  } catch (error) {
    const refused = error instanceof WalletRefused
    if (!refused && !(error instanceof WalletUnreachable)) throw error
    return { one, wallet: null, refused, reason: error.reason }
  }
}

/** All wallets of a gate have one kind of money, because its ledger has one (threats I9). */
async function oneKindOfMoney(
  opened: readonly OpenedWallet[],
  config: Pick<Config, 'rails'>,
): Promise<MoneyKind> {
  const [first, ...others] = opened
  assert(first !== undefined, 'the settings have a wallet')
  const dollars = dollarNetwork(config)
  const all = [
    ...others.map(({ name, wallet }) => ({ name, money: wallet.money })),
    ...(dollars === null ? [] : [{ name: `x402 on ${dollars.name}`, money: dollars.money }]),
  ]
  const own = { name: first.name, money: first.wallet.money }
  const other = all.find(({ money }) => money !== own.money)
  if (other === undefined) return own.money
  await closeAll(opened)
  const says = ({ name, money }: typeof own) => `${name} has ${money} money`
  throw new Failed(
    `${says(own)} and ${says(other)}. Money of different kinds is never mixed: give each gate its own wallets, its own network of dollars and its own --data-dir.`,
  )
}

async function closeAll(opened: readonly { readonly wallet: Wallet }[]): Promise<void> {
  await Promise.all(opened.map(({ wallet }) => wallet.close()))
}
