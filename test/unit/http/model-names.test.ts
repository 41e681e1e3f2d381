import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Backend } from '../../../src/dialects/dialect.ts'
import { err } from '../../../src/floor/result.ts'
import { priceOf } from '../../../src/gate/price.ts'
import { modelOf, ollamaName, reached } from '../../../src/http/model-names.ts'
import type { Model } from '../../../src/http/probe.ts'
import { type Price, parsePrice } from '../../../src/money/parse.ts'
import { makePricing } from '../../../src/money/pricing.ts'

const price = (text: string): Price => {
  const read = parsePrice(text)
  if (!read.ok) throw new Error(read.error)
  return read.value
}

/** The price of a request for `name` per 1,000 tokens, or a word if it is not sold. */
function cost(
  kind: Backend,
  ids: readonly (string | Model)[],
  {
    name,
    prices,
    fallback = '1',
  }: { name: string; prices: Record<string, string>; fallback?: string },
): string {
  const models = ids.map((id) => (typeof id === 'string' ? { id } : id))
  const list = Object.entries(prices).map(([pattern, text]) => ({ pattern, price: price(text) }))
  const pricing = makePricing({ fallback: price(fallback), models: list }, () => err('none'))
  const priced = priceOf(name, {
    pricing,
    models: { reached: (asked) => reached(kind, models, asked) },
  })
  return priced.is === 'priced' ? String(Number(priced.rate.input) / 1e6) : priced.is
}

const DEEPSEEK = { 'deepseek-*': '1', 'deepseek-r1:latest': '100' }

