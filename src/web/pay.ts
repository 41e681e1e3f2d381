import type { Invoice, Problem } from './api.ts'
import type { Shown } from './asked.ts'
import { announce, box, button, complain, el, goTo, input } from './dom.ts'
import { clock, sats } from './format.ts'
import { type Poll, poll } from './poll.ts'
import { qrCode } from './qr.ts'
import type { Shop } from './shop.ts'
import { hasWebLn, payByWebLn } from './webln.ts'

/** ms between two requests for an invoice: while the page is in view, and while it is hidden. */
const LOOK = 1_000
const LOOK_SELDOM = 5_000
/** An expired invoice is asked for at that pace for so many ms: a payment may be on its way. */
const AFTERWARDS = 120_000
/** After that it is asked for at this pace, because a late payment is credited too. */
const LOOK_LATER = 30_000

/** An invoice on the page: shown, watched, paid. One at a time. */
export class Payment {
  readonly #shop: Shop
  readonly #paid: (key: string | null, shown: Shown) => void
  #path = ''
  #poll: Poll | null = null
  #ticking: ReturnType<typeof setInterval> | undefined
  #invoice: Invoice | null = null
  #preimage: string | null = null

  /** `paid` gets the key that was bought, or null if the payment topped up a key that we have. */
  constructor(shop: Shop, paid: (key: string | null, shown: Shown) => void) {
    this.#shop = shop
    this.#paid = paid
    button('play-pay').addEventListener('click', () => void this.#payPlay())
    button('webln').addEventListener('click', () => void this.#payWebLn())
  }

  /** The path of the invoice that is shown; '' if none is. */
  get path(): string {
    return this.#path
  }

  /** Sats that the shown invoice asks for; null if none is shown. */
  get amount(): number | null {
    return this.#invoice?.amount_sats ?? null
  }

  /**
   * Shows the invoice at that path. The address bar has it, so that a reload goes on. The browser's
   * back button leads from it to the form.
   */
  open(path: string): void {
    const from = location.pathname
    this.#stop()
    this.#path = path
    if (from !== '/') history.replaceState(null, '', path)
    else history.pushState(null, '', path)
    box('amount-form').hidden = true
    box('invoice').hidden = false
    box('to-pay').hidden = true
    button('again').hidden = true
    complain('pay-problem', '')
    this.#say('waiting', 'Looking at the invoice…')
    box('linked').hidden = true
    this.#poll = poll(() => this.#look())
  }

  /** Leaves the invoice. `replace` if nobody should come back to it: it is paid. */
  close(how: 'push' | 'replace'): void {
    this.#stop()
    if (location.pathname === '/') return
    if (how === 'push') history.pushState(null, '', '/')
    else history.replaceState(null, '', '/')
  }

  #stop(): void {
    this.#path = ''
    this.#poll?.stop()
    this.#poll = null
    clearInterval(this.#ticking)
    this.#invoice = null
    this.#preimage = null
    box('invoice').hidden = true
    box('linked').hidden = true
  }

  async #look(): Promise<number | null> {
    const path = this.#path
    const asked = await this.#shop.api.invoice(path)
    if (path !== this.#path || this.#poll === null) return null
    if (!asked.ok) return this.#lookFailed(asked.problem)
    if (asked.value.paid) {
      this.#settled(asked.value)
      return null
    }
    if (this.#invoice === null) this.#show(asked.value)
    const left = this.#left()
    if (left <= 0) this.#expired()
    else this.#say('waiting', 'Waiting for the payment')
    if (left < -AFTERWARDS) return LOOK_LATER
    return left <= 0 || document.hidden ? LOOK_SELDOM : LOOK
  }

  #lookFailed({ status, message }: Problem): number | null {
    this.#say('trouble', message)
    if (status !== 404) return LOOK_SELDOM
    box('to-pay').hidden = true
    return null
  }

  /** ms until it expires; below zero afterwards. */
  #left(): number {
    const end = Date.parse(this.#invoice?.expires_at ?? '')
    return Number.isNaN(end) ? LOOK : end - this.#shop.api.now()
  }

  #show(invoice: Invoice): void {
    this.#invoice = invoice
    const { bolt11 = '', amount_sats: amount = 0 } = invoice
    const { unit, play } = this.#shop
    box('sum').textContent = sats(amount, unit)
    input('bolt11').value = bolt11
    const link = `lightning:${bolt11}`
    el('open-wallet', HTMLAnchorElement).href = link
    const qr = el('qr', HTMLAnchorElement)
    qr.href = link
    const label = `QR code of the invoice for ${sats(amount, unit)}; opens a wallet`
    qr.replaceChildren(qrCode(`lightning:${bolt11.toUpperCase()}`, label))
    box('open-wallet').hidden = play
    const webln = hasWebLn()
    button('webln').hidden = play || !webln
    box('open-wallet').classList.toggle('primary', !webln)
    button('play-pay').hidden = !play
    box('to-pay').hidden = false
    const tick = () => {
      box('expiry').textContent = `Expires in ${clock(this.#left())}`
    }
    tick()
    this.#ticking = setInterval(tick, 1_000)
    box('by-link').hidden = this.#shop.asked.has(this.#path)
    goTo(box('buy-title'))
  }

  #expired(): void {
    clearInterval(this.#ticking)
    box('to-pay').hidden = true
    button('again').hidden = false
    this.#say('trouble', 'This invoice has expired. If you have just paid it, wait a moment.')
  }

  /**
   * The gate shows the key until its first use. If it shows none, the payment was a top-up, or another
   * tab of this browser or another person used the key first.
   */
  #settled(last: Invoice): void {
    const known = this.#invoice
    const macaroon = last.macaroon ?? known?.macaroon
    const secret = last.token_suffix ?? last.preimage ?? this.#preimage
    const { keys } = this.#shop
    const before = keys.current
    keys.read()
    const elsewhere = keys.current !== before
    const toppedUp = last.amount_sats !== undefined
    if (macaroon !== undefined && secret !== null) this.finish(`${macaroon}:${secret}`)
    else if (toppedUp || elsewhere) this.finish(null)
    else {
      box('to-pay').hidden = true
      this.#say(
        'trouble',
        'This invoice is paid and its key is in use. The person who bought it has the key.',
      )
    }
  }

  /** Its key came by a link: asks the user whether to use it (J23). */
  askWhose(): Promise<boolean> {
    box('to-pay').hidden = true
    box('linked').hidden = false
    goTo(box('linked-title'))
    return new Promise((resolve) => {
      button('linked-use').onclick = () => resolve(true)
      button('linked-leave').onclick = () => resolve(false)
    })
  }

  /** The shown invoice is paid, and that is its key. Null: the payment topped up a key that is here. */
  finish(key: string | null): void {
    this.#say('paid', 'Paid')
    announce('Paid.')
    const asked = this.#shop.asked.has(this.#path)
    this.#shop.asked.forget(this.#path)
    this.#paid(key, { asked, unpaid: this.#invoice !== null })
  }

  async #payPlay(): Promise<void> {
    const paying = button('play-pay')
    paying.disabled = true
    const paid = await this.#shop.api.playPay(this.#invoice?.bolt11 ?? '')
    paying.disabled = false
    const far = 'Play money can be paid only on the machine that the gate runs on.'
    const { ok } = paid
    complain('pay-problem', ok ? '' : paid.problem.status === 404 ? far : paid.problem.message)
    this.#poll?.poke()
  }

  async #payWebLn(): Promise<void> {
    const invoice = this.#invoice
    const paying = button('webln')
    paying.disabled = true
    const paid = await payByWebLn(invoice?.bolt11 ?? '')
    paying.disabled = false
    complain('pay-problem', 'problem' in paid ? paid.problem : '')
    if ('preimage' in paid && invoice === this.#invoice) this.#preimage = paid.preimage
    this.#poll?.poke()
  }

  #say(state: 'waiting' | 'paid' | 'trouble', text: string): void {
    const status = box('invoice-status')
    status.dataset.state = state
    if (status.textContent !== text) status.textContent = text
  }
}
