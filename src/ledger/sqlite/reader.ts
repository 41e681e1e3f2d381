import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { Reads } from './reads.ts'
import type { Told } from './verify.ts'

/** Reads a ledger file: here, or on a thread of its own. */

type Asked = Exclude<keyof Reads, 'close'>
type Args<K extends Asked> =
  Parameters<Reads[K]> extends [...infer A, Told] ? A : Parameters<Reads[K]>

export interface Reader {
  /** It has ended by itself, and answers no more. */
  readonly ended: boolean
  /** Calls that method of `Reads`. `told` is for those that report how far they are. */
  call<K extends Asked>(name: K, args: Args<K>, told?: Told): Promise<ReturnType<Reads[K]>>
  close(): Promise<void>
}

export type StartReader = () => Reader

/** Reads on this thread: for commands on a folder where no gate runs. */
export function readHere(path: string): Reader {
  const reads = new Reads(path)
  return {
    ended: false,
    call: async (name, args, told) => run(reads, { name, args }, told ?? (() => {})) as never,
    async close() {
      reads.close()
    },
  }
}

interface Question {
  readonly name: Asked
  readonly args: readonly unknown[]
}

function run(reads: Reads, { args, name }: Question, told: Told): unknown {
  const read = reads[name] as (...args: unknown[]) => unknown
  return read.call(reads, ...args, told)
}

type Answer =
  | { readonly told: string }
  | { readonly ok: unknown }
  | { readonly error: string; readonly errcode: unknown }

interface Waiting extends PromiseWithResolvers<unknown> {
  readonly told: Told
}

const MARK = 'satgate reads a ledger'

/**
 * Reads on a thread of its own, one question after the other. The thread runs this same file. It
 * does not keep the process alive, and whoever waits when it ends is told so.
 */
export function readOnThread(path: string): Reader {
  const data = { mark: MARK, path }
  const worker = new Worker(new URL(import.meta.url), { workerData: data, stdin: false })
  worker.unref()
  const waiting: Waiting[] = []
  let ended: Error | null = null
  const gone = (error: Error): void => {
    ended ??= error
    for (const { reject } of waiting.splice(0)) reject(ended)
  }
  worker.on('message', (answer: Answer) => {
    if ('told' in answer) waiting[0]?.told(answer.told)
    else if ('ok' in answer) waiting.shift()?.resolve(answer.ok)
    else
      waiting.shift()?.reject(Object.assign(new Error(answer.error), { errcode: answer.errcode }))
  })
  worker.on('error', gone)
  worker.on('exit', () => gone(new Error('the thread that reads the ledger has ended')))
  return {
    get ended() {
      return ended !== null
    },
    call(name, args, told) {
      if (ended !== null) return Promise.reject(ended)
      const one = { ...Promise.withResolvers<unknown>(), told: told ?? (() => {}) }
      waiting.push(one)
      worker.postMessage({ name, args } satisfies Question)
      return one.promise as never
    },
    async close() {
      await worker.terminate()
    },
  }
}

if (!isMainThread && workerData?.mark === MARK) {
  const reads = new Reads(workerData.path)
  const say = (answer: Answer): void => parentPort?.postMessage(answer)
  parentPort?.on('message', (question: Question) => {
    try {
      say({ ok: run(reads, question, (told) => say({ told })) })
    } catch (error) {
      const { errcode } = Object(error)
      say({ error: error instanceof Error ? error.message : String(error), errcode })
    }
  })
}
