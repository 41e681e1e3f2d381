import { createHash } from 'node:crypto'
import { writeBolt11 } from '../../../src/wallets/bolt11.ts'
import type { Shown } from '../../../src/withdrawals/withdrawals.ts'
import type { SimBuyer, SimPass } from './buyer.ts'
import type { SimMint, SimToken } from './mint.ts'

/** What a buyer asked to be paid back, to be asked again in the same words. */
interface Withdrawal {
  readonly body: Readonly<Record<string, unknown>>
  readonly key: string | undefined
  readonly pass: string
  /** The tokens that were answered. */
  readonly tokens: Set<string>
}

/** What a buyer does with ecash, with credit that it wants back, and with passes that are to end. */
export class SimSpending {
  readonly withdrawals: Withdrawal[] = []
  /** By payment: the change that came back for it, and how often its pass was given. */
  readonly change = new Map<string, Set<string>>()
  readonly given = new Map<string, number>()
  /** What happened, so that the histories can be seen to contain it. */
  readonly seen = new Set<string>()
  readonly #buyer: SimBuyer
  readonly #mint: SimMint
  /** Tokens that this buyer has, and those that it has sent to the gate. */
  readonly #tokens: SimToken[] = []
  readonly #used: SimToken[] = []
  #invoices = 0

  constructor(buyer: SimBuyer, mint: SimMint) {
    this.#buyer = buyer
    this.#mint = mint
  }

