/** What targets on Node keep in memory after work, and how long their garbage collector stops them. */
import { setTimeout as pause } from 'node:timers/promises'
import { Inspector } from './inspect.ts'
import { residentMb } from './processes.ts'
import type { Measured, Target } from './report.ts'
import { type Bench, closedLoop, send } from './rounds.ts'
import type { OnNode } from './targets.ts'

const IDLE_MS = 10_000
/** Bytes. A page of the heap may come or go between two collections. */
const FLAT = 1
const POINTS = 10

const BUFFERED = { kind: 'whole', job: { connections: 64, seconds: 600, rampMs: 0 } } as const
const STREAMS = { kind: 'paced', job: { connections: 1000, seconds: 600, rampMs: 500 } } as const

export function onNode({ targets }: Bench): [Target, OnNode][] {
  return [...targets].filter((entry): entry is [Target, OnNode] => 'stderr' in entry[1])
}

/**
 * The resident memory of each after 20,000 completions and 2,000 streams (1,000 at once), and 10 s
 * in which nothing is asked.
 */
export async function measureResident(bench: Bench, rounds: number): Promise<Measured[]> {
  const values = new Map<Target, number[]>()
  for (let round = 0; round < rounds; round++) {
    for (const [name] of onNode(bench)) {
      await send(bench, { ...closedLoop(bench, BUFFERED, name), requests: 20_000 })
      await send(bench, { ...closedLoop(bench, STREAMS, name), requests: 2_000 })
    }
    await pause(IDLE_MS)
    for (const [name, target] of onNode(bench))
      values.set(name, [...(values.get(name) ?? []), residentMb(target)])
    process.stderr.write('.')
  }
  const name = 'memory after load and 10 s idle, MB'
  const figure = { name, judged: 'less', goal: { most: 60 }, digits: 0 } as const
  return [{ figure, values: Object.fromEntries(values) }]
}

/** By how much the heap of satgate grows with each request, after collections. */
export async function measureHeap(bench: Bench, requests: number): Promise<Measured[]> {
  const slopes: [Target, number[]][] = []
  for (const [name, target] of onNode(bench)) {
    if (name === 'bare') continue
    const inspector = await Inspector.of(target)
    const heap: number[] = []
    for (let point = 0; point <= POINTS; point++) {
      // The first part of the requests is not counted: it fills caches that have an end.
      const job = { ...closedLoop(bench, BUFFERED, name), requests: Math.round(requests / POINTS) }
      await send(bench, job)
      heap.push(await inspector.heapAfterCollection())
      process.stderr.write('.')
    }
    inspector.close()
    slopes.push([name, [slopeOf(heap) / (requests / POINTS)]])
  }
  const name = `growth of the heap, bytes a request, over ${requests.toLocaleString('en-US')}`
  const figure = { name, judged: 'plain', goal: { most: FLAT }, digits: 2 } as const
  return [{ figure, values: Object.fromEntries(slopes) }]
}

/** The longest stops by the garbage collector since the bench began to watch them. */
export async function longestPauses(bench: Bench): Promise<Measured[]> {
  const scavenge: [Target, number[]][] = []
  const full: [Target, number[]][] = []
  for (const [name, target] of onNode(bench)) {
    const inspector = await Inspector.of(target)
    const longest = await inspector.longestPauses()
    inspector.close()
    scavenge.push([name, [longest.scavenge]])
    full.push([name, [longest.full]])
  }
  const common = { judged: 'ratio', goal: null, digits: 1 } as const
  return [
    {
      figure: { ...common, name: 'longest scavenge of the run, ms' },
      values: Object.fromEntries(scavenge),
    },
    {
      figure: { ...common, name: 'longest step of a full collection, ms' },
      values: Object.fromEntries(full),
    },
  ]
}

/** Least squares: how much the values grow from one to the next. */
function slopeOf(values: readonly number[]): number {
  const middle = (values.length - 1) / 2
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  let [above, below] = [0, 0]
  for (const [at, value] of values.entries()) {
    above += (at - middle) * (value - mean)
    below += (at - middle) ** 2
  }
  return above / below
}
