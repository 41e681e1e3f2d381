import type { FlatHeaders, Reply } from '../../../src/gate/ports.ts'
import type { VirtualWorld } from '../../support/virtual-world.ts'
import { wordsIn } from './upstream.ts'

/** How a reply ended, from the view of its buyer. */
export type Fate = 'open' | 'ended' | 'left' | 'lost'

/** The connection of a buyer. It can read slowly, leave, or lose its gate. */
export class SimReply implements Reply {
  readonly done: Promise<void>
  readonly #world: VirtualWorld
  readonly #slow: boolean
  readonly #chunks: Uint8Array[] = []
  #finish: () => void = () => {}
  #gone: (() => void) | null = null
  #drains: (() => void)[] = []
  #headers: FlatHeaders = []
  status: number | null = null
  fate: Fate = 'open'
  /** How often the gate ended it. Never more than once. */
  ends = 0
  backlog = 0

  constructor(world: VirtualWorld, slow: boolean) {
    this.#world = world
    this.#slow = slow
    this.done = new Promise((resolve) => {
      this.#finish = resolve
    })
  }

  get headSent(): boolean {
    return this.status !== null
  }

  get text(): string {
    return Buffer.concat(this.#chunks).toString('utf8')
  }

  /** Number of words of the model that reached the buyer. */
  get words(): number {
    return wordsIn(this.text)
  }

  head(status: number, headers: FlatHeaders): void {
    if (this.status !== null) throw new Error('two heads')
    this.status = status
    if (this.fate === 'open') this.#headers = headers
  }

  /** A header of the answer, by its name in lower case. */
  header(name: string): string | null {
    const at = this.#headers.findIndex((one, i) => i % 2 === 0 && one.toLowerCase() === name)
    return at < 0 ? null : (this.#headers[at + 1] ?? null)
  }

  /** The values of a header, one for each of its lines. */
  lines(name: string): readonly string[] {
    const lines: string[] = []
    this.#headers.forEach((one, at) => {
      if (at % 2 === 0 && one.toLowerCase() === name) lines.push(this.#headers[at + 1] ?? '')
    })
    return lines
  }

  write(bytes: Uint8Array): boolean {
    this.#take(bytes)
    if (!this.#slow || bytes.length === 0 || this.fate !== 'open') return true
    this.backlog += bytes.length
    this.#drain()
    return false
  }

  end(bytes?: Uint8Array): void {
    this.ends += 1
    if (bytes !== undefined) this.#take(bytes)
    this.#over('ended')
  }

  breakOff(): void {
    this.ends += 1
    this.#over('ended')
  }

  onDrain(then: () => void): void {
    if (this.backlog === 0) queueMicrotask(then)
    else this.#drains.push(then)
  }

  onGone(then: () => void): void {
    if (this.fate === 'left') then()
    else this.#gone = then
  }

  /** The buyer closes the connection. */
  leave(): void {
    if (this.fate !== 'open') return
    this.#over('left')
    this.#gone?.()
  }

  /** The gate was killed. */
  lose(): void {
    this.#over('lost')
  }

  #take(bytes: Uint8Array): void {
    if (this.fate === 'open') this.#chunks.push(bytes)
  }

  #over(fate: Fate): void {
    if (this.fate !== 'open') return
    this.fate = fate
    this.#finish()
  }

  #drain(): void {
    this.#world.after(this.#world.chance.from(50, 900), () => {
      this.backlog = 0
      for (const then of this.#drains.splice(0)) then()
    })
  }
}
