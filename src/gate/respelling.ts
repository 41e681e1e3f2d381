import type { Added, Backend } from '../dialects/dialect.ts'
import type { World } from '../floor/world.ts'
import type { Sent, Upstream, UpstreamListener } from './ports.ts'
import { refusedFields } from './refused-fields.ts'
import { SecondSend } from './second-send.ts'
import type { Held } from './steps.ts'

/** ms for which a spelling that worked is used at once. A model behind a name may change. */
const REMEMBERED = 3_600_000
/** Spellings that are kept: some backends answer to any name. */
const MOST = 500

interface Known {
  readonly refused: ReadonlySet<Added>
  readonly until: number
}

/**
 * What the gate adds never makes a request invalid (threats K5). Where a backend refuses a field that
 * only the gate wrote, the request is sent once more, spelled otherwise; a spelling that worked is
 * remembered for that backend and model.
 */
export class Respelling {
  readonly #upstream: Upstream
  readonly #world: Pick<World, 'now'>
  readonly #known = new Map<string, Known>()

  constructor(upstream: Upstream, world: Pick<World, 'now'>) {
    this.#upstream = upstream
    this.#world = world
  }

  /** The body of a held request, and an upstream that takes it at its second try. */
  of(held: Held, backend: Backend): { readonly body: Uint8Array; readonly upstream: Upstream } {
    const { asked, served, dialect, limit } = held
    const name = `${backend} ${served}`
    const before = this.#refused(name)
    const spell = (refused: ReadonlySet<Added>) => dialect.rewrite(asked, limit, backend, refused)
    const body = spell(before)
    const otherwise = (refusal: Uint8Array) => {
      const named = refusedFields(refusal).filter((field) => !holds(asked.body, field))
      if (named.length === 0) return null
      const refused = spelledOtherwise(before, named)
      const other = spell(refused)
      if (Buffer.compare(other, body) === 0) return null
      return { body: other, worked: () => this.#remember(name, refused) }
    }
    const send: Upstream['send'] = (request, listener: UpstreamListener): Sent =>
      new SecondSend(this.#upstream, { request, listener, otherwise }).start()
    return { body, upstream: { send } }
  }

  #refused(name: string): ReadonlySet<Added> {
    const known = this.#known.get(name)
    if (known === undefined || this.#world.now() >= known.until) return NOTHING
    return known.refused
  }

  #remember(name: string, refused: ReadonlySet<Added>): void {
    this.#known.delete(name)
    this.#known.set(name, { refused, until: this.#world.now() + REMEMBERED })
    if (this.#known.size <= MOST) return
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest)
      return
    }
  }
}

const NOTHING: ReadonlySet<Added> = new Set()

const OTHER_NAME: Partial<Record<Added, Added>> = {
  max_tokens: 'max_completion_tokens',
  max_completion_tokens: 'max_tokens',
}

/** An output limit changes its name: what was refused before is tried again. */
function spelledOtherwise(before: ReadonlySet<Added>, named: readonly Added[]): ReadonlySet<Added> {
  const refused = new Set(before)
  for (const field of named) {
    const other = OTHER_NAME[field]
    if (other !== undefined && !named.includes(other)) refused.delete(other)
    refused.add(field)
  }
  return refused
}

/** The name stands somewhere in what the client sent: an error's text may only repeat it. */
function holds(body: Uint8Array, name: Added): boolean {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8')
  return unescaped(text).toLowerCase().includes(name)
}

/** Without the escapes that a letter, a figure or an underscore may be written with. */
const unescaped = (text: string): string =>
  text.replace(/\\u00([0-7][0-9a-f])/gi, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  )
