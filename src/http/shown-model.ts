import type { Model } from './probe.ts'

/**
 * The target for one of our paths at that upstream. If the path of the base names a version of an
 * API (`/api/paas/v4`, `/v1beta/openai`), it replaces our `/v1`; otherwise our whole path is added
 * to it (threats K15).
 */
const PLAIN = /^[\w .:+-]{1,100}$/

const isPlain = (value: unknown): boolean =>
  value === null ||
  typeof value === 'boolean' ||
  (typeof value === 'number' && Number.isFinite(value)) ||
  (typeof value === 'string' && PLAIN.test(value))

/** The operator's query comes first. It may contain a key, and the query of a buyer cannot replace it. */
const SHOWN: ReadonlySet<string> = new Set([
  ...['object', 'created', 'owned_by', 'type', 'state', 'arch', 'quantization', 'family'],
  ...['context_length', 'context_window', 'max_context_length', 'loaded_context_length'],
  ...['max_model_len', 'max_completion_tokens', 'max_output_tokens'],
  ...['input_modalities', 'output_modalities', 'supported_parameters', 'capabilities'],
])

/** The same URL without its query, for people, because a query may contain a key. */
const figures = (meta: unknown): object | null => {
  if (typeof meta !== 'object' || meta === null || Array.isArray(meta)) return null
  const kept = Object.entries(meta).filter(([, value]) => typeof value === 'number')
  return Object.fromEntries(kept)
}

/** Why a backend cannot be reached. Events use these words. */
export function shownModel(model: Model): Model {
  const shown = Object.entries(model).filter(
    ([key, value]) =>
      SHOWN.has(key) && (Array.isArray(value) ? value.every(isPlain) : isPlain(value)),
  )
  const { id, name, aliases, meta } = model
  const numbers = figures(meta)
  return {
    id,
    ...Object.fromEntries(shown),
    ...(typeof name === 'string' ? { name } : {}),
    ...(Array.isArray(aliases)
      ? { aliases: aliases.filter((one) => typeof one === 'string') }
      : {}),
    ...(numbers === null ? {} : { meta: numbers }),
  }
}
