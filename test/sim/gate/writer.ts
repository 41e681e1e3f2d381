import { sleep } from '../../../src/floor/world.ts'
import type { GroupWriter, WriterParts } from '../../../src/ledger/sqlite/group-writer.ts'
import { InlineWriter } from '../../../src/ledger/sqlite/inline-writer.ts'
import type { JobInput, JobName, JobOutput } from '../../../src/ledger/sqlite/jobs.ts'
import type { Chance } from '../../support/virtual-world.ts'

/** What happens to one group. The last two: it is on disk, and the writer has ended before it. */
const FATES = [
  ...(['soon', 'soon', 'soon', 'soon', 'soon', 'soon', 'soon', 'soon'] as const),
  ...(['later', 'later', 'slow', 'full', 'answer lost', 'dead'] as const),
]
type Fate = (typeof FATES)[number]

/** How often in a row a group may fail. A ledger that is closed tries it three times. */
const MOST_FAILURES = 2

export interface SimWriterParts {
  readonly chance: Chance
  /** True while nothing fails. */
  readonly isCalm: () => boolean
  /** A planted mistake: it answers at once and writes later. */
  readonly tooEarly?: boolean
}

/**
 * Writes groups in virtual time, as a thread with a disk would: an answer comes late, a disk is full
 * for a while, a group is written and its answer lost, the writer ends and is there again. After its
 * process was killed it writes nothing more.
 */
export class SimWriter implements GroupWriter {
  readonly #parts: WriterParts
  readonly #inner: InlineWriter
  readonly #about: SimWriterParts
  #failures = 0
  #earlier: Promise<void> = Promise.resolve()
  #onDiskUntil: number

  constructor(parts: WriterParts, about: SimWriterParts) {
    this.#parts = parts
    this.#inner = new InlineWriter(parts)
    this.#about = about
    this.#onDiskUntil = parts.world.elapsed()
  }

  /** ms of `elapsed`. Whatever was decided before is on disk. */
  get onDiskUntil(): number {
    return this.#onDiskUntil
  }

  async write(group: string, n: number): Promise<void> {
    const written = this.#earlier.then(() => this.#write(group, n))
    if (this.#about.tooEarly !== true) return written
    this.#earlier = written.catch(() => {})
  }

  async #write(group: string, n: number): Promise<void> {
    const { chance } = this.#about
    const { onGone, world } = this.#parts
    const fate = this.#fate()
    const sealedAt = world.elapsed()
    await sleep(world, this.#waits(fate))
    if (fate === 'full') throw new Error('database or disk is full')
    if (fate === 'dead') {
      onGone(new Error('the writer has ended'))
      world.after(chance.one([250, 900]), () => onGone(null))
      throw new Error('the writer has ended')
    }
    await this.#inner.write(group, n)
    this.#onDiskUntil = sealedAt
    await sleep(world, chance.one([0, 2, 30]))
    if (fate === 'answer lost') throw new Error('the writer has ended')
    this.#failures = 0
  }

  run<K extends JobName>(job: K, input: JobInput<K>): Promise<JobOutput<K>> {
    return this.#inner.run(job, input)
  }

  close(clean: boolean): Promise<void> {
    return this.#inner.close(clean)
  }

  #fate(): Fate {
    const { chance, isCalm, tooEarly } = this.#about
    const fate =
      isCalm() || tooEarly === true ? chance.one(['soon', 'later'] as const) : chance.one(FATES)
    const fails = fate === 'full' || fate === 'answer lost' || fate === 'dead'
    if (!fails) return fate
    this.#failures += 1
    return this.#failures > MOST_FAILURES ? 'soon' : fate
  }

  #waits(fate: Fate): number {
    const { chance } = this.#about
    if (fate === 'slow') return chance.from(1_900, 4_000)
    return fate === 'later' ? chance.from(20, 600) : chance.from(0, 8)
  }
}
