import { describe, expect, it } from 'vitest'
import { configJson, printConfig } from '../../../src/config/print.ts'
import { NETWORKS } from '../../../src/rails/x402/networks.ts'
import { loaded, mistakes, type TestFiles } from './world.ts'

/** An example of EIP-55, and the same in lower case. */
const MIXED = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'
const PLAIN = MIXED.toLowerCase()
const KEY = 'b0'.repeat(32)
const files: TestFiles = {
  'gas.key': { text: `0x${KEY.toUpperCase().replace('0X', '')}\n` },
  'long.key': { text: `${KEY}00` },
  'zero.key': { text: '0'.repeat(64) },
}
const env = { AUTH: 'Bearer s3cret', RPC: 'https://node.example/v2/k3y', LINES: 'a\nb' }

const yamlOf = (own: string) => `rails:\n  x402: { ${own} }`
const whole = (own = '') =>
  yamlOf(`payTo: "${MIXED}", network: base, facilitator: https://f.example${own}`)
const withFacilitator = (value: string) =>
  yamlOf(`payTo: "${MIXED}", network: base, facilitator: ${value}`)
const x402 = (yaml: string) => loaded({ yaml, files, env }).config.rails.x402

describe('x402', () => {
  it('is off unless it is asked for', () => {
    expect(loaded({}).config.rails).toMatchObject({ x402: null, payment: false })
  })

  it('has an address in lower case, a network by its id, and bounds in micro-dollars', () => {
    expect(x402(whole())).toEqual({
      payTo: PLAIN,
      network: 'eip155:8453',
      facilitator: { is: 'remote', url: 'https://f.example', headers: [] },
      maxPayment: 1_000_000n,
      maxOutstanding: 1_000_000_000n,
    })
    expect(x402(whole(', maxPayment: 0.25, maxOutstanding: 12.5'))).toMatchObject({
      maxPayment: 250_000n,
      maxOutstanding: 12_500_000n,
    })
  })

  it('a private key in the place of the address is not printed', () => {
    for (const key of [`0x${KEY}`, KEY.toUpperCase()]) {
      const [first = ''] = mistakes({ yaml: whole().replace(MIXED, key) })
      expect(first).toMatch(/payTo.*private key/)
      expect(first.toLowerCase()).not.toContain(KEY.slice(0, 8))
    }
  })

  it('is read from the environment', () => {
    const { rails } = loaded({
      env: {
        SATGATE_RAILS_X402_PAY_TO: MIXED,
        SATGATE_RAILS_X402_NETWORK: 'eip155:84532',
        SATGATE_RAILS_X402_FACILITATOR: 'https://f.example/x402/',
        SATGATE_RAILS_X402_MAX_PAYMENT: '0.5',
      },
    }).config
    expect(rails.x402).toMatchObject({
      payTo: PLAIN,
      network: 'eip155:84532',
      maxPayment: 500_000n,
    })
    expect(rails.x402?.facilitator).toMatchObject({ url: 'https://f.example/x402' })
  })

  it.each([
    ['as EIP-55 writes it', `"${MIXED}"`],
    ['without quotes, which YAML could take for a number', MIXED],
    ['in lower case', PLAIN],
    ['in capitals', `0x${MIXED.slice(2).toUpperCase()}`],
  ])('takes an address %s', (_, text) => {
    const yaml = yamlOf(`payTo: ${text}, network: base, facilitator: https://f.example`)
    expect(x402(yaml)?.payTo).toBe(PLAIN)
  })

  it('takes every network of the table by both of its names', () => {
    for (const { name, network } of NETWORKS) {
      for (const text of [name, network]) {
        const yaml = yamlOf(`payTo: "${MIXED}", network: ${text}, facilitator: https://f.example`)
        expect(x402(yaml)?.network).toBe(network)
      }
    }
  })

  it.each([
    ['a typing mistake', MIXED.replace('5aA', '5aa'), /payTo.*EIP-55/],
    ['another digit', MIXED.replace('Aed', 'Aee'), /payTo.*EIP-55/],
    ['a short one', MIXED.slice(0, 41), /payTo.*40 hex digits/],
    ['a private key', `0x${KEY}`, /payTo.*40 hex digits/],
    ['nobody', `0x${'0'.repeat(40)}`, /payTo.*nobody/],
    ['the token itself', '0x833589fcd6edb6e08f4c7c32d4f71b54bda02913', /payTo.*is lost/],
    ['an ENS name', 'ada.eth', /payTo.*40 hex digits/],
  ])('refuses an address: %s', (_, text, said) => {
    const yaml = yamlOf(`payTo: "${text}", network: base, facilitator: https://f.example`)
    expect(mistakes({ yaml })).toEqual([expect.stringMatching(/^satgate\.yaml:2:\d+: /)])
    expect(mistakes({ yaml })[0]).toMatch(said)
  })

  it.each([
    ['bose', 'did you mean base?'],
    ['base-sepolie', 'did you mean base-sepolia?'],
    ['eip155:8454', 'did you mean eip155:8453?'],
    ['bitcoin', 'choose base, base-sepolia'],
    ['solana', 'choose base'],
  ])('refuses the network %s: %s', (text, said) => {
    const yaml = yamlOf(`payTo: "${MIXED}", network: ${text}, facilitator: https://f.example`)
    expect(mistakes({ yaml })).toEqual([expect.stringContaining(said)])
  })

  it.each([
    [`payTo: "${MIXED}"`, 'network and facilitator are missing'],
    ['network: base', 'payTo and facilitator are missing'],
    [`payTo: "${MIXED}", network: base`, 'facilitator is missing'],
    ['network: base, facilitator: https://f.example', 'payTo is missing'],
    ['maxPayment: 2', 'payTo and network and facilitator are missing'],
  ])('says what is missing beside %s', (own, said) => {
    const found = mistakes({ yaml: yamlOf(own) })
    expect(found).toEqual([expect.stringMatching(/^satgate\.yaml:2:\d+: rails\.x402 needs /)])
    expect(found[0]).toContain(said)
  })

  it('tells of a wrong value once, and not that it is missing as well', () => {
    const yaml = yamlOf('payTo: 0x12, network: bass, facilitator: ftp://f')
    expect(mistakes({ yaml })).toHaveLength(3)
  })

  it.each([
    [', maxPayment: 0', 'from 0.01'],
    [', maxPayment: -1', 'below zero'],
    [', maxPayment: 0.0000001', 'too fine'],
    [', maxPayment: 2000000', 'to 1000000 dollars'],
    [', maxPayment: $1', 'not a plain decimal'],
    [', maxPayment: 10, maxOutstanding: 5', 'may be more than all'],
    [', maxPayment: 2000', 'may be more than all'],
    [', maxPaiment: 1', 'did you mean maxPayment?'],
    [', payto: a', 'did you mean payTo?'],
  ])('refuses %s', (own, said) => {
    expect(mistakes({ yaml: whole(own) })).toEqual([expect.stringContaining(said)])
  })

  it('refuses to be beside play money (threats I9)', () => {
    const said = mistakes({ yaml: `${whole()}\nwallet: play` })
    expect(said).toEqual([expect.stringContaining('dollars are no play money')])
  })
})

