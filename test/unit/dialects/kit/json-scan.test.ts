import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fold } from '../../../../src/dialects/kit/json.ts'
import { readObject } from '../../../../src/dialects/kit/json-object.ts'
import { scan, watchFor } from '../../../../src/dialects/kit/json-scan.ts'
import { jsonBytes, worstBytes } from '../../../../src/dialects/kit/worst-bytes.ts'
import { growth } from '../../../support/growth.ts'

/** The simple and slow reader of a whole body: what it refuses, and the members that it finds. */
type Read = 'duplicate_key' | 'invalid_json' | readonly Place[]
interface Place {
  readonly key: string
  readonly start: number
  readonly value: number
  readonly end: number
}

const WATCHED = ['minItems', 'pattern', 'regex']
const PURPOSE = { apart: 'messages', watch: watchFor(WATCHED) }

/** Reads a text character by character, with a set of keys for each object. */
function oracle(text: string): Read {
  const open: { keys: Set<string> | null; next: 'key' | 'value' }[] = []
  const places: Place[] = []
  let place: { key: string; start: number; value: number } | null = null
  let last = 0
  const closed = () => {
    if (open.length === 1 && place !== null) places.push({ ...place, end: last })
    place = null
  }
  for (let at = 0; at < text.length; at += 1) {
    const c = text[at] ?? ''
    if (/[ \t\r\n]/.test(c)) continue
    const around = open.at(-1)
    if (place !== null && place.value === -1 && c !== ':') place.value = at
    if (c === '"') {
      let end = at + 1
      while (end < text.length && text[end] !== '"') end += text[end] === '\\' ? 2 : 1
      if (around?.keys && around.next === 'key') {
        const key = unquoted(text.slice(at, end + 1))
        if (around.keys.has(key)) return 'duplicate_key'
        if (around.keys.size === 10_000) return 'invalid_json'
        around.keys.add(key)
        around.next = 'value'
        if (open.length === 1) place = { key, start: at, value: -1 }
      }
      at = end
    } else if (/[0-9]/.test(c)) {
      const digits = /^[0-9.eE+-]*/.exec(text.slice(at))?.[0].length ?? 0
      if (digits > 64) return 'invalid_json'
      at += digits - 1
    } else if (c === '{' || c === '[') {
      open.push({ keys: c === '{' ? new Set() : null, next: 'key' })
      if (open.length > 128) return 'invalid_json'
    } else if (c === ',') {
      if (open.length === 1) closed()
      if (around !== undefined) around.next = 'key'
      continue
    } else if (c === '}' || c === ']') {
      if (open.length === 1) closed()
      open.pop()
    }
    last = at + 1
  }
  const value = parsed(text)
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? places
    : 'invalid_json'
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const unquoted = (raw: string): string => {
  const value = parsed(raw)
  return typeof value === 'string' ? value : raw.includes('\\') ? raw : raw.slice(1, -1)
}

const key = fc.oneof(
  fc.constantFrom('a', 'b', 'messages', 'tools', '__proto__', '1', '', 'é', 'minItems', 'PATTERN'),
  fc.constantFrom('minIte㎳', 'reGEX', 'e+', 'x<y', '漢'),
  fc.string({ unit: 'binary', maxLength: 5 }),
)
const word = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom(
    '',
    'e+',
    '"',
    '\\',
    '\\"',
    '{"a":1}',
    '</script>',
    'x'.repeat(70),
    '\ud800',
    '1e+9',
  ),
  fc.tuple(fc.constantFrom('x', '\\', '"', 'é', 'a\\"'), fc.nat(80)).map(([c, n]) => c.repeat(n)),
)
const spelled = fc.tuple(word, fc.nat(3)).map(([text, how]) => {
  const json = JSON.stringify(text)
  if (how === 0) return json.replaceAll('/', '\\/')
  if (how === 1)
    return json.replace(
      /[^\x20-\x7e]/g,
      (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
    )
  return json
})
const number = fc.constantFrom(
  ...['0', '-0', '-0.0', '1', '-1', '1.0', '1.50', '1e3', '1E+3', '1e+63', '-1e-400', '1e400'],
  ...[
    '123456789012345',
    '1234567890123456',
    '12345678901234567890',
    '9'.repeat(64),
    '9'.repeat(65),
  ],
)
const space = fc.constantFrom('', '', ' ', '\n\t', '\r\n  ')

/** JSON as a client may write it: duplicate keys, white space, odd numbers and escapes. */
const { json } = fc.letrec<{ json: string }>((tie) => ({
  json: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(spelled, number, fc.constantFrom('true', 'false', 'null')),
    fc
      .tuple(space, fc.array(tie('json'), { maxLength: 4 }))
      .map(([gap, items]) => `[${gap}${items.join(`${gap},${gap}`)}${gap}]`),
    object(tie('json')),
  ),
}))

