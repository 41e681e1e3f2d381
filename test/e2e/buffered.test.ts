import { setTimeout as soon } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { type Pass, until } from '../support/buyer.ts'
import { type GateOptions, startGate, type TestGate } from '../support/gate.ts'

/**
 * An input token costs nothing and an output token one sat, so the charge in sats is the number of
 * output tokens.
 */
const PRICES = { pricing: { default: '0/1000', maxOutputTokens: 2_048 } }
const words = (count: number) => Array.from({ length: count }, () => ' word')
const MB = 1024 * 1024

async function paid(settings: object = {}, options: GateOptions = {}) {
  const gate = await startGate({ ...options, settings: { ...PRICES, ...settings } })
  return { gate, pass: await gate.buy(10_000) }
}

async function spent(gate: TestGate, pass: Pass): Promise<number> {
  await until(async () => (await gate.balance(pass)).held_msat === 0)
  return (10_000_000 - (await gate.balance(pass)).balance_msat) / 1_000
}

/** The limit in the last request to the backend. */
const sentLimit = (gate: TestGate) => gate.fake.seen.at(-1)?.json?.max_tokens

describe('J14 a_failure_that_the_buyer_can_choose_is_paid: an answer that outgrows its size', () => {
  it('J14 is stopped, charged at its ceiling, and not offered for another try', async () => {
    const { gate, pass } = await paid()
    const part = Buffer.alloc(8 * MB, ' ')
    const headers = { 'content-type': 'application/json' }
    gate.fake.script = { pieces: Array.from({ length: 20 }, () => part), headers, paceMs: 5 }
    const answer = await gate.chat(pass, { max_tokens: 700 })
    expect([answer.status, answer.json.error.code]).toEqual([400, 'answer_too_large'])
    expect(answer.json.error.message).toContain('700000 msat were charged')
    await gate.fake.untilAborted()
    expect(await spent(gate, pass)).toBe(700)
    expect(await gate.last()).toMatchObject({ status: 400, charged_msat: 700_000 })
    await gate.proof()
  })

  it('J14 K17 nor is one free that outgrows it only when it is decoded', async () => {
    const { gate, pass } = await paid()
    const answer = `{"choices":[{"index":0,"message":{"content":"${'a'.repeat(65 * MB)}"}}]}`
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' }
    gate.fake.script = { body: gzipSync(answer), headers }
    const refused = await gate.chat(pass, { max_tokens: 700 })
    expect([refused.status, refused.json.error.code]).toEqual([400, 'answer_too_large'])
    expect(await spent(gate, pass)).toBe(700)
    await gate.proof()
  })

  it('J14 one of 64 MB is delivered', async () => {
    const { gate, pass } = await paid()
    const message = { role: 'assistant', content: 'ok' }
    const usage = { prompt_tokens: 1, completion_tokens: 1 }
    const answer = { choices: [{ index: 0, message, finish_reason: 'stop' }], usage }
    gate.fake.script = { body: JSON.stringify(answer).padEnd(64 * MB, ' ') }
    const { status, text } = await gate.chat(pass)
    expect([status, text.length]).toEqual([200, 64 * MB])
    expect(await spent(gate, pass)).toBe(1)
  })
})

