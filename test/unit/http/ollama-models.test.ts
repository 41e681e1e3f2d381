import { describe, expect, it } from 'vitest'
import { NONE_LOADED, OLLAMA_VERSION, showOf, tagsOf } from '../../../src/http/ollama-models.ts'
import { recorded } from '../../fixtures/recorded/recorded.ts'

const TINY = { id: 'tiny:latest', object: 'model', created: 1_795_226_374, owned_by: 'library' }

/** What a real Ollama answered, as JSON. */
const real = (name: string) => JSON.parse(recorded('ollama', name).response.toString())

/** The names and types of the members, and of those inside them. */
const form = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.slice(0, 1).map(form)
    : typeof value === 'object' && value !== null
      ? Object.fromEntries(Object.entries(value).map(([key, one]) => [key, form(one)]))
      : typeof value

describe('L20 what Ollama’s clients are told of models', () => {
  it('/api/tags has the members of a real one', () => {
    const listed = [{ ...TINY, family: 'llama' }]
    expect(form(tagsOf(listed))).toEqual(form(real('tags')))
    expect(tagsOf(listed)).toMatchObject({
      models: [{ name: 'tiny:latest', modified_at: '2026-11-21T01:59:34.000Z', size: 0 }],
    })
  })

  it('/api/version has those of a real one, and /api/ps says nothing of what is loaded', () => {
    expect(form(OLLAMA_VERSION)).toEqual(form(real('version')))
    expect(NONE_LOADED).toEqual({ models: [] })
    expect(Object.keys(real('ps'))).toEqual(Object.keys(NONE_LOADED))
  })

  it('/api/show has those of a real one, but for what is the operator’s', () => {
    const shown = Object.keys(showOf([TINY], 'tiny') ?? {})
    const all = Object.keys(real('show'))
    expect(all).toEqual(expect.arrayContaining(shown))
    expect(all.filter((name) => !shown.includes(name))).toEqual([
      ...['modelfile', 'parameters', 'template', 'tensors'],
    ])
  })

  it.each([
    ['as it is listed', 'tiny:latest', true],
    ['without its tag', 'tiny', true],
    ['in capitals', 'Tiny', true],
    ['with its registry', 'registry.ollama.ai/library/tiny', true],
    ['another tag', 'tiny:1b', false],
    ['another model', 'small', false],
    ['nothing', '', false],
  ])('/api/show finds a name %s', (_, name, found) => {
    expect(showOf([TINY], name) !== null).toBe(found)
  })

  it.each<[string, object, object]>([
    [
      'llama.cpp',
      { meta: { n_ctx: 4096, n_params: 7_615_616_512, size: 4_677_120_000 } },
      {
        details: { parameter_size: '7.6B' },
        model_info: { 'general.parameter_count': 7_615_616_512, 'unknown.context_length': 4096 },
      },
    ],
    [
      'LM Studio',
      { type: 'vlm', arch: 'qwen2', quantization: 'Q4_K_M', max_context_length: 32_768 },
      {
        details: { family: 'qwen2', quantization_level: 'Q4_K_M' },
        model_info: { 'general.architecture': 'qwen2', 'qwen2.context_length': 32_768 },
        capabilities: ['completion', 'vision'],
      },
    ],
    ['vLLM', { max_model_len: 8192 }, { model_info: { 'unknown.context_length': 8192 } }],
    [
      'OpenRouter',
      { supported_parameters: ['tools', 'reasoning', 'seed'], input_modalities: ['text', 'image'] },
      { capabilities: ['completion', 'tools', 'thinking', 'vision'] },
    ],
    ['an embedding model', { type: 'embeddings' }, { capabilities: ['embedding'] }],
    [
      'odd values',
      { created: -1, arch: 5, meta: [], capabilities: 'all' },
      {
        modified_at: '1970-01-01T00:00:00.000Z',
        capabilities: ['completion'],
      },
    ],
  ])('of a model of %s, what its list says', (_, fields, shown) => {
    expect(showOf([{ id: 'm', ...fields }], 'm')).toMatchObject(shown)
  })
})
