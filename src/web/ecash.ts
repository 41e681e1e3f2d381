import type { Asked, Redeemed } from './api.ts'
import { announce, box, button, complain, el } from './dom.ts'
import { sats } from './format.ts'
import { KeptText } from './kept-text.ts'
import { canScan, scan } from './scan.ts'
import type { Shop } from './shop.ts'

/** A token in any of the forms in which wallets show it (NUT-00): `cashuA…`, `cashuB…`. */
const TOKEN = /cashu[AB][A-Za-z0-9_\-+/]+=*/

const tokenIn = (text: string): string | null => TOKEN.exec(text)?.[0] ?? null

/** ms between two tries while the gate gives no answer. */
const AGAIN = 5_000

/** Where a token goes: the invoice that is shown, else the key that can be topped up, else a new key. */
export interface Destination {
  /** The path of the shown invoice, '' if none is shown. */
  invoicePath(): string
  topUp(): string | null
}

/** What a token has bought. `key` is null if the credit went to a key that is here. */
export interface Bought {
  readonly key: string | null
  /** The second half of the key of the shown invoice. Null if the token did not pay for one. */
  readonly secret: string | null
}

/**
 * Paying with ecash: a token is pasted or scanned. It is money, so the browser keeps it until the gate
 * has said what became of it, and sends it again after a reload. Sending it twice is safe: the gate
 * credits a token once.
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
    const kept = this.#kept.text
    if (mints === null || kept === '') return
    el('ecash', HTMLDetailsElement).open = true
    el('token', HTMLTextAreaElement).value = kept
    void this.#send(kept)
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
    this.#kept.text = token
    try {
      await this.#settle(token)
    } finally {
      this.#busy = false
      button('redeem').disabled = false
    }
  }

  /** Asks until the gate has said for certain what became of the token. */
  async #settle(token: string): Promise<void> {
    for (;;) {
      const path = this.#to.invoicePath()
      const asked = await this.#ask(token, path)
      const wait = waitOf(asked)
      if (wait !== null) {
        box('ecash-state').textContent = WAITING
        await new Promise((resolve) => setTimeout(resolve, wait))
        continue
      }
      box('ecash-state').textContent = ''
      this.#kept.text = ''
      if (!asked.ok) return complain('ecash-problem', asked.problem.message)
      if (asked.value.state !== 'pending') this.#took(asked.value)
      return
    }
  }

  #ask(token: string, path: string): Promise<Asked<Redeemed>> {
    const url = URL.parse(path, location.origin)
    const paymentHash = /^\/invoice-status\/([0-9a-f]{64})$/.exec(url?.pathname ?? '')?.[1]
    const statusToken = url?.searchParams.get('token')
    if (path !== '' && paymentHash !== undefined && statusToken) {
      return this.#shop.api.redeem(token, { paymentHash, statusToken })
    }
    return this.#shop.api.redeem(token, { key: this.#to.topUp() })
  }

  #took({ credited, pass, token_suffix: secret }: Extract<Redeemed, { credited: number }>): void {
    el('token', HTMLTextAreaElement).value = ''
    el('ecash', HTMLDetailsElement).open = false
    announce(`${sats(credited, this.#shop.unit)} credited.`)
    this.#bought({ key: pass ?? null, secret: pass === undefined ? (secret ?? null) : null })
  }
}

/** ms until the token is sent again; null if the gate has said what became of it. */
function waitOf(asked: Asked<Redeemed>): number | null {
  if (asked.ok) return asked.value.state === 'pending' ? asked.value.retryAfterMs : null
  const { status } = asked.problem
  return status === 0 || status >= 500 || status === 429 ? AGAIN : null
}

const NO_TOKEN = 'This is no Cashu token: one begins with cashuA or cashuB.'
const WAITING =
  'The mint has not answered yet. This page asks again and keeps the token meanwhile. Do not spend it elsewhere.'