describe('J14 a_failure_that_the_buyer_can_choose_is_paid: an answer that takes too long', () => {
  it('J14 has a careful output limit before the speed of the model is known', async () => {
    const { gate, pass } = await paid()
    const answer = await gate.chat(pass, { max_tokens: 9_000 })
    expect([answer.headers['x-max-tokens-applied'], sentLimit(gate)]).toEqual(['2250', 2_250])
    const streamed = await gate.chat(pass, { max_tokens: 9_000, stream: true })
    expect([streamed.headers['x-max-tokens-applied'], sentLimit(gate)]).toEqual([undefined, 9_000])
    const two = await gate.chat(pass, { max_tokens: 9_000, n: 2 })
    expect([two.headers['x-max-tokens-applied'], sentLimit(gate)]).toEqual(['1125', 1_125])
    await gate.chat(pass, { max_tokens: 12 })
    expect(sentLimit(gate)).toBe(12)
  })

  it.each([
    { how: 'a stream', stream: true },
    { how: 'a whole answer', stream: false },
  ])('J14 may be as long as the model makes in half of the time, learnt from $how', async (row) => {
    const { gate, pass } = await paid({ timeouts: { firstByte: '20s' } })
    gate.fake.script = { deltas: words(60), paceMs: 10 }
    await gate.chat(pass, { stream: row.stream, max_tokens: 90 })
    gate.fake.script = {}
    await gate.chat(pass, { max_tokens: 9_000 })
    const learnt = Number(sentLimit(gate))
    // At most a hundred tokens a second for ten seconds. The first guess was 150 tokens.
    expect(learnt).toBeGreaterThan(150)
    expect(learnt).toBeLessThan(1_100)
    await gate.chat(pass, { max_tokens: 9_000, model: 'other' })
    expect(sentLimit(gate)).toBe(150)
  })

  it.each([
    { how: 'a stream', stream: true },
    { how: 'a whole answer', stream: false },
  ])('J14 choices that are made at the same time teach no speed: $how', async ({ stream }) => {
    const { gate, pass } = await paid({ timeouts: { firstByte: '20s' } })
    gate.fake.script = { deltas: words(60), paceMs: stream ? 1 : 10 }
    await gate.chat(pass, { stream, max_tokens: 90, n: 12 })
    gate.fake.script = {}
    await gate.chat(pass, { max_tokens: 30_000 })
    expect(sentLimit(gate)).toBe(150)
  })

  it('J14 a buyer who reads slowly does not make the model slow', async () => {
    const { gate, pass } = await paid({ timeouts: { firstByte: '20s' } })
    const choices = [{ index: 0, delta: { content: ' word' }, finish_reason: null }]
    const event = `data: ${JSON.stringify({ id: 'x', pad: 'x'.repeat(200_000), choices })}\n\n`
    gate.fake.script = {
      body: event.repeat(100),
      headers: { 'content-type': 'text/event-stream', 'transfer-encoding': 'chunked' },
    }
    const stream = await gate.client.open(gate.chatQuestion(pass, { stream: true }))
    stream.response.pause()
    await until(() => gate.fake.running === 1)
    // Until the buffers between backend and buyer are full: they hold a part of the 20 MB.
    await soon(300)
    gate.world.advance(15_000)
    stream.response.resume()
    await stream.over
    gate.fake.script = {}
    await gate.chat(pass, { max_tokens: 9_000 })
    expect(Number(sentLimit(gate))).toBeGreaterThanOrEqual(150)
  })

  it('J14 is free if it comes too late nevertheless, and halves the next limit', async () => {
    const { gate, pass } = await paid()
    const never = () => new Promise<void>(() => {})
    gate.fake.script = { pieces: [never], headers: { 'content-type': 'application/json' } }
    const asked = () => gate.fake.seen.filter(({ method }) => method === 'POST').length
    for (const limit of [2_250, 1_125]) {
      const before = asked()
      const late = gate.chat(pass, { max_tokens: 9_000 })
      await until(() => asked() > before)
      gate.world.advance(300_000)
      expect((await late).json.error.code).toBe('upstream_timeout')
      const sent = gate.fake.seen.filter(({ method }) => method === 'POST').at(-1)
      expect(sent?.json?.max_tokens).toBe(limit)
    }
    expect(await spent(gate, pass)).toBe(0)
  })

  it('J14 has the time of its first byte until its body begins, whenever its head came', async () => {
    const { gate, pass } = await paid()
    let go: () => void = () => {}
    const wait = () =>
      new Promise<void>((then) => {
        go = then
      })
    const choices = [{ index: 0, message: { content: 'ok' }, finish_reason: 'stop' }]
    const headers = { 'content-type': 'application/json' }
    gate.fake.script = { pieces: [wait, JSON.stringify({ choices })], headers }
    const answer = gate.chat(pass)
    await until(() => gate.fake.running === 1)
    gate.world.advance(200_000)
    await new Promise((then) => setTimeout(then, 1_100))
    go()
    expect((await answer).status).toBe(200)
  })
})

