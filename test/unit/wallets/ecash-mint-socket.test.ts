import { describe, expect, it } from 'vitest'
import { mintSocket } from '../../../src/wallets/ecash/mint/socket.ts'
import { tick, until } from '../../support/buyer.ts'
import type { Welcome } from '../../support/fake-mint-socket.ts'
import { real } from '../../support/world.ts'
import { KEY, PATIENCE, setUp, world } from './ecash-mint-setup.ts'

type Stage = Awaited<ReturnType<typeof setUp>>

function watching({ mint }: Stage, quotes: readonly string[]) {
  const told: string[] = []
  let ends = 0
  const watch = mint.watchQuotes(quotes, {
    onState: (quote, state) => told.push(`${quotes.indexOf(quote)} ${state}`),
    onEnd: () => {
      ends += 1
    },
  })
  return { told, ends: () => ends, watch }
}

async function quotesOf({ mint }: Stage, count: number) {
  const made = []
  for (let one = 0; one < count; one += 1) {
    made.push(await mint.createQuote({ sat: 8, memo: '', key: KEY }))
  }
  return made
}

describe('a line to a mint', () => {
  it('tells where each quote stands, then what becomes of it', async () => {
    const stage = await setUp()
    const quotes = await quotesOf(stage, 2)
    const { told, ends, watch } = watching(
      stage,
      quotes.map(({ quote }) => quote),
    )
    await until(() => told.length === 2)
    expect(told).toEqual(['0 unpaid', '1 unpaid'])
    const [, second] = quotes
    stage.fake.pay(second?.bolt11 ?? '')
    await until(() => told.length === 3)
    await stage.mint.mint(second?.quote ?? '', KEY, await stage.batch(8))
    await until(() => told.length === 4)
    expect(told.slice(2)).toEqual(['1 paid', '1 issued'])
    world.skip(PATIENCE + 100)
    await tick(50)
    expect(ends()).toBe(0)
    watch?.stop()
    await until(() => stage.fake.sockets.open.size === 0)
    expect(ends()).toBe(0)
  })

  it('takes more quotes than go into one subscription', async () => {
    const stage = await setUp()
    const quotes = await quotesOf(stage, 120)
    const { told } = watching(
      stage,
      quotes.map(({ quote }) => quote),
    )
    await until(() => told.length === 120)
    expect(new Set(told).size).toBe(120)
    stage.fake.pay(quotes[119]?.bolt11 ?? '')
    await until(() => told.includes('119 paid'))
    expect(stage.fake.counts.ws).toBe(1)
  })

  it('is null if a mint has none', async () => {
    const stage = await setUp({ sockets: false })
    expect((await stage.mint.about()).tells).toBe(false)
    expect(watching(stage, ['a']).watch).toBe(null)
    expect(stage.fake.counts.ws).toBe(0)
  })

  it.each<Welcome>(['drop', 'hang', 'refuse', 'mute'])(
    'that is met with %s ends, once',
    async (how) => {
      const stage = await setUp()
      const quotes = await quotesOf(stage, 1)
      stage.fake.welcome = how
      const { told, ends } = watching(
        stage,
        quotes.map(({ quote }) => quote),
      )
      await world.until(() => ends() > 0)
      world.skip(PATIENCE + 100)
      await tick(50)
      expect(ends()).toBe(1)
      expect(told).toEqual([])
    },
  )

  it.each([
    ['no JSON', 'hello'],
    ['an error', '{"jsonrpc":"2.0","error":{"code":-32600,"message":"slowly"},"id":7}'],
    ['a flood', `{"a":"${'a'.repeat(70_000)}"}`],
  ])('that says %s ends', async (_, text) => {
    const stage = await setUp()
    const { told, ends } = watching(
      stage,
      (await quotesOf(stage, 1)).map(({ quote }) => quote),
    )
    await until(() => told.length === 1)
    stage.fake.sockets.say(text)
    await until(() => ends() === 1)
  })

  it('does not tell of what it was not asked, or in words that are none', async () => {
    const stage = await setUp()
    const quotes = await quotesOf(stage, 1)
    const { told, ends } = watching(
      stage,
      quotes.map(({ quote }) => quote),
    )
    await until(() => told.length === 1)
    for (const payload of [
      { quote: 'another', state: 'PAID' },
      { quote: quotes[0]?.quote, state: 'PERHAPS' },
      { quote: 7, state: 'PAID' },
      null,
    ]) {
      stage.fake.sockets.say(
        JSON.stringify({ jsonrpc: '2.0', method: 'subscribe', params: { payload } }),
      )
    }
    stage.fake.pay(quotes[0]?.bolt11 ?? '')
    await until(() => told.length === 2)
    expect(told).toEqual(['0 unpaid', '0 paid'])
    expect(ends()).toBe(0)
  })

  it('that is lost ends once, and the next one tells what was missed', async () => {
    const stage = await setUp()
    const quotes = await quotesOf(stage, 1)
    const ids = quotes.map(({ quote }) => quote)
    const first = watching(stage, ids)
    await until(() => first.told.length === 1)
    stage.fake.sockets.hangUp()
    stage.fake.pay(quotes[0]?.bolt11 ?? '')
    await until(() => first.ends() === 1)
    const second = watching(stage, ids)
    await until(() => second.told.length === 1)
    expect(second.told).toEqual(['0 paid'])
    expect(first.ends()).toBe(1)
  })

  it('that is silent for long is replaced', async () => {
    const stage = await setUp()
    const [one] = await quotesOf(stage, 1)
    const line = mintSocket(real, stage.fake.url, { deadlineMs: 5_000, renewMs: 200 })
    const told: string[] = []
    let ends = 0
    const onEnd = () => {
      ends += 1
    }
    line.watch([one?.quote ?? ''], { onState: (_, state) => told.push(state), onEnd })
    await until(() => ends === 1)
    expect(told).toEqual(['unpaid'])
    await until(() => stage.fake.sockets.open.size === 0)
  })

  it('is hung up with the mint, without an end told', async () => {
    const stage = await setUp()
    const { told, ends } = watching(
      stage,
      (await quotesOf(stage, 1)).map(({ quote }) => quote),
    )
    await until(() => told.length === 1)
    stage.mint.close()
    await until(() => stage.fake.sockets.open.size === 0)
    expect(ends()).toBe(0)
  })
})
