import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { withParts } from '../../../scripts/docs.ts'
import { readLocalFile } from '../../../src/config/files.ts'
import { flagsTable } from '../../../src/config/flags.ts'
import { envName, noEffectYet } from '../../../src/config/setting.ts'
import { BY_KEY } from '../../../src/config/settings.ts'
import { loaded, mistakes } from './world.ts'

const config = (yaml: string) => loaded({ yaml }).config

const contactOf = (c: Config) => c.operator.contact
const termsOf = (c: Config) => c.operator.terms

describe('values', () => {
  it.each([
    ['timeouts: { idle: 250ms }', (c: Config) => c.timeouts.idleMs, 250],
    ['timeouts: { idle: 30s }', (c: Config) => c.timeouts.idleMs, 30_000],
    ['timeouts: { firstByte: 2h }', (c: Config) => c.timeouts.firstByteMs, 7_200_000],
    ['limits: { body: 10mb }', (c: Config) => c.limits.bodyBytes, 10_485_760],
    ['limits: { body: 512KB }', (c: Config) => c.limits.bodyBytes, 524_288],
    ['port: 0', (c: Config) => c.port, 0],
    ['port:', (c: Config) => c.port, 3000],
    ['port: ~', (c: Config) => c.port, 3000],
    ['host: "[::1]"', (c: Config) => c.host, '::1'],
    ['metrics: 127.0.0.1:9464', (c: Config) => c.metrics, { host: '127.0.0.1', port: 9464 }],
    ['metrics: "[::1]:9464"', (c: Config) => c.metrics, { host: '::1', port: 9464 }],
    ['metrics: 9464', (c: Config) => c.metrics, { host: '127.0.0.1', port: 9464 }],
    ['upstream: http://localhost:11434/', (c: Config) => c.upstream, 'http://localhost:11434'],
    ['upstream: https://x.example/api/', (c: Config) => c.upstream, 'https://x.example/api'],
    [
      'upstream: https://x.example/models/v1',
      (c: Config) => c.upstream,
      'https://x.example/models/v1',
    ],
    ['publicUrl: https://X.example/', (c: Config) => c.publicUrl, 'https://x.example'],
    ['capacity: { maxConcurrent: 0 }', (c: Config) => c.capacity.maxConcurrent, null],
    ['capacity: { maxConcurrent: 4 }', (c: Config) => c.capacity.maxConcurrent, 4],
    ['dataDir: ~/books', (c: Config) => c.dataDir, '/home/op/books'],
    ['dataDir: books', (c: Config) => c.dataDir, '/srv/gate/books'],
    ['wallet: play', (c: Config) => c.dataDir, '/home/op/.satgate-play'],
    ['{ wallet: play, dataDir: ~/.satgate }', (c: Config) => c.dataDir, '/home/op/.satgate'],
    ['trustedProxies: [10.0.0.0/8, "::1"]', (c: Config) => c.trustedProxies, ['10.0.0.0/8', '::1']],
    ['cors: https://a.example', (c: Config) => c.cors, ['https://a.example']],
    ['cors: []', (c: Config) => c.cors, []],
    ['mode: observe', (c: Config) => c.mode, 'observe'],
    ['{}', (c: Config) => c.mode, 'charge'],
    ['operator:', (c: Config) => c.operator, { name: null, contact: null, terms: null }],
    ['operator: { name: " Ada & Çelik " }', (c: Config) => c.operator.name, 'Ada & Çelik'],
    ['operator: { contact: a.b+c@mail.example }', contactOf, 'a.b+c@mail.example'],
    ['operator: { contact: "https://x.example/a?b" }', contactOf, 'https://x.example/a?b'],
    [`operator: { contact: npub1${'q'.repeat(58)} }`, contactOf, `npub1${'q'.repeat(58)}`],
    ['operator: { terms: "No refunds: be kind." }', termsOf, 'No refunds: be kind.'],
    ['operator: { terms: https://x.example/t }', termsOf, 'https://x.example/t'],
    [`operator: { terms: ${'x'.repeat(200)} }`, termsOf, 'x'.repeat(200)],
    [
      '{ port: &p 4000, limits: { invoicesTotal: *p } }',
      (c: Config) => c.limits.invoicesTotal,
      4000,
    ],
  ])('%s', (yaml, of, value) => {
    expect(of(config(yaml))).toEqual(value)
  })

  it.each([
    'port: 65536',
    'port: -1',
    'port: 0x10',
    'port: [3000]',
    'port: !!int 3000',
    'timeouts: { idle: 0s }',
    'timeouts: { idle: 30d }',
    'limits: { body: 10 }',
    'limits: { body: 2gb }',
    'upstream: ftp://x',
    'upstream: http://u:p@x',
    'upstream: http://x/?a=1',
    'upstream: http://x/v1/chat/completions',
    'upstream: [{ url: http://x/v1/models/ }]',
    'upstream: "http://x\\\\@y"',
    'publicUrl: https://x.example/path',
    'host: 1.2.3.4.5',
    'metrics: 1.2.3.4:99999',
    'trustedProxies: [example.com]',
    'credit: { invoice: { min: 0 } }',
    'credit: { invoice: { min: 2000 } }',
    'rails: { l402: yes }',
    'wallet: { url: https://localhost:8080 }',
    'wallet: { kind: play, url: https://localhost:8080 }',
    'pricing: { models: { "": 1 } }',
    'pricing: { models: { a: } }',
    'pricing: { models: [a] }',
    'pricing: { rate: { usdPerBtc: 0 } }',
    'pricing: { rate: { usdPerBtc: 90000, source: coinbase } }',
    'pricing: { default: { usdPerMillion: { input: 1, output: 1 }, input: 2 } }',
    'operator: { name: "" }',
    'operator: { name: "a\\nb" }',
    'operator: { name: "a\\u202eb" }',
    'operator: { name: [a] }',
    'operator: Ada',
    'operator: { contact: ada }',
    'operator: { contact: "ada@example" }',
    'operator: { contact: "javascript:alert(1)" }',
    'operator: { contact: "https://u:p@x.example" }',
    'operator: { contact: npub1b }',
    'operator: { terms: "javascript:alert(1)" }',
    'operator: { terms: "ftp://x.example" }',
    `operator: { terms: ${'x'.repeat(201)} }`,
    'operator: { terms: "a\\u0007b" }',
    'upstream: []',
    'upstream: [{ name: a }]',
    '[]',
    'port',
    'port: 1\n---\nport: 2',
  ])('%s is one mistake', (yaml) => {
    expect(mistakes({ yaml })).toHaveLength(1)
  })
})

