import { createHash } from 'node:crypto'
import { sleep } from '../../../src/floor/world.ts'
import type { InvoiceState, Settlement, Wallet } from '../../../src/wallets/wallet.ts'
import { WalletUnreachable } from '../../../src/wallets/wallet.ts'
import type { VirtualProcess, VirtualWorld } from '../../support/virtual-world.ts'
import { SimPayer } from './payer.ts'

export interface SimInvoice {
  readonly hash: string
  readonly preimage: string
  readonly sat: number
  readonly expiresAt: number
  /** When the buyer paid. Null if not yet. */
  paidAt: number | null
  /** Whether the wallet says that it is settled. This may be much later than the payment. */
  settled: boolean
  /** Whether a gate was told of it and was not killed before it heard it. */
  told: boolean
  readonly receivedMsat: bigint
}

interface Listener {
  readonly process: VirtualProcess
  tell(settlement: Settlement): void
}

/**
 * A wallet that lives longer than every gate. It settles late, fails and recovers, loses
 * notifications, and sends others twice.
 */
export class SimWallet {
  readonly invoices = new Map<string, SimInvoice>()
  readonly #world: VirtualWorld
  readonly #settled: string[] = []
  readonly #listeners = new Set<Listener>()
  /** Null if it pays nothing. */
  readonly payer: SimPayer | null
  #up = true
  /** If true, it answers after longer than a list of wallets waits for it. */
  slow = false
  /** If true, it settles at once and loses nothing. */
  calm = false

  constructor(world: VirtualWorld, pays: boolean) {
    this.#world = world
    this.payer = pays ? new SimPayer(world, null) : null
  }

  set up(up: boolean) {
    this.#up = up
    if (this.payer !== null) this.payer.up = up
  }

  get up(): boolean {
    return this.#up
  }

  /** A buyer pays. Returns the preimage. Null if the invoice cannot be paid. */
  pay(hash: string): string | null {
    const invoice = this.invoices.get(hash)
    if (invoice === undefined || this.#world.now() >= invoice.expiresAt) return null
    if (invoice.paidAt === null) {
      invoice.paidAt = this.#world.now()
      this.#world.after(this.#lateness(), () => this.#settle(invoice))
    }
    return invoice.preimage
  }

  /** The wallet as one process of the gate sees it. A killed process hears nothing. */
  seenBy(process: VirtualProcess): Wallet {
    const answer = <T>(work: () => T): Promise<T> => process.hear(this.#answer(work))
    return {
      kind: 'scripted',
      money: 'play',
      label: 'a wallet of the simulation',
      createInvoice: ({ sat, expirySeconds }) => answer(() => this.#make(sat, expirySeconds)),
      lookup: (hash) => answer(() => this.#stateOf(hash)),
      watch: (cursor, tell) => this.#watch(process, cursor, tell),
      probe: () => answer(() => undefined),
      close: async () => {},
      ...(this.payer === null ? {} : { outgoing: this.payer.seenBy(process) }),
    }
  }

  async #answer<T>(work: () => T): Promise<T> {
    await sleep(this.#world, this.slow ? 5_000 : this.#world.chance.from(1, 30))
    if (!this.up) throw new WalletUnreachable('it is away')
    return work()
  }

  #make(sat: number, expirySeconds: number) {
    const { chance } = this.#world
    const preimage = chance.bytes(32)
    const hash = createHash('sha256').update(preimage).digest('hex')
    const expiresAt = this.#world.now() + expirySeconds * 1_000
    const extra = chance.percent(10) ? 700n : 0n
    this.invoices.set(hash, {
      ...{ hash, preimage: Buffer.from(preimage).toString('hex'), sat, expiresAt },
      ...{ paidAt: null, settled: false, told: false, receivedMsat: BigInt(sat) * 1_000n + extra },
    })
    return { bolt11: `lnbcrtsim${hash}`, paymentHash: hash, expiresAt }
  }

  #stateOf(hash: string): InvoiceState {
    const invoice = this.invoices.get(hash)
    if (invoice === undefined) return { is: 'unknown' }
    const { preimage, receivedMsat, expiresAt, paidAt, settled } = invoice
    if (settled) return { is: 'settled', preimage, receivedMsat }
    return { is: paidAt === null && this.#world.now() > expiresAt ? 'dead' : 'open' }
  }

  #lateness(): number {
    const { chance } = this.#world
    if (this.calm || chance.percent(60)) return chance.from(0, 100)
    return chance.percent(60) ? chance.from(500, 9_000) : chance.from(16_000, 40_000)
  }

  #settle(invoice: SimInvoice): void {
    invoice.settled = true
    this.#settled.push(invoice.hash)
    const { chance } = this.#world
    for (const listener of this.#listeners) {
      if (!this.up || (!this.calm && chance.percent(30))) continue
      this.#tell(listener, this.#settled.length)
      if (chance.percent(30)) this.#tell(listener, this.#settled.length)
    }
  }

  #tell({ process, tell }: Listener, index: number): void {
    const paymentHash = this.#settled[index - 1] ?? ''
    this.#world.after(
      this.#world.chance.from(1, 50),
      process.while(() => {
        const invoice = this.invoices.get(paymentHash)
        if (invoice !== undefined) invoice.told = true
        tell({ paymentHash, cursor: String(index) })
      }),
    )
  }

  #watch(process: VirtualProcess, cursor: string | null, tell: Listener['tell']) {
    let listening = true
    const listener = {
      process,
      tell: (settlement: Settlement) => {
        if (listening) tell(settlement)
      },
    }
    this.#listeners.add(listener)
    for (let at = Number(cursor ?? 0) + 1; at <= this.#settled.length; at++)
      this.#tell(listener, at)
    return {
      stop: () => {
        listening = false
        this.#listeners.delete(listener)
      },
    }
  }
}
