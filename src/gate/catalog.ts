import type { Backend } from '../dialects/dialect.ts'
import type { Named } from '../money/pricing.ts'

/** What the upstream serves, as far as it is known. */
export interface Catalog {
  /**
   * Whether the upstream serves it; null where it never told what it serves. Brings what is known of
   * the upstream up to date first, so this is asked before anything else.
   */
  knows(model: string): Promise<boolean | null>
  /** Context in tokens; null where the upstream does not say. */
  contextOf(model: string): number | null
  /** Every model that may answer to this name, each by all its names (threats A10, J10). */
  reached(model: string): readonly Named[]
  /** The name under which the upstream lists it; the name itself where it is not listed. */
  listedAs(model: string): string
  /** What the upstream was when it last listed its models (threats J8). */
  kind(): Backend
  /** A few names for an error's text. */
  some(): readonly string[]
}
