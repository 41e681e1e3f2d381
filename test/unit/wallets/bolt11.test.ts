import { createHash } from 'node:crypto'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { bech32 } from '@scure/base'
import fc from 'fast-check'
import { decode } from 'light-bolt11-decoder'
import { describe, expect, it } from 'vitest'
import { type Bolt11Draft, moneyOf, readBolt11, writeBolt11 } from '../../../src/wallets/bolt11.ts'

/** Examples from BOLT 11. */
const SPEC = {
  coffee:
    'lnbc2500u1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdq5xysxxatsyp3k7enxv4jsxqzpu9qrsgquk0rl77nj30yxdy8j9vdx85fkpmdla2087ne0xh8nhedh8w27kyke0lp53ut353s06fv3qfegext0eh0ymjpf39tuven09sam30g4vgpfna3rh',
  donation:
    'lnbc1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdpl2pkx2ctnv5sxxmmwwd5kgetjypeh2ursdae8g6twvus8g6rfwvs8qun0dfjkxaq9qrsgq357wnc5r2ueh7ck6q93dj32dlqnls087fxdwk8qakdyafkq3yap9us6v52vjjsrvywa6rt52cm9r9zqt8r2t7mlcwspyetp5h2tztugp9lfyql',
}

const draft: Bolt11Draft = {
  network: 'bcrt',
  sat: 21,
  paymentHash: new Uint8Array(32).fill(1),
  paymentSecret: new Uint8Array(32).fill(2),
  description: 'satgate',
  createdAt: 1_700_000_000_000,
  expirySeconds: 600,
  secretKey: new Uint8Array(32).fill(3),
}

describe('reading an invoice', () => {
  it('reads the examples of the specification', () => {
    expect(readBolt11(SPEC.coffee)).toEqual({
      network: 'bc',
      amountMsat: 250_000_000n,
      paymentHash: '0001020304050607080900010203040506070809000102030405060708090102',
      description: '1 cup coffee',
      createdAt: 1_496_314_658_000,
      expiresAt: 1_496_314_718_000,
      finalCltv: 18,
    })
    expect(readBolt11(SPEC.donation)?.amountMsat).toBeNull()
    expect(readBolt11(SPEC.donation)?.description).toMatch(/^Please consider supporting/)
  })

  it('an invoice without an expiry is valid for an hour', () => {
    const read = readBolt11(SPEC.donation)
    expect((read?.expiresAt ?? 0) - (read?.createdAt ?? 0)).toBe(3_600_000)
  })

  it('L12 an invoice with two expiries or two payment hashes is none: wallets read it in two ways', () => {
    const { prefix, words } = bech32.decode(writeBolt11(draft) as `lnbcrt1${string}`, false)
    const twice = (field: readonly number[]) =>
      bech32.encode(prefix, [...words.slice(0, -104), ...field, ...words.slice(-104)], false)
    const hash = bech32.toWords(new Uint8Array(32).fill(9))
    expect(readBolt11(twice([24, 0, 1, 20]))).not.toBeNull()
    expect(readBolt11(twice([6, 0, 4, 18, 12, 0, 0]))).toBeNull()
    expect(readBolt11(twice([1, 1, 20, ...hash]))).toBeNull()
  })

  it('upper case is the same invoice, mixed case is none', () => {
    expect(readBolt11(SPEC.coffee.toUpperCase())).toEqual(readBolt11(SPEC.coffee))
    expect(readBolt11(`L${SPEC.coffee.slice(1)}`)).toBeNull()
  })

  it('C8 an invoice with any one letter changed is invalid', () => {
    const at = fc.integer({ min: 0, max: SPEC.coffee.length - 1 })
    const letter = fc.constantFrom(...'qpzry9x8gf2tvdw0s3jn54khce6mua7l')
    fc.assert(
      fc.property(at, letter, (index, other) => {
        fc.pre(SPEC.coffee[index] !== other)
        const changed = SPEC.coffee.slice(0, index) + other + SPEC.coffee.slice(index + 1)
        expect(readBolt11(changed)).toBeNull()
      }),
    )
  })

  it('no other text is an invoice, and none throws', () => {
    fc.assert(fc.property(fc.string(), (text) => readBolt11(text) === null))
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 31 }), { maxLength: 300 }), (words) => {
        const read = readBolt11(bech32.encode('lnbc210n', words, false))
        expect(read === null || /^[0-9a-f]{64}$/.test(read.paymentHash)).toBe(true)
      }),
    )
    expect(readBolt11(`lnbc1${'q'.repeat(10_000)}`)).toBeNull()
  })
})

