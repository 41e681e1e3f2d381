import { unitOf } from '../money/unit.ts'
import { literalRequests } from './llms-requests.ts'
import type { ForSale, Operator, Selling, ShownPrice } from './selling.ts'

/** How many models are listed by name. The others are behind a link. */
const MOST_MODELS = 40
const MOST_NAME = 80

/**
 * `/llms.txt` (llmstxt.org): an H1, a summary as a quotation, text without headings, then sections
 * that contain only links. Every URL is absolute, with the origin that the reader uses.
 */
export function llmsTxt(selling: Selling): string {
  const { operator, sells } = selling.terms
  return `${[
    `# ${operator.name}`,
    sells
      ? `> An OpenAI-compatible API that is paid by the token, ${ways(selling)}. No account and no sign-up: if you pay, you hold the key.`
      : '> An OpenAI-compatible API. It sells no credit: its operator gives out the passes.',
    state(selling),
    ...operatorLine(operator),
    literalRequests(selling),
    terms(selling),
    modelSection(selling),
    links(selling),
  ].join('\n\n')}\n`
}

const WAYS: Readonly<Record<string, string>> = {
  l402: 'with Bitcoin over Lightning (L402)',
  payment: 'with Bitcoin over Lightning (Payment)',
  cashu: 'with Cashu ecash (X-Cashu)',
  x402: 'with dollars (x402)',
}

/** The ways to pay that are on. */
function ways({ terms }: Selling): string {
  const known = terms.methods.flatMap((name) => WAYS[name] ?? [])
  return known.length === 0 ? 'with Bitcoin' : known.join(' or ')
}

const MONEY = {
  real: 'The money is real.',
  test: 'The money is of a test network and worth nothing.',
  play: 'The money is play money and worth nothing.',
}

function state({ terms, acceptingPayments, upstream, gone, rails }: Selling): string {
  if (!terms.sells) {
    const answers =
      upstream === 'ok'
        ? 'The model server answers.'
        : 'The model server does not answer at the moment.'
    return `Nothing is sold here; send no payment. ${gone ?? answers}`
  }
  if (gone !== null) {
    return `${gone} Nothing is sold until it is back; send no payment. A pass keeps its credit, and can be topped up. ${MONEY[terms.money]}`
  }
  if (upstream !== 'ok') {
    return `The model server does not answer at the moment, so nothing is for sale. Wait before you pay. ${MONEY[terms.money]}`
  }
  const pays = acceptingPayments
    ? `Payments are taken now.${downNow(rails)}`
    : 'No payment can be taken at the moment; passes with credit are served.'
  return `${pays} The model server answers. ${MONEY[terms.money]}`
}

/** Names the ways to pay that are on and cannot be used now. Empty if all can. */
function downNow(rails: Selling['rails']): string {
  const down = rails.flatMap(({ name, up }) => (up ? [] : (WAYS[name] ?? [])))
  return down.length === 0 ? '' : ` Not at the moment: ${down.join(', ')}.`
}

/** Empty if the operator gave neither a contact nor terms. */
function operatorLine({ name, contact, terms }: Operator): readonly string[] {
  if (contact === null && terms === null) return []
  const said = [
    ...(contact === null ? [] : [`Contact: ${contact}`]),
    ...(terms === null ? [] : [`Terms: ${terms}`]),
  ]
  return [`Operator: ${name}. ${said.join(' · ')}`]
}

function terms(selling: Selling): string {
  const { terms } = selling
  const unit = unitOf(selling.terms.money)
  const { invoice, mostSats, limits } = terms
  const number = (value: number) => value.toLocaleString('en')
  return [
    `- ${served(terms)}. Streaming works.`,
    `- You pay for the tokens of the request and of its answer, to a thousandth of a ${unit}. A request that fails before its first output costs nothing.`,
    `- An answer tells its cost: in the header \`X-Cost-Msat\`. ${costInStreams(terms)}`.trimEnd(),
    ...(terms.sells
      ? [
          `- A 402 asks for ${number(invoice.min)} to ${number(invoice.max)} ${unit}, or more if this request needs more.${terms.methods.includes('l402') ? ` \`/create-invoice\` sells up to ${number(mostSats)} ${unit}.` : ''}`,
          ...severalWays(terms.methods),
        ]
      : []),
    `- At most ${number(limits.outputTokens)} output tokens in one answer; ${number(limits.usualOutputTokens)} if the request names no limit. The limit can be lower if the balance is small, or if the model is slow and the answer is not streamed. The header \`X-Max-Tokens-Applied\` tells the limit.`,
    '- `X-Max-Cost: 2` on a request: it costs at most 2 sats. The answer is shortened to fit, or refused with the number if the prompt alone may cost more.',
    `- At most ${number(limits.body)} bytes in one request.`,
    '- After a 503 whose `code` ends with `_pending`, never pay again: send the same request in some seconds.',
  ].join('\n')
}

