import { expect } from 'vitest'
import { addressOf } from '../support/evm.ts'
import { GateProcess } from '../support/gate-process.ts'
import { type FakeUpstream, startFakeUpstream } from '../support/upstream.ts'
import type { X402Payer } from '../support/x402-buyer.ts'
import { PRICE } from './buyer.ts'
import type { Lab, PartEnv } from './lab.ts'
import { openTap, type Tap } from './tap.ts'

/** The ways of paying that a gate can have, as its settings name them. */
export interface Rails {
  readonly l402: boolean
  readonly cashu: boolean
  readonly x402: boolean
  readonly payment: boolean
}

/** The peers behind the rails: a real node, a real mint, a real chain with its facilitator. */
export class Peers {
  readonly lab: Lab
  readonly mint: string
  readonly payer: X402Payer
  readonly #lnd: PartEnv
  readonly #x402: PartEnv
  readonly #upstream: FakeUpstream
  readonly #gates = new Set<GateProcess>()

  private constructor(
    lab: Lab,
    parts: Readonly<Record<'lnd' | 'mint' | 'x402', PartEnv>>,
    upstream: FakeUpstream,
  ) {
    this.lab = lab
    this.mint = parts.mint.MINT_URL ?? ''
    this.#lnd = parts.lnd
    this.#x402 = parts.x402
    const key = parts.x402.X402_PAYER_KEY ?? ''
    this.payer = { key, address: addressOf(key) }
    this.#upstream = upstream
  }

  static async open(lab: Lab): Promise<Peers> {
    const upstream = await startFakeUpstream()
    const chain = lab.startPart('x402')
    const lnd = await lab.startPart('lnd')
    const mint = await lab.startPart('nutshell-lnd')
    return new Peers(lab, { lnd, mint, x402: await chain }, upstream)
  }

  /** The double of a model server. A test may change what it answers. */
  get upstream(): FakeUpstream {
    return this.#upstream
  }

  /** A gate with these ways of paying, and nothing else. */
  async gate(rails: Rails): Promise<GateProcess> {
    const { LND_REST: url, LND_INVOICE_MACAROON: file, LND_TLS_CERT: tlsCert } = this.#lnd
    const lightning = rails.l402 || rails.payment
    const gate = new GateProcess({
      upstream: this.#upstream.base.origin,
      ...(lightning ? { wallet: { kind: 'lnd', url, key: { file }, tlsCert } } : {}),
      pricing: { default: PRICE, maxOutputTokens: 48, ...(rails.x402 ? RATE : {}) },
      limits: { invoicesPerClient: 1000 },
      rails: {
        ...(rails.l402 ? {} : { l402: false }),
        cashu: rails.cashu ? { mints: [this.mint] } : false,
        ...(rails.payment ? { payment: true } : {}),
        ...(rails.x402 ? { x402: this.dollars() } : {}),
      },
    })
    this.#gates.add(gate)
    await gate.start()
    return gate
  }

  dollars(): Readonly<Record<string, string | undefined>> {
    const { X402_PAY_TO: payTo, X402_FACILITATOR: facilitator } = this.#x402
    return { payTo, network: 'base-sepolia', facilitator }
  }

  /** What the operator has been paid on the chain, in micro-dollars. */
  async dollarsPaid(): Promise<bigint> {
    return BigInt(await this.lab.exec('x402', 'balance', this.#x402.X402_PAY_TO ?? ''))
  }

  /** Pays an invoice. Returns the preimage in hex. */
  async pay(invoice: string): Promise<string> {
    return JSON.parse(await this.lab.exec('lnd', 'pay', invoice)).preimage
  }

  /** Lets a client of the lab buy one chat, with its own wallet. */
  async buys(
    client: string,
    gate: GateProcess | Tap,
    { key = '-', stream = false } = {},
  ): Promise<Ran> {
    const mode = stream ? ['stream'] : []
    const words = [client, `${gate.url}/v1`, key, MODEL, ...mode]
    const printed = await this.lab
      .exec('clients', ...words)
      .catch((error: Error & { stdout?: string }) => {
        if (error.stdout?.includes('{') === true) return error.stdout
        throw error
      })
    return JSON.parse(printed.trim().split('\n').at(-1) ?? '')
  }

  /** Proves the books of a gate, and removes it. */
  async closeGate(gate: GateProcess | undefined): Promise<void> {
    if (gate === undefined) return
    this.#gates.delete(gate)
    const verdict = await gate.command('ledger', 'verify')
    await gate.remove()
    expect(verdict).toMatchObject({ balanced: true, open_holds: 0 })
  }

  async close(): Promise<void> {
    for (const gate of this.#gates) await gate.remove()
    await this.#upstream.close()
  }
}

export const MODEL = 'fake'
export const CHAT = '/v1/chat/completions'

/** Dollars for a bitcoin: a sat is a tenth of a cent, 1000 micro-dollars. */
const RATE = { rate: { usdPerBtc: 100_000 } }

/** The output of a client, and what was on the wire meanwhile. */
export interface Ran {
  readonly ok: boolean
  readonly status: number
  readonly text: string
  readonly attempts: readonly {
    readonly status: number
    readonly request: Readonly<Record<string, string>>
    readonly response: Readonly<Record<string, string>>
  }[]
  // biome-ignore lint/suspicious/noExplicitAny: each client has its own words
  readonly [field: string]: any
}

/** A recorder before a gate, which tests look through while an answer runs. */
export const watch = (gate: GateProcess): Promise<Tap> => openTap(gate.url)
