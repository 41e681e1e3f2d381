import { isObject, type Json, type JsonObject } from '../kit/json.ts'
import { chatMessages, systemMessages } from './messages-content.ts'
import { type Saying, saying, says } from './saying.ts'

/** Fields of the same name and meaning in both APIs. Servers ignore a `top_k` that they do not know. */
const SAME = ['model', 'stream', 'temperature', 'top_p', 'top_k', 'chat_template_kwargs'] as const

/** Every field that is translated, or left out because it changes nothing of an answer. */
export const MESSAGES_FIELDS: ReadonlySet<string> = new Set([
  ...SAME,
  ...['messages', 'system', 'max_tokens', 'stop_sequences', 'metadata', 'cache_control'],
  ...['thinking', 'output_config', 'output_format', 'tools', 'tool_choice'],
])

const TOOL: ReadonlySet<string> = new Set([
  ...['type', 'name', 'description', 'input_schema', 'strict', 'cache_control'],
  'eager_input_streaming',
])
const CHOICE: ReadonlySet<string> = new Set(['type', 'name', 'disable_parallel_tool_use'])
const OUTPUT: ReadonlySet<string> = new Set(['effort', 'format'])
const FORMAT: ReadonlySet<string> = new Set(['type', 'schema'])

/**
 * A request to the Messages API as one to chat completions, without its output limit, which the gate
 * writes (`docs/translation.md` has the table).
 */
export function messagesToChat(said: Saying, request: JsonObject): JsonObject {
  const { messages, output_config: config, stop_sequences: stop, system, tools } = request
  for (const hint of ['metadata', 'cache_control']) {
    if (says(request[hint])) said.leftOut.add(hint)
  }
  thinking(said, request.thinking)
  if (says(config) && !isObject(config)) said.cannot('output_config', 'is no object')
  const output = isObject(config) ? config : {}
  said.only(output, OUTPUT, 'output_config')
  const same: Record<string, Json | undefined> = {}
  for (const key of SAME) same[key] = request[key]
  const listed = says(tools) ? said.objects(tools, 'tools') : []
  return saying({
    ...same,
    messages: [
      ...systemMessages(said, system),
      ...chatMessages(said, said.objects(messages, 'messages')),
    ],
    stop: Array.isArray(stop) && stop.length === 0 ? undefined : stop,
    reasoning_effort: effort(said, output.effort),
    response_format: format(said, output.format ?? request.output_format),
    tools: listed.length === 0 ? undefined : listed.map((tool, at) => toolOf(said, tool, at)),
    ...choice(said, request.tool_choice),
  })
}

/**
 * Without a budget, a model thinks as it does by itself, which is what chat completions do. To say
 * `disabled` is the same as to say nothing.
 */
function thinking(said: Saying, value: Json | undefined): void {
  if (!isObject(value)) return
  const { budget_tokens: budget, display, type } = value
  if (says(budget)) said.cannot('thinking.budget_tokens')
  else if (type !== 'disabled' && type !== 'adaptive') said.cannot('thinking.type')
  if (says(display)) said.leftOut.add('thinking.display')
}

const EFFORTS: readonly Json[] = ['low', 'medium', 'high', 'xhigh']

function effort(said: Saying, value: Json | undefined): Json | undefined {
  if (!says(value) || EFFORTS.includes(value ?? null)) return value
  said.cannot('output_config.effort')
  return undefined
}

/** A schema of the answer. Chat completions want a name for it. */
function format(said: Saying, value: Json | undefined): JsonObject | undefined {
  if (!says(value)) return undefined
  if (!isObject(value) || value.type !== 'json_schema' || !isObject(value.schema)) {
    said.cannot('output_config.format')
    return undefined
  }
  said.only(value, FORMAT, 'output_config.format')
  const schema = { name: 'answer', schema: value.schema, strict: true }
  return { type: 'json_schema', json_schema: schema }
}

function toolOf(said: Saying, tool: JsonObject, at: number): JsonObject {
  const param = `tools[${at}]`
  const { description, input_schema: parameters, name, strict, type } = tool
  if (says(type) && type !== 'custom') said.cannot(param, 'is a tool that only Anthropic defines')
  said.only(tool, TOOL, param)
  const described = saying({
    name: said.text(name, `${param}.name`),
    ...{ description, parameters, strict },
  })
  return { type: 'function', function: described }
}

/** `tool_choice`, and whether several tools may be called at once. */
function choice(said: Saying, value: Json | undefined): Record<string, Json | undefined> {
  if (!says(value)) return {}
  if (!isObject(value)) {
    said.cannot('tool_choice', 'is no object')
    return {}
  }
  said.only(value, CHOICE, 'tool_choice')
  const alone = value.disable_parallel_tool_use === true ? { parallel_tool_calls: false } : {}
  switch (value.type) {
    case 'auto':
      return { tool_choice: 'auto', ...alone }
    case 'any':
      return { tool_choice: 'required', ...alone }
    case 'none':
      return { tool_choice: 'none' }
    case 'tool': {
      const name = said.text(value.name, 'tool_choice.name')
      return { tool_choice: { type: 'function', function: { name } }, ...alone }
    }
    default:
      said.cannot('tool_choice.type')
      return {}
  }
}
