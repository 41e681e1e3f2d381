import { err, ok, type Result } from '../floor/result.ts'

export type BadBase = 'not_a_url' | 'not_http' | 'has_credentials' | 'has_query'

/**
 * Reads the address of an upstream as an operator types it: with or without scheme, trailing slash
 * or `/v1`. A key in the address is refused, because addresses are shown in logs and on pages.
 */
export function readBase(text: string): Result<URL, BadBase> {
  const trimmed = text.trim()
  const spelled = trimmed.includes('://') ? trimmed : `http://${trimmed}`
  if (!URL.canParse(spelled)) return err('not_a_url')
  const url = new URL(spelled)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return err('not_http')
  if (url.username !== '' || url.password !== '') return err('has_credentials')
  if (url.search !== '' || url.hash !== '') return err('has_query')
  url.pathname = prefixOf(url)
  return ok(url)
}

/** What stands before `/v1` on that upstream: empty, or a path such as `/openai`. */
export function prefixOf(base: URL): string {
  return base.pathname.replace(/\/+$/, '').replace(/\/v1$/, '').replace(/\/+$/, '')
}
