import { assert } from '../floor/assert.ts'
import { err, ok, type Result } from '../floor/result.ts'
import type { Limit } from '../ledger/ledger.ts'
import { encodeBase64 } from './base64.ts'
import { type CaveatProblem, canonicalCaveats } from './caveat.ts'
import { readIdentifier } from './identifier.ts'
import { secretMatches } from './keys.ts'
import { attenuate, type Macaroon, parse, serialize } from './macaroon.ts'
import type { Credential } from './pass.ts'
import { present } from './present.ts'
import { kindOf, readCaveat } from './read.ts'
import type { Scope } from './scope.ts'

export type NarrowProblem =
  | CaveatProblem
  | { readonly why: 'not_a_pass' | 'too_large'; readonly detail: string }

/**
 * Makes a child of a pass: it belongs to the same account and allows less. The holder can do this
 * offline. A random `id` of 16 hex digits comes before the new caveats. So two children with the
 * same caveats have different signatures, and each has its own meters (threats H9).
 */
export function narrow(
  pass: string,
  caveats: readonly string[],
  id: string,
): Result<string, NarrowProblem> {
  assert(/^[0-9a-f]{16}$/.test(id), 'the id of a child is 16 hex digits')
  const read = readText(pass)
  if (!read.ok) return read
  const wanted = canonicalCaveats(caveats)
  if (!wanted.ok) return wanted
  let { macaroon } = read.value
  for (const caveat of [`id = ${id}`, ...wanted.value]) {
    const next = attenuate(macaroon, caveat)
    if (!next.ok) return err({ why: 'too_large', detail: 'the pass has no room for more caveats' })
    macaroon = next.value
  }
  return ok(`${encodeBase64(serialize(macaroon))}:${read.value.credential.secret}`)
}

/**
 * What a pass tells without the key that signed it. Its account and its meters are not among that.
 */
export interface Inspected {
  readonly hash: string
  readonly tokenId: string
  /** The signature does not cover it. */
  readonly location: string
  /**
   * Each caveat as it is written, and what is wrong with it. A wrong caveat makes the whole pass
   * invalid.
   */
  readonly caveats: readonly { readonly text: string; readonly problem: string | null }[]
  /** `root`, `spending` (a spending key), or `narrowed`. A wrong caveat narrows too. */
  readonly kind: Exclude<Scope['is'], 'request'>
  readonly limits: readonly Omit<Limit, 'meter'>[]
  /**
   * Whether the secret is the preimage. Otherwise it can only be the settlement secret of the
   * invoice.
   */
  readonly preimage: boolean
}

/** Describes a pass, for printing. The result contains no secret. */
export function inspect(pass: string): Result<Inspected, NarrowProblem> {
  const read = readText(pass)
  if (!read.ok) return read
  const { macaroon, credential } = read.value
  const identifier = readIdentifier(macaroon.identifier)
  assert(identifier !== null, 'a credential that was read names a payment')
  const caveats = macaroon.caveats.map((bytes) => ({ bytes, caveat: readCaveat(bytes) }))
  const good = caveats.flatMap(({ caveat }) => (caveat.ok ? [caveat.value] : []))
  const limits = good.flatMap((caveat) => {
    if (caveat.kind !== 'limit') return []
    const { unit, window, max } = caveat
    return [{ unit, window, max }]
  })
  return ok({
    ...identifier,
    location: printable(macaroon.location),
    caveats: caveats.map(({ bytes, caveat }) => ({
      text: printable(bytes),
      problem: caveat.ok ? null : caveat.error.detail,
    })),
    kind: good.length === caveats.length ? kindOf(good) : 'narrowed',
    limits,
    preimage: secretMatches(credential.secret, identifier.hash),
  })
}

function readText(
  pass: string,
): Result<{ readonly macaroon: Macaroon; readonly credential: Credential }, NarrowProblem> {
  const presented = present(['x-api-key', pass])
  if (presented.is === 'credential') {
    const macaroon = parse(presented.credential.macaroon)
    assert(macaroon.ok, 'a credential that was read has a macaroon')
    return ok({ macaroon: macaroon.value, credential: presented.credential })
  }
  const detail = presented.is === 'malformed' ? presented.detail : 'a pass is <macaroon>:<secret>'
  return err({ why: 'not_a_pass', detail })
}

/** Makes a stranger's text safe for a terminal (threats H8). */
const printable = (bytes: Uint8Array): string =>
  Buffer.from(bytes)
    .toString('utf8')
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\u{fffd}')
