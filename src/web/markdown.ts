import MarkdownIt, { type Token } from 'markdown-it'

/**
 * An answer as text and a few elements. There is no kind for HTML or for a picture, so nothing that a
 * model writes becomes markup of the page, and nothing is fetched for it (threats H6).
 */
export type Piece = string | Part

export interface Part {
  readonly tag: Tag
  readonly kids: readonly Piece[]
  /** An http or https address, on `a` alone. */
  readonly href?: string
  /** The first number of an `ol`. */
  readonly start?: number
  readonly align?: 'center' | 'right'
  /** What a code block says that it is written in. */
  readonly language?: string
}

const TAGS = {
  paragraph: 'p',
  bullet_list: 'ul',
  ordered_list: 'ol',
  list_item: 'li',
  blockquote: 'blockquote',
  table: 'table',
  thead: 'thead',
  tbody: 'tbody',
  tr: 'tr',
  th: 'th',
  td: 'td',
  strong: 'strong',
  em: 'em',
  s: 's',
  link: 'a',
} as const

/** Headings of an answer stand below the `h2` of the part of the page that they are in. */
const HEADINGS = ['h3', 'h4', 'h5', 'h6'] as const

type Tag =
  | (typeof TAGS)[keyof typeof TAGS]
  | (typeof HEADINGS)[number]
  | 'pre'
  | 'code'
  | 'br'
  | 'hr'

/** A block of the answer, and the line of the text that it starts in. */
export interface Block {
  readonly part: Piece
  readonly line: number
  /** For a list, the line of its last item: a long list is divided there. */
  readonly lastItem: number | null
}

const parser = new MarkdownIt({ html: false, linkify: true, breaks: true, maxNesting: 20 })
parser.linkify.set({ fuzzyLink: false, fuzzyEmail: false, fuzzyIP: false })
// A host name in another script could be taken for the one that it looks like.
parser.normalizeLinkText = (url) => url

/** Addresses by the names that `[name]: address` lines give them. The parser writes it. */
export type Definitions = Record<string, { title: string; href: string }>

/**
 * The blocks of a text, in order. The time is at worst quadratic in its length. There are no tables in
 * it if they could have more than `cells` cells together.
 */
export function blocksOf(
  text: string,
  references: Definitions,
  cells = Number.POSITIVE_INFINITY,
): readonly Block[] {
  parser[cellsOf(text) > cells ? 'disable' : 'enable']('table')
  const tokens = parser.parse(text, { references })
  const blocks: Block[] = []
  let from = 0
  tokens.forEach((token, at) => {
    if (token.level > 0 || token.nesting === 1) return
    const mine = tokens.slice(from, at + 1)
    const [part] = piecesOf(mine)
    const line = mine[0]?.map?.[0] ?? 0
    if (part !== undefined) blocks.push({ part, line, lastItem: lastItemOf(mine) })
    from = at + 1
  })
  return blocks
}

const BLANK_LINE = /\n[ \t]*\n/

/**
 * The most cells that the tables of a text can have. Each row has the columns of the head, so a head of
 * 70 columns above 70 rows of one letter makes 4,900 cells out of 420 characters.
 */
function cellsOf(text: string): number {
  return text.split(BLANK_LINE).reduce((sum, part) => {
    const lines = part.split('\n')
    const columns = lines.reduce((most, line) => Math.max(most, line.split('|').length), 0)
    return columns > 1 ? sum + columns * lines.length : sum
  }, 0)
}

function lastItemOf(tokens: readonly Token[]): number | null {
  const items = tokens.filter(({ type, level }) => type === 'list_item_open' && level === 1)
  return items.length < 2 ? null : (items.at(-1)?.map?.[0] ?? null)
}

/** Pieces of tokens that open and close each other. */
function piecesOf(tokens: readonly Token[], inLink = false): readonly Piece[] {
  const pieces: Piece[] = []
  const open: { readonly token: Token; readonly kids: Piece[] }[] = []
  let kids = pieces
  for (const token of tokens) {
    if (token.nesting === 1) {
      open.push({ token, kids })
      kids = []
    } else if (token.nesting === 0) {
      const linked = inLink || open.some((one) => one.token.type === 'link_open')
      kids.push(...leaf(token, linked))
    } else {
      const opened = open.pop()
      const made = opened === undefined ? kids : whole(opened.token, kids)
      kids = opened?.kids ?? pieces
      if (made !== kids) kids.push(...made)
    }
  }
  return pieces
}

/** An element around its content, or the content alone where there is no such element. */
function whole(token: Token, kids: readonly Piece[]): readonly Piece[] {
  const name = token.type.replace(/_open$/, '')
  if (name === 'heading') {
    const tag = HEADINGS[Math.min(Number(token.tag.slice(1)), HEADINGS.length) - 1] ?? 'h6'
    return [{ tag, kids }]
  }
  const tag = name in TAGS ? TAGS[name as keyof typeof TAGS] : null
  // A paragraph of a list without blank lines is hidden: its text is the item's.
  if (tag === null || token.hidden) return kids
  if (tag === 'a') {
    const href = webAddress(token.attrGet('href'))
    return href === null ? kids : [{ tag, kids, href }]
  }
  const start = Number(token.attrGet('start') ?? 1)
  const align = /text-align:(center|right)/.exec(String(token.attrGet('style')))?.[1]
  return [
    {
      tag,
      kids,
      ...(tag === 'ol' && start !== 1 ? { start } : {}),
      ...(align === 'center' || align === 'right' ? { align } : {}),
    },
  ]
}

function leaf(token: Token, inLink: boolean): readonly Piece[] {
  switch (token.type) {
    case 'inline':
      return piecesOf(token.children ?? [], inLink)
    case 'fence':
    case 'code_block': {
      const language = token.info.trim().split(/\s/)[0] ?? ''
      const kids = [token.content]
      return [{ tag: 'pre', kids, ...(language === '' ? {} : { language }) }]
    }
    case 'code_inline':
      return [{ tag: 'code', kids: [token.content] }]
    case 'image':
      return picture(token, inLink)
    case 'hr':
      return [{ tag: 'hr', kids: [] }]
    case 'softbreak':
    case 'hardbreak':
      return [{ tag: 'br', kids: [] }]
    default:
      return [token.content]
  }
}

/** A picture is its words, and a link where it is on the web: nothing is fetched until somebody asks. */
function picture(token: Token, inLink: boolean): readonly Piece[] {
  const href = webAddress(token.attrGet('src'))
  const text = token.content === '' ? (href ?? '') : token.content
  return href === null || inLink ? [text] : [{ tag: 'a', kids: [text], href }]
}

/** An absolute address of the web without a name and password in it; null for anything else. */
function webAddress(text: string | number | null): string | null {
  if (typeof text !== 'string' || !/^https?:\/\//i.test(text)) return null
  try {
    const url = new URL(text)
    return url.username === '' && url.password === '' ? url.href : null
  } catch {
    return null
  }
}
