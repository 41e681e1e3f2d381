/** The fields of a request that can change its price, by what the gate does with them. */

/** The output limits. They are read, and written anew with the granted limit. */
export const LIMITS = ['max_tokens', 'max_completion_tokens'] as const

/**
 * Never passes, not even where `limits.requestFields` names it. Each of them lets some backend make
 * more than was paid for, or do something that has no price. One list for all backends: a backend
 * does not miss a field that it does not know, and a gateway may have any of the others behind it.
 */
export const TAKEN_OUT: ReadonlySet<string> = new Set([
  // Other names of the output limit: llama.cpp, Ollama, Transformers, Anthropic, Responses
  ...['n_predict', 'num_predict', 'max_new_tokens', 'max_length', 'max_tokens_to_sample'],
  ...['max_output_tokens', 'max_gen_tokens'],
  // Output that goes on after the model has ended it: llama.cpp, vLLM, Transformers
  ...['ignore_eos', 'min_tokens', 'min_length', 'min_new_tokens'],
  // Answers that become long without output: llama.cpp, vLLM
  ...['n_probs', 'prompt_logprobs'],
  // More choices than `n` says: llama.cpp, vLLM, Transformers
  ...['n_cmpl', 'use_beam_search', 'num_return_sequences'],
  // Another prompt than the one that was counted.
  ...['chat_template', 'template', 'raw', 'context', 'truncate_prompt_tokens', 'truncate'],
  // The memory of the backend, and which model stays loaded, for everybody: Ollama, LM Studio,
  // llama.cpp
  ...['options', 'num_ctx', 'n_ctx', 'context_length', 'keep_alive', 'ttl', 'id_slot', 'lora'],
  ...['draft_model', 'response_fields', 'logits_processors', 'kv_transfer_params', 'priority'],
  // Another model, address, key or price than the operator's: OpenRouter, LiteLLM, OpenAI (G1)
  ...['models', 'route', 'provider', 'plugins', 'transforms', 'fallbacks', 'api_base', 'base_url'],
  ...['api_key', 'api_version', 'custom_llm_provider', 'user_config', 'mock_response'],
  ...['extra_headers', 'extra_body', 'extra_query', 'headers', 'timeout', 'num_retries'],
  ...['web_search_options', 'service_tier', 'store'],
])

/** A model reads nothing of these, so they are not in the bound of the input. */
export const NOT_PROMPT: ReadonlySet<string> = new Set([
  ...['model', 'user', 'stop', 'stream_options', 'logit_bias', 'metadata', 'encoding_format'],
  ...['safety_identifier', 'prompt_cache_key', 'prompt_cache_retention', 'cache_salt'],
])

/** Settings of a model's template, and how long it may think. Booleans, numbers and words pass. */
export const SWITCHES: ReadonlySet<string> = new Set([
  ...['chat_template_kwargs', 'reasoning', 'thinking', 'think', 'reasoning_effort', 'verbosity'],
  ...['reasoning_format'],
])

/**
 * Members of such settings that a template engine takes as its own arguments. Padding is tokens.
 */
export const NO_SWITCH: ReadonlySet<string> = new Set([
  ...TAKEN_OUT,
  ...['conversation', 'tokenize', 'padding', 'truncation', 'return_tensors', 'return_dict'],
  ...['tokenizer_kwargs', 'add_generation_prompt', 'continue_final_message'],
])

/** Keys that constrain the output. Backends compile them, and a huge one makes a backend crash. */
export const FORMATS = ['response_format', 'json_schema', 'format', 'structured_outputs'] as const
export const GUIDES = [
  ...['grammar', 'guided_json', 'guided_regex', 'guided_grammar', 'guided_whitespace_pattern'],
  ...['regex', 'ebnf', 'structural_tag'],
] as const
export const TOOLS = ['tools', 'functions'] as const

/** If one of these is given, a template writes more tokens than around messages alone. */
export const TEMPLATED = [...TOOLS, 'chat_template_kwargs', 'documents', 'response_format'] as const

/** Names that are checked although they never pass: media, which have no price yet. */
export const LOOKED_AT = ['audio', 'images', 'prompt_embeds'] as const

export const STREAM_OPTIONS: ReadonlySet<string> = new Set([
  ...['include_usage', 'continuous_usage_stats', 'include_obfuscation'],
])

/** The known keys of a message and of a part of its content. */
export const MESSAGE: ReadonlySet<string> = new Set([
  ...['role', 'content', 'name', 'tool_calls', 'tool_call_id', 'function_call', 'refusal'],
  ...['reasoning', 'reasoning_content', 'thinking', 'type', 'text', 'images', 'audio', 'image_url'],
  ...['input_audio', 'video_url', 'file'],
])

/** The parts of a message that are text. All others have no price yet. */
export const TEXT_PARTS: ReadonlySet<string> = new Set([
  ...['text', 'refusal', 'thinking', 'reasoning', 'input_text', 'output_text'],
])

/** The key holds something other than text. */
export const isMedia = (key: string): boolean =>
  /image|audio|video|media|multi_?modal|embeds|^files?$/.test(key.toLowerCase())
