import type { Node } from './node.ts'
import type { Reader } from './reader.ts'

/** One row of the table that flags, environment, checks, `satgate config` and the docs come from. */
export interface Setting<T, D extends string | null = string | null> {
  readonly read: Reader<T>
  /** The default, as it would be written; null where unset means something of its own. */
  readonly standard: D
  /** A right value, for the message about a wrong one. */
  readonly example: string
  readonly doc: string
  readonly flag?: Flag
  /** Its value may be a list or a record, so text in `{` or `[` is read as YAML wherever it stands. */
  readonly structured?: true
  readonly secret?: true
  /** What to say of a value that this version accepts and does not act on; null where it does. */
  readonly later?: (node: Node) => string | null
}

/** `text` takes a value, `switch` is one, `pair` is repeated as NAME=VALUE, `file` names a secret's file. */
export interface Flag {
  readonly name: `--${string}`
  readonly kind: 'text' | 'switch' | 'pair' | 'file'
  /** What stands for the value in `--help`. */
  readonly value?: string
  /** What a switch means in the settings; without it true, and `--no-…` means false. */
  readonly means?: string
  /** Where it stands in `--help`, and what it says there. A flag without it is not shown. */
  readonly help?: readonly [group: FlagGroup, says: string]
}

/** The groups of the gate's flags in `--help`, in their order. */
export const FLAG_GROUPS = ['Backend', 'Price', 'Money', 'Reach', 'Log'] as const
type FlagGroup = (typeof FLAG_GROUPS)[number]

/** Keeps the type of the value, and whether there is always one, for `Values`. */
export const setting = <T, const D extends string | null>(row: Setting<T, D>): Setting<T, D> => row

/** What a row gives: always a value where it has a default. */
export type ValueOf<S> =
  S extends Setting<infer T, infer D> ? (D extends null ? T | undefined : T) : never

export const noEffectYet = (): string => 'has no effect yet'

/** `freeTier.creditsPerDay` is `SATGATE_FREE_TIER_CREDITS_PER_DAY`. */
export const envName = (key: string): string =>
  `SATGATE_${key
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll('.', '_')
    .toUpperCase()}`
