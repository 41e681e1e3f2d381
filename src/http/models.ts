import type { World } from '../floor/world.ts'
import type { Models } from '../gate/judge.ts'
import { contextSize, MODELS_PATH, type Model, readProbe } from './probe.ts'
import type { HttpUpstream } from './upstream.ts'

export interface ModelList extends Models {
  /** The models that were last seen; null where none ever were. */
  list(): Promise<readonly Model[] | null>
  /** The upstream answered when it was last asked. */
  answering(): boolean
}

export interface ModelListOptions {
  readonly get: HttpUpstream['getJson']
  readonly world: Pick<World, 'now'>
  readonly ttlMs?: number
  readonly deadlineMs?: number
  /** What the start already knows. */
  readonly first?: readonly Model[] | null
}

/**
 * Keeps an upstream's list of models: asked for again once it is older than `ttlMs`, by one request
 * whoever waits; an older list serves where that fails, and failure is not tried again for 5 s.
 */
export function makeModels(options: ModelListOptions): ModelList {
  const { get, world, ttlMs = 60_000, deadlineMs = 5_000 } = options
  let models = options.first ?? null
  let freshUntil = models === null ? Number.NEGATIVE_INFINITY : world.now() + ttlMs
  let answered = models !== null
  let asking: Promise<void> | null = null
  const ask = async (): Promise<void> => {
    const probed = readProbe(await get(MODELS_PATH, deadlineMs))
    answered = probed.ok
    if (probed.ok) models = probed.value.models
    freshUntil = world.now() + (probed.ok ? ttlMs : Math.min(ttlMs, 5_000))
    asking = null
  }
  const list = async (): Promise<readonly Model[] | null> => {
    if (world.now() >= freshUntil) {
      asking ??= ask()
      await asking
    }
    return models
  }
  const find = (name: string) => models?.find((model) => answersTo(model, name))
  return {
    list,
    answering: () => answered,
    knows: async (name) => ((await list()) === null ? null : find(name) !== undefined),
    contextOf: (name) => {
      const model = find(name)
      return model === undefined ? null : contextSize(model)
    },
    namesOf: (name) => namesOf(name, find(name)),
    some: () => (models ?? []).slice(0, 5).map(({ id }) => id),
  }
}

/** Ollama adds `:latest` to a name without a tag; llama.cpp lists `aliases`. */
function answersTo({ id, aliases }: Model, name: string): boolean {
  if (id === name || id === `${name}:latest`) return true
  return Array.isArray(aliases) && aliases.includes(name)
}

/** The name that was asked for first, then what the upstream calls the same model. */
function namesOf(asked: string, model: Model | undefined): readonly string[] {
  if (model === undefined) return [asked]
  const aliases = Array.isArray(model.aliases) ? model.aliases.filter(isText) : []
  const names = [asked, model.id, ...aliases].flatMap((name) =>
    name.endsWith(':latest') ? [name, name.slice(0, -':latest'.length)] : [name],
  )
  return [...new Set(names)]
}

const isText = (value: unknown): value is string => typeof value === 'string'
