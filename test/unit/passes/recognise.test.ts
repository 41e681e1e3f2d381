import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { settlementSecret } from '../../../src/passes/keys.ts'
import { KnownPasses } from '../../../src/passes/known.ts'
import { holderOf, makeRecogniser } from '../../../src/passes/recognise.ts'
import { makeVerifier, type Verify } from '../../../src/passes/verify.ts'
import { filled, hex, IDENTIFIER, KEY, macaroon, rootKey, SECRET, text, token } from './fixtures.ts'

/** Counts the macaroons whose signature was computed. */
function recogniser(key = KEY) {
  const verified = { count: 0 }
  const believes = makeVerifier({ keys: [key], remember: 100 })
  const verify: Verify = (credential) => {
    verified.count += 1
    return believes(credential)
  }
  const read = makeRecogniser({ verify, keys: [key], known: new KnownPasses(100) })
  const recognise = (headers: readonly string[]) => {
    const presented = read(headers)
    return { presented, holder: holderOf(presented) }
  }
  return { recognise, verified }
}
const PASS = text()
const TOKEN = token(macaroon())
const OTHER = text(['calls <= 3'])
const auth = (value: string) => ['Authorization', value]
const presented = (headers: readonly string[]) => recogniser().recognise(headers).presented

describe('a holder has the secret of a macaroon of ours', () => {
  it('by the preimage, or by the settlement secret', () => {
    const { recognise } = recogniser()
    const settlement = settlementSecret(KEY.master, IDENTIFIER)
    for (const secret of [SECRET, settlement, SECRET, settlement]) {
      expect(recognise(auth(`L402 ${TOKEN}:${secret}`)).holder).toBe(IDENTIFIER.hash)
    }
  })

  it.each([
    ['nobody', []],
    ['a wrong secret', auth(`L402 ${TOKEN}:${hex(filled(9))}`)],
    ['a macaroon of another gate', auth(`L402 ${text([], rootKey(0x55))}`)],
    ['a key of another service', auth('Bearer sk-1')],
    ['two passes', auth(`L402 ${PASS}, L402 ${OTHER}`)],
  ])('not %s', (_, headers) => {
    expect(recogniser().recognise(headers).holder).toBe(null)
  })
})

const DAMAGES: readonly (readonly [string, (pass: string) => string])[] = [
  ['quotes', (pass) => `"${pass}"`],
  ['single quotes', (pass) => `'${pass}'`],
  ['a percent-encoded colon', (pass) => pass.replace(':', '%3A')],
  ['all of it percent-encoded', (pass) => encodeURIComponent(pass)],
  ['a full stop', (pass) => `${pass}.`],
  ['a comma', (pass) => `${pass},`],
  ['a space for the colon', (pass) => pass.replace(':', ' ')],
  ['a space behind the colon', (pass) => pass.replace(':', ': ')],
  ['quotes and a full stop', (pass) => `"${pass}".`],
  ['a full stop in quotes', (pass) => `"${pass}."`],
  ['quotes that are percent-encoded', (pass) => encodeURIComponent(`"${pass}"`)],
]
const PLACES: readonly (readonly [string, (value: string) => readonly string[]])[] = [
  ['Bearer', (value) => auth(`Bearer ${value}`)],
  ['L402', (value) => auth(`L402 ${value}`)],
  ['LSAT', (value) => auth(`LSAT ${value}`)],
  ['no scheme', (value) => auth(value)],
  ['x-api-key', (value) => ['x-api-key', value]],
  ['a scheme twice', (value) => auth(`Bearer L402 ${value}`)],
]

describe('K12 damaged passes are served if it is certain what they were', () => {
  for (const [place, put] of PLACES) {
    it.each(DAMAGES)(`K12 %s, ${place}`, (_, damage) => {
      const { recognise, verified } = recogniser()
      const { presented: found, holder } = recognise(put(damage(PASS)))
      expect(found.is === 'credential' && found.credential.text).toBe(PASS)
      expect(holder).toBe(IDENTIFIER.hash)
      expect(verified.count).toBeLessThanOrEqual(4)
    })
  }

  it('K12 the scheme in the quotes, too', () => {
    expect(presented(auth(`"Bearer ${PASS}"`))).toMatchObject({ is: 'credential' })
  })

  it('K12 a damaged copy beside the same pass is no conflict; another pass is', () => {
    const beside = (pass: string) =>
      presented([...auth(`Bearer ${PASS}`), 'x-api-key', `"${pass}"`])
    expect(beside(PASS)).toMatchObject({ is: 'credential' })
    expect(beside(OTHER)).toEqual({ is: 'conflict' })
    const two = [...auth(`Bearer "${PASS}"`), 'x-api-key', `'${OTHER}'`]
    expect(presented(two)).toEqual({ is: 'conflict' })
  })
})

