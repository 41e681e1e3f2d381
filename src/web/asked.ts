import { keepList, listIn } from './lists.ts'

const NAME = 'satgate.asked'
/** Invoices that are remembered, the newest first: more than anybody has open. */
const MOST = 100

/**
 * The invoices that this page asked for, so that a reload goes on with one. Whoever sends a link to
 * an invoice of their own has its key too: what comes by such a link is not put in use (threats J23).
 */
export class AskedInvoices {
  readonly #store: Storage | null
  #hashes: readonly string[] = []

  /** `store` null: the browser keeps nothing, and after a reload an invoice is a stranger's. */
  constructor(store: Storage | null) {
    this.#store = store
  }

  /** `path` is an invoice's, with its token. */
  add(path: string): void {
    this.#read()
    const hash = hashIn(path)
    if (hash === null) return
    this.#write([hash, ...this.#hashes.filter((one) => one !== hash)].slice(0, MOST))
  }

  /** It is paid, and its key is kept: nothing of it stays in the browser. */
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
 * What becomes of a paid invoice's key. `keep`: it is this page's own. `mark`: it came by a link and is
 * the only key here; it is shown, and nothing is paid into it without a word. `ask`: it came by a link
 * to a page that has keys, or its link was already paid: only the person in front of it can say.
 */
export function adoption(shown: Shown, keys: number): 'keep' | 'mark' | 'ask' {
  if (shown.asked) return 'keep'
  return shown.unpaid && keys === 0 ? 'mark' : 'ask'
}
