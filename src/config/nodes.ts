import type { Node } from './node.ts'
import type { Reading } from './reader.ts'

/**
 * For each setting, what was written for it. Messages need it to say where a mistake is. Defaults
 * are nodes too.
 */
export type Nodes = ReadonlyMap<string, Node>

/** Where a mistake about some settings is reported. */
export interface Where {
  readonly nodes: Nodes
  readonly reading: Reading
}

/** Whether nobody wrote anything for this setting. */
export const isDefault = (nodes: Nodes, key: string): boolean =>
  nodes.get(key)?.at.layer === 'default'

/** Reports a mistake about a setting, where it was written. Says nothing if it was not. */
export function wrong(key: string, what: string, { nodes, reading }: Where): undefined {
  const at = nodes.get(key)?.at
  return at === undefined ? undefined : reading.mistake(at, `${key}: ${what}`)
}
