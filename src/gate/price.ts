import type { Asked } from '../dialects/dialect.ts'
import { onLine } from '../floor/printable.ts'
import { err, ok, type Result } from '../floor/result.ts'
import { dearest, type Priced as PricedModel, type Pricing } from '../money/pricing.ts'
import { grow, type Parsed, type Priced } from './call.ts'
import type { Catalog } from './catalog.ts'
import { type Estimating, PromptEstimate } from './estimate.ts'
import { type Refusal, refuse } from './refusal.ts'
import type { Speeds } from './speeds.ts'

/** The operator's own bounds on a request's output, in tokens per choice. */
export interface OutputBounds {
  /** `pricing.maxOutputTokens`: where the client names no limit. */
  readonly usual: number
  /** `limits.outputTokens`: whatever the client names. */
  readonly most: number
}

/** What the price of a request is found with. */
export interface PriceParts {
  readonly pricing: Pricing
  readonly models: Catalog
  readonly bounds: OutputBounds
  readonly speeds: Speeds
  readonly estimating: Estimating
}

/**
 * Finds the price by the rule of the route, and the output that is asked for. Only a price by the
 * model needs the request to name one.
 */
export async function price(call: Parsed, parts: PriceParts): Promise<Result<Priced, Refusal>> {
  const { route, asked } = call
  if (route.price.by === 'model') return priceByModel(call, parts)
  const served = asked.model ?? route.path.text
  return ok(priced(call, { asked, context: null, served, rate: route.price.rate }, parts))
}

/**
 * Finds the model and its price. Unknown, refused and unpriced models are 404, an alias keeps the
 * price of its own name (threats A10, A12); a dollar price without a rate to trust is 503.
 */
async function priceByModel(call: Parsed, parts: PriceParts): Promise<Result<Priced, Refusal>> {
  const { model } = call.asked
  if (model === null) return err(NO_MODEL)
  const known = await parts.models.knows(model)
  if (known !== true && !parts.pricing.names(model)) {
    return err(known === null ? NO_UPSTREAM : unknownModel(model, parts.models.some()))
  }
  const found = priceOf(model, parts)
  if (found.is === 'usd_unavailable') {
    const message = `The price of ${shown(model)} is in dollars and there is no current rate; models priced in sats are served.`
    return err(refuse(503, 'rate_unavailable', message, { retryAfterSeconds: 30 }))
  }
  if (found.is !== 'priced') return err(unknownModel(model, parts.models.some()))
  const context = parts.models.contextOf(model)
  const asked = withinContext(call.asked, context)
  const served = parts.models.listedAs(model)
  return ok(priced(call, { asked, context, served, rate: found.rate }, parts))
}

function priced(
  call: Parsed,
  found: Pick<Priced, 'asked' | 'context' | 'served' | 'rate'>,
  { bounds, speeds, estimating }: PriceParts,
): Priced {
  const { asked, served } = found
  const { limit, hasOutput, stream, choices } = asked
  const most = Math.min(limit ?? bounds.usual, bounds.most)
  // An answer that is not streamed asks for no more than comes in time (threats J14).
  const inTime = stream ? most : Math.min(most, speeds.most(served, choices))
  const wanted = hasOutput ? inTime : 0
  const prompt = { ...asked, model: served }
  const estimate = new PromptEstimate(prompt, call.incoming.client, estimating)
  return grow(call, { ...found, wanted, estimate })
}

/** What a template may put around a prompt, and the least that is an answer, in tokens. */
const AROUND = 64
const LEAST_ANSWER = 16

/**
 * An output that leaves room for the prompt, if the gate chooses the output: a limit that the buyer did
 * not name must never be what makes the request invalid (threats K5). The prompt is only counted if its
 * bound and the usual output do not fit into the context.
 */
export async function fitted(
  { asked, context, wanted }: Pick<Priced, 'asked' | 'context' | 'wanted'>,
  estimate: PromptEstimate,
): Promise<number> {
  if (context === null || asked.limit !== null || !asked.hasOutput) return wanted
  const room = (prompt: number): number => context - Math.ceil(prompt * asked.longest) - AROUND
  if (wanted <= room(asked.most.input)) return wanted
  const fits = Math.max(LEAST_ANSWER, room(await estimate.withMargin()))
  return Math.min(wanted, fits)
}

const NO_MODEL = refuse(400, 'model_required', 'This request names no model. Name one in it.', {
  param: 'model',
})
const NO_UPSTREAM = refuse(
  503,
  'upstream_unreachable',
  'The model server does not say which models it serves; nothing was charged.',
  { retryAfterSeconds: 5 },
)

/** No prompt is longer than the model's context, and each has one of its own. */
function withinContext(asked: Asked, context: number | null): Asked {
  if (context === null || !asked.hasOutput) return asked
  const input = Math.min(asked.most.input, context * asked.prompts)
  return { ...asked, most: { ...asked.most, input } }
}

/** What a model costs by this name: an alias is not a way to another price (threats A10, J10). */
export function priceOf(
  model: string,
  { pricing, models }: { readonly pricing: Pricing; readonly models: Pick<Catalog, 'reached'> },
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
