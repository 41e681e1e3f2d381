/** A number with its noun: "1 account", "0 holds", "1,204 tokens". `many`: a plural that is not noun + s. */
export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`
