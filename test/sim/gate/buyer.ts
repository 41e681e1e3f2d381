import { sleep } from '../../../src/floor/world.ts'
import type { Incoming } from '../../../src/gate/ports.ts'
import { narrow } from '../../../src/passes/narrow.ts'
import type { VirtualWorld } from '../../support/virtual-world.ts'
import type { SimChain } from './chain.ts'
import { hashOf, SimDollars, type SimSigned } from './dollars.ts'
import type { SimGate } from './gate.ts'
import type { SimMint, SimToken } from './mint.ts'
import { SimReply } from './reply.ts'
import { SimSpending } from './spending.ts'
import type { SimWallets } from './wallets.ts'

export const PATH = '/v1/chat/completions'

/** One request of a buyer, with everything that the buyer knows of it. */
export interface Asked {
  readonly id: string
  readonly at: number
  readonly pass: string | null
  /** The token that it carries. */
  readonly token: SimToken | null
  /** The payment in dollars that it carries, and whether it was read from the chain. */
  readonly x402: SimSigned | null
  readonly stolen: boolean
  /** The invoice whose charge it carries. */
  readonly charge: string | null
  readonly body: Uint8Array
  readonly reply: SimReply
  /** The payment that bought its pass, or that it carries. */
  readonly payment: string | null
  /** Whether the gate has said before that this pass has ended. */
  readonly revoked: boolean
  /** Whether the secret of its pass is wrong. */
  readonly forged: boolean
  /** Whether the gate was killed while it ran. */
  killed: boolean
  /** What the gate threw, which is a bug. Null if it threw nothing. */
  bug: unknown
}

export interface SimPass {
  readonly text: string
  readonly hash: string
}

/** Caveats by which passes are narrowed. */
const LIMITS = [
  'spend <= 12/hour',
  'spend <= 30/total',
  'tokens <= 60/day',
  'tokens <= 45/req',
  'calls <= 2/hour',
  'calls <= 5/total',
]

/** With what a request pays. */
interface Paying {
  readonly pass?: string | null
  readonly token?: SimToken | undefined
  /** The token stands in the place of the API key. */
  readonly asKey?: boolean
  readonly x402?: SimSigned | undefined
  readonly stolen?: boolean
  /** A credential of the Payment scheme, and the payment hash of its invoice. */
  readonly charge?: { readonly value: string; readonly hash: string } | undefined
  /** The payment that bought the pass, if it is not the pass of now. */
  readonly boughtBy?: string
  /** Without it a new one. */
  readonly body?: Uint8Array
  readonly forged?: boolean
}

/**
 * A scripted buyer. It buys, spends, narrows, tops up, leaves and sends forged passes. If there
 * is a mint, it does what `SimSpending` says too.
 */
export class SimBuyer {
  readonly asked: Asked[] = []
  /** All passes that it ever used, with the narrowed ones. */
  readonly passes = new Set<string>()
  /** By the payment of a top-up: the payment that opened the account. */
  readonly topUps = new Map<string, string>()
  /** Passes, and tokens as keys, of which the gate has said that they have ended. */
  readonly dead = new Set<string>()
  /** What it saw that must never be. */
  readonly wrong: string[] = []
  readonly spending: SimSpending | null
  readonly dollars: SimDollars | null
  readonly world: VirtualWorld
  readonly wallets: SimWallets
  readonly name: string
  readonly #gate: SimGate
  #pass: SimPass | null = null
  #children: string[] = []
  #requests = 0

  constructor(
    name: string,
    parts: {
      readonly world: VirtualWorld
      readonly gate: SimGate
      readonly wallets: SimWallets
      readonly mint: SimMint | null
      readonly chain: SimChain | null
    },
  ) {
    this.name = name
    this.world = parts.world
    this.#gate = parts.gate
    this.wallets = parts.wallets
    this.spending = parts.mint === null ? null : new SimSpending(this, parts.mint)
    this.dollars = parts.chain === null ? null : new SimDollars(this, parts.chain)
  }

