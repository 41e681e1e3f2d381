import { createHash } from 'node:crypto'
import type { NwcClient } from '../../src/wallets/nwc/client.ts'
import type { PartEnv } from './lab.ts'
import type { Payer } from './payer.ts'

/** The Lightning wallet of all buyers of a test. It has its own books, which the gate never sees. */
export interface Purse {
  pay(bolt11: string): Promise<unknown>
  invoice(sats: number): Promise<string>
  /** The sats that have left it, less those that came. Any start: only differences count. */
  out(): Promise<number>
  /** False while a payment of it has not ended. */
  still(): Promise<boolean>
}

/** Base64 of a description's hash, which the node of the lab asks for. */
const ANY = createHash('sha256').update('any').digest('base64')

/** The payer's node of the part `lnd`. */
export function nodePurse(payer: Payer): Purse {
  return {
    pay: payer.pay,
    invoice: (sats) => payer.invoice(sats * 1000, ANY),
    async out() {
      const got = (await payer.received()).reduce((sum, sats) => sum + sats, 0)
      return (await payer.sent()).sats - got
    },
    still: async () => (await payer.sent()).running === 0,
  }
}

/** The second wallet of a real LNbits, which settles payments to its other wallets by itself. */
export function lnbitsPurse(env: PartEnv): Purse {
  const headers = {
    'x-api-key': env.LNBITS_PAYER_ADMIN_KEY ?? '',
    'content-type': 'application/json',
  }
  const ask = async (path: string, body?: object) => {
    const method = body === undefined ? 'GET' : 'POST'
    const sent = body === undefined ? {} : { body: JSON.stringify(body) }
    const answer = await fetch(`${env.LNBITS_URL}/api/v1/${path}`, { method, headers, ...sent })
    const json = JSON.parse(await answer.text())
    if (!answer.ok) throw new Error(`LNbits ${path}: ${answer.status}`)
    return json
  }
  return {
    pay: (bolt11) => ask('payments', { out: true, bolt11 }),
    invoice: async (amount) => (await ask('payments', { out: false, amount })).bolt11,
    out: async () => -(await ask('wallet')).balance / 1000,
    still: async () => true,
  }
}

/** The payer's wallet of the part `nostr`. */
export function nwcPurse(client: NwcClient): Purse {
  const ask = (method: string, params: object) => client.request(method, { ...params })
  return {
    pay: (invoice) => ask('pay_invoice', { invoice }),
    invoice: async (sats) => String((await ask('make_invoice', { amount: sats * 1000 })).invoice),
    out: async () => -Number((await ask('get_balance', {})).balance) / 1000,
    still: async () => true,
  }
}
