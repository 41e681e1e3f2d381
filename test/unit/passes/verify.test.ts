import { describe, expect, it } from 'vitest'
import { writeIdentifier } from '../../../src/passes/identifier.ts'
import { mint } from '../../../src/passes/macaroon.ts'
import { SecondChance } from '../../../src/passes/second-chance.ts'
import { makeVerifier, type RootKey } from '../../../src/passes/verify.ts'
import {
  credential,
  filled,
  hex,
  IDENTIFIER,
  KEY,
  rootKey,
  SECRET,
  text,
  token,
} from './fixtures.ts'

const NEW = rootKey(0x77)
const verifier = (...keys: RootKey[]) => makeVerifier({ keys, remember: 4 })

describe('the verifier', () => {
  it('believes what was signed here, and says with which key', () => {
    const verified = verifier(KEY)(credential(text(['calls <= 1'])))
    expect(verified).toMatchObject({
      ok: true,
      value: { keyId: KEY.id, pass: { ...IDENTIFIER, scope: { pass: expect.any(String) } } },
    })
  })

  it('C12 a new root key beside the old one keeps every pass good', () => {
    const verify = verifier(NEW, KEY)
    expect(verify(credential(text([], KEY)))).toMatchObject({ ok: true, value: { keyId: KEY.id } })
    expect(verify(credential(text([], NEW)))).toMatchObject({ ok: true, value: { keyId: NEW.id } })
    expect(verifier(NEW)(credential(text([], KEY)))).toEqual({ ok: false, error: 'bad_signature' })
  })

  it('refuses a macaroon of the same identifier that another key signed, in the same words each time', () => {
    const verify = verifier(KEY)
    const forged = mint(filled(1), writeIdentifier(IDENTIFIER), { location: '', caveats: [] })
    for (let time = 0; time < 2; time += 1) {
      const refused = verify(credential(`${token(forged)}:${SECRET}`))
      expect(refused).toEqual({ ok: false, error: 'bad_signature' })
    }
  })

  it('C4 refuses a signed caveat that it does not know', () => {
    const verify = verifier(KEY)
    for (let time = 0; time < 2; time += 1) {
      const unknown = verify(credential(text(['services=x:0'])))
      expect(unknown).toEqual({ ok: false, error: 'unknown_caveat' })
    }
    expect(verify(credential(text(['calls <= x'])))).toEqual({
      ok: false,
      error: 'malformed_caveat',
    })
  })

  it('refuses bytes that are no macaroon of ours', () => {
    const macaroon = Uint8Array.from([1, 2, 3])
    const broken = { macaroon, secret: SECRET, text: `AQID:${SECRET}` }
    expect(verifier(KEY)(broken)).toEqual({ ok: false, error: 'malformed' })
  })

  it('remembers a macaroon, whatever the secret beside it', () => {
    const verify = verifier(KEY)
    const first = verify(credential(text()))
    const other = text().replace(SECRET, hex(filled(5)))
    const again = verify(credential(other))
    expect(again.ok && first.ok && again.value === first.value).toBe(true)
  })

  it('tells children of one pass apart', () => {
    const verify = makeVerifier({ keys: [KEY], remember: 100 })
    const passes = ['calls <= 1', 'calls <= 2', 'id = a'].map((caveat) => text([caveat]))
    const keys = [...passes, ...passes].map((pass) => {
      const verified = verify(credential(pass))
      return verified.ok && verified.value.pass.scope !== 'account'
        ? verified.value.pass.scope.pass
        : null
    })
    expect(new Set(keys).size).toBe(3)
    expect(keys.slice(0, 3)).toEqual(keys.slice(3))
  })
})

describe('what is remembered', () => {
  it('C2 a burst does not push out what is in use', () => {
    const cache = new SecondChance<number>(10)
    cache.set('hot', 1)
    for (let burst = 0; burst < 1000; burst += 1) {
      cache.set(`cold ${burst}`, burst)
      if (burst % 5 === 0) expect(cache.get('hot')).toBe(1)
    }
    expect(cache.get('cold 0')).toBeUndefined()
    expect(cache.get('cold 999')).toBe(999)
  })

  it('is bounded, also when all of it is in use', () => {
    for (const size of [1, 2, 10]) {
      const cache = new SecondChance<number>(size)
      for (let key = 0; key < 50; key += 1) {
        cache.set(String(key), key)
        for (let any = 0; any <= key; any += 1) cache.get(String(any))
        expect(cache.size).toBeLessThanOrEqual(size)
        expect(cache.get(String(key))).toBe(key)
      }
    }
  })

  it('replaces an entry by its key', () => {
    const cache = new SecondChance<number>(2)
    cache.set('a', 1)
    cache.set('b', 2)
    cache.set('a', 3)
    expect([cache.get('a'), cache.get('b'), cache.size]).toEqual([3, 2, 2])
  })

  it('needs room for one', () => {
    expect(() => new SecondChance(0)).toThrow('not a size')
  })
})
