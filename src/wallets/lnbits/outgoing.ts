import type { World } from '../../floor/world.ts'
import type {
  ListedPayment,
  Outgoing,
  PaymentName,
  PaymentOrder,
  PaymentState,
} from '../outgoing.ts'
import { payOnce } from '../pay-once.ts'
import { WalletUnreachable } from '../wallet.ts'
import { type PaymentRow, rowIn, rowsOf } from './payment.ts'
import { complaint, detailOf, type LnbitsRest, NOT_LNBITS, NotSent } from './rest.ts'

/** The name of our id in the `extra` of a payment. */
const ID = 'satgate'
const PAGE = 100

/** Payments by an LNbits wallet. Its key is an admin key. */
export function lnbitsOutgoing(rest: LnbitsRest, world: Pick<World, 'now'>): Outgoing {
  const raw = {
    find: (payment: PaymentName) => find(rest, payment),
    send: (order: PaymentOrder) => send(rest, order),
  }
  return {
    ...payOnce(raw, world),
    feeFor: ({ bolt11 }) => feeReserve(rest, bolt11),
    list: (since) => list(rest, since),
  }
}

const failed = (reason: string): PaymentState => ({ is: 'failed', reason })

/**
 * Pays. LNbits answers after some seconds, also while the payment still runs. It says of a payment
 * that was made before that it has failed, so after a refusal its own record decides.
 */
async function send(rest: LnbitsRest, order: PaymentOrder): Promise<PaymentState | 'in_doubt'> {
  const reserve = await feeReserve(rest, order.bolt11)
  if (reserve > order.maxFeeMsat) {
    const sats = (reserve + 999n) / 1000n
    return failed(`this LNbits sets ${sats} sat aside for the fee, which is more than it may cost`)
  }
  const extra = { [ID]: order.id }
  const answer = await rest
    .ask('payments', { out: true, bolt11: order.bolt11, extra })
    .catch(notAnswered)
  if (answer === null) return 'in_doubt'
  if (answer.status === 429) throw complaint(answer)
  try {
    if (answer.status === 201) return outcome(rowIn(answer.body))
    const after = await find(rest, order)
    if (after.is !== 'unknown') return after
  } catch (error) {
    if (error instanceof WalletUnreachable) return 'in_doubt'
    throw error
  }
  // There is no record, so LNbits has refused the payment before it began.
  if (answer.status === 520 || answer.status === 400) return failed(reasonOf(detailOf(answer.body)))
  if (answer.status < 500) throw complaint(answer)
  return 'in_doubt'
}

/** The call may have arrived. */
function notAnswered(error: unknown): null {
  if (error instanceof NotSent || !(error instanceof WalletUnreachable)) throw error
  return null
}

/** LNbits bounds the fee by this figure, and takes no other bound. */
async function feeReserve(rest: LnbitsRest, bolt11: string): Promise<bigint> {
  const answer = await rest.ask(`payments/fee-reserve?${new URLSearchParams({ invoice: bolt11 })}`)
  if (answer.status !== 200) throw complaint(answer)
  const { fee_reserve } = answer.body
  if (!Number.isSafeInteger(fee_reserve)) throw NOT_LNBITS()
  return BigInt(Number(fee_reserve))
}

/**
 * ms for the question that makes LNbits ask its Lightning node. While a payment is on its way, some
 * nodes answer only when it has ended.
 */
const ASK_NODE_MS = 1_000

/** Reads its record of a payment. If that says pending, LNbits is made to ask its node. */
async function find(rest: LnbitsRest, { paymentHash }: PaymentName): Promise<PaymentState> {
  // An invoice of this very wallet has a record too, with a positive amount.
  const [row] = await rowsOf(rest, { payment_hash: paymentHash, 'amount[lt]': '0', limit: '1' })
  if (row?.paymentHash !== paymentHash || row.amountMsat >= 0n) return { is: 'unknown' }
  if (row.status !== 'pending') return outcome(row)
  const asked = await rest.ask(`payments/${paymentHash}`, undefined, ASK_NODE_MS).catch(notAnswered)
  if (asked?.status !== 200 || asked.body.details === undefined) return { is: 'pending' }
  const now = rowIn(asked.body.details)
  return now.paymentHash === paymentHash && now.amountMsat < 0n ? outcome(now) : { is: 'pending' }
}

function outcome(row: PaymentRow): PaymentState {
  switch (row.status) {
    case 'success':
      return { is: 'paid', feeMsat: row.feeMsat < 0n ? -row.feeMsat : row.feeMsat }
    case 'failed':
      return failed('the Lightning node of this LNbits found no way to pay it')
    case 'pending':
      return { is: 'pending' }
  }
}

/** What LNbits says when it refuses a payment (1.6), in words that name nothing of it. */
const REASONS: readonly (readonly [RegExp, string])[] = [
  [/Insufficient balance|must reserve/i, 'the LNbits wallet has too little money'],
  [/too high/i, 'this LNbits pays no invoice of that amount'],
  [/expired/i, 'the invoice has expired'],
  [/permission|Only incoming/i, 'this LNbits wallet may not pay'],
]

const reasonOf = (words: string): string =>
  REASONS.find(([pattern]) => pattern.test(words))?.[1] ?? 'the LNbits server refused to pay it'

async function list(rest: LnbitsRest, since: number): Promise<readonly ListedPayment[]> {
  const found: ListedPayment[] = []
  for (let offset = 0; ; offset += PAGE) {
    const rows = await rowsOf(rest, {
      ...{ 'amount[lt]': '0', sortby: 'time', direction: 'desc' },
      ...{ limit: String(PAGE), offset: String(offset) },
    })
    for (const row of rows) {
      const id = row.extra[ID]
      if (row.amountMsat >= 0n || row.createdAt < since || typeof id !== 'string') continue
      const { paymentHash, amountMsat } = row
      found.push({ id, paymentHash, amountMsat: -amountMsat, state: outcome(row) })
    }
    const oldest = rows.at(-1)
    if (oldest === undefined || rows.length < PAGE || oldest.createdAt < since) return found
  }
}
