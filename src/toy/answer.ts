import type { Asked } from './asked.ts'
import { speak, think } from './speech.ts'
import { dice, tokenize } from './words.ts'

/** One choice of an answer, as the tokens that are sent and counted. */
export interface Choice {
  readonly reasoning: readonly string[]
  readonly content: readonly string[]
  readonly finish: 'stop' | 'length'
}

export interface Answer {
  readonly id: string
  readonly created: number
  readonly asked: Asked
  readonly choices: readonly Choice[]
}

/** What every choice says, cut at the limit: reasoning is output and counts first. */
export function compose(asked: Asked, seed: string): Choice[] {
  return asked.questions.map((question, index) => {
    const throws = dice(`${seed}\n${asked.model}\n${index}\n${question}`)
    const thinks = asked.model === 'toy-thinker' && asked.api === 'chat'
    const thoughts = thinks ? tokenize(think(question, throws)) : []
    const words = tokenize(speak(question, throws))
    const limit = asked.limit ?? Number.POSITIVE_INFINITY
    const reasoning = thoughts.slice(0, limit)
    const content = words.slice(0, limit - reasoning.length)
    const whole = reasoning.length + content.length === thoughts.length + words.length
    return { reasoning, content, finish: whole ? 'stop' : 'length' }
  })
}

/** The buffered body, `chat.completion` or `text_completion`. */
export function whole(answer: Answer): object {
  const chat = answer.asked.api === 'chat'
  const choices = answer.choices.map(({ reasoning, content, finish }, index) => {
    const text = content.join('')
    const thoughts = reasoning.length > 0 ? { reasoning_content: reasoning.join('') } : {}
    const said = chat ? { message: { role: 'assistant', content: text, ...thoughts } } : { text }
    return { index, ...said, logprobs: null, finish_reason: finish }
  })
  const object = chat ? 'chat.completion' : 'text_completion'
  return { ...head(answer, object), choices, usage: usageOf(answer) }
}

/** The stream's chunks in order, one token each, the choices taking turns. `[DONE]` is not among them. */
export function* chunks(answer: Answer): Generator<object> {
  const { asked, choices } = answer
  const chat = asked.api === 'chat'
  const start = head(answer, chat ? 'chat.completion.chunk' : 'text_completion')
  const chunk = (index: number, delta: object, finish: string | null = null): object => {
    const said = chat ? { delta } : { text: '', ...delta }
    const choice = { index, ...said, logprobs: null, finish_reason: finish }
    return { ...start, choices: [choice], ...(asked.includeUsage ? { usage: null } : {}) }
  }
  if (chat)
    for (const index of choices.keys()) yield chunk(index, { role: 'assistant', content: '' })
  const open = new Map(choices.map((choice, index) => [index, deltas(choice, chat)]))
  while (open.size > 0) {
    for (const [index, rest] of open) {
      const next = rest.next()
      if (next.done) open.delete(index)
      yield next.done ? chunk(index, {}, choices[index]?.finish) : chunk(index, next.value)
    }
  }
  if (asked.includeUsage) yield { ...start, choices: [], usage: usageOf(answer) }
}

function* deltas({ reasoning, content }: Choice, chat: boolean): Generator<object> {
  for (const token of reasoning) yield { reasoning_content: token }
  for (const token of content) yield chat ? { content: token } : { text: token }
}

const head = ({ id, created, asked }: Answer, object: string) => ({
  id,
  object,
  created,
  model: asked.model,
})

/** True usage in tokens: every choice is counted, reasoning is output. */
function usageOf({ asked, choices }: Answer): object {
  const reasoning = choices.reduce((sum, choice) => sum + choice.reasoning.length, 0)
  const output = choices.reduce((sum, choice) => sum + choice.content.length, reasoning)
  return {
    prompt_tokens: asked.promptTokens,
    completion_tokens: output,
    total_tokens: asked.promptTokens + output,
    completion_tokens_details: { reasoning_tokens: reasoning },
  }
}
