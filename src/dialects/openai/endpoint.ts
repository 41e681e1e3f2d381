import type { Asked, Backend, Granted } from '../dialect.ts'
import type { JsonObject } from '../kit/json.ts'

/** What differs between the answers of OpenAI's three APIs. */
export interface Shape {
  readonly name: Asked['dialect']
  /** `object` of a chunk, where the stream named none. */
  readonly object: string
  /** A choice that ends at the output limit. */
  last(index: number): JsonObject
  /** A choice of a chunk that says nothing. */
  empty(index: number): JsonObject
}

export const CHAT: Shape = {
  name: 'openai-chat',
  object: 'chat.completion.chunk',
  last: (index) => ({ index, delta: {}, logprobs: null, finish_reason: 'length' }),
  empty: (index) => ({ index, delta: {}, logprobs: null, finish_reason: null }),
}

export const COMPLETIONS: Shape = {
  name: 'openai-completions',
  object: 'text_completion',
  last: (index) => ({ index, text: '', logprobs: null, finish_reason: 'length' }),
  empty: (index) => ({ index, text: '', logprobs: null, finish_reason: null }),
}

export const EMBEDDINGS: Shape = {
  name: 'openai-embeddings',
  object: 'list',
  last: (index) => ({ index }),
  empty: (index) => ({ index }),
}

/** Where a backend puts a usage into the chunks of a choice without being asked: it stays there. */
export const SENT_ANYWAY: Readonly<Record<Backend, readonly Asked['dialect'][]>> = {
  llamacpp: ['openai-completions'],
  ollama: [],
  vllm: [],
  lmstudio: [],
  other: [],
}

/** One response that is watched. */
export interface Watched {
  readonly shape: Shape
  readonly asked: Asked
  readonly granted: Granted
  readonly backend: Backend
  readonly prompts: number
  /** Choices that the answer shows; `asked.choices` are made. */
  readonly shown: number
}
