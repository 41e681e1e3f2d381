import { assert } from '../floor/assert.ts'

/** A canonical path: without escapes, dot segments, empty segments and authority (G1). */
const CANONICAL = /^(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9_~:.-]+)+$/
const QUERY = /^(?:\?[!"$-~]*)?$/
const VERSION = /^v\d+(?:[a-z]+\d*)?$/i

/**
 * The target for one of our paths at that upstream. If the path of the base names a version of an
 * API (`/api/paas/v4`, `/v1beta/openai`), it replaces our `/v1`; otherwise our whole path is added
 * to it (threats K15).
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

/**
 * The operator's query comes first. It may contain a key, and the query of a buyer cannot replace
 * it.
 */
const together = (own: string, asked: string): string =>
  own === '' || asked === '' ? own + asked : `${own}&${asked.slice(1)}`

/** The same URL without its query, for people, because a query may contain a key. */
export function shownTarget(base: URL, path: string): string {
  return base.origin + (targetOf(base, path).split('?')[0] ?? '')
}
