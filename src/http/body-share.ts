import { assert } from '../floor/assert.ts'

/** Bytes of a body that is small: prompts, hardly ever files. */
export const SMALL_BODY = 262_144
/** Bytes a second that a large body has to come at where others wait for its room. */
const LEAST_RATE = 262_144
/** ms before a rate is worth its name. */
const LARGE_GRACE = 1_000
/** ms that a small body may take where others wait for its room. */
const SMALL_GRACE = 5_000

/** How much memory bodies may take, in bytes. */
export interface ShareBounds {
  /** Of all holders together. */
  readonly total: number
  /** What only bodies of up to `SMALL_BODY` may take of that. */
  readonly smallOnly: number
  /** Of one holder. */
  readonly each: number
  /** Of one holder with a large body among its own: one as large as the operator allows always fits. */
  readonly eachLarge: number
  /** Bodies above `SMALL_BODY` that one holder may have at a time. */
  readonly largeEach: number
  /** Of all holders of one site: who has an IPv6 /48 has 65,536 of them. */
  readonly site: number
}

/** Whose a body is. `site` is the same for all of one site, and for most it is the holder itself. */
export interface Whose {
  readonly holder: string
  readonly site: string
}

const MB = 1_048_576

/**
 * What strangers' bodies may take (threats J7): 64 MB, of which a client has an eighth at most and
 * one large body at a time. Where the operator takes larger bodies, one of them still fits.
 */
export function strangersBounds(bodyLimit: number): ShareBounds {
  const large = Math.max(48 * MB, bodyLimit)
  const eachLarge = Math.max(8 * MB, bodyLimit)
  const total = large + 16 * MB
  return { total, smallOnly: 16 * MB, each: 8 * MB, eachLarge, largeEach: 1, site: 2 * eachLarge }
}

/** What bodies of verified passes may take: a pass of ten sats cannot fill it for all the others. */
export function passesBounds(bodyLimit: number): ShareBounds {
  const eachLarge = Math.max(32 * MB, bodyLimit)
  const total = Math.max(128 * MB, 2 * eachLarge)
  const largeEach = Number.POSITIVE_INFINITY
  return { total, smallOnly: total / 4, each: 32 * MB, eachLarge, largeEach, site: total }
}

interface Holder {
  readonly name: string
  bytes: number
  /** Its large bodies, and their part of its bytes. */
  large: number
  largeBytes: number
  places: number
}

/**
 * Memory that the bodies of many requests share. It counts bytes and keeps none. A body that does
 * not fit is refused; before that, bodies that others send too slowly lose their place.
 */
export class BodyShare {
  readonly #bounds: ShareBounds
  readonly #now: () => number
  readonly #holders = new Map<string, Holder>()
  /** Places of bodies that still arrive; each knows its index. */
  readonly #arriving: BodyRoom[] = []
  #bytes = 0
  #largeBytes = 0

  constructor(bounds: ShareBounds, now: () => number) {
    this.#bounds = bounds
    this.#now = now
  }

  /** Bytes that are taken now. */
  get bytes(): number {
    return this.#bytes
  }

