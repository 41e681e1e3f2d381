import type { Problem } from './api.ts'
import { announce, box, button, complain, el, goTo, input, make } from './dom.ts'
import { dollarsOf, fromMsat } from './format.ts'
import { looksLikeKey } from './keys.ts'
import { poll } from './poll.ts'
import type { Shop } from './shop.ts'
import { spendingKey } from './spending-key.ts'
import { TakeOut } from './take-out.ts'

/** ms between two requests for the balance while nothing is going on. */
const LOOK = 15_000
const LOOK_SELDOM = 60_000

/** The card of the key in use: its balance, copying it, forgetting it. */
export class KeyCard {
  readonly #shop: Shop
  readonly #changed: () => void
  readonly #takeOut: TakeOut
  /** Whether the gate knows the key; null before it has answered. */
  #good: boolean | null = null
  #msat: number | null = null
  readonly #look: ReturnType<typeof poll>

  /** `changed` is called when another key, or none, is in use. */
  constructor(shop: Shop, changed: () => void) {
    this.#shop = shop
    this.#changed = changed
    this.#takeOut = new TakeOut(shop, () => this.refresh())
    button('download').addEventListener('click', () => this.#download())
    el('keys', HTMLSelectElement).addEventListener('change', (event) => {
      if (event.target instanceof HTMLSelectElement) this.use(event.target.value)
    })
    el('paste-form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault()
      void this.#paste()
    })
    button('mine').addEventListener('click', () => {
      const { current } = this.#shop.keys
      if (current !== null) this.#shop.keys.trust(current)
      this.render()
    })
    this.#wireForgetting()
    this.#look = poll(() => this.#balance())
  }

  /**
   * The key that a payment may top up. It is null for a key that this gate does not know, and for a
   * key that came by a link: the person who made the link could spend the payment (threats J23).
   */
  get topUp(): string | null {
    const { current } = this.#shop.keys
    const linked = current !== null && this.#shop.keys.isFromLink(current)
    return this.#good === false || linked ? null : current
  }

  /** Puts a key in use and keeps it. */
  use(key: string): void {
    this.#keep(key)
    this.render()
  }

  #keep(key: string, from: 'here' | 'link' = 'here'): void {
    const kept = this.#shop.keys.use(key, from)
    box('kept').textContent = kept
      ? 'This browser keeps one, too.'
      : 'This browser does not keep it: a reload loses it.'
  }

  /**
   * Keeps a key that was just bought. This comes first: the gate shows a key only until its first use.
   * If a key that is kept here already opens the same account, that older key stays in use, because
   * the buyer's clients have it.
   */
  async bought(key: string, from: 'here' | 'link'): Promise<void> {
    const { api, keys } = this.#shop
    const others = keys.all.filter((one) => one !== key)
    this.#keep(key, from)
    const mine = await api.balance(key)
    for (const other of mine.ok ? others : []) {
      const its = await api.balance(other)
      if (!its.ok || !mine.ok || its.value.account !== mine.value.account) continue
      keys.forget(key)
      this.#keep(other)
      break
    }
    this.render()
  }

  /** Asks for the balance now. */
  refresh(): void {
    this.#look.poke()
  }

  render(): void {
    const { current, all } = this.#shop.keys
    this.#good = null
    this.#msat = null
    box('key-section').hidden = current === null
    box('which').hidden = all.length < 2
    const options = all.map((key) => {
      const option = make('option', `…${key.slice(-6)}`)
      option.value = key
      return option
    })
    el('keys', HTMLSelectElement).replaceChildren(...options)
    input('key').value = current ?? ''
    const linked = current !== null && this.#shop.keys.isFromLink(current)
    box('from-link').hidden = !linked
    button('top-up').textContent = linked ? 'Buy a key of your own' : 'Top up'
    box('balance').textContent = '…'
    box('left').textContent = ''
    box('balance-note').textContent = ''
    box('balance-dollars').textContent = ''
    this.#takeOut.show(null)
    this.#changed()
    this.#look.poke()
  }

  focus(): void {
    goTo(box('key-title'))
  }

  async #balance(): Promise<number | null> {
    const key = this.#shop.keys.current
    if (key === null) return LOOK_SELDOM
    const asked = await this.#shop.api.balance(key)
    if (key !== this.#shop.keys.current) return 0
    if (asked.ok) {
      this.#good = true
      this.#msat = asked.value.available_msat
      const amount = fromMsat(this.#msat, this.#shop.unit)
      box('balance').textContent = amount
      box('balance-note').textContent = asked.value.narrowed === true ? 'may be spent' : 'left'
      const { usd_counted: counted, usd_micros: micro } = asked.value
      box('balance-dollars').textContent = dollarsOf(micro, counted)
      // The balance is also beside the message field, where it is in view while an answer is read.
      box('left').textContent = `${amount} ${box('balance-note').textContent}`
      this.#takeOut.show(asked.value)
    } else this.#noBalance(asked.problem)
    return document.hidden ? LOOK_SELDOM : LOOK
  }

  #noBalance({ status, message }: Problem): void {
    if (status === 402) this.#good = false
    const unknown =
      'This gate does not know this key: it belongs to another gate, or it has expired.'
    box('balance-note').textContent = status === 402 ? unknown : message
    if (status === 402) box('balance').textContent = ''
  }

  #download(): void {
    const { origin, host } = location
    const text = envFile(origin, this.#shop.keys.current ?? '')
    const link = make('a')
    link.href = URL.createObjectURL(new Blob([text], { type: 'text/plain' }))
    link.download = `satgate-${host.replace(/[^\w.-]/g, '-')}.env.txt`
    link.click()
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
  }

  #wireForgetting(): void {
    const dialog = el('forget-dialog', HTMLDialogElement)
    button('forget').addEventListener('click', () => {
      const credit = this.#msat === null ? 'not known now' : fromMsat(this.#msat, this.#shop.unit)
      box('forget-credit').textContent = credit
      dialog.showModal()
    })
    button('forget-no').addEventListener('click', () => dialog.close())
    button('forget-yes').addEventListener('click', () => {
      dialog.close()
      const { current } = this.#shop.keys
      if (current !== null) this.#shop.keys.forget(current)
      this.render()
      announce('The key is forgotten.')
      goTo(box(this.#shop.keys.current === null ? 'buy-title' : 'key-title'))
    })
  }

  async #paste(): Promise<void> {
    const key = input('paste').value.trim()
    if (!looksLikeKey(key)) {
      return complain('paste-problem', 'A key is a macaroon, a colon and 64 hexadecimal digits.')
    }
    const asked = await this.#shop.api.balance(key)
    const unknown = 'This gate does not know this key.'
    const problem = asked.ok ? '' : asked.problem.status === 402 ? unknown : asked.problem.message
    complain('paste-problem', problem)
    if (!asked.ok) return
    input('paste').value = ''
    el('have', HTMLDetailsElement).open = false
    this.use(key)
    this.focus()
  }
}

/** The settings for a program, which gets the spending key, and the key itself to be kept (threats L14). */
function envFile(origin: string, key: string): string {
  const spending = spendingKey(key)
  const settings = `OPENAI_BASE_URL=${origin}/v1\nOPENAI_API_KEY=${spending}\n`
  if (spending === key) return settings
  return `${settings}# Your own key. It can also take the credit out: keep it, and give it to no program.\nSATGATE_KEY=${key}\n`
}
