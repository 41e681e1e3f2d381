import type { Understood } from '../../../contract/dialect.ts'

type Place = (text: string, more?: object) => object

const AT = { model: 'fake', created_at: '2026-01-01T00:00:00Z' }
export const COUNTS = { prompt_eval_count: 5, eval_count: 3 }

/** Answers with the text at this place. */
function answers(place: Place) {
  const json = (value: object): string => `${JSON.stringify({ ...AT, ...value })}\n`
  const line = (text: string, more: object = {}): string =>
    json({ ...place(text, more), done: false })
  const last = (more: object = COUNTS, text = ''): string =>
    json({ ...place(text), done: true, done_reason: 'stop', ...more })
  return {
    /** A line with a piece of text, and other members beside the text. */
    line,
    /** The last line, with these members. */
    last,
    whole: last(COUNTS, 'Hi there.').trimEnd(),
    stream: line('Hi') + line(' there') + line('.') + last(),
  }
}

export const CHAT_LINES = answers((content, more) => ({
  message: { role: 'assistant', content, ...more },
}))
export const GENERATE_LINES = answers((response, more) => ({ response, ...more }))

/** What a client of Ollama understands of a stream: it reads line by line. */
export function clientReads(stream: string): Understood {
  let made = ''
  let end: Understood['end'] = null
  for (const text of stream.split('\n').filter((one) => one.trim() !== '')) {
    const value = JSON.parse(text)
    if (value.error !== undefined) end = 'error'
    made += value.message?.content ?? value.response ?? ''
    if (value.done === true) end = value.done_reason === 'length' ? 'limit' : 'done'
  }
  return { made, end }
}