  /**
   * A place for one body; null where there is none. `declared` is the length that its request
   * names. `drop` is called where the body came too slowly and others need its room.
   */
  enter(whose: Whose, declared: number | null, drop: () => void): BodyRoom | null {
    const holder = this.#holder(whose.holder)
    const large = (declared ?? 0) > SMALL_BODY
    if (large && !this.#admitsLarge(holder)) return null
    const site = this.#holder(`site ${whose.site}`)
    const [since, at] = [this.#now(), this.#arriving.length]
    const place = new BodyRoom(this, { holder, site, since, drop, at })
    for (const one of [holder, site]) {
      this.#holders.set(one.name, one)
      one.places += 1
    }
    this.#arriving.push(place)
    if (large) this.#enlarge(place)
    return place
  }

  /** For `BodyRoom`. */
  grow(place: BodyRoom, to: number): boolean {
    const more = to - place.bytes
    const { holder, site } = place
    assert(more >= 0, 'a body that arrives does not shrink')
    if (to > SMALL_BODY && !place.large) {
      if (!this.#admitsLarge(holder)) return false
      this.#enlarge(place)
    }
    const mine = () => holder.bytes + more <= this.#most(place)
    const ofMine = (one: BodyRoom) => one.holder === holder
    if (!mine() && (place.isSlow(this.#now()) || !this.#makeRoom(mine, ofMine))) return false
    const near = () => site.bytes + more <= this.#bounds.site
    const ofSite = (one: BodyRoom) => one.site === site
    if (!near() && (place.isSlow(this.#now()) || !this.#makeRoom(near, ofSite))) return false
    const all = () => this.#fits(place, more)
    if (!all() && (place.isSlow(this.#now()) || !this.#makeRoom(all))) return false
    place.bytes = to
    holder.bytes += more
    site.bytes += more
    this.#bytes += more
    if (place.large) this.#addLarge(holder, more)
    return true
  }

  /** For `BodyRoom`: all of it is there, and it is no longer asked to hurry. */
  settle(place: BodyRoom): void {
    if (place.at < 0) return
    const last = this.#arriving.pop()
    if (last !== undefined && last !== place) {
      this.#arriving[place.at] = last
      last.at = place.at
    }
    place.at = -1
  }

  /** For `BodyRoom`: its bytes count on, and its holder may send another large one. */
  admit(place: BodyRoom): void {
    this.settle(place)
    if (!place.large || place.admitted) return
    place.admitted = true
    place.holder.large -= 1
  }

  /** For `BodyRoom`. */
  giveBack(place: BodyRoom): void {
    const { holder, site } = place
    this.settle(place)
    this.#bytes -= place.bytes
    if (place.large) {
      this.#addLarge(holder, -place.bytes)
      if (!place.admitted) holder.large -= 1
    }
    for (const one of [holder, site]) {
      one.bytes -= place.bytes
      one.places -= 1
      if (one.places === 0) this.#holders.delete(one.name)
    }
  }

  #holder(name: string): Holder {
    return this.#holders.get(name) ?? newHolder(name)
  }

  #admitsLarge(holder: Holder): boolean {
    const admits = () => holder.large < this.#bounds.largeEach
    return admits() || this.#makeRoom(admits, (one) => one.holder === holder && one.large)
  }

  #enlarge(place: BodyRoom): void {
    place.large = true
    place.holder.large += 1
    this.#addLarge(place.holder, place.bytes)
  }

  #addLarge(holder: Holder, bytes: number): void {
    this.#largeBytes += bytes
    holder.largeBytes += bytes
  }

  /** Of its holder, for this body to grow. Beside a large one, a small one finds a little room. */
  #most({ large, holder }: BodyRoom): number {
    const { each, eachLarge } = this.#bounds
    return large ? eachLarge : Math.max(each, holder.largeBytes + each / 4)
  }

  #fits(place: BodyRoom, more: number): boolean {
    const { total, smallOnly } = this.#bounds
    if (this.#bytes + more > total) return false
    return !place.large || this.#largeBytes + more <= total - smallOnly
  }

  /** Drops what comes too slowly, large bodies first, until there is room. */
  #makeRoom(isRoom: () => boolean, among: (one: BodyRoom) => boolean = () => true): boolean {
    const now = this.#now()
    const slow = this.#arriving.filter((one) => among(one) && one.isSlow(now))
    for (const one of [...slow.filter(isLarge), ...slow.filter((each) => !each.large)]) {
      one.drop()
      if (isRoom()) return true
    }
    return false
  }
}

const newHolder = (name: string): Holder => ({
  name,
  bytes: 0,
  large: 0,
  largeBytes: 0,
  places: 0,
})

const isLarge = ({ large }: BodyRoom): boolean => large

/** The room of one body. It is given back once, however often `leave` is called. */
export class BodyRoom {
  /** Of its buffer. */
  bytes = 0
  /** That came so far. */
  received = 0
  large = false
  admitted = false
  /** Its index among those that arrive; -1: no longer there. */
  at: number
  readonly holder: Holder
  readonly site: Holder
  readonly #share: BodyShare
  readonly #since: number
  readonly #drop: () => void
  #open = true

  constructor(
    share: BodyShare,
    made: {
      readonly holder: Holder
      readonly site: Holder
      readonly since: number
      readonly drop: () => void
      readonly at: number
    },
  ) {
    this.#share = share
    this.#since = made.since
    this.#drop = made.drop
    this.holder = made.holder
    this.site = made.site
    this.at = made.at
  }

  /** Makes room for a buffer of so many bytes in all; false: there is none. */
  grow(to: number): boolean {
    return this.#share.grow(this, to)
  }

  /** The whole body is there. */
  arrived(): void {
    this.#share.settle(this)
  }

  /** It was not given back yet. */
  get open(): boolean {
    return this.#open
  }

  /** Its request is served, not only read. */
  admit(): void {
    if (this.#open) this.#share.admit(this)
  }

  leave(): void {
    if (!this.#open) return
    this.#open = false
    this.#share.giveBack(this)
  }

  drop(): void {
    this.#drop()
  }

  isSlow(now: number): boolean {
    const ms = now - this.#since
    if (!this.large) return ms > SMALL_GRACE
    return ms > LARGE_GRACE && this.received < (LEAST_RATE * ms) / 1000
  }
}
