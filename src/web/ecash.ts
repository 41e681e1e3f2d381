import type { Asked, Redeemed } from './api.ts'
import { announce, box, button, complain, el } from './dom.ts'
import { sats } from './format.ts'
import { field } from './json.ts'
import { KeptText } from './kept-text.ts'
import { canScan, scan } from './scan.ts'
import type { Shop } from './shop.ts'

/** A token in any of the forms in which wallets show it (NUT-00): `cashuA…`, `cashuB…`. */
const TOKEN = /cashu[AB][A-Za-z0-9_\-+/]+=*/

const tokenIn = (text: string): string | null => TOKEN.exec(text)?.[0] ?? null

/** ms between two tries while the gate gives no answer. */
const AGAIN = 5_000

/** What a token can be for: the invoice that is shown, else the key that can be topped up. */
export interface Destination {
  /** The path of the shown invoice, '' if none is shown. */
  invoicePath(): string
  topUp(): string | null
  /** The sats that are chosen in the form. */
  amount(): number
}

/** What a token has bought. */
export interface Bought {
  /** Null if the credit went to a key that is here. */
  readonly key: string | null
  /** The path of the invoice that it was for; '' if it was for none. */
  readonly path: string
}

/** A token on its way, and what it is for. That never changes, so the same answer can be had again. */
interface Sent {
  readonly token: string
  readonly key: string | null
  readonly path: string
  /** The first half of the key of that invoice. Null if it tops up a key. */
  readonly macaroon: string | null
}

/**
 * Paying with ecash: a token is pasted or scanned. It is money, so the browser keeps it until the gate
 * has said what became of it, and sends it again after a reload. Sending it twice is safe: the gate
 * credits a token once. A token that is to buy a new key is sent for an invoice of its own, because the
 * gate tells the key of an invoice again if its answer was lost, and a key without an invoice only once.
 */
export class Ecash {
  readonly #shop: Shop
  readonly #to: Destination
  readonly #bought: (bought: Bought) => void
  readonly #kept = new KeptText('satgate.token')
  #busy = false