  get pass(): SimPass | null {
    return this.#pass
  }

  get children(): readonly string[] {
    return this.#children
  }

  /** Undefined while no gate runs. */
  get inside() {
    return this.#gate.composed?.inside
  }

  /** From now on it pays with this pass. */
  adopt(pass: SimPass): void {
    this.#pass = pass
    this.#children = []
  }

  /** What the gate reads in the headers of a request with that pass. */
  presented(pass: string | null): Incoming['presented'] {
    return this.inside?.readCredentials(headersOf({ pass })) ?? { is: 'absent' }
  }

  /** Does that many things, one after the other, with pauses in between. */
  async live(acts: number): Promise<void> {
    const { chance } = this.world
    for (let i = 0; i < acts; i++) {
      await sleep(this.world, chance.one([0, 20, 1_500, 6_000]))
      await this.#act()
    }
  }

  async #act(): Promise<void> {
    const { chance } = this.world
    if (this.dollars !== null && chance.percent(65) && (await this.dollars.act())) return
    if (this.spending !== null && (await this.spending.act())) return
    if (this.#pass === null) return chance.percent(50) ? this.#accept() : this.#buy(null)
    const what = chance.from(0, 99)
    if (what < 8) return this.#buy(chance.percent(70) ? this.#pass : null)
    if (what < 18) {
      this.narrow(this.#pass)
      return
    }
    if (what < 24) return this.#forge(this.#pass)
    if (what < 30) return this.#accept()
    const pass = chance.percent(40) && this.#children.length > 0 ? chance.one(this.#children) : null
    const text = pass ?? this.#pass.text
    if (what < 45) {
      await Promise.all(Array.from({ length: chance.from(2, 5) }, () => this.ask({ pass: text })))
      return
    }
    await this.ask({ pass: text })
  }

  /** Buys credit in advance, or tops up the account of a pass. */
  async #buy(topUp: SimPass | null): Promise<void> {
    const inside = this.#gate.composed?.inside
    if (inside === undefined) return
    const { chance } = this.world
    const presented = this.presented(topUp?.text ?? null)
    const from = { client: this.name, site: this.name }
    const isLarge = this.spending !== null && chance.percent(40)
    const amountSats = isLarge ? chance.from(900, 3_000) : chance.from(10, 60)
    const work = inside.buying.create({ amountSats }, presented, from)
    const made = await this.patient(work)
    if (made === null || !made.ok) return
    const { row, macaroon } = made.value
    if (topUp !== null) this.topUps.set(row.hash, topUp.hash)
    await this.#pay(row.hash, macaroon)
  }

