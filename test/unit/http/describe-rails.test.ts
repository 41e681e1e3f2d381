import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Validator } from '@seriousme/openapi-schema-validator'
import { describe, expect, it } from 'vitest'
import { routesOf } from '../../../src/daemon/routes.ts'
import { dialects } from '../../../src/dialects/index.ts'
import { openAiErrors } from '../../../src/dialects/openai/errors.ts'
import { err } from '../../../src/floor/result.ts'
import { type DescribeParts, type Dollars, makeDescribe } from '../../../src/http/describe.ts'
import { soldOf, type Terms } from '../../../src/http/selling.ts'
import { parsePrice } from '../../../src/money/parse.ts'
import { makePricing } from '../../../src/money/pricing.ts'
import { parseLlmsTxt } from '../../support/llms-txt.ts'
import { type OpenApi, type Operation, pathsOf } from '../../support/openapi.ts'
import { checker } from '../../support/schema.ts'
import { everySlot } from '../../support/slots.ts'

/** What the documents say of each way to pay: on, off, down, and alone. */

const ORIGIN = 'https://gate.example'
const ROOT = join(import.meta.dirname, '../../..')
const fitsL402 = checker(JSON.parse(readFileSync(join(ROOT, 'docs/l402.schema.json'), 'utf8')))

const MINT = 'https://mint.example'
const DOLLARS: Dollars = {
  terms: {
    network: 'eip155:84532',
    asset: '0x036cbd53842c5426634e7929541ec2318f3dcf7e',
    payTo: `0x${'12'.repeat(20)}`,
    domain: { name: 'USDC', version: '2' },
    maxTimeoutSeconds: 60,
  },
  up: () => true,
  amountOf: (sat) => BigInt(sat) * 900n,
}

/** The documents of a gate with these rails. */
function about(methods: readonly string[], parts: Partial<DescribeParts> = {}) {
  const terms: Terms = {
    version: '1.2.3',
    operator: { name: 'satgate', contact: null, terms: null },
    money: 'test',
    routes: routesOf(dialects, 'charge', everySlot).all.map(soldOf),
    errors: openAiErrors,
    sells: true,
    methods,
    cashuMints: methods.includes('cashu') ? [MINT] : null,
    invoice: { min: 10, max: 1000 },
    mostSats: 10_000_000,
    tiers: [{ amountSats: 10, creditSats: 10 }],
    limits: { body: 1_000_000, outputTokens: 32_768, usualOutputTokens: 2048 },
  }
  const price = parsePrice('1')
  if (!price.ok) throw new Error(price.error)
  return makeDescribe({
    terms,
    priceOf: makePricing({ fallback: price.value, models: [] }, () => err('no rate')).priceOf,
    listed: async () => [{ id: 'llama3' }],
    upstreamOk: () => true,
    gone: () => null,
    now: () => Date.UTC(2026, 10, 26),
    cashuOk: () => (methods.includes('cashu') ? true : null),
    dollars: methods.includes('x402') ? DOLLARS : null,
    walletOk: () => (methods.some((name) => name !== 'x402') ? true : null),
    ledgerOk: () => true,
    ledgerDamaged: () => false,
    publicUrl: () => null,
    usdPerBtc: () => null,
    ...parts,
  })
}

const written = async (gate: ReturnType<typeof about>) => ({
  llms: await gate.llmsTxt(ORIGIN),
  greeting: await gate.greeting(ORIGIN),
  openapi: JSON.parse(JSON.stringify(await gate.openApi(ORIGIN))),
  wellKnown: JSON.parse(JSON.stringify(await gate.wellKnown(ORIGIN))),
  x402: JSON.parse(JSON.stringify(await gate.wellKnownX402(ORIGIN))),
})

const RAILS = ['l402', 'cashu', 'x402', 'payment']
const SUBSETS = Array.from({ length: 2 ** RAILS.length }, (_, bits) =>
  RAILS.filter((_name, at) => ((bits >> at) & 1) === 1),
)
const chat = (openapi: OpenApi, method = 'post'): Operation => {
  const one = pathsOf(openapi)['/v1/chat/completions']?.[method]
  if (one === undefined) throw new Error('no chat')
  return one
}

/** What is said only if its rail is on: by the rail, a text of each document. */
const WORDS: Readonly<Record<string, readonly RegExp[]>> = {
  l402: [/create-invoice/, /L402 macaroon/],
  cashu: [/X-Cashu/, /mint\.example/],
  x402: [/PAYMENT-SIGNATURE/, /well-known\/x402/],
  payment: [/WWW-Authenticate: Payment/],
}

