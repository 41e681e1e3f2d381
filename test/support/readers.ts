/**
 * Readers of a chat stream, one of each family that is in use. They are as strict and as sloppy as
 * the clients that they stand for; the clients themselves are asked in test/interop.
 */
export interface Reading {
  /** What the text of all deltas comes to. */
  readonly text: string
  /** The last finish_reason that was told, null where none was. */
  readonly finish: string | null
  /** Chunks with a usage, the usage of each. */
  readonly usage: readonly unknown[]
  /** `error.code` of an error event. */
  readonly error: string | null
  /** `[DONE]` was read. */
  readonly done: boolean
  /** Ids of the chunks, each once. */
  readonly ids: readonly unknown[]
}

type Reader = (stream: string) => Reading

/** Each line by itself: `curl | grep`, many Rust and shell clients, this gate's own page. */
const byLine: Reader = (stream) => {
  const heard = new Heard()
  for (const line of stream.split(/\r?\n/)) {
    if (line.startsWith('data: ')) heard.data(line.slice(6))
  }
  return heard
}

/** Split at blank lines; a block counts where it begins with `data:`. */
const byBlock: Reader = (stream) => {
  const heard = new Heard()
  for (const block of stream.split(/\r?\n\r?\n/)) {
    if (block.startsWith('data: ')) heard.data(block.slice(6))
  }
  return heard
}

/** openai-go 3.42: every blank line is an event, whatever was before it; its data must be JSON. */
const byBlankLine: Reader = (stream) => {
  const heard = new Heard()
  let data = ''
  const lines = stream.split('\n')
  // A last line without its line feed is read too; behind the last line feed there is no line.
  if (lines.at(-1) === '') lines.pop()
  for (const line of lines.map((one) => one.replace(/\r$/, ''))) {
    if (line === '') {
      heard.data(data.replace(/\n$/, ''))
      data = ''
    } else if (line.startsWith('data')) data += `${line.replace(/^data: ?/, '')}\n`
  }
  return heard
}

/** As the HTML standard says (9.2): OpenAI's Node and Python SDKs, browsers. */
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
      // openai-go takes the last one as it stands, null too.
      this.finish = choice.finish_reason ?? null
    }
  }
}
