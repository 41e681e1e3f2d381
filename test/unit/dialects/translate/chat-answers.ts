/** Answers of chat completions, as backends send them to a translated request. */

const USAGE = {
  ...{ prompt_tokens: 5, completion_tokens: 3, total_tokens: 8 },
  prompt_tokens_details: { cached_tokens: 2 },
}

type Json = Record<string, unknown>

/** A whole answer with this message. */
export const answered = (message: Json, finish_reason = 'stop', more: Json = {}): Json => ({
  ...{ id: 'chatcmpl-x', object: 'chat.completion', created: 7, model: 'fake' },
  choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason, ...more }],
  usage: USAGE,
})

const chunk = (choice: Json | null, more: Json = {}): string =>
  `data: ${JSON.stringify({
    ...{ id: 'chatcmpl-x', object: 'chat.completion.chunk', created: 7, model: 'fake' },
    choices: choice === null ? [] : [{ index: 0, finish_reason: null, ...choice }],
    ...more,
  })}\n\n`

/** A stream of these deltas. */
export const streamed = (
  deltas: readonly Json[],
  finish_reason = 'stop',
  more: Json = {},
): string =>
  deltas.map((delta) => chunk({ delta })).join('') +
  chunk({ delta: {}, finish_reason, ...more }) +
  chunk(null, { usage: USAGE }) +
  'data: [DONE]\n\n'

export const CHAT_ANSWER = answered({ content: 'Hi there.' })
export const CHAT_STREAM = streamed([
  { role: 'assistant', content: 'Hi' },
  { content: ' there' },
  { content: '.' },
])

/** What a client shows of that stream if a backend has this habit: one repeats itself in every delta. */
export const textWith = (habit: string): string =>
  habit.includes('the text so far') ? 'HiHi thereHi there.' : 'Hi there.'
