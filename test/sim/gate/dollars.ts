import { sleep } from '../../../src/floor/world.ts'
import type { Authorization } from '../../../src/rails/x402/payment.ts'
import { x402PaymentId } from '../../../src/rails/x402/payment.ts'
import type { Asked, SimBuyer } from './buyer.ts'
import { SIM_ASSET, SIM_NETWORK, SIM_PAY_TO, type SimChain } from './chain.ts'

/** A payment in dollars, as a header presents it. */
export interface SimSigned {
  /** As deposits name it. */
  readonly id: string
  readonly version: 1 | 2
  /** Name and value of its header. */
  readonly header: readonly [string, string]
  readonly authorization: Authorization
  /** The request that it was offered for. */
  readonly body: Uint8Array
  /** Its payload, to be rebuilt by somebody who reads the chain. */
  readonly signature: string
}

/** What a buyer does with dollars (x402) and with charges of the Payment scheme. */
export class SimDollars {
  readonly signed: SimSigned[] = []
  /** By payment: how often its pass was given to this buyer, if it is not its own secret that proved it. */
  readonly seen = new Set<string>()
  readonly #buyer: SimBuyer
  readonly #chain: SimChain
  readonly #from: string

  constructor(buyer: SimBuyer, chain: SimChain) {
    this.#buyer = buyer
    this.#chain = chain
    this.#from = `0x${Buffer.from(buyer.name).toString('hex').padStart(40, '0')}`
  }

  /** Does one thing. Returns false if it has done nothing. */
  async act(): Promise<boolean> {
    const { chance } = this.#buyer.world
    const what = chance.from(0, 99)
    if (what < 14) return this.#pay(2)
    if (what < 24) return this.#pay(1)
    if (what < 28) return this.#copies()
    if (what < 33) return this.#again()
    if (what < 39) return this.#beside()
    if (what < 41) return this.#late()
    if (what < 45) return this.#steal()
    if (what < 51) return this.#front()
    if (what < 61) return this.#charge()
    return false
  }

  /** Asks without a pass, and signs what the 402 offers. Null if it offers no dollars. */
  async #sign(version: 1 | 2, pass: string | null = null): Promise<SimSigned | null> {
    const asked = await this.#buyer.ask({ pass })
    const entry = asked.reply.status === 402 ? entryOf(asked, version) : null
    if (entry === null) return null
    const { world } = this.#buyer
    const { chance } = world
    const seconds = BigInt(Math.floor(world.now() / 1_000))
    const authorization: Authorization = {
      ...{ from: this.#from, to: SIM_PAY_TO, value: BigInt(entry.value) },
      ...{ validAfter: 0n, validBefore: seconds + BigInt(entry.maxTimeoutSeconds) },
      nonce: `0x${Buffer.from(chance.bytes(32)).toString('hex')}`,
    }
    const signature = `0x${Buffer.from(chance.bytes(64)).toString('hex')}1b`
    const signed = signedOf({ version, authorization, signature, entry, body: asked.body })
    if (chance.percent(6)) this.#chain.poor.add(signed.id)
    this.signed.push(signed)
    this.#chain.signed.set(hashOf(signed), signed.id)
    return signed
  }

