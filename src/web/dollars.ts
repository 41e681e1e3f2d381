import { problemOf, withKey } from './api.ts'
import { announce, box, button, complain, el } from './dom.ts'
import { hasEvmWallet, signPayment } from './evm-wallet.ts'
import { usd } from './format.ts'
import { field } from './json.ts'
import { KeptText } from './kept-text.ts'
import { payingProgram } from './paying-program.ts'
import type { Shop } from './shop.ts'
import { type DollarWay, networkName, type Ways } from './ways.ts'
import { isSettled, offerIn, paymentHeader } from './x402.ts'

/** ms between two tries while the gate does not say what became of a payment. */
const AGAIN = 5_000

/** The request that is paid for. Its cost is a small part of the credit. */
const PATH = '/v1/chat/completions?rail=x402'

/** A signed payment on its way. It never changes, so that it is one payment however often it is sent. */
interface Sent {
  /** PAYMENT-SIGNATURE. */
  readonly payment: string
  /** The body of the request. The payment is bound to it. */
  readonly body: string
  /** The key that it tops up. Null: it buys a new one. */
  readonly key: string | null
  /** In micro-dollars. */
  readonly amount: string
}

/** `null`: the gate has not said what became of the payment. */
type Outcome = { readonly key: string | null } | { readonly problem: string } | null

/**
 * Paying with dollars by a wallet in the browser (x402 v2). The signed payment is money, so the browser
 * keeps it from the moment of signing until the gate has said what became of it, and sends the very same
 * one again after a reload. A payment that may be under way is never signed a second time.
 */
export class Dollars {
  readonly #shop: Shop
  readonly #topUp: () => string | null
  readonly #model: () => string | null
  readonly #bought: (key: string | null) => void
  readonly #kept = new KeptText('satgate.dollars')
  #busy = false
  #way: DollarWay | null = null

  constructor(
    shop: Shop,
    to: { readonly topUp: () => string | null; readonly model: () => string | null },
    bought: (key: string | null) => void,
  ) {
    this.#shop = shop
    this.#topUp = to.topUp
    this.#model = to.model
    this.#bought = bought
    button('pay-dollars').addEventListener('click', () => void this.#pay())
  }

  /** Whether and how dollars are paid here. Goes on with a payment that was kept. */
  show({ dollars: way, lightning }: Pick<Ways, 'dollars' | 'lightning'>): void {
    this.#way = way
    box('dollars').hidden = way === null
    if (way === null) return
    box('dollars-of').textContent = `${way.asset} on ${networkName(way.network)}`
    box('dollars-wallet').hidden = !hasEvmWallet()
    box('dollars-program').hidden = hasEvmWallet()
    // Nothing else is for sale on such a page, so its buyer need not look for it.
    if (!lightning) el('dollars', HTMLDetailsElement).open = true
    this.changed()
    const kept = read(this.#kept.text)
    if (kept === null) return
    el('dollars', HTMLDetailsElement).open = true
    void this.#alone(() => this.#settle(kept))
  }

  /** Another model or key was chosen: the program that is shown names them. */
  changed(): void {
    if (this.#way === null) return
    el('dollars-snippet', HTMLPreElement).textContent = payingProgram({
      baseUrl: `${location.origin}/v1`,
      model: this.#model() ?? 'MODEL',
      network: this.#way.network,
    })
  }

  async #pay(): Promise<void> {
    await this.#alone(async () => {
      const sent = read(this.#kept.text) ?? (await this.#sign())
      if ('problem' in sent) return complain('dollars-problem', sent.problem)
      this.#kept.text = JSON.stringify(sent)
      await this.#settle(sent)
    })
  }

  async #alone(work: () => Promise<void>): Promise<void> {
    if (this.#busy) return
    this.#busy = true
    button('pay-dollars').disabled = true
    complain('dollars-problem', '')
    try {
      await work()
    } finally {
      this.#busy = false
      button('pay-dollars').disabled = false
    }
  }

  /** Gets a 402 and has the wallet sign what it asks for. */
  async #sign(): Promise<Sent | { readonly problem: string }> {
    const body = JSON.stringify({
      model: this.#model(),
      messages: [{ role: 'user', content: 'Hello' }],
      max_tokens: 1,
    })
    // Asked without a key: a request with credit would be answered, and offered nothing.
    const asked = await post(body, {})
    if (asked === null) return { problem: NO_ANSWER }
    const offer = offerIn(asked.headers.get('payment-required'))
    if (offer === null) {
      if (asked.ok) return { problem: 'This model costs nothing here, so there is nothing to pay.' }
      const { message, status } = await problemOf(asked)
      return { problem: status === 402 ? NO_OFFER : message }
    }
    const { amount } = offer.entry
    box('dollars-state').textContent = `Your wallet asks you to sign a payment of ${usd(amount)}.`
    const { api } = this.#shop
    const nonce = this.#shop.randomId() + this.#shop.randomId()
    const signed = await signPayment(offer.entry, { at: () => api.now(), nonce })
    box('dollars-state').textContent = ''
    if ('problem' in signed) return signed
    const payment = paymentHeader(offer, signed.authorization, signed.signature)
    return { payment, body, key: this.#topUp(), amount }
  }

  /** Sends the payment until the gate has said for certain what became of it. */
  async #settle(sent: Sent): Promise<void> {
    for (;;) {
      box('dollars-state').textContent = SENDING
      const outcome = await outcomeOf(sent)
      if (outcome === null) {
        box('dollars-state').textContent = WAITING
        await new Promise((resolve) => setTimeout(resolve, AGAIN))
        continue
      }
      box('dollars-state').textContent = ''
      if ('problem' in outcome) {
        this.#kept.text = ''
        return complain('dollars-problem', outcome.problem)
      }
      el('dollars', HTMLDetailsElement).open = false
      announce(`${usd(sent.amount)} credited.`)
      this.#bought(outcome.key)
      this.#kept.text = ''
      return
    }
  }
}

