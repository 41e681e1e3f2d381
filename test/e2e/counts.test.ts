import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../support/buyer.ts'
import { GateProcess } from '../support/gate-process.ts'
import { type FakeUpstream, startFakeUpstream } from '../support/upstream.ts'

/**
 * What one paid request costs, in things that no machine changes: a slower one makes the same
 * promises. The real program serves requests one after another on one connection. Each bound is
 * what has been reached, with some room where the counts differ from run to run. It only goes down.
 */
const REQUESTS = 300
const WARM = 50
const BATCHES = 6
const COUNTING = pathToFileURL(join(import.meta.dirname, '../support/counting.mjs')).href
const LINUX = existsSync('/proc/self/io')

interface Counts {
  readonly promises: number
  readonly timers: number
  readonly immediates: number
  readonly reads: number
  readonly writes: number
}

const KINDS = ['buffered', 'streamed'] as const
type Kind = (typeof KINDS)[number]

let fake: FakeUpstream
let gate: GateProcess
let pass: string
const perRequest = new Map<Kind, Counts>()
const onDisk = { rows: 0, entries: 0, bytes: 0 }

beforeAll(async () => {
  fake = await startFakeUpstream({ deltas: [' one', ' two', ' three'], usage: 'own' })
  gate = new GateProcess({ wallet: 'play', upstream: fake.base.origin })
  await gate.start(hooks())
  pass = await gate.mint(100_000)
  for (const kind of KINDS) perRequest.set(kind, await measure(kind))
  await gate.stop()
  const before = written()
  await gate.start(hooks())
  await ask('buffered', REQUESTS)
  await gate.stop()
  const after = written()
  for (const what of ['rows', 'entries', 'bytes'] as const)
    onDisk[what] = (after[what] - before[what]) / REQUESTS
  // Whoever lowers a bound needs the counts.
  if (process.env.COUNTS_SHOWN !== undefined)
    console.log({ ...Object.fromEntries(perRequest), onDisk })
})

afterAll(async () => {
  await gate.remove()
  await fake.close()
})

const hooks = () => ({
  NODE_OPTIONS: `--import ${COUNTING}`,
  COUNTS_TO: join(gate.folder, 'counts.json'),
})

/**
 * The least of several batches: on a busy machine more pieces arrive one by one and more groups are
 * written, never fewer.
 */
async function measure(kind: Kind): Promise<Counts> {
  await ask(kind, WARM)
  const found: Counts[] = []
  for (let before = await counts(); found.length < BATCHES; ) {
    await ask(kind, REQUESTS / BATCHES)
    const after = await counts()
    const each = (what: keyof Counts): number => (after[what] - before[what]) / (REQUESTS / BATCHES)
    found.push({
      promises: each('promises'),
      timers: each('timers'),
      immediates: each('immediates'),
      reads: each('reads'),
      writes: each('writes'),
    })
    before = after
  }
  const least = (what: keyof Counts): number => Math.min(...found.map((one) => one[what]))
  return {
    promises: least('promises'),
    timers: least('timers'),
    immediates: least('immediates'),
    reads: least('reads'),
    writes: least('writes'),
  }
}

async function ask(kind: Kind, times: number): Promise<void> {
  const body = {
    model: 'fake',
    messages: [{ role: 'user', content: 'hi' }],
    stream: kind === 'streamed',
  }
  const headers = { authorization: `Bearer ${pass}` }
  for (let sent = 0; sent < times; sent += 1) {
    const { status } = await gate.client.ask({ path: '/v1/chat/completions', body, headers })
    if (status !== 200) throw new Error(`${kind} ${sent}: ${status}`)
  }
}

/** The counts of the gate so far. First it may finish what it does after an answer. */
async function counts(): Promise<Counts> {
  await pause(50)
  const path = join(gate.folder, 'counts.json')
  const read = () => (existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : { asked: 0 })
  const { asked } = read()
  gate.signal('SIGUSR2')
  await until(() => read().asked > asked)
  const io = LINUX ? readFileSync(`/proc/${gate.pid}/task/${gate.pid}/io`, 'utf8') : ''
  const of = (name: string): number => Number(new RegExp(`${name}: (\\d+)`).exec(io)?.[1])
  return { ...read(), reads: of('syscr'), writes: of('syscw') }
}

/** What the ledger holds after the gate has stopped. */
function written(): { rows: number; entries: number; bytes: number } {
  const file = join(gate.data, 'ledger.db')
  const ledger = new DatabaseSync(file, { readOnly: true })
  const parts = ledger.prepare('SELECT type, tbl_name, sql FROM sqlite_master').all()
  let [rows, entries] = [0, 0]
  for (const { type, tbl_name, sql } of parts) {
    const some = type === 'index' ? / WHERE (.+)$/s.exec(String(sql))?.[1] : undefined
    const count = `SELECT count(*) AS n FROM ${tbl_name} WHERE ${some ?? 'TRUE'}`
    if (type === 'table') rows += Number(ledger.prepare(count).get()?.n)
    if (type === 'index') entries += Number(ledger.prepare(count).get()?.n)
  }
  ledger.close()
  return { rows, entries, bytes: statSync(file).size }
}

describe('a paid request', () => {
  // The hooks that count add one promise to each await.
  it.each([
    ['buffered', 'promises', 6],
    ['streamed', 'promises', 6],
    // Node's own: of the connection that is kept, and of undici. A busy machine sets some more.
    ['buffered', 'timers', 4],
    ['streamed', 'timers', 4],
    ['buffered', 'immediates', 2.1],
    ['streamed', 'immediates', 2.1],
  ] as const)('%s makes no more %s than %d', (kind, what, most) => {
    expect(perRequest.get(kind)?.[what]).toBeLessThanOrEqual(most)
  })

  // Of the thread that serves. How often the writer of the ledger commits depends on the time that
  // the requests take. Other systems than Linux do not tell.
  it.skipIf(!LINUX).each([
    ['buffered', 'reads', 4],
    ['buffered', 'writes', 4],
    // The six pieces of the answer may come one by one or together.
    ['streamed', 'reads', 8],
    ['streamed', 'writes', 9],
  ] as const)(
    '%s makes no more system calls for %s than %d, as far as Linux counts them',
    (kind, what, most) => {
      expect(perRequest.get(kind)?.[what]).toBeLessThanOrEqual(most)
    },
  )

  it.each([
    ['rows', 2],
    ['entries', 3],
    // The file grows by pages.
    ['bytes', 260],
  ] as const)('leaves no more %s in the ledger than %d', (what, most) => {
    expect(onDisk[what]).toBeLessThanOrEqual(most)
    expect(onDisk[what]).toBeGreaterThan(0)
  })
})
