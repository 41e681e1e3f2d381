import type { Thread } from './thread.ts'
import { type Measured, measure, pieceEnd, prepare } from './tokens.ts'

/** Whose work it is. All clients without a pass have one account's share together. */
export type Asker =
  | { readonly account: string; readonly client?: never }
  | { readonly client: string; readonly account?: never }

/** Characters that are counted at once, where the thread is not worth the way to it. */
const SHORT = 1_000
/** Characters that the thread counts in one go before it is somebody else's turn. */
const SLICE = 16_000
/** Characters of strangers that wait at most: less than two seconds of the thread's time. */
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
 * Counts the tokens of prompts. Long ones are counted in a thread, a slice of each asker's in turn,
 * so that nobody waits for all of somebody else's text (threats J19).
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
   * Tokens of a text. Null where it is a stranger's and there is no room: one text of each client at
   * a time, and a bounded length of all. Whoever has an account is always counted, if late.
   */
  async measure(text: string, asker: Asker): Promise<Measured | null> {
    if (text.length <= SHORT) {
      await prepare()
      return measure(text)
    }
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

  /** Ends the thread. What still waits is not counted. */
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

  /** The next in turn: shares one after the other, and in each share its jobs one after the other. */
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

  /** Counts a slice. Null: not counted. */
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

  /** Without the thread, whoever pays is still counted, a slice at a time. */
  async #without(slice: string, asker: Asker): Promise<Measured | null> {
    if (this.#closed || asker.account === undefined) return null
    await prepare()
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
