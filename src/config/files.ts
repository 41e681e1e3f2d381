import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { isAbsolute, join, relative, resolve } from 'node:path'

/** Reads a file. Throws the errors of `node:fs`, such as `ENOENT` if there is no such file. */
export type ReadFile = (path: string) => FileRead

interface FileRead {
  readonly bytes: Uint8Array
  /** Permission bits, `0o600`. */
  readonly mode: number
}

/** Settings, keys and certificates are small. Of a larger file, only so many bytes are read. */
const MOST_BYTES = 1024 * 1024

/** Reads a file of this machine, at most a little over a megabyte of it. */
export const readLocalFile: ReadFile = (path) => {
  const file = openSync(path, 'r')
  try {
    const { mode } = fstatSync(file)
    const buffer = Buffer.alloc(MOST_BYTES + 1)
    let size = 0
    for (;;) {
      const read = readSync(file, buffer, size, buffer.length - size, null)
      size += read
      if (read === 0 || size === buffer.length) break
    }
    return { bytes: buffer.subarray(0, size), mode: mode & 0o777 }
  } finally {
    closeSync(file)
  }
}

/** `~/x` is in the home folder, `x` is in `folder`, and `/x` stays as it is. */
export function resolvePath(path: string, folder: string, home: string): string {
  if (path === '~') return home
  return path.startsWith('~/') ? join(home, path.slice(2)) : resolve(folder, path)
}

/** A path as people read it: relative to `folder` if it lies below it. */
export function shownPath(path: string, folder: string): string {
  const short = relative(folder, path)
  return short === '' || short.startsWith('..') || isAbsolute(short) ? path : short
}

/** The text of a file, or null if it is not UTF-8. */
export function utf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return null
  }
}

/** Why a file cannot be read, in a few words. */
export function whyUnreadable(cause: unknown): string {
  const code = (cause as { code?: unknown } | null)?.code
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'is not there'
  if (code === 'EACCES' || code === 'EPERM') return 'may not be read by this user'
  if (code === 'EISDIR') return 'is a folder'
  return 'cannot be read'
}
