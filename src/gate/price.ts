import type { Asked } from '../dialects/dialect.ts'
import { type Awaitable, andThen } from '../floor/awaitable.ts'
import { onLine } from '../floor/printable.ts'
import { err, ok, type Result } from '../floor/result.ts'
import { imageKey, imagePriceOf, isLarge } from '../money/image-prices.ts'
import { sells, TOKENS } from '../money/price.ts'
import {
  dearest,
  type ForSale,
  type Priced as PricedModel,
  type Pricing,
  withImagePrice,
} from '../money/pricing.ts'
import { QUANTITIES } from '../money/quantities.ts'
import { answeredHere } from './answered-here.ts'
import { type Parsed, type Priced, toPriced } from './call.ts'
import type { Catalog } from './catalog.ts'
import { type Estimating, PromptEstimate } from './estimate.ts'
import { type Refusal, refuse } from './refusal.ts'
import type { Speeds } from './speeds.ts'

/** The operator's bounds on the output of a request, in tokens for each choice. */
export interface OutputBounds {
  /** `pricing.maxOutputTokens`: used if the client names no limit. */
  readonly usual: number
  /** `limits.outputTokens`: the most, whatever the client names. */
  readonly most: number
}

/** What is needed to find the price of a request. */
export interface PriceParts {
  readonly pricing: Pricing
  readonly models: Catalog
  readonly bounds: OutputBounds
  readonly speeds: Speeds
  readonly estimating: Estimating
}

/**
 * Finds the price by the rule of the route, and how much output is asked for. The request must name
 * a model only if the price depends on it. A request that the gate answers itself ends here.
 */
export function price(call: Parsed, parts: PriceParts): Awaitable<Result<Priced, Refusal>> {
  const { route, asked } = call
  if (route.price.by === 'model') {
    const { model } = asked
    if (model === null) return err(NO_MODEL)
    return andThen(parts.models.knows(model), (known) =>
      priceOfModel(call, model, { known, parts }),
    )
  }
  const served = asked.model ?? route.path.text
  return answeredHere(
    priced(call, { asked, context: null, served, rate: route.price.rate, usd: null }, parts),
  )
}

/**
 * Finds the model and its price. Models that are unknown, refused or without a price are a 404. An
 * alias keeps the price of its own name (threats A10, A12). A price in dollars is a 503 while there
 * is no current rate. `known` is null if the upstream has never listed its models.
 */
function priceOfModel(
  call: Parsed,
  model: string,
  { known, parts }: { readonly known: boolean | null; readonly parts: PriceParts },
): Result<Priced, Refusal> {
  if (known !== true && !parts.pricing.names(model)) {
    return err(known === null ? NO_UPSTREAM : unknownModel(model, parts.models.some()))
  }
  const found = priceOf(model, parts)
  if (found.is === 'usd_unavailable') {
    const message = `The price of ${shown(model)} is in dollars and there is no current rate; models priced in sats are served.`
    return err(refuse(503, 'rate_unavailable', message, { retryAfterSeconds: 30 }))
  }
  if (found.is !== 'priced') return err(unknownModel(model, parts.models.some()))
  if (!sells(found.rate, call.asked.sold ?? TOKENS)) return err(notSoldSo(model, call.asked))
  const image = ofImage(call.asked, found)
  if (!image.ok) return image
  const context = parts.models.contextOf(model)
  const asked = withinContext(image.value.asked, context)
  const served = parts.models.listedAs(model)
  const { rate, usd } = image.value.found
  return answeredHere(priced(call, { asked, context, served, rate, usd }, parts))
}

/** The price of the size and quality of an image, which are then sent (threats I13, L19). */
function ofImage(
  asked: Asked,
  found: ForSale,
): Result<{ readonly asked: Asked; readonly found: ForSale }, Refusal> {
  const { image } = asked
  if (image === undefined) return ok({ asked, found })
  const { images } = found.price
  if (images === undefined) {
    const { size } = image
    return size !== null && isLarge(size) ? err(LARGE) : ok({ asked, found })
  }
  const entry = imagePriceOf(images, image)
  if (entry === null) {
    const list = images.map(imageKey).join(', ')
    const message = `This model has no price for that size and quality. It has one for: ${list}.`
    return err(refuse(400, 'invalid_value', message, { param: 'size' }))
  }
  return ok({ asked: { ...asked, image: entry }, found: withImagePrice(found, entry.each) })
}

