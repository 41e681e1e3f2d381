import { expect, it } from 'vitest'
import { routesOf } from '../../src/daemon/routes.ts'
import { dialects } from '../../src/dialects/index.ts'
import { startGate } from '../support/gate.ts'

it('a mistake of ours before a request is sent keeps neither its slot nor its money', async () => {
  let wrong = true
  const [chat, ...others] = dialects
  if (chat === undefined) throw new Error('no dialect')
  const broken: typeof chat = {
    ...chat,
    rewrite(...args) {
      if (wrong) throw new Error('a mistake')
      return chat.rewrite(...args)
    },
  }
  const gate = await startGate({
    settings: { capacity: { maxConcurrent: 1 } },
    routes: (targets) => routesOf([broken, ...others], 'charge', targets),
  })
  const pass = await gate.buy(100)
  const failed = await gate.chat(pass)
  expect([failed.status, failed.json.error.code]).toEqual([500, 'internal_error'])
  expect(await gate.balance(pass)).toMatchObject({ held_msat: 0, balance_msat: 100_000 })
  wrong = false
  expect((await gate.chat(pass)).status).toBe(200)
  await gate.proof()
})
