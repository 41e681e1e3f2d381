/** The work of `works.ts`, done by all targets in turn. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { Inspector } from './inspect.ts'
import { cpuSeconds, placeThreads, type Running } from './processes.ts'
import type { Measured, Target } from './report.ts'
import type { OnNode } from './targets.ts'
import { type Figures, isPaced, type Job, type Kind, PACED, PATHS, requestOf } from './work.ts'
import type { Sample, Work } from './works.ts'

export interface Bench {
  readonly load: ChildProcess
  readonly targets: ReadonlyMap<Target, Running | OnNode>
  readonly rounds: number
  /** Requests that warm a target up before each work, and the most seconds that they may take. */
  readonly warm: { readonly requests: number; readonly seconds: number }
  /** What the seconds and requests of a full round are multiplied with. */
  readonly shorter: number
  /** What went wrong so far. A run with a wrong answer is worthless. */
  readonly wrong: string[]
}

/** Measures the targets with those names in turn. Each round begins with another one. */
export async function measure(
  bench: Bench,
  work: Work,
  names: readonly Target[],
): Promise<Measured[]> {
  const samples = new Map<Target, Sample[]>(names.map((name) => [name, []]))
  for (const name of names) await warmUp(bench, work, name)
  const job = await paceOf(bench, work)
  for (let round = 0; round < bench.rounds; round++) {
    for (const at of names.keys()) {
      const name = names[(at + round) % names.length]!
      const sample = await turn(bench, work, { name, job })
      samples.get(name)!.push(sample)
      if (sample.errors > 0) bench.wrong.push(`${name}, ${work.name}: ${sample.errors} bad answers`)
    }
  }
  return work.figures.map(([figure, read]) => {
    const values = names.map((name) => [name, samples.get(name)!.map(read)])
    return { figure, values: Object.fromEntries(values) }
  })
}

/** A program on Node is fast only after its code has been compiled for the work that it does. */
async function warmUp(bench: Bench, work: Work, name: Target): Promise<void> {
  const target = bench.targets.get(name)!
  if (name === 'direct' || name === 'nginx') return
  await send(bench, { ...closedLoop(bench, work, name), ...bench.warm })
  placeThreads(target)
  process.stderr.write('w')
}

export function closedLoop(
  { targets }: Bench,
  { kind, unpaid, job }: Pick<Work, 'kind' | 'unpaid' | 'job'>,
  name: Target,
): Job {
  const target = targets.get(name)!
  const pays = !unpaid || name === 'bare'
  return {
    ...job,
    port: target.port,
    request: requestOf(kind, pays ? target.headers : []),
    status: pays ? 200 : 402,
    connections: isPaced(kind) ? 1000 : job.connections,
    requests: null,
    rate: null,
  }
}

type Pace = Pick<Job, 'connections' | 'rate' | 'seconds'>

/**
 * How the requests of a round are sent. For work at a share of the bare proxy's saturation, that is
 * measured first: its answers per second, to 64 connections or to 2,000 streams that are open at once.
 */
async function paceOf(bench: Bench, work: Work): Promise<Pace> {
  const seconds = work.job.seconds * bench.shorter
  if (!work.paced) return { connections: work.job.connections, rate: null, seconds }
  const { paced } = work
  if (paced.rate !== undefined)
    return {
      connections: work.job.connections,
      rate: paced.rate,
      seconds: Math.max(seconds, paced.requests / paced.rate),
    }
  const full = { ...closedLoop(bench, work, 'bare'), seconds: Math.max(2, seconds) }
  if (isPaced(work.kind)) full.connections = 2000
  const { perSecond } = await watched(bench, bench.targets.get('bare')!, full)
  const rate = Math.round(paced.share * perSecond)
  const atLeast = (paced.requests * bench.shorter) / rate
  process.stderr.write(`(${work.name}: ${rate}/s)`)
  const open = isPaced(work.kind) ? rate * 2 : 0
  return { connections: work.job.connections + open, rate, seconds: Math.max(seconds, atLeast) }
}

async function turn(
  bench: Bench,
  work: Work,
  { name, job }: { name: Target; job: Pace },
): Promise<Sample> {
  const target = bench.targets.get(name)!
  const inspector = work.paced && 'stderr' in target ? await Inspector.of(target) : null
  await inspector?.watchLoop()
  const whole = { ...closedLoop(bench, work, name), ...job }
  const sample = await watched(bench, target, whole)
  const stall = (await inspector?.longestStall()) ?? Number.NaN
  inspector?.close()
  process.stderr.write('.')
  await pause(300)
  return { ...sample, stall, ...(name === 'direct' ? { cpu: Number.NaN } : {}) }
}

/** Does a job, and watches the process of the target while the load measures. */
async function watched({ load }: Bench, target: Running, job: Job): Promise<Omit<Sample, 'stall'>> {
  load.send(job)
  await once(load, 'message')
  const [began, before] = [performance.now(), cpuSeconds(target)]
  const [figures] = (await once(load, 'message')) as [Figures]
  const [seconds, after] = [(performance.now() - began) / 1000, cpuSeconds(target)]
  return {
    ...figures,
    cpu: (after - before) / seconds,
  }
}

/** Does that many requests of a job that is not measured. */
export async function send({ load }: Bench, job: Job): Promise<void> {
  load.send({ ...job, rampMs: Math.min(job.rampMs, 50) })
  let said: unknown = 'began'
  while (said === 'began') [said] = await once(load, 'message')
}

const EVENTS = {
  whole: 0,
  burst: 100,
  paced: PACED.events,
  messages: PACED.events,
  ollama: PACED.events,
}
const ENDS = {
  whole: ' and so on',
  burst: 'data: [DONE]',
  paced: 'data: [DONE]',
  messages: 'event: message_stop',
  ollama: '"done":true',
}

/** Whether a target gives the whole answer, a stream to its end. Null, or what was wrong. */
export async function wrongAnswer({ port, headers }: Running, kind: Kind): Promise<string | null> {
  const lines = ['content-type: application/json', ...headers].map((line) =>
    line.split(/: (.*)/, 2),
  )
  const [, body = ''] = requestOf(kind, []).split('\r\n\r\n')
  const url = `http://127.0.0.1:${port}${PATHS[kind]}`
  const answer = await fetch(url, { method: 'POST', body, headers: Object.fromEntries(lines) })
  const text = await answer.text()
  const found = text.match(/"(?:content|text)": ?" word/g)?.length ?? 0
  const ended = text.includes(ENDS[kind])
  if (answer.status === 200 && found === EVENTS[kind] && ended) return null
  return `${kind}: ${answer.status}, ${found} of ${EVENTS[kind]} events: ${text.slice(0, 300)}`
}
