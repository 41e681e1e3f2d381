/** What is measured in rounds, which figures are read from it, and the goal of each. */
import type { Figure } from './report.ts'
import { type Figures, type Job, type Kind, PACED } from './work.ts'

export interface Work {
  /** The name for `--only`. */
  readonly name: string
  readonly kind: Kind
  /**
   * Whether satgate is sent no credential, and answers 402. The bare proxy serves such a request as
   * any other.
   */
  readonly unpaid?: true
  readonly job: Pick<Job, 'connections' | 'seconds' | 'rampMs'>
  /**
   * The share of the bare proxy's saturation (or the rate per second) at which requests are sent,
   * whatever the answers do, and the least number of requests in a full round. Without it each connection sends its next
   * request after an answer, as fast as the target goes.
   */
  readonly paced?:
    | { readonly share: number; readonly rate?: undefined; readonly requests: number }
    | { readonly rate: number; readonly requests: number }
  readonly figures: readonly [Figure, (of: Sample) => number][]
}

/** What the load measured at a target, and what the process of the target used. NaN if not known. */
export interface Sample extends Figures {
  /** The share of one core that all its threads used. 1 is all of it. */
  readonly cpu: number
  /** The longest stall of its event loop in ms. Only known for paced work of a program on Node. */
  readonly stall: number
}

export const WORKS: readonly Work[] = [
  {
    name: 'buffered',
    kind: 'whole',
    job: { connections: 64, seconds: 3, rampMs: 200 },
    figures: [
      [
        figure('CPU per buffered completion, µs', { most: 1.8 }, 1),
        (of) => cpuPer(of, of.perSecond),
      ],
      [figure('buffered completions/s, 64 connections'), perSecond],
    ],
  },
  {
    name: 'challenges',
    kind: 'whole',
    unpaid: true,
    job: { connections: 64, seconds: 3, rampMs: 200 },
    figures: [[figure('402 challenges/s (bare: completions/s)', { least: 0.7 }), perSecond]],
  },
  {
    name: 'burst',
    kind: 'burst',
    job: { connections: 64, seconds: 3, rampMs: 200 },
    figures: [
      [figure('CPU per 100-event burst, µs', { most: 1.4 }), (of) => cpuPer(of, of.perSecond)],
      [figure('100-event bursts/s, 64 connections'), perSecond],
    ],
  },
  streams('streams', 'paced', 'CPU per event, 1,000 paced streams, µs'),
  streams('messages-streams', 'messages', 'CPU per event, 1,000 paced Messages streams, µs'),
  streams('ollama-streams', 'ollama', 'CPU per line, 1,000 paced Ollama streams, µs'),
  {
    name: 'first-token',
    kind: 'paced',
    job: { connections: 64, seconds: 4, rampMs: 1500 },
    paced: { share: 0.6, requests: 0 },
    figures: [
      [
        figure("time to first token p50, ms, 60 % of bare's saturation", { most: 1.2 }, 2),
        (of) => of.firstP50 ?? Number.NaN,
      ],
      [
        figure("time to first token p99, ms, 60 % of bare's saturation", { most: 1.2 }, 2),
        (of) => of.firstP99 ?? Number.NaN,
      ],
    ],
  },
  {
    name: 'calm',
    kind: 'whole',
    job: { connections: 64, seconds: 3, rampMs: 500 },
    paced: { share: 0.1, requests: 10_000 },
    figures: [
      [
        figure("calm p50, ms, 10 % of bare's saturation", { most: 1.2 }, 3),
        (of) => of.p50 ?? Number.NaN,
      ],
      [
        figure("calm p99, ms, 10 % of bare's saturation", { most: 1.2 }, 3),
        (of) => of.p99 ?? Number.NaN,
      ],
      [figure('calm, longest stall of the event loop, ms', null, 1), (of) => of.stall],
    ],
  },
]

/** Streams that are open at once. What begins and ends a stream counts with its pieces of text. */
function streams(name: string, kind: Kind, shown: string): Work {
  return {
    name,
    kind,
    job: { connections: 1000, seconds: 3, rampMs: 1000 },
    figures: [[figure(shown, { most: 1.05 }, 1), (of) => cpuPer(of, of.perSecond * PACED.events)]],
  }
}

function figure(name: string, goal: Figure['goal'] = null, digits = 0): Figure {
  return { name, judged: 'ratio', goal, digits }
}

function perSecond(of: Sample): number {
  return of.perSecond
}

/** µs of a core for each of that many a second. */
function cpuPer({ cpu }: Sample, perSecond: number): number {
  return (cpu * 1e6) / perSecond
}
