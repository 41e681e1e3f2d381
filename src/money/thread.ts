import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { type Measured, measure } from './tokens.ts'

/** Counts texts somewhere else, one after the other. */
export interface Thread {
  /** Rejects where the thread is gone. */
  measure(text: string): Promise<Measured>
  /** What waits is rejected. */
  stop(): Promise<void>
}

const MARK = 'satgate counts tokens'

/**
 * A thread that counts tokens, so that a long prompt stops nobody's stream (threats J19). This very
 * file is what runs in it. It does not keep the process alive.
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
