import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeBase64 } from '../../../../src/passes/base64.ts'
import {
  MOST_CHARACTERS,
  presentedIn,
  readPayment,
  wholeOf,
} from '../../../../src/rails/x402/read.ts'

const AUTHORIZATION = {
  from: `0x${'Ab'.repeat(20)}`,
  to: `0x${'0c'.repeat(20)}`,
  value: '21000',
  validAfter: '0',
  validBefore: '1800000000',
  nonce: `0x${'F0'.repeat(32)}`,
}
const PAYLOAD = { signature: `0x${'1A'.repeat(65)}`, authorization: AUTHORIZATION }
const V1 = { x402Version: 1, scheme: 'exact', network: 'base', payload: PAYLOAD }
const V2 = {
  x402Version: 2,
  payload: PAYLOAD,
  resource: { url: 'https://gate.example/a', description: 'a', mimeType: 'b' },
  accepted: { scheme: 'exact', network: 'eip155:8453', amount: '21000', extra: { offer: 'x' } },
}

const coded = (value: unknown): string => encodeBase64(Buffer.from(JSON.stringify(value)))
const read = (value: unknown, version: 1 | 2) => readPayment(coded(value), version)
/** The whole with other fields in its authorization. */
const signing = (change: object) => ({
  ...V1,
  payload: { ...PAYLOAD, authorization: { ...AUTHORIZATION, ...change } },
})

describe('a payment in a header', () => {
  it('is read with addresses and hex in lower case, and whole numbers', () => {
    const payment = {
      network: 'eip155:8453',
      authorization: {
        ...{ from: `0x${'ab'.repeat(20)}`, to: `0x${'0c'.repeat(20)}`, value: 21_000n },
        ...{ validAfter: 0n, validBefore: 1_800_000_000n, nonce: `0x${'f0'.repeat(32)}` },
      },
      signature: `0x${'1a'.repeat(65)}`,
    }
    expect(read(V1, 1)).toEqual({
      is: 'payment',
      payment: { ...payment, x402Version: 1, accepted: null, resource: null },
    })
    const { accepted, resource } = V2
    expect(read(V2, 2)).toEqual({
      is: 'payment',
      payment: { ...payment, x402Version: 2, accepted, resource: resource.url },
    })
    const { resource: _, ...without } = V2
    expect(read(without, 2)).toMatchObject({ payment: { resource: null } })
  })

  it('may be base64 in both alphabets, padded or not, with numbers as numbers', () => {
    const text = JSON.stringify(signing({ value: 21_000, validAfter: 0 }))
    // An odd sign makes the two alphabets differ, and lengths need padding of 0, 1 and 2.
    for (const end of ['??>', '??>>', '??>>>']) {
      const bytes = Buffer.from(`${text.slice(0, -1)},"more":"${end}"}`)
      for (const written of [bytes.toString('base64'), bytes.toString('base64url')]) {
        for (const form of [written, written.replaceAll('=', '')]) {
          expect(readPayment(form, 1)).toMatchObject({ is: 'payment' })
        }
      }
    }
  })

  const not = (why: string, version = 1) => ({ is: 'none', x402Version: version, why })

  it.each([
    ['another scheme', { ...V1, scheme: 'upto', payload: {} }, 'scheme'],
    ['an unknown network', { ...V1, network: 'solana', payload: { transaction: '' } }, 'network'],
    ['a network by its new name', { ...V1, network: 'eip155:8453' }, 'network'],
    ['the other version', V2, 'malformed'],
    ['no version', { ...V1, x402Version: undefined }, 'malformed'],
    ['no scheme', { ...V1, scheme: undefined }, 'malformed'],
    ['a network that is no text', { ...V1, network: 1 }, 'malformed'],
    ['no payload', { ...V1, payload: null }, 'malformed'],
    ['no authorization', { ...V1, payload: { signature: '0x12' } }, 'malformed'],
    ['no signature', { ...V1, payload: { authorization: AUTHORIZATION } }, 'malformed'],
    ['an empty signature', { ...V1, payload: { ...PAYLOAD, signature: '0x' } }, 'malformed'],
    ['half a byte of it', { ...V1, payload: { ...PAYLOAD, signature: '0x123' } }, 'malformed'],
    ['a short address', signing({ from: '0x12' }), 'malformed'],
    ['an address without 0x', signing({ to: 'ab'.repeat(20) }), 'malformed'],
    ['a short nonce', signing({ nonce: '0x12' }), 'malformed'],
    ['a value below zero', signing({ value: '-1' }), 'malformed'],
    ['a value in hex', signing({ value: '0x10' }), 'malformed'],
    ['a value with a point', signing({ value: '1.5' }), 'malformed'],
    ['a value with a space', signing({ value: ' 1' }), 'malformed'],
    ['an empty value', signing({ value: '' }), 'malformed'],
    ['a value beyond uint256', signing({ value: `${2n ** 256n}` }), 'malformed'],
    ['a number that JSON rounds', signing({ value: 2 ** 53 }), 'malformed'],
    ['no time', signing({ validBefore: undefined }), 'malformed'],
    ['a list', [V1], 'malformed'],
    ['null', null, 'malformed'],
    ['a text', 'exact', 'malformed'],
  ])('F4 with %s is refused by name', (_, value, why) => {
    expect(read(value, 1)).toMatchObject(not(why))
  })

  it.each([
    ['without accepted', { ...V2, accepted: undefined }, 'malformed'],
    ['with accepted that is a list', { ...V2, accepted: [] }, 'malformed'],
    ['with a resource that is a text', { ...V2, resource: 'https://gate.example' }, 'malformed'],
    ['of another scheme', { ...V2, accepted: { ...V2.accepted, scheme: 'upto' } }, 'scheme'],
  ])('of version 2 %s is refused by name', (_, value, why) => {
    expect(read(value, 2)).toMatchObject(not(why, 2))
  })

  it.each([
    ['no base64', 'nothing of this kind!'],
    ['base64 with a space inside', `${coded(V1).slice(0, 8)} ${coded(V1).slice(8)}`],
    ['two payments that a proxy joined', `${coded(V1)}, ${coded(V1)}`],
    ['JSON that is not coded', JSON.stringify(V1)],
    ['no JSON', coded(V1).slice(0, -8)],
    ['bytes that are no UTF-8', encodeBase64(Buffer.from([0x22, 0xff, 0x22]))],
    ['an empty object', 'e30='],
  ])('is malformed if it is %s', (_, text) => {
    expect(readPayment(text, 1)).toMatchObject(not('malformed'))
  })

  it('F8 is not decoded if it is too large', () => {
    const long = { ...V1, more: 'a'.repeat(MOST_CHARACTERS) }
    expect(read(long, 1)).toMatchObject(not('too_large'))
    expect(readPayment('!'.repeat(MOST_CHARACTERS), 1)).toMatchObject(not('malformed'))
  })

  it('has a smart wallet’s signature of any length', () => {
    const payload = { ...PAYLOAD, signature: `0x${'6492'.repeat(500)}` }
    expect(read({ ...V1, payload }, 1)).toMatchObject({ is: 'payment' })
  })

  it('whole numbers are read exactly', () => {
    expect(wholeOf(`${2n ** 256n - 1n}`)).toBe(2n ** 256n - 1n)
    expect(wholeOf('007')).toBe(7n)
    expect([wholeOf(-1), wholeOf(0.5), wholeOf(Number.NaN), wholeOf(null)]).toEqual(
      Array(4).fill(null),
    )
    expect(wholeOf('9'.repeat(79))).toBeNull()
  })
})

