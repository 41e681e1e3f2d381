import type { Selling, ShownDollars, SoldRoute } from './selling.ts'

/**
 * `/.well-known/x402`: what is sold for dollars, in the form in which a facilitator answers
 * `GET /discovery/resources` (x402 v2, 8.1). `version` and `resources` are the short form that crawlers
 * read at this path. An amount is what the smallest offer asks for now; the 402 of a request says what
 * that request needs, so the 402 is right.
 */
export function wellKnownX402(selling: Selling): unknown {
  const { dollars, origin, terms } = selling
  const sold = terms.routes.filter(({ path }) => !path.includes('*'))
  const items = dollars === null ? [] : sold.map((route) => item(route, dollars, selling))
  return {
    x402Version: 2,
    items,
    pagination: { limit: items.length, offset: 0, total: items.length },
    version: 1,
    resources: items.map(({ resource }) => resource),
    instructions: `${origin}/llms.txt`,
  }
}

function item(
  { docs, method, path }: SoldRoute,
  dollars: ShownDollars,
  { acceptingPayments, now, origin, terms }: Selling,
) {
  const { least } = dollars
  return {
    resource: origin + path,
    type: 'http',
    x402Version: 2,
    accepts: least === null || !acceptingPayments ? [] : [accepted(dollars, least)],
    lastUpdated: new Date(now).toISOString(),
    description: docs.summary,
    mimeType: docs.answer.type,
    serviceName: terms.operator.name,
    metadata: { category: 'compute', provider: terms.operator.name, method },
  }
}

/** As `accepts` of PAYMENT-REQUIRED has it, without the offer that is signed for one request. */
const accepted = (
  { asset, domain, maxTimeoutSeconds, network, payTo }: ShownDollars,
  least: bigint,
) => ({
  ...{ scheme: 'exact', network, amount: `${least}`, asset, payTo, maxTimeoutSeconds },
  extra: { name: domain.name, version: domain.version },
})
