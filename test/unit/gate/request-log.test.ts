import { expect, it } from 'vitest'
import type { Held } from '../../../src/gate/call.ts'
import type { GateEvent } from '../../../src/gate/ports.ts'
import { RequestLog } from '../../../src/gate/request-log.ts'

/** A request whose buyer left while its money was waited for. */
const left = (observed: Held['observed']): GateEvent[] => {
  const said: GateEvent[] = []
  const log = new RequestLog((event) => said.push(event), { now: () => 0 })
  const route = { dialect: { name: 'openai-chat' } }
  log.left({ id: '0a', at: 0, route, payer: null, hold: { amount: 7n }, observed } as never)
  return said
}

it('L26 of an observed request nothing is written as held: its hold is on a copy', () => {
  expect(left(null)).toMatchObject([{ end: 'client_left', held_msat: 7 }])
  expect(left({ refusal: null })).toMatchObject([{ end: 'client_left', held_msat: 0 }])
})
