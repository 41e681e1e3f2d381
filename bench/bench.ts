/**
 * Measures what satgate costs, compared with nginx and with no proxy: the same work through each of
 * them in turn, in one run. README.md explains the figures, and why only ratios can be compared
 * between machines.
 *
 * npm run bench [-- --quick] [-- --write] [-- --entry dist/bin/satgate.js]
 */
import { type ChildProcess, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, tmpdir, type } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import {
  cpuSeconds,
  pinning,
  program,
  type Running,
  residentMb,
  startNginx,
  startOurs,
  startSatgate,
  startUpstream,
  stopAll,
} from './processes.ts'
import { type Measured, type Target, tableOf, writeReadme } from './report.ts'
import { type Figures, type Job, type Kind, requestOf } from './work.ts'
import { type Sample, WORKS, type Work } from './works.ts'

interface Bench {
  readonly load: ChildProcess
  readonly targets: ReadonlyMap<Target, Running>
  readonly authorization: string
  readonly rounds: number
  readonly shorter: number
  readonly wrong: string[]
}

async function main(): Promise<void> {
  const { values: options } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      entry: { type: 'string', default: join(import.meta.dirname, '../bin/satgate.ts') },
    },
  })
  const entry = resolve(options.entry)
  if (!existsSync(entry)) throw new Error(`there is no ${entry} to measure`)
  const busy = loadavg()[0] ?? 0
  const folder = mkdtempSync(join(tmpdir(), 'satgate-bench-'))
  try {
    const bench = await start(entry, { folder, quick: options.quick })
    const measured: Measured[] = []
    for (const work of WORKS) measured.push(...(await measure(bench, work)))
    const text = `${tableOf(measured)}\n\n${circumstances(options.quick, busy)}`
    console.log(`\n${text}`)
    for (const wrong of bench.wrong) console.error(`wrong: ${wrong}`)
    if (bench.wrong.length > 0) process.exitCode = 1
    else if (options.write) writeReadme(text)
  } finally {
    await stopAll()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function start(
  entry: string,
  { folder, quick }: { folder: string; quick: boolean },
): Promise<Bench> {
  const upstream = await startUpstream()
  const nginx = await startNginx(upstream.port, join(folder, 'nginx'))
  if (nginx === null)
    console.error('there is no nginx here: its column, and the ratios, stay empty')
  const satgate = await startSatgate(upstream.port, { entry, folder: join(folder, 'satgate') })
  const targets = new Map<Target, Running>([['direct', upstream]])
  if (nginx) targets.set('nginx', nginx)
  targets.set('satgate', satgate)
  const { authorization } = satgate
  for (const [name, { port }] of targets) await check(name, port, authorization)
  const [rounds, shorter] = quick ? [1, 0.4] : [3, 1]
  return { load: startOurs('load.ts'), targets, authorization, rounds, shorter, wrong: [] }
}

/** Each target must give the same result: the whole stream, to its end. */
async function check(name: Target, port: number, authorization: string): Promise<void> {
  for (const [kind, events] of [
    ['burst', 100],
    ['paced', 50],
  ] as const) {
    const { body, headers } = requestFor(kind, authorization)
    const url = `http://127.0.0.1:${port}/v1/chat/completions`
    const answer = await fetch(url, { method: 'POST', body, headers })
    const text = await answer.text()
    const found = text.match(/"content":" word/g)?.length ?? 0
    if (answer.status !== 200 || found !== events || !text.includes('data: [DONE]'))
      throw new Error(
        `${name} ${kind}: ${answer.status}, ${found} of ${events} events: ${text.slice(0, 300)}`,
      )
  }
}

function requestFor(kind: Kind, authorization: string) {
  const body = requestOf(kind, null).split('\r\n\r\n')[1] ?? ''
  return { body, headers: { authorization, 'content-type': 'application/json' } }
}

/**
 * Measures all targets in turn. Each round begins with another one. satgate's first turn only warms
 * it up, and does not count.
 */
async function measure(bench: Bench, work: Work): Promise<Measured[]> {
  const names = [...bench.targets.keys()].filter((name) => work.paying || name === 'satgate')
  const samples = new Map<Target, Sample[]>(names.map((name) => [name, []]))
  const idle = new Map(names.map((name) => [name, residentMb(bench.targets.get(name)!)]))
  await turn(bench, work, { name: 'satgate', seconds: 0.5 })
  for (let round = 0; round < bench.rounds; round++) {
    for (const at of names.keys()) {
      const name = names[(at + round) % names.length]!
      const sample = await turn(bench, work, { name, seconds: work.job.seconds * bench.shorter })
      samples.get(name)!.push({ ...sample, rssMb: sample.rssMb - idle.get(name)! })
      if (sample.errors > 0) bench.wrong.push(`${name}, ${work.kind}: ${sample.errors} bad answers`)
    }
  }
  return work.figures.map(([figure, read]) => {
    const value = (name: Target): number => median((samples.get(name) ?? []).map(read))
    return {
      figure,
      values: { direct: value('direct'), nginx: value('nginx'), satgate: value('satgate') },
    }
  })
}

async function turn(
  { load, targets, authorization }: Bench,
  { kind, paying, job }: Work,
  { name, seconds }: { name: Target; seconds: number },
): Promise<Sample> {
  const target = targets.get(name)!
  const request = requestOf(kind, paying ? authorization : null)
  load.send({ ...job, seconds, port: target.port, request } satisfies Job)
  const answer = once(load, 'message')
  await pause(job.rampMs)
  const watching = watch(target)
  const [figures] = (await answer) as [Figures]
  const taken = watching()
  process.stderr.write('.')
  await pause(300)
  return { ...figures, ...(name === 'direct' ? { rssMb: Number.NaN, cpu: Number.NaN } : taken) }
}

/** Watches a process. The returned function tells its most memory and its share of a core since then. */
function watch(target: Running): () => Pick<Sample, 'rssMb' | 'cpu'> {
  const [began, before] = [performance.now(), cpuSeconds(target)]
  let rssMb = residentMb(target)
  const sampling = setInterval(() => {
    rssMb = Math.max(rssMb, residentMb(target))
  }, 200)
  return () => {
    clearInterval(sampling)
    const seconds = (performance.now() - began) / 1000
    return { rssMb, cpu: (cpuSeconds(target) - before) / seconds }
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

/** What a reader needs to repeat the run. `busy` is the load of the machine before it. */
function circumstances(quick: boolean, busy: number): string {
  const nginx = program('nginx')
  const version = nginx === null ? 'no nginx' : nginxVersion(nginx)
  const cpu = `${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown'}`
  const cores = pinning ? 'proxy alone on the last core' : 'not pinned to cores'
  const command = `npm run bench${quick ? ' -- --quick' : ''}`
  return `\`${command}\` · Node ${process.version} · ${version} · ${type()} · ${cpu}, ${cores}, load ${busy.toFixed(1)} before`
}

function nginxVersion(nginx: string): string {
  // nginx writes its version to stderr, so the shell redirects it.
  const text = execFileSync('sh', ['-c', '"$0" -v 2>&1', nginx], { encoding: 'utf8' })
  return text.replace(/^.*version: /s, '').trim()
}

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void stopAll().then(() => process.exit(1)))
await main()
