import { err, ok, type Result } from '../../floor/result.ts'
import type { Backend, Malformed } from '../dialect.ts'
import { refuse } from '../kit/checks.ts'
import { isObject, type Json, type JsonObject } from '../kit/json.ts'
import type { Document } from '../kit/json-object.ts'
import { unbounded } from '../kit/schema.ts'

/** The tools of a request. */
export interface Tools {
  /** What is sent of them. Undefined if the request has none. */
  readonly sent: readonly JsonObject[] | undefined
  /** Tools, and the functions inside a namespace: a template puts tokens around each. */
  readonly count: number
  /** The types of tools that are left out. Empty if all are sent. */
  readonly left: readonly string[]
}

/**
 * Tools that the client itself runs (threats L18). A namespace is a group of them. `shell` and
 * `tool_search` are the client's only if they say so.
 */
const OWN = new Set(['function', 'custom', 'namespace', 'local_shell', 'apply_patch'])
const OWN_IF: Readonly<Record<string, (tool: JsonObject) => boolean>> = {
  shell: ({ environment }) => isObject(environment) && environment.type === 'local',
  tool_search: ({ execution }) => execution === 'client',
}
/** Types that a choice of a tool may name. */
const CHOSEN = new Set([...OWN, ...Object.keys(OWN_IF)])

const MOST_TOOLS = 4_096

/** Finds the tools of a request, and refuses those that the upstream itself would run. */
export function toolsOf(request: JsonObject): Result<Tools, Malformed> {
  const { tools } = request
  const refusal = choiceRefused(request.tool_choice)
  if (refusal !== null) return err(refusal)
  if (tools === undefined || tools === null) return ok({ sent: undefined, count: 0, left: [] })
  if (!Array.isArray(tools) || !tools.every(isObject)) return err(notTools('tools'))
  const sent: JsonObject[] = []
  const left: string[] = []
  let count = 0
  for (const [at, tool] of tools.entries()) {
    if (isUnasked(tool) && callsFreely(request.tool_choice)) left.push(String(tool.type))
    else {
      const read = toolAt(tool, `tools[${at}]`, true)
      if (!read.ok) return read
      count += read.value
      sent.push(tool)
    }
  }
  if (count <= MOST_TOOLS) return ok({ sent, count, left })
  return err(refuse('invalid_value', `tools has more than ${MOST_TOOLS} entries.`, 'tools'))
}

/** How many tools are on a list. Refuses any that the upstream itself would run. */
export function ownTools(tools: Json | undefined, param: string): Result<number, Malformed> {
  if (tools === undefined || tools === null) return ok(0)
  if (!Array.isArray(tools) || !tools.every(isObject)) return err(notTools(param))
  let count = 0
  for (const [at, tool] of tools.entries()) {
    const read = toolAt(tool, `${param}[${at}]`, true)
    if (!read.ok) return read
    count += read.value
  }
  return ok(count)
}

/**
 * The search that Codex adds to every request, unless its user turned it off. It may search only what the
 * upstream has stored already, and nobody chose it; a request that leaves the choice of tools to the model
 * means the same without it. A search that somebody asked for says that it reaches the web.
 */
const isUnasked = ({ type, external_web_access: live }: JsonObject): boolean =>
  type === 'web_search' && live === false

const callsFreely = (choice: Json | undefined): boolean =>
  choice === undefined || choice === null || choice === 'auto' || choice === 'none'

/** How many tools it is. A namespace is one, and one for each of its functions. */
function toolAt(tool: JsonObject, param: string, outermost: boolean): Result<number, Malformed> {
  const { type } = tool
  if (typeof type !== 'string') return err(notTools(param))
  const own = outermost
    ? OWN.has(type) || OWN_IF[type]?.(tool) === true
    : type !== 'namespace' && OWN.has(type)
  if (!own) return err(hosted(type, param))
  if (type !== 'namespace') return ok(1)
  const { tools } = tool
  if (!Array.isArray(tools) || !tools.every(isObject)) return err(notTools(`${param}.tools`))
  for (const [at, inner] of tools.entries()) {
    const read = toolAt(inner, `${param}.tools[${at}]`, false)
    if (!read.ok) return read
  }
  return ok(1 + tools.length)
}

/** A choice is a word, or names a tool of the client. */
function choiceRefused(choice: Json | undefined): Malformed | null {
  if (!isObject(choice)) return null
  const { type, tools } = choice
  if (type !== 'allowed_tools') {
    return typeof type === 'string' && CHOSEN.has(type) ? null : hosted(String(type), 'tool_choice')
  }
  const listed = Array.isArray(tools) ? tools : []
  for (const tool of listed) {
    const named = isObject(tool) ? String(tool.type) : ''
    if (!CHOSEN.has(named)) return hosted(named, 'tool_choice.tools')
  }
  return null
}

const hosted = (type: string, param: string): Malformed =>
  refuse(
    'unsupported_tool',
    `${param} is of the type ${JSON.stringify(type.slice(0, 64))}, which the model server itself would run; it has no price here. Send tools that your own program runs: function, custom.`,
    param,
  )

const notTools = (param: string): Malformed =>
  refuse(
    'invalid_type',
    `${param} must hold tools, as in {"type": "function", "name": "add"}.`,
    param,
  )

/** Refuses a schema or a grammar that would make a backend crash (threats K22). */
export function tooMuch(
  request: JsonObject,
  { sent }: Tools,
  about: { readonly backend: Backend; readonly document: Document },
): Malformed | null {
  const { backend, document } = about
  const { members } = document
  const flat = (sent ?? []).flatMap((tool) =>
    Array.isArray(tool.tools) ? [tool, ...tool.tools] : [tool],
  )
  const seen: JsonObject = { text: request.text ?? null, tools: flat }
  if (request.tool_choice !== undefined) seen.tool_choice = request.tool_choice
  const key = unbounded(seen, {
    backend,
    members,
    schemas: { grammars: ['text'], tools: ['tools'] },
  })
  if (key !== null) return repeats(key)
  return flat.some((tool) => isObject(tool) && !isGrammarBounded(tool, backend))
    ? repeats('tools')
    : null
}

/** The grammar of a custom tool is always compiled. */
function isGrammarBounded({ format }: JsonObject, backend: Backend): boolean {
  const definition = isObject(format) ? format.definition : undefined
  if (typeof definition !== 'string') return true
  const schemas = { grammars: ['definition'], tools: [] }
  return unbounded({ definition }, { backend, members: [], schemas }) === null
}

const repeats = (key: string): Malformed =>
  refuse(
    'invalid_value',
    `${key} asks for more repetitions than are allowed here. Make its bounds smaller.`,
    key,
  )
