import type { Out } from '../daemon/host.ts'
import type { Timer, World } from '../floor/world.ts'

/** ms for which lines are gathered, so that they leave in one write. */
const GATHER_MS = 10
/** Characters of one write. */
const PIECE = 64 * 1024
/** Characters that wait for the reader of the log. What comes beyond them is dropped. */
const MOST_WAITING = 4 * 1024 * 1024

/** Lines that were dropped one after the other, and when the first of them was, ms since the epoch. */
export interface Gap {
  readonly lines: number
  readonly since: number
}

/**
 * An output that a program reads. Lines that may wait leave together, in one write. At most one
 * write is under way, and what comes meanwhile waits here: 4 MB at most, then lines are dropped
 * until the reader has taken all that waits. A reader who stopped, closed the pipe or filled its
 * disk neither stops the gate nor makes it grow.
 */
export class GatheredOut implements Out {
  readonly terminal = false
  readonly colour: boolean
  readonly columns: Out['columns']
  /** Lines that were dropped since the start. */
  dropped = 0
  readonly #out: Out
  readonly #world: Pick<World, 'after' | 'now'>
  readonly #resumed: (gap: Gap) => void
  #lines: string[] = []
  /** Characters that wait or are on their way. */
  #size = 0
  #onTheWay = 0
  #timer: Timer | null = null
  /** There was no room. Lines are dropped until all that waits is taken. */
  #full = false
  #gap: { lines: number; readonly since: number } | null = null
  #emptied: (() => void) | null = null

  /** `resumed` is called after a gap, when the reader takes lines again, to tell it of the gap. */
  constructor(out: Out, world: Pick<World, 'after' | 'now'>, resumed: (gap: Gap) => void) {
    this.#out = out
    this.#world = world
    this.#resumed = resumed
    this.colour = out.colour
    this.columns = out.columns
  }

  /** Writes a line at once, behind those that were gathered before. */
  write(line: string): void {
    this.#add(line)
    this.#send()
  }

  /** Writes a line within 10 ms, with those that come until then. */
  soon(line: string): void {
    this.#add(line)
    if (this.#onTheWay > 0 || this.#timer !== null) return
    this.#timer = this.#world.after(GATHER_MS, () => {
      this.#timer = null
      this.#send()
    })
  }

  /** Hands over everything that waits, whether the reader takes it or not. For the last moment. */
  flush(): void {
    const text = this.#lines.splice(0).join('')
    if (text !== '') this.#out.write(text)
  }

  /** Resolves when the reader has taken every line, with false if it has not within `ms`. */
  drained(ms: number): Promise<boolean> {
    this.#send()
    if (this.#size === 0) return Promise.resolve(true)
    return new Promise((resolve) => {
      const late = this.#world.after(ms, () => resolve(false))
      this.#emptied = () => {
        late.cancel()
        resolve(true)
      }
    })
  }

  #add(line: string): void {
    this.#full ||= this.#size + line.length > MOST_WAITING
    if (this.#full) this.#drop(1)
    else {
      this.#size += line.length
      this.#lines.push(line)
    }
  }

  #drop(lines: number): void {
    this.dropped += lines
    this.#gap ??= { lines: 0, since: this.#world.now() }
    this.#gap.lines += lines
  }

  #send(): void {
    if (this.#onTheWay > 0 || this.#lines.length === 0) return
    this.#timer?.cancel()
    this.#timer = null
    const lines = this.#piece()
    const text = lines.join('')
    this.#onTheWay = text.length
    this.#out.write(text, (all) => this.#taken(lines.length, all))
  }

  /** Takes out the lines that leave together: at least one. */
  #piece(): readonly string[] {
    let size = 0
    let count = 0
    for (const line of this.#lines) {
      size += line.length
      if (count > 0 && size > PIECE) break
      count += 1
    }
    return this.#lines.splice(0, count)
  }

  #taken(lines: number, all: boolean): void {
    this.#size -= this.#onTheWay
    this.#onTheWay = 0
    if (!all) this.#drop(lines)
    if (this.#lines.length > 0) this.#send()
    else this.#idle(all)
  }

  /** Nothing waits and nothing is on its way. */
  #idle(works: boolean): void {
    this.#full = false
    const gap = this.#gap
    if (works && gap !== null) {
      this.#gap = null
      this.#resumed(gap)
    }
    if (this.#size === 0) this.#emptied?.()
  }
}
