/**
 * The unit that people see for a kind of money. Play and test money have names of their own, so
 * that nobody takes them for real money. Null if the kind is not known.
 */
export const unitOf = (money: 'real' | 'test' | 'play' | null): string =>
  money === 'play' || money === 'test' ? `${money} sat` : 'sat'
