import type { Asked, Counted, Granted } from '../dialect.ts'
import { outputOf, type Report } from './usage-report.ts'

/** All that is known of one response when it is over. */
export interface Evidence {
  readonly asked: Asked
  readonly granted: Granted
  readonly prompts: number
  readonly promptEstimate: number
  readonly report: Report | null
  /** One report stands for the whole response. */
  readonly single: boolean
  /** No output came behind the report. */
  readonly fresh: boolean
  /** Some output came. */
  readonly flowed: boolean
  readonly ended: boolean
  /** Output tokens by our own count. Dear. */
  counted(): number
}

/** Tokens of a template and tools that no bound of ours sees. */
const TEMPLATE = 2_048
/** Where one report may stand for one choice of several, our own count wins when it is more by this. */
const CLEARLY = 1.25
/** The same for one prompt of several, whose estimate has a template's tokens in it. */
const CLEARLY_INPUT = 2

/** One figure of the charge. */
interface Figure {
  readonly tokens: number
  /** It is the very figure of the report. */
  readonly reported: boolean
}

/**
 * The tokens to charge. Each figure stands by itself (J16): what the backend reports where it can be
 * believed; the most that could be believed where it reports more; else what was
 * counted, never more than was granted. So no answer gets cheaper because its report says too much.
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
    cached: cachedOf(report, input.tokens),
    output: output.tokens,
    source: input.reported && output.reported ? 'reported' : 'counted',
    reportedInput: taught(evidence, report),
  }
}

/** What a report teaches of this prompt: nothing where it is for one of several, or impossible. */
function taught({ asked, prompts, single }: Evidence, { input }: Report): number | null {
  if (input === null || input === 0 || input > asked.most.input + TEMPLATE) return null
  return asked.hasOutput && prompts > 1 && single ? null : input
}

function inputFigure(evidence: Evidence, report: Report): Figure {
  const { asked, prompts, single, promptEstimate, flowed } = evidence
  const { input } = report
  // A prompt of no tokens has no answer.
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

/** What is reported as cached of the input that is charged: what is not charged was cached first. */
function cachedOf({ input, cached }: Report, charged: number): number {
  return Math.min(charged, Math.max(0, cached - Math.max(0, (input ?? 0) - charged)))
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

/** Our own figures, never above what is held for them. */
function ownInput({ asked, promptEstimate }: Evidence): number {
  return Math.min(Math.max(0, Math.ceil(promptEstimate)), asked.most.input)
}

function ownOutput(evidence: Evidence): number {
  return evidence.asked.hasOutput ? Math.min(evidence.counted(), evidence.granted.output) : 0
}
