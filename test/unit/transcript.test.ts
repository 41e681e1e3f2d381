import { describe, expect, it } from 'vitest'
import { matched, parseTranscript, recorded, withOutputs } from '../support/transcript.ts'

describe('a transcript', () => {
  const text = `# a
\`\`\`console
$ one
> more
out
$ two
\`\`\`
\`\`\`sh
$ not this
\`\`\`
\`\`\`\`console gate
later
\`\`\`
^C
end
\`\`\`\``

  it('has commands with their output, and what a terminal prints by itself', () => {
    const steps = parseTranscript(text)
    expect(steps.map(({ terminal, command, expected }) => [terminal, command, expected])).toEqual([
      [null, 'one\nmore', ['out']],
      [null, 'two', []],
      ['gate', null, ['later', '```']],
      ['gate', '^C', ['end']],
    ])
    const outputs = steps.map((step, nth) => ({ step, lines: [String(nth), 'x'] }))
    const again = parseTranscript(withOutputs(text, outputs))
    expect(again.map(({ expected }) => expected)).toEqual(outputs.map(({ lines }) => lines))
    expect(
      withOutputs(
        text,
        steps.map((step) => ({ step, lines: step.expected })),
      ),
    ).toBe(text)
  })

  it.each(['```console\nout\n```', '```console\n$ a'])('that is damaged is none: %j', (damaged) => {
    expect(() => parseTranscript(damaged)).toThrow()
  })
})

describe('what was printed', () => {
  it.each([
    ['a', 'a'],
    ['a …', 'a bcd'],
    ['…b', 'aab'],
    ['a…b…c', 'a b b c'],
    ['⋮', ''],
    ['⋮', 'a\nb'],
    ['a\n⋮\nb\n⋮', 'a\nb\nb\nc'],
    ['  a    b', '  a  b'],
    ['\na', 'a\n\n'],
  ])('%j is %j', (expected, actual) => {
    expect(matched(expected.split('\n'), actual.split('\n'))).not.toBe(null)
  })

  it.each([
    ['a', 'b'],
    ['a', 'ab'],
    ['a', 'ba'],
    ['a …', 'a\nb'],
    ['…b', 'abc'],
    ['a…b…c', 'acb'],
    ['ab…b', 'ab'],
    ['a', 'a\nb'],
    ['a\n⋮\nb', 'a\nc'],
    ['  a', 'a'],
    ['', 'a'],
  ])('%j is not %j', (expected, actual) => {
    expect(matched(expected.split('\n'), actual.split('\n'))).toBe(null)
  })

  it('has values with names', () => {
    expect(matched(['⋮', '{"a":"‹x›",…"b":"‹y›"}'], ['', '{"a":"1","c":2,"b":"3"}'])).toEqual({
      x: '1',
      y: '3',
    })
    expect(matched(['‹x›'], ['two words'])).toBe(null)
  })

  it('is recorded: what fits stays, and what differs in each run becomes a wildcard', () => {
    const expected = ['a …', '⋮', 'old', 'end']
    const actual = ['a b', 'x', 'y', `new ${'0f'.repeat(20)} 2026-01-01T00:00:00.000Z`, 'end']
    const lines = recorded(expected, actual)
    expect(lines).toEqual(['a …', '⋮', 'new … …', 'end'])
    expect(matched(lines, actual)).not.toBe(null)
    expect(recorded([], actual).slice(0, 3)).toEqual(['a b', 'x', 'y'])
  })
})
