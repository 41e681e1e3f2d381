import { NEVER_PASSED } from '../kit/never-passed.ts'

/** The fields of a request to the Messages API, by what the gate does with them. */

/** Fields that pass. `limits.requestFields` adds names (threats J16). */
export const PASSED: ReadonlySet<string> = new Set([
  ...['model', 'messages', 'system', 'max_tokens', 'stream', 'stop_sequences', 'metadata'],
  ...['temperature', 'top_p', 'top_k', 'tools', 'tool_choice', 'thinking', 'cache_control'],
  ...['output_config', 'output_format', 'chat_template_kwargs'],
])

/** Settings of thinking, and of a model's template. Booleans, numbers and words pass. */
export const SWITCHES: ReadonlySet<string> = new Set(['thinking', 'chat_template_kwargs'])

/**
 * Fields that use state or tools of the backend, or that change its price. They are refused by name:
 * without them the answer would be another one than the client asked for (threats L18).
 */
export const HOSTED: ReadonlySet<string> = new Set([
  ...['container', 'mcp_servers', 'service_tier', 'inference_geo', 'speed', 'fallbacks'],
])

/** Left out if it only forgets old content, refused if it makes the backend write a summary. */
export const CONTEXT = 'context_management'

/** A model reads nothing of these, so they are not in the bound of the input. */
export const NOT_PROMPT: ReadonlySet<string> = new Set([
  ...['model', 'messages', 'system', 'max_tokens', 'stream', 'metadata', 'cache_control'],
  ...['stop_sequences', 'thinking'],
])

/** Every known outermost name. A key that folds to one of them but differs from it is refused. */
export const KNOWN: ReadonlySet<string> = new Set([...PASSED, ...HOSTED, CONTEXT, ...NEVER_PASSED])

/** The known keys of a message and of a block of its content. */
export const BLOCK: ReadonlySet<string> = new Set([
  ...['role', 'content', 'type', 'text', 'source', 'cache_control', 'citations', 'id', 'name'],
  ...['input', 'tool_use_id', 'is_error', 'thinking', 'signature', 'data', 'title', 'context'],
  'caller',
])
