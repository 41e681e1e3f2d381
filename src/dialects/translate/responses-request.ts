import { isObject, type Json, type JsonObject } from '../kit/json.ts'
import { functionsOf, namedOnce, nameIn } from './namespaces.ts'
import { Conversation } from './responses-items.ts'
import { type Saying, saying, says } from './saying.ts'

/** Fields of the same name and meaning in both APIs. */
const SAME = [
  ...['model', 'stream', 'temperature', 'top_p', 'top_k', 'min_p', 'seed', 'stop'],
  ...['presence_penalty', 'frequency_penalty', 'repetition_penalty', 'chat_template_kwargs'],
] as const

/**
 * Fields that change nothing of an answer: who asks, what is kept, how an answer is padded, and how often
 * tools of the server may be called, of which there are none.
 */
const HINTS = [
  ...['metadata', 'user', 'safety_identifier', 'prompt_cache_key', 'prompt_cache_retention'],
  ...['stream_options', 'max_tool_calls'],
] as const

/** Values that say what happens anyway. Any other value cannot be said. */
const USUAL: Readonly<Record<string, readonly Json[]>> = {
  store: [true, false],
  background: [false],
  truncation: ['disabled'],
  service_tier: ['auto', 'default'],
  top_logprobs: [0],
}

const TOOL: ReadonlySet<string> = new Set(['type', 'name', 'description', 'parameters', 'strict'])
const TEXT: ReadonlySet<string> = new Set(['format', 'verbosity'])
const FORMAT: ReadonlySet<string> = new Set(['type', 'name', 'schema', 'strict', 'description'])
const REASONING: ReadonlySet<string> = new Set(['effort', 'summary', 'generate_summary'])
/** Every field that is translated, or that says what happens anyway. */
export const RESPONSES_FIELDS: ReadonlySet<string> = new Set([
  ...SAME,
  ...HINTS,
  ...Object.keys(USUAL),
  ...['include', 'input', 'instructions', 'max_output_tokens', 'parallel_tool_calls', 'reasoning'],
  ...['text', 'tool_choice', 'tools'],
])

/** Sealed thinking may be asked for: an answer without it has no such member. */
const SEALED = 'reasoning.encrypted_content'

/**
 * A request to the Responses API as one to chat completions, without its output limit, which the gate
 * writes (`docs/translation.md` has the table).
 */
export function responsesToChat(said: Saying, request: JsonObject): JsonObject {
  for (const hint of HINTS) if (says(request[hint])) said.leftOut.add(hint)
  for (const [key, usual] of Object.entries(USUAL)) {
    const value = request[key]
    if (says(value) && !usual.includes(value ?? null)) said.cannot(key)
  }
  included(said, request.include)
  const conversation = new Conversation(said)
  const { input, instructions, parallel_tool_calls: parallel } = request
  if (says(instructions)) conversation.system(said.text(instructions, 'instructions'))
  conversation.input(input)
  const same: Record<string, Json | undefined> = {}
  for (const key of SAME) same[key] = request[key]
  const listed = says(request.tools) ? said.objects(request.tools, 'tools') : []
  const tools = listed.flatMap((tool, at) => toolsOf(said, tool, `tools[${at}]`))
  namedOnce(said, tools)
  return saying({
    ...same,
    messages: conversation.messages,
    ...textSettings(said, request.text),
    reasoning_effort: effort(said, request.reasoning),
    tools: tools.length === 0 ? undefined : tools,
    tool_choice: tools.length === 0 ? undefined : choice(said, request.tool_choice),
    // Several calls at once are usual in both APIs, and some servers refuse the field.
    parallel_tool_calls: tools.length > 0 && parallel === false ? false : undefined,
  })
}

function included(said: Saying, include: Json | undefined): void {
  if (!says(include)) return
  const names = Array.isArray(include) ? include : [include]
  for (const [at, name] of names.entries()) {
    if (name === SEALED) said.leftOut.add(SEALED)
    else said.cannot(`include[${at}]`)
  }
}

function effort(said: Saying, reasoning: Json | undefined): Json | undefined {
  if (!says(reasoning)) return undefined
  if (!isObject(reasoning)) {
    said.cannot('reasoning', 'is no object')
    return undefined
  }
  said.only(reasoning, REASONING, 'reasoning')
  for (const key of ['summary', 'generate_summary']) {
    if (says(reasoning[key])) said.leftOut.add(`reasoning.${key}`)
  }
  return reasoning.effort
}

/** `text`: the form of the answer, and how long it is to be. */
function textSettings(said: Saying, text: Json | undefined): Record<string, Json | undefined> {
  if (!says(text)) return {}
  if (!isObject(text)) {
    said.cannot('text', 'is no object')
    return {}
  }
  said.only(text, TEXT, 'text')
  const verbosity = text.verbosity === 'medium' ? undefined : text.verbosity
  return { response_format: format(said, text.format), verbosity }
}

function format(said: Saying, value: Json | undefined): JsonObject | undefined {
  if (!says(value)) return undefined
  if (!isObject(value)) {
    said.cannot('text.format', 'is no object')
    return undefined
  }
  said.only(value, FORMAT, 'text.format')
  const { type, name, schema, strict, description } = value
  if (type === 'text') return undefined
  if (type === 'json_object') return { type }
  if (type !== 'json_schema') said.cannot('text.format.type')
  return { type: 'json_schema', json_schema: saying({ name, description, schema, strict }) }
}

const SPACE: ReadonlySet<string> = new Set(['type', 'name', 'description', 'tools'])

/** A function, or the functions of a namespace. What the namespace is for is said to each of them. */
function toolsOf(said: Saying, tool: JsonObject, param: string): readonly JsonObject[] {
  if (tool.type !== 'namespace') return [toolOf(said, tool, param)]
  said.only(tool, SPACE, param)
  const about = typeof tool.description === 'string' ? `${tool.description}\n\n` : ''
  return functionsOf(said, tool, param).map((inner, at) => {
    const { description } = inner
    const told = about + (typeof description === 'string' ? description : '')
    const whole = told === '' ? inner : { ...inner, description: told.trim() }
    return toolOf(said, whole, `${param}.tools[${at}]`)
  })
}

function toolOf(said: Saying, tool: JsonObject, param: string): JsonObject {
  const { type, name, description, parameters, strict } = tool
  if (type !== 'function') said.cannot(param, 'is a tool that is no function')
  said.only(tool, TOOL, param)
  const described = saying({
    name: said.text(name, `${param}.name`),
    ...{ description, parameters, strict },
  })
  return { type: 'function', function: described }
}

function choice(said: Saying, value: Json | undefined): Json | undefined {
  if (!says(value) || value === 'auto') return undefined
  if (value === 'none' || value === 'required') return value
  if (isObject(value) && value.type === 'function') {
    const name = said.text(value.name, 'tool_choice.name')
    const { namespace } = value
    const whole = typeof namespace === 'string' ? nameIn(namespace, name) : name
    return { type: 'function', function: { name: whole } }
  }
  said.cannot('tool_choice')
  return undefined
}
