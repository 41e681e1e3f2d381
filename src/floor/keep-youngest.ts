/** Puts an entry in as the youngest; the eldest leaves where there are more than `most`. */
export function keepYoungest<T>(
  entries: Map<string, T>,
  { key, value, most }: { readonly key: string; readonly value: T; readonly most: number },
): void {
  entries.delete(key)
  entries.set(key, value)
  const eldest = entries.keys().next().value
  if (entries.size > most && eldest !== undefined) entries.delete(eldest)
}
