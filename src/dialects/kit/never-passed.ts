/**
 * Fields of a request that never pass, whatever the dialect, even if `limits.requestFields` names
 * them. Each of them makes some backend produce more than was paid for, or do something that has no
 * price. There is one list for all backends, because a gateway may have any backend behind it, and
 * a missing field does no harm.
 */
export const NEVER_PASSED: ReadonlySet<string> = new Set([
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
