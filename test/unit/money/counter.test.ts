import { describe, expect, it } from 'vitest'
import { TokenCounter } from '../../../src/money/counter.ts'
import { startThread, type Thread } from '../../../src/money/thread.ts'
import { countTokens } from '../../../src/money/tokens.ts'

/** A thread that records its input, and answers when the test says so. */
class Scripted implements Thread {
  readonly given: string[] = []
  readonly #waiting: (() => void)[] = []
  stopped = false
  broken = false

  measure(text: string): Promise<{ tokens: number; white: number }> {
    if (this.broken) return Promise.reject(new Error('gone'))
    this.given.push(text)
    return new Promise((resolve) => {
      this.#waiting.push(() => resolve({ tokens: text.length, white: 0 }))
    })
  }

  async stop(): Promise<void> {
    this.stopped = true
    for (const answer of this.#waiting.splice(0)) answer()
  }

  /** Answers everything that is asked, in order. */
  async answerAll(): Promise<void> {
    for (let idle = 0; idle < 20; ) {
      const answer = this.#waiting.shift()
      idle = answer === undefined ? idle + 1 : 0
      answer?.()
      await Promise.resolve()
    }
  }
}

const scripted = () => {
  const thread = new Scripted()
  let started = 0
  const counter = new TokenCounter(async () => {
    started += 1
    return thread
  })
  return { thread, counter, started: () => started }
}

const SHORT = 'x'.repeat(1_000)
const text = (letter: string, slices: number): string => letter.repeat(16_000 * slices)

describe('J19 tokenising for strangers is off the main thread', () => {
  it('a short text needs no thread', async () => {
    const { counter, started } = scripted()
    expect((await counter.measure(SHORT, { client: 'a' }))?.tokens).toBe(countTokens(SHORT))
    expect(started()).toBe(0)
  })

  it('a long one is counted in it, slice by slice, with the same result', async () => {
    const counter = new TokenCounter(async () => startThread())
    const long = 'The quick brown fox jumps over the lazy dog.\n'.repeat(2_000)
    const measured = await counter.measure(long, { client: 'a' })
    expect(measured?.tokens).toBeGreaterThan(countTokens(long) * 0.99)
    expect(measured?.tokens).toBeLessThan(countTokens(long) * 1.01)
    expect(measured?.white).toBe(2_000 * 9)
    await counter.close()
  })

  it('the main thread goes on while a long one is counted', async () => {
    const counter = new TokenCounter()
    const long = text('안', 10)
    await counter.measure(long.slice(0, 2_000), { client: 'a' })
    let turns = 0
    let counting = true
    const turn = (): void => {
      turns += 1
      if (counting) setImmediate(turn)
    }
    setImmediate(turn)
    const measured = await counter.measure(long, { client: 'a' })
    counting = false
    // At least one turn of the event loop for each slice. If it were counted on this thread, there
    // would be none.
    expect(turns).toBeGreaterThanOrEqual(10)
    expect(measured?.tokens).toBeGreaterThan(20_000)
    await counter.close()
  })

  it('a client has one text in it at a time, and all strangers a bounded length', async () => {
    const { thread, counter } = scripted()
    const first = counter.measure(text('a', 10), { client: 'a' })
    expect(await counter.measure(text('b', 1), { client: 'a' })).toBeNull()
    const second = counter.measure(text('c', 10), { client: 'b' })
    expect(await counter.measure(text('d', 10), { client: 'c' })).toBeNull()
    await thread.answerAll()
    expect((await first)?.tokens).toBe(160_000)
    expect((await second)?.tokens).toBe(160_000)
    const again = counter.measure(text('b', 1), { client: 'a' })
    await thread.answerAll()
    expect((await again)?.tokens).toBe(16_000)
  })

  it('an account is never refused, and has a turn after each stranger’s slice', async () => {
    const { thread, counter } = scripted()
    const strangers = ['a', 'b', 'c', 'd'].map((client) =>
      counter.measure(text(client, 5), { client }),
    )
    const account = counter.measure(text('P', 3), { account: 'p' })
    const other = counter.measure(text('Q', 3), { account: 'q' })
    await thread.answerAll()
    await Promise.all([...strangers, account, other])
    const order = thread.given.map((slice) => slice[0]).join('')
    expect(order.slice(0, 9)).toMatch(/^[a-d](?:PQ[a-d]|QP[a-d]|P[a-d]Q|[a-d]PQ){2}/)
    expect(order.lastIndexOf('Q')).toBeLessThan(10)
  })

  it('texts of one account wait for each other’s slices, not for each other’s end', async () => {
    const { thread, counter } = scripted()
    const long = counter.measure(text('a', 50), { account: 'p' })
    const short = counter.measure(text('b', 1), { account: 'p' })
    await thread.answerAll()
    await Promise.all([long, short])
    expect(thread.given.findIndex((slice) => slice.startsWith('b'))).toBeLessThan(3)
  })

  it('without a thread strangers are not counted, accounts are', async () => {
    const { thread, counter } = scripted()
    thread.broken = true
    expect(await counter.measure(text('a', 2), { client: 'a' })).toBeNull()
    const words = 'one two three '.repeat(2_000)
    expect((await counter.measure(words, { account: 'p' }))?.tokens).toBeGreaterThan(5_000)
    expect(await counter.measure(text('a', 2), { client: 'a' })).toBeNull()
  })

  it('closing stops the thread, and what waits is released', async () => {
    const { thread, counter } = scripted()
    const waiting = counter.measure(text('a', 5), { account: 'p' })
    await counter.close()
    expect(thread.stopped).toBe(true)
    expect(await waiting).toBeNull()
    expect(await counter.measure(text('a', 5), { account: 'p' })).toBeNull()
  })

  it('a thread that was stopped rejects what it is given', async () => {
    const thread = startThread()
    const measuring = thread.measure(text('a', 1))
    await thread.stop()
    await expect(measuring).rejects.toThrow('ended')
    await expect(thread.measure('a')).rejects.toThrow('ended')
  })
})
