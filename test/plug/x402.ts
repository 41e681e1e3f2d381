import { err, ok } from '../../src/floor/result.ts'
import { fromSat } from '../../src/money/msat.ts'
import type { Offer, Rail, Want } from '../../src/rails/rail.ts'

/** What a buyer signs: that this amount may be taken once. */
interface Authorization {
  readonly nonce: string
  readonly value: number
  readonly signature: string
}

/** How one version of x402 writes its headers. */
interface Version {
  readonly x402Version: 1 | 2
  readonly payment: string
  readonly receipt: string
  /** The header with the offer. Null if the offer is in `accepts` of the body. */
  readonly offer: string | null
}

/**
 * Settles payments on a chain, and makes the rails of both versions of x402 that settle through it.
 * An authorization that is presented to both is one payment.
 */
export class Facilitator {
  open = true
  /** Settled authorizations, each with its transaction. */
  readonly settled = new Map<string, string>()
  /** Payments that were presented while it was away. */
  refused = 0
  #signed = 0

  readonly v1 = this.#rail({
    ...{ x402Version: 1, payment: 'x-payment', receipt: 'x-payment-response', offer: null },
  })

  readonly v2 = this.#rail({
    ...{ x402Version: 2, payment: 'payment-signature', receipt: 'payment-response' },
    offer: 'payment-required',
  })

  /** A payment of that many sats, as a header contains it. */
  sign(sat: number): string {
    this.#signed += 1
    const nonce = `0x${this.#signed.toString(16).padStart(64, '0')}`
    return coded({ nonce, value: sat, signature: `signed:${nonce}:${sat}` })
  }

  #rail(version: Version): Rail<Authorization> {
    const { x402Version, payment: header, receipt, offer } = version
    return {
      name: `x402-v${x402Version}`,
      reads: [header],
      writes: [receipt, ...(offer === null ? [] : [offer])],
      read(rawHeaders) {
        const at = rawHeaders.findIndex((one, n) => n % 2 === 0 && one.toLowerCase() === header)
        if (at < 0) return { is: 'absent' }
        const payment = authorizationIn(rawHeaders[at + 1] ?? '')
        if (payment !== null) return { is: 'payment', payment }
        return { is: 'malformed', detail: `${header} is no payment of x402` }
      },
      offer: async (want) =>
        this.open ? ok(offerOf(want, version)) : err({ why: 'wallet_unreachable' }),
      redeem: async ({ nonce, value, signature }) => {
        if (signature !== `signed:${nonce}:${value}`) return err('unknown')
        if (!this.open) {
          this.refused += 1
          return err('unreachable')
        }
        const transaction = this.settled.get(nonce) ?? `tx-${this.settled.size + 1}`
        this.settled.set(nonce, transaction)
        return ok({
          payment: `x402:${nonce}`,
          account: { opens: [] },
          amount: fromSat(value),
          ...{ credit: 'paid', rail: `x402-v${x402Version}` },
          native: { amount: `${value}`, unit: 'sat', rate: '1000' },
          headers: { [receipt]: coded({ success: true, transaction, network: 'test' }) },
          record: null,
        })
      },
      start: () => ({ stop: async () => {} }),
    }
  }
}

const coded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64')

export const decoded = (text: unknown) =>
  JSON.parse(Buffer.from(String(text), 'base64').toString('utf8'))

function authorizationIn(text: string): Authorization | null {
  try {
    const { nonce, value, signature } = decoded(text)
    const good = /^0x[0-9a-f]{64}$/.test(nonce) && Number.isSafeInteger(value) && value > 0
    return good && typeof signature === 'string' ? { nonce, value, signature } : null
  } catch {
    return null
  }
}

function offerOf({ sat, origin, path }: Want, { x402Version, payment, offer }: Version): Offer {
  const url = origin + path
  const asked = { scheme: 'exact', network: 'test', asset: '0xa', payTo: '0xb' }
  const accept = { ...asked, maxAmountRequired: `${sat}`, resource: url, maxTimeoutSeconds: 60 }
  const required = { x402Version, resource: { url }, accepts: [{ ...asked, amount: `${sat}` }] }
  return {
    challenges: [],
    headers: offer === null ? {} : { [offer]: coded(required) },
    body: {},
    accepts: offer === null ? [accept] : [],
    say: `Or sign a payment of ${sat}.`,
    howToPay: `Sign a payment of ${sat} and send it in the header ${payment}.`,
  }
}
