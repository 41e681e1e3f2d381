import type { Config } from '../config/config.ts'
import { assert } from '../floor/assert.ts'
import type { Background } from '../floor/background.ts'
import { onLine } from '../floor/printable.ts'
import { sentence } from '../floor/sentence.ts'
import { sleep, type World } from '../floor/world.ts'
import type { Invoices } from '../ledger/invoices.ts'
import type { MoneyKind } from '../ledger/ledger.ts'
import { kindOf } from '../wallets/kinds.ts'
import { openLightningAddressWallet } from '../wallets/lightning-address/lightning-address.ts'
import { makeLnurl, parseLightningAddress } from '../wallets/lightning-address/lnurl.ts'
import { openPlayWallet, type PlayWallet } from '../wallets/play/play.ts'
import { type Wallet, WalletRefused, WalletUnreachable } from '../wallets/wallet.ts'
import { withPrevious } from '../wallets/with-previous.ts'
import { Failed } from './failed.ts'
import { type EcashParts, ecashParts, ecashWallet } from './open-ecash.ts'

/** A wallet that is open, or that opens once the ledger it keeps its invoices in is. */
export interface WalletChoice {
  readonly money: MoneyKind
  /** Null for every wallet whose money is elsewhere. */
  readonly ecash: EcashParts | null
  /**
   * Kinds of wallets whose invoices are seen paid: its own, and an older one's that is in the
   * folder.
   */
  readonly answers: readonly string[]
  /** For the status block. */
  readonly notes: readonly string[]
  open(invoices: Invoices): { readonly wallet: Wallet; readonly play: PlayWallet | null }
}

export interface Choosing {
  /** The data folder. */
  readonly folder: string
  /** The ledger's kind of money, null for a new ledger. */
  readonly kept: MoneyKind | null
  readonly say: (event: object) => void
  /**
   * Called with that wallet and the reason when the start waits for it. The returned function is
   * called when the wait is over.
   */
  readonly waiting: Waiting
  readonly world: World
  readonly background: Background
}

type Waiting = (name: string, reason: string) => () => void

/**
 * Opens the configured wallet. If it was never seen before and does not answer, waits for it and
 * says so. Throws `Failed`.
 */
export async function chooseWallet(
  config: Pick<Config, 'wallet' | 'payout'>,
  choosing: Choosing,
): Promise<WalletChoice> {
  const { wallet: settings } = config
  const inFolder = IN_FOLDER[settings.kind]
  if (inFolder !== undefined) return inFolder(config, choosing)
  const { kept, waiting, world, background } = choosing
  const kind = kindOf(settings.kind)
  assert(kind !== undefined, 'the settings take kinds of the table only')
  const { open } = kind
  assert(open !== null, 'every other wallet opens by itself')
  const moneyHint = kept === 'play' ? null : kept
  const { url } = settings
  const name = url === undefined ? kind.kind : `${kind.kind} at ${new URL(url).host}`
  const wallet = await untilItAnswers(() => open(settings, { moneyHint, world, background }), {
    ...{ name, waiting, world },
  })
  return ready(wallet, null, [])
}

/** The kinds of wallets that live in the data folder. All others open by the row of their kind. */
const IN_FOLDER: Readonly<Record<string, typeof chooseWallet>> = {
  ecash: chooseEcash,
  play: async (_, { world, background }) => ({
    ...{ money: 'play', ecash: null, answers: ['play'], notes: [] },
    open(invoices) {
      const wallet = openPlayWallet({ store: invoices, world, background })
      return { wallet, play: wallet }
    },
  }),
}

function ready(
  wallet: Wallet,
  ecash: EcashParts | null,
  notes: readonly string[],
  older: readonly string[] = [],
): WalletChoice {
  const answers = [wallet.kind, ...older]
  return { money: wallet.money, ecash, answers, notes, open: () => ({ wallet, play: null }) }
}

