import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Validator } from '@seriousme/openapi-schema-validator'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { routesOf } from '../../../src/daemon/routes.ts'
import { dialects } from '../../../src/dialects/index.ts'
import { openAiErrors } from '../../../src/dialects/openai/errors.ts'
import { object, text } from '../../../src/floor/json-schema.ts'
import { err, ok } from '../../../src/floor/result.ts'
import { makeApp } from '../../../src/http/app.ts'
import { type DescribeParts, makeDescribe } from '../../../src/http/describe.ts'
import { priceWords, shownName } from '../../../src/http/llms-txt.ts'
import { type ShownPrice, type SoldRoute, soldOf, type Terms } from '../../../src/http/selling.ts'
import { parsePrice } from '../../../src/money/parse.ts'
import { makePricing } from '../../../src/money/pricing.ts'
import { parseLlmsTxt } from '../../support/llms-txt.ts'
import { checker } from '../../support/schema.ts'
import { everySlot } from '../../support/slots.ts'

const ORIGIN = 'https://gate.example'

const routes = routesOf(dialects, 'charge', everySlot).all.map(soldOf)

const terms: Terms = {
  version: '1.2.3',
  operator: { name: 'satgate', contact: null, terms: null },
  money: 'real',
  routes,
  errors: openAiErrors,
  sells: true,
  methods: ['l402'],
  cashuMints: null,
  invoice: { min: 10, max: 1000 },
  mostSats: 10_000_000,
  tiers: [{ amountSats: 10, creditSats: 10 }],
  limits: { body: 1_000_000, outputTokens: 32_768, usualOutputTokens: 2048 },
}

const price = (text: string) => {
  const parsed = parsePrice(text)
  if (!parsed.ok) throw new Error(parsed.error)
  return parsed.value
}

/** The documents of a gate with these models, at 1 sat unless `parts` says otherwise. */
const about = (ids: readonly string[], parts: Partial<DescribeParts> = {}) =>
  makeDescribe({
    terms,
    priceOf: makePricing({ fallback: price('1'), models: [] }, () => err('no rate')).priceOf,
    listed: async () => ids.map((id) => ({ id })),
    upstreamOk: () => true,
    gone: () => null,
    now: () => 0,
    cashuOk: () => null,
    dollars: null,
    walletOk: () => true,
    ledgerOk: () => true,
    ledgerDamaged: () => false,
    publicUrl: () => null,
    usdPerBtc: () => null,
    ...parts,
  })

const written = async (gate: ReturnType<typeof about>) => ({
  llms: await gate.llmsTxt(ORIGIN),
  openapi: JSON.parse(JSON.stringify(await gate.openApi(ORIGIN))),
  wellKnown: JSON.parse(JSON.stringify(await gate.wellKnown(ORIGIN))),
})

const file = (path: string) =>
  JSON.parse(readFileSync(join(import.meta.dirname, '../../..', path), 'utf8'))
const fitsL402 = checker(file('docs/l402.schema.json'))

const openApiMistakes = async (document: object) => {
  const { valid, errors } = await new Validator().validate(structuredClone(document) as never)
  return valid ? [] : errors
}

const STATES: readonly (readonly [string, readonly string[], Partial<DescribeParts>])[] = [
  ['everything answers', ['llama3', 'qwen3:8b'], {}],
  ['no model', [], {}],
  ['three hundred models', Array.from({ length: 300 }, (_, n) => `vendor/model-${n}`), {}],
  ['the upstream never answered', [], { listed: async () => null, upstreamOk: () => false }],
  ['the upstream answers no more', ['llama3'], { upstreamOk: () => false }],
  [
    'the upstream is gone',
    ['llama3'],
    { upstreamOk: () => false, gone: () => ({ why: 'refused', since: 0 }) },
  ],
  ['the wallet is down', ['llama3'], { walletOk: () => false }],
  ['the ledger is late', ['llama3'], { ledgerOk: () => false }],
  ['no rail is on', ['llama3'], { terms: { ...terms, methods: [] } }],
  ['it has a public address', ['llama3'], { publicUrl: () => ORIGIN }],
  ['one dialect', ['llama3'], { terms: { ...terms, routes: routes.slice(0, 1) } }],
]

