import { openaiChat } from '../../../../src/dialects/openai/chat.ts'
import { bytes, feed, grant, mustRead } from '../../../support/dialects.ts'

/** The events of a chat stream, and what the meter makes of them. */
const asked = mustRead(openaiChat, {
  model: 'm',
  stream: true,
  messages: [{ role: 'user', content: 'hi' }],
})
export const meter = () => openaiChat.meter(asked, grant(), 'other')
export const event = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`
export const choice = (part: object, more: object = {}) =>
  event({ id: 'x', choices: [{ index: 0, finish_reason: null, ...part }], ...more })
export const say = (content: unknown) => choice({ delta: { content } })
export const END = choice({ delta: {}, finish_reason: 'stop' })
export const DONE = 'data: [DONE]\n\n'
export const run = (stream: string) => feed(meter(), [bytes(stream)])
