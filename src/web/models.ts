import type { Model } from './api.ts'
import { box, complain, el, input, make } from './dom.ts'
import { figure, type Price, priceSentence } from './format.ts'
import { poll } from './poll.ts'
import type { Shop } from './shop.ts'

/** If there are at least so many models, there is a filter. */
const MANY = 8
const TRY_AGAIN = 5_000

const priced = (value: number | null): string =>
  value === null ? 'no tokens' : value === 0 ? 'free' : figure(value)

/** What is for sale: the table, the list to choose from, and the price in one sentence. */
export class Models {
  #models: readonly Model[] = []
  readonly #shop: Shop

  constructor(shop: Shop, changed: () => void) {
    this.#shop = shop
    const choice = el('model', HTMLSelectElement)
    choice.addEventListener('change', changed)
    input('filter').addEventListener('input', () => this.#rows())
    poll(async () => {
      const asked = await shop.api.models()
      complain('models-problem', asked.ok ? '' : asked.problem.message)
      if (!asked.ok) return TRY_AGAIN
      this.#models = asked.value.data
      this.#render(choice)
      changed()
      return null
    })
  }

  get prices(): readonly Price[] {
    return this.#models.flatMap(({ pricing: { input, output, request } }) =>
      input === null || output === null ? [] : [{ input, output, request }],
    )
  }

  /** The model that was chosen; null before any is known. */
  get chosen(): string | null {
    const { value } = el('model', HTMLSelectElement)
    return value === '' ? null : value
  }

  #render(choice: HTMLSelectElement): void {
    const models = this.#models
    const chats = models.filter(({ pricing }) => pricing.input !== null)
    choice.replaceChildren(...chats.map(({ id }) => new Option(id, id)))
    const { prices } = this
    const sentence = priceSentence(prices, this.#shop.unit)
    box('price').textContent = sentence === '' ? 'Nothing is for sale now.' : sentence
    box('filter-label').hidden = models.length < MANY
    box('models').hidden = models.length === 0
    box('per-request').hidden = prices.every(({ request }) => request === 0)
    this.#rows()
  }

  #rows(): void {
    const wanted = input('filter').value.trim().toLowerCase()
    const found = this.#models.filter(({ id }) => id.toLowerCase().includes(wanted))
    const request = !box('per-request').hidden
    const rows = found.map(({ id, pricing }) => {
      const row = make('tr')
      const name = make('th', id)
      name.scope = 'row'
      const values = [pricing.input, pricing.output, ...(request ? [pricing.request] : [])]
      row.append(name, ...values.map((value) => make('td', priced(value))))
      return row
    })
    const none = make('tr')
    none.append(make('td', 'No model of that name.', 'muted'))
    const body = el('models', HTMLTableElement).tBodies[0]
    body?.replaceChildren(...(rows.length > 0 ? rows : [none]))
  }
}
