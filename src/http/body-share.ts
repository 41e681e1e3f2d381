import { assert } from '../floor/assert.ts'
import { type Holder, Holders } from './holders.ts'

/** Bytes. A body up to this size is small: prompts are, files hardly ever. */
export const SMALL_BODY = 262_144
/** Bytes a second. A slower large body loses its room if others wait for room. */
const LEAST_RATE = 262_144
/** ms before the rate of a large body is measured. */
const LARGE_GRACE = 1_000
/** ms. A small body that takes longer loses its room if others wait for room. */
const SMALL_GRACE = 5_000

/** How much memory bodies may take, in bytes. */
export interface ShareBounds {
  /** For all holders together. */
  readonly total: number
  /** The part of the total that only bodies of up to `SMALL_BODY` may use. */
  readonly smallOnly: number
  /** For one holder. */
  readonly each: number
  /**
   * For one holder while it sends a large body. The largest body that the operator allows always
   * fits.
   */
  readonly eachLarge: number
  /** How many bodies above `SMALL_BODY` one holder may send at a time. */
  readonly largeEach: number
  /** For all holders of one site, because an IPv6 /48 contains 65,536 of them. */
  readonly site: number
}

/** Whose body it is. `site` is the same for all of one site. For most clients it equals the holder. */
export interface Whose {
  readonly holder: string
  readonly site: string
}

const MB = 1_048_576

/**
 * The room for bodies of strangers (threats J7): 64 MB. One client gets at most an eighth of it,
 * and one large body at a time. If the operator allows larger bodies, one of them still fits.
 */
export function strangersBounds(bodyLimit: number): ShareBounds {
  const large = Math.max(48 * MB, bodyLimit)
  const eachLarge = Math.max(8 * MB, bodyLimit)
  const total = large + 16 * MB
  return { total, smallOnly: 16 * MB, each: 8 * MB, eachLarge, largeEach: 1, site: 2 * eachLarge }
}

/**
 * The room for bodies of verified passes. It is divided too, so that somebody with a pass of ten
 * sats cannot fill it.
 */
export function passesBounds(bodyLimit: number): ShareBounds {
  const eachLarge = Math.max(32 * MB, bodyLimit)
  const total = Math.max(128 * MB, 2 * eachLarge)
  const largeEach = Number.POSITIVE_INFINITY
  return { total, smallOnly: total / 4, each: 32 * MB, eachLarge, largeEach, site: total }
}

/**
 * The memory that the bodies of many requests share. It only counts bytes. A body that does not fit
 * is refused. Before that, other bodies that arrive too slowly lose their room.
 */
export class BodyShare {
  readonly #bounds: ShareBounds
  readonly #now: () => number
  readonly #holders = new Holders()
  readonly #sites = new Holders()
  /** The rooms of bodies that still arrive. Each knows its index. */
  readonly #arriving: BodyRoom[] = []
  #bytes = 0
  #largeBytes = 0

  constructor(bounds: ShareBounds, now: () => number) {
    this.#bounds = bounds
    this.#now = now
  }

  /** The bytes that are taken now. */
  get bytes(): number {
    return this.#bytes
  }

