import { err, ok, type Result } from '../../floor/result.ts'
import type { Dialect, Malformed, MediaTerms } from '../dialect.ts'
import { ambiguous, refuse, unpriced } from '../kit/checks.ts'
import { folded, isObject, type Json, type JsonObject } from '../kit/json.ts'
import { Pictures } from '../kit/pictures.ts'
import { Readable } from '../kit/readable.ts'
import { CHAT_DOCS } from './docs.ts'
import { ollamaDialect, type Prompt } from './endpoint.ts'
import { CHAT, MESSAGE } from './fields.ts'
import { loaded } from './here.ts'
import { otherMedia, readImages } from './request.ts'
import { MESSAGES } from './said.ts'
import { answerMeter } from './spelling.ts'

/** `POST /api/chat` (Ollama API reference, "Generate a chat completion"). */
export const ollamaChat: Dialect = ollamaDialect({
  name: 'ollama-chat',
  path: '/api/chat',
  key: 'messages',
  passing: CHAT,
  hasOutput: true,
  instead: '/v1/chat/completions',
  docs: CHAT_DOCS,
  find: conversation,
  meter: answerMeter(MESSAGES),
})

const AS_IN = 'Send for example "messages": [{"role": "user", "content": "Hello"}].'

function conversation(request: JsonObject, media: MediaTerms): Result<Prompt, Malformed> {
  const messages = request.messages ?? []
  if (!Array.isArray(messages) || !messages.every(isObject)) {
    return err(refuse('invalid_type', `messages must be a list of messages. ${AS_IN}`, 'messages'))
  }
  const readable = new Readable()
  const pictures = new Pictures(media)
  let parts = messages.length
  for (const [at, message] of messages.entries()) {
    const param = `messages[${at}]`
    const refusal =
      unclear(message, param) ??
      readImages(message.images, `${param}.images`, { readable, pictures })
    if (refusal !== null) return err(refusal)
    for (const key in message) {
      if (key === 'images') continue
      if (!MESSAGE.has(key)) readable.key(key)
      readable.value(message[key] as Json)
    }
    if (Array.isArray(message.tool_calls)) parts += message.tool_calls.length
  }
  const here = messages.length > 0 ? null : loaded(request, EMPTY)
  return ok({ prompts: 1, longest: 1, parts, readable, here })
}

const EMPTY = { message: { role: 'assistant', content: '' } }

/** Why a message cannot be priced, or null. */
function unclear(message: JsonObject, param: string): Malformed | null {
  const key = folded(message, MESSAGE)
  if (key !== null) return ambiguous(key, param)
  const other = otherMedia(message)
  if (other !== null) return unpriced(`${param}.${other}`)
  const { content } = message
  if (content === undefined || content === null || typeof content === 'string') return null
  return refuse('invalid_type', `${param}.content must be a string.`, `${param}.content`)
}
