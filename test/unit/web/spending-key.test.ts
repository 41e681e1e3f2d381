import { createHash, createHmac, randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { makeVerifier } from '../../../src/passes/verify.ts'
import { hmac, sha256 } from '../../../src/web/sha256.ts'
import { spendingKey } from '../../../src/web/spending-key.ts'
import { credential, KEY, text } from '../passes/fixtures.ts'

const verify = makeVerifier({ keys: [KEY], remember: 1 })

describe('L14 the key that the page shows for the settings of an app', () => {
  it('is a spending key of the pass, signed as any other, and always the same', () => {
    const root = text()
    const key = spendingKey(root)
    expect(verify(credential(key))).toMatchObject({
      ok: true,
      value: { pass: { scope: { is: 'spending' }, rules: [], limits: [] } },
    })
    expect(key.split(':')[1]).toBe(root.split(':')[1])
    expect(spendingKey(root)).toBe(key)
    expect(spendingKey(key)).toBe(key)
  })

  it.each([[text(['spend <= 5'])], [text(['only = spend'])], ['nonsense'], ['AgEH:00'], ['']])(
    'a pass that is narrowed, or none, stays as it is: %#',
    (pass) => {
      expect(spendingKey(pass)).toBe(pass)
    },
  )

  it('SHA-256 and HMAC are those of Node, for any length', () => {
    for (let length = 0; length < 200; length += 1) {
      const data = new Uint8Array(randomBytes(length))
      const key = new Uint8Array(randomBytes(32))
      expect(Buffer.from(sha256(data)).toString('hex')).toBe(
        createHash('sha256').update(data).digest('hex'),
      )
      expect(Buffer.from(hmac(key, data)).toString('hex')).toBe(
        createHmac('sha256', key).update(data).digest('hex'),
      )
    }
  })
})
