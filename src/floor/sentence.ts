/** Adds a full stop if the text has none, so that another sentence can follow. */
export const sentence = (text: string): string => (/[.?!…]$/.test(text) ? text : `${text}.`)
