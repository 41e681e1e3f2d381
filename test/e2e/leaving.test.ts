import { describe, expect, it } from 'vitest'
import { type Pass, tick } from '../support/buyer.ts'
import { startGate, type TestGate } from '../support/gate.ts'

/** A token in costs nothing, a token out a sat. */
const PRICES = { pricing: { default: '0/1000', maxOutputTokens: 900 } }

const event = (data: object) => `data: ${JSON.stringify({ id: 'x', ...data })}\n\n`
const says = (content: string) => event({ choices: [{ index: 0, delta: { content } }] })
const FINISH = event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })
/** Most of it was thinking that no chunk has shown. */
const USAGE = event({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 700 } })

/** A stream whose buyer leaves as soon as its end is there; then the backend says these pieces. */
async function left(pieces: readonly string[], staysOpen = false) {
  const gate = await startGate({ settings: PRICES })
  const pass = await gate.buy(1_000)
  const { promise, resolve } = Promise.withResolvers<void>()
  const before = [says('the'), says(' answer'), FINISH]
  gate.fake.script = { pieces: [...before, () => promise, ...pieces], staysOpen }
  const stream = await gate.client.open(gate.chatQuestion(pass, { stream: true }))
  await stream.until('"stop"')
  stream.leave()
  await tick(100)
  resolve()
  return { gate, pass }
}

async function spent(gate: TestGate, pass: Pass): Promise<number> {
  await gate.world.until(async () => (await gate.balance(pass)).held_msat === 0)
  return (1_000_000 - (await gate.balance(pass)).balance_msat) / 1_000
}

describe('J15 a buyer who leaves behind the end of the answer', () => {
  it('J15 pays what the backend says that it came to, as one who stays', async () => {
    const { gate, pass } = await left([USAGE, 'data: [DONE]\n\n'])
    expect(await spent(gate, pass)).toBe(700)
    expect(await gate.last()).toMatchObject({ end: 'complete', usage: 'reported', status: 200 })
    await gate.proof()
  })

  it('J15 pays what flowed where the backend says nothing more, which is let go of', async () => {
    const { gate, pass } = await left([], true)
    expect(await spent(gate, pass)).toBe(2)
    expect(await gate.last()).toMatchObject({ usage: 'counted', status: 200 })
    await gate.world.hurry(gate.fake.untilAborted())
  })

  it('J15 has left in the middle where that was no end', async () => {
    const { gate, pass } = await left([says(' and'), says(' more')], true)
    await gate.fake.untilAborted()
    expect(await spent(gate, pass)).toBe(3)
    expect(await gate.last()).toMatchObject({ end: 'client_left', usage: 'counted' })
  })
})