describe('J8 a whole answer beyond what was granted', () => {
  const shown = (text: string) => text.match(/ word/g)?.length ?? 0

  it.each([
    { how: 'that is reported', usage: 'own' },
    { how: 'by our own count', usage: 'none' },
  ] as const)('J8 is cut $how: what is shown is what is charged', async ({ usage }) => {
    const { gate, pass } = await paid()
    gate.fake.script = { deltas: words(3_000), usage }
    const answer = await gate.chat(pass, { max_completion_tokens: 12 })
    const [choice] = answer.json.choices
    expect([shown(choice.message.content), choice.finish_reason]).toEqual([12, 'length'])
    expect(answer.headers['x-cost-msat']).toBe('12000')
    if (usage === 'own') expect(answer.json.usage.completion_tokens).toBe(12)
    expect(await spent(gate, pass)).toBe(12)
    expect(await gate.last()).toMatchObject({ end: 'complete', completion_tokens: 12 })
    await gate.proof()
  })

  it('J8 one that is a thousand times too long is shown as far as it is paid for', async () => {
    const { gate, pass } = await paid()
    gate.fake.script = { deltas: words(60_000) }
    const answer = await gate.chat(pass, { max_tokens: 60 })
    expect(shown(answer.json.choices[0].message.content)).toBe(60)
    expect(await spent(gate, pass)).toBe(60)
  })

  it('J8 several choices share what was granted', async () => {
    const { gate, pass } = await paid()
    gate.fake.script = { deltas: words(500) }
    const answer = await gate.chat(pass, { max_tokens: 10, n: 3 })
    const told = answer.json.choices.map(({ message }: { message: { content: string } }) =>
      shown(message.content),
    )
    expect(told).toEqual([10, 10, 10])
    expect(await spent(gate, pass)).toBe(30)
  })

  it('J8 a tool call that does not fit is not shown by half', async () => {
    const { gate, pass } = await paid()
    const toolCall = { name: 'f', arguments: ['{"a":"', ...words(500), '"}'] }
    gate.fake.script = { reasoning: words(4), deltas: [], toolCall }
    const answer = await gate.chat(pass, { max_tokens: 20 })
    const [choice] = answer.json.choices
    expect(choice.finish_reason).toBe('length')
    expect(choice.message).not.toHaveProperty('tool_calls')
    expect(shown(choice.message.reasoning_content)).toBe(4)
  })

  it('J8 one whose hidden thinking exceeded its limit is shown whole, and charged at the limit', async () => {
    const { gate, pass } = await paid()
    const usageValue = { prompt_tokens: 5, completion_tokens: 900 }
    gate.fake.script = { deltas: words(8), usageValue }
    const answer = await gate.chat(pass, { max_tokens: 10 })
    expect(shown(answer.json.choices[0].message.content)).toBe(8)
    expect(await spent(gate, pass)).toBe(10)
  })

  it('J8 one of another vocabulary, up to four times our own count, is shown whole', async () => {
    const { gate, pass } = await paid()
    const usageValue = { prompt_tokens: 5, completion_tokens: 10 }
    gate.fake.script = { deltas: words(35), usageValue }
    const answer = await gate.chat(pass, { max_tokens: 10 })
    expect(answer.json.choices[0].finish_reason).toBe('stop')
    expect(shown(answer.json.choices[0].message.content)).toBe(35)
    expect(await spent(gate, pass)).toBe(10)
  })
})

describe('J8 a stream that sends everything in one event', () => {
  const event = (part: object) => `data: ${JSON.stringify({ id: 'x', ...part })}\n\n`
  const say = (content: string, finish_reason: string | null = null) =>
    event({ choices: [{ index: 0, delta: { content }, finish_reason }] })
  const done = 'data: [DONE]\n\n'
  const all = ' word'.repeat(3_000)

  it.each([
    { how: 'and ends in it', pieces: [say(all, 'stop') + done] },
    { how: 'and ends behind it', pieces: [say(all), say('', 'stop') + done] },
    { how: 'after some that were ordinary', pieces: [say(' word'), say(' word'), say(all), done] },
    {
      how: 'and reports it',
      pieces: [
        say(all, 'stop'),
        event({ choices: [], usage: { prompt_tokens: 1, completion_tokens: 3_000 } }) + done,
      ],
    },
  ])('J8 $how: no more is delivered than of one that comes word by word', async ({ pieces }) => {
    const { gate, pass } = await paid()
    gate.fake.script = { pieces, paceMs: 20 }
    const { text } = await gate.chat(pass, { max_tokens: 10, stream: true })
    const words = text.match(/ word/g)?.length ?? 0
    expect(words).toBeGreaterThanOrEqual(10)
    expect(words).toBeLessThanOrEqual(40)
    const chunks = text.split('\n').filter((line) => line.startsWith('data: {'))
    const reasons = chunks.map((line) => JSON.parse(line.slice(6)).choices[0].finish_reason)
    expect(reasons.filter((reason) => reason !== null)).toEqual(['length'])
    expect(text).toMatch(/\n\n: satgate cost_msat=10000\ndata: \[DONE\]\n\n$/)
    expect(await spent(gate, pass)).toBe(10)
    await gate.proof()
  })

  it('J8 nothing of an incomplete tool call is sent', async () => {
    const { gate, pass } = await paid()
    const call = { index: 0, id: 'c', type: 'function', function: { name: 'f', arguments: all } }
    const delta = { tool_calls: [call] }
    gate.fake.script = { pieces: [event({ choices: [{ index: 0, delta, finish_reason: null }] })] }
    const { text } = await gate.chat(pass, { max_tokens: 10, stream: true })
    expect(text).not.toContain('word')
    expect(text).toContain('"finish_reason":"length"')
  })
})
