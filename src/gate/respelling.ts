import type { Backend, Refused, Rewritten } from '../dialects/dialect.ts'
import type { World } from '../floor/world.ts'
import type { Held } from './call.ts'
import type { Sent, Upstream, UpstreamListener } from './ports.ts'
import { SecondSend } from './second-send.ts'

/**
 * ms for which a spelling that worked is used at once. After that the first spelling is tried
 * again, because another model may now have this name.
 */
const REMEMBERED = 3_600_000
/** How many spellings are kept. A limit is needed because some backends accept any model name. */
const MOST = 500

interface Known {
  readonly refused: Refused
  readonly until: number
}

/**
 * Fields that the gate adds must never make a request invalid (threats K5). If a backend refuses a
 * field that only the gate wrote, the request is sent once more in another spelling. The spelling
 * that worked is remembered for that backend and model.
 */
export class Respelling {
  readonly #world: Pick<World, 'now'>
  readonly #known = new Map<string, Known>()

  constructor(world: Pick<World, 'now'>) {
    this.#world = world
  }

  /** What is sent for a held request, and an upstream that may send it a second time. */
  of(held: Held, backend: Backend): { readonly sent: Rewritten; readonly upstream: Upstream } {
    const { asked, limit, route, served, slot } = held
    const { dialect } = route
    const name = `${backend} ${served}`
    const before = this.#refused(name)
    const spell = (refused: Refused) => dialect.rewrite(asked, limit, backend, refused)
    const sent = spell(before)
    const otherwise = (refusal: Uint8Array) => {
      const refused = dialect.respell(asked, refusal, before)
      if (refused === null) return null
      const { body } = spell(refused)
      if (Buffer.compare(body, sent.body) === 0) return null
      return { body, worked: () => this.#remember(name, refused) }
    }
    const send: Upstream['send'] = (request, listener: UpstreamListener): Sent =>
      new SecondSend(slot.target.upstream, { request, listener, otherwise }).start()
    return { sent, upstream: { send } }
  }

  #refused(name: string): Refused {
    const known = this.#known.get(name)
    if (known === undefined || this.#world.now() >= known.until) return NOTHING
    return known.refused
  }

  #remember(name: string, refused: Refused): void {
    this.#known.delete(name)
    this.#known.set(name, { refused, until: this.#world.now() + REMEMBERED })
    if (this.#known.size <= MOST) return
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest)
      return
    }
  }
}

const NOTHING: Refused = new Set()