function object(value: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const name = fc.tuple(key, fc.boolean()).map(([name, escaped]) => {
    const plain = JSON.stringify(name)
    return escaped && /^"[a-z]/.test(plain)
      ? `"\\u00${plain.charCodeAt(1).toString(16)}${plain.slice(2)}`
      : plain
  })
  const member = fc.tuple(name, space, value).map(([name, gap, of]) => `${name}${gap}:${gap}${of}`)
  return fc
    .tuple(space, fc.array(member, { maxLength: 20 }))
    .map(([gap, members]) => `{${gap}${members.join(`${gap},${gap}`)}${gap}}`)
}

const body = fc.oneof(
  { weight: 5, arbitrary: object(json) },
  { weight: 1, arbitrary: json },
  // One character is another one.
  {
    weight: 2,
    arbitrary: fc
      .tuple(object(json), fc.nat(), fc.constantFrom(...'{}[]",:\\ 0e+ué'))
      .map(
        ([text, at, c]) => text.slice(0, at % text.length) + c + text.slice((at % text.length) + 1),
      ),
  },
)

/** Keys of everything inside a value. */
function keysIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  const own = Array.isArray(value) ? [] : Object.keys(value)
  return [...own, ...Object.values(value).flatMap(keysIn)]
}

describe('the pass over the bytes of a body', () => {
  it('A11 I13 refuses and finds what a slow reader does, with the same code', () => {
    fc.assert(
      fc.property(body, (text) => {
        const bytes = Buffer.from(text)
        const plain = bytes.toString()
        const expected = oracle(plain)
        const read = readObject(bytes, PURPOSE)
        if (!read.ok) {
          expect(read.error.code).toEqual(expected)
          return
        }
        const at = (offset: number) => Buffer.byteLength(plain.slice(0, offset))
        const { members, value } = read.value
        expect(members.map(({ key, start, value, end }) => ({ key, start, value, end }))).toEqual(
          typeof expected === 'string'
            ? expected
            : expected.map(({ key, start, value, end }) => ({
                ...{ key, start: at(start), value: at(value), end: at(end) },
              })),
        )
        expect(value).toEqual(JSON.parse(plain))
        expect(scan(bytes, PURPOSE, true)).toEqual(members)
      }),
      { numRuns: 400 },
    )
  })

  it('J2 counts a value as if its JSON had been written anew', () => {
    fc.assert(
      fc.property(body, (text) => {
        const bytes = Buffer.from(text)
        const read = readObject(bytes, PURPOSE)
        if (!read.ok) return
        for (const { key, value, end, json, watched } of read.value.members) {
          const raw = bytes.toString('utf8', value, end)
          const of = JSON.parse(raw)
          if (json !== null) expect(json, raw).toBe(jsonBytes(JSON.stringify(of)))
          else if (key !== 'messages') expect(raw).toMatch(/[^ -~\s]|\\[u/]|"[^"]*(?:\\|e\+)/)
          const names = new Set(WATCHED.map(fold))
          if (keysIn(of).some((inner) => names.has(fold(inner)))) expect(watched, raw).toBe(true)
        }
      }),
      { numRuns: 400 },
    )
  })

  it.each([
    ...['0.7', '0.70', '1.50', '2.0', '10.25', '0.05', '0.0000001', '-0.5', '-0.0', '1.5e3'],
    ...['0.1234567890123', '0.12345678901234567', '123456789.123', '1.00', '100.001'],
  ])('J2 counts %s as JSON.stringify writes it', (raw) => {
    const read = readObject(Buffer.from(`{"a":${raw}}`), PURPOSE)
    const written = JSON.stringify(JSON.parse(raw))
    expect(read.ok && read.value.members[0]?.json).toBe(jsonBytes(written))
  })

  it('two keys with the same hash are not the same key', () => {
    // Found by search: the hash is a sum of powers, so such pairs exist.
    const [a, b] = sameHash()
    expect(scan(Buffer.from(`{"${a}":1,"${b}":2}`))).toBeNull()
    expect(readObject(Buffer.from(`{"${a}":1,"${b}":2}`))).toMatchObject({ ok: true })
    expect(readObject(Buffer.from(`{"${a}":1,"${b}":2,"${a}":3}`))).toMatchObject({
      ok: false,
      error: { code: 'duplicate_key' },
    })
  })

  it('an object with more keys than few, and the same key once more', () => {
    for (const count of [15, 16, 17, 18, 100, 9_999]) {
      const keys = Array.from({ length: count }, (_, at) => `"k${at}":{"k${at}":1}`).join(',')
      expect(readObject(Buffer.from(`{"o":{${keys}},"p":{${keys}}}`)).ok).toBe(true)
      for (const at of [0, Math.min(15, count - 1), count - 1]) {
        expect(readObject(Buffer.from(`{"o":{${keys},"k${at}":1}}`))).toMatchObject({
          ok: false,
          error: { code: 'duplicate_key' },
        })
      }
    }
  })

  it.each([
    ['minItems', true],
    ['MINITEMS', true],
    ['minIte㎳', true],
    ['ｍinItems', true],
    ['\\u006dinItems', true],
    ['minimum', false],
    ['properties', false],
  ])('K22 a key %j may be one that was looked for: %j', (name, watched) => {
    const members = scan(Buffer.from(`{"a":{"b":[{"${name}":1}]},"c":{}}`), PURPOSE)
    expect(members?.map((member) => member.watched)).toEqual([watched, false])
  })

  it('J1 takes linear time', () => {
    for (const unit of ['"\\\\",', '"\\"",', '"a":', '{"a":[', ' ', '1e9,', 'e+', '\\', '"e+",']) {
      const read = (times: number) => {
        const bytes = Buffer.from(`{"a":[${unit.repeat(times)}`)
        return () => scan(bytes)
      }
      expect.soft(growth(read), unit).toBeLessThan(3)
    }
  })
})

