import type { Backend } from '../dialects/dialect.ts'
import type { Awaitable } from '../floor/awaitable.ts'
import type { Background, Repeated } from '../floor/background.ts'
import { Cache } from '../floor/cache.ts'
import type { Result } from '../floor/result.ts'
import type { World } from '../floor/world.ts'
import type { Catalog } from '../gate/catalog.ts'
import type { Gone } from '../gate/ports.ts'
import type { Named } from '../money/pricing.ts'
import { modelOf, reached } from './model-names.ts'
import { type Absence, type FailedTry, isFailure, Presence } from './presence.ts'
import {
  contextSize,
  MODELS_PATH,
  type Model,
  type NotProbed,
  type Probed,
  readProbe,
} from './probe.ts'
import type { HttpUpstream } from './upstream.ts'

export interface ModelList extends Catalog {
  /**
   * The models that were last listed. Null if none ever were. For documents; it may wait for a
   * call.
   */
  list(): Promise<readonly Model[] | null>
  /** Whether the upstream answered the last call, even if it listed no models. */
  answering(): boolean
  /** Not null while nothing can be delivered. */
  gone(): Gone | null
  /**
   * Called after something that happens when a backend ends or is replaced. The list is then out of
   * date.
   */
  doubt(): void
  /** Lists the models again, and returns whether a backend of that kind is there now. */
  isStill(kind: Backend): Promise<boolean>
  /**
   * Lists the models in the background: every 60 s, and every 5 s while the backend fails. If the
   * backend has failed already, the watcher is told at once.
   */
  watch(background: Background, watcher: Watcher): void
  /** Stops the calls in the background. */
  stop(): void
}

/** Is also told if the backend is there or silent but has listed no model since the start. */
export interface Watcher extends Absence {
  /** `how` is for the operator alone. */
  unlisted(how: FailedTry): void
  listed(): void
}

export interface ModelListOptions {
  readonly get: HttpUpstream['getJson']
  readonly world: Pick<World, 'now'>
  readonly ttlMs?: number
  readonly deadlineMs?: number
  /**
   * Whether models that are not listed can be asked for, because the operator priced some by name.
   */
  readonly sellsUnlisted?: boolean
  /** What the start found out already. Left out if nothing was asked yet. */
  readonly first?: Result<Pick<Probed, 'kind' | 'models'>, NotProbed>
}

/** Some backends accept any name, so not all that were asked for are remembered. */
const NAMES_REMEMBERED = 500
/** ms between two tries while the backend fails. */
const RETRY = 5_000
const PACE = { every: RETRY, longest: RETRY, first: RETRY }

/** Keeps the list of the upstream's models, its kind, and whether it is there. */
export function makeModels(options: ModelListOptions): ModelList {
  return new Listing(options)
}

/**
 * Makes one call at a time; concurrent callers share it. An old list is replaced before it is used,
 * and used further if that fails. Each listing also tells the kind of backend (threats J8).
 */
