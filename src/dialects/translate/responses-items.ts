import { isObject, type Json, type JsonObject } from '../kit/json.ts'
import { nameIn } from './namespaces.ts'
import { joined, type Saying, saying, says } from './saying.ts'

/** Members that say where an item comes from. Nothing depends on them. */
const ABOUT = ['type', 'id', 'status'] as const
const MESSAGE: ReadonlySet<string> = new Set([...ABOUT, 'role', 'content', 'phase'])
const CALL: ReadonlySet<string> = new Set([
  ...ABOUT,
  ...['call_id', 'name', 'namespace', 'arguments'],
])
const OUTPUT: ReadonlySet<string> = new Set([...ABOUT, 'call_id', 'output'])
const THOUGHT: ReadonlySet<string> = new Set([
  ...ABOUT,
  ...['summary', 'content', 'encrypted_content'],
])
const TEXT: ReadonlySet<string> = new Set(['type', 'text', 'annotations', 'logprobs'])
const REFUSAL: ReadonlySet<string> = new Set(['type', 'refusal'])
const PICTURE: ReadonlySet<string> = new Set(['type', 'image_url', 'detail'])
const SOUND: ReadonlySet<string> = new Set(['type', 'input_audio'])

/** Makes the messages of chat completions out of `instructions` and the items of `input`. */
export class Conversation {
  readonly messages: JsonObject[] = []
  readonly #said: Saying
  /** Thinking that belongs to the next message of the assistant. */
  #thoughts: string[] = []
  /** Calls of tools go into the message of the assistant that stands before them. */
  #assistant: JsonObject | null = null

  constructor(said: Saying) {
    this.#said = said
  }

  /** Instructions are a system message, and so are messages of the developer. */
  system(text: string): void {
    const first = this.messages[0]
    const onlySystem = this.messages.length === 1 && first?.role === 'system'
    // Some templates take one system message only, and only as the first.
    if (onlySystem && typeof first.content === 'string')
      first.content = `${first.content}\n\n${text}`
    else this.#put({ role: 'system', content: text })
  }

  input(input: Json | undefined): void {
    if (typeof input === 'string') this.#put({ role: 'user', content: input })
    else this.#items(input)
  }

  #items(input: Json | undefined): void {
    for (const [at, item] of this.#said.objects(input, 'input').entries()) {
      this.#item(item, `input[${at}]`)
    }
    if (this.#thoughts.length > 0) this.#message({ content: undefined })
  }

  #item(item: JsonObject, param: string): void {
    const type = item.type ?? 'message'
    if (type === 'message') this.#messageItem(item, param)
    else if (type === 'function_call') this.#call(item, param)
    else if (type === 'function_call_output') this.#output(item, param)
    else if (type === 'reasoning') this.#reasoning(item, param)
    else this.#said.cannot(param, 'is an item that chat completions do not have')
  }

  #messageItem(item: JsonObject, param: string): void {
    this.#said.only(item, MESSAGE, param)
    const { content, role } = item
    const where = `${param}.content`
    if (role === 'user') this.#put({ role, content: this.#content(content, where) })
    else if (role === 'assistant') this.#message({ content: this.#textOf(content, where) })
    else if (role === 'system' || role === 'developer') this.system(this.#textOf(content, where))
    else this.#said.cannot(`${param}.role`, 'is a role that chat completions do not have')
  }

  #put(message: JsonObject): void {
    this.#assistant = null
    this.messages.push(message)
  }

  /** A message of the assistant, with the thinking that came before it. */
  #message({ content }: { readonly content: Json | undefined }): void {
    const reasoning = this.#thoughts.length === 0 ? undefined : joined(this.#thoughts)
    this.#thoughts = []
    const message = saying({ role: 'assistant', content, reasoning_content: reasoning })
    this.#put(message)
    this.#assistant = message
  }

  #call(item: JsonObject, param: string): void {
    this.#said.only(item, CALL, param)
    const own = this.#said.text(item.name, `${param}.name`)
    const { namespace } = item
    const name = typeof namespace === 'string' ? nameIn(namespace, own) : own
    const id = this.#said.text(item.call_id, `${param}.call_id`)
    const given = this.#said.text(item.arguments, `${param}.arguments`)
    if (this.#assistant === null || this.#thoughts.length > 0) this.#message({ content: undefined })
    const message = this.#assistant
    if (message === null) return
    const calls = Array.isArray(message.tool_calls) ? message.tool_calls : []
    calls.push({ id, type: 'function', function: { name, arguments: given } })
    message.tool_calls = calls
  }

  #output(item: JsonObject, param: string): void {
    this.#said.only(item, OUTPUT, param)
    const id = this.#said.text(item.call_id, `${param}.call_id`)
    const content = this.#textOf(item.output, `${param}.output`)
    this.#put({ role: 'tool', tool_call_id: id, content })
  }

  /** What a model thought before. Sealed thinking can be read by the server alone that sealed it. */
  #reasoning(item: JsonObject, param: string): void {
    const { content, encrypted_content: sealed, summary } = item
    if (says(sealed) && sealed !== '') this.#said.cannot(`${param}.encrypted_content`)
    this.#said.only(item, THOUGHT, param)
    const own = Array.isArray(content) && content.length > 0
    if (own) this.#thinks(content, 'reasoning_text', `${param}.content`)
    else if (says(summary)) this.#thinks(summary, 'summary_text', `${param}.summary`)
  }

  #thinks(parts: Json | undefined, type: string, param: string): void {
    for (const [at, part] of this.#said.objects(parts, param).entries()) {
      if (part.type !== type) this.#said.cannot(`${param}[${at}]`)
      this.#thoughts.push(this.#said.text(part.text, `${param}[${at}].text`))
    }
  }

  /** A text, or a list of parts that are all text. */
  #textOf(content: Json | undefined, param: string): string {
    if (typeof content === 'string') return content
    const texts = this.#said.objects(content, param).map((part, at) => {
      const where = `${param}[${at}]`
      if (part.type === 'refusal') {
        this.#said.only(part, REFUSAL, where)
        return this.#said.text(part.refusal, `${where}.refusal`)
      }
      if (typeof part.type !== 'string' || !TEXTS.has(part.type))
        this.#said.cannot(where, 'is no text')
      this.#said.only(part, TEXT, where)
      return this.#said.text(part.text, `${where}.text`)
    })
    return joined(texts)
  }

  #content(content: Json | undefined, param: string): Json {
    if (typeof content === 'string') return content
    const parts = this.#said.objects(content, param)
    if (parts.every(({ type }) => type === 'input_text')) return this.#textOf(content, param)
    return parts.map((part, at) => this.#part(part, `${param}[${at}]`))
  }

  #part(part: JsonObject, param: string): JsonObject {
    if (part.type === 'input_image') {
      this.#said.only(part, PICTURE, param)
      const url = this.#said.text(part.image_url, `${param}.image_url`)
      return { type: 'image_url', image_url: saying({ url, detail: part.detail }) }
    }
    if (part.type === 'input_audio' && isObject(part.input_audio)) {
      this.#said.only(part, SOUND, param)
      return { type: 'input_audio', input_audio: part.input_audio }
    }
    if (part.type !== 'input_text')
      this.#said.cannot(param, 'is neither text nor a picture nor sound')
    this.#said.only(part, TEXT, param)
    return { type: 'text', text: this.#said.text(part.text, `${param}.text`) }
  }
}

const TEXTS: ReadonlySet<string> = new Set(['input_text', 'output_text', 'text'])
