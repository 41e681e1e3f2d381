import { err, ok, type Result } from '../../../src/floor/result.ts'
import { sourceOf } from '../../../src/wallets/ecash/mint/url.ts'
import type {
  ReceiveAsk,
  ReceivedToken,
  TokenReceiver,
  TokenRefused,
  TokenRequest,
} from '../../../src/wallets/receiver.ts'
import type { VirtualProcess } from '../../support/virtual-world.ts'
import { MINT, type SimMint, type SimRow, type SimToken } from './mint.ts'

type Received = Result<ReceivedToken, TokenRefused>

/** ms between two rounds, and ms in which whoever presented a token may have it credited. */
const TEND = 2_000
const LEFT_ALONE = 30_000

/** Takes tokens, in one process. Its rows are those of the mint. */
export class SimReceiver implements TokenReceiver {
  readonly mints = [MINT]
  readonly #mint: SimMint
  readonly #process: VirtualProcess
  readonly #running = new Map<string, Promise<Received>>()
  readonly #requests = new Map<number, TokenRequest>()
  #received: ((token: ReceivedToken) => Promise<void>) | null = null
  #tending = false

  constructor(mint: SimMint, process: VirtualProcess) {
    this.#mint = mint
    this.#process = process
  }

  request(sat: number): TokenRequest | null {
    if (!this.#mint.up) return null
    const known = this.#requests.get(sat)
    if (known !== undefined) return known
    const request = { creqA: `creqA${sat}`, creqB: `CREQB1${sat}`, sat, mints: this.mints }
    this.#requests.set(sat, request)
    return request
  }

  known(text: string): ReceivedToken | null {
    const row = this.#mint.rows.get(this.#mint.tokens.get(text)?.payment ?? '')
    return row === undefined || !isHere(row) ? null : this.#receivedOf(row)
  }

  async receive(text: string, ask: ReceiveAsk): Promise<Received> {
    const token = this.#mint.tokens.get(text)
    if (token === undefined) return err({ why: 'damaged' })
    const row = this.#mint.rows.get(token.payment)
    if (row === undefined) return this.#first(token, ask)
    if (row.state === 'spent') return err({ why: 'spent' })
    return isHere(row) ? ok(this.#receivedOf(row)) : this.#once(row)
  }

  credited(...[payment, { account, given }]: Parameters<TokenReceiver['credited']>): void {
    const row = this.#mint.rows.get(payment)
    if (row === undefined || (row.state !== 'here' && row.state !== 'credited')) return
    this.#mint.onStep()
    if (!this.#process.alive) return
    row.state = given ? 'given' : 'credited'
    if (given) row.owner = account
  }

  start(received: (token: ReceivedToken) => Promise<void>): { stop(): Promise<void> } {
    this.#received = received
    this.#tendLater(0)
    return {
      stop: async () => {
        this.#received = null
      },
    }
  }

  async #first(token: SimToken, ask: ReceiveAsk): Promise<Received> {
    const sat = this.#mint.worth(token)
    if (sat <= 0) return err({ why: 'dust', feeSat: this.#mint.fee })
    const needs = await ask.short(sat)
    if (needs !== null) return err({ why: 'too_small', sat, needs: needs + this.#mint.fee })
    if (!this.#mint.up) return err({ why: 'mint_silent' })
    const row = this.#mint.rows.get(token.payment) ?? this.#begin(token, ask.account)
    return isHere(row) ? ok(this.#receivedOf(row)) : this.#once(row)
  }

  #begin(token: SimToken, account: string | null): SimRow {
    const at = this.#process.elapsed()
    const row: SimRow = { token, account, at, state: 'sent', owner: null }
    this.#mint.rows.set(token.payment, row)
    this.#tendLater(TEND)
    return row
  }

  #once(row: SimRow): Promise<Received> {
    const { payment } = row.token
    const before = this.#running.get(payment)
    if (before !== undefined) return before
    const running = this.#swap(row).finally(() => this.#running.delete(payment))
    this.#running.set(payment, running)
    return running
  }

  async #swap(row: SimRow): Promise<Received> {
    const swapped = await this.#process.hear(this.#mint.swap(row.token))
    if (swapped === 'lost') return err({ why: 'pending' })
    if (row.state === 'sent') row.state = swapped
    return swapped === 'spent' ? err({ why: 'spent' }) : ok(this.#receivedOf(row))
  }

  /** Looks after what is not finished. It sets no timer while there is nothing, so it costs nothing. */
  #tendLater(ms: number): void {
    if (this.#tending) return
    this.#tending = true
    this.#process.after(ms, () => {
      this.#tending = false
      const tended = this.#tend(ms === 0)
      tended.catch(() => {}).finally(() => this.#unfinished() && this.#tendLater(TEND))
    })
  }

  #unfinished(): boolean {
    if (this.#received === null) return false
    return [...this.#mint.rows.values()].some(({ state }) => state === 'sent' || state === 'here')
  }

  async #tend(all: boolean): Promise<void> {
    for (const row of this.#mint.rows.values()) {
      if (row.state === 'sent') await this.#once(row)
      const due = all || this.#process.elapsed() - row.at >= LEFT_ALONE
      if (row.state === 'here' && due) await this.#received?.(this.#receivedOf(row))
    }
  }

  #receivedOf({ token, account, owner, state }: SimRow): ReceivedToken {
    const { payment, sat } = token
    return {
      ...{ payment, source: sourceOf(MINT), sat, feeSat: this.#mint.fee },
      ...{ account: owner ?? account, given: state === 'given' },
    }
  }
}

const isHere = ({ state }: SimRow): boolean => state !== 'sent' && state !== 'spent'
