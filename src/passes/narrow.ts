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
import { narrows, readCaveat } from './read.ts'

export type NarrowProblem =
  | CaveatProblem
  | { readonly why: 'not_a_pass' | 'too_large'; readonly detail: string }

/**
 * A child of a pass: the same account with less allowed, made offline by whoever holds it. The
 * random `id`, 16 hex digits, stands before the caveats that it comes with: two children made
 * alike then differ in every signature, so each has meters of its own (threats H9).
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

/** What can be said of a pass without the key that signed it: not its account, nor its meters. */
export interface Inspected {
  readonly hash: string
  readonly tokenId: string
  /** Not covered by the signature. */
  readonly location: string
  /** As written, and what is wrong with it: such a caveat refuses the whole pass. */
  readonly caveats: readonly { readonly text: string; readonly problem: string | null }[]
  readonly root: boolean
  readonly limits: readonly Omit<Limit, 'meter'>[]
  /** Whether the secret is the preimage; otherwise it can only be the invoice's settlement secret. */
  readonly preimage: boolean
}

/** A pass as a plain record, for printing. Holds no secret. */
export function inspect(pass: string): Result<Inspected, NarrowProblem> {
  const read = readText(pass)
  if (!read.ok) return read
  const { macaroon, credential } = read.value
  const identifier = readIdentifier(macaroon.identifier)
  assert(identifier !== null, 'a credential that was read names a payment')
  const caveats = macaroon.caveats.map((bytes) => ({ bytes, caveat: readCaveat(bytes) }))
  const limits = caveats.flatMap(({ caveat }) => {
    if (!caveat.ok || caveat.value.kind !== 'limit') return []
    const { unit, window, max } = caveat.value
    return [{ unit, window, max }]
  })
  return ok({
    ...identifier,
    location: printable(macaroon.location),
    caveats: caveats.map(({ bytes, caveat }) => ({
      text: printable(bytes),
      problem: caveat.ok ? null : caveat.error.detail,
    })),
    root: caveats.every(({ caveat }) => caveat.ok && !narrows(caveat.value)),
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

/** Text of strangers for a terminal: nothing in it moves a cursor (threats H8). */
const printable = (bytes: Uint8Array): string =>
  Buffer.from(bytes)
    .toString('utf8')
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\u{fffd}')
