import { describe, expect, it } from 'vitest'
import { attenuate } from '../../../src/passes/macaroon.ts'
import { inspect, narrow } from '../../../src/passes/narrow.ts'
import type { Pass } from '../../../src/passes/pass.ts'
import { makeVerifier } from '../../../src/passes/verify.ts'
import {
  credential,
  filled,
  hex,
  IDENTIFIER,
  KEY,
  macaroon,
  macaroonIn,
  SECRET,
  text,
  token,
} from './fixtures.ts'

const A = 'aaaaaaaaaaaaaaaa'
const B = 'bbbbbbbbbbbbbbbb'

function child(pass: string, caveats: readonly string[], id: string): string {
  const narrowed = narrow(pass, caveats, id)
  if (!narrowed.ok) throw new Error(narrowed.error.detail)
  return narrowed.value
}

function read(pass: string): Pass {
  const verified = makeVerifier({ keys: [KEY], remember: 1 })(credential(pass))
  if (!verified.ok) throw new Error(verified.error)
  return verified.value.pass
}

const caveatsOf = (pass: string): string[] =>
  macaroonIn(pass).caveats.map((caveat) => Buffer.from(caveat).toString())

describe('narrowing a pass', () => {
  it('adds an id and then the caveats, in their canonical spelling, and keeps the secret', () => {
    const made = child(text(), ['spend<=5/day', 'model=llama*'], A)
    expect(caveatsOf(made)).toEqual([`id = ${A}`, 'spend <= 5 / day', 'model = llama*'])
    expect(credential(made).secret).toBe(SECRET)
    expect(read(made)).toMatchObject({
      ...IDENTIFIER,
      scope: { is: 'narrowed', pass: expect.any(String) },
    })
  })

  it('I4 a child of a root pass is no root pass, even if it has only its id', () => {
    expect(read(child(text(), [], A)).scope.is).toBe('narrowed')
  })

  it('H9 two children that were made in the same way have two meters', () => {
    const [one, two] = [A, B].map((id) => read(child(text(), ['spend <= 5'], id)))
    expect(one?.limits[0]?.meter).not.toBe(two?.limits[0]?.meter)
    expect(one?.scope).not.toEqual(two?.scope)
  })

  it('H9 a grandchild spends on the meters of all passes above it', () => {
    const parent = child(text(), ['spend <= 5 / day'], A)
    const grandchild = child(parent, ['spend <= 50 / day', 'calls <= 3'], B)
    const [above, below] = [read(parent), read(grandchild)]
    expect(below.limits.slice(0, 1)).toEqual(above.limits)
    expect(below.limits).toHaveLength(3)
  })

  it('A-lnget takes a pass that lnget has put its preimage into', () => {
    const made = child(text([`preimage=${SECRET}`]), ['calls <= 1'], A)
    expect(read(made).limits).toHaveLength(1)
  })

  it('accepts the pass as it is written in a header', () => {
    expect(child(`L402 ${text()}`, ['calls <= 1'], A)).toBe(child(text(), ['calls <= 1'], A))
  })

  it.each([
    ['ollama', ['calls <= 1'], 'not_a_pass'],
    [token(macaroon()), ['calls <= 1'], 'not_a_pass'],
    [`${text()}, ${text(['id = a'])}`, ['calls <= 1'], 'not_a_pass'],
    [text(), ['foo = 1'], 'unknown_caveat'],
    [text(), ['calls <= x'], 'malformed_caveat'],
    [text(), ['label = a\r\nb'], 'malformed_caveat'],
    [text(Array(31).fill('id = a')), ['calls <= 1'], 'too_large'],
  ])('refuses %s with %j: %s', (pass, caveats, why) => {
    expect(narrow(pass, caveats, A)).toMatchObject({ ok: false, error: { why } })
  })
})

describe('inspecting a pass', () => {
  it('tells what can be told without a key', () => {
    expect(inspect(text(['id = a', 'spend<=1.5/day', `preimage=${SECRET}`]))).toEqual({
      ok: true,
      value: {
        ...IDENTIFIER,
        location: 'satgate',
        caveats: [
          { text: 'id = a', problem: null },
          { text: 'spend<=1.5/day', problem: null },
          { text: `preimage=${SECRET}`, problem: null },
        ],
        kind: 'narrowed',
        limits: [{ unit: 'spend', window: 'day', max: 1500n }],
        preimage: true,
      },
    })
  })

  it('tells a root pass, and a settlement secret from a preimage', () => {
    const settled = text([`preimage=${SECRET}`]).replace(new RegExp(`${SECRET}$`), hex(filled(9)))
    expect(inspect(settled)).toMatchObject({ ok: true, value: { kind: 'root', preimage: false } })
  })

  it('shows a caveat that makes the pass invalid, with nothing in it that moves a cursor', () => {
    const grown = attenuate(macaroon(), 'foo = \x1b[2J\u202e')
    if (!grown.ok) throw new Error(grown.error)
    const shown = inspect(`${token(grown.value)}:${SECRET}`)
    expect(shown).toMatchObject({ ok: true, value: { kind: 'narrowed' } })
    expect(shown.ok && shown.value.caveats[0]?.text).toBe('foo = \ufffd[2J\ufffd')
    expect(shown.ok && shown.value.caveats[0]?.problem).toContain('control')
  })
  it.each(['tool = search', 'seconds <= 60', 'spend <= 5 / week'])(
    'L8 shows %s, which a later version will serve, and says that it is not served yet',
    (caveat) => {
      const shown = inspect(text([caveat]))
      expect(shown.ok && shown.value.caveats[0]?.text).toBe(caveat)
      expect(shown.ok && shown.value.caveats[0]?.problem).toContain('is not served here yet')
    },
  )
})