type Config = ReturnType<typeof config>

describe('the environment', () => {
  it('names every setting, each by another name', () => {
    expect(new Set([...BY_KEY.keys()].map(envName)).size).toBe(BY_KEY.size)
    expect(envName('freeTier.creditsPerDay')).toBe('SATGATE_FREE_TIER_CREDITS_PER_DAY')
    expect(envName('rails.x402.payTo')).toBe('SATGATE_RAILS_X402_PAY_TO')
  })

  it('takes lists and records as YAML or JSON, and commas for lists', () => {
    const env = {
      SATGATE_CORS: 'https://a.example, https://b.example',
      SATGATE_TRUSTED_PROXIES: '["10.0.0.0/8"]',
      SATGATE_PRICING_MODELS: '{ llama3: 2 }',
      SATGATE_LIMITS: '{ body: 1mb, outputTokens: 5 }',
      SATGATE_LIMITS_OUTPUT_TOKENS: '6',
      SATGATE_PORT: '',
    }
    const { config } = loaded({ env, yaml: 'port: 4000' })
    expect(config.cors).toEqual(['https://a.example', 'https://b.example'])
    expect(config.trustedProxies).toEqual(['10.0.0.0/8'])
    expect(config.pricing.list.models.map((one) => one.pattern)).toEqual(['llama3'])
    expect(config.limits).toMatchObject({ bodyBytes: 1_048_576, outputTokens: 6 })
    expect(config.port).toBe(4000)
  })

  it('reports an unknown SATGATE_ name, but not one that a setting asks for', () => {
    const env = { SATGATE_MY_KEY: 'sk-1', SATGATE_UPSTREAM_KEYS: 'x' }
    const yaml = 'upstreamKey: { env: SATGATE_MY_KEY }'
    expect(mistakes({ env, yaml })).toEqual([
      'SATGATE_UPSTREAM_KEYS: no setting has this name; did you mean SATGATE_UPSTREAM_KEY?',
    ])
  })

  it('does not find two names similar because both begin with SATGATE_', () => {
    expect(mistakes({ env: { SATGATE_CONFIG: 'x.yaml' } })).toEqual([
      'SATGATE_CONFIG: no setting has this name; satgate config lists the settings',
    ])
  })

  it('says where YAML cannot be read, once for each line', () => {
    const said = mistakes({ yaml: 'upstream: http://x\n port: 3\n' })
    expect(said).toHaveLength(1)
    expect(said[0]).toMatch(/^satgate.yaml:1:11: this is not YAML: .+\. Look at the indentation/)
  })

  it('builds a whole wallet', () => {
    const env = {
      SATGATE_WALLET: 'lnd',
      SATGATE_WALLET_URL: 'https://localhost:8080',
      SATGATE_WALLET_KEY: 'AB'.repeat(20),
    }
    const [wallet] = loaded({ env }).config.wallets
    expect(wallet).toMatchObject({ kind: 'lnd', url: 'https://localhost:8080' })
    expect(wallet?.tlsCert).toBeUndefined()
    expect(wallet?.key?.reveal()).toBe('ab'.repeat(20))
  })
})

