import type { Thread } from './thread.ts'
import { type Measured, measure, pieceEnd } from './tokens.ts'

/** Whose prompt is counted. All clients without a pass together have the share of one account. */
export type Asker =
  | { readonly account: string; readonly client?: never }
  | { readonly client: string; readonly account?: never }

/**
 * Texts of up to so many characters are counted at once, because sending them to the thread would
 * take longer.
 */
const SHORT = 1_000
/** Characters that the thread counts before it is somebody else's turn. */
const SLICE = 16_000
/**
 * At most so many characters of strangers wait. The thread counts them in less than two seconds.
 */
const MOST_OF_STRANGERS = 400_000
const STRANGERS = ' strangers'

interface Job {
  readonly text: string
  readonly asker: Asker
  readonly done: (measured: Measured | null) => void
  at: number
  tokens: number
  white: number
}

/**
 * Counts the tokens of prompts. Long prompts are counted on another thread, in slices, and the
 * askers take turns. So nobody waits for the whole text of somebody else (threats J19).
 */
export class TokenCounter {
  readonly #start: () => Promise<Thread>
  readonly #shares = new Map<string, Job[]>()
  readonly #clients = new Set<string>()
  #strangers = 0
  #thread: Promise<Thread> | null = null
  #running = false
  #closed = false

  constructor(start: () => Promise<Thread> = threadWhenNeeded) {
    this.#start = start
  }

  /**
   * Counts the tokens of a text. Null if the text is a stranger's and there is no room: strangers
   * may have one text for each client at a time, and all their texts together have a bounded
   * length. A text of an account is always counted, but perhaps late.
   */
  async measure(text: string, asker: Asker): Promise<Measured | null> {
    if (text.length <= SHORT) return measure(text)
    if (this.#closed || !this.#hasRoom(text, asker)) return null
    if (asker.client !== undefined) {
      this.#clients.add(asker.client)
      this.#strangers += text.length
    }
    return new Promise((done) => {
      this.#add({ text, asker, done, at: 0, tokens: 0, white: 0 })
      if (this.#running) return
      this.#run().catch(() => {
        this.#running = false
      })
    })
  }

  /** Ends the thread. Texts that still wait are not counted. */
  async close(): Promise<void> {
    this.#closed = true
    const thread = await this.#thread?.catch(() => null)
    await thread?.stop()
  }

  #hasRoom(text: string, { client }: Asker): boolean {
    if (client === undefined) return true
    return !this.#clients.has(client) && this.#strangers + text.length <= MOST_OF_STRANGERS
  }

  #add(job: Job): void {
    const share = job.asker.account ?? STRANGERS
    const jobs = this.#shares.get(share)
    if (jobs === undefined) this.#shares.set(share, [job])
    else jobs.push(job)
  }

  /** The next job. The shares take turns, and so do the jobs of one share. */
  #next(): Job | null {
    const first = this.#shares.entries().next().value
    if (first === undefined) return null
    const [share, jobs] = first
    this.#shares.delete(share)
    const job = jobs.shift()
    if (jobs.length > 0) this.#shares.set(share, jobs)
    return job ?? null
  }

  async #run(): Promise<void> {
    this.#running = true
    for (let job = this.#next(); job !== null; job = this.#next()) {
      const measured = await this.#slice(job)
      if (measured === null) this.#end(job, null)
      else this.#advance(job, measured)
    }
    this.#running = false
  }

  #advance(job: Job, { tokens, white }: Measured): void {
    job.tokens += tokens
    job.white += white
    if (job.at < job.text.length) this.#add(job)
    else this.#end(job, { tokens: job.tokens, white: job.white })
  }

  /** Counts a slice. Null if it could not be counted. */
  async #slice(job: Job): Promise<Measured | null> {
    if (this.#closed) return null
    const to = pieceEnd(job.text, job.at, SLICE)
    const slice = job.text.slice(job.at, to)
    job.at = to
    try {
      this.#thread ??= this.#start()
      return await (await this.#thread).measure(slice)
    } catch {
      this.#thread = null
      return this.#without(slice, job.asker).catch(() => null)
    }
  }

  /** If the thread fails, texts of accounts are still counted here, one slice at a time. */
  async #without(slice: string, asker: Asker): Promise<Measured | null> {
    if (this.#closed || asker.account === undefined) return null
    return measure(slice)
  }

  #end(job: Job, measured: Measured | null): void {
    if (job.asker.client !== undefined) {
      this.#clients.delete(job.asker.client)
      this.#strangers -= job.text.length
    }
    job.done(measured)
  }
}

async function threadWhenNeeded(): Promise<Thread> {
  const { startThread } = await import('./thread.ts')
  return startThread()
}
