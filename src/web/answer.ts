import type { Blocks } from './blocks.ts'
import { make } from './dom.ts'
import { redraw } from './draw.ts'
import { legible } from './legible.ts'
import type { Piece } from './markdown.ts'

/** The end of the text is drawn again after so many frames for so many characters of it. */
const FRAME_FOR = 2_000
const MOST_FRAMES = 12
/** Characters of one element of plain text: the browser lays out anew only the one that grows. */
const MOST_PLAIN = 4_000

/**
 * An answer as it grows on the page. The parser is loaded with the first answer, and not with the
 * page. Until it is loaded, or if it cannot be loaded, the text is shown unchanged.
 */
export class Answer {
  readonly #place: HTMLElement
  readonly #around: (draw: () => void) => void
  #text = ''
  /** The text to draw while there is no parser, and how much of it is drawn. */
  #legible = ''
  #drawn = 0
  #blocks: Blocks | null = null
  #open: readonly Piece[] = []
  #wait = 0
  #planned = false

  /** `around` calls the function that draws, and may keep the end of the text in view. */
  constructor(place: HTMLElement, around: (draw: () => void) => void) {
    this.#place = place
    this.#around = around
    void this.#load()
  }

  /** The answer as the model wrote it. */
  get text(): string {
    return this.#text
  }

  add(text: string): void {
    this.#text += text
    if (this.#blocks === null) this.#legible += legible(this.#legible, text)
    else this.#blocks.add(text)
    this.#plan()
  }

  async #load(): Promise<void> {
    try {
      const { Blocks } = await import('./blocks.ts')
      this.#blocks = new Blocks()
      this.#blocks.add(this.#text)
      this.#around(() => this.#place.replaceChildren())
      this.#plan()
    } catch {
      // The parser could not be loaded. Plain text is an answer too.
    }
  }

  /** One step in each frame, so that the page stays alive however much arrives at once. */
  #plan(): void {
    if (this.#planned) return
    this.#planned = true
    requestAnimationFrame(() => {
      this.#planned = false
      if (this.#blocks === null) this.#plain()
      else if (this.#wait > 0) {
        this.#wait -= 1
        this.#plan()
      } else this.#step(this.#blocks)
    })
  }

  /** One step of the text as it came: paragraphs, of which the last one grows. */
  #plain(): void {
    const last = this.#place.lastElementChild
    const room = MOST_PLAIN - (last?.textContent?.length ?? MOST_PLAIN)
    const next = this.#legible.slice(this.#drawn, this.#drawn + (room > 0 ? room : MOST_PLAIN))
    this.#drawn += next.length
    this.#around(() => {
      if (last !== null && room > 0) last.append(next)
      else this.#place.append(make('p', next, 'plain'))
    })
    if (this.#drawn < this.#legible.length) this.#plan()
  }

  #step(blocks: Blocks): void {
    this.#wait = Math.min(Math.floor(blocks.pending / FRAME_FOR), MOST_FRAMES)
    const { done, open, more } = blocks.step()
    this.#around(() => redraw(this.#place, this.#open, [...done, ...open]))
    this.#open = open
    if (more) this.#plan()
  }
}
