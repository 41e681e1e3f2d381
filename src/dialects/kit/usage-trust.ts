import type { Quantities } from '../../money/quantities.ts'
import type { Asked, Counted, Granted } from '../dialect.ts'
import { outputOf, type Report } from './usage-report.ts'

/** Everything that is known about a response when it has ended. */
export interface Evidence {
  readonly asked: Asked
  readonly granted: Granted
  readonly prompts: number
  readonly promptEstimate: number
  readonly report: Report | null
  /** One report stands for the whole response. */
  readonly single: boolean
  /** No output came after the report. */
  readonly fresh: boolean
  /** Some output came. */
  readonly flowed: boolean
  readonly ended: boolean
  /** Output tokens by our own count. Slow. */
  counted(): number
}

/** Tokens that a model's template may add, which no bound of ours contains. */
const TEMPLATE = 2_048
/**
 * Some backends report the usage of one choice although there are several. If our own count exceeds
 * the report by this factor, we charge our count.
 */
const CLEARLY = 1.25
/**
 * The same for the input of several prompts. It is larger, because our estimate includes templates.
 */
const CLEARLY_INPUT = 2

/** One figure of the charge. */
interface Figure {
  readonly tokens: number
  /** It is the figure that the backend reported, unchanged. */
  readonly reported: boolean
}

/**
 * Decides which tokens are charged. Each figure is judged by itself (J16). If the reported figure
 * is possible, it counts. If it is larger than possible, the largest possible figure counts. If
 * there is none, our own count does, up to what was granted. So an impossible report never makes an
 * answer cheaper.
 */
export function trusted(evidence: Evidence): Counted {
  const { report, flowed, ended } = evidence
  if (report === null) {
    const source = flowed || ended ? 'counted' : 'none'
    const input = ownInput(evidence)
    return { input, cached: 0, output: ownOutput(evidence), source, reportedInput: null }
  }
  const input = inputFigure(evidence, report)
  const output = outputFigure(evidence, report)
  return {
    input: input.tokens,
    ...partsOf(report, input.tokens),
    output: output.tokens,
    source: input.reported && output.reported ? 'reported' : 'counted',
    reportedInput: taught(evidence, report),
  }
}

/**
 * The reported input, if estimates can learn from it. Null if it is of one prompt of several, or
 * impossible.
 */
function taught({ asked, prompts, single }: Evidence, { input }: Report): number | null {
  if (input === null || input === 0 || input > asked.most.input + TEMPLATE) return null
  return asked.hasOutput && prompts > 1 && single ? null : input
}

function inputFigure(evidence: Evidence, report: Report): Figure {
  const { asked, prompts, single, promptEstimate, flowed } = evidence
  const { input } = report
  // A backend that answers has read at least one token.
  if (input === null || (input === 0 && flowed)) {
    return { tokens: ownInput(evidence), reported: false }
  }
  const each = Math.max(CLEARLY_INPUT, prompts / 2)
  if (asked.hasOutput && single && prompts > 1 && promptEstimate > input * each) {
    return { tokens: ownInput(evidence), reported: false }
  }
  const most = asked.most.input + TEMPLATE
  return { tokens: Math.min(input, most), reported: input <= most }
}

/**
 * The parts of the charged input that were in a cache or written into one. If less input is charged than
 * reported, they shrink, the cached part first: it may be the cheapest.
 */
function partsOf(
  { input, cached, written }: Report,
  charged: number,
): Pick<Quantities, 'cached' | 'cacheWrite'> {
  const cacheWrite = Math.min(charged, written ?? 0)
  const less = Math.max(0, (input ?? 0) - charged)
  const parts = { cached: Math.min(charged - cacheWrite, Math.max(0, cached - less)) }
  return written === undefined ? parts : { ...parts, cacheWrite }
}

function outputFigure(evidence: Evidence, report: Report): Figure {
  const { asked, granted, single, fresh, flowed } = evidence
  if (!asked.hasOutput) return { tokens: 0, reported: true }
  const reported = outputOf(report)
  const own = () => ({ tokens: ownOutput(evidence), reported: false })
  if (reported === null || (reported === 0 && flowed)) return own()
  if (!fresh && ownOutput(evidence) > reported) return own()
  if (single && asked.choices > 1 && ownOutput(evidence) > reported * CLEARLY) return own()
  const limit = granted.limit * asked.choices
  const tokens = Math.max(Math.min(reported, limit), report.output ?? 0)
  const believed = tokens <= limit || evidence.counted() > limit
  return { tokens: believed ? tokens : limit, reported: believed }
}

/** Our own figures. They never exceed what is held for them. */
function ownInput({ asked, promptEstimate }: Evidence): number {
  return Math.min(Math.max(0, Math.ceil(promptEstimate)), asked.most.input)
}

function ownOutput(evidence: Evidence): number {
  return evidence.asked.hasOutput ? Math.min(evidence.counted(), evidence.granted.output) : 0
}