  async #pay(version: 1 | 2): Promise<boolean> {
    const signed = await this.#sign(version)
    if (signed === null) return false
    const { chance } = this.#buyer.world
    const first = await this.#present(signed)
    this.#adopt(signed, first)
    // As if the answer had got lost, or it was pending.
    if (chance.percent(40)) this.#adopt(signed, await this.#present(signed))
    return true
  }

  /** Copies of one payment at the same moment: one credit (threats F1). */
  async #copies(): Promise<boolean> {
    const { chance } = this.#buyer.world
    const signed = await this.#sign(chance.one([1, 2]))
    if (signed === null) return false
    const count = chance.percent(10) ? 50 : chance.from(2, 5)
    const all = await Promise.all(Array.from({ length: count }, () => this.#present(signed)))
    for (const one of all) this.#adopt(signed, one)
    return true
  }

  async #again(): Promise<boolean> {
    if (this.signed.length === 0) return false
    const signed = this.#buyer.world.chance.one(this.signed)
    this.#adopt(signed, await this.#present(signed))
    return true
  }

  /** A payment beside a pass tops its account up, or pays one call if the pass is narrowed (L16). */
  async #beside(): Promise<boolean> {
    const { children, pass, topUps, world } = this.#buyer
    if (pass === null) return false
    const signed = await this.#sign(world.chance.one([1, 2]))
    if (signed === null) return false
    const child = world.chance.percent(25) ? children.at(-1) : undefined
    const { reply } = await this.#present(signed, child ?? pass.text)
    if (reply.status !== 200) return true
    this.seen.add('dollars beside a pass')
    if (child === undefined) topUps.set(hashOf(signed), pass.hash)
    return true
  }

  /** Pays an offer that is no longer good (threats L5). */
  async #late(): Promise<boolean> {
    const { world } = this.#buyer
    const { chance } = world
    const signed = await this.#sign(chance.one([1, 2]))
    if (signed === null) return false
    await sleep(world, 121_000)
    this.#adopt(signed, await this.#present(signed))
    return true
  }

  /** Somebody who reads the chain rebuilds a payment: it buys nothing (threats L1). */
  async #steal(): Promise<boolean> {
    const { chance } = this.#buyer.world
    const all = [...this.#chain.transactions.values()]
    if (all.length === 0) return false
    const { payment } = chance.one(all)
    const { authorization, signature } = payment
    const version = chance.one([1, 2] as const)
    const made = signedOf({ version, authorization, signature, entry: null, body: null })
    const asked = await this.#buyer.ask({ x402: made, stolen: true })
    this.seen.add('stolen from the chain')
    if (asked.reply.header('x-satgate-pass') !== null)
      this.#buyer.wrong.push(`a pass for who has read ${made.id} on the chain`)
    return true
  }

  /** The payer sends its own transfer to the chain, and presents it afterwards (threats L15). */
  async #front(): Promise<boolean> {
    const signed = await this.#sign(2)
    if (signed === null) return false
    const { authorization, signature } = signed
    this.#chain.front(signed.id, {
      ...{ x402Version: 2, network: SIM_NETWORK, authorization, signature },
      ...{ accepted: null, resource: null },
    })
    await this.#present(signed)
    return true
  }

  /** Pays the invoice of a Payment challenge, and presents its preimage, alone or as a pass too (L4). */
  async #charge(): Promise<boolean> {
    const { chance } = this.#buyer.world
    const asked = await this.#buyer.ask({})
    const challenge = challengeIn(asked.reply.lines('www-authenticate'))
    if (asked.reply.status !== 402 || challenge === null) return false
    const preimage = this.#buyer.wallets.pay(challenge.hash)
    if (preimage === null) return false
    const charge = { hash: challenge.hash, value: challenge.credential(preimage) }
    const { l402 } = JSON.parse(asked.reply.text)
    const pass = `${l402?.macaroon}:${preimage}`
    const times = chance.one([1, 1, 2, 5])
    const alsoPass = chance.percent(30) && typeof l402?.macaroon === 'string'
    const all = await Promise.all([
      ...Array.from({ length: times }, () => this.#buyer.ask({ charge, body: asked.body })),
      ...(alsoPass ? [this.#buyer.ask({ pass, boughtBy: charge.hash })] : []),
    ])
    if (all.some(({ reply }) => reply.status === 200)) this.seen.add('charge')
    // As if the answer had got lost.
    if (chance.percent(40))
      all.splice(times, 0, await this.#buyer.ask({ charge, body: asked.body }))
    const served = all
      .slice(0, times + 1)
      .filter(({ pass: key, reply }) => key === null && reply.status === 200)
    if (served.length > 1) this.#buyer.wrong.push(`charge ${charge.hash} bought ${served.length}`)
    for (const { reply } of served) {
      const text = reply.header('x-satgate-pass')
      if (text !== null) this.#buyer.adopt({ text, hash: charge.hash })
    }
    return true
  }

  async #present(signed: SimSigned, pass: string | null = null): Promise<Asked> {
    const asked = await this.#buyer.ask({ x402: signed, body: signed.body, pass })
    if (asked.reply.status === 200) this.seen.add(`dollars v${signed.version}`)
    if (asked.reply.status === 503) this.seen.add('dollars pending')
    return asked
  }

  #adopt(signed: SimSigned, { reply }: Asked): void {
    const pass = reply.header('x-satgate-pass')
    if (pass !== null) this.#buyer.adopt({ text: pass, hash: hashOf(signed) })
  }
}