describe('each document is what its specification asks for', () => {
  it.each(STATES)('where %s', async (_, ids, parts) => {
    const { llms, openapi, wellKnown } = await written(about(ids, parts))
    expect(fitsL402(wellKnown)).toEqual([])
    expect(await openApiMistakes(openapi)).toEqual([])
    const { sections } = parseLlmsTxt(llms)
    const links = Object.values(sections).flat()
    expect(links.filter(({ url }) => !url.startsWith(`${ORIGIN}/`))).toEqual([])
  })

  it('and a document that does not follow it is found', async () => {
    const { openapi, wellKnown } = await written(about(['llama3']))
    expect(fitsL402({ ...wellKnown, version: 2 })).toHaveLength(1)
    expect(fitsL402({ ...wellKnown, secret: 'x' })).toHaveLength(1)
    expect(await openApiMistakes({ ...openapi, paths: { chat: {} } })).not.toEqual([])
    expect(() => parseLlmsTxt('# a\n\n> b\n\n## c\n\ntext')).toThrow('no link: text')
    expect(() => parseLlmsTxt('# a\n\n> b\n\n### c')).toThrow('a heading')
    expect(() => parseLlmsTxt('a\n')).toThrow('no H1')
  })

  it('a registry reads no more than 64 KiB of OpenAPI, however many models there are', async () => {
    const ids = Array.from({ length: 2_000 }, (_, n) => `some-vendor/some-long-model-name-${n}`)
    const { openapi } = await written(about(ids))
    expect(bytes(openapi)).toBeLessThan(64 * 1024)
    expect(openapi['x-satgate']).toMatchObject({
      models: 2_000,
      all_prices: `${ORIGIN}/v1/models`,
    })
    expect(Object.keys(openapi['x-satgate'].prices).length).toBeGreaterThan(50)
  })

  const selling = (apis: number, methods: readonly string[]): Partial<DescribeParts> => {
    const sold = Array.from({ length: apis }, (_, at) => routes[at] ?? api(at))
    return { terms: { ...terms, routes: sold, methods, cashuMints: ['https://mint.example'] } }
  }
  const RAILS = ['l402', 'payment', 'cashu', 'x402']

  it.each([
    [20, ['l402'], 50],
    [20, RAILS, 10],
    [25, ['l402'], 10],
    [22, RAILS, 0],
  ])(
    'nor however many APIs there are: %i with %j leave room for prices of %i models',
    async (apis, methods, least) => {
      const parts = selling(apis, methods)
      for (const name of ['some-vendor/some-model-name', 'a-name-of-250-characters-'.repeat(10)]) {
        const ids = Array.from({ length: 2_000 }, (_, n) => `${name}${n}`)
        const { openapi } = await written(about(ids, parts))
        const shown = Object.keys(openapi['x-satgate'].prices)
        expect(await openApiMistakes(openapi)).toEqual([])
        expect(bytes(openapi)).toBeLessThan(64 * 1024)
        expect(shown).toEqual(ids.slice(0, shown.length))
        if (name.length < 100) expect(shown.length).toBeGreaterThanOrEqual(least)
      }
    },
  )

  it('the schemas lose their descriptions only if it gets too long', async () => {
    const fieldOf = async (apis: number) =>
      (await written(about([], selling(apis, RAILS)))).openapi.components.schemas.Balance.properties
    expect((await fieldOf(2)).held_msat.description).toContain('Set aside')
    expect((await fieldOf(25)).held_msat).toEqual({ type: 'integer', minimum: 0 })
  })

  it('the schemas of an API have at most 2,500 bytes, and no path repeats what others say', async () => {
    for (const { docs, path } of dialects) {
      const size = bytes([docs.request, docs.answer, docs.stream])
      expect([path, size <= 2_500 ? 'fits' : size]).toEqual([path, 'fits'])
    }
    const { openapi } = await written(about(['llama3']))
    for (const { path } of routes.slice(1)) {
      const size = bytes(openapi.paths[path])
      expect([path, size <= 1_000 ? 'fits' : size]).toEqual([path, 'fits'])
    }
  })

  it('no two APIs give one name to two schemas', async () => {
    const named = new Map<string, string>()
    for (const { docs } of dialects) {
      const { answer, name, request } = docs
      const own = { [`${name}Request`]: request.schema, [`${name}Answer`]: answer.schema }
      for (const [key, part] of Object.entries({ ...request.parts, ...answer.parts, ...own })) {
        const text = JSON.stringify(part)
        expect([key, named.get(key) ?? text]).toEqual([key, text])
        named.set(key, text)
      }
    }
  })
})

const bytes = (document: unknown): number => Buffer.byteLength(JSON.stringify(document))

