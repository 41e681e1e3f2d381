import type { Script } from './upstream.ts'

/** One scripted answer of the fake backend, as the events of a stream or in one piece. */
export class Spoken {
  readonly #chat: boolean
  readonly #asked: Record<string, unknown>
  readonly #script: Script
  readonly #choices: number

  constructor(chat: boolean, asked: Record<string, unknown>, script: Script) {
    this.#chat = chat
    this.#asked = asked
    this.#script = script
    this.#choices = typeof asked.n === 'number' ? asked.n : 1
  }

  /** The tokens of one choice. Each delta counts as one token. */
  get count(): number {
    return this.#parts().length
  }

  *events(): Generator<unknown> {
    for (const part of this.#parts()) {
      for (let index = 0; index < this.#choices; index += 1) {
        yield this.#maybeZero(this.delta(part, index))
      }
    }
  }

  *ending(): Generator<unknown> {
    const { usage = 'own' } = this.#script
    const options = this.#asked.stream_options as { include_usage?: unknown } | undefined
    for (let index = 0; index < this.#choices; index += 1) {
      const last = index === this.#choices - 1
      const chunk = this.#chunk([{ index, ...this.#empty(), finish_reason: this.#finish() }])
      const carries = last && (usage === 'finish' || usage === 'every')
      yield carries ? { ...chunk, usage: this.#usage() } : chunk
    }
    const own = usage === 'always' || (usage === 'own' && options?.include_usage === true)
    if (own) yield { ...this.#chunk([]), usage: this.#usage() }
  }

  whole(): unknown {
    const parts = this.#parts()
    const join = (name: string) => parts.map((part) => part[name] ?? '').join('')
    const reasoning = join('reasoning_content')
    const call = this.#script.toolCall
    const message = {
      role: 'assistant',
      content: join('content'),
      ...(reasoning === '' ? {} : { reasoning_content: reasoning }),
      ...(call ? { tool_calls: [toolCall(call.name, call.arguments.join(''))] } : {}),
    }
    const choices = Array.from({ length: this.#choices }, (_, index) => ({
      index,
      ...(this.#chat ? { message } : { text: join('content') }),
      finish_reason: this.#finish(),
    }))
    return {
      ...this.#chunk(choices),
      object: this.#chat ? 'chat.completion' : 'text_completion',
      ...(this.#script.usage === 'none' ? {} : { usage: this.#usage() }),
    }
  }

  delta(part: Record<string, unknown>, index: number): Record<string, unknown> {
    const said = this.#chat ? { delta: part } : { text: part.content }
    return this.#chunk([{ index, ...said, finish_reason: null }])
  }

  #empty(): Record<string, unknown> {
    return this.#chat ? { delta: {} } : { text: '' }
  }

  #finish(): string {
    const { finish, toolCall, obeyLimit } = this.#script
    if (finish) return finish
    if (obeyLimit && this.count < this.#all().length) return 'length'
    return toolCall ? 'tool_calls' : 'stop'
  }

  #maybeZero(chunk: Record<string, unknown>): unknown {
    if (this.#script.usage !== 'every') return chunk
    return { ...chunk, usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 } }
  }

  #usage(): unknown {
    const prompt = this.#script.promptTokens ?? 5
    const completion = this.count * this.#choices
    const usual = {
      prompt_tokens: prompt,
      completion_tokens: completion,
      total_tokens: prompt + completion,
    }
    return this.#script.usageValue === undefined ? usual : this.#script.usageValue
  }

  #parts(): Record<string, unknown>[] {
    const all = this.#all()
    if (!this.#script.obeyLimit) return all
    const limit = this.#asked.max_completion_tokens ?? this.#asked.max_tokens
    return typeof limit === 'number' ? all.slice(0, limit) : all
  }

  #all(): Record<string, unknown>[] {
    const { reasoning = [], deltas = ['Hello', ' there'], toolCall: call } = this.#script
    return [
      ...reasoning.map((text) => ({ reasoning_content: text })),
      ...deltas.map((text) => ({ content: text })),
      ...(call?.arguments ?? []).map((text, at) => ({
        tool_calls: [
          at === 0 ? toolCall(call?.name, text) : { index: 0, function: { arguments: text } },
        ],
      })),
    ]
  }

  #chunk(choices: unknown[]): Record<string, unknown> {
    const object = this.#chat ? 'chat.completion.chunk' : 'text_completion'
    return { id: 'fake-1', object, created: 1, model: this.#asked.model ?? 'fake', choices }
  }
}

function toolCall(name: string | undefined, text: string): Record<string, unknown> {
  return { index: 0, id: 'call_1', type: 'function', function: { name, arguments: text } }
}