describe('flags', () => {
  it('that do not exist are mistakes, with the nearest flag', () => {
    expect(mistakes({ flags: { modelPrices: ['a=1'] } })).toEqual([
      '--model-prices: there is no such flag; did you mean --model-price?',
    ])
  })

  it('change one model price and leave the others of the file', () => {
    const yaml = 'pricing: { models: { a: 1, b: 2 } }'
    const { models } = loaded({ yaml, flags: { modelPrice: ['a=3', 'x=y=free'] } }).config.pricing
      .list
    expect(models.map((one) => one.pattern)).toEqual(['b', 'a', 'x=y'])
    expect(mistakes({ flags: { modelPrice: ['a=3', 'a=4'] } })).toHaveLength(1)
  })

  it('that choose another wallet make the wallet in the file irrelevant', () => {
    const yaml = 'wallet: { kind: lnd, url: https://localhost:8080, key: { file: gone } }'
    expect(loaded({ yaml, flags: { wallet: 'play' } }).config.wallets).toEqual([{ kind: 'play' }])
    expect(mistakes({ yaml, flags: { wallet: 'lnd' } })).toHaveLength(1)
    for (const yaml of ['wallet: play', 'wallet: { kind: lnd, url: https://localhost:8080 }']) {
      const [wallet] = loaded({ yaml, flags: { wallet: 'ecash' } }).config.wallets
      expect(wallet).toEqual({ ...loaded({}).config.wallets[0], unasked: undefined })
      expect(mistakes({ yaml, flags: { wallet: 'ecsh' } })).toHaveLength(1)
    }
  })
})

