import { assert } from '../floor/assert.ts'

/** What a canonical path looks like: no escapes, dot segments, empty segments or authority (G1). */
const CANONICAL = /^(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9_~:.-]+)+$/
const QUERY = /^(?:\?[!"$-~]*)?$/
const VERSION = /^v\d+(?:[a-z]+\d*)?$/i

/**
 * The target of one of our paths on that upstream. A base whose path names a version of an API
 * stands as it is (`/api/paas/v4`, `/v1beta/openai`); to any other ours is added, `/v1` and all
 * (threats K15).
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

/** The operator's own query first: it may hold a key, and a buyer's cannot take its place. */
const together = (own: string, asked: string): string =>
  own === '' || asked === '' ? own + asked : `${own}&${asked.slice(1)}`

/** Where one of our paths is on that upstream, for people: a query may hold a key. */
export function shownTarget(base: URL, path: string): string {
  return base.origin + (targetOf(base, path).split('?')[0] ?? '')
}
