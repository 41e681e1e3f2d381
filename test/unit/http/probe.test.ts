import { createServer } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { ok, type Result } from '../../../src/floor/result.ts'
import { makeModels } from '../../../src/http/models.ts'
import { discover, probeUpstream, readProbe } from '../../../src/http/probe.ts'
import type { JsonAnswer } from '../../../src/http/upstream.ts'
import { Bench, soon } from '../../support/hear.ts'
import { real, worldAt } from '../../support/world.ts'

const bench = new Bench()
afterEach(() => bench.clean())

const answer = (data: unknown, headers = {}, status = 200): Result<JsonAnswer, string> =>
  ok({ status, headers, json: { object: 'list', data } })

/** Shortened answers of the named servers. */
const LLAMACPP = {
  id: 'tiny',
  aliases: ['tiny', 'small'],
  owned_by: 'llamacpp',
  meta: { n_ctx: 2048, n_ctx_train: 8192 },
}
const OLLAMA = { id: 'tiny:latest', object: 'model', created: 1, owned_by: 'library' }
const OWN_OLLAMA = { id: 'me/mine:latest', object: 'model', created: 1, owned_by: 'me' }
const VLLM = { id: 'meta-llama/Llama-3', owned_by: 'vllm', max_model_len: 131_072, root: 'x' }
const LMSTUDIO = { id: 'qwen3-8b', object: 'model', owned_by: 'organization_owner' }
const LITELLM = { id: 'tiny', object: 'model', created: 1, owned_by: 'openai' }

describe('a backend is named by its list of models', () => {
  it.each([
    ['llama.cpp', answer([LLAMACPP]), 'llamacpp', { tiny: 2048 }],
    ['llama.cpp, by its Server header', answer([], { server: 'llama.cpp' }), 'llamacpp', {}],
    ['Ollama', answer([OLLAMA]), 'ollama', {}],
    ['Ollama with a model of one’s own', answer([OWN_OLLAMA, OLLAMA]), 'ollama', {}],
    ['vLLM', answer([VLLM]), 'vllm', { 'meta-llama/Llama-3': 131_072 }],
    ['LM Studio', answer([LMSTUDIO]), 'lmstudio', {}],
    ['LiteLLM', answer([LITELLM]), 'other', {}],
    ['nobody known', answer([{ id: 'm', owned_by: 'toString' }]), 'other', {}],
    ['without models', answer(null), 'other', {}],
    ['nonsense sizes', answer([{ ...VLLM, max_model_len: '9', context_length: -1 }]), 'vllm', {}],
  ])('%s', (_, given, kind, context) => {
    expect(readProbe(given)).toMatchObject({ ok: true, value: { kind, context } })
  })

  it('K14 a bare array is a list of models', () => {
    const bare = ok({ status: 200, headers: {}, json: [VLLM, { id: '' }, OLLAMA] })
    expect(readProbe(bare)).toMatchObject({
      ok: true,
      value: { kind: 'vllm', models: [VLLM, OLLAMA] },
    })
    expect(readProbe(ok({ status: 200, headers: {}, json: [] }))).toMatchObject({ ok: true })
  })

  it('models keep every field; records without an id are left out', () => {
    const probed = readProbe(answer([LLAMACPP, null, 'x', {}, { id: 7 }, { id: '' }]))
    expect(probed.ok && probed.value.models).toEqual([LLAMACPP])
  })

  it('leaves out names that no request may have, because a page hangs on a name of a million letters', () => {
    const ids = ['a', 'b'.repeat(256), 'c'.repeat(257), '\u0301'.repeat(1_000_000)]
    const probed = readProbe(answer(ids.map((id) => ({ id }))))
    expect(probed.ok && probed.value.models.map(({ id }) => id)).toEqual(ids.slice(0, 2))
  })

  it.each([
    ['wants a key', answer(null, {}, 401), { why: 'refused', status: 401 }],
    ['has no such path', answer([], {}, 404), { why: 'no_models', status: 404 }],
    [
      'sends a page',
      ok({ status: 200, headers: {}, json: undefined }),
      { why: 'no_models', status: 200 },
    ],
    ['sends another shape', answer({ a: 1 }), { why: 'no_models', status: 200 }],
    ['is not there', { ok: false, error: 'x' } as const, { why: 'unreachable', detail: 'x' }],
  ])('one that %s is told apart', (_, given, error) => {
    expect(readProbe(given)).toEqual({ ok: false, error })
  })
})

