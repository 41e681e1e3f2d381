import { setTimeout as sleep } from 'node:timers/promises'
import type { Answered } from '../support/ask.ts'
import type { GateProcess } from '../support/gate-process.ts'
import type { Chance } from '../support/virtual-world.ts'
import { bearer, until } from './buyer.ts'
import type { Purse } from './purses.ts'

const CHAT = '/v1/chat/completions'
const HELLO = { model: 'fake', messages: [{ role: 'user', content: 'hello' }], max_tokens: 5 }
const AT_ONCE = 4

/** A token that a buyer pays with. */
export interface Coins {
  readonly token: string
  readonly sats: number
  /** What its mint takes of it when it is swapped. */
  readonly swapFee: number
}

/** An invoice that a buyer asked for. Nobody need have paid it. */
interface Sale {
  readonly payment_url: string
  readonly macaroon: string
  pass: string | null
}

interface Given extends Coins {
  pass: string | null
  /** What the gate said last. */
  last?: string
}

interface Asked {
  readonly pass: string
  readonly body: object
  readonly key: string
  /** Null while its end is not known. */
  answer: Answered | null
  last?: string
}

interface CrowdParts {
  readonly gate: GateProcess
  readonly purse: Purse
  readonly chance: Chance
  /** Tokens to pay with. */
  readonly coins: readonly Coins[]
  /** Whether buyers also withdraw by token. */
  readonly ecash: boolean
}

/** ms for which a withdrawal that hangs is asked for, once nothing is broken any more. */
const PATIENCE = 60_000

/**
 * Buyers who pay invoices, send tokens, ask, and withdraw, whatever is broken meanwhile. Each keeps
 * what a buyer would keep: the invoice and its secret, the token, the Idempotency-Key.
 */
export class Crowd {
  readonly #parts: CrowdParts
  #patientUntil = Number.POSITIVE_INFINITY
  readonly #stock: Coins[]
  readonly #sales: Sale[] = []
  readonly #given: Given[] = []
  readonly #asked: Asked[] = []
  readonly #change = new Set<string>()
  /** Passes out of which no more can be taken. */
  readonly #empty = new Set<string>()
  #open = true
  #running: readonly Promise<void>[] = []

  constructor(parts: CrowdParts) {
    this.#parts = parts
    this.#stock = [...parts.coins]
  }