const fields = (count: number, at: number) =>
  object(
    [],
    Object.fromEntries(Array.from({ length: count }, (_, n) => [`name${at}of${n}`, text()])),
  )

/** An API with schemas of its own, as long as those of rerank. */
const api = (at: number): SoldRoute => {
  const [first] = routes
  if (first === undefined) throw new Error('no route')
  const type = 'application/json'
  return {
    ...first,
    path: `/v1/other/number/${at}`,
    docs: {
      ...{ ...first.docs, name: `Other${at}`, summary: `An API with the number ${at}` },
      request: { type, schema: fields(15, at), parts: {} },
      answer: { type, schema: fields(5, at), parts: {} },
    },
  }
}

/** From the appendix of draft-payment-discovery-01. */
const OFFER = {
  type: 'object',
  required: ['intent', 'method', 'amount'],
  properties: {
    intent: { enum: ['charge', 'session'] },
    method: { type: 'string' },
    amount: { oneOf: [{ type: 'null' }, { type: 'string', pattern: '^(0|[1-9][0-9]*)$' }] },
    currency: { type: 'string' },
    description: { type: 'string' },
  },
  additionalProperties: false,
}
const PAYMENT_INFO = {
  type: 'object',
  required: ['offers'],
  properties: { offers: { type: 'array', minItems: 1, items: OFFER } },
  additionalProperties: false,
}
const URI = { type: 'string', format: 'uri' }
const SERVICE_INFO = {
  type: 'object',
  properties: {
    categories: { type: 'array', maxItems: 5, items: { type: 'string', pattern: '^[a-z-]+$' } },
    docs: { type: 'object', properties: { apiReference: URI, homepage: URI, llms: URI } },
  },
}

describe('openapi.json', () => {
  it('tells payment as draft-payment-discovery-01 asks for', async () => {
    const payment = { terms: { ...terms, methods: ['l402', 'payment'] } }
    const { openapi } = await written(about(['llama3'], payment))
    expect(checker(SERVICE_INFO)(openapi['x-service-info'])).toEqual([])
    const paid = Object.values(openapi.paths as Record<string, { post?: Operation }>)
      .map(({ post }) => post)
      .filter((post) => post?.['x-payment-info'] !== undefined)
    expect(paid).toHaveLength(dialects.length)
    for (const operation of paid) {
      expect(checker(PAYMENT_INFO)(operation?.['x-payment-info'])).toEqual([])
      expect(operation?.responses).toHaveProperty('402')
    }
  })

  it('describes every route, and no other', async () => {
    const unused = null as never
    const app = makeApp({ playPay: async () => unused, redeeming: {} } as never)
    const cashu = { methods: ['l402', 'cashu', 'x402'], cashuMints: ['https://mint.example'] }
    const { openapi } = await written(about(['llama3'], { terms: { ...terms, ...cashu } }))
    const served = app.routes
      .filter(({ path }) => path !== '/*')
      .map(({ method, path }) => `${method} ${path}`)
      .concat(dialects.map(({ path }) => `POST ${path}`))
      .concat(SOLD.map((method) => `${method} ${dialects[0]?.path}`))
      .map((route) => route.replace(/:(\w+)(\{[^}]*\})?/g, '{$1}'))
    const described = Object.entries(openapi.paths as object).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    )
    const api = [...new Set(served)].filter((route) => !NOT_THE_API.has(route))
    expect(described.sort()).toEqual(api.sort())
  })

  it('names all models if there are few, and some of many', async () => {
    const few = await written(about(['a', 'b', 'a']))
    expect(few.openapi.components.schemas.ModelName).toEqual({ type: 'string', enum: ['a', 'b'] })
    const many = await written(about(Array.from({ length: 21 }, (_, n) => `m${n}`)))
    expect(many.openapi.components.schemas.ModelName.enum).toBe(undefined)
    expect(many.openapi.components.schemas.ModelName.examples).toHaveLength(20)
  })
})

interface Operation {
  readonly responses: object
  readonly 'x-payment-info'?: object
}

/** All APIs answer these to whoever has not paid. They are described at the first one. */
const SOLD = ['GET', 'HEAD']
/** Paths for this machine only, and for people. */
const NOT_THE_API = new Set(['POST /play/pay', 'GET /', 'GET /assets/{name}'])