describe('K12 what is not certain is never served, and never absent', () => {
  const ours: readonly (readonly [string, string])[] = [
    ['a secret cut short', PASS.slice(0, -9)],
    ['a secret that is gone', TOKEN],
    ['a colon and no more', `${TOKEN}:`],
    ['a wrong secret in quotes', `"${TOKEN}:${hex(filled(9))}"`],
    ['encoded twice', encodeURIComponent(encodeURIComponent(PASS))],
    ['two pairs of quotes', `"'${PASS}'"`],
    ['quotes around each half', PASS.replace(':', '":"').replace(/^|$/g, '"')],
    ['a challenge’s own fields', `macaroon="${TOKEN}", preimage="${SECRET.slice(1)}"`],
    ['a semicolon for the colon', PASS.replace(':', ';')],
  ]
  for (const scheme of ['Bearer ', 'L402 ', '']) {
    it.each(ours)(`K12 ${scheme}%s is a damaged key of ours`, (_, value) => {
      const found = presented(auth(`${scheme}${value}`))
      expect(found).toMatchObject({ is: 'damaged', pass: IDENTIFIER, keyId: KEY.id })
      expect(found.is === 'damaged' && found.detail).toMatch(/^[a-z0-9 ]+$/)
    })
  }

  it.each([
    ['cut in the macaroon', PASS.slice(0, 100)],
    ['cut soon', PASS.slice(0, 16)],
    ['cut very soon, in quotes', `"${PASS.slice(0, 9)}`],
    ['the front cut off', `L402 ${PASS.slice(30)}`],
    ['of another gate, in quotes', `"${text([], rootKey(0x55))}"`],
  ])('K12 %s is malformed', (_, value) => {
    for (const scheme of ['Bearer ', '']) {
      expect(presented(auth(`${scheme}${value}`))).toMatchObject({ is: 'malformed' })
    }
  })

  it('K12 every pass has the beginning that is looked for', () => {
    expect(TOKEN.startsWith('AgEHc2F0Z2F0ZQJC')).toBe(true)
  })

  it.each(['"ollama"', 'sk-or-v1%3Aabc', 'AgE', `eyJhbGciOi${TOKEN}.x`, 'Digest username="AgEHc"'])(
    'K12 a key of another service is as good as absent: %s',
    (value) => {
      expect(presented(auth(`Bearer ${value}`))).toEqual({ is: 'absent' })
    },
  )
})

describe('K12 any damage at all', () => {
  const noise = fc.string({ maxLength: 12, unit: fc.constantFrom(...' \t"\'`.,;:%3A=&xAgE0') })

  it('K12 never serves another pass than the one that is in it', () => {
    const { recognise } = recogniser()
    fc.assert(
      fc.property(noise, noise, noise, fc.nat(PASS.length), (before, inside, after, at) => {
        const value = `${before}${PASS.slice(0, at)}${inside}${PASS.slice(at)}${after}`
        const { presented: found, holder } = recognise(auth(`Bearer ${value}`))
        if (found.is === 'credential' && holder !== null) expect(found.credential.text).toBe(PASS)
      }),
      { numRuns: 3_000 },
    )
  })

  it('K12 computes at most four signatures for what was mended, and four for what was not', () => {
    const { recognise, verified } = recogniser(rootKey(0x55))
    const many = Array.from({ length: 50 }, (_, n) => `"${text([`calls <= ${n}`])}"`)
    recognise(many.flatMap((value) => ['x-api-key', value]))
    recognise(auth(`Bearer ${many.map((value) => value.replace(':', ';')).join(' ')}`))
    expect(verified.count).toBeLessThanOrEqual(12)
  })
})
