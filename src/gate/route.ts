import type { Dialect } from '../dialects/dialect.ts'
import { assert } from '../floor/assert.ts'
import { isFree, type Rate } from '../money/price.ts'
import { CREDENTIAL_HEADERS } from '../passes/present.ts'
import type { Targets } from './targets.ts'

/**
 * What happens to a request that is not paid for. `ModeRule` decides it.
 *
 * - `charge` refuses, and offers an invoice.
 * - `control` refuses without an offer: the operator gives the credit.
 * - `observe` serves, takes no credit, and logs what would have been charged or refused (threats
 *   L6, L26).
 * - `free` serves, and asks for nothing.
 */
export type Mode = 'free' | 'observe' | 'control' | 'charge'

/** How the price of a request is found: by the model that it names, or one price for every call. */
export type PriceRule = { readonly by: 'model' } | { readonly by: 'call'; readonly rate: Rate }

/** One kind of request that is served: how it is matched, read and priced, and which backends get it. */
export interface Route {
  readonly method: string
  readonly path: Pattern
  readonly dialect: Dialect
  readonly mode: Mode
  readonly price: PriceRule
  readonly targets: Targets
  /** Whether the query of the request is sent to the target, unchanged. The price never depends on it. */
  readonly query: boolean
  /** A GET, a HEAD, or a request with an empty body is answered with the price and an offer. */
  readonly tellsPrice: boolean
  /**
   * The same route in a dialect that is translated, for a backend that lacks the API. `off`: there is
   * such a translation, and the operator turned it off. Left out: there is none.
   */
  readonly translated?: Route | 'off'
}

/** A path, or a set of paths. */
export interface Pattern {
  /** The text of the pattern. */
  readonly text: string
  matches(path: string): boolean
  /**
   * Whether it matches if capital and small letters count as the same: some servers do not tell
   * them apart.
   */
  resembles(path: string): boolean
}

/**
 * Reads a pattern. `*` stands for a part of one segment and is not empty. `**` as a whole segment
 * stands for any number of segments. Other characters stand for themselves. Only canonical paths
 * are matched, so `..` and escapes cannot reach another route.
 */
export function pattern(text: string): Pattern {
  assert(WRITTEN.test(text), `${text} is no pattern of a path`)
  if (!text.includes('*')) {
    const small = text.toLowerCase()
    const resembles = (path: string) => path.toLowerCase() === small
    return { text, matches: (path) => path === text, resembles }
  }
  const segments = text.slice(1).split('/').map(segmentOf)
  const whole = new RegExp(`^${segments.join('')}$`)
  const small = new RegExp(whole, 'i')
  return { text, matches: (path) => whole.test(path), resembles: (path) => small.test(path) }
}

/** The characters of a canonical path, and the star. */
const WRITTEN = /^(?:\/[A-Za-z0-9_~:.*-]+)+$/

const segmentOf = (segment: string): string =>
  segment === '**' ? '(?:/[^/]+)*' : `/${segment.replaceAll('.', '\\.').replaceAll('*', '[^/]+')}`

/** What a method and a path lead to. */
export type Found =
  | { readonly is: 'route'; readonly route: Route }
  /** The path is served, but with other methods. */
  | { readonly is: 'method'; readonly allowed: readonly string[] }
  | { readonly is: 'nothing' }

/** The routes of a gate in order. The first one that matches counts. */
export class Routes {
  readonly all: readonly Route[]

  constructor(all: readonly Route[]) {
    for (const { mode, price, path } of all) {
      const free = price.by === 'call' && isFree(price.rate)
      assert(mode !== 'free' || free, `the route ${path.text} is free and has a price`)
    }
    this.all = all
    this.hide(CREDENTIAL_HEADERS)
  }

  /** Makes sure that no dialect reads these headers: a credential reaches no dialect and no backend. */
  hide(credentials: ReadonlySet<string>): void {
    const read = this.all.flatMap(({ dialect }) => dialect.headers)
    const shown = read.filter((name) => credentials.has(name))
    assert(shown.length === 0, `no dialect sees a credential: ${shown.join(', ')}`)
  }

  /**
   * A route that tells its price gets every method of its path. A path that differs from a route
   * only in capital letters is not served: a backend could read it as that route, while a later
   * route priced it.
   */
  find(method: string, path: string): Found {
    let other: Route | null = null
    for (const route of this.all) {
      if (!route.path.matches(path)) {
        if (route.path.resembles(path)) return { is: 'nothing' }
        continue
      }
      if (route.method === method) return { is: 'route', route }
      if (other === null || (!other.tellsPrice && route.tellsPrice)) other = route
    }
    if (other === null) return { is: 'nothing' }
    if (other.tellsPrice) return { is: 'route', route: other }
    const allowed = this.all.filter((route) => route.path.matches(path))
    return { is: 'method', allowed: [...new Set(allowed.map((route) => route.method))] }
  }
}
