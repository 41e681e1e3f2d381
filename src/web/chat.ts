import { Answer } from './answer.ts'
import { noAnswer, type Problem, problemOf, withKey } from './api.ts'
import { announce, box, button, el, make, wireCodeCopying } from './dom.ts'
import { figure, fromMsat, sats } from './format.ts'
import type { Shop } from './shop.ts'
import { answerOf } from './stream.ts'

interface Message {
  readonly role: 'user' | 'assistant'
  readonly content: string
}

/** The functions of the page that a chat calls. */
export interface ChatParts {
  readonly shop: Shop
  model(): string | null
  /** Pays at that path of the gate, or by the form if it is null. */
  pay(payAt: string | null): void
  spent(): void
}

/** A first chat. The conversation lives in this object: it is gone with the page. */
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
    wireCodeCopying(box('log'))
  }

  /** Asks the question again that waited for a payment. */
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
    // If a question got no answer, the model is not told of it.
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
    part(entry, 'note').replaceChildren()
    part(entry, 'text').replaceChildren()
    const answer = new Answer(part(entry, 'text'), keepingEnd)
    this.#busy(running)
    this.#state('Waiting for the model…')
    const key = this.#parts.shop.keys.current
    try {
      const response = await this.#ask(key, running.signal)
      if (!response.ok) this.#refused(entry, await problemOf(response), key)
      else this.#ended(entry, await this.#read(response, answer))
    } catch {
      if (running.signal.aborted) this.#stopped(entry)
      else this.#refused(entry, noAnswer(), key)
    }
    const { text } = answer
    if (text !== '') this.#said.push({ role: 'assistant', content: text })
    announce(`${shortened(text)} ${part(entry, 'note').textContent}`)
    this.#busy(null)
    this.#parts.spent()
  }

  #ask(key: string | null, signal: AbortSignal): Promise<Response> {
    const body = { model: this.#parts.model(), messages: this.#said, stream: true }
    return fetch('/v1/chat/completions', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...withKey(key) },
      body: JSON.stringify(body),
      signal,
    })
  }

  /** How the answer ended, and what it cost, in words. */
  async #read(response: Response, answer: Answer): Promise<string> {
    let cost = ''
    let ended = ''
    let finished = false
    for await (const piece of answerOf(response)) {
      if (piece.is === 'text') {
        answer.add(piece.text)
        this.#state(`Writing… ${figure(answer.text.length)} characters so far`)
      } else if (piece.is === 'thinking') this.#state('Thinking…')
      else if (piece.is === 'cost') cost = `Cost ${fromMsat(piece.msat, this.#parts.shop.unit)}`
      else if (piece.is === 'error') ended = piece.message
      else {
        finished = true
        if (piece.reason === 'length') ended = 'Cut at the longest answer that was allowed.'
      }
    }
    if (!finished && ended === '') ended = 'The answer broke off.'
    return `${ended} ${cost}`.trim()
  }

  #ended(entry: HTMLElement, words: string): void {
    keepingEnd(() => part(entry, 'note').replaceChildren(words))
    this.#state(words)
  }

  /** The gate needs a moment to see it and to settle. */
  #stopped(entry: HTMLElement): void {
    this.#ended(entry, 'Stopped. You pay for the part that was written.')
    setTimeout(() => this.#parts.spent(), 1_000)
  }

  /**
   * Shows a refusal in its own words. A 402 is an offer, not a failure: the answer is for sale. Its
   * invoice pays into the account of `key`, which was sent, whatever key is in use by now.
   */
  #refused(entry: HTMLElement, { status, message, offer }: Problem, key: string | null): void {
    const note = part(entry, 'note')
    const { keys, unit } = this.#parts.shop
    if (status !== 402) {
      note.replaceChildren(make('span', status === 0 ? GONE : message, 'problem'))
      this.#state('Not answered')
      return
    }
    // The person who made the link has a linked key too, so we pay into a key of the buyer's own (J23).
    const linked = key !== null && keys.isFromLink(key)
    const bought = linked ? null : offer
    this.#unpaid = entry
    const words = offer === null ? spoken(message) : offered(offer.sats, key, unit)
    const pay = make('button', bought === null ? 'Buy credit' : `Pay ${sats(bought.sats, unit)}`)
    pay.type = 'button'
    pay.className = 'primary'
    pay.addEventListener('click', () => this.#parts.pay(bought?.payAt ?? null))
    keepingEnd(() => note.replaceChildren(make('span', words, 'offer'), pay))
    this.#state('Waiting for your payment')
    pay.focus()
  }

  #state(words: string): void {
    box('doing').textContent = words
  }

  #entry(role: Message['role'], text: string): HTMLElement {
    const entry = make('li', '', role)
    entry.append(make('span', role === 'user' ? 'You' : 'Answer', 'hidden'))
    entry.append(make('div', text, 'text'), make('p', '', 'note'))
    const log = box('log')
    log.hidden = false
    log.append(entry)
    log.scrollTop = log.scrollHeight
    box('chat-form').scrollIntoView({ block: 'nearest' })
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
    this.#state('')
    box('prompt').focus()
  }
}

const GONE = 'The gate does not answer. Is there a network? Send the message again.'

/** A screen reader is told so many characters of an answer. The rest can be read in the log. */
const ANNOUNCED = 500

const shortened = (text: string): string =>
  text.length > ANNOUNCED ? `${text.slice(0, ANNOUNCED)}… The answer goes on.` : text

/** The page has a button where the message has a URL. */
const spoken = (message: string): string => message.replace(/ Pay at \S+.*$/s, '')

const offered = (most: number, key: string | null, unit: string): string =>
  key === null
    ? `This answer costs up to ${sats(most, unit)}. Pay, and it is answered. What is left over stays on your key.`
    : `Your credit does not cover this answer, which costs up to ${sats(most, unit)}. Pay, and it is answered.`

/** Draws, and keeps the end of the conversation and the message field in view if they were in view. */
function keepingEnd(draw: () => void): void {
  const [log, form] = [box('log'), box('chat-form')]
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 60
  const seen = form.getBoundingClientRect().bottom <= window.innerHeight + 1
  draw()
  if (atEnd) log.scrollTop = log.scrollHeight
  if (seen) form.scrollIntoView({ block: 'nearest' })
}

function part(entry: HTMLElement, name: string): HTMLElement {
  const found = entry.getElementsByClassName(name)[0]
  if (!(found instanceof HTMLElement)) throw new Error(`an entry has no ${name}`)
  return found
}