describe('which money', () => {
  it.each([
    ['bc', 'real'],
    ['tb', 'test'],
    ['tbs', 'test'],
    ['bcrt', 'test'],
  ])('ln%s is %s', (network, money) => {
    const { words } = bech32.decode(SPEC.coffee, false)
    expect(moneyOf(bech32.encode(`ln${network}10u`, words, false))).toBe(money)
  })

  it('what is no invoice is no money', () => {
    expect(moneyOf('lnbc1')).toBeNull()
  })
})

describe('writing an invoice', () => {
  it("is read by another's decoder, field by field", () => {
    const fields = Object.fromEntries(
      decode(writeBolt11(draft)).sections.map((section) => [
        section.name,
        'value' in section ? section.value : null,
      ]),
    )
    expect(fields).toMatchObject({
      coin_network: { bech32: 'bcrt' },
      amount: '21000',
      timestamp: 1_700_000_000,
      payment_hash: '01'.repeat(32),
      payment_secret: '02'.repeat(32),
      description: 'satgate',
      expiry: 600,
      min_final_cltv_expiry: 18,
      feature_bits: { var_onion_optin: 'required', payment_secret: 'required' },
    })
  })

  it.each([
    [1, '10n'],
    [21, '210n'],
    [100, '1u'],
    [2500, '25u'],
    [100_000, '1m'],
    [123_456_700, '1234567u'],
    [200_000_000, '2000m'],
  ])('%d sat is spelled %s', (sat, letters) => {
    const bolt11 = writeBolt11({ ...draft, sat })
    expect(bolt11.startsWith(`lnbcrt${letters}1`)).toBe(true)
    expect(readBolt11(bolt11)?.amountMsat).toBe(BigInt(sat) * 1000n)
  })

  it('reads back as it was written', () => {
    const drafts = fc.record({
      sat: fc.integer({ min: 1, max: 2_000_000_000 }),
      description: fc.string({ maxLength: 100, unit: 'grapheme' }),
      expirySeconds: fc.integer({ min: 1, max: 10_000_000 }),
      paymentHash: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    })
    fc.assert(
      fc.property(drafts, (some) => {
        expect(readBolt11(writeBolt11({ ...draft, ...some }))).toEqual({
          network: 'bcrt',
          amountMsat: BigInt(some.sat) * 1000n,
          paymentHash: Buffer.from(some.paymentHash).toString('hex'),
          description: some.description,
          createdAt: draft.createdAt,
          expiresAt: draft.createdAt + some.expirySeconds * 1000,
          finalCltv: 18,
        })
      }),
      { numRuns: 50 },
    )
  })

  it('keeps as much of a description as fits, and cuts no character in two', () => {
    for (const text of ['a'.repeat(700), 'é'.repeat(400), '☕'.repeat(400), '🫖'.repeat(200)]) {
      const description =
        readBolt11(writeBolt11({ ...draft, description: text }))?.description ?? ''
      expect(text.startsWith(description)).toBe(true)
      expect(Buffer.byteLength(description)).toBeGreaterThan(635)
      expect(description.isWellFormed()).toBe(true)
    }
  })

  it('the signature gives the public key back, as a payer computes it', () => {
    const bolt11 = writeBolt11(draft)
    const { prefix, words } = bech32.decode(bolt11 as `${string}1${string}`, false)
    const signature = bech32.fromWords(words.slice(-104))
    const bits = words.slice(0, -104).map((word) => word.toString(2).padStart(5, '0'))
    const bytes = bits.join('').match(/.{1,8}/g) ?? []
    const message = Buffer.concat([
      Buffer.from(prefix),
      Buffer.from(bytes.map((byte) => Number.parseInt(byte.padEnd(8, '0'), 2))),
    ])
    const hash = createHash('sha256').update(message).digest()
    const recovered = secp256k1.Signature.fromBytes(signature.slice(0, 64), 'compact')
      .addRecoveryBit(signature[64] ?? 9)
      .recoverPublicKey(hash)
    expect(recovered.toBytes()).toEqual(secp256k1.getPublicKey(draft.secretKey))
  })
})