describe('probing', () => {
  it('asks for /v1/models and nothing else, with the operator’s key', async () => {
    const { fake } = await bench.both({ models: [OLLAMA] })
    const probed = await probeUpstream(fake.base, 'sk-operator', real)
    expect(probed).toMatchObject({ ok: true, value: { kind: 'ollama', models: [OLLAMA] } })
    expect(fake.seen.map(({ method, path }) => `${method} ${path}`)).toEqual(['GET /v1/models'])
    expect(fake.seen[0]?.headers.authorization).toBe('Bearer sk-operator')
  })

  it('a server that accepts the connection and sends nothing is given up', async () => {
    const silent = createServer(() => {})
    await new Promise<void>((then) => silent.listen(0, '127.0.0.1', then))
    bench.later(() => silent.close())
    const { port } = silent.address() as { port: number }
    const probed = await probeUpstream(new URL(`http://127.0.0.1:${port}`), null, real, 80)
    expect(probed).toMatchObject({ ok: false, error: { why: 'unreachable' } })
  })

  it('discovery takes the first port in the list that has models', async () => {
    const first = await bench.both({ status: 404 })
    const second = await bench.both({ models: [VLLM], firstByteMs: 40 })
    const third = await bench.both({ models: [OLLAMA] })
    const ports = [first, second, third].map(({ fake }) => fake.port)
    const found = await discover(real, ports)
    expect([found?.kind, found?.base.port]).toEqual(['vllm', String(ports[1])])
    expect(await discover(real, [ports[0] as number])).toBeNull()
  })
})

describe('the list of models', () => {
  function models(ttlMs = 60_000) {
    const at = { now: 1_000_000, asked: 0, answer: answer([OLLAMA]) }
    const list = makeModels({
      world: worldAt(() => at.now),
      ttlMs,
      get: async () => {
        at.asked += 1
        await soon(10)
        return at.answer
      },
    })
    return { at, list }
  }

  it('is asked for once for all who wait, and again when it is old', async () => {
    const { at, list } = models()
    await Promise.all([list.list(), list.list(), list.knows('x')])
    expect(at.asked).toBe(1)
    at.now += 59_999
    await list.list()
    expect(at.asked).toBe(1)
    at.now += 1
    await list.list()
    expect(at.asked).toBe(2)
  })

  it('an older list is used while the upstream fails, which is asked again after 5 s', async () => {
    const { at, list } = models()
    await list.list()
    at.now += 60_000
    at.answer = { ok: false, error: 'down' }
    expect(await list.list()).toEqual([OLLAMA])
    await list.list()
    expect(at.asked).toBe(2)
    at.now += 5_000
    at.answer = answer([VLLM])
    expect(await list.list()).toEqual([VLLM])
  })

  it('a list that never came is null, not empty', async () => {
    const { at, list } = models()
    at.answer = { ok: false, error: 'down' }
    expect(await list.list()).toBeNull()
    expect(await list.knows('tiny')).toBeNull()
  })

  it('what the start learnt is not asked for again', async () => {
    const list = makeModels({
      world: worldAt(() => 0),
      get: () => expect.unreachable(),
      first: readProbe(answer([OLLAMA])),
    })
    expect(await list.list()).toEqual([OLLAMA])
  })

  it.each([
    [OLLAMA, 'tiny:latest', true],
    [OLLAMA, 'tiny', true],
    [OLLAMA, 'tiny:8b', false],
    [OLLAMA, 'Tiny', true],
    [LLAMACPP, 'small', true],
    [VLLM, 'Llama-3', false],
  ])('%j answers to %s: %s', async (model, name, known) => {
    const list = makeModels({
      world: worldAt(() => 0),
      get: () => expect.unreachable(),
      first: readProbe(answer([model])),
    })
    expect(await list.knows(name)).toBe(known)
    expect(list.contextOf(name) !== null).toBe(known && model !== OLLAMA)
    expect(list.some()).toEqual([model.id])
  })

  it('A10 what a name reaches is found out anew when the models are listed again', async () => {
    let listed: object = LLAMACPP
    let now = 0
    const list = makeModels({ world: worldAt(() => now), get: async () => answer([listed]) })
    await list.knows('small')
    const names = () => list.reached('small').map((one) => one.names.includes(LLAMACPP.id))
    const once = list.reached('small')
    expect([names(), list.reached('small') === once]).toEqual([[true], true])
    listed = VLLM
    now = 61_000
    expect(await list.knows('small')).toBe(false)
    expect(names()).toEqual([false])
  })
})
