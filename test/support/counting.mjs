/**
 * Loaded into a gate by a test. Counts what the thread that serves creates, from its start on. Each
 * SIGUSR2 writes the counts so far to the file that `COUNTS_TO` names.
 */
import { createHook } from 'node:async_hooks'
import { renameSync, writeFileSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'

if (isMainThread) {
  const counts = { promises: 0, timers: 0, immediates: 0, asked: 0 }
  const kinds = { PROMISE: 'promises', Timeout: 'timers', Immediate: 'immediates' }
  createHook({
    init(_, type) {
      const kind = kinds[type]
      if (kind !== undefined) counts[kind] += 1
    },
  }).enable()
  process.on('SIGUSR2', () => {
    counts.asked += 1
    const to = String(process.env.COUNTS_TO)
    writeFileSync(`${to}.new`, JSON.stringify(counts))
    renameSync(`${to}.new`, to)
  })
}
