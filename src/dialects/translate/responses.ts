import { isObject, type JsonObject } from '../kit/json.ts'
import { namespacesOf } from './namespaces.ts'
import { RESPONSES_FIELDS, responsesToChat } from './responses-request.ts'
import { ResponsesWriter } from './responses-writer.ts'
import { says } from './saying.ts'
import type { Translation } from './translated.ts'

/**
 * What an answer repeats of its request. Instructions and tools are left out: they are long, the
 * events of a stream would repeat them three times, and clients have them.
 */
const REPEATED = [
  ...['metadata', 'parallel_tool_calls', 'temperature', 'top_p', 'user'],
  ...['tool_choice', 'reasoning'],
] as const

/** OpenAI's Responses at a backend that has chat completions only. */
export const responsesTranslation: Translation = {
  api: 'the Responses API',
  fields: RESPONSES_FIELDS,
  request: responsesToChat,
  keeps(request) {
    const kept: JsonObject = {}
    for (const key of REPEATED) {
      const value = request[key]
      if (value !== undefined && says(value)) kept[key] = value
    }
    return { repeated: kept, namespaces: namespacesOf(request.tools) }
  },
  writer(asked, { namespaces, repeated }) {
    const limit = { max_output_tokens: asked.limit }
    return new ResponsesWriter(asked, {
      repeated: isObject(repeated) ? { ...repeated, ...limit } : limit,
      namespaces: isObject(namespaces) ? namespaces : {},
    })
  },
}
