import { isObject, type Json, type JsonObject } from '../kit/json.ts'
import { joined, type Saying, saying, says } from './saying.ts'

const TEXT: ReadonlySet<string> = new Set(['type', 'text', 'cache_control'])
const IMAGE: ReadonlySet<string> = new Set(['type', 'source', 'cache_control'])
const BASE64: ReadonlySet<string> = new Set(['type', 'media_type', 'data'])
const URL_SOURCE: ReadonlySet<string> = new Set(['type', 'url'])
const THINKING: ReadonlySet<string> = new Set(['type', 'thinking', 'signature'])
const USE: ReadonlySet<string> = new Set(['type', 'id', 'name', 'input', 'cache_control', 'caller'])
const RESULT: ReadonlySet<string> = new Set([
  ...['type', 'tool_use_id', 'content', 'is_error', 'cache_control'],
])

/** `system` as a message, or nothing. */
export function systemMessages(said: Saying, system: Json | undefined): JsonObject[] {
  if (!says(system)) return []
  const content = typeof system === 'string' ? system : textOf(said, system, 'system')
  return [{ role: 'system', content }]
}

/** The messages of the conversation as those of chat completions. */
export function chatMessages(said: Saying, messages: readonly JsonObject[]): JsonObject[] {
  const chat: JsonObject[] = []
  for (const [at, message] of messages.entries()) {
    const param = `messages[${at}]`
    said.only(message, MESSAGE, param)
    const { role, content } = message
    if (role === 'user') chat.push(...userMessages(said, content, `${param}.content`))
    else if (role === 'assistant') chat.push(assistantMessage(said, content, `${param}.content`))
    else said.cannot(`${param}.role`, 'is not user or assistant')
  }
  if (messages.at(-1)?.role === 'assistant') {
    said.cannot(
      `messages[${messages.length - 1}]`,
      'is the beginning of the answer, which most servers would answer instead of going on with it',
    )
  }
  return chat
}

const MESSAGE: ReadonlySet<string> = new Set(['role', 'content'])

/** A list of text blocks as one text. */
function textOf(said: Saying, content: Json | undefined, param: string): string {
  const texts = said.objects(content, param).map((block, at) => {
    const where = `${param}[${at}]`
    if (block.type !== 'text') said.cannot(where, 'is no block of text')
    said.only(block, TEXT, where)
    return said.text(block.text, `${where}.text`)
  })
  return joined(texts)
}

/** Results of tools are messages of their own, in their order; the rest is a message of the user. */
function userMessages(said: Saying, content: Json | undefined, param: string): JsonObject[] {
  if (typeof content === 'string') return [{ role: 'user', content }]
  const messages: JsonObject[] = []
  let parts: JsonObject[] = []
  const flush = () => {
    if (parts.length > 0) messages.push({ role: 'user', content: contentOf(parts) })
    parts = []
  }
  for (const [at, block] of said.objects(content, param).entries()) {
    const where = `${param}[${at}]`
    if (block.type === 'tool_result') {
      flush()
      messages.push(toolMessage(said, block, where))
    } else parts.push(partOf(said, block, where))
  }
  flush()
  return messages
}

/** One text if all parts are text. */
function contentOf(parts: readonly JsonObject[]): Json {
  if (parts.some(({ type }) => type !== 'text')) return [...parts]
  return joined(parts.map(({ text }) => String(text)))
}

function partOf(said: Saying, block: JsonObject, param: string): JsonObject {
  if (block.type === 'image') return pictureOf(said, block, param)
  if (block.type !== 'text') said.cannot(param, `is a block that is neither text nor a picture`)
  said.only(block, TEXT, param)
  return { type: 'text', text: said.text(block.text, `${param}.text`) }
}

function pictureOf(said: Saying, block: JsonObject, param: string): JsonObject {
  said.only(block, IMAGE, param)
  const { source } = block
  const where = `${param}.source`
  if (!isObject(source)) {
    said.cannot(where, 'is no picture')
    return {}
  }
  if (source.type === 'url') {
    said.only(source, URL_SOURCE, where)
    return { type: 'image_url', image_url: { url: said.text(source.url, `${where}.url`) } }
  }
  if (source.type !== 'base64') said.cannot(where, 'is neither base64 nor a URL')
  said.only(source, BASE64, where)
  const type = said.text(source.media_type, `${where}.media_type`)
  const data = said.text(source.data, `${where}.data`)
  return { type: 'image_url', image_url: { url: `data:${type};base64,${data}` } }
}

/** Chat completions have no mark for a result that is an error; its text says so. */
function toolMessage(said: Saying, block: JsonObject, param: string): JsonObject {
  said.only(block, RESULT, param)
  const { content, is_error: failed, tool_use_id: id } = block
  if (failed === true) said.leftOut.add('tool_result.is_error')
  const text =
    typeof content === 'string'
      ? content
      : says(content)
        ? textOf(said, content, `${param}.content`)
        : ''
  return { role: 'tool', tool_call_id: said.text(id, `${param}.tool_use_id`), content: text }
}

/** Thinking goes back as `reasoning_content`, as llama.cpp, vLLM and DeepSeek name it. */
function assistantMessage(said: Saying, content: Json | undefined, param: string): JsonObject {
  if (typeof content === 'string') return { role: 'assistant', content }
  const texts: string[] = []
  const thoughts: string[] = []
  const calls: JsonObject[] = []
  for (const [at, block] of said.objects(content, param).entries()) {
    const where = `${param}[${at}]`
    if (block.type === 'text') {
      said.only(block, TEXT, where)
      texts.push(said.text(block.text, `${where}.text`))
    } else if (block.type === 'thinking') {
      said.only(block, THINKING, where)
      thoughts.push(said.text(block.thinking, `${where}.thinking`))
    } else if (block.type === 'tool_use') calls.push(callOf(said, block, where))
    else said.cannot(where, 'is neither text nor thinking nor a call of a tool')
  }
  return saying({
    role: 'assistant',
    content: texts.length === 0 && calls.length > 0 ? undefined : joined(texts),
    reasoning_content: thoughts.length === 0 ? undefined : joined(thoughts),
    tool_calls: calls.length === 0 ? undefined : calls,
  })
}

function callOf(said: Saying, block: JsonObject, param: string): JsonObject {
  said.only(block, USE, param)
  const { id, name, input } = block
  if (!isObject(input)) said.cannot(`${param}.input`, 'is no object')
  const called = {
    name: said.text(name, `${param}.name`),
    arguments: JSON.stringify(isObject(input) ? input : {}),
  }
  return { id: said.text(id, `${param}.id`), type: 'function', function: called }
}
