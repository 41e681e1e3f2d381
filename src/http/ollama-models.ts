import { createHash } from 'node:crypto'
import { modelOf } from './model-names.ts'
import { contextSize, type Model } from './probe.ts'

/**
 * What Ollama's clients ask about models, written from the list of what is for sale (threats L20).
 * Nothing is said of files, templates and memory: those are the operator's.
 */

/** The version of Ollama whose API this is. Clients refuse to work with one that is too old. */
export const OLLAMA_VERSION = { version: '0.17.4' }

/** `GET /api/ps`: which models are in memory is the operator's. */
export const NONE_LOADED = { models: [] }

/** `GET /api/tags` (Ollama API reference, "List Local Models"). */
export const tagsOf = (models: readonly Model[]): object => ({
  models: models.map((model) => ({
    name: model.id,
    model: model.id,
    modified_at: modifiedAt(model),
    size: figureOf(model, 'size') ?? 0,
    digest: digestOf(model),
    details: detailsOf(model),
  })),
})

/**
 * `POST /api/show` (Ollama API reference, "Show Model Information"). The name is compared as Ollama
 * compares names. Null if there is no such model.
 */
export function showOf(models: readonly Model[], name: string): object | null {
  const model = modelOf('ollama', models, name)
  if (model === undefined) return null
  const architecture = familyOf(model) || UNKNOWN
  const context = contextOf(model)
  const parameters = figureOf(model, 'n_params')
  return {
    details: detailsOf(model),
    model_info: {
      'general.architecture': architecture,
      ...(parameters === null ? {} : { 'general.parameter_count': parameters }),
      ...(context === null ? {} : { [`${architecture}.context_length`]: context }),
    },
    capabilities: capabilitiesOf(model),
    modified_at: modifiedAt(model),
  }
}

const UNKNOWN = 'unknown'

/**
 * The ollama command shows the first twelve digits. They tell models apart, and are no digest of a
 * file.
 */
const digestOf = ({ id }: Model): string => createHash('sha256').update(id).digest('hex')

const LATEST_SECOND = 253_402_300_799

function modifiedAt({ created }: Model): string {
  const known = typeof created === 'number' && created > 0 && created <= LATEST_SECOND
  return new Date(known ? created * 1000 : 0).toISOString()
}

function detailsOf(model: Model): object {
  const family = familyOf(model)
  return {
    ...{ parent_model: '', format: '', family, families: family === '' ? null : [family] },
    parameter_size: shortly(figureOf(model, 'n_params')),
    quantization_level: textOf(model.quantization),
  }
}

const familyOf = ({ arch, family }: Model): string => textOf(arch) || textOf(family)
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

/** A figure that llama.cpp lists. */
function figureOf({ meta }: Model, name: string): number | null {
  const value = typeof meta === 'object' && meta !== null ? Reflect.get(meta, name) : null
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : null
}

/** 7.6B, as Ollama writes it. Empty if it is not known. */
function shortly(count: number | null): string {
  if (count === null) return ''
  for (const [unit, sign] of UNITS) {
    if (count >= unit) return `${(count / unit).toFixed(count >= 100 * unit ? 0 : 1)}${sign}`
  }
  return `${count}`
}

const UNITS = [
  [1e12, 'T'],
  [1e9, 'B'],
  [1e6, 'M'],
  [1e3, 'K'],
] as const

/** The context in tokens. LM Studio has a name of its own for it. */
function contextOf(model: Model): number | null {
  const { loaded_context_length: loaded, max_context_length: most } = model
  const known = [contextSize(model), loaded, most].find((one) => typeof one === 'number' && one > 0)
  return typeof known === 'number' ? known : null
}

const EMBEDDING: ReadonlySet<unknown> = new Set(['embeddings', 'embedding'])

/**
 * As far as the list of the backend tells them, in Ollama's words. A client that finds none for
 * tools sends none, so what is not known is left out.
 */
function capabilitiesOf(model: Model): readonly string[] {
  const { capabilities, input_modalities: inputs, supported_parameters: takes, type } = model
  if (EMBEDDING.has(type)) return ['embedding']
  const named = [...listOf(capabilities), ...listOf(takes).map((one) => MEANS.get(one) ?? '')]
  const sees = type === 'vlm' || listOf(inputs).includes('image')
  const all = ['completion', ...named.filter((one) => KNOWN.has(one)), ...(sees ? ['vision'] : [])]
  return [...new Set(all)].map(String)
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
const KNOWN: ReadonlySet<unknown> = new Set([
  ...['completion', 'tools', 'insert', 'vision', 'embedding', 'thinking'],
])
/** Names of OpenRouter and LM Studio. */
const MEANS: ReadonlyMap<unknown, string> = new Map([
  ['tools', 'tools'],
  ['reasoning', 'thinking'],
])