describe('J10 a name is resolved as its backend resolves it', () => {
  it.each<[Backend, string, string, boolean]>([
    ['ollama', 'tiny:latest', 'TINY', true],
    ['ollama', 'Tiny:8B', 'tiny:8b', true],
    ['ollama', 'tiny:8b', 'tiny', false],
    ['ollama', 'tiny:latest', 'library/tiny', true],
    ['ollama', 'tiny:latest', 'registry.ollama.ai/library/tiny:latest', true],
    ['ollama', 'me/mine:latest', 'registry.ollama.ai/me/mine', true],
    ['ollama', 'tiny:latest', 'me/tiny', false],
    ['ollama', 'hf.co/me/x-GGUF:Q4_K_M', 'HF.co/me/x-gguf:q4_k_m', true],
    ['ollama', 'host:5000/me/tiny:latest', 'host:5000/me/tiny', true],
    ['vllm', 'Llama', 'llama', false],
    ['other', 'Llama', 'llama', false],
    ['llamacpp', 'tiny', 'anything', false],
  ])('%s, %s: %s is known: %s', (kind, id, name, known) => {
    expect(modelOf(kind, [{ id }], name) !== undefined).toBe(known)
  })

  it.each([
    'deepseek-r1',
    'deepseek-R1:latest',
    'Library/DeepSeek-R1',
    ' deepseek-r1',
    'deepseek-r1 ',
  ])('%j costs what deepseek-r1:latest does, whatever the backend', (name) => {
    for (const kind of ['ollama', 'other', 'lmstudio', 'llamacpp'] as const) {
      expect(cost(kind, ['deepseek-r1:latest'], { name, prices: DEEPSEEK })).toBe('100')
      expect(cost(kind, [], { name, prices: DEEPSEEK })).toBe('100')
    }
  })

  it('a price that is written in another spelling is valid for an Ollama', () => {
    for (const pattern of [
      'Tiny',
      'tiny:latest',
      'library/tiny',
      'registry.ollama.ai/library/TINY',
    ]) {
      expect(cost('ollama', ['tiny:latest'], { name: 'tiny', prices: { [pattern]: '7' } })).toBe(
        '7',
      )
    }
  })

  it('of two whole names of one model the higher price counts, in any order', () => {
    for (const prices of [
      { tiny: '9', 'tiny:latest': '2' },
      { 'tiny:latest': '2', tiny: '9' },
    ]) {
      expect(cost('ollama', ['tiny:latest'], { name: 'tiny', prices })).toBe('9')
    }
  })

  it('llama.cpp: an alias, a path and a made-up name are the model that is loaded', () => {
    const models = [{ id: 'big', aliases: ['big', 'huge'] }]
    const prices = { 'h*': '1', big: '50', 'x*': '2' }
    for (const name of ['big', 'huge', 'x-1'])
      expect(cost('llamacpp', models, { name, prices })).toBe('50')
    const path = ['/models/deepseek-r1.gguf']
    expect(
      cost('llamacpp', path, {
        name: 'deepseek-r1',
        prices: { '/models/deepseek-r1.gguf': '9', 'deep*': '1' },
      }),
    ).toBe('9')
    expect(
      cost('llamacpp', path, {
        name: 'deepseek-r1',
        prices: { 'deepseek-r1': '3' },
        fallback: 'refuse',
      }),
    ).toBe('3')
  })

  it('LM Studio: a part of a name, a quantisation, an instance', () => {
    const prices = { 'qwen*': '1', 'qwen/qwen3-8b': '30' }
    for (const name of ['qwen3-8b', 'qwen3-8b@q4_k_m', 'Qwen3-8B:2', 'qwen3']) {
      expect(cost('lmstudio', ['qwen/qwen3-8b'], { name, prices })).toBe('30')
    }
  })

  it('vLLM: every served name is the same model; an adapter has the price of its base', () => {
    const models = [
      { id: 'big', root: '/m/big', parent: null },
      { id: 'alias', root: '/m/big', parent: null },
      { id: 'sql', root: '/lora/sql', parent: 'big' },
      { id: 'law', root: '/lora/law', parent: 'big' },
    ]
    const prices = { big: '50', law: '60' }
    expect(
      ['big', 'alias', 'sql', 'law'].map((name) => cost('vllm', models, { name, prices })),
    ).toEqual(['50', '50', '50', '60'])
    const loop = [
      { id: 'a', parent: 'b' },
      { id: 'b', parent: 'a' },
    ]
    expect(cost('vllm', loop, { name: 'a', prices: {} })).toBe('1')
  })

  it('a name that may be one of two models has the higher price', () => {
    const prices = { 'a/tiny': '5', 'b/tiny': '8', 'tin*': '1' }
    expect(cost('other', ['a/tiny', 'b/tiny'], { name: 'tiny', prices })).toBe('8')
    expect(
      cost('other', ['a/tiny'], { name: 'tiny', prices: { 'a/*': 'refuse', 'tin*': '1' } }),
    ).toBe('1')
    expect(
      cost('other', ['a/tiny'], { name: 'tiny', prices: { 'a/tiny': 'refuse', 'ti*': '1' } }),
    ).toBe('refused')
  })

  it('J1 a name of a megabyte is compared unchanged, however many models there are', () => {
    const name = 'Tiny'.repeat(250_000)
    const models = Array.from({ length: 300 }, (_, at) => ({ id: `tiny-${at}` }))
    expect(modelOf('ollama', models, name)).toBe(undefined)
    expect(reached('other', models, name)).toHaveLength(1)
  })

  it('no spelling of a listed name costs less than the name', () => {
    const spell = fc.constantFrom<(name: string) => string>(
      (name) => name.toUpperCase(),
      (name) => `library/${name}`,
      (name) => `registry.ollama.ai/library/${name}`,
      (name) => `https://registry.ollama.ai/library/${name}`,
      (name) => name.replace(/:latest$/, ''),
      (name) => (name.includes(':') ? name : `${name}:latest`),
      (name) => name.replaceAll('s', '\u017f'),
      (name) => name.replaceAll('k', '\u212a'),
    )
    const prices = { 'd*': '1', 'deep*': '2', '*latest': '3', 'deepseek-r1:latest': '100' }
    fc.assert(
      fc.property(fc.array(spell, { maxLength: 6, size: 'max' }), (spellings) => {
        const name = spellings.reduce((text, one) => one(text), 'deepseek-r1:latest')
        const model = modelOf('ollama', [{ id: 'deepseek-r1:latest' }], name)
        if (model === undefined) return
        expect(cost('ollama', ['deepseek-r1:latest'], { name, prices })).toBe('100')
      }),
    )
    expect(ollamaName('REGISTRY.ollama.AI/Library/x')).toBe('x')
  })
})
