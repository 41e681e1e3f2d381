import { expect, it } from 'vitest'
import { railChoiceIn } from '../../../src/http/rail-choice.ts'

it.each([
  ['', null, ''],
  ['?a=1', null, '?a=1'],
  ['?rail=x402', 'x402', ''],
  ['?a=1&rail=x402&b=2', 'x402', '?a=1&b=2'],
  ['?rail=', '', ''],
  ['?rail', '', ''],
  ['?rail=l402&rail=x402', 'l402', ''],
  ['?railway=1&trail=2', null, '?railway=1&trail=2'],
  ['?a=%rail=', null, '?a=%rail='],
])('the query %s names the rail %s, and a backend gets %s', (given, rail, query) => {
  expect(railChoiceIn(given)).toEqual({ rail, query })
})
