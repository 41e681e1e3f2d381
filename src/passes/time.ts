const RFC_3339 =
  /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])([01]\d|2[0-3]):([0-5]\d))$/i
const MINUTE = 60_000
const YEAR_0 = Date.parse('0000-01-01T00:00:00Z')
const YEAR_10000 = Date.parse('9999-12-31T23:59:59.999Z') + 1

/**
 * Reads an RFC 3339 time as ms since the epoch. Returns null for a day that does not exist and for
 * a leap second. Fractions below a ms are cut off, which can only make a pass expire earlier.
 */
export function readTime(text: string): number | null {
  const parts = RFC_3339.exec(text)
  if (parts === null) return null
  const [, day, clock, fraction = '', sign, hours = '0', minutes = '0'] = parts
  const local = `${day}T${clock}.${fraction.padEnd(3, '0').slice(0, 3)}Z`
  const at = Date.parse(local)
  // `Date` turns 30 February into a day of March instead of refusing it.
  if (Number.isNaN(at) || new Date(at).toISOString() !== local) return null
  const offset = (Number(hours) * 60 + Number(minutes)) * MINUTE
  const utc = sign === '-' ? at + offset : at - offset
  return utc >= YEAR_0 && utc < YEAR_10000 ? utc : null
}

/**
 * Writes a time in its canonical form: in UTC with `Z`, and with a fraction only if there is one.
 */
export const writeTime = (at: number): string => new Date(at).toISOString().replace('.000Z', 'Z')
