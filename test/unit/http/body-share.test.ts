import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type BodyRoom,
  BodyShare,
  passesBounds,
  type ShareBounds,
  SMALL_BODY,
  strangersBounds,
} from '../../../src/http/body-share.ts'

const KB = 1024
const MB = 1024 * KB
const TEN_MB = 10_000_000

/** A share with a clock that the test moves, and the bodies that it dropped. */
function shareOf(bounds: ShareBounds) {
  const dropped: string[] = []
  const time = { now: 0 }
  const share = new BodyShare(bounds, () => time.now)
  const enter = (holder: string, declared: number | null = null, site = holder) => {
    const place: BodyRoom | null = share.enter({ holder, site }, declared, () => {
      dropped.push(holder)
      place?.leave()
    })
    return place
  }
  const took = (place: BodyRoom | null, bytes: number): boolean => {
    if (place === null) return false
    if (place.grow(bytes)) place.received = bytes
    else place.leave()
    return place.open
  }
  return { share, dropped, time, enter, took }
}

describe('J7 unpaid_bytes_take_bounded_memory: strangers share 64 MB', () => {
  const bounds = strangersBounds(TEN_MB)

  it('J7 all together never take more, whoever they are and however much they send', () => {
    const { share, enter, took } = shareOf(bounds)
    for (let who = 0; who < 500; who += 1) took(enter(`large ${who}`, TEN_MB), TEN_MB)
    expect(share.bytes).toBeLessThanOrEqual(48 * MB)
    for (let who = 0; who < 500; who += 1) took(enter(`small ${who}`), SMALL_BODY)
    expect(share.bytes).toBeLessThanOrEqual(64 * MB)
    expect(share.bytes).toBeGreaterThan(64 * MB - SMALL_BODY)
  })

  it('J7 one client has an eighth in small bodies, and one large body at a time', () => {
    const { share, enter, took } = shareOf(strangersBounds(1 * MB))
    let small = 0
    while (took(enter('one'), SMALL_BODY)) small += 1
    expect(small).toBe((8 * MB) / SMALL_BODY)
    expect(took(enter('other'), SMALL_BODY)).toBe(true)
    const large = enter('third', 1 * MB)
    expect(took(large, 1 * MB)).toBe(true)
    expect(enter('third', 1 * MB)).toBe(null)
    const grows = enter('third')
    expect(took(grows, SMALL_BODY)).toBe(true)
    expect(took(grows, SMALL_BODY + 1)).toBe(false)
    grows?.leave()
    large?.leave()
    expect(took(enter('third', 1 * MB), 1 * MB)).toBe(true)
    expect(share.bytes).toBe(8 * MB + SMALL_BODY + 1 * MB)
  })

  it('J7 a body as large as limits.body fits a stranger: payers send theirs before they have a pass', () => {
    for (const limit of [1_000, TEN_MB, 100 * MB]) {
      const { enter, took } = shareOf(strangersBounds(limit))
      expect(took(enter('payer', limit), limit)).toBe(true)
    }
  })

  it('J7 a quarter is only for small bodies', () => {
    const { enter, took } = shareOf(bounds)
    let who = 0
    while (took(enter(`large ${who}`, 4 * MB), 4 * MB)) who += 1
    expect(who).toBe(12)
    for (let small = 0; small < 64; small += 1) {
      expect(took(enter(`small ${small}`), SMALL_BODY)).toBe(true)
    }
    expect(took(enter('late'), SMALL_BODY)).toBe(false)
  })

  it('J7 a large body below 256 KB a second is dropped first, and only if its room is needed', () => {
    const { dropped, time, enter, took } = shareOf(bounds)
    const fast = enter('fast', TEN_MB)
    took(fast, 8 * MB)
    for (let who = 0; who < 5; who += 1) took(enter(`slow ${who}`, TEN_MB), 8 * MB)
    const late = () => took(enter(`late ${dropped.length}`, TEN_MB), 8 * MB)
    time.now = 30_000
    expect([late(), dropped]).toEqual([false, []])
    if (fast !== null) fast.received = 33 * SMALL_BODY
    time.now = 33_000
    expect([late(), dropped.length]).toEqual([true, 1])
    for (let more = 0; more < 4; more += 1) expect(late()).toBe(true)
    expect(late()).toBe(false)
    expect(dropped.sort()).toEqual([0, 1, 2, 3, 4].map((who) => `slow ${who}`))
  })

  it('J7 a declared length reserves no room: bodies that stall make room for others of the same client', () => {
    const { dropped, time, enter, took } = shareOf(bounds)
    const stalled = enter('one', TEN_MB)
    expect(took(stalled, 16 * KB)).toBe(true)
    expect(enter('one', TEN_MB)).toBe(null)
    time.now = 2_000
    expect(took(enter('one', TEN_MB), 16 * KB)).toBe(true)
    expect(dropped).toEqual(['one'])
  })

  it('J7 small bodies that come slowly make room, and complete ones never do', () => {
    const { dropped, time, enter, took } = shareOf(bounds)
    const all = Array.from({ length: 256 }, (_, who) => enter(`${who % 40}`))
    for (const place of all) expect(took(place, SMALL_BODY)).toBe(true)
    for (const place of all.slice(1)) place?.arrived()
    expect(took(enter('late'), 1)).toBe(false)
    time.now = 6_000
    expect(took(enter('late'), SMALL_BODY)).toBe(true)
    expect(dropped).toEqual(['0'])
    expect(took(enter('later'), 1)).toBe(false)
  })

  it('J7 a body that is slow itself causes no other body to be dropped', () => {
    const { dropped, time, enter, took } = shareOf(bounds)
    const places = Array.from({ length: 6 }, (_, who) => enter(`${who}`, TEN_MB))
    for (const place of places) took(place, 8 * MB)
    const slow = enter('slow', TEN_MB)
    time.now = 60_000
    expect([took(slow, 1 * MB), dropped]).toEqual([false, []])
  })
})

