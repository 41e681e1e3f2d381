import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BY_KEY } from '../../../src/config/settings.ts'
import { editDistance, nearest } from '../../../src/floor/nearest.ts'
import { mistakes } from './world.ts'

const bomb = (): string => {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]']
  for (let i = 1; i < 10; i++) {
    lines.push(
      `a${i}: &a${i} [${Array(9)
        .fill(`*a${i - 1}`)
        .join(', ')}]`,
    )
  }
  return lines.join('\n')
}

describe('hostile YAML is a mistake with a message, soon, and never a crash', () => {
  it.each([
    ['an alias bomb', bomb()],
    ['an alias of itself', 'pricing: &a { models: *a }'],
    ['an alias of nothing', 'port: *x'],
    ['100,000 open lists', '['.repeat(100_000)],
    ['20,000 nested lists', `cors: ${'['.repeat(20_000)}${']'.repeat(20_000)}`],
    ['100,000 open records', '{a: '.repeat(60_000)],
    ['a deep block', Array.from({ length: 600 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')],
    ['10 MB', 'port: 1\n'.repeat(1_250_000)],
    ['20,000 keys', Array.from({ length: 20_000 }, (_, i) => `k${i}: 1`).join('\n')],
    ['50,000 times one key', 'a: 1\n'.repeat(50_000)],
    ['a prototype', '__proto__: { port: 1 }'],
    ['a constructor', 'constructor: { prototype: { port: 1 } }'],
    ['a prototype in a group', 'limits: { __proto__: { body: 1mb } }'],
    ['a merge key', 'a: &a { port: 1 }\n<<: *a'],
    ['a function', 'port: !!js/function "function(){}"'],
    ['binary', 'port: !!binary aGVsbG8='],
    ['a directive', '%YAML 9.9\n---\nport: 1'],
    ['a key that is a list', '? [a]\n: 1'],
    ['a tab', 'limits:\n\tbody: 1mb'],
    ['a NUL', 'port: 1\0'],
  ])('%s', (_, yaml) => {
    expect(mistakes({ yaml }).length).toBeGreaterThan(0)
    // If it were expanded without a bound, this would not end.
    expect(({} as { port?: unknown }).port).toBeUndefined()
  })

  it('__proto__ is the name of a model like any other', () => {
    expect(mistakes({ yaml: 'pricing: { models: { __proto__: 1, constructor: 2 } }' })).toEqual([])
  })
})

/** Text that is nearly a config: keys and values of real ones, with characters of YAML in between. */
const nearlyYaml = fc
  .array(
    fc.oneof(
      fc.constantFrom(...[...BY_KEY.keys()].flatMap((key) => key.split('.'))),
      fc.constantFrom(...[...BY_KEY.values()].map((row) => row.example)),
      fc.constantFrom(
        ': ',
        ':',
        '\n',
        '\n  ',
        '- ',
        '{',
        '}',
        '[',
        ']',
        ', ',
        '#',
        '"',
        "'",
        '|',
        '>',
        '&a ',
        '*a',
        '!',
        '%',
        '? ',
        '~',
        '\t',
        '---\n',
        '<<',
      ),
      fc.string({ maxLength: 6, unit: 'binary' }),
    ),
    { maxLength: 40 },
  )
  .map((parts) => parts.join(''))

describe('whatever is written', () => {
  it('in the file gives a config or mistakes with a line, never an exception', () => {
    fc.assert(
      fc.property(nearlyYaml, (yaml) => {
        for (const said of mistakes({ yaml })) expect(said).toMatch(/^satgate\.yaml:\d+:\d+: ./)
      }),
      { numRuns: 1_500 },
    )
  })

  it('for a setting, in the environment or as a value, gives one or mistakes', () => {
    const value = fc.oneof(fc.string(), nearlyYaml)
    const names = [...BY_KEY.keys()].map((key) => key.split('.'))
    fc.assert(
      fc.property(fc.constantFrom(...names), value, (path, text) => {
        const yaml = path.reduceRight(
          (inner, name) => `{ ${name}: ${inner} }`,
          JSON.stringify(text),
        )
        expect(Array.isArray(mistakes({ yaml }))).toBe(true)
        const name = `SATGATE_${path.join('_').toUpperCase()}`
        expect(Array.isArray(mistakes({ env: { [name]: text } }))).toBe(true)
      }),
      { numRuns: 1_500 },
    )
  })

  it('for a model price gives one or mistakes', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { maxLength: 3 }), (modelPrice) => {
        expect(Array.isArray(mistakes({ flags: { modelPrice } }))).toBe(true)
      }),
    )
  })
})

describe('the nearest word', () => {
  it.each([
    ['prot', 'port', 1],
    ['', 'port', 4],
    ['creditPerDay', 'creditsPerDay', 1],
    ['maxOuputTokens', 'maxOutputTokens', 1],
  ])('%s and %s are %i apart', (a, b, steps) => {
    expect(editDistance(a, b)).toBe(steps)
    expect(editDistance(b, a)).toBe(steps)
  })

  it('is null if no word is similar', () => {
    expect(nearest('xylophone', ['port', 'host'])).toBeNull()
    expect(nearest('PORT', ['port', 'host'])).toBe('port')
  })
})
