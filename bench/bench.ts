/**
 * Measures what satgate costs, compared with a bare Node proxy, with nginx and with no proxy: the
 * same work through each of them in turn, in one run. README.md explains the figures, and why only
 * ratios can be compared between machines.
 *
 * npm run bench [-- --quick] [-- --write] [-- --only buffered,burst] [-- --against PATH]
 *   [-- --entry dist/bin/satgate.js]
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, tmpdir, type } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { Inspector } from './inspect.ts'
import { longestPauses, measureHeap, measureResident, onNode } from './memory.ts'
import { pinning, program, type Running, startOurs, startUpstream, stopAll } from './processes.ts'
import { type Measured, number, type Target, tableOf, writeReadme } from './report.ts'
import { type Bench, measure, wrongAnswer } from './rounds.ts'
import { startBare, startNginx, startSatgate } from './targets.ts'
import type { Kind } from './work.ts'
import { WORKS } from './works.ts'

const NAMES = [...WORKS.map(({ name }) => name), 'memory', 'heap']

async function main(): Promise<void> {
  const { values: options } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      only: { type: 'string' },
      entry: { type: 'string', default: join(import.meta.dirname, '../bin/satgate.ts') },
      against: { type: 'string' },
    },
  })
  const only = options.only?.split(',') ?? NAMES
  const unknown = only.filter((name) => !NAMES.includes(name))
  if (unknown.length > 0) throw new Error(`--only ${unknown}: there is ${NAMES.join(', ')}`)
  const entries = [options.entry, ...(options.against === undefined ? [] : [options.against])]
  for (const entry of entries)
    if (!existsSync(entry)) throw new Error(`there is no ${entry} to measure`)
  const busy = loadavg()[0] ?? 0
  const folder = mkdtempSync(join(tmpdir(), 'satgate-bench-'))
  try {
    const bench = await start(entries, { folder, quick: options.quick, only })
    const measured = await run(bench, only, options.quick)
    const text = `${tableOf(measured, [...bench.targets.keys()])}\n\n${circumstances(bench, options, busy)}`
    console.log(`\n${text}`)
    for (const wrong of bench.wrong) console.error(`wrong: ${wrong}`)
    if (bench.wrong.length > 0) process.exitCode = 1
    else if (options.write) writeReadme('npm run bench -- --write', text)
  } finally {
    await stopAll()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The quick mode leaves out what only a report needs: no proxy, and nginx. */
async function start(
  [entry = '', against]: readonly string[],
  { folder, quick, only }: { folder: string; quick: boolean; only: readonly string[] },
): Promise<Bench> {
  const upstream = await startUpstream()
  const targets = new Map<Target, Running>()
  if (!quick) targets.set('direct', upstream)
  targets.set('bare', await startBare(upstream.port, join(folder, 'bare')))
  const nginx = quick ? null : await startNginx(upstream.port, join(folder, 'nginx'))
  if (nginx) targets.set('nginx', nginx)
  else if (!quick) console.error('there is no nginx here: it has no column')
  const satgate = (path: string, name: string) =>
    startSatgate(upstream.port, { entry: resolve(path), folder: join(folder, name) })
  if (against !== undefined) targets.set('before', await satgate(against, 'before'))
  targets.set('satgate', await satgate(entry, 'satgate'))
  const full = { rounds: 7, warm: { requests: 40_000, seconds: 120 }, shorter: 1 }
  const bench = { load: startOurs('load.ts'), targets, wrong: [], ...full }
  if (quick)
    Object.assign(bench, { rounds: 4, warm: { requests: 8_000, seconds: 4 }, shorter: 0.4 })
  // An older satgate of `--against` need not know the APIs of works that are not asked for.
  const works = WORKS.filter((work) => only.includes(work.name))
  const kinds = new Set<Kind>(['burst', 'paced', ...works.map(({ kind }) => kind)])
  for (const [name, target] of targets) {
    for (const kind of kinds) {
      const wrong = await wrongAnswer(target, kind)
      if (wrong !== null) throw new Error(`${name}: ${wrong}`)
    }
  }
  return bench
}

async function run(bench: Bench, only: readonly string[], quick: boolean): Promise<Measured[]> {
  for (const [, target] of onNode(bench)) {
    const inspector = await Inspector.of(target)
    await inspector.watchPauses()
    inspector.close()
  }
  const measured: Measured[] = []
  for (const work of WORKS.filter(({ name }) => only.includes(name))) {
    const names = [...bench.targets.keys()]
    const asked = work.unpaid
      ? names.filter((name) => name !== 'direct' && name !== 'nginx')
      : names
    measured.push(...(await measure(bench, work, asked)))
  }
  if (only.includes('memory')) measured.push(...(await measureResident(bench, quick ? 1 : 3)))
  measured.push(...(await longestPauses(bench)))
  if (only.includes('heap')) measured.push(...(await measureHeap(bench, quick ? 50_000 : 1e6)))
  return measured
}

/** What a reader needs to repeat the run. `busy` is the load of the machine before it. */
function circumstances(
  { rounds, warm }: Bench,
  { quick, only }: { readonly quick: boolean; readonly only?: string | undefined },
  busy: number,
): string {
  const nginx = program('nginx')
  const version = nginx === null ? 'no nginx' : nginxVersion(nginx)
  const cpu = `${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown'}`
  const cores = pinning ? 'proxy on the last core' : 'not pinned to cores'
  const flags = [quick ? ' --quick' : '', only === undefined ? '' : ` --only ${only}`].join('')
  const command = flags === '' ? 'npm run bench' : `npm run bench --${flags}`
  const how = `${rounds} rounds, warmed by ${number(warm.requests, 0)} requests (${warm.seconds} s at most) of each work`
  return `\`${command}\` · ${how} · Node ${process.version} · ${version} · ${type()} · ${cpu}, ${cores}, load ${busy.toFixed(1)} before`
}

function nginxVersion(nginx: string): string {
  // nginx writes its version to stderr, so the shell redirects it.
  const text = execFileSync('sh', ['-c', '"$0" -v 2>&1', nginx], { encoding: 'utf8' })
  return text.replace(/^.*version: /s, '').trim()
}

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void stopAll().then(() => process.exit(1)))
await main()