/**
 * Opens the ecash wallet, or a Lightning address that works without it. Coins that were earned
 * before stay in the folder, and so do invoices that can still be paid.
 */
async function chooseEcash(
  { wallet: settings, payout }: Pick<Config, 'wallet' | 'payout'>,
  choosing: Choosing,
): Promise<WalletChoice> {
  const { folder, kept, waiting, world, background, say } = choosing
  const { mints = [], maxPerMint } = settings
  assert(maxPerMint !== undefined, 'this setting has a default')
  const parts = await ecashParts(folder, mints, { world, say })
  const notes = parts.folder.fresh ? [backUp(folder)] : []
  const open = () => ecashWallet(parts, { maxPerMint, kept, background }, world)
  try {
    const direct =
      payout === null || settings.unasked !== true
        ? null
        : await paidDirectly(payout, parts, choosing)
    if (direct === null || typeof direct === 'string') {
      const wallet = await untilItAnswers(open, { name: 'ecash', waiting, world })
      return ready(wallet, parts, direct === null ? notes : [...notes, direct])
    }
    if (parts.store.mints().length === 0) return ready(direct, parts, notes)
    const older = await open()
    const isOlder = (hash: string) => parts.store.quote(hash) !== null
    return ready(withPrevious(direct, older, isOlder), parts, notes, [older.kind])
  } catch (error) {
    parts.folder.close()
    throw error
  }
}

const backUp = (folder: string): string =>
  `back up ${folder}: its files are your earnings, your buyers' balances and the keys to both`

/**
 * Opens the Lightning address as the wallet. If it does not tell of payments (LUD-21) or does not
 * answer now, earnings are sent to it through the ecash wallet, and the result says why.
 */
async function paidDirectly(
  payout: string,
  { store }: EcashParts,
  { kept, world, background }: Choosing,
): Promise<Wallet | string> {
  const address = parseLightningAddress(payout)
  if (!address.ok) throw new Failed(`--payout ${payout}: ${address.error}`, 2)
  const facts = {
    remember: async (key: string, value: string) => store.setFact(`address:${key}`, value),
    recall: async (key: string) => store.fact(`address:${key}`),
    forget: async (key: string) => store.setFact(`address:${key}`, null),
  }
  const lnurl = makeLnurl({ world })
  const options = {
    address: address.value,
    lnurl,
    store: facts,
    world,
    background,
    moneyHint: kept,
  }
  try {
    const wallet = await openLightningAddressWallet(options)
    if (wallet !== 'no_verify') return wallet
    return `${payout} does not tell of payments by itself: ${BY_WAY}`
  } catch (error) {
    if (error instanceof WalletUnreachable) {
      const why = sentence(onLine(error.reason))
      return `${payout} does not answer now: ${why} In this run ${BY_WAY}`
    }
    if (!(error instanceof WalletRefused)) throw error
    throw new Failed(
      `the payout address ${payout} refuses: ${sentence(onLine(error.reason))} Is it spelled right?`,
      2,
    )
  }
}

const BY_WAY = 'earnings are kept as ecash, and sent there above wallet.payoutAbove'

/** ms between two tries of a wallet that was never seen. */
const AGAIN = 4_000

/**
 * A new ledger takes its kind of money from the wallet's first invoice: until it has answered once
 * there is nothing to sell into. Later outages are another matter: then passes are served.
 */
async function untilItAnswers(
  open: () => Promise<Wallet>,
  {
    name,
    waiting,
    world,
  }: { readonly name: string; readonly waiting: Waiting; readonly world: World },
): Promise<Wallet> {
  let answers: (() => void) | null = null
  for (;;) {
    try {
      const wallet = await open()
      answers?.()
      return wallet
    } catch (error) {
      if (error instanceof WalletRefused) {
        throw new Failed(`the wallet ${name} refuses: ${onLine(error.reason)}`)
      }
      if (!(error instanceof WalletUnreachable)) throw error
      answers ??= waiting(name, error.reason)
      await sleep(world, AGAIN)
    }
  }
}
