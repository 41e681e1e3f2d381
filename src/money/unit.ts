/**
 * What amounts of that kind of money are counted in, for people: what is worth nothing must not be
 * taken for money. Null: the kind is not known.
 */
export const unitOf = (money: 'real' | 'test' | 'play' | null): string =>
  money === 'play' || money === 'test' ? `${money} sat` : 'sat'