describe('each document names the ways to pay that are on, and no other', () => {
  it.each(SUBSETS.map((one) => ({ on: one.join(', '), methods: one })))(
    'on: $on',
    async ({ methods }) => {
      const { greeting, llms, openapi, wellKnown, x402 } = await written(about(methods))
      expect(fitsL402(wellKnown)).toEqual([])
      const { errors = [] } = await new Validator().validate(structuredClone(openapi))
      expect(errors).toEqual([])
      const { text } = parseLlmsTxt(llms)
      expect(wellKnown.payment.methods).toEqual(methods)
      const operation = chat(openapi)
      const offered = Object.keys(operation.responses[402]?.headers ?? {})
      // What is sold has the security of the whole document.
      expect(operation.security).toBe(undefined)
      const schemes = openapi.security.flatMap((one: object) => Object.keys(one))
      for (const [name, words] of Object.entries(WORDS)) {
        const on = methods.includes(name)
        // With no rail at all, the text keeps the usual way: the operator may turn it on.
        if (methods.length > 0)
          for (const word of words) expect([name, word, word.test(llms)]).toEqual([name, word, on])
        expect([name, wellKnown.payment[name]?.accepting]).toEqual([name, on ? true : undefined])
        if (name !== 'l402') expect(schemes.includes(name)).toBe(on)
      }
      expect(offered.includes('PAYMENT-REQUIRED')).toBe(methods.includes('x402'))
      expect(offered.includes('X-Cashu')).toBe(methods.includes('cashu'))
      expect(offered.includes('WWW-Authenticate')).toBe(
        methods.includes('l402') || methods.includes('payment'),
      )
      expect(operation['x-payment-info']?.offers.map(({ method }) => method)).toEqual(
        methods.includes('payment') ? ['lightning'] : undefined,
      )
      expect(openapi.paths['/create-invoice'] !== undefined).toBe(methods.includes('l402'))
      expect(wellKnown.payment.createInvoice !== undefined).toBe(methods.includes('l402'))
      expect(openapi.paths['/.well-known/x402'] !== undefined).toBe(methods.includes('x402'))
      expect(x402 !== null).toBe(methods.includes('x402'))
      const rail = chat(openapi, 'get').parameters?.find((one) => one.name === 'rail')
      expect(rail?.schema).toEqual(
        methods.length > 1 ? { enum: methods, description: expect.any(String) } : undefined,
      )
      expect(text.includes('?rail=')).toBe(methods.length > 1)
      expect(greeting).not.toMatch(/Lightning|dollars/)
    },
  )
})

describe('/.well-known/x402', () => {
  it('lists what is sold as a facilitator lists what it discovered', async () => {
    const { x402 } = await written(about(['l402', 'x402']))
    expect(x402).toMatchObject({
      x402Version: 2,
      version: 1,
      resources: dialects.map(({ path }) => `${ORIGIN}${path}`),
      pagination: { limit: dialects.length, offset: 0, total: dialects.length },
    })
    expect(x402.items[0]).toEqual({
      resource: `${ORIGIN}/v1/chat/completions`,
      type: 'http',
      x402Version: 2,
      accepts: [
        {
          ...{ scheme: 'exact', network: 'eip155:84532', amount: '9000', maxTimeoutSeconds: 60 },
          ...{ asset: DOLLARS.terms.asset, payTo: DOLLARS.terms.payTo },
          extra: { name: 'USDC', version: '2' },
        },
      ],
      lastUpdated: '2026-11-26T00:00:00.000Z',
      description: expect.any(String),
      mimeType: 'application/json',
      serviceName: 'satgate',
      metadata: { category: 'compute', provider: 'satgate', method: 'POST' },
    })
  })

  it.each([
    ['the facilitator is down', { dollars: { ...DOLLARS, up: () => false } }],
    ['no rate is known', { dollars: { ...DOLLARS, amountOf: () => null } }],
    ['the ledger is late', { ledgerOk: () => false }],
  ])('offers nothing while %s', async (_, parts) => {
    const { wellKnown, x402 } = await written(about(['l402', 'x402'], parts))
    expect(x402.items.map(({ accepts }: { accepts: unknown }) => accepts)).toEqual(
      dialects.map(() => []),
    )
    expect(wellKnown.payment.x402.accepting).toBe(false)
  })

  it('is not there if no dollars are taken', async () => {
    expect((await written(about(['l402', 'cashu']))).x402).toBe(null)
  })
})

describe('a way to pay that is down', () => {
  const down = { dollars: { ...DOLLARS, up: () => false } }

  it('is said to be down in every document, and the others are not', async () => {
    const { llms, openapi, wellKnown } = await written(about(['l402', 'x402'], down))
    expect(wellKnown.accepting_payments).toBe(true)
    expect(wellKnown.payment.l402.accepting).toBe(true)
    expect(openapi['x-satgate'].rails).toEqual({ l402: true, x402: false })
    expect(llms).toContain('Not at the moment: with dollars (x402).')
    expect(llms).toContain('No dollars can be taken at the moment.')
  })

  it('alone: no payment can be taken', async () => {
    const gate = about(['x402'], down)
    const { llms, wellKnown } = await written(gate)
    expect(wellKnown.accepting_payments).toBe(false)
    expect(llms).toContain('No payment can be taken at the moment')
    expect(await gate.health()).toMatchObject({
      ...{ status: 'degraded', wallet: 'none', x402: 'unreachable' },
    })
  })

  it('a gate that takes dollars alone has no wallet to be down', async () => {
    const gate = about(['x402'])
    expect(await gate.health()).toMatchObject({ status: 'ok', wallet: 'none', x402: 'ok' })
    expect((await written(gate)).wellKnown.accepting_payments).toBe(true)
  })
})
