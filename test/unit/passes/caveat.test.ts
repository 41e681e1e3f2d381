import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Caveat,
  canonicalCaveats,
  parseCaveat,
  printCaveat,
} from '../../../src/passes/caveat.ts'
import { SECRET } from './fixtures.ts'

describe('a caveat is read in any spelling and written in one', () => {
  it.each([
    ['expires = 2026-12-31T00:00:00Z', 'expires = 2026-12-31T00:00:00Z'],
    ['expires=2026-12-31t02:30:00.5+02:30', 'expires = 2026-12-31T00:00:00.500Z'],
    ['expires = 2026-12-31T00:00:00.000000-00:00', 'expires = 2026-12-31T00:00:00Z'],
    ['path=/v1/chat/*,  /v1/embeddings', 'path = /v1/chat/*,/v1/embeddings'],
    ['method   =POST , GET', 'method = POST,GET'],
    [
      'model = llama*,qwen3:8b,hf.co/a/b-GGUF:Q4_K_M',
      'model = llama*,qwen3:8b,hf.co/a/b-GGUF:Q4_K_M',
    ],
    ['spend<=250/day', 'spend <= 250 / day'],
    ['spend <= 0.010', 'spend <= 0.01'],
    ['spend <= 0', 'spend <= 0'],
    ['calls <= 100 / hour', 'calls <= 100 / hour'],
    ['tokens <= 50000 / total', 'tokens <= 50000'],
    ['tokens<=9 /req', 'tokens <= 9 / req'],
    ['calls <= 9 / min', 'calls <= 9 / min'],
    ['calls <= 9 / month', 'calls <= 9 / month'],
    ['id=a_b-C9', 'id = a_b-C9'],
    ['label = Team Ä = 1, <=2', 'label = Team Ä = 1, <=2'],
    [`preimage=${SECRET.toUpperCase()}`, `preimage = ${SECRET}`],
  ])('%s', (read, written) => {
    const caveat = parseCaveat(read)
    expect(caveat.ok && printCaveat(caveat.value)).toBe(written)
  })

  it('counts spend in msat', () => {
    expect(parseCaveat('spend <= 1.5 / day')).toEqual({
      ok: true,
      value: { kind: 'limit', unit: 'spend', window: 'day', max: 1500n },
    })
  })
})

describe('C4 every text that is no caveat of ours is refused', () => {
  it.each([
    '',
    ' ',
    'foo',
    'foo = 1',
    'services=gate:0',
    'gate_valid_until=1999999999',
    'Spend <= 1',
    'spends <= 1',
    'constructor = 1',
    '__proto__ = 1',
    ' spend <= 1',
    'ip = 127.0.0.1',
  ])('unknown: %j', (text) => {
    expect(parseCaveat(text)).toMatchObject({ ok: false, error: { why: 'unknown_caveat' } })
  })

  it.each([
    'expires',
    'expires = ',
    'expires <= 2026-12-31T00:00:00Z',
    'expires = 2026-12-31',
    'expires = 2026-12-31T00:00:00',
    'expires = 2026-12-31 00:00:00Z',
    'expires = 2026-02-30T00:00:00Z',
    'expires = 2026-12-31T24:00:00Z',
    'expires = 2026-12-31T23:59:60Z',
    'expires = 2026-12-31T00:00:00+24:00',
    'expires = 0000-01-01T00:00:00+01:00',
    'expires = 9999-12-31T23:59:59-01:00',
    'expires = 1999999999',
    'expires = = 2026-12-31T00:00:00Z',
    'path = ',
    'path = v1/chat',
    'path = *',
    'path = /v1/chat/../*',
    'path = /v1//*',
    'path = /v1/%63hat',
    'path = /v1/chat?x',
    'path = /v1/chat,',
    'path = /a,,/b',
    'method = post',
    'method = *',
    'method = POST GET',
    'model = ',
    'model = a b',
    'model = a,',
    'spend = 1',
    'spend < 1',
    'spend == 1',
    'spend <= ',
    'spend <= -1',
    'spend <= +1',
    'spend <= 1e3',
    'spend <= 0x10',
    'spend <= 1,000',
    'spend <= .5',
    'spend <= 1.',
    'spend <= 0.0001',
    'spend <= 2100000000000001',
    'spend <= Infinity',
    'spend <= 1 sat',
    'spend <= 1 / year',
    'spend <= 1 / Day',
    'spend <= 1 /',
    'spend <= 1 / day / hour',
    'spend <= 1 ',
    'calls <= 1.5',
    'calls <= 1000000000000001',
    'tokens <= ٣',
    'id = ',
    'id = a b',
    `id = ${'a'.repeat(65)}`,
    'label = ',
    `label = ${'ä'.repeat(65)}`,
    'label = a ',
    'preimage = 22',
    `preimage = ${SECRET}0`,
    `preimage = ${'g'.repeat(64)}`,
    `label = ${'a'.repeat(5000)}`,
  ])('malformed: %j', (text) => {
    expect(parseCaveat(text)).toMatchObject({ ok: false, error: { why: 'malformed_caveat' } })
  })

  it.each([
    ['seconds <= 600 / day', 'seconds is not served here yet'],
    ['seconds <= 600', 'seconds is not served here yet'],
    ['tool = search, read_*', 'tool is not served here yet'],
    ['spend <= 0.5 / week', 'a limit per week is not served here yet'],
    ['calls <= 5 / week', 'a limit per week is not served here yet'],
  ])('L8 new_caveat_words: %s is read, and refused as not served here yet', (text, detail) => {
    expect(parseCaveat(text)).toEqual({ ok: false, error: { why: 'reserved_caveat', detail } })
  })

  it.each([
    'seconds <= x',
    'seconds <= 1.5',
    'tool = ',
    'tool = a,,b',
    'tool <= 3',
    'calls <= 5 / year',
  ])('L8 %s is malformed', (text) => {
    expect(parseCaveat(text)).toMatchObject({ error: { why: 'malformed_caveat' } })
  })
})

