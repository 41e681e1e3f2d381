import { Failed } from '../daemon/failed.ts'
import { onLine } from '../floor/printable.ts'

/** The whole number that was given for a flag. Throws `Failed` if it is none. */
export function wholeAboveZero(flag: string, value: unknown): number {
  const count = Number(value)
  if (Number.isSafeInteger(count) && count > 0) return count
  throw new Failed(
    `${flag} takes a whole number above 0, not ${JSON.stringify(onLine(String(value)))}`,
    2,
  )
}
