import { describe, expect, it, vi } from 'vitest'
import { realWorld } from '../../../src/floor/real-world.ts'
import { Sweep, type Swept } from '../../../src/floor/sweep.ts'
import { VirtualWorld } from '../../support/virtual-world.ts'

/** Notes when its moment was noticed, and then does what the test says. */
class Noted implements Swept {
  seat = -1
  due: number
  readonly at: number[] = []
  readonly #then: (now: number, self: Noted) => void

  constructor(due: number, then: (now: number, self: Noted) => void) {
    this.due = due
    this.#then = then
  }

  onDue(now: number): void {
    this.at.push(now)
    this.#then(now, this)
  }
}

/** A world that counts the timers that fire and that are set. */
function setUp(round?: number) {
  const world = new VirtualWorld(1)
  const timers = { set: 0, fired: 0 }
  const after = (ms: number, then: () => void) => {
    timers.set += 1
    return world.after(ms, () => {
      timers.fired += 1
      then()
    })
  }
  const sweep = new Sweep<Noted>({ elapsed: world.elapsed, after }, round)
  const leaving = (due: number) => new Noted(due, (_, self) => sweep.delete(self))
  return { world, sweep, timers, leaving }
}

describe('Sweep', () => {
  it('notices each moment at most a round late, and never early', async () => {
    const { world, sweep, leaving } = setUp(250)
    const all = [1, 249, 250, 251, 1_000, 1_001].map(leaving)
    for (const one of all) sweep.add(one)
    await world.pass(5_000)
    expect(all.map(({ at }) => at)).toEqual([[250], [250], [250], [500], [1_000], [1_250]])
    expect(sweep.size).toBe(0)
  })

  it('goes on calling one that moves its moment, and one that does not', async () => {
    const { world, sweep } = setUp(100)
    const moves = new Noted(100, (now, self) => {
      self.due = now + 250
    })
    const stays = new Noted(600, () => {})
    sweep.add(moves)
    sweep.add(stays)
    await world.pass(900)
    expect(moves.at).toEqual([100, 400, 700])
    expect(stays.at).toEqual([600, 700, 800, 900])
  })

  it('does not notice a moment that was moved away, or one that left', async () => {
    const { world, sweep, leaving } = setUp()
    const [moved, left] = [leaving(100), leaving(100)]
    sweep.add(moved)
    sweep.add(left)
    moved.due = Number.POSITIVE_INFINITY
    sweep.delete(left)
    await world.pass(60_000)
    expect([moved.at, left.at]).toEqual([[], []])
  })

  it('lets one add and remove others, which are then not called in that round', async () => {
    const { world, sweep, leaving } = setUp(250)
    const [other, late] = [leaving(10), leaving(0)]
    const first = new Noted(10, (_, self) => {
      sweep.delete(self)
      sweep.delete(other)
      sweep.add(late)
    })
    // The one that was added last is called first.
    sweep.add(other)
    sweep.add(first)
    await world.pass(1_000)
    expect([first.at, other.at, late.at]).toEqual([[250], [], [500]])
  })

  it('sets one timer for all, and none while nothing is on it', async () => {
    const { world, sweep, timers, leaving } = setUp(250)
    for (let i = 0; i < 1_000; i += 1) {
      const one = leaving(world.elapsed() + 10_000)
      sweep.add(one)
      await world.pass(1)
      sweep.delete(one)
    }
    expect(timers).toEqual({ set: 1, fired: 4 })
    await world.pass(60_000)
    expect(timers.fired).toBeLessThanOrEqual(5)
    const after = timers.fired
    await world.pass(60_000)
    expect(timers.fired).toBe(after)
  })

  it('calls the others although one throws', async () => {
    const { world, sweep, leaving } = setUp(250)
    const good = leaving(300)
    sweep.add(good)
    sweep.add(
      new Noted(100, (_, self) => {
        sweep.delete(self)
        throw new Error('a bug')
      }),
    )
    await expect(world.pass(250)).rejects.toThrow('a bug')
    await world.pass(250)
    expect(good.at).toEqual([500])
  })

  it('does not keep the process alive, also when it begins again', async () => {
    const set = vi.spyOn(globalThis, 'setTimeout')
    const sweep = new Sweep<Noted>(realWorld(), 1)
    const one = new Noted(Number.POSITIVE_INFINITY, () => {})
    sweep.add(one)
    const timer = set.mock.results[0]?.value as NodeJS.Timeout
    set.mockRestore()
    expect(timer.hasRef()).toBe(false)
    sweep.delete(one)
    await new Promise((resolve) => setTimeout(resolve, 20))
    sweep.add(one)
    expect(timer.hasRef()).toBe(false)
    sweep.delete(one)
  })
})
