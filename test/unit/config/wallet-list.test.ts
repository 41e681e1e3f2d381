import { describe, expect, it } from 'vitest'
import { configJson, printConfig } from '../../../src/config/print.ts'
import { loaded, mistakes } from './world.ts'

const NODE = 'kind: lnd, url: https://a:8080, key: { env: MACAROON }'
const env = { MACAROON: 'ab'.repeat(20) }
const kinds = (input: Parameters<typeof loaded>[0]) =>
  loaded({ env, ...input }).config.wallets.map(({ kind, url }) => [kind, url].join(' ').trim())

describe('a list of wallets', () => {
  it('has kinds and records, in the order of the operator; each has the defaults of its kind', () => {
    const yaml = `wallet: [{ ${NODE} }, ecash, { kind: lnd, url: https://b:8080, key: { env: MACAROON } }]`
    expect(kinds({ yaml })).toEqual(['lnd https://a:8080', 'ecash', 'lnd https://b:8080'])
    const [, ecash] = loaded({ yaml, env }).config.wallets
    expect(ecash).toEqual({ ...loaded({}).config.wallets[0], unasked: undefined })
  })

  it('may come from the environment, and replaces the wallet of the file', () => {
    const SATGATE_WALLET = `[{ ${NODE} }, ecash]`
    for (const yaml of ['wallet: ecash', `wallet: { ${NODE} }`, 'wallet: [ecash]']) {
      expect(kinds({ yaml, env: { ...env, SATGATE_WALLET } })).toEqual([
        'lnd https://a:8080',
        'ecash',
      ])
    }
  })

  it('--wallet leaves the wallets of that kind, or replaces the list', () => {
    const yaml = `wallet: [ecash, { ${NODE} }]`
    expect(kinds({ yaml, flags: { wallet: 'lnd' } })).toEqual(['lnd https://a:8080'])
    expect(kinds({ yaml, flags: { wallet: 'ecash' } })).toEqual(['ecash'])
    expect(kinds({ yaml, flags: { wallet: 'play' } })).toEqual(['play'])
  })

  it('payout is for the ecash wallet of the list', () => {
    const payout = 'payout: you@example.com'
    expect(kinds({ yaml: `${payout}\nwallet: [{ ${NODE} }, ecash]` })).toHaveLength(2)
    expect(mistakes({ yaml: `${payout}\nwallet: [{ ${NODE} }]`, env })).toEqual([
      expect.stringMatching(/^satgate.yaml:1:9: payout: has no effect with wallet lnd/),
    ])
  })

  it('satgate config shows each setting of each wallet, where it comes from, and no secret', () => {
    const config = loaded({ yaml: `wallet: [ecash, { ${NODE} }]`, env })
    const printed = printConfig(config)
    expect(printed.match(/^wallet.*$/gm)).toEqual([
      expect.stringMatching(/^wallet\[0\]\.kind +ecash +satgate\.yaml:1:10$/),
      expect.stringMatching(/^wallet\[0\]\.mints +.* default$/),
      expect.stringMatching(/^wallet\[0\]\.payoutAbove +20000 +default$/),
      expect.stringMatching(/^wallet\[0\]\.maxPerMint +200000 +default$/),
      expect.stringMatching(/^wallet\[1\]\.kind +lnd +satgate\.yaml:1:25$/),
      expect.stringMatching(/^wallet\[1\]\.url +https:\/\/a:8080 +satgate\.yaml:1:35$/),
      expect.stringMatching(/^wallet\[1\]\.key +"?•••• \(from env MACAROON\)"? +satgate\.yaml:1:/),
    ])
    expect(JSON.parse(configJson(config))['wallet[1].key'].value).toBe('•••• (from env MACAROON)')
    expect(printed + configJson(config)).not.toContain('abab')
  })
})

describe('mistakes in a list of wallets name the file, the line and the item', () => {
  it.each([
    [
      'a kind that there is not',
      '  - ecsh',
      /^satgate.yaml:2:5: wallet\[0\]\.kind: "ecsh" is not a wallet; did you mean ecash\?/,
    ],
    [
      'a wrong value',
      '  - ecash\n  - { kind: lnd, url: 5, key: { env: MACAROON } }',
      /^satgate.yaml:3:23: wallet\[1\]\.url: "5" is not an http/,
    ],
    [
      'an unknown key',
      '  - { kind: ecash, mint: https://m.example }',
      /^satgate.yaml:2:20: there is no setting "wallet\[0\]\.mint"; did you mean mints\?/,
    ],
    [
      'a setting of another kind',
      '  - { kind: ecash, url: https://m.example }',
      /^satgate.yaml:2:25: wallet\[0\]\.url: has no effect with wallet ecash: remove it/,
    ],
    [
      'a setting that is missing',
      '  - { kind: lnd, key: { env: MACAROON } }',
      /^satgate.yaml:2:13: wallet\[0\]\.kind: wallet lnd needs the address of your node/,
    ],
    [
      'no kind',
      '  - { url: https://m.example }',
      /^satgate.yaml:2:5: wallet\[0\]: an item of the list names the kind/,
    ],
    [
      'a list in a list',
      '  - [ecash]',
      /^satgate.yaml:2:5: wallet\[0\]: write the kind of a wallet here/,
    ],
    [
      'a secret that is written out',
      '  - { kind: lnd, url: https://a:8080, key: abcd }',
      /^satgate.yaml:2:44: wallet\[0\]\.key: a secret is never written out here/,
    ],
    ['nothing', '  []', /^satgate.yaml:2:3: wallet: the list is empty/],
    [
      'play money',
      '  - ecash\n  - play',
      /^satgate.yaml:2:3: wallet: play money cannot be in a list/,
    ],
    [
      'ecash twice',
      '  - ecash\n  - { kind: ecash, mints: [https://m.example] }',
      /^satgate.yaml:2:3: wallet: ecash is in the list twice/,
    ],
    [
      'one node twice',
      `  - { ${NODE} }\n  - { ${NODE} }`,
      /^satgate.yaml:2:3: wallet: one and the same wallet \(lnd\) is in the list twice/,
    ],
  ])('%s', (_, items, said) => {
    expect(mistakes({ yaml: `wallet:\n${items}\n`, env })).toEqual([expect.stringMatching(said)])
  })

  it('a setting of a single wallet beside it', () => {
    const list = { yaml: 'wallet: [ecash]', env: { SATGATE_WALLET_URL: 'https://a:8080' } }
    expect(mistakes(list)).toEqual([
      expect.stringMatching(
        /^SATGATE_WALLET_URL: wallet.url: has no effect beside a list of wallets/,
      ),
    ])
  })
})
