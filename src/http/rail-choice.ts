/** `?rail=NAME`, by which a client chooses whose offer it is shown. */

const NAME = 'rail'

/** The rail that a query names, and the query without it. Both parts have their question mark. */
export interface RailChoice {
  /** Null if the query names none. */
  readonly rail: string | null
  readonly query: string
}

/** Takes the choice of a rail out of a query. A backend never sees it. The first one counts. */
export function railChoiceIn(query: string): RailChoice {
  if (!query.includes(NAME)) return { rail: null, query }
  const parts = query.slice(1).split('&')
  const isChoice = (part: string) => part === NAME || part.startsWith(`${NAME}=`)
  const chosen = parts.find(isChoice)
  if (chosen === undefined) return { rail: null, query }
  const rest = parts.filter((part) => !isChoice(part)).join('&')
  return { rail: chosen.slice(NAME.length + 1), query: rest === '' ? '' : `?${rest}` }
}
