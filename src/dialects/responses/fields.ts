import { NEVER_PASSED } from '../kit/never-passed.ts'
import type { Passing } from '../kit/sift.ts'

/** The fields of a request to the Responses API, by what the gate does with them. */

/** Settings of a model's template and of its thinking. Booleans, numbers and words pass. */
const SWITCHES = ['reasoning', 'chat_template_kwargs'] as const

/**
 * The fields that pass (threats J16, L18). `include`, `tools` and `stream_options` pass in part.
 * `limits.requestFields` adds names.
 */
export const PASSING: Passing = {
  passed: new Set([
    ...['model', 'input', 'instructions', 'tools', 'tool_choice', 'parallel_tool_calls', 'text'],
    ...['max_output_tokens', 'max_tool_calls', 'stream', 'stream_options', 'include'],
    ...['metadata', 'user', 'safety_identifier', 'prompt_cache_key', 'prompt_cache_retention'],
    ...['temperature', 'top_p', 'top_k', 'min_p', 'seed', 'stop', 'top_logprobs'],
    ...['presence_penalty', 'frequency_penalty', 'repetition_penalty'],
    ...SWITCHES,
  ]),
  switches: new Set(SWITCHES),
}

/** Fields that stand for state or tools at the upstream, or for another price (threats L18). */
export const LOOKED_AT = [
  ...['previous_response_id', 'conversation', 'prompt', 'background', 'store', 'truncation'],
  ...['service_tier', 'context_management'],
] as const

/** Every known outermost name. A key that folds to one of them but differs from it is refused. */
export const KNOWN: ReadonlySet<string> = new Set([
  ...PASSING.passed,
  ...NEVER_PASSED,
  ...LOOKED_AT,
])

/** A model reads nothing of these, so they are not in the bound of the input. */
export const NOT_PROMPT: ReadonlySet<string> = new Set([
  ...['model', 'stream', 'stream_options', 'include', 'metadata', 'user', 'stop'],
  ...['safety_identifier', 'prompt_cache_key', 'prompt_cache_retention'],
])

/** What `include` may ask for. Everything else is about tools of the upstream, or repeats the prompt. */
export const INCLUDED: ReadonlySet<unknown> = new Set([
  ...['reasoning.encrypted_content', 'message.output_text.logprobs'],
])