describe('files', () => {
  it('are searched beside the config that names them', () => {
    const files = {
      '/etc/satgate/gate.yaml': {
        text: 'wallet: { kind: lnd, url: https://n:8080, key: { file: x.macaroon }, tlsCert: ~/tls.cert }',
      },
      '/etc/satgate/x.macaroon': { text: Uint8Array.of(2, 1, 3, 0xff) },
      '/home/op/tls.cert': { text: '-----BEGIN CERTIFICATE-----\n' },
    }
    const [wallet] = loaded({ files, flags: { config: '/etc/satgate/gate.yaml' } }).config.wallets
    expect(wallet?.key?.reveal()).toBe('020103ff')
  })

  it('satgate.yaml is read before satgate.json', () => {
    const files = { 'satgate.json': { text: '{"port":1}' }, 'satgate.yaml': { text: 'port: 2' } }
    expect(loaded({ files })).toMatchObject({ file: 'satgate.yaml', config: { port: 2 } })
  })

  it('that are no text, or too large, are reported and not read', () => {
    const no = { 'satgate.yaml': { text: Uint8Array.of(0xff, 0xfe) } }
    expect(mistakes({ files: no })).toEqual([
      'satgate.yaml:1:1: the file is not text in UTF-8: save it as UTF-8',
    ])
    expect(mistakes({ yaml: `#${'x'.repeat(10_000_000)}` })).toEqual([
      'satgate.yaml:1:1: the config is too large: 256 kb at most',
    ])
  })

  it('are read from this machine with their permissions, and only in part if they are large', () => {
    const folder = mkdtempSync(join(tmpdir(), 'satgate-config-'))
    const path = join(folder, 'large')
    writeFileSync(path, Buffer.alloc(3_000_000), { mode: 0o640 })
    const { bytes, mode } = readLocalFile(path)
    expect([bytes.length, mode.toString(8)]).toEqual([1024 * 1024 + 1, '640'])
    expect(() => readLocalFile(folder)).toThrow(/EISDIR/)
    rmSync(folder, { recursive: true })
  })
})

describe('secrets', () => {
  it('H7 no flag takes a secret, only the path of its file', () => {
    const secret = flagsTable.filter(({ key }) => BY_KEY.get(key)?.secret)
    expect(secret.map(({ flag }) => [flag.name, flag.kind])).toEqual([
      ['--upstream-key-file', 'file'],
    ])
  })

  it('H7 a secret is printed nowhere, and only reveal returns it', () => {
    const { upstreamKey } = loaded({ env: { SATGATE_UPSTREAM_KEY: 'sk-seen' } }).config
    expect(upstreamKey?.reveal()).toBe('sk-seen')
    const everyWay = [String(upstreamKey), JSON.stringify(upstreamKey), inspect({ upstreamKey })]
    expect(everyWay.join()).not.toContain('sk-seen')
    expect(Object.keys(upstreamKey ?? {})).toEqual(['from'])
  })

  it.each([
    ['a literal in the file', { yaml: 'upstreamKey: sk-seen' }],
    ['two lines', { env: { SATGATE_UPSTREAM_KEY: 'sk-seen\nx' } }],
    ['no macaroon', { env: { SATGATE_WALLET: 'lnd', SATGATE_WALLET_KEY: 'sk-seen' } }],
    ['in a URL', { env: { SATGATE_UPSTREAM: 'http://me:sk-seen@x' } }],
    ['in half a URL', { yaml: 'upstream: me:sk-seen@x' }],
    ['in a list of backends', { yaml: 'upstream: [{ url: http://x, key: sk-seen }]' }],
  ])('H7 a mistake does not repeat it: %s', (_, given) => {
    const said = mistakes(given)
    expect(said.length).toBeGreaterThan(0)
    expect(said.join()).not.toContain('sk-seen')
  })
})

it('H8 what an operator wrote cannot move the cursor of a terminal', () => {
  const said = mistakes({ yaml: '"\\e[2J\\u202e": 1\nport: "\\e[31m\\x9b"' }).join('\n')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  expect(said).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/)
})

it('the config is frozen, all the way down', () => {
  const { config } = loaded({ yaml: 'pricing: { models: { a: 1 } }' })
  const loose: string[] = []
  const walk = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null) return
    if (!Object.isFrozen(value)) loose.push(path)
    for (const [key, part] of Object.entries(value)) walk(part, `${path}.${key}`)
  }
  walk(config, 'config')
  expect(loose).toEqual([])
})

