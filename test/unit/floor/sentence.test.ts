import { expect, it } from 'vitest'
import { sentence } from '../../../src/floor/sentence.ts'

it.each([
  ['nothing listens there', 'nothing listens there.'],
  ['is lnd running?', 'is lnd running?'],
  ['it hung up.', 'it hung up.'],
  ['it was cut…', 'it was cut…'],
])('%j before another sentence is %j', (text, whole) => expect(sentence(text)).toBe(whole))
