import { NEVER_PASSED } from '../kit/never-passed.ts'
import type { Api } from './endpoint.ts'
import { FORMATS, GUIDES, LIMITS, LOOKED_AT, SWITCHES, TOOLS } from './fields.ts'

/**
 * The fields of a request that pass, by API. It is an allow-list, because nobody knows what a
 * future backend does with another name, and some names make it produce more than was paid for
 * (threats J16). `limits.requestFields` adds names.
 */
const EVERYWHERE = [
  ...['model', 'user', 'metadata', 'safety_identifier', 'prompt_cache_key', 'cache_salt'],
  ...['prompt_cache_retention', 'add_special_tokens'],
] as const

/**
 * How tokens are chosen: OpenAI, vLLM, llama.cpp, Ollama, LM Studio, SGLang, Mistral, older
 * servers.
 */
const SAMPLING = [
  ...['temperature', 'top_p', 'top_k', 'top_a', 'min_p', 'typical_p', 'top_n_sigma', 'min_keep'],
  ...['tfs', 'tfs_z', 'epsilon_cutoff', 'eta_cutoff', 'seed', 'random_seed', 'do_sample'],
  ...['presence_penalty', 'frequency_penalty', 'repetition_penalty', 'repeat_penalty'],
  ...['repeat_last_n', 'penalize_nl', 'length_penalty', 'no_repeat_ngram_size'],
  ...['mirostat', 'mirostat_tau', 'mirostat_eta', 'mirostat_mode', 'dynatemp_range'],
  ...['dynatemp_exponent', 'smoothing_factor', 'smoothing_curve', 'xtc_probability'],
  ...['xtc_threshold', 'dry_multiplier', 'dry_base', 'dry_allowed_length'],
  ...['dry_penalty_last_n', 'dry_sequence_breakers', 'samplers', 'sampler_seq', 'logit_bias'],
  ...['bad_words', 'allowed_token_ids'],
] as const

/** Where and how an answer ends, and what it reports. */
const ANSWER = [
  ...LIMITS,
  ...['stream', 'stream_options', 'n', 'stop', 'stop_token_ids', 'include_stop_str_in_output'],
  ...['skip_special_tokens', 'spaces_between_special_tokens', 'logprobs', 'top_logprobs'],
  ...['return_tokens_as_token_ids', 'post_sampling_probs', 'timings_per_token', 'echo'],
  ...['t_max_predict_ms', 'cache_prompt', 'n_keep', 'n_indent'],
  ...FORMATS,
  ...GUIDES,
  ...['guided_choice', 'guided_decoding_backend'],
] as const

const CHAT = [
  ...['messages', 'tool_choice', 'function_call', 'parallel_tool_calls', 'parse_tool_calls'],
  ...['modalities', 'documents', 'add_generation_prompt', 'continue_final_message'],
  ...['enable_thinking', 'thinking_budget', 'reasoning_budget', 'include_reasoning'],
  ...['separate_reasoning', 'stream_reasoning', 'safe_prompt'],
  ...TOOLS,
  ...SWITCHES,
] as const

const COMPLETIONS = ['prompt', 'suffix', 'best_of'] as const

const EMBEDDINGS = [
  ...['input', 'encoding_format', 'dimensions', 'input_type', 'task', 'normalize'],
  ...['embd_normalize', 'instruction'],
] as const

export const PASSED: Readonly<Record<Api, ReadonlySet<string>>> = {
  'openai-chat': new Set([...EVERYWHERE, ...SAMPLING, ...ANSWER, ...CHAT]),
  'openai-completions': new Set([...EVERYWHERE, ...SAMPLING, ...ANSWER, ...COMPLETIONS]),
  'openai-embeddings': new Set([...EVERYWHERE, ...EMBEDDINGS]),
}

/** Every known outermost name. A key that folds to one of them but differs from it is refused. */
export const KNOWN: ReadonlySet<string> = new Set([
  ...Object.values(PASSED).flatMap((names) => [...names]),
  ...NEVER_PASSED,
  ...LOOKED_AT,
])