  /**
   * Takes room for one body. Null if there is none. `declared` is the length that its request
   * names. `drop` is called if the body comes too slowly and others need its room.
   */
  enter(whose: Whose, declared: number | null, drop: () => void): BodyRoom | null {
    const place = this.#placeFor(whose, {
      declared: declared ?? 0,
      drop,
      at: this.#arriving.length,
    })
    if (place !== null) this.#arriving.push(place)
    return place
  }

  /** Takes room for a body that has arrived. Null if there is none. */
  take(whose: Whose, size: number): BodyRoom | null {
    const place = this.#placeFor(whose, { declared: size, drop: nothing, at: -1 })
    if (place === null || this.grow(place, size)) return place
    place.leave()
    return null
  }

  /** Called by `BodyRoom`. */
  grow(place: BodyRoom, to: number): boolean {
    const more = to - place.bytes
    assert(more >= 0, 'a body that arrives does not shrink')
    if (to > SMALL_BODY && !place.large) {
      if (!this.#admitsLarge(place.holder)) return false
      this.#enlarge(place)
    }
    if (!this.#hasRoom(place, more) && !this.#getsRoom(place, more)) return false
    place.bytes = to
    place.holder.bytes += more
    place.site.bytes += more
    this.#bytes += more
    if (place.large) this.#addLarge(place.holder, more)
    return true
  }

  #hasRoom(place: BodyRoom, more: number): boolean {
    const { holder, site } = place
    const near = site.bytes + more <= this.#bounds.site
    return holder.bytes + more <= this.#most(place) && near && this.#fits(place, more)
  }

  /** Others may lose their room for it: bodies of its holder, of its site, then any. */
  #getsRoom(place: BodyRoom, more: number): boolean {
    const { holder, site } = place
    const mine = () => holder.bytes + more <= this.#most(place)
    const ofMine = (one: BodyRoom) => one.holder === holder
    if (!mine() && (place.isSlow(this.#now()) || !this.#makeRoom(mine, ofMine))) return false
    const near = () => site.bytes + more <= this.#bounds.site
    const ofSite = (one: BodyRoom) => one.site === site
    if (!near() && (place.isSlow(this.#now()) || !this.#makeRoom(near, ofSite))) return false
    const all = () => this.#fits(place, more)
    return all() || (!place.isSlow(this.#now()) && this.#makeRoom(all))
  }

  /** Called by `BodyRoom` when the whole body is there. It cannot lose its room any more. */
  settle(place: BodyRoom): void {
    if (place.at < 0) return
    const last = this.#arriving.pop()
    if (last !== undefined && last !== place) {
      this.#arriving[place.at] = last
      last.at = place.at
    }
    place.at = -1
  }

  /** Called by `BodyRoom`. The bytes still count, but the holder may send another large body. */
  admit(place: BodyRoom): void {
    this.settle(place)
    if (!place.large || place.admitted) return
    place.admitted = true
    place.holder.large -= 1
  }

  /** Called by `BodyRoom`. */
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
    }
  }

  #placeFor(
    { holder: name, site: near }: Whose,
    { declared, ...arrives }: Pick<BodyRoom, 'at' | 'drop'> & { readonly declared: number },
  ): BodyRoom | null {
    const holder = this.#holders.of(name)
    const large = declared > SMALL_BODY
    if (large && !this.#admitsLarge(holder)) return null
    const site = this.#sites.of(near)
    const place = new BodyRoom(this, { holder, site, since: this.#now(), ...arrives })
    holder.places += 1
    site.places += 1
    if (large) this.#enlarge(place)
    return place
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

  /**
   * The most bytes that this holder may have for this body. Beside a large body, a small one still
   * gets a little room.
   */
  #most({ large, holder }: BodyRoom): number {
    const { each, eachLarge } = this.#bounds
    return large ? eachLarge : Math.max(each, holder.largeBytes + each / 4)
  }

  #fits(place: BodyRoom, more: number): boolean {
    const { total, smallOnly } = this.#bounds
    if (this.#bytes + more > total) return false
    return !place.large || this.#largeBytes + more <= total - smallOnly
  }

  /** Drops bodies that come too slowly, large ones first, until there is room. */
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

const nothing = (): void => {}
const isLarge = ({ large }: BodyRoom): boolean => large

/** The room of one body. It is given back once, even if `leave` is called several times. */
export class BodyRoom {
  /** The size of its buffer. */
  bytes = 0
  /** The bytes that have arrived. */
  received = 0
  large = false
  admitted = false
  /** Its index among the bodies that arrive, or -1. */
  at: number
  readonly holder: Holder
  readonly site: Holder
  readonly #share: BodyShare
  readonly #since: number
  /** Called if others need its room. */
  readonly drop: () => void
  #open = true

  constructor(
    share: BodyShare,
    made: Pick<BodyRoom, 'holder' | 'site' | 'at' | 'drop'> & { readonly since: number },
  ) {
    this.#share = share
    this.#since = made.since
    this.drop = made.drop
    this.holder = made.holder
    this.site = made.site
    this.at = made.at
  }

  /** Makes room for a buffer of that size. Returns false if there is none. */
  grow(to: number): boolean {
    return this.#share.grow(this, to)
  }

  /** Called when the whole body has arrived. */
  arrived(): void {
    this.#share.settle(this)
  }

  /** Whether it was not given back yet. */
  get open(): boolean {
    return this.#open
  }

  /** Called when its request is served and not only read. */
  admit(): void {
    if (this.#open) this.#share.admit(this)
  }

  leave(): void {
    if (!this.#open) return
    this.#open = false
    this.#share.giveBack(this)
  }

  isSlow(now: number): boolean {
    const ms = now - this.#since
    if (!this.large) return ms > SMALL_GRACE
    return ms > LARGE_GRACE && this.received < (LEAST_RATE * ms) / 1000
  }
}