  /** Resolves when the first buyers have paid and have their passes. */
  async start(): Promise<void> {
    this.#running = Array.from({ length: AT_ONCE }, () => this.#shop())
    await until(() => this.#keys().length > AT_ONCE, 60_000)
  }

  /** What was tried so far. */
  get counts(): Readonly<Record<string, number>> {
    return {
      invoices: this.#sales.length,
      tokens: this.#given.length,
      withdrawals: this.#asked.length,
    }
  }

  /** Begins nothing new, and repeats whatever has not ended until its end is known. */
  async settle(within: number): Promise<void> {
    this.#open = false
    await Promise.all(this.#running)
    await until(() => this.#parts.purse.still(), within).catch(() => {
      throw new Error('a payment of the buyers has not ended in their own wallet')
    })
    for (const one of this.#given) await this.#endOf(one, () => this.#taken(one), within)
    this.#patientUntil = Date.now() + PATIENCE
    for (const one of this.#asked) await this.#endOf(one, () => this.#ended(one), within)
  }

  /** Tries it until its end is known. The error says what the gate said last. */
  async #endOf(one: Given | Asked, tried: () => Promise<boolean>, within: number): Promise<void> {
    await until(async () => (await quiet(tried())) === true, within).catch(() => {
      const what = 'body' in one ? JSON.stringify(one.body).slice(0, 40) : `${one.sats} sats`
      throw new Error(`no end of ${what}: ${one.last}`)
    })
  }

  /** What all buyers have now, in msat, as the gate tells them. */
  async balances(): Promise<number> {
    for (const sale of this.#sales) await quiet(this.#collect(sale))
    const accounts = new Map<string, number>()
    for (const key of [...this.#keys(), ...this.#given.map(({ token }) => token)]) {
      const { status, json } = await this.#ask('/v1/balance', undefined, key)
      if (status === 200) accounts.set(json.account, json.balance_msat)
    }
    return [...accounts.values()].reduce((sum, one) => sum + one, 0)
  }

  get given(): readonly Coins[] {
    return this.#given
  }

  /** The tokens that buyers got: as change, and by withdrawal. */
  get tokens(): readonly string[] {
    const withdrawn = this.#asked.map(({ answer }) => answer?.json?.token)
    return [...new Set([...this.#change, ...withdrawn.filter((one) => one !== undefined)])]
  }

  /** How the withdrawals ended: `200`, or the code of a refusal. */
  get ends(): Readonly<Record<string, number>> {
    const ends: Record<string, number> = {}
    for (const { answer } of this.#asked) {
      const end = answer?.json?.error?.code ?? String(answer?.status)
      ends[end] = (ends[end] ?? 0) + 1
    }
    return ends
  }

  async #shop(): Promise<void> {
    const { chance } = this.#parts
    while (this.#open) {
      await quiet(this.#errand())
      await sleep(chance.from(20, 200))
    }
  }

  async #errand(): Promise<unknown> {
    const { chance } = this.#parts
    // Whoever paid while the gate could not see it comes back later.
    if (chance.percent(30) && this.#sales.length > 0) await this.#collect(chance.one(this.#sales))
    const filled = this.#keys().filter((one) => !this.#empty.has(one))
    const key = filled.length === 0 ? null : chance.one(filled)
    const coins = chance.percent(30) ? this.#stock.pop() : undefined
    if (coins !== undefined) return this.#give({ ...coins, pass: null }, chance.from(0, 2))
    if (key === null || chance.percent(40)) return this.#buy()
    if (chance.percent(40)) return this.#ask(CHAT, HELLO, key)
    return this.#withdraw(key)
  }

  async #buy(): Promise<void> {
    const { chance, purse } = this.#parts
    const made = await this.#ask('/create-invoice', { amountSats: chance.from(1000, 3000) })
    if (made.status !== 200) return
    const sale: Sale = { ...made.json, pass: null }
    this.#sales.push(sale)
    // A payment to a node that stands still takes as long as it takes.
    void quiet(purse.pay(made.json.bolt11))
    for (let turn = 0; turn < 10 && sale.pass === null; turn += 1) {
      await sleep(200)
      await quiet(this.#collect(sale))
    }
  }

  async #collect(sale: Sale): Promise<void> {
    if (sale.pass !== null) return
    const { json } = await this.#ask(sale.payment_url)
    if (json?.token_suffix) sale.pass = `${sale.macaroon}:${json.token_suffix}`
  }

  async #give(one: Given, way: number): Promise<void> {
    this.#given.push(one)
    await this.#present(one, way)
  }

  /** In the three ways in which a token can be presented. */
  async #present(one: Given, way: number): Promise<number> {
    const { token } = one
    const answer =
      way === 0
        ? await this.#parts.gate.client.ask({
            ...{ path: CHAT, body: HELLO, headers: { 'x-cashu': token } },
          })
        : way === 1
          ? await this.#ask('/cashu-redeem', { token })
          : await this.#ask(CHAT, HELLO, token)
    one.last = `${answer.status} ${answer.text}`
    one.pass ??= answer.json?.pass ?? answer.headers['x-satgate-pass'] ?? null
    const texts = String(answer.headers['x-cashu'] ?? '').split(/,\s*/)
    for (const text of texts) if (/^cashu[AB]/.test(text)) this.#change.add(text)
    return answer.status
  }

  /** Sends the token again until its account is there, and once more for change that got lost. */
  async #taken(one: Given): Promise<boolean> {
    const there = async () => (await this.#ask('/v1/balance', undefined, one.token)).status === 200
    if (!(await there())) await this.#present(one, 1)
    if (!(await there())) return false
    await this.#present(one, 0)
    return true
  }

  async #withdraw(pass: string): Promise<void> {
    const { chance, ecash, purse } = this.#parts
    const key = `key-${this.#asked.length}-${chance.from(0, 1e9)}`
    const sats = chance.from(1000, 1500)
    const byToken = { ecash: true, ...(chance.percent(50) ? { amount_sats: sats } : {}) }
    const body = ecash && chance.percent(50) ? byToken : { invoice: await purse.invoice(sats) }
    const asked: Asked = { pass, body, key, answer: null }
    this.#asked.push(asked)
    await this.#ended(asked)
  }

  /** Repeats a withdrawal. True once the gate says how it ended. */
  async #ended(asked: Asked): Promise<boolean> {
    if (asked.answer !== null) return true
    const answer = await this.#ask('/v1/withdraw', asked.body, asked.pass, {
      'idempotency-key': asked.key,
    })
    asked.last = `${answer.status} ${answer.text}`
    const hangs = answer.status === 202 || answer.status === 429
    // A mint whose node never began a payment calls it pending for good, and so does the gate.
    if (hangs && Date.now() > this.#patientUntil) return true
    if (hangs || answer.status === 503) return false
    asked.answer = answer
    const left = answer.json?.error?.code
    if (left === 'nothing_to_withdraw' || left === 'too_much') this.#empty.add(asked.pass)
    return true
  }

  #keys(): readonly string[] {
    return [...this.#sales, ...this.#given].flatMap(({ pass }) => (pass === null ? [] : [pass]))
  }

  #ask(path: string, body?: object, key?: string, more: Readonly<Record<string, string>> = {}) {
    const headers = { ...(key === undefined ? {} : bearer(key)), ...more }
    return this.#parts.gate.client.ask({ path, body, headers })
  }
}

/** What breaks on the way is tried again later. */
const quiet = async <T>(work: Promise<T>): Promise<T | undefined> => work.catch(() => undefined)
