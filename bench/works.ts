/** What is measured, which figures are read from it, and the goal of each. */
import type { Figure } from './report.ts'
import { type Figures, type Job, type Kind, PACED } from './work.ts'

export interface Work {
  readonly kind: Kind
  readonly paying: boolean
  readonly job: Pick<Job, 'connections' | 'seconds' | 'rampMs' | 'rate' | 'status'>
  readonly figures: readonly [Figure, (of: Sample) => number][]
}

/** What the load measured at a target, and what the process of the target used. NaN for direct. */
export interface Sample extends Figures {
  readonly rssMb: number
  /** The share of one core. 1 is all of it. */
  readonly cpu: number
}

/** The streams come first, so that their memory does not contain the memory of earlier work. */
export const WORKS: readonly Work[] = [
  {
    kind: 'paced',
    paying: true,
    job: { connections: 1000, seconds: 3, rampMs: 1000, rate: null, status: 200 },
    figures: [
      [
        figure('time to first token p50, ms, 1,000 streams', 'ratio', { most: 1.1 }, 1),
        (of) => of.firstP50,
      ],
      [
        figure('time to first token p99, ms, 1,000 streams', 'ratio', { most: 2 }, 1),
        (of) => of.firstP99,
      ],
      [figure('memory for 1,000 streams over idle, MB', 'plain', { most: 40 }), (of) => of.rssMb],
      [
        figure('CPU per event, µs', 'ratio', null, 1),
        (of) => cpuPer(of, of.perSecond * PACED.events),
      ],
    ],
  },
  {
    kind: 'whole',
    paying: true,
    job: { connections: 64, seconds: 2.5, rampMs: 200, rate: null, status: 200 },
    figures: [
      [figure('buffered completions/s, 64 connections', 'ratio', { least: 0.5 }), perSecond],
      [figure('CPU per completion, µs', 'ratio', null, 1), (of) => cpuPer(of, of.perSecond)],
    ],
  },
  {
    kind: 'burst',
    paying: true,
    job: { connections: 64, seconds: 2.5, rampMs: 200, rate: null, status: 200 },
    figures: [[figure('100-event streams/s, 64 connections', 'ratio', { least: 1.7 }), perSecond]],
  },
  {
    kind: 'whole',
    paying: true,
    job: { connections: 64, seconds: 3, rampMs: 200, rate: 500, status: 200 },
    figures: [
      [
        figure('p50 at 500 completions/s, ms (added ÷ added)', 'added', { most: 1 }, 3),
        (of) => of.p50,
      ],
      [figure('p99 at 500 completions/s, ms (added ÷ added)', 'added', null, 3), (of) => of.p99],
    ],
  },
  {
    kind: 'whole',
    paying: false,
    job: { connections: 64, seconds: 2, rampMs: 200, rate: null, status: 402 },
    figures: [[figure('402 challenges/s, 64 connections', 'plain', { least: 10_000 }), perSecond]],
  },
]

function figure(name: string, judged: Figure['judged'], goal: Figure['goal'], digits = 0): Figure {
  return { name, judged, goal, digits }
}

function perSecond(of: Sample): number {
  return of.perSecond
}

/** µs of a core for each of that many a second. */
function cpuPer({ cpu }: Sample, perSecond: number): number {
  return (cpu * 1e6) / perSecond
}
