import type { Api } from './api.ts'
import { box, make } from './dom.ts'
import { field } from './json.ts'
import { USUAL_WAYS, type Ways, waySentences, waysIn } from './ways.ts'

/** What a gate without a name of its own is called. */
const UNNAMED = 'satgate'

/** What the gate tells about itself that other parts of the page need. */
export interface About {
  /** Dollars of a bitcoin. Null if nobody knows them. */
  readonly usdPerBtc: number | null
  /** The mints whose ecash it takes. Null if it takes none. */
  readonly mints: readonly string[] | null
  readonly tiers: readonly Tier[]
  readonly ways: Ways
}

/** A payment of so many sats or more buys so many sats of credit. */
export interface Tier {
  readonly amountSats: number
  readonly creditSats: number
}

/** Shows who runs this gate, and resolves with what else it tells. */
export async function showAbout(api: Api): Promise<About> {
  const asked = await api.about()
  if (!asked.ok) return { usdPerBtc: null, mints: null, tiers: [], ways: USUAL_WAYS }
  const operator = field(asked.value, 'operator')
  const [name, contact, terms] = ['name', 'contact', 'terms'].map((one) => text(operator, one))
  if (name !== undefined && name !== UNNAMED) {
    box('name').textContent = name
    document.title = `${name}: an API that is paid by the token`
  }
  const parts = [
    ...(name === undefined || name === UNNAMED ? [] : [entry('Run by', name)]),
    ...(contact === undefined ? [] : [entry('Contact:', contact)]),
    ...(terms === undefined ? [] : [entry('Terms:', terms)]),
  ]
  box('operator').hidden = parts.length === 0
  box('operator').replaceChildren(...parts)
  const usd = field(asked.value, 'usd_per_btc')
  const usdPerBtc = typeof usd === 'number' && usd > 0 ? usd : null
  const ways = waysIn(asked.value)
  const { people, programs } = waySentences(ways)
  box('ways').textContent = people
  box('programs').textContent = programs
  return { usdPerBtc, mints: mintsIn(asked.value), tiers: tiersIn(asked.value), ways }
}

function mintsIn(about: unknown): readonly string[] | null {
  const mints = field(field(field(about, 'payment'), 'cashu'), 'mints')
  const urls = Array.isArray(mints) ? mints.filter((one) => typeof one === 'string') : []
  return urls.length === 0 ? null : urls
}

function tiersIn(about: unknown): readonly Tier[] {
  const tiers = field(about, 'credit_tiers')
  return (Array.isArray(tiers) ? tiers : []).flatMap((one) => {
    const [amountSats, creditSats] = [field(one, 'amountSats'), field(one, 'creditSats')]
    const good = typeof amountSats === 'number' && typeof creditSats === 'number'
    return good ? [{ amountSats, creditSats }] : []
  })
}

function text(value: unknown, name: string): string | undefined {
  const found = field(value, name)
  return typeof found === 'string' && found.trim() !== '' ? found.trim() : undefined
}

function entry(label: string, value: string): HTMLElement {
  const place = make('span', `${label} `)
  const href = addressOf(value)
  if (href === null) place.append(value)
  else {
    const link = make('a', value.replace(/^(?:https:\/\/|mailto:)/i, ''))
    link.href = href
    link.target = '_blank'
    link.rel = 'noopener noreferrer'
    place.append(link)
  }
  return place
}

/** Where an https address or a mail address leads; null for any other text. */
function addressOf(value: string): string | null {
  if (/^(?:mailto:)?[\w.+-]+@[\w-]+(?:\.[\w-]+)+$/i.test(value)) {
    return `mailto:${value.replace(/^mailto:/i, '')}`
  }
  return /^https:\/\/[^\s@]+$/i.test(value) && URL.canParse(value) ? new URL(value).href : null
}
