import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import type { PartEnv } from './lab.ts'

/** The lab's second node, asked over its REST API: a payment takes some ms and no process. */
export interface Payer {
  /** Pays, and answers the preimage, hex. */
  pay(bolt11: string): Promise<string>
  close(): void
}

/** `env`: what the lab's part `lnd` says of itself. */
export function openPayer(env: PartEnv): Payer {
  const agent = new Agent({ ca: readFileSync(env.PAYER_TLS_CERT ?? ''), keepAlive: true })
  const macaroon = env.PAYER_ADMIN_MACAROON_HEX ?? ''
  return {
    async pay(bolt11) {
      const body = JSON.stringify({ payment_request: bolt11, fee_limit: { fixed: '1000' } })
      const url = `${env.PAYER_REST}/v1/channels/transactions`
      const answer = await post(url, { agent, macaroon, body })
      if (answer.payment_error !== '') throw new Error(`not paid: ${JSON.stringify(answer)}`)
      return Buffer.from(answer.payment_preimage, 'base64').toString('hex')
    },
    close: () => agent.destroy(),
  }
}

function post(
  url: string,
  { agent, macaroon, body }: { agent: Agent; macaroon: string; body: string },
): Promise<{ payment_error: string; payment_preimage: string }> {
  return new Promise((resolve, reject) => {
    const headers = { 'Grpc-Metadata-macaroon': macaroon }
    const call = request(url, { agent, method: 'POST', headers }, async (response) => {
      let text = ''
      for await (const chunk of response.setEncoding('utf8')) text += chunk
      resolve(JSON.parse(text))
    })
    call.on('error', reject).end(body)
  })
}
