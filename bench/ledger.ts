/**
 * What a large ledger costs: how fast a gate starts on it, and how long reading it stops a running
 * stream. See README.md. `--holds N` (1,000,000), `--entry FILE` measures another satgate,
 * `--keep FOLDER` keeps the file there for the next run.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { askRunningGate } from '../src/daemon/control.ts'
import { ledgerIn, socketIn } from '../src/daemon/folder.ts'
import { makeLedger } from './ledger-file.ts'
import type { Pauses, Watched } from './ledger-stream.ts'

const { values } = parseArgs({
  options: {
    holds: { type: 'string', default: '1000000' },
    entry: { type: 'string', default: 'bin/satgate.ts' },
    keep: { type: 'string' },
  },
})
const ROOT = join(import.meta.dirname, '..')
const METRICS = 19_402
const ENV = { ...process.env, SATGATE_METRICS: `127.0.0.1:${METRICS}` }
/** ms. No start and no answer takes so long, even of the largest file. */
const LONGEST = 540_000

const children: ChildProcess[] = []

function launch(args: readonly string[], out: 'inherit' | number): ChildProcess {
  const stdio = ['ignore', out, 'inherit', ...(out === 'inherit' ? ['ipc'] : [])] as 'inherit'[]
  const child = spawn(process.execPath, [...args], { stdio, cwd: ROOT, env: ENV })
  children.push(child)
  return child
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill(signal)
  await once(child, 'exit')
}

interface Gate {
  readonly child: ChildProcess
  readonly port: number
  /** From the start of the process until it says that it is ready. */
  readonly ms: number
}

async function startGate(folder: string, upstream: number): Promise<Gate> {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const log = join(folder, 'stdout.jsonl')
  const from = performance.now()
  const at = ['--upstream', `http://127.0.0.1:${upstream}`, '--data-dir', folder, '--port', '0']
  const flags = ['--wallet', 'play', '--price', '0.001']
  const child = launch([values.entry, ...at, ...flags, '--json'], openSync(log, 'w'))
  while (performance.now() - from < LONGEST) {
    if (child.exitCode !== null) throw new Error(`the gate did not start: ${readFileSync(log)}`)
    const ready = /^.*"ready".*$/m.exec(readFileSync(log, 'utf8'))
    if (ready !== null) {
      const ms = performance.now() - from
      return { child, ms, port: Number(new URL(JSON.parse(ready[0]).url).port) }
    }
    await pause(10)
  }
  throw new Error('the gate was not ready in time')
}

async function page(port: number, path: string, authorization = ''): Promise<string> {
  const asked = get({ port, host: '127.0.0.1', path, headers: { authorization } })
  const [response] = await once(asked, 'response')
  let text = ''
  for await (const chunk of response) text += chunk
  if (response.statusCode !== 200) throw new Error(`${path} answered ${response.statusCode}`)
  return text
}

async function ask(folder: string, question: object): Promise<void> {
  const answered = await askRunningGate(socketIn(folder), question)
  if (!answered.ok) throw new Error(`${JSON.stringify(question)}: ${answered.error.why}`)
  const { balanced = true } = Object(answered.value)
  if (!balanced) throw new Error(`the books do not balance: ${JSON.stringify(answered.value)}`)
}

const readings = (folder: string, port: number, authorization: string) => ({
  'nothing (1 s)': () => pause(1_000),
  'GET /metrics': () => page(METRICS, '/metrics'),
  'satgate earnings': () => ask(folder, { ask: 'earnings' }),
  'GET /v1/usage': () => page(port, '/v1/usage?limit=100', authorization),
  'ledger accounts --limit 50': () => ask(folder, { ask: 'accounts', limit: 50, account: null }),
  'ledger accounts --limit 100000': () =>
    ask(folder, { ask: 'accounts', limit: 100_000, account: null }),
  'ledger entries --limit 50': () => ask(folder, { ask: 'entries', limit: 50, account: null }),
  'ledger entries --account': async () => {
    const name = JSON.parse(await page(port, '/v1/balance', authorization)).account
    await ask(folder, { ask: 'entries', limit: 50, account: name })
  },
  'ledger verify': () => ask(folder, { ask: 'verify' }),
})

