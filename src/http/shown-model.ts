import type { Model } from './probe.ts'

/** A word or a few: no path, address or URL is one (threats J21). */
const PLAIN = /^[\w .:+-]{1,100}$/

const isPlain = (value: unknown): boolean =>
  value === null ||
  typeof value === 'boolean' ||
  (typeof value === 'number' && Number.isFinite(value)) ||
  (typeof value === 'string' && PLAIN.test(value))

/** What a buyer chooses a model by. Where its files lie, and whose key serves it, is not among it. */
const SHOWN: ReadonlySet<string> = new Set([
  ...['object', 'created', 'owned_by', 'type', 'state', 'arch', 'quantization', 'family'],
  ...['context_length', 'context_window', 'max_context_length', 'loaded_context_length'],
  ...['max_model_len', 'max_completion_tokens', 'max_output_tokens'],
  ...['input_modalities', 'output_modalities', 'supported_parameters', 'capabilities'],
])

/** `meta` of llama.cpp, of which figures are shown. */
const figures = (meta: unknown): object | null => {
  if (typeof meta !== 'object' || meta === null || Array.isArray(meta)) return null
  const kept = Object.entries(meta).filter(([, value]) => typeof value === 'number')
  return Object.fromEntries(kept)
}

/** An upstream's record of a model as a buyer may see it. Its names pass: they are asked for by them. */
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
