import { Failed } from '../daemon/failed.ts'
import { onLine } from '../floor/printable.ts'

/** The whole number that was given for a flag, in digits. Throws `Failed` if it is none. */
export function wholeAboveZero(flag: string, value: unknown): number {
  const text = String(value)
  const count = Number(text)
  if (/^[1-9]\d*$/.test(text) && Number.isSafeInteger(count)) return count
  throw new Failed(`${flag} takes a whole number above 0, not ${JSON.stringify(onLine(text))}`, 2)
}