class Listing implements ModelList {
  readonly #options: ModelListOptions
  readonly #ttl: number
  #watcher: Watcher | null = null
  readonly #presence = new Presence({
    gone: (gone, how) => this.#watcher?.gone(gone, how),
    back: (since) => this.#watcher?.back(since),
  })
  #models: readonly Model[] | null = null
  #reached = new Cache<readonly Named[]>(NAMES_REMEMBERED)
  /** How the last call failed. Null if it did not. */
  #how: FailedTry | null = null
  #toldUnlisted = false
  #kind: Backend = 'other'
  #answering = false
  #freshUntil = Number.NEGATIVE_INFINITY
  #retryAt = Number.NEGATIVE_INFINITY
  #asking: Promise<void> | null = null
  #doubts = 0
  #background: Background | null = null
  #watch: Repeated | null = null

  constructor(options: ModelListOptions) {
    this.#options = options
    this.#ttl = options.ttlMs ?? 60_000
    if (options.first !== undefined) this.#learn(options.first, false)
  }

  async list(): Promise<readonly Model[] | null> {
    if (this.#presence.gone === null && this.#now() >= this.#dueAt()) await this.#ask()
    return this.#models
  }

  answering(): boolean {
    return this.#answering
  }

  gone(): Gone | null {
    return this.#presence.gone
  }

  kind(): Backend {
    return this.#kind
  }

  doubt(): void {
    this.#doubts += 1
    this.#freshUntil = Number.NEGATIVE_INFINITY
    if (this.#presence.gone === null) this.#askSoon()
  }

  async isStill(kind: Backend): Promise<boolean> {
    await this.#askAnew()
    return this.#answering && this.#kind === kind
  }

  watch(background: Background, watcher: Watcher): void {
    this.#watcher = watcher
    this.#presence.tell()
    this.#tellUnlisted()
    this.#background = background
    this.#watch = background.repeat('models', PACE, () => {
      if (this.#presence.failing || this.#now() >= this.#freshUntil) this.#askSoon()
    })
  }

  stop(): void {
    this.#watch?.end()
    this.#background = null
  }

  /** An old list is replaced before it is used. Nobody waits for a backend that is gone. */
  knows(name: string): Awaitable<boolean | null> {
    const isListed = () => (this.#models === null ? null : this.#find(name) !== undefined)
    const isOld = this.#presence.gone === null && this.#now() >= this.#freshUntil
    return isOld ? this.#askAnew().then(isListed) : isListed()
  }

  contextOf(name: string): number | null {
    const model = this.#find(name)
    return model === undefined ? null : contextSize(model)
  }

  /** What one list says of a name is found out once. */
  reached(name: string): readonly Named[] {
    const known = this.#reached.get(name)
    if (known !== undefined) return known
    const found = reached(this.#kind, this.#models ?? [], name)
    this.#reached.set(name, found)
    return found
  }

  listedAs(name: string): string {
    return this.#find(name)?.id ?? name
  }

  some(): readonly string[] {
    return (this.#models ?? []).slice(0, 5).map(({ id }) => id)
  }

  #find(name: string): Model | undefined {
    return modelOf(this.#kind, this.#models ?? [], name)
  }

  #now(): number {
    return this.#options.world.now()
  }

  /** When a document may cause the next call. After a failure, that is some seconds later. */
  #dueAt(): number {
    return Math.max(this.#freshUntil, this.#retryAt)
  }

  /**
   * If a doubt came while a call was under way, its answer may be from before the doubt. So it is
   * asked again.
   */
  async #askAnew(): Promise<void> {
    await this.#ask()
    if (this.#answering && this.#now() >= this.#freshUntil) await this.#ask()
  }

  #ask(): Promise<void> {
    this.#asking ??= this.#try().finally(() => {
      this.#asking = null
    })
    return this.#asking
  }

  async #try(): Promise<void> {
    const doubts = this.#doubts
    const { get, deadlineMs = 5_000 } = this.#options
    this.#learn(readProbe(await get(MODELS_PATH, deadlineMs)), doubts !== this.#doubts)
  }

  /** `doubted`: something happened while the call was under way that its answer may not know of. */
  #learn(probed: Result<Pick<Probed, 'kind' | 'models'>, NotProbed>, doubted: boolean): void {
    const now = this.#now()
    this.#how = failedOf(probed, this.#options.sellsUnlisted === true)
    this.#presence.saw(this.#how, now)
    this.#answering = probed.ok || isThere(probed.error)
    if (probed.ok) {
      this.#models = probed.value.models
      this.#kind = probed.value.kind
      this.#reached = new Cache(NAMES_REMEMBERED)
    }
    this.#tellUnlisted()
    this.#freshUntil = doubted ? Number.NEGATIVE_INFINITY : now + this.#keeps()
    this.#retryAt = probed.ok ? Number.NEGATIVE_INFINITY : now + Math.min(this.#ttl, RETRY)
  }

  /** Tells once that there is no list. `Presence` reports failures. */
  #tellUnlisted(): void {
    const watcher = this.#watcher
    if (watcher === null) return
    if (this.#how === null && this.#toldUnlisted) {
      this.#toldUnlisted = false
      watcher.listed()
    }
    if (this.#how === null || this.#models !== null || this.#toldUnlisted) return
    if (isFailure(this.#how)) return
    this.#toldUnlisted = true
    watcher.unlisted(this.#how)
  }

  /** ms for which the list may be used. 0 while the backend fails. */
  #keeps(): number {
    if (this.#presence.failing) return 0
    return this.#models === null ? Math.min(this.#ttl, RETRY) : this.#ttl
  }

  /** Nobody waits for this. The next call is due in 5 s, however long this one takes. */
  #askSoon(): void {
    this.#background?.once('models', () => this.#ask())
  }
}

/** Null if the call did not fail. */
export function failedOf(
  probed: Result<Pick<Probed, 'models'>, NotProbed>,
  sellsUnlisted: boolean,
): FailedTry | null {
  if (!probed.ok) return probed.error
  return probed.value.models.length === 0 && !sellsUnlisted ? { why: 'empty' } : null
}

/** It answers but lists no models, or it wants a key for that. */
const isThere = (not: NotProbed): boolean => not.why !== 'unreachable' && not.status < 500