describe('the headers of a request', () => {
  const one = { is: 'payment', payment: { is: 'payment' } }

  it('have a payment under the name of its version, in any case', () => {
    expect(presentedIn(['X-Payment', coded(V1)])).toMatchObject(one)
    expect(presentedIn(['host', 'a', 'PAYMENT-SIGNATURE', ` ${coded(V2)} `])).toMatchObject(one)
    expect(presentedIn(['x-payment', '', 'payment-signature', ' '])).toEqual({ is: 'absent' })
    expect(presentedIn(['x-payment'])).toEqual({ is: 'absent' })
  })

  it('F8 with two payments are a conflict, the same one twice and in both versions too', () => {
    const conflict = { is: 'conflict' }
    expect(presentedIn(['x-payment', coded(V1), 'X-PAYMENT', coded(V1)])).toEqual(conflict)
    expect(presentedIn(['x-payment', coded(V1), 'x-payment', 'nonsense'])).toEqual(conflict)
    expect(presentedIn(['payment-signature', coded(V2), 'x-payment', coded(V1)])).toEqual(conflict)
  })

  it('never throw, whatever they hold', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string().map((inner) => encodeBase64(Buffer.from(inner))),
      fc.json().map((json) => encodeBase64(Buffer.from(json))),
    )
    const names = fc.constantFrom('x-payment', 'payment-signature', 'PAYMENT-SIGNATURE', 'x')
    fc.assert(
      fc.property(fc.array(fc.tuple(names, text), { maxLength: 3 }), (lines) => {
        expect(presentedIn(lines.flat()).is).toMatch(/^(?:absent|conflict|payment)$/)
      }),
    )
  })

  it('are a payment or a named reason, with any one field exchanged', () => {
    const paths = [
      ...['x402Version', 'scheme', 'network', 'payload', 'accepted', 'resource'].map((at) => [at]),
      ...['signature', 'authorization'].map((at) => ['payload', at]),
      ...Object.keys(AUTHORIZATION).map((at) => ['payload', 'authorization', at]),
    ]
    fc.assert(
      fc.property(fc.constantFrom(...paths), fc.jsonValue(), (path, value) => {
        for (const version of [1, 2] as const) {
          const whole: Record<string, unknown> = structuredClone(version === 1 ? V1 : V2)
          let inner = whole
          for (const step of path.slice(0, -1)) inner = inner[step] as Record<string, unknown>
          inner[path.at(-1) ?? ''] = value
          const found = read(whole, version)
          if (found.is === 'none') {
            expect(found.why).toMatch(/^(?:malformed|scheme|network)$/)
            continue
          }
          const { authorization, signature } = found.payment
          expect(signature).toMatch(/^0x(?:[0-9a-f]{2})+$/)
          for (const address of [authorization.from, authorization.to]) {
            expect(address).toMatch(/^0x[0-9a-f]{40}$/)
          }
          expect(authorization.value).toBeLessThan(2n ** 256n)
        }
      }),
    )
  })
})