  /** Sends a request without a pass, and pays the offer of the 402. */
  async #accept(): Promise<void> {
    const asked = await this.ask({})
    if (asked.reply.status !== 402) return
    const { l402 } = JSON.parse(asked.reply.text)
    if (l402 !== undefined) await this.#pay(l402.payment_hash, l402.macaroon)
  }

  async #pay(hash: string, macaroon: string | null): Promise<void> {
    const { chance } = this.world
    if (chance.percent(10)) return
    await sleep(this.world, chance.one([10, 900, 9_000]))
    const preimage = this.wallets.pay(hash)
    if (preimage === null || macaroon === null) return
    this.adopt({ text: `${macaroon}:${preimage}`, hash })
  }

  /** Makes a child of a pass. */
  narrow(pass: SimPass): string {
    const { chance } = this.world
    const id = Buffer.from(chance.bytes(8)).toString('hex')
    const limits = chance.percent(30)
      ? [chance.one(LIMITS), chance.one(LIMITS)]
      : [chance.one(LIMITS)]
    const made = narrow(pass.text, [...new Set(limits)], id)
    if (!made.ok) throw new Error(made.error.detail)
    this.#children.push(made.value)
    return made.value
  }

  async #forge(pass: SimPass): Promise<void> {
    const last = pass.text.at(-1) === '0' ? '1' : '0'
    await this.ask({ pass: pass.text.slice(0, -1) + last, forged: true })
  }

  async ask(paying: Paying): Promise<Asked> {
    const { pass = null, token, x402, charge, forged = false, stolen = false } = paying
    const { chance } = this.world
    const reply = new SimReply(this.world, chance.percent(15))
    this.#requests += 1
    const at = this.world.now()
    const id = `${at.toString(36).padStart(9, '0')}-${this.name}-${this.#requests}`
    const carried = token?.payment ?? charge?.hash ?? (x402 === undefined ? null : hashOf(x402))
    const payment = paying.boughtBy ?? (pass === null ? carried : this.#pass?.hash) ?? null
    const revoked = this.dead.has(pass ?? token?.text ?? '')
    const body = paying.body ?? this.#newBody()
    const asked: Asked = {
      ...{ id, at, pass, token: token ?? null, x402: x402 ?? null, charge: charge?.hash ?? null },
      ...{ payment, reply, body, forged, stolen, revoked, killed: false, bug: null },
    }
    this.asked.push(asked)
    if (pass !== null && !forged) this.passes.add(pass)
    const inside = this.#gate.composed?.inside
    if (inside === undefined) {
      reply.lose()
      return asked
    }
    const incoming = this.#incoming(asked, inside.readCredentials(headersOf(paying)))
    const { process } = this.#gate
    if (chance.percent(20)) {
      this.world.after(chance.one([1, 40, 700, 4_000]), () => reply.leave())
    }
    const found = inside.routes.find('POST', PATH)
    if (found.is !== 'route') throw new Error('no such route')
    const call = inside.gate.begin(found.route, incoming, reply)
    const serving = async () => inside.gate.serve(call)
    serving().catch((error) => {
      if (process.alive) asked.bug = error
    })
    await reply.done
    if (token !== undefined) {
      // The first answer that a pass pays for has that very pass.
      const own = (value: string | null) => (value === pass ? null : value)
      this.spending?.heard(token, (name) => own(reply.header(name)))
    }
    return asked
  }

  #newBody(): Uint8Array {
    const { chance } = this.world
    const stream = chance.percent(65)
    const body = {
      ...{ model: 'sim', messages: [{ role: 'user', content: 'hi '.repeat(chance.from(1, 8)) }] },
      ...{ stream, max_tokens: chance.from(1, 25) },
      ...(stream && chance.percent(30) ? { stream_options: { include_usage: true } } : {}),
    }
    return new TextEncoder().encode(JSON.stringify(body))
  }

  #incoming({ id, at, body }: Asked, presented: Incoming['presented']): Incoming {
    return {
      ...{ id, at, method: 'POST', path: PATH, query: '', presented, trailers: false },
      ...{ rail: null, acceptPayment: null, maxCost: null },
      head: { contentType: 'application/json', headers: {} },
      body,
      admitBody: () => {},
      letGoOfBody: () => {},
      isLocal: () => false,
      ...{ client: this.name, site: this.name, origin: 'http://gate' },
    }
  }

  /** The result of a call of the gate. Null if that gate is killed meanwhile. */
  patient<T>(work: Promise<T>): Promise<T | null> {
    return Promise.race([work, this.#gate.process.killed.then(() => null)])
  }
}

function headersOf({ pass = null, token, asKey = false, x402, charge }: Paying): string[] {
  const key = asKey ? token?.text : pass
  const keyed = charge === undefined ? 'Authorization' : 'X-API-Key'
  return [
    ...(key === null || key === undefined ? [] : [keyed, `Bearer ${key}`]),
    ...(token === undefined || asKey ? [] : ['X-Cashu', token.text]),
    ...(x402 === undefined ? [] : x402.header),
    ...(charge === undefined ? [] : ['Authorization', charge.value]),
  ]
}
