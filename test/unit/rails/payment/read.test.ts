import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readPayment } from '../../../../src/rails/payment/read.ts'
import { credentialFor } from '../../../support/payment-client.ts'

const CHALLENGE = {
  ...{ id: 'x', realm: 'gate.example', method: 'lightning', intent: 'charge' },
  ...{ request: 'eyJ9', expires: '2026-11-20T12:00:00Z' },
}
const PREIMAGE = 'ab'.repeat(32)
const ONE = credentialFor(CHALLENGE, PREIMAGE)
const OTHER = credentialFor({ ...CHALLENGE, id: 'y' }, PREIMAGE)
const bare = (credential: string) => credential.slice('Payment '.length)

type Headers = readonly string[]
const found = (headers: Headers) => {
  const read = readPayment(headers)
  return read.is === 'payment' ? read.payment.is : read.is
}
const payloadOf = (payload: unknown, challenge: unknown = CHALLENGE) =>
  `Payment ${Buffer.from(JSON.stringify({ challenge, payload })).toString('base64url')}`

describe('C5 where a Payment credential may stand', () => {
  it.each<[string, Headers]>([
    ['alone', ['Authorization', ONE]],
    ['in small letters', ['authorization', ONE.replace('Payment', 'payment')]],
    ['with more spaces', ['authorization', `  Payment   ${bare(ONE)} `]],
    ['C11 behind another line', ['authorization', 'Basic eA==', 'authorization', ONE]],
    ['C11 folded behind another scheme', ['authorization', `L402 a:b, ${ONE}`]],
    ['C11 folded before another scheme', ['authorization', `${ONE}, L402 a:b`]],
    ['twice the same', ['authorization', `${ONE}, ${ONE}`, 'payment-authorization', ONE]],
    ['in a header of its own', ['Payment-Authorization', ONE]],
    ['there, without the scheme', ['payment-authorization', bare(ONE)]],
    ['with padding', ['authorization', ONE + '='.repeat((4 - (bare(ONE).length % 4)) % 4)]],
  ])('%s', (_, headers) => {
    expect(found(headers)).toBe('charge')
  })

  it.each<[string, Headers]>([
    ['nothing', []],
    ['no value', ['authorization']],
    ['a key', ['authorization', 'Bearer payment']],
    ['another header', ['x-api-key', ONE, 'x-payment', ONE, 'proxy-authorization', ONE]],
    ['a word of another scheme', ['authorization', `Digest realm=payment ${bare(ONE)}`]],
    ['an empty header of its own', ['payment-authorization', ' ']],
  ])('absent: %s', (_, headers) => {
    expect(found(headers)).toBe('absent')
  })

  it.each<[string, Headers]>([
    ['two lines', ['authorization', ONE, 'authorization', OTHER]],
    ['folded', ['authorization', `${ONE}, ${OTHER}`]],
    ['two headers', ['authorization', ONE, 'payment-authorization', OTHER]],
    ['a good one and a broken one', ['authorization', `${ONE}, Payment e`]],
  ])('conflict: %s', (_, headers) => {
    expect(found(headers)).toBe('conflict')
  })

  it.each<[string, string]>([
    ['the scheme alone', 'Payment'],
    ['no base64url', 'Payment !!!'],
    ['cut short', ONE.slice(0, -3)],
    ['no object', `Payment ${Buffer.from('[1]').toString('base64url')}`],
    ['no text', `Payment ${Buffer.from([0xff, 0xfe]).toString('base64url')}`],
    ['no payload', payloadOf(undefined)],
    ['a list as payload', payloadOf([PREIMAGE])],
    ['no challenge', payloadOf({ preimage: PREIMAGE }, null)],
    ['a number in the challenge', payloadOf({ preimage: PREIMAGE }, { ...CHALLENGE, expires: 1 })],
    ['an empty id', payloadOf({ preimage: PREIMAGE }, { ...CHALLENGE, id: '' })],
    ['no preimage', payloadOf({})],
    ['63 digits', payloadOf({ preimage: PREIMAGE.slice(1) })],
    ['capitals', payloadOf({ preimage: PREIMAGE.toUpperCase() })],
    ['too long', payloadOf({ preimage: PREIMAGE, more: 'x'.repeat(9_000) })],
    ['deep', `Payment ${Buffer.from('['.repeat(6_000)).toString('base64url')}`],
  ])('unreadable: %s', (_, value) => {
    const read = readPayment(['authorization', value])
    expect(read).toMatchObject({ is: 'payment', payment: { is: 'unreadable' } })
    expect(JSON.stringify(read)).not.toContain(PREIMAGE.slice(1))
  })

  it('unsupported: another method, or another intent', () => {
    for (const other of [{ method: 'evm' }, { intent: 'session' }]) {
      expect(found(['authorization', payloadOf({}, { ...CHALLENGE, ...other })])).toBe(
        'unsupported',
      )
    }
  })

  it('any headers at all are read, and never throw', () => {
    const name = fc.constantFrom('authorization', 'payment-authorization', 'Authorization')
    const piece = fc.oneof(fc.constantFrom('Payment ', ',', ' ', '=', ONE, OTHER), fc.string())
    const value = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(''))
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value), { maxLength: 4 }), (lines) => {
        expect(['absent', 'conflict', 'payment']).toContain(readPayment(lines.flat()).is)
      }),
    )
  })

  it('J1 a long value takes linear time: it is walked through once', () => {
    // A quadratic reader would not end within the time of a test.
    for (const piece of [', ', ',', ' ', 'payment', ',payment', ', payment =', '=']) {
      found(['authorization', piece.repeat(200_000)])
    }
  })
})
