import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { speak } from '../../../src/toy/speech.ts'
import { countTokens, dice, embed, tokenize } from '../../../src/toy/words.ts'

describe('the toy tokenizer', () => {
  it.each([
    ['', 0],
    ['hello', 1],
    ['Hello, world!', 4],
    ['  two   words ', 3],
    ['naïve Straße 東京', 3],
    ['1,000 sats…', 5],
    ['\u{1f680}\u{1f680}', 2],
  ])('%j is %i tokens', (text, count) => {
    expect(countTokens(text)).toBe(count)
  })

  it('gives back the text when the tokens are joined', () => {
    // biome-ignore lint/nursery/noFloatingPromises: no property here is asynchronous
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(tokenize(text).join('')).toBe(text)
      }),
    )
  })

  it('takes linear time on runs of white space, letters and marks', () => {
    // Quadratic ones would not end.
    for (const unit of [' ', 'a', '!', ' a', ' \n']) {
      const text = unit.repeat(300_000)
      expect(tokenize(text).join('').length).toBe(text.length)
    }
  })
})

describe('the toy speech', () => {
  it('is three to six sentences for any question, the same for the same dice', () => {
    // biome-ignore lint/nursery/noFloatingPromises: no property here is asynchronous
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (question) => {
        const said = speak(question, dice(question))
        expect(said).toBe(speak(question, dice(question)))
        expect(said).not.toContain('{topic}')
      }),
    )
    for (const question of [
      '',
      'hi',
      'What is 2+2?',
      'a joke about the price of a Lightning invoice',
    ]) {
      const sentences = speak(question, dice(question)).match(/[.!](?= |$)/g) ?? []
      expect(sentences.length).toBeGreaterThanOrEqual(3)
      expect(sentences.length).toBeLessThanOrEqual(6)
    }
  })

  it.each([
    ['What is 17 * 23?', '17 * 23 is 391'],
    ['999999999×999999999', 'is 999999998000000001'],
    ['3 - 5', '3 - 5 is -2'],
    ['tell me of macaroons', 'can narrow'],
    ['$& and {topic} and photosynthesis', 'photosynthesis'],
    ['How do I pay?', '\n\n1. Ask for an **invoice**'],
    ['Show me a table of the units', '\n\n| Unit | In bitcoin |'],
    ['Give me Python code', '\n\n```python\nfrom openai'],
  ])('to %j it says %j', (question, part) => {
    expect(speak(question, dice(question))).toContain(part)
  })
})

describe('the toy vectors', () => {
  const likeness = (a: string, b: string) =>
    embed(a).reduce((sum, x, i) => sum + x * (embed(b)[i] ?? 0), 0)

  it('are of length one, the same for the same text, and zero for no words', () => {
    expect(likeness('lightning invoice', 'lightning invoice')).toBeCloseTo(1)
    expect(embed('Lightning')).toEqual(embed('lightning'))
    expect(new Set(embed(''))).toEqual(new Set([0]))
  })

  it('lie nearer where words are shared', () => {
    const near = likeness('pay a lightning invoice', 'settle a lightning invoice')
    expect(near).toBeGreaterThan(likeness('pay a lightning invoice', 'green tea from japan'))
  })
})
