/**
 * The features of `anthropic-beta` that pass. Each of them changes only what stands in fields that the
 * gate reads, or how an answer is written. A feature that is not on the list may add something that has
 * no price here: tools that the backend runs, files, memory, a dearer model (threats L18, J16).
 * A feature that passes needs no new entry for its next version: its date is left out here.
 */
const PASSED: ReadonlySet<string> = new Set([
  // What clients call themselves
  'claude-code',
  // How an answer is written
  ...[
    'interleaved-thinking',
    'dev-full-thinking',
    'redact-thinking',
    'fine-grained-tool-streaming',
  ],
  ...['adaptive-thinking', 'effort', 'structured-outputs', 'model-context-window-exceeded'],
  ...['token-efficient-tools', 'output-128k'],
  // Tools that the client runs
  'computer-use',
  // Cache entries that live for five minutes, which are a quantity of their own
  'prompt-caching',
])

/** The name of a feature without its date: `-2025-05-14` or `-20250219`. */
const undated = (feature: string): string => feature.replace(/-(?:\d{4}-\d\d-\d\d|\d{8})$/, '')

/** What a client asked for in `anthropic-beta`: the features that pass, and those that are left out. */
export interface Betas {
  /** The header for the backend; null if nothing of it passes. */
  readonly passed: string | null
  readonly left: readonly string[]
}

/** Reads the header. Several of them are one list (RFC 9110 section 5.3). */
export function betasOf(header: string | undefined): Betas {
  const all = (header ?? '').split(',').map((one) => one.trim())
  const named = all.filter((one) => one !== '')
  const good = named.filter((one) => PASSED.has(undated(one)))
  const left = named.filter((one) => !PASSED.has(undated(one)))
  return { passed: good.length === 0 ? null : good.join(','), left }
}
