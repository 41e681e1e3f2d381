import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hideCached } from '../../../src/gate/cached-figures.ts'

const shown = (text: string, most: number): string =>
  Buffer.from(hideCached(Buffer.from(text), () => most)).toString()

describe('L21 figures of a prompt cache that others have filled are not shown', () => {
  it.each([
    [
      'OpenAI',
      '{"usage":{"prompt_tokens":90,"prompt_tokens_details":{"cached_tokens":64}}}',
      '{"usage":{"prompt_tokens":90,"prompt_tokens_details":{"cached_tokens":10}}}',
    ],
    [
      'DeepSeek: the rest grows',
      '{"prompt_cache_hit_tokens":64,"prompt_cache_miss_tokens":26}',
      '{"prompt_cache_hit_tokens":10,"prompt_cache_miss_tokens":80}',
    ],
    [
      'Anthropic: what was read counts as written',
      '{"input_tokens":3,"cache_creation_input_tokens":0,"cache_read_input_tokens":64,"cache_creation":{"ephemeral_5m_input_tokens":0}}',
      '{"input_tokens":3,"cache_creation_input_tokens":54,"cache_read_input_tokens":10,"cache_creation":{"ephemeral_5m_input_tokens":54}}',
    ],
    [
      'Anthropic’s API of llama.cpp: it is plain input',
      '{"usage":{"cache_read_input_tokens":64,"input_tokens":26,"output_tokens":2}}',
      '{"usage":{"cache_read_input_tokens":10,"input_tokens":80,"output_tokens":2}}',
    ],
    [
      'llama.cpp: the rest grows, and no rate tells it',
      '{"timings":{"cache_n":64,"prompt_n":1,"prompt_ms":9.5,"prompt_per_token_ms":9.5,"prompt_per_second":105.2}}',
      '{"timings":{"cache_n":10,"prompt_n":55,"prompt_ms":9.5,"prompt_per_token_ms":0,"prompt_per_second":0}}',
    ],
    ['spaces', '{ "cached_tokens" : 64 }', '{ "cached_tokens" : 10 }'],
    ['several lines', '{\n  "cached_tokens": 64\n}', '{\n  "cached_tokens": 10\n}'],
    [
      'each event by itself',
      'data: {"cache_n":64,"prompt_n":1}\n\ndata: {"cache_n":5,"prompt_n":7}\n\n',
      'data: {"cache_n":10,"prompt_n":55}\n\ndata: {"cache_n":5,"prompt_n":7}\n\n',
    ],
    ['a figure that is not above it', '{"cached_tokens":10}', '{"cached_tokens":10}'],
    ['none', '{"cached_tokens":0}', '{"cached_tokens":0}'],
    [
      'a text of the model with the same words',
      '{"content":"{\\"cached_tokens\\":64}, cache_n: 64"}',
      '{"content":"{\\"cached_tokens\\":64}, cache_n: 64"}',
    ],
    [
      'letters that are not ASCII',
      '{"a":"é🙂","cached_tokens":64}',
      '{"a":"é🙂","cached_tokens":10}',
    ],
  ])('%s', (_, answer, expected) => {
    expect(shown(answer, 10)).toBe(expected)
  })

  it('an answer for which others filled the cache looks like one for which nobody did', () => {
    const hit = '{"cache_n":64,"prompt_n":26,"prompt_per_token_ms":1.5,"prompt_per_second":2}'
    const miss = '{"cache_n":0,"prompt_n":90,"prompt_per_token_ms":2.5,"prompt_per_second":3}'
    expect(shown(hit, 0)).toBe(shown(miss, 0))
  })

  it('asks for nothing if there is no figure above 0, and returns the very bytes', () => {
    const never = () => {
      throw new Error('asked')
    }
    for (const text of [
      '',
      'data: {"content":"cache"}\n\n',
      '{"cached_tokens":0}',
      '{"cached_tokens":null}',
    ]) {
      const bytes = Buffer.from(text)
      expect(hideCached(bytes, never)).toBe(bytes)
    }
  })

  it('never throws, and leaves bytes alone that have no such member', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        expect(Buffer.from(hideCached(noise, () => 0))).toEqual(Buffer.from(noise))
      }),
    )
  })
})
