import { anthropicErrors } from './anthropic/errors.ts'
import type { Envelope } from './dialect.ts'
import { ollamaErrors } from './ollama/errors.ts'
import { openAiErrors } from './openai/errors.ts'

/** How errors are written below a path that belongs to another API than OpenAI's. */
const BELOW: readonly (readonly [path: string, Envelope])[] = [
  ['/api', ollamaErrors],
  ['/v1/messages', anthropicErrors],
]

/**
 * The envelope of an error on a path that no dialect serves, and on the gate's own endpoints. A
 * path that cannot be read in one way only is an empty string.
 */
export function envelopeOf(path: string): Envelope {
  const found = BELOW.find(([below]) => path === below || path.startsWith(`${below}/`))
  return found?.[1] ?? openAiErrors
}
