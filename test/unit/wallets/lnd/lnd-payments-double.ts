import type { ServerResponse } from 'node:http'
import { readBolt11 } from '../../../../src/wallets/bolt11.ts'

/** The end that the next payments come to. */
export interface Paying {
  status: 'SUCCEEDED' | 'FAILED' | 'IN_FLIGHT'
  feeMsat: number
  failureReason: string
}

interface Payment {
  hash: string
  status: Paying['status']
  feeMsat: number
  failureReason: string
  arrived: number
}

type Answer = readonly [status: number, body: object]

const nested = (status: number, code: number, message: string): Answer => [
  status,
  { error: { code, message, details: [] } },
]

/**
 * Payments of the double of lnd, as a real one makes them (`test/interop/lnd-outgoing.test.ts` runs the
 * same contract on that): v2 of its router, with a nested `error`, 409 for what was paid, and a
 * preimage of zeros before the end.
 */
export function paymentsDouble(own: (hash: string) => boolean) {
  const paying: Paying = {
    status: 'SUCCEEDED',
    feeMsat: 0,
    failureReason: 'FAILURE_REASON_NO_ROUTE',
  }
  const payments = new Map<string, Payment>()
  const waiting = new Map<string, Set<ServerResponse>>()
  const sent = new Map<string, object>()

  const shape = ({ hash, status, feeMsat, failureReason }: Payment) => ({
    result: {
      payment_hash: hash,
      payment_preimage: (status === 'SUCCEEDED' ? 'ab' : '00').repeat(32),
      status,
      fee_msat: String(status === 'SUCCEEDED' ? feeMsat : 0),
      failure_reason: status === 'FAILED' ? failureReason : 'FAILURE_REASON_NONE',
    },
  })

  function refusal(body: Record<string, unknown>): Answer | null {
    if (body.timeout_seconds === undefined)
      return nested(500, 2, 'timeout_seconds must be specified')
    const read = readBolt11(String(body.payment_request))
    if (read === null) return nested(500, 2, 'invalid bech32 string length 1')
    if (read.expiresAt < Date.now()) return nested(500, 2, 'invoice expired. Valid until then')
    if (own(read.paymentHash)) return nested(500, 2, 'self-payments not allowed')
    const before = payments.get(read.paymentHash)?.status
    if (before === 'SUCCEEDED') return nested(409, 6, 'invoice is already paid')
    return before === 'IN_FLIGHT' ? nested(409, 6, 'payment is in transition') : null
  }

  function send(body: Record<string, unknown>, response: ServerResponse): Answer | null {
    const refused = refusal(body)
    if (refused !== null) return refused
    const hash = readBolt11(String(body.payment_request))?.paymentHash ?? ''
    sent.set(hash, body)
    const dear = paying.feeMsat > Number(body.fee_limit_msat)
    const status = dear ? 'FAILED' : paying.status
    const payment = { hash, ...paying, status, arrived: status === 'SUCCEEDED' ? 1 : 0 }
    payments.set(hash, payment)
    if (status !== 'IN_FLIGHT') return [200, shape(payment)]
    wait(hash, response)
    return null
  }

  function track(hash: string, response: ServerResponse): Answer | null {
    const payment = payments.get(hash)
    if (payment === undefined) return nested(404, 5, "payment isn't initiated")
    if (payment.status !== 'IN_FLIGHT') return [200, shape(payment)]
    // The stream goes on until the end of the payment.
    response.writeHead(200).write(`${JSON.stringify(shape(payment))}\n`)
    wait(hash, response)
    return null
  }

  function wait(hash: string, response: ServerResponse): void {
    const all = waiting.get(hash) ?? new Set()
    waiting.set(hash, all.add(response))
  }

  return {
    paying,
    /** Ends a payment that is in flight. */
    end(hash: string, status: 'SUCCEEDED' | 'FAILED') {
      const payment = payments.get(hash)
      if (payment === undefined) throw new Error('no such payment')
      Object.assign(payment, { status, arrived: status === 'SUCCEEDED' ? 1 : 0 })
      for (const response of waiting.get(hash) ?? []) {
        response.end(`${JSON.stringify(shape(payment))}\n`)
      }
    },
    sent: (hash: string) => sent.get(hash),
    arrived: (hash: string) => payments.get(hash)?.arrived ?? 0,
    /** Null if it answers by itself, or later. */
    answer(path: string, body: Record<string, unknown>, response: ServerResponse): Answer | null {
      if (path === '/v2/router/send') return send(body, response)
      const encoded = path.slice('/v2/router/track/'.length)
      if (encoded.length !== 44) return nested(400, 3, 'type mismatch, parameter: payment_hash')
      return track(Buffer.from(encoded, 'base64url').toString('hex'), response)
    },
  }
}
