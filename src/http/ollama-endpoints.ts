import type { Hono } from 'hono'
import { onLine } from '../floor/printable.ts'
import { refuse } from '../gate/refusal.ts'
import { type AppParts, type Env, plain, withBody } from './endpoint.ts'
import { NONE_LOADED, OLLAMA_VERSION, showOf, tagsOf } from './ollama-models.ts'
import { NO_MODELS } from './refusals.ts'

/**
 * What Ollama's clients ask besides the APIs that are sold. All of it is free, and none of it is asked
 * of a backend. Every other path of Ollama is a 404: some of them load, copy and delete models
 * (threats G7).
 */
export function addOllama(app: Hono<Env>, parts: AppParts): void {
  const open = { 'cache-control': 'no-cache' }
  app.get('/api/version', async (c) => c.json(OLLAMA_VERSION, 200, open))
  app.get('/api/ps', async (c) => c.json(NONE_LOADED, 200, open))
  app.get('/api/tags', async (c) => {
    const models = await parts.describe.forSale()
    return models === null ? plain(c, parts, NO_MODELS) : c.json(tagsOf(models), 200, open)
  })
  app.post('/api/show', (c) =>
    withBody(c, parts, async (_, body) => {
      const name = nameIn(body)
      if (name === null) return plain(c, parts, NO_NAME)
      const models = await parts.describe.forSale()
      if (models === null) return plain(c, parts, NO_MODELS)
      const found = showOf(models, name)
      return found === null ? plain(c, parts, notFound(name)) : c.json(found, 200, open)
    }),
  )
}

/** Older clients write `name`. */
function nameIn(body: unknown): string | null {
  const fields: object = typeof body === 'object' && body !== null ? body : {}
  const names = ['model', 'name'].map((key): unknown => Reflect.get(fields, key))
  return names.find((one): one is string => typeof one === 'string' && one !== '') ?? null
}

const NO_NAME = refuse(400, 'missing_required_parameter', 'model is required', { param: 'model' })

/** In Ollama's own words, which its clients look for. */
const notFound = (name: string) =>
  refuse(404, 'model_not_found', `model '${onLine(name, 100)}' not found`, { param: 'model' })
