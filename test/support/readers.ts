/**
 * Readers of a chat stream, one for each family of clients. They are as strict and as careless as
 * those clients. The tests in test/interop run the clients themselves.
 */
export interface Reading {
  /** The text of all deltas together. */
  readonly text: string
  /** The last finish_reason. Null if there was none. */
  readonly finish: string | null
  /** The usage of each chunk that has one. */
  readonly usage: readonly unknown[]
  /** The `error.code` of an error event. */
  readonly error: string | null
  /** Whether `[DONE]` was read. */
  readonly done: boolean
  /** The different ids of the chunks. */
  readonly ids: readonly unknown[]
}

type Reader = (stream: string) => Reading

/**
 * Reads each line by itself, as `curl | grep`, many Rust and shell clients, and the page of the
 * gate do.
 */
const byLine: Reader = (stream) => {
  const heard = new Heard()
  for (const line of stream.split(/\r?\n/)) {
    if (line.startsWith('data: ')) heard.data(line.slice(6))
  }
  return heard
}

/** Splits at blank lines. A block counts only if it begins with `data:`. */
const byBlock: Reader = (stream) => {
  const heard = new Heard()
  for (const block of stream.split(/\r?\n\r?\n/)) {
    if (block.startsWith('data: ')) heard.data(block.slice(6))
  }
  return heard
}

/**
 * As openai-go 3.42: each blank line ends an event, whatever stands before it, and its data must be
 * JSON.
 */
const byBlankLine: Reader = (stream) => {
  const heard = new Heard()
  let data = ''
  const lines = stream.split('\n')
  // A last line without a line feed is read too. After the last line feed there is no further line.
  if (lines.at(-1) === '') lines.pop()
  for (const line of lines.map((one) => one.replace(/\r$/, ''))) {
    if (line === '') {
      heard.data(data.replace(/\n$/, ''))
      data = ''
    } else if (line.startsWith('data')) data += `${line.replace(/^data: ?/, '')}\n`
  }
  return heard
}

/**
 * As the HTML standard says (9.2). The Node and Python SDKs of OpenAI and browsers do it like that.
 */
const byStandard: Reader = (stream) => {
  const heard = new Heard()
  let data: string[] = []
  for (const line of stream.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/)) {
    if (line === '') {
      if (data.length > 0) heard.data(data.join('\n'))
      data = []
      continue
    }
    const [, name = '', value = ''] = /^([^:]*)(?:: ?(.*))?$/.exec(line) ?? []
    if (name === 'data') data.push(value)
  }
  return heard
}

export const READERS: Readonly<Record<string, Reader>> = {
  byLine,
  byBlock,
  byBlankLine,
  byStandard,
}

class Heard implements Reading {
  text = ''
  finish: string | null = null
  usage: unknown[] = []
  error: string | null = null
  done = false
  ids: unknown[] = []

  data(data: string): void {
    if (this.done || this.error !== null) return
    if (data.startsWith('[DONE]')) {
      this.done = true
      return
    }
    // biome-ignore lint/suspicious/noExplicitAny: a chunk of whatever backend it was
    const chunk: any = JSON.parse(data)
    if (chunk.error) {
      this.error = String(chunk.error.code)
      return
    }
    if (!this.ids.includes(chunk.id)) this.ids.push(chunk.id)
    if (chunk.usage) this.usage.push(chunk.usage)
    for (const choice of chunk.choices) {
      this.text += choice.delta?.content ?? choice.text ?? ''
      // openai-go takes the last value as it is, also null.
      this.finish = choice.finish_reason ?? null
    }
  }
}
