import { TransientMap } from './transient-map.ts'

/** A client, and the network that it is in: all of an IPv6 /48 are one site (RFC 6177). */
export interface Member {
  readonly client: string
  readonly site: string
}

/**
 * How many clients' share one site gets. An IPv6 /48 contains 65,536 clients, so without this bound
 * a site could take everything.
 */
const CLIENTS_OF_A_SITE = 4

/** How many of something a name may have at a time. */
export type Bound = readonly [name: string, most: number]

/** A client may have `each`, and its site as many as four clients (threats J17). */
export const boundsOf = ({ client, site }: Member, each: number): readonly Bound[] => [
  [`client ${client}`, each],
  [`site ${site}`, each * CLIENTS_OF_A_SITE],
]

/** Counts what is held under each name at a time. */
export class Quota {
  readonly #counts = new TransientMap<number>()

  /** Whether each of the names has less than its bound. */
  hasRoom(bounds: readonly Bound[]): boolean {
    return bounds.every(([name, most]) => this.count(name) < most)
  }

  count(name: string): number {
    return this.#counts.get(name) ?? 0
  }

  add(names: readonly string[]): void {
    for (const name of names) this.#counts.set(name, this.count(name) + 1)
  }

  giveBack(names: readonly string[]): void {
    for (const name of names) {
      const left = this.count(name) - 1
      if (left > 0) this.#counts.set(name, left)
      else this.#counts.delete(name)
    }
  }
}
