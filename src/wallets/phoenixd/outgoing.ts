import type { World } from '../../floor/world.ts'
import { objectIn } from '../../outbound/ask-json.ts'
import { mayHaveArrived } from '../node-rest.ts'
import type { Outgoing, PaymentName, PaymentOrder, PaymentState } from '../outgoing.ts'
import { payOnce } from '../pay-once.ts'
import { WalletUnreachable } from '../wallet.ts'
import { complaint, NOT_PHOENIXD, type PhoenixdApi } from './api.ts'
import { timeIn, whole } from './incoming.ts'

/** ms that `/payinvoice` is waited for. It answers when the payment has ended. */
const PAY_MS = 10_000

/**
 * The payments of a phoenixd, or undefined if its password may not pay. No payment is made to find
 * that out: `/payinvoice` without an invoice is a 400 for the full password and a 401 for the limited
 * one (0.8). And the look-up by hash must be there, because without it a payment could be repeated.
 *
 * phoenixd itself refuses to pay a hash that it has paid, or is paying. It keeps no id of ours beside
 * a payment, so it cannot list ours.
 */
export async function phoenixdPayments(
  api: PhoenixdApi,
  world: World,
): Promise<Outgoing | undefined> {
  const may = await api.post('/payinvoice', {}, 400, 401)
  if (may.status !== 400) return undefined
  const finds = await api.get('/payments/outgoingbyhash/0', 400, 404)
  if (finds.status !== 400) return undefined
  return {
    ...payOnce({ find: (payment) => find(api, payment), send: (order) => send(api, order) }, world),
    feeFor: async ({ amountMsat }) => routingFee(amountMsat),
    list: null,
  }
}

/**
 * What routing costs, in msat: phoenixd has one price for every payment, 4 sat and 0.4 % (`Lsp.kt`
 * of 0.8). Its API takes no limit for the fee, so what may not cost that much is not sent.
 */
const routingFee = (amountMsat: bigint): bigint => 4_000n + (amountMsat * 4_000n) / 1_000_000n

async function find(api: PhoenixdApi, { paymentHash }: PaymentName): Promise<PaymentState> {
  const answer = await api.get(`/payments/outgoingbyhash/${paymentHash}`, 404)
  if (answer.status === 404) {
    // A server that is no phoenixd says 404 too.
    const info = objectIn((await api.get('/getinfo')).json)
    if (typeof info?.nodeId !== 'string') throw NOT_PHOENIXD()
    return { is: 'unknown' }
  }
  const payment = objectIn(answer.json)
  if (payment?.paymentHash !== paymentHash || typeof payment.isPaid !== 'boolean') {
    throw NOT_PHOENIXD()
  }
  // An attempt that has not ended has no `completedAt`.
  if (timeIn(payment.completedAt) === null) return { is: 'pending' }
  if (!payment.isPaid) return { is: 'failed', reason: 'phoenixd could not pay it' }
  const fees = whole(payment.fees)
  if (fees < 0) throw NOT_PHOENIXD()
  return { is: 'paid', feeMsat: BigInt(fees) }
}

async function send(api: PhoenixdApi, order: PaymentOrder): Promise<PaymentState | 'in_doubt'> {
  if (routingFee(order.amountMsat) > order.maxFeeMsat) {
    const reason = 'phoenixd asks 4 sat and 0.4 % for routing, more than this payment may cost'
    return { is: 'failed', reason }
  }
  const call = { path: '/payinvoice', form: { invoice: order.bolt11 }, deadlineMs: PAY_MS }
  const answer = await api.rest.ask({ ...call, once: true })
  if (!answer.ok) {
    if (mayHaveArrived(answer.error)) return 'in_doubt'
    throw api.rest.explained(answer.error)
  }
  const { status, json } = answer.value
  if (status === 400) return { is: 'failed', reason: 'phoenixd does not take this invoice' }
  if (status === 401) throw complaint(status)
  const { reason } = objectIn(json) ?? {}
  // The look-up knows the fee in msat, and whether somebody else's payment was in the way.
  const known = await find(api, order).catch(unreachable)
  if (known === null || status !== 200) return 'in_doubt'
  if (known.is === 'paid' || known.is === 'pending') return known
  if (typeof reason !== 'string') return 'in_doubt'
  return { is: 'failed', reason: REASONS.has(reason) ? `phoenixd: ${reason}` : 'it failed' }
}

/** The words of lightning-kmp 1.12 that help and hold nothing but these words. */
const REASONS: ReadonlySet<string> = new Set([
  'payment request features not supported',
  'channel is not connected yet, please retry when connected',
  'channel creation is in progress, please retry when ready',
  'channel closing is in progress, please retry when a new channel has been created',
  'payment could not be sent through existing channels, check individual failures for more details',
  'not enough funds in wallet to afford payment',
  'the recipient was offline or did not have enough liquidity to receive the payment',
  'payment attempts exhausted without success',
  'wallet restarted while a payment was ongoing',
])

function unreachable(error: unknown): null {
  if (error instanceof WalletUnreachable) return null
  throw error
}
