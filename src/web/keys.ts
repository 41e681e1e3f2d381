const NAME = 'satgate.keys'

/** `<macaroon>:<secret>`, as clients.md has it. */
const KEY = /^[A-Za-z0-9+/_=-]{40,}:[0-9a-f]{64}$/

export const looksLikeKey = (text: string): boolean => KEY.test(text)

/**
 * The keys that this browser keeps, newest first; the first is in use. A key is money: one is never
 * written over by another, and another tab's are read again before each change.
 */
export class Keys {
  readonly #store: Storage | null
  #all: readonly string[] = []

  /** `store` null: the browser keeps nothing, and a reload loses the key. */
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

  /** What the browser has now. */
  read(): void {
    if (this.#store === null) return
    try {
      const kept: unknown = JSON.parse(this.#store.getItem(NAME) ?? '[]')
      this.#all = Array.isArray(kept) ? kept.filter((one) => typeof one === 'string') : []
    } catch {
      this.#all = []
    }
  }

  /** Keeps a key and puts it first. False where the browser would not keep it. */
  use(key: string): boolean {
    this.read()
    return this.#write([key, ...this.#all.filter((one) => one !== key)])
  }

  forget(key: string): void {
    this.read()
    this.#write(this.#all.filter((one) => one !== key))
  }

  #write(all: readonly string[]): boolean {
    this.#all = all
    try {
      this.#store?.setItem(NAME, JSON.stringify(all))
      return this.#store !== null
    } catch {
      return false
    }
  }
}