/** How a request chooses among the ways to pay. */
function severalWays(methods: readonly string[]): readonly string[] {
  if (methods.length < 2) return []
  const names = methods.map((name) => `\`?rail=${name}\``).join(', ')
  return [
    `- A 402 has the offers of every way to pay that can be used now. Pay one of them. ${names} behind the path asks for one way alone.`,
    '- A pass works the same, however it was bought. A payment beside a pass tops up the account of that pass.',
  ]
}

/** The routes. If all of them have one method, it is named once. */
function served({ routes }: Selling['terms']): string {
  const posts = routes.every(({ method }) => method === 'POST')
  const paths = routes.map(({ method, path }) => (posts ? `\`${path}\`` : `\`${method} ${path}\``))
  return `Served${posts ? ', each by POST' : ''}: ${paths.join(', ')}`
}

/**
 * Where the streams of each dialect tell their cost. What several dialects do alike is said once.
 */
function costInStreams({ routes }: Selling['terms']): string {
  return [...new Set(routes.flatMap(({ docs }) => docs.stream?.cost ?? []))].join(' ')
}

function modelSection(selling: Selling): string {
  const { origin, models, upstream } = selling
  const all = `- [All models](${origin}/v1/models): the list with prices, as JSON`
  if (models.length === 0) {
    const why = upstream === 'ok' ? 'none is for sale now' : 'the model server does not answer'
    return `## Models\n\n${all}; ${why}`
  }
  const lines = models.slice(0, MOST_MODELS).map((model) => modelLine(selling, model))
  const more = models.length - lines.length
  return ['## Models', '', ...lines, more > 0 ? `${all}; ${more} more of them` : all].join('\n')
}

/** Every client removes these segments from a URL (RFC 3986 5.2.4). */
const DOTS = /^\.{1,2}$/

/** One model. If its name needs escaping in a URL, the link leads to the whole list. */
function modelLine(selling: Selling, { id, pricing }: ForSale): string {
  const name = shownName(id)
  const path = name === id && !DOTS.test(id) ? `/v1/models/${encodeURIComponent(id)}` : '/v1/models'
  return `- [\`${name}\`](${selling.origin}${path}): ${priceWords(pricing, unitOf(selling.terms.money))}`
}

/**
 * A name that the backend gave, for use in a code span. Characters that could end the span, the
 * link or the line are replaced, so that the name cannot add a link or a heading. Long names are
 * cut.
 */
export function shownName(id: string): string {
  const plain = id.toWellFormed().replace(/[^\p{L}\p{N} ._:/@+=,-]/gu, '?')
  const characters = [...plain]
  return characters.length <= MOST_NAME ? plain : `${characters.slice(0, MOST_NAME).join('')}…`
}

/** A price in sats as text. Equal figures are written once. */
export function priceWords(pricing: ShownPrice, unit: string): string {
  const { images, request } = pricing
  const parts = EACH.flatMap((name) => {
    const each = pricing[name] ?? 0
    const upTo = name === 'image' && images !== undefined ? 'up to ' : ''
    return each === 0 ? [] : [`${upTo}${decimal(each)} ${unit} per ${name}`]
  })
  if (request !== 0) parts.push(`${request} ${unit} per request`)
  const words = [...tokenWords(pricing, unit), ...parts]
  const last = words.pop() ?? 'free'
  return words.length === 0 ? last : `${words.join(', ')} and ${last}`
}

const EACH = ['image', 'second', 'character', 'byte'] as const

/** Without an exponent: a price of a byte has many zeros. */
const decimal = (value: number): string => value.toLocaleString('en', { maximumFractionDigits: 9 })

function tokenWords(
  { input, cached, cacheWrite, output }: ShownPrice,
  unit: string,
): readonly string[] {
  if (input === null || (input === 0 && cached === 0 && output === 0)) return []
  const same = input === output && input === cached && cacheWrite === undefined
  const split = `${input} ${unit} in, ${cached === input ? '' : `${cached} ${unit} cached, `}${cacheWrite ? `${cacheWrite} ${unit} written into the cache, ` : ''}${output} ${unit} out`
  return [`${same ? `${input} ${unit}` : split} per 1,000 tokens`]
}

const links = ({ dollars, origin }: Selling): string =>
  `## Documents

- [OpenAPI 3.1](${origin}/openapi.json): every endpoint, with its fields and errors
- [L402 description](${origin}/.well-known/l402): prices, limits and payment, as JSON${dollars === null ? '' : `\n- [x402 resources](${origin}/.well-known/x402): what is sold for dollars, as JSON`}
- [Health](${origin}/health): whether model server, wallet and ledger answer

## Your pass

- [Balance](${origin}/v1/balance): what is left; send the pass
- [Usage](${origin}/v1/usage): what each request cost, newest first; send the pass`
