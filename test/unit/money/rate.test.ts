import { describe, expect, it } from 'vitest'
import { formatUsdPerBtc, parseUsdPerBtc } from '../../../src/money/parse.ts'
import { makeRateSource } from '../../../src/money/rate.ts'
import type { Transport } from '../../../src/outbound/ask-json.ts'
import { unheard } from '../../support/background.ts'
import { worldAt } from '../../support/world.ts'

const COINBASE = 'https://api.coinbase.com/v2/prices/BTC-USD/spot'
const SECOND = 'https://second.example/price'
const HOUR = 3_600_000

const coinbase = (amount: string) => ({ data: { amount, base: 'BTC', currency: 'USD' } })

interface Answers {
  [url: string]: unknown
}

/** A source that accepts the connection and sends nothing. */
const NEVER = Symbol('never')

/** A source whose answers and clock the test controls. A string is sent as it is, an Error is thrown. */
function source(settings: { url?: string; second?: string } = {}) {
  const state = { answers: {} as Answers, now: 0, asked: [] as string[] }
  const transport: Transport = async (url, init) => {
    state.asked.push(String(url))
    expect(init).toMatchObject({ redirect: 'manual' })
    expect(init.signal).toBeInstanceOf(AbortSignal)
    const answer = state.answers[String(url)]
    if (answer instanceof Error) throw Object.assign(answer, { code: 'ECONNREFUSED' })
    if (answer === NEVER)
      await new Promise((_, late) => init.signal.addEventListener('abort', late))
    if (answer instanceof Response) return answer
    return new Response(typeof answer === 'string' ? answer : JSON.stringify(answer))
  }
  const rate = makeRateSource(
    {
      source: 'coinbase',
      url: settings.url ?? null,
      second: settings.second ?? null,
      maxAgeMs: 10 * 60_000,
    },
    { transport, world: worldAt(() => state.now), deadlineMs: 50 },
  )
  const said = (): string => {
    const current = rate.current()
    return current.ok ? formatUsdPerBtc(current.value.usdPerBtc) : current.error
  }
  const ask = async (answers: Answers, later = 0): Promise<string> => {
    state.answers = answers
    state.now += later
    await rate.refresh()
    return said()
  }
  return { rate, state, said, ask }
}

it('a rate of the operator is used unchanged, and nobody is asked', () => {
  const usdPerBtc = parseUsdPerBtc('90000')
  const rate = makeRateSource(
    { usdPerBtc: usdPerBtc.ok ? usdPerBtc.value : 0n },
    { transport: () => Promise.reject(new Error('asked')), world: worldAt(() => 0) },
  )
  rate.start(unheard)()
  expect(rate.current()).toEqual({
    ok: true,
    value: { usdPerBtc: 9_000_000_000_000n, ageMs: 0, from: 'config' },
  })
})

