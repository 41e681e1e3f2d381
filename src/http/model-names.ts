import type { Backend } from '../dialects/dialect.ts'
import type { Named } from '../money/pricing.ts'
import type { Model } from './probe.ts'

/**
 * Characters. A longer name is only compared as it is, because strangers can send any name (threats
 * J1).
 */
export function modelOf(kind: Backend, models: readonly Model[], name: string): Model | undefined {
  const exact = models.find(({ id }) => id === name)
  if (exact !== undefined || name.length > LONGEST) return exact
  if (kind === 'ollama') {
    const wanted = tagged(ollamaName(name))
    return models.find(({ id }) => tagged(ollamaName(id)) === wanted)
  }
  const latest = name + LATEST
  return models.find((model) => model.id === latest || aliasesOf(model).includes(name))
}

/** The names, and each name with `:latest` also without it. */
export function reached(kind: Backend, models: readonly Model[], name: string): readonly Named[] {
  const model = modelOf(kind, models, name)
  if (model !== undefined) return [namedOf(kind, models, { model, asked: name })]
  const wanted = name.length > LONGEST ? '' : core(name)
  const near = models.filter((one) => isNear(kind, one, wanted))
  if (near.length > 0) {
    return near.map((one) => {
      const { names } = namedOf(kind, models, { model: one, asked: name })
      return { names, fold: ollamaName }
    })
  }
  // The names, and those without a tag also with `:latest`, which Ollama adds.
  const loaded = kind === 'llamacpp' || kind === 'lmstudio' ? models : []
  return [
    { names: withTag([ollamaName(name)]), fold: ollamaName },
    ...loaded.map((one) => namedOf(kind, models, { model: one, asked: one.id })),
  ]
}

function namedOf(
  kind: Backend,
  models: readonly Model[],
  { model, asked }: { readonly model: Model; readonly asked: string },
): Named {
  const called = [asked, model.id, ...aliasesOf(model), ...servedAs(kind, models, model)]
  const names = kind === 'ollama' ? withTag(called.map(ollamaName)) : withoutTag(called)
  const fold = kind === 'ollama' ? ollamaName : asItIs
  const parent = kind === 'vllm' ? models.find(({ id }) => id === model.parent) : undefined
  if (parent === undefined || parent === model) return { names, fold }
  // A colon after the last slash begins a tag; before it, it begins a port.
  return {
    names,
    fold,
    base: namedOf(kind, without(models, model), { model: parent, asked: parent.id }),
  }
}

/**
 * A name as Ollama compares it: without case, and without its own registry and library at the
 * beginning. It is first turned into capitals, so that the long s and the Kelvin sign become the
 * letters that Go makes of them.
 */
function servedAs(kind: Backend, models: readonly Model[], { root, parent }: Model): string[] {
  if (kind !== 'vllm' || typeof root !== 'string' || isText(parent)) return []
  return models.filter((one) => one.root === root && !isText(one.parent)).map(({ id }) => id)
}

const LATEST = ':latest'
/**
 * Whether a backend might take a name for that model. The two may differ in case, folder, file or
 * quantisation.
 */
const LONGEST = 512

/** LM Studio accepts a part of a name. */
const withoutTag = (names: readonly string[]): readonly string[] => [
  ...new Set(
    names.flatMap((name) =>
      name.endsWith(LATEST) ? [name, name.slice(0, -LATEST.length)] : [name],
    ),
  ),
]

/** The models that were last listed. Null if none ever were. For documents; it may wait for a call. */
const withTag = (names: readonly string[]): readonly string[] => withoutTag(names.map(tagged))

/** Whether the upstream answered the last call, even if it listed no models. */
const tagged = (name: string): string =>
  name.lastIndexOf(':') > name.lastIndexOf('/') ? name : name + LATEST

/** Not null while nothing can be delivered. */
export const ollamaName = (name: string): string =>
  name
    .trim()
    .toUpperCase()
    .toLowerCase()
    .replace(/^[a-z]+:\/\//, '')
    .replace(/^registry\.ollama\.ai\//, '')
    .replace(/^library\//, '')

/**
 * Called after something that happens when a backend ends or is replaced. The list is then out of
 * date.
 */
function isNear(kind: Backend, model: Model, wanted: string): boolean {
  if (wanted === '') return false
  return [model.id, ...aliasesOf(model)].map(core).some((one) => {
    if (one === wanted) return true
    // Lists the models again, and returns whether a backend of that kind is there now.
    return kind === 'lmstudio' && (one.includes(wanted) || wanted.includes(one))
  })
}

const core = (name: string): string => {
  const plain = ollamaName(name)
  return plain
    .slice(plain.lastIndexOf('/') + 1)
    .replace(/@[^@]*$/, '')
    .replace(/:(?:latest|\d+)$/, '')
    .replace(/\.gguf$/, '')
}

const aliasesOf = ({ aliases }: Model): readonly string[] =>
  Array.isArray(aliases) ? aliases.filter(isText) : []

const without = (models: readonly Model[], model: Model): readonly Model[] =>
  models.filter((one) => one !== model)

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
const asItIs = (text: string): string => text
