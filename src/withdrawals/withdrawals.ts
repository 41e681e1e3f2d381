import type { Background } from '../floor/background.ts'
import { ClientBucket } from '../floor/client-bucket.ts'
import { inTime } from '../floor/in-time.ts'
import { err, ok, type Result } from '../floor/result.ts'
import type { World } from '../floor/world.ts'
import type { AccountId, MoneyKind } from '../ledger/ledger.ts'
import type { Withdrawal } from '../ledger/withdrawals.ts'
import { floorSat } from '../money/msat.ts'
import { readBolt11 } from '../wallets/bolt11.ts'
import { mostByInvoice } from './amounts.ts'
import { type Chosen, chooseForInvoice, chooseForToken, type Rest, restsOf } from './choose.ts'
import { type FlightParts, Flights, type Way } from './flights.ts'
import { payableNow, type ReadInvoice, readInvoice } from './invoice.ts'
import { invoiceWithdrawal } from './names.ts'
import type { WithdrawRefused } from './refused.ts'
import { type Asking, type Facts, Repeats, SentInvoices } from './repeats.ts'
import type { RestoreCheck } from './restore-check.ts'
import { type OpenBook, Sending, type Withdrawn } from './sending.ts'
import type { WithdrawalSource } from './source.ts'

/** ms that a stop waits for withdrawals that are under way. They stay open in the book otherwise. */
const STOP_WITHIN = 3_000
/** ms that a request waits for the start to take up what an earlier process left open. */
const START_WITHIN = 5_000
/**
 * New withdrawals that an account may ask for in a minute, whether they are refused or not: each asks
 * its mint for a quote, out of the calls that other buyers need too (threats I10).
 */
const A_MINUTE = 10

export interface WithdrawalParts {
  readonly book: OpenBook
  readonly sources: readonly WithdrawalSource[]
  readonly money: MoneyKind
  readonly facts: Facts
  /** Whether this gate made the invoice of that payment hash. */
  readonly isOurs: (paymentHash: string) => Promise<boolean>
  readonly restored: Pick<RestoreCheck, 'paused'>
  /** False while the ledger cannot write. */
  readonly healthy: () => boolean
  /** 16 hex digits that name this gate at its wallets. They are the same after a restore. */
  readonly gate: string
  readonly world: World
  readonly background: Background
  readonly told: FlightParts['told']
}

/** What an account may withdraw from one wallet or mint. */
export interface Shown {
  readonly source: string
  readonly sats: number
  /** The most that an invoice may ask for. Not set if this source pays no invoices. */
  readonly invoice_sats?: number
}

/**
 * Pays buyers back what they paid in and did not spend: by Lightning invoice, or as an ecash token.
 * The money is in the book as a hold before anything is sent, and it leaves the wallet or mint that
 * it came into (threats L9, L12).
 */
export class Withdrawals {
  readonly sending: Sending
  readonly flights: Flights
  readonly #parts: WithdrawalParts
  readonly #repeats: Repeats
  readonly #invoices: SentInvoices
  readonly #started = Promise.withResolvers<void>()
  readonly #asked: ClientBucket
  #stopping = false

  constructor(parts: WithdrawalParts) {
    const { facts, told, world } = parts
    this.#parts = parts
    this.#repeats = new Repeats(facts, world)
    this.#asked = new ClientBucket(world)
    this.#invoices = new SentInvoices(facts)
    this.flights = new Flights({
      ...parts,
      told: { ...told, closed: (one, late) => this.#closed(one, late) },
    })
    this.sending = new Sending({ ...parts, flights: this.flights })
  }

  /** Takes up what an earlier process left open. */
  start(): void {
    this.#parts.background.until('withdrawals', { every: 1_000, longest: 60_000 }, async () => {
      for (const open of await this.#parts.book.openWithdrawals()) await this.#resume(open)
      this.#started.resolve()
    })
  }

  /** How many withdrawals are not over. */
  get open(): number {
    return this.flights.count(() => true)
  }

  get stopping(): boolean {
    return this.#stopping
  }

  /** Takes no more from now on. */
  refuseNew(): void {
    this.#stopping = true
  }

  async stop(): Promise<void> {
    this.refuseNew()
    await this.flights.stop(STOP_WITHIN)
  }

  /** What may leave now, by source. Null if there is no such account. */
  async withdrawable(account: AccountId): Promise<readonly Shown[] | null> {
    const all = await this.#parts.book.withdrawable(account)
    if (all === null) return null
    return all
      .filter(({ amount }) => amount >= 1_000n)
      .map(({ amount, source }) => {
        const pays = this.#source(source)?.lightning
        const sats = { source, sats: floorSat(amount) }
        return pays === undefined || pays === null
          ? sats
          : { ...sats, invoice_sats: mostByInvoice(amount) }
      })
  }

