import fc from 'fast-check'
import { MacaroonsBuilder } from 'macaroons.js'
import { describe, expect, it } from 'vitest'
import { decodeBase64, encodeBase64 } from '../../../src/passes/base64.ts'
import { readIdentifier, writeIdentifier } from '../../../src/passes/identifier.ts'
import {
  attenuate,
  MAX_BYTES,
  MAX_CAVEATS,
  type Macaroon,
  mint,
  parse,
  serialize,
  verify,
} from '../../../src/passes/macaroon.ts'
import { filled, hex, IDENTIFIER } from './fixtures.ts'

/** Made with Go's gopkg.in/macaroon.v2, with root key 11 ×32 and token id 33 ×32. */
const GOLDEN =
  'AgEEbHNhdAJCAACfcuoM9JU248ZseH9wUYbfmkN4CDdTrpU21ls61/zdxDMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzAAIPc2VydmljZXM9Z2F0ZTowAAIbZ2F0ZV92YWxpZF91bnRpbD0xOTk5OTk5OTk5AAAGIPmbwSItnZvrj4ySG/O/OQPKJHPpvKzfuzYLTyBgDxLK'
const CAVEATS = ['services=gate:0', 'gate_valid_until=1999999999']

const golden = (): Macaroon =>
  mint(filled(0x11), writeIdentifier(IDENTIFIER), { location: 'lsat', caveats: CAVEATS })

const bytesOf = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, 'base64'))

function parsed(bytes: Uint8Array): Macaroon {
  const macaroon = parse(bytes)
  if (!macaroon.ok) throw new Error(macaroon.error)
  return macaroon.value
}

/** Bytes in V2 format with one part replaced. */
function framed(parts: { head?: number[]; caveats?: number[]; tail?: number[] }): Uint8Array {
  const head = parts.head ?? [2, 1, 1, 0x6c, 2, 1, 0x69, 0]
  const tail = parts.tail ?? [0, 6, 32, ...filled(9)]
  return Uint8Array.from([...head, ...(parts.caveats ?? []), ...tail])
}

describe('the golden vector', () => {
  it('is what we write', () => {
    expect(encodeBase64(serialize(golden()))).toBe(GOLDEN)
  })

  it('is read, verified and written again byte for byte', () => {
    const macaroon = parsed(bytesOf(GOLDEN))
    expect(readIdentifier(macaroon.identifier)).toEqual(IDENTIFIER)
    expect(macaroon.caveats.map((caveat) => Buffer.from(caveat).toString())).toEqual(CAVEATS)
    expect(verify(filled(0x11), macaroon)).toHaveLength(3)
    expect(verify(filled(0x12), macaroon)).toBeNull()
    expect(encodeBase64(serialize(macaroon))).toBe(GOLDEN)
  })

  it('is the same by attenuation as by minting', () => {
    const { location } = golden()
    let macaroon = mint(filled(0x11), writeIdentifier(IDENTIFIER), {
      location: Buffer.from(location).toString(),
      caveats: [],
    })
    for (const caveat of CAVEATS) {
      const next = attenuate(macaroon, caveat)
      if (!next.ok) throw new Error(next.error)
      macaroon = next.value
    }
    expect(encodeBase64(serialize(macaroon))).toBe(GOLDEN)
  })
})

describe('the chain of signatures', () => {
  it('is that of macaroons.js', () => {
    const ascii = fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme-ascii' })
    fc.assert(
      fc.property(ascii, ascii, fc.array(ascii, { maxLength: 5 }), (key, identifier, caveats) => {
        const builder = new MacaroonsBuilder('here', key, identifier)
        for (const caveat of caveats) builder.add_first_party_caveat(caveat)
        const ours = mint(Buffer.from(key), Buffer.from(identifier), { location: 'here', caveats })
        expect(hex(ours.signature)).toBe(builder.getMacaroon().signature)
      }),
    )
  })

  it('H9 gives a child every signature of its parent', () => {
    const parent = golden()
    const child = attenuate(parent, 'method = POST')
    if (!child.ok) throw new Error(child.error)
    const before = verify(filled(0x11), parent) ?? []
    const after = verify(filled(0x11), child.value) ?? []
    expect(after.slice(0, 3).map(hex)).toEqual(before.map(hex))
    expect(after).toHaveLength(4)
  })

  it('C4 caveats cannot be dropped, swapped or changed', () => {
    const macaroon = golden()
    const [first, second] = macaroon.caveats
    if (first === undefined || second === undefined) throw new Error('two caveats')
    for (const caveats of [[], [first], [second], [second, first], [first, first, second]]) {
      expect(verify(filled(0x11), { ...macaroon, caveats })).toBeNull()
    }
  })
})

