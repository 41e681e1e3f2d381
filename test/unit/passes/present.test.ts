import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { serialize } from '../../../src/passes/macaroon.ts'
import { CREDENTIAL_HEADERS, present } from '../../../src/passes/present.ts'
import { filled, hex, macaroon, SECRET, text, token } from './fixtures.ts'

const PASS = text()
const TOKEN = token(macaroon())
const URL_TOKEN = Buffer.from(serialize(macaroon())).toString('base64url')
const OTHER = text(['method = POST'])
const OTHER_TOKEN = token(macaroon(['method = POST']))
const OTHER_SECRET = hex(filled(0x44))
const hexOf = (caveats: readonly string[]) => hex(serialize(macaroon(caveats)))
const LEGACY = hexOf([`preimage=${SECRET}`])

type Headers = readonly string[]
const answer = (headers: Headers): string => present(headers).is

function presented(headers: Headers): string {
  const found = present(headers)
  return found.is === 'credential' ? found.credential.text : found.is
}

describe('one credential in any spelling and place', () => {
  it.each<[string, Headers]>([
    ['L402', ['Authorization', `L402 ${PASS}`]],
    ['LSAT', ['Authorization', `LSAT ${PASS}`]],
    ['any case', ['AUTHORIZATION', `l402 ${TOKEN}:${SECRET.toUpperCase()}`]],
    ['URL-safe base64', ['authorization', `L402 ${URL_TOKEN}:${SECRET}`]],
    ['base64 without padding', ['authorization', `L402 ${TOKEN.replace(/=/g, '')}:${SECRET}`]],
    ['much white space', ['authorization', `  L402 \t ${PASS}  `]],
    ['Bearer', ['authorization', `Bearer ${PASS}`]],
    ['x-api-key', ['X-Api-Key', PASS]],
    ['api-key', ['api-key', PASS]],
    ['a key with the scheme in it', ['authorization', `Bearer L402 ${PASS}`]],
    ['no scheme', ['authorization', PASS]],
    ['an unknown scheme', ['authorization', `Basic ${PASS}`]],
    ['a second line', ['Authorization', 'Bearer sk-1', 'Authorization', `L402 ${PASS}`]],
    [
      'aperture: both, two lines',
      ['Authorization', `LSAT ${PASS}`, 'Authorization', `L402 ${PASS}`],
    ],
    ['C11 both, folded into one', ['authorization', `LSAT ${PASS}, L402 ${PASS}`]],
    ['folded without a space', ['authorization', `LSAT ${PASS},L402 ${PASS}`]],
    ['behind another scheme', ['authorization', `Basic dXNlcjpwYXNz, L402 ${PASS}`]],
    ['before another scheme', ['authorization', `L402 ${PASS}, Basic dXNlcjpwYXNz`]],
    ['with parameters behind', ['authorization', `L402 ${PASS}, version="0"`]],
    ['the same macaroon twice', ['authorization', `L402 ${TOKEN},${TOKEN}:${SECRET}`]],
    ['two headers', ['authorization', `Bearer ${PASS}`, 'x-api-key', PASS]],
    ['beside a key of another service', ['authorization', 'Bearer ollama', 'x-api-key', PASS]],
    ['beside an empty header', ['x-cashu', '', 'x-api-key', PASS]],
  ])('%s', (_, headers) => {
    expect(presented(headers)).toBe(PASS)
  })

  it('carries the bytes and the secret', () => {
    const found = present(['authorization', `L402 ${URL_TOKEN}:${SECRET.toUpperCase()}`])
    expect(found.is === 'credential' && hex(found.credential.macaroon)).toBe(hexOf([]))
    expect(found.is === 'credential' && found.credential.secret).toBe(SECRET)
  })
})

