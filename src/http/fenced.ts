/** Code in Markdown. */
export const fenced = (language: string, text: string): string =>
  `\`\`\`${language}\n${text}\n\`\`\``

export const sh = (command: string): string => fenced('sh', command)
