import { expect, it } from 'vitest'
import { plural } from '../../../src/floor/plural.ts'

it.each([
  [plural(0, 'hold'), '0 holds'],
  [plural(1, 'account'), '1 account'],
  [plural(2, 'open hold'), '2 open holds'],
  [plural(1_204, 'token'), '1,204 tokens'],
  [plural(1, 'pass', 'passes'), '1 pass'],
  [plural(3, 'pass', 'passes'), '3 passes'],
])('a number with its noun: %s', (said, expected) => expect(said).toBe(expected))
