import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PromptEstimator } from '../../../src/money/lessons.ts'

const of = (account: string | null = 'a', model = 'm', plain = true, dialect = 'openai-chat') => ({
  ...{ account, dialect, model, plain },
})

describe('what an account learns', () => {
  it('is what a template adds', () => {
    const estimator = new PromptEstimator()
    const first = estimator.estimate(of(), 9)
    estimator.learn(of(), { own: 9, bound: 90, reported: 19 })
    expect(estimator.estimate(of(), 9)).toBe(19)
    expect(estimator.estimate(of('a', 'another'), 9)).toBe(first)
  })

  it('is another vocabulary from long prompts, without harm to short ones', () => {
    const estimator = new PromptEstimator()
    const short = estimator.estimate(of(), 9)
    const first = estimator.estimate(of(), 2_000)
    estimator.learn(of(), { own: 2_000, bound: 9_000, reported: Math.round(first * 1.5) })
    expect(estimator.estimate(of(), 2_000) / first).toBeCloseTo(1.5, 1)
    expect(estimator.estimate(of(), 9)).toBeLessThan(short * 1.6)
  })

  it('stays within bounds whatever is reported', () => {
    const lesson = fc.tuple(fc.nat(1e6), fc.nat(1e9))
    fc.assert(
      fc.property(fc.array(lesson, { size: 'max', maxLength: 40 }), (lessons) => {
        const estimator = new PromptEstimator()
        for (const [own, reported] of lessons) {
          estimator.learn(of(), { own, bound: 1e9, reported })
        }
        const learned = estimator.estimate(of(), 9)
        expect(learned).toBeGreaterThanOrEqual(0)
        expect(learned).toBeLessThan(2_200)
      }),
    )
  })
})

it('J3 no account teaches itself an estimate for which its margin is too small', () => {
  const estimator = new PromptEstimator()
  for (let i = 0; i < 50; i += 1) {
    estimator.learn(of(), { own: 5_000, bound: 9_000, reported: 600 })
    estimator.learn(of(), { own: 100, bound: 900, reported: 1 })
  }
  expect(estimator.estimate(of(), 10_000) * 1.25).toBeGreaterThan(9_900)
})

describe('J18 one buyer does not change another’s price', () => {
  it('unusual requests of somebody else leave an estimate unchanged', () => {
    const estimator = new PromptEstimator()
    for (const other of [of('b'), of(null), of('c')]) {
      for (let i = 0; i < 15; i += 1) {
        estimator.learn(other, { own: 1_000, bound: 4_000, reported: 4_000 })
        estimator.learn(other, { own: 100, bound: 1_000, reported: 1_000 })
      }
    }
    expect(estimator.estimate(of('a'), 2_007)).toBe(2_011)
    expect(estimator.estimate(of(null), 2_007)).toBe(2_011)
    expect(estimator.estimate(of('b'), 2_007)).toBeGreaterThan(4_000)
  })

  it('and so do unusual prompts above their bound, once there was an ordinary one', () => {
    const estimator = new PromptEstimator()
    const odd = { own: 300, bound: 2_100, reported: 3_600 }
    estimator.learn(of('c'), { own: null, bound: 90, reported: 12 })
    for (let i = 0; i < 15; i += 1) estimator.learn(of('b'), odd)
    estimator.learn(of('c'), { own: null, bound: 900, reported: 300 })
    // A template is in every prompt, so it cannot be longer than the shortest one.
    expect(estimator.estimate(of('a'), 2_007)).toBeLessThanOrEqual(2_007 + 12)
    expect(estimator.estimate(of(null), 2_007)).toBeLessThanOrEqual(2_007 + 12)
  })

  it('whatever others sent, if no prompt has more tokens than bytes', () => {
    const prompt = fc.record({ own: fc.nat(5_000), bound: fc.nat(20_000), part: fc.nat(100) })
    fc.assert(
      fc.property(fc.array(prompt, { size: 'max', maxLength: 60 }), (prompts) => {
        const estimator = new PromptEstimator()
        const fresh = new PromptEstimator()
        for (const { own, bound, part } of prompts) {
          const reported = Math.floor((bound * part) / 100)
          estimator.learn(of('b'), { own, bound, reported })
        }
        expect(estimator.estimate(of('a'), 777)).toBe(fresh.estimate(of('a'), 777))
        expect(estimator.template(of('a'))).toBe(0)
      }),
    )
  })
})

describe('what a template was seen to add to a bound', () => {
  it('J4 is known for everybody from the first report above a bound, and never forgotten', () => {
    const estimator = new PromptEstimator()
    expect(estimator.template(of())).toBe(0)
    estimator.learn(of('b'), { own: 3, bound: 89, reported: 620 })
    estimator.learn(of('b'), { own: 300, bound: 1_500, reported: 930 })
    expect(estimator.template(of('a'))).toBe(531)
    expect(estimator.template(of('a', 'another'))).toBe(0)
    expect(estimator.estimate(of('a'), 3)).toBeGreaterThan(590)
  })

  it('J18 the template of a chat is not used for a plain completion of the same model', () => {
    const estimator = new PromptEstimator()
    const chat = of('a', 'm', true, 'openai-chat')
    const completion = of('a', 'm', true, 'openai-completions')
    const before = estimator.estimate(completion, 4)
    estimator.learn(chat, { own: 4, bound: 100, reported: 700 })
    expect(estimator.template(chat)).toBe(600)
    expect(estimator.template(completion)).toBe(0)
    expect(estimator.estimate(completion, 4)).toBe(before)
  })

  it('tools make their own template longer, not that of plain prompts', () => {
    const estimator = new PromptEstimator()
    estimator.learn(of('b', 'm', false), { own: 100, bound: 400, reported: 900 })
    expect(estimator.template(of('a', 'm', false))).toBe(500)
    expect(estimator.template(of('a'))).toBe(0)
  })
})
