import { QUANTITIES } from '../../money/quantities.ts'

/** Parts of SQL statements that sum up what holds used and moved. */

/** The columns of the quantities, and as many places for their values. */
export const QUANTITY_COLUMNS = QUANTITIES.join(', ')
export const QUANTITY_PLACES = QUANTITIES.map(() => '?').join(', ')

/** Adds the quantities of a row that is there already. What neither row has stays null. */
export const QUANTITIES_ADDED = QUANTITIES.map(
  (name) => `${name} = coalesce(${name} + excluded.${name}, ${name}, excluded.${name})`,
).join(', ')

/** What each posting of hold ?1 takes from one drawer `n` and gives to another, as `moved`. */
export const SIDES_OF_HOLD = `
  SELECT debit AS n, -amount AS moved FROM postings WHERE hold = ?1
  UNION ALL SELECT credit, amount FROM postings WHERE hold = ?1`
