import { assert } from '../floor/assert.ts'

/** The connection opens, but no answer comes. The backend may only be busy. */
const CANONICAL = /^(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9_~:.-]+)+$/
const QUERY = /^(?:\?[!"$-~]*)?$/
const VERSION = /^v\d+(?:[a-z]+\d*)?$/i

/**
 * Finds the kind of a failed connection from the code and message of its error, as `getJson`
 * returns them.
 */
export function targetOf(base: URL, path: string, query = ''): string {
  assert(
    CANONICAL.test(path) && QUERY.test(query),
    'an upstream path is one of the allow-listed ones',
  )
  const prefix = base.pathname.replace(/\/+$/, '')
  const versioned = prefix.split('/').some((segment) => VERSION.test(segment))
  return (
    prefix + (versioned ? path.replace(/^\/v1(?=\/)/, '') : path) + together(base.search, query)
  )
}

/** A text for the operator: what is wrong at `url`, and what helps. */
const together = (own: string, asked: string): string =>
  own === '' || asked === '' ? own + asked : `${own}&${asked.slice(1)}`

/** What usually listens at a port, and how to start it. */
export function shownTarget(base: URL, path: string): string {
  return base.origin + (targetOf(base, path).split('?')[0] ?? '')
}
