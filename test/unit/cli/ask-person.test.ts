import { PassThrough } from 'node:stream'
import { expect, it } from 'vitest'
import { askPerson } from '../../../src/cli/ask-person.ts'
import { real } from '../../support/world.ts'

function terminal() {
  const [input, output] = [new PassThrough(), new PassThrough()]
  return { input, output, shown: () => String(output.read() ?? '') }
}

it.each([
  ['yes\n', 'yes'],
  ['\n', ''],
  ['n\nmore\n', 'n'],
])('%j is an answer', async (typed, answer) => {
  const { input, output, shown } = terminal()
  const asked = askPerson(real, 'sure? ', { input, output })
  input.write(typed)
  expect(await asked).toEqual({ typed: answer })
  expect(shown()).toBe('sure? ')
})

it('a terminal that closes, and one on which nobody answers, count as no answer', async () => {
  const closed = terminal()
  const asked = askPerson(real, 'sure? ', closed)
  closed.input.end()
  expect(await asked).toBe('closed')
  const silent = terminal()
  expect(await askPerson(real, 'sure? ', silent, 1)).toBe('closed')
  expect(silent.shown()).toBe('sure? \n')
})
