import type { DatabaseSync } from 'node:sqlite'
import { isMainThread, type MessagePort, parentPort, Worker, workerData } from 'node:worker_threads'
import { err, ok, type Result } from '../../floor/result.ts'
import type { Timer } from '../../floor/world.ts'
import { openForWriter } from './database.ts'
import type { GroupWriter, WriterParts } from './group-writer.ts'
import type { JobInput, JobName, JobOutput } from './jobs.ts'
import { type Opening, Writer } from './writer.ts'

/** ms until a thread that has ended is started again: at first, and at most. It doubles. */
const PAUSE = { first: 250, most: 8_000 }
/** ms that `close` waits for the thread. */
const CLOSE_MS = 5_000

/** What the thread is started with. */
export interface ThreadData {
  /** The file that it runs. */
  readonly script: string
  readonly path: string
  readonly opening: Opening
}

type Order =
  | { readonly do: 'write'; readonly group: string; readonly n: number }
  | { readonly do: 'run'; readonly job: JobName; readonly input: JobInput<JobName> }
  | { readonly do: 'close'; readonly clean: boolean }

type Answer = Result<unknown, string>

const READY = 'ready'

/**
 * Writes on a thread of its own and on a connection of its own, so that neither a commit nor a
 * checkpoint stops the event loop. A thread that ends is started again, at growing intervals; what
 * it had not answered is rejected, and the journal gives it again.
 */
export class ThreadWriter implements GroupWriter {
  readonly #parts: WriterParts
  readonly #script: URL
  #worker: Worker | null = null
  /** One for each order without an answer. Orders are answered one after the other. */
  readonly #waiting: PromiseWithResolvers<unknown>[] = []
  #pause = PAUSE.first
  #restart: Timer | null = null
  #closing = false

  /** `script` is the file that the thread runs: this same one, but in tests. */
  constructor(parts: WriterParts, script: URL = new URL(import.meta.url)) {
    this.#parts = parts
    this.#script = script
    // Another connection that writes would look like another process.
    parts.db.exec('PRAGMA query_only = ON')
    this.#start()
  }

  async write(group: string, n: number): Promise<void> {
    await this.#ask({ do: 'write', group, n })
  }

  async run<K extends JobName>(job: K, input: JobInput<K>): Promise<JobOutput<K>> {
    return (await this.#ask({ do: 'run', job, input })) as JobOutput<K>
  }

  async close(clean: boolean): Promise<void> {
    this.#closing = true
    this.#restart?.cancel()
    const worker = this.#worker
    if (worker === null) return
    const over = Promise.withResolvers<void>()
    const bound = this.#parts.world.after(CLOSE_MS, over.resolve)
    const closed = this.#ask({ do: 'close', clean }).catch(() => {})
    await Promise.race([closed, over.promise])
    bound.cancel()
    await worker.terminate()
  }

  #start = (): void => {
    const { opening, path } = this.#parts
    const data: ThreadData = { script: this.#script.href, path, opening }
    const worker = new Worker(this.#script, { workerData: data, stdin: false })
    // It keeps the process alive only while something waits for it.
    worker.unref()
    let why = new Error('the thread that writes the ledger has ended')
    worker.on('message', (said: Answer | typeof READY) => this.#hear(said))
    worker.on('error', (error) => {
      why = error
    })
    worker.on('exit', () => this.#ended(why))
    this.#worker = worker
  }

  #ask(order: Order): Promise<unknown> {
    const worker = this.#worker
    if (worker === null) return Promise.reject(new Error('no thread writes the ledger now'))
    const answer = Promise.withResolvers<unknown>()
    if (this.#waiting.length === 0) worker.ref()
    this.#waiting.push(answer)
    worker.postMessage(order)
    return answer.promise
  }

  #hear(said: Answer | typeof READY): void {
    if (said === READY) {
      this.#parts.onGone(null)
      return
    }
    const answer = this.#waiting.shift()
    if (this.#waiting.length === 0) this.#worker?.unref()
    if (said.ok) {
      this.#pause = PAUSE.first
      answer?.resolve(said.value)
    } else answer?.reject(new Error(said.error))
  }

  #ended(why: Error): void {
    this.#worker = null
    if (!this.#closing) {
      this.#parts.onGone(why)
      this.#restart = this.#parts.world.after(this.#pause, this.#start)
      this.#pause = Math.min(2 * this.#pause, PAUSE.most)
    }
    for (const { reject } of this.#waiting.splice(0)) reject(why)
  }
}

/** Answers the orders of a `ThreadWriter`, one after the other. */
export function serveWriter(port: MessagePort, db: DatabaseSync, opening: Opening): void {
  const writer = new Writer(db, opening)
  port.on('message', (order: Order) => {
    port.postMessage(answerTo(order, writer))
    if (order.do === 'close') db.close()
  })
  port.postMessage(READY)
}

function answerTo(order: Order, writer: Writer): Answer {
  try {
    switch (order.do) {
      case 'write':
        return ok(writer.write(order.group, order.n))
      case 'run':
        return ok(writer.run(order.job, order.input))
      case 'close':
        return ok(order.clean ? writer.finish() : undefined)
    }
  } catch (error) {
    return err(error instanceof Error ? error.message : String(error))
  }
}

if (!isMainThread && parentPort !== null && workerData?.script === import.meta.url) {
  const { opening, path }: ThreadData = workerData
  serveWriter(parentPort, openForWriter(path), opening)
}
