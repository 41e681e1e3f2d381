import type { JsonObject } from '../kit/json.ts'
import { isMedia } from '../kit/media-keys.ts'
import { NEVER_PASSED } from '../kit/never-passed.ts'
import type { Api } from './endpoint.ts'
import { FORMATS, GUIDES, NOT_PROMPT, SWITCHES, TEMPLATED, TOOLS } from './fields.ts'
import { KNOWN, PASSED } from './passed.ts'

/**
 * What the names of a request make necessary, one bit each. Each name is looked up once, and only
 * what some name calls for is done. A request has seven names, and there are a hundred.
 */
export const OUTLINE = {
  /** A name that nobody knows: it may fold to a known one, or be one of media. */
  unknown: 1,
  /** A name that does not pass, or whose members are sifted. */
  sifted: 2,
  /** Something that is not text and has a value. */
  media: 4,
  /** A value that may become a grammar. */
  compiled: 8,
  /** A value that makes the template of a model write more. */
  templated: 16,
  /** `n`, `best_of`, `logprobs`, `top_logprobs`, `echo`, `modalities`. */
  counts: 32,
  streamOptions: 64,
  limit: 128,
  tools: 256,
  /** A model may read it, apart from the prompt itself. */
  read: 512,
} as const

const COUNTS = [
  ...['n', 'best_of', 'logprobs', 'top_logprobs', 'echo', 'modalities', 'repeat_last_n'],
  'dry_penalty_last_n',
]

const TABLES: Readonly<Record<Api, ReadonlyMap<string, number>>> = {
  'openai-chat': tableOf('openai-chat', 'messages'),
  'openai-completions': tableOf('openai-completions', 'prompt'),
  'openai-embeddings': tableOf('openai-embeddings', 'input'),
}

function tableOf(api: Api, prompt: string): Map<string, number> {
  const has = (list: readonly string[], name: string) => list.includes(name)
  const all = new Map<string, number>()
  for (const name of KNOWN) {
    const sifted = !PASSED[api].has(name) || SWITCHES.has(name) || NEVER_PASSED.has(name)
    const marks: readonly (readonly [boolean, number])[] = [
      [sifted, OUTLINE.sifted],
      [isMedia(name), OUTLINE.media],
      [has([...FORMATS, ...GUIDES, ...TOOLS], name), OUTLINE.compiled],
      [has(TEMPLATED, name), OUTLINE.templated],
      [has(COUNTS, name), OUTLINE.counts],
      [name === 'stream_options', OUTLINE.streamOptions],
      [name === 'max_tokens' || name === 'max_completion_tokens', OUTLINE.limit],
      [name === 'tools', OUTLINE.tools],
      [name !== prompt && !NOT_PROMPT.has(name), OUTLINE.read],
    ]
    all.set(
      name,
      marks.reduce((bits, [is, bit]) => (is ? bits | bit : bits), 0),
    )
  }
  return all
}

const UNKNOWN = OUTLINE.unknown | OUTLINE.sifted | OUTLINE.media | OUTLINE.read

/** The bits of all names of a request. A `read` value that is no text and no list has no bit. */
export function outlineOf(api: Api, request: JsonObject): number {
  const table = TABLES[api]
  let bits = 0
  for (const key in request) {
    const of = table.get(key) ?? UNKNOWN
    const value = request[key]
    const read = typeof value === 'string' || typeof value === 'object'
    bits |= read ? of : of & ~OUTLINE.read
  }
  return bits
}
