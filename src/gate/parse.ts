import type { Terms } from '../dialects/dialect.ts'
import type { Awaitable } from '../floor/awaitable.ts'
import { err, ok, type Result } from '../floor/result.ts'
import { type Call, type Parsed, type Priced, toParsed } from './call.ts'
import { maxCostOf } from './max-cost.ts'
import { type PriceParts, price } from './price.ts'
import { type Refusal, refuse } from './refusal.ts'

/** Reads a request and finds its price, in the dialect of its route. */
export function readPriced(
  call: Call,
  { pricing, terms }: { readonly pricing: PriceParts; terms(): Terms },
): Awaitable<Result<Priced, Refusal>> {
  const parsed = parse(call, terms())
  return parsed.ok ? price(parsed.value, pricing) : parsed
}

/** Reads the body in the dialect of its route. Refuses with 400, 413 or 415. */
function parse(call: Call, terms: Terms): Result<Parsed, Refusal> {
  const { body, head, query } = call.incoming
  if (call.route.query && !QUERY.test(query)) return err(BAD_QUERY)
  const limit = maxCostOf(call.incoming)
  if (!limit.ok) return limit
  const asked = call.route.dialect.read(body, head, terms)
  if (asked.ok) return ok(toParsed(call, asked.value))
  const { status, code, message, param } = asked.error
  return err(refuse(status, code, message, { param }))
}

/**
 * Printable ASCII without a fragment, so that the gate and every backend read the query in the same
 * way.
 */
const QUERY = /^(?:\?[!"$-~]*)?$/
const BAD_QUERY = refuse(
  400,
  'bad_request',
  'The query of this request has characters that must be escaped.',
)
