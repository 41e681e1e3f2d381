import { expect, it } from 'vitest'
import { bearer, until } from '../support/buyer.ts'
import { startGate, type TestGate } from '../support/gate.ts'

const settings = { pricing: { default: '1' } }
const DAY = 86_400_000

/** Stops a gate whose rows are all on disk: rows that wait would be late once the clock jumps. */
async function stopped(gate: TestGate): Promise<void> {
  await gate.kept.flush()
  await gate.stop()
}

const usage = async (gate: TestGate, pass: string) =>
  (await gate.ask({ path: '/v1/usage', headers: bearer(pass) })).json.data

it('J20 the_ledger_does_not_grow_for_free_requests: a day later they are gone, and no msat with them', async () => {
  const gate = await startGate({ settings, books: 'sqlite' })
  const { text: pass } = await gate.buy(3)
  gate.fake.script = { status: 400, body: '{"error":{"message":"no"}}' }
  for (let i = 0; i < 5; i += 1) expect((await gate.chat(pass)).status).toBe(400)
  gate.fake.script = { deltas: ['yes'] }
  expect((await gate.chat(pass)).status).toBe(200)
  const { balance_msat: left } = await gate.balance(pass)
  await stopped(gate)
  gate.world.advance(DAY / 2)
  const early = await startGate({ settings, after: gate })
  expect(await usage(early, pass)).toHaveLength(6)
  await stopped(early)
  gate.world.advance(DAY / 2 + 1)
  const later = await startGate({ settings, after: early })
  await until(async () => (await usage(later, pass)).length === 1)
  expect(await later.balance(pass)).toMatchObject({ balance_msat: left, held_msat: 0 })
  const why = (await later.kept.statement.entries(100)).map((entry) => entry.why)
  expect(why).toEqual(['settle', 'deposit'])
  expect((await later.chat(pass)).status).toBe(200)
  await later.proof()
})

it('details of charges are rolled up after 31 days: the usage page says since when it is complete, and no msat moves', async () => {
  const gate = await startGate({ settings, books: 'sqlite' })
  const { text: pass } = await gate.buy(3)
  expect((await gate.chat(pass)).status).toBe(200)
  const { balance_msat: left } = await gate.balance(pass)
  await stopped(gate)
  gate.world.advance(40 * DAY)
  const later = await startGate({ settings, after: gate })
  await until(async () => (await usage(later, pass)).length === 0)
  const page = await later.ask({ path: '/v1/usage', headers: bearer(pass) })
  const today = Math.floor(later.world.now() / DAY) * DAY
  const complete_since = (today - 31 * DAY) / 1_000
  expect(page.json).toEqual({ data: [], has_more: false, complete_since })
  expect(await later.balance(pass)).toMatchObject({ balance_msat: left, held_msat: 0 })
  expect(await later.kept.statement.earnings()).toMatchObject([{ requests: 1 }])
  await later.proof()
})