/** What names the payment in this simulation: its nonce, 64 hex digits. */
export const hashOf = ({ authorization }: Pick<SimSigned, 'authorization'>): string =>
  authorization.nonce.slice(2)

interface Entry {
  readonly value: string
  readonly maxTimeoutSeconds: number
  readonly accepted: Readonly<Record<string, unknown>> | null
  readonly resource: unknown
}

function entryOf({ reply }: Asked, version: 1 | 2): Entry | null {
  if (version === 1) {
    const [entry] = JSON.parse(reply.text).accepts ?? []
    if (entry === undefined) return null
    const { maxAmountRequired: value, maxTimeoutSeconds } = entry
    return { value, maxTimeoutSeconds, accepted: null, resource: null }
  }
  const header = reply.header('payment-required')
  if (header === null) return null
  const { accepts, resource } = JSON.parse(Buffer.from(header, 'base64').toString('utf8'))
  const [accepted] = accepts
  const { amount: value, maxTimeoutSeconds } = accepted
  return { value, maxTimeoutSeconds, accepted, resource }
}

function signedOf(of: {
  readonly version: 1 | 2
  readonly authorization: Authorization
  readonly signature: string
  /** Null for somebody who was offered nothing. */
  readonly entry: Entry | null
  readonly body: Uint8Array | null
}): SimSigned {
  const { authorization, body, entry, signature, version } = of
  const { from, to, nonce, value, validAfter, validBefore } = authorization
  const payload = {
    signature,
    authorization: {
      ...{ from, to, nonce, value: `${value}` },
      ...{ validAfter: `${validAfter}`, validBefore: `${validBefore}` },
    },
  }
  const id = x402PaymentId({ asset: SIM_ASSET, network: SIM_NETWORK }, authorization)
  const one = { scheme: 'exact', network: 'base-sepolia' }
  const two = { accepted: entry?.accepted ?? GUESSED, resource: entry?.resource ?? null }
  const whole = { x402Version: version, ...(version === 1 ? one : two), payload }
  const text = Buffer.from(JSON.stringify(whole)).toString('base64')
  const name = version === 1 ? 'X-PAYMENT' : 'PAYMENT-SIGNATURE'
  const header = [name, text] as const
  return { id, version, header, authorization, signature, body: body ?? new Uint8Array() }
}

/** What everybody can know of the entry of an offer. Its id is not in it. */
const GUESSED = {
  ...{ scheme: 'exact', network: SIM_NETWORK, asset: SIM_ASSET, payTo: SIM_PAY_TO },
  ...{ maxTimeoutSeconds: 60, extra: { name: 'USDC', version: '2' } },
}

/** The charge in the challenges of a 402. Null if there is none. */
function challengeIn(lines: readonly string[]) {
  const params = lines.find((line) => line.startsWith('Payment '))?.slice('Payment '.length)
  if (params === undefined) return null
  const of = (name: string) => new RegExp(`(?:^|[ ,])${name}="([^"]*)"`).exec(params)?.[1] ?? ''
  const names = ['id', 'realm', 'method', 'intent', 'request', 'expires']
  const challenge = Object.fromEntries(names.map((name) => [name, of(name)]))
  const request = JSON.parse(Buffer.from(of('request'), 'base64url').toString('utf8'))
  return {
    hash: String(request.methodDetails.paymentHash),
    credential: (preimage: string) => {
      const whole = JSON.stringify({ challenge, payload: { preimage } })
      return `Payment ${Buffer.from(whole).toString('base64url')}`
    },
  }
}
