import { Cache } from '../../floor/cache.ts'
import { inTime } from '../../floor/in-time.ts'
import type { World } from '../../floor/world.ts'
import type { Outgoing, PaymentName, PaymentOrder, PaymentState } from '../outgoing.ts'
import { payOnce } from '../pay-once.ts'
import { WalletRefused, WalletUnreachable } from '../wallet.ts'
import { explained, type Transaction, transactionIn, transactionsIn } from './answers.ts'
import { type NwcClient, NwcError } from './client.ts'
import { NothingSent } from './relay.ts'

/**
 * Transactions of one page, and the most pages in which a payment is looked for. Small relays drop
 * longer replies without a word.
 */
const PAGE = 3
const MOST_PAGES = 15

/**
 * Payments by a wallet whose connection may pay. A request names no bound of the fee (NIP-47), so
 * what routing costs is bounded by the wallet alone. There is no list, because a wallet does not say
 * whether it keeps our id.
 */
export function nwcOutgoing(client: NwcClient, { world, deadlineMs }: Patience): Outgoing {
  /** Hashes of payments whose request has no reply yet. */
  const unanswered = new Set<string>()
  /** How payments ended whose reply came late. */
  const late = new Cache<PaymentState>(REMEMBERED)

  function send(order: PaymentOrder): Promise<PaymentState | 'in_doubt'> {
    const { paymentHash } = order
    unanswered.add(paymentHash)
    const ending = request(client, order).finally(() => unanswered.delete(paymentHash))
    ending.then(
      (state) => {
        if (state !== 'in_doubt') late.set(paymentHash, state)
      },
      () => {},
    )
    return inTime(world, ending, { ms: deadlineMs, late: 'in_doubt' as const })
  }

  async function findNow(payment: PaymentName): Promise<PaymentState> {
    const state = await find(client, payment)
    if (state.is !== 'unknown') return state
    // Some wallets do not show a payment that is on its way. One that has not replied may be paying.
    if (unanswered.has(payment.paymentHash)) return { is: 'pending' }
    return late.get(payment.paymentHash) ?? state
  }

  return { ...payOnce({ find: findNow, send }, world), list: null }
}

interface Patience {
  readonly world: World
  /** ms after which a payment without a reply is pending. */
  readonly deadlineMs: number
}

/** ms that a late reply is waited for. A payment may be held as long as its blocks allow. */
const REPLY_MS = 86_400_000
const REMEMBERED = 1_000

const failed = (reason: string): PaymentState => ({ is: 'failed', reason })

/** Errors after which nothing was sent, and what the buyer and the operator are told. */
const NOT_PAID: Readonly<Record<string, string>> = {
  INSUFFICIENT_BALANCE: 'the wallet has too little money',
  QUOTA_EXCEEDED: 'the budget of the connection to the wallet is used up',
}

/**
 * Pays, and waits for the reply however late it comes. The request expires, so that a wallet that was
 * away does not pay it much later.
 */
async function request(client: NwcClient, order: PaymentOrder): Promise<PaymentState | 'in_doubt'> {
  const params = { invoice: order.bolt11, metadata: { satgate: order.id } }
  try {
    const paid = await client.request('pay_invoice', params, {
      expires: true,
      deadlineMs: REPLY_MS,
    })
    const { fees_paid } = paid
    if (Number.isSafeInteger(fees_paid)) return { is: 'paid', feeMsat: BigInt(Number(fees_paid)) }
    return await afterwards(client, order, { is: 'paid', feeMsat: 0n })
  } catch (error) {
    if (error instanceof NothingSent) throw error
    if (error instanceof WalletUnreachable) return 'in_doubt'
    if (!(error instanceof NwcError)) throw error
    const reason = Object.hasOwn(NOT_PAID, error.code) ? NOT_PAID[error.code] : undefined
    if (reason !== undefined) return failed(reason)
    if (error.code === 'RATE_LIMITED')
      throw new NothingSent('it was asked more often than it allows')
    const said = explained('pay_invoice', error)
    if (said instanceof WalletRefused) throw said
    if (error.code !== 'PAYMENT_FAILED') return 'in_doubt'
    // It may have given up waiting, and it says the same of a payment that was made before.
    return afterwards(client, order, failed('the wallet found no way to pay it'))
  }
}

/** What the wallet keeps of the payment. `otherwise`, if it keeps nothing of it. */
async function afterwards(
  client: NwcClient,
  order: PaymentOrder,
  otherwise: PaymentState,
): Promise<PaymentState | 'in_doubt'> {
  try {
    const kept = await find(client, order)
    return kept.is === 'unknown' ? otherwise : kept
  } catch {
    return otherwise.is === 'paid' ? otherwise : 'in_doubt'
  }
}

/**
 * Looks a payment up: by its hash, and in the list, because some wallets look up only invoices.
 * Among these it is one of the newest, if it was made at all: what is in doubt is looked up within
 * minutes.
 */
async function find(client: NwcClient, { paymentHash }: PaymentName): Promise<PaymentState> {
  try {
    const found = transactionIn(
      await client.request('lookup_invoice', { payment_hash: paymentHash }),
    )
    if (found.paymentHash === paymentHash && found.direction === 'outgoing') return outcome(found)
  } catch (error) {
    const gone = error instanceof NwcError && error.code === 'NOT_FOUND'
    if (!gone) throw notRefused(explained('lookup_invoice', error))
  }
  const listed = await findInList(client, paymentHash)
  return listed === null ? { is: 'unknown' } : outcome(listed)
}

/** Whoever looks for a payment is not told of a right that misses, but that nothing is known. */
const notRefused = (error: unknown): unknown =>
  error instanceof WalletRefused ? new WalletUnreachable(error.reason) : error

/** A connection that may not list has only its look-ups. */
function ifNoList(error: unknown): null {
  const said = explained('list_transactions', error)
  if (said instanceof WalletRefused) return null
  throw said
}

async function findInList(client: NwcClient, paymentHash: string): Promise<Transaction | null> {
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const params = { limit: PAGE, offset: page * PAGE, unpaid: true, type: 'outgoing' }
    const reply = await client.request('list_transactions', params).catch(ifNoList)
    if (reply === null) return null
    const some = transactionsIn(reply).filter((one) => one.direction === 'outgoing')
    const found = some.find((one) => one.paymentHash === paymentHash)
    if (found !== undefined) return found
    if (some.length < PAGE) return null
  }
  return null
}

function outcome(one: Transaction): PaymentState {
  switch (one.state) {
    case 'settled':
      return { is: 'paid', feeMsat: one.feeMsat }
    case 'failed':
    case 'expired':
      return failed('the wallet found no way to pay it')
    case 'accepted':
    case 'pending':
      return { is: 'pending' }
  }
}
