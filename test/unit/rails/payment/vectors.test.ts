import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  canonicalJson,
  readBase64url,
  writeBase64url,
} from '../../../../src/rails/payment/canonical.ts'
import {
  challengeId,
  isMadeWith,
  UNUSED,
  writeChallenge,
} from '../../../../src/rails/payment/challenge.ts'
import { readCredential } from '../../../../src/rails/payment/credential.ts'
import { type ChargeReceipt, writeReceipt } from '../../../../src/rails/payment/receipt.ts'
import { challengesIn, type Params } from '../../../support/payment-client.ts'

/** Vectors that several implementations share; test/fixtures/mpp-vectors.md says whose they are. */
const vectors = JSON.parse(
  readFileSync(new URL('../../../fixtures/mpp-vectors.json', import.meta.url), 'utf8'),
)
type Vector = Readonly<Record<string, string>> & {
  readonly error?: boolean
  readonly params: Params
  readonly parsed: Params
  readonly challenges: readonly Params[]
}
const section = (name: string): readonly (readonly [string, Vector])[] =>
  vectors[name].map((vector: Vector) => [vector.name, vector])

it('has all of its vectors', () => {
  const counts = Object.values(vectors).filter(Array.isArray)
  expect(counts.map(({ length }) => length)).toEqual([22, 17, 6, 11, 4, 11, 8])
})

describe('JSON in its canonical form', () => {
  it.each(section('canonicalization'))('%s', (_, { input = '', canonical, error }) => {
    const write = () => canonicalJson(JSON.parse(input))
    if (error) expect(write).toThrow()
    else expect(write()).toBe(canonical)
  })
})

describe('base64url', () => {
  it.each(section('base64url'))('%s', (_, { encoded = '', decodedHex = '', canonical, error }) => {
    const read = readBase64url(encoded)
    expect(read?.toString('hex') ?? null).toBe(error ? null : decodedHex)
    if (read !== null && canonical) expect(writeBase64url(read.toString('latin1'))).toBeDefined()
    if (canonical) expect(read?.toString('base64url')).toBe(encoded)
  })
})

describe('a challenge', () => {
  it.each(section('challengeHeaders'))('%s', (_, { params, header = '', parsed }) => {
    expect(writeChallenge(params)).toBe(header)
    expect(challengesIn(header)).toEqual([parsed])
  })
})

describe('C11 several challenges', () => {
  it.each(section('challengeLists'))('%s', (_, { header = '', challenges, error }) => {
    expect(challengesIn(header)).toEqual(error ? [] : challenges)
  })
})

describe('the id of a challenge', () => {
  const key = Buffer.from(vectors.hmacSecretHex, 'hex')
  const none = { ...UNUSED, realm: '', method: '', intent: '', request: '', expires: '' }

  it.each(section('challengeIds'))('%s', (_, { params }) => {
    expect(challengeId(key, { ...none, ...params })).toBe(params.id)
  })

  it('is the HMAC that Node makes', () => {
    const said = 'api.example|lightning|charge|eyJhbW91bnQiOiIyMSJ9|2026-11-20T12:00:00Z||'
    const [realm = '', method = '', intent = '', request = '', expires = ''] = said.split('|')
    const id = createHmac('sha256', 'test-secret').update(said).digest('base64url')
    const slots = { ...UNUSED, realm, method, intent, request, expires }
    expect(challengeId(Buffer.from('test-secret'), slots)).toBe(id)
  })

  it('proves nothing for slots that were divided in another way', () => {
    const [one, other] = section('challengeIds').slice(2)
    const made = (vector?: readonly [string, Vector]) => ({
      ...none,
      id: '',
      ...vector?.[1].params,
    })
    expect(made(one).id).toBe(made(other).id)
    expect(isMadeWith([key], made(one))).toBe(true)
    expect(isMadeWith([key], made(other))).toBe(false)
  })
})

describe('a credential', () => {
  it.each(section('credentials'))('%s', (_, { header = '', credentialJson = '', error }) => {
    const [scheme = '', token = ''] = header.split(' ')
    const read = scheme.toLowerCase() === 'payment' ? readCredential(token) : { ok: false as const }
    expect(read.ok).toBe(error !== true)
    if (!read.ok) return
    const { challenge, payload } = JSON.parse(credentialJson)
    const { description: _description, ...echoed } = challenge
    expect(read.value).toEqual({
      challenge: { expires: '', ...UNUSED, ...echoed },
      payload,
    })
  })
})

describe('a receipt', () => {
  it.each(section('receipts'))('%s', (_, { header, receiptJson = '' }) => {
    expect(writeBase64url(receiptJson)).toBe(header)
    const receipt: ChargeReceipt = JSON.parse(receiptJson)
    // Sessions are not offered, and some of their numbers are larger than JSON is read with.
    if (/^\{"status"/.test(receiptJson)) expect(writeReceipt(receipt)).toBe(header)
  })
})
