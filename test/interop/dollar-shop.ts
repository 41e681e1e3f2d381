import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { eip3009ABI } from '@x402/evm'
import { decodeFunctionData, type Hex } from 'viem'
import type { Authorization } from '../../src/rails/x402/payment.ts'
import type { Answered } from '../support/ask.ts'
import { GateProcess } from '../support/gate-process.ts'
import { type Otherwise, type Paying, payV1, payV2, read402 } from '../support/x402-buyer.ts'
import { bearer, until } from './buyer.ts'
import type { EvmChain } from './evm-chain.ts'

const CHAT = '/v1/chat/completions'
/** At this rate a msat is a micro-dollar. */
const USD_PER_BTC = 100_000
const PAY = { 1: payV1, 2: payV2 } as const

export type Signed = Pick<Paying, 'authorization' | 'signature'>

/** What a stranger who presents a payment gets: nothing, and no offer either. */
export const GETS_NOTHING = (answer: Answered): boolean =>
  answer.status !== 200 &&
  answer.headers['x-satgate-pass'] === undefined &&
  answer.headers['payment-required'] === undefined &&
  answer.headers['www-authenticate'] === undefined &&
  (answer.json?.accepts ?? []).length === 0

/** A gate that is paid in dollars on the chain of the lab, and one buyer of it. */
export class DollarShop {
  readonly gate: GateProcess
  readonly chain: EvmChain
  readonly payTo: string

  constructor(
    chain: EvmChain,
    upstream: string,
    { facilitator, payTo, ...more }: { facilitator: unknown; payTo: string; rails?: object },
  ) {
    this.chain = chain
    this.payTo = payTo
    const x402 = { payTo, network: 'base-sepolia', facilitator }
    this.gate = new GateProcess({
      ...{ upstream, pricing: { rate: { usdPerBtc: USD_PER_BTC } } },
      ...more,
      rails: { ...(more.rails ?? { l402: false, cashu: false }), x402 },
    })
  }

  chat(headers: Readonly<Record<string, string>> = {}, more: object = {}): Promise<Answered> {
    return this.gate.client.ask({ path: CHAT, body: question(more), headers })
  }

  open(headers: Readonly<Record<string, string>>, more: object) {
    return this.gate.client.open({ path: CHAT, body: question(more), headers })
  }

  /** The 402 of a request, once dollars are offered in it. */
  async unpaid(more: object = {}, within = 10_000): Promise<Answered> {
    let answer = await this.chat({}, more)
    await until(async () => {
      if (answer.headers['payment-required'] !== undefined) return true
      answer = await this.chat({}, more)
      return false
    }, within)
    return answer
  }

  async signed(version: 1 | 2, more: object = {}, otherwise: Otherwise = {}): Promise<Paying> {
    return PAY[version](await this.unpaid(more), this.chain.payer, otherwise)
  }

  /** Signs nothing: puts what was signed before into a request. */
  async presenting(version: 1 | 2, signed: Signed, otherwise: Otherwise = {}) {
    const { headers } = await this.signed(version, {}, { ...otherwise, signed })
    return headers
  }

  // biome-ignore lint/suspicious/noExplicitAny: an answer as it came
  async balance(pass: string): Promise<any> {
    return (await this.gate.client.ask({ path: '/v1/balance', headers: bearer(pass) })).json
  }

  /** Micro-dollars that the operator got. */
  got(): Promise<bigint> {
    return this.chain.balance(this.payTo)
  }

  /** Payments that were credited since the gate was started. */
  credited(): number {
    return this.gate.events('paid').length
  }

  /** What the gate has written down of a payment. */
  stateOf({ authorization: { nonce } }: Signed): string | undefined {
    const db = new DatabaseSync(join(this.gate.data, 'x402.db'), { readOnly: true })
    try {
      const sql = "SELECT state FROM payments WHERE id LIKE '%' || ?"
      return db.prepare(sql).get(nonce)?.state as string | undefined
    } finally {
      db.close()
    }
  }

  /** The hash of the transaction that an answer names. */
  transactionOf({ headers }: Pick<Answered, 'headers'>): Hex {
    return read402(headers['payment-response'] ?? headers['x-payment-response']).transaction
  }

  /** The payment as whoever watches the chain has it: all that was signed, and nothing else. */
  async fromChain(hash: Hex): Promise<Signed> {
    const { input } = await this.chain.client.getTransaction({ hash })
    const { args } = decodeFunctionData({ abi: eip3009ABI, data: input })
    const [from, to, value, validAfter, validBefore, nonce, v, r, s] = args as readonly [
      ...[Hex, Hex, bigint, bigint, bigint, Hex],
      ...[number | Hex, Hex?, Hex?],
    ]
    const lower = (text: string) => text.toLowerCase()
    const authorization: Authorization = {
      ...{ from: lower(from), to: lower(to), value, validAfter, validBefore },
      nonce: lower(nonce),
    }
    if (typeof v === 'string') return { authorization, signature: v }
    return { authorization, signature: `${r}${s?.slice(2)}${v.toString(16)}` }
  }
}

const question = (more: object) => ({
  ...{ model: 'fake', messages: [{ role: 'user', content: 'hi' }], max_tokens: 5, ...more },
})

/** Passes everything on to a facilitator. A test may do something before a call reaches it. */
export async function openRelay(target: string) {
  const { hostname, pathname, port } = new URL(target)
  const relay = {
    url: '',
    before: (_step: string): unknown => null,
    /** Steps whose answers do not arrive. */
    loses: '',
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', async () => {
      const step = String(incoming.url).slice(1)
      await relay.before(step)
      const { method, headers } = incoming
      const path = `${pathname.replace(/\/$/, '')}/${step}`
      // A connection of its own: one that is kept alive may end before the request on it is read.
      const to = { hostname, port, path, method, headers, agent: false } as const
      const onward = request(to, (answer) => {
        if (relay.loses === step) return void outgoing.destroy()
        outgoing.writeHead(answer.statusCode ?? 0, answer.rawHeaders)
        answer.on('error', () => outgoing.destroy())
        answer.pipe(outgoing)
      })
      onward.on('error', () => outgoing.destroy())
      onward.end(Buffer.concat(chunks))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  relay.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return relay
}
