import { expect, it } from 'vitest'
import { errorInStream, openAiErrors } from '../../../../src/dialects/openai/errors.ts'

it.each([
  [400, 'invalid_json', 'invalid_request_error', 'invalid_json'],
  [403, 'path_not_allowed', 'permission_error', 'path_not_allowed'],
  [404, 'model_not_found', 'invalid_request_error', 'model_not_found'],
  [429, 'rate_limit_exceeded', 'rate_limit_error', 'rate_limit_exceeded'],
  [502, 'upstream_failed', 'server_error', 'upstream_failed'],
  [503, 'wallet_unreachable', 'server_error', 'wallet_unreachable'],
])('%i %s is a %s with code %j', (status, code, type, shown) => {
  expect(openAiErrors.error({ status, code, message: 'why', param: null }, null)).toEqual({
    error: { message: 'why', type, code: shown, param: null },
  })
})

it('says what a dialect refused', () => {
  const refused = { status: 400, code: 'invalid_value', message: 'no', param: 'n' }
  expect(openAiErrors.error(refused, null)).toEqual({
    error: { message: 'no', type: 'invalid_request_error', code: 'invalid_value', param: 'n' },
  })
})

it('says in the message of a 402 what stops aider after one try', () => {
  const refused = { status: 402, code: 'insufficient_quota', message: 'Pay.', param: null }
  expect(openAiErrors.error(refused, null)).toEqual({
    error: { message: 'Pay. ("code":402)', type: 'insufficient_quota', code: 402, param: null },
  })
})

it.each([
  ['upstream_error', 'upstream_error'],
  ['upstream_timeout', 'upstream_error'],
  ['answer_too_large', 'upstream_error'],
  ['stopping', 'server_error'],
])('an end of a stream with %s has the type %s', (code, type) => {
  expect(errorInStream({ code, message: 'why' })).toEqual({
    error: { message: 'why', type, code, param: null },
  })
})