it('J16 a field that is a way around the price is refused, with its line', () => {
  expect(
    loaded({ yaml: 'limits: { requestFields: [guidance_scale] }' }).config.limits.requestFields,
  ).toEqual(['guidance_scale'])
  for (const field of [
    'n_predict',
    'options',
    'chat_template',
    'ignore_eos',
    'api_base',
    'a b',
    '',
  ]) {
    const yaml = `limits:\n  requestFields: ["${field}"]`
    expect(mistakes({ yaml }).join(), field).toMatch(/:2:.*(?:must not pass|not the name)/)
  }
})

const X402 = {
  SATGATE_RAILS_X402_PAY_TO: '0x209693bc6afc0c5328ba36faf03c514ef312287c',
  SATGATE_RAILS_X402_NETWORK: 'base',
  SATGATE_RAILS_X402_FACILITATOR: 'https://facilitator.example.com',
}

describe('the table', () => {
  it('has a correct example in every row', () => {
    for (const [key, { secret, example }] of BY_KEY) {
      if (secret || key === 'wallet.tlsCert' || key.startsWith('wallet.')) continue
      // Some of them are needed together.
      const env = key.startsWith('rails.x402.') ? { ...X402, [envName(key)]: '' } : {}
      const written = key.split('.').reduceRight((inner, name) => `{ ${name}: ${inner} }`, example)
      expect(mistakes({ yaml: written, env }), written).toEqual([])
    }
  })

  it('is in docs/configuration.md, without the settings that have no effect', () => {
    const path = new URL('../../../docs/configuration.md', import.meta.url)
    const text = readFileSync(path, 'utf8')
    expect(withParts(text)).toBe(text)
    const rows = [...text.matchAll(/^\| `([\w.]+)` \| .*SATGATE_/gm)].map(([, key]) => key ?? '')
    const items = [...text.matchAll(/^- `([\w.]+)`(?: \(`--\w+`\))?: [A-Z]/gm)].map(
      ([, key]) => key,
    )
    const idle = [...BY_KEY].filter(([, { later }]) => later === noEffectYet).map(([key]) => key)
    expect(rows).toEqual([...BY_KEY.keys()].filter((key) => !idle.includes(key)))
    expect(items).toEqual(idle)
  })

  it('is in no other document', () => {
    const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8')
    expect(readme).not.toContain('`SATGATE_UPSTREAM`')
  })

  it('has every setting in satgate.yaml.example, with the defaults', () => {
    const path = new URL('../../../satgate.yaml.example', import.meta.url)
    const yaml = readFileSync(path, 'utf8')
    const { config } = loaded({ yaml })
    expect(config).toEqual({ ...loaded({}).config, upstream: 'http://localhost:11434' })
    for (const key of BY_KEY.keys()) {
      expect(yaml, key).toMatch(new RegExp(`\\b${key.split('.').at(-1)}\\b`))
    }
  })

  it('every example in satgate.yaml.example is correct when its sign is removed', () => {
    const path = new URL('../../../satgate.yaml.example', import.meta.url)
    const yaml = readFileSync(path, 'utf8').replace(
      /^( *)# (?=(upstreamKey|publicUrl|tunnel|llama3|deepseek|gpt-oss|legacy|url|second|payout|cashu|x402|payment|tiers|freeTier|metrics|name|contact|terms|kind|mints| {2}\w+): ?)/gm,
      '$1',
    )
    const files = {
      'invoice.macaroon': { text: Uint8Array.of(2, 1) },
      'tls.cert': { text: '-----BEGIN CERTIFICATE-----' },
    }
    expect(mistakes({ yaml, files, env: { OPENAI_API_KEY: 'sk-1' } })).toEqual([])
    expect(loaded({ yaml, files, env: { OPENAI_API_KEY: 'sk-1' } }).config).toMatchObject({
      publicUrl: 'https://llm.example.com',
      wallets: [{ kind: 'ecash', mints: ['https://mint.example.com'] }],
      payout: 'you@example.com',
      operator: { name: 'Example Models', contact: 'help@example.com' },
      metrics: { port: 9464 },
    })
  })
})
