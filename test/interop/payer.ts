import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import type { PartEnv } from './lab.ts'

/** The second node of the lab, through its REST API. A payment takes a few ms and no process. */
export interface Payer {
  /** Pays an invoice. Returns the preimage in hex. */
  pay(bolt11: string): Promise<string>
  /** Makes an invoice for that many msat. `descriptionHash` is base64. */
  invoice(msat: number, descriptionHash: string): Promise<string>
  /** The sats that each of its invoices was paid so far. */
  received(): Promise<readonly number[]>
  /** The sats that it has sent so far, with fees, and how many of its payments have not ended. */
  sent(): Promise<{ readonly sats: number; readonly running: number }>
  close(): void
}

/** `env` are the variables of the part `lnd`. */
export function openPayer(env: PartEnv): Payer {
  const agent = new Agent({ ca: readFileSync(env.PAYER_TLS_CERT ?? ''), keepAlive: true })
  const headers = { 'Grpc-Metadata-macaroon': env.PAYER_ADMIN_MACAROON_HEX ?? '' }
  const ask = (path: string, body?: object) =>
    new Promise<Answer>((resolve, reject) => {
      const method = body === undefined ? 'GET' : 'POST'
      const call = request(env.PAYER_REST + path, { agent, method, headers }, async (response) => {
        let text = ''
        for await (const chunk of response.setEncoding('utf8')) text += chunk
        resolve(JSON.parse(text))
      })
      call.on('error', reject).end(body === undefined ? undefined : JSON.stringify(body))
    })
  return {
    async pay(bolt11) {
      const body = { payment_request: bolt11, fee_limit: { fixed: '1000' } }
      const answer = await ask('/v1/channels/transactions', body)
      if (answer.payment_error !== '') throw new Error(`not paid: ${JSON.stringify(answer)}`)
      return Buffer.from(answer.payment_preimage, 'base64').toString('hex')
    },
    async invoice(msat, descriptionHash) {
      const body = { value_msat: String(msat), description_hash: descriptionHash, expiry: '600' }
      const made = (await ask('/v1/invoices', body)).payment_request
      // A node that is starting answers, with an error.
      if (made === undefined) throw new Error('the payer made no invoice')
      return made
    },
    async received() {
      const { invoices } = await ask('/v1/invoices?num_max_invoices=1000')
      return invoices
        .filter(({ state }) => state === 'SETTLED')
        .map(({ amt_paid_sat: sats }) => Number(sats))
    },
    async sent() {
      const { payments } = await ask('/v1/payments?include_incomplete=true&max_payments=10000')
      const ended = payments.filter(({ status }) => status === 'SUCCEEDED')
      return {
        sats: ended.reduce((sum, one) => sum + Number(one.value_sat) + Number(one.fee_sat), 0),
        running: payments.filter(({ status }) => status === 'IN_FLIGHT').length,
      }
    },
    close: () => agent.destroy(),
  }
}

interface Answer {
  readonly payment_error: string
  readonly payment_preimage: string
  readonly payment_request: string
  readonly payments: readonly {
    readonly status: string
    readonly value_sat: string
    readonly fee_sat: string
  }[]
  readonly invoices: readonly { readonly state: string; readonly amt_paid_sat: string }[]
}
