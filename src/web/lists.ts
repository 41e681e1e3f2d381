/** Lists of texts in the browser's storage. */

/** What is kept there; nothing for nonsense. */
export function listIn(store: Storage, name: string): readonly string[] {
  try {
    const kept: unknown = JSON.parse(store.getItem(name) ?? '[]')
    return Array.isArray(kept) ? kept.filter((one) => typeof one === 'string') : []
  } catch {
    return []
  }
}

/** Keeps a list; an empty one leaves nothing behind. False where the browser would not keep it. */
export function keepList(store: Storage | null, name: string, list: readonly string[]): boolean {
  if (store === null) return false
  try {
    if (list.length === 0) store.removeItem(name)
    else store.setItem(name, JSON.stringify(list))
    return true
  } catch {
    return false
  }
}
