import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fold } from '../../../../src/dialects/kit/json.ts'
import { membersOf, readObject, splice } from '../../../../src/dialects/kit/json-object.ts'

const read = (text: string | Uint8Array) => readObject(Buffer.from(text))

describe('readObject', () => {
  it.each([
    ['', 'invalid_json'],
    ['[]', 'invalid_json'],
    ['"model"', 'invalid_json'],
    ['{"a":1,}', 'invalid_json'],
    ['{"a":NaN}', 'invalid_json'],
    ["{'a':1}", 'invalid_json'],
    ['{"a":1} {}', 'invalid_json'],
    ['\uFEFF{"a":1}', 'invalid_json'],
    ['{"a":1,"a":1}', 'duplicate_key'],
    ['{"a":1,"\\u0061":1}', 'duplicate_key'],
    ['{"b":[{"a":{"c":1,"d":2,"c":1}}]}', 'duplicate_key'],
    [`{"a":${'['.repeat(200)}${']'.repeat(200)}}`, 'invalid_json'],
  ])('refuses %j', (text, code) => {
    expect(read(text)).toMatchObject({ ok: false, error: { code } })
  })

  it('A15 refuses a body with too many parts or keys', () => {
    const keys = Array.from({ length: 500_000 }, (_, i) => `"k${i}":1`).join(',')
    for (const text of [
      `{${keys}}`,
      `{"a":[${'[],'.repeat(1_000_000)}[]]}`,
      `{"a":[${'1,'.repeat(1_000_001)}1]}`,
    ]) {
      expect(read(text)).toMatchObject({ ok: false, error: { code: 'invalid_json' } })
    }
  })

  it('refuses what is not UTF-8', () => {
    expect(read(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d))).toMatchObject({
      ok: false,
    })
    expect(read(Buffer.from('\uFEFF{}', 'utf16le'))).toMatchObject({ ok: false })
  })

  it('accepts the same key in different objects, and a key inside a string', () => {
    expect(read('{"a":{"a":[{"a":1},{"a":2}]},"b":"\\"a\\":1,\\"a\\":2"}').ok).toBe(true)
  })

  it('finds the members of any object, where they stand', () => {
    const value = fc.jsonValue({ maxDepth: 4 })
    const space = fc.constantFrom('', ' ', '\n\t', '\r\n')
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'binary' }), value), space, (object, gap) => {
        const text = gap + JSON.stringify(object, null, gap) + gap
        const document = read(text)
        if (!document.ok) throw new Error(document.error.message)
        const { members } = document.value
        const found = members.map(({ start, end }): object =>
          JSON.parse(`{${Buffer.from(text).toString('utf8', start, end)}}`),
        )
        expect(Object.fromEntries(found.flatMap(Object.entries))).toEqual(JSON.parse(text))
        expect(JSON.parse(splice(document.value, new Set(), []).toString())).toEqual(
          JSON.parse(text),
        )
        expect(membersOf(Buffer.from(text).toString('latin1'))).toEqual(members)
      }),
    )
  })
})

describe('splice', () => {
  it('leaves every other byte unchanged', () => {
    const document = read('{ "a" : 1.50, "b":[ 1 , 2],"c":"\\u00e9" }')
    if (!document.ok) throw new Error('unreadable')
    expect(splice(document.value, new Set(['b']), ['"d":4']).toString()).toBe(
      '{"a" : 1.50,"c":"\\u00e9","d":4}',
    )
    expect(splice(document.value, new Set(['a', 'b', 'c']), []).toString()).toBe('{}')
  })
})

describe('fold', () => {
  it.each([
    ['Max_Tokens', 'max_tokens'],
    ['max_toKenſ', 'max_tokens'],
    ['ＭＯＤＥＬ', 'model'],
    ['n', 'n'],
  ])('I13 %j is %j to a parser that folds', (key, known) => {
    expect(fold(key)).toBe(known)
  })
})
