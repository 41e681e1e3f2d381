import { legible } from './legible.ts'
import { type Block, blocksOf, type Definitions, type Piece } from './markdown.ts'

/** Characters that are parsed at once: this bounds the time that a hostile text can cost. */
export const MOST = 8_000
/** Cells of tables that one step may draw, and one answer. A browser that lays out more of them hangs. */
const CELLS_OF_STEP = 5_000
const CELLS = 20_000

/** What one step found: `done` blocks stay as they are, `open` is what the end of the text makes. */
export interface Step {
  readonly done: readonly Piece[]
  readonly open: readonly Piece[]
  /** There is text that no step has parsed yet. */
  readonly more: boolean
}

/**
 * Turns a growing text into blocks. Only the last block can still change, so each step parses from
 * the start of that block. A block longer than `MOST` is divided, except a code block, whose content
 * costs the parser nothing.
 */
export class Blocks {
  #text = ''
  /** Where the first block starts that is not done. */
  #from = 0
  /** Characters of one step. */
  #size = MOST
  readonly #definitions: Definitions = {}
  /** Cells that are left of those of the answer. */
  #cells = CELLS

  /** The whole text. */
  get text(): string {
    return this.#text
  }

  /** Characters that the next step parses. */
  get pending(): number {
    return Math.min(this.#text.length - this.#from, this.#size)
  }

  add(text: string): void {
    this.#text += legible(this.#text, text)
  }

  step(): Step {
    const rest = this.#text.slice(this.#from)
    const more = rest.length > this.#size
    const part = more ? wholeLines(rest.slice(0, this.#size)) : rest
    const blocks = this.#look(part)
    const last = blocks.at(-1)
    const end = last === undefined ? 0 : offset(part, last.line)
    if (!more) return { done: this.#finish(end), open: partsOf(blocks.slice(-1)), more }
    if (last !== undefined && isCode(last.part) && blocks.length === 1) {
      this.#size += MOST
      return { done: [], open: [last.part], more }
    }
    const item = last?.lastItem ?? null
    const divided = item === null ? part.length : offset(part, item)
    return { done: this.#finish(blocks.length > 1 ? end : divided), open: [], more }
  }

  /** The blocks of a text that may go on: a definition at its end may be half of one. */
  #look(text: string): readonly Block[] {
    const known: Definitions = Object.create(this.#definitions)
    return blocksOf(text, known, this.#room)
  }

  get #room(): number {
    return Math.min(this.#cells, CELLS_OF_STEP)
  }

  /** So many characters are done. */
  #finish(length: number): readonly Piece[] {
    if (length === 0) return []
    const text = this.#text.slice(this.#from, this.#from + length)
    this.#from += length
    this.#size = MOST
    const done = partsOf(blocksOf(text, this.#definitions, this.#room))
    this.#cells -= cellsIn(done)
    return done
  }
}

const partsOf = (blocks: readonly Block[]): readonly Piece[] => blocks.map(({ part }) => part)

const cellsIn = (pieces: readonly Piece[]): number =>
  pieces.reduce((sum, piece) => {
    if (typeof piece === 'string') return sum
    return sum + (piece.tag === 'td' || piece.tag === 'th' ? 1 : cellsIn(piece.kids))
  }, 0)

const isCode = (piece: Piece): boolean => typeof piece !== 'string' && piece.tag === 'pre'

/** Without the last line, which may go on, unless there is no other. */
function wholeLines(text: string): string {
  const end = text.lastIndexOf('\n') + 1
  return end === 0 ? text : text.slice(0, end)
}

/** Where that line of a text starts. */
function offset(text: string, line: number): number {
  let at = 0
  for (let passed = 0; passed < line; passed += 1) at = text.indexOf('\n', at) + 1
  return at
}
