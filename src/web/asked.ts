import { keepList, listIn } from './lists.ts'

const NAME = 'satgate.asked'
/** So many invoices are remembered, the newest first. Nobody has more of them open. */
const MOST = 100

/**
 * The invoices that this page asked for, so that a reload can go on with one. The person who sends a
 * link to an invoice has its key too, so the page does not use a key that comes by a link (threats J23).
 */
export class AskedInvoices {
  readonly #store: Storage | null
  #hashes: readonly string[] = []

  /** If `store` is null the browser keeps nothing, and a reload forgets that the invoice was ours. */
  constructor(store: Storage | null) {
    this.#store = store
  }

  /** `path` is the path of an invoice, with its token. */
  add(path: string): void {
    this.#read()
    const hash = hashIn(path)
    if (hash === null) return
    this.#write([hash, ...this.#hashes.filter((one) => one !== hash)].slice(0, MOST))
  }

  /** Forgets an invoice that is paid: its key is kept elsewhere. */
  forget(path: string): void {
    this.#read()
    const hash = hashIn(path)
    this.#write(this.#hashes.filter((one) => one !== hash))
  }

  has(path: string): boolean {
    this.#read()
    const hash = hashIn(path)
    return hash !== null && this.#hashes.includes(hash)
  }

  #read(): void {
    if (this.#store !== null) this.#hashes = listIn(this.#store, NAME)
  }

  #write(hashes: readonly string[]): void {
    this.#hashes = hashes
    keepList(this.#store, NAME, hashes)
  }
}

/** The payment hash of `/invoice-status/<hash>?token=…`. */
function hashIn(path: string): string | null {
  return /^\/invoice-status\/([0-9a-f]{64})(?:\?|$)/.exec(path)?.[1] ?? null
}

/** How an invoice came to be shown, once it is paid. */
export interface Shown {
  /** This page asked the gate for it. */
  readonly asked: boolean
  /** It was still unpaid when it was shown here. */
  readonly unpaid: boolean
}

/**
 * What to do with the key of a paid invoice. `keep`: this page asked for the invoice. `mark`: the key
 * came by a link and is the only one here, so the page shows it and pays nothing into it unasked.
 * `ask`: the key came by a link, and there are other keys here or the invoice was paid before it was
 * shown. Then the page asks its user.
 */
export function adoption(shown: Shown, keys: number): 'keep' | 'mark' | 'ask' {
  if (shown.asked) return 'keep'
  return shown.unpaid && keys === 0 ? 'mark' : 'ask'
}
