/**
 * Why nothing can be written now, in SQLite's words: a full or broken disk, a lock of somebody else.
 * Null for every other error.
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