  /** Does one thing. Returns false if it has done nothing. */
  async act(): Promise<boolean> {
    const { pass, world } = this.#buyer
    const what = world.chance.from(0, 99)
    if (this.#buyer.dead.size > 0 && world.chance.percent(20)) return this.#useRevoked()
    if (what < 12) return this.#pay(this.#fresh())
    if (what < 16) return this.#payTwice(this.#fresh())
    if (what < 21) return this.#again()
    if (what < 26) return this.#asKey()
    if (what < 31) return this.#redeem(null)
    if (what < 35) return this.#redeemForInvoice()
    if (pass === null) return false
    if (what < 40) return this.#beside(pass.text)
    if (what < 44) return this.#redeem(pass.text)
    if (what < 54) return this.#takeToken(pass.text)
    if (what < 62) return this.#takeInvoice(pass.text)
    if (what < 66) return this.#takeAgain()
    if (what < 70) return this.#rotate(pass.text)
    return what < 76 ? this.#revokeChild(pass) : false
  }

  /** A token that came back from the gate, or a new one. Sometimes others have spent it before. */
  #fresh(): SimToken {
    const { chance } = this.#buyer.world
    const known = chance.percent(40) ? this.#tokens.pop() : undefined
    if (known !== undefined) return known
    const token = this.#mint.issue(
      chance.percent(30) ? chance.from(900, 3_000) : chance.from(8, 60),
    )
    if (chance.percent(4)) token.spentBy = 'others'
    return token
  }

  async #pay(token: SimToken): Promise<true> {
    this.#used.push(token)
    await this.#buyer.ask({ token })
    // As if the answer had got lost.
    if (this.#buyer.world.chance.percent(30)) await this.#buyer.ask({ token })
    return true
  }

  async #payTwice(token: SimToken): Promise<true> {
    this.#used.push(token)
    await Promise.all([this.#buyer.ask({ token }), this.#buyer.ask({ token })])
    return true
  }

  async #again(): Promise<boolean> {
    if (this.#used.length === 0) return false
    await this.#buyer.ask({ token: this.#buyer.world.chance.one(this.#used) })
    return true
  }

  async #asKey(): Promise<true> {
    const { chance } = this.#buyer.world
    const known = chance.percent(60) && this.#used.length > 0 ? chance.one(this.#used) : null
    const token = known ?? this.#fresh()
    if (known === null) this.#used.push(token)
    const { reply } = await this.#buyer.ask({ token, asKey: true })
    if (reply.status === 200) this.seen.add(known === null ? 'token as key' : 'old token as key')
    return true
  }

  async #beside(pass: string): Promise<true> {
    const { children, topUps, world } = this.#buyer
    const token = this.#fresh()
    this.#used.push(token)
    const child = world.chance.percent(25) ? children.at(-1) : undefined
    const first = this.#buyer.pass?.hash
    const { reply } = await this.#buyer.ask({ pass: child ?? pass, token })
    const isTopUp = child === undefined && first !== undefined && reply.status === 200
    if (reply.status === 200) this.seen.add('token beside a pass')
    if (isTopUp) topUps.set(token.payment, first)
    return true
  }

  async #redeem(pass: string | null): Promise<boolean> {
    const { redeeming } = this.#buyer.inside ?? {}
    if (redeeming === undefined || redeeming === null) return false
    const token = this.#fresh()
    this.#used.push(token)
    const first = pass === null ? undefined : this.#buyer.pass?.hash
    const presented = this.#buyer.presented(pass)
    const { name: client } = this.#buyer
    const done = await this.#buyer.patient(
      redeeming.redeem({ token: token.text }, presented, { ...BARE, client }),
    )
    if (!done?.ok || done.value.is !== 'credited') return true
    this.seen.add('redeemed')
    if (first !== undefined) this.#buyer.topUps.set(token.payment, first)
    this.#got(token, done.value.pass)
    return true
  }

  async #redeemForInvoice(): Promise<boolean> {
    const { buying, redeeming } = this.#buyer.inside ?? {}
    if (buying === undefined || redeeming === undefined || redeeming === null) return false
    const { name: client, world } = this.#buyer
    const nobody = this.#buyer.presented(null)
    const from = { ...BARE, client, site: client }
    const made = await this.#buyer.patient(buying.create({ amountSats: 20 }, nobody, from))
    if (made === null || !made.ok) return false
    const { macaroon, row, statusToken } = made.value
    const token = this.#fresh()
    this.#used.push(token)
    const body = { token: token.text, paymentHash: row.hash, statusToken }
    const done = await this.#buyer.patient(redeeming.redeem(body, nobody, from))
    if (done?.ok && done.value.is === 'credited' && macaroon !== null) {
      this.seen.add('redeemed for an invoice')
      this.#buyer.topUps.set(row.hash, token.payment)
      this.#buyer.adopt({ text: `${macaroon}:${done.value.secret}`, hash: token.payment })
    }
    if (world.chance.percent(20)) this.#buyer.wallets.pay(row.hash)
    return true
  }

  /** A pass that came for a payment. It comes once. */
  #got({ payment }: SimToken, pass: string | null): void {
    if (pass === null) return
    this.given.set(payment, (this.given.get(payment) ?? 0) + 1)
    this.#buyer.adopt({ text: pass, hash: payment })
  }

  /** Hears the head of an answer to a request with a token. */
  heard(token: SimToken, header: (name: string) => string | null): void {
    this.#got(token, header('x-satgate-pass'))
    const text = header('x-cashu') ?? ''
    if (!text.startsWith('cashu')) return
    this.seen.add('change')
    const all = this.change.get(token.payment) ?? new Set()
    this.change.set(token.payment, all)
    this.#keep(text, all)
  }

  async #takeToken(pass: string): Promise<boolean> {
    const { chance } = this.#buyer.world
    const amount = chance.percent(30) ? { amount_sats: chance.from(1, 1_500) } : {}
    return this.#take({ ecash: true, ...amount }, pass)
  }

  async #takeInvoice(pass: string): Promise<boolean> {
    const { chance } = this.#buyer.world
    const sat = await this.#invoiceSats(pass)
    if (sat < 1) return false
    const body = { invoice: this.#invoice(chance.percent(70) ? sat : chance.from(1, sat * 2)) }
    const other = chance.percent(20) ? this.#take(body, pass) : null
    await this.#take(body, pass)
    await other
    return true
  }

  /** The most that an invoice may ask for now. */
  async #invoiceSats(pass: string): Promise<number> {
    const { pages } = this.#buyer.inside ?? {}
    if (pages === undefined) return 0
    const said = await this.#buyer.patient(pages.balance(this.#buyer.presented(pass)))
    if (!said?.ok) return 0
    const { withdrawable = [] } = said.value as { withdrawable?: readonly Shown[] }
    return Math.max(0, ...withdrawable.map(({ invoice_sats: sats = 0 }) => sats))
  }

  /** An invoice of somebody else. */
  #invoice(sat: number): string {
    const { name, world } = this.#buyer
    this.#invoices += 1
    const named = `invoice ${this.#invoices} of ${name}`
    return writeBolt11({
      ...{ network: 'bcrt', sat, description: '', createdAt: world.now(), expirySeconds: 3_600 },
      paymentHash: createHash('sha256').update(named).digest(),
      paymentSecret: SECRET,
      secretKey: SECRET,
    })
  }

  async #take(body: Withdrawal['body'], pass: string): Promise<true> {
    const { chance } = this.#buyer.world
    const key = chance.percent(50) ? `key ${this.withdrawals.length}` : undefined
    const withdrawal: Withdrawal = { body, key, pass, tokens: new Set() }
    this.withdrawals.push(withdrawal)
    await this.#ask(withdrawal)
    return true
  }

  /** The same request once more: perhaps its answer was lost, or it was pending. */
  async #takeAgain(): Promise<boolean> {
    if (this.withdrawals.length === 0) return false
    await this.#ask(this.#buyer.world.chance.one(this.withdrawals))
    return true
  }

  async #ask({ body, key, pass, tokens }: Withdrawal): Promise<void> {
    const { withdrawing } = this.#buyer.inside ?? {}
    if (withdrawing === undefined) return
    const asked = withdrawing.withdraw(body, this.#buyer.presented(pass), key)
    const done = await this.#buyer.patient(asked)
    if (!done?.ok) return
    this.seen.add(`${done.value.body.kind} ${done.value.body.state}`)
    if (this.#buyer.dead.has(pass)) this.#buyer.wrong.push(`a revoked pass withdrew: ${pass}`)
    const { token: text } = done.value.body
    if (typeof text === 'string') this.#keep(text, tokens)
    // Perhaps a bonus is left, or another withdrawal would be possible.
    if (this.#buyer.world.chance.percent(40)) await this.#buyer.ask({ pass })
  }

  /** Keeps a token that came back from the gate. `before`: those that came for the same. */
  #keep(text: string, before: Set<string>): void {
    const token = this.#mint.tokens.get(text)
    if (token === undefined) this.#buyer.wrong.push(`no mint has made ${text}`)
    else if (!before.has(text)) this.#tokens.push(token)
    before.add(text)
  }

  /** Asks for a new root pass, and sometimes once more with the same key, as if no answer had come. */
  async #rotate(pass: string): Promise<boolean> {
    const { chance } = this.#buyer.world
    const key = `rotation ${pass.slice(-8)}`
    const made = await this.#rotated(pass, key)
    if (made === null) return true
    if (chance.percent(30)) {
      const again = await this.#rotated(pass, key)
      if (again !== null && again !== made) this.#buyer.wrong.push('one rotation gave two passes')
    }
    const hash = this.#buyer.pass?.hash ?? ''
    this.seen.add('rotated')
    const { children, dead } = this.#buyer
    const opened = this.#used.filter(({ payment }) => payment === hash)
    for (const text of [pass, ...children, ...opened.map((one) => one.text)]) dead.add(text)
    this.#buyer.adopt({ text: made, hash })
    return true
  }

  async #rotated(pass: string, key: string): Promise<string | null> {
    const { ending } = this.#buyer.inside ?? {}
    if (ending === undefined) return null
    const done = await this.#buyer.patient(ending.rotate(this.#buyer.presented(pass), key))
    return done?.ok ? done.value.pass : null
  }

  async #revokeChild({ hash, text: pass }: SimPass): Promise<boolean> {
    const { ending } = this.#buyer.inside ?? {}
    const { children, dead, world } = this.#buyer
    if (ending === undefined) return false
    const child = children.at(0) ?? this.#buyer.narrow({ hash, text: pass })
    const byOwner = world.chance.percent(60)
    const presented = this.#buyer.presented(byOwner ? pass : child)
    const body = byOwner ? { pass: child.split(':')[0] } : {}
    const done = await this.#buyer.patient(ending.revoke(presented, body))
    if (!done?.ok) return true
    this.seen.add('revoked')
    dead.add(child)
    return true
  }

  async #useRevoked(): Promise<true> {
    const { dead, world } = this.#buyer
    const text = world.chance.one([...dead])
    const token = this.#mint.tokens.get(text)
    const paying = token === undefined ? { pass: text } : { token, asKey: true }
    const { reply } = await this.#buyer.ask(paying)
    if (reply.status !== null) this.seen.add('a pass that has ended')
    return true
  }
}

const SECRET = new Uint8Array(32).fill(7)

/** What of a request the redeeming of a token does not look at. */
const BARE = { origin: 'https://gate.example', body: new Uint8Array() }
