import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OutputCounter } from '../../../../src/dialects/kit/output-counter.ts'

/** Each character is a token. */
const counter = () => new OutputCounter((text) => text.length, 1e9)

function added(...texts: readonly string[]): number {
  const own = counter()
  for (const text of texts) own.addText(text)
  expect(own.tokens()).toBe(own.bytes)
  return own.bytes
}

describe('K4 texts that contain everything that was said before', () => {
  it.each<[string, readonly string[], number]>([
    ['count what is new', ['a', 'ab', 'abc', 'abcd', 'abcde'], 5],
    ['count nothing where nothing is new', ['a', 'ab', 'abc', 'abcd', 'abcd', 'abcde'], 5],
    ['begin anew where the thinking is over', ['a', 'ab', 'abc', 'abcd', 'x', 'xy', 'xyz'], 7],
    ['may be an accident', ['ha', 'haha', 'x'], 7],
    ['may be an accident three times over', ['a', 'ab', 'abc', 'x'], 7],
    ['are not those that are only equal', ['la', 'la', 'la', 'la', 'la', 'la'], 12],
    ['nor ordinary ones', ['Hello', ' there', ' there'], 17],
  ])('%s', (_, texts, bytes) => {
    expect(added(...texts)).toBe(bytes)
  })

  it('an answer that is repeated counts only what is new, beside its delta or after all of them', () => {
    const own = counter()
    own.addText('Hello')
    own.addText(', world')
    expect(own.addAgain('Hello', true)).toBe(0)
    expect(own.addAgain('Hello, world!', true)).toBe(1)
    expect(own.addAgain('Hello, world!', false)).toBe(0)
    expect(own.addAgain('Hello, world!!', false)).toBe(1)
    // This is no repetition but the next piece.
    expect(own.addAgain(' And so on.', false)).toBe(11)
  })

  it('a repetition of text that was counted and dropped is recognised', () => {
    const own = counter()
    const text = 'word '.repeat(8_000)
    for (let i = 0; i < 8_000; i += 1) own.addText('word ')
    expect(own.addAgain(text, false)).toBe(0)
    expect(own.addAgain(`${text}more`, false)).toBe(4)
  })
})

describe('an answer in one piece', () => {
  it('is counted when somebody asks, to the same number as a stream of the same texts', () => {
    const word = fc.constantFrom('a', 'ab', 'abc', 'é', 'x'.repeat(9_000), 'y'.repeat(40_000))
    const step = fc.tuple(word, fc.constantFrom('text', 'again', 'beside'))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 8 }), (steps) => {
        // The number depends on how the texts are cut into pieces.
        const count = (text: string) => Math.ceil(text.length / 7)
        const now = new OutputCounter(count, 1e9)
        const later = new OutputCounter(count, 1e9)
        later.countLater()
        for (const [text, how] of steps) {
          const [a, b] = [now, later].map((own) =>
            how === 'text' ? own.addText(text) : own.addAgain(text, how === 'beside'),
          )
          expect(b).toBe(a)
        }
        expect([later.bytes, later.tokens(), later.tokens()]).toEqual([
          ...[now.bytes, now.tokens(), now.tokens()],
        ])
      }),
    )
  })
})
