import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import fc from 'fast-check'
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import { describe, expect, it } from 'vitest'
import { readVocabulary } from '../../../src/money/vocabulary.ts'

const ours = readVocabulary()
const PLAIN = { allowedSpecial: new Set<string>(), disallowedSpecial: new Set<string>() }
const theirs = (text: string): number => countTokens(text, PLAIN)

/** The first of these texts that gpt-tokenizer counts otherwise. */
const differs = (texts: readonly string[]): string | undefined =>
  texts.find((text) => ours.count(text) !== theirs(text))

const FILE = createRequire(import.meta.url).resolve('gpt-tokenizer/data/o200k_base.tiktoken')
const lines = readFileSync(FILE, 'latin1').trimEnd().split('\n')
const tokens = lines.map((line) => Buffer.from(line.split(' ')[0] ?? '', 'base64').toString())

describe('Vocabulary.count', () => {
  it('reads a file whose ranks count up from 0', () => {
    expect(lines).toHaveLength(199_998)
    expect(lines.findIndex((line, rank) => !line.endsWith(` ${rank}`))).toBe(-1)
  })

  it('is what gpt-tokenizer counts: each eighth token, and each after its neighbour', () => {
    const some = tokens.filter((_, rank) => rank % 8 === 0)
    expect(differs(some)).toBeUndefined()
    expect(differs(some.map((token, at) => `${token}${some[at + 1] ?? ''}`))).toBeUndefined()
  })

  it('is what gpt-tokenizer counts: each token with a byte order mark', () => {
    const marked = tokens.filter((token) => token.includes('\uFEFF'))
    expect(marked.length).toBeGreaterThan(3)
    expect(differs([...marked, ...marked.map((token) => `a${token} b`)])).toBeUndefined()
  })

  it.each([
    ['code', 'src/money/tokens.ts'],
    ['prose', 'docs/failure.md'],
    ['JSON', 'package.json'],
  ])('is what gpt-tokenizer counts: %s', (_, file) => {
    expect(differs([readFileSync(file, 'utf8')])).toBeUndefined()
  })

  it.each([
    ['any code points', fc.string({ unit: 'binary', maxLength: 250 })],
    ['graphemes', fc.string({ unit: 'grapheme', maxLength: 250 })],
    ['letters without a space', fc.string({ unit: fc.constantFrom(...'abeést'), maxLength: 250 })],
    ['spaces and line ends', fc.string({ unit: fc.constantFrom(...' \n\r\ta1.\u00a0') })],
    [
      'halves of surrogate pairs',
      fc.string({ unit: fc.constantFrom('\ud800', '\udc00', 'a', ' ', '\ufffd') }),
    ],
  ])('is what gpt-tokenizer counts: %s', (_, texts) => {
    fc.assert(fc.property(texts, (text) => ours.count(text) === theirs(text)))
  })

  it('counts a piece for which it must make room', () => {
    expect(differs(['é'.repeat(1_500), 'ab'.repeat(700)])).toBeUndefined()
  })
})