describe('the requests of llms.txt', () => {
  it.each([
    [['nomic-embed-text', 'it’s', 'qwen3:8b'], 'qwen3:8b'],
    [['nomic-embed-text'], 'nomic-embed-text'],
    [["x'; rm -rf ~ #", '$(id)', '`id`'], 'MODEL'],
    [[], 'MODEL'],
  ])('of %j show %s', async (ids, model) => {
    const { text } = parseLlmsTxt(await about(ids).llmsTxt(ORIGIN))
    const shown = [...text.matchAll(/"model":"([^"]*)"/g)].map(([, name]) => name)
    expect(shown).toEqual([model, model])
    expect(text.includes('MODEL stands for a name')).toBe(model === 'MODEL')
  })

  it('pay by themselves only if the money is play money', async () => {
    const of = (money: Terms['money']) =>
      about(['llama3'], { terms: { ...terms, money } }).llmsTxt(ORIGIN)
    expect(await of('play')).toContain(`${ORIGIN}/play/pay`)
    expect(await of('play')).not.toMatch(/\d sat\b/)
    expect(await of('play')).toContain('1 play sat per 1,000 tokens')
    expect(await of('real')).not.toContain('play sat')
    expect(await of('real')).not.toContain('/play/pay')
    expect(await of('test')).not.toContain('/play/pay')
  })
})

describe('the operator', () => {
  const NPUB = `npub1${'q'.repeat(58)}`
  const named = (contact: string | null, words: string | null) =>
    about(['llama3'], {
      terms: { ...terms, operator: { name: 'Ada & Co', contact, terms: words } },
    })

  it.each([
    ['ada@example.com', { email: 'ada@example.com' }],
    ['https://ada.example/help', { url: 'https://ada.example/help' }],
    [NPUB, { url: `nostr:${NPUB}` }],
  ])('is in every document with %s', async (contact, field) => {
    const url = 'https://ada.example/terms'
    const { llms, openapi, wellKnown } = await written(named(contact, url))
    expect(wellKnown).toMatchObject({
      name: 'Ada & Co',
      operator: { name: 'Ada & Co', contact, terms: url },
      software: { name: 'satgate' },
    })
    expect(fitsL402(wellKnown)).toEqual([])
    expect(openapi.info).toMatchObject({
      title: 'Ada & Co',
      contact: { name: 'Ada & Co', ...field },
      termsOfService: url,
    })
    expect(await openApiMistakes(openapi)).toEqual([])
    expect(parseLlmsTxt(llms).title).toBe('Ada & Co')
    expect(parseLlmsTxt(llms).text).toContain(
      `Operator: Ada & Co. Contact: ${contact} · Terms: ${url}`,
    )
  })

  it('may give terms as text, or nothing at all', async () => {
    const { llms, openapi, wellKnown } = await written(named(null, 'No refunds. Be kind.'))
    expect(openapi.info).toMatchObject({ 'x-terms': 'No refunds. Be kind.' })
    expect(openapi.info).not.toHaveProperty('contact')
    expect(await openApiMistakes(openapi)).toEqual([])
    expect(llms).toContain('Operator: Ada & Co. Terms: No refunds. Be kind.')
    expect(wellKnown.operator).toEqual({
      ...{ name: 'Ada & Co', contact: null, terms: 'No refunds. Be kind.' },
    })
    const silent = await written(about(['llama3']))
    expect(silent.llms).not.toContain('Operator')
    expect(silent.wellKnown.operator).toEqual({ name: 'satgate', contact: null, terms: null })
  })

  it('the dollars of a bitcoin stand beside the prices where they are known', async () => {
    const known = await written(about(['llama3'], { usdPerBtc: () => 90_000.5 }))
    expect(known.wellKnown.usd_per_btc).toBe(90_000.5)
    expect(fitsL402(known.wellKnown)).toEqual([])
    expect((await written(about(['llama3']))).wellKnown.usd_per_btc).toBe(null)
  })
})

