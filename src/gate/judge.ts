import type { Asked, Backend, Dialect, Terms } from '../dialects/dialect.ts'
import { onLine } from '../floor/printable.ts'
import { err, ok, type Result } from '../floor/result.ts'
import { dearest, type Named, type Priced as PricedModel, type Pricing } from '../money/pricing.ts'
import type { PromptEstimate } from './estimate.ts'
import type { Incoming } from './ports.ts'
import { type Refusal, refuse } from './refusal.ts'
import type { Priced, Read } from './steps.ts'

/** What the upstream serves, as far as it is known. */
export interface Models {
  /**
   * Whether the upstream serves it; null where it never told what it serves. Brings what is known of
   * the upstream up to date first, so this is asked before anything else.
   */
  knows(model: string): Promise<boolean | null>
  /** Context in tokens; null where the upstream does not say. */
  contextOf(model: string): number | null
  /** Every model that may answer to this name, each by all its names (threats A10, J10). */
  reached(model: string): readonly Named[]
  /** The name under which the upstream lists it; the name itself where it is not listed. */
  listedAs(model: string): string
  /** What the upstream was when it last listed its models (threats J8). */
  kind(): Backend
  /** A few names for an error's text. */
  some(): readonly string[]
}

/** The operator's own bounds on a request's output, in tokens per choice. */
export interface OutputBounds {
  /** `pricing.maxOutputTokens`: where the client names no limit. */
  readonly usual: number
  /** `limits.outputTokens`: whatever the client names. */
  readonly most: number
}

/** Reads the body as its dialect. Refuses with 400, 413 or 415. */
export function read(
  incoming: Incoming,
  dialect: Dialect,
  { at, terms }: { readonly at: number; readonly terms: Terms },
): Result<Read, Refusal> {
  const asked = dialect.read(incoming.body, incoming.head, terms)
  if (asked.ok) return ok({ incoming, dialect, asked: asked.value, at })
  const { status, code, message, param } = asked.error
  return err(refuse(status, code, message, { param }))
}

/**
 * Finds the model and its price. Unknown, refused and unpriced models are 404, an alias keeps the
 * price of its own name (threats A10, A12); a dollar price without a rate to trust is 503.
 */
export async function price(
  step: Read,
  parts: { readonly pricing: Pricing; readonly models: Models; readonly bounds: OutputBounds },
): Promise<Result<Priced, Refusal>> {
  const { model, limit, hasOutput } = step.asked
  const known = await parts.models.knows(model)
  if (known !== true && !parts.pricing.names(model)) {
    return err(known === null ? NO_UPSTREAM : unknownModel(model, parts.models.some()))
  }
  const priced = priceOf(model, parts)
  if (priced.is === 'usd_unavailable') {
    const message = `The price of ${shown(model)} is in dollars and there is no current rate; models priced in sats are served.`
    return err(refuse(503, 'rate_unavailable', message, { retryAfterSeconds: 30 }))
  }
  if (priced.is !== 'priced') return err(unknownModel(model, parts.models.some()))
  const wanted = hasOutput ? Math.min(limit ?? parts.bounds.usual, parts.bounds.most) : 0
  const context = parts.models.contextOf(model)
  const asked = withinContext(step.asked, context)
  const served = parts.models.listedAs(model)
  return ok({ ...step, asked, context, served, rate: priced.rate, wanted })
}

/** What a template may put around a prompt, and the least that is an answer, in tokens. */
const AROUND = 64
const LEAST_ANSWER = 16

/**
 * The same step with an output that leaves room for the prompt, where the gate chooses the output: a
 * limit that the buyer did not name must never be what makes the request invalid (threats K5). The
 * prompt is only counted where its bound and the usual output do not fit into the context.
 */
export async function fitted<T extends Priced>(step: T, estimate: PromptEstimate): Promise<T> {
  const { asked, context, wanted } = step
  if (context === null || asked.limit !== null || !asked.hasOutput) return step
  const room = (prompt: number): number => context - Math.ceil(prompt * asked.longest) - AROUND
  if (wanted <= room(asked.inputBound)) return step
  const fits = Math.max(LEAST_ANSWER, room(await estimate.withMargin()))
  return { ...step, wanted: Math.min(wanted, fits) }
}

const NO_UPSTREAM = refuse(
  503,
  'upstream_unreachable',
  'The model server does not say which models it serves; nothing was charged.',
  { retryAfterSeconds: 5 },
)

/** No prompt is longer than the model's context, and each has one of its own. */
function withinContext(asked: Asked, context: number | null): Asked {
  if (context === null || !asked.hasOutput) return asked
  return { ...asked, inputBound: Math.min(asked.inputBound, context * asked.prompts) }
}

/** What a model costs by this name: an alias is not a way to another price (threats A10, J10). */
export function priceOf(
  model: string,
  { pricing, models }: { readonly pricing: Pricing; readonly models: Pick<Models, 'reached'> },
): PricedModel {
  return dearest(models.reached(model).map((named) => pricing.priceOf(named)))
}

function unknownModel(model: string, some: readonly string[]): Refusal {
  const served = some.length === 0 ? '' : ` Served here: ${some.map(onOneLine).join(', ')}.`
  const message = `The model ${shown(model)} does not exist or is not for sale here.${served}`
  return refuse(404, 'model_not_found', message, { param: 'model' })
}

/** A name from outside, short and on one line. */
const onOneLine = (model: string): string => onLine(model, 100)
export const shown = (model: string): string => `'${onOneLine(model)}'`
