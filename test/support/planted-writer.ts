import { existsSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { openForWriter } from '../../src/ledger/sqlite/database.ts'
import { serveWriter, type ThreadData } from '../../src/ledger/sqlite/thread-writer.ts'

/**
 * The thread that writes a ledger, with a fault at a moment that a test chose. The moments of a
 * transaction are told apart by the statements that begin and end it.
 */

/** The file that this thread runs. */
export const PLANTED = new URL(import.meta.url)

export interface Plant {
  /**
   * `sealed`: the group has arrived. `inside`: its rows are written, and not committed. `committed`:
   * it is on disk, and the answer is not sent. `answered`: it is sent.
   */
  readonly at: 'sealed' | 'inside' | 'committed' | 'answered'
  /**
   * `die`: the thread ends. `throw`: the statement fails. `stand`: says so on stdout, and stands
   * still until the process is killed. A number: ms that it stands still.
   */
  readonly does: 'die' | 'throw' | 'stand' | number
  /** How often. Once if it is left out. */
  readonly times?: number
}

const fileOf = (path: string): string => `${path}.plant`

/** Takes effect with the next transaction of the thread. */
export const plant = (path: string, planted: Plant): void =>
  writeFileSync(fileOf(path), JSON.stringify(planted))

export const isPlanted = (path: string): boolean => existsSync(fileOf(path))

function reached(path: string, at: Plant['at']): void {
  if (!isPlanted(path)) return
  const planted: Plant = JSON.parse(readFileSync(fileOf(path), 'utf8'))
  if (planted.at !== at) return
  const { does, times = 1 } = planted
  rmSync(fileOf(path))
  if (times > 1) plant(path, { ...planted, times: times - 1 })
  if (does === 'die') process.exit(1)
  if (does === 'throw') throw new Error('disk full')
  if (does === 'stand') writeSync(1, 'here\n')
  const ms = does === 'stand' ? Number.POSITIVE_INFINITY : does
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

function serve(port: MessagePort, { path, opening }: ThreadData): void {
  const db = openForWriter(path)
  const exec = db.exec.bind(db)
  db.exec = (sql) => {
    if (sql === 'BEGIN IMMEDIATE') reached(path, 'sealed')
    if (sql === 'COMMIT') reached(path, 'inside')
    exec(sql)
    if (sql === 'COMMIT') reached(path, 'committed')
  }
  const post = port.postMessage.bind(port)
  port.postMessage = (said) => {
    post(said)
    // A message that is posted just before the thread ends may be lost with it.
    if (said.ok) setTimeout(() => reached(path, 'answered'), 50)
  }
  serveWriter(port, db, opening)
}

if (parentPort !== null && workerData?.script === import.meta.url) serve(parentPort, workerData)
