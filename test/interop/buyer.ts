import { expect } from 'vitest'
import { countTokens } from '../../src/money/tokens.ts'
import type { Answered, Streaming } from '../support/ask.ts'
import type { GateProcess, Said } from '../support/gate-process.ts'

/** msat for a token of input and of output: prices of 1 and 3 sat per 1,000. */
export const PRICE = '1/3'
export const INPUT = 1
export const OUTPUT = 3

export interface Usage {
  readonly prompt_tokens: number
  readonly completion_tokens?: number
}

/** The price of a usage, in msat. */
export const costOf = (usage: Usage): number =>
  usage.prompt_tokens * INPUT + (usage.completion_tokens ?? 0) * OUTPUT

export const bearer = (pass: string) => ({ authorization: `Bearer ${pass}` })

/** A buyer with a pass who compares every charge with the books. */
export class Buyer {
  readonly #gate: GateProcess
  readonly pass: string

  constructor(gate: GateProcess, pass: string) {
    this.#gate = gate
    this.pass = pass
  }

  /** The balance of the account, as the gate tells it. */
  // biome-ignore lint/suspicious/noExplicitAny: an answer as it came
  async balance(): Promise<any> {
    return (await this.#gate.client.ask({ path: '/v1/balance', headers: bearer(this.pass) })).json
  }

  ask(path: string, body: unknown): Promise<Answered> {
    return this.#gate.client.ask({ path, body, headers: bearer(this.pass) })
  }

  open(path: string, body: unknown): Promise<Streaming> {
    return this.#gate.client.open({ path, body, headers: bearer(this.pass) })
  }

  start(path: string, body: unknown) {
    return this.#gate.client.start({ path, body, headers: bearer(this.pass) })
  }

  /**
   * Sends a request, and compares all places that tell its cost: header or comment and trailer, the
   * event, and the balance before and after.
   */
  async buy(path: string, body: unknown): Promise<Bought> {
    const before = await this.balance()
    const answer = await this.ask(path, body)
    const event = await this.#gate.request(answer.headers['x-request-id'])
    const after = await this.balance()
    const charged = before.balance_msat - after.balance_msat
    expect(after.held_msat).toBe(0)
    expect(event.charged_msat ?? 0).toBe(charged)
    if (answer.status === 200) expect(toldCost(answer)).toBe(charged)
    return { answer, event, charged }
  }

  /** The event of this buyer's last request, once it has ended. */
  async lastEvent(seen: number): Promise<Said> {
    const events = () => this.#gate.events('request')
    await this.#gate.event(() => events().length > seen)
    return events()[seen] as Said
  }
}

export interface Bought {
  readonly answer: Answered
  readonly event: Said
  readonly charged: number
}

function toldCost(answer: Answered): number {
  const header = answer.headers['x-cost-msat']
  if (header !== undefined) return Number(header)
  const comment = /^: satgate cost_msat=(\d+)$/m.exec(answer.text)?.[1]
  expect(answer.trailers['x-cost-msat']).toBe(comment)
  return Number(comment)
}

/** The data of a stream's events, parsed, without `[DONE]`. */
// biome-ignore lint/suspicious/noExplicitAny: chunks of whatever API it was
export const chunksOf = (text: string): any[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('data: ') && !line.includes('[DONE]'))
    .map((line) => JSON.parse(line.slice(6)))

/** A stream without the gate's own comments. */
export const withoutComments = (text: string): string => text.replace(/^: [^\n]*\n/gm, '')

/** The text of all choices that a stream has sent so far. */
export const textOf = (text: string): string =>
  chunksOf(text.slice(0, text.lastIndexOf('\n\n') + 1))
    .flatMap(({ choices }) => choices ?? [])
    .map((choice) => choice.delta?.content ?? choice.text ?? '')
    .join('')

/** The tokens that a stream has sent so far, by the gate's own count. */
export const countedIn = (text: string): number => countTokens(textOf(text))

/** A stream is counted in pieces as it comes, so words that were cut in two count a little more. */
export const about = (tokens: number) => ({ least: 0.95 * tokens - 2, most: 1.05 * tokens + 2 })

/** Deltas with text in them. */
export const deltasOf = (text: string): number =>
  chunksOf(text.slice(0, text.lastIndexOf('\n\n') + 1))
    .flatMap(({ choices }) => choices ?? [])
    .filter((choice) => (choice.delta?.content ?? choice.text ?? '') !== '').length

/** Waits until it is true, else fails. */
export async function until(
  test: () => Promise<boolean> | boolean,
  within: number,
): Promise<number> {
  const began = Date.now()
  while (!(await test())) {
    if (Date.now() - began > within) throw new Error(`not within ${within} ms`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return Date.now() - began
}
