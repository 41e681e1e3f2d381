import { keepList, listIn } from './lists.ts'

const NAME = 'satgate.keys'
const LINKED = 'satgate.linked'

/** `<macaroon>:<secret>`, the form that clients send. */
const KEY = /^[A-Za-z0-9+/_=-]{40,}:[0-9a-f]{64}$/

export const looksLikeKey = (text: string): boolean => KEY.test(text)

/**
 * The keys that this browser keeps, newest first. The first is in use. A key is money, so no key
 * replaces another, and the keys of other tabs are read again before each change.
 */
export class Keys {
  readonly #store: Storage | null
  #all: readonly string[] = []
  #linked: readonly string[] = []

  /** If `store` is null the browser keeps nothing, and a reload loses the key. */
  constructor(store: Storage | null) {
    this.#store = store
    this.read()
  }

  get all(): readonly string[] {
    return this.#all
  }

  get current(): string | null {
    return this.#all[0] ?? null
  }

  /** Reads again what the browser keeps. */
  read(): void {
    if (this.#store === null) return
    this.#all = listIn(this.#store, NAME)
    this.#linked = listIn(this.#store, LINKED)
  }

  /**
   * Keeps a key and puts it first. A key that came by a link is marked: the person who made the link
   * may have it too. False if the browser refuses to keep it.
   */
  use(key: string, from: 'here' | 'link' = 'here'): boolean {
    this.read()
    if (from === 'link' && !this.#all.includes(key)) this.#mark([key, ...this.#linked])
    return this.#write([key, ...this.#all.filter((one) => one !== key)])
  }

  forget(key: string): void {
    this.read()
    this.#mark(this.#linked.filter((one) => one !== key))
    this.#write(this.#all.filter((one) => one !== key))
  }

  isFromLink(key: string): boolean {
    return this.#linked.includes(key)
  }

  /** The user says that nobody else has this key. */
  trust(key: string): void {
    this.read()
    this.#mark(this.#linked.filter((one) => one !== key))
  }

  #mark(linked: readonly string[]): void {
    this.#linked = linked
    keepList(this.#store, LINKED, linked)
  }

  #write(all: readonly string[]): boolean {
    this.#all = all
    return keepList(this.#store, NAME, all)
  }
}
