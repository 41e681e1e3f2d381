import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readBolt11 } from '../../../src/wallets/bolt11.ts'
import { Freeze } from '../../../src/wallets/ecash/freeze.ts'
import { BuyerPayments } from '../../../src/wallets/ecash/spend/buyer-payments.ts'
import { BuyerTokens } from '../../../src/wallets/ecash/spend/buyer-tokens.ts'
import { SeedCheck } from '../../../src/wallets/ecash/spend/seed-check.ts'
import { Swapper } from '../../../src/wallets/ecash/spend/swap.ts'
import { openEcashFile } from '../../../src/wallets/ecash/store/database.ts'
import { Payouts } from '../../../src/wallets/ecash/store/payouts.ts'
import { EcashStore } from '../../../src/wallets/ecash/store/store.ts'
import type { PaymentOrder } from '../../../src/wallets/outgoing.ts'
import { worldAt } from '../../support/world.ts'
import { fund, invoiceFor, MintBank, mintDouble } from './mint-double.ts'

const NOON = Date.UTC(2026, 10, 21, 12)

/** Withdrawals of buyers from one mint, in a folder that outlives the processes. */
export class Buyers {
  readonly folder = mkdtempSync(join(tmpdir(), 'satgate-buyers-'))
  readonly path = join(this.folder, 'ecash.db')
  readonly bank: MintBank
  clock = NOON
  readonly events: Record<string, unknown>[] = []
  now: ReturnType<Buyers['start']>

  constructor(bank = new MintBank()) {
    this.bank = bank
    this.now = this.start()
  }

  start() {
    const store = new EcashStore(openEcashFile({ path: this.path, seedMark: 's', now: this.clock }))
    const freeze = new Freeze(store)
    const world = worldAt(() => this.clock)
    const swapper = new Swapper({ store, freeze, world })
    const seedCheck = new SeedCheck({ store, freeze, world })
    const mint = mintDouble(this.bank)
    const payouts = new Payouts(store)
    const shared = {
      ...{
        store,
        freeze,
        swapper,
        seedCheck,
        world,
        payouts,
        running: new Map(),
        money: 'test' as const,
      },
      say: (event: object) => void this.events.push({ ...event }),
      // The secrets stand in the token, so that a test can redeem it.
      writeToken: async (_: string, coins: readonly { readonly secret: string }[]) =>
        coins.map(({ secret }) => secret).join(' '),
    }
    return {
      ...shared,
      mint,
      tokens: new BuyerTokens(shared, mint),
      payments: new BuyerPayments(shared, mint),
    }
  }

  /** The process has ended, and the next one starts. */
  reopen(): void {
    this.now.store.close()
    this.now = this.start()
  }

  fund(...amounts: number[]): void {
    fund(this.now.store, this.bank, amounts)
  }

  order(sat: number, more: Partial<PaymentOrder> = {}): PaymentOrder {
    const bolt11 = more.bolt11 ?? invoiceFor(sat, { now: this.clock })
    const { paymentHash = '', amountMsat } = readBolt11(bolt11) ?? {}
    const rest = { bolt11, paymentHash, amountMsat: amountMsat ?? 0n, maxFeeMsat: 100_000n }
    return { id: `satgate:ann:ln:${paymentHash.slice(0, 8)}`, ...rest, ...more }
  }

  held(): number {
    return this.now.store.holdings().reduce((sum, { free, held }) => sum + free + held, 0)
  }

  free(): number {
    return this.now.store.holdings().reduce((sum, { free }) => sum + free, 0)
  }

  /** What the coins of a token are worth at the mint now. */
  worth(token: string): number {
    return token
      .split(' ')
      .filter((secret) => this.bank.stateOf(secret) === 'unspent')
      .reduce((sum, secret) => sum + (this.bank.signed.get(secret) ?? 0), 0)
  }

  paidOut(): number {
    return this.bank.paidOut.reduce((sum, { sat }) => sum + sat, 0)
  }

  /** Every sat is a coin of ours, is in a token, was paid out, or was a fee. */
  whole(funded: number, ...tokens: readonly string[]): boolean {
    const given = tokens.reduce((sum, token) => sum + this.worth(token), 0)
    return (
      this.bank.out() + this.bank.kept + this.paidOut() === funded &&
      this.held() + given === this.bank.out()
    )
  }

  close(): void {
    this.now.store.close()
    rmSync(this.folder, { recursive: true })
  }
}
