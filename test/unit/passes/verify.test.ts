import { describe, expect, it } from 'vitest'
import { writeIdentifier } from '../../../src/passes/identifier.ts'
import { mint } from '../../../src/passes/macaroon.ts'
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
  it('accepts what was signed here, and tells with which key', () => {
    const verified = verifier(KEY)(credential(text(['calls <= 1'])))
    expect(verified).toMatchObject({
      ok: true,
      value: {
        keyId: KEY.id,
        pass: { ...IDENTIFIER, scope: { is: 'narrowed', pass: expect.any(String) } },
      },
    })
  })

  it('C12 with a new root key beside the old one every pass stays valid', () => {
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
      return verified.ok && 'pass' in verified.value.pass.scope
        ? verified.value.pass.scope.pass
        : null
    })
    expect(new Set(keys).size).toBe(3)
    expect(keys.slice(0, 3)).toEqual(keys.slice(3))
  })
})