interface Row {
  readonly what: string
  readonly ms: number
  readonly pauses: Pauses | null
}

async function watch(folder: string, gate: Gate, upstream: number): Promise<void> {
  const mint = ['pass', 'mint', '--sats', '1000000', '--data-dir', folder, '--json']
  const minted = execFileSync(process.execPath, [values.entry, ...mint], {
    encoding: 'utf8',
    cwd: ROOT,
  })
  const authorization = `L402 ${/[\w+/=-]+:[0-9a-f]{64}\b/.exec(minted)?.[0]}`
  const reader = launch([join(import.meta.dirname, 'ledger-stream.ts'), 'reader'], 'inherit')
  const pausesNow = async (): Promise<Pauses> => {
    const answer = once(reader, 'message')
    reader.send('tell')
    return (await answer)[0]
  }
  reader.send({ direct: upstream, gate: gate.port, authorization } satisfies Watched)
  await pause(1_500)
  await pausesNow()
  for (const [what, read] of Object.entries(readings(folder, gate.port, authorization))) {
    const from = performance.now()
    await read()
    const ms = performance.now() - from
    // The last event that was late has arrived by then.
    await pause(100)
    print({ what, ms, pauses: await pausesNow() })
  }
  await end(reader, 'SIGTERM')
}

const line = (cells: readonly string[]): void => console.log(`| ${cells.join(' | ')} |`)

/** Each row is printed when it is known, because a large ledger takes minutes. */
function print({ what, ms, pauses }: Row): void {
  const stopped = pauses === null ? [] : [pauses.direct, pauses.gate, pauses.gate - pauses.direct]
  const shown = pauses === null ? ['–', '–', '–'] : stopped.map((n) => Math.max(0, n).toFixed(1))
  line([what, Math.round(ms).toLocaleString('en'), ...shown])
}

async function run(folder: string): Promise<void> {
  const size = (statSync(ledgerIn(folder)).size / 1e6).toFixed(0)
  console.log(`${values.holds} holds, ${size} MB, ${values.entry}`)
  const started = launch([join(import.meta.dirname, 'ledger-stream.ts'), 'upstream'], 'inherit')
  const [{ port: upstream }] = await once(started, 'message')
  line(['what', 'ms', 'pause direct', 'pause gate', 'stopped ms'])
  line(Array(5).fill('--'))
  const timed = async (what: string): Promise<Gate> => {
    const gate = await startGate(folder, upstream)
    print({ what, ms: gate.ms, pauses: null })
    return gate
  }
  const empty = await startGate(join(folder, '..', 'empty'), upstream)
  print({ what: 'start on an empty folder', ms: empty.ms, pauses: null })
  await end(empty.child, 'SIGTERM')
  const first = await timed('first start (migrates)')
  await end(first.child, 'SIGTERM')
  const second = await timed('start after a stop')
  await end(second.child, 'SIGKILL')
  const third = await timed('start after kill -9')
  await pause(1_000)
  await watch(folder, third, upstream)
  await end(third.child, 'SIGTERM')
  await end(started, 'SIGTERM')
}

const base = mkdtempSync(join(tmpdir(), 'satgate-ledger-'))
try {
  const made = values.keep ?? join(base, 'made')
  const from = performance.now()
  if (!existsSync(ledgerIn(made))) makeLedger(made, Number(values.holds))
  console.log(`the file was there after ${((performance.now() - from) / 1000).toFixed(1)} s`)
  const folder = join(base, 'run')
  cpSync(made, folder, { recursive: true })
  await run(folder)
} finally {
  for (const child of children) await end(child, 'SIGKILL')
  rmSync(base, { recursive: true, force: true })
}