describe('reading is strict', () => {
  it.each<[string, Uint8Array]>([
    ['nothing', new Uint8Array(0)],
    ['another version', framed({ head: [1, 2, 1, 0x69, 0] })],
    ['an empty location', framed({ head: [2, 1, 0, 2, 1, 0x69, 0] })],
    ['no identifier', framed({ head: [2, 1, 1, 0x6c, 0] })],
    ['no end of the header', framed({ head: [2, 2, 1, 0x69] })],
    ['a location behind the identifier', framed({ head: [2, 2, 1, 0x69, 1, 1, 0x6c, 0] })],
    ['a third-party caveat', framed({ caveats: [2, 1, 0x63, 4, 1, 0x76, 0] })],
    ['a caveat with a location', framed({ caveats: [1, 1, 0x6c, 2, 1, 0x63, 0] })],
    ['a length in too many bytes', framed({ caveats: [2, 0x81, 0, 0x63, 0] })],
    ['a length in three bytes', framed({ caveats: [2, 0x81, 0x80, 1, 0x63, 0] })],
    ['a length past the end', framed({ tail: [2, 0x7f, 0x63] })],
    ['no signature', framed({ tail: [0] })],
    ['a short signature', framed({ tail: [0, 6, 31, ...filled(9).slice(1)] })],
    ['a byte behind the signature', framed({ tail: [0, 6, 32, ...filled(9), 0] })],
    ['V1', Buffer.from('0013location there\n')],
  ])('refuses %s', (_, bytes) => {
    expect(parse(bytes)).toEqual({ ok: false, error: 'not_v2' })
  })

  it('accepts the plain form of which those are made', () => {
    expect(parse(framed({})).ok).toBe(true)
    expect(parse(framed({ caveats: [2, 1, 0x63, 0] })).ok).toBe(true)
  })

  it('bounds size and number of caveats', () => {
    const caveat = [2, 1, 0x63, 0]
    const many = (count: number) => framed({ caveats: Array(count).fill(caveat).flat() })
    expect(parse(many(MAX_CAVEATS)).ok).toBe(true)
    expect(parse(many(MAX_CAVEATS + 1))).toEqual({ ok: false, error: 'too_many_caveats' })
    expect(parse(new Uint8Array(MAX_BYTES + 1))).toEqual({ ok: false, error: 'too_large' })
    let macaroon = golden()
    for (let count = 2; count < MAX_CAVEATS; count += 1) {
      const next = attenuate(macaroon, 'a')
      if (next.ok) macaroon = next.value
    }
    expect(attenuate(macaroon, 'a')).toEqual({ ok: false, error: 'too_many_caveats' })
    expect(attenuate(golden(), 'a'.repeat(MAX_BYTES))).toEqual({ ok: false, error: 'too_large' })
  })

  it('reads any bytes as a macaroon of the same bytes, or refuses them', () => {
    const near = fc
      .tuple(fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 8 }))
      .map(([at, patch]) => {
        const bytes = bytesOf(GOLDEN)
        bytes.set(patch, at % (bytes.length - patch.length))
        return bytes
      })
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), near), (bytes) => {
        const macaroon = parse(bytes)
        if (macaroon.ok) expect(hex(serialize(macaroon.value))).toBe(hex(bytes))
      }),
      { numRuns: 2000 },
    )
  })

  it('carries binary caveats of any length unharmed', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 500 }), { maxLength: 5 }), (caveats) => {
        const bytes = serialize({ ...golden(), caveats })
        expect(parsed(bytes).caveats.map(hex)).toEqual(caveats.map(hex))
      }),
    )
  })

  it('C4 with a flipped bit it verifies only if the bit is in the location', () => {
    const bytes = bytesOf(GOLDEN)
    const location = { from: 3, to: 7 }
    const believed: number[] = []
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const flipped = Uint8Array.from(bytes)
      const at = bit >> 3
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (bit & 7))
      const macaroon = parse(flipped)
      if (macaroon.ok && verify(filled(0x11), macaroon.value) !== null) believed.push(at)
    }
    expect(believed).toHaveLength((location.to - location.from) * 8)
    expect(believed.every((at) => at >= location.from && at < location.to)).toBe(true)
  })
})

describe('base64', () => {
  it.each(['+/8=', '+/8', '-_8=', '-_8', ''])('reads %j', (text) => {
    const bytes = decodeBase64(text)
    expect(bytes && hex(bytes)).toBe(text === '' ? '' : 'fbff')
  })

  it.each(['+_8=', '+/8==', '+/8=A', 'A', 'AAAAA', '=', ' +/8=', '+/8=\n', 'é'])(
    'refuses %j',
    (text) => {
      expect(decodeBase64(text)).toBeNull()
    },
  )

  it('round-trips, and reads any text as bytes or null', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const url = Buffer.from(bytes).toString('base64url')
        for (const text of [encodeBase64(bytes), url, encodeBase64(bytes).replace(/=/g, '')]) {
          expect(hex(decodeBase64(text) ?? filled(0))).toBe(hex(bytes))
        }
      }),
    )
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void decodeBase64(text)))
  })
})

describe('the identifier', () => {
  it('is version, payment hash and token id', () => {
    const bytes = writeIdentifier(IDENTIFIER)
    expect(hex(bytes)).toBe(`0000${IDENTIFIER.hash}${IDENTIFIER.tokenId}`)
    expect(readIdentifier(bytes)).toEqual(IDENTIFIER)
  })

  it('refuses another version or length', () => {
    const bytes = writeIdentifier(IDENTIFIER)
    expect(readIdentifier(Uint8Array.from([0, 1, ...bytes.subarray(2)]))).toBeNull()
    expect(readIdentifier(Uint8Array.from([1, 0, ...bytes.subarray(2)]))).toBeNull()
    expect(readIdentifier(bytes.subarray(0, 65))).toBeNull()
    expect(readIdentifier(Uint8Array.from([...bytes, 0]))).toBeNull()
  })
})
