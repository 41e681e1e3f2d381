import { field } from './json.ts'

/** An answer of the gate. A refusal is a value, with words for the user. */
export type Asked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: Problem }

export interface Problem {
  /** 0 if no answer came. */
  readonly status: number
  readonly message: string
  /** The invoice that a 402 offers; null if it offers none. */
  readonly offer: Offer | null
}

export interface Offer {
  /** Where it can be paid: path and query. */
  readonly payAt: string
  /** What the answer costs at most. */
  readonly sats: number
}

/** The prices of tokens are null if the model is not sold by tokens. */
export interface ModelPrice {
  readonly input: number | null
  readonly output: number | null
  readonly request: number
}

export interface Model {
  readonly id: string
  readonly pricing: ModelPrice
}

export interface Invoice {
  readonly paid: boolean
  readonly bolt11?: string
  readonly amount_sats?: number
  readonly expires_at?: string
  readonly macaroon?: string
  readonly preimage?: string
  readonly token_suffix?: string
}

/** An invoice that was just made. A top-up has no macaroon. */
interface Created {
  readonly payment_url: string
  readonly macaroon?: string
}

export interface Balance {
  readonly account: string
  readonly available_msat: number
  readonly held_msat: number
  readonly narrowed?: boolean
  /** Micro-dollars of the account. They are in the amounts above if `usd_counted`. */
  readonly usd_micros?: number
  readonly usd_counted?: boolean
  /** What may be taken out, by the wallet or mint that it came into. Only for a root pass. */
  readonly withdrawable?: readonly Withdrawable[]
}

export interface Withdrawable {
  readonly source: string
  readonly sats: number
}

/** What became of a token that was sent to the gate. */
export type Redeemed =
  | { readonly state: 'pending'; readonly retryAfterMs: number }
  | {
      readonly state?: undefined
      readonly credited: number
      /** The new key, if the token did not top up an account that was there. */
      readonly pass?: string
      /** The second half of the key of the invoice that the token paid for. */
      readonly token_suffix?: string
    }

/** Money that was taken out. */
export interface Withdrawn {
  readonly state: 'paid' | 'pending'
  readonly kind: 'lightning' | 'ecash'
  readonly amount_sats: number
  readonly fee_msat: number
  readonly token?: string
  readonly mint?: string
}

/** What is taken out: an invoice is paid, or everything of one mint becomes a token. */
export type TakeOut = { readonly invoice: string } | { readonly ecash: true }

const NO_ANSWER: Problem = {
  status: 0,
  message: 'The gate does not answer. Is there a network? This page keeps trying.',
  offer: null,
}

/** The problem that an unsuccessful answer describes. */
export async function problemOf(response: Response): Promise<Problem> {
  const body: unknown = await response.json().catch(() => null)
  const message = field(field(body, 'error'), 'message')
  return {
    status: response.status,
    message:
      typeof message === 'string'
        ? message
        : `The gate answered with status ${response.status} and gave no reason.`,
    offer: offerIn(body),
  }
}

function offerIn(body: unknown): Offer | null {
  const [url, sats] = [field(body, 'payment_url'), field(body, 'amount_sats')]
  const payAt = typeof url === 'string' ? ownPath(url) : null
  return payAt === null || typeof sats !== 'number' ? null : { payAt, sats }
}

/** The problem of a request that got no answer. */
export const noAnswer = (): Problem => NO_ANSWER

/** The path and query of a URL, so that the page asks only its own origin. */
function ownPath(url: string): string | null {
  const { pathname, search } = new URL(url, location.origin)
  return pathname.startsWith('/invoice-status/') ? `${pathname}${search}` : null
}

export class Api {
  /** How far the gate's clock is ahead of this machine's, in ms. Invoices expire by the gate's clock. */
  ahead = 0
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  /** The gate's own time, ms. */
  now(): number {
    return this.#now() + this.ahead
  }

  models(): Promise<Asked<{ readonly data: readonly Model[] }>> {
    return this.#ask('/v1/models', {})
  }

  /** With a key, the invoice tops up the account of that key. */
  createInvoice(amountSats: number, key: string | null): Promise<Asked<Created>> {
    return this.#ask('/create-invoice', { body: { amountSats }, key })
  }

  /** An invoice by its path and token. */
  invoice(path: string): Promise<Asked<Invoice>> {
    return this.#ask(path, {})
  }

  balance(key: string): Promise<Asked<Balance>> {
    return this.#ask('/v1/balance', { key })
  }

  /** Sends ecash: for the invoice that is shown, into the account of a key, or for a new key. */
  redeem(
    token: string,
    to:
      | { readonly key: string | null }
      | { readonly paymentHash: string; readonly statusToken: string },
  ): Promise<Asked<Redeemed>> {
    if ('key' in to) return this.#ask('/cashu-redeem', { body: { token }, key: to.key })
    return this.#ask('/cashu-redeem', { body: { token, ...to } })
  }

  /** Takes credit out. The same `id` again is the same withdrawal, and gives the same token. */
  withdraw(key: string, what: TakeOut, id: string): Promise<Asked<Withdrawn>> {
    return this.#ask('/v1/withdraw', { body: what, key, id })
  }

  /** What the gate says about itself: its operator, and what a bitcoin costs. */
  about(): Promise<Asked<unknown>> {
    return this.#ask('/.well-known/l402', {})
  }

  /** Why nothing is sold, in words; null if something is sold, or if nobody answers. */
  async goneReason(): Promise<string | null> {
    try {
      const response = await fetch('/health', { cache: 'no-store' })
      const reason = field(await response.json(), 'reason')
      return typeof reason === 'string' ? reason : null
    } catch {
      return null
    }
  }

  playPay(invoice: string): Promise<Asked<unknown>> {
    return this.#ask('/play/pay', { body: { invoice } })
  }

  async #ask<T>(
    path: string,
    {
      body,
      id,
      key,
    }: { readonly body?: unknown; readonly key?: string | null; readonly id?: string },
  ): Promise<Asked<T>> {
    try {
      const response = await fetch(path, {
        headers: {
          accept: 'application/json',
          ...withKey(key ?? null),
          ...(id === undefined ? {} : { 'idempotency-key': id }),
        },
        cache: 'no-store',
        ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
      })
      if (!response.ok) return { ok: false, problem: await problemOf(response) }
      const date = Date.parse(response.headers.get('date') ?? '')
      // The header has whole seconds, so a smaller difference means nothing.
      const ahead = date - this.#now()
      this.ahead = Math.abs(ahead) > 3_000 ? ahead : 0
      return { ok: true, value: (await response.json()) as T }
    } catch {
      return { ok: false, problem: NO_ANSWER }
    }
  }
}

/** The key as any client sends it. */
export const withKey = (key: string | null): Record<string, string> =>
  key === null ? {} : { authorization: `Bearer ${key}` }
