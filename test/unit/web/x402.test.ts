import { describe, expect, it } from 'vitest'
import { USUAL_WAYS, waySentences, waysIn } from '../../../src/web/ways.ts'
import { isSettled, offerIn } from '../../../src/web/x402.ts'

const ENTRY = {
  ...{ scheme: 'exact', network: 'eip155:8453', amount: '9000', maxTimeoutSeconds: 60 },
  ...{ asset: `0x${'aB'.repeat(20)}`, payTo: `0x${'12'.repeat(20)}` },
  extra: { name: 'USD Coin', version: '2' },
}
const header = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64')
const required = (...accepts: readonly unknown[]) =>
  header({ x402Version: 2, resource: { url: 'https://é.example' }, accepts })

describe('an offer of x402 in the page', () => {
  it('is the first entry that a wallet of a browser can sign', () => {
    const other = { ...ENTRY, network: 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp' }
    expect(offerIn(required(other, ENTRY))).toMatchObject({
      entry: { chainId: 8453, name: 'USD Coin', raw: ENTRY },
      resource: { url: 'https://é.example' },
    })
  })

  it.each([
    ['no header', null],
    ['no base64', '%%%'],
    ['no JSON', btoa('{')],
    ['no list', header({ accepts: 'x' })],
    ['another scheme', required({ ...ENTRY, scheme: 'upto' })],
    ['no amount', required({ ...ENTRY, amount: '0' })],
    ['an amount with a sign', required({ ...ENTRY, amount: '-1' })],
    ['a receiver that is no address', required({ ...ENTRY, payTo: 'me' })],
    ['no domain', required({ ...ENTRY, extra: {} })],
    ['no time', required({ ...ENTRY, maxTimeoutSeconds: 0 })],
  ])('is nothing with %s', (_, text) => {
    expect(offerIn(text)?.entry.name ?? '').toBe('')
  })

  it('knows a settled payment', () => {
    expect(isSettled(header({ success: true }))).toBe(true)
    expect([null, 'x', header({ success: 'true' })].map(isSettled)).toEqual([false, false, false])
  })
})

describe('the ways to pay in words', () => {
  const told = (methods: readonly string[], payment: object = {}) =>
    waySentences(waysIn({ payment: { methods, ...payment } }))
  const x402 = { network: 'eip155:8453', name: 'USD Coin' }

  it.each([
    [['l402'], {}, 'Pay with Lightning.', 'For programs, which pay by L402:'],
    [
      ['l402', 'payment', 'cashu', 'x402'],
      { x402 },
      'Pay with Lightning, ecash or dollars (USD Coin on Base).',
      'For programs, which pay by L402, Payment (MPP), Cashu (NUT-24) or x402:',
    ],
    [
      ['l402', 'cashu'],
      { l402: { accepting: false } },
      'Pay with Lightning (not at the moment) or ecash.',
      'For programs, which pay by L402 or Cashu (NUT-24):',
    ],
    [
      ['x402'],
      { x402 },
      'Pay with dollars (USD Coin on Base).',
      'For programs, which pay by x402:',
    ],
    [['payment'], {}, '', 'For programs, which pay by Payment (MPP):'],
  ])('%j %j', (methods, payment, people, programs) => {
    expect(told(methods, payment)).toEqual({ people, programs })
  })

  it.each([null, {}, { payment: {} }, { payment: { methods: 'x' } }])(
    'of %j are the usual ones',
    (about) => {
      expect(waysIn(about)).toEqual(USUAL_WAYS)
    },
  )
})
