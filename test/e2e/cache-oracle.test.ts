import { beforeEach, describe, expect, it } from 'vitest'
import type { Pass } from '../support/buyer.ts'
import { startGate, type TestGate } from '../support/gate.ts'
import type { Script } from '../support/upstream.ts'

const SETTINGS = { pricing: { default: { input: 1, output: 2, cached: 0.5 } } }
const SECRET = { role: 'user', content: 'The launch is on the ninth of May.' }

/** A backend that says it had 80 of 100 tokens in its cache. */
const usage = (cached: number): Script => ({
  deltas: ['a', 'b'],
  usage: 'own',
  usageValue: {
    prompt_tokens: 100,
    completion_tokens: 2,
    total_tokens: 102,
    prompt_tokens_details: { cached_tokens: cached },
  },
})
const FULL = 100 + 4
const CHEAP = 20 + 40 + 4

let gate: TestGate
let pass: Pass
beforeEach(async () => {
  gate = await startGate({ settings: SETTINGS, script: usage(80) })
  pass = await gate.buy(100)
})

const ask = async (of: Pass, messages: readonly object[], more: object = {}) => {
  const before = (await gate.balance(of)).balance_msat
  const answer = await gate.chat(of, { messages, ...more })
  const cost = before - (await gate.balance(of)).balance_msat
  const shown = /"cached_tokens": ?(\d+)/.exec(answer.text)?.[1]
  return { cost, shown: shown === undefined ? null : Number(shown) }
}

const STREAM = { stream: true, stream_options: { include_usage: true } }

describe.each([{}, STREAM])('L21 prompt_cache_is_no_oracle, %j', (more) => {
  it('what others have sent is neither shown nor cheaper', async () => {
    const other = await gate.buy(100)
    await ask(other, [SECRET], more)
    expect(await ask(pass, [SECRET], more)).toEqual({ cost: FULL, shown: 0 })
  })

  it('a hit that others caused looks like a miss, byte for byte', async () => {
    const send = () => gate.chat(pass, { messages: [SECRET], ...more })
    const hit = await send()
    const second = await gate.buy(100)
    gate.fake.script = { ...gate.fake.script, ...usage(0) }
    const miss = await gate.chat(second, { messages: [SECRET], ...more })
    const of = (text: string) =>
      text.replaceAll(/"(id|created)":[^,]+/g, '').replaceAll(/: .*msat.*/g, '')
    expect(of(hit.text)).toBe(of(miss.text))
  })

  it('what the account itself has sent is shown and cheaper: the same prompt, and its continuation', async () => {
    await ask(pass, [SECRET], more)
    expect(await ask(pass, [SECRET], more)).toEqual({ cost: CHEAP, shown: 80 })
    const answer = { role: 'assistant', content: 'a b' }
    const longer = [SECRET, answer, { role: 'user', content: 'Why?' }]
    expect(await ask(pass, longer, more)).toEqual({ cost: CHEAP, shown: 80 })
  })

  it('a prompt that only begins alike owes nothing to the account', async () => {
    const about = (content: string) => [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content },
    ]
    await ask(pass, about('one'), more)
    expect(await ask(pass, about('two'), more)).toEqual({ cost: FULL, shown: 0 })
  })

  it('never more than the earlier prompt and its answer came to', async () => {
    await ask(pass, [SECRET], more)
    gate.fake.script = {
      ...gate.fake.script,
      ...usage(80),
      usageValue: {
        prompt_tokens: 1_000,
        completion_tokens: 2,
        prompt_tokens_details: { cached_tokens: 900 },
      },
    }
    const longer = [SECRET, { role: 'user', content: 'Why? '.repeat(300) }]
    expect((await ask(pass, longer, more)).shown).toBe(102)
  })

  it('after ten minutes others may have renewed it', async () => {
    await ask(pass, [SECRET], more)
    gate.world.advance(600_000)
    expect(await ask(pass, [SECRET], more)).toEqual({ cost: FULL, shown: 0 })
  })
})

it('L21 a client’s own name for its cache is another one for each account', async () => {
  const other = await gate.buy(100)
  const key = { prompt_cache_key: 'shared', cache_salt: 'shared' }
  for (const of of [pass, pass, other]) await ask(of, [SECRET], key)
  const sent = gate.fake.seen
    .filter(({ path }) => path.endsWith('/completions'))
    .map(({ json }) => json)
  const keys = sent.map((json) => json?.prompt_cache_key)
  expect(keys[0]).toMatch(/^[0-9a-f]{32}$/)
  expect(keys[1]).toBe(keys[0])
  expect(keys[2]).not.toBe(keys[0])
  expect(sent.map((json) => json?.cache_salt)).toEqual(keys)
})