  /**
   * Pays an invoice. The same invoice again is told how its payment stands, and is never paid twice.
   * Refuses in the order of `WithdrawRefused`.
   */
  async byInvoice(
    account: AccountId,
    text: string,
    key: string | null,
  ): Promise<Result<Withdrawn, WithdrawRefused>> {
    const closed = await this.#notNow()
    if (closed !== null) return err(closed)
    const read = readInvoice(text, this.#parts.money)
    if (!read.ok) return read
    const invoice = read.value
    const asking = { account, key, body: `invoice ${invoice.hash}` }
    if (await this.#repeats.reused(asking)) return err({ why: 'key_reused' })
    const id = invoiceWithdrawal(invoice.hash)
    const known = await this.sending.known(id, account)
    if (known !== null) return known
    const refused = (await this.#notPayable(invoice)) ?? this.sending.busy(account)
    if (refused !== null) return err(refused)
    const rests = await this.#rests(account)
    if (!rests.ok) return rests
    const chosen = await chooseForInvoice(invoice, rests.value, this.#paused)
    if (!chosen.ok) return chosen
    const { way: outgoing, ...from } = chosen.value
    return this.sending.send({
      request: { ...requestOf(from), id, account, kind: 'lightning' },
      way: { by: 'lightning', outgoing, invoice },
      note: async () => {
        await this.#noteKey(asking)
        await this.#invoices.put(id, invoice.bolt11)
      },
    })
  }

  /**
   * Makes a token: of `sat`, or of everything that may leave of one mint. The same Idempotency-Key,
   * or without one the same request within ten minutes, gets the same token.
   */
  async byEcash(
    account: AccountId,
    asked: { readonly sat: number | null; readonly mint: string | null },
    key: string | null,
  ): Promise<Result<Withdrawn, WithdrawRefused>> {
    const closed = await this.#notNow()
    if (closed !== null) return err(closed)
    const asking = { account, key, body: JSON.stringify([asked.sat, asked.mint]) }
    if (await this.#repeats.reused(asking)) return err({ why: 'key_reused' })
    const { id, known, number } = await this.#token(asking)
    if (known !== null) return known
    const busy = this.sending.busy(account)
    if (busy !== null) return err(busy)
    const rests = await this.#rests(account)
    if (!rests.ok) return rests
    const chosen = await chooseForToken(asked, rests.value, this.#paused)
    if (!chosen.ok) return chosen
    const { way: ecash, ...from } = chosen.value
    return this.sending.send({
      request: { ...requestOf(from), id, account, kind: 'ecash' },
      way: { by: 'ecash', ecash },
      note: () => this.#repeats.note(asking, number),
    })
  }

  /** The withdrawal that this request asks for, and how it stands if it was there before. */
  async #token(asking: Asking) {
    for (let number = await this.#repeats.number(asking); ; number += 1) {
      const id = this.#repeats.ecashId(asking, number)
      const known = await this.sending.known(id, asking.account)
      // Without a key nobody asks for the one that failed.
      const failed = known?.ok === true && known.value.withdrawal.state === 'failed'
      if (!failed || asking.key !== null) return { id, known, number }
    }
  }

  async #notNow(): Promise<WithdrawRefused | null> {
    if (this.#stopping) return { why: 'stopping' }
    const { healthy, world } = this.#parts
    const started = this.#started.promise.then(() => true)
    const up = healthy() && (await inTime(world, started, { ms: START_WITHIN, late: false }))
    return up ? null : { why: 'ledger_unavailable' }
  }

  async #notPayable(invoice: ReadInvoice): Promise<WithdrawRefused | null> {
    const { isOurs, world } = this.#parts
    if (await isOurs(invoice.hash)) return { why: 'own_invoice' }
    const payable = payableNow(invoice, world.now())
    return payable.ok ? null : payable.error
  }

  async #rests(account: AccountId): Promise<Result<readonly Rest[], WithdrawRefused>> {
    const { book, sources } = this.#parts
    const all = (await book.withdrawable(account)) ?? []
    const some = all.filter(({ amount }) => amount >= 1_000n)
    if (some.length === 0) return err({ why: 'nothing' })
    const waitMs = this.#asked.take(account, A_MINUTE)
    return waitMs > 0 ? err({ why: 'too_often', waitMs }) : ok(restsOf(some, sources))
  }

  async #noteKey(asking: Asking): Promise<void> {
    if (asking.key !== null) await this.#repeats.note(asking, 1)
  }

  async #resume(open: Withdrawal): Promise<void> {
    const way = await this.#wayOf(open)
    // Its wallet is not configured any more, so nobody can say what became of it.
    if (way === null) this.#parts.told.late(open)
    else this.#parts.background.once('withdrawal', () => this.flights.resume(open, way))
  }

  async #wayOf({ id, kind, source }: Withdrawal): Promise<Way | null> {
    const { ecash = null, lightning = null } = this.#source(source) ?? {}
    if (kind !== 'lightning') return ecash === null ? null : { by: 'ecash', ecash }
    if (lightning === null) return null
    const bolt11 = await this.#invoices.get(id)
    const read = bolt11 === null ? null : readBolt11(bolt11)
    const invoice = bolt11 === null || read === null ? null : { bolt11, expiresAt: read.expiresAt }
    return { by: 'lightning', outgoing: lightning, invoice }
  }

  #closed(withdrawal: Withdrawal, late: boolean): void {
    const { background, told } = this.#parts
    told.closed(withdrawal, late)
    if (withdrawal.kind !== 'lightning') return
    background.once('withdrawal', () => this.#invoices.forget(withdrawal.id))
  }

  #source(name: string): WithdrawalSource | undefined {
    return this.#parts.sources.find(({ source }) => source === name)
  }

  readonly #paused = ({ source }: WithdrawalSource): WithdrawRefused | null =>
    this.#parts.restored.paused(source)
}

const requestOf = ({ amount, fee, source }: Omit<Chosen<unknown>, 'way'>) => ({
  ...{ source: source.source, amount, fee },
})