describe('what is sold', () => {
  const PRICES = {
    fallback: { in: 'refuse' } as const,
    models: [
      { pattern: 'one', price: price('1') },
      { pattern: 'two', price: price('2/8') },
      { pattern: 'gift', price: price('free') },
      { pattern: 'kept', price: price('refuse') },
      {
        pattern: 'usd',
        price: { in: 'usd', usd: { input: 1n, output: 1n }, sats: {} } as const,
      },
    ],
  }
  const ids = ['one', 'two', 'gift', 'kept', 'usd', 'unpriced']
  const listed = async (
    rate: () => ReturnType<typeof err<string>> | ReturnType<typeof ok<bigint>>,
  ) => {
    const { llms, openapi, wellKnown } = await written(
      about(ids, { priceOf: makePricing(PRICES, rate as never).priceOf }),
    )
    const { Models = [] } = parseLlmsTxt(llms).sections
    const named = Models.map(({ name }) => name.replaceAll('`', '')).slice(0, -1)
    expect(Object.keys(openapi['x-satgate'].prices)).toEqual(named)
    expect(openapi.components.schemas.ModelName.enum).toEqual(named)
    expect(Object.keys(wellKnown.pricing.models)).toEqual(named)
    expect(wellKnown.capabilities.models).toEqual(named)
    return { named, prices: Models.map(({ notes }) => notes).slice(0, -1) }
  }

  it('is what has a price: not what is refused, unpriced, or in dollars without a rate', async () => {
    expect(await listed(() => err('no rate'))).toEqual({
      named: ['one', 'two', 'gift'],
      prices: ['1 sat per 1,000 tokens', '2 sat in, 8 sat out per 1,000 tokens', 'free'],
    })
    expect((await listed(() => ok(90_000n * 10n ** 8n))).named).toContain('usd')
  })

  it('is nothing if the upstream does not answer, and every document says so', async () => {
    const { llms, openapi, wellKnown } = await written(about(['one'], { upstreamOk: () => false }))
    expect(wellKnown).toMatchObject({ upstream: 'unreachable', capabilities: { models: [] } })
    expect(openapi['x-satgate']).toMatchObject({ upstream: 'unreachable', prices: {} })
    expect(parseLlmsTxt(llms).text).toContain('The model server does not answer at the moment')
    expect(llms).not.toContain('`one`')
    expect(llms).not.toContain('Payments are taken now')
    expect(llms).toContain('Wait before you pay.')
  })

  it.each([
    ['the wallet is down', { walletOk: () => false }],
    ['the ledger is late', { ledgerOk: () => false }],
    ['the backend is gone', { gone: () => ({ why: 'refused', since: 0 }) as const }],
  ])('cannot be paid for if %s, and every document says so', async (_, parts) => {
    const on = { ...terms, methods: ['l402', 'payment'] }
    const { llms, openapi, wellKnown } = await written(about(['one'], { terms: on, ...parts }))
    expect(wellKnown.accepting_payments).toBe(false)
    expect(wellKnown.payment.l402.accepting).toBe(false)
    expect(openapi['x-satgate'].accepting_payments).toBe(false)
    const [offer] = openapi.paths['/v1/chat/completions'].post['x-payment-info'].offers
    expect(offer.description).toContain('No payment can be taken at the moment.')
    expect(parseLlmsTxt(llms).text).toMatch(/No payment can be taken at the moment|send no payment/)
  })

  it('forty of many models are in llms.txt, with the number of the others', async () => {
    const { llms } = await written(about(Array.from({ length: 45 }, (_, n) => `m${n}`)))
    const { Models = [] } = parseLlmsTxt(llms).sections
    expect(Models).toHaveLength(41)
    expect(Models.at(-1)).toMatchObject({ url: `${ORIGIN}/v1/models`, notes: /5 more/ })
  })
})

describe('a price in words', () => {
  const shown = (figures: Partial<ShownPrice>): ShownPrice => ({
    ...{ unit: 'sats per 1,000 tokens', input: 0, cached: 0, output: 0, request: 0 },
    ...figures,
  })

  it.each([
    [{}, 'free'],
    [{ request: 0.1 }, '0.1 sat per request'],
    [{ input: 1, cached: 1, output: 1 }, '1 sat per 1,000 tokens'],
    [{ input: 2, cached: 2, output: 8 }, '2 sat in, 8 sat out per 1,000 tokens'],
    [{ input: 2, cached: 0.5, output: 8 }, '2 sat in, 0.5 sat cached, 8 sat out per 1,000 tokens'],
    [
      { input: 1, cached: 1, output: 1, request: 2 },
      '1 sat per 1,000 tokens and 2 sat per request',
    ],
  ])('%j is %s', (figures, words) => {
    expect(priceWords(shown(figures), 'sat')).toBe(words)
  })
})

