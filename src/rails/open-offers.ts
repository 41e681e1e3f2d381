/**
 * How many unpaid invoices with a secret each client has open, and all clients together (DESIGN 6;
 * threats D1). Forgetting one here ends its offer only: its row stays as long as it may be paid.
 */
export class OpenOffers {
  readonly #perClient: number
  readonly #total: number
  readonly #clients = new Map<string, number>()
  readonly #open = new Map<string, { readonly client: string; readonly until: number }>()
  #reserved = 0

  constructor(perClient: number, total: number) {
    this.#perClient = perClient
    this.#total = total
  }

  /** Takes a place before the invoice is asked for, so that a burst cannot pass the bound. */
  reserve(client: string, now: number): boolean {
    this.#forgetExpired(now)
    const mine = this.#clients.get(client) ?? 0
    if (mine >= this.#perClient || this.#open.size + this.#reserved >= this.#total) return false
    this.#clients.set(client, mine + 1)
    this.#reserved += 1
    return true
  }

  /** The invoice of a reserved place is there. */
  opened(client: string, hash: string, until: number): void {
    this.#reserved -= 1
    this.#open.set(hash, { client, until })
  }

  /** No invoice came of a reserved place. */
  cancelled(client: string): void {
    this.#reserved -= 1
    this.#less(client)
  }

  /** Paid: its place is free again. */
  closed(hash: string): void {
    const open = this.#open.get(hash)
    if (open === undefined) return
    this.#open.delete(hash)
    this.#less(open.client)
  }

  get size(): number {
    return this.#open.size
  }

  /** Invoices expire in about the order they were made: the first that has not ends the search. */
  #forgetExpired(now: number): void {
    for (const [hash, open] of this.#open) {
      if (open.until > now) return
      this.#open.delete(hash)
      this.#less(open.client)
    }
  }

  #less(client: string): void {
    const left = (this.#clients.get(client) ?? 1) - 1
    if (left > 0) this.#clients.set(client, left)
    else this.#clients.delete(client)
  }
}
