/**
 * How many steps lead from one word to another. A step inserts, removes or changes a letter, or
 * swaps two neighbours.
 */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let steps = Math.min(at(last, j) + 1, at(row, j - 1) + 1, at(last, j - 1) + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        steps = Math.min(steps, at(beforeLast, j - 2) + 1)
      }
      row.push(steps)
    }
    beforeLast = last
    last = row
  }
  return at(last, b.length)
}

const at = (row: readonly number[], index: number): number => row[index] ?? 0

/**
 * Finds the word that was most likely meant. Returns null if none is similar. Upper and lower case
 * count as equal.
 */
export function nearest(word: string, words: Iterable<string>): string | null {
  const wanted = word.slice(0, 60).toLowerCase()
  let best: string | null = null
  let fewest = Math.max(2, Math.floor(wanted.length / 3)) + 1
  for (const candidate of words) {
    const steps = editDistance(wanted, candidate.toLowerCase())
    if (steps < fewest && steps < candidate.length) {
      best = candidate
      fewest = steps
    }
  }
  return best
}
