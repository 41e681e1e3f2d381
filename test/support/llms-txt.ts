/** The parts of an `/llms.txt`, as llmstxt.org describes them. */
export interface LlmsTxt {
  readonly title: string
  readonly summary: string
  /** Everything before the first section. */
  readonly text: string
  readonly sections: Readonly<Record<string, readonly Link[]>>
}

export interface Link {
  readonly name: string
  readonly url: string
  readonly notes: string | null
}

/**
 * Parses an `/llms.txt` strictly. It must begin with one H1; then come a quoted summary, text
 * without headings, and sections that contain only links. Throws with the first line that breaks
 * this.
 */
export function parseLlmsTxt(file: string): LlmsTxt {
  const lines = file.split(/\r\n|[\n\r\v\f\u0085\u2028\u2029]/)
  const title = /^# (\S.*)$/.exec(lines.shift() ?? '')?.[1]
  if (title === undefined) throw new Error('no H1 in the first line')
  while (lines[0] === '') lines.shift()
  const summary = /^> (\S.*)$/.exec(lines.shift() ?? '')?.[1]
  if (summary === undefined) throw new Error('no summary behind the H1')
  const text: string[] = []
  const sections: Record<string, Link[]> = {}
  let section: Link[] | null = null
  for (const line of lines) {
    const name = /^## (\S.*)$/.exec(line)?.[1]
    if (name !== undefined) {
      if (Object.hasOwn(sections, name)) throw new Error(`two sections ${name}`)
      section = []
      sections[name] = section
    } else if (/^\s*#|^\s*(?:=+|-+)\s*$/.test(line)) throw new Error(`a heading: ${line}`)
    else if (section === null) text.push(line)
    else if (line !== '') section.push(link(line))
  }
  return { title, summary, text: text.join('\n'), sections }
}

/** The regular expression of the reference implementation, up to the end of the line. */
function link(line: string): Link {
  const found = /^-\s*\[([^\]]+)\]\(([^)]+)\)(?::\s*(.*))?$/.exec(line)
  if (found === null) throw new Error(`no link: ${line}`)
  const [, name = '', url = '', notes = null] = found
  return { name, url, notes }
}

/** A fenced block of code in Markdown. */
export interface Block {
  readonly language: string
  readonly code: string
}

/** All fenced blocks, in order. Throws if a fence is not closed. */
export function blocksOf(markdown: string): readonly Block[] {
  const parts = markdown.split(/^```(.*)\n/m)
  if (parts.length % 4 !== 1) throw new Error('a block of code is not closed')
  return Array.from({ length: (parts.length - 1) / 4 }, (_, at) => ({
    language: parts[4 * at + 1] ?? '',
    code: parts[4 * at + 2] ?? '',
  }))
}
