import { noAnswer, type Problem, problemOf, withKey } from './api.ts'
import { announce, box, button, el, make } from './dom.ts'
import { fromMsat } from './format.ts'
import type { Shop } from './shop.ts'
import { piecesOf } from './stream.ts'

interface Message {
  readonly role: 'user' | 'assistant'
  readonly content: string
}

/** Where a chat needs money, and whom it tells that money was spent. */
export interface ChatParts {
  readonly shop: Shop
  model(): string | null
  /** Pays at that path of the gate, or by the form where it is null. */
  pay(payAt: string | null): void
  spent(): void
}

/** A first chat. What is written lives in this object and is gone with the page. */
export class Chat {
  readonly #parts: ChatParts
  #said: Message[] = []
  #running: AbortController | null = null
  /** The question that waits for a payment. */
  #unpaid: HTMLElement | null = null

  constructor(parts: ChatParts) {
    this.#parts = parts
    const prompt = el('prompt', HTMLTextAreaElement)
    el('chat-form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault()
      this.#send()
    })
    prompt.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
      event.preventDefault()
      this.#send()
    })
    button('stop').addEventListener('click', () => this.#running?.abort())
    button('clear').addEventListener('click', () => this.#clear())
  }

  /** Asks the question again that there was no credit for. */
  retry(): boolean {
    const answer = this.#unpaid
    this.#unpaid = null
    if (answer === null) return false
    box('prompt').focus()
    void this.#answer(answer)
    return true
  }

  #send(): void {
    const prompt = el('prompt', HTMLTextAreaElement)
    const text = prompt.value.trim()
    if (text === '' || this.#running !== null) return
    // A question without an answer is not part of what the model is told.
    if (this.#said.at(-1)?.role === 'user') this.#said.pop()
    this.#unpaid = null
    this.#said.push({ role: 'user', content: text })
    prompt.value = ''
    this.#entry('user', text)
    void this.#answer(this.#entry('assistant', ''))
  }

  /** Streams the answer of the last question into that entry. */
  async #answer(entry: HTMLElement): Promise<void> {
    const running = new AbortController()
    const text = part(entry, 'text')
    const note = part(entry, 'note')
    text.textContent = ''
    note.replaceChildren('…')
    this.#busy(running)
    try {
      const response = await this.#ask(running.signal)
      if (!response.ok || response.body === null) this.#refused(entry, await problemOf(response))
      else await this.#read(response.body, text, note)
    } catch {
      if (running.signal.aborted) this.#stopped(note)
      else this.#refused(entry, noAnswer())
    }
    const content = text.textContent
    if (content !== '') this.#said.push({ role: 'assistant', content })
    announce(`${content} ${note.textContent}`)
    this.#busy(null)
    this.#parts.spent()
  }

  #ask(signal: AbortSignal): Promise<Response> {
    const body = { model: this.#parts.model(), messages: this.#said, stream: true }
    const key = this.#parts.shop.keys.current
    return fetch('/v1/chat/completions', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...withKey(key) },
      body: JSON.stringify(body),
      signal,
    })
  }

  async #read(body: ReadableStream<Uint8Array>, text: Element, note: Element): Promise<void> {
    let cost = ''
    let ended = ''
    let finished = false
    for await (const piece of piecesOf(body)) {
      if (piece.is === 'text') this.#grow(text, note, piece.text)
      else if (piece.is === 'thinking') note.textContent = 'Thinking…'
      else if (piece.is === 'cost') cost = fromMsat(piece.msat, this.#parts.shop.unit)
      else if (piece.is === 'error') ended = `${piece.message} `
      else {
        finished = true
        if (piece.reason === 'length') ended = 'Cut at the length that was allowed. '
      }
    }
    if (!finished && ended === '') ended = 'The answer broke off. '
    note.textContent = `${ended}${cost === '' ? '' : `Cost ${cost}`}`
  }

  /** The gate needs a moment to see it and to settle. */
  #stopped(note: Element): void {
    note.textContent = 'Stopped. What was written is charged.'
    setTimeout(() => this.#parts.spent(), 1_000)
  }

  #grow(text: Element, note: Element, more: string): void {
    const log = box('log')
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 60
    note.textContent = ''
    text.append(more)
    if (atEnd) log.scrollTop = log.scrollHeight
  }

  /** A refusal in its own words; where it is about money, a button that pays and asks again. */
  #refused(entry: HTMLElement, { status, message, payAt }: Problem): void {
    const note = part(entry, 'note')
    note.replaceChildren(make('span', status === 0 ? GONE : spoken(message), 'problem'))
    if (status !== 402) return
    this.#unpaid = entry
    const pay = make('button', 'Pay and ask again', 'primary')
    pay.type = 'button'
    pay.addEventListener('click', () => this.#parts.pay(payAt))
    note.append(pay)
    pay.focus()
  }

  #entry(role: Message['role'], text: string): HTMLElement {
    const entry = make('li', '', role)
    entry.append(make('span', role === 'user' ? 'You' : 'Answer', 'hidden'))
    entry.append(make('p', text, 'text'), make('p', '', 'note'))
    const log = box('log')
    log.hidden = false
    log.append(entry)
    log.scrollTop = log.scrollHeight
    return entry
  }

  #busy(running: AbortController | null): void {
    const had = document.activeElement === button('stop')
    this.#running = running
    button('send').hidden = running !== null
    button('stop').hidden = running === null
    button('clear').hidden = running !== null || this.#said.length === 0
    if (had && running === null) box('prompt').focus()
  }

  #clear(): void {
    this.#said = []
    this.#unpaid = null
    box('log').replaceChildren()
    box('log').hidden = true
    button('clear').hidden = true
    box('prompt').focus()
  }
}

const GONE = 'The gate does not answer. Is the network there? Send the message again.'

/** The page has a button where the message has a URL. */
const spoken = (message: string): string => message.replace(/ Pay at \S+.*$/s, '')

function part(entry: HTMLElement, name: string): Element {
  const found = entry.getElementsByClassName(name)[0]
  if (found === undefined) throw new Error(`an entry has no ${name}`)
  return found
}
