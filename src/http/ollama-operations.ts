import { list, object, ref, type Schema, text, whole } from '../floor/json-schema.ts'
import type { Operation } from './operation.ts'
import type { Terms } from './selling.ts'

/** What `/openapi.json` says of the free endpoints for Ollama's clients. */

const free = { needs: 'nothing', errors: 'Ollama' } as const
const json = (schema: string) => ({ 'application/json': ref(schema) })

const OPERATIONS: readonly Operation[] = [
  {
    ...{ path: '/api/tags', method: 'get', id: 'listOllamaModels', ...free },
    summary: 'The models, in Ollama’s own form',
    ok: json('OllamaModels'),
    others: [500, 502],
  },
  {
    ...{ path: '/api/show', method: 'post', id: 'showOllamaModel', ...free },
    summary: 'One model, in Ollama’s own form',
    body: { type: 'application/json', schema: 'OllamaShowRequest', required: true },
    ok: json('OllamaModel'),
    others: [400, 404, 408, 413, 415, 500, 502],
  },
  {
    ...{ path: '/api/ps', method: 'get', id: 'listLoadedOllamaModels', ...free },
    summary: 'Always an empty list: what is loaded is not told',
    ok: json('OllamaModels'),
    others: [500],
  },
  {
    ...{ path: '/api/version', method: 'get', id: 'getOllamaVersion', ...free },
    summary: 'The version of Ollama whose API this is',
    ok: json('OllamaVersion'),
    others: [500],
  },
]

/** None if no API of Ollama is sold. */
export const ollamaOperations = ({ routes }: Pick<Terms, 'routes'>): readonly Operation[] =>
  routes.some(({ wire }) => wire.errors.name === free.errors) ? OPERATIONS : []

const DETAILS = object([], {
  family: text(),
  parameter_size: text(),
  quantization_level: text(),
})

/** The schemas of these operations. */
export const OLLAMA_SCHEMAS: Readonly<Record<string, Schema>> = {
  OllamaModels: object(['models'], {
    models: list(
      object(['name', 'digest', 'size'], {
        ...{ name: text(), model: text(), modified_at: text(), size: whole(), digest: text() },
        details: DETAILS,
      }),
    ),
  }),
  OllamaShowRequest: object([], {
    model: text(),
    name: text('The same, as older clients write it.'),
  }),
  OllamaModel: object(['model_info'], {
    details: DETAILS,
    model_info: { type: 'object' },
    capabilities: list(text()),
    modified_at: text(),
  }),
  OllamaVersion: object(['version'], { version: text() }),
}
