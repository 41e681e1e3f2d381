import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { BrokenBelief } from '../../../src/floor/assert.ts'
import { Background } from '../../../src/floor/background.ts'
import { sayError } from '../../../src/floor/say-error.ts'
import { real } from '../../support/world.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function owner() {
  const said: string[] = []
  const background = new Background(real, ({ work, solved, reason }) => {
    said.push(`${solved ? 'solved' : 'problem'} ${work}${solved ? '' : `: ${reason}`}`)
  })
  return { said, background }
}

const failure = () => Object.assign(new Error('key sk-secret'), { code: 'ENOSPC' })
const PACE = { every: 100, longest: 1_000 }

describe('J12 work in the background has an owner', () => {
  it('J12 a failure is reported once, without its words, and its end once', async () => {
    const { said, background } = owner()
    const run = vi.fn(async () => {})
    run.mockRejectedValueOnce(failure()).mockRejectedValueOnce(failure())
    for (let i = 0; i < 4; i += 1) {
      background.once('journal', run)
      await vi.advanceTimersByTimeAsync(0)
    }
    expect(said).toEqual([
      expect.stringMatching(/^problem journal: ENOSPC at background\.test\.ts:\d+$/),
      'solved journal',
    ])
  })

  it('J12 an error before there is a promise is reported too', async () => {
    const { said, background } = owner()
    background.once('mint socket', () => {
      throw failure()
    })
    await vi.advanceTimersByTimeAsync(0)
    expect(said).toHaveLength(1)
  })

  it('J12 repeated work goes on after failures, later and later, and at its pace once it works', async () => {
    const { said, background } = owner()
    const at: number[] = []
    const start = Date.now()
    background.repeat('worker', PACE, async () => {
      at.push(Date.now() - start)
      if (at.length < 7) throw failure()
    })
    await vi.advanceTimersByTimeAsync(5_000)
    expect(at.slice(0, 9)).toEqual([0, 200, 600, 1400, 2400, 3400, 4400, 4500, 4600])
    expect(said).toHaveLength(2)
  })

  it('J12 one runs at a time; a nudge moves the next one forward, and none begins after a stop', async () => {
    const { background } = owner()
    let running = 0
    let runs = 0
    const work = background.repeat('worker', PACE, async () => {
      running += 1
      expect(running).toBe(1)
      await new Promise((then) => setTimeout(then, 50))
      running -= 1
      runs += 1
    })
    work.soon()
    work.soon()
    await vi.advanceTimersByTimeAsync(99)
    expect(runs).toBe(1)
    await vi.advanceTimersByTimeAsync(2)
    expect(runs).toBe(2)
    work.soon()
    await vi.advanceTimersByTimeAsync(10)
    let stopped = false
    const stop = work.stop().then(() => {
      stopped = true
    })
    await vi.advanceTimersByTimeAsync(10)
    expect(stopped).toBe(false)
    await vi.advanceTimersByTimeAsync(1_000)
    await stop
    work.soon()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(runs).toBe(3)
  })

  it('J12 a nudge does not hurry work that fails', async () => {
    const { background } = owner()
    const run = vi.fn(() => Promise.reject(failure()))
    const work = background.repeat('worker', PACE, run)
    await vi.advanceTimersByTimeAsync(10)
    for (let i = 0; i < 50; i += 1) work.soon()
    await vi.advanceTimersByTimeAsync(150)
    expect(run).toHaveBeenCalledTimes(1)
    await vi.advanceTimersByTimeAsync(60)
    expect(run).toHaveBeenCalledTimes(2)
  })

  it('J12 a failed assertion ends it, and is reported', async () => {
    const { said, background } = owner()
    const run = vi.fn(() => Promise.reject(new BrokenBelief('the sum is the sum')))
    background.repeat('payout', PACE, run)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(run).toHaveBeenCalledTimes(1)
    expect(said).toEqual([expect.stringMatching(/^problem payout: BrokenBelief at /)])
  })

  it('J12 work that is tried until it succeeds is not tried again', async () => {
    const { background } = owner()
    const run = vi.fn(async () => {})
    run.mockRejectedValueOnce(failure())
    background.until('follow', PACE, run)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(run).toHaveBeenCalledTimes(2)
  })
})

describe('J12 what is reported of an error', () => {
  it('J12 never contains its message, whatever that looks like', () => {
    const secrets = 'L402 mac:preimage at prompt.ts:1\n    at lnbc10n1secret.ts:2'
    for (const error of [new Error(secrets), new TypeError(secrets), secrets, { secrets }, null]) {
      expect(sayError(error)).not.toMatch(/L402|preimage|prompt|lnbc/)
    }
  })

  it('J12 contains what SQLite says of a full disk', () => {
    const db = new DatabaseSync(':memory:')
    db.exec('CREATE TABLE t (x); PRAGMA max_page_count = 2')
    let said = ''
    try {
      for (;;) db.exec('INSERT INTO t VALUES (randomblob(1000))')
    } catch (error) {
      said = sayError(error)
    }
    expect(said).toBe('database or disk is full')
    db.close()
  })
})
