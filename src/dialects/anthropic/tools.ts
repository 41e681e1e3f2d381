import type { Malformed } from '../dialect.ts'
import { refuse } from '../kit/checks.ts'
import { folded, isObject, type Json, type JsonObject } from '../kit/json.ts'
import { cacheRefused } from './cache.ts'

/**
 * Tools that Anthropic has defined and the client runs, without their dates. All others with a type of
 * their own are run by the backend: a search, a page that it loads, a program (threats L18).
 */
const CLIENT_RUNS: ReadonlySet<string> = new Set(['bash', 'text_editor', 'computer', 'memory'])

/** The most tokens that the definition of such a tool adds to a prompt. They are not in the request. */
const DEFINED = 1_024

const KEYS: ReadonlySet<string> = new Set(['type', 'name', 'cache_control', 'strict'])

/** A list of tools that has a price. */
export interface Tools {
  /** The number of tools. A template puts tokens around each. */
  readonly count: number
  /** Tokens of definitions that stand at the backend. */
  readonly tokens: number
}

/** Reads `tools`, or says which of them has no price here. */
export function toolsOf(tools: Json | undefined): Tools | Malformed {
  if (tools === undefined || tools === null) return { count: 0, tokens: 0 }
  if (!Array.isArray(tools))
    return refuse('invalid_type', 'tools must be a list of tools.', 'tools')
  let defined = 0
  for (const [at, tool] of tools.entries()) {
    const param = `tools[${at}]`
    if (!isObject(tool)) {
      const message = `${param} must be an object with a name and an input_schema.`
      return refuse('invalid_type', message, param)
    }
    const refusal = keysRefused(tool, param) ?? cacheRefused(tool, param)
    if (refusal !== null) return refusal
    if (!isOwn(tool)) {
      if (!isRunByClient(tool)) return hosted(tool, param)
      defined += 1
    }
  }
  return { count: tools.length, tokens: defined * DEFINED }
}

function keysRefused(tool: JsonObject, param: string): Malformed | null {
  const key = folded(tool, KEYS)
  if (key === null) return null
  return refuse('ambiguous_key', `Some servers read a key of ${param} in another way.`, param)
}

/** The client has described the tool itself. */
const isOwn = ({ type }: JsonObject): boolean =>
  type === undefined || type === null || type === 'custom'

const isRunByClient = ({ type }: JsonObject): boolean =>
  typeof type === 'string' && CLIENT_RUNS.has(type.replace(/_\d{8}$/, ''))

function hosted({ type }: JsonObject, param: string): Malformed {
  const named = typeof type === 'string' ? type.replace(/[^\w.-]/g, '').slice(0, 64) : 'this one'
  return refuse(
    'unsupported_tool',
    `${param} is run by the model server (${named}), which has no price here. Send tools that the client runs: those with an input_schema, and bash, text_editor, computer and memory.`,
    param,
  )
}