describe('a facilitator', () => {
  it.each([
    ['https://f.example/x402/', 'https://f.example/x402'],
    ['{ url: https://f.example }', 'https://f.example'],
    ['http://127.0.0.1:4021', 'http://127.0.0.1:4021'],
    ['http://10.1.2.3:4021', 'http://10.1.2.3:4021'],
  ])('may be %s', (value, url) => {
    expect(x402(withFacilitator(value))?.facilitator).toMatchObject({ is: 'remote', url })
  })

  it('gets headers whose values are secrets', () => {
    const value = '{ url: https://f.example, headers: { Authorization: { env: AUTH } } }'
    const found = x402(withFacilitator(value))?.facilitator
    const [header] = found?.is === 'remote' ? found.headers : []
    expect(header?.name).toBe('Authorization')
    expect(header?.value.reveal()).toBe('Bearer s3cret')
  })

  it('may be the gate itself', () => {
    const value = '{ rpc: { env: RPC }, key: { file: gas.key }, usdPerEth: 3000.5 }'
    const found = x402(withFacilitator(value))?.facilitator
    if (found?.is !== 'own') throw new Error('it is remote')
    expect(found.rpc.reveal()).toBe('https://node.example/v2/k3y')
    expect(found.key.reveal()).toBe(`0x${KEY}`)
    expect(found.usdPerEth).toBe(3000.5)
  })

  it.each([
    ['http://f.example', 'not safe for money'],
    ['ftp://f.example', 'not an http:// or https:// URL'],
    ['https://u:p@f.example', 'user name or a password'],
    ['[https://f.example]', 'write a URL'],
    ['{ headers: { A: { env: AUTH } } }', 'url is missing'],
    ['{ ulr: https://f.example }', 'did you mean url?'],
    ['{ url: https://f.example, headers: [a] }', 'headers are written as'],
    ['{ url: https://f.example, headers: { A: Bearer-s3cret } }', 'never written out here'],
    ['{ url: https://f.example, headers: { A: { env: NONE } } }', 'is not set'],
    ['{ url: https://f.example, headers: { A: { env: LINES } } }', 'one line of text'],
    ['{ url: https://f.example, headers: { "a b": { env: AUTH } } }', 'not the name of a header'],
    ['{ url: https://f.example, headers: { Host: { env: AUTH } } }', 'is written by the gate'],
    ['{ url: https://f.example, headers: { A: { env: AUTH }, a: { env: AUTH } } }', 'there twice'],
    ['{ url: https://f.example, rpc: https://n.example }', 'either a service (url) or this gate'],
    ['{ rpc: https://n.example }', 'key and usdPerEth are missing'],
    ['{ rpc: https://n.example, key: { file: gas.key } }', 'usdPerEth is missing'],
    ['{ rpc: http://n.example, key: { file: gas.key }, usdPerEth: 1 }', 'not safe for money'],
    ['{ rpc: { env: AUTH }, key: { file: gas.key }, usdPerEth: 1 }', 'the https:// URL of a node'],
    [`{ rpc: https://n.example, key: "${KEY}", usdPerEth: 1 }`, 'never written out here'],
    ['{ rpc: https://n.example, key: { file: long.key }, usdPerEth: 1 }', '64 hex digits'],
    ['{ rpc: https://n.example, key: { file: zero.key }, usdPerEth: 1 }', '64 hex digits'],
    ['{ rpc: https://n.example, key: { file: gas.key }, usdPerEth: 0 }', 'one ether costs'],
  ])('refuses %s', (value, said) => {
    const found = mistakes({ yaml: withFacilitator(value), files, env })
    expect(found).toEqual([
      expect.stringMatching(/^satgate\.yaml:2:\d+: rails\.x402\.facilitator: /),
    ])
    expect(found[0]).toContain(said)
    expect(found[0]).not.toMatch(/s3cret|b0b0/)
  })

  it('H7 shows no secret in satgate config, and none in its own text', () => {
    const yamls = [
      '{ url: https://f.example, headers: { Authorization: { env: AUTH } } }',
      '{ rpc: https://node.example/v2/k3y, key: { file: gas.key }, usdPerEth: 3000 }',
      '{ rpc: "https://node.example?apikey=k3y", key: { file: gas.key }, usdPerEth: 3000 }',
    ].map(withFacilitator)
    for (const yaml of yamls) {
      const all = loaded({ yaml, files, env })
      const shown = `${printConfig(all)}${configJson(all)}${JSON.stringify(all.config.rails.x402?.facilitator)}`
      expect(shown).not.toMatch(/s3cret|k3y|b0b0/)
      expect(shown).toMatch(/f\.example|node\.example/)
    }
    const written = '{ url: https://f.example, headers: { A: Bearer s3cret } }'
    const own = { SATGATE_RAILS_X402_FACILITATOR: written }
    const part = { SATGATE_RAILS_X402_PAY_TO: MIXED, SATGATE_RAILS_X402_NETWORK: 'base' }
    const all = loaded({ env: { ...own, ...part } })
    expect(`${printConfig(all)}${configJson(all)}`).not.toContain('s3cret')
  })
})

