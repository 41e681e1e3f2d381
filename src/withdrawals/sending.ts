import { inTime } from '../floor/in-time.ts'
import { err, ok, type Result } from '../floor/result.ts'
import { sleep, type World } from '../floor/world.ts'
import type { AccountId } from '../ledger/ledger.ts'
import type { Withdrawal, WithdrawalBook, WithdrawalRequest } from '../ledger/withdrawals.ts'
import type { Flights, Way } from './flights.ts'
import { nameOfToken } from './names.ts'
import type { WithdrawRefused } from './refused.ts'
import type { WithdrawalSource } from './source.ts'

/** ms that a request waits for money that running requests of its account hold (threats B9). */
const MONEY_WAIT = 5_000
const TRY_AGAIN = 250
/** ms that a request waits for the end of its withdrawal. After that the answer is `pending`. */
const ANSWER_WITHIN = 15_000
/** ms after its beginning in which a request waits at all. */
const FRESH = 60_000
/** How many withdrawals of all accounts may be under way (threats L12), and how many changes. */
const MOST_IN_FLIGHT = 3
const MOST_CHANGES = 20
/** The kind of a withdrawal that is the change of a payment. */
export const CHANGE = 'change'

/** A withdrawal as it stands now. An open one is `pending`. */
export interface Withdrawn {
  readonly withdrawal: Withdrawal
  /** The token of one as ecash that was sent. */
  readonly token: string | null
  readonly mint: string | null
}

/** What is needed of the book. */
export type OpenBook = Omit<WithdrawalBook, 'nameSource'>

export interface SendingParts {
  readonly book: OpenBook
  readonly flights: Flights
  readonly sources: readonly WithdrawalSource[]
  readonly world: World
}

/** What is to be sent: the posting, the way, and what is stored between the two. */
export interface Order {
  readonly request: Omit<WithdrawalRequest, 'at'>
  readonly way: Way
  /** Stores what a restart or a repetition needs. It is on disk when this resolves. */
  note(): Promise<void>
}

/** Writes a withdrawal into the book, sends it, and waits some seconds for its end. */
export class Sending {
  readonly #parts: SendingParts
  /** Withdrawals and changes that are written now, and are not under way yet. */
  readonly #writing = { withdrawals: 0, changes: 0 }

  constructor(parts: SendingParts) {
    this.#parts = parts
  }

  /** Why another withdrawal of this account has to wait. Null if it need not. */
  busy(account: AccountId): WithdrawRefused | null {
    const { flights } = this.#parts
    if (flights.has(account)) return { why: 'in_flight' }
    return this.#isFull('withdrawals') ? { why: 'too_many' } : null
  }

  /**
   * Refuses as the book does, and as `too_many`. Waits some seconds for money that the account's own
   * requests hold, but not with change, because an answer waits for that. If the same id is in the
   * book already, it is told how that one stands.
   */
  async send(order: Order): Promise<Result<Withdrawn, WithdrawRefused>> {
    const { world } = this.#parts
    const until = world.elapsed() + MONEY_WAIT
    for (;;) {
      const tried = await this.#write(order)
      if (tried.ok || tried.error.why !== 'held' || world.elapsed() >= until) return tried
      if (order.request.kind === CHANGE) return tried
      await sleep(world, TRY_AGAIN)
    }
  }

  async #write(order: Order): Promise<Result<Withdrawn, WithdrawRefused>> {
    const { book, flights, world } = this.#parts
    const { request, way } = order
    const what = whatOf(request)
    if (this.#isFull(what)) return err({ why: 'too_many' })
    let closing: Promise<Withdrawal>
    let put: Awaited<ReturnType<WithdrawalBook['withdraw']>>
    this.#writing[what] += 1
    try {
      put = await book.withdraw({ ...request, at: world.now() })
      if (!put.ok) return await this.#notWritten(order, put.error.why)
      await order.note()
      closing = flights.begin(put.value, way)
    } finally {
      this.#writing[what] -= 1
    }
    return ok(await this.#awaited(put.value, closing))
  }

  async #notWritten(
    { request }: Order,
    why: 'exists' | 'account_not_found' | 'in_flight' | 'held' | 'insufficient_funds',
  ): Promise<Result<Withdrawn, WithdrawRefused>> {
    if (why === 'exists') {
      const known = await this.known(request.id, request.account)
      if (known !== null) return known
    }
    if (why === 'insufficient_funds') {
      return err({ why: 'too_much', asked: request.amount, fee: request.fee })
    }
    return err({ why: why === 'in_flight' || why === 'held' ? why : 'nothing' })
  }

  /** How a withdrawal of that id stands. Null if there is none. Waits some seconds for its end. */
  async known(id: string, account: AccountId): Promise<Result<Withdrawn, WithdrawRefused> | null> {
    const { book, flights, world } = this.#parts
    const withdrawal = await book.withdrawal(id)
    if (withdrawal === null) return null
    if (withdrawal.account !== account) return err({ why: 'invoice_used' })
    // Another request may have written it this very moment, and not begun to send it.
    for (let tries = 0; tries < 20 && withdrawal.state === 'open'; tries += 1) {
      const closing = flights.closing(id)
      if (closing !== null) return ok(await this.#awaited(withdrawal, closing))
      if (world.now() - withdrawal.at > FRESH) break
      await sleep(world, 50)
    }
    return this.told((await book.withdrawal(id)) ?? withdrawal)
  }

  /** One that is under way for longer is not waited for: it may take days, and many may ask for it. */
  async #awaited(withdrawal: Withdrawal, closing: Promise<Withdrawal>): Promise<Withdrawn> {
    const { world } = this.#parts
    const fresh = world.now() - withdrawal.at < FRESH
    const within = { ms: ANSWER_WITHIN, late: withdrawal }
    const now = fresh ? await inTime(world, closing, within) : withdrawal
    const told = await this.told(now)
    return told.ok ? told.value : { withdrawal: { ...now, state: 'open' }, token: null, mint: null }
  }

  /** Adds the token of a withdrawal as ecash. Refuses as `unreachable` if it cannot be read now. */
  async told(withdrawal: Withdrawal): Promise<Result<Withdrawn, WithdrawRefused>> {
    const { sources } = this.#parts
    const { account, id, kind, source, state } = withdrawal
    if (kind === 'lightning') return ok({ withdrawal, token: null, mint: null })
    const ecash = sources.find((one) => one.source === source)?.ecash ?? null
    const mint = ecash?.mint ?? null
    if (state !== 'sent') return ok({ withdrawal, token: null, mint })
    try {
      const made = await ecash?.find(nameOfToken(account, id))
      if (made !== null && made !== undefined) return ok({ withdrawal, token: made.token, mint })
    } catch {
      // Said below.
    }
    return err({ why: 'unreachable', source })
  }

  #isFull(what: 'withdrawals' | 'changes'): boolean {
    const flying = this.#parts.flights.count((one) => whatOf(one) === what)
    return flying + this.#writing[what] >= (what === 'changes' ? MOST_CHANGES : MOST_IN_FLIGHT)
  }
}

const whatOf = ({ kind }: Pick<Withdrawal, 'kind'>) =>
  kind === CHANGE ? ('changes' as const) : ('withdrawals' as const)