  constructor(shop: Shop, to: Destination, bought: (bought: Bought) => void) {
    this.#shop = shop
    this.#to = to
    this.#bought = bought
    const form = el('ecash-form', HTMLFormElement)
    form.addEventListener('submit', (event) => {
      event.preventDefault()
      const text = el('token', HTMLTextAreaElement).value
      const token = tokenIn(text)
      if (token !== null) void this.#send(token)
      else complain('ecash-problem', NO_TOKEN)
    })
    button('scan').hidden = !canScan()
    button('scan').addEventListener('click', () => void this.#scan())
  }

  /** The mints whose ecash this gate takes; null if it takes none. */
  show(mints: readonly string[] | null): void {
    box('ecash').hidden = mints === null
    const hosts = (mints ?? []).map((mint) => URL.parse(mint)?.host ?? mint)
    box('mints').textContent = hosts.join(', ')
    const kept = read(this.#kept.text)
    if (mints === null || kept === null) return
    el('ecash', HTMLDetailsElement).open = true
    el('token', HTMLTextAreaElement).value = kept.token
    void this.#send(kept.token)
  }

  async #scan(): Promise<void> {
    complain('ecash-problem', '')
    try {
      const found = await scan((text) => tokenIn(text) !== null)
      if (found !== null) el('token', HTMLTextAreaElement).value = tokenIn(found) ?? ''
    } catch {
      complain('ecash-problem', 'The browser does not show its camera. Paste the token instead.')
    }
  }

  async #send(token: string): Promise<void> {
    if (this.#busy) return
    this.#busy = true
    button('redeem').disabled = true
    complain('ecash-problem', '')
    try {
      const before = read(this.#kept.text)
      const sent = before?.token === token ? before : await this.#address(token)
      if (typeof sent === 'string') return complain('ecash-problem', sent)
      this.#kept.text = JSON.stringify(sent)
      await this.#settle(sent)
    } finally {
      this.#busy = false
      button('redeem').disabled = false
    }
  }

  /** What a token is for, or why that cannot be said now. */
  async #address(token: string): Promise<Sent | string> {
    const { api } = this.#shop
    const shown = this.#to.invoicePath()
    if (shown !== '') {
      const asked = await api.invoice(shown)
      if (!asked.ok) return asked.problem.message
      return { token, key: null, path: shown, macaroon: asked.value.macaroon ?? null }
    }
    const key = this.#to.topUp()
    if (key !== null) return { token, key, path: '', macaroon: null }
    const made = await api.createInvoice(this.#to.amount(), null)
    // A gate that sells by ecash alone makes no invoices.
    if (!made.ok && made.problem.status === 404) return { token, key, path: '', macaroon: null }
    if (!made.ok) return made.problem.message
    const { macaroon = null, payment_url: path } = made.value
    return { token, key, path, macaroon }
  }

  /** Asks until the gate has said for certain what became of the token. */
  async #settle(sent: Sent): Promise<void> {
    for (;;) {
      const asked = await this.#ask(sent)
      const wait = waitOf(asked)
      if (wait !== null) {
        box('ecash-state').textContent = WAITING
        await new Promise((resolve) => setTimeout(resolve, wait))
        continue
      }
      box('ecash-state').textContent = ''
      this.#kept.text = ''
      if (!asked.ok) return complain('ecash-problem', asked.problem.message)
      if (asked.value.state !== 'pending') this.#took(asked.value, sent)
      return
    }
  }

  #ask({ key, path, token }: Sent): Promise<Asked<Redeemed>> {
    const url = URL.parse(path, location.origin)
    const paymentHash = /^\/invoice-status\/([0-9a-f]{64})$/.exec(url?.pathname ?? '')?.[1]
    const statusToken = url?.searchParams.get('token')
    if (path !== '' && paymentHash !== undefined && statusToken) {
      return this.#shop.api.redeem(token, { paymentHash, statusToken })
    }
    return this.#shop.api.redeem(token, { key })
  }

  #took(
    { credited, pass, token_suffix: secret }: Extract<Redeemed, { credited: number }>,
    { key, macaroon, path }: Sent,
  ): void {
    if (key === null && path === '' && pass === undefined) {
      complain('ecash-problem', PAID_IN_BEFORE)
      return
    }
    el('token', HTMLTextAreaElement).value = ''
    el('ecash', HTMLDetailsElement).open = false
    announce(`${sats(credited, this.#shop.unit)} credited.`)
    const opened = macaroon !== null && secret !== undefined ? `${macaroon}:${secret}` : null
    this.#bought({ key: pass ?? opened, path })
  }
}

/** What the browser kept of a token. Null if that is nothing. */
function read(text: string): Sent | null {
  try {
    const sent: unknown = JSON.parse(text)
    const [token, key] = [field(sent, 'token'), field(sent, 'key') ?? null]
    const [path, macaroon] = [field(sent, 'path') ?? '', field(sent, 'macaroon') ?? null]
    if (typeof token !== 'string' || typeof path !== 'string') return null
    if (key !== null && typeof key !== 'string') return null
    return { token, key, path, macaroon: typeof macaroon === 'string' ? macaroon : null }
  } catch {
    return null
  }
}

/** ms until the token is sent again; null if the gate has said what became of it. */
function waitOf(asked: Asked<Redeemed>): number | null {
  if (asked.ok) return asked.value.state === 'pending' ? asked.value.retryAfterMs : null
  const { status } = asked.problem
  return status === 0 || status >= 500 || status === 429 ? AGAIN : null
}

const NO_TOKEN = 'This is no Cashu token: one begins with cashuA or cashuB.'
const PAID_IN_BEFORE =
  'This token was paid in before, and its key was shown then. If you do not have that key, use the token itself as the key of your program.'
const WAITING =
  'The mint has not answered yet. This page asks again and keeps the token meanwhile. Do not spend it elsewhere.'
