import type { Backend, Docs } from '../dialect.ts'
import type { JsonObject } from '../kit/json.ts'
import type { Answered } from '../kit/response-usage.ts'
import { CHAT_DOCS, COMPLETION_DOCS, EMBEDDING_DOCS } from './docs.ts'

export type Api = 'openai-chat' | 'openai-completions' | 'openai-embeddings'

/** What differs between the answers of OpenAI's three APIs. */
export interface Endpoint {
  readonly name: Api
  readonly path: string
  readonly docs: Docs
  /** The `object` of a chunk, if the stream has named none. */
  readonly object: string
  /** A choice that ends at the output limit. */
  last(index: number): JsonObject
  /** A choice of a chunk that says nothing. */
  empty(index: number): JsonObject
}

export const CHAT: Endpoint = {
  name: 'openai-chat',
  path: '/v1/chat/completions',
  docs: CHAT_DOCS,
  object: 'chat.completion.chunk',
  last: (index) => ({ index, delta: {}, logprobs: null, finish_reason: 'length' }),
  empty: (index) => ({ index, delta: {}, logprobs: null, finish_reason: null }),
}

export const COMPLETIONS: Endpoint = {
  name: 'openai-completions',
  path: '/v1/completions',
  docs: COMPLETION_DOCS,
  object: 'text_completion',
  last: (index) => ({ index, text: '', logprobs: null, finish_reason: 'length' }),
  empty: (index) => ({ index, text: '', logprobs: null, finish_reason: null }),
}

export const EMBEDDINGS: Endpoint = {
  name: 'openai-embeddings',
  path: '/v1/embeddings',
  docs: EMBEDDING_DOCS,
  object: 'list',
  last: (index) => ({ index }),
  empty: (index) => ({ index }),
}

/** Backends that put a usage into the chunks of a choice without being asked. It stays there. */
export const SENT_ANYWAY: Readonly<Record<Backend, readonly Api[]>> = {
  llamacpp: ['openai-completions'],
  ollama: [],
  vllm: [],
  lmstudio: [],
  other: [],
}

/** What a meter knows about the response that it watches. */
export interface Watched extends Answered {
  readonly endpoint: Endpoint
  readonly backend: Backend
}
