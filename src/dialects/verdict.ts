import type { Tokens } from '../money/price.ts'
import type { Asked, Counted, Granted } from './dialect.ts'

/** All that is known of one response when it is over. */
export interface Evidence {
  readonly asked: Asked
  readonly granted: Granted
  readonly prompts: number
  readonly promptEstimate: number
  readonly report: Tokens | null
  /** One report stands for the whole response. */
  readonly single: boolean
  /** No output came behind the report. */
  readonly fresh: boolean
  /** Some output came. */
  readonly flowed: boolean
  readonly ended: boolean
  /** Output tokens by our own count, the deltas at least. Dear. */
  counted(): number
}

/** Tokens of a template and tools that no bound of ours sees. */
const TEMPLATE = 2_048
/** Where one report may stand for one choice of several, our own count wins when it is more by this. */
const CLEARLY = 1.25
/** The same for one prompt of several, whose estimate has a template's tokens in it. */
const CLEARLY_INPUT = 2

/**
 * The tokens to charge: what the backend reports where it can be believed (DESIGN 4.4), else what was
 * counted, never more than was granted.
 */
export function judge(evidence: Evidence): Counted {
  const { report, flowed, ended } = evidence
  if (report === null) {
    const source = flowed || ended ? 'counted' : 'none'
    return { ...counted(evidence), source, reportedInput: null }
  }
  const reportedInput = inputOf(evidence, report)
  if (isNonsense(evidence, report))
    return { ...counted(evidence), source: 'counted', reportedInput }
  return { ...corrected(evidence, report), reportedInput }
}

/** What a report teaches of this prompt: nothing where it is for one of several, or impossible. */
function inputOf({ asked, prompts, single }: Evidence, { input }: Tokens): number | null {
  if (input === 0 || input > asked.inputBound + TEMPLATE) return null
  return asked.hasOutput && prompts > 1 && single ? null : input
}

function isNonsense(evidence: Evidence, { input, output }: Tokens): boolean {
  const { asked, granted, flowed } = evidence
  if (input > asked.inputBound + TEMPLATE) return true
  if (flowed && (asked.hasOutput ? output : input) === 0) return true
  const limit = granted.limit * asked.choices
  return asked.hasOutput && output > limit && evidence.counted() <= limit
}

/** A believed report, where it is of everything that flowed. */
function corrected(
  evidence: Evidence,
  report: Tokens,
): Tokens & { readonly source: Counted['source'] } {
  const { asked, prompts, single, fresh, promptEstimate } = evidence
  let { input, output } = report
  if (!fresh) output = Math.max(output, counted(evidence).output)
  if (single && asked.choices > 1) {
    const own = counted(evidence).output
    if (own > output * CLEARLY) output = own
  }
  const each = Math.max(CLEARLY_INPUT, prompts / 2)
  if (asked.hasOutput && single && prompts > 1 && promptEstimate > input * each) {
    input = Math.min(promptEstimate, asked.inputBound)
  }
  const source = input === report.input && output === report.output ? 'reported' : 'counted'
  return { input, cached: report.cached, output, source }
}

/** Our own figures, never above what is held for them. */
function counted(evidence: Evidence): Tokens {
  const { asked, granted, promptEstimate } = evidence
  const input = Math.min(Math.max(0, Math.ceil(promptEstimate)), asked.inputBound)
  const output = asked.hasOutput ? Math.min(evidence.counted(), granted.output) : 0
  return { input, cached: 0, output }
}
