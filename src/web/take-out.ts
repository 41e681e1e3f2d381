import type { Balance, TakeOut as What, Withdrawn } from './api.ts'
import { announce, box, button, complain, el, input, make } from './dom.ts'
import { fromMsat, sats } from './format.ts'
import { field } from './json.ts'
import { KeptText } from './kept-text.ts'
import { fitsQr, qrCode } from './qr.ts'
import type { Shop } from './shop.ts'

/** ms between two questions while a payment is under way. */
const AGAIN = 3_000

/** A withdrawal that was begun: with the same id it is never made twice. */
interface Begun {
  readonly key: string
  readonly id: string
  readonly what: What
}

/**
 * Taking unspent credit out: as an ecash token with a QR code, or by paying a Lightning invoice. The
 * withdrawal is kept in the browser until the user has its token, so a reload does not lose it.
 */
export class TakeOut {
  readonly #shop: Shop
  readonly #changed: () => void
  readonly #begun = new KeptText('satgate.withdrawal')
  #running = false

  /** `changed` is called when the balance has changed. */
  constructor(shop: Shop, changed: () => void) {
    this.#shop = shop
    this.#changed = changed
    button('as-ecash').addEventListener('click', () => void this.#begin({ ecash: true }))
    el('withdraw-form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault()
      const invoice = input('withdraw-invoice')
        .value.trim()
        .replace(/^lightning:/i, '')
      if (/^ln(?:bc|tb|bcrt|tbs)[0-9a-z]+$/i.test(invoice)) void this.#begin({ invoice })
      else complain('withdraw-problem', 'This is no Lightning invoice: one begins with lnbc.')
    })
    button('have-token').addEventListener('click', () => {
      this.#begun.text = ''
      box('change').hidden = true
      box('taking').hidden = false
    })
    const begun = read(this.#begun.text)
    if (begun !== null) void this.#run(begun)
  }

  /** What of the balance may leave. Hides everything for a key that may take nothing out. */
  show(balance: Balance | null): void {
    const sources = balance?.withdrawable ?? []
    const all = sources.reduce((sum, one) => sum + one.sats, 0)
    const mints = sources.filter(({ source }) => source.startsWith('ecash '))
    const begun = this.#begun.text !== ''
    box('take-out').hidden = balance?.withdrawable === undefined || (all === 0 && !begun)
    box('withdrawable').textContent = sats(all, this.#shop.unit)
    button('as-ecash').hidden = mints.length === 0
  }

  async #begin(what: What): Promise<void> {
    const key = this.#shop.keys.current
    if (key === null || this.#running) return
    // What was asked for before and may have been made is asked for again under its own id.
    const before = read(this.#begun.text)
    const again = before?.key === key && JSON.stringify(before.what) === JSON.stringify(what)
    const begun = again && before !== null ? before : { key, what, id: this.#shop.randomId() }
    this.#begun.text = JSON.stringify(begun)
    await this.#run(begun)
  }

  async #run(begun: Begun): Promise<void> {
    this.#running = true
    complain('withdraw-problem', '')
    el('take-out', HTMLDetailsElement).open = true
    for (const one of [button('as-ecash'), button('pay-out')]) one.disabled = true
    try {
      await this.#settle(begun)
    } finally {
      this.#running = false
      for (const one of [button('as-ecash'), button('pay-out')]) one.disabled = false
      this.#changed()
    }
  }

  /** Asks until it is known what became of the withdrawal. */
  async #settle({ key, id, what }: Begun): Promise<void> {
    for (;;) {
      const asked = await this.#shop.api.withdraw(key, what, id)
      const open = asked.ok ? asked.value.state === 'pending' : maybeSent(asked.problem.status)
      box('withdraw-state').textContent = open ? WAITING : ''
      if (open) {
        await new Promise((resolve) => setTimeout(resolve, AGAIN))
        continue
      }
      if (asked.ok) return this.#took(asked.value)
      if (asked.problem.status !== 503) this.#begun.text = ''
      return complain('withdraw-problem', asked.problem.message)
    }
  }

  #took({ amount_sats: amount, fee_msat: fee, mint, token }: Withdrawn): void {
    const { unit } = this.#shop
    const cost = fee > 0 ? ` The fee was ${fromMsat(fee, unit)}.` : ''
    announce(`${sats(amount, unit)} taken out.`)
    if (token === undefined) {
      this.#begun.text = ''
      input('withdraw-invoice').value = ''
      box('withdraw-state').textContent = `${sats(amount, unit)} paid.${cost}`
      return
    }
    const host = URL.parse(mint ?? '')?.host ?? ''
    box('change-sum').textContent = sats(amount, unit)
    box('change-of').textContent = `Ecash of ${host}.${cost}`
    input('change-token').value = token
    const label = `QR code of a token of ${sats(amount, unit)}`
    const picture = fitsQr(token)
      ? qrCode(token, label)
      : make('p', 'This token is too long for a QR code: copy it.', 'muted')
    box('change-qr').replaceChildren(picture)
    box('change').hidden = false
    box('taking').hidden = true
  }
}

/** Whether a withdrawal may have been made although it was answered with that status. */
const maybeSent = (status: number): boolean => status === 0 || (status >= 500 && status !== 503)

const WAITING = 'Under way. This page asks until it is known how it ended.'

function read(text: string): Begun | null {
  try {
    const kept: unknown = JSON.parse(text)
    const [key, id, what] = ['key', 'id', 'what'].map((name) => field(kept, name))
    if (typeof key !== 'string' || typeof id !== 'string') return null
    const invoice = field(what, 'invoice')
    return { key, id, what: typeof invoice === 'string' ? { invoice } : { ecash: true } }
  } catch {
    return null
  }
}
