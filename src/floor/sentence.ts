/** As a whole sentence, because another one follows. */
export const sentence = (text: string): string => (/[.?!…]$/.test(text) ? text : `${text}.`)
