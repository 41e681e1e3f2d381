/**
 * What an error may say in a log: the words of SQLite and the codes of the system, which are a fixed
 * set, or else its name and the place it came from. Never its message: that may repeat a prompt, a
 * key or an invoice.
 */
export function sayError(error: unknown): string {
  if (!(error instanceof Error)) return 'what was thrown is no error'
  const { code, errstr } = error as { readonly code?: unknown; readonly errstr?: unknown }
  if (code === 'ERR_SQLITE_ERROR' && typeof errstr === 'string') return errstr
  const name = typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,40}$/.test(code) ? code : error.name
  return `${name} at ${placeOf(error)}`
}

/** The name and line (`name:12`) of the innermost frame that has a file of ours; `?` where there is none. */
export const placeOf = (error: Error): string =>
  /\bat .*?([\w.-]+\.[jt]s:\d+)/.exec(error.stack?.replace(error.message, '') ?? '')?.[1] ?? '?'
