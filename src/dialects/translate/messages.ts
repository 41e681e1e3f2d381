import type { JsonObject } from '../kit/json.ts'
import { MESSAGES_FIELDS, messagesToChat } from './messages-request.ts'
import { MessagesWriter } from './messages-writer.ts'
import type { Translation } from './translated.ts'

/** Anthropic's Messages at a backend that has chat completions only. */
export const messagesTranslation: Translation = {
  api: 'the Messages API',
  fields: MESSAGES_FIELDS,
  request: messagesToChat,
  keeps: ({ stop_sequences: stops }: JsonObject): JsonObject => ({
    stops: Array.isArray(stops) ? stops : [],
  }),
  writer(asked, { stops }, whole) {
    return new MessagesWriter(asked, { stops: Array.isArray(stops) ? stops : [], whole })
  },
}