describe('C5 older headers are metered too', () => {
  it.each(['Macaroon', 'macaroon', 'Grpc-Metadata-Macaroon'])('%s', (name) => {
    const carried = token(macaroon([`preimage=${SECRET}`]))
    expect(presented([name, LEGACY])).toBe(`${carried}:${SECRET}`)
    expect(presented([name, LEGACY.toUpperCase()])).toBe(`${carried}:${SECRET}`)
    expect(answer([name, LEGACY, 'Authorization', `L402 ${carried}:${SECRET}`])).toBe('credential')
    expect(answer([name, LEGACY, 'Authorization', `L402 ${PASS}`])).toBe('conflict')
  })

  it.each([
    hexOf([]),
    hexOf(['preimage=22']),
    LEGACY.slice(1),
    LEGACY.slice(2),
    `${LEGACY}, ${LEGACY}`,
    'ff'.repeat(100),
    TOKEN,
    'ollama',
  ])('refuses a header without a preimage, and never ignores it: %s', (value) => {
    for (const name of ['Macaroon', 'Grpc-Metadata-Macaroon']) {
      expect(answer([name, value])).toBe('malformed')
    }
  })

  it.each<[string, Headers]>([
    ['LSAT', ['authorization', `LSAT ${PASS}`]],
    ['token= and macaroon= of a challenge', ['authorization', `L402 token="${TOKEN}"`]],
    ['macaroon=', ['authorization', `LSAT macaroon="${TOKEN}", preimage="${SECRET}"`]],
  ])('%s is never absent', (_, headers) => {
    expect(answer(headers)).not.toBe('absent')
  })
})

describe('nothing of ours counts as absent', () => {
  it.each<[string, Headers]>([
    ['nothing', []],
    ['no credential', ['Host', 'here', 'Accept', '*/*']],
    ['a name without a value', ['Authorization']],
    ['empty', ['Authorization', '']],
    ['Bearer alone', ['Authorization', 'Bearer']],
    ['ollama', ['Authorization', 'Bearer ollama']],
    ['sk-…', ['Authorization', 'Bearer sk-proj-abcdefghijklmnopqrstuvwxyz0123456789']],
    ['a JWT', ['Authorization', `Bearer eyJhbGciOi.${'a'.repeat(200)}.b_-`]],
    ['a key with a colon', ['x-api-key', `5f9a:${SECRET}`]],
    ['Basic', ['Authorization', 'Basic dXNlcjpwYXNz']],
    ['Digest', ['Authorization', 'Digest username="a:b", uri="/x:y", response="aa"']],
    ['a pass where nobody looks', ['Cookie', PASS, 'X-Other', `L402 ${PASS}`]],
    ['Cashu', ['X-Cashu', 'cashuBabc']],
    ['x402 v2', ['PAYMENT-SIGNATURE', 'eyJ']],
    ['x402 v1', ['X-PAYMENT', 'eyJ']],
    ['Payment', ['Authorization', 'Payment eyJ']],
    ['mppx', ['Payment-Authorization', 'Payment eyJ']],
  ])('%s', (_, headers) => {
    expect(answer(headers)).toBe('absent')
  })
})

describe('malformed: it looks like ours and is not valid', () => {
  it.each<[string, Headers]>([
    ['the scheme alone', ['authorization', 'L402']],
    ['no secret', ['authorization', `L402 ${TOKEN}`]],
    ['no secret, as a key', ['x-api-key', TOKEN]],
    ['an empty secret', ['authorization', `L402 ${TOKEN}:`]],
    ['63 digits', ['authorization', `L402 ${PASS.slice(0, -1)}`]],
    ['65 digits', ['authorization', `L402 ${PASS}0`]],
    ['63 digits, as a key', ['x-api-key', PASS.slice(0, -1)]],
    ['65 digits, as Bearer', ['authorization', `Bearer ${PASS}0`]],
    ['text behind the secret', ['authorization', `L402 ${PASS};x`]],
    ['a second colon', ['authorization', `L402 ${PASS}:${SECRET}`]],
    ['no macaroon', ['authorization', `L402 :${SECRET}`]],
    ['not base64', ['authorization', `L402 a*b:${SECRET}`]],
    ['not a macaroon', ['authorization', `L402 ${'a'.repeat(120)}:${SECRET}`]],
    ['the end cut off', ['x-api-key', `${TOKEN.slice(0, -8)}:${SECRET}`]],
    ['the start cut off', ['x-api-key', `${TOKEN.slice(4)}:${SECRET}`]],
    ['quoted', ['authorization', `L402 "${PASS}"`]],
    [
      'a macaroon of somebody else',
      ['authorization', `L402 AgIBaQAABiA${'A'.repeat(43)}:${SECRET}`],
    ],
    ['too long', ['authorization', `L402 ${'A'.repeat(4100)}:${SECRET}`]],
    ['five macaroons', ['authorization', `L402 ${Array(5).fill(TOKEN).join()}:${SECRET}`]],
    ['a broken one behind an unknown scheme', ['authorization', `Basic ${PASS}0`]],
  ])('%s', (_, headers) => {
    expect(answer(headers)).toBe('malformed')
  })

  it('repeats nothing of what was presented', () => {
    for (const value of [TOKEN, `${TOKEN}:${SECRET}0`, `${TOKEN.slice(0, -8)}:${SECRET}`]) {
      const found = present(['authorization', `L402 ${value}`])
      expect(found.is === 'malformed' && found.detail).toMatch(/^[a-z0-9 ]+$/)
    }
  })
})