describe('J21 a model’s record', () => {
  it('tells what a buyer chooses by, and nothing of the operator’s machine', async () => {
    const record = {
      id: '/srv/models/llama.gguf',
      object: 'model',
      created: 7,
      owned_by: 'acme',
      max_model_len: 4096,
      aliases: ['llama'],
      meta: { n_ctx: 2048, path: '/srv/models' },
      root: '/home/op/llama',
      parent: '/home/op/base',
      permission: [{ organization: 'org-acme' }],
      type: 'http://10.0.0.7:8000/v1',
      state: '/var/run/state',
      litellm_params: { api_base: 'http://10.0.0.7', api_key: 'sk-operator' },
    }
    const shown = await about([], { listed: async () => [record] }).models()
    expect(shown).toEqual({
      object: 'list',
      data: [
        {
          ...{ id: '/srv/models/llama.gguf', object: 'model', created: 7, owned_by: 'acme' },
          ...{ max_model_len: 4096, aliases: ['llama'], meta: { n_ctx: 2048 } },
          pricing: expect.objectContaining({ input: 1 }),
        },
      ],
    })
  })
})

/** The name is in single quotes of a shell and inside JSON, so no other characters are allowed. */
const SHOWN_MODEL = /"model":"[A-Za-z0-9][\w.:/@+-]{0,79}"/g
const neutral = (text: string): string =>
  text.replaceAll(SHOWN_MODEL, '"model":"MODEL"').replace(/ MODEL stands for [^.]*\./, '')

describe('H6 a model’s name stays a name', () => {
  it.each([
    ['llama3', 'llama3'],
    ['org/gpt_oss-20b:latest', 'org/gpt_oss-20b:latest'],
    ['](https://evil)', '??https://evil?'],
    ['a\n# b', 'a?? b'],
    ['a` <img src=x>', 'a? ?img src=x?'],
    ['a\u2028b\u202ec\u0000', 'a?b?c?'],
    ['\ud800', '?'],
    ['x'.repeat(81), `${'x'.repeat(80)}…`],
  ])('%j is shown as %s', (id, shown) => {
    expect(shownName(id)).toBe(shown)
  })

  it('whatever an upstream calls its models: no link, heading or line of their own', async () => {
    const hostile = fc.array(
      fc.oneof(
        fc.string({ unit: 'binary', minLength: 1, maxLength: 120 }),
        fc.constantFrom(
          '](https://evil)',
          '\n## Pay here\n',
          '`',
          '..',
          '\r- [x](y)',
          '__proto__',
          '\u2028#',
        ),
        fc.stringMatching(/^[[\]()`#>\n\r*_<!\\-]{1,40}$/),
      ),
      { maxLength: 5 },
    )
    const calm = parseLlmsTxt(await about([]).llmsTxt(ORIGIN))
    await fc.assert(
      fc.asyncProperty(hostile, async (ids) => {
        const { llms, openapi, wellKnown } = await written(about(ids))
        const { sections, text } = parseLlmsTxt(llms)
        expect(neutral(text)).toBe(neutral(calm.text))
        expect(Object.keys(sections)).toEqual(Object.keys(calm.sections))
        expect(sections.Models).toHaveLength(ids.length + 1)
        for (const { name, url } of sections.Models ?? []) {
          expect(name).toMatch(/^(?:`[^`\p{Cc}]*`|All models)$/u)
          expect(new URL(url).href).toBe(url)
          expect(url).toMatch(/^https:\/\/gate\.example\/v1\/models(?:\/[\w%.-]+)?$/)
        }
        expect(wellKnown.capabilities.models).toEqual(ids)
        expect(fitsL402(wellKnown)).toEqual([])
        expect(new Set(openapi.components.schemas.ModelName.enum ?? [])).toEqual(new Set(ids))
      }),
      { numRuns: 100 },
    )
  })
})

describe('J7 unpaid_bytes_take_bounded_memory: documents', () => {
  it('J7 a list is priced once however many documents are asked for, and again after a second', async () => {
    const models = Array.from({ length: 300 }, (_, at) => ({ id: `model-${at}` }))
    let [asked, now] = [0, 0]
    const price1 = makePricing({ fallback: price('1'), models: [] }, () => err('no rate')).priceOf
    const gate = about([], {
      listed: async () => models,
      now: () => now,
      priceOf: (model) => {
        asked += 1
        return price1(model)
      },
    })
    await Promise.all(Array.from({ length: 100 }, () => gate.llmsTxt(ORIGIN)))
    await Promise.all([gate.models(), gate.model('model-7'), gate.wellKnown(ORIGIN)])
    expect(asked).toBe(300)
    now = 1_000
    await gate.models()
    expect(asked).toBe(600)
  })
})
