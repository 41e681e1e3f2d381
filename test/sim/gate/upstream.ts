import type { Timer } from '../../../src/floor/world.ts'
import type { Sent, Upstream, UpstreamListener, UpstreamRequest } from '../../../src/gate/ports.ts'
import type { VirtualProcess, VirtualWorld } from '../../support/virtual-world.ts'

/**
 * The words of the model, one after the other. Each is one token, and none begins with the text
 * before it.
 */
const WORDS = [' red', ' blue', ' green', ' house', ' tree', ' water', ' stone', ' light', ' road']
const saying = (from: number, count: number): string =>
  Array.from({ length: count }, (_, i) => WORDS[(from + i) % WORDS.length]).join('')
const SAID = new RegExp(WORDS.join('|'), 'g')

/** Number of words of the model in a text. */
export const wordsIn = (text: string): number => text.match(SAID)?.length ?? 0

/** How the backend behaves for one request. */
export const MANNERS = [
  'honest',
  'honest',
  'honest',
  'no usage',
  'overlong',
  'reports more',
  'breaks off',
  'stalls',
  'silent',
  'unreachable',
  'refuses',
  'fails',
  'error event',
  'says nothing',
] as const
export type Manner = (typeof MANNERS)[number]

/** What the backend did for one request, by its own knowledge. */
export interface Work {
  readonly id: string
  readonly manner: Manner
  /** The most words that were requested. */
  readonly limit: number
  /** Number of words that it sent. */
  words: number
  /** The usage that it reported. Null if none. */
  reported: { readonly prompt: number; readonly completion: number } | null
  over: boolean
}

const ENCODER = new TextEncoder()

/** A scripted backend. It lives longer than every gate, and counts what it sends. */
export class SimUpstream {
  readonly work: Work[] = []
  readonly #world: VirtualWorld
  calm = false
  /** Called with the id of each request that the gate sends. */
  onRequest: (id: string) => void = () => {}

  constructor(world: VirtualWorld) {
    this.#world = world
  }

  seenBy(process: VirtualProcess): Upstream {
    return { send: (request, listener) => this.#send(process, request, listener) }
  }

  #send(process: VirtualProcess, request: UpstreamRequest, listener: UpstreamListener): Sent {
    const { chance } = this.#world
    const manner = this.calm ? 'honest' : chance.one(MANNERS)
    const id = request.headers['x-request-id'] ?? ''
    const body = bodyOf(request)
    const limit = body.max_tokens ?? body.max_completion_tokens ?? 20
    const work: Work = { id, manner, limit, words: 0, reported: null, over: false }
    this.work.push(work)
    this.onRequest(id)
    const answer = new Answer(this.#world, { process, listener, work, body })
    answer.begin()
    return answer
  }
}

interface Body {
  readonly stream?: boolean
  readonly max_tokens?: number
  readonly max_completion_tokens?: number
  readonly messages?: readonly { readonly content: string }[]
  readonly stream_options?: { readonly include_usage?: boolean }
}

const bodyOf = (request: UpstreamRequest): Body =>
  JSON.parse(Buffer.from(request.body ?? []).toString('utf8'))

/** An answer that is being sent. */
class Answer implements Sent {
  readonly #world: VirtualWorld
  readonly #process: VirtualProcess
  readonly #listener: UpstreamListener
  readonly #work: Work
  readonly #body: Body
  readonly #total: number
  readonly #pace: number
  #timer: Timer | null = null
  #paused = false

  constructor(
    world: VirtualWorld,
    parts: {
      readonly process: VirtualProcess
      readonly listener: UpstreamListener
      readonly work: Work
      readonly body: Body
    },
  ) {
    this.#world = world
    this.#process = parts.process
    this.#listener = parts.listener
    this.#work = parts.work
    this.#body = parts.body
    const { limit } = parts.work
    const wish = world.chance.from(1, 30)
    this.#total = parts.work.manner === 'overlong' ? limit * 6 + wish : Math.min(limit, wish)
    this.#pace = world.chance.one([5, 60, 400])
  }

