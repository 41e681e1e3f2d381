import type { Dialect } from '../dialects/dialect.ts'
import { assert } from '../floor/assert.ts'
import { isFree, type Rate } from '../money/price.ts'
import { CREDENTIAL_HEADERS } from '../passes/present.ts'
import type { Targets } from './targets.ts'

/**
 * What happens if a request is not paid for. The gate decides it in one place: `Gate.authorize`.
 *
 * - `charge` refuses and offers an invoice.
 * - `control` refuses and offers nothing: the operator gives credit.
 * - `observe` serves, takes nobody's credit, and writes what would have been charged or refused
 *   (threats L6, L26).
 * - `free` serves, and asks for nothing.
 */
export type Mode = 'free' | 'observe' | 'control' | 'charge'

/** How the price of a request is found: by the model that it names, or the same for every request. */
export type PriceRule = { readonly by: 'model' } | { readonly by: 'call'; readonly rate: Rate }

/** One kind of request that is served: how it is matched, read, priced, and where it goes. */
export interface Route {
  readonly method: string
  readonly path: Pattern
  readonly dialect: Dialect
  readonly mode: Mode
  readonly price: PriceRule
  readonly targets: Targets
  /** The query of the request is sent to the target, as it came. Nothing is ever priced by it. */
  readonly query: boolean
  /** A GET, a HEAD, or a request with an empty body is answered with the price and an offer. */
  readonly tellsPrice: boolean
}

/** A path, or a set of paths. */
export interface Pattern {
  /** As it is written. */
  readonly text: string
  matches(path: string): boolean
  /** It matches but for capitals: some servers do not tell them from small letters. */
  resembles(path: string): boolean
}

/**
 * Reads a pattern: `*` stands for a part of one segment that is not empty, `**` as a whole segment for
 * any number of segments, and all other characters for themselves. The path that is matched is a
 * canonical one, so `..` and escapes cannot reach another route.
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

/** What a request's method and path come to. */
export type Found =
  | { readonly is: 'route'; readonly route: Route }
  /** The path is served, with other methods. */
  | { readonly is: 'method'; readonly allowed: readonly string[] }
  | { readonly is: 'nothing' }

/** The routes of a gate, in order: the first that matches is the one. */
export class Routes {
  readonly all: readonly Route[]

  constructor(all: readonly Route[]) {
    for (const { dialect, mode, price, path } of all) {
      const shown = dialect.headers.filter((name) => CREDENTIAL_HEADERS.has(name))
      assert(shown.length === 0, `no dialect sees a credential: ${shown.join(', ')}`)
      const free = price.by === 'call' && isFree(price.rate)
      assert(mode !== 'free' || free, `the route ${path.text} is free and has a price`)
    }
    this.all = all
  }

  /**
   * A route that tells its price answers every method of its path. A path that is a route's but for
   * capitals is not served: a backend could take it for that route, at the price of a later one.
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
