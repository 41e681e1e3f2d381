import { describe, expect, it } from 'vitest'
import { moderations } from '../../../../src/dialects/moderations/moderations.ts'
import { bytes, grant, mustRead } from '../../../support/dialects.ts'
import { dataUrl, png } from '../../../support/pictures.ts'

const SCREEN = dataUrl(png([1_920, 1_080]))
const asked = (input: unknown, more: object = {}) =>
  mustRead(moderations, { model: 'omni', input, ...more })

describe('the bound of a moderation', () => {
  it.each([
    ['a text', 'Hello', 5 + 16 + 64, 1],
    ['texts', ['Hello', 'you'], 8 + 2 * 16 + 64, 2],
    ['parts of text', [{ type: 'text', text: 'Hello' }], 5 + 16 + 64, 1],
    [
      'a text and a picture',
      [
        { type: 'text', text: 'Hello' },
        { type: 'image_url', image_url: { url: SCREEN } },
      ],
      5 + 7_560 + 2 * 16 + 64,
      1,
    ],
  ] as const)('%s', (_, input, most, prompts) => {
    expect(asked(input)).toMatchObject({ most: { input: most }, prompts, hasOutput: false })
  })

  it('J2 an estimate counts each text, and a picture as its bound', () => {
    const { texts, ids } = asked([
      { type: 'text', text: 'Hello' },
      { type: 'image_url', image_url: { url: SCREEN } },
    ])
    expect([texts(), ids]).toEqual([['Hello'], 7_560])
  })
})

it('J16 L18 leaves every other field out, and names it', () => {
  const request = asked('a', { store: true, stream: true, user: 'x' })
  expect(request.ignored).toEqual(['store', 'stream', 'user'])
  const { body } = moderations.rewrite(request, 0, 'other')
  expect(JSON.parse(Buffer.from(body).toString())).toEqual({ model: 'omni', input: 'a' })
})

it('A6 a usage that is reported is charged, at most the bound and what a template may add', () => {
  const charged = (usage: unknown) => {
    const meter = moderations.meter(asked('Hello'), grant(), 'other')
    expect(meter.whole(bytes({ results: [{ categories: {} }], usage }))).not.toBeNull()
    const { input, source } = meter.usage(7)
    return [input, source]
  }
  expect(charged({ prompt_tokens: 4, total_tokens: 4 })).toEqual([4, 'reported'])
  expect(charged({ total_tokens: 5 })).toEqual([5, 'reported'])
  expect(charged({ prompt_tokens: 1e9 })).toEqual([85 + 2_048, 'counted'])
  expect(charged({ prompt_tokens: 0, total_tokens: 0 })).toEqual([7, 'counted'])
  expect(charged({ prompt_tokens: -1 })).toEqual([7, 'counted'])
  expect(charged(undefined)).toEqual([7, 'counted'])
})