const LARGE = refuse(
  400,
  'invalid_value',
  'The images of this model have at most 2048 × 2048 pixels, and 4096 on one side.',
  { param: 'size' },
)

function priced(
  call: Parsed,
  found: Pick<Priced, 'asked' | 'context' | 'served' | 'rate' | 'usd'>,
  { bounds, speeds, estimating }: PriceParts,
): Priced {
  const { asked, served } = found
  const { limit, hasOutput, stream, choices } = asked
  const most = Math.min(limit ?? bounds.usual, bounds.most)
  // An answer that is not streamed may be only as long as the model makes in time (threats J14).
  const inTime = stream ? most : Math.min(most, speeds.most(served, choices))
  const wanted = hasOutput ? inTime : 0
  const estimate = new PromptEstimate(
    asked,
    { model: served, client: call.incoming.client },
    estimating,
  )
  const { context, rate, usd } = found
  return toPriced(call, { asked, context, estimate, rate, served, usd, wanted })
}

/** Tokens: what a template may put around a prompt, and the shortest useful answer. */
const AROUND = 64
const LEAST_ANSWER = 16

/**
 * Output tokens that leave room for the prompt in the model's context. Only if the gate chooses the
 * limit: a limit that the buyer did not name must never make the request invalid (threats K5). The
 * prompt is counted only if its bound and the usual output do not fit into the context.
 */
export function fitted(
  { asked, context, wanted }: Pick<Priced, 'asked' | 'context' | 'wanted'>,
  estimate: PromptEstimate,
): Awaitable<number> {
  if (context === null || asked.limit !== null || !asked.hasOutput) return wanted
  const room = (prompt: number): number => context - Math.ceil(prompt * asked.longest) - AROUND
  if (wanted <= room(asked.most.input)) return wanted
  return andThen(estimate.withMargin(), (prompt) =>
    Math.min(wanted, Math.max(LEAST_ANSWER, room(prompt))),
  )
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

/** Each prompt is at most as long as the model's context. */
function withinContext(asked: Asked, context: number | null): Asked {
  if (context === null || !asked.hasOutput) return asked
  const input = context * asked.prompts
  if (asked.most.input <= input) return asked
  return { ...asked, most: { ...asked.most, input } }
}

/**
 * The price of a model under this name. An alias must not be a way to a lower price (threats A10,
 * J10).
 */
export function priceOf(
  model: string,
  { pricing, models }: { readonly pricing: Pricing; readonly models: Pick<Catalog, 'reached'> },
): PricedModel {
  const reached = models.reached(model)
  const [only] = reached
  if (only !== undefined && reached.length === 1) return pricing.priceOf(only)
  return dearest(reached.map((named) => pricing.priceOf(named)))
}

/**
 * A model whose price does not name what the request is sold by. It is not sold for nothing (threats A12).
 * The log shows the code to the operator.
 */
function notSoldSo(model: string, { sold = TOKENS }: Asked): Refusal {
  const [first = 'input'] = sold
  const code = TOKENS.includes(first) ? 'no_price_for_tokens' : `no_price_for_${first}s`
  const parts = QUANTITIES.filter((name) => sold.includes(name)).map((name) => `\`${name}\``)
  const message = `The model ${shown(model)} is not for sale here in this way: its price has no part named ${parts.join(' or ')}.`
  return refuse(404, code, message, { param: 'model' })
}

function unknownModel(model: string, some: readonly string[]): Refusal {
  const served = some.length === 0 ? '' : ` Served here: ${some.map(onOneLine).join(', ')}.`
  const message = `The model ${shown(model)} does not exist or is not for sale here.${served}`
  return refuse(404, 'model_not_found', message, { param: 'model' })
}

/** A name from outside, short and on one line. */
const onOneLine = (model: string): string => onLine(model, 100)
export const shown = (model: string): string => `'${onOneLine(model)}'`
