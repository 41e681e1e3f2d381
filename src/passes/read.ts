import { createHash } from 'node:crypto'
import { assert } from '../floor/assert.ts'
import { globMatches } from '../floor/glob.ts'
import { err, ok, type Result } from '../floor/result.ts'
import type { Limit } from '../ledger/ledger.ts'
import {
  type Caveat,
  type CaveatProblem,
  type CaveatRefused,
  parseCaveat,
  type Rule,
} from './caveat.ts'
import { readIdentifier } from './identifier.ts'
import { sameHex } from './keys.ts'
import type { Macaroon } from './macaroon.ts'
import type { Forbidden, Operation, Pass } from './pass.ts'
import { isPlainPath } from './plain-path.ts'
import type { Scope } from './scope.ts'

const UTF_8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Reads the bytes of a caveat. */
export function readCaveat(bytes: Uint8Array): Result<Caveat, CaveatProblem> {
  try {
    return parseCaveat(UTF_8.decode(bytes))
  } catch {
    return err({ why: 'malformed_caveat', detail: 'a caveat is not UTF-8' })
  }
}

/** lnget adds the preimage to the macaroon that it paid for. That does not narrow the pass. */
const narrows = (caveat: Caveat): boolean => caveat.kind !== 'preimage'

/**
 * What these caveats leave of a root pass. A spending key is narrowed by `only = spend` alone; `id`
 * and `label` beside it restrict nothing.
 */
export function kindOf(caveats: readonly Caveat[]): 'root' | 'spending' | 'narrowed' {
  const kinds = new Set(caveats.filter(narrows).map(({ kind }) => kind))
  if (kinds.size === 0) return 'root'
  const only = kinds.delete('only')
  kinds.delete('id')
  kinds.delete('label')
  return only && kinds.size === 0 ? 'spending' : 'narrowed'
}

/** Names a meter or a narrowed pass. Nobody can make the same name without the same caveats before it. */
const nameOf = (signature: Uint8Array): string =>
  createHash('sha256').update(signature).digest('hex')

/**
 * Reads what a macaroon allows. `signatures` is the result of `verify`. One unknown or malformed
 * caveat makes the whole pass invalid (threats C4).
 */
export function readPass(
  macaroon: Macaroon,
  signatures: readonly Uint8Array[],
): Result<Pass, CaveatRefused> {
  const identifier = readIdentifier(macaroon.identifier)
  assert(identifier !== null, 'a macaroon that is signed here names a payment')
  assert(signatures.length === macaroon.caveats.length + 1, 'a signature for each prefix')
  const names = signatures.map(nameOf)
  const rules: Rule[] = []
  const limits: Limit[] = []
  const caveats: Caveat[] = []
  let [last = ''] = names
  for (const [index, bytes] of macaroon.caveats.entries()) {
    const caveat = readCaveat(bytes)
    const name = names[index + 1] ?? ''
    if (!caveat.ok) return err(caveat.error.why)
    caveats.push(caveat.value)
    if (narrows(caveat.value)) last = name
    if (caveat.value.kind === 'limit') {
      const { unit, window, max } = caveat.value
      limits.push({ meter: name, unit, window, max })
    } else if (isRule(caveat.value)) {
      rules.push(caveat.value)
    }
  }
  const kind = kindOf(caveats)
  const scope: Scope = kind === 'root' ? { is: kind } : { is: kind, pass: last }
  return ok({ ...identifier, names, scope, rules, limits })
}

const isRule = (caveat: Caveat): caveat is Rule =>
  caveat.kind !== 'limit' &&
  caveat.kind !== 'id' &&
  caveat.kind !== 'label' &&
  caveat.kind !== 'only'

/** Whether one rule holds. A request without a model breaks every `model` rule. */
function holds(rule: Rule, operation: Operation): boolean {
  switch (rule.kind) {
    case 'expires':
      return operation.now < rule.at
    case 'preimage':
      return sameHex(rule.hex, operation.secret)
    case 'path':
      return isPlainPath(operation.path) && rule.any.some((any) => globMatches(any, operation.path))
    case 'method':
      return rule.any.includes(operation.method)
    case 'model': {
      const { model } = operation
      return model !== null && rule.any.some((any) => globMatches(any, model))
    }
  }
}

/** The rule that forbids the request, for the text of a refusal. */
export const brokenRule = (
  pass: Pass,
  operation: Operation,
  kind: Rule['kind'],
): Rule | undefined => pass.rules.find((rule) => rule.kind === kind && !holds(rule, operation))

/**
 * Checks a pass against a request. Every rule must hold, also several of one kind. If several do
 * not hold, the first in the order of `Forbidden` is returned.
 */
export function allows(pass: Pass, operation: Operation): Result<true, Forbidden> {
  return rulesHold(pass, operation, ['expired', 'preimage', 'path', 'method', 'model'])
}

/**
 * Whether the pass is valid at all, whatever it may be used for. The gate's own endpoints need no
 * more: a pass for one model may read its balance too.
 */
export function allowsBearer(
  pass: Pass,
  bearer: Pick<Operation, 'secret' | 'now'>,
): Result<true, Forbidden> {
  const operation = { ...bearer, path: '/', method: 'GET', model: null }
  return rulesHold(pass, operation, ['expired', 'preimage'])
}

function rulesHold(
  pass: Pass,
  operation: Operation,
  order: readonly Forbidden[],
): Result<true, Forbidden> {
  for (const forbidden of order) {
    const kind = forbidden === 'expired' ? 'expires' : forbidden
    for (const rule of pass.rules) {
      if (rule.kind === kind && !holds(rule, operation)) return err(forbidden)
    }
  }
  return ok(true)
}
