/** Lists of texts in the browser's storage. */

/** The list that is kept under that name; an empty one if it cannot be read. */
export function listIn(store: Storage, name: string): readonly string[] {
  try {
    const kept: unknown = JSON.parse(store.getItem(name) ?? '[]')
    return Array.isArray(kept) ? kept.filter((one) => typeof one === 'string') : []
  } catch {
    return []
  }
}

/** Keeps a list; an empty one is removed. False if the browser refuses to keep it. */
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
