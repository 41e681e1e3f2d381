import { describe, expect, it } from 'vitest'
import { rerank } from '../../../../src/dialects/rerank/rerank.ts'
import { bytes, grant, mustRead } from '../../../support/dialects.ts'

const asked = (query: string, documents: readonly unknown[], more: object = {}) =>
  mustRead(rerank, { model: 'bge', query, documents, ...more })

const AROUND = 128

describe('L19 the bound of reranking is documents × query + Σ documents', () => {
  it.each([
    ['one document', 'four', ['ab'], 4 + 2],
    ['three documents', 'four', ['ab', 'abc', ''], 3 * 4 + 5],
    ['an object, as JSON', 'four', [{ text: 'ab' }], 4 + 16],
    ['an object with more', 'four', [{ text: 'ab', title: 'c' }], 4 + 31],
    ['no query', '', ['ab'], 2],
  ] as const)('%s', (_, query, documents, tokens) => {
    const { most, prompts } = asked(query, documents)
    expect(prompts).toBe(documents.length)
    expect(most.input).toBe(tokens + AROUND * documents.length + 64)
  })

  it('a long query with many documents is in the bound as often as it is read', () => {
    const query = 'q'.repeat(100_000)
    const { most } = asked(query, Array(2_000).fill('a'))
    expect(most.input).toBe(2_000 * 100_000 + 2_000 + AROUND * 2_000 + 64)
  })

  it('J2 an estimate counts the query as often', () => {
    expect(asked('four', ['a', 'b', 'c']).texts()).toEqual(['a', 'b', 'c', 'four', 'four', 'four'])
    const { texts, ids } = asked('q'.repeat(100_000), Array(10).fill('a'))
    expect(texts().join('').length).toBe(10 + 3 * 100_000)
    expect(ids).toBe(7 * 100_000)
  })

  it('the longest pair must fit into the context of the model', () => {
    const { longest, most } = asked('four', ['a', 'b'.repeat(91)])
    expect(longest).toBeCloseTo(95 / 100)
    expect(most.input).toBe(100 + 2 * AROUND + 64)
  })

  it('fields that make the model read more are left out, and named', () => {
    const request = asked('a', ['b'], { max_chunks_per_doc: 99, priority: 1, top_n: 1 })
    expect(request.ignored).toEqual(['max_chunks_per_doc', 'priority'])
    const sent = JSON.parse(Buffer.from(rerank.rewrite(request, 0, 'vllm').body).toString())
    expect(sent).toEqual({ model: 'bge', query: 'a', documents: ['b'], top_n: 1 })
  })
})

describe('A6 what is charged for reranking', () => {
  const charged = (more: object) => {
    const meter = rerank.meter(asked('four', ['ab']), grant(), 'other')
    expect(meter.whole(bytes({ results: [{ index: 0 }], ...more }))).not.toBeNull()
    const { input, output, source } = meter.usage(7)
    expect(output).toBe(0)
    return [input, source]
  }
  const MOST = 6 + AROUND + 64 + 2_048

  it.each([
    ['a report', { usage: { prompt_tokens: 9, total_tokens: 9 } }, [9, 'reported']],
    ['a total alone', { usage: { total_tokens: 9 } }, [9, 'reported']],
    ['Cohere’s tokens', { meta: { tokens: { input_tokens: 9 } } }, [9, 'reported']],
    ['search units are no tokens', { meta: { billed_units: { search_units: 9 } } }, [7, 'counted']],
    ['none', {}, [7, 'counted']],
    ['a report above the bound', { usage: { total_tokens: 1e9 } }, [MOST, 'counted']],
    ['a report of nothing', { usage: { total_tokens: 0 } }, [7, 'counted']],
    ['text', { usage: { total_tokens: '9' } }, [7, 'counted']],
    ['a fraction', { usage: { total_tokens: 0.5 } }, [7, 'counted']],
  ] as const)('%s', (_, answer, expected) => {
    expect(charged(answer)).toEqual(expected)
  })
})
