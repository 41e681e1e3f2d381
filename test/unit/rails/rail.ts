import { randomBytes } from 'node:crypto'
import { vi } from 'vitest'
import { Authenticator } from '../../../src/gate/authenticate.ts'
import { Deposits } from '../../../src/gate/deposits.ts'
import type { Invoices } from '../../../src/ledger/invoices.ts'
import { Tiers } from '../../../src/money/tiers.ts'
import { KnownPasses } from '../../../src/passes/known.ts'
import { makeRecogniser } from '../../../src/passes/recognise.ts'
import { makeVerifier } from '../../../src/passes/verify.ts'
import { rootKeysOf } from '../../../src/passes/write.ts'
import { L402 } from '../../../src/rails/l402.ts'
import { LightningOffers } from '../../../src/rails/lightning/lightning-offers.ts'
import type { InvoiceQuotaKey } from '../../../src/rails/rail.ts'
import { openPlayWallet } from '../../../src/wallets/play/play.ts'
import {
  type InvoiceAsk,
  type InvoiceState,
  type Wallet,
  WalletUnreachable,
} from '../../../src/wallets/wallet.ts'
import { alone, WalletList } from '../../../src/wallets/wallet-list.ts'
import { unheard } from '../../support/background.ts'
import { openMemoryBooks } from '../../support/memory-books.ts'
import { MemoryRevocations } from '../../support/memory-revocations.ts'
import { real } from '../../support/world.ts'

export interface RailOptions {
  readonly perClient?: number
  readonly total?: number
  readonly invoices?: Partial<Invoices>
  readonly wallet?: Partial<Wallet>
  /** What the wallet refuses, and how. */
  readonly mind?: (ask: InvoiceAsk) => Error | null
}

/** The rail on a play wallet. The test controls its time, its refusals and its outages. */
export function rail(options: RailOptions = {}) {
  let ahead = 0
  let behind = 0
  const world = {
    ...real,
    now: () => Date.now() + ahead - behind,
    elapsed: () => real.elapsed() + ahead,
  }
  const { invoices: store, ledger, passes } = openMemoryBooks('play')
  const play = openPlayWallet({ store, world, background: unheard })
  const state: { is: InvoiceState | null; down: boolean } = { is: null, down: false }
  const asks: InvoiceAsk[] = []
  const wallet: Wallet = {
    ...play,
    ...options.wallet,
    async createInvoice(ask) {
      if (state.down) throw new WalletUnreachable('down')
      asks.push(ask)
      const refused = options.mind?.(ask) ?? null
      if (refused !== null) throw refused
      return play.createInvoice(ask)
    },
    async lookup(hash) {
      if (state.down) throw new WalletUnreachable('down')
      return state.is ?? play.lookup(hash)
    },
  }
  const lookup = vi.spyOn(wallet, 'lookup')
  const wallets = new WalletList([alone(wallet)], {
    world,
    outages: { gone() {}, back() {} },
    background: unheard,
  })
  const master = new Uint8Array(randomBytes(32))
  const keys = rootKeysOf(master)
  const known = new KnownPasses(100)
  const verify = makeVerifier({ keys: [keys.current], remember: 100 })
  const revocations = new MemoryRevocations()
  const lightning = new LightningOffers({
    ...{ wallets, passes, revocations, keys, world, background: unheard, tiers: new Tiers([]) },
    invoices: Object.assign(store, options.invoices),
    perClient: options.perClient ?? 20,
    total: options.total ?? 100,
  })
  const read = makeRecogniser({ verify, keys: [keys.current], known })
  const l402 = new L402({ lightning, read })
  const deposits = new Deposits({
    ledger,
    passes,
    keys,
    world,
    say: () => {},
    tiers: new Tiers([]),
  })
  const authenticator = new Authenticator({
    ...{ passes, revocations, unpaid: l402, deposits, known, world },
  })
  /** What a request with this pass presents. */
  const presented = (macaroon: unknown, secret: string) => {
    const read = l402.read(['authorization', `L402 ${macaroon}:${secret}`])
    if (read.is !== 'credential') throw new Error(read.is)
    return read
  }
  const authenticate = (macaroon: unknown, secret: string) =>
    authenticator.authenticate(presented(macaroon, secret), null)
  /** Sets the wall clock back. No time passes. */
  const setBack = (ms: number) => {
    behind += ms
  }
  const advance = (ms: number) => {
    ahead += ms
  }
  return {
    ...{
      l402,
      lightning,
      play,
      store,
      passes,
      state,
      lookup,
      wallets,
      asks,
      advance,
      setBack,
      master,
    },
    ...{ presented, authenticate, authenticator, deposits, keys, ledger, revocations, world },
  }
}

const stranger = (client: string, site = client): InvoiceQuotaKey => ({
  is: 'stranger',
  client,
  site,
})

/** What a stranger or the owner of that account asks for. */
export const want = (from: string | InvoiceQuotaKey = 'a', sat = 10) => {
  const quota = typeof from === 'string' ? stranger(from) : from
  const account = quota.is === 'owner' || quota.is === 'spender' ? quota.account : null
  const made = { macaroon: quota.is !== 'spender', generation: 0, unpaid: null }
  const where = { quota, origin: 'https://gate.example', path: '/', method: 'POST' }
  const body = { empty: true, hash: () => '' }
  return { sat, least: sat, account, caveats: [], ...made, ...where, body, acceptPayment: null }
}

export async function offered(l402: L402, from: string | InvoiceQuotaKey = 'a', sat = 10) {
  const made = await l402.offer(want(from, sat))
  if (!made.ok) throw new Error(made.error.why)
  return made.value
}
