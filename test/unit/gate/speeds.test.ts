import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Speeds } from '../../../src/gate/speeds.ts'

const FIVE_MINUTES = 300_000
const streamed = (tokens: number, ms: number) => ({ tokens, ms, streamed: true })
const whole = (tokens: number, ms: number) => ({ tokens, ms, streamed: false })

describe('J14 what a model makes in half of the time for the first byte', () => {
  it('J14 is a careful guess before anything was seen, divided by the choices', () => {
    const speeds = new Speeds(FIVE_MINUTES)
    expect(speeds.most('m', 1)).toBe(2_250)
    expect(speeds.most('m', 4)).toBe(562)
    expect(speeds.most('m', 128)).toBe(17)
  })

  it('J14 is learnt from a stream, for that model only', () => {
    const speeds = new Speeds(FIVE_MINUTES)
    speeds.made('m', streamed(100, 1_000))
    expect(speeds.most('m', 1)).toBe(15_000)
    expect(speeds.most('other', 1)).toBe(2_250)
    speeds.made('m', streamed(50, 1_000))
    expect(speeds.most('m', 1)).toBe(13_500)
  })

  it('J14 a short answer, or one that came in one packet, teaches nothing', () => {
    const speeds = new Speeds(FIVE_MINUTES)
    for (const made of [streamed(15, 60_000), streamed(1_000, 199), whole(1, 60_000)]) {
      speeds.made('m', made)
    }
    expect(speeds.most('m', 1)).toBe(2_250)
  })

  it('J14 a long prompt with a short buffered answer does not make the model slow for others', () => {
    const speeds = new Speeds(FIVE_MINUTES)
    speeds.made('m', streamed(500, 10_000))
    for (let turn = 0; turn < 50; turn += 1) speeds.made('m', whole(20, 60_000))
    expect(speeds.most('m', 1)).toBe(7_500)
    speeds.made('m', whole(600, 10_000))
    expect(speeds.most('m', 1)).toBe(9_000)
    speeds.made('m', whole(300, 10_000))
    expect(speeds.most('m', 1)).toBe(8_100)
  })

  it('J14 each time-out halves the next limit, so free answers end by themselves', () => {
    const speeds = new Speeds(FIVE_MINUTES)
    const limits = Array.from({ length: 8 }, () => {
      const limit = speeds.most('m', 1)
      speeds.timedOut('m', limit)
      return limit
    })
    expect(limits).toEqual([2_250, 1_125, 562, 281, 140, 70, 35, 17])
    speeds.made('m', whole(46, 1_000))
    expect(speeds.most('m', 1)).toBe(6_900)
  })

  it('J14 a time-out of a short answer teaches nothing new about a fast model', () => {
    const speeds = new Speeds(FIVE_MINUTES)
    speeds.made('m', streamed(500, 10_000))
    speeds.timedOut('m', 100_000)
    expect(speeds.most('m', 1)).toBe(7_500)
  })

  it('J14 any name may be asked for: what is remembered is bounded, and a limit is always a whole number', () => {
    const speeds = new Speeds(FIVE_MINUTES)
    speeds.made('first', streamed(100, 1_000))
    for (let at = 0; at < 1_000; at += 1) speeds.made(`m${at}`, streamed(100, 1_000))
    expect(speeds.most('first', 1)).toBe(2_250)
    fc.assert(
      fc.property(fc.nat(1e6), fc.nat(1e9), fc.integer({ min: 1, max: 128 }), (tokens, ms, n) => {
        const any = new Speeds(1_000)
        any.made('m', streamed(tokens, ms))
        any.timedOut('m', tokens)
        expect(any.most('m', n)).toBeGreaterThanOrEqual(16)
        expect(Number.isSafeInteger(any.most('m', n))).toBe(true)
      }),
    )
  })
})
