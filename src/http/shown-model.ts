import type { Model } from './probe.ts'

/** A text of a few words. A path, an address or a URL does not fit (threats J21). */
const PLAIN = /^[\w .:+-]{1,100}$/

const isPlain = (value: unknown): boolean =>
  value === null ||
  typeof value === 'boolean' ||
  (typeof value === 'number' && Number.isFinite(value)) ||
  (typeof value === 'string' && PLAIN.test(value))

/**
 * The fields by which a buyer chooses a model. Fields that tell where its files are, or whose key
 * serves it, are not among them.
 */
const SHOWN: ReadonlySet<string> = new Set([
  ...['object', 'created', 'owned_by', 'type', 'state', 'arch', 'quantization', 'family'],
  ...['context_length', 'context_window', 'max_context_length', 'loaded_context_length'],
  ...['max_model_len', 'max_completion_tokens', 'max_output_tokens'],
  ...['input_modalities', 'output_modalities', 'supported_parameters', 'capabilities'],
])

/** The field `meta` of llama.cpp. Only its numbers are shown. */
const figures = (meta: unknown): object | null => {
  if (typeof meta !== 'object' || meta === null || Array.isArray(meta)) return null
  const kept = Object.entries(meta).filter(([, value]) => typeof value === 'number')
  return Object.fromEntries(kept)
}

/**
 * The part of a model record of the backend that a buyer may see. Names of models are always shown,
 * because buyers ask for models by them.
 */
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