/** Two short keys whose hashes are equal. */
function sameHash(): readonly [string, string] {
  const seen = new Map<number, string>()
  for (let at = 0; ; at += 1) {
    const name = (at * 2_654_435_761).toString(36)
    let hash = 0
    for (const c of Buffer.from(name)) hash = (Math.imul(hash, 0x9e3779b1) + c) | 0
    const other = seen.get(hash)
    if (other !== undefined && other !== name) return [other, name]
    seen.set(hash, name)
  }
}

describe('worstBytes', () => {
  /** Character by character, as the rule says. */
  function slowly(text: string): number {
    let sum = 0
    let apart = 0
    for (const char of text) {
      const code = char.codePointAt(0) ?? 0
      if (code < 0x80 || code >= 0x2fa20) {
        sum += code < 0x80 ? 1 : 4
        apart = 0
        continue
      }
      const bytes = (of: string) => Buffer.byteLength(of)
      const worst = Math.max(bytes(char), bytes(char.normalize('NFKC')))
      const more = Math.max(0, bytes(char.normalize('NFKD')) - worst)
      const mark = /^\p{M}/u.test(char.normalize('NFKD'))
      sum += mark ? apart + worst + more : worst
      apart = mark ? 0 : more
    }
    return sum
  }

  it('J1 is the sum over the characters, however long the text is', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.constantFrom(
        '\ud800',
        '\udc00',
        '🙂',
        'ﷺ',
        'ǖ\u0323',
        '漢字',
        'é',
        'ế\u0315',
        'x'.repeat(30),
      ),
    )
    const text = fc
      .tuple(fc.array(piece, { maxLength: 8 }), fc.constantFrom(1, 1, 3, 700))
      .map(([pieces, times]) => pieces.join('').repeat(times))
    fc.assert(
      fc.property(text, (text) => {
        expect(worstBytes(text)).toBe(slowly(text))
      }),
    )
    for (const shift of ['', 'a', 'ab', 'abc'])
      expect(worstBytes(`${shift}${'é🙂'.repeat(5_000)}`)).toBe(
        slowly(`${shift}${'é🙂'.repeat(5_000)}`),
      )
  })
})