describe('conflict: one of two could be charged by mistake', () => {
  it.each<[string, Headers]>([
    ['two lines', ['authorization', `L402 ${PASS}`, 'authorization', `L402 ${OTHER}`]],
    ['folded', ['authorization', `LSAT ${PASS}, L402 ${OTHER}`]],
    ['without a scheme between', ['authorization', `L402 ${PASS}, ${OTHER}`]],
    ['two headers', ['authorization', `Bearer ${PASS}`, 'x-api-key', OTHER]],
    ['two secrets', ['authorization', `L402 ${PASS}`, 'x-api-key', `${TOKEN}:${OTHER_SECRET}`]],
    ['two macaroons, one secret', ['authorization', `L402 ${TOKEN},${OTHER_TOKEN}:${SECRET}`]],
    ['a good one and a broken one', ['authorization', `L402 ${PASS}`, 'x-api-key', `${PASS}0`]],
    ['a pass and PAYMENT-SIGNATURE', ['x-api-key', PASS, 'Payment-Signature', 'eyJ']],
    ['a pass and X-PAYMENT', ['x-payment', 'eyJ', 'x-api-key', PASS]],
    ['a pass and Payment', ['authorization', `Payment eyJ, L402 ${PASS}`]],
    [
      'a pass and Payment, two lines',
      ['authorization', `L402 ${PASS}`, 'authorization', 'Payment e'],
    ],
    ['a pass and Payment-Authorization', ['x-api-key', PASS, 'payment-authorization', 'Payment e']],
  ])('%s', (_, headers) => {
    expect(answer(headers)).toBe('conflict')
  })
})

describe('any headers at all', () => {
  const name = fc.constantFrom(...CREDENTIAL_HEADERS, 'Authorization', 'host')
  const piece = fc.oneof(
    fc.constantFrom('L402 ', 'LSAT ', 'Bearer ', 'Payment ', ',', ' ', ':', TOKEN, SECRET, LEGACY),
    fc.string({ maxLength: 20 }),
  )
  const value = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''))

  it('lead to one of four answers, never to an exception', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value), { maxLength: 5 }), (headers) => {
        expect(['absent', 'malformed', 'conflict', 'credential']).toContain(answer(headers.flat()))
      }),
      { numRuns: 2000 },
    )
  })

  it('C5 with a pass anywhere in them are never absent', () => {
    fc.assert(
      fc.property(value, value, fc.constantFrom('authorization', 'x-api-key'), (a, b, where) => {
        expect(answer([where, `${a} L402 ${PASS} ${b}`])).not.toBe('absent')
      }),
      { numRuns: 2000 },
    )
  })

  it('are read in linear time', () => {
    // With quadratic time this would not end.
    for (const unit of ['a,', 'L402 ', 'a:', `${SECRET}:`, ' ', 'AgEEbHNhdA', '=']) {
      answer(['authorization', `L402 ${unit.repeat(600_000 / unit.length)}`])
    }
  })
})

describe('G3 the names that are never sent to an upstream', () => {
  it('are lower-case and hold every header that is read here', () => {
    for (const name of CREDENTIAL_HEADERS) expect(name).toBe(name.toLowerCase())
    for (const name of [
      'authorization',
      'proxy-authorization',
      'x-api-key',
      'api-key',
      'x-cashu',
      'payment-signature',
      'x-payment',
      'payment-authorization',
      'macaroon',
      'grpc-metadata-macaroon',
      'cookie',
    ]) {
      expect(CREDENTIAL_HEADERS.has(name)).toBe(true)
    }
  })
})