describe('a source', () => {
  it('is asked when it is started or told to, and never because somebody needs the rate', async () => {
    const { rate, state, said, ask } = source()
    expect(said()).toBe('no rate has been asked for yet')
    expect(state.asked).toEqual([])
    expect(await ask({ [COINBASE]: coinbase('64123.455') })).toBe('64123.455')
    expect(rate.current()).toMatchObject({ value: { ageMs: 0, from: 'api.coinbase.com' } })
    expect(state.asked).toEqual([COINBASE])
  })

  it('is asked once if many want to know', async () => {
    const { rate, state } = source()
    state.answers = { [COINBASE]: coinbase('64000') }
    await Promise.all([rate.refresh(), rate.refresh(), rate.refresh()])
    expect(state.asked).toEqual([COINBASE])
  })

  it('keeps its rate through an outage, until that is too old', async () => {
    const { ask } = source()
    await ask({ [COINBASE]: coinbase('64000') })
    const down = { [COINBASE]: new Error('down') }
    expect(await ask(down, 10 * 60_000)).toBe('64000')
    expect(await ask(down, 1)).toBe(
      'the last rate is 600 s old: api.coinbase.com cannot be reached',
    )
    expect(await ask({ [COINBASE]: coinbase('65000') })).toBe('65000')
  })

  it.each([
    ['{"price":"64000.5"}', '64000.5'],
    ['{"time":1,"USD":64000,"EUR":60000}', '64000'],
    ['{"bitcoin":{"usd":64000}}', '64000'],
    ['{"data":{"amount":"60000","currency":"EUR"}}', 'no rate that can be read'],
    ['{"data":{"amount":"3000","base":"ETH","currency":"USD"}}', 'no rate that can be read'],
    ['{"price":"-1"}', 'no rate that can be read'],
    ['{"price":0}', 'no rate that can be read'],
    ['{"price":1e30}', 'no rate that can be read'],
    ['{"price":null}', 'no rate that can be read'],
    ['{"__proto__":{"price":"64000"}}', 'no rate that can be read'],
    ['null', 'no rate that can be read'],
    ['<html>', 'no rate that can be read'],
    ['', 'no rate that can be read'],
    [' '.repeat(70_000), 'answered too much'],
  ])('answering %.40s gives %s', async (body, said) => {
    const url = 'http://127.0.0.1:1/rate?key=sk-secret'
    const { ask } = source({ url })
    const answer = await ask({ [url]: body })
    expect(answer).toContain(said)
    expect(answer).not.toContain('sk-secret')
  })

  it('tells how it failed', async () => {
    const { ask } = source()
    expect(await ask({ [COINBASE]: new Response('', { status: 429 }) })).toBe(
      'api.coinbase.com answered 429',
    )
    expect(await ask({ [COINBASE]: NEVER })).toBe('api.coinbase.com did not answer in time')
  })
})

describe('a rate that jumps by more than a tenth', () => {
  const before = { [COINBASE]: coinbase('60000') }

  it.each([
    ['66000', '66000'],
    ['54000', '54000'],
    ['66000.01', '66000.01 after 60000 dollars: a jump'],
    ['53999.99', '53999.99 after 60000 dollars: a jump'],
    ['600000', '600000 after 60000 dollars: a jump'],
  ])('%s after 60000: %s', async (amount, said) => {
    const { ask } = source()
    await ask(before)
    expect(await ask({ [COINBASE]: coinbase(amount) })).toContain(said)
  })

  it('is held back until it comes near again', async () => {
    const { ask } = source()
    await ask(before)
    expect(await ask({ [COINBASE]: coinbase('70000') })).toContain('a jump')
    expect(await ask({ [COINBASE]: new Error('down') })).toContain('cannot be reached')
    expect(await ask({ [COINBASE]: coinbase('65000') })).toBe('65000')
  })

  it('is believed if a second source says the same', async () => {
    const { ask, state } = source({ second: SECOND })
    expect(await ask({ ...before, [SECOND]: { price: '61000' } })).toBe('60000')
    expect(await ask({ [COINBASE]: coinbase('70000'), [SECOND]: { price: '69000' } })).toBe('70000')
    state.asked.length = 0
    await ask({ [COINBASE]: coinbase('70100') })
    expect(state.asked).toEqual([COINBASE])
  })

  it('is held back if the second source says something else, or nothing', async () => {
    const { ask } = source({ second: SECOND })
    const disagree = { [COINBASE]: coinbase('60000'), [SECOND]: { price: '90000' } }
    expect(await ask(disagree)).toContain('second.example says 90000')
    const silent = { [COINBASE]: coinbase('60000'), [SECOND]: new Error('down') }
    expect(await ask(silent)).toContain('not confirmed: second.example cannot be reached')
  })

  it('is no jump if the last rate is older than a day, as after a gate has slept', async () => {
    const { ask } = source()
    await ask(before)
    expect(await ask({ [COINBASE]: coinbase('80000') }, 24 * HOUR)).toContain('a jump')
    expect(await ask({ [COINBASE]: coinbase('80000') }, 1)).toBe('80000')
  })
})
