import { expect, it } from 'vitest'
import { openAiErrors } from '../../../../src/dialects/openai/errors.ts'

it.each([
  [400, 'invalid_json', 'invalid_request_error', 'invalid_json'],
  [402, 'insufficient_credits', 'insufficient_quota', 402],
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
