import { NEVER_PASSED } from '../kit/never-passed.ts'
import type { Passing } from '../kit/sift.ts'
import { passing } from './options.ts'

/**
 * The outermost fields that pass, by API (Ollama API reference). It is an allow-list (threats J16).
 * How long a model stays in memory is not on it: that is the operator's choice (threats L20).
 */
const EVERYWHERE = ['model', 'options', 'truncate'] as const
const ANSWER = ['stream', 'format', 'think', 'shift', 'logprobs', 'top_logprobs'] as const

/**
 * Fields of `/api/generate` that would send another prompt than the one that is counted. They pass
 * only if they are empty, as the ollama command sends them (threats J16).
 */
export const EMPTY_ONLY = ['template', 'context', 'raw'] as const

const inside = new Map([['options', passing]])
const passes = (...names: readonly string[]): Passing => ({
  passed: new Set([...EVERYWHERE, ...names]),
  switches: new Set(['think']),
  inside,
})

export const CHAT = passes(...ANSWER, 'messages', 'tools')
export const GENERATE = passes(...ANSWER, 'prompt', 'suffix', 'system', 'images', ...EMPTY_ONLY)
export const EMBED = passes('input', 'dimensions')
export const EMBEDDINGS = passes('prompt')

/** Every known outermost name. A key that folds to one of them but differs from it is refused. */
export const KNOWN: ReadonlySet<string> = new Set([
  ...[CHAT, GENERATE, EMBED, EMBEDDINGS].flatMap(({ passed }) => [...passed]),
  ...NEVER_PASSED,
])

/** The known keys of a message. */
export const MESSAGE: ReadonlySet<string> = new Set([
  ...['role', 'content', 'thinking', 'images', 'tool_calls', 'tool_name', 'tool_call_id', 'name'],
])
