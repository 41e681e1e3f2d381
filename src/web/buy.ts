import type { About, Tier } from './about.ts'
import type { Shown } from './asked.ts'
import { box, button, complain, el, goTo, input } from './dom.ts'
import { buysSentence, type Price } from './format.ts'
import { Payment } from './pay.ts'
import type { Shop } from './shop.ts'

const USUAL = '1000'

/** The form for an amount, and the invoice that it makes. */
export class Buy {
  readonly #shop: Shop
  readonly #payment: Payment
  readonly #topUp: () => string | null
  #prices: readonly Price[] = []
  #usdPerBtc: number | null = null
  #tiers: readonly Tier[] = []
  /** Whether invoices are sold. */
  #lightning = true

  /** `topUp` is the key whose account a payment goes to, null for a new one. */
  constructor(
    shop: Shop,
    topUp: () => string | null,
    paid: (key: string | null, shown: Shown) => void,
  ) {
    this.#shop = shop
    this.#topUp = topUp
    this.#payment = new Payment(shop, paid)
    const form = el('amount-form', HTMLFormElement)
    form.addEventListener('change', () => this.#amountChanged())
    input('own').addEventListener('input', () => this.#showBuys())
    form.addEventListener('submit', (event) => {
      event.preventDefault()
      const amount = this.#amount()
      if (amount !== null) void this.#make(amount)
    })
    button('other').addEventListener('click', () => this.start())
    addEventListener('popstate', () => this.#moved())
    button('again').addEventListener('click', () => {
      void this.#make(this.#payment.amount ?? Number(USUAL))
    })
    this.#amountChanged()
  }

  /** The path of the shown invoice; '' if none is shown. */
  get invoicePath(): string {
    return this.#payment.path
  }

  /** The sats that are chosen; the usual ones if the form has no number. */
  get amount(): number {
    return this.#wanted() ?? Number(USUAL)
  }

  /** A token has paid for the shown invoice, and that is its key. Null: it topped up a key. */
  paidByToken(key: string | null): void {
    this.#payment.finish(key)
  }

  /** The form, with the focus on its heading. */
  start(): void {
    this.show()
    goTo(box('buy-title'))
  }

  /** Opens the form, or closes it if it is open. */
  toggle(): void {
    if (box('buy').hidden || this.#payment.path !== '') this.start()
    else this.hide()
  }

  show(): void {
    this.#payment.close('push')
    const known = this.#topUp() !== null
    box('buy-title').textContent = known ? 'Top up' : 'Buy credit'
    box('amount-form').hidden = !this.#lightning
    this.#reveal(true)
  }

  /** Opens an invoice that the gate itself told this page of. */
  openOwn(path: string): void {
    this.#shop.asked.add(path)
    this.open(path)
  }

  /** See `Payment`. */
  askWhose(): Promise<boolean> {
    return this.#payment.askWhose()
  }

  /** The invoice at that path of the gate. */
  open(path: string): void {
    box('buy-title').textContent = 'Pay this invoice'
    this.#reveal(true)
    this.#payment.open(path)
  }

  hide(): void {
    this.#payment.close('replace')
    this.#reveal(false)
  }

  /** The browser went back or forward: from an invoice to the form, or to an invoice. */
  #moved(): void {
    const path = `${location.pathname}${location.search}`
    if (path === this.#payment.path) return
    if (location.pathname !== '/') this.open(path)
    else if (this.#payment.path !== '') this.start()
  }

  #reveal(shown: boolean): void {
    box('buy').hidden = !shown
    button('top-up').setAttribute('aria-expanded', String(shown))
  }

  #chosen(): string {
    return String(new FormData(el('amount-form', HTMLFormElement)).get('sats') ?? USUAL)
  }

  #amountChanged(): void {
    const own = this.#chosen() === 'own'
    box('own-field').hidden = !own
    if (own && document.activeElement !== input('own')) input('own').value ||= '250'
    this.#showBuys()
  }

  /** The prices, so that the form can say what an amount buys. */
  priced(prices: readonly Price[]): void {
    this.#prices = prices
    this.#showBuys()
  }

  /** What a bitcoin costs and what larger payments buy. Play and test money are worth nothing. */
  told({ tiers, usdPerBtc, ways }: Pick<About, 'tiers' | 'usdPerBtc' | 'ways'>): void {
    this.#lightning = ways.lightning
    if (!ways.lightning) box('amount-form').hidden = true
    this.#usdPerBtc = this.#shop.worthless ? null : usdPerBtc
    this.#tiers = tiers
    this.#showBuys()
  }

  #showBuys(): void {
    const amount = this.#wanted()
    const about = { unit: this.#shop.unit, usdPerBtc: this.#usdPerBtc, tiers: this.#tiers }
    box('buys').textContent = amount === null ? '' : buysSentence(amount, this.#prices, about)
  }

  /** Sats. Null if the form contains no valid amount. */
  #wanted(): number | null {
    const chosen = this.#chosen()
    const amount = Number(chosen === 'own' ? input('own').value : chosen)
    return Number.isInteger(amount) && amount >= 1 && amount <= 10_000_000 ? amount : null
  }

  /** The same, with the reason on the page. */
  #amount(): number | null {
    const amount = this.#wanted()
    complain('buy-problem', amount === null ? 'Whole sats, from 1 to 10,000,000.' : '')
    return amount
  }

  async #make(amount: number): Promise<void> {
    const pressed = [button('make'), button('again')]
    for (const one of pressed) one.disabled = true
    const made = await this.#shop.api.createInvoice(amount, this.#topUp())
    for (const one of pressed) one.disabled = false
    if (made.ok) return this.openOwn(made.value.payment_url)
    this.show()
    complain('buy-problem', made.problem.message)
  }
}
