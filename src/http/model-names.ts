import type { Backend } from '../dialects/dialect.ts'
import type { Named } from '../money/pricing.ts'
import type { Model } from './probe.ts'

/**
 * The listed model with which a backend answers to `name`. Ollama ignores case, `:latest`, and its
 * own registry at the beginning. llama.cpp lists `aliases`.
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

/**
 * Every model with which a backend may answer to `name`, each with all its names (threats J10). If
 * the backend lists the name, it is that model. Otherwise it is the name itself, and each model
 * that a backend could take it for; the highest of their prices is charged.
 */
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
  // These two answer to an unknown name with a model that is loaded.
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
  // An adapter without a price of its own has the price of its base.
  return {
    names,
    fold,
    base: namedOf(kind, without(models, model), { model: parent, asked: parent.id }),
  }
}

/** vLLM lists a model once for each `--served-model-name`, always with the same `root`. */
function servedAs(kind: Backend, models: readonly Model[], { root, parent }: Model): string[] {
  if (kind !== 'vllm' || typeof root !== 'string' || isText(parent)) return []
  return models.filter((one) => one.root === root && !isText(one.parent)).map(({ id }) => id)
}

const LATEST = ':latest'
/**
 * Characters. A longer name is only compared as it is, because strangers can send any name (threats
 * J1).
 */
const LONGEST = 512

/** The names, and each name with `:latest` also without it. */
const withoutTag = (names: readonly string[]): readonly string[] => [
  ...new Set(
    names.flatMap((name) =>
      name.endsWith(LATEST) ? [name, name.slice(0, -LATEST.length)] : [name],
    ),
  ),
]

/** The names, and those without a tag also with `:latest`, which Ollama adds. */
const withTag = (names: readonly string[]): readonly string[] => withoutTag(names.map(tagged))

/** A colon after the last slash begins a tag; before it, it begins a port. */
const tagged = (name: string): string =>
  name.lastIndexOf(':') > name.lastIndexOf('/') ? name : name + LATEST

/**
 * A name as Ollama compares it: without case, and without its own registry and library at the
 * beginning. It is first turned into capitals, so that the long s and the Kelvin sign become the
 * letters that Go makes of them.
 */
export const ollamaName = (name: string): string =>
  name
    .trim()
    .toUpperCase()
    .toLowerCase()
    .replace(/^[a-z]+:\/\//, '')
    .replace(/^registry\.ollama\.ai\//, '')
    .replace(/^library\//, '')

/**
 * Whether a backend might take a name for that model. The two may differ in case, folder, file or
 * quantisation.
 */
function isNear(kind: Backend, model: Model, wanted: string): boolean {
  if (wanted === '') return false
  return [model.id, ...aliasesOf(model)].map(core).some((one) => {
    if (one === wanted) return true
    // LM Studio accepts a part of a name.
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
