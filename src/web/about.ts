import type { Api } from './api.ts'
import { box, make } from './dom.ts'
import { field } from './json.ts'

/** What a gate without a name of its own is called. */
const UNNAMED = 'satgate'

/** Shows who runs this gate, and resolves with the dollars of a bitcoin, null if nobody knows them. */
export async function showAbout(api: Api): Promise<number | null> {
  const asked = await api.about()
  if (!asked.ok) return null
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
  return typeof usd === 'number' && usd > 0 ? usd : null
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