  begin(): void {
    const { manner } = this.#work
    const first = this.#world.chance.from(5, 1_500)
    if (manner === 'silent') return
    if (manner === 'unreachable') {
      this.#later(first, () => this.#fail('unreachable'))
    } else if (manner === 'refuses') this.#later(first, () => this.#small(400, 'too long'))
    else if (manner === 'fails') this.#later(first, () => this.#small(500, 'out of memory'))
    else if (this.#body.stream === true) this.#later(first, () => this.#beginStream())
    else this.#later(first + this.#pace * Math.min(this.#total, 20), () => this.#whole())
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#later(1, () => this.#next())
  }

  abort(): void {
    this.#end()
  }

  #end(): void {
    if (this.#work.over) return
    this.#work.over = true
    this.#timer?.cancel()
    // The listener is told of the end first.
    queueMicrotask(() => this.#listener.onReleased())
  }

  /** When a gate is killed, its connections break. */
  #later(ms: number, then: () => void): void {
    this.#timer = this.#world.after(ms, () => {
      if (!this.#process.alive) return this.#end()
      if (!this.#work.over) then()
    })
  }

  #fail(kind: 'unreachable' | 'broken'): void {
    this.#end()
    this.#listener.onError(kind, 'as the script says')
  }

  #small(status: number, message: string): void {
    this.#listener.onHead(status, { 'content-type': 'application/json' })
    this.#listener.onData(ENCODER.encode(JSON.stringify({ error: { message } })))
    this.#end()
    this.#listener.onEnd()
  }

  #beginStream(): void {
    this.#listener.onHead(200, { 'content-type': 'text/event-stream' })
    this.#next()
  }

  #next(): void {
    const { manner } = this.#work
    const half = this.#work.words >= Math.ceil(this.#total / 2)
    if (half && manner === 'stalls') return
    if (half && manner === 'breaks off') this.#fail('broken')
    else if (half && manner === 'error event') this.#errorEvent()
    else if (manner === 'says nothing' || this.#work.words >= this.#total) this.#done()
    else this.#say()
  }

  #say(): void {
    const batch = Math.min(this.#world.chance.from(1, 3), this.#total - this.#work.words)
    const said = this.#work.words
    this.#work.words += batch
    const taken = this.#event({ choices: [choice({ content: saying(said, batch) }, null)] })
    if (taken) this.#later(this.#pace, () => this.#next())
    else this.#paused = true
  }

  #errorEvent(): void {
    this.#event({ error: { message: 'the model crashed', type: 'server_error' } })
    this.#end()
    this.#listener.onEnd()
  }

  #done(): void {
    const { manner } = this.#work
    if (manner !== 'says nothing') this.#event({ choices: [choice({}, 'stop')] })
    if (this.#body.stream_options?.include_usage === true && this.#reports()) {
      this.#event({ choices: [], usage: this.#usage() })
    }
    this.#send('data: [DONE]\n\n')
    this.#end()
    this.#listener.onEnd()
  }

  #whole(): void {
    const { manner } = this.#work
    if (manner === 'error event') {
      this.#small(200, 'the model crashed')
      return
    }
    this.#listener.onHead(200, { 'content-type': 'application/json' })
    if (manner === 'stalls') return
    if (manner === 'breaks off') {
      this.#send('{"id":"sim","choices":[{"ind')
      this.#fail('broken')
      return
    }
    const words = manner === 'says nothing' ? 0 : this.#total
    this.#work.words = words
    const message = { role: 'assistant', content: saying(0, words) }
    const usage = this.#reports() ? { usage: this.#usage() } : {}
    const body = {
      ...{ id: 'sim', object: 'chat.completion', created: 1, model: 'sim' },
      choices: [{ index: 0, message, finish_reason: 'stop' }],
      ...usage,
    }
    this.#send(JSON.stringify(body))
    this.#end()
    this.#listener.onEnd()
  }

  #reports(): boolean {
    return this.#work.manner !== 'no usage'
  }

  #usage(): object {
    const extra = this.#work.manner === 'reports more' ? this.#world.chance.from(1, 5) : 0
    const prompt = 10
    const completion = this.#work.words + extra
    this.#work.reported = { prompt, completion }
    const total_tokens = prompt + completion
    return { prompt_tokens: prompt, completion_tokens: completion, total_tokens }
  }

  #event(what: object): boolean {
    const whole = { id: 'sim', object: 'chat.completion.chunk', created: 1, model: 'sim', ...what }
    return this.#send(`data: ${JSON.stringify('error' in what ? what : whole)}\n\n`)
  }

  #send(text: string): boolean {
    return this.#listener.onData(ENCODER.encode(text))
  }
}

const choice = (delta: object, finish: string | null) => ({
  ...{ index: 0, delta, finish_reason: finish },
})
