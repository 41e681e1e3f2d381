import { backOff } from '../floor/back-off.ts'
import type { Background } from '../floor/background.ts'
import { inTime } from '../floor/in-time.ts'
import { sleep, type World } from '../floor/world.ts'
import type { AccountId } from '../ledger/ledger.ts'
import type {
  Withdrawal,
  WithdrawalBook,
  WithdrawalClose,
  WithdrawalId,
} from '../ledger/withdrawals.ts'
import { fromSat, msat } from '../money/msat.ts'
import type { Outgoing, PaymentOrder, PaymentState } from '../wallets/outgoing.ts'
import { WalletRefused, WalletUnreachable } from '../wallets/wallet.ts'
import { invoiceWithdrawal, nameAtWallet, nameOfToken } from './names.ts'
import type { EcashOut } from './source.ts'

/** ms between two questions what became of a withdrawal, and the longest pause. */
const ASK_AGAIN = 1_000
const LONGEST_PAUSE = 15_000
/** ms that a wallet may take to answer, before it is asked in another way. */
const PAY_WITHIN = 60_000
/** ms behind its expiry at which no wallet can begin to pay an invoice, whatever its clock says. */
const CERTAINLY_EXPIRED = 600_000
/** ms after which the operator is told that a withdrawal does not end. */
const LATE = 600_000

export interface FlightParts {
  readonly book: Pick<WithdrawalBook, 'closeWithdrawal'>
  readonly world: World
  readonly background: Background
  /** Names this gate at its wallets. */
  readonly gate: string
  /** Hears how each withdrawal ends, and of one that does not end. */
  readonly told: {
    /** `late`: it was told of before, because it did not end. */
    closed(withdrawal: Withdrawal, late: boolean): void
    late(withdrawal: Withdrawal): void
  }
}

/** How one withdrawal leaves. */
export type Way = ByInvoice | { readonly by: 'ecash'; readonly ecash: EcashOut }

interface ByInvoice {
  readonly by: 'lightning'
  readonly outgoing: Outgoing
  /** Null if it was never handed to the wallet. */
  readonly invoice: (Pick<PaymentOrder, 'bolt11'> & { readonly expiresAt: number }) | null
}

/** A withdrawal that is not over. */
interface Flight {
  readonly withdrawal: Withdrawal
  readonly way: Way
  readonly closed: Promise<Withdrawal>
  readonly end: (closed: Withdrawal) => void
  late: boolean
}

/**
 * Sends withdrawals that are in the book, and follows each until the wallet or mint says how it ended.
 * Nothing is given back because time has passed (threats L12).
 */
export class Flights {
  readonly #parts: FlightParts
  readonly #flying = new Map<WithdrawalId, Flight>()
  readonly #stopped = new AbortController()

  constructor(parts: FlightParts) {
    this.#parts = parts
  }

