import { setTimeout as soon } from 'node:timers/promises'
import type { Sent, UpstreamRequest } from '../../src/gate/ports.ts'
import type { HttpUpstream } from '../../src/http/upstream.ts'
import { makeUpstream } from '../../src/http/upstream.ts'
import { type FakeUpstream, type Script, startFakeUpstream } from './upstream.ts'
import { real } from './world.ts'

export { soon }

/** The upstreams and fake backends of one test. `clean` closes all of them. */
export class Bench {
  readonly #cleanups: Array<() => unknown> = []

  later(clean: () => unknown): void {
    this.#cleanups.push(clean)
  }

  async clean(): Promise<void> {
    for (const clean of this.#cleanups.splice(0).reverse()) await clean()
  }

  at(base: URL, key: string | null = 'sk-operator'): HttpUpstream {
    const upstream = makeUpstream({
      world: real,
      base,
      key,
      timeouts: { connectMs: 2_000 },
      now: Date.now,
    })
    this.later(() => upstream.close())
    return upstream
  }

  async both(script: Script = {}): Promise<{ fake: FakeUpstream; upstream: HttpUpstream }> {
    const fake = await startFakeUpstream(script)
    this.later(() => fake.close())
    return { fake, upstream: this.at(fake.base) }
  }
}

export const chat = (body: object, headers: Record<string, string> = {}): UpstreamRequest => ({
  method: 'POST',
  path: '/v1/chat/completions',
  query: '',
  body: Buffer.from(JSON.stringify(body)),
  contentType: 'application/json',
  headers,
  passes: [],
})

export interface Heard {
  status: number
  headers: Readonly<Record<string, string | string[] | undefined>>
  text: string
  end: 'end' | 'unreachable' | 'broken' | null
  detail: string
  /** The names of all calls, in order. */
  calls: string[]
  sent: Sent
  over: Promise<void>
  /** Resolves when the upstream has let go of the request. */
  released: Promise<void>
}

/** Sends a request and records what the listener is told. `take` answers each chunk. */
export function hear(
  upstream: HttpUpstream,
  request: UpstreamRequest,
  take: (heard: Heard) => boolean = () => true,
): Heard {
  const { promise, resolve } = Promise.withResolvers<void>()
  const released = Promise.withResolvers<void>()
  const finish = (end: Heard['end'], detail = '') => {
    heard.calls.push(String(end))
    Object.assign(heard, { end, detail })
    resolve()
  }
  const heard: Omit<Heard, 'sent'> = {
    status: 0,
    headers: {},
    text: '',
    end: null,
    detail: '',
    calls: [],
    over: promise,
    released: released.promise,
  }
  const sent = upstream.send(request, {
    onHead: (status, headers) => {
      heard.calls.push('head')
      Object.assign(heard, { status, headers })
    },
    onData: (chunk) => {
      heard.calls.push('data')
      heard.text += Buffer.from(chunk).toString()
      return take(heard as Heard)
    },
    onEnd: () => finish('end'),
    onError: finish,
    onReleased: released.resolve,
  })
  return Object.assign(heard, { sent })
}

/** Sends one chat that is not streamed, and waits for its end. */
export async function asked(
  upstream: HttpUpstream,
  headers: Record<string, string> = {},
): Promise<Heard> {
  return settled(hear(upstream, chat({ model: 'fake' }, headers)))
}

export async function settled(heard: Heard): Promise<Heard> {
  await heard.over
  return heard
}