describe('the wallet', () => {
  const alone = 'rails: { l402: false, cashu: false, x402: '
  const dollars = `{ payTo: "${MIXED}", network: base, facilitator: https://f.example } }`
  const wallets = (yaml: string) => loaded({ yaml }).config.wallets.map(({ kind }) => kind)

  it('is not there if dollars alone are taken', () => {
    expect(wallets(alone + dollars)).toEqual([])
    expect(loaded({ yaml: alone + dollars }).config.rails.cashu).toBeNull()
  })

  it.each([
    ['x402 beside what is there', whole(), ['ecash']],
    ['ecash and dollars', (alone + dollars).replace('cashu: false, ', ''), ['ecash']],
    [
      'Payment and dollars',
      (alone + dollars).replace('l402: false', 'l402: false, payment: true'),
      ['ecash'],
    ],
    ['one that is chosen, for what it sold before', `wallet: ecash\n${alone}${dollars}`, ['ecash']],
    ['bounds of a wallet choose none', `wallet: { payoutAbove: 10 }\n${alone}${dollars}`, []],
  ])('is there: %s', (_, yaml, kinds) => {
    expect(wallets(yaml)).toEqual(kinds)
  })

  it('is needed by a payout', () => {
    const said = mistakes({ yaml: `payout: a@b.example\n${alone}${dollars}` })
    expect(said).toEqual([expect.stringContaining('satgate.yaml:1:9: payout: has no effect')])
  })
})

describe('all ways to pay off', () => {
  it.each([
    'rails: { l402: false, cashu: false }',
    'rails: { l402: false, cashu: false, payment: false }',
    'wallet: play\nrails: { l402: false }',
  ])('is a mistake: %s', (yaml) => {
    expect(mistakes({ yaml })).toEqual([expect.stringContaining('nobody could pay')])
  })

  it('is none with Payment alone', () => {
    const { rails } = loaded({ yaml: 'rails: { l402: false, cashu: false, payment: true }' }).config
    expect(rails).toMatchObject({ l402: false, cashu: null, payment: true })
  })

  it('is not said beside a mistake in x402', () => {
    const yaml = 'rails: { l402: false, cashu: false, x402: { network: bass } }'
    expect(mistakes({ yaml }).join('\n')).not.toContain('nobody could pay')
  })
})
