import { describe, expect, it } from 'vitest'
import { type Pass, tick } from '../support/buyer.ts'
import { startGate, type TestGate } from '../support/gate.ts'

/** An input token costs nothing and an output token one sat. */
const PRICES = { pricing: { default: '0/1000', maxOutputTokens: 900 } }

const event = (data: object) => `data: ${JSON.stringify({ id: 'x', ...data })}\n\n`
const says = (content: string) => event({ choices: [{ index: 0, delta: { content } }] })
const FINISH = event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })
/** Most of the output was thinking that is in no chunk. */
const USAGE = event({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 700 } })

/** A buyer leaves a stream as soon as its end has come. Then the backend sends these pieces. */
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

describe('J15 a buyer who leaves after the end of the answer', () => {
  it('J15 pays what the backend reports afterwards, like one who stays', async () => {
    const { gate, pass } = await left([USAGE, 'data: [DONE]\n\n'])
    expect(await spent(gate, pass)).toBe(700)
    expect(await gate.last()).toMatchObject({ end: 'complete', usage: 'reported', status: 200 })
    await gate.proof()
  })

  it('J15 pays what flowed if the backend sends nothing more, and the backend is released', async () => {
    const { gate, pass } = await left([], true)
    expect(await spent(gate, pass)).toBe(2)
    expect(await gate.last()).toMatchObject({ usage: 'counted', status: 200 })
    await gate.world.hurry(gate.fake.untilAborted())
  })

  it('J15 has left in the middle if that was no end', async () => {
    const { gate, pass } = await left([says(' and'), says(' more')], true)
    await gate.fake.untilAborted()
    expect(await spent(gate, pass)).toBe(3)
    expect(await gate.last()).toMatchObject({ end: 'client_left', usage: 'counted' })
  })
})
