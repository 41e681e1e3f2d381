/**
 * The words for an error in a log. They are the words of SQLite or a code of the operating system,
 * which come from a fixed set; otherwise the name of the error and the place where it was thrown.
 * Its message is never used, because it may contain a prompt, a key or an invoice.
 */
export function sayError(error: unknown): string {
  if (!(error instanceof Error)) return 'what was thrown is no error'
  const { code, errstr } = error as { readonly code?: unknown; readonly errstr?: unknown }
  if (code === 'ERR_SQLITE_ERROR' && typeof errstr === 'string') return errstr
  const name = typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,40}$/.test(code) ? code : error.name
  return `${name} at ${placeOf(error)}`
}

/**
 * The file name and line (`name:12`) of the innermost frame in one of our files; `?` if there is
 * none.
 */
export const placeOf = (error: Error): string =>
  /\bat .*?([\w.-]+\.[jt]s:\d+)/.exec(error.stack?.replace(error.message, '') ?? '')?.[1] ?? '?'
