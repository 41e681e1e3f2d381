/** The fields of a request that can change its price, by what the gate does with them. */

/** The output limits. They are read, and written anew with the granted limit. */
export const LIMITS = ['max_tokens', 'max_completion_tokens'] as const

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
