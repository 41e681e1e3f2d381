/**
 * If an error means that nothing can be written at the moment (the disk is full or broken, or
 * another process holds a lock), returns the reason in the words of SQLite or the system. Otherwise
 * null.
 */
export function unwritable(error: unknown): string | null {
  if (!(error instanceof Error && 'code' in error)) return null
  const said = SYSTEM[String(error.code)]
  if (said !== undefined) return said
  if (!('errcode' in error && 'errstr' in error)) return null
  return NOT_NOW.has(Number(error.errcode) & 0xff) ? String(error.errstr) : null
}

const SYSTEM: Readonly<Record<string, string>> = {
  ENOSPC: 'no space is left on the disk',
  EDQUOT: 'the quota of the disk is used up',
  EROFS: 'it is read-only',
}

/** SQLITE_BUSY, LOCKED, READONLY, IOERR, FULL and CANTOPEN. */
const NOT_NOW = new Set([5, 6, 8, 10, 13, 14])
