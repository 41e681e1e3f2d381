import { isObject, type JsonObject } from '../kit/json.ts'
import { ResponseText } from '../kit/response-text.ts'
import type { TextLeft } from '../kit/text-left.ts'

/** Where an answer of `/api/chat` or `/api/generate` has its text. */
export interface Place {
  /** The members of a line that hold the text. */
  readonly members: ReadonlySet<string>
  /** The part with the text, its text under `content`. Null if the line has none. */
  part(line: JsonObject): JsonObject | null
  /** The members of a line that says this. */
  line(text: string): JsonObject
  /** Those members of a line without what is not granted. */
  shortened(line: JsonObject, left: TextLeft): JsonObject
}

/** The texts, in the order in which a model makes them. */
const TEXTS = ['thinking', 'content'] as const

/** `/api/chat`: `message` has the text, the thinking and the calls of tools. */
export const MESSAGES: Place = {
  members: new Set(['message']),
  part: ({ message }) => (isObject(message) ? message : null),
  line: (content) => ({ message: { role: 'assistant', content } }),
  shortened({ message }, left) {
    if (!isObject(message)) return {}
    const short: JsonObject = { role: message.role ?? 'assistant' }
    for (const key of TEXTS) {
      const text = message[key]
      if (typeof text === 'string') short[key] = left.text(text)
    }
    const { tool_calls: calls } = message
    if (Array.isArray(calls)) {
      short.tool_calls = calls.filter((call) => left.takes(JSON.stringify(call)))
    }
    return { message: short }
  },
}

/** `/api/generate`: `response` is the text, `thinking` stands beside it. */
export const RESPONSE: Place = {
  members: new Set(['response', 'thinking', 'tool_calls']),
  part({ response, thinking = '', tool_calls = [] }) {
    return response === undefined ? null : { content: response, thinking, tool_calls }
  },
  line: (response) => ({ response }),
  shortened({ response, thinking }, left) {
    const short: JsonObject = {}
    if (typeof thinking === 'string') short.thinking = left.text(thinking)
    short.response = typeof response === 'string' ? left.text(response) : ''
    // The tokens of the whole answer, which would tell what was left out.
    return { ...short, context: [], tool_calls: [] }
  },
}

/** Members of a line that are no text of the model, as long as they are short. */
const DESCRIBES: ReadonlySet<string> = new Set([
  ...['model', 'created_at', 'done_reason', 'remote_model', 'remote_host'],
])
const LONGEST_LABEL = 128

/** Every string of a line that the model has made. Null if it is nested too deeply. */
export function saidIn(line: JsonObject, place: Place): ResponseText | null {
  const strings = new ResponseText()
  const part = place.part(line)
  if (part !== null) strings.part(part)
  for (const key in line) {
    const value = line[key]
    const label = typeof value === 'string' && value.length <= LONGEST_LABEL && DESCRIBES.has(key)
    if (!label && !place.members.has(key)) strings.beside(key, value)
  }
  return strings.tooDeep ? null : strings
}
