import { assert } from '../floor/assert.ts'

/** What a canonical path looks like: no escapes, dots, empty segments, authority or query (G1). */
const CANONICAL = /^(?:\/[a-z0-9][a-z0-9_-]*)+$/
const VERSION = /^v\d+(?:[a-z]+\d*)?$/i

/**
 * The target of one of our paths on that upstream. A base whose path names a version of an API stands
 * as it is (`/api/paas/v4`, `/v1beta/openai`); to any other ours is added, `/v1` and all (threats K15).
 */
export function targetOf(base: URL, path: string): string {
  assert(CANONICAL.test(path), 'an upstream path is one of the allow-listed ones')
  const prefix = base.pathname.replace(/\/+$/, '')
  const versioned = prefix.split('/').some((segment) => VERSION.test(segment))
  return prefix + (versioned ? path.replace(/^\/v1(?=\/)/, '') : path) + base.search
}

/** Where one of our paths is on that upstream, for people: a query may hold a key. */
export function shownTarget(base: URL, path: string): string {
  return base.origin + (targetOf(base, path).split('?')[0] ?? '')
}
