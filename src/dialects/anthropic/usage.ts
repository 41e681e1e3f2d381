import type { Backend } from '../dialect.ts'
import { isObject, type JsonObject } from '../kit/json.ts'
import { countIn, type Report } from '../kit/usage-report.ts'

/** The figures of a usage (Anthropic API reference, "Create a Message"). */
const FIGURES = [
  'input_tokens',
  'cache_read_input_tokens',
  'cache_creation_input_tokens',
  'output_tokens',
] as const

/**
 * What one answer reports. `input_tokens` leaves out what was read from the prompt cache or written to it.
 * A stream reports at its beginning and again at its end, and names only some figures each time: a later
 * figure replaces the earlier one. A zero replaces none, because counts only grow: proxies write zeros
 * for what they do not know.
 */
export class ReportedUsage {
  readonly #backend: Backend
  readonly #known = new Map<string, number>()

  constructor(backend: Backend) {
    this.#backend = backend
  }

  /** The usage at the beginning of a stream. Ollama's is a guess: 5 where the end says 19. */
  begins(usage: unknown): Report | null {
    return this.#backend === 'ollama' ? null : this.adds(usage)
  }

  /** Everything that was reported so far. Null if this usage says nothing. */
  adds(usage: unknown): Report | null {
    if (!isObject(usage)) return null
    let said = false
    for (const name of FIGURES) {
      const count = countIn(usage[name])
      if (count === null || (count === 0 && this.#known.has(name))) continue
      this.#known.set(name, count)
      said = true
    }
    return said ? this.#report() : null
  }

  #report(): Report {
    const [fresh, cached = 0, written, output = null] = FIGURES.map((name) => this.#known.get(name))
    const apart = cached + (written ?? 0)
    const input = fresh !== undefined || apart > 0 ? (fresh ?? 0) + apart : null
    const report = { input, cached, output, beside: 0 }
    return written === undefined ? report : { ...report, written }
  }
}

/** The usage of an answer that was shortened. */
export function shortUsage(usage: JsonObject, most: number): JsonObject {
  const made = countIn(usage.output_tokens)
  return { ...usage, output_tokens: made === null ? most : Math.min(made, most) }
}