  /** How many withdrawals of that kind are not over. */
  count(fits: (withdrawal: Withdrawal) => boolean): number {
    return [...this.#flying.values()].filter(({ withdrawal }) => fits(withdrawal)).length
  }

  /** Resolves when that withdrawal is closed. Null if none of that id is under way. */
  closing(id: WithdrawalId): Promise<Withdrawal> | null {
    return this.#flying.get(id)?.closed ?? null
  }

  /** Whether a withdrawal of the account is not over. */
  has(account: AccountId): boolean {
    return this.count((one) => one.account === account) > 0
  }

  /**
   * Sends a withdrawal that was just written. Resolves when it is closed, which may take days. It
   * never rejects.
   */
  begin(withdrawal: Withdrawal, way: Way): Promise<Withdrawal> {
    return this.#fly(withdrawal, way, async (flight) => {
      const closed = await this.#send(flight)
      return closed ?? this.#follow(flight)
    })
  }

  /** Goes on with a withdrawal that an earlier process left open. Asks first what became of it. */
  resume(withdrawal: Withdrawal, way: Way): Promise<Withdrawal> {
    return this.#fly(withdrawal, way, async (flight) => {
      const closed = await this.#ask(flight)
      return closed ?? this.#follow(flight)
    })
  }

  /** Follows none any more. What runs now may end within `ms`. What is left stays open in the book. */
  async stop(ms: number): Promise<void> {
    const closing = Promise.all([...this.#flying.values()].map(({ closed }) => closed))
    if (this.#flying.size > 0) await inTime(this.#parts.world, closing, { ms, late: null })
    this.#stopped.abort()
  }

  #fly(
    withdrawal: Withdrawal,
    way: Way,
    run: (flight: Flight) => Promise<Withdrawal | null>,
  ): Promise<Withdrawal> {
    const known = this.#flying.get(withdrawal.id)
    if (known !== undefined) return known.closed
    const { promise: closed, resolve: end } = Promise.withResolvers<Withdrawal>()
    const flight: Flight = { withdrawal, way, closed, end, late: false }
    this.#flying.set(withdrawal.id, flight)
    // A mistake ends the run and is reported. The withdrawal stays open then, because money does not
    // move on a mistake, and the next start takes it up again.
    this.#parts.background.once('withdrawal', async () => {
      const ended = await run(flight)
      if (ended === null) return
      this.#flying.delete(withdrawal.id)
      this.#parts.told.closed(ended, flight.late)
      end(ended)
    })
    return closed
  }

  /** Asks again and again. Null if the gate stops before it is over. */
  async #follow(flight: Flight): Promise<Withdrawal | null> {
    const { told, world } = this.#parts
    const { signal } = this.#stopped
    for (let times = 0; ; times += 1) {
      const ms = backOff(ASK_AGAIN, Math.min(times, 10), LONGEST_PAUSE)
      await sleep(world, ms, { signal, unref: 'unref' })
      if (signal.aborted) return null
      const closed = await this.#ask(flight)
      if (closed !== null) return closed
      if (!flight.late && world.now() - flight.withdrawal.at >= LATE) {
        flight.late = true
        told.late(flight.withdrawal)
      }
    }
  }

  /** Null if it is not known yet how it ended. */
  #send(flight: Flight): Promise<Withdrawal | null> {
    const { way } = flight
    return way.by === 'ecash' ? this.#make(flight, way.ecash) : this.#payFirst(flight, way)
  }

  #ask(flight: Flight): Promise<Withdrawal | null> {
    const { way } = flight
    return way.by === 'ecash' ? this.#findToken(flight, way.ecash) : this.#findPayment(flight, way)
  }

  async #make(flight: Flight, ecash: EcashOut): Promise<Withdrawal | null> {
    const { withdrawal } = flight
    const sat = Number(withdrawal.amount / 1000n)
    try {
      const { feeSat } = await ecash.make(this.#token(withdrawal), sat)
      return await this.#close(flight, this.#sent(fromSat(feeSat)))
    } catch {
      // Whether the mint has not answered or has refused: its restore says what is there.
      return this.#findToken(flight, ecash)
    }
  }

  async #findToken(flight: Flight, ecash: EcashOut): Promise<Withdrawal | null> {
    let found: Awaited<ReturnType<EcashOut['find']>>
    try {
      found = await ecash.find(this.#token(flight.withdrawal))
    } catch {
      return null
    }
    if (found === null) return this.#close(flight, this.#failed('the mint made no token'))
    return this.#close(flight, this.#sent(fromSat(found.feeSat)))
  }

  /** The first try. If the wallet cannot be reached, nothing was sent, and it is over. */
  async #payFirst(flight: Flight, way: ByInvoice): Promise<Withdrawal | null> {
    try {
      return await this.#pay(flight, way)
    } catch (error) {
      if (!isAway(error)) return this.#mistake(error)
      return this.#close(flight, this.#failed('the wallet does not answer, and nothing was sent'))
    }
  }

  /** It may have been sent, so it stays open and is asked for. */
  #mistake(error: unknown): null {
    this.#parts.background.failed('withdrawal', error)
    return null
  }

  async #pay(flight: Flight, { outgoing, invoice }: ByInvoice): Promise<Withdrawal | null> {
    if (invoice === null) return null
    const { withdrawal } = flight
    const paying = outgoing.pay({
      ...this.#payment(withdrawal),
      bolt11: invoice.bolt11,
      amountMsat: withdrawal.amount,
      maxFeeMsat: withdrawal.fee,
    })
    const within = { ms: PAY_WITHIN, late: PENDING }
    return this.#learn(flight, await inTime(this.#parts.world, paying, within))
  }

  async #findPayment(flight: Flight, way: ByInvoice): Promise<Withdrawal | null> {
    try {
      const state = await way.outgoing.find(this.#payment(flight.withdrawal))
      return await (state.is === 'unknown'
        ? this.#untried(flight, way)
        : this.#learn(flight, state))
    } catch (error) {
      return isAway(error) ? null : this.#mistake(error)
    }
  }

  /**
   * The wallet has not tried it. An order of ours may still be on its way to the wallet, so the money
   * is not given back: it is ordered again, because no wallet pays one invoice twice. It is given
   * back when nobody can pay the invoice any more.
   */
  async #untried(flight: Flight, way: ByInvoice): Promise<Withdrawal | null> {
    const { invoice } = way
    const now = this.#parts.world.now()
    if (invoice === null || now > invoice.expiresAt + CERTAINLY_EXPIRED) {
      return this.#close(flight, this.#failed('it was not sent before the gate stopped'))
    }
    return now < invoice.expiresAt ? this.#pay(flight, way) : null
  }

  async #learn(flight: Flight, state: PaymentState): Promise<Withdrawal | null> {
    if (state.is === 'paid') return this.#close(flight, this.#sent(msat(state.feeMsat)))
    if (state.is === 'failed') return this.#close(flight, this.#failed(state.reason))
    return null
  }

  /** Resolves when it is on disk. Null if the gate has stopped: the next start asks again. */
  async #close({ withdrawal }: Flight, close: WithdrawalClose): Promise<Withdrawal | null> {
    if (this.#stopped.signal.aborted) return null
    const closed = await this.#parts.book.closeWithdrawal(withdrawal.id, close)
    if (closed.ok) return closed.value
    // The first close counts. Nobody else closes what flies here.
    throw new Error(`a withdrawal could not be closed: ${closed.error}`)
  }

  readonly #sent = (fee: ReturnType<typeof msat>): WithdrawalClose => ({
    ...{ is: 'sent', fee, at: this.#parts.world.now() },
  })

  readonly #failed = (reason: string): WithdrawalClose => ({
    ...{ is: 'failed', reason, at: this.#parts.world.now() },
  })

  #token({ account, id }: Withdrawal): string {
    return nameOfToken(account, id)
  }

  #payment({ account, id }: Withdrawal): Pick<PaymentOrder, 'id' | 'paymentHash'> {
    return {
      id: nameAtWallet(this.#parts.gate, account, id),
      paymentHash: id.slice(invoiceWithdrawal('').length),
    }
  }
}

const PENDING: PaymentState = { is: 'pending' }

const isAway = (error: unknown): boolean =>
  error instanceof WalletUnreachable || error instanceof WalletRefused
