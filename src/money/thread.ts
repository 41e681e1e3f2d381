import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { type Measured, measure } from './tokens.ts'

/** Counts texts on another thread, one after the other. */
export interface Thread {
  /** Rejects if the thread has ended. */
  measure(text: string): Promise<Measured>
  /** Ends the thread. Texts that still wait are rejected. */
  stop(): Promise<void>
}

const MARK = 'satgate counts tokens'

/**
 * Starts a thread that counts tokens, so that a long prompt does not stop the streams of others
 * (threats J19). The thread runs this same file. It does not keep the process alive.
 */
export function startThread(): Thread {
  const worker = new Worker(new URL(import.meta.url), { workerData: MARK, stdin: false })
  worker.unref()
  const waiting: PromiseWithResolvers<Measured>[] = []
  const gone = (error: Error): void => {
    for (const { reject } of waiting.splice(0)) reject(error)
  }
  let stopped: Error | null = null
  worker.on('message', (measured: Measured) => waiting.shift()?.resolve(measured))
  worker.on('error', gone)
  worker.on('exit', () => {
    stopped = new Error('the thread that counts tokens has ended')
    gone(stopped)
  })
  return {
    measure(text) {
      if (stopped !== null) return Promise.reject(stopped)
      const one = Promise.withResolvers<Measured>()
      waiting.push(one)
      worker.postMessage(text)
      return one.promise
    },
    async stop() {
      await worker.terminate()
    },
  }
}

if (!isMainThread && workerData === MARK) {
  parentPort?.on('message', (text: string) => parentPort?.postMessage(measure(text)))
}
