import type { Node } from './node.ts'
import type { Reader } from './reader.ts'

/**
 * One row of the table of settings. Flags, environment variables, checks, `satgate config` and the
 * documents are made from this table.
 */
export interface Setting<T, D extends string | null = string | null> {
  readonly read: Reader<T>
  /** The default as an operator would write it. Null if an unset value has a meaning of its own. */
  readonly standard: D
  /** A correct value, for the message about a wrong one. */
  readonly example: string
  readonly doc: string
  readonly flag?: Flag
  /**
   * Its value may be a list or a record, so text that begins with `{` or `[` is read as YAML in
   * every source.
   */
  readonly structured?: true
  readonly secret?: true
  /**
   * The note for a value that this version accepts without any effect. Null if the value has an
   * effect.
   */
  readonly later?: (node: Node) => string | null
}

/**
 * `text` takes a value, `switch` takes none, `pair` is repeated as NAME=VALUE, `file` takes the
 * path of a file with a secret.
 */
export interface Flag {
  readonly name: `--${string}`
  readonly kind: 'text' | 'switch' | 'pair' | 'file'
  /** The word that stands for the value in `--help`. */
  readonly value?: string
  /**
   * The value that a switch sets. If this is missing, the switch sets true, and `--no-…` sets
   * false.
   */
  readonly means?: string
  /** Its group and its text in `--help`. A flag without this is not shown there. */
  readonly help?: readonly [group: FlagGroup, says: string]
}

/** The groups of the gate's flags in `--help`, in their order. */
export const FLAG_GROUPS = ['Backend', 'Price', 'Money', 'Reach', 'Log'] as const
type FlagGroup = (typeof FLAG_GROUPS)[number]

/**
 * Returns the row unchanged. Its type keeps the type of the value, and whether there is a default.
 */
export const setting = <T, const D extends string | null>(row: Setting<T, D>): Setting<T, D> => row

/** The type of the value of a row. It is never undefined if the row has a default. */
export type ValueOf<S> =
  S extends Setting<infer T, infer D> ? (D extends null ? T | undefined : T) : never

export const noEffectYet = (): string => 'has no effect yet'

/** `freeTier.creditsPerDay` is `SATGATE_FREE_TIER_CREDITS_PER_DAY`. */
export const envName = (key: string): string =>
  `SATGATE_${key
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll('.', '_')
    .toUpperCase()}`