describe('J7 a body whose request is served', () => {
  it('J7 still counts, and its client may send another large one', () => {
    const { share, enter, took } = shareOf(strangersBounds(TEN_MB))
    const served: (BodyRoom | null)[] = []
    for (;;) {
      const place = enter('one', 1 * MB)
      if (!took(place, 1 * MB)) break
      expect(enter('one', 1 * MB)).toBe(null)
      place?.arrived()
      place?.admit()
      place?.admit()
      served.push(place)
    }
    expect([served.length, share.bytes]).toEqual([9, 9 * MB])
    for (const place of served) place?.leave()
    expect(share.bytes).toBe(0)
    expect(took(enter('one', 1 * MB), 1 * MB)).toBe(true)
    expect(enter('one', 1 * MB)).toBe(null)
  })
})

describe('J7 one site', () => {
  it('J7 an IPv6 /48 has 65,536 clients, and together at most a third', () => {
    const { share, enter, took } = shareOf(strangersBounds(TEN_MB))
    for (let who = 0; who < 200; who += 1) took(enter(`large ${who}`, TEN_MB, 'site'), TEN_MB)
    for (let who = 0; who < 200; who += 1) took(enter(`small ${who}`, null, 'site'), SMALL_BODY)
    expect(share.bytes).toBeLessThanOrEqual(2 * TEN_MB)
    expect(took(enter('other', TEN_MB), TEN_MB)).toBe(true)
  })
})

describe('J7 beside a large body', () => {
  it('J7 its client can still send small ones, up to a quarter of its part', () => {
    const { share, enter, took } = shareOf(strangersBounds(TEN_MB))
    expect(took(enter('one', TEN_MB), TEN_MB)).toBe(true)
    while (took(enter('one'), SMALL_BODY)) expect(share.bytes).toBeLessThanOrEqual(TEN_MB + 2 * MB)
    expect(share.bytes).toBe(TEN_MB + 2 * MB)
  })
})

describe('J7 bodies of passes are bounded too', () => {
  it('J7 somebody with one pass of ten sats leaves three quarters to the others', () => {
    const { share, enter, took } = shareOf(passesBounds(TEN_MB))
    for (let many = 0; many < 100; many += 1) took(enter('thief', TEN_MB), TEN_MB)
    expect(share.bytes).toBeLessThanOrEqual(32 * MB)
    expect(took(enter('buyer', TEN_MB), TEN_MB)).toBe(true)
    for (let many = 0; many < 1_000; many += 1) took(enter(`thief ${many}`, TEN_MB), TEN_MB)
    expect(share.bytes).toBeLessThanOrEqual(96 * MB)
    expect(took(enter('buyer'), SMALL_BODY)).toBe(true)
  })
})

describe('J7 any history', () => {
  const step = fc.record({
    holder: fc.integer({ min: 0, max: 5 }),
    index: fc.nat(),
    does: fc.constantFrom(
      'enter',
      'enter large',
      'grow',
      'grow',
      'grow',
      'arrive',
      'admit',
      'leave',
      'wait',
    ),
    bytes: fc.integer({ min: 1, max: 3 * MB }),
  })
  const bounds = {
    total: 8 * MB,
    smallOnly: 2 * MB,
    each: 4 * MB,
    eachLarge: 5 * MB,
    largeEach: 2,
    site: 7 * MB,
  }

  it('J7 stays within its bounds, and gives everything back', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
        const { share, time, enter } = shareOf(bounds)
        const places: BodyRoom[] = []
        const of = new Map<BodyRoom, string>()
        const sum = (some: readonly BodyRoom[]) =>
          some.reduce((bytes, place) => bytes + place.bytes, 0)
        for (const { holder, index, does, bytes } of steps) {
          const place = places[index % Math.max(1, places.length)]
          if (does.startsWith('enter')) {
            const made = enter(`${holder}`, does === 'enter' ? null : bytes, `${holder % 2}`)
            if (made === null) continue
            places.push(made)
            of.set(made, `${holder}`)
          } else if (does === 'wait') time.now += 500
          else if (place === undefined) continue
          else if (does === 'arrive') place.arrived()
          else if (does === 'admit') place.admit()
          else if (does === 'leave') place.leave()
          else if (place.at >= 0 && place.grow(place.bytes + bytes)) place.received = place.bytes
          const open = places.filter((each) => each.open)
          expect(share.bytes).toBe(sum(open))
          expect(share.bytes).toBeLessThanOrEqual(bounds.total)
          expect(sum(open.filter(({ large }) => large))).toBeLessThanOrEqual(6 * MB + SMALL_BODY)
          for (const near of [0, 1]) {
            const there = open.filter((each) => Number(of.get(each)) % 2 === near)
            expect(sum(there)).toBeLessThanOrEqual(bounds.site)
          }
          for (let who = 0; who <= 5; who += 1) {
            const mine = open.filter((each) => of.get(each) === `${who}`)
            expect(sum(mine)).toBeLessThanOrEqual(6 * MB)
            const small = mine.filter(({ large }) => !large)
            expect(sum(small)).toBeLessThanOrEqual(bounds.each)
            expect(
              mine.filter(({ large, admitted }) => large && !admitted).length,
            ).toBeLessThanOrEqual(2)
          }
        }
        for (const place of places) place.leave()
        expect(share.bytes).toBe(0)
      }),
      { numRuns: 60 },
    )
  })
})
