import type { Backend } from '../dialects/dialect.ts'
import type { Awaitable } from '../floor/awaitable.ts'
import type { Named } from '../money/pricing.ts'

/** The models of the upstream, as far as they are known. */
export interface Catalog {
  /**
   * Whether the upstream serves this model; null if the upstream has never listed its models.
   * Refreshes the list first if it is old, so this is asked before anything else.
   */
  knows(model: string): Awaitable<boolean | null>
  /** Context in tokens; null if the upstream does not say. */
  contextOf(model: string): number | null
  /** Every model that may answer to this name, each by all its names (threats A10, J10). */
  reached(model: string): readonly Named[]
  /** The name under which the upstream lists it; the name itself if it is not listed. */
  listedAs(model: string): string
  /** The kind of upstream when it last listed its models (threats J8). */
  kind(): Backend
  /** A few names for an error's text. */
  some(): readonly string[]
}
