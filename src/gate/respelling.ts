import type { Backend, CacheKey, Refused, Rewritten } from '../dialects/dialect.ts'
import type { World } from '../floor/world.ts'
import type { Held } from './call.ts'
import type { Sent, Upstream, UpstreamListener, UpstreamRequest } from './ports.ts'
import { type OtherSpelling, SecondSend } from './second-send.ts'

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

  /** How a held request is spelled. It is sent through that spelling. */
  of(held: Held, backend: Backend, cacheKey: CacheKey): Spelling {
    const name = `${backend} ${held.served}`
    const before = this.#refused(name)
    return new Spelling(held, {
      backend,
      cacheKey,
      before,
      works: (refused) => this.#remember(name, refused),
    })
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

/** The spelling of one request, and an upstream that may send it a second time. */
class Spelling implements Upstream, OtherSpelling {
  readonly sent: Rewritten
  readonly #held: Held
  readonly #backend: Backend
  readonly #cacheKey: CacheKey
  /** What was sent last. */
  #last: Rewritten
  readonly #before: Refused
  readonly #works: (refused: Refused) => void
  #other: Refused = NOTHING

  constructor(
    held: Held,
    how: {
      readonly backend: Backend
      readonly cacheKey: CacheKey
      readonly before: Refused
      readonly works: (refused: Refused) => void
    },
  ) {
    this.#held = held
    this.#backend = how.backend
    this.#cacheKey = how.cacheKey
    this.#before = how.before
    this.#works = how.works
    this.sent = this.#spell(how.before)
    this.#last = this.sent
  }

  /** The backend reuses nothing that another account has sent (threats L21). */
  get ownCache(): boolean {
    return this.#last.ownCache === true
  }

  send(request: UpstreamRequest, listener: UpstreamListener): Sent {
    const { upstream } = this.#held.slot.target
    return new SecondSend(upstream, listener, { request, spelling: this })
  }

  otherwise(refusal: Uint8Array): Uint8Array | null {
    const { asked, route } = this.#held
    const refused = route.dialect.respell(asked, refusal, this.#before)
    if (refused === null) return null
    const spelled = this.#spell(refused)
    if (Buffer.compare(spelled.body, this.sent.body) === 0) return null
    this.#other = refused
    this.#last = spelled
    return spelled.body
  }

  worked(): void {
    this.#works(this.#other)
  }

  #spell(refused: Refused): Rewritten {
    const { asked, limit, route } = this.#held
    return route.dialect.rewrite(asked, limit, this.#backend, refused, this.#cacheKey)
  }
}