async function outcomeOf({ body, key, payment }: Sent): Promise<Outcome> {
  const answer = await post(body, { 'payment-signature': payment, ...withKey(key) })
  if (answer === null) return null
  const pass = answer.headers.get('x-satgate-pass')
  // The payment may be taken although the request that it paid for failed.
  if (pass !== null) return { key: pass }
  const settled = isSettled(answer.headers.get('payment-response'))
  if (key !== null && (answer.ok || settled)) return { key: null }
  if (answer.ok) return { problem: PAID_BEFORE }
  const { code, message } = await refusalOf(answer)
  if (code === 'x402_paid') return key === null ? { problem: message } : { key: null }
  const { status } = answer
  return status >= 500 || status === 429 ? null : { problem: message }
}

async function refusalOf(answer: Response) {
  const copy = answer.clone()
  const { message } = await problemOf(answer)
  const body: unknown = await copy.json().catch(() => null)
  const [reason, code] = [field(body, 'reason'), field(field(body, 'error'), 'code')]
  return { code: typeof reason === 'string' ? reason : code, message }
}

/** Null if no answer came. */
async function post(
  body: string,
  headers: Readonly<Record<string, string>>,
): Promise<Response | null> {
  try {
    return await fetch(PATH, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      cache: 'no-store',
      body,
    })
  } catch {
    return null
  }
}

/** What the browser kept of a payment. Null if that is nothing. */
function read(text: string): Sent | null {
  try {
    const sent: unknown = JSON.parse(text)
    const [payment, body, amount] = ['payment', 'body', 'amount'].map((one) => field(sent, one))
    const key = field(sent, 'key') ?? null
    if (typeof payment !== 'string' || typeof body !== 'string') return null
    if (typeof amount !== 'string' || (key !== null && typeof key !== 'string')) return null
    return { payment, body, key, amount }
  } catch {
    return null
  }
}

const NO_ANSWER = 'The gate does not answer. Nothing was signed.'
const NO_OFFER = 'The gate takes no dollars at the moment. Nothing was signed.'
const SENDING = 'The payment is signed and on its way. Do not sign another one.'
const WAITING =
  'The gate does not know yet what became of the payment. Do not pay again: this page keeps the payment and sends the same one again.'
const PAID_BEFORE =
  'This payment was made before, and its key was shown then. If you do not have that key, ask the operator.'