describe('G4 a text that could end a header or move a cursor is refused', () => {
  const invisible = ['\r', '\n', '\r\n', '\0', '\t', '\x1b', '\x7f', '\u0085', '\u2028', '\u2029']
  it.each([...invisible, '\u200b', '\u202e', '\ufeff', '\ud800'])('%j', (character) => {
    for (const text of [`label = a${character}b`, `model = a${character}`, `${character}id = a`]) {
      expect(parseCaveat(text)).toMatchObject({ ok: false, error: { why: 'malformed_caveat' } })
    }
  })

  it('a refusal repeats nothing of the caveat', () => {
    const refused = parseCaveat('expires = evil\u0020<script>')
    expect(refused.ok ? '' : refused.error.detail).toBe('expires = takes an RFC 3339 time')
  })
})

const limit = fc
  .record({
    unit: fc.constantFrom('spend', 'calls', 'tokens'),
    window: fc.constantFrom('req', 'min', 'hour', 'day', 'month', 'total'),
    max: fc.bigInt({ min: 0n, max: 1_000_000_000_000_000n }),
  })
  .map((made) => ({ kind: 'limit', ...made }) as Caveat)
const word = fc.stringMatching(/^[a-z0-9*:._-]{1,12}$/)
const path = fc
  .array(fc.stringMatching(/^[a-z0-9*]{1,6}$/), { minLength: 1, maxLength: 4 })
  .map((parts) => `/${parts.join('/')}`)
const list = (kind: 'path' | 'model' | 'method', element: fc.Arbitrary<string>) =>
  fc.array(element, { minLength: 1, maxLength: 4 }).map((any) => ({ kind, any }) as Caveat)
const time = fc.date({
  min: new Date('0000-01-01T00:00:00Z'),
  max: new Date('9999-12-31T23:59:59.999Z'),
  noInvalidDate: true,
})

const caveats: fc.Arbitrary<Caveat> = fc.oneof(
  limit,
  list('path', path),
  list('model', word),
  list('method', fc.stringMatching(/^[A-Z]{1,8}$/)),
  time.map((date) => ({ kind: 'expires', at: date.getTime() }) as const),
  fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/).map((value) => ({ kind: 'id', value }) as const),
  fc.stringMatching(/^[!-~]{1,64}$/).map((value) => ({ kind: 'label', value }) as const),
  fc.stringMatching(/^[0-9a-f]{64}$/).map((hex) => ({ kind: 'preimage', hex }) as const),
)

describe('the grammar', () => {
  it('reads back what it writes', () => {
    fc.assert(
      fc.property(caveats, (caveat) => {
        expect(parseCaveat(printCaveat(caveat))).toEqual({ ok: true, value: caveat })
      }),
      { numRuns: 500 },
    )
  })

  it('reads any text as a caveat whose spelling stays the same, or refuses it', () => {
    const names =
      'expires|path|method|model|spend|calls|tokens|seconds|tool|id|label|preimage'.split('|')
    const near = fc
      .tuple(fc.constantFrom(...names), fc.constantFrom('=', '<=', ' = ', ' <= '), fc.string())
      .map((parts) => parts.join(''))
    fc.assert(
      fc.property(fc.oneof(near, fc.string({ unit: 'binary' })), (text) => {
        const caveat = parseCaveat(text)
        if (!caveat.ok) return
        const written = printCaveat(caveat.value)
        expect(parseCaveat(written)).toEqual(caveat)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('caveats from outside', () => {
  it('are written canonically', () => {
    expect(canonicalCaveats(['spend<=5/day', 'method=POST'])).toEqual({
      ok: true,
      value: ['spend <= 5 / day', 'method = POST'],
    })
  })

  it('are refused at the first that is wrong, and beyond their bounds', () => {
    expect(canonicalCaveats(['method=POST', 'foo'])).toMatchObject({ ok: false })
    const expires = ['expires = 2030-01-01T00:00:00Z']
    expect(canonicalCaveats(expires, Date.UTC(2029, 0)).ok).toBe(true)
    expect(canonicalCaveats(expires, Date.UTC(2030, 0)).ok).toBe(false)
    expect(canonicalCaveats(expires).ok).toBe(true)
    expect(canonicalCaveats(Array(16).fill('id = a')).ok).toBe(true)
    expect(canonicalCaveats(Array(17).fill('id = a')).ok).toBe(false)
    const long = (length: number) => [`model = ${'a'.repeat(length - 8)}`]
    expect(canonicalCaveats(long(1536)).ok).toBe(true)
    expect(canonicalCaveats(long(1537)).ok).toBe(false)
  })
})
