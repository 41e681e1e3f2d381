import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { onLine, printable, printableJson } from '../../../src/floor/printable.ts'

/** The rule itself, one character at a time (threats H8, J22). */
const HARMFUL = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u

/** Plain text in most cases, with a few characters of any kind in it. */
const text = fc
  .array(fc.oneof({ weight: 5, arbitrary: fc.string() }, fc.string({ unit: 'binary' })))
  .map((parts) => parts.join(''))
const one = (sign: string, keeps: string) =>
  HARMFUL.test(sign) && !keeps.includes(sign) ? '?' : sign

describe('H8 text for a terminal', () => {
  it('has no harmful character on a line, whether it is plain ASCII or not', () => {
    fc.assert(
      fc.property(text, (some) => {
        expect(onLine(some)).toBe(Array.from(some, (sign) => one(sign, '')).join(''))
        expect(printable(some)).toBe(Array.from(some, (sign) => one(sign, '\n')).join(''))
      }),
    )
  })

  it('in JSON has the same value, and no harmful character', () => {
    fc.assert(
      fc.property(text, (some) => {
        const json = printableJson(JSON.stringify({ some }))
        expect(JSON.parse(json)).toEqual({ some })
        expect(Array.from(json).some((sign) => HARMFUL.test(sign))).toBe(false)
      }),
    )
  })

  it.each([['\u007f'], ['\t'], ['\r'], ['\u0000'], ['\u001b[31m']])('%j is not plain', (sign) => {
    expect(onLine(`a${sign}`).startsWith('a?')).toBe(true)
    expect(printable(`a${sign}`).startsWith('a?')).toBe(true)
  })
})
