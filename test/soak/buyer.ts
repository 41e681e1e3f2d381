import { type IncomingMessage, request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import type { GateProcess } from '../support/gate-process.ts'
import { TICK } from './backend.ts'

/** Sats that are paid at once, and the most tokens of one stream. A token is one sat. */
const PAID = 300
const LONGEST = 100
/** ms that a reader stops reading: longer than the buffers on the way hold out. */
const STALL = 3_000

/** How a buyer treats one stream. */
type Habit = 'stays' | 'leaves' | 'stalls' | 'stalls and leaves'
const HABITS: readonly Habit[] = [
  ...['stays', 'stays', 'stays', 'leaves', 'leaves', 'stalls'],
  'stalls and leaves',
] as readonly Habit[]

const MARK = Buffer.from(`"${TICK}"`)

/** A buyer who opens one stream after the other, and pays when it is asked to. */
export class SoakBuyer {
  readonly name: string
  readonly #gate: () => GateProcess | null
  readonly #random: () => number
  #pass: string | null = null
  /** Sats that were paid. */
  paid = 0
  /** Tokens that arrived here. */
  received = 0
  /** Streams that the gate broke off because it was killed. */
  cut = 0
  readonly counts: Record<Habit | 'asked to pay', number> = {
    ...{ stays: 0, leaves: 0, stalls: 0 },
    'stalls and leaves': 0,
    'asked to pay': 0,
  }

  /** `gate` is null while it is down. `random` gives numbers below 1. */
  constructor(name: string, gate: () => GateProcess | null, random: () => number) {
    this.name = name
    this.#gate = gate
    this.#random = random
  }

  /** Buys until `over` says so. Rejects if the gate answers in a way that no buyer expects. */
  async run(over: () => boolean): Promise<void> {
    while (!over()) {
      const gate = this.#gate()
      if (gate === null) {
        await pause(200)
        continue
      }
      try {
        if (this.#pass === null) await this.#pay(gate, null)
        else await this.#stream(gate)
      } catch (error) {
        if (this.#gate() === gate) throw error
      }
    }
  }

  /** What the account has left, in msat. */
  // biome-ignore lint/suspicious/noExplicitAny: an answer as it came
  async balance(gate: GateProcess): Promise<any> {
    const headers = { authorization: `Bearer ${this.#pass}` }
    return (await gate.client.ask({ path: '/v1/balance', headers })).json
  }

  /** Pays an invoice of the gate; with a pass, for the account of that pass. */
  async #pay(gate: GateProcess, pass: string | null): Promise<void> {
    const headers = pass === null ? {} : { authorization: `Bearer ${pass}` }
    const asked = { path: '/create-invoice', body: { amountSats: PAID }, headers }
    const made = await gate.client.ask(asked)
    // Strangers may have to wait for a place among the open invoices.
    if (made.status === 429 || made.status === 503) return pause(500)
    if (made.status !== 200) throw new Error(`create-invoice: ${made.status} ${made.text}`)
    const { bolt11, macaroon } = made.json
    const paid = await gate.client.ask({ path: '/play/pay', body: { invoice: bolt11 } })
    if (paid.status !== 200) throw new Error(`play/pay: ${paid.status} ${paid.text}`)
    this.paid += PAID
    this.#pass = pass ?? `${macaroon}:${paid.json.preimage}`
  }

  async #stream(gate: GateProcess): Promise<void> {
    const habit = HABITS[Math.floor(this.#random() * HABITS.length)] ?? 'stays'
    const most = 20 + Math.floor(this.#random() * (LONGEST - 20))
    const enough = 1 + Math.floor(this.#random() * most)
    const response = await this.#send(gate, most)
    if (response.statusCode === 402) {
      response.resume()
      this.counts['asked to pay'] += 1
      return this.#pay(gate, this.#pass)
    }
    if (response.statusCode !== 200) {
      response.resume()
      if (response.statusCode === 503) return pause(500)
      throw new Error(`${this.name}: status ${response.statusCode}`)
    }
    this.counts[habit] += 1
    await this.#read(response, habit, enough)
  }

  #send(gate: GateProcess, most: number): Promise<IncomingMessage> {
    const body = JSON.stringify({
      ...{ model: 'soak', stream: true, max_tokens: most },
      messages: [{ role: 'user', content: this.name }],
    })
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    request(
      `${gate.url}/v1/chat/completions`,
      {
        method: 'POST',
        agent: false,
        headers: {
          authorization: `Bearer ${this.#pass}`,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
        },
      },
      resolve,
    )
      .on('error', reject)
      .end(body)
    return promise
  }

  /** Reads one stream in the way of the habit. Resolves when its connection is closed. */
  #read(response: IncomingMessage, habit: Habit, enough: number): Promise<void> {
    let tokens = 0
    let tail: Buffer = Buffer.alloc(0)
    let stalled = false
    let left = false
    const leave = (): void => {
      left = true
      response.destroy()
    }
    const { promise, resolve } = Promise.withResolvers<void>()
    response.on('data', (chunk: Buffer) => {
      const bytes = tail.length === 0 ? chunk : Buffer.concat([tail, chunk])
      let at = 0
      for (let next = bytes.indexOf(MARK); next >= 0; next = bytes.indexOf(MARK, at)) {
        at = next + MARK.length
        tokens += 1
        this.received += 1
      }
      tail = Buffer.from(bytes.subarray(Math.max(at, bytes.length - MARK.length + 1)))
      if (tokens < enough || stalled) return
      if (habit === 'leaves') leave()
      if (!habit.startsWith('stalls')) return
      stalled = true
      response.pause()
      setTimeout(() => {
        if (habit === 'stalls') response.resume()
        else leave()
      }, STALL)
    })
    response.on('error', () => {})
    response.on('close', () => {
      if (!response.complete && !left) this.cut += 1
      resolve()
    })
    return promise
  }
}
