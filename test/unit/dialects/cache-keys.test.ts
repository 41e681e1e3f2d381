import { describe, expect, it } from 'vitest'
import type { CacheKey } from '../../../src/dialects/dialect.ts'
import { dialects } from '../../../src/dialects/index.ts'
import { openaiChat } from '../../../src/dialects/openai/chat.ts'
import { openaiEmbeddings } from '../../../src/dialects/openai/embeddings.ts'
import { openaiResponses } from '../../../src/dialects/responses/dialect.ts'
import { APIS } from '../../support/apis.ts'
import { BACKENDS, bytes, HEAD, mustRead } from '../../support/dialects.ts'

const keyOf =
  (account: string): CacheKey =>
  (own) =>
    `${account}-${own}`

const CHAT = { model: 'm', messages: [{ role: 'user', content: 'hi' }] }

const sent = (
  more: object,
  { backend = 'other', refused = [] as readonly string[], key = keyOf('a') as CacheKey | null },
  dialect = openaiChat,
  body: object = CHAT,
) => {
  const asked = mustRead(dialect, { ...body, ...more })
  const rewritten = dialect.rewrite(
    asked,
    9,
    backend as 'other',
    new Set(refused),
    key ?? undefined,
  )
  const { prompt_cache_key, cache_salt } = JSON.parse(Buffer.from(rewritten.body).toString())
  return { prompt_cache_key, cache_salt, own: rewritten.ownCache === true }
}

describe('L21 the part of a prompt cache that a request names is the account’s own', () => {
  it.each([
    ['no key', {}, {}, {}],
    ['a key', { prompt_cache_key: 'k' }, {}, { prompt_cache_key: 'a-k' }],
    ['a salt', { cache_salt: 's' }, {}, { cache_salt: 'a-s' }],
    ['a key of another type', { prompt_cache_key: 7 }, {}, {}],
    ['nobody who pays', { prompt_cache_key: 'k', cache_salt: 's' }, { key: null }, {}],
    ['vLLM', {}, { backend: 'vllm' }, { cache_salt: 'a-' }],
    ['vLLM and a salt', { cache_salt: 's' }, { backend: 'vllm' }, { cache_salt: 'a-s' }],
    [
      'vLLM and a key',
      { prompt_cache_key: 'k' },
      { backend: 'vllm' },
      { prompt_cache_key: 'a-k', cache_salt: 'a-k' },
    ],
    ['a vLLM that takes no salt', {}, { backend: 'vllm', refused: ['cache_salt'] }, {}],
  ] as const)('%s', (_, more, how, expected) => {
    const { own, ...keys } = sent(more, how)
    expect(keys).toEqual({ prompt_cache_key: undefined, cache_salt: undefined, ...expected })
    const isVllm = 'backend' in how && !('refused' in how)
    expect(own).toBe(isVllm)
  })

  it('Responses has the same, and embeddings get no salt of the gate’s', () => {
    const vllm = { backend: 'vllm' }
    const input = { model: 'm', input: 'hi' }
    const responses = sent({ prompt_cache_key: 'k' }, vllm, openaiResponses, input)
    expect(responses).toEqual({ prompt_cache_key: 'a-k', cache_salt: 'a-k', own: true })
    const embeddings = sent({ cache_salt: 's' }, vllm, openaiEmbeddings, input)
    expect(embeddings).toEqual({ cache_salt: 'a-s', own: false })
  })

  it('K5 a backend that refuses the salt gets the request without it', () => {
    const asked = mustRead(openaiChat, CHAT)
    const refusal = bytes({ error: { code: 'unsupported_parameter', param: 'cache_salt' } })
    expect(openaiChat.respell(asked, refusal, new Set())).toEqual(new Set(['cache_salt']))
  })

  describe.each(dialects.map((dialect) => [dialect.path, dialect] as const))(
    '%s',
    (path, dialect) => {
      it('sends no name of a cache as the client wrote it, and none alike for two accounts', () => {
        const names = { prompt_cache_key: 'guessed', cache_salt: 'guessed' }
        const body = APIS[path]?.body
        if (body === undefined || dialect.docs.request.type !== 'application/json') return
        const read = dialect.read(bytes({ model: 'fake', ...body, ...names }), HEAD)
        if (!read.ok) return
        for (const backend of BACKENDS) {
          const both = ['a', 'b'].map((account) => {
            const { body } = dialect.rewrite(read.value, 9, backend, new Set(), keyOf(account))
            const { prompt_cache_key: key, cache_salt: salt } = JSON.parse(
              Buffer.from(body).toString(),
            )
            return [key, salt].filter((name) => name !== undefined)
          })
          expect(both.flat()).not.toContain('guessed')
          expect(both[0]?.filter((name) => both[1]?.includes(name))).toEqual([])
        }
      })
    },
  )
})
