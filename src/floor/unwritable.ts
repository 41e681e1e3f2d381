/**
 * Why nothing can be written now, in SQLite's words: a full or broken disk, a lock of somebody else.
 * Null for every other error.
 */
export function unwritable(error: unknown): string | null {
  if (!(error instanceof Error && 'errcode' in error && 'errstr' in error)) return null
  return NOT_NOW.has(Number(error.errcode) & 0xff) ? String(error.errstr) : null
}

/** SQLITE_BUSY, LOCKED, READONLY, IOERR, FULL and CANTOPEN. */
const NOT_NOW = new Set([5, 6, 8, 10, 13, 14])
