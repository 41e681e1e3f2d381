import type { Config } from '../config/config.ts'
import type { World } from '../floor/world.ts'
import type { Invoices } from '../ledger/invoices.ts'
import type { MoneyKind } from '../ledger/ledger.ts'
import { openLndWallet } from '../wallets/lnd.ts'
import { openPlayWallet, type PlayWallet } from '../wallets/play.ts'
import { type Wallet, WalletRefused, WalletUnreachable } from '../wallets/wallet.ts'
import { Failed } from './books.ts'

/** A wallet that is open, or that opens once the ledger it keeps its invoices in is. */
export interface WalletChoice {
  readonly money: MoneyKind
  open(invoices: Invoices): { readonly wallet: Wallet; readonly play: PlayWallet | null }
}

/** What to configure, and how to try the gate without it. */
const NO_WALLET = [
  'no wallet is configured, so there is nothing to be paid with. satgate never runs free by mistake.',
  '',
  'An LND node (an invoice macaroon is enough), in satgate.yaml:',
  '',
  '  upstream: http://localhost:11434',
  '  wallet: { kind: lnd, url: https://localhost:8080, key: { file: invoice.macaroon }, tlsCert: tls.cert }',
  '',
  'Without a node, to try it with play money on your own backend:  satgate --upstream URL --wallet play',
  'The whole story with a toy model and no network:                 satgate demo',
].join('\n')

/** Opens the configured wallet; waits for a node that was never seen and says so. Throws `Failed`. */
export async function chooseWallet(
  settings: Config['wallet'],
  {
    kept,
    waiting,
    world,
  }: {
    /** The ledger's kind of money, null for a new ledger. */
    readonly kept: MoneyKind | null
    readonly waiting: (reason: string) => void
    readonly world: World
  },
): Promise<WalletChoice> {
  if (settings.kind === 'ecash') throw new Failed(NO_WALLET, 2)
  if (settings.kind === 'play') {
    return {
      money: 'play',
      open(invoices) {
        const play = openPlayWallet({ store: invoices, world })
        return { wallet: play, play }
      },
    }
  }
  const { url, macaroon, tlsCert: tlsCertPem } = settings
  const moneyHint = kept === 'play' ? null : kept
  const options = { url, macaroonHex: macaroon.reveal(), tlsCertPem, moneyHint, world }
  const wallet = await untilItAnswers(() => openLndWallet(options), { url, waiting })
  return { money: wallet.money, open: () => ({ wallet, play: null }) }
}

/** ms between two tries of a node that was never seen. */
const AGAIN = 4_000

/**
 * A new ledger takes its kind of money from the node's first invoice: until the node has answered
 * once there is nothing to sell into. Later outages are another matter: then passes are served.
 */
async function untilItAnswers(
  open: () => Promise<Wallet>,
  { url, waiting }: { readonly url: string; readonly waiting: (reason: string) => void },
): Promise<Wallet> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await open()
    } catch (error) {
      if (error instanceof WalletRefused) {
        throw new Failed(`the wallet lnd at ${new URL(url).host} refuses: ${error.reason}`)
      }
      if (!(error instanceof WalletUnreachable)) throw error
      if (tries === 0) waiting(error.reason)
      await new Promise((resolve) => setTimeout(resolve, AGAIN))
    }
  }
}
